/* Compaction: rows of lines into one file of Parquet, and back as they stand; see engine_compact.
 *
 * The lines are read twice. The first time tells which datetimes have digits below the microsecond and whether any row has
 * a rest, since the columns of a file must be known before its first row; the second time writes. What the second
 * reading finds must be what the first one found, or the files have changed meanwhile.
 *
 * Wide tables are mostly empty. A column without a value in any row does not pass through the sort.
 *
 * More rows than the memory can sort are written in stretches of time, one after the other, each to a file of its own, and
 * those are put together by one thread: DuckDB's own way through the disk is slower than reading the lines again, and ends
 * where its blocks in use do not fit.
 *
 * Rows of files that were compacted before pass through SQL alone: their values as a view would restore them, and of their
 * `_weir_rest` what the columns of today do not tell.
 */
#include "engine/duckdb/restore.h"

#include <errno.h>
#include <unistd.h>

/* Rows of a group of the file: what DuckDB's sort hands on at a time, since groups of another size are put together by
 * copying every value once more. Fewer where rows are so wide that what the threads hold of them would not stay a share of
 * the memory. So do the dictionaries of a group's columns, for which room is made beforehand: 24 bytes for a text, twice
 * over and rounded up to a power of two, and a page for their characters. */
enum {
    GROUP_ROWS = 60 * ENGINE_CHUNK_ROWS,
    GROUP_SHARES = 8,
    WHOLE_SHARES = 3, /* as far as a group is not made smaller */
    VALUE_BYTES = 16, /* of each value, beside the bytes of the line */
    TEXTS_SHARE = 5,  /* as DuckDB has it */
    TEXTS_MOST = GROUP_ROWS / TEXTS_SHARE,
    TEXTS_LEAST = 500,
    TEXT_BYTES = 64,
    PAGE_LEAST = 16 << 10,
    PAGE_MOST = 1 << 20,                                   /* as DuckDB has it */
    TRAITS = ENGINE_TICKS | ENGINE_MENDED | ENGINE_MISFITS /* those that are told */
};

/* Memory that sorting and writing a row takes: so many times the bytes of its line and its values. */
enum {
    SORT_TIMES = 2,
    LINE_BYTES = 1024, /* of a row that comes without a line */
    STRETCHES_MAX = 4096
};

static const char relation_name[] = ".compact"; /* no table is called so */
static const int64_t before_lines = INT64_MIN / 2;

struct compaction {
    struct driver_task *task;
    const struct engine_files *files;
    char **paths;           /* of the compacted files, absolute */
    struct columns columns; /* those that have a place of their own in the file */
    const char **keys;
    struct source *source;
    uint64_t rows, timed;
    int64_t first, last;
    unsigned char *traits; /* as the first reading has found them */
    bool rest;
};

/* --- which columns have a place of their own ------------------------------------------------------------ */

static bool is_ours(struct str name)
{
    return name.n == 0 || str_eq_case(name, STR(DUCK_REST_COLUMN)) ||
           str_eq_case(name, STR(DUCK_SOURCE_COLUMN)) || str_eq_case(name, STR(DUCK_ROW_COLUMN));
}

/* Whether a name is that of the ticks of a datetime of the table. */
static bool is_ticks(const struct columns *columns, struct str name)
{
    struct str ending = STR("__ticks");
    if (name.n <= ending.n ||
        !str_eq_case((struct str){name.p + name.n - ending.n, ending.n}, ending))
        return false;
    name.n -= ending.n;
    for (size_t i = 0; i < columns->n; i++) {
        if (columns->v[i].type == COLUMN_DATETIME && str_eq_case(str_of(columns->v[i].name), name))
            return true;
    }
    return false;
}

/* Whether a column before it has the name but for case; TimeGenerated is before all. */
static bool is_taken(const struct columns *columns, size_t i)
{
    struct str name = str_of(columns->v[i].name), time = STR("TimeGenerated");
    if (str_eq(name, time))
        return false;
    for (size_t j = 0; j < i; j++) {
        if (str_eq_case(str_of(columns->v[j].name), name))
            return true;
    }
    return str_eq_case(name, time);
}

