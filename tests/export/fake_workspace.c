/* See fake_workspace.h. */
#include "fake_workspace.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/tick.h"

#include <stdio.h>
#include <stdlib.h>

struct fake_query {
    struct workspace_query query;
    int64_t from, to;
    uint32_t part, parts;
    uint64_t take; /* rows at most */
    int64_t t0;    /* 0: any */
    bool all_columns, folded, job;
};

enum { QUEUE_MAX = 64, ROW_TEXT = 160 };

/* In the place of http_backoff (see CMakeLists.txt). */
double __wrap_http_backoff(int attempt, double retry_after, struct random *random);
double __wrap_http_backoff(int attempt, double retry_after, struct random *random)
{
    (void) attempt;
    (void) retry_after;
    (void) random;
    return 0;
}

void fake_item(uint64_t id, char out[17])
{
    (void) snprintf(out, 17, "%016llx", (unsigned long long) id);
}

static int by_tick(const void *a, const void *b)
{
    const struct fake_row *x = a, *y = b;
    return (x->tick > y->tick) - (x->tick < y->tick);
}

void fake_init(struct workspace *fake, uint64_t seed, size_t rows, int64_t from, int64_t to)
{
    *fake = (struct workspace){0};
    random_seed(&fake->random, seed);
    fake->rows = calloc(rows + 1, sizeof *fake->rows);
    fake->queue = calloc(QUEUE_MAX, sizeof *fake->queue);
    fake->count = rows;
    int64_t burst = from + (int64_t) random_below(&fake->random, (uint64_t) (to - from));
    for (size_t i = 0; i < rows; i++) {
        bool in_burst = random_below(&fake->random, 4) == 0;
        fake->rows[i].tick =
            in_burst ? burst : from + (int64_t) random_below(&fake->random, (uint64_t) (to - from));
        fake->rows[i].id = random_next(&fake->random);
    }
    qsort(fake->rows, rows, sizeof *fake->rows, by_tick);
}

void fake_forget(struct workspace *fake)
{
    fake->queued = 0;
}

void fake_release(struct workspace *fake)
{
    free(fake->rows);
    free(fake->queue);
}

static bool chance(struct workspace *fake, double share)
{
    return share > 0 && random_unit(&fake->random) < share;
}

/* -- the text of a query -- */

static int64_t time_after(struct str kql, const char *what)
{
    const char *at = memmem(kql.p, kql.n, what, strlen(what));
    int64_t tick = -1;
    if (!at)
        abort();
    at += strlen(what);
    const char *end = strchr(at, ')');
    if (!end || !tick_parse((struct str){at, (size_t) (end - at)}, &tick))
        abort();
    return tick;
}

/* Both ends included, as the service may have it. */
static void read_timespan(const char *timespan, struct fake_query *out)
{
    const char *slash = timespan ? strchr(timespan, '/') : NULL;
    if (!slash || !tick_parse((struct str){timespan, (size_t) (slash - timespan)}, &out->from) ||
        !tick_parse(str_of(slash + 1), &out->to))
        abort();
    out->to++;
}

static uint64_t number_after(struct str kql, const char *what, uint64_t otherwise)
{
    const char *at = memmem(kql.p, kql.n, what, strlen(what));
    return at ? strtoull(at + strlen(what), NULL, 10) : otherwise;
}

static bool is_job(struct str kql)
{
    return memmem(kql.p, kql.n, "T_SRCH", 6) != NULL;
}

static bool puts_back(struct str kql)
{
    static const char text[] = "T_SRCH\n| extend TimeGenerated = _OriginalTimeGenerated, "
                               "Type = _OriginalType, _ItemId = _OriginalItemId\n";
    return memmem(kql.p, kql.n, text, sizeof text - 1) != NULL;
}

