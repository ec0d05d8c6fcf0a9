# The example that tells the story of share groups, with real programs.
if(TARGET weir-broker)
  add_test(NAME Example.Signup
           COMMAND /usr/bin/python3 -B ${CMAKE_SOURCE_DIR}/client/examples/signup/play.py --broker $<TARGET_FILE:weir-broker>
                   --weir $<TARGET_FILE:weir> --signup $<TARGET_FILE:signup>)
  set_tests_properties(Example.Signup PROPERTIES TIMEOUT 300)
endif()
