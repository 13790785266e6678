/* Files that no record names, and what they hold: see job.h.
 *
 * Such a file is what a killed run left, or all that is left of a day whose record was lost. The rows tell which: those of
 * the first kind stand in the record's files too. Whatever cannot be read is of the second.
 */
#include "compact/job.h"
#include "compact/prove.h"
#include "query/bring.h"
#include "query/restore.h"

#include <stdlib.h>

enum {
    PATH_ROOM = 8192,
    NAMES_MAX = 1 << 24,
    ROWS_MAX = 1 << 25 /* of a file that is looked for: 24 bytes each */
};

static const char ticks_ending[] = "__ticks";

/* Rows by their identity, and how many of each. */
struct tally {
    struct lake_row_key key;
    uint64_t n;
};

struct comparison {
    struct compact_job *job;
    struct engine *engine;
    struct engine_task *task;
    struct query_bring *bring; /* on a remote store */
    struct buf scratch;
    struct tally *v; /* of the stray file, in order of key once all are there */
    size_t n, room;
    uint64_t left; /* rows that were not found yet */
};

typedef bool row_fn(struct comparison *all, const struct lake_row_key *key, struct error *err);

/* --- columns of a file whose record is not there ------------------------------------------------------------ */

/* Whether it is the column of 100 ns beside a datetime. */
static bool is_ticks(const struct columns *schema, struct str name)
{
    if (!str_ends(name, str_of(ticks_ending)))
        return false;
    name.n -= strlen(ticks_ending);
    int at = columns_find(schema, name);
    return at >= 0 && schema->v[at].type == COLUMN_DATETIME;
}

/* The columns by the types that they have now: where they had others the rows come out as other rows. */
static bool guess_columns(const struct columns *schema, const struct columns *raw,
                          struct arena *arena, struct lake_day_file *out, struct error *err)
{
    struct column *columns = arena_alloc(arena, raw->n, sizeof *columns, err);
    unsigned char *traits = arena_alloc(arena, raw->n, 1, err);
    struct buf ticks = BUF_INIT(2 * COLUMN_NAME_MAX);
    size_t n = 0;
    bool ok = columns && traits;
    for (size_t i = 0; ok && i < raw->n; i++) {
        struct str name = str_of(raw->v[i].name);
        out->rest = out->rest || str_eq(name, STR("_weir_rest"));
        if (str_starts(name, STR("_weir_")) || is_ticks(schema, name))
            continue;
        int at = columns_find(schema, name);
        ok = at >= 0 || error_set(err, ERROR_FORMAT, "its columns are others than the table's");
        if (!ok)
            break;
        buf_reset(&ticks);
        buf_printf(&ticks, "%.*s%s", (int) name.n, name.p, ticks_ending);
        bool finer =
            schema->v[at].type == COLUMN_DATETIME && columns_find(raw, buf_str(&ticks)) >= 0;
        traits[n] = finer ? LAKE_DAY_TICKS : 0;
        columns[n++] = schema->v[at];
    }
    buf_release(&ticks);
    out->columns = (struct columns){.v = columns, .n = n};
    out->traits = traits;
    return ok;
}

/* --- rows --------------------------------------------------------------------------------------------------- */

