weir_test(partition_test
  SOURCES producer_identities_test.cc
  DEPS weir_partition weir_test_support)
