# The tour of tools/run --tour in small: real programs, kill -9, and the sample of a package history.
add_test(NAME Tour.SampleSurvivesTwoKills
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/tour/tour.py --broker $<TARGET_FILE:weir-broker>
                 --weir $<TARGET_FILE:weir> --work-dir ${CMAKE_CURRENT_BINARY_DIR} --sample --records 30000)
set_tests_properties(Tour.SampleSurvivesTwoKills PROPERTIES TIMEOUT 600)
