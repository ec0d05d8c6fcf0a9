# Fuzz tests: a source with LLVMFuzzerTestOneInput, and a corpus of small inputs in tests/fault/corpus/<name>.
#
# Normally each is linked with fuzz_driver.cc and is an ordinary test: it replays the corpus and then a bounded number of seeded
# mutations of it. With clang and WEIR_FUZZ it is a libFuzzer program, to be run as long as one likes:
#   cmake -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DWEIR_FUZZ=ON -DWEIR_SANITIZE=fuzzer-no-link,address,undefined
#   build/fuzz/tests/fault/fuzz_record_batch -malloc_limit_mb=160 -max_len=4096 NEW_INPUTS tests/fault/corpus/record_batch
# What it finds is fixed, and the input is kept in the corpus.
option(WEIR_FUZZ "Build the fuzz tests for libFuzzer (clang only)" OFF)

set(WEIR_FUZZ_DIR ${CMAKE_CURRENT_LIST_DIR})
if(NOT WEIR_FUZZ)
  add_library(fuzz_driver STATIC ${WEIR_FUZZ_DIR}/fuzz_driver.cc)
endif()

# weir_fuzz_test(NAME SOURCES ... DEPS ... CORPUS name): a program NAME and a test of the same name. CORPUS is a folder's name.
function(weir_fuzz_test name)
  cmake_parse_arguments(FUZZ "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  set(corpus ${WEIR_FUZZ_DIR}/corpus/${FUZZ_CORPUS})
  add_executable(${name} ${FUZZ_SOURCES})
  target_link_libraries(${name} PRIVATE ${FUZZ_DEPS})
  if(WEIR_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # libFuzzer writes what it finds to the first folder.
    set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}_found)
    file(MAKE_DIRECTORY ${found})
    add_test(NAME ${name} COMMAND ${name} -runs=20000 -malloc_limit_mb=160 -max_len=4096 ${found} ${corpus})
  else()
    target_link_libraries(${name} PRIVATE fuzz_driver)
    add_test(NAME ${name} COMMAND ${name} ${corpus} --runs=20000)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS fuzz)
endfunction()
