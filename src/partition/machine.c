/* Workers and their turns; see machine.h.
 *
 * Invariants:
 *
 *   1. Pieces have numbers in the order of the input, given under `take`. A worker has one piece at a time, and everything
 *      that depends on the order happens in its turn: when `next` is its number.
 *   2. Whether a piece is set aside is decided under `take`, and once one is all later ones are. So what a partition has
 *      of the direct way is before what was set aside.
 *   3. The first failure is kept; after it nobody takes a piece, and nobody waits for a turn.
 */
#include "partition/machine.h"

#include "base/memory.h"
#include "partition/aside.h"
#include "partition/gather.h"
#include "partition/order.h"
#include "partition/seen.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum {
    SCATTER = 4096, /* mean bytes of a run at a partition's end below which a piece is scattered */
    SCATTERED_RUNS = 4,   /* so many such runs it has at least */
    LAY = 8 * 1024,       /* mean bytes of a run that is worth a file's being opened */
    LAY_AT = 128 << 20,   /* bytes set aside when that is looked at first */
    SCATTERED_PIECES = 4, /* more of those than of others: from then on rows are set aside */
    PIECES_MAX = 1 << 28,
    SPINS = 2000,       /* looks at whose turn it is, before one sleeps */
    LOOK_NS = 100000000 /* between two looks at the progress */
};

struct machine;

struct worker {
    struct machine *machine;
    unsigned index;
    pthread_t thread;
    struct part_piece piece;
    struct part_chunk chunk;
    struct part_order order;
    struct part_run run;
    struct part_block *block;
    struct part_gather *gather; /* NULL: a reading of keys */
    struct part_dedup_worker *keys;
    int64_t first, last; /* ticks of the chunk's rows */
    size_t source;       /* of the piece */
    uint64_t number;     /* of the piece among all */
    uint64_t stored;     /* bytes of the input that it took, as they are stored */
    bool aside;
};

struct machine {
    const struct part_machine_options *options;
    struct part_machine_result *out;
    struct part_aside *aside; /* NULL: a reading of keys */
    struct worker *workers;
    unsigned worker_count;

    pthread_mutex_t take; /* of these */
    size_t source;
    uint64_t fed;   /* of a stream: bytes that it has read */
    uint64_t taken; /* pieces */
    atomic_bool scattered;

    pthread_mutex_t turn; /* of these, and of *out */
    pthread_cond_t turns, ended;
    atomic_uint_fast64_t next;
    size_t finished; /* sources whose end was told */
    uint64_t line;   /* of the source, before the piece of this turn */
    int votes;
    struct partition_progress progress;
    unsigned running;
    bool sorting; /* the input is at its end */
    struct error error;
    atomic_bool failed;
    atomic_bool laying; /* there is a batch, which workers lay down before they take a piece */
    atomic_uint bucket; /* the next of it */
    unsigned laid;      /* buckets of it that are done */
    uint64_t lay_at;    /* bytes set aside when the next is cut */
    uint64_t load;      /* bytes of a bucket file that each worker may hold */
};

static bool first_reading(const struct machine *machine)
{
    return machine->options->keys != NULL;
}

static void keep_error(struct machine *machine, const struct error *err)
{
    (void) pthread_mutex_lock(&machine->turn);
    if (!atomic_load(&machine->failed))
        machine->error = *err;
    atomic_store(&machine->failed, true);
    (void) pthread_cond_broadcast(&machine->turns);
    (void) pthread_mutex_unlock(&machine->turn);
}

/* --- take --- */

/* Its pieces are ranges of a file, and the digests of those are put here. */
static bool is_plain(const struct part_source *source)
{
    return source->form == &part_form_lines;
}

