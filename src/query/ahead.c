/* A thread that reads a store for the threads of an engine; see ahead.h.
 *
 *     reader (engine)                         I/O thread
 *     open    a run into the list             its store_ahead, when it is first served
 *     read    out of the ring, or waits       pieces of the store_ahead into the ring, as far as it has room
 *     close   marks the run                   frees it, and its store_ahead
 *
 * One lock over all of it; bytes are copied outside the lock, since what lies between `taken` and `put` is the
 * reader's alone and the rest of the ring the I/O thread's.
 */
#include "query/ahead.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>

struct run {
    struct query_blobs *blobs; /* held */
    size_t first, count;
    pthread_cond_t changed; /* bytes, an end, or a failure, for the reader */
    struct run *next;       /* of io->runs */
    bool waiting, closed;   /* the reader waits; has gone */

    /* The I/O thread's alone. */
    struct store_ahead *ahead;
    struct str piece; /* what does not fit into the ring yet */

    char *ring;           /* QUERY_RING bytes */
    uint64_t put, taken;  /* bytes so far */
    uint64_t *ends;       /* QUERY_ENDS: where blobs end among them */
    size_t ended, passed; /* ends so far: put, taken */
    bool done, failed;    /* all is put; err holds why not */
    struct error err;
};

struct query_io {
    atomic_int holders;
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the I/O thread */
    struct run *runs;    /* each but those that the I/O thread is about to free */
    bool started, interrupted, ended;
    struct error err; /* the first failure */
};

struct query_blobs {
    atomic_int holders;
    struct query_io *io;
    struct store_wanted *wanted;
    size_t n;
    char *text;
};

/* --- lives ---------------------------------------------------------------------------------------------- */

static void io_release(struct query_io *io)
{
    if (atomic_fetch_sub(&io->holders, 1) != 1)
        return;
    pthread_cond_destroy(&io->work);
    pthread_mutex_destroy(&io->lock);
    mem_free(io);
}

static void blobs_hold(void *context)
{
    struct query_blobs *blobs = context;
    atomic_fetch_add(&blobs->holders, 1);
}

static void blobs_drop(void *context)
{
    query_blobs_release(context);
}

static void run_free(struct run *run)
{
    store_ahead_free(run->ahead);
    pthread_cond_destroy(&run->changed);
    mem_free(run->ring);
    mem_free(run->ends);
    query_blobs_release(run->blobs);
    mem_free(run);
}

static struct run *run_new(struct query_blobs *blobs, size_t first, size_t count, struct error *err)
{
    struct run *run = mem_alloc(1, sizeof *run, err);
    if (!run)
        return NULL;
    if (pthread_cond_init(&run->changed, NULL) != 0) {
        (void) error_set(err, ERROR_MEMORY, "no memory for a condition");
        mem_free(run);
        return NULL;
    }
    blobs_hold(blobs);
    run->blobs = blobs;
    run->first = first;
    run->count = count;
    run->ring = mem_alloc(QUERY_RING, 1, err);
    run->ends = mem_alloc(QUERY_ENDS, sizeof run->ends[0], err);
    if (!run->ring || !run->ends) {
        run_free(run);
        return NULL;
    }
    return run;
}

/* --- the I/O thread ------------------------------------------------------------------------------------- */

static size_t room(const struct run *run)
{
    return QUERY_RING - (size_t) (run->put - run->taken);
}

static bool can_be_served(const struct run *run)
{
    return !run->done && !run->failed && room(run) >= QUERY_RING / 2 &&
           run->ended - run->passed < QUERY_ENDS;
}

/* The run to turn to: one that is closed; else one whose reader waits; else one with room. The one that is found goes
 * to the end of the list, so that all have their turn. NULL: there is nothing to do. */
static struct run *next_run(struct query_io *io)
{
    struct run **best = NULL, **last = &io->runs;
    int best_need = 0;
    for (struct run **at = &io->runs; *at; at = &(*at)->next) {
        const struct run *run = *at;
        int need = run->closed ? 3 : !can_be_served(run) ? 0 : run->waiting ? 2 : 1;
        if (need > best_need) {
            best = at;
            best_need = need;
        }
        last = &(*at)->next;
    }
    if (!best)
        return NULL;
    struct run *run = *best;
    if (run->next) {
        *last = run;
        *best = run->next;
        run->next = NULL;
    }
    return run;
}

static void remove_run(struct query_io *io, const struct run *gone)
{
    struct run **at = &io->runs;
    while (*at && *at != gone)
        at = &(*at)->next;
    if (*at)
        *at = gone->next;
}

/* What a step of the store brought, to be told under the lock. */
struct step {
    bool ok, end, done; /* a blob ended; all did */
    size_t put;         /* bytes into the ring */
    struct error err;
};

