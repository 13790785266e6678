/* Bell: waiting that a stop ends at once. */

#include "emulator/bell.h"

#include "base/tick.h"

#include <errno.h>
#include <time.h>

static const uint64_t second = 1000000000;

bool bell_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(cond, &attributes) == 0;
    (void) pthread_condattr_destroy(&attributes);
    return done;
}

bool bell_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t) (deadline / second),
                             .tv_nsec = (long) (deadline % second)};
    return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

bool bell_init(struct bell *bell)
{
    *bell = (struct bell){0};
    if (pthread_mutex_init(&bell->lock, NULL) != 0)
        return false;
    if (bell_cond_init(&bell->ring))
        return true;
    (void) pthread_mutex_destroy(&bell->lock);
    return false;
}

void bell_release(struct bell *bell)
{
    (void) pthread_cond_destroy(&bell->ring);
    (void) pthread_mutex_destroy(&bell->lock);
}

void bell_ring(struct bell *bell)
{
    (void) pthread_mutex_lock(&bell->lock);
    bell->rung = true;
    (void) pthread_cond_broadcast(&bell->ring);
    (void) pthread_mutex_unlock(&bell->lock);
}

bool bell_pause(struct bell *bell, uint64_t ns)
{
    uint64_t deadline = clock_ns() + ns;
    (void) pthread_mutex_lock(&bell->lock);
    while (!bell->rung && clock_ns() < deadline)
        (void) bell_cond_wait(&bell->ring, &bell->lock, deadline);
    bool rung = bell->rung;
    (void) pthread_mutex_unlock(&bell->lock);
    return !rung;
}
