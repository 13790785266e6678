/* Files that no record names: see job.h. */
#include "compact/job.h"

enum { NAMES_MAX = 1 << 28, HEX = 12, LEVELS = 3 };

/* Cuts the day's three folders off. */
static bool take_day(struct str *path, int64_t *day)
{
    int v[LEVELS];
    struct str part;
    for (int i = 0; i < LEVELS; i++)
        if (!str_split(path, '/', &part) || !lake_parse_level(part, &v[i]))
            return false;
    struct tick_civil civil = {.year = v[0], .month = v[1], .day = v[2]};
    return tick_from_civil(&civil, day);
}

bool compact_is_own(struct str path)
{
    int64_t day;
    if (!take_day(&path, &day) || path.n <= HEX + strlen("-.parquet") || path.p[HEX] != '-' ||
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

struct sweep {
    const struct lake_days *days;
    size_t skip; /* bytes before what a record calls a file */
    struct buf names;
    size_t n;
};

static bool is_named(const struct sweep *sweep, struct str path)
{
    struct str rest = path;
    int64_t day;
    const struct lake_day *record = take_day(&rest, &day) ? lake_days_find(sweep->days, day) : NULL;
    for (size_t i = 0; record && i < record->file_count; i++)
        if (str_eq(path, str_of(record->files[i].name)))
            return true;
    return false;
}

static bool see_file(void *context, const struct store_blob *blob, struct error *err)
{
    struct sweep *sweep = context;
    struct str path = {blob->name.p + sweep->skip, blob->name.n - sweep->skip};
    if (!compact_is_own(path) || is_named(sweep, path))
        return true;
    buf_put_str(&sweep->names, blob->name);
    buf_put(&sweep->names, "", 1);
    sweep->n++;
    return buf_ok(&sweep->names, "names of files", err);
}

static bool delete_files(struct store *store, const struct sweep *sweep, struct error *err)
{
    struct store_unwanted *files = mem_alloc(sweep->n, sizeof *files, err);
    const char *at = buf_text(&sweep->names);
    for (size_t i = 0; files && i < sweep->n; at += strlen(at) + 1)
        files[i++] = (struct store_unwanted){.name = at, .folders = LEVELS};
    bool ok = files && store_delete_many(store, files, sweep->n, err);
    mem_free(files);
    return ok;
}

bool compact_sweep(struct compact_job *job, const struct lake_days *days, struct error *err)
{
    struct store *store = job->options->store;
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    struct sweep sweep = {.days = days, .names = BUF_INIT(NAMES_MAX)};
    lake_parquet_prefix(&prefix, &job->options->place);
    sweep.skip = prefix.used + 1;
    bool ok = buf_ok(&prefix, "the name of a folder", err) &&
              store_list(store, buf_text(&prefix), see_file, &sweep, err);
    ok = ok && delete_files(store, &sweep, err);
    buf_release(&prefix);
    buf_release(&sweep.names);
    return ok;
}