static struct fake_query understood(const struct workspace *fake, struct str kql,
                                    const char *timespan)
{
    struct fake_query out = {.parts = 1};
    if (fake->basic) {
        read_timespan(timespan, &out);
    } else {
        out.from = time_after(kql, "TimeGenerated >= datetime(");
        out.to = time_after(kql, "TimeGenerated < datetime(");
    }
    if (memmem(kql.p, kql.n, "ingestion_time() <=", 19))
        out.t0 = time_after(kql, "ingestion_time() <= datetime(");
    const char *hash = memmem(kql.p, kql.n, "hash(_ItemId, ", 14);
    const char *all = memmem(kql.p, kql.n, "hash(tostring(pack_all()), ", 27);
    out.all_columns = all != NULL;
    if ((hash && sscanf(hash, "hash(_ItemId, %u) == %u", &out.parts, &out.part) != 2) ||
        (all && sscanf(all, "hash(tostring(pack_all()), %u) == %u", &out.parts, &out.part) != 2))
        abort();
    out.job = is_job(kql);
    out.folded = memmem(kql.p, kql.n, "weir_copies", 11) != NULL;
    out.take = number_after(kql, "| take ", UINT64_MAX);
    if (out.job && fake->job_to > 0 && out.to > fake->job_to)
        out.to = fake->job_to;
    return out;
}

/* Of all that a row shows. */
static uint64_t key_of(const struct fake_row *row)
{
    char text[64];
    (void) snprintf(text, sizeof text, "%lld %llu", (long long) row->tick,
                    (unsigned long long) (row->id % 1000));
    return (uint64_t) hash_xx64(str_of(text));
}

static bool in_share(const struct fake_query *query, const struct fake_row *row)
{
    if (row->tick < query->from || row->tick >= query->to ||
        (query->t0 > 0 && row->ingested > query->t0))
        return false;
    if (query->parts == 1)
        return true;
    char item[17];
    fake_item(row->id, item);
    uint64_t hash = query->all_columns ? key_of(row) : (uint64_t) hash_xx64(str_of(item));
    return hash % query->parts == query->part;
}

/* -- rows -- */

static bool give(const struct workspace *fake, const struct fake_query *query,
                 const struct fake_row *row, uint64_t copies, struct error *err)
{
    char text[ROW_TEXT] = {0}, time[TICK_TEXT_MAX], item[17];
    (void) tick_format(row->tick, time);
    fake_item(row->id, item);
    int n = snprintf(text, 130, "[\"%s\",%llu,\"%s\",%llu]", time,
                     (unsigned long long) (row->id % 1000), item, (unsigned long long) copies);
    const char *number = strchr(text, ',') + 1, *id = strchr(number, ',') + 2;
    const char *last = strrchr(text, ',') + 1;
    uint32_t columns = fake->no_items ? 2 : 3;
    struct json_cell cells[] = {
        {.column = 0, .start = 2, .length = (uint32_t) strlen(time), .kind = JSON_KIND_STRING},
        {.column = 1,
         .start = (uint32_t) (number - text),
         .length = (uint32_t) (id - 2 - number),
         .kind = JSON_KIND_NUMBER},
        {.column = 2, .start = (uint32_t) (id - text), .length = 16, .kind = JSON_KIND_STRING},
        {.column = 3, .start = (uint32_t) (last - text), .length = 0, .kind = JSON_KIND_NUMBER},
    };
    cells[3].length = (uint32_t) (strchr(last, ']') - last);
    cells[3].column = columns;
    if (query->folded)
        cells[columns] = cells[3];
    struct json_row json = {
        .bytes = text, .length = (size_t) n, .cells = cells, .count = columns + query->folded};
    return query->query.row(query->query.context, &json, err);
}

static bool add_columns(const struct workspace *fake, struct columns *columns, struct error *err)
{
    return columns_add(columns, STR("TimeGenerated"), COLUMN_DATETIME, err) &&
           columns_add(columns, STR("Payload"), COLUMN_LONG, err) &&
           (fake->no_items || columns_add(columns, STR("_ItemId"), COLUMN_STRING, err));
}

/* Whether a row that shows the same stands before this one in the share; and how many show the same. */
static bool is_copy(const struct workspace *fake, const struct fake_query *query, size_t at,
                    uint64_t *copies)
{
    *copies = 0;
    for (size_t i = 0; i < fake->count; i++) {
        if (!in_share(query, &fake->rows[i]) || key_of(&fake->rows[i]) != key_of(&fake->rows[at]))
            continue;
        if (i < at)
            return true;
        ++*copies;
    }
    return false;
}

