weir_test(group_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/group_assignor_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/group_assignor_random_test.cc
  DEPS weir_group)
