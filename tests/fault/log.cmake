weir_test(log_crash_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_crash_test.cc
  DEPS weir_test_log
  LABELS fault)
weir_test(log_failure_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_failure_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_damage_test.cc
  DEPS weir_test_log
  LABELS fault)
weir_test(log_no_space_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_no_space_test.cc
  DEPS weir_test_log
  LABELS fault)

# The deliberate defects: with WEIR_SEEDED_BUGS each of them must make the test named with it fail.
if(WEIR_SEEDED_BUGS)
  function(weir_seeded_bug bug test)
    add_test(NAME SeededBug.${bug}.${test} COMMAND ${CMAKE_COMMAND} -E env WEIR_BUG=${bug} $<TARGET_FILE:${test}>)
    set_tests_properties(SeededBug.${bug}.${test} PROPERTIES WILL_FAIL TRUE LABELS seeded TIMEOUT 600)
  endfunction()
  foreach(bug skip-journal-sync ack-before-sync trust-file-instead-of-redo cut-one-batch-too-far free-journal-early
              sample-after-flush skip-checkpoint-flush atomic-append-in-two-rounds)
    weir_seeded_bug(${bug} log_crash_test)
  endforeach()
  weir_seeded_bug(forget-fence log_failure_test)
  weir_seeded_bug(hold-only-what-waits log_failure_test)
  weir_seeded_bug(read-only-start-saves-point log_no_space_test)
  weir_seeded_bug(forget-what-belongs-together log_no_space_test)
  weir_seeded_bug(assign-offsets-too-early log_test)
  weir_seeded_bug(show-parts-one-by-one log_test)
  weir_seeded_bug(answer-before-durable broker_shard_test)
endif()
