weir_test(disk_reserve_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/disk_reserve_test.cc
  DEPS weir_server weir_test_support)
