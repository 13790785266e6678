/* Follows: a blob that is put by a thread once all that was committed before is on the disk; see store.h.
 *
 * To bring a lake to the disk takes tenths of a second where much was written, and the one thread that fetches
 * cannot spare them. So there is a thread for each such blob, which is one every few seconds.
 *
 * Invariant: the thread has a store of its own, on a folder that was opened with this store's own, before the first
 * blob that it answers for was written. So it is told of each byte that the kernel could not write from then on
 * (syncfs tells that once for each descriptor).
 */
#include "store/local/local.h"

#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

/* While a thread runs, all but `ended` is the thread's. */
struct local_follow {
    struct store *store;
    char name[STORE_NAME_MAX + 1];
    struct buf text;
    struct error error;
    bool ok, running;
    pthread_t thread;
    atomic_bool ended;
};

static struct local_follow *follow_new(struct local *local, struct error *err)
{
    struct local_follow *follow = mem_alloc(1, sizeof *follow, err);
    if (!follow || !local_root(local, true, err)) {
        mem_free(follow);
        return NULL;
    }
    follow->store = local_open(local->base.address, err);
    if (!follow->store) {
        mem_free(follow);
        return NULL;
    }
    local_of(follow->store)->root = local->second;
    local->second = -1;
    return follow;
}

static void *run(void *context)
{
    struct local_follow *follow = context;
    follow->ok = store_sync(follow->store, &follow->error) &&
                 store_put_new(follow->store, follow->name, buf_str(&follow->text), &follow->error);
    atomic_store(&follow->ended, true);
    return NULL;
}

/* Signals are for the thread that knows what to do with them. */
static bool start_thread(struct local_follow *follow)
{
    sigset_t all, before;
    (void) sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool ok = pthread_create(&follow->thread, NULL, run, follow) == 0;
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

bool local_follow(struct store *store, const char *name, struct buf *text, struct error *err)
{
    struct local *local = local_of(store);
    if (!local->follow)
        local->follow = follow_new(local, err);
    struct local_follow *follow = local->follow;
    if (!follow)
        return false;
    if (follow->running)
        return error_set(err, ERROR_INTERNAL, "a blob is on its way already");
    (void) snprintf(follow->name, sizeof follow->name, "%s", name); /* names are checked */
    follow->text = *text;
    follow->error = (struct error) ERROR_INIT;
    atomic_store(&follow->ended, false);
    follow->running = start_thread(follow);
    if (!follow->running)
        return error_set(err, ERROR_MEMORY, "no thread to write %s", name);
    buf_init(text, text->max);
    return true;
}

enum store_follow_state local_follow_ask(struct store *store, bool wait, struct error *err)
{
    struct local_follow *follow = local_of(store)->follow;
    if (!follow || !follow->running) {
        (void) error_set(err, ERROR_INTERNAL, "no blob is on its way");
        return STORE_FOLLOW_FAILED;
    }
    if (!wait && !atomic_load(&follow->ended))
        return STORE_FOLLOW_BUSY;
    (void) pthread_join(follow->thread, NULL);
    follow->running = false;
    buf_release(&follow->text);
    if (!follow->ok)
        (void) error_pass(err, &follow->error);
    return follow->ok ? STORE_FOLLOW_DONE : STORE_FOLLOW_FAILED;
}

void local_follow_free(struct local *local)
{
    struct local_follow *follow = local->follow;
    if (!follow)
        return;
    if (follow->running)
        (void) local_follow_ask(&local->base, true, NULL);
    store_free(follow->store);
    mem_free(follow);
    local->follow = NULL;
}
