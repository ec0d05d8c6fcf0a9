weir_fuzz_test(fuzz_journal
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_journal.cc ${CMAKE_CURRENT_LIST_DIR}/fuzz_disk.cc
  DEPS weir_log weir_test_support
  CORPUS journal)
weir_fuzz_test(fuzz_recovery
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_recovery.cc ${CMAKE_CURRENT_LIST_DIR}/fuzz_disk.cc
  DEPS weir_test_log
  CORPUS recovery)
