/* Statements and streamed results; see engine.h and duck.h.
 *
 * A statement is prepared, then made pending: that forgets an interrupt from before, and sets threads to work. From
 * then on an interrupt reaches it. So the order "pending, look at the flag, execute" here and "set the flag,
 * interrupt" in task_cancel loses no cancellation, if who sees the flag interrupts the threads again.
 */
#include "engine/duckdb/duck.h"

struct driver_result {
    struct driver_task *task;
    duckdb_prepared_statement statement;
    duckdb_result result;
    bool has_result, ended;
    duckdb_data_chunk chunk; /* lent out; NULL: none */
    struct engine_chunk out;
    struct engine_vector *vectors;
    struct str *texts; /* ENGINE_CHUNK_ROWS for each text column */
};

static bool is_text(enum column_type type)
{
    return duck_type(type) == DUCKDB_TYPE_VARCHAR;
}

static bool check_task(const struct driver_task *task, struct error *err)
{
    if (atomic_load(&task->signs->cancelled))
        return error_set(err, ERROR_INTERRUPTED, ENGINE_CANCELLED);
    if (task->busy)
        return error_set(err, ERROR_INTERNAL, ENGINE_BUSY);
    return true;
}

static bool prepare(struct driver_task *task, const char *sql, duckdb_prepared_statement *out,
                    struct error *err)
{
    if (!check_task(task, err))
        return false;
    if (duckdb_prepare(task->connection, sql, out) == DuckDBSuccess)
        return true;
    duck_failed(task, DUCKDB_ERROR_BINDER, duckdb_prepare_error(*out), err);
    duckdb_destroy_prepare(out);
    return false;
}

/* Executes a prepared statement up to its first rows (streaming) or whole. */
static bool execute(struct driver_task *task, duckdb_prepared_statement statement, bool streaming,
                    duckdb_result *result, struct error *err)
{
    duckdb_pending_result pending = NULL;
    bool ok = false;
    duckdb_state state = streaming ? duckdb_pending_prepared_streaming(statement, &pending)
                                   : duckdb_pending_prepared(statement, &pending);
    if (state != DuckDBSuccess) {
        duck_failed(task, DUCKDB_ERROR_INTERNAL, duckdb_pending_error(pending), err);
    } else if (atomic_load(&task->signs->cancelled)) {
        duckdb_interrupt(task->connection);
        (void) error_set(err, ERROR_INTERRUPTED, ENGINE_CANCELLED);
    } else {
        ok = duckdb_execute_pending(pending, result) == DuckDBSuccess;
        if (!ok)
            duck_failed(task, duckdb_result_error_type(result), duckdb_result_error(result), err);
        if (!ok)
            duckdb_destroy_result(result);
    }
    duckdb_destroy_pending(&pending);
    return ok;
}

static bool run_one(struct driver_task *task, duckdb_extracted_statements statements, idx_t index,
                    struct error *err)
{
    duckdb_prepared_statement statement = NULL;
    duckdb_result result;
    if (!check_task(task, err))
        return false;
    if (duckdb_prepare_extracted_statement(task->connection, statements, index, &statement) !=
        DuckDBSuccess) {
        duck_failed(task, DUCKDB_ERROR_BINDER, duckdb_prepare_error(statement), err);
        duckdb_destroy_prepare(&statement);
        return false;
    }
    bool ok = execute(task, statement, false, &result, err);
    if (ok)
        duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
    return ok;
}

bool result_run(struct driver_task *task, const char *sql, struct error *err)
{
    duckdb_extracted_statements statements = NULL;
    if (!check_task(task, err))
        return false;
    idx_t count = duckdb_extract_statements(task->connection, sql, &statements);
    bool ok = count > 0;
    if (!ok)
        duck_failed(task, DUCKDB_ERROR_PARSER, duckdb_extract_statements_error(statements), err);
    for (idx_t i = 0; i < count && ok; i++)
        ok = run_one(task, statements, i, err);
    duckdb_destroy_extracted(&statements);
    return ok;
}

/* The statement's columns must be of the physical types that the caller counts on. */
static bool check_columns(duckdb_prepared_statement statement, const struct columns *columns,
                          struct error *err)
{
    idx_t n = duckdb_prepared_statement_column_count(statement);
    if (n != columns->n)
        return error_set(err, ERROR_INTERNAL, "the query gives %llu columns, not %zu",
                         (unsigned long long) n, columns->n);
    for (size_t i = 0; i < columns->n; i++) {
        duckdb_type found = duckdb_prepared_statement_column_type(statement, i);
        if (found != duck_type(columns->v[i].type))
            return error_set(err, ERROR_INTERNAL,
                             "column %zu of the query ('%s', %s) has DuckDB's type %d, not %s",
                             i + 1, columns->v[i].name, column_type_name(columns->v[i].type),
                             (int) found, duck_type_name(columns->v[i].type));
    }
    return true;
}

