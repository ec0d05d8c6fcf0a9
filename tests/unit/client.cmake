add_library(client_fake_broker STATIC ${CMAKE_CURRENT_LIST_DIR}/client_fake_broker.cc)
target_link_libraries(client_fake_broker PUBLIC weir_grpc weir_log weir_record)

weir_test(client_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_admin_test.cc ${CMAKE_CURRENT_LIST_DIR}/client_consumer_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/client_partition_queue_test.cc ${CMAKE_CURRENT_LIST_DIR}/client_producer_failures_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/client_producer_test.cc ${CMAKE_CURRENT_LIST_DIR}/client_wire_test.cc
  DEPS weir_client client_fake_broker weir_proto)

# Workers of share groups.
add_library(client_fake_share_broker STATIC ${CMAKE_CURRENT_LIST_DIR}/client_fake_share_broker.cc)
target_link_libraries(client_fake_share_broker PUBLIC weir_grpc weir_record)

weir_test(client_worker_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_work_ledger_test.cc ${CMAKE_CURRENT_LIST_DIR}/client_worker_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/client_worker_failures_test.cc
  DEPS weir_client client_fake_share_broker weir_proto weir_test_support)
