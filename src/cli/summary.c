/* Summary: see summary.h. */
#include "cli/summary.h"

#include "base/file.h"
#include "cli/members.h"
#include "cli/page.h"

enum { REPORT_VERSION = 1, REPORT_MAX = 256 << 20, FILE_MODE = 0666 };
static const uint64_t metrics_every = 10000000000;

struct ending {
    bool ended;
    int status;
    const char *verdict;
    const struct error *error; /* NULL: none */
};

static void put_members(const struct cli_summary *summary, const struct ending *ending,
                        struct buf *out)
{
    const struct cli *cli = summary->cli;
    cli_put_text(out, "command", cli->command->name);
    cli_put_text(out, "weir", WEIR_VERSION);
    cli_put_time(out, "begun", summary->begun);
    cli_put_time(out, "ended", ending->ended ? tick_now() : 0);
    cli_put_text(out, "verdict", ending->verdict);
    cli_put_number(out, "exit", ending->ended ? (uint64_t) ending->status : UINT64_MAX);
    cli_put_error(out, ending->error);
    cli_put_text(out, "lake", cli_text(cli, CLI_LAKE));
    cli_put_real(out, "seconds", (double) (clock_ns() - summary->begun_ns) / 1e9);
    if (ending->ended)
        summary->put(summary->context, out);
}

static bool write_report(const struct cli_summary *summary, const struct ending *ending,
                         struct error *err)
{
    const char *path = cli_text(summary->cli, CLI_REPORT);
    bool output = path && strcmp(path, "-") == 0;
    if (!path || (output && !ending->ended))
        return true;
    struct buf text = BUF_INIT(REPORT_MAX);
    cli_put_open(&text, NULL, '{');
    cli_put_text(&text, "format", "weir report");
    cli_put_number(&text, "version", REPORT_VERSION);
    put_members(summary, ending, &text);
    cli_put_close(&text, '}');
    buf_putc(&text, '\n');
    bool ok = buf_ok(&text, "the report", err);
    if (ok && output)
        ok = fwrite(text.bytes, 1, text.used, summary->cli->out) == text.used ||
             error_set(err, ERROR_IO, "the report cannot be written");
    else if (ok)
        ok = file_write(path, buf_str(&text), FILE_MODE, false, err);
    buf_release(&text);
    return ok || error_prefix(err, "--report");
}

/* -- metrics -- */

static double seconds_of(const struct cli_summary *summary)
{
    return (double) (clock_ns() - summary->begun_ns) / 1e9;
}

static void put_figures(const struct cli_summary *summary, const struct cli_page *page)
{
    const struct cli_figures *figures = summary->figures;
    const char *table;
    for (size_t f = 0; f < figures->n; f++) {
        cli_page_head(page, figures->v[f].name, figures->v[f].type, figures->v[f].help);
        for (size_t i = 0; (table = figures->table(summary->context, i)) != NULL; i++)
            cli_page_value(page, figures->v[f].name, table, NULL,
                           figures->value(summary->context, i, f));
    }
}

static void put_completion(const struct cli_summary *summary, const struct cli_page *page)
{
    const struct cli_figures *figures = summary->figures;
    const char *table;
    cli_page_head(page, "complete", "gauge", figures->complete_help);
    for (size_t i = 0; (table = figures->table(summary->context, i)) != NULL; i++)
        cli_page_value(page, "complete", table, NULL, figures->complete(summary->context, i));
    cli_page_head(page, CLI_SUCCEEDED_NAME, "gauge", "When the table was last complete; 0: never.");
    for (size_t i = 0; (table = figures->table(summary->context, i)) != NULL; i++)
        cli_page_value(page, CLI_SUCCEEDED_NAME, table, NULL, summary->succeeded[i]);
}

