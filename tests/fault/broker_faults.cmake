# The real broker, killed and cut off.
foreach(name broker_kill_test power_cut_test)
  weir_test(${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}.cc ${CMAKE_CURRENT_LIST_DIR}/broker_ledger.cc
            ${CMAKE_SOURCE_DIR}/tests/support/broker_runner.cc
    DEPS weir_client weir_test_support
    LABELS fault)
  target_compile_definitions(${name} PRIVATE WEIR_BROKER="$<TARGET_FILE:weir-broker>"
                             WEIR_POWERCUT="${CMAKE_CURRENT_LIST_DIR}/power_cut_disk.sh")
  add_dependencies(${name} weir-broker)
endforeach()