static bool choose_columns(struct compaction *compaction, struct error *err)
{
    const struct engine_files *files = compaction->files;
    const struct columns *all = files->columns;
    compaction->keys = mem_alloc(all->n, sizeof compaction->keys[0], err);
    bool timed = false;
    if (!compaction->keys)
        return false;
    for (size_t i = 0; i < all->n; i++) {
        struct str name = str_of(all->v[i].name);
        timed = timed || (all->v[i].type == COLUMN_DATETIME && str_eq(name, STR("TimeGenerated")));
        if (is_ours(name) || is_ticks(all, name) || is_taken(all, i))
            continue;
        compaction->keys[compaction->columns.n] = files->source_keys ? files->source_keys[i] : NULL;
        if (!columns_add(&compaction->columns, name, all->v[i].type, err))
            return false;
    }
    if (!timed)
        (void) error_set(err, ERROR_FORMAT, "there is no column TimeGenerated of type datetime");
    return timed;
}

static bool open_source(struct compaction *compaction, const uint32_t *sources, struct error *err)
{
    struct engine_files files = *compaction->files;
    if (files.form != ENGINE_LINES) {
        (void) error_set(err, ERROR_INTERNAL, "only lines are compacted");
        return false;
    }
    files.name = relation_name;
    files.columns = &compaction->columns;
    files.source_keys = compaction->keys;
    struct source *source = source_new(compaction->task, &files, err);
    if (!source || !zones_find(source, files.time_zone, files.time_keys, err) ||
        !source_be_whole(source, sources, err)) {
        source_release(source);
        return false;
    }
    source_keep(source);
    compaction->source = source;
    return true;
}

/* --- rows of files that were compacted before ----------------------------------------------------------- */

/* Whether a column of the file has the same place in the new one. */
static bool stays(const struct compaction *compaction, const struct engine_compacted *file,
                  size_t i)
{
    const struct columns *columns = &compaction->columns;
    int place = columns_find(columns, str_of(file->columns->v[i].name));
    return place >= 0 && columns->v[place].type == file->columns->v[i].type;
}

/* TimeGenerated is what rows are sorted by. */
static bool has_values(const struct compaction *compaction, size_t i)
{
    return (compaction->traits[i] & SOURCE_VALUES) || (int) i == compaction->source->time_column;
}

/* What is known before a row is read: more than there is, perhaps. */
static void expect(struct compaction *compaction, const struct engine_compacted *file)
{
    const struct columns *columns = &compaction->columns;
    compaction->rest = compaction->rest || file->rest;
    for (size_t i = 0; i < file->columns->n; i++)
        compaction->rest = compaction->rest || !stays(compaction, file, i);
    for (size_t i = 0; i < columns->n; i++) {
        int stored = restore_find(file, columns->v[i].name);
        bool same = stored >= 0 && file->columns->v[stored].type == columns->v[i].type;
        compaction->traits[i] |= SOURCE_VALUES;
        if (columns->v[i].type == COLUMN_DATETIME)
            compaction->traits[i] |=
                same ? file->traits[stored] & ENGINE_TICKS : (unsigned) ENGINE_TICKS;
        if (same)
            compaction->traits[i] |= file->traits[stored] & (ENGINE_MENDED | ENGINE_MISFITS);
    }
}

