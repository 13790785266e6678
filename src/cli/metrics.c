/* Metrics: a record in the text format of Prometheus, version 0.0.4 (docs/formats.md, "Metrics").
 *
 * Names begin with the command's, so that an export and a verification may be scraped beside each other. Figures
 * that grow while the run goes on are counters; each run begins them anew, as Prometheus expects of a program.
 */
#include "cli/record.h"

#define SUCCEEDED_NAME "last_success_timestamp_seconds"

/* -- lines -- */

struct page {
    struct buf *out;
    const struct cli_record *record;
};

static void put_head(const struct page *page, const char *name, const char *type, const char *help)
{
    const char *command = page->record->cli->command->name;
    buf_printf(page->out, "# HELP weir_%s_%s %s\n# TYPE weir_%s_%s %s\n", command, name, help,
               command, name, type);
}

/* Backslash, quote and newline, as the format wants it. */
static void put_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"')
            buf_putc(out, '\\');
        if (*c == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *c);
    }
    buf_putc(out, '"');
}

static void put_value(const struct page *page, const char *name, const char *table,
                      const char *verdict, double value)
{
    struct buf *out = page->out;
    buf_printf(out, "weir_%s_%s", page->record->cli->command->name, name);
    if (table) {
        buf_putc(out, '{');
        put_label(out, "table", table);
        if (verdict) {
            buf_putc(out, ',');
            put_label(out, "verdict", verdict);
        }
        buf_putc(out, '}');
    }
    buf_printf(out, value == (double) (int64_t) value ? " %.0f\n" : " %.3f\n", value);
}

static void put_one(const struct page *page, const char *name, const char *type, const char *help,
                    double value)
{
    put_head(page, name, type, help);
    put_value(page, name, NULL, NULL, value);
}

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
    X(SUCCEEDED, SUCCEEDED_NAME, "gauge", "When the table was last complete; 0: never.")

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

static void put_tables(const struct page *page)
{
    static const struct {
        const char *name, *type, *help;
    } metrics[] = {
#define X(id, name, type, help) {name, type, help},
        TABLE_METRICS(X)
#undef X
    };
    const struct cli_record *record = page->record;
    for (int m = 0; m < METRIC_COUNT; m++) {
        put_head(page, metrics[m].name, metrics[m].type, metrics[m].help);
        for (size_t i = 0; i < record->count; i++)
            put_value(page, metrics[m].name, record->tables[i].name, NULL,
                      value_of((enum metric) m, record, &record->tables[i]));
    }
}

static void put_verdicts(const struct page *page)
{
    const struct cli_record *record = page->record;
    put_head(page, "partitions", "gauge", "Partitions of the range by verdict.");
    for (size_t i = 0; i < record->count; i++) {
        const struct export_report *report = record->tables[i].report;
        for (int v = 0; v < EXPORT_VERDICT_COUNT; v++)
            put_value(page, "partitions", record->tables[i].name,
                      export_verdict_text((enum export_verdict) v),
                      report ? (double) report->verdicts[v] : 0);
    }
}

static double unix_time(int64_t tick)
{
    return (double) (tick - TICK_UNIX_EPOCH) / (double) TICK_SECOND;
}

void cli_metrics_put(struct buf *out, const struct cli_record *record)
{
    const struct page page = {out, record};
    put_tables(&page);
    put_verdicts(&page);
    put_one(&page, "running", "gauge", "1: the run goes on.", record->ended == 0);
    put_one(&page, "start_timestamp_seconds", "gauge", "When the run began.",
            unix_time(record->begun));
    put_one(&page, "duration_seconds", "gauge", "Time that the run took so far.",
            cli_record_seconds(record));
    put_one(&page, "exit_status", "gauge", "Exit status of the run; 0 while it goes on.",
            record->status);
}

/* -- the file before -- */

/* weir_export_last_success_timestamp_seconds{table="Syslog"} 1637280000.123 */
static bool recall_line(struct str line, const char *command, struct str *table, double *value)
{
    struct buf start = BUF_INIT(256);
    buf_printf(&start, "weir_%s_" SUCCEEDED_NAME "{table=\"", command);
    bool ours = buf_ok(&start, "", NULL) && str_starts(line, buf_str(&start));
    line.p += ours ? start.used : 0;
    line.n -= ours ? start.used : 0;
    buf_release(&start);
    if (!ours || !str_split(&line, '"', table) || line.n < 2)
        return false;
    return str_double((struct str){line.p + 2, line.n - 2}, value);
}

void cli_metrics_recall(struct str text, struct cli_record *record)
{
    struct str line, name;
    double value;
    while (str_split(&text, '\n', &line)) {
        if (!recall_line(line, record->cli->command->name, &name, &value))
            continue;
        for (size_t i = 0; i < record->count; i++)
            if (str_eq(name, str_of(record->tables[i].name)))
                record->tables[i].succeeded = value;
    }
}
