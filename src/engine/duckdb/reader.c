/* Calls of DuckDB's own readers; see reader.h. */
#include "engine/duckdb/reader.h"

void found_release(struct found *found)
{
    for (size_t i = 0; i < found->n; i++) {
        mem_free(found->v[i].sql);
        if (found->names)
            mem_free(found->names[i]);
    }
    mem_free(found->v);
    mem_free(found->names);
    *found = (struct found){0};
}

static bool found_room(struct found *found, size_t n, struct error *err)
{
    found->v = mem_alloc(n, sizeof found->v[0], err);
    if (found->v)
        found->n = n;
    return found->v != NULL;
}

const struct cast_column *found_name(const struct found *found, const char *name)
{
    for (size_t i = 0; i < found->n; i++) {
        if (strcmp(found->v[i].name, name) == 0)
            return &found->v[i];
    }
    return NULL;
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

static void put_paths(struct buf *sql, const char *function, char *const *paths, size_t count)
{
    buf_printf(sql, "%s([", function);
    for (size_t i = 0; i < count; i++) {
        buf_puts(sql, i ? ", " : "");
        put_path(sql, paths[i]);
    }
    buf_putc(sql, ']');
}

/* Files of one header: every column is text and is called by its number. */
void reader_put_csv(struct buf *sql, char *const *paths, size_t count,
                    const struct csv_header *header)
{
    put_paths(sql, "read_csv", paths, count);
    buf_printf(sql,
               ", auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
               "compression = '%s', columns = {",
               header->gz ? "gzip" : "none");
    for (size_t i = 0; i < header->n; i++)
        buf_printf(sql, "%s'c%zu': 'VARCHAR'", i ? ", " : "", i);
    buf_puts(sql, "})");
}

/* Folders like y=2021 are no columns. */
void reader_put_parquet(struct buf *sql, char *const *paths, size_t count,
                        struct reader_parquet how)
{
    put_paths(sql, "read_parquet", paths, count);
    buf_printf(sql, ", hive_partitioning = false, union_by_name = %s, file_row_number = %s)",
               how.united ? "true" : "false", how.numbered ? "true" : "false");
}

void reader_put_schema(struct buf *sql, char *const *paths, size_t count)
{
    put_paths(sql, "parquet_schema", paths, count);
    buf_putc(sql, ')');
}

bool found_csv(const struct csv_header *header, struct found *out, struct error *err)
{
    if (!found_room(out, header->n, err))
        return false;
    for (size_t i = 0; i < header->n; i++) {
        struct buf name = BUF_INIT(32);
        buf_printf(&name, "c%zu", i);
        out->v[i] = (struct cast_column){
            .name = header->names[i], .sql = buf_take(&name), .type = DUCKDB_TYPE_VARCHAR};
        if (!out->v[i].sql)
            return error_set(err, ERROR_MEMORY, "memory is used up");
    }
    return true;
}

/* Whether a text is declared to be JSON. */
static bool is_json(duckdb_prepared_statement statement, size_t i)
{
    duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(statement, i);
    char *alias = duckdb_logical_type_get_alias(type);
    bool json = alias && strcmp(alias, "JSON") == 0;
    duckdb_free(alias);
    duckdb_destroy_logical_type(&type);
    return json;
}

static bool take_column(duckdb_prepared_statement statement, size_t i, struct found *out,
                        struct error *err)
{
    const char *name = duckdb_prepared_statement_column_name(statement, i);
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    out->names[i] = mem_copy(name ? name : "", name ? strlen(name) : 0, err);
    duckdb_free((void *) (uintptr_t) name);
    if (!out->names[i])
        return false;
    duck_put_name(&sql, str_of(out->names[i]));
    bool ok = buf_ok(&sql, "a name", err);
    out->v[i].name = out->names[i];
    out->v[i].type = duckdb_prepared_statement_column_type(statement, i);
    out->v[i].json = is_json(statement, i);
    out->v[i].sql = ok ? buf_take(&sql) : NULL;
    buf_release(&sql);
    return out->v[i].sql != NULL;
}

/* The columns of files of Parquet, without reading rows. */
bool found_parquet(struct driver_task *task, char *const *paths, size_t count, struct found *out,
                   struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    duckdb_prepared_statement statement = NULL;
    buf_puts(&sql, "SELECT * FROM ");
    reader_put_parquet(&sql, paths, count, (struct reader_parquet){.united = true});
    bool ok = buf_ok(&sql, "the list of files", err);
    if (ok && duckdb_prepare(task->connection, buf_text(&sql), &statement) != DuckDBSuccess)
        ok = duck_failed(task, DUCKDB_ERROR_IO, duckdb_prepare_error(statement), err);
    size_t n = ok ? duckdb_prepared_statement_column_count(statement) : 0;
    ok = ok && found_room(out, n, err) &&
         (out->names = mem_alloc(n, sizeof out->names[0], err)) != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = take_column(statement, i, out, err);
    duckdb_destroy_prepare(&statement);
    buf_release(&sql);
    return ok;
}
