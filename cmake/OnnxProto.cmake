# The messages of ONNX in C, made by protobuf-c from the onnx.proto that libonnx-dev ships.
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
find_program(PROTOC_C protoc-c REQUIRED)
find_path(ONNX_PROTO_DIR onnx.proto PATH_SUFFIXES onnx REQUIRED)
set(BANTAM_ONNX_DIR ${CMAKE_BINARY_DIR}/onnx)
file(MAKE_DIRECTORY ${BANTAM_ONNX_DIR})
add_custom_command(
    OUTPUT ${BANTAM_ONNX_DIR}/onnx.pb-c.c ${BANTAM_ONNX_DIR}/onnx.pb-c.h
    COMMAND ${PROTOC_C} --proto_path=${ONNX_PROTO_DIR} --c_out=${BANTAM_ONNX_DIR} onnx.proto
    DEPENDS ${ONNX_PROTO_DIR}/onnx.proto
    COMMENT "ONNX messages in C"
    VERBATIM)
set_source_files_properties(${BANTAM_ONNX_DIR}/onnx.pb-c.c PROPERTIES COMPILE_OPTIONS -w) # not our style to mend
target_sources(bantam_core PRIVATE ${BANTAM_ONNX_DIR}/onnx.pb-c.c ${BANTAM_ONNX_DIR}/onnx.pb-c.h)
target_include_directories(bantam_core SYSTEM PRIVATE ${BANTAM_ONNX_DIR})
target_link_libraries(bantam_core PUBLIC PkgConfig::PROTOBUF_C)
