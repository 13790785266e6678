/* Files that no record names, at the end of a run: see job.h. */
#include "compact/job.h"

enum { NAMES_MAX = 1 << 28, STRAYS_MAX = 1 << 24, HEX = 12, LEVELS = 3 };

bool compact_is_own(struct str path)
{
    int64_t day;
    if (!lake_parse_day(&path, &day) || path.n <= HEX + strlen("-.parquet") || path.p[HEX] != '-' ||
        !str_ends(path, STR(".parquet")))
        return false;
    for (size_t i = 0; i < HEX; i++)
        if (!memchr("0123456789abcdef", path.p[i], 16))
            return false;
    for (size_t i = HEX + 1; i < path.n - strlen(".parquet"); i++)
        if (path.p[i] < '0' || path.p[i] > '9')
            return false;
    return true;
}

/* Files that no record names. */
struct stray {
    size_t name; /* in names, whole */
    uint64_t bytes;
    bool goes;
};

struct sweep {
    struct compact_job *job;
    const struct lake_days *days;
    size_t skip; /* bytes before what a record calls a file */
    struct buf names;
    struct stray *v;
    size_t n, room;
    int64_t told; /* the day that was told of last; -1: none was */
};

static bool see_file(void *context, const struct store_blob *blob, struct error *err)
{
    struct sweep *sweep = context;
    struct str path, rest;
    int64_t day = 0;
    if (!lake_name_below(blob->name, sweep->skip, store_address(sweep->job->options->store), &path,
                         err))
        return false;
    rest = path;
    if (!compact_is_own(path) || !lake_parse_day(&rest, &day) ||
        lake_day_names(lake_days_find(sweep->days, day), path))
        return true;
    if (!mem_reserve(&sweep->v, &sweep->room, sweep->n, STRAYS_MAX, sizeof *sweep->v, err))
        return false;
    sweep->v[sweep->n++] = (struct stray){.name = sweep->names.used, .bytes = blob->size};
    buf_put_str(&sweep->names, blob->name);
    buf_put(&sweep->names, "", 1);
    return buf_ok(&sweep->names, "names of files", err);
}

/* A day's file that may hold rows which nothing else has: the day is told to have failed, once. */
static bool tell(struct sweep *sweep, int64_t day, const char *name, struct error *err)
{
    const struct compact_options *options = sweep->job->options;
    struct error why = ERROR_INIT;
    struct compact_day told = {.day = day, .verdict = COMPACT_FAILED, .why = &why};
    if (day == sweep->told)
        return true;
    sweep->told = day;
    (void) compact_stray_error(name, &why);
    sweep->job->totals->days[COMPACT_FAILED]++;
    return !options->fn || options->fn(options->context, &told, err);
}

/* A day without a record may be compacted yet, where it has blobs. */
static bool has_blobs(const struct sweep *sweep, int64_t day, bool *has, struct error *err)
{
    struct compact_kept kept;
    bool found;
    bool ok = compact_kept_find(&kept, sweep->job, day, &found, err);
    *has = ok && found && kept.day.n > 0;
    compact_kept_release(&kept);
    return ok;
}

/* What the record stands instead of goes; else what holds no row that its files lack. */
static bool decide(struct sweep *sweep, struct stray *stray, struct error *err)
{
    struct compact_job *job = sweep->job;
    const char *name = sweep->names.bytes + stray->name + sweep->skip;
    struct str rest = str_of(name);
    int64_t day = 0;
    (void) lake_parse_day(&rest, &day);
    const struct lake_day *record = lake_days_find(sweep->days, day);
    bool stays = false;
    if (!record)
        return has_blobs(sweep, day, &stays, err) && (stays || tell(sweep, day, name, err));
    stray->goes = lake_day_instead(record, str_of(name));
    if (stray->goes)
        return true;
    return compact_stray_held(job, record, name, stray->bytes, &stray->goes, err) &&
           (stray->goes || tell(sweep, day, name, err));
}

static bool delete_files(struct store *store, const struct sweep *sweep, struct error *err)
{
    struct store_unwanted *files = mem_alloc(sweep->n, sizeof *files, err);
    size_t n = 0;
    for (size_t i = 0; files && i < sweep->n; i++)
        if (sweep->v[i].goes)
            files[n++] = (struct store_unwanted){.name = sweep->names.bytes + sweep->v[i].name,
                                                 .folders = LEVELS};
    bool ok = files && store_delete_many(store, files, n, err);
    mem_free(files);
    return ok;
}

bool compact_sweep(struct compact_job *job, const struct lake_days *days, struct error *err)
{
    struct store *store = job->options->store;
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    struct sweep sweep = {.job = job, .days = days, .names = BUF_INIT(NAMES_MAX), .told = -1};
    lake_parquet_prefix(&prefix, &job->options->place);
    sweep.skip = prefix.used + 1;
    bool ok = buf_ok(&prefix, "the name of a folder", err) &&
              store_list(store, buf_text(&prefix), see_file, &sweep, err);
    for (size_t i = 0; ok && i < sweep.n; i++)
        ok = decide(&sweep, &sweep.v[i], err);
    ok = ok && delete_files(store, &sweep, err);
    buf_release(&prefix);
    buf_release(&sweep.names);
    mem_free(sweep.v);
    return ok;
}
