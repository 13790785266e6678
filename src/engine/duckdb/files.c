/* Relations over files: views, loading, names of columns; see engine.h.
 *
 * JSON comes through weir_lines; CSV and Parquet through DuckDB's own readers, whose values are turned into
 * physical types by the same conversions, as functions weir_in_<type>. Both know their source by number.
 */
#include "engine/duckdb/restore.h"
#include "engine/duckdb/scan.h"
#include "json/value.h"

enum {
    PEEK_ROWS = 1000, /* objects looked at for their keys, in each of */
    PEEK_FILES = 64   /* the first files */
};

/* --- the rows of a source ------------------------------------------------------------------------------- */

static void put_columns(struct buf *sql, const struct source *source, const struct found *found)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < source->columns.n; i++) {
        buf_puts(sql, i ? ", " : "");
        cast_put(sql, source, i, found_name(found, source->keys[i]));
        buf_puts(sql, " AS ");
        duck_put_name(sql, str_of(source->columns.v[i].name));
    }
    buf_puts(sql, " FROM ");
}

static bool put_parquet(struct buf *sql, const struct source *source, struct error *err)
{
    struct found found = {0};
    bool ok = found_parquet(source->task, source->paths, source->count, &found, err);
    if (ok) {
        put_columns(sql, source, &found);
        reader_put_parquet(sql, source->paths, source->count,
                           (struct reader_parquet){.united = true});
    }
    found_release(&found);
    return ok;
}

/* A run of files of one header; `first` is false for a later run of the same source. */
static bool put_csv_run(struct buf *sql, const struct source *source, size_t from, size_t to,
                        const struct csv_header *header, bool first, struct error *err)
{
    struct found found = {0};
    bool ok = found_csv(header, &found, err);
    if (ok) {
        buf_puts(sql, first ? "" : " UNION ALL ");
        put_columns(sql, source, &found);
        reader_put_csv(sql, source->paths + from, to - from, header);
    }
    found_release(&found);
    return ok;
}

/* Files without any column, in case that no file has one. */
static void put_nothing(struct buf *sql, const struct source *source)
{
    const struct found none = {0};
    put_columns(sql, source, &none);
    buf_puts(sql, "(SELECT 1 WHERE false)");
}

static bool put_csv(struct buf *sql, const struct source *source, struct error *err)
{
    struct csv_header *headers = mem_alloc(source->count, sizeof headers[0], err);
    struct input *input = input_new(err);
    bool ok = headers && input, first = true;
    for (size_t i = 0; ok && i < source->count; i++)
        ok = csv_header_read(input, source->paths[i], &headers[i], err);
    for (size_t from = 0, to; ok && from < source->count; from = to) {
        for (to = from + 1; to < source->count && csv_header_same(&headers[from], &headers[to]);)
            to++;
        if (headers[from].n == 0)
            continue;
        ok = put_csv_run(sql, source, from, to, &headers[from], first, err);
        first = false;
    }
    if (ok && first)
        put_nothing(sql, source);
    for (size_t i = 0; headers && i < source->count; i++)
        csv_header_release(&headers[i]);
    mem_free(headers);
    input_free(input);
    return ok;
}

static bool put_lines(struct buf *sql, const struct source *source, bool row)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < source->columns.n; i++) {
        buf_puts(sql, i ? ", " : "");
        buf_printf(sql, "c%zu AS ", i);
        duck_put_name(sql, str_of(source->columns.v[i].name));
    }
    buf_printf(sql, "%s FROM weir_lines(%lld)", row ? ", " DUCK_ROW_COLUMN : "",
               (long long) source->number);
    return true;
}

/* SELECT of the source's columns from its files, with `row` also _weir_row. */
static bool put_rows(struct buf *sql, const struct source *source, bool row, struct error *err)
{
    bool bounded = source_bounded(source), ok;
    if (source->form == ENGINE_LINES)
        return put_lines(sql, source, row) && buf_ok(sql, "the list of files", err);
    buf_printf(sql, "SELECT *%s FROM (", row ? ", row_number() OVER () AS " DUCK_ROW_COLUMN : "");
    ok = source->form == ENGINE_CSV ? put_csv(sql, source, err) : put_parquet(sql, source, err);
    buf_puts(sql, ")");
    if (bounded)
        buf_printf(sql, " WHERE \"TimeGenerated\" >= %lld AND \"TimeGenerated\" < %lld",
                   (long long) source->from, (long long) source->to);
    return ok && buf_ok(sql, "the list of files", err);
}