/* 1: the worker has a piece; 0: there are no more, or no sense in them; -1: err. */
static int take_locked(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    bool end = true;
    for (; machine->source < machine->options->source_count; machine->source++) {
        if (!part_source_take(machine->options->sources[machine->source], &worker->piece, &end,
                              err))
            return -1;
        if (!end)
            break;
        machine->fed = 0;
    }
    if (end)
        return 0;
    const struct part_source *source = machine->options->sources[machine->source];
    worker->stored = worker->piece.length;
    if (!is_plain(source)) {
        worker->stored = source->digest.bytes - machine->fed;
        machine->fed = source->digest.bytes;
    }
    worker->source = machine->source;
    worker->number = machine->taken++;
    worker->aside = atomic_load(&machine->scattered);
    return 1;
}

/* Lays down buckets of the batch until all are taken. */
static bool lay_some(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    while (!atomic_load(&machine->failed)) {
        unsigned bucket = atomic_fetch_add(&machine->bucket, 1);
        if (bucket >= PART_BUCKETS)
            break;
        struct part_bucket is;
        part_aside_bucket(machine->aside, bucket, &is);
        if (!part_gather_bucket(worker->gather, bucket, err))
            return false;
        (void) pthread_mutex_lock(&machine->turn);
        machine->progress.bytes += machine->sorting ? is.bytes : 0;
        if (++machine->laid == PART_BUCKETS) {
            part_aside_drop_batch(machine->aside);
            atomic_store(&machine->laying, false);
            (void) pthread_cond_broadcast(&machine->turns);
        }
        (void) pthread_mutex_unlock(&machine->turn);
    }
    return true;
}

/* All together, and none goes on before all is laid down: memory is what there is too little of. */
static bool lay_batch(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    if (!lay_some(worker, err))
        return false;
    (void) pthread_mutex_lock(&machine->turn);
    while (atomic_load(&machine->laying) && !atomic_load(&machine->failed))
        (void) pthread_cond_wait(&machine->turns, &machine->turn);
    (void) pthread_mutex_unlock(&machine->turn);
    return true;
}

static int take(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    if (atomic_load(&machine->laying) && !lay_batch(worker, err))
        return -1;
    if (atomic_load(&machine->failed))
        return 0;
    if (stop_asked(machine->options->stop)) {
        (void) error_set(err, ERROR_INTERRUPTED, "interrupted");
        return -1;
    }
    (void) pthread_mutex_lock(&machine->take);
    int taken = take_locked(worker, err);
    (void) pthread_mutex_unlock(&machine->take);
    return taken;
}

/* --- rows --- */

static bool take_keys(struct worker *worker, struct error *err)
{
    const struct part_chunk *chunk = &worker->chunk;
    worker->first = INT64_MAX;
    worker->last = 0;
    for (size_t i = 0; i < chunk->row_count; i++) {
        int64_t tick = chunk->rows[i].tick;
        worker->first = tick < worker->first ? tick : worker->first;
        worker->last = tick > worker->last ? tick : worker->last;
        struct str line = {chunk->text + chunk->rows[i].start, chunk->rows[i].length};
        if (!part_dedup_take(worker->keys, line, err))
            return false;
    }
    return true;
}

static bool rows(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    const struct part_machine_options *options = machine->options;
    if (worker->chunk.seen)
        part_seen_at(worker->chunk.seen, worker->source, worker->piece.number);
    if (!part_source_rows(options->sources[worker->source], &worker->piece, &worker->chunk, err))
        return false;
    if (first_reading(machine))
        return take_keys(worker, err);
    uint64_t first = options->dropped && worker->number < machine->out->first_count
                         ? machine->out->firsts[worker->number]
                         : 0;
    if (!part_order_lines(&worker->order, &worker->chunk, options->dropped, first, err))
        return false;
    if (worker->aside)
        return part_aside_make(machine->aside, worker->index, worker->order.lines,
                               worker->order.line_count, &worker->block, err);
    return part_order_groups(&worker->order, err);
}

/* --- reserve: all of it in the worker's turn --- */

