# What an installation holds beside the programs. The build tree has the same shape, so what is written here
# into its share/ is also what the programs find when they run from it.
foreach(data schemas prices hunts)
  if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/${data}")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/share/weir")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${data}" "${CMAKE_BINARY_DIR}/share/weir/${data}" SYMBOLIC)
    install(DIRECTORY ${data} DESTINATION "${CMAKE_INSTALL_DATADIR}/weir")
  endif()
endforeach()

install(FILES README.md CHANGELOG.md SECURITY.md LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)

# Manual pages and shell completions are what the programs tell of themselves.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND TARGET weir AND TARGET weir-emulator)
  set(told "${CMAKE_BINARY_DIR}/share/told")
  add_custom_command(OUTPUT "${told}/stamp"
      COMMAND "${CMAKE_SOURCE_DIR}/packaging/manuals" "${CMAKE_BINARY_DIR}/bin"
              "${CMAKE_SOURCE_DIR}/src/cli/commands.c" "${told}"
      COMMAND "${CMAKE_COMMAND}" -E touch "${told}/stamp"
      DEPENDS weir weir-emulator "${CMAKE_SOURCE_DIR}/packaging/manuals"
      COMMENT "Writing manual pages and completions" VERBATIM)
  add_custom_target(manuals ALL DEPENDS "${told}/stamp")
  add_dependencies(programs manuals)
  install(DIRECTORY "${told}/" DESTINATION "${CMAKE_INSTALL_DATADIR}" PATTERN stamp EXCLUDE)
endif()
