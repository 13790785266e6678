/* Host: which machine and process this is, so that another process can tell whether it still lives. */
#ifndef WEIR_BASE_HOST_H
#define WEIR_BASE_HOST_H

#include "base/text.h"

enum { HOST_NAME_MAX_TEXT = 65, HOST_ID_MAX = 64 };

struct host_process {
    char host[HOST_NAME_MAX_TEXT]; /* for people; "an unnamed host" when it has no name */
    char boot[HOST_ID_MAX];        /* of the kernel's start; "": unknown */
    char space[HOST_ID_MAX];       /* of process numbers: containers have their own; "": unknown */
    int64_t pid, began; /* began: in the kernel's clock ticks since the start; 0: unknown */
};
void host_self(struct host_process *out);

/* True only when that process ran on this machine since its start, among the numbers that we see, and is no
 * more. Linux; false elsewhere. */
bool host_process_gone(const struct host_process *process);

#endif
