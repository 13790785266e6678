/* Summary: see summary.h. */
#include "cli/summary.h"

#include "base/file.h"
#include "cli/members.h"

enum { REPORT_VERSION = 1, REPORT_MAX = 256 << 20, FILE_MODE = 0666 };

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
    if (write_report(summary, &ending, &why))
        return status;
    if (status >= 0)
        *err = why;
    else
        cli_note(summary->cli, "%s", why.message);
    return -1;
}
