/* Report: a record as JSON (docs/formats.md, "A run's report"). */
#include "cli/members.h"
#include "cli/record.h"

enum { REPORT_VERSION = 1 };

static void put_verdicts(struct buf *out, const struct export_report *report)
{
    cli_put_open(out, "verdicts", '{');
    for (int i = 0; i < EXPORT_VERDICT_COUNT; i++)
        cli_put_number(out, export_verdict_text((enum export_verdict) i), report->verdicts[i]);
    cli_put_close(out, '}');
}

static void put_late(struct buf *out, const struct export_report *report)
{
    cli_put_open(out, "late", '{');
    cli_put_number(out, "partitions", report->late_count);
    cli_put_number(out, "rows", report->late_rows);
    cli_put_open(out, "list", '[');
    for (size_t i = 0; i < report->late_listed; i++) {
        cli_put_open(out, NULL, '{');
        cli_put_time(out, "partition", report->late[i].partition);
        cli_put_number(out, "rows", report->late[i].rows);
        cli_put_close(out, '}');
    }
    cli_put_close(out, ']');
    cli_put_close(out, '}');
}

static void put_failed(struct buf *out, const struct export_report *report)
{
    cli_put_number(out, "failed_count", report->failed_count);
    cli_put_open(out, "failed", '[');
    for (size_t i = 0; i < report->failed_listed; i++) {
        const struct export_failed *one = &report->failed[i];
        cli_put_open(out, NULL, '{');
        cli_put_time(out, "partition", one->partition);
        cli_put_text(out, "verdict", export_verdict_text(one->verdict));
        cli_put_number(out, "rows", one->rows);
        cli_put_number(out, "rows_expected", one->rows_expected);
        cli_put_number(out, "tries", one->tries);
        cli_put_text(out, "reasons", one->reasons);
        cli_put_close(out, '}');
    }
    cli_put_close(out, ']');
}

static void put_cost(struct buf *out, const struct cli_record *record,
                     const struct export_report *report)
{
    const struct cli_prices *prices = &record->prices;
    if (!record->priced) {
        cli_put_text(out, "cost", NULL);
        return;
    }
    cli_put_open(out, "cost", '{');
    cli_put_text(out, "currency", prices->currency);
    cli_put_text(out, "prices_of", prices->as_of);
    cli_put_real(out, "writes", (double) report->blobs / 10000 * prices->write_10000);
    cli_put_real(out, "storage_month", (double) report->bytes_verified / 1e9 * prices->storage_gb);
    cli_put_real(out, "search", (double) report->scanned / 1e9 * prices->search_gb);
    cli_put_close(out, '}');
}

/* Where the service's continuous export has blobs of its own. */
static void put_beside(struct buf *out, const struct export_report *report)
{
    cli_put_open(out, "beside", '{');
    cli_put_number(out, "partitions", report->joined);
    cli_put_number(out, "rows", report->beside_rows);
    cli_put_number(out, "doubled", report->doubled);
    cli_put_number(out, "gaps", report->gaps);
    cli_put_number(out, "filled", report->filled);
    cli_put_number(out, "strangers", report->strangers);
    cli_put_number(out, "damaged", report->damaged);
    cli_put_close(out, '}');
}

static void put_rows(struct buf *out, const struct export_report *report)
{
    cli_put_number(out, "partitions", report->partitions);
    put_verdicts(out, report);
    cli_put_number(out, "rows", report->rows);
    cli_put_number(out, "bytes", report->bytes);
    cli_put_number(out, "blobs", report->blobs);
    cli_put_number(out, "rows_verified", report->rows_verified);
    cli_put_number(out, "bytes_verified", report->bytes_verified);
    cli_put_number(out, "skipped", report->skipped);
    cli_put_number(out, "fetched", report->fetched);
    cli_put_number(out, "outlived", report->outlived);
    cli_put_number(out, "without_ingestion_time", report->without_ingestion_time);
    cli_put_number(out, "vanished", report->vanished);
    cli_put_number(out, "outside", report->outside);
    cli_put_number(out, "scanned", report->scanned);
    put_beside(out, report);
    put_late(out, report);
    put_failed(out, report);
}

/* Of partitions that were looked at, those that do not verify stand in `failed` too. */
static void put_imports(struct buf *out, const struct lake_check_imports *imports)
{
    if (!imports) {
        cli_put_text(out, "imports", NULL);
        return;
    }
    cli_put_open(out, "imports", '{');
    cli_put_number(out, "partitions", imports->partitions);
    cli_put_number(out, "rows", imports->rows);
    cli_put_number(out, "bytes", imports->bytes);
    cli_put_number(out, "verified", imports->findings[LAKE_FINDING_OK]);
    cli_put_close(out, '}');
}

static void put_spent(struct buf *out, const struct cli_spent *spent)
{
    cli_put_number(out, "queries", spent->queries);
    cli_put_number(out, "throttled", spent->throttled);
    cli_put_number(out, "retried", spent->retried);
    cli_put_number(out, "received", spent->received);
    cli_put_real(out, "waited", spent->waited);
    cli_put_real(out, "seconds", spent->seconds);
}

static void put_table(struct buf *out, const struct cli_record *record,
                      const struct cli_table *table)
{
    const struct export_report none = {0};
    const struct export_report *report = table->report ? table->report : &none;
    const struct cli_spent spent = cli_table_spent(record, table);
    cli_put_open(out, NULL, '{');
    cli_put_text(out, "table", table->name);
    cli_put_text(out, "verdict", cli_table_verdict(record, table));
    cli_put_error(out, &table->error);
    cli_put_time(out, "from", table->range.from);
    cli_put_time(out, "to", table->range.to);
    cli_put_time(out, "snapshot", report->snapshot);
    cli_put_text(out, "identity", record->identity);
    cli_put_text(out, "access", lake_access_text(report->access));
    cli_put_text(out, "access_why", report->access_why);
    cli_put_text(out, "plan", workspace_plan_text(report->plan));
    cli_put_text(out, "proof", lake_proof_text(report->proof));
    put_rows(out, report);
    put_imports(out, table->imports);
    put_spent(out, &spent);
    put_cost(out, record, report);
    cli_put_close(out, '}');
    buf_putc(out, '\n'); /* a line for each table: between values JSON does not mind */
}

void cli_report_put(struct buf *out, const struct cli_record *record)
{
    cli_put_open(out, NULL, '{');
    cli_put_text(out, "format", "weir report");
    cli_put_number(out, "version", REPORT_VERSION);
    cli_put_text(out, "command", record->cli->command->name);
    cli_put_text(out, "weir", WEIR_VERSION);
    cli_put_text(out, "run", record->context->run);
    cli_put_time(out, "begun", record->begun);
    cli_put_time(out, "ended", record->ended);
    cli_put_text(out, "verdict", cli_record_verdict(record));
    if (record->ended > 0)
        cli_put_number(out, "exit", (uint64_t) record->status);
    else
        cli_put_text(out, "exit", NULL);
    cli_put_error(out, &record->error);
    cli_put_text(out, "workspace", record->context->id);
    cli_put_text(out, "lake", cli_text(record->cli, CLI_LAKE));
    cli_put_text(out, "identity", record->identity);
    cli_put_real(out, "seconds", cli_record_seconds(record));
    cli_put_open(out, "tables", '[');
    for (size_t i = 0; i < record->count; i++)
        put_table(out, record, &record->tables[i]);
    cli_put_close(out, ']');
    cli_put_close(out, '}');
    buf_putc(out, '\n');
}