/* Waits for the turn. False when there will be none. The turn is over with end_turn. */
static bool begin_turn(struct worker *worker)
{
    struct machine *machine = worker->machine;
    for (int i = 0; i < SPINS && atomic_load(&machine->next) != worker->number; i++)
        __builtin_ia32_pause();
    (void) pthread_mutex_lock(&machine->turn);
    while (atomic_load(&machine->next) != worker->number && !atomic_load(&machine->failed))
        (void) pthread_cond_wait(&machine->turns, &machine->turn);
    bool ok = !atomic_load(&machine->failed);
    if (!ok)
        (void) pthread_mutex_unlock(&machine->turn);
    return ok;
}

static void end_turn(struct machine *machine)
{
    atomic_fetch_add(&machine->next, 1);
    (void) pthread_cond_broadcast(&machine->turns);
    (void) pthread_mutex_unlock(&machine->turn);
}

/* The pieces of all sources before `until` have had their turns. */
static bool end_sources(struct machine *machine, size_t until, struct error *err)
{
    for (; machine->finished < until; machine->finished++) {
        struct part_source *source = machine->options->sources[machine->finished];
        struct part_machine_source *out = &machine->out->sources[machine->finished];
        part_source_close(source);
        machine->line = 0;
        if (!part_source_end(source, out->hash, &out->bytes, err))
            return false;
    }
    return true;
}

static bool tell_rejects(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    const struct part_machine_options *options = machine->options;
    const struct part_chunk *chunk = &worker->chunk;
    for (size_t i = 0; i < chunk->reject_count; i++) {
        const struct part_reject *reject = &chunk->rejects[i];
        struct str text = {chunk->text + reject->start, reject->length};
        machine->out->reasons[reject->reason]++;
        if (options->reject &&
            !options->reject(options->reject_context, worker->source,
                             machine->line + reject->line + 1, reject->reason, text, err))
            return false;
    }
    return true;
}

/* Whether the input goes on in no order: votes of the last pieces. */
static void vote(struct machine *machine, const struct part_order *order)
{
    uint64_t bytes = 0, few = machine->options->small.scatter;
    size_t runs = 0;
    for (size_t i = 0; i < order->group_count; i++) {
        if (order->groups[i].room.offset == 0)
            continue;
        bytes += order->groups[i].bytes;
        runs++;
    }
    if (runs >= SCATTERED_RUNS && bytes / runs < (few > 0 ? few : SCATTER))
        machine->votes++;
    else if (machine->votes > 0)
        machine->votes--;
    if (machine->votes >= (few > 0 ? 1 : SCATTERED_PIECES))
        atomic_store(&machine->scattered, true);
}

static bool reserve_groups(struct machine *machine, struct part_order *order, struct error *err)
{
    for (size_t i = 0; i < order->group_count; i++) {
        struct part_group *group = &order->groups[i];
        if (!part_files_reserve(machine->out->files, group->number, group->bytes, group->count,
                                &group->room, err))
            return false;
    }
    vote(machine, order);
    return true;
}

static bool keep_first(const struct worker *worker, struct part_machine_result *out,
                       struct error *err)
{
    if (!mem_reserve(&out->firsts, &out->first_room, out->first_count, PIECES_MAX,
                     sizeof *out->firsts, err))
        return false;
    out->firsts[out->first_count++] = out->rows;
    if (worker->chunk.row_count == 0)
        return true;
    int64_t from = tick_floor(worker->first, TICK_PARTITION);
    int64_t to = tick_floor(worker->last, TICK_PARTITION) + TICK_PARTITION;
    out->from = out->to == 0 || from < out->from ? from : out->from;
    out->to = to > out->to ? to : out->to;
    return true;
}

