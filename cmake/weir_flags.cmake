# Language, warnings, hardening and sanitizers, the same for every file of the tree.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The build tree has the shape of an installation, so a program finds its parts the same way in both:
# ../lib/weir for the engine, ../share/weir for schemas and hunts, seen from the program.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(WEIR_MODULE_DIR "${CMAKE_BINARY_DIR}/lib/weir")

set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_RELEASE "-O3 -g -fno-plt")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(WEIR_WARNINGS
    -Wall -Wextra -Wpedantic -Werror
    -Wcast-qual -Wconversion -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wshadow -Wstrict-prototypes -Wundef
    -Wvla -Wwrite-strings)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND WEIR_WARNINGS -Wduplicated-cond -Wlogical-op -Wtrampolines)
elseif(CMAKE_C_COMPILER_ID MATCHES "Clang")
  list(APPEND WEIR_WARNINGS -Wcomma -Wunreachable-code)
endif()

add_compile_definitions(_GNU_SOURCE WEIR_VERSION="${PROJECT_VERSION}")
add_compile_options(${WEIR_WARNINGS} -fno-strict-overflow)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
                      -fstack-protector-strong -fstack-clash-protection -fcf-protection
                      -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_EXE_LINKER_FLAGS} -pie")
endif()

# What a user runs leaves the freeing of a database to the system; where leaks and lines are counted, all is freed.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release" OR WEIR_SANITIZE OR WEIR_COVERAGE)
  add_compile_definitions(WEIR_FREE_ALL)
endif()

if(WEIR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
  # The sanitizer looks for the C++ runtime's throw when the program starts, DuckDB's comes later with the engine.
  add_link_options(-Wl,--push-state,--no-as-needed,-lstdc++,--pop-state)
endif()
if(WEIR_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
