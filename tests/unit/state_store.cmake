weir_test(rocksdb_files_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rocksdb_files_test.cc
  DEPS weir_meta weir_test_support weir_test_rocksdb_sim)
weir_test(state_store_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/state_store_contract_test.cc ${CMAKE_CURRENT_LIST_DIR}/rocksdb_state_store_test.cc
  DEPS weir_meta weir_test_support weir_test_rocksdb_sim)
