# Compiler settings that hold for every target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(LASTMILE_BUILD_TESTS "Build the C++ tests" ON)
option(LASTMILE_BUILD_BENCHES "Build the benchmarks without the tests, as a release needs it" OFF)
option(LASTMILE_BUILD_FUZZERS "Build the libFuzzer targets (clang only)" OFF)
set(LASTMILE_SANITIZERS "" CACHE STRING "Value of -fsanitize=, empty for none")

find_program(LASTMILE_CCACHE ccache)
if(LASTMILE_CCACHE)
  # ccache works with precompiled headers only if it is told so, and if the compiler shows their use.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${LASTMILE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  endif()
endif()

# One setting for libraries and programs, so that both can use the same precompiled headers.
add_compile_options(-fPIC)
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Wno-missing-field-initializers -Werror=switch
                    -Werror=return-type -Werror=unused-result)
# g++ 12 sees overlaps, overflows and uninitialized members in std::string and std::variant that are
# not there (its bugs 105651, 105329, 105593); clang and newer compilers look for the real ones.
add_compile_options("$<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-maybe-uninitialized>")
# clang warns of what libstdc++ 12 uses in its own std::ranges::stable_sort; g++ looks at our code.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-deprecated-declarations>)
if(LASTMILE_SANITIZERS)
  add_compile_options(-fsanitize=${LASTMILE_SANITIZERS} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LASTMILE_SANITIZERS})
  # A report ends the program that made it, also one that a test has started.
  set(LASTMILE_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1:exitcode=66:second_deadlock_stack=1:suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan_suppressions.txt")
else()
  add_compile_options(-fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
add_link_options(-pie)
# The test builds link dozens of programs, and lld takes a fifth of the time for each. What is shipped
# is linked by the compiler's own linker.
find_program(LASTMILE_LLD ld.lld)
if(LASTMILE_LLD AND NOT CMAKE_BUILD_TYPE STREQUAL Release)
  add_link_options(-fuse-ld=lld)
endif()
