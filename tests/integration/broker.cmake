# The real broker, driven from Python through nothing but generated stubs, made here from the protos.
set(stubs ${CMAKE_CURRENT_BINARY_DIR}/stubs)
set(stub_files)
file(MAKE_DIRECTORY ${stubs})
find_program(GRPC_PYTHON_PLUGIN grpc_python_plugin REQUIRED)
foreach(name common log admin group share)
  set(proto ${CMAKE_SOURCE_DIR}/proto/weir/v1/${name}.proto)
  add_custom_command(
    OUTPUT ${stubs}/weir/v1/${name}_pb2.py ${stubs}/weir/v1/${name}_pb2_grpc.py
    COMMAND protobuf::protoc -I${CMAKE_SOURCE_DIR}/proto --python_out=${stubs} --grpc_python_out=${stubs}
            --plugin=protoc-gen-grpc_python=${GRPC_PYTHON_PLUGIN} ${proto}
    DEPENDS ${proto} ${CMAKE_SOURCE_DIR}/proto/weir/v1/common.proto ${CMAKE_SOURCE_DIR}/proto/weir/v1/admin.proto
    VERBATIM)
  list(APPEND stub_files ${stubs}/weir/v1/${name}_pb2.py)
endforeach()
add_custom_target(broker_python_stubs ALL DEPENDS ${stub_files})

# Debian's own interpreter, for which Debian's python3-grpcio is made, even where another one comes first in the path.
foreach(test records errors start restart full_disk groups share_groups share dead_letters fan_out)
  add_test(NAME Broker.${test} COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/broker_${test}_test.py)
  set_tests_properties(Broker.${test} PROPERTIES TIMEOUT 600
    ENVIRONMENT "PYTHONPATH=${stubs};WEIR_BROKER_PROGRAM=$<TARGET_FILE:weir-broker>;WEIR_SANITIZE=${WEIR_SANITIZE}")
endforeach()
