weir_test(base_test
  SOURCES base_error_test.cc base_types_test.cc base_bytes_test.cc base_crc32c_test.cc base_executor_test.cc
          base_clock_test.cc base_utf8_test.cc base_file_system_test.cc base_posix_file_system_test.cc
  DEPS weir_base weir_test_support)
weir_test(sim_file_system_test
  SOURCES base_sim_content_test.cc base_sim_file_test.cc base_sim_tree_test.cc base_sim_file_system_test.cc
          base_sim_faults_test.cc
  DEPS weir_test_support)
weir_test(rocksdb_on_sim_test
  SOURCES base_rocksdb_on_sim_test.cc
  DEPS weir_test_rocksdb_sim weir_test_support RocksDB::rocksdb-shared)
weir_test(posix_interruptions_test
  SOURCES base_posix_interruptions_test.cc
  DEPS weir_base)
