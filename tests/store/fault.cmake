# Sends the calls of a test that touch the disk through fault.c.
function(weir_fault test)
  foreach(call open openat close read pread write pwrite pwritev fsync fdatasync syncfs ftruncate flock
               mkdir mkdirat mkstemp mkostemp unlink unlinkat linkat rename renameat renameat2)
    target_link_options(${test} PRIVATE "-Wl,--wrap=${call}")
  endforeach()
endfunction()