/* Rows until `most`, with one left out and another given twice when lying. */
static bool give_rows(struct workspace *fake, const struct fake_query *query, uint64_t most,
                      bool lying, struct workspace_result *result)
{
    const struct fake_row *before = NULL;
    for (size_t i = 0; i < fake->count && result->rows < most; i++) {
        const struct fake_row *row = &fake->rows[i];
        uint64_t copies = 1;
        if (!in_share(query, row) || (query->folded && is_copy(fake, query, i, &copies)))
            continue;
        if (lying && before && !query->folded) {
            row = before;
            lying = false;
        }
        if (!give(fake, query, row, copies, &result->error))
            return false;
        before = row;
        result->rows++;
        result->bytes += 60;
    }
    return true;
}

static uint64_t rows_of(const struct workspace *fake, const struct fake_query *query)
{
    uint64_t rows = 0, copies;
    for (size_t i = 0; i < fake->count; i++)
        rows += in_share(query, &fake->rows[i]) &&
                (!query->folded || !is_copy(fake, query, i, &copies));
    return rows;
}

static void answer(struct workspace *fake, const struct fake_query *query)
{
    struct workspace_result result = {.outcome = WORKSPACE_OK, .retry_after = -1};
    struct columns columns = {0};
    uint64_t rows = rows_of(fake, query);
    rows = rows < query->take ? rows : query->take;
    uint64_t most = rows;
    if (fake->refuses_all && rows > 0) {
        result.outcome = WORKSPACE_TOO_LARGE;
        most = 0;
    } else if (fake->max_rows && rows > fake->max_rows) {
        result.outcome = WORKSPACE_TOO_LARGE;
        if (chance(fake, 0.5)) {
            result.ceiling = WORKSPACE_CEILING_ROWS;
            result.limit = fake->max_rows;
        }
        most = fake->max_rows;
    } else if (chance(fake, fake->throttled)) {
        result.outcome = WORKSPACE_THROTTLED;
        most = 0;
    } else if (chance(fake, fake->timeout)) {
        result.outcome = WORKSPACE_TIMEOUT;
        most = 0;
    } else if (chance(fake, fake->broken)) {
        result.outcome = WORKSPACE_BROKEN;
        most = random_below(&fake->random, rows + 1);
    }
    if (result.outcome != WORKSPACE_OK)
        (void) error_set(&result.error, ERROR_SERVICE, "played");
    struct error err = ERROR_INIT;
    bool lying = result.outcome == WORKSPACE_OK && chance(fake, fake->lying);
    result.counted = fake->no_statistics ? UINT64_MAX : rows;
    bool ok = add_columns(fake, &columns, &err) &&
              (!query->folded || columns_add(&columns, STR("weir_copies"), COLUMN_LONG, &err)) &&
              query->query.columns(query->query.context, &columns, &err) &&
              give_rows(fake, query, most, lying, &result);
    columns_release(&columns);
    if (!ok) {
        result.outcome = WORKSPACE_STOPPED;
        (void) error_set(&result.error, err.code ? err.code : ERROR_INTERNAL, "%s", err.message);
    }
    fake->answered++;
    query->query.done(query->query.context, &result);
}

/* -- the room's functions -- */

const char *workspace_outcome_text(enum workspace_outcome outcome)
{
    return outcome == WORKSPACE_TOO_LARGE ? "too large"
           : outcome == WORKSPACE_TIMEOUT ? "timeout"
                                          : "played";
}

bool workspace_start(struct workspace *fake, const struct workspace_query *query, struct error *err)
{
    if (fake->queued == QUEUE_MAX)
        return error_set(err, ERROR_LIMIT, "more queries at once than allowed");
    fake->asked++;
    fake->queue[fake->queued] = understood(fake, query->kql, query->timespan);
    fake->queue[fake->queued++].query = *query;
    fake->scans += query->search;
    if (is_job(query->kql) && !puts_back(query->kql))
        return error_set(err, ERROR_KQL, "rows of a search job without their names");
    return query->search == fake->basic ||
           error_set(err, ERROR_SERVICE, "the wrong endpoint for the table");
}

bool workspace_run(struct workspace *fake, double seconds, struct error *err)
{
    (void) seconds;
    fake->awake = false;
    while (fake->queued > 0 && !fake->awake) {
        if (chance(fake, fake->interrupted))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        size_t at = random_below(&fake->random, fake->queued);
        struct fake_query query = fake->queue[at];
        fake->queue[at] = fake->queue[--fake->queued];
        answer(fake, &query);
    }
    return true;
}

bool workspace_pause(struct workspace *fake, double seconds, struct error *err)
{
    return workspace_run(fake, seconds, err);
}

