/* Rows of compacted files; see restore.h.
 *
 * DuckDB reads only those groups of rows that a condition on a column may hold in, but only when the condition reaches the
 * file's own column. So a column stands in the view as it is, without a function around it, wherever that gives the
 * right value; and the range is asked of the file's timestamp itself.
 */
#include "engine/duckdb/restore.h"

int restore_find(const struct engine_compacted *file, const char *name)
{
    return columns_find(file->columns, str_of(name));
}

/* --- a column ------------------------------------------------------------------------------------------- */

void restore_put_ticks(struct buf *sql, const struct engine_compacted *file, size_t i)
{
    struct buf ticks = BUF_INIT(2 * COLUMN_NAME_MAX);
    struct str name = str_of(file->columns->v[i].name);
    bool finer = (file->traits[i] & ENGINE_TICKS) != 0;
    buf_puts(sql, finer ? "(621355968000000000 + CAST(" : "(621355968000000000");
    if (finer) {
        buf_printf(&ticks, "%.*s__ticks", (int) name.n, name.p);
        duck_put_name(sql, buf_str(&ticks));
        buf_puts(sql, " AS BIGINT)");
    }
    buf_puts(sql, " + 10 * epoch_us(");
    duck_put_name(sql, name);
    buf_puts(sql, "))");
    sql->failed = sql->failed || ticks.failed;
    buf_release(&ticks);
}

/* One text with the column in place of each @. */
static void put_way(struct buf *sql, const char *way, const char *name)
{
    for (; *way; way++) {
        if (*way == '@')
            duck_put_name(sql, str_of(name));
        else
            buf_putc(sql, *way);
    }
}

static void put_json_time(struct buf *sql, const struct engine_compacted *file, size_t i)
{
    buf_puts(sql, "('\"' || weir_datetime_text(");
    restore_put_ticks(sql, file, i);
    buf_puts(sql, ") || '\"')");
}

void restore_put_json(struct buf *sql, const struct engine_compacted *file, size_t i)
{
    static const char real[] = "(CASE WHEN isfinite(@) THEN CAST(@ AS VARCHAR) WHEN isnan(@) THEN "
                               "'\"NaN\"' WHEN @ > 0 THEN '\"Infinity\"' WHEN @ < 0 THEN "
                               "'\"-Infinity\"' END)";
    static const char *const ways[COLUMN_TYPE_COUNT] = {
        [COLUMN_BOOL] = "CAST(@ AS VARCHAR)",
        [COLUMN_INT] = "CAST(@ AS VARCHAR)",
        [COLUMN_LONG] = "CAST(@ AS VARCHAR)",
        [COLUMN_REAL] = real,
        [COLUMN_DECIMAL] = "('\"' || @ || '\"')",
        [COLUMN_TIMESPAN] = "('\"' || weir_timespan_text(@) || '\"')",
        [COLUMN_GUID] = "('\"' || @ || '\"')",
        [COLUMN_STRING] = "(CASE WHEN @ <> '' THEN CAST(to_json(@) AS VARCHAR) END)",
        [COLUMN_DYNAMIC] = "@",
    };
    const struct column *column = &file->columns->v[i];
    if (column->type == COLUMN_DATETIME)
        put_json_time(sql, file, i);
    else
        put_way(sql, ways[column->type], column->name);
}

/* weir_rest_<type>(source, column, _weir_rest or null, JSON of the file's column or null) */
static void put_mended(struct buf *sql, const struct source *source, size_t i,
                       const struct engine_compacted *file, int stored)
{
    buf_printf(sql, "weir_rest_%s(%lld, %zu, %s, ", column_type_name(source->columns.v[i].type),
               (long long) source->number, i,
               file->rest ? "\"" DUCK_REST_COLUMN "\"" : "CAST(NULL AS VARCHAR)");
    if (stored >= 0)
        restore_put_json(sql, file, (size_t) stored);
    else
        buf_puts(sql, "CAST(NULL AS VARCHAR)");
    buf_putc(sql, ')');
}

static void put_plain(struct buf *sql, const struct engine_compacted *file, size_t stored)
{
    if (file->columns->v[stored].type == COLUMN_DATETIME)
        restore_put_ticks(sql, file, stored);
    else
        duck_put_name(sql, str_of(file->columns->v[stored].name));
}

void restore_put_column(struct buf *sql, const struct source *source, size_t i,
                        const struct engine_compacted *file)
{
    enum column_type type = source->columns.v[i].type;
    int stored = restore_find(file, source->keys[i]);
    bool same = stored >= 0 && file->columns->v[stored].type == type;
    bool misfits =
        same && type != COLUMN_STRING && file->rest && (file->traits[stored] & ENGINE_MISFITS) != 0;
    if (same && !misfits) {
        put_plain(sql, file, (size_t) stored);
    } else if (same) { /* what is null may be a misfit, which is to be counted */
        buf_puts(sql, "coalesce(");
        put_plain(sql, file, (size_t) stored);
        buf_puts(sql, ", ");
        put_mended(sql, source, i, file, -1);
        buf_putc(sql, ')');
    } else if (stored >= 0 || file->rest) {
        put_mended(sql, source, i, file, stored);
    } else {
        cast_put(sql, source, i, NULL);
    }
}

/* --- which rows ----------------------------------------------------------------------------------------- */