bool result_check(struct driver_task *task, const char *sql, const struct columns *columns,
                  struct error *err)
{
    duckdb_prepared_statement statement = NULL;
    bool ok = prepare(task, sql, &statement, err) && check_columns(statement, columns, err);
    if (statement)
        duckdb_destroy_prepare(&statement);
    return ok;
}

/* The parts of a chunk that stay the same for all chunks. */
static bool lay_out(struct driver_result *result, const struct columns *columns, struct error *err)
{
    size_t texts = 0;
    for (size_t i = 0; i < columns->n; i++)
        texts += is_text(columns->v[i].type);
    result->vectors = mem_alloc(columns->n, sizeof result->vectors[0], err);
    result->texts = mem_alloc(texts * ENGINE_CHUNK_ROWS, sizeof result->texts[0], err);
    if (!result->vectors || !result->texts)
        return false;
    struct str *text = result->texts;
    for (size_t i = 0; i < columns->n; i++) {
        result->vectors[i].type = columns->v[i].type;
        if (is_text(columns->v[i].type)) {
            result->vectors[i].text = text;
            text += ENGINE_CHUNK_ROWS;
        }
    }
    result->out.count = columns->n;
    result->out.vectors = result->vectors;
    return true;
}

struct driver_result *result_query(struct driver_task *task, const char *sql,
                                   const struct columns *columns, struct error *err)
{
    struct driver_result *result = mem_alloc(1, sizeof *result, err);
    if (!result)
        return NULL;
    result->task = task;
    if (prepare(task, sql, &result->statement, err) &&
        check_columns(result->statement, columns, err) && lay_out(result, columns, err))
        result->has_result = execute(task, result->statement, true, &result->result, err);
    if (!result->has_result) {
        result_free(result);
        return NULL;
    }
    task->busy = true;
    return result;
}

/* Views of the strings of one vector, by row. Those of null rows are empty. */
static void lend_texts(duckdb_vector vector, const uint64_t *valid, size_t rows, struct str *out)
{
    const duckdb_string_t *strings = duckdb_vector_get_data(vector);
    for (size_t i = 0; i < rows; i++)
        out[i] = duck_valid(valid, i) ? duck_text(&strings[i]) : (struct str){"", 0};
}

static void lend_chunk(struct driver_result *result, size_t rows)
{
    struct str *text = result->texts;
    result->out.rows = rows;
    for (size_t i = 0; i < result->out.count; i++) {
        struct engine_vector *out = &result->vectors[i];
        duckdb_vector vector = duckdb_data_chunk_get_vector(result->chunk, i);
        out->valid = duckdb_vector_get_validity(vector);
        if (is_text(out->type)) {
            lend_texts(vector, out->valid, rows, text);
            text += ENGINE_CHUNK_ROWS;
        } else {
            out->values = duckdb_vector_get_data(vector);
        }
    }
}

bool result_next(struct driver_result *result, const struct engine_chunk **chunk, struct error *err)
{
    size_t rows = 0;
    *chunk = NULL;
    if (result->chunk)
        duckdb_destroy_data_chunk(&result->chunk);
    if (atomic_load(&result->task->signs->cancelled))
        return error_set(err, ERROR_INTERRUPTED, ENGINE_CANCELLED);
    while (!result->ended && rows == 0) {
        result->chunk = duckdb_fetch_chunk(result->result);
        if (!result->chunk) {
            result->ended = true;
            const char *why = duckdb_result_error(&result->result);
            if (why && *why)
                return duck_failed(result->task, duckdb_result_error_type(&result->result), why,
                                   err);
            break;
        }
        rows = duckdb_data_chunk_get_size(result->chunk);
        if (rows > ENGINE_CHUNK_ROWS)
            return error_set(err, ERROR_INTERNAL, "DuckDB gave a chunk of %zu rows", rows);
        if (rows == 0)
            duckdb_destroy_data_chunk(&result->chunk);
    }
    if (rows > 0) {
        lend_chunk(result, rows);
        *chunk = &result->out;
    }
    return true;
}

void result_free(struct driver_result *result)
{
    if (!result)
        return;
    if (result->chunk)
        duckdb_destroy_data_chunk(&result->chunk);
    if (result->has_result) {
        duckdb_destroy_result(&result->result);
        result->task->busy = false;
    }
    if (result->statement)
        duckdb_destroy_prepare(&result->statement);
    mem_free(result->vectors);
    mem_free(result->texts);
    mem_free(result);
}
