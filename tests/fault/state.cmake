weir_test(state_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/state_crash_test.cc
  DEPS weir_meta weir_test_support weir_test_rocksdb_sim
  LABELS fault)
weir_test(state_failure_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/state_failure_test.cc
  DEPS weir_meta weir_test_support weir_test_rocksdb_sim
  LABELS fault)
weir_test(state_keeper_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/state_keeper_crash_test.cc
  DEPS weir_test_state
  LABELS fault)
weir_test(group_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/group_crash_test.cc ${CMAKE_CURRENT_LIST_DIR}/group_workload.cc
          ${CMAKE_CURRENT_LIST_DIR}/machine_crash.cc
  DEPS weir_test_group_disk
  LABELS fault)
weir_test(share_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/share_crash_test.cc ${CMAKE_CURRENT_LIST_DIR}/share_workload.cc
          ${CMAKE_CURRENT_LIST_DIR}/machine_crash.cc
  DEPS weir_test_share_disk
  LABELS fault)

if(WEIR_SEEDED_BUGS)
  foreach(bug no-atomic-flush snapshot-not-synced)
    weir_seeded_bug(${bug} state_crash_test)
  endforeach()
  weir_seeded_bug(forget-failed-directory rocksdb_files_test)
  weir_seeded_bug(forget-state-failure state_failure_test)
  weir_seeded_bug(skip-manifest-check state_store_test)
  foreach(bug trim-below-newer-snapshot start-empty-without-state)
    weir_seeded_bug(${bug} state_keeper_crash_test)
  endforeach()
  foreach(bug answer-before-append answer-before-durable start-empty-without-state store-ahead-of-log store-keeps-removed-group)
    weir_seeded_bug(${bug} group_crash_test)
  endforeach()
endif()
