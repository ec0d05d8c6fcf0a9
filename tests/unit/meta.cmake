weir_test(meta_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/rocksdb_kv_store_test.cc
  DEPS weir_meta)
