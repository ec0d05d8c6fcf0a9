# The scripts of tools/ that decide what is right are tested too.
foreach(test lint/layers_test tour/tour_test)
  get_filename_component(name ${test} NAME)
  add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/${test}.py)
  set_tests_properties(${name} PROPERTIES TIMEOUT 60)
endforeach()
