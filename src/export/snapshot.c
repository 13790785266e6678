/* Snapshot: see snapshot.h.
 *
 * The KQL that weir sends is made here and nowhere else. Ranges are half-open and stand in the query, to
 * the tick: the request's `timespan` has an end that the documentation leaves open (docs/service.md 1.2).
 *
 * A sum of 64-bit hashes overflows the service's long, so the two halves are summed apart and put together
 * by whoever reads them: low + (high << 32), modulo 2^64. A half is below 2^32, so two thousand million rows
 * of one partition fit.
 */
#include "export/snapshot.h"

#include "base/memory.h"

#include <stdio.h>

enum {
    QUERY_MAX = 1 << 20,
    PROBE_ROWS = 1,
    BAG_MAX = 500000 /* characters: half of what a dynamic value may have */
};

/* Standard columns that the service shows only when they are named (docs/service.md 1.10). */
static const char *const hidden[] = {"_ItemId", "_ResourceId", "_SubscriptionId", "TenantId",
                                     "Type"};

/* What a search job adds to its rows (docs/service.md 1.8). */
static const char *const originals[] = {"_OriginalTimeGenerated", "_OriginalType",
                                        "_OriginalItemId"};

/* The table as it is. */
static bool is_plain(const struct export_source *source)
{
    return !source->query && !source->relation;
}

static void put_name(struct buf *out, const char *name)
{
    buf_puts(out, "['");
    for (const char *c = name; *c; c++) {
        const char *escaped = *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : *c == '\t' ? "\\t" : NULL;
        if (*c == '\'' || *c == '\\')
            buf_putc(out, '\\');
        if (escaped)
            buf_puts(out, escaped);
        else
            buf_putc(out, *c);
    }
    buf_puts(out, "']");
}

static void put_tick(struct buf *out, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format_full(tick, text);
    buf_printf(out, "datetime(%s)", text);
}

static void put_range(struct buf *out, int64_t from, int64_t to)
{
    buf_puts(out, "\n| where TimeGenerated >= ");
    put_tick(out, from);
    buf_puts(out, " and TimeGenerated < ");
    put_tick(out, to);
}

/* The filter stands directly behind the table: ingestion_time() is null anywhere else. */
static void put_source(struct buf *out, const struct export_snapshot *snapshot, int64_t t0,
                       int64_t from, int64_t to)
{
    buf_puts(out, snapshot->rows);
    if (!snapshot->search)
        put_range(out, from, to);
    if (snapshot->ingestion) {
        buf_puts(out, "\n| where isnull(ingestion_time()) or ingestion_time() <= ");
        put_tick(out, t0);
    }
}

static void put_columns(struct buf *out, const struct export_snapshot *snapshot)
{
    buf_puts(out, "\n| project ");
    for (size_t i = 0; i < snapshot->columns.n; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        put_name(out, snapshot->columns.v[i].name);
    }
}

/* A row is told from others by its id where that is its own, else by all of its columns. */
void export_put_rows(struct buf *out, const struct export_snapshot *snapshot,
                     const struct export_share *share)
{
    put_source(out, snapshot, snapshot->t0, share->from, share->to);
    if (share->parts > 1 && snapshot->keyed)
        buf_printf(out, "\n| where hash(_ItemId, %u) == %u", share->parts, share->part);
    put_columns(out, snapshot);
    if (share->parts > 1 && !snapshot->keyed)
        buf_printf(out, "\n| where hash(tostring(pack_all()), %u) == %u", share->parts,
                   share->part);
    if (!share->folded)
        return;
    /* A row that is longer than a bag may be would be equal to others in nothing but that: it is left out, and missed. */
    buf_printf(out,
               "\n| extend weir_row = tostring(pack_all())\n| where isnotempty(weir_row) and "
               "strlen(weir_row) < %d\n| summarize " EXPORT_COPIES
               " = count(), take_any(*) by weir_row",
               BAG_MAX);
    put_columns(out, snapshot);
    buf_puts(out, ", " EXPORT_COPIES);
}

