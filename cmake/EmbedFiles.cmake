# Text files that travel inside the program, one table each: embed(FOLDER EXT HEADER TYPE TABLE) makes
# `const TYPE TABLE[] = {{"name", text}, ..., {0, 0}}` of FOLDER/*.EXT.
function(embed folder ext header type table)
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.${ext})
    set(text "/* Made by cmake/EmbedFiles.cmake from ${folder}. */\n#include \"${header}\"\nconst ${type} ${table}[] = {\n")
    foreach(file ${files})
        get_filename_component(name ${file} NAME_WE)
        file(READ ${file} hex HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
        string(APPEND text "    {\"${name}\", (const char[]){${bytes}0x00}},\n")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    endforeach()
    string(APPEND text "    {0, 0},\n};\n")
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${table}.c CONTENT "${text}" @ONLY)
    target_sources(bantam_core PRIVATE ${CMAKE_BINARY_DIR}/${table}.c)
endfunction()
embed(examples/spaces yaml search/shipped.h bti_shipped bti_shipped_spaces)
embed(examples/policies yaml augment/policy_int.h bti_shipped_policy bti_shipped_policies)
embed(src/export/kernels inc export/emit.h bti_kernel_text bti_kernel_texts) # as src/export compiles them
