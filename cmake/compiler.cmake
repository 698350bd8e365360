# Language level, warnings, sanitizers and where built things go: the same for every target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # the libraries end up in shared objects too

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
endif()

option(XSIPC_WARNINGS_AS_ERRORS "Fail on compiler warnings" ${PROJECT_IS_TOP_LEVEL})
set(XSIPC_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")

# Added to every target of the project, and to nothing that uses it.
add_library(xsipc_build_flags INTERFACE)
target_compile_options(xsipc_build_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough
  # Where several sources make one unit, a local name may be a global one of another source.
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wshadow>
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wlogical-op>
  # Members with initialisers may be left out of a designated initialiser; GCC warns of them all the same.
  -Wno-missing-field-initializers
  # GCC 12 takes a string that is appended to another for overlapping (its bug 105651), and what a variant or function in an
  # optional doesn't hold for uninitialised; Clang's build looks at both.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict;-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${XSIPC_WARNINGS_AS_ERRORS}>:-Werror>)

if(XSIPC_SANITIZE)
  add_compile_options(-fsanitize=${XSIPC_SANITIZE} -fno-omit-frame-pointer)
  if(NOT XSIPC_SANITIZE MATCHES "thread")
    add_compile_options(-fno-sanitize-recover=all)
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC warns that the thread sanitizer doesn't see fences. They stand between atomic accesses only, which are no race
    # with fences or without.
    add_compile_options(-Wno-tsan)
  endif()
  add_link_options(-fsanitize=${XSIPC_SANITIZE})
endif()
