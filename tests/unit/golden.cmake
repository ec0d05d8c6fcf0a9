# The golden files of the data directory, and the page that shows them (record_golden_test.cc has those of the codecs).
weir_test(golden_test
  SOURCES log_golden_test.cc meta_golden_test.cc golden_start_test.cc format_page_test.cc
  DEPS weir_server weir_partition weir_test_golden weir_test_rocksdb_sim)
target_compile_definitions(golden_test PRIVATE WEIR_FORMAT_PAGE="${CMAKE_SOURCE_DIR}/storage/FORMAT.md")