void export_put_count(struct buf *out, const struct export_snapshot *snapshot, int64_t t0,
                      int64_t from, int64_t to)
{
    put_source(out, snapshot, t0, from, to);
    buf_puts(out, "\n| extend weir_bytes = estimate_data_size(*), weir_unstamped = ");
    buf_puts(out, snapshot->ingestion ? "toint(isnull(ingestion_time()))" : "0");
    if (snapshot->item)
        buf_puts(out, ", weir_hash = hash_xxhash64(_ItemId)");
    buf_puts(out, "\n| summarize Rows = count(), Bytes = sum(weir_bytes), "
                  "Unstamped = sum(weir_unstamped)");
    if (snapshot->item)
        buf_puts(out, ", SumLow = sum(binary_and(weir_hash, 4294967295)), "
                      "SumHigh = sum(binary_and(binary_shift_right(weir_hash, 32), 4294967295))");
    if (snapshot->billed)
        buf_puts(out, ", Billed = tolong(sum(_BilledSize))");
    buf_puts(out, " by Partition = bin(TimeGenerated, 5m)");
}

/* `Usage` has hours of ingestion. */
void export_put_usage(struct buf *out, const char *table, int64_t from, int64_t to)
{
    buf_puts(out, "Usage\n| where StartTime >= ");
    put_tick(out, from);
    buf_puts(out, " and StartTime < ");
    put_tick(out, to);
    buf_puts(out, "\n| where DataType == '");
    for (const char *c = table; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *c);
    }
    buf_puts(out, "'\n| summarize Megabytes = sum(Quantity) by Hour = bin(StartTime, 1h)");
}

const char *export_timespan(const struct export_snapshot *snapshot, int64_t from, int64_t to,
                            char text[EXPORT_TIMESPAN_MAX])
{
    char begin[TICK_TEXT_MAX], end[TICK_TEXT_MAX];
    if (!snapshot->search)
        return snapshot->timespan;
    (void) tick_format(from, begin);
    (void) tick_format(to, end);
    (void) snprintf(text, EXPORT_TIMESPAN_MAX, "%s/%s", begin, end);
    return text;
}

/* -- the first questions, all at once -- */

static const char ASK_FOR_NOW[] = "print Now = now()";

/* What a question of the first round is for. */
enum { ASK_COLUMNS, ASK_NOW, ASK_HIDDEN, ASK_BILLED, ASK_INGESTION, ASK_COUNT };

struct first {
    struct workspace_ask_one asks[ASK_COUNT];
    struct workspace_table tables[ASK_COUNT];
    struct buf texts[ASK_COUNT];
    char nothing[EXPORT_TIMESPAN_MAX];
};

static void first_release(struct first *first)
{
    for (size_t i = 0; i < ASK_COUNT; i++) {
        workspace_table_release(&first->tables[i]);
        buf_release(&first->texts[i]);
    }
}

static void put_probe(struct buf *out, const struct export_snapshot *snapshot, const char *what)
{
    buf_puts(out, snapshot->rows);
    buf_puts(out, "\n| take 0");
    buf_puts(out, what);
}

