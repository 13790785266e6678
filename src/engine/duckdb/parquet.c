/* Rows of a query into a file of Parquet, by DuckDB's own writer; see engine_copy_parquet.
 *
 * The query becomes the inside of a COPY statement. It was found to be one whole statement before, and stands on
 * lines of its own, so neither a bracket nor a comment in it reaches what is around it.
 */
#include "engine/duckdb/duck.h"

#include <errno.h>
#include <unistd.h>

/* Each thread holds a row group until it is full: with few values in one, memory stays small however wide rows
 * are; and a group has as many rows as DuckDB's own at most, a chunk's at least. */
enum {
    TICK_NANOSECONDS = 100,
    GROUP_VALUES = 2 * 1024 * 1024,
    GROUP_ROWS_MAX = 60 * ENGINE_CHUNK_ROWS
};
#define GROUP_BYTES "64MiB" /* where values are long */

/* Ticks before and after 1970 that 64 bits of nanoseconds hold. */
static const int64_t ticks_max = INT64_MAX / TICK_NANOSECONDS;

/* The names of a statement's columns are told apart without case. */
static bool check_names(const struct columns *columns, struct error *err)
{
    if (columns->n == 0)
        return error_set(err, ERROR_FORMAT, "a file of Parquet needs columns");
    for (size_t i = 0; i < columns->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq_case(str_of(columns->v[i].name), str_of(columns->v[j].name)))
                return error_set(err, ERROR_FORMAT,
                                 "the columns '%s' and '%s' differ in case alone, which Parquet's "
                                 "readers do not see: rename one",
                                 columns->v[j].name, columns->v[i].name);
        }
    }
    return true;
}

/* Column c<i> of ticks as nanoseconds since 1970, or our error with the column's name. */
static bool put_time(struct buf *sql, size_t i, const char *name, struct error *err)
{
    struct error outside = ERROR_INIT;
    struct buf text = BUF_INIT(2 * ERROR_MESSAGE_MAX);
    (void) error_set(&outside, ERROR_LIMIT,
                     "column '%.*s' has a time before 1677-09-21 or after 2262-04-11, which "
                     "Parquet cannot hold to the tick: use jsonl",
                     (int) strcspn(name, "\n"), name);
    buf_printf(sql,
               "CASE WHEN c%zu IS NULL THEN NULL WHEN c%zu BETWEEN %lld AND %lld "
               "THEN make_timestamp_ns((c%zu - %lld) * %d) ELSE error(",
               i, i, (long long) (TICK_UNIX_EPOCH - ticks_max),
               (long long) (TICK_UNIX_EPOCH + ticks_max), i, (long long) TICK_UNIX_EPOCH,
               TICK_NANOSECONDS);
    duck_put_string(sql, str_of(duck_error_text(&outside, &text)));
    buf_puts(sql, ") END");
    bool ok = buf_ok(&text, "a column's name", err);
    buf_release(&text);
    return ok;
}

static size_t group_rows(size_t columns)
{
    size_t chunks = GROUP_VALUES / (columns + 1) / ENGINE_CHUNK_ROWS;
    size_t rows = (chunks ? chunks : 1) * ENGINE_CHUNK_ROWS;
    return rows < GROUP_ROWS_MAX ? rows : GROUP_ROWS_MAX;
}

static bool put_copy(struct buf *out, const char *sql, const struct columns *columns,
                     const char *path, struct error *err)
{
    bool ok = true;
    buf_puts(out, "COPY (SELECT ");
    for (size_t i = 0; ok && i < columns->n; i++) {
        buf_puts(out, i ? ", " : "");
        if (columns->v[i].type == COLUMN_DATETIME)
            ok = put_time(out, i, columns->v[i].name, err);
        else
            buf_printf(out, "c%zu", i);
        buf_puts(out, " AS ");
        duck_put_name(out, str_of(columns->v[i].name));
    }
    buf_printf(out, " FROM (\n%s\n) AS q(", sql);
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(out, "%sc%zu", i ? ", " : "", i);
    buf_puts(out, ")) TO ");
    duck_put_string(out, str_of(path));
    buf_printf(out,
               " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false, ROW_GROUP_SIZE %zu, "
               "ROW_GROUP_SIZE_BYTES '" GROUP_BYTES "')",
               group_rows(columns->n));
    return ok && buf_ok(out, "the query", err);
}

bool parquet_copy(struct driver_task *task, const char *sql, const struct columns *columns,
                  const char *path, struct error *err)
{
    struct buf copy = BUF_INIT(DUCK_SQL_MAX);
    bool ok = check_names(columns, err) && result_check(task, sql, columns, err) &&
              put_copy(&copy, sql, columns, path, err);
    if (ok && !result_run(task, buf_text(&copy), err)) {
        ok = false;
        if (unlink(path) != 0 && errno != ENOENT)
            (void) error_hint(err, "a part of it stands in %s", path);
    }
    buf_release(&copy);
    return ok;
}
