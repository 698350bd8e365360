# What the build needs, each with the package that has it.
#
# No version ceilings: newer releases of abseil and GoogleTest are welcome. The core (api, backends) needs the
# standard library and libc only; everything here serves what stands around it.
include_guard()

# Finds PACKAGE or ends the configuration with the name of the package and the command that installs it.
macro(xsipc_require PACKAGE DEBIAN_PACKAGE PURPOSE)
  find_package(${PACKAGE} QUIET ${ARGN})
  if(NOT ${PACKAGE}_FOUND)
    message(FATAL_ERROR
      "${PACKAGE} is missing (${PURPOSE}).\n"
      "Install the package ${DEBIAN_PACKAGE}: apt-get install ${DEBIAN_PACKAGE}\n"
      "or point CMake to it: -D${PACKAGE}_DIR=...")
  endif()
endmacro()

find_package(Threads REQUIRED)
if(XSIPC_BUILD_TESTS)
  xsipc_require(absl libabsl-dev "conformance suite, tools and xsipc::status" CONFIG)
  xsipc_require(GTest libgmock-dev "conformance suite and tests")
  if(NOT TARGET GTest::gmock)
    message(FATAL_ERROR "GoogleMock is missing (conformance suite and tests).\n"
      "Install the package libgmock-dev: apt-get install libgmock-dev")
  endif()
  xsipc_require(Boost libboost-dev "test and example of xsipc/boost.hpp" 1.74)
else()
  find_package(absl QUIET CONFIG)  # only xsipc::status wants it; without, there is no such target
endif()