/* Probes read no row: of a table whose reading is billed they cover no time either. */
static bool ask_first(const struct export_options *options, const struct export_snapshot *snapshot,
                      struct first *first, struct error *err)
{
    int64_t from = options->source.from;
    size_t count = options->source.one_batch     ? ASK_HIDDEN
                   : !is_plain(&options->source) ? ASK_BILLED
                                                 : ASK_COUNT;
    for (size_t i = 0; i < ASK_COUNT; i++)
        buf_init(&first->texts[i], QUERY_MAX);
    put_probe(&first->texts[ASK_COLUMNS], snapshot, "");
    buf_puts(&first->texts[ASK_NOW], ASK_FOR_NOW);
    put_probe(&first->texts[ASK_HIDDEN], snapshot, "\n| project ");
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        buf_puts(&first->texts[ASK_HIDDEN], i > 0 ? ", " : "");
        put_name(&first->texts[ASK_HIDDEN], hidden[i]);
    }
    put_probe(&first->texts[ASK_BILLED], snapshot, "\n| project _BilledSize");
    buf_puts(&first->texts[ASK_INGESTION], snapshot->rows);
    buf_puts(&first->texts[ASK_INGESTION], "\n| where isnull(ingestion_time())\n| take 0");
    for (size_t i = 0; i < count; i++) {
        if (!buf_ok(&first->texts[i], "query", err))
            return false;
        first->asks[i] = (struct workspace_ask_one){
            .kql = buf_str(&first->texts[i]),
            .timespan = i == ASK_NOW ? NULL : export_timespan(snapshot, from, from, first->nothing),
            .max_rows = PROBE_ROWS,
            .search = snapshot->search && i != ASK_NOW,
            .table = &first->tables[i],
        };
    }
    return workspace_ask_all(options->workspace, first->asks, count, err);
}

/* Whether a probe was answered. What keeps it from being answered, other than its KQL, is an error. */
static bool probed(const struct workspace_ask_one *ask, bool *there, struct error *err)
{
    *there = ask->ok;
    bool refused = ask->error.code == ERROR_KQL;
    if (!ask->ok && !refused && err && err->code == ERROR_NONE)
        *err = ask->error;
    return ask->ok || refused;
}

static bool read_now(const struct workspace_ask_one *ask, int64_t *out, struct error *err)
{
    if (!ask->ok) {
        return error_pass(err, &ask->error);
    }
    const struct workspace_cell *cell =
        ask->table->rows == 1 ? workspace_cell(ask->table, 0, "Now") : NULL;
    if (!cell || cell->null || !tick_parse(cell->text, out))
        return error_set(err, ERROR_FORMAT,
                         "the service does not tell its time: no datetime from 'print now()'");
    return true;
}

bool export_snapshot_now(struct workspace *workspace, int64_t *out, struct error *err)
{
    struct workspace_table table = {0};
    struct workspace_ask_one ask = {
        .kql = str_of(ASK_FOR_NOW), .max_rows = PROBE_ROWS, .table = &table};
    bool ok = workspace_ask_all(workspace, &ask, 1, err) && read_now(&ask, out, err);
    workspace_table_release(&table);
    return ok;
}

/* -- columns -- */

static bool add_hidden(struct export_snapshot *out, const char *name, struct error *err)
{
    return columns_find(&out->columns, str_of(name)) >= 0 ||
           columns_add(&out->columns, str_of(name), COLUMN_STRING, err);
}

/* One of the hidden columns is not there: each is asked for alone. */
static bool probe_each(const struct export_options *options, struct export_snapshot *out,
                       struct error *err)
{
    enum { COUNT = sizeof hidden / sizeof *hidden };
    struct workspace_ask_one asks[COUNT];
    struct workspace_table tables[COUNT] = {0};
    struct buf texts[COUNT];
    char nothing[EXPORT_TIMESPAN_MAX];
    bool ok = true;
    for (size_t i = 0; i < COUNT; i++) {
        buf_init(&texts[i], QUERY_MAX);
        put_probe(&texts[i], out, "\n| project ");
        put_name(&texts[i], hidden[i]);
        ok = buf_ok(&texts[i], "query", err) && ok;
        int64_t from = options->source.from;
        asks[i] = (struct workspace_ask_one){.kql = buf_str(&texts[i]),
                                             .timespan = export_timespan(out, from, from, nothing),
                                             .max_rows = PROBE_ROWS,
                                             .search = out->search,
                                             .table = &tables[i]};
    }
    ok = ok && workspace_ask_all(options->workspace, asks, COUNT, err);
    for (size_t i = 0; i < COUNT; i++) {
        bool there = false;
        ok = ok && probed(&asks[i], &there, err) && (!there || add_hidden(out, hidden[i], err));
        workspace_table_release(&tables[i]);
        buf_release(&texts[i]);
    }
    return ok;
}

