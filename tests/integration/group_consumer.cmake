weir_test(group_consumer_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_consumer_test.cc
  DEPS weir_server weir_client)
