/* Deleting blobs that Parquet stands in for: see job.h.
 *
 *     1. the files of the record are there, with the bytes that it names
 *     2. the record says which blobs are going
 *     3. they are deleted
 *     4. the record says that they are gone
 *
 * Killed behind 2, the next run does the rest: until then a blob that is going and still there is the source that it was. Of
 * what it may not delete, since it was asked for less, it says that it is kept.
 */
#include "compact/job.h"
#include "lake/stand.h"

#include <stdlib.h>

enum {
    BATCH = 1024, /* blobs that the store is asked to delete at once */
    LEVELS = 5    /* folders of a partition, which go with its last blob */
};

/* Whether the files are as the record says. `fresh`: this run has just written them from what it had proven. */
static bool check_files(const struct compact_job *job, const struct lake_day *record, bool fresh,
                        struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < record->file_count; i++) {
        const struct lake_day_file *file = &record->files[i];
        unsigned char sha256[HASH_SHA256_SIZE];
        uint64_t bytes = 0;
        lake_parquet_prefix(&name, &job->options->place);
        buf_printf(&name, "/%s", file->name);
        ok = buf_ok(&name, "the name of a file", err) &&
             (fresh ? store_stat(job->options->store, buf_text(&name), &bytes, err)
                    : lake_hash_blob(job->options->store, buf_text(&name), job->options->stop,
                                     sha256, &bytes, err));
        if (ok &&
            (bytes != file->bytes || (!fresh && memcmp(sha256, file->sha256, sizeof sha256) != 0)))
            ok = error_set(err, ERROR_FORMAT,
                           "%s is not what its record says: nothing of its day is deleted",
                           buf_text(&name));
    }
    buf_release(&name);
    return ok;
}

static bool may_go(const struct compact_job *job, const struct lake_day_source *source)
{
    struct str id = lake_import_id_of(str_of(source->name));
    const struct lake_import *import;
    switch (source->kind) {
    case LAKE_BLOB_EXPORT:
        return true;
    case LAKE_BLOB_IMPORT: /* one without a record may yet be finished by its command */
        import = lake_imports_find(&job->known.imports, id);
        return import && !import->dead;
    default:
        return job->options->delete_service_blobs;
    }
}

/* The blobs of a day by what stands behind the prefix. */
struct index {
    const struct query_blob **v;
    size_t n;
};

static int compare_names(const void *left, const void *right)
{
    const struct query_blob *const *a = left, *const *b = right;
    return strcmp((*a)->name + (*a)->behind, (*b)->name + (*b)->behind);
}

static bool index_make(struct index *index, const struct query_day *day, struct error *err)
{
    index->v = mem_alloc(day->n, sizeof *index->v, err);
    for (; index->v && index->n < day->n; index->n++)
        index->v[index->n] = &day->blobs[index->n];
    if (index->n > 1)
        qsort(index->v, index->n, sizeof *index->v, compare_names);
    return index->v != NULL;
}

static const struct query_blob *find_blob(const struct index *index, const char *name)
{
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct query_blob *blob = index->v[middle];
        int order = strcmp(blob->name + blob->behind, name);
        if (order == 0)
            return blob;
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return NULL;
}

static void count_deleted(struct compact_day *told, const struct query_blob *blob)
{
    told->deleted += blob != NULL;
    told->deleted_bytes += blob ? blob->size : 0;
}

/* Marks the sources that go: those that are there, and those that a killed run left going, which are kept where this run may
 * not delete them. Returns how many there are of both. */
static size_t mark_going(const struct compact_job *job, const struct index *index,
                         struct lake_day *record, struct compact_day *told)
{
    size_t n = 0;
    for (size_t i = 0; i < record->source_count; i++) {
        struct lake_day_source *source = &record->sources[i];
        const struct query_blob *blob = find_blob(index, source->name);
        if (source->gone == LAKE_DAY_GONE)
            continue;
        if (!may_go(job, source)) {
            bool back = blob && source->gone == LAKE_DAY_GOING && !job->options->dry_run;
            source->gone = back ? LAKE_DAY_KEPT : source->gone;
            n += back;
            continue;
        }
        if (!blob && source->gone == LAKE_DAY_KEPT)
            continue; /* somebody else took it: weir verify says so */
        n++;
        if (job->options->dry_run)
            count_deleted(told, blob);
        else
            source->gone = LAKE_DAY_GOING;
    }
    return n;
}

