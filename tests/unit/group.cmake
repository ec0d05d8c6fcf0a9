weir_test(group_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/group_assignor_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/group_assignor_random_test.cc
  DEPS weir_group_assignor)
weir_test(group_script_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_script_test.cc
  DEPS weir_test_group)
target_compile_definitions(group_script_test PRIVATE WEIR_GROUP_SCRIPTS="${CMAKE_SOURCE_DIR}/tests/scripts/group")
weir_test(group_simulation_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_ledger.cc ${CMAKE_CURRENT_LIST_DIR}/group_simulation.cc
          ${CMAKE_CURRENT_LIST_DIR}/group_simulation_test.cc
  DEPS weir_test_group)
weir_test(group_machine_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_machine_test.cc
  DEPS weir_test_group weir_test_log)
weir_test(group_survey_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_survey_test.cc
  DEPS weir_test_group)
weir_test(group_scale_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_scale_test.cc
  DEPS weir_test_group)
weir_test(group_records_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_records_test.cc
  DEPS weir_group weir_test_golden)
weir_test(group_limits_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_limits_test.cc
  DEPS weir_test_group)