/* The file's columns that have no place any more, or that of another type, as one JSON object. */
static void put_moved(struct buf *sql, const struct compaction *compaction,
                      const struct engine_compacted *file)
{
    bool any = false;
    for (size_t i = 0; i < file->columns->n; i++) {
        if (stays(compaction, file, i))
            continue;
        struct buf key = BUF_INIT(8 * COLUMN_NAME_MAX);
        buf_putc(&key, '"');
        text_put_json(&key, str_of(file->columns->v[i].name));
        buf_puts(&key, "\":");
        buf_puts(sql, any ? ", " : "nullif('{' || concat_ws(',', ");
        duck_put_string(sql, buf_str(&key));
        buf_puts(sql, " || ");
        restore_put_json(sql, file, i);
        sql->failed = sql->failed || key.failed;
        buf_release(&key);
        any = true;
    }
    buf_puts(sql, any ? ") || '}', '{}')" : "CAST(NULL AS VARCHAR)");
}

static void put_renumbered(struct buf *sql, const struct engine_compacted *file)
{
    if (!file->renumber) {
        buf_puts(sql, "CAST(\"" DUCK_SOURCE_COLUMN "\" AS INTEGER)");
        return;
    }
    buf_puts(sql, "CAST(list_extract([");
    for (size_t i = 0; i < file->renumber_count; i++)
        buf_printf(sql, "%s%u", i ? "," : "", (unsigned) file->renumber[i]);
    buf_puts(sql, "], CAST(\"" DUCK_SOURCE_COLUMN "\" AS BIGINT) + 1) AS INTEGER)");
}

static void put_reader(struct buf *sql, const struct compaction *compaction, size_t number,
                       bool numbered)
{
    reader_put_parquet(sql, &compaction->paths[number], 1,
                       (struct reader_parquet){.numbered = numbered});
    restore_put_where(sql, compaction->source, &compaction->files->compacted[number]);
}

static void put_restored(struct buf *sql, const struct compaction *compaction, size_t number)
{
    const struct engine_compacted *file = &compaction->files->compacted[number];
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < compaction->columns.n; i++) {
        if (!has_values(compaction, i))
            continue;
        restore_put_column(sql, compaction->source, i, file);
        buf_printf(sql, " AS c%zu, ", i);
    }
    const int64_t first = before_lines + (int64_t) ((uint64_t) number << DUCK_ROW_SHIFT);
    buf_printf(sql, "file_row_number + %lld AS o, ", (long long) first);
    put_renumbered(sql, file);
    buf_puts(sql, " AS s");
    if (compaction->rest) {
        buf_printf(sql, ", weir_left(%lld, %s, ", (long long) compaction->source->number,
                   file->rest ? "\"" DUCK_REST_COLUMN "\"" : "CAST(NULL AS VARCHAR)");
        put_moved(sql, compaction, file);
        buf_puts(sql, ") AS x");
    }
    buf_puts(sql, " FROM ");
    put_reader(sql, compaction, number, true);
}

/* --- the first reading ---------------------------------------------------------------------------------- */

static void put_times(struct buf *sql, const struct compaction *compaction)
{
    const struct engine_files *files = compaction->files;
    int time = compaction->source->time_column;
    if (files->count > 0)
        buf_printf(sql, "SELECT c%d AS t FROM weir_lines(%lld)", time,
                   (long long) compaction->source->number);
    for (size_t i = 0; i < files->compacted_count; i++) {
        buf_puts(sql, i > 0 || files->count > 0 ? " UNION ALL SELECT " : "SELECT ");
        restore_put_column(sql, compaction->source, (size_t) time, &files->compacted[i]);
        buf_puts(sql, " AS t FROM ");
        put_reader(sql, compaction, i, false);
    }
}

/* One row of longs. */
static bool query_numbers(struct driver_task *task, const char *sql, int64_t *out, size_t count,
                          struct error *err)
{
    struct columns columns = {0};
    const struct engine_chunk *chunk = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = columns_add(&columns, STR("n"), COLUMN_LONG, err);
    struct driver_result *result = ok ? result_query(task, sql, &columns, err) : NULL;
    ok = result && result_next(result, &chunk, err);
    if (ok && !chunk)
        ok = error_set(err, ERROR_INTERNAL, "a count has no row");
    for (size_t i = 0; ok && i < count; i++)
        out[i] = *(const int64_t *) chunk->vectors[i].values;
    result_free(result);
    columns_release(&columns);
    return ok;
}

