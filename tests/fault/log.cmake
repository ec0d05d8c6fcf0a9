weir_test(log_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_crash_test.cc
  DEPS weir_test_log
  LABELS fault)
weir_test(log_failure_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_failure_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_damage_test.cc
  DEPS weir_test_log
  LABELS fault)
