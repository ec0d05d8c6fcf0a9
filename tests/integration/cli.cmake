# The programs as a person runs them. Needs the broker.
if(TARGET weir-broker)
  add_test(NAME Cli.EndToEnd
           COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/cli_test.py $<TARGET_FILE:weir> $<TARGET_FILE:weir-broker>)
  set_tests_properties(Cli.EndToEnd PROPERTIES TIMEOUT 900 ENVIRONMENT "WEIR_SANITIZE=${WEIR_SANITIZE}")
  add_test(NAME Cli.Share
           COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/cli_share_test.py $<TARGET_FILE:weir> $<TARGET_FILE:weir-broker>)
  set_tests_properties(Cli.Share PROPERTIES TIMEOUT 600)
endif()
