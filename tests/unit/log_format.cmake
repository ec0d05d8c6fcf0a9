weir_test(log_format_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_epoch_history_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_file_names_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_journal_format_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_journal_reader_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_journal_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_producer_state_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_recovery_point_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_atomic_recovery_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_no_room_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/log_recovery_test.cc ${CMAKE_CURRENT_LIST_DIR}/log_sparse_index_test.cc
  DEPS weir_meta weir_test_log)