/* Sources that go, as the store is asked to delete them. */
struct batch {
    struct store_unwanted *v;
    struct lake_day_source **sources;
    size_t n;
    struct buf names;
};

static bool is_ours(const struct lake_day_source *source)
{
    return source->kind == LAKE_BLOB_EXPORT || source->kind == LAKE_BLOB_IMPORT;
}

/* What others write to may have grown since it was listed. */
static bool batch_add(struct batch *batch, const struct compact_job *job,
                      struct lake_day_source *source, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_table_prefix(&name, &job->options->place);
    buf_printf(&name, "/%s", source->name);
    bool ok = buf_ok(&name, "the name of a blob", err);
    buf_put(&batch->names, buf_text(&name), name.used + 1);
    buf_release(&name);
    batch->sources[batch->n] = source;
    batch->v[batch->n++] = (struct store_unwanted){.sized = !is_ours(source),
                                                   .size = source->size,
                                                   .anyones = !is_ours(source),
                                                   .folders = LEVELS};
    return ok && buf_ok(&batch->names, "names of blobs", err);
}

/* Keeps what became of them. Those that were not tried, or failed, are going still. */
static void take_fates(const struct batch *batch, const struct index *index,
                       struct compact_day *told)
{
    for (size_t i = 0; i < batch->n; i++) {
        struct lake_day_source *source = batch->sources[i];
        if (batch->v[i].fate == STORE_STAYS)
            continue;
        source->gone = batch->v[i].fate == STORE_GONE ? LAKE_DAY_GONE : LAKE_DAY_KEPT;
        if (source->gone == LAKE_DAY_GONE)
            count_deleted(told, find_blob(index, source->name));
    }
}

static bool delete_batch(struct batch *batch, const struct compact_job *job,
                         const struct index *index, struct compact_day *told, struct error *err)
{
    const char *at = buf_text(&batch->names);
    if (stop_asked(job->options->stop))
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    for (size_t i = 0; i < batch->n; at += strlen(at) + 1)
        batch->v[i++].name = at;
    bool ok = store_delete_many(job->options->store, batch->v, batch->n, err);
    take_fates(batch, index, told);
    batch->n = 0;
    buf_reset(&batch->names);
    return ok;
}

static bool delete_going(const struct compact_job *job, const struct index *index,
                         struct lake_day *record, struct compact_day *told, struct error *err)
{
    struct batch batch = {.v = mem_alloc(BATCH, sizeof *batch.v, err),
                          .sources = mem_alloc(BATCH, sizeof *batch.sources, err),
                          .names = BUF_INIT(BATCH * LAKE_NAME_MAX)};
    bool ok = batch.v && batch.sources;
    for (size_t i = 0; ok && i < record->source_count; i++) {
        if (record->sources[i].gone != LAKE_DAY_GOING || !may_go(job, &record->sources[i]))
            continue;
        ok = batch_add(&batch, job, &record->sources[i], err) &&
             (batch.n < BATCH || delete_batch(&batch, job, index, told, err));
    }
    ok = ok && (batch.n == 0 || delete_batch(&batch, job, index, told, err));
    buf_release(&batch.names);
    mem_free(batch.v);
    mem_free(batch.sources);
    return ok;
}

/* The record tells what is gone, also when something failed: what it says to be going may then be there. */
static bool finish(const struct compact_job *job, struct lake_day *record, bool deleted,
                   struct error *err)
{
    struct store *store = job->options->store;
    struct error why = ERROR_INIT;
    bool told =
        store_sync(store, &why) && lake_day_write(store, &job->options->place, record, &why);
    return deleted && (told || error_pass(err, &why));
}

bool compact_delete_day(struct compact_job *job, const struct compact_kept *kept, bool fresh,
                        struct lake_day *record, struct compact_day *told, struct error *err)
{
    struct store *store = job->options->store;
    const struct lake_place *place = &job->options->place;
    struct index index = {0};
    bool ok = index_make(&index, &kept->day, err);
    if (ok && mark_going(job, &index, record, told) > 0 && !job->options->dry_run)
        ok = check_files(job, record, fresh, err) && lake_day_write(store, place, record, err) &&
             finish(job, record, delete_going(job, &index, record, told, err), err);
    mem_free(index.v);
    return ok;
}
