# What the lists of the rooms are written in. A target may be named in USES before it exists, or if it never
# does: only what links it then fails.
#
#   weir_room(NAME json SOURCES scan.c write.c USES base LIBS xxhash)
#       src/json as static library weir_json. Without SOURCES: a room that is headers only.
#   weir_module(NAME engine_duckdb USES engine_duckdb)
#       lib/weir/libweir_engine_duckdb.so, loaded when it is needed.
#   weir_program(NAME weir SOURCES main.c USES cli)
#       bin/weir, installed.
#   weir_test(NAME test_scan SOURCES test_scan.c USES json LABELS slow TIMEOUT 120 ARGS …)
#       a cmocka program, run by CTest. The label no-sanitizer keeps it out of test-asan and test-tsan.
#   weir_python_test(NAME e2e_errors SCRIPT test_errors.py TIMEOUT 600)
#       a script run by the Python of build/venv, with WEIR_BIN in its environment.
#   weir_fuzz(NAME fuzz_scan USES json)
#       fuzz/fuzz_scan.c over fuzz/corpus/scan/: libFuzzer in preset fuzz, else a test that replays the corpus.
#   weir_bench(NAME bench_scan USES json)
#       bench/bench_scan.c, built by target `benches` alone.

set(WEIR_TEST_TIMEOUT 180)
if(WEIR_SANITIZE)
  set(WEIR_TEST_TIMEOUT 480)
endif()

# Tests say what they mean by literals of every type, argv included: conversions in them are not worth a cast.
set(WEIR_TEST_OPTIONS -Wno-conversion -Wno-sign-conversion -Wno-write-strings)

set(WEIR_TEST_ENV
    "WEIR_BIN=${CMAKE_BINARY_DIR}/bin"
    "WEIR_SOURCE=${CMAKE_SOURCE_DIR}"
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:intercept_tls_get_addr=0"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/sanitizers/lsan.supp:print_suppressions=0"
    "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/sanitizers/tsan.supp:ignore_noninstrumented_modules=1:second_deadlock_stack=1")

add_custom_target(programs)
add_custom_target(fuzzers)
add_custom_target(benches)

function(weir_link target scope uses libs)
  list(TRANSFORM uses PREPEND weir_)
  list(TRANSFORM libs PREPEND weir::)
  target_link_libraries(${target} ${scope} ${uses} ${libs})
endfunction()

# Every room is included by its path from src/; the emulator, a program of its own, by emulator/.
function(weir_includes target scope)
  target_include_directories(${target} ${scope} "${CMAKE_SOURCE_DIR}/src")
  if(target MATCHES "emulator" OR CMAKE_CURRENT_SOURCE_DIR MATCHES "/emulator$")
    target_include_directories(${target} ${scope} "${CMAKE_SOURCE_DIR}")
  endif()
endfunction()

function(weir_room)
  cmake_parse_arguments(A "" "NAME" "SOURCES;USES;LIBS" ${ARGN})
  set(target weir_${A_NAME})
  if(NOT A_SOURCES)
    add_library(${target} INTERFACE)
    weir_includes(${target} INTERFACE)
    weir_link(${target} INTERFACE "${A_USES}" "${A_LIBS}")
    return()
  endif()
  add_library(${target} STATIC ${A_SOURCES})
  weir_includes(${target} PUBLIC)
  weir_link(${target} PUBLIC "${A_USES}" "${A_LIBS}")
endfunction()

