/* Watch: one thread that cancels what runs past its deadline, and everything when the emulator
 * ends. A cancel may come between two steps of the watched thread and hit nothing, so it is given
 * again until the watched one is gone. Safe for threads. */
#ifndef WEIR_EMULATOR_WATCH_H
#define WEIR_EMULATOR_WATCH_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdint.h>

struct watched {
    void (*cancel)(void *context); /* called from the watch's thread, more than once */
    void *context;
    uint64_t deadline; /* in the count of clock_ns */
    atomic_bool fired; /* its deadline passed, or the emulator ends */
    struct watched *next;
};

struct watch;

struct watch *watch_new(struct error *err);
void watch_free(struct watch *watch); /* nothing is watched any more */

/* The caller keeps `watched` until watch_remove, after which cancel is not called again. */
void watch_add(struct watch *watch, struct watched *watched);
void watch_remove(struct watch *watch, struct watched *watched);

/* From now on every deadline has passed. */
void watch_stop(struct watch *watch);

#endif
