/* Metrics: a record as a page for Prometheus (page.h). */
#include "cli/page.h"
#include "cli/record.h"

/* -- of each table -- */

/* id, name, type, help */
#define TABLE_METRICS(X)                                                                           \
    X(ROWS, "rows_total", "counter", "Rows written, or read to be compared.")                      \
    X(BYTES, "bytes_total", "counter", "Bytes written, or read to be compared.")                   \
    X(VERIFIED, "rows_verified", "gauge", "Rows of the range that are proven.")                    \
    X(LATE, "late_rows", "gauge", "Rows that came after their partition was verified.")            \
    X(FAILED, "failed_partitions", "gauge", "Partitions that do not verify.")                      \
    X(SCANNED, "scanned_bytes_total", "counter", "Bytes billed for reading.")                      \
    X(QUERIES, "queries_total", "counter", "Queries sent.")                                        \
    X(THROTTLED, "throttled_total", "counter", "Queries that the service refused by 429.")         \
    X(RETRIED, "retried_total", "counter", "Tries after the first.")                               \
    X(RECEIVED, "received_bytes_total", "counter", "Bytes of answers.")                            \
    X(WAITED, "waited_seconds_total", "counter", "Time that the service asked to wait.")           \
    X(TOOK, "table_duration_seconds", "gauge", "Time that the table took so far.")                 \
    X(COMPLETE, "complete", "gauge", "1: every partition is verified.")                            \
    X(SUCCEEDED, CLI_SUCCEEDED_NAME, "gauge", "When the table was last complete; 0: never.")

enum metric {
#define X(id, name, type, help) METRIC_##id,
    TABLE_METRICS(X)
#undef X
        METRIC_COUNT
};

static double value_of(enum metric metric, const struct cli_record *record,
                       const struct cli_table *table)
{
    const struct export_report none = {0};
    const struct export_report *report = table->report ? table->report : &none;
    const struct cli_spent spent = cli_table_spent(record, table);
    const double values[METRIC_COUNT] = {
        [METRIC_ROWS] = (double) report->rows,
        [METRIC_BYTES] = (double) report->bytes,
        [METRIC_VERIFIED] = (double) report->rows_verified,
        [METRIC_LATE] = (double) report->late_rows,
        [METRIC_FAILED] = (double) report->failed_count,
        [METRIC_SCANNED] = (double) report->scanned,
        [METRIC_QUERIES] = (double) spent.queries,
        [METRIC_THROTTLED] = (double) spent.throttled,
        [METRIC_RETRIED] = (double) spent.retried,
        [METRIC_RECEIVED] = (double) spent.received,
        [METRIC_WAITED] = spent.waited,
        [METRIC_TOOK] = spent.seconds,
        [METRIC_COMPLETE] = strcmp(cli_table_verdict(record, table), "verified") == 0,
        [METRIC_SUCCEEDED] = table->succeeded,
    };
    return values[metric];
}

static void put_tables(const struct cli_page *page, const struct cli_record *record)
{
    static const struct {
        const char *name, *type, *help;
    } metrics[] = {
#define X(id, name, type, help) {name, type, help},
        TABLE_METRICS(X)
#undef X
    };
    for (int m = 0; m < METRIC_COUNT; m++) {
        cli_page_head(page, metrics[m].name, metrics[m].type, metrics[m].help);
        for (size_t i = 0; i < record->count; i++)
            cli_page_value(page, metrics[m].name, record->tables[i].name, NULL,
                           value_of((enum metric) m, record, &record->tables[i]));
    }
}

static void put_verdicts(const struct cli_page *page, const struct cli_record *record)
{
    cli_page_head(page, "partitions", "gauge", "Partitions of the range by verdict.");
    for (size_t i = 0; i < record->count; i++) {
        const struct export_report *report = record->tables[i].report;
        for (int v = 0; v < EXPORT_VERDICT_COUNT; v++)
            cli_page_value(page, "partitions", record->tables[i].name,
                           export_verdict_text((enum export_verdict) v),
                           report ? (double) report->verdicts[v] : 0);
    }
}

void cli_metrics_put(struct buf *out, const struct cli_record *record)
{
    const struct cli_page page = {out, record->cli->command->name};
    put_tables(&page, record);
    put_verdicts(&page, record);
    cli_page_run(&page, &(struct cli_page_run){.begun = record->begun,
                                               .seconds = cli_record_seconds(record),
                                               .running = record->ended == 0,
                                               .status = record->status});
}

void cli_metrics_recall(struct str text, struct cli_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        record->tables[i].succeeded =
            cli_page_succeeded(text, record->cli->command->name, record->tables[i].name);
}