static bool write_metrics(const struct cli_summary *summary, bool running, int status,
                          struct error *err)
{
    struct buf text = BUF_INIT(CLI_PAGE_MAX);
    const struct cli_page page = {&text, summary->cli->command->name};
    if (!summary->succeeded)
        return true;
    put_figures(summary, &page);
    put_completion(summary, &page);
    cli_page_run(&page, &(struct cli_page_run){.begun = summary->begun,
                                               .seconds = seconds_of(summary),
                                               .running = running,
                                               .status = status});
    bool ok =
        buf_ok(&text, "the metrics", err) &&
        file_write(cli_text(summary->cli, CLI_METRICS), buf_str(&text), FILE_MODE, false, err);
    buf_release(&text);
    return ok || error_prefix(err, "--metrics");
}

static void note_success(struct cli_summary *summary)
{
    const struct cli_figures *figures = summary->figures;
    double now = (double) (tick_now() - TICK_UNIX_EPOCH) / (double) TICK_SECOND;
    for (size_t i = 0; summary->succeeded && figures->table(summary->context, i); i++)
        if (figures->complete(summary->context, i))
            summary->succeeded[i] = now;
}

bool cli_summary_named(struct cli_summary *summary, struct error *err)
{
    const char *path = cli_text(summary->cli, CLI_METRICS), *table;
    struct buf text = BUF_INIT(CLI_PAGE_MAX);
    size_t n = 0;
    if (!path)
        return true;
    while (summary->figures->table(summary->context, n))
        n++;
    summary->succeeded = arena_alloc(&summary->cli->arena, n, sizeof(double), err);
    if (!summary->succeeded)
        return false;
    if (file_read(path, CLI_PAGE_MAX, &text, NULL))
        for (size_t i = 0; (table = summary->figures->table(summary->context, i)) != NULL; i++)
            summary->succeeded[i] =
                cli_page_succeeded(buf_str(&text), summary->cli->command->name, table);
    buf_release(&text);
    summary->shown = clock_ns();
    return write_metrics(summary, true, 0, err);
}

void cli_summary_tick(struct cli_summary *summary)
{
    struct error why = ERROR_INIT;
    if (!summary->succeeded || clock_ns() - summary->shown < metrics_every)
        return;
    summary->shown = clock_ns();
    if (!write_metrics(summary, true, 0, &why))
        cli_note(summary->cli, "%s", why.message);
}

/* -- the run -- */

bool cli_summary_begin(struct cli_summary *summary, struct cli *cli,
                       void (*put)(void *context, struct buf *out), void *context,
                       struct error *err)
{
    const struct ending running = {.verdict = "running"};
    *summary = (struct cli_summary){
        .cli = cli, .put = put, .context = context, .begun = tick_now(), .begun_ns = clock_ns()};
    return write_report(summary, &running, err);
}

static void say_end(const struct cli_summary *summary, const struct ending *ending)
{
    struct buf members = BUF_INIT(REPORT_MAX);
    if (!cli_log_is_json(summary->cli))
        return;
    put_members(summary, ending, &members);
    cli_tell(summary->cli, CLI_LAST, "end", &members, "%s ended: %s", summary->cli->command->name,
             ending->verdict);
    buf_release(&members);
}

int cli_summary_end(struct cli_summary *summary, int status, struct error *err)
{
    int signal = stop_asked(summary->cli->stop);
    struct error why = ERROR_INIT;
    struct ending ending = {.ended = true, .status = status, .verdict = "done"};
    if (status < 0 && signal) {
        ending.status = 128 + signal;
        ending.verdict = "interrupted";
    } else if (status < 0) {
        ending.status = error_exit_status(err->code);
        ending.verdict = "failed";
    } else if (status > 0) {
        ending.verdict = "incomplete";
    }
    ending.error = status < 0 ? err : NULL;
    say_end(summary, &ending);
    note_success(summary);
    bool written = write_report(summary, &ending, &why);
    if (write_metrics(summary, false, ending.status, written ? &why : NULL) && written)
        return status;
    if (status >= 0)
        *err = why;
    else
        cli_note(summary->cli, "%s", why.message);
    return -1;
}
