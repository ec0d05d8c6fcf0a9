weir_test(share_script_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_script_test.cc
  DEPS weir_test_share)
target_compile_definitions(share_script_test PRIVATE WEIR_SHARE_SCRIPTS="${CMAKE_SOURCE_DIR}/tests/scripts/share")
weir_test(share_simulation_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_ledger.cc ${CMAKE_CURRENT_LIST_DIR}/share_simulation.cc
          ${CMAKE_CURRENT_LIST_DIR}/share_simulation_test.cc
  DEPS weir_test_share)
weir_test(share_machine_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_machine_test.cc
  DEPS weir_test_share)
weir_test(share_parts_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_parts_test.cc
  DEPS weir_test_share)
weir_test(share_records_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_records_test.cc
  DEPS weir_share weir_test_golden)
weir_test(share_letters_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_dead_letter_log_test.cc ${CMAKE_CURRENT_LIST_DIR}/share_dead_letter_writer_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/share_letter_driver_test.cc ${CMAKE_CURRENT_LIST_DIR}/share_letters_machine_test.cc
  DEPS weir_test_letters)
weir_test(share_survey_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_survey_test.cc
  DEPS weir_test_share)
