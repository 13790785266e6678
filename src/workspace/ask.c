/* Asking: one query, its whole answer in memory, and the tries in between. */
#include "workspace/intern.h"

#include "base/memory.h"
#include "json/value.h"

struct asking {
    struct workspace *workspace;
    struct workspace_table *table;
    size_t max_rows, room; /* room: cells */
    bool done;
    struct workspace_result result;
};

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct asking *asking = context;
    return columns_copy(columns, &asking->table->columns, err);
}

/* Strings are decoded; all else stays as its JSON text. */
static bool put_cell(struct workspace_table *table, const struct json_row *row,
                     const struct json_cell *from, struct workspace_cell *to, struct error *err)
{
    struct str text = {row->bytes + from->start, from->length};
    struct buf decoded = BUF_INIT(JSON_ROW_MAX);
    to->null = from->kind == JSON_KIND_NULL;
    bool plain = from->kind != JSON_KIND_STRING || !from->escaped;
    if (!plain && !json_unescape(text, &decoded)) {
        buf_release(&decoded);
        return error_set(err, ERROR_FORMAT, "a string of the answer cannot be decoded");
    }
    if (!plain)
        text = buf_str(&decoded);
    if (to->null)
        text.n = 0;
    to->text.n = text.n;
    to->text.p = arena_copy(table->arena, text.n > 0 ? text.p : "", text.n, err);
    buf_release(&decoded);
    return to->text.p != NULL;
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct asking *asking = context;
    struct workspace_table *table = asking->table;
    size_t columns = table->columns.n, used = table->rows * columns;
    if (table->rows >= asking->max_rows)
        return error_set(err, ERROR_LIMIT, "the answer has more than %zu rows", asking->max_rows);
    for (size_t i = 0; i < columns; i++)
        if (!mem_reserve(&table->cells, &asking->room, used + i, SIZE_MAX / sizeof *table->cells,
                         sizeof *table->cells, err))
            return false;
    memset(table->cells + used, 0, columns * sizeof *table->cells);
    for (size_t i = 0; i < columns; i++)
        table->cells[used + i].null = true;
    for (size_t i = 0; i < row->count; i++)
        if (!put_cell(table, row, &row->cells[i], &table->cells[used + row->cells[i].column], err))
            return false;
    table->rows++;
    return true;
}

static void on_done(void *context, const struct workspace_result *result)
{
    struct asking *asking = context;
    asking->result = *result;
    asking->done = true;
    workspace_wake(asking->workspace);
}

void workspace_table_release(struct workspace_table *table)
{
    columns_release(&table->columns);
    mem_free(table->cells);
    if (table->arena)
        arena_release(table->arena);
    mem_free(table->arena);
    *table = (struct workspace_table){0};
}

static bool begin(struct asking *asking, struct error *err)
{
    struct workspace_table *table = asking->table;
    workspace_table_release(table);
    asking->room = 0;
    asking->done = false;
    table->arena = mem_alloc(1, sizeof *table->arena, err);
    if (!table->arena)
        return false;
    arena_init(table->arena, WORKSPACE_ASK_BYTES_MAX);
    return true;
}

static bool try_once(struct asking *asking, struct str kql, const char *timespan, struct error *err)
{
    struct workspace_query query = {.kql = kql,
                                    .timespan = timespan,
                                    .keep_empty = true,
                                    .columns = on_columns,
                                    .row = on_row,
                                    .done = on_done,
                                    .context = asking};
    if (!begin(asking, err) || !workspace_start(asking->workspace, &query, err))
        return false;
    while (!asking->done)
        if (!workspace_run(asking->workspace, -1, err))
            return false; /* and done has been told */
    return true;
}

/* A throttled query waits in the queue with all others: no pause of its own. */
static bool may_try_again(const struct workspace_result *result, int attempt)
{
    return attempt < WORKSPACE_ASK_TRIES &&
           (result->outcome == WORKSPACE_BROKEN || result->outcome == WORKSPACE_THROTTLED);
}

static bool pause_before(struct asking *asking, int attempt, struct error *err)
{
    struct workspace *w = asking->workspace;
    w->load.retried++;
    if (asking->result.outcome == WORKSPACE_THROTTLED)
        return true;
    return workspace_pause(w, http_backoff(attempt, -1, &w->random), err);
}

bool workspace_ask(struct workspace *w, struct str kql, const char *timespan, size_t max_rows,
                   struct workspace_table *out, struct error *err)
{
    struct asking asking = {.workspace = w, .table = out, .max_rows = max_rows};
    *out = (struct workspace_table){0};
    bool ok = true;
    if (w->inside)
        return error_set(err, ERROR_INTERNAL,
                         "the workspace was asked from a call-back of its own");
    for (int attempt = 1; ok; attempt++) {
        ok = try_once(&asking, kql, timespan, err);
        if (!ok || !may_try_again(&asking.result, attempt))
            break;
        ok = pause_before(&asking, attempt, err);
    }
    if (ok && asking.result.outcome == WORKSPACE_OK)
        return true;
    if (ok && err && err->code == ERROR_NONE)
        *err = asking.result.error;
    workspace_table_release(out);
    return false;
}

const struct workspace_cell *workspace_cell(const struct workspace_table *table, size_t row,
                                            const char *column)
{
    int index = columns_find(&table->columns, str_of(column));
    if (index < 0 || row >= table->rows)
        return NULL;
    return &table->cells[row * table->columns.n + (size_t) index];
}
