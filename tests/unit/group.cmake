weir_test(group_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/group_assignor_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/group_assignor_random_test.cc
  DEPS weir_group_assignor)
weir_test(group_script_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_script_test.cc
  DEPS weir_test_group)
target_compile_definitions(group_script_test PRIVATE WEIR_GROUP_SCRIPTS="${CMAKE_SOURCE_DIR}/tests/scripts/group")
