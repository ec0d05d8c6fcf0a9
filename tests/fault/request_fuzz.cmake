weir_fuzz_test(fuzz_requests SOURCES fuzz_requests.cc DEPS weir_server weir_grpc CORPUS requests)

# Makes its corpus anew, for when a request has changed.
add_executable(write_request_corpus write_request_corpus.cc)
target_link_libraries(write_request_corpus PRIVATE weir_proto weir_record)