static bool survey(struct compaction *compaction, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    const struct engine_files *files = compaction->files;
    struct source_whole *whole = compaction->source->whole;
    int64_t found[4] = {0};
    bool any = files->count + files->compacted_count > 0;
    buf_puts(&sql, "SELECT count(*), count(t), coalesce(min(t), 0), coalesce(max(t), 0) FROM (");
    put_times(&sql, compaction);
    buf_puts(&sql, ")");
    bool ok = buf_ok(&sql, "the list of files", err) &&
              (!any || query_numbers(compaction->task, buf_text(&sql), found, 4, err));
    buf_release(&sql);
    compaction->rows = (uint64_t) found[0];
    compaction->timed = (uint64_t) found[1];
    compaction->first = found[2];
    compaction->last = found[3];
    compaction->traits = mem_alloc(compaction->columns.n, 1, err);
    if (!ok || !compaction->traits)
        return false;
    compaction->rest = atomic_load(&whole->rest);
    for (size_t i = 0; i < compaction->columns.n; i++)
        compaction->traits[i] = atomic_load(&whole->traits[i]);
    for (size_t i = 0; i < files->compacted_count; i++)
        expect(compaction, &files->compacted[i]);
    return true;
}

/* --- the second ----------------------------------------------------------------------------------------- */

static void put_all_rows(struct buf *sql, const struct compaction *compaction)
{
    const struct engine_files *files = compaction->files;
    if (files->count > 0) {
        buf_puts(sql, "SELECT ");
        for (size_t i = 0; i < compaction->columns.n; i++) {
            if (has_values(compaction, i))
                buf_printf(sql, "c%zu, ", i);
        }
        buf_printf(sql,
                   "\"" DUCK_ROW_COLUMN "\" AS o, \"" DUCK_SOURCE_COLUMN "\" AS s%s "
                   "FROM weir_lines(%lld)",
                   compaction->rest ? ", \"" DUCK_REST_COLUMN "\" AS x" : "",
                   (long long) compaction->source->number);
    }
    for (size_t i = 0; i < files->compacted_count; i++) {
        buf_puts(sql, i > 0 || files->count > 0 ? " UNION ALL " : "");
        put_restored(sql, compaction, i);
    }
}

/* No file at all: the columns, and no row. */
static void put_no_rows(struct buf *sql, const struct compaction *compaction)
{
    buf_puts(sql, "SELECT ");
    buf_printf(sql, "CAST(NULL AS BIGINT) AS c%d, ", compaction->source->time_column);
    buf_puts(sql, "CAST(0 AS BIGINT) AS o, CAST(0 AS INTEGER) AS s WHERE false");
}

static void put_time(struct buf *sql, const char *name, size_t i, bool ticks)
{
    struct buf finer = BUF_INIT(2 * COLUMN_NAME_MAX);
    buf_printf(sql, "make_timestamptz(c%zu // 10 - 62135596800000000) AS ", i);
    duck_put_name(sql, str_of(name));
    if (ticks) {
        buf_printf(&finer, "%s__ticks", name);
        buf_printf(sql, ", CAST(c%zu %% 10 AS TINYINT) AS ", i);
        duck_put_name(sql, buf_str(&finer));
    }
    sql->failed = sql->failed || finer.failed;
    buf_release(&finer);
}

/* The value and AS of a column; of one without values what stands for none. */
static void put_value(struct buf *sql, const struct compaction *compaction, size_t i)
{
    enum column_type type = compaction->columns.v[i].type;
    if (has_values(compaction, i))
        buf_printf(sql, "c%zu AS ", i);
    else if (type == COLUMN_STRING)
        buf_puts(sql, "'' AS ");
    else
        buf_printf(sql, "CAST(NULL AS %s) AS ",
                   type == COLUMN_DATETIME ? "TIMESTAMPTZ" : duck_type_name(type));
}

