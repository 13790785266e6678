/* Processes: another program run to its end, and our own memory kept to ourselves. POSIX.
 *
 * The program is started without a shell, in a group of its own, in the root folder (so that nothing in the
 * user's folder is taken for a part of it), with stdin empty and with only those variables of our
 * environment that are named: a secret in the others does not reach it. */
#ifndef WEIR_BASE_PROCESS_H
#define WEIR_BASE_PROCESS_H

#include "base/secret.h"
#include "base/stop.h"

enum {
    PROCESS_ARGUMENTS_MAX = 32,
    PROCESS_VARIABLES_MAX = 64,
    PROCESS_ERROR_MAX = 64 * 1024 /* bytes kept of what it says on stderr; more is dropped */
};

struct process_options {
    const char *program;                              /* path, as process_find gives it */
    const char *arguments[PROCESS_ARGUMENTS_MAX];     /* without the program; NULL ends the list */
    const char *variables[PROCESS_VARIABLES_MAX + 1]; /* names handed on; NULL ends the list */
    double seconds;                                   /* then it is killed; 0: 60 */
    const struct stop *stop; /* looked at at least every 100 ms; NULL: none; lent */
};

/* Runs it and waits. What it writes to stdout goes into `out`, which secret_init made room for (more is
 * ERROR_LIMIT); stderr into `said`, its beginning. *status is its exit status, or 128 and the signal's number.
 * However this ends, the program and those of its group are gone. ERROR_IO when it cannot be started,
 * ERROR_TIMEOUT, ERROR_INTERRUPTED. A status that is not 0 is no error here. */
bool process_run(const struct process_options *options, struct secret *out, struct buf *said,
                 int *status, struct error *err);

/* The path of a program in the folders of PATH, absolute ones only; false: there is none. */
bool process_find(const char *name, struct buf *out);

/* From now on this process leaves no core dump, and no other process of the same user reads its memory or its
 * environment. For main, first thing. What the system does not know is passed over. */
void process_hide(void);

#endif
