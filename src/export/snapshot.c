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

enum { QUERY_MAX = 1 << 20, PROBE_ROWS = 1, TIMESPAN_MAX = 2 * TICK_TEXT_MAX + 2 };

/* Standard columns that the service shows only when they are named (docs/service.md 1.10). */
static const char *const hidden[] = {"_ItemId", "_ResourceId", "_SubscriptionId", "TenantId",
                                     "Type"};

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
    put_range(out, from, to);
    if (snapshot->ingestion) {
        buf_puts(out, "\n| where isnull(ingestion_time()) or ingestion_time() <= ");
        put_tick(out, t0);
    }
}

void export_put_rows(struct buf *out, const struct export_snapshot *snapshot,
                     const struct export_share *share)
{
    put_source(out, snapshot, snapshot->t0, share->from, share->to);
    if (share->parts > 1)
        buf_printf(out, "\n| where hash(%s, %u) == %u",
                   snapshot->item ? "_ItemId" : "tostring(pack_all())", share->parts, share->part);
    buf_puts(out, "\n| project ");
    for (size_t i = 0; i < snapshot->columns.n; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        put_name(out, snapshot->columns.v[i].name);
    }
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
    buf_puts(out, " by Partition = bin(TimeGenerated, 5m)");
}

static bool ask_now(struct workspace *workspace, int64_t *out, struct error *err)
{
    struct workspace_table table = {0};
    bool ok = workspace_ask(workspace, STR("print Now = now()"), NULL, 1, &table, err);
    const struct workspace_cell *cell =
        ok && table.rows == 1 ? workspace_cell(&table, 0, "Now") : NULL;
    if (ok && (!cell || cell->null || !tick_parse(cell->text, out)))
        ok = error_set(err, ERROR_FORMAT,
                       "the service does not tell its time: no datetime from 'print now()'");
    workspace_table_release(&table);
    return ok;
}

/* Whether the service knows a column that its metadata does not list. */
static bool probe(struct workspace *workspace, const char *rows, const char *column, bool *there,
                  struct error *err)
{
    struct buf text = BUF_INIT(QUERY_MAX);
    buf_puts(&text, rows);
    buf_puts(&text, "\n| take 0\n| project ");
    put_name(&text, column);
    struct workspace_table table = {0};
    struct error refused = ERROR_INIT;
    bool ok = buf_ok(&text, "query", err);
    *there = ok && workspace_ask(workspace, buf_str(&text), NULL, PROBE_ROWS, &table, &refused);
    if (ok && !*there && refused.code != ERROR_KQL && refused.code != ERROR_NOT_FOUND) {
        ok = false;
        if (err && err->code == ERROR_NONE)
            *err = refused;
    }
    workspace_table_release(&table);
    buf_release(&text);
    return ok;
}

static bool add_hidden(struct workspace *workspace, struct export_snapshot *out, struct error *err)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        bool there = columns_find(&out->columns, str_of(hidden[i])) >= 0;
        if (there)
            continue;
        if (!probe(workspace, out->rows, hidden[i], &there, err))
            return false;
        if (there && !columns_add(&out->columns, str_of(hidden[i]), COLUMN_STRING, err))
            return false;
    }
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

static bool table_columns(const struct export_options *options, struct export_snapshot *out,
                          struct error *err)
{
    const char *table = options->source.place.table;
    struct workspace_schemas schemas = {0};
    bool ok = workspace_metadata(options->workspace, &schemas, err);
    const struct workspace_schema *schema = ok ? workspace_schema_find(&schemas, table) : NULL;
    if (ok && !schema)
        ok = no_such_table(&schemas, table, err);
    ok = ok && columns_copy(&schema->columns, &out->columns, err) &&
         add_hidden(options->workspace, out, err);
    workspace_schemas_release(&schemas);
    out->ingestion = true;
    return ok;
}

static bool query_columns(const struct export_options *options, struct export_snapshot *out,
                          struct error *err)
{
    struct buf text = BUF_INIT(QUERY_MAX);
    buf_puts(&text, out->rows);
    buf_puts(&text, "\n| take 0");
    struct workspace_table table = {0};
    bool ok =
        buf_ok(&text, "query", err) &&
        workspace_ask(options->workspace, buf_str(&text), out->timespan, PROBE_ROWS, &table, err) &&
        columns_copy(&table.columns, &out->columns, err);
    workspace_table_release(&table);
    buf_release(&text);
    return ok;
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
    return true;
}

/* Operators that are not row by row see the whole range, the same in the count as in the fetch. */
static bool whole_range(const struct export_source *source, struct export_snapshot *out,
                        struct error *err)
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    struct buf text = BUF_INIT(TIMESPAN_MAX);
    (void) tick_format(source->from, from);
    (void) tick_format(source->to, to);
    buf_printf(&text, "%s/%s", from, to);
    bool ok = buf_ok(&text, "timespan", err);
    out->timespan = ok ? buf_take(&text) : NULL;
    buf_release(&text);
    return ok;
}

bool export_snapshot_take(const struct export_options *options, struct export_snapshot *out,
                          struct error *err)
{
    *out = (struct export_snapshot){0};
    const struct export_source *source = &options->source;
    struct buf rows = BUF_INIT(QUERY_MAX);
    if (source->query)
        buf_puts(&rows, source->query);
    else
        put_name(&rows, source->place.table);
    bool ok = buf_ok(&rows, "query", err);
    out->rows = ok ? buf_take(&rows) : NULL;
    buf_release(&rows);
    ok = ok && (!source->one_batch || whole_range(source, out, err)) &&
         (source->query ? query_columns : table_columns)(options, out, err) &&
         check_columns(options, out, err) && ask_now(options->workspace, &out->t0, err);
    if (ok && options->settle >= 0)
        out->t0 -= options->settle > 0 ? options->settle : EXPORT_SETTLE;
    if (!ok)
        export_snapshot_release(out);
    return ok;
}

void export_snapshot_release(struct export_snapshot *snapshot)
{
    columns_release(&snapshot->columns);
    mem_free(snapshot->rows);
    mem_free(snapshot->timespan);
    *snapshot = (struct export_snapshot){0};
}
