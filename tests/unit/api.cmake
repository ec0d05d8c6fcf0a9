file(GLOB api_files CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/proto/weir/v1 ${CMAKE_SOURCE_DIR}/proto/weir/v1/*.proto)
list(JOIN api_files "," api_files)
weir_test(api_snapshot_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/api_snapshot_test.cc
  DEPS weir_proto absl::strings)
target_compile_definitions(api_snapshot_test PRIVATE
  WEIR_API_FILES="${api_files}")
