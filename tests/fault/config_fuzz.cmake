weir_fuzz_test(fuzz_config SOURCES fuzz_config.cc DEPS weir_config weir_test_support CORPUS config)
weir_fuzz_test(fuzz_names SOURCES fuzz_names.cc DEPS weir_cli weir_config weir_rpc weir_log CORPUS names)
