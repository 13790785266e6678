/* Throttle: a rate, a number of places, and a queue before them.
 *
 * Invariants, all under `lock`:
 *   1. `times` is a ring of the last `rate` accepted requests; times[next] is the oldest of them.
 *   2. Waiters stand in a list in the order in which they came; only its head may take a place.
 *   3. A waiter that leaves the list, however, wakes the others: a new head looks again.
 */

#include "emulator/throttle.h"

#include "base/memory.h"
#include "base/tick.h"
#include "emulator/bell.h"

struct waiter {
    struct waiter *next;
};

struct throttle {
    struct throttle_options options;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t *times;
    size_t next, known;
    struct waiter *head, **tail;
    uint64_t running, waiting;
    bool stopped;
    struct throttle_figures figures;
};

struct throttle *throttle_new(const struct throttle_options *options, struct error *err)
{
    if (options->rate > THROTTLE_RATE_MAX) {
        error_set(err, ERROR_USAGE, "--rate: at most %d", THROTTLE_RATE_MAX);
        return NULL;
    }
    struct throttle *throttle = mem_alloc(1, sizeof *throttle, err);
    if (!throttle)
        return NULL;
    throttle->options = *options;
    if (!throttle->options.clock)
        throttle->options.clock = clock_ns;
    throttle->tail = &throttle->head;
    throttle->times = mem_alloc(options->rate, sizeof *throttle->times, err);
    if (!throttle->times || pthread_mutex_init(&throttle->lock, NULL) != 0) {
        error_set(err, ERROR_MEMORY, "no mutex for the queue");
        goto fail;
    }
    if (bell_cond_init(&throttle->moved))
        return throttle;
    error_set(err, ERROR_MEMORY, "no condition variable for the queue");
    (void) pthread_mutex_destroy(&throttle->lock);
fail:
    mem_free(throttle->times);
    mem_free(throttle);
    return NULL;
}

void throttle_free(struct throttle *throttle)
{
    if (!throttle)
        return;
    (void) pthread_cond_destroy(&throttle->moved);
    (void) pthread_mutex_destroy(&throttle->lock);
    mem_free(throttle->times);
    mem_free(throttle);
}

bool throttle_request(struct throttle *throttle, uint64_t *retry_after)
{
    const struct throttle_options *options = &throttle->options;
    if (options->rate == 0)
        return true;
    (void) pthread_mutex_lock(&throttle->lock);
    uint64_t now = options->clock();
    uint64_t oldest = throttle->times[throttle->next];
    bool within = throttle->known < options->rate || now - oldest >= options->window;
    if (within) {
        throttle->times[throttle->next] = now;
        throttle->next = (throttle->next + 1) % options->rate;
        if (throttle->known < options->rate)
            throttle->known++;
    } else {
        *retry_after = options->window - (now - oldest);
        throttle->figures.rate++;
    }
    (void) pthread_mutex_unlock(&throttle->lock);
    return within;
}

static void leave_queue(struct throttle *throttle, struct waiter *waiter)
{
    struct waiter **at = &throttle->head;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    if (throttle->tail == &waiter->next)
        throttle->tail = at;
    throttle->waiting--;
    (void) pthread_cond_broadcast(&throttle->moved);
}

static bool may_run(const struct throttle *throttle, const struct waiter *waiter)
{
    return throttle->running < throttle->options.at_once && throttle->head == waiter;
}

/* The caller holds the lock and found no free place. */
static enum throttle_verdict wait_for_place(struct throttle *throttle)
{
    struct throttle_figures *figures = &throttle->figures;
    if (throttle->waiting >= throttle->options.queue) {
        figures->full++;
        return THROTTLE_FULL;
    }
    struct waiter waiter = {0};
    *throttle->tail = &waiter;
    throttle->tail = &waiter.next;
    figures->queued++;
    if (++throttle->waiting > figures->longest_queue)
        figures->longest_queue = throttle->waiting;

    uint64_t deadline = clock_ns() + throttle->options.queue_wait;
    bool in_time = true;
    while (!throttle->stopped && !may_run(throttle, &waiter) && in_time)
        in_time = bell_cond_wait(&throttle->moved, &throttle->lock, deadline);
    bool run = !throttle->stopped && may_run(throttle, &waiter);
    leave_queue(throttle, &waiter);
    if (run)
        return THROTTLE_RUN;
    if (throttle->stopped)
        return THROTTLE_STOPPED;
    figures->waited++;
    return THROTTLE_WAITED;
}

enum throttle_verdict throttle_enter(struct throttle *throttle)
{
    (void) pthread_mutex_lock(&throttle->lock);
    uint64_t places = throttle->options.at_once;
    enum throttle_verdict verdict = THROTTLE_RUN;
    if (throttle->stopped)
        verdict = THROTTLE_STOPPED;
    else if (places > 0 && (throttle->running >= places || throttle->head))
        verdict = wait_for_place(throttle);
    if (verdict == THROTTLE_RUN && ++throttle->running > throttle->figures.most_at_once)
        throttle->figures.most_at_once = throttle->running;
    (void) pthread_mutex_unlock(&throttle->lock);
    return verdict;
}

void throttle_leave(struct throttle *throttle)
{
    (void) pthread_mutex_lock(&throttle->lock);
    throttle->running--;
    (void) pthread_cond_broadcast(&throttle->moved);
    (void) pthread_mutex_unlock(&throttle->lock);
}

void throttle_stop(struct throttle *throttle)
{
    (void) pthread_mutex_lock(&throttle->lock);
    throttle->stopped = true;
    (void) pthread_cond_broadcast(&throttle->moved);
    (void) pthread_mutex_unlock(&throttle->lock);
}

struct throttle_figures throttle_figures(struct throttle *throttle)
{
    (void) pthread_mutex_lock(&throttle->lock);
    struct throttle_figures figures = throttle->figures;
    (void) pthread_mutex_unlock(&throttle->lock);
    return figures;
}
