# Installing: libraries, headers, what find_package(xsipc) reads, and a pkg-config file.
#
# find_package(xsipc) gives xsipc::api, the backends and xsipc::xsipc, which depend on nothing. Components `status` and
# `conformance` give the targets of that name; they need abseil and GoogleTest.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# xsipc_install(SET TARGET...): names each xsipc_NAME xsipc::NAME outside.
function(xsipc_install set)
  foreach(target IN LISTS ARGN)
    string(REGEX REPLACE "^xsipc_" "" name ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  endforeach()
  install(TARGETS ${ARGN} EXPORT ${set}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT ${set} NAMESPACE xsipc:: DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/xsipc")
endfunction()

set(core xsipc_api)
set(XSIPC_PC_LIBS "")
if(XSIPC_BACKENDS)
  string(APPEND XSIPC_PC_LIBS " -lxsipc")
  list(APPEND core xsipc)
endif()
foreach(backend IN LISTS XSIPC_BACKENDS)
  string(APPEND XSIPC_PC_LIBS " -lxsipc_${backend}")
  list(APPEND core xsipc_${backend})
endforeach()
if(TARGET xsipc_engine)
  string(APPEND XSIPC_PC_LIBS " -lxsipc_engine")
  list(APPEND core xsipc_engine)
endif()
string(APPEND XSIPC_PC_LIBS " -lxsipc_api")
xsipc_install(xsipcTargets ${core})
if(TARGET xsipc_status)
  xsipc_install(xsipcStatusTargets xsipc_status)
endif()
if(TARGET xsipc_conformance)
  xsipc_install(xsipcConformanceTargets xsipc_conformance)
  install(DIRECTORY conformance/include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endif()

install(DIRECTORY api/include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${PROJECT_BINARY_DIR}/include/xsipc/config.hpp" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/xsipc")

configure_package_config_file(cmake/xsipcConfig.cmake.in xsipcConfig.cmake
  INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/xsipc")
write_basic_package_version_file(xsipcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# Relative to where the file lies, so that an installed tree can be moved.
file(RELATIVE_PATH XSIPC_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/xsipc.pc.in xsipc.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/xsipcConfig.cmake" "${PROJECT_BINARY_DIR}/xsipcConfigVersion.cmake"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/xsipc")
install(FILES "${PROJECT_BINARY_DIR}/xsipc.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
