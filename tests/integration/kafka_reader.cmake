add_library(batch_json STATIC ${CMAKE_CURRENT_LIST_DIR}/batch_json.cc)
target_link_libraries(batch_json PUBLIC record_samples)
add_executable(write_batches ${CMAKE_CURRENT_LIST_DIR}/write_batches.cc)
target_link_libraries(write_batches PRIVATE batch_json)
add_executable(read_batches ${CMAKE_CURRENT_LIST_DIR}/read_batches.cc)
target_link_libraries(read_batches PRIVATE batch_json)

# Debian's own interpreter, for which Debian's python3-kafka is made, even where another one comes first in the path.
add_test(NAME KafkaReader.BothWays
         COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/kafka_reader_test.py both-ways
                 $<TARGET_FILE:write_batches> $<TARGET_FILE:read_batches>)
set_tests_properties(KafkaReader.BothWays PROPERTIES TIMEOUT 600)
