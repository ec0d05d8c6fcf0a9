# A member of a consumer group as a process of its own.
add_executable(weir-group-member
  ${CMAKE_CURRENT_LIST_DIR}/member_process.cc ${CMAKE_CURRENT_LIST_DIR}/member_report.cc
  ${CMAKE_CURRENT_LIST_DIR}/consumer_member.cc ${CMAKE_CURRENT_LIST_DIR}/stream_member.cc
  ${CMAKE_CURRENT_LIST_DIR}/process_life.cc)
target_link_libraries(weir-group-member PRIVATE weir_client weir_grpc)

# A worker of a share group as a process of its own.
add_executable(weir-job-worker
  ${CMAKE_CURRENT_LIST_DIR}/job_process.cc ${CMAKE_CURRENT_LIST_DIR}/job_report.cc ${CMAKE_CURRENT_LIST_DIR}/job_plan.cc
  ${CMAKE_CURRENT_LIST_DIR}/stream_worker.cc ${CMAKE_CURRENT_LIST_DIR}/call_worker.cc ${CMAKE_CURRENT_LIST_DIR}/process_life.cc)
target_link_libraries(weir-job-worker PRIVATE weir_base weir_grpc)

# The real broker, killed and cut off.
foreach(name broker_kill_test power_cut_test share_kill_test)
  weir_test(${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}.cc ${CMAKE_CURRENT_LIST_DIR}/broker_ledger.cc
            ${CMAKE_CURRENT_LIST_DIR}/consumption_ledger.cc ${CMAKE_CURRENT_LIST_DIR}/member_fleet.cc
            ${CMAKE_CURRENT_LIST_DIR}/member_report.cc ${CMAKE_CURRENT_LIST_DIR}/topic_churn.cc
            ${CMAKE_CURRENT_LIST_DIR}/job_audit.cc ${CMAKE_CURRENT_LIST_DIR}/job_drain.cc
            ${CMAKE_CURRENT_LIST_DIR}/job_ledger.cc
            ${CMAKE_CURRENT_LIST_DIR}/job_plan.cc ${CMAKE_CURRENT_LIST_DIR}/job_report.cc
            ${CMAKE_CURRENT_LIST_DIR}/worker_fleet.cc ${CMAKE_CURRENT_LIST_DIR}/process_fleet.cc
            ${CMAKE_SOURCE_DIR}/tests/support/broker_runner.cc
    DEPS weir_client weir_test_support
    LABELS fault)
  target_compile_definitions(${name} PRIVATE WEIR_BROKER="$<TARGET_FILE:weir-broker>"
                             WEIR_GROUP_MEMBER="$<TARGET_FILE:weir-group-member>"
                             WEIR_JOB_WORKER="$<TARGET_FILE:weir-job-worker>"
                             WEIR_POWERCUT="${CMAKE_CURRENT_LIST_DIR}/power_cut_disk.sh")
  add_dependencies(${name} weir-broker weir-group-member weir-job-worker)
endforeach()

# The real broker against a model.
set(model_sources)
foreach(name broker_model corrupt_batch model_calls model_config model_context model_draw model_fetch_operations model_group
        model_group_calls model_group_operations model_member_operations model_offset_operations model_partition model_produce
        model_produce_answer model_produce_operations model_producers model_read_operations model_reader model_record
        model_sequences model_topic_operations model_wire model_worker)
  list(APPEND model_sources ${CMAKE_CURRENT_LIST_DIR}/${name}.cc)
endforeach()
weir_test(broker_model_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_model_test.cc ${model_sources} ${CMAKE_SOURCE_DIR}/tests/support/broker_runner.cc
  DEPS weir_client weir_record weir_grpc weir_test_support
  LABELS fault)
target_compile_definitions(broker_model_test PRIVATE WEIR_BROKER="$<TARGET_FILE:weir-broker>")
add_dependencies(broker_model_test weir-broker)
