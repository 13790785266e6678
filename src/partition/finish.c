/* Names and the record; see finish.h.
 *
 * A name is taken with some four calls of the kernel, which for a year of partitions is as much as a second: so several
 * threads share them, a batch of neighbours at a time, whose folders are the same.
 */
#include "partition/finish.h"

#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    BATCH = 288, /* names taken by one call: a day of partitions */
    NAMERS_MAX = 4,
    PATH_ROOM = 4096
};

struct naming {
    const struct part_finish *finish;
    const char *id;
    struct part_file *const *files;
    size_t count;
    atomic_size_t next, done;
    pthread_mutex_t lock; /* of error */
    struct error error;
    atomic_bool failed;
};

/* The texts of a batch, one behind the other. */
struct batch {
    struct store_adopted files[BATCH];
    struct arena texts;
};

static bool make_batch(const struct naming *naming, size_t first, size_t n, struct batch *batch,
                       struct error *err)
{
    char name[PART_FILES_NAME_MAX];
    struct buf blob = BUF_INIT(LAKE_NAME_MAX);
    bool ok = true;
    arena_init(&batch->texts, (size_t) BATCH * (PATH_ROOM + LAKE_NAME_MAX));
    for (size_t i = 0; ok && i < n; i++) {
        const struct part_file *file = naming->files[first + i];
        part_files_name(file, name);
        lake_import_name(&blob, naming->finish->place, (int64_t) file->number * TICK_PARTITION,
                         naming->id);
        ok = buf_ok(&blob, "the name of a blob", err);
        batch->files[i] = (struct store_adopted){
            .path = ok ? arena_format(&batch->texts, err, "%s/%s", naming->finish->scratch, name)
                       : NULL,
            .name = ok ? arena_copy(&batch->texts, blob.bytes, blob.used, err) : NULL};
        ok = ok && batch->files[i].path && batch->files[i].name;
    }
    buf_release(&blob);
    return ok;
}

static bool name_batch(struct naming *naming, size_t first, size_t n, struct error *err)
{
    struct batch batch;
    size_t done = 0;
    bool ok = make_batch(naming, first, n, &batch, err) &&
              store_adopt_many(naming->finish->store, batch.files, n, 0, &done, err);
    arena_release(&batch.texts);
    atomic_fetch_add(&naming->done, done);
    return ok;
}

static void keep_error(struct naming *naming, const struct error *err)
{
    (void) pthread_mutex_lock(&naming->lock);
    if (!atomic_load(&naming->failed))
        naming->error = *err;
    atomic_store(&naming->failed, true);
    (void) pthread_mutex_unlock(&naming->lock);
}

/* One batch; false when there is none left. */
static bool name_next(struct naming *naming)
{
    struct error err = ERROR_INIT;
    size_t first = atomic_fetch_add(&naming->next, BATCH);
    if (first >= naming->count || atomic_load(&naming->failed))
        return false;
    size_t left = naming->count - first;
    if (!name_batch(naming, first, left < BATCH ? left : BATCH, &err))
        keep_error(naming, &err);
    return true;
}

static void *run(void *context)
{
    while (name_next(context)) {
    }
    return NULL;
}

static void tell(const struct naming *naming)
{
    const struct partition_watch *watch = naming->finish->watch;
    struct partition_progress progress = {.phase = "name",
                                          .partitions = naming->count,
                                          .partitions_done = atomic_load(&naming->done)};
    if (watch && watch->progress)
        watch->progress(watch->context, &progress);
}

/* The calling thread does its share, and tells how it stands. Only it may use a remote store. */
static void name_all(struct naming *naming)
{
    pthread_t threads[NAMERS_MAX];
    unsigned n = 0,
             want = naming->finish->threads < NAMERS_MAX ? naming->finish->threads : NAMERS_MAX;
    sigset_t all, before;
    (void) sigfillset(&all);
    if (store_remote(naming->finish->store) || naming->count <= BATCH ||
        pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        want = 1;
    while (n + 1 < want && pthread_create(&threads[n], NULL, run, naming) == 0)
        n++;
    if (want > 1)
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (name_next(naming))
        tell(naming);
    for (unsigned i = 0; i < n; i++)
        (void) pthread_join(threads[i], NULL);
    tell(naming);
}

static bool take_names(const struct part_finish *finish, const char *id,
                       struct part_file *const *files, size_t count, struct error *err)
{
    struct naming naming = {.finish = finish,
                            .id = id,
                            .files = files,
                            .count = count,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .error = ERROR_INIT};
    name_all(&naming);
    (void) pthread_mutex_destroy(&naming.lock);
    return !atomic_load(&naming.failed) || error_pass(err, &naming.error);
}

static void add_up(struct part_file *const *files, size_t n, struct lake_import *import)
{
    import->rows = import->bytes = 0;
    import->n_parts = n;
    for (size_t i = 0; i < n; i++) {
        import->rows += files[i]->rows;
        import->bytes += files[i]->size;
    }
    import->from = n > 0 ? (int64_t) files[0]->number * TICK_PARTITION : 0;
    import->to = n > 0 ? ((int64_t) files[n - 1]->number + 1) * TICK_PARTITION : 0;
}

static bool put_record(const struct part_finish *finish, const struct lake_import *import,
                       struct part_file *const *files, struct error *err)
{
    struct lake_import_writer *writer =
        lake_import_writer_new(finish->store, finish->place, import, err);
    if (!writer)
        return false;
    for (size_t i = 0; i < import->n_parts; i++) {
        struct lake_import_part part = {.partition = (int64_t) files[i]->number * TICK_PARTITION,
                                        .rows = files[i]->rows,
                                        .bytes = files[i]->size};
        lake_import_sum_end(files[i]->sum, part.hash);
        if (!lake_import_writer_part(writer, &part, err)) {
            lake_import_writer_abort(writer);
            return false;
        }
    }
    bool durable = finish->sync || store_remote(finish->store);
    return lake_import_writer_commit(writer, durable ? STORE_PUT_DURABLE : 0, err);
}

bool part_finish(const struct part_finish *finish, struct lake_import *import, struct error *err)
{
    size_t n = part_files_count(finish->files);
    struct part_file *const *files = part_files_sorted(finish->files, err);
    bool remote = store_remote(finish->store);
    if (!files)
        return false;
    if (stop_asked(finish->stop))
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    add_up(files, n, import);
    if (finish->sync && !store_sync(finish->store, err))
        return false;
    if (!take_names(finish, import->id, files, n, err) ||
        ((finish->sync || remote) && !store_sync(finish->store, err)) ||
        !put_record(finish, import, files, err))
        return false;
    return !finish->sync || store_sync(finish->store, err);
}
