weir_test(partition_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/partition_record_rules_test.cc ${CMAKE_CURRENT_LIST_DIR}/producer_identities_test.cc
  DEPS weir_partition weir_test_support)
