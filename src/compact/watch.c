/* Watching for the end: see watch.h. */
#include "compact/watch.h"

#include "base/memory.h"

#include <pthread.h>
#include <time.h>

enum { LOOK_EVERY_MS = 100 };

struct compact_watch {
    struct engine_task *task;
    const struct stop *stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool ended;
};

static void wait_a_little(struct compact_watch *watch)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_EVERY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void) pthread_cond_timedwait(&watch->over, &watch->lock, &until);
}

static void *look(void *context)
{
    struct compact_watch *watch = context;
    pthread_mutex_lock(&watch->lock);
    while (!watch->ended && !stop_asked(watch->stop))
        wait_a_little(watch);
    if (!watch->ended)
        engine_task_cancel(watch->task);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static bool begin(struct compact_watch *watch)
{
    pthread_condattr_t clock;
    if (pthread_condattr_init(&clock) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(&watch->over, &clock) == 0;
    (void) pthread_condattr_destroy(&clock);
    if (!ok)
        return false;
    if (pthread_mutex_init(&watch->lock, NULL) == 0) {
        if (pthread_create(&watch->thread, NULL, look, watch) == 0)
            return true;
        (void) pthread_mutex_destroy(&watch->lock);
    }
    (void) pthread_cond_destroy(&watch->over);
    return false;
}

struct compact_watch *compact_watch_new(struct engine_task *task, const struct stop *stop,
                                        struct error *err)
{
    struct compact_watch *watch = mem_alloc(1, sizeof *watch, err);
    if (!watch)
        return NULL;
    watch->task = task;
    watch->stop = stop;
    if (begin(watch))
        return watch;
    (void) error_set(err, ERROR_MEMORY, "no memory for a thread");
    mem_free(watch);
    return NULL;
}

void compact_watch_free(struct compact_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->ended = true;
    (void) pthread_cond_signal(&watch->over);
    pthread_mutex_unlock(&watch->lock);
    (void) pthread_join(watch->thread, NULL);
    (void) pthread_cond_destroy(&watch->over);
    (void) pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
}
