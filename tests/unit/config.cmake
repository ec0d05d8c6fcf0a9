weir_test(config_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/config_test.cc
  DEPS weir_config weir_test_support)
