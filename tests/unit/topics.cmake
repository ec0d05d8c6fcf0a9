weir_test(topics_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/topic_config_test.cc ${CMAKE_CURRENT_SOURCE_DIR}/topic_catalog_test.cc
  DEPS weir_topics weir_test_support)
