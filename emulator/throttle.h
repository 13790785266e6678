/* Throttle: what the service lets one user do: so many requests in a window, so many queries at
 * once, the rest in a queue, first come first served, with a longest length and a longest wait
 * (docs/service.md 1.5). Safe for threads: the caller's thread is the one that waits. */
#ifndef WEIR_EMULATOR_THROTTLE_H
#define WEIR_EMULATOR_THROTTLE_H

#include "base/error.h"

#include <stdint.h>

enum { THROTTLE_RATE_MAX = 1000000 };

struct throttle_options {
    uint64_t rate;           /* requests in a window; 0: no limit */
    uint64_t window;         /* ns */
    uint64_t at_once;        /* queries that run at once; 0: no limit */
    uint64_t queue;          /* queries that wait */
    uint64_t queue_wait;     /* ns that one waits at most */
    uint64_t (*clock)(void); /* monotonic ns; NULL: clock_ns. For tests of the rate. */
};

enum throttle_verdict {
    THROTTLE_RUN,    /* throttle_leave is due */
    THROTTLE_RATE,   /* too many requests in the window */
    THROTTLE_FULL,   /* the queue is full */
    THROTTLE_WAITED, /* waited for longer than the service lets one wait */
    THROTTLE_STOPPED /* the emulator ends */
};

struct throttle_figures {
    uint64_t rate, full, waited; /* refusals by reason */
    uint64_t queued;             /* queries that had to wait */
    uint64_t most_at_once, longest_queue;
};

struct throttle;

struct throttle *throttle_new(const struct throttle_options *options, struct error *err);
void throttle_free(struct throttle *throttle);

/* Counts a request against the rate: true when it is within. Otherwise *retry_after is the time in
 * ns until the oldest request leaves the window. A refused request does not count. */
bool throttle_request(struct throttle *throttle, uint64_t *retry_after);

/* Waits for one of the places; THROTTLE_RUN must be followed by throttle_leave. */
enum throttle_verdict throttle_enter(struct throttle *throttle);
void throttle_leave(struct throttle *throttle);

/* Sends away all who wait, now and ever after. */
void throttle_stop(struct throttle *throttle);

struct throttle_figures throttle_figures(struct throttle *throttle);

#endif