/* The same of files that were compacted too. */
static bool put_all(struct buf *sql, const struct source *source, const struct engine_files *files,
                    bool row, struct error *err)
{
    size_t n = files->compacted_count;
    if (source->count == 0 && n == 0) {
        put_nothing(sql, source);
        return buf_ok(sql, "the columns", err);
    }
    if (source->count > 0 && !put_rows(sql, source, row, err))
        return false;
    buf_puts(sql, source->count > 0 && n > 0 ? " UNION ALL " : "");
    return n == 0 || restore_put_rows(sql, source, files->compacted, n, err);
}

/* --- public --------------------------------------------------------------------------------------------- */

static bool check_files(const struct engine_files *files, struct error *err)
{
    if (files->compacted_count > 0 && files->form != ENGINE_LINES)
        return error_set(err, ERROR_INTERNAL, "only lines stand beside compacted files");
    if (files->columns && files->columns->n > 0 && files->name)
        return true;
    return error_set(err, ERROR_INTERNAL, "a relation needs a name and columns");
}

/* "<before><name><between><rows>" as one statement over a new source, which is kept. */
static struct source *relate(struct driver_task *task, const struct engine_files *files,
                             const char *before, bool row, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    struct source *source = check_files(files, err) ? source_new(task, files, err) : NULL;
    bool ok = source && zones_find(source, files->time_zone, files->time_keys, err);
    if (!ok) {
        source_release(source);
        return NULL;
    }
    source_keep(source);
    buf_puts(&sql, before);
    duck_put_name(&sql, str_of(files->name));
    buf_puts(&sql, " AS ");
    ok = put_all(&sql, source, files, row, err) && result_run(task, buf_text(&sql), err);
    buf_release(&sql);
    if (!ok)
        source_drop(source);
    return ok ? source : NULL;
}

bool files_view(struct driver_task *task, const struct engine_files *files, struct error *err)
{
    return relate(task, files, "CREATE OR REPLACE TEMP VIEW ", false, err) != NULL;
}

static bool count_rows(struct driver_task *task, const char *name, uint64_t *rows,
                       struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    struct columns columns = {0};
    const struct engine_chunk *chunk = NULL;
    struct driver_result *result = NULL;
    buf_puts(&sql, "SELECT count(*) FROM ");
    duck_put_name(&sql, str_of(name));
    if (columns_add(&columns, STR("rows"), COLUMN_LONG, err) && buf_ok(&sql, "a name", err))
        result = result_query(task, buf_text(&sql), &columns, err);
    bool ok = result && result_next(result, &chunk, err) && chunk;
    if (ok)
        *rows = (uint64_t) * (const int64_t *) chunk->vectors[0].values;
    result_free(result);
    columns_release(&columns);
    buf_release(&sql);
    return ok;
}

bool files_load(struct driver_task *task, const struct engine_files *files, uint64_t *rows,
                struct error *err)
{
    if (files->count == 0 || files->compacted_count > 0)
        return error_set(err, ERROR_INTERNAL, "a table is loaded from files of one form");
    struct source *source = relate(task, files, "CREATE OR REPLACE TABLE ", true, err);
    if (!source)
        return false;
    source_drop(source);
    return count_rows(task, files->name, rows, err);
}

/* --- peek ----------------------------------------------------------------------------------------------- */

/* Adds a key if it is new; `at` is where it stood in the object before, most often the same. */
static bool add_key(struct str key, bool escaped, size_t at, struct buf *scratch,
                    struct columns *out, struct error *err)
{
    buf_reset(scratch);
    if (escaped && !json_unescape(key, scratch))
        return error_set(err, ERROR_FORMAT, "a key is not valid");
    if (escaped)
        key = buf_str(scratch);
    if (memchr(key.p, '\0', key.n))
        return true; /* no column can have it */
    if ((at < out->n && str_eq(key, str_of(out->v[at].name))) || columns_find(out, key) >= 0)
        return true;
    return columns_add(out, key, COLUMN_STRING, err);
}

static bool add_keys(struct str object, struct buf *scratch, struct columns *out, struct error *err)
{
    struct json_member member;
    size_t position = 0;
    for (size_t at = 0; json_next(object, &at, &member); position++) {
        bool escaped = memchr(member.key.p, '\\', member.key.n) != NULL;
        if (!add_key(member.key, escaped, position, scratch, out, err))
            return false;
    }
    return true;
}

