/* Relations over files: views, loading, names of columns; see engine.h.
 *
 * JSON comes through weir_lines; CSV and Parquet through DuckDB's own readers, whose values are turned into
 * physical types by the same conversions, as functions weir_in_<type>. Both know their source by number.
 */
#include "engine/duckdb/duck.h"
#include "engine/duckdb/input.h"
#include "engine/duckdb/scan.h"
#include "json/value.h"

enum {
    PEEK_ROWS = 1000, /* objects looked at for their keys, in each of */
    PEEK_FILES = 64   /* the first files */
};

/* --- what a reader of DuckDB's finds in the files ------------------------------------------------------- */

struct found_column {
    char *name;
    duckdb_type type;
};

struct found {
    struct found_column *v;
    size_t n;
};

static void found_release(struct found *found)
{
    for (size_t i = 0; found->v && i < found->n; i++)
        mem_free(found->v[i].name);
    mem_free(found->v);
    *found = (struct found){0};
}

static bool take_names(duckdb_prepared_statement statement, struct found *out, struct error *err)
{
    size_t n = duckdb_prepared_statement_column_count(statement);
    out->v = mem_alloc(n, sizeof out->v[0], err);
    if (!out->v)
        return false;
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        const char *name = duckdb_prepared_statement_column_name(statement, i);
        out->v[i].type = duckdb_prepared_statement_column_type(statement, i);
        out->v[i].name = name ? mem_copy(name, strlen(name), err) : mem_copy("", 0, err);
        duckdb_free((void *) (uintptr_t) name);
        if (!out->v[i].name)
            return false;
    }
    return true;
}

/* The columns of a reader's call, without reading rows. */
static bool find_columns(struct driver_task *task, struct str reader, struct found *out,
                         struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    duckdb_prepared_statement statement = NULL;
    buf_puts(&sql, "SELECT * FROM ");
    buf_put_str(&sql, reader);
    bool ok = buf_ok(&sql, "the list of files", err);
    if (ok && duckdb_prepare(task->connection, buf_text(&sql), &statement) != DuckDBSuccess)
        ok = duck_failed(task, DUCKDB_ERROR_IO, duckdb_prepare_error(statement), err);
    ok = ok && take_names(statement, out, err);
    duckdb_destroy_prepare(&statement);
    buf_release(&sql);
    return ok;
}

/* --- the calls of DuckDB's readers ---------------------------------------------------------------------- */

/* A path for a reader: characters that it takes for a pattern's stand in brackets. */
static void put_path(struct buf *sql, const char *path)
{
    struct buf plain = BUF_INIT(DUCK_SQL_MAX);
    bool pattern = strpbrk(path, "*?[") != NULL;
    for (const char *c = path; *c; c++) {
        if (pattern && strchr("*?[", *c))
            buf_printf(&plain, "[%c]", *c);
        else if (pattern && *c == '\\')
            buf_puts(&plain, "\\\\");
        else
            buf_putc(&plain, *c);
    }
    if (plain.failed)
        sql->failed = true;
    duck_put_string(sql, buf_str(&plain));
    buf_release(&plain);
}

/* Whether a file begins as gz does; one that cannot be read is found out by who reads it. */
static bool is_gz(struct input *input, const char *path)
{
    char first;
    size_t got;
    return input_open(input, path, 0, NULL) && input_read(input, &first, 1, &got, NULL) &&
           input_is_gz(input);
}

/* read_csv over those of the files that are gz, or those that are not; false when there are none. */
static bool put_csv_reader(struct buf *sql, const struct source *source, const bool *gz, bool want)
{
    size_t n = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (gz[i] != want)
            continue;
        buf_puts(sql, n++ ? ", " : "read_csv([");
        put_path(sql, source->paths[i]);
    }
    if (n > 0)
        buf_printf(sql,
                   "], header = true, all_varchar = true, delim = ',', quote = '\"', "
                   "escape = '\"', union_by_name = true, compression = '%s')",
                   want ? "gzip" : "none");
    return n > 0;
}

static bool put_csv_readers(struct buf *sql, const struct source *source, struct error *err)
{
    bool *gz = mem_alloc(source->count, sizeof gz[0], err);
    struct input *input = input_new(err);
    bool ok = gz && input, any_gz = false, any_plain = false;
    for (size_t i = 0; ok && i < source->count; i++) {
        gz[i] = is_gz(input, source->paths[i]);
        any_gz |= gz[i];
        any_plain |= !gz[i];
    }
    if (ok && any_gz && any_plain) {
        buf_puts(sql, "(SELECT * FROM ");
        (void) put_csv_reader(sql, source, gz, false);
        buf_puts(sql, " UNION ALL BY NAME SELECT * FROM ");
        (void) put_csv_reader(sql, source, gz, true);
        buf_puts(sql, ")");
    } else if (ok) {
        (void) put_csv_reader(sql, source, gz, any_gz);
    }
    input_free(input);
    mem_free(gz);
    return ok;
}