function(weir_module)
  cmake_parse_arguments(A "" "NAME" "SOURCES;USES;LIBS" ${ARGN})
  set(target weir_module_${A_NAME})
  if(NOT A_SOURCES)
    # All of the room's objects, not only those that something asks for.
    file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${target}.c" CONTENT "typedef int weir_module;\n")
    set(A_SOURCES "${CMAKE_CURRENT_BINARY_DIR}/${target}.c")
    set(whole "-Wl,--whole-archive" weir_${A_NAME} "-Wl,--no-whole-archive")
  endif()
  add_library(${target} MODULE ${A_SOURCES})
  weir_includes(${target} PRIVATE)
  weir_link(${target} PRIVATE "${A_USES}" "${A_LIBS}")
  target_link_libraries(${target} PRIVATE ${whole})
  set_target_properties(${target} PROPERTIES
      OUTPUT_NAME weir_${A_NAME}
      LIBRARY_OUTPUT_DIRECTORY "${WEIR_MODULE_DIR}"
      INSTALL_RPATH "$ORIGIN")
  add_dependencies(programs ${target})
  install(TARGETS ${target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/weir")
endfunction()

function(weir_program)
  cmake_parse_arguments(A "" "NAME" "SOURCES;USES;LIBS" ${ARGN})
  add_executable(${A_NAME} ${A_SOURCES})
  weir_includes(${A_NAME} PRIVATE)
  weir_link(${A_NAME} PRIVATE "${A_USES}" "${A_LIBS}")
  add_dependencies(programs ${A_NAME})
  install(TARGETS ${A_NAME} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

function(weir_test_properties name timeout labels)
  if(NOT timeout)
    set(timeout ${WEIR_TEST_TIMEOUT})
  elseif(WEIR_SANITIZE)
    math(EXPR timeout "${timeout} * 4")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${labels}"
                       ENVIRONMENT "${WEIR_TEST_ENV}")
endfunction()

function(weir_test)
  cmake_parse_arguments(A "" "NAME;TIMEOUT" "SOURCES;USES;LIBS;LABELS;ARGS" ${ARGN})
  add_executable(${A_NAME} ${A_SOURCES})
  weir_includes(${A_NAME} PRIVATE)
  weir_link(${A_NAME} PRIVATE "${A_USES}" "${A_LIBS}")
  target_link_libraries(${A_NAME} PRIVATE weir::cmocka)
  target_compile_options(${A_NAME} PRIVATE ${WEIR_TEST_OPTIONS})
  target_compile_definitions(${A_NAME} PRIVATE
      WEIR_SOURCE_DIR="${CMAKE_SOURCE_DIR}" WEIR_BUILD_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${A_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${A_NAME} COMMAND ${A_NAME} ${A_ARGS})
  weir_test_properties(${A_NAME} "${A_TIMEOUT}" "${A_LABELS}")
endfunction()

function(weir_python_test)
  cmake_parse_arguments(A "" "NAME;SCRIPT;TIMEOUT" "LABELS;ARGS" ${ARGN})
  add_test(NAME ${A_NAME} COMMAND "${WEIR_VENV}/bin/python" -B
           "${CMAKE_CURRENT_SOURCE_DIR}/${A_SCRIPT}" ${A_ARGS})
  weir_test_properties(${A_NAME} "${A_TIMEOUT}" "python;${A_LABELS}")
endfunction()

function(weir_fuzz)
  cmake_parse_arguments(A "" "NAME;TIMEOUT" "SOURCES;USES;LIBS;LABELS" ${ARGN})
  if(NOT A_SOURCES)
    set(A_SOURCES "${CMAKE_SOURCE_DIR}/fuzz/${A_NAME}.c")
  endif()
  string(REGEX REPLACE "^fuzz_" "" what ${A_NAME})
  if(NOT WEIR_FUZZ)
    list(APPEND A_SOURCES "${CMAKE_SOURCE_DIR}/fuzz/replay.c")
  endif()
  add_executable(${A_NAME} ${A_SOURCES})
  weir_includes(${A_NAME} PRIVATE)
  weir_link(${A_NAME} PRIVATE "${A_USES}" "${A_LIBS}")
  # The entry point's prototype stands in the fuzzer, not in a header.
  target_compile_options(${A_NAME} PRIVATE ${WEIR_TEST_OPTIONS} -Wno-missing-prototypes)
  set_target_properties(${A_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  add_dependencies(fuzzers ${A_NAME})
  if(WEIR_FUZZ)
    target_link_options(${A_NAME} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  add_test(NAME ${A_NAME} COMMAND ${A_NAME} "${CMAKE_SOURCE_DIR}/fuzz/corpus/${what}")
  weir_test_properties(${A_NAME} "${A_TIMEOUT}" "fuzz;${A_LABELS}")
endfunction()

function(weir_bench)
  cmake_parse_arguments(A "" "NAME" "SOURCES;USES;LIBS" ${ARGN})
  if(NOT A_SOURCES)
    set(A_SOURCES "${CMAKE_SOURCE_DIR}/bench/${A_NAME}.c")
  endif()
  add_executable(${A_NAME} EXCLUDE_FROM_ALL ${A_SOURCES})
  weir_includes(${A_NAME} PRIVATE)
  weir_link(${A_NAME} PRIVATE "${A_USES}" "${A_LIBS}")
  target_compile_options(${A_NAME} PRIVATE ${WEIR_TEST_OPTIONS})
  set_target_properties(${A_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench")
  add_dependencies(benches ${A_NAME})
endfunction()