static bool hidden_columns(const struct export_options *options, const struct first *first,
                           struct export_snapshot *out, struct error *err)
{
    bool all;
    if (!probed(&first->asks[ASK_HIDDEN], &all, err))
        return false;
    if (!all)
        return probe_each(options, out, err);
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (!add_hidden(out, hidden[i], err))
            return false;
    return true;
}

static bool no_such_table(const struct workspace_schemas *schemas, const char *table,
                          struct error *err)
{
    (void) error_set(err, ERROR_NOT_FOUND, "table '%s' is not in workspace %s", table,
                     schemas->name ? schemas->name : "");
    const char **names = mem_alloc(schemas->n, sizeof *names, NULL);
    if (!names)
        return false;
    for (size_t i = 0; i < schemas->n; i++)
        names[i] = schemas->v[i].name;
    const char *nearest = text_nearest(str_of(table), names, schemas->n);
    if (nearest)
        (void) error_hint(err, "did you mean '%s'?", nearest);
    else
        (void) error_hint(
            err,
            "what --query made goes by --query and --as again, or, to verify it, by --offline");
    mem_free(names);
    return false;
}

/* The service has no rows to take columns from, or refuses the table: metadata tells which. */
static bool metadata_columns(const struct export_options *options,
                             const struct workspace_ask_one *ask, struct export_snapshot *out,
                             struct error *err)
{
    const char *table = options->source.place.table;
    struct workspace_schemas schemas = {0};
    bool ok = workspace_metadata(options->workspace, &schemas, err);
    const struct workspace_schema *schema = ok ? workspace_schema_find(&schemas, table) : NULL;
    if (ok && !schema)
        ok = no_such_table(&schemas, table, err);
    else if (ok && !ask->ok && err && err->code == ERROR_NONE)
        *err = ask->error;
    ok = ok && ask->ok && columns_copy(&schema->columns, &out->columns, err);
    workspace_schemas_release(&schemas);
    return ok;
}

