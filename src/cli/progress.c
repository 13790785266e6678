/* Progress: see progress.h. */
#include "cli/progress.h"

#include "cli/members.h"

enum { LINE_TEXT = 400, MEMBERS_MAX = 4096 };

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

static void put_members(struct buf *out, const char *table, const struct export_progress *now)
{
    if (table)
        cli_put_text(out, "table", table);
    cli_put_text(out, "phase", now->phase);
    cli_put_number(out, "partitions", now->partitions);
    cli_put_number(out, "partitions_done", now->partitions_done);
    cli_put_number(out, "rows", now->rows);
    cli_put_number(out, "rows_expected", now->rows_expected);
    cli_put_number(out, "bytes", now->bytes);
    cli_put_number(out, "received", now->received);
    cli_put_number(out, "queries", now->queries);
    cli_put_number(out, "throttled", now->throttled);
    cli_put_real(out, "blocked", now->blocked);
}

static void on_progress(void *context, const struct export_progress *now)
{
    struct cli_progress *progress = context;
    cli_record_tick(progress->record);
    if (!progress->phase || strcmp(progress->phase, now->phase) != 0) {
        progress->phase = now->phase;
        progress->began = clock_ns();
    }
    if (!cli_status_due(&progress->status))
        return;
    char text[LINE_TEXT], line[LINE_TEXT + LAKE_TABLE_MAX];
    struct buf members = BUF_INIT(MEMBERS_MAX);
    if (strcmp(now->phase, "fetch") == 0)
        fetch_text(progress, now, text, sizeof text);
    else
        count_text(now, text, sizeof text);
    (void) snprintf(line, sizeof line, "%s%s%s", progress->table ? progress->table : "",
                    progress->table ? ": " : "", text);
    put_members(&members, progress->table, now);
    cli_status_show(&progress->status, &members, line);
    buf_release(&members);
}

static void on_detail(void *context, const char *line)
{
    struct cli_progress *progress = context;
    if (!cli_flag(progress->cli, CLI_VERBOSE))
        return;
    cli_status_wipe(&progress->status);
    cli_detail(progress->cli, "%s%s%s", progress->table ? progress->table : "",
               progress->table ? ": " : "", line);
}

static void on_note(void *context, const char *line)
{
    struct cli_progress *progress = context;
    cli_status_wipe(&progress->status);
    if (progress->table)
        cli_note(progress->cli, "%s: %s", progress->table, line);
    else
        cli_note(progress->cli, "%s", line);
}

void cli_progress_begin(struct cli_progress *progress, struct cli_record *record)
{
    *progress = (struct cli_progress){.cli = record->cli, .record = record};
    cli_status_begin(&progress->status, record->cli);
    progress->watch = (struct export_watch){
        .progress = on_progress, .note = on_note, .detail = on_detail, .context = progress};
}

void cli_progress_end(struct cli_progress *progress)
{
    cli_status_wipe(&progress->status);
}
