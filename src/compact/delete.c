/* Deleting blobs that Parquet stands in for: see job.h.
 *
 *     1. the files of the record are there, with the bytes that it names
 *     2. the record says which blobs are going
 *     3. they are deleted
 *     4. the record says that they are gone
 *
 * Killed behind 2, the next run does the rest: until then a blob that is going and still there is the source that it was.
 */
#include "compact/job.h"
#include "lake/stand.h"

#include <stdlib.h>

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

/* Marks the sources that go: those that are there, and those that a killed run left going. */
static size_t mark_going(const struct compact_job *job, const struct index *index,
                         struct lake_day *record, struct compact_day *told)
{
    size_t n = 0;
    for (size_t i = 0; i < record->source_count; i++) {
        struct lake_day_source *source = &record->sources[i];
        if (source->gone == LAKE_DAY_GONE || !may_go(job, source))
            continue;
        const struct query_blob *blob = find_blob(index, source->name);
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

/* What the service writes to may have grown since it was listed. */
static bool is_still(const struct compact_job *job, const struct lake_day_source *source,
                     const char *name, bool *still, struct error *err)
{
    struct error why = ERROR_INIT;
    uint64_t bytes;
    *still = true;
    if (source->kind != LAKE_BLOB_SERVICE && source->kind != LAKE_BLOB_OTHER)
        return true;
    if (!store_stat(job->options->store, name, &bytes, &why))
        return why.code == ERROR_NOT_FOUND || error_pass(err, &why);
    *still = bytes == source->size;
    return true;
}

static bool delete_going(const struct compact_job *job, const struct index *index,
                         struct lake_day *record, struct compact_day *told, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < record->source_count; i++) {
        struct lake_day_source *source = &record->sources[i];
        bool still;
        if (source->gone != LAKE_DAY_GOING)
            continue;
        lake_table_prefix(&name, &job->options->place);
        buf_printf(&name, "/%s", source->name);
        ok =
            (!stop_asked(job->options->stop) || error_set(err, ERROR_INTERRUPTED, "interrupted")) &&
            buf_ok(&name, "the name of a blob", err) &&
            is_still(job, source, buf_text(&name), &still, err) &&
            (!still || store_delete(job->options->store, buf_text(&name), err));
        if (!ok)
            break;
        source->gone = still ? LAKE_DAY_GONE : LAKE_DAY_KEPT;
        if (still)
            count_deleted(told, find_blob(index, source->name));
    }
    buf_release(&name);
    return ok;
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
             delete_going(job, &index, record, told, err) && store_sync(store, err) &&
             lake_day_write(store, place, record, err);
    mem_free(index.v);
    return ok;
}