static bool peek_lines(const char *path, struct columns *out, struct error *err)
{
    const struct scan_options options = {.paths = &path, .count = 1};
    struct scan *scan = scan_new(&options, err);
    struct scan_hand *hand = scan ? scan_hand_new(scan, err) : NULL;
    struct buf scratch = BUF_INIT(COLUMN_NAME_MAX * 6);
    bool ok = hand != NULL;
    for (int i = 0; ok && i < PEEK_ROWS; i++) {
        struct scan_object object;
        int found = scan_hand_next(hand, &object, err);
        if (found <= 0) {
            ok = found == 0;
            break;
        }
        ok = add_keys(object.json.bytes, &scratch, out, err);
    }
    buf_release(&scratch);
    scan_hand_free(hand);
    scan_free(scan);
    return ok;
}

/* One file's names. */
static bool peek_csv(struct input *input, const char *path, struct columns *out, struct error *err)
{
    struct csv_header header = {0};
    struct buf scratch = BUF_INIT(1);
    bool ok = csv_header_read(input, path, &header, err);
    for (size_t i = 0; ok && i < header.n; i++) {
        if (header.names[i][0])
            ok = add_key(str_of(header.names[i]), false, i, &scratch, out, err);
    }
    csv_header_release(&header);
    buf_release(&scratch);
    return ok;
}

/* Columns, nested ones too, of whose description in the files the condition holds; each name once. */
static bool peek_names(struct driver_task *task, const struct source *source, const char *condition,
                       struct columns *out, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    struct columns names = {0};
    const struct engine_chunk *chunk = NULL;
    struct driver_result *result = NULL;
    buf_puts(&sql, "SELECT DISTINCT name FROM ");
    reader_put_schema(&sql, source->paths, source->count);
    buf_printf(&sql, " WHERE %s ORDER BY name", condition);
    if (buf_ok(&sql, "the list of files", err) &&
        columns_add(&names, STR("name"), COLUMN_STRING, err))
        result = result_query(task, buf_text(&sql), &names, err);
    bool ok = result != NULL, more = ok;
    while (more) {
        ok = result_next(result, &chunk, err);
        more = ok && chunk;
        for (size_t row = 0; more && row < chunk->rows; row++) {
            ok = columns_add(out, engine_text(&chunk->vectors[0], row), COLUMN_STRING, err);
            more = ok;
        }
    }
    result_free(result);
    columns_release(&names);
    buf_release(&sql);
    return ok;
}

/* DuckDB reads a time of UTC as microseconds, whatever the file has; and INT96 too. */
static bool peek_cut(struct driver_task *task, const struct source *source, struct columns *cut,
                     struct error *err)
{
    return peek_names(task, source,
                      "type = 'INT96' OR (logical_type LIKE '%isAdjustedToUTC=1%' AND logical_type "
                      "LIKE '%NANOS=NanoSeconds%')",
                      cut, err);
}

/* What has more digits than DuckDB's decimals comes out of its reader as other numbers. */
static bool check_decimals(struct driver_task *task, const struct source *source, struct error *err)
{
    struct columns wide = {0};
    bool ok = peek_names(task, source, "precision > 38", &wide, err);
    if (ok && wide.n > 0) {
        ok = error_set(err, ERROR_FORMAT,
                       "'%s' is a decimal of more than 38 digits, which is not read",
                       wide.v[0].name);
        (void) error_hint(err, "write it as text, or with fewer digits");
    }
    columns_release(&wide);
    return ok;
}

static bool peek_parquet(struct driver_task *task, const struct engine_files *files,
                         struct columns *out, struct columns *cut, struct error *err)
{
    struct found found = {0};
    struct source *source = source_new(task, files, err);
    bool ok = source && found_parquet(task, source->paths, source->count, &found, err);
    for (size_t i = 0; ok && i < found.n; i++)
        ok = columns_add(out, str_of(found.v[i].name), cast_type(&found.v[i]), err);
    ok = ok && check_decimals(task, source, err) && (!cut || peek_cut(task, source, cut, err));
    found_release(&found);
    source_release(source);
    return ok;
}

bool files_peek(struct driver_task *task, const struct engine_files *files, struct columns *out,
                struct columns *cut, struct error *err)
{
    columns_release(out);
    if (cut)
        columns_release(cut);
    if (files->count == 0)
        return error_set(err, ERROR_INTERNAL, "no files to look at");
    if (files->opener)
        return error_set(err, ERROR_INTERNAL, "files of an opener are not looked at beforehand");
    if (files->form == ENGINE_PARQUET)
        return peek_parquet(task, files, out, cut, err);
    struct input *input = input_new(err);
    bool ok = input != NULL;
    for (size_t i = 0; ok && i < files->count && i < PEEK_FILES; i++)
        ok = files->form == ENGINE_CSV ? peek_csv(input, files->paths[i], out, err)
                                       : peek_lines(files->paths[i], out, err);
    input_free(input);
    return ok;
}