static void put_columns(struct buf *sql, const struct compaction *compaction)
{
    for (size_t i = 0; i < compaction->columns.n; i++) {
        const struct column *column = &compaction->columns.v[i];
        if (column->type == COLUMN_DATETIME && has_values(compaction, i)) {
            put_time(sql, column->name, i, (compaction->traits[i] & ENGINE_TICKS) != 0);
        } else {
            put_value(sql, compaction, i);
            duck_put_name(sql, str_of(column->name));
        }
        buf_puts(sql, ", ");
    }
    if (compaction->rest)
        buf_puts(sql, "x AS \"" DUCK_REST_COLUMN "\", ");
    buf_puts(sql, "s AS \"" DUCK_SOURCE_COLUMN "\"");
}

/* Of a row in memory. */
static uint64_t row_bytes(const struct compaction *compaction)
{
    uint64_t bytes = atomic_load(&compaction->source->whole->bytes);
    uint64_t line = compaction->rows > 0 ? bytes / compaction->rows : 0;
    if (compaction->files->compacted_count > 0 && line < LINE_BYTES)
        line = LINE_BYTES;
    return 1 + line + VALUE_BYTES * compaction->columns.n;
}

/* What the group of one thread may take; 0: as much as it likes. */
static uint64_t group_share(const struct compaction *compaction)
{
    const struct driver_database *database = compaction->task->database;
    return database->memory / GROUP_SHARES / database->threads;
}

static uint64_t group_rows(const struct compaction *compaction)
{
    uint64_t share = group_share(compaction), width = row_bytes(compaction);
    uint64_t chunks = share / width / ENGINE_CHUNK_ROWS;
    if (share == 0 || share / WHOLE_SHARES * GROUP_SHARES >= width * GROUP_ROWS)
        return GROUP_ROWS;
    return (chunks > 0 ? chunks : 1) * ENGINE_CHUNK_ROWS;
}

/* How many times `bytes` each column may take of it. */
static uint64_t of_share(const struct compaction *compaction, uint64_t bytes, uint64_t least,
                         uint64_t most)
{
    uint64_t share = group_share(compaction), n = share / (compaction->columns.n * bytes);
    if (share == 0 || n > most)
        n = most;
    return n > least ? n : least;
}

/* Not PARQUET_VERSION V2, whose packed differences read a quarter faster: columns of doubles without a dictionary, or without
 * a value in a group, are then BYTE_STREAM_SPLIT, which Spark 3.5 does not read. */
static void put_copy(struct buf *sql, const struct compaction *compaction, const char *path)
{
    uint64_t most_texts =
        compaction->rows < GROUP_ROWS ? compaction->rows / TEXTS_SHARE : TEXTS_MOST;
    buf_puts(sql, " TO ");
    duck_put_string(sql, str_of(path));
    buf_printf(sql,
               " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false, ROW_GROUP_SIZE %llu, "
               "DICTIONARY_SIZE_LIMIT %llu, STRING_DICTIONARY_PAGE_SIZE_LIMIT %llu)",
               (unsigned long long) group_rows(compaction),
               (unsigned long long) of_share(compaction, TEXT_BYTES, TEXTS_LEAST, most_texts),
               (unsigned long long) of_share(compaction, 2, PAGE_LEAST, PAGE_MOST));
}

/* The rows of the source's range. */
static bool write_rows(const struct compaction *compaction, const char *path, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    const struct engine_files *files = compaction->files;
    buf_puts(&sql, "COPY (SELECT ");
    put_columns(&sql, compaction);
    buf_puts(&sql, " FROM (SELECT * FROM ("); /* or what the columns show would be sorted too */
    if (files->count + files->compacted_count > 0)
        put_all_rows(&sql, compaction);
    else
        put_no_rows(&sql, compaction);
    buf_printf(&sql, ") ORDER BY c%d NULLS LAST, o))", compaction->source->time_column);
    put_copy(&sql, compaction, path);
    bool ok =
        buf_ok(&sql, "the list of files", err) && result_run(compaction->task, buf_text(&sql), err);
    buf_release(&sql);
    return ok;
}

