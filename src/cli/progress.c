/* Progress: see progress.h. */
#include "cli/progress.h"

#include "cli/members.h"

static const uint64_t every_terminal = 200000000, every_line = 15000000000;

enum { LINE_TEXT = 400, MEMBERS_MAX = 4096 };

static void draw(struct cli_progress *progress, const char *line)
{
    (void) fprintf(stderr, "\r\x1b[K %s", line);
    (void) fflush(stderr);
    progress->drawn = true;
}

static void wipe(struct cli_progress *progress)
{
    if (progress->drawn)
        (void) fputs("\r\x1b[K", stderr);
    progress->drawn = false;
}

static void rate_text(const struct cli_progress *progress, const struct export_progress *now,
                      char *out, size_t size)
{
    double seconds = (double) (clock_ns() - progress->began) / 1e9;
    char rate[TEXT_NUMBER_MAX], left[TEXT_NUMBER_MAX];
    if (seconds < 1 || now->bytes == 0) {
        out[0] = '\0';
        return;
    }
    double per_second = (double) now->bytes / seconds;
    double todo =
        now->bytes_expected > now->bytes ? (double) (now->bytes_expected - now->bytes) : 0;
    (void) snprintf(out, size, "   %s/s   %s left", text_bytes((uint64_t) per_second, rate),
                    text_duration(todo / per_second, left));
}

static void fetch_text(const struct cli_progress *progress, const struct export_progress *now,
                       char *out, size_t size)
{
    char done[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX], rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX];
    char rate[120], waits[60] = "";
    rate_text(progress, now, rate, sizeof rate);
    if (now->blocked > 0)
        (void) snprintf(waits, sizeof waits, ", waits %.0f s (429)", now->blocked);
    (void) snprintf(out, size, "%s / %s partitions   %s rows   %s%s   %u quer%s%s",
                    text_grouped(now->partitions_done, done), text_grouped(now->partitions, all),
                    text_count(now->rows, rows), text_bytes(now->bytes, bytes), rate, now->queries,
                    now->queries == 1 ? "y" : "ies", waits);
}

static void count_text(const struct export_progress *now, char *out, size_t size)
{
    char done[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX];
    (void) snprintf(out, size, "%s: %s / %s partitions", now->phase,
                    text_grouped(now->partitions_done, done), text_grouped(now->partitions, all));
}

static void say_json(const struct cli *cli, const char *table, const struct export_progress *now,
                     const char *line)
{
    struct buf members = BUF_INIT(MEMBERS_MAX);
    if (table)
        cli_put_text(&members, "table", table);
    cli_put_text(&members, "phase", now->phase);
    cli_put_number(&members, "partitions", now->partitions);
    cli_put_number(&members, "partitions_done", now->partitions_done);
    cli_put_number(&members, "rows", now->rows);
    cli_put_number(&members, "rows_expected", now->rows_expected);
    cli_put_number(&members, "bytes", now->bytes);
    cli_put_number(&members, "received", now->received);
    cli_put_number(&members, "queries", now->queries);
    cli_put_number(&members, "throttled", now->throttled);
    cli_put_real(&members, "blocked", now->blocked);
    cli_tell(cli, CLI_INFO, "progress", &members, "%s", line);
    buf_release(&members);
}

static void on_progress(void *context, const struct export_progress *now)
{
    struct cli_progress *progress = context;
    const struct cli *cli = progress->cli;
    bool terminal = cli->terminal_err && !cli_log_is_json(cli);
    uint64_t time = clock_ns();
    cli_record_tick(progress->record);
    if (!progress->phase || strcmp(progress->phase, now->phase) != 0) {
        progress->phase = now->phase;
        progress->began = time;
    }
    if (cli_flag(cli, CLI_QUIET) ||
        time - progress->shown < (terminal ? every_terminal : every_line))
        return;
    progress->shown = time;
    char text[LINE_TEXT], line[LINE_TEXT + LAKE_TABLE_MAX];
    if (strcmp(now->phase, "fetch") == 0)
        fetch_text(progress, now, text, sizeof text);
    else
        count_text(now, text, sizeof text);
    (void) snprintf(line, sizeof line, "%s%s%s", progress->table ? progress->table : "",
                    progress->table ? ": " : "", text);
    if (terminal)
        draw(progress, line);
    else if (cli_log_is_json(cli))
        say_json(cli, progress->table, now, line);
    else
        cli_note(cli, "%s", line);
}

static void on_detail(void *context, const char *line)
{
    struct cli_progress *progress = context;
    if (!cli_flag(progress->cli, CLI_VERBOSE))
        return;
    wipe(progress);
    cli_detail(progress->cli, "%s%s%s", progress->table ? progress->table : "",
               progress->table ? ": " : "", line);
}

static void on_note(void *context, const char *line)
{
    struct cli_progress *progress = context;
    wipe(progress);
    if (progress->table)
        cli_note(progress->cli, "%s: %s", progress->table, line);
    else
        cli_note(progress->cli, "%s", line);
}

void cli_progress_begin(struct cli_progress *progress, struct cli_record *record)
{
    *progress = (struct cli_progress){.cli = record->cli, .record = record, .shown = clock_ns()};
    progress->watch = (struct export_watch){
        .progress = on_progress, .note = on_note, .detail = on_detail, .context = progress};
}

void cli_progress_end(struct cli_progress *progress)
{
    wipe(progress);
}
