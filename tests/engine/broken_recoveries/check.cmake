# cmake -DPROGRAM=... -DSCENARIOS=FILTER -DEXPECTED=STATUS -P check.cmake
# Runs scenarios of the image tests; they must all be green (0) or one of them red (1). A program that crashes is neither.
execute_process(COMMAND "${PROGRAM}" "--gtest_filter=${SCENARIOS}" --gtest_brief=1
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
string(REGEX MATCHALL "Failure\nFailed\n[^\n]*" failures "${output}")
list(JOIN failures "\n" failures)
message(STATUS "exit status ${status}\n${failures}")
if(output MATCHES "\\[  PASSED  \\] 0 tests" AND EXPECTED EQUAL 0)
  message(FATAL_ERROR "no scenario ran")
endif()
if(NOT status STREQUAL EXPECTED)
  message(FATAL_ERROR "ended with ${status} instead of ${EXPECTED}:\n${output}")
endif()
