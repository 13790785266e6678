/* A worker's way with its pieces; see worker.h. */
#include "partition/worker.h"

#include "base/memory.h"
#include "partition/seen.h"

enum {
    SCATTER = 4096, /* mean bytes of a run at a partition's end below which a piece is scattered */
    SCATTERED_RUNS = 4,   /* so many such runs it has at least */
    SCATTERED_PIECES = 4, /* more of those than of others: from then on rows are set aside */
    LAY = 8 * 1024,       /* mean bytes of a run that is worth a file's being opened */
    PIECES_MAX = 1 << 28,
    SPINS = 2000 /* looks at whose turn it is, before one sleeps */
};

/* --- take --- */

/* Its pieces are ranges of a file, and the digests of those are put here. */
static bool is_plain(const struct part_source *source)
{
    return source->form == &part_form_lines;
}

/* 1: the worker has a piece; 0: there are no more, or no sense in them; -1: err. */
static int take_locked(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
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

/* All together, and none goes on before all is laid down: memory is what there is too little of. */
static bool lay_batch(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
    if (!part_worker_lay(worker, err))
        return false;
    (void) pthread_mutex_lock(&machine->turn);
    while (atomic_load(&machine->laying) && !atomic_load(&machine->failed))
        (void) pthread_cond_wait(&machine->turns, &machine->turn);
    (void) pthread_mutex_unlock(&machine->turn);
    return true;
}

static int take(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
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

static bool take_keys(struct part_worker *worker, struct error *err)
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

static bool rows(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
    const struct part_machine_options *options = machine->options;
    if (worker->chunk.seen)
        part_seen_at(worker->chunk.seen, worker->source, worker->piece.number);
    if (!part_source_rows(options->sources[worker->source], &worker->piece, &worker->chunk, err))
        return false;
    if (part_first_reading(machine))
        return take_keys(worker, err);
    /* A piece that the first reading did not have: nothing is known of its rows, and all is done again. */
    bool known = options->dropped && worker->number < machine->out->first_count;
    if (!part_order_lines(&worker->order, &worker->chunk, known ? options->dropped : NULL,
                          known ? machine->out->firsts[worker->number] : 0, err))
        return false;
    if (worker->aside)
        return part_aside_make(machine->aside, worker->index, worker->order.lines,
                               worker->order.line_count, &worker->block, err);
    return part_order_groups(&worker->order, err);
}

/* --- reserve: all of it in the worker's turn --- */

/* Waits for the turn. False when there will be none. The turn is over with end_turn. */
static bool begin_turn(struct part_worker *worker)
{
    struct part_machine *machine = worker->machine;
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

static void end_turn(struct part_machine *machine)
{
    atomic_fetch_add(&machine->next, 1);
    (void) pthread_cond_broadcast(&machine->turns);
    (void) pthread_mutex_unlock(&machine->turn);
}

static bool tell_rejects(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
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
static void vote(struct part_machine *machine, const struct part_order *order)
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

static bool reserve_groups(struct part_machine *machine, struct part_order *order,
                           struct error *err)
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

static bool keep_first(const struct part_worker *worker, struct part_machine_result *out,
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

/* In a second reading: by other numbers than these its rows were told to be doubles. */
static bool has_moved(const struct part_worker *worker)
{
    const struct part_machine_result *out = worker->machine->out;
    return worker->number >= out->first_count || out->firsts[worker->number] != out->rows;
}

static bool count(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
    const struct part_chunk *chunk = &worker->chunk;
    struct part_source *source = machine->options->sources[worker->source];
    struct part_machine_source *out = &machine->out->sources[worker->source];
    const struct part_piece *piece = &worker->piece;
    if (is_plain(source) && !part_digest_put(&source->digest, piece->offset / PART_DIGEST_BLOCK,
                                             (size_t) piece->length, piece->digests, err))
        return false;
    if (machine->options->dropped && has_moved(worker))
        machine->out->moved = true;
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
static bool cut_batch(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
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

static bool reserve(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
    if (!part_machine_end_sources(machine, worker->source, err) || !tell_rejects(worker, err))
        return false;
    if (part_first_reading(machine)) {
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

static bool write_groups(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
    const struct part_order *order = &worker->order;
    for (size_t i = 0; i < order->group_count; i++) {
        const struct part_group *group = &order->groups[i];
        if (!part_run_write(&worker->run, machine->out->files, worker->index, &group->room,
                            order->lines + group->first, group->count, err))
            return false;
    }
    return true;
}

static bool one_piece(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
    uint64_t first = 0;
    if (!rows(worker, err))
        return false;
    if (!begin_turn(worker))
        return true; /* somebody has failed: take ends it */
    bool ok = reserve(worker, err);
    if (part_first_reading(machine) && ok)
        first = machine->out->firsts[worker->number];
    if (ok)
        end_turn(machine);
    else
        (void) pthread_mutex_unlock(&machine->turn);
    if (!ok)
        return false;
    if (part_first_reading(machine))
        return part_dedup_put(worker->keys, first, err);
    return worker->aside || write_groups(worker, err);
}

/* --- all of it --- */

bool part_worker_init(struct part_machine *machine, unsigned index, struct error *err)
{
    struct part_worker *worker = &machine->workers[index];
    *worker = (struct part_worker){.machine = machine, .index = index};
    part_piece_init(&worker->piece);
    if (machine->options->seen) {
        worker->chunk.seen = part_seen_new(err);
        if (!worker->chunk.seen)
            return false;
    }
    if (!part_first_reading(machine))
        return true;
    worker->keys = part_dedup_worker_new(machine->options->keys, err);
    return worker->keys != NULL;
}

void part_worker_release(struct part_worker *worker)
{
    struct part_machine *machine = worker->machine;
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

bool part_worker_read(struct part_worker *worker, struct error *err)
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

bool part_worker_lay(struct part_worker *worker, struct error *err)
{
    struct part_machine *machine = worker->machine;
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

bool part_machine_end_sources(struct part_machine *machine, size_t until, struct error *err)
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
