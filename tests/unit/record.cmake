add_library(record_samples STATIC ${CMAKE_CURRENT_LIST_DIR}/record_samples.cc)
target_link_libraries(record_samples PUBLIC weir_record)

weir_test(record_test
  SOURCES record_batch_test.cc record_builder_test.cc record_compression_test.cc record_golden_test.cc
          record_partitioner_test.cc record_reader_test.cc record_reencode_test.cc record_varint_test.cc
  DEPS record_samples weir_record)
# The codecs' own headers: some tests write what our compressors never would.
find_package(ZLIB REQUIRED)
find_library(LZ4_LIBRARY lz4 REQUIRED)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
target_link_libraries(record_test PRIVATE ZLIB::ZLIB ${LZ4_LIBRARY} ${SNAPPY_LIBRARY} ${ZSTD_LIBRARY})
