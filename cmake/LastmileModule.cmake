# One target per row of the architecture table (docs/life-of-a-call.md): lastmile_module(sip SOURCES
# a.cc PUBLIC lastmile::base PRIVATE PkgConfig::SOFIA) makes the library lastmile_sip with the alias
# lastmile::sip. C libraries go to PRIVATE: their headers stay in the .cc files that own them.
function(lastmile_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(lastmile_${name} STATIC ${ARG_SOURCES})
  add_library(lastmile::${name} ALIAS lastmile_${name})
  target_include_directories(lastmile_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(lastmile_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  lastmile_precompile(lastmile_${name} lastmile_pch LastmilePch.cc
                      <expected> <functional> <string> <unordered_map> <variant> <vector>
                      <spdlog/spdlog.h>)
endfunction()

# Most of a small file's compile time is the same few headers: they are compiled once a build and
# kind of target. Every file still includes what it uses.
function(lastmile_precompile target holder source)
  if(NOT TARGET ${holder})
    add_library(${holder} OBJECT ${CMAKE_SOURCE_DIR}/cmake/${source})
    target_link_libraries(${holder} PRIVATE spdlog::spdlog fmt::fmt Threads::Threads)
    if(TARGET GTest::gmock)
      target_link_libraries(${holder} PRIVATE GTest::gmock)
    endif()
    target_precompile_headers(${holder} PRIVATE ${ARGN})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${holder})
endfunction()

# lastmile_test(sdp_test LABEL unit SOURCES a_test.cc LIBS lastmile::sdp TIMEOUT 30) makes one
# GoogleTest program and registers it with CTest under its label, with its deadline in seconds.
# THREADS: the test runs several threads; it also gets the label "threads" and belongs to the target
# thread_tests, all that a ThreadSanitizer build has to make.
add_custom_target(thread_tests)
add_custom_target(fuzzers)
function(lastmile_test name)
  cmake_parse_arguments(ARG "THREADS" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  lastmile_precompile(${name} lastmile_test_pch LastmileTestPch.cc
                      <expected> <functional> <string> <unordered_map> <variant> <vector>
                      <spdlog/spdlog.h> <gmock/gmock.h> <gtest/gtest.h>)
  add_test(NAME ${name} COMMAND ${name})
  if(ARG_THREADS)
    list(APPEND ARG_LABEL threads)
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/early_log.cc)
    target_link_libraries(${name} PRIVATE spdlog::spdlog)
    add_dependencies(thread_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT "${LASTMILE_TEST_ENVIRONMENT}")
endfunction()

# lastmile_fuzzer(sdp_parse_fuzz SOURCES x.cc LIBS lastmile::sdp) makes a libFuzzer target; CTest
# runs it for 200,000 inputs or a minute, starting from tests/fuzz/corpus/<name>. ALL_RUNS: however
# long they take. MAX_LEN: bytes of an input. DICTIONARY: words of the grammar, in tests/fuzz.
function(lastmile_fuzzer name)
  cmake_parse_arguments(ARG "ALL_RUNS" "RUNS;MAX_LEN;DICTIONARY" "SOURCES;LIBS" ${ARGN})
  if(NOT LASTMILE_BUILD_FUZZERS)
    return()
  endif()
  if(NOT ARG_RUNS)
    set(ARG_RUNS 200000)
  endif()
  if(NOT ARG_MAX_LEN)
    set(ARG_MAX_LEN 8192)
  endif()
  set(options -runs=${ARG_RUNS} -max_len=${ARG_MAX_LEN} -timeout=1 -rss_limit_mb=512)
  if(NOT ARG_ALL_RUNS)
    list(APPEND options -max_total_time=60)
  endif()
  if(ARG_DICTIONARY)
    list(APPEND options -dict=${CMAKE_SOURCE_DIR}/tests/fuzz/${ARG_DICTIONARY})
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz/${name})
  add_test(NAME ${name}
           COMMAND ${name} ${options} ${CMAKE_BINARY_DIR}/fuzz/${name}
                   ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  # Freed memory that ASan keeps counts too: its 256 MiB would leave little of the limit.
  string(REPLACE "ASAN_OPTIONS=" "ASAN_OPTIONS=quarantine_size_mb=32:" environment
         "${LASTMILE_TEST_ENVIRONMENT}")
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600 ENVIRONMENT "${environment}")
endfunction()