void workspace_wake(struct workspace *fake)
{
    fake->awake = true;
}

void workspace_load(const struct workspace *fake, struct workspace_load *out)
{
    *out = (struct workspace_load){.queries = fake->asked};
}

static bool set_cell(struct workspace_table *table, size_t row, size_t column, const char *text,
                     struct error *err)
{
    struct workspace_cell *cell = &table->cells[row * table->columns.n + column];
    char *copy = arena_copy(table->arena, text, strlen(text), err);
    cell->text = str_of(copy);
    return copy != NULL;
}

static bool table_of(struct workspace_table *table, const char *const *names, size_t columns,
                     size_t rows, struct error *err)
{
    table->arena = mem_alloc(1, sizeof *table->arena, err);
    if (!table->arena)
        return false;
    arena_init(table->arena, 64 << 20);
    table->cells = mem_alloc(rows * columns, sizeof *table->cells, err);
    if (!table->cells)
        return false;
    for (size_t i = 0; i < columns; i++)
        if (!columns_add(&table->columns, str_of(names[i]), COLUMN_STRING, err))
            return false;
    return true;
}

static bool answer_now(const struct workspace *fake, struct workspace_table *out, struct error *err)
{
    static const char *const names[] = {"Now"};
    char text[TICK_TEXT_MAX] = "2026-01-01T00:00:00Z";
    if (!table_of(out, names, 1, 1, err))
        return false;
    if (fake->now > 0)
        (void) tick_format(fake->now, text);
    out->rows = 1;
    return set_cell(out, 0, 0, text, err);
}

/* The same for each hour that was asked for. */
static bool answer_usage(const struct workspace *fake, struct str kql, size_t max_rows,
                         struct workspace_table *out, struct error *err)
{
    static const char *const names[] = {"Hour", "Megabytes"};
    char hour[TICK_TEXT_MAX], megabytes[32];
    if (!table_of(out, names, 2, max_rows, err))
        return false;
    int64_t to = time_after(kql, "StartTime < datetime(");
    for (int64_t tick = time_after(kql, "StartTime >= datetime("); fake->usage > 0 && tick < to;
         tick += TICK_HOUR) {
        (void) tick_format(tick, hour);
        (void) snprintf(megabytes, sizeof megabytes, "%.6f", fake->usage);
        if (!set_cell(out, out->rows, 0, hour, err) || !set_cell(out, out->rows, 1, megabytes, err))
            return false;
        out->rows++;
    }
    return true;
}

static bool add_count(const struct workspace *fake, struct workspace_table *out, int64_t partition,
                      const struct fake_query *query, struct error *err)
{
    uint64_t rows = 0, sum = 0, low = 0, high = 0;
    for (size_t i = 0; i < fake->count; i++) {
        if (fake->rows[i].tick < partition || fake->rows[i].tick >= partition + TICK_PARTITION ||
            !in_share(query, &fake->rows[i]))
            continue;
        char item[17];
        fake_item(fake->rows[i].id, item);
        sum = (uint64_t) hash_xx64(str_of(item));
        low += sum & 0xffffffff;
        high += sum >> 32;
        rows++;
    }
    if (rows == 0)
        return true;
    char text[6][TICK_TEXT_MAX];
    (void) tick_format(partition, text[0]);
    (void) snprintf(text[1], TICK_TEXT_MAX, "%llu", (unsigned long long) rows);
    (void) snprintf(text[2], TICK_TEXT_MAX, "%llu", (unsigned long long) rows * 40);
    (void) snprintf(text[3], TICK_TEXT_MAX, "0");
    (void) snprintf(text[4], TICK_TEXT_MAX, "%llu", (unsigned long long) low);
    (void) snprintf(text[5], TICK_TEXT_MAX, "%llu", (unsigned long long) high);
    size_t row = out->rows++;
    for (size_t i = 0; i < 6; i++)
        if (!set_cell(out, row, i, text[i], err))
            return false;
    return true;
}

