weir_test(limits_test
  SOURCES
    ${CMAKE_CURRENT_SOURCE_DIR}/limits_admission_test.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/limits_machine_memory_test.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/limits_disk_watermark_test.cc
  DEPS weir_limits weir_test_support)
