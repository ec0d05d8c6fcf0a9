weir_test(meta_test
  SOURCES
    ${CMAKE_CURRENT_SOURCE_DIR}/manifest_mark_test.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/rocksdb_kv_store_test.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/local_metadata_store_test.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/metadata_store_conformance_test.cc
  DEPS weir_meta)