static bool is_among(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Of a relation's columns those of the table, in its order; where it does not tell them, all but what a search job adds.
 * Standard columns stand behind them, as in an export of the table. */
static bool own_columns(struct export_snapshot *out, struct error *err)
{
    struct columns all = out->columns;
    bool ok = true;
    out->columns = (struct columns){0};
    for (size_t i = 0; ok && i < out->own.n; i++) {
        int at = columns_find(&all, str_of(out->own.v[i].name));
        ok = at < 0 || columns_add(&out->columns, str_of(out->own.v[i].name), all.v[at].type, err);
    }
    for (size_t i = 0; ok && out->own.n == 0 && i < all.n; i++) {
        const char *name = all.v[i].name;
        ok = is_among(originals, sizeof originals / sizeof *originals, name) ||
             is_among(hidden, sizeof hidden / sizeof *hidden, name) ||
             columns_add(&out->columns, str_of(name), all.v[i].type, err);
    }
    for (size_t i = 0; ok && i < sizeof hidden / sizeof *hidden; i++)
        ok = columns_find(&all, str_of(hidden[i])) < 0 || add_hidden(out, hidden[i], err);
    columns_release(&all);
    return ok;
}

static bool take_columns(const struct export_options *options, const struct first *first,
                         struct export_snapshot *out, struct error *err)
{
    const struct workspace_ask_one *ask = &first->asks[ASK_COLUMNS];
    bool plain = is_plain(&options->source);
    bool refused = ask->error.code == ERROR_KQL || ask->error.code == ERROR_NOT_FOUND ||
                   ask->error.code == ERROR_SERVICE;
    if (plain && (ask->ok ? ask->table->columns.n == 0 : refused)) {
        if (!metadata_columns(options, ask, out, err))
            return false;
    } else if (!ask->ok) {
        return error_pass(err, &ask->error);
    } else if (!columns_copy(&ask->table->columns, &out->columns, err)) {
        return false;
    }
    if (options->source.one_batch)
        return true;
    if (out->related && !own_columns(out, err))
        return false;
    if (!hidden_columns(options, first, out, err))
        return false;
    return !plain || (probed(&first->asks[ASK_BILLED], &out->billed, err) &&
                      probed(&first->asks[ASK_INGESTION], &out->ingestion, err));
}

static bool check_columns(const struct export_options *options, struct export_snapshot *out,
                          struct error *err)
{
    int time = columns_find(&out->columns, STR("TimeGenerated"));
    if (time < 0 || out->columns.v[time].type != COLUMN_DATETIME) {
        (void) error_set(err, ERROR_FORMAT, "%s '%s' has no datetime column TimeGenerated",
                         options->source.query ? "the result of query" : "table",
                         options->source.place.table);
        return error_hint(err, "the lake is laid out by TimeGenerated; a query may make it: "
                               "... | extend TimeGenerated = <a datetime>");
    }
    out->item = columns_find(&out->columns, STR("_ItemId")) >= 0;
    out->keyed = out->item && !options->source.query;
    return true;
}

/* -- the plan of the table -- */

/* When both the retention and the service's clock are known. A search job and a restore reach into all of it. */
static void set_aged(struct export_snapshot *snapshot)
{
    uint32_t days =
        snapshot->related ? snapshot->facts.total_retention_days : snapshot->facts.retention_days;
    if (snapshot->now > 0 && days > 0)
        snapshot->aged = snapshot->now - (int64_t) days * TICK_DAY;
}

bool export_snapshot_facts(const struct export_options *options, struct export_snapshot *snapshot,
                           struct error *err)
{
    if (snapshot->facts_asked || options->source.query)
        return true;
    if (!workspace_facts(options->workspace, options->source.place.table, &snapshot->facts, err))
        return false;
    snapshot->facts_asked = true;
    set_aged(snapshot);
    return true;
}

bool export_snapshot_ages(const struct export_snapshot *snapshot, int64_t tick, uint64_t rows)
{
    return snapshot->aged > 0 ? tick < snapshot->aged : rows == 0;
}

static bool is_searched(enum workspace_plan plan)
{
    return plan == WORKSPACE_PLAN_BASIC || plan == WORKSPACE_PLAN_AUXILIARY;
}

/* A table that the query endpoint refuses may be one of the plans that have their own. */
static bool maybe_searched(const struct export_options *options, const struct first *first,
                           struct export_snapshot *snapshot, bool *searched, struct error *err)
{
    const struct workspace_ask_one *ask = &first->asks[ASK_COLUMNS];
    *searched = false;
    if (ask->ok || snapshot->search || !is_plain(&options->source) ||
        options->plan == WORKSPACE_PLAN_ANALYTICS || ask->error.code == ERROR_AUTH ||
        ask->error.code == ERROR_INTERRUPTED)
        return true;
    if (!export_snapshot_facts(options, snapshot, err))
        return false;
    *searched = is_searched(snapshot->facts.plan);
    return true;
}

/* Operators that are not row by row see the whole range, the same in the count as in the fetch. */
static bool whole_range(const struct export_source *source, struct export_snapshot *out,
                        struct error *err)
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    struct buf text = BUF_INIT(EXPORT_TIMESPAN_MAX);
    (void) tick_format(source->from, from);
    (void) tick_format(source->to, to);
    buf_printf(&text, "%s/%s", from, to);
    bool ok = buf_ok(&text, "timespan", err);
    out->timespan = ok ? buf_take(&text) : NULL;
    buf_release(&text);
    return ok;
}

static bool take(const struct export_options *options, struct export_snapshot *out,
                 struct error *err)
{
    struct first first = {0};
    bool searched = false;
    bool ok = ask_first(options, out, &first, err) &&
              maybe_searched(options, &first, out, &searched, err);
    if (ok && searched) {
        first_release(&first);
        first = (struct first){0};
        out->search = true;
        ok = ask_first(options, out, &first, err);
    }
    ok = ok && take_columns(options, &first, out, err) && check_columns(options, out, err) &&
         read_now(&first.asks[ASK_NOW], &out->now, err);
    set_aged(out);
    first_release(&first);
    return ok;
}

