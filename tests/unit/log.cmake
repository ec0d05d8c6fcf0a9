weir_test(log_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_append_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_atomic_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_read_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_retention_test.cc
  DEPS weir_test_log)
