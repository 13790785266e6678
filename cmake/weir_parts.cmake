# Parts that others made, as weir::<name>; a room names them in LIBS without the prefix.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

set(WEIR_MISSING "")

# weir::<name> from the pkg-config module <module>.
function(weir_part name module)
  pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  if(${name}_FOUND)
    add_library(weir::${name} ALIAS PkgConfig::${name})
  else()
    set(WEIR_MISSING ${WEIR_MISSING} ${module} PARENT_SCOPE)
  endif()
endfunction()

weir_part(curl libcurl)
weir_part(jansson jansson)
weir_part(yaml yaml-0.1)
weir_part(zlib zlib)
weir_part(zstd libzstd)
weir_part(xxhash libxxhash)
weir_part(openssl openssl)
weir_part(crypto libcrypto)
weir_part(expat expat)
weir_part(microhttpd libmicrohttpd)
weir_part(cmocka cmocka)
if(WEIR_MISSING)
  list(JOIN WEIR_MISSING ", " missing)
  message(FATAL_ERROR "missing on this machine: ${missing}. Run: make setup")
endif()

add_library(weir::threads ALIAS Threads::Threads)
# The C library's own other half: a room does not have to ask for it.
link_libraries(m)
add_link_options(-Wl,--as-needed)

if(WEIR_DUCKDB)
  file(STRINGS "${CMAKE_SOURCE_DIR}/scripts/pins" pin REGEX "^duckdb ")
  string(REGEX REPLACE "^duckdb ([^ ]+) .*" "\\1" duckdb_version "${pin}")
  set(DUCKDB_ROOT "${CMAKE_SOURCE_DIR}/build/deps/duckdb-${duckdb_version}"
      CACHE PATH "DuckDB's lib/libduckdb.so and include/duckdb.h")
  if(NOT EXISTS "${DUCKDB_ROOT}/lib/libduckdb.so" OR NOT EXISTS "${DUCKDB_ROOT}/include/duckdb.h")
    message(FATAL_ERROR "no lib/libduckdb.so and include/duckdb.h in ${DUCKDB_ROOT}. Run: make setup; "
            "or give -DDUCKDB_ROOT=<yours>, or -DWEIR_DUCKDB=OFF to build what does not need it")
  endif()
  add_library(duckdb SHARED IMPORTED GLOBAL)
  set_target_properties(duckdb PROPERTIES
      IMPORTED_LOCATION "${DUCKDB_ROOT}/lib/libduckdb.so"
      IMPORTED_SONAME libduckdb.so
      INTERFACE_INCLUDE_DIRECTORIES "${DUCKDB_ROOT}/include")
  add_library(weir::duckdb ALIAS duckdb)
endif()