/* -- a relation in the table's place -- */

/* Which columns the relation has, and which the table. */
static bool ask_relation(const struct export_options *options, struct workspace_table tables[2],
                         struct error *err)
{
    struct buf own = BUF_INIT(QUERY_MAX), text = BUF_INIT(QUERY_MAX);
    put_name(&own, options->source.place.table);
    buf_puts(&own, "\n| take 0");
    buf_puts(&text, options->source.relation);
    buf_puts(&text, "\n| take 0");
    struct workspace_ask_one asks[] = {
        {.kql = buf_str(&own), .max_rows = PROBE_ROWS, .table = &tables[0]},
        {.kql = buf_str(&text), .max_rows = PROBE_ROWS, .table = &tables[1]}};
    bool ok = buf_ok(&own, "query", err) && buf_ok(&text, "query", err) &&
              workspace_ask_all(options->workspace, asks, 2, err) &&
              (asks[1].ok || error_pass(err, &asks[1].error));
    buf_release(&own);
    buf_release(&text);
    return ok;
}

/* The columns of a search job's rows that were those of the table take their names back. */
static bool put_relation(const struct export_options *options, const struct columns *columns,
                         struct buf *rows, struct error *err)
{
    static const char *const names[] = {"TimeGenerated", "Type", "_ItemId"};
    bool any = false;
    buf_puts(rows, options->source.relation);
    for (size_t i = 0; i < sizeof originals / sizeof *originals; i++) {
        if (columns_find(columns, str_of(originals[i])) < 0)
            continue;
        buf_printf(rows, "%s%s = %s", any ? ", " : "\n| extend ", names[i], originals[i]);
        any = true;
    }
    return buf_ok(rows, "query", err);
}

static bool relate(const struct export_options *options, struct export_snapshot *out,
                   struct buf *rows, struct error *err)
{
    struct workspace_table tables[2] = {0};
    out->related = true;
    out->search = false;
    bool ok = ask_relation(options, tables, err) &&
              columns_copy(&tables[0].columns, &out->own, err) &&
              put_relation(options, &tables[1].columns, rows, err);
    workspace_table_release(&tables[0]);
    workspace_table_release(&tables[1]);
    return ok;
}

bool export_snapshot_take(const struct export_options *options, struct export_snapshot *out,
                          struct error *err)
{
    *out = (struct export_snapshot){.search = is_searched(options->plan)};
    const struct export_source *source = &options->source;
    struct buf rows = BUF_INIT(QUERY_MAX);
    bool ok = true;
    if (source->query && source->relation)
        ok = error_set(err, ERROR_INTERNAL, "a query has no relation in a table's place");
    else if (source->query)
        buf_puts(&rows, source->query);
    else if (source->relation)
        ok = relate(options, out, &rows, err);
    else
        put_name(&rows, source->place.table);
    ok = ok && buf_ok(&rows, "query", err);
    out->rows = ok ? buf_take(&rows) : NULL;
    buf_release(&rows);
    ok = ok && (!source->one_batch || whole_range(source, out, err)) && take(options, out, err);
    out->t0 = out->now;
    if (ok && options->settle >= 0)
        out->t0 -= options->settle > 0 ? options->settle : EXPORT_SETTLE;
    if (!ok)
        export_snapshot_release(out);
    return ok;
}

void export_snapshot_release(struct export_snapshot *snapshot)
{
    columns_release(&snapshot->columns);
    columns_release(&snapshot->own);
    mem_free(snapshot->rows);
    mem_free(snapshot->timespan);
    *snapshot = (struct export_snapshot){0};
}

bool export_table_check(const struct export_options *options, struct error *err)
{
    struct workspace_schemas schemas = {0};
    const char *table = options->source.place.table;
    bool ok = workspace_metadata(options->workspace, &schemas, err) &&
              (workspace_schema_find(&schemas, table) || no_such_table(&schemas, table, err));
    workspace_schemas_release(&schemas);
    return ok;
}
