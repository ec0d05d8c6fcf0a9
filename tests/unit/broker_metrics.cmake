find_package(PkgConfig REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
weir_test(broker_metrics_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_metrics_test.cc
  DEPS weir_metrics PkgConfig::HTTPLIB)