static void put_parquet_reader(struct buf *sql, const struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        buf_puts(sql, i ? ", " : "read_parquet([");
        put_path(sql, source->paths[i]);
    }
    buf_puts(sql, "], union_by_name = true)");
}

/* --- the expressions ------------------------------------------------------------------------------------ */

static bool is_whole(duckdb_type type)
{
    return type == DUCKDB_TYPE_TINYINT || type == DUCKDB_TYPE_SMALLINT ||
           type == DUCKDB_TYPE_INTEGER || type == DUCKDB_TYPE_BIGINT ||
           type == DUCKDB_TYPE_UTINYINT || type == DUCKDB_TYPE_USMALLINT ||
           type == DUCKDB_TYPE_UINTEGER;
}

static bool is_nested(duckdb_type type)
{
    return type == DUCKDB_TYPE_LIST || type == DUCKDB_TYPE_STRUCT || type == DUCKDB_TYPE_MAP ||
           type == DUCKDB_TYPE_ARRAY || type == DUCKDB_TYPE_UNION;
}

static bool is_time(duckdb_type type)
{
    return type == DUCKDB_TYPE_TIMESTAMP || type == DUCKDB_TYPE_TIMESTAMP_TZ ||
           type == DUCKDB_TYPE_TIMESTAMP_S || type == DUCKDB_TYPE_TIMESTAMP_MS ||
           type == DUCKDB_TYPE_DATE;
}

/* SQL text around a found column that is of its own, not of text, by wanted and found type; NULL: through
 * its text. The two parts stand before and behind the quoted name. */
static bool direct(enum column_type wanted, duckdb_type found, const char **before,
                   const char **behind)
{
    *behind = "";
    if (wanted == COLUMN_STRING && found == DUCKDB_TYPE_VARCHAR) {
        *before = "coalesce(";
        *behind = ", '')";
    } else if (wanted == COLUMN_STRING) {
        *before = is_nested(found) ? "coalesce(CAST(to_json(" : "coalesce(CAST((";
        *behind = ") AS VARCHAR), '')";
    } else if (wanted == COLUMN_DYNAMIC && is_nested(found)) {
        *before = "CAST(to_json(";
        *behind = ") AS VARCHAR)";
    } else if (wanted == COLUMN_DATETIME && is_time(found)) {
        *before = "(621355968000000000 + 10 * epoch_us(";
        *behind = "))";
    } else if (wanted == COLUMN_DATETIME && found == DUCKDB_TYPE_TIMESTAMP_NS) {
        *before = "(621355968000000000 + epoch_ns(";
        *behind = ") // 100)";
    } else if (wanted == COLUMN_LONG && is_whole(found)) {
        *before = "CAST(";
        *behind = " AS BIGINT)";
    } else if (wanted == COLUMN_REAL && (is_whole(found) || found == DUCKDB_TYPE_FLOAT)) {
        *before = "CAST(";
        *behind = " AS DOUBLE)";
    } else if (found == duck_type(wanted) && found != DUCKDB_TYPE_VARCHAR) {
        *before = "";
    } else {
        return false;
    }
    return true;
}

static void put_column(struct buf *sql, const struct source *source, size_t i,
                       const struct found *found)
{
    enum column_type type = source->columns.v[i].type;
    const struct found_column *column = NULL;
    for (size_t k = 0; k < found->n && !column; k++) {
        if (strcmp(found->v[k].name, source->keys[i]) == 0)
            column = &found->v[k];
    }
    const char *before, *behind;
    if (!column) {
        buf_printf(sql, type == COLUMN_STRING ? "''" : "CAST(NULL AS %s)", duck_type_name(type));
    } else if (direct(type, column->type, &before, &behind)) {
        buf_puts(sql, before);
        duck_put_name(sql, str_of(column->name));
        buf_puts(sql, behind);
    } else {
        buf_printf(sql, "weir_in_%s(%lld, %zu, CAST(", column_type_name(type),
                   (long long) source->number, i);
        duck_put_name(sql, str_of(column->name));
        buf_puts(sql, " AS VARCHAR))");
    }
    buf_puts(sql, " AS ");
    duck_put_name(sql, str_of(source->columns.v[i].name));
}