/* --- in stretches of time ------------------------------------------------------------------------------- */

struct stretches {
    int64_t bounds[STRETCHES_MAX + 1];
    size_t n;
    char **paths;
};

static size_t count_stretches(const struct compaction *compaction)
{
    uint64_t memory = compaction->task->database->memory;
    if (memory == 0)
        return 1;
    uint64_t n = compaction->rows * row_bytes(compaction) / (memory / SORT_TIMES) + 1;
    return n < STRETCHES_MAX ? (size_t) n : STRETCHES_MAX;
}

/* Times that cut the rows into parts of one size; equal ones are one. */
static bool find_bounds(const struct compaction *compaction, size_t count,
                        struct stretches *stretches, struct error *err)
{
    const struct source *source = compaction->source;
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    int64_t *found = mem_alloc(count, sizeof found[0], err);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 1; i < count; i++)
        buf_printf(&sql, "%scoalesce(q[%zu], 0)", i > 1 ? ", " : "", i);
    buf_puts(&sql, " FROM (SELECT quantile_disc(t, [");
    for (size_t i = 1; i < count; i++)
        buf_printf(&sql, "%s%.6f", i > 1 ? ", " : "", (double) i / (double) count);
    buf_puts(&sql, "]) AS q FROM (");
    put_times(&sql, compaction);
    buf_puts(&sql, "))");
    bool ok = found && buf_ok(&sql, "the list of files", err) &&
              query_numbers(compaction->task, buf_text(&sql), found, count - 1, err);
    bool bounded = source_bounded(source);
    stretches->bounds[0] = bounded ? source->from : INT64_MIN;
    for (size_t i = 0; ok && i + 1 < count; i++) {
        if (found[i] > stretches->bounds[stretches->n])
            stretches->bounds[++stretches->n] = found[i];
    }
    stretches->bounds[++stretches->n] = bounded ? source->to : INT64_MAX;
    buf_release(&sql);
    mem_free(found);
    return ok;
}

static char *stretch_path(const char *path, size_t i, struct error *err)
{
    struct buf name = BUF_INIT(DUCK_SQL_MAX);
    buf_printf(&name, "%s.%zu", path, i);
    char *out = buf_ok(&name, "a path", err) ? buf_take(&name) : NULL;
    buf_release(&name);
    return out;
}

static bool write_stretches(struct compaction *compaction, struct stretches *stretches,
                            const char *path, struct error *err)
{
    struct source *source = compaction->source;
    bool ok = true;
    for (size_t i = 0; ok && i < stretches->n; i++) {
        source->from = stretches->bounds[i];
        source->to = stretches->bounds[i + 1];
        stretches->paths[i] = stretch_path(path, i, err);
        ok = stretches->paths[i] && write_rows(compaction, stretches->paths[i], err);
    }
    return ok;
}

/* Rows that are numbered as they come are handed on by one thread, in the order of the files. */
static bool join_stretches(const struct compaction *compaction, const struct stretches *stretches,
                           const char *path, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    buf_puts(&sql, "COPY (SELECT * EXCLUDE (\"" DUCK_ROW_COLUMN "\") FROM (SELECT *, "
                   "row_number() OVER () AS \"" DUCK_ROW_COLUMN "\" FROM ");
    reader_put_parquet(&sql, stretches->paths, stretches->n, (struct reader_parquet){0});
    buf_puts(&sql, ") WHERE \"" DUCK_ROW_COLUMN "\" > 0)");
    put_copy(&sql, compaction, path);
    bool ok =
        buf_ok(&sql, "the list of files", err) && result_run(compaction->task, buf_text(&sql), err);
    buf_release(&sql);
    return ok;
}

