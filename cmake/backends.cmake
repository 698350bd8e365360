# Which backends are compiled, and which of them is the default.

# Every backend that exists; the order is the order of reports.
set(XSIPC_KNOWN_BACKENDS sysv posix fake)

set(XSIPC_BACKENDS "${XSIPC_KNOWN_BACKENDS}" CACHE STRING "Backends to compile: a list of ${XSIPC_KNOWN_BACKENDS}")
set(XSIPC_DEFAULT_BACKEND auto CACHE STRING "What default_backend() is: sysv, posix, fake or auto")
set_property(CACHE XSIPC_DEFAULT_BACKEND PROPERTY STRINGS auto sysv posix fake)

foreach(backend IN LISTS XSIPC_BACKENDS)
  if(NOT backend IN_LIST XSIPC_KNOWN_BACKENDS)
    message(FATAL_ERROR "XSIPC_BACKENDS names '${backend}'; this version has: ${XSIPC_KNOWN_BACKENDS}")
  endif()
endforeach()

if(NOT XSIPC_DEFAULT_BACKEND MATCHES "^(auto|sysv|posix|fake)$")
  message(FATAL_ERROR "XSIPC_DEFAULT_BACKEND is '${XSIPC_DEFAULT_BACKEND}'; it can be sysv, posix, fake or auto")
endif()
if(NOT XSIPC_DEFAULT_BACKEND STREQUAL "auto" AND NOT XSIPC_DEFAULT_BACKEND IN_LIST XSIPC_BACKENDS)
  message(FATAL_ERROR
    "XSIPC_DEFAULT_BACKEND is '${XSIPC_DEFAULT_BACKEND}', which is not compiled in: XSIPC_BACKENDS is '${XSIPC_BACKENDS}'")
endif()

# For xsipc/config.hpp.
foreach(backend IN ITEMS sysv posix fake)
  string(TOUPPER ${backend} upper)
  set(XSIPC_HAS_${upper} 0)
  if(backend IN_LIST XSIPC_BACKENDS)
    set(XSIPC_HAS_${upper} 1)
  endif()
endforeach()
foreach(default IN ITEMS auto sysv posix fake)
  string(TOUPPER ${default} upper)
  set(XSIPC_DEFAULT_IS_${upper} 0)
  if(default STREQUAL XSIPC_DEFAULT_BACKEND)
    set(XSIPC_DEFAULT_IS_${upper} 1)
  endif()
endforeach()
