# The Debian packages this project stands on. A missing one is told with the name of its package.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(lastmile_require variable module package)
  pkg_check_modules(${variable} IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${variable}_FOUND)
    message(FATAL_ERROR "${module} is missing: apt-get install ${package} (or run scripts/install_packages.sh)")
  endif()
endfunction()

find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
lastmile_require(OPENSSL openssl libssl-dev)
lastmile_require(LWS libwebsockets libwebsockets-dev)
lastmile_require(UV libuv libuv1-dev)
lastmile_require(SOFIA sofia-sip-ua libsofia-sip-ua-dev)
lastmile_require(NICE nice libnice-dev)
# GLib asks for -pthread, which changes nothing here but would set its users' precompiled headers apart.
set_property(TARGET PkgConfig::NICE PROPERTY INTERFACE_COMPILE_OPTIONS "")

# libsofia-sip-ua.so and libnice.so both export stun_message_length, with different meanings: in one
# process the wrong one makes libnice refuse every STUN message. The gateway needs only sofia's
# grammar and takes it from the archive, which brings in nothing of sofia's STUN.
find_library(LASTMILE_SOFIA_ARCHIVE libsofia-sip-ua.a REQUIRED)
add_library(lastmile_sofia_grammar INTERFACE)
target_include_directories(lastmile_sofia_grammar SYSTEM INTERFACE ${SOFIA_INCLUDE_DIRS})
target_link_libraries(lastmile_sofia_grammar
  INTERFACE ${LASTMILE_SOFIA_ARCHIVE} PkgConfig::OPENSSL Threads::Threads)
lastmile_require(SRTP libsrtp2 libsrtp2-dev)
lastmile_require(CARES libcares libc-ares-dev)
lastmile_require(JWT libjwt libjwt-dev)
lastmile_require(SQLITE sqlite3 libsqlite3-dev)
lastmile_require(CURL libcurl libcurl4-openssl-dev)
lastmile_require(RE2 re2 libre2-dev)
set_property(TARGET PkgConfig::RE2 PROPERTY INTERFACE_COMPILE_OPTIONS "")  # -pthread, as with NICE
lastmile_require(OPUS opus libopus-dev)
lastmile_require(SPANDSP spandsp libspandsp-dev)
lastmile_require(SPEEXDSP speexdsp libspeexdsp-dev)