static bool count(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    const struct part_chunk *chunk = &worker->chunk;
    struct part_source *source = machine->options->sources[worker->source];
    struct part_machine_source *out = &machine->out->sources[worker->source];
    const struct part_piece *piece = &worker->piece;
    if (is_plain(source) && !part_digest_put(&source->digest, piece->offset / PART_DIGEST_BLOCK,
                                             (size_t) piece->length, piece->digests, err))
        return false;
    machine->line += chunk->lines;
    out->rows += chunk->row_count;
    out->rejected += chunk->reject_count;
    if (is_plain(source) || source->form == &part_form_stream)
        out->blank += chunk->lines - chunk->row_count - chunk->reject_count;
    machine->out->rows += chunk->row_count;
    machine->out->rejected += chunk->reject_count;
    machine->out->dropped += worker->order.dropped;
    machine->progress.rows = machine->out->rows;
    machine->progress.rejected = machine->out->rejected;
    machine->progress.bytes += worker->stored;
    return true;
}

/* When enough was set aside, and partitions are so few that their runs are long, it becomes a batch. */
static bool cut_batch(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    uint64_t few = machine->options->small.lay, run = 0;
    if (atomic_load(&machine->laying) || part_aside_held(machine->aside) < machine->lay_at ||
        !part_aside_cut(machine->aside))
        return true;
    for (unsigned b = 0; run == 0 && b < PART_BUCKETS; b++)
        if (!part_gather_measure(worker->gather, b, &run, err))
            return false;
    if (run < (few > 0 ? few : LAY)) {
        part_aside_mend(machine->aside);
        machine->lay_at *= 2;
        return true;
    }
    machine->laid = 0;
    atomic_store(&machine->bucket, 0);
    atomic_store(&machine->laying, true);
    return true;
}

static bool reserve(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    if (!end_sources(machine, worker->source, err) || !tell_rejects(worker, err))
        return false;
    if (first_reading(machine)) {
        if (!keep_first(worker, machine->out, err))
            return false;
    } else if (worker->aside) {
        part_aside_put(machine->aside, worker->block);
        worker->block = NULL;
        if (!cut_batch(worker, err))
            return false;
    } else if (!reserve_groups(machine, &worker->order, err)) {
        return false;
    }
    return count(worker, err);
}

/* --- write --- */

static bool write_groups(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    const struct part_order *order = &worker->order;
    for (size_t i = 0; i < order->group_count; i++) {
        const struct part_group *group = &order->groups[i];
        if (!part_run_write(&worker->run, machine->out->files, worker->index, &group->room,
                            order->lines + group->first, group->count, err))
            return false;
    }
    return true;
}

static bool one_piece(struct worker *worker, struct error *err)
{
    struct machine *machine = worker->machine;
    uint64_t first = 0;
    if (!rows(worker, err))
        return false;
    if (!begin_turn(worker))
        return true; /* somebody has failed: take ends it */
    bool ok = reserve(worker, err);
    if (first_reading(machine) && ok)
        first = machine->out->firsts[worker->number];
    if (ok)
        end_turn(machine);
    else
        (void) pthread_mutex_unlock(&machine->turn);
    if (!ok)
        return false;
    if (first_reading(machine))
        return part_dedup_put(worker->keys, first, err);
    return worker->aside || write_groups(worker, err);
}

/* --- workers --- */

typedef bool worker_fn(struct worker *worker, struct error *err);

static bool read_all(struct worker *worker, struct error *err)
{
    for (;;) {
        int taken = take(worker, err);
        if (taken == 0)
            return !worker->keys || part_dedup_end(worker->keys, err);
        if (taken < 0)
            return false;
        if (!one_piece(worker, err))
            return false;
    }
}

static void run_worker(struct worker *worker, worker_fn *fn)
{
    struct machine *machine = worker->machine;
    struct error err = ERROR_INIT;
    if (!fn(worker, &err))
        keep_error(machine, &err);
    (void) pthread_mutex_lock(&machine->turn);
    machine->running--;
    (void) pthread_cond_broadcast(&machine->ended);
    (void) pthread_mutex_unlock(&machine->turn);
}

static void *run_read(void *context)
{
    run_worker(context, read_all);
    return NULL;
}

static void *run_gather(void *context)
{
    run_worker(context, lay_some);
    return NULL;
}