/* SELECT of the source's columns from its files. With `row`: _weir_row too. */
static bool put_select(struct buf *sql, const struct source *source, bool row, struct error *err)
{
    struct buf reader = BUF_INIT(DUCK_SQL_MAX);
    struct found found = {0};
    bool ok = true;
    if (source->form == ENGINE_CSV)
        ok = put_csv_readers(&reader, source, err);
    else
        put_parquet_reader(&reader, source);
    ok = ok && buf_ok(&reader, "the list of files", err) &&
         find_columns(source->task, buf_str(&reader), &found, err);
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; ok && i < source->columns.n; i++) {
        buf_puts(sql, i ? ", " : "");
        put_column(sql, source, i, &found);
    }
    if (row)
        buf_printf(sql, "%srow_number() OVER () AS " DUCK_ROW_COLUMN,
                   source->columns.n > 0 ? ", " : "");
    buf_puts(sql, " FROM ");
    buf_put_str(sql, buf_str(&reader));
    found_release(&found);
    buf_release(&reader);
    return ok && buf_ok(sql, "the list of files", err);
}

static bool put_lines_select(struct buf *sql, const struct source *source, bool row,
                             struct error *err)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < source->columns.n; i++) {
        buf_puts(sql, i ? ", " : "");
        duck_put_name(sql, str_of(source->columns.v[i].name));
    }
    if (row)
        buf_printf(sql, "%s" DUCK_ROW_COLUMN, source->columns.n > 0 ? ", " : "");
    buf_printf(sql, " FROM weir_lines(%lld)", (long long) source->number);
    return buf_ok(sql, "the list of files", err);
}

static bool put_rows(struct buf *sql, const struct source *source, bool row, struct error *err)
{
    if (source->form == ENGINE_LINES)
        return put_lines_select(sql, source, row, err);
    bool bounded = source->time_column >= 0 && (source->from != 0 || source->to != 0);
    if (bounded)
        buf_puts(sql, "SELECT * FROM (");
    if (!put_select(sql, source, row, err))
        return false;
    if (bounded)
        buf_printf(sql, ") WHERE \"TimeGenerated\" >= %lld AND \"TimeGenerated\" < %lld",
                   (long long) source->from, (long long) source->to);
    return buf_ok(sql, "the list of files", err);
}

/* --- public --------------------------------------------------------------------------------------------- */

static bool check_files(const struct engine_files *files, struct error *err)
{
    if (files->columns && files->columns->n > 0 && files->count > 0 && files->name)
        return true;
    return error_set(err, ERROR_INTERNAL, "a relation needs a name, columns and files");
}

/* "<before><name><between><rows>" as one statement over a new source, which is kept. */
static struct source *relate(struct driver_task *task, const struct engine_files *files,
                             const char *before, bool row, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    struct source *source = check_files(files, err) ? source_new(task, files, err) : NULL;
    bool ok = source && zones_find(source, files->time_zone, err);
    if (!ok) {
        source_free(source);
        return NULL;
    }
    source_keep(source);
    buf_puts(&sql, before);
    duck_put_name(&sql, str_of(files->name));
    buf_puts(&sql, " AS ");
    ok = put_rows(&sql, source, row, err) && result_run(task, buf_text(&sql), err);
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

static bool peek_file(const char *path, struct columns *out, struct error *err)
{
    struct scan *scan = scan_new(&path, 1, NULL, 0, 0, err);
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

static bool peek_found(struct driver_task *task, const struct engine_files *files,
                       struct columns *out, struct error *err)
{
    struct buf reader = BUF_INIT(DUCK_SQL_MAX);
    struct found found = {0};
    struct source *source = source_new(task, files, err);
    bool ok = source != NULL;
    if (ok && files->form == ENGINE_CSV)
        ok = put_csv_readers(&reader, source, err);
    else if (ok)
        put_parquet_reader(&reader, source);
    ok = ok && buf_ok(&reader, "the list of files", err) &&
         find_columns(task, buf_str(&reader), &found, err);
    for (size_t i = 0; ok && i < found.n; i++)
        ok = columns_add(out, str_of(found.v[i].name), COLUMN_STRING, err);
    found_release(&found);
    source_free(source);
    buf_release(&reader);
    return ok;
}

bool files_peek(struct driver_task *task, const struct engine_files *files, struct columns *out,
                struct error *err)
{
    columns_release(out);
    if (files->count == 0)
        return error_set(err, ERROR_INTERNAL, "no files to look at");
    if (files->form != ENGINE_LINES)
        return peek_found(task, files, out, err);
    size_t n = files->count < PEEK_FILES ? files->count : PEEK_FILES;
    for (size_t i = 0; i < n; i++) {
        if (!peek_file(files->paths[i], out, err))
            return false;
    }
    return true;
}
