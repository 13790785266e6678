# Sends the calls of a test that touch the disk through fault.c.
function(weir_fault test)
  foreach(call write fdatasync syncfs ftruncate flock mkdirat unlinkat linkat renameat renameat2 openat)
    target_link_options(${test} PRIVATE "-Wl,--wrap=${call}")
  endforeach()
endfunction()
