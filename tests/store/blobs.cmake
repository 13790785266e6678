# The played Blob service, for the sources of a test.
set(blobs)
foreach(part blobs blobs_kept blobs_request blobs_operate)
  list(APPEND blobs ${CMAKE_CURRENT_LIST_DIR}/${part}.c)
endforeach()