static bool answer_count(struct workspace *fake, const struct workspace_ask_one *one,
                         struct error *err)
{
    static const char *const names[] = {"Partition", "Rows",   "Bytes",
                                        "Unstamped", "SumLow", "SumHigh"};
    struct workspace_table *out = one->table;
    struct fake_query query = understood(fake, one->kql, one->timespan);
    fake->scans += one->search;
    if (chance(fake, fake->timeout / 16) ||
        (query.from < fake->deaf_to && query.to > fake->deaf_from) ||
        (fake->max_window && query.to - query.from > fake->max_window + 1))
        return error_set(err, ERROR_TIMEOUT, "too long");
    if (!table_of(out, names, 6, one->max_rows, err))
        return false;
    for (int64_t tick = query.from; tick < query.to; tick += TICK_PARTITION)
        if (!add_count(fake, out, tick, &query, err))
            return false;
    return true;
}

/* Of a table's own columns alone; what is projected beside them is not there. */
static bool answer_columns(const struct workspace *fake, const struct workspace_ask_one *one,
                           struct error *err)
{
    bool job = is_job(one->kql), related = job || memmem(one->kql.p, one->kql.n, "T_RST", 5);
    if ((fake->only_jobs && !related) || (one->search != fake->basic && !related))
        return error_set(err, ERROR_SERVICE, "the wrong endpoint for the table");
    if (memmem(one->kql.p, one->kql.n, "project", 7))
        return error_set(err, ERROR_KQL, "no such column");
    return (!job ||
            (columns_add(&one->table->columns, STR("_OriginalTimeGenerated"), COLUMN_DATETIME,
                         err) &&
             columns_add(&one->table->columns, STR("_OriginalType"), COLUMN_STRING, err) &&
             columns_add(&one->table->columns, STR("_OriginalItemId"), COLUMN_STRING, err))) &&
           add_columns(fake, &one->table->columns, err);
}

static bool ask(struct workspace *fake, const struct workspace_ask_one *one, struct error *err)
{
    fake->asked++;
    if (str_starts(one->kql, STR("print")))
        return answer_now(fake, one->table, err);
    if (str_starts(one->kql, STR("Usage")))
        return answer_usage(fake, one->kql, one->max_rows, one->table, err);
    if (memmem(one->kql.p, one->kql.n, "take 0", 6))
        return answer_columns(fake, one, err);
    return answer_count(fake, one, err);
}

bool workspace_ask_all(struct workspace *fake, struct workspace_ask_one *asks, size_t n,
                       struct error *err)
{
    (void) err;
    for (size_t i = 0; i < n; i++) {
        error_clear(&asks[i].error);
        asks[i].ok = ask(fake, &asks[i], &asks[i].error);
    }
    return true;
}

bool workspace_facts(struct workspace *fake, const char *table, struct workspace_facts *out,
                     struct error *err)
{
    (void) table;
    (void) err;
    *out = fake->facts;
    return true;
}

bool workspace_conditions(struct workspace *fake, const char *table, enum workspace_condition *out,
                          char why[WORKSPACE_WHY_MAX], struct error *err)
{
    (void) table;
    (void) err;
    why[0] = '\0';
    *out = fake->condition;
    return true;
}

bool workspace_rule(struct workspace *fake, const char *table, struct workspace_rule *out,
                    struct error *err)
{
    (void) table;
    (void) err;
    *out = fake->rule;
    return true;
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

const struct workspace_cell *workspace_cell(const struct workspace_table *table, size_t row,
                                            const char *column)
{
    int at = columns_find(&table->columns, str_of(column));
    return at < 0 ? NULL : &table->cells[row * table->columns.n + (size_t) at];
}

bool workspace_metadata(struct workspace *fake, struct workspace_schemas *out, struct error *err)
{
    *out = (struct workspace_schemas){.v = mem_alloc(1, sizeof *out->v, err), .n = 1, .room = 1};
    if (!out->v)
        return false;
    out->v[0].name = mem_copy("T", 1, err);
    return out->v[0].name && add_columns(fake, &out->v[0].columns, err);
}

void workspace_schemas_release(struct workspace_schemas *schemas)
{
    for (size_t i = 0; schemas->v && i < schemas->n; i++) {
        mem_free(schemas->v[i].name);
        columns_release(&schemas->v[i].columns);
    }
    mem_free(schemas->v);
    *schemas = (struct workspace_schemas){0};
}

const struct workspace_schema *workspace_schema_find(const struct workspace_schemas *schemas,
                                                     const char *name)
{
    return schemas->n > 0 && strcmp(schemas->v[0].name, name) == 0 ? &schemas->v[0] : NULL;
}
