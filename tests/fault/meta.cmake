weir_test(meta_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/meta_crash_test.cc
  DEPS weir_topics weir_test_support weir_test_rocksdb_sim
  LABELS fault)
weir_test(meta_failure_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/meta_failure_test.cc
  DEPS weir_topics weir_test_support weir_test_rocksdb_sim
  LABELS fault)
weir_test(topic_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/topic_crash_test.cc
  DEPS weir_topics weir_test_log weir_test_rocksdb_sim
  LABELS fault)

if(WEIR_SEEDED_BUGS)
  weir_seeded_bug(skip-manifest-check meta_test)
endif()
