/* Bell: waiting that a stop ends at once. Every pause of the emulator (latency, bandwidth, a stall,
 * the watch over queries) waits on the one bell, so that nothing outlives the end of the program by
 * more than it takes to wake. Safe for threads. */
#ifndef WEIR_EMULATOR_BELL_H
#define WEIR_EMULATOR_BELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t ring; /* on CLOCK_MONOTONIC, as clock_ns */
    bool rung;
};

bool bell_init(struct bell *bell);
void bell_release(struct bell *bell);

/* Wakes all who wait, now and ever after. */
void bell_ring(struct bell *bell);

/* Waits so many nanoseconds; false at once when the bell rings or has rung. */
bool bell_pause(struct bell *bell, uint64_t ns);

/* A condition variable whose deadlines count on CLOCK_MONOTONIC, and a wait until one (in the count
 * of clock_ns). False when the deadline has passed. The caller holds the lock. */
bool bell_cond_init(pthread_cond_t *cond);
bool bell_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline);

#endif
