/* Record: see record.h. */
#include "cli/record.h"

#include "base/file.h"
#include "cli/members.h"

enum { REPORT_MAX = 256 << 20, METRICS_MAX = 16 << 20, FILE_MODE = 0666, MEMBERS_MAX = 4096 };

static const uint64_t metrics_every = 10000000000;

/* -- turns -- */

static void add_load(struct cli_spent *spent, const struct workspace_load *before,
                     const struct workspace_load *now)
{
    spent->queries += now->queries - before->queries;
    spent->throttled += now->throttled - before->throttled;
    spent->retried += now->retried - before->retried;
    spent->received += now->bytes - before->bytes;
    spent->waited += now->waited - before->waited;
}

static void load_of(const struct cli_record *record, struct workspace_load *out)
{
    *out = (struct workspace_load){0};
    if (record->context->workspace)
        workspace_load(record->context->workspace, out);
}

void cli_record_enter(struct cli_record *record, struct cli_table *table)
{
    record->current = table;
    record->before_ns = clock_ns();
    load_of(record, &record->before);
}

struct cli_spent cli_table_spent(const struct cli_record *record, const struct cli_table *table)
{
    struct cli_spent spent = table->spent;
    struct workspace_load now;
    if (record->current == table) {
        load_of(record, &now);
        add_load(&spent, &record->before, &now);
        spent.seconds += (double) (clock_ns() - record->before_ns) / 1e9;
    }
    return spent;
}

void cli_record_leave(struct cli_record *record)
{
    if (record->current)
        record->current->spent = cli_table_spent(record, record->current);
    record->current = NULL;
}

/* -- verdicts -- */

static const char *verdict_of_error(const struct error *error)
{
    return error->code == ERROR_INTERRUPTED ? "interrupted" : "failed";
}

const char *cli_record_verdict(const struct cli_record *record)
{
    if (record->ended == 0)
        return "running";
    if (record->error.code != ERROR_NONE)
        return verdict_of_error(&record->error);
    if (record->status == error_exit_status(ERROR_INCOMPLETE))
        return "incomplete";
    return record->status == 0 ? "verified" : "failed";
}

const char *cli_table_verdict(const struct cli_record *record, const struct cli_table *table)
{
    if (table->error.code != ERROR_NONE)
        return verdict_of_error(&table->error);
    if (!table->ended)
        return table->report || record->current == table ? "running" : "waiting";
    return table->report && table->report->failed_count > 0 ? "incomplete" : "verified";
}

double cli_record_seconds(const struct cli_record *record)
{
    return (double) (clock_ns() - record->begun_ns) / 1e9;
}

/* -- files -- */

static bool write_file(const char *path, const struct buf *text, const char *what,
                       struct error *err)
{
    return buf_ok(text, what, err) && file_write(path, buf_str(text), FILE_MODE, false, err);
}

static bool write_report(const struct cli_record *record, struct error *err)
{
    const char *path = cli_text(record->cli, CLI_REPORT);
    bool output = path && strcmp(path, "-") == 0;
    if (!path || (output && record->ended == 0))
        return true;
    struct buf text = BUF_INIT(REPORT_MAX);
    cli_report_put(&text, record);
    bool ok = output ? buf_ok(&text, "the report", err) &&
                           (fwrite(text.bytes, 1, text.used, record->cli->out) == text.used ||
                            error_set(err, ERROR_IO, "the report cannot be written"))
                     : write_file(path, &text, "the report", err);
    buf_release(&text);
    return ok || error_prefix(err, "--report");
}

static bool write_metrics(const struct cli_record *record, struct error *err)
{
    const char *path = cli_text(record->cli, CLI_METRICS);
    if (!path || !record->named)
        return true;
    struct buf text = BUF_INIT(METRICS_MAX);
    cli_metrics_put(&text, record);
    bool ok = write_file(path, &text, "the metrics", err);
    buf_release(&text);
    return ok || error_prefix(err, "--metrics");
}

/* -- the run -- */