/* Signals are for the thread that knows what to do with them. */
static unsigned start(struct machine *machine, void *(*fn)(void *) )
{
    sigset_t all, before;
    unsigned n = 0;
    (void) sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return 0;
    machine->running = machine->worker_count;
    while (n < machine->worker_count &&
           pthread_create(&machine->workers[n].thread, NULL, fn, &machine->workers[n]) == 0)
        n++;
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

/* Under the turn's lock. */
static void wait_a_while(struct machine *machine)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void) pthread_cond_timedwait(&machine->ended, &machine->turn, &until);
}

static void watch(struct machine *machine)
{
    const struct part_machine_options *options = machine->options;
    (void) pthread_mutex_lock(&machine->turn);
    while (machine->running > 0) {
        wait_a_while(machine);
        struct partition_progress progress = machine->progress;
        (void) pthread_mutex_unlock(&machine->turn);
        if (options->progress)
            options->progress(options->progress_context, &progress);
        (void) pthread_mutex_lock(&machine->turn);
    }
    (void) pthread_mutex_unlock(&machine->turn);
}

/* One phase: all workers, from first to last. */
static bool run_phase(struct machine *machine, void *(*fn)(void *), struct error *err)
{
    unsigned n = start(machine, fn);
    if (n < machine->worker_count) {
        struct error why = ERROR_INIT;
        (void) error_set(&why, ERROR_MEMORY, "no thread is left");
        keep_error(machine, &why);
        (void) pthread_mutex_lock(&machine->turn);
        machine->running -= machine->worker_count - n;
        (void) pthread_mutex_unlock(&machine->turn);
    }
    watch(machine);
    for (unsigned i = 0; i < n; i++)
        (void) pthread_join(machine->workers[i].thread, NULL);
    return !atomic_load(&machine->failed) || error_pass(err, &machine->error);
}

static bool gather_all(struct machine *machine, struct error *err)
{
    struct part_bucket is;
    if (!part_aside_end(machine->aside, err))
        return false;
    machine->out->spilled = part_aside_spilled(machine->aside);
    machine->progress.total = 0;
    for (unsigned b = 0; b < PART_BUCKETS; b++) {
        part_aside_bucket(machine->aside, b, &is);
        machine->progress.total += is.bytes;
    }
    if (machine->progress.total == 0)
        return true;
    machine->progress.phase = "sort";
    machine->progress.bytes = 0;
    machine->sorting = true;
    machine->laid = 0;
    atomic_store(&machine->bucket, 0);
    return run_phase(machine, run_gather, err);
}

/* --- from first to last --- */

static bool prepare_gathers(struct machine *machine, struct error *err)
{
    const struct partition_small *small = &machine->options->small;
    struct part_gather_options options = {
        .aside = machine->aside,
        .files = machine->out->files,
        .folder = machine->options->scratch,
        .load = small->load > 0 ? small->load : machine->load,
        .run = small->run,
        .stop = machine->options->stop,
    };
    for (unsigned i = 0; i < machine->worker_count; i++) {
        machine->workers[i].gather = part_gather_new(&options, i, err);
        if (!machine->workers[i].gather)
            return false;
    }
    return true;
}

static bool prepare_worker(struct machine *machine, unsigned index, struct error *err)
{
    struct worker *worker = &machine->workers[index];
    *worker = (struct worker){.machine = machine, .index = index};
    part_piece_init(&worker->piece);
    if (machine->options->seen) {
        worker->chunk.seen = part_seen_new(err);
        if (!worker->chunk.seen)
            return false;
    }
    if (!first_reading(machine))
        return true;
    worker->keys = part_dedup_worker_new(machine->options->keys, err);
    return worker->keys != NULL;
}

static void release_worker(struct worker *worker)
{
    struct machine *machine = worker->machine;
    if (!machine)
        return;
    part_aside_drop(machine->aside, worker->block);
    part_piece_release(&worker->piece);
    part_seen_free(worker->chunk.seen);
    worker->chunk.seen = NULL;
    part_chunk_release(&worker->chunk);
    part_order_release(&worker->order);
    part_run_release(&worker->run);
    part_gather_free(worker->gather);
    part_dedup_worker_free(worker->keys);
}

