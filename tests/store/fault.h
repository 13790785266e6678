/* Calls that fail, and a process that dies, at a place of the test's choice.
 *
 * The calls that touch the disk go through functions of fault.c (--wrap of the linker: fault.cmake), so that the
 * n-th one can be made to fail, to do half of its work, or to be the last thing the process does.
 */
#ifndef WEIR_TESTS_STORE_FAULT_H
#define WEIR_TESTS_STORE_FAULT_H

#include <stdbool.h>

/* What happens at the n-th call from now on. */
struct fault {
    int at;           /* 1: the next; 0: nothing happens */
    const char *call; /* only this one counts; NULL: any */
    const char *name; /* only one of a file whose name ends so, by those that have it; NULL: any */
    int number;       /* errno of the failure; 0: the process is killed */
    bool brief;  /* only calls that write: a part is written, and the next fails if number is set */
    bool always; /* from there on each one, as a disk that is full or read-only has it */
    bool struck; /* it has happened */
    int gate;    /* a pipe's end: syncfs first reads a byte from it; 0: none */
};

/* Set before the thread that makes the calls begins. */
extern struct fault fault;

#endif