static void copy_in(struct run *run, size_t space, struct step *step)
{
    size_t n = run->piece.n < space ? run->piece.n : space;
    size_t at = (size_t) (run->put & (QUERY_RING - 1));
    size_t before_edge = QUERY_RING - at < n ? QUERY_RING - at : n;
    memcpy(run->ring + at, run->piece.p, before_edge);
    memcpy(run->ring, run->piece.p + before_edge, n - before_edge);
    run->piece.p += n;
    run->piece.n -= n;
    step->put = n;
}

/* Without the lock: `put` is this thread's to change, and room only grows meanwhile. */
static struct step serve(const struct query_io *io, struct run *run, size_t space)
{
    struct step step = {.ok = true, .err = ERROR_INIT};
    size_t index = 0;
    const struct query_blobs *blobs = run->blobs;
    if (!run->ahead) {
        run->ahead = store_ahead_new(io->store, blobs->wanted + run->first, run->count, &step.err);
        step.ok = run->ahead != NULL;
    }
    if (step.ok && run->piece.n == 0) {
        step.ok = store_ahead_next(run->ahead, &index, &run->piece, &step.err);
        step.done = step.ok && run->piece.n == 0 && index == run->count;
        step.end = step.ok && run->piece.n == 0 && !step.done;
    }
    if (step.ok && run->piece.n > 0)
        copy_in(run, space, &step);
    return step;
}

static void tell(struct query_io *io, struct run *run, const struct step *step)
{
    run->put += step->put;
    if (step->end)
        run->ends[run->ended++ % QUERY_ENDS] = run->put;
    run->done = step->done;
    run->failed = !step->ok;
    if (run->failed) {
        run->err = step->err;
        (void) error_pass(&io->err, &step->err);
    }
    pthread_cond_signal(&run->changed);
}

/* Ends what the store has open: it is another thread's from now on. */
static void leave(struct query_io *io)
{
    io->ended = true;
    for (struct run *run = io->runs, *next; run; run = next) {
        next = run->next;
        store_ahead_free(run->ahead);
        run->ahead = NULL;
        pthread_cond_signal(&run->changed);
        if (run->closed) {
            remove_run(io, run);
            run_free(run);
        }
    }
}

static void *io_loop(void *context)
{
    struct query_io *io = context;
    pthread_mutex_lock(&io->lock);
    while (!io->interrupted) {
        struct run *run = next_run(io);
        if (!run) {
            pthread_cond_wait(&io->work, &io->lock);
            continue;
        }
        bool closed = run->closed;
        size_t space = room(run);
        if (closed)
            remove_run(io, run);
        pthread_mutex_unlock(&io->lock);
        struct step step = {.ok = true};
        if (closed)
            run_free(run);
        else
            step = serve(io, run, space);
        pthread_mutex_lock(&io->lock);
        if (!closed)
            tell(io, run, &step);
    }
    leave(io);
    pthread_mutex_unlock(&io->lock);
    return NULL;
}

/* --- readers -------------------------------------------------------------------------------------------- */

static bool interrupted(struct error *err)
{
    return error_set(err, ERROR_INTERRUPTED, "the query was cancelled");
}

/* Under the lock. */
static bool start(struct query_io *io, struct error *err)
{
    if (io->interrupted)
        return interrupted(err);
    if (io->started)
        return true;
    int failed = pthread_create(&io->thread, NULL, io_loop, io);
    io->started = failed == 0;
    return io->started || error_set_errno(err, ERROR_IO, failed, "no thread can be started");
}

static bool blobs_open(void *context, size_t first, size_t count, void **handle, struct error *err)
{
    struct query_blobs *blobs = context;
    struct query_io *io = blobs->io;
    *handle = NULL;
    if (first > blobs->n || count > blobs->n - first)
        return error_set(err, ERROR_INTERNAL, "there is no such blob");
    struct run *run = run_new(blobs, first, count, err);
    if (!run)
        return false;
    pthread_mutex_lock(&io->lock);
    bool ok = start(io, err);
    if (ok) {
        run->next = io->runs;
        io->runs = run;
        pthread_cond_signal(&io->work);
    }
    pthread_mutex_unlock(&io->lock);
    if (!ok) {
        run_free(run);
        return false;
    }
    *handle = run;
    return true;
}

/* Bytes that can be taken before the next end; *at_end: none, since an end stands here. */
static size_t ready(const struct run *run, bool *at_end)
{
    uint64_t to = run->put;
    bool end = run->passed < run->ended;
    if (end)
        to = run->ends[run->passed % QUERY_ENDS];
    *at_end = end && to == run->taken;
    return (size_t) (to - run->taken);
}

