weir_test(broker_runtime_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_timer_queue_test.cc ${CMAKE_CURRENT_LIST_DIR}/broker_waiters_test.cc
  DEPS weir_runtime weir_test_support)
weir_test(state_overlay_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/state_overlay_test.cc DEPS weir_runtime weir_test_support)
weir_test(broker_shard_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_shard_test.cc
  DEPS weir_runtime weir_test_log)
weir_test(broker_state_keeper_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_state_keeper_test.cc
  DEPS weir_test_state)
