# What an installation holds beside the programs; the build tree gets the same shape by links.
foreach(data schemas hunts)
  if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/${data}")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/share/weir")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${data}" "${CMAKE_BINARY_DIR}/share/weir/${data}" SYMBOLIC)
    install(DIRECTORY ${data} DESTINATION "${CMAKE_INSTALL_DATADIR}/weir")
  endif()
endforeach()

if(WEIR_DUCKDB)
  install(FILES "${DUCKDB_ROOT}/lib/libduckdb.so" DESTINATION "${CMAKE_INSTALL_LIBDIR}/weir")
endif()
