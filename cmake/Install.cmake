# `make install` and `make deb`: program, manual pages, completions, examples; library and headers as a part of their own.
include(GNUInstallDirs)
set(BANTAM_MANUAL ${CMAKE_BINARY_DIR}/manual)
add_custom_command(
    OUTPUT ${BANTAM_MANUAL}/bantam.bash
    COMMAND ${CMAKE_SOURCE_DIR}/tools/make_manual $<TARGET_FILE:bantam> ${CMAKE_SOURCE_DIR}/src/cli/verbs.def ${BANTAM_MANUAL}
    DEPENDS bantam ${CMAKE_SOURCE_DIR}/tools/make_manual
    COMMENT "Manual pages and completions")
add_custom_target(bantam_manual ALL DEPENDS ${BANTAM_MANUAL}/bantam.bash)

install(TARGETS bantam RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT bantam)
install(DIRECTORY ${BANTAM_MANUAL}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT bantam)
install(FILES ${BANTAM_MANUAL}/bantam.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME bantam COMPONENT bantam)
install(FILES ${BANTAM_MANUAL}/bantam.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
        RENAME _bantam COMPONENT bantam)
install(FILES ${BANTAM_MANUAL}/bantam.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        COMPONENT bantam)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/bantam COMPONENT bantam)
install(FILES tools/torch_models.py DESTINATION ${CMAKE_INSTALL_DATADIR}/bantam/tools
        COMPONENT bantam) # examples/load_in_pytorch.py looks for it there
install(FILES README.md CHANGELOG.md docs/guide.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT bantam)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT bantam)

# The static library of the same sources; bantam.pc finds its own prefix, wherever it is moved.
set_target_properties(bantam_core PROPERTIES OUTPUT_NAME bantam)
install(TARGETS bantam_core ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY include/bantam DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
file(RELATIVE_PATH BANTAM_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(BANTAM_PC_DNNL "")
if(BANTAM_DNNL)
    set(BANTAM_PC_DNNL "-ldnnl")
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/bantam.pc.in ${CMAKE_BINARY_DIR}/bantam.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/bantam.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# The .deb holds what a user runs; its Depends are read from the program (dpkg-shlibdeps).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bantam)
set(CPACK_PACKAGE_CONTACT "bantam maintainers <maintainers@bantam.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "search small image models within a time budget")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Labelled images and a deadline in, a front of small, accurate, trained image models out.\nArchitecture, hyper-parameters and augmentation are searched together on the CPU:\none native program, no Python, no GPU.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL bantam)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS dataset-fashion-mnist)
include(CPack)
