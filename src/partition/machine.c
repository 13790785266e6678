/* Phases of the machine and their threads; see machine.h. */
#include "partition/worker.h"

#include "base/memory.h"
#include "partition/seen.h"

#include <signal.h>
#include <time.h>

enum {
    LAY_AT =
        128 << 20, /* bytes set aside when it is looked at first whether they can be laid down */
    LOOK_NS = 100000000 /* between two looks at the progress */
};

static void keep_error(struct part_machine *machine, const struct error *err)
{
    (void) pthread_mutex_lock(&machine->turn);
    if (!atomic_load(&machine->failed))
        machine->error = *err;
    atomic_store(&machine->failed, true);
    (void) pthread_cond_broadcast(&machine->turns);
    (void) pthread_mutex_unlock(&machine->turn);
}

/* --- a phase --- */

typedef bool worker_fn(struct part_worker *worker, struct error *err);

static void run_worker(struct part_worker *worker, worker_fn *fn)
{
    struct part_machine *machine = worker->machine;
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
    run_worker(context, part_worker_read);
    return NULL;
}

static void *run_gather(void *context)
{
    run_worker(context, part_worker_lay);
    return NULL;
}

/* Signals are for the thread that knows what to do with them. */
static unsigned start(struct part_machine *machine, void *(*fn)(void *) )
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
static void wait_a_while(struct part_machine *machine)
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

static void watch(struct part_machine *machine)
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
static bool run_phase(struct part_machine *machine, void *(*fn)(void *), struct error *err)
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

static bool gather_all(struct part_machine *machine, struct error *err)
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

static bool prepare_gathers(struct part_machine *machine, struct error *err)
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

static bool prepare(struct part_machine *machine, struct error *err)
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
        if (!part_worker_init(machine, i, err))
            return false;
    if (part_first_reading(machine))
        return true;
    out->files = part_files_new(options->scratch, machine->worker_count, options->small.slots, err);
    machine->aside = out->files ? part_aside_new(&aside, err) : NULL;
    machine->lay_at = aside.held / 4 * 3 < LAY_AT ? aside.held / 4 * 3 : LAY_AT;
    return machine->aside && prepare_gathers(machine, err);
}

/* What was seen of keys, in the order of the input whatever the threads. */
static bool merge_seen(struct part_machine *machine, struct error *err)
{
    struct part_seen *seen = machine->options->seen;
    bool ok = true;
    for (unsigned i = 0; seen && ok && i < machine->worker_count; i++)
        ok = part_seen_merge(seen, machine->workers[i].chunk.seen, err);
    return ok;
}

static bool run(struct part_machine *machine, struct error *err)
{
    if (!prepare(machine, err) || !run_phase(machine, run_read, err) ||
        !part_machine_end_sources(machine, machine->options->source_count, err) ||
        !merge_seen(machine, err))
        return false;
    return part_first_reading(machine) ||
           (gather_all(machine, err) && part_files_close(machine->out->files, err));
}

static bool init_locks(struct part_machine *machine, struct error *err)
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
    struct part_machine *machine = mem_alloc(1, sizeof *machine, err);
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
    out->moved = false;
    memset(out->reasons, 0, sizeof out->reasons);
    bool ok = init_locks(machine, err) && run(machine, err);
    for (unsigned i = 0; machine->workers && i < machine->worker_count; i++)
        part_worker_release(&machine->workers[i]);
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

bool part_machine_same(const struct part_machine_source *first,
                       const struct part_machine_result *second, size_t n)
{
    bool same = !second->moved;
    for (size_t i = 0; same && i < n; i++) {
        const struct part_machine_source *a = &first[i], *b = &second->sources[i];
        same = a->rows == b->rows && a->rejected == b->rejected && a->bytes == b->bytes &&
               memcmp(a->hash, b->hash, sizeof a->hash) == 0;
    }
    return same;
}
