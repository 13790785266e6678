/* A thread for each segment, which is one every few seconds; see flusher.h. */
#include "lake/flusher.h"

#include "base/memory.h"
#include "store/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* While a thread runs, all but `ended` is the thread's. */
struct flusher {
    struct store *store;
    char name[STORE_NAME_MAX + 1];
    struct buf text;
    struct error error;
    bool ok, running;
    pthread_t thread;
    atomic_bool ended;
};

struct flusher *flusher_new(const char *address, struct error *err)
{
    uint64_t size;
    struct flusher *flusher = mem_alloc(1, sizeof *flusher, err);
    if (!flusher)
        return NULL;
    flusher->store = store_open(address, err);
    if (!flusher->store) {
        mem_free(flusher);
        return NULL;
    }
    /* Opens the lake's folder, if it is there: a store does not before it is asked something. */
    (void) store_stat(flusher->store, "weir", &size, NULL);
    return flusher;
}

static void *run(void *context)
{
    struct flusher *flusher = context;
    flusher->ok =
        store_sync(flusher->store, &flusher->error) &&
        store_put_new(flusher->store, flusher->name, buf_str(&flusher->text), &flusher->error);
    atomic_store(&flusher->ended, true);
    return NULL;
}

/* Signals are for the thread that knows what to do with them. */
static bool start_thread(struct flusher *flusher)
{
    sigset_t all, before;
    (void) sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool ok = pthread_create(&flusher->thread, NULL, run, flusher) == 0;
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

bool flusher_start(struct flusher *flusher, const char *name, struct buf *text, struct error *err)
{
    size_t n = strlen(name);
    if (flusher->running || n > STORE_NAME_MAX)
        return error_set(err, ERROR_INTERNAL, "a segment is not written rightly");
    memcpy(flusher->name, name, n + 1);
    flusher->text = *text;
    flusher->error = (struct error) ERROR_INIT;
    atomic_store(&flusher->ended, false);
    flusher->running = start_thread(flusher);
    if (!flusher->running)
        return error_set(err, ERROR_MEMORY, "no thread to write the ledger");
    buf_init(text, text->max);
    return true;
}

enum flusher_state flusher_ask(struct flusher *flusher, bool wait, struct error *err)
{
    if (!wait && !atomic_load(&flusher->ended))
        return FLUSHER_BUSY;
    if (flusher->running)
        (void) pthread_join(flusher->thread, NULL);
    flusher->running = false;
    buf_release(&flusher->text);
    if (!flusher->ok && err && err->code == ERROR_NONE)
        *err = flusher->error;
    return flusher->ok ? FLUSHER_DONE : FLUSHER_FAILED;
}

void flusher_free(struct flusher *flusher)
{
    if (!flusher)
        return;
    if (flusher->running)
        (void) flusher_ask(flusher, true, NULL);
    store_free(flusher->store);
    mem_free(flusher);
}
