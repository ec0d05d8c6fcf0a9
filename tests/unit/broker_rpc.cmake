weir_test(broker_rpc_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_produce_decoder_test.cc ${CMAKE_CURRENT_LIST_DIR}/broker_request_decoder_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/broker_job_encoding_test.cc
  DEPS weir_rpc)