static bool write_file(struct compaction *compaction, const char *path, struct error *err)
{
    size_t count = count_stretches(compaction);
    if (count == 1)
        return write_rows(compaction, path, err);
    struct stretches *stretches = mem_alloc(1, sizeof *stretches, err);
    if (!stretches)
        return false;
    stretches->paths = mem_alloc(count, sizeof stretches->paths[0], err);
    bool ok = stretches->paths && find_bounds(compaction, count, stretches, err) &&
              write_stretches(compaction, stretches, path, err) &&
              join_stretches(compaction, stretches, path, err);
    for (size_t i = 0; stretches->paths && i < count; i++) {
        if (stretches->paths[i])
            (void) unlink(stretches->paths[i]);
        mem_free(stretches->paths[i]);
    }
    mem_free(stretches->paths);
    mem_free(stretches);
    return ok;
}

static bool changed(struct error *err)
{
    return error_set(err, ERROR_IO, "the files changed while they were read");
}

/* Whether the second reading has found what the first one did. */
static bool check_file(struct compaction *compaction, const char *path, struct error *err)
{
    struct source_whole *whole = compaction->source->whole;
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    char *file = (char *) (uintptr_t) path;
    int64_t rows = 0;
    buf_puts(&sql, "SELECT count(*) FROM ");
    reader_put_parquet(&sql, &file, 1, (struct reader_parquet){0});
    bool ok = buf_ok(&sql, "a path", err) &&
              query_numbers(compaction->task, buf_text(&sql), &rows, 1, err);
    buf_release(&sql);
    if (ok &&
        ((uint64_t) rows != compaction->rows || (atomic_load(&whole->rest) && !compaction->rest)))
        ok = changed(err);
    for (size_t i = 0; ok && i < compaction->columns.n; i++) {
        unsigned found = atomic_load(&whole->traits[i]);
        if (found & ~compaction->traits[i] & (ENGINE_TICKS | SOURCE_VALUES))
            ok = changed(err);
        compaction->traits[i] = (unsigned char) ((compaction->traits[i] | found) & TRAITS);
    }
    return ok;
}

static void tell(struct compaction *compaction, struct engine_compact_result *out)
{
    out->rows = compaction->rows;
    out->timeless = compaction->rows - compaction->timed;
    out->first = compaction->first;
    out->last = compaction->last;
    out->rest = compaction->rest;
    out->columns = compaction->columns;
    out->traits = compaction->traits;
    compaction->columns = (struct columns){0};
    compaction->traits = NULL;
}

static bool find_paths(struct compaction *compaction, struct error *err)
{
    const struct engine_files *files = compaction->files;
    compaction->paths = mem_alloc(files->compacted_count, sizeof *compaction->paths, err);
    bool ok = compaction->paths != NULL;
    for (size_t i = 0; ok && i < files->compacted_count; i++)
        ok = (compaction->paths[i] = source_absolute(files->compacted[i].path, err)) != NULL;
    return ok;
}

static void free_paths(struct compaction *compaction)
{
    for (size_t i = 0; compaction->paths && i < compaction->files->compacted_count; i++)
        mem_free(compaction->paths[i]);
    mem_free(compaction->paths);
}

bool compact_write(struct driver_task *task, const struct engine_files *files,
                   const uint32_t *sources, const char *path, struct engine_compact_result *out,
                   struct error *err)
{
    struct compaction compaction = {.task = task, .files = files};
    bool ok = find_paths(&compaction, err) && choose_columns(&compaction, err) &&
              open_source(&compaction, sources, err) && survey(&compaction, err);
    if (ok) {
        ok = write_file(&compaction, path, err) && check_file(&compaction, path, err);
        if (ok)
            tell(&compaction, out);
        else if (unlink(path) != 0 && errno != ENOENT)
            (void) error_hint(err, "a part of it stands in %s", path);
    }
    if (compaction.source)
        source_drop(compaction.source);
    free_paths(&compaction);
    columns_release(&compaction.columns);
    mem_free(compaction.keys);
    mem_free(compaction.traits);
    return ok;
}