static void copy_out(const struct run *run, char *to, size_t n)
{
    size_t at = (size_t) (run->taken & (QUERY_RING - 1));
    size_t before_edge = QUERY_RING - at < n ? QUERY_RING - at : n;
    memcpy(to, run->ring + at, before_edge);
    memcpy(to + before_edge, run->ring, n - before_edge);
}

/* Waits until there is something, under the lock; false: there will be nothing. */
static bool wait_ready(struct query_io *io, struct run *run, size_t *n, bool *at_end,
                       struct error *err)
{
    while ((*n = ready(run, at_end)) == 0 && !*at_end) {
        if (io->interrupted)
            return interrupted(err);
        if (run->failed)
            return error_pass(err, &run->err);
        if (run->done)
            return error_set(err, ERROR_INTERNAL, "the last blob was read already");
        run->waiting = true;
        pthread_cond_signal(&io->work);
        pthread_cond_wait(&run->changed, &io->lock);
        run->waiting = false;
    }
    return true;
}

static bool blobs_read(void *handle, void *to, size_t most, size_t *got, struct error *err)
{
    struct run *run = handle;
    struct query_io *io = run->blobs->io;
    bool at_end = false;
    size_t n = 0;
    *got = 0;
    pthread_mutex_lock(&io->lock);
    bool ok = wait_ready(io, run, &n, &at_end, err);
    pthread_mutex_unlock(&io->lock);
    if (!ok)
        return false;
    n = n < most ? n : most;
    copy_out(run, to, n);
    pthread_mutex_lock(&io->lock);
    bool could = can_be_served(run);
    run->taken += n;
    run->passed += at_end;
    if (!could && can_be_served(run))
        pthread_cond_signal(&io->work);
    pthread_mutex_unlock(&io->lock);
    *got = n;
    return true;
}

static void blobs_close(void *handle)
{
    struct run *run = handle;
    struct query_io *io = run->blobs->io;
    pthread_mutex_lock(&io->lock);
    bool ours = io->ended;
    if (ours)
        remove_run(io, run);
    run->closed = true;
    pthread_cond_signal(&io->work);
    pthread_mutex_unlock(&io->lock);
    if (ours)
        run_free(run);
}

/* --- public --------------------------------------------------------------------------------------------- */

struct query_io *query_io_new(struct store *store, struct error *err)
{
    struct query_io *io = mem_alloc(1, sizeof *io, err);
    if (!io)
        return NULL;
    atomic_init(&io->holders, 1);
    io->store = store;
    bool lock = pthread_mutex_init(&io->lock, NULL) == 0;
    if (lock && pthread_cond_init(&io->work, NULL) == 0)
        return io;
    if (lock)
        pthread_mutex_destroy(&io->lock);
    mem_free(io);
    (void) error_set(err, ERROR_MEMORY, "no memory for a lock");
    return NULL;
}

void query_io_interrupt(struct query_io *io)
{
    pthread_mutex_lock(&io->lock);
    io->interrupted = true;
    for (struct run *run = io->runs; run; run = run->next)
        pthread_cond_signal(&run->changed);
    pthread_cond_signal(&io->work);
    pthread_mutex_unlock(&io->lock);
}

void query_io_end(struct query_io *io)
{
    if (!io)
        return;
    query_io_interrupt(io);
    if (io->started)
        pthread_join(io->thread, NULL);
    io_release(io);
}

bool query_io_error(struct query_io *io, const struct error *why, struct error *err)
{
    struct error full = *why;
    if (io) {
        pthread_mutex_lock(&io->lock);
        if (io->err.code == why->code && strcmp(io->err.message, why->message) == 0)
            full = io->err;
        pthread_mutex_unlock(&io->lock);
    }
    return error_pass(err, &full);
}

struct query_blobs *query_blobs_new(struct query_io *io, struct store_wanted *wanted, size_t n,
                                    char *text, struct error *err)
{
    struct query_blobs *blobs = mem_alloc(1, sizeof *blobs, err);
    if (!blobs) {
        mem_free(wanted);
        mem_free(text);
        return NULL;
    }
    atomic_init(&blobs->holders, 1);
    atomic_fetch_add(&io->holders, 1);
    blobs->io = io;
    blobs->wanted = wanted;
    blobs->n = n;
    blobs->text = text;
    return blobs;
}

void query_blobs_release(struct query_blobs *blobs)
{
    if (!blobs || atomic_fetch_sub(&blobs->holders, 1) != 1)
        return;
    io_release(blobs->io);
    mem_free(blobs->wanted);
    mem_free(blobs->text);
    mem_free(blobs);
}

void query_blobs_opener(struct query_blobs *blobs, struct engine_opener *out)
{
    *out = (struct engine_opener){.context = blobs,
                                  .open = blobs_open,
                                  .read = blobs_read,
                                  .close = blobs_close,
                                  .hold = blobs_hold,
                                  .release = blobs_drop,
                                  .runs = QUERY_RUNS};
}