static void put_left_out(struct buf *sql, const struct engine_compacted *file, const char *before)
{
    if (file->left_out_count == 0)
        return;
    buf_printf(sql, "%s\"" DUCK_SOURCE_COLUMN "\" NOT IN (", before);
    for (size_t i = 0; i < file->left_out_count; i++)
        buf_printf(sql, "%s%u", i ? ", " : "", (unsigned) file->left_out[i]);
    buf_putc(sql, ')');
}

/* Whether all rows of the file are within the source's range: then nothing is asked of them, and their time is read only
 * where it is wanted. */
static bool is_within(const struct source *source, const struct engine_compacted *file)
{
    return !source_bounded(source) ||
           (file->spanned && file->first >= source->from && file->last < source->to);
}

/* On the timestamp of the file, which is whole microseconds below the tick; then on ticks, if that is not the same. */
static void put_range(struct buf *sql, const struct source *source,
                      const struct engine_compacted *file, size_t time)
{
    int64_t from = source->from > 0 ? source->from : 0,
            to = source->to <= TICK_MAX ? source->to : TICK_MAX + 1;
    int64_t first = tick_floor(from, TICK_MICROSECOND),
            last = tick_floor(to + TICK_MICROSECOND - 1, TICK_MICROSECOND);
    const char *name = file->columns->v[time].name;
    duck_put_name(sql, str_of(name));
    buf_printf(sql, " >= make_timestamptz(%lld) AND ",
               (long long) ((first - TICK_UNIX_EPOCH) / TICK_MICROSECOND));
    duck_put_name(sql, str_of(name));
    buf_printf(sql, " < make_timestamptz(%lld)",
               (long long) ((last - TICK_UNIX_EPOCH) / TICK_MICROSECOND));
    if (first == from && last == to)
        return;
    buf_puts(sql, " AND ");
    restore_put_ticks(sql, file, time);
    buf_printf(sql, " >= %lld AND ", (long long) from);
    restore_put_ticks(sql, file, time);
    buf_printf(sql, " < %lld", (long long) to);
}

void restore_put_where(struct buf *sql, const struct source *source,
                       const struct engine_compacted *file)
{
    int time = source->time_column < 0 ? -1 : restore_find(file, source->keys[source->time_column]);
    bool timed = time >= 0 && file->columns->v[time].type == COLUMN_DATETIME;
    if (is_within(source, file)) {
        put_left_out(sql, file, " WHERE ");
        return;
    }
    buf_puts(sql, " WHERE (");
    if (timed)
        put_range(sql, source, file, (size_t) time);
    else
        buf_puts(sql, source_timeless(source) ? "true" : "false");
    if (timed && source_timeless(source)) {
        buf_puts(sql, " OR ");
        duck_put_name(sql, str_of(file->columns->v[time].name));
        buf_puts(sql, " IS NULL");
    }
    buf_puts(sql, ")");
    put_left_out(sql, file, " AND ");
}

/* Whether two files can be read by one call. */
static bool alike(const struct source *source, const struct engine_compacted *a,
                  const struct engine_compacted *b)
{
    if (a->left_out_count > 0 || b->left_out_count > 0 || a->rest != b->rest ||
        is_within(source, a) != is_within(source, b) || a->columns->n != b->columns->n)
        return false;
    if (a->columns == b->columns && a->traits == b->traits)
        return true;
    for (size_t i = 0; i < a->columns->n; i++) {
        if (a->columns->v[i].type != b->columns->v[i].type || a->traits[i] != b->traits[i] ||
            strcmp(a->columns->v[i].name, b->columns->v[i].name) != 0)
            return false;
    }
    return true;
}

static void put_select(struct buf *sql, const struct source *source, char *const *paths, size_t n,
                       const struct engine_compacted *file)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < source->columns.n; i++) {
        buf_puts(sql, i ? ", " : "");
        restore_put_column(sql, source, i, file);
        buf_puts(sql, " AS ");
        duck_put_name(sql, str_of(source->columns.v[i].name));
    }
    buf_puts(sql, " FROM ");
    reader_put_parquet(sql, paths, n, (struct reader_parquet){0});
    restore_put_where(sql, source, file);
}

/* `done` and `paths`: room for all files. */
static bool put_alike(struct buf *sql, const struct source *source,
                      const struct engine_compacted *files, size_t count, bool *done, char **paths,
                      char **absolute, struct error *err)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        for (size_t j = i; j < count && !done[i]; j++) {
            if (done[j] || (j > i && !alike(source, &files[i], &files[j])))
                continue;
            paths[n++] = absolute[j];
            done[j] = j > i;
        }
        if (n == 0)
            continue;
        buf_puts(sql, first ? "" : " UNION ALL ");
        put_select(sql, source, paths, n, &files[i]);
        first = false;
    }
    return buf_ok(sql, "the list of files", err);
}

bool restore_put_rows(struct buf *sql, const struct source *source,
                      const struct engine_compacted *files, size_t count, struct error *err)
{
    bool *done = mem_alloc(count, sizeof *done, err);
    char **paths = mem_alloc(count, sizeof *paths, err);
    char **absolute = mem_alloc(count, sizeof *absolute, err);
    bool ok = done && paths && absolute;
    for (size_t i = 0; ok && i < count; i++)
        ok = (absolute[i] = source_absolute(files[i].path, err)) != NULL;
    ok = ok && put_alike(sql, source, files, count, done, paths, absolute, err);
    for (size_t i = 0; absolute && i < count; i++)
        mem_free(absolute[i]);
    mem_free(absolute);
    mem_free(done);
    mem_free(paths);
    return ok;
}
