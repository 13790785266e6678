/* Asking: one query, its whole answer in memory, and the tries in between. */
#include "workspace/intern.h"

#include "base/memory.h"
#include "base/tick.h"
#include "json/value.h"

/* Asks under way, or in a pause between tries; more than may run at once, so that one that pauses holds up
 * no other. */
enum { ASKING_MAX = 2 * WORKSPACE_CONCURRENT_MAX };
static const double NANOSECONDS = 1e9;

enum phase { FREE, DUE, RUNNING, ENDED };

struct asking {
    struct workspace *workspace;
    struct workspace_ask_one *one;
    struct workspace_table *table;
    struct buf *permissions; /* NULL: not wanted */
    enum phase phase;
    uint64_t due;  /* clock_ns of the next try */
    int attempt;   /* tries begun */
    unsigned aged; /* answers from a cache */
    size_t room;   /* cells */
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
    if (table->rows >= asking->one->max_rows)
        return error_set(err, ERROR_LIMIT, "the answer has more than %zu rows",
                         asking->one->max_rows);
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
    asking->result.permissions = (struct str){"", 0}; /* lent for this call alone */
    if (asking->permissions) {
        buf_reset(asking->permissions);
        buf_put_str(asking->permissions, result->permissions);
    }
    asking->phase = ENDED;
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

/* One ask ---------------------------------------------------------------------------------------- */

static bool begin_table(struct asking *asking, struct error *err)
{
    struct workspace_table *table = asking->table;
    workspace_table_release(table);
    asking->room = 0;
    table->arena = mem_alloc(1, sizeof *table->arena, err);
    if (!table->arena)
        return false;
    arena_init(table->arena, WORKSPACE_ASK_BYTES_MAX);
    return true;
}

static void finish(struct asking *asking, bool ok, const struct error *why)
{
    asking->one->ok = ok;
    asking->one->age = asking->result.age;
    asking->one->error = *why;
    if (!ok)
        workspace_table_release(asking->table);
    asking->phase = FREE;
}

static void try_once(struct asking *asking)
{
    const struct workspace_ask_one *one = asking->one;
    struct error why = ERROR_INIT;
    struct workspace_query query = {.kql = one->kql,
                                    .timespan = one->timespan,
                                    .search = one->search,
                                    .permissions = asking->permissions != NULL,
                                    .keep_empty = true,
                                    .columns = on_columns,
                                    .row = on_row,
                                    .done = on_done,
                                    .context = asking};
    asking->attempt++;
    asking->phase = RUNNING;
    if (!begin_table(asking, &why) || !workspace_start(asking->workspace, &query, &why))
        finish(asking, false, &why);
}

static bool may_try_again(struct asking *asking)
{
    const struct workspace_result *result = &asking->result;
    bool aged = result->outcome == WORKSPACE_OK && result->age > 0;
    if (aged && ++asking->aged > WORKSPACE_STALE_TRIES)
        return false;
    if (result->outcome == WORKSPACE_TIMEOUT)
        return !asking->one->impatient && asking->attempt < WORKSPACE_TIMEOUT_TRIES;
    return asking->attempt < WORKSPACE_ASK_TRIES &&
           (aged || result->outcome == WORKSPACE_BROKEN || result->outcome == WORKSPACE_THROTTLED);
}

/* A throttled query waits in the queue with all others: no pause of its own. */
static void judge(struct asking *asking)
{
    struct workspace *w = asking->workspace;
    if (!may_try_again(asking)) {
        finish(asking, asking->result.outcome == WORKSPACE_OK, &asking->result.error);
        return;
    }
    double pause = asking->result.outcome == WORKSPACE_THROTTLED
                       ? 0
                       : http_backoff(asking->attempt, -1, &w->random);
    w->load.retried++;
    asking->due = clock_ns() + (uint64_t) (pause * NANOSECONDS);
    asking->phase = DUE;
}

/* Many ------------------------------------------------------------------------------------------- */

struct crowd {
    struct workspace *workspace;
    struct workspace_ask_one *asks;
    size_t n, next;          /* next: the first that was not begun */
    struct buf *permissions; /* of one ask alone; NULL: not wanted */
    struct asking *v;
};

static void take_next(struct crowd *crowd, struct asking *asking)
{
    struct workspace_ask_one *one = &crowd->asks[crowd->next++];
    *asking = (struct asking){.workspace = crowd->workspace,
                              .one = one,
                              .table = one->table,
                              .permissions = crowd->permissions,
                              .phase = DUE};
}

/* Moves each ask on as far as it goes now. False: all are done. *due: when the next pause ends. */
static bool step(struct crowd *crowd, bool *running, uint64_t *due)
{
    uint64_t now = clock_ns();
    bool left = false;
    *running = false;
    *due = UINT64_MAX;
    for (size_t i = 0; i < ASKING_MAX; i++) {
        struct asking *asking = &crowd->v[i];
        if (asking->phase == ENDED)
            judge(asking);
        if (asking->phase == DUE && asking->due <= now)
            try_once(asking);
        while (asking->phase == FREE && crowd->next < crowd->n) {
            take_next(crowd, asking);
            try_once(asking);
        }
        left = left || asking->phase != FREE;
        *running = *running || asking->phase == RUNNING;
        if (asking->phase == DUE && asking->due < *due)
            *due = asking->due;
    }
    return left;
}

static bool run_all(struct crowd *crowd, struct error *err)
{
    struct workspace *w = crowd->workspace;
    bool running;
    uint64_t due;
    while (step(crowd, &running, &due)) {
        uint64_t now = clock_ns();
        double seconds = due == UINT64_MAX ? -1
                         : due > now       ? (double) (due - now) / NANOSECONDS
                                           : 0;
        if (running ? !workspace_run(w, seconds, err) : !workspace_pause(w, seconds, err))
            return false;
    }
    return true;
}

static void tell_the_rest(struct crowd *crowd, const struct error *why)
{
    for (size_t i = 0; i < ASKING_MAX; i++)
        if (crowd->v[i].phase != FREE)
            finish(&crowd->v[i], false, why);
    for (; crowd->next < crowd->n; crowd->next++) {
        crowd->asks[crowd->next].ok = false;
        crowd->asks[crowd->next].error = *why;
    }
}

static bool ask_crowd(struct crowd crowd, struct error *err)
{
    const struct workspace *w = crowd.workspace;
    struct error why = ERROR_INIT;
    for (size_t i = 0; i < crowd.n; i++)
        *crowd.asks[i].table = (struct workspace_table){0};
    bool ok = !w->inside || error_set(&why, ERROR_INTERNAL,
                                      "the workspace was asked from a call-back of its own");
    crowd.v = ok ? mem_alloc(ASKING_MAX, sizeof *crowd.v, &why) : NULL;
    ok = crowd.v && run_all(&crowd, &why);
    if (!ok && crowd.v)
        tell_the_rest(&crowd, &why);
    mem_free(crowd.v);
    if (!ok && err && err->code == ERROR_NONE)
        *err = why;
    return ok;
}

bool workspace_ask_all(struct workspace *w, struct workspace_ask_one *asks, size_t n,
                       struct error *err)
{
    return ask_crowd((struct crowd){.workspace = w, .asks = asks, .n = n}, err);
}

bool ask_permissions(struct workspace *w, struct workspace_ask_one *one, struct buf *permissions,
                     struct error *err)
{
    return ask_crowd(
        (struct crowd){.workspace = w, .asks = one, .n = 1, .permissions = permissions}, err);
}

bool workspace_ask(struct workspace *w, struct str kql, const char *timespan, size_t max_rows,
                   struct workspace_table *out, struct error *err)
{
    struct workspace_ask_one one = {
        .kql = kql, .timespan = timespan, .max_rows = max_rows, .table = out};
    if (!workspace_ask_all(w, &one, 1, err))
        return false;
    if (!one.ok && err && err->code == ERROR_NONE)
        *err = one.error;
    return one.ok;
}

const struct workspace_cell *workspace_cell(const struct workspace_table *table, size_t row,
                                            const char *column)
{
    int index = columns_find(&table->columns, str_of(column));
    if (index < 0 || row >= table->rows)
        return NULL;
    return &table->cells[row * table->columns.n + (size_t) index];
}