static bool prepare(struct machine *machine, struct error *err)
{
    const struct part_machine_options *options = machine->options;
    struct part_machine_result *out = machine->out;
    struct part_aside_options aside = {
        .folder = options->scratch,
        .name = "aside",
        .workers = machine->worker_count,
        .held = options->small.held > 0 ? options->small.held : options->memory / 8 * 5,
    };
    machine->workers = mem_alloc(machine->worker_count, sizeof *machine->workers, err);
    mem_free(out->sources);
    out->sources = mem_alloc(options->source_count, sizeof *out->sources, err);
    if (!machine->workers || !out->sources)
        return false;
    for (unsigned i = 0; i < machine->worker_count; i++)
        if (!prepare_worker(machine, i, err))
            return false;
    if (first_reading(machine))
        return true;
    out->files = part_files_new(options->scratch, machine->worker_count, options->small.slots, err);
    machine->aside = out->files ? part_aside_new(&aside, err) : NULL;
    machine->lay_at = aside.held / 4 * 3 < LAY_AT ? aside.held / 4 * 3 : LAY_AT;
    return machine->aside && prepare_gathers(machine, err);
}

/* What was seen of keys, in the order of the input whatever the threads. */
static bool merge_seen(struct machine *machine, struct error *err)
{
    struct part_seen *seen = machine->options->seen;
    bool ok = true;
    for (unsigned i = 0; seen && ok && i < machine->worker_count; i++)
        ok = part_seen_merge(seen, machine->workers[i].chunk.seen, err);
    return ok;
}

static bool run(struct machine *machine, struct error *err)
{
    if (!prepare(machine, err) || !run_phase(machine, run_read, err) ||
        !end_sources(machine, machine->options->source_count, err) || !merge_seen(machine, err))
        return false;
    return first_reading(machine) ||
           (gather_all(machine, err) && part_files_close(machine->out->files, err));
}

static bool init_locks(struct machine *machine, struct error *err)
{
    bool ok = pthread_mutex_init(&machine->take, NULL) == 0 &&
              pthread_mutex_init(&machine->turn, NULL) == 0 &&
              pthread_cond_init(&machine->turns, NULL) == 0 &&
              pthread_cond_init(&machine->ended, NULL) == 0;
    return ok || error_set(err, ERROR_MEMORY, "no lock is left");
}

bool part_machine_run(const struct part_machine_options *options, struct part_machine_result *out,
                      struct error *err)
{
    struct machine *machine = mem_alloc(1, sizeof *machine, err);
    if (!machine)
        return false;
    machine->options = options;
    machine->out = out;
    machine->worker_count = options->threads > 0 ? options->threads : 1;
    machine->load = options->memory / 8 * 3 / machine->worker_count;
    machine->error = (struct error) ERROR_INIT;
    machine->progress = (struct partition_progress){.phase = "read", .total = options->total};
    out->rows = out->rejected = out->dropped = out->spilled = 0;
    out->from = out->to = 0;
    memset(out->reasons, 0, sizeof out->reasons);
    bool ok = init_locks(machine, err) && run(machine, err);
    for (unsigned i = 0; machine->workers && i < machine->worker_count; i++)
        release_worker(&machine->workers[i]);
    part_aside_free(machine->aside);
    (void) pthread_cond_destroy(&machine->ended);
    (void) pthread_cond_destroy(&machine->turns);
    (void) pthread_mutex_destroy(&machine->turn);
    (void) pthread_mutex_destroy(&machine->take);
    mem_free(machine->workers);
    mem_free(machine);
    return ok;
}

void part_machine_release(struct part_machine_result *result)
{
    mem_free(result->sources);
    mem_free(result->firsts);
    part_files_free(result->files);
    *result = (struct part_machine_result){0};
}
