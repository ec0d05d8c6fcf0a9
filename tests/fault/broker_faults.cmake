# The real broker, killed and cut off.
foreach(name broker_kill_test power_cut_test)
  weir_test(${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}.cc ${CMAKE_CURRENT_LIST_DIR}/broker_ledger.cc
            ${CMAKE_CURRENT_LIST_DIR}/topic_churn.cc ${CMAKE_SOURCE_DIR}/tests/support/broker_runner.cc
    DEPS weir_client weir_test_support
    LABELS fault)
  target_compile_definitions(${name} PRIVATE WEIR_BROKER="$<TARGET_FILE:weir-broker>"
                             WEIR_POWERCUT="${CMAKE_CURRENT_LIST_DIR}/power_cut_disk.sh")
  add_dependencies(${name} weir-broker)
endforeach()

# The real broker against a model.
set(model_sources)
foreach(name broker_model corrupt_batch model_calls model_config model_context model_draw model_fetch_operations
        model_partition model_produce model_produce_answer model_produce_operations model_producers model_read_operations
        model_reader model_record model_sequences model_topic_operations model_worker)
  list(APPEND model_sources ${CMAKE_CURRENT_LIST_DIR}/${name}.cc)
endforeach()
weir_test(broker_model_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_model_test.cc ${model_sources} ${CMAKE_SOURCE_DIR}/tests/support/broker_runner.cc
  DEPS weir_client weir_record weir_grpc weir_test_support
  LABELS fault)
target_compile_definitions(broker_model_test PRIVATE WEIR_BROKER="$<TARGET_FILE:weir-broker>")
add_dependencies(broker_model_test weir-broker)