static bool take_rows(struct comparison *all, struct engine_result *result,
                      struct query_restore *restore, row_fn *fn, struct error *err)
{
    const struct engine_chunk *chunk = NULL;
    do {
        struct str line;
        struct lake_row_key key;
        if (stop_asked(all->job->options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!engine_next(result, &chunk, err))
            return false;
        for (size_t row = 0; chunk && row < chunk->rows; row++)
            if (!query_restore_line(restore, chunk, row, &line, err) ||
                !lake_row_whole(all->job->rows, line, &key, err) || !fn(all, &key, err))
                return false;
    } while (chunk);
    return true;
}

/* All rows of a file; without `traits` its columns are guessed. */
static bool read_file(struct comparison *all, const struct lake_day_file *file, row_fn *fn,
                      struct error *err)
{
    const struct compact_options *options = all->job->options;
    struct lake_day_file known = *file;
    struct buf path = BUF_INIT(PATH_ROOM);
    struct columns raw = {0};
    struct arena arena;
    struct engine_result *result = NULL;
    struct query_restore *restore = NULL;
    arena_init(&arena, NAMES_MAX);
    bool ok =
        query_file_path(options->store, all->bring, &options->place, file, &path, err) &&
        (result = engine_raw(all->task, buf_text(&path), &raw, err)) != NULL &&
        (file->traits || guess_columns(&all->job->schema.columns, &raw, &arena, &known, err)) &&
        (restore = query_restore_new(&known.columns, known.traits, known.rest, &raw, err)) !=
            NULL &&
        take_rows(all, result, restore, fn, err);
    query_restore_free(restore);
    engine_result_free(result);
    arena_release(&arena);
    columns_release(&raw);
    buf_release(&path);
    return ok;
}

static bool add_row(struct comparison *all, const struct lake_row_key *key, struct error *err)
{
    if (!mem_reserve(&all->v, &all->room, all->n, ROWS_MAX, sizeof *all->v, err))
        return false;
    all->v[all->n++] = (struct tally){.key = *key, .n = 1};
    return true;
}

static int compare_keys(const struct lake_row_key *a, const struct lake_row_key *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

static int compare_tallies(const void *left, const void *right)
{
    const struct tally *a = left, *b = right;
    return compare_keys(&a->key, &b->key);
}

/* Puts what was added in order, each key once. */
static void put_in_order(struct comparison *all)
{
    size_t kept = 0;
    all->left = all->n;
    if (all->n > 1)
        qsort(all->v, all->n, sizeof *all->v, compare_tallies);
    for (size_t i = 0; i < all->n; i++) {
        if (kept > 0 && compare_tallies(&all->v[kept - 1], &all->v[i]) == 0)
            all->v[kept - 1].n++;
        else
            all->v[kept++] = all->v[i];
    }
    all->n = kept;
}

static bool find_row(struct comparison *all, const struct lake_row_key *key, struct error *err)
{
    size_t low = 0, high = all->n;
    (void) err;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(&all->v[middle].key, key);
        if (order == 0) {
            all->left -= all->v[middle].n > 0;
            all->v[middle].n -= all->v[middle].n > 0;
            return true;
        }
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return true;
}

/* --- the comparison ----------------------------------------------------------------------------------------- */

static bool comparison_begin(struct comparison *all, struct error *err)
{
    const struct compact_options *options = all->job->options;
    buf_init(&all->scratch, PATH_ROOM);
    if (store_remote(options->store) && (all->bring = query_bring_new(options->store, err)) == NULL)
        return false;
    if (!store_scratch(options->store, &all->scratch, err))
        return false;
    struct engine_options how = {
        .threads = 1, .memory = all->job->memory, .scratch = buf_text(&all->scratch)};
    all->engine = engine_open(&how, err);
    all->task = all->engine ? engine_task_new(all->engine, err) : NULL;
    return all->task != NULL;
}

static void comparison_end(struct comparison *all)
{
    engine_task_free(all->task);
    engine_free(all->engine);
    query_bring_free(all->bring);
    buf_release(&all->scratch);
    mem_free(all->v);
}

static bool compare(struct comparison *all, const struct lake_day *record,
                    const struct lake_day_file *stray, struct error *err)
{
    if (!read_file(all, stray, add_row, err))
        return false;
    put_in_order(all);
    for (size_t i = 0; i < record->file_count && all->left > 0; i++)
        if (!read_file(all, &record->files[i], find_row, err))
            return false;
    return true;
}

/* What keeps a file from being compared, and is no fault of the machine or the store. */
static bool cannot_tell(const struct error *why)
{
    return why->code == ERROR_FORMAT || why->code == ERROR_IO || why->code == ERROR_NOT_FOUND ||
           why->code == ERROR_PARTIAL || why->code == ERROR_LIMIT;
}

bool compact_stray_held(struct compact_job *job, const struct lake_day *record, const char *name,
                        uint64_t bytes, bool *held, struct error *err)
{
    struct comparison all = {.job = job};
    struct lake_day_file stray = {.name = name, .bytes = bytes};
    struct error why = ERROR_INIT;
    *held = false;
    if (!comparison_begin(&all, err)) {
        comparison_end(&all);
        return false;
    }
    bool ok = compare(&all, record, &stray, &why);
    *held = ok && all.left == 0;
    comparison_end(&all);
    return ok || cannot_tell(&why) || error_pass(err, &why);
}

bool compact_stray_error(const char *name, struct error *err)
{
    return error_set(
        err, ERROR_INCOMPLETE,
        "no record names parquet/%s, and it may hold rows that nothing else has: bring "
        "the day's record, days/%.*s.jsonl, back from a copy; or move that file away "
        "to do without them",
        name, (int) strlen("y=2021/m=11/d=07"), name);
}

/* --- files of the record before ------------------------------------------------------------------------------ */

/* What does not fit is left out: such a file is compared when it is found. */
static void put_name(struct buf *text, struct str name)
{
    if (text->used + name.n + 1 >= LAKE_DAY_INSTEAD_MAX)
        return;
    if (text->used > 0)
        buf_putc(text, ' ');
    buf_put_str(text, name);
}

static bool is_there(const struct compact_job *job, struct str file, bool *there, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct error why = ERROR_INIT;
    uint64_t bytes;
    lake_parquet_prefix(&name, &job->options->place);
    buf_printf(&name, "/%.*s", (int) file.n, file.p);
    bool ok = buf_ok(&name, "the name of a file", err);
    *there = ok && store_stat(job->options->store, buf_text(&name), &bytes, &why);
    buf_release(&name);
    return ok && (*there || why.code == ERROR_NOT_FOUND || error_pass(err, &why));
}

bool compact_instead(struct compact_job *job, struct compact_kept *kept, struct lake_day *record,
                     struct error *err)
{
    const struct lake_day *before = kept->day.record;
    struct buf text = BUF_INIT(LAKE_DAY_INSTEAD_MAX);
    struct str rest = str_of(before && before->instead ? before->instead : ""), name;
    bool ok = true, there;
    for (size_t i = 0; before && i < before->file_count; i++)
        put_name(&text, str_of(before->files[i].name));
    while (ok && rest.n > 0 && str_split(&rest, ' ', &name)) {
        if (!compact_is_own(name))
            continue;
        ok = is_there(job, name, &there, err);
        if (ok && there)
            put_name(&text, name);
    }
    ok = ok && buf_ok(&text, "names of files", err);
    if (ok && text.used > 0)
        record->instead = arena_copy(&kept->arena, buf_text(&text), text.used, err);
    ok = ok && (text.used == 0 || record->instead);
    buf_release(&text);
    return ok;
}

/* --- those of one day --------------------------------------------------------------------------------------- */

struct look {
    struct store *store;
    const struct lake_day *record;
    size_t skip;
    struct stray {
        size_t name;
        uint64_t bytes;
    } * v;
    size_t n, room;
    struct buf names;
};

static bool see_file(void *context, const struct store_blob *blob, struct error *err)
{
    struct look *look = context;
    struct str path;
    if (!lake_name_below(blob->name, look->skip, store_address(look->store), &path, err))
        return false;
    if (!compact_is_own(path) || lake_day_names(look->record, path))
        return true;
    if (!mem_reserve(&look->v, &look->room, look->n, LAKE_DAY_FILES_MAX, sizeof *look->v, err))
        return false;
    look->v[look->n++] = (struct stray){.name = look->names.used, .bytes = blob->size};
    buf_put_str(&look->names, path);
    buf_put(&look->names, "", 1);
    return buf_ok(&look->names, "names of files", err);
}

/* They are not to be taken for strays later on: their rows are in the lines. */
static void remove_files(const struct compact_job *job, const struct lake_day *record)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    for (size_t i = 0; i < record->file_count; i++) {
        lake_parquet_prefix(&name, &job->options->place);
        buf_printf(&name, "/%s", record->files[i].name);
        if (!name.failed)
            (void) store_delete(job->options->store, buf_text(&name), NULL);
    }
    buf_release(&name);
}

bool compact_stray_check(struct compact_job *job, const struct lake_day *record, struct error *err)
{
    const struct compact_options *options = job->options;
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX), folder = BUF_INIT(LAKE_NAME_MAX);
    struct look look = {.store = options->store, .record = record, .names = BUF_INIT(NAMES_MAX)};
    bool held = true;
    lake_parquet_prefix(&prefix, &options->place);
    lake_day_folder(&folder, &options->place, record->day);
    look.skip = prefix.used + 1;
    bool ok = buf_ok(&prefix, "the name of a folder", err) &&
              buf_ok(&folder, "the name of a folder", err) &&
              store_list(options->store, buf_text(&folder), see_file, &look, err);
    for (size_t i = 0; ok && i < look.n; i++) {
        const char *name = look.names.bytes + look.v[i].name;
        ok = compact_stray_held(job, record, name, look.v[i].bytes, &held, err) &&
             (held || compact_stray_error(name, err));
    }
    if (!held)
        remove_files(job, record);
    buf_release(&prefix);
    buf_release(&folder);
    buf_release(&look.names);
    mem_free(look.v);
    return ok;
}