/* Without prices the report says no costs. */
static void read_prices(struct cli_record *record)
{
    const char *name;
    struct error why = ERROR_INIT;
    record->priced = cli_prices_read(record->cli, &record->prices, &name, &why);
    if (!record->priced)
        cli_detail(record->cli, "no prices: %s", why.message);
}

bool cli_record_begin(struct cli_record *record, struct cli *cli, const struct cli_context *context,
                      struct error *err)
{
    *record = (struct cli_record){.cli = cli,
                                  .context = context,
                                  .begun = tick_now(),
                                  .begun_ns = clock_ns(),
                                  .shown = clock_ns()};
    if (cli_text(cli, CLI_REPORT))
        read_prices(record);
    return write_report(record, err);
}

static void recall(struct cli_record *record)
{
    struct buf text = BUF_INIT(METRICS_MAX);
    if (file_read(cli_text(record->cli, CLI_METRICS), METRICS_MAX, &text, NULL))
        cli_metrics_recall(buf_str(&text), record);
    buf_release(&text);
}

bool cli_record_tables(struct cli_record *record, size_t count, struct error *err)
{
    record->tables = arena_alloc(&record->cli->arena, count, sizeof *record->tables, err);
    record->count = record->tables ? count : 0;
    return record->tables != NULL;
}

bool cli_record_named(struct cli_record *record, struct error *err)
{
    if (cli_text(record->cli, CLI_METRICS))
        recall(record);
    record->named = true;
    return write_metrics(record, err);
}

void cli_record_tick(struct cli_record *record)
{
    struct error why = ERROR_INIT;
    uint64_t now = clock_ns();
    if (!cli_text(record->cli, CLI_METRICS) || now - record->shown < metrics_every)
        return;
    record->shown = now;
    if (!write_metrics(record, &why))
        cli_note(record->cli, "%s", why.message);
}

static void say_end(const struct cli_record *record)
{
    struct buf members = BUF_INIT(MEMBERS_MAX);
    uint64_t rows = 0, bytes = 0, failed = 0;
    for (size_t i = 0; i < record->count; i++) {
        const struct export_report *report = record->tables[i].report;
        rows += report ? report->rows : 0;
        bytes += report ? report->bytes : 0;
        failed += report ? report->failed_count : 0;
    }
    cli_put_text(&members, "command", record->cli->command->name);
    cli_put_text(&members, "run", record->context->run);
    cli_put_text(&members, "verdict", cli_record_verdict(record));
    cli_put_number(&members, "exit", (uint64_t) record->status);
    cli_put_number(&members, "tables", record->count);
    cli_put_number(&members, "rows", rows);
    cli_put_number(&members, "bytes", bytes);
    cli_put_number(&members, "failed", failed);
    cli_put_real(&members, "seconds", cli_record_seconds(record));
    if (cli_log_is_json(record->cli))
        cli_tell(record->cli, CLI_LAST, "end", &members, "%s ended: %s", record->cli->command->name,
                 cli_record_verdict(record));
    buf_release(&members);
}

static void close_tables(struct cli_record *record)
{
    double now = (double) (tick_now() - TICK_UNIX_EPOCH) / (double) TICK_SECOND;
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(cli_table_verdict(record, &record->tables[i]), "verified") == 0)
            record->tables[i].succeeded = now;
}

int cli_record_end(struct cli_record *record, int status, struct str text, struct error *err)
{
    const struct cli *cli = record->cli;
    struct error why = ERROR_INIT;
    int signal = stop_asked(cli->stop);
    cli_record_leave(record);
    record->ended = tick_now();
    record->status = status;
    if (status < 0) {
        record->error = *err;
        record->status = signal ? 128 + signal : error_exit_status(err->code);
        record->error.code = signal ? ERROR_INTERRUPTED : record->error.code;
        if (!signal)
            cli_show_error(cli, err, text);
    }
    close_tables(record);
    say_end(record);
    bool written = write_report(record, &why);
    written = write_metrics(record, &why) && written;
    if (status < 0 && !written)
        cli_note(cli, "%s", why.message);
    if (status < 0 || written)
        return signal && status < 0 ? -1 : record->status;
    *err = why;
    return -1;
}
