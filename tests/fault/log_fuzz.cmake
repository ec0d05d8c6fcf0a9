add_library(fuzz_disk STATIC ${CMAKE_CURRENT_LIST_DIR}/fuzz_disk.cc ${CMAKE_CURRENT_LIST_DIR}/fuzz_directory.cc)
target_link_libraries(fuzz_disk PUBLIC weir_test_log)
weir_fuzz_test(fuzz_journal SOURCES fuzz_journal.cc DEPS fuzz_disk CORPUS journal)
weir_fuzz_test(fuzz_recovery SOURCES fuzz_recovery.cc DEPS fuzz_disk CORPUS recovery)

# Makes the corpora of both anew, for when a format has changed.
add_executable(write_fuzz_corpus write_fuzz_corpus.cc)
target_link_libraries(write_fuzz_corpus PRIVATE fuzz_disk)
