/* Watch: one thread that cancels what runs past its deadline. */

#include "emulator/watch.h"

#include "base/memory.h"
#include "base/tick.h"
#include "emulator/bell.h"

static const uint64_t again = 20000000; /* ns between two cancels of the same query */
static const uint64_t never = UINT64_MAX / 2;

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct watched *first;
    bool stopped, ended;
};

/* Cancels what is due; the next moment at which something is. The caller holds the lock. */
static uint64_t cancel_due(struct watch *watch)
{
    uint64_t now = clock_ns(), next = never;
    for (struct watched *one = watch->first; one; one = one->next) {
        uint64_t due = one->deadline;
        if (watch->stopped || due <= now) {
            atomic_store(&one->fired, true);
            one->cancel(one->context);
            due = now + again;
        }
        if (due < next)
            next = due;
    }
    return next;
}

static void *run(void *context)
{
    struct watch *watch = context;
    (void) pthread_mutex_lock(&watch->lock);
    while (!watch->ended) {
        uint64_t next = cancel_due(watch);
        if (next == never)
            (void) pthread_cond_wait(&watch->changed, &watch->lock);
        else
            (void) bell_cond_wait(&watch->changed, &watch->lock, next);
    }
    (void) pthread_mutex_unlock(&watch->lock);
    return NULL;
}

struct watch *watch_new(struct error *err)
{
    struct watch *watch = mem_alloc(1, sizeof *watch, err);
    if (!watch)
        return NULL;
    bool lock = pthread_mutex_init(&watch->lock, NULL) == 0;
    bool cond = lock && bell_cond_init(&watch->changed);
    if (cond && pthread_create(&watch->thread, NULL, run, watch) == 0)
        return watch;
    error_set(err, ERROR_MEMORY, "no thread for the queries' deadlines");
    if (cond)
        (void) pthread_cond_destroy(&watch->changed);
    if (lock)
        (void) pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
    return NULL;
}

static void change(struct watch *watch, bool *flag)
{
    (void) pthread_mutex_lock(&watch->lock);
    *flag = true;
    (void) pthread_cond_signal(&watch->changed);
    (void) pthread_mutex_unlock(&watch->lock);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    change(watch, &watch->ended);
    (void) pthread_join(watch->thread, NULL);
    (void) pthread_cond_destroy(&watch->changed);
    (void) pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
}

void watch_add(struct watch *watch, struct watched *watched)
{
    (void) pthread_mutex_lock(&watch->lock);
    watched->next = watch->first;
    watch->first = watched;
    (void) pthread_cond_signal(&watch->changed);
    (void) pthread_mutex_unlock(&watch->lock);
}

void watch_remove(struct watch *watch, struct watched *watched)
{
    (void) pthread_mutex_lock(&watch->lock);
    struct watched **at = &watch->first;
    while (*at && *at != watched)
        at = &(*at)->next;
    if (*at)
        *at = watched->next;
    (void) pthread_mutex_unlock(&watch->lock);
}

void watch_stop(struct watch *watch)
{
    change(watch, &watch->stopped);
}
