weir_test(share_groups_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_groups_test.cc
  DEPS weir_share_groups weir_test_group weir_test_log)
weir_test(share_breaker_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_breaker_test.cc
  DEPS weir_share_groups weir_test_support)
