weir_test(group_sampler_test SOURCES ${CMAKE_CURRENT_LIST_DIR} /
          group_sampler_test.cc ${CMAKE_CURRENT_LIST_DIR} /
          topic_lags_test.cc DEPS weir_server weir_test_group weir_test_log)
    weir_test(share_sampler_test SOURCES ${CMAKE_CURRENT_LIST_DIR} /
              share_sampler_test.cc DEPS weir_server weir_test_group weir_test_log)
