/* weir compact: closed days into Parquet beside the JSON. */
#include "cli/members.h"
#include "cli/output.h"
#include "cli/place.h"
#include "cli/range.h"
#include "cli/status.h"
#include "cli/summary.h"
#include "compact/compact.h"

enum { LINE_TEXT = 400, MEMBERS_MAX = 4096, LAST_TEXT = 4096 };

struct work {
    struct cli *cli;
    struct cli_context context;
    struct cli_status status;
    struct cli_summary summary;
    struct table {
        const char *name;
        struct compact_totals totals;
        double seconds;
        bool ended;
    } * each;  /* cli->arg_count of them; NULL: not known yet */
    size_t at; /* the one under way */
    struct cli_range range;
    struct lake_tables tables;
    struct compact_options options; /* all but the place */
    struct columns columns;
    struct cli_output *list;
    const char *table;            /* under way */
    bool counting;                /* how much would be deleted; nothing is told */
    uint64_t began;               /* clock_ns: the table */
    struct compact_totals totals; /* of all tables */
};

/* -- what is asked for -- */

static bool check_options(const struct cli *cli, struct error *err)
{
    if (cli_flag(cli, CLI_DELETE_SERVICE_BLOBS) && !cli_flag(cli, CLI_DELETE_JSON)) {
        (void) error_set(err, ERROR_USAGE,
                         "--delete-service-blobs needs --delete-json: weir's own blobs go first");
        return error_hint(err, "weir compact TABLE --delete-json --delete-service-blobs");
    }
    return true;
}

static bool read_line(struct work *work, struct error *err)
{
    struct cli *cli = work->cli;
    struct compact_options *options = &work->options;
    int64_t now = tick_now(), closed = cli_duration(cli, CLI_CLOSED_AFTER, COMPACT_CLOSED_AFTER);
    if (!check_options(cli, err) || !cli_threads(cli, &options->threads, err) ||
        !cli_range_read(cli, now, &work->range, err))
        return false;
    options->from = work->range.from;
    options->to = work->range.to;
    options->now = now;
    options->closed_after = closed > 0 ? closed : -1;
    options->memory = cli_size(cli, CLI_MEMORY, 0);
    options->dry_run = cli_flag(cli, CLI_DRY_RUN);
    options->delta = cli_flag(cli, CLI_DELTA);
    options->delete_json = cli_flag(cli, CLI_DELETE_JSON);
    options->delete_service_blobs = cli_flag(cli, CLI_DELETE_SERVICE_BLOBS);
    options->by = "weir " WEIR_VERSION;
    options->owner = "weir compact";
    options->stop = cli->stop;
    return true;
}

/* -- each day -- */

static const struct {
    const char *name;
    enum column_type type;
} list_columns[] = {{"table", COLUMN_STRING},   {"day", COLUMN_DATETIME},
                    {"verdict", COLUMN_STRING}, {"rows", COLUMN_LONG},
                    {"blobs", COLUMN_LONG},     {"bytes", COLUMN_LONG},
                    {"files", COLUMN_LONG},     {"file_bytes", COLUMN_LONG},
                    {"deleted", COLUMN_LONG},   {"why", COLUMN_STRING}};

enum { LIST_COLUMNS = sizeof list_columns / sizeof *list_columns };

static bool open_list(struct work *work, struct error *err)
{
    const char *path = cli_text(work->cli, CLI_REPORT);
    if (path && strcmp(path, "-") == 0)
        return true;
    for (size_t i = 0; i < LIST_COLUMNS; i++)
        if (!columns_add(&work->columns, str_of(list_columns[i].name), list_columns[i].type, err))
            return false;
    work->list = cli_output_new(work->cli, &work->columns, err);
    return work->list != NULL;
}

static const char *day_text(int64_t day, char out[TICK_TEXT_MAX])
{
    (void) tick_format(day, out);
    out[strcspn(out, "T")] = '\0';
    return out;
}

static const char *verdict_text(const struct work *work, const struct compact_day *day)
{
    return day->verdict == COMPACT_DONE && work->options.dry_run ? "would be compacted"
           : day->verdict == COMPACT_DONE && day->reopened       ? "compacted anew"
                                                           : compact_verdict_text(day->verdict);
}

static bool put_day(struct work *work, const struct compact_day *day, struct error *err)
{
    bool people = cli_output_is_table(work->cli);
    char time[TICK_TEXT_MAX], numbers[6][TEXT_NUMBER_MAX];
    const uint64_t values[6] = {day->rows,  day->blobs,      day->bytes,
                                day->files, day->file_bytes, day->deleted};
    /* Days of earlier runs are no news to people. */
    if (!work->list || (people && day->verdict == COMPACT_CURRENT && day->deleted == 0))
        return true;
    for (size_t i = 0; i < 6; i++) {
        if (!people)
            (void) snprintf(numbers[i], sizeof numbers[i], "%llu", (unsigned long long) values[i]);
        else
            (void) (i == 2 || i == 4 ? text_bytes : text_grouped)(values[i], numbers[i]);
    }
    (void) tick_format(day->day, time);
    if (people)
        (void) day_text(day->day, time);
    const char *why = day->why ? day->why->message : NULL;
    struct cli_cell cells[LIST_COLUMNS] = {{.text = str_of(work->table)},
                                           {.text = str_of(time)},
                                           {.text = str_of(verdict_text(work, day))}};
    for (size_t i = 0; i < 6; i++)
        cells[3 + i].text = str_of(numbers[i]);
    cells[LIST_COLUMNS - 1] = (struct cli_cell){.text = str_of(why ? why : ""), .null = !why};
    return cli_output_row(work->list, cells, err);
}

static void tell_day(struct work *work, const struct compact_day *day)
{
    char time[TICK_TEXT_MAX], rows[CLI_COUNT_TEXT];
    struct buf members = BUF_INIT(MEMBERS_MAX);
    cli_put_text(&members, "table", work->table);
    cli_put_time(&members, "day", day->day);
    cli_put_text(&members, "verdict", verdict_text(work, day));
    cli_put_number(&members, "rows", day->rows);
    cli_put_number(&members, "doubled", day->doubled);
    cli_put_number(&members, "blobs", day->blobs);
    cli_put_number(&members, "bytes", day->bytes);
    cli_put_number(&members, "files", day->files);
    cli_put_number(&members, "file_bytes", day->file_bytes);
    cli_put_number(&members, "deleted", day->deleted);
    cli_put_number(&members, "deleted_bytes", day->deleted_bytes);
    cli_put_real(&members, "seconds", day->seconds);
    cli_put_text(&members, "why", day->why ? day->why->message : NULL);
    (void) day_text(day->day, time);
    if (day->verdict == COMPACT_FAILED)
        cli_tell(work->cli, CLI_LAST, "day", &members, "%s %s failed: %s", work->table, time,
                 day->why ? day->why->message : "nobody said why");
    else if (cli_log_is_json(work->cli) || day->verdict == COMPACT_DONE)
        cli_tell(work->cli, CLI_DEBUG, "day", &members, "%s %s: %s, %s", work->table, time,
                 verdict_text(work, day), cli_count_text(day->rows, "row", rows));
    buf_release(&members);
}

/* What a table has come to so far; that which it came to takes its place in the end. */
static void add_day(struct compact_totals *totals, const struct compact_day *day)
{
    totals->days[day->verdict]++;
    totals->deleted += day->deleted;
    totals->deleted_bytes += day->deleted_bytes;
    if (day->verdict != COMPACT_DONE)
        return;
    totals->rows += day->rows;
    totals->doubled += day->doubled;
    totals->blobs += day->blobs;
    totals->bytes += day->bytes;
    totals->files += day->files;
    totals->file_bytes += day->file_bytes;
}

static bool on_day(void *context, const struct compact_day *day, struct error *err)
{
    struct work *work = context;
    if (work->counting)
        return true;
    cli_status_wipe(&work->status);
    add_day(&work->each[work->at].totals, day);
    tell_day(work, day);
    return put_day(work, day, err);
}

/* -- how it stands -- */

static void put_rate(const struct work *work, const struct compact_progress *now, struct buf *out)
{
    char text[TEXT_NUMBER_MAX];
    double seconds = (double) (clock_ns() - work->began) / 1e9;
    if (seconds < 1 || now->bytes_done == 0)
        return;
    double rate = (double) now->bytes_done / seconds;
    buf_printf(out, "   %s/s", text_bytes((uint64_t) rate, text));
    if (now->bytes > now->bytes_done)
        buf_printf(out, "   %s left",
                   text_duration((double) (now->bytes - now->bytes_done) / rate, text));
}

static void on_progress(void *context, const struct compact_progress *now)
{
    struct work *work = context;
    cli_summary_tick(&work->summary);
    if (work->counting || !cli_status_due(&work->status))
        return;
    struct buf line = BUF_INIT(LINE_TEXT), members = BUF_INIT(MEMBERS_MAX);
    char time[TICK_TEXT_MAX], done[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX];
    buf_printf(&line, "%s%s%s / %s days", work->cli->arg_count > 1 ? work->table : "",
               work->cli->arg_count > 1 ? ": " : "", text_grouped(now->days_done, done),
               text_grouped(now->days, all));
    buf_printf(&line, "   %s / %s   %s", text_bytes(now->bytes_done, done),
               text_bytes(now->bytes, all), day_text(now->day, time));
    put_rate(work, now, &line);
    cli_put_text(&members, "table", work->table);
    cli_put_time(&members, "day", now->day);
    cli_put_number(&members, "days", now->days);
    cli_put_number(&members, "days_done", now->days_done);
    cli_put_number(&members, "bytes", now->bytes);
    cli_put_number(&members, "bytes_done", now->bytes_done);
    cli_status_show(&work->status, &members, buf_text(&line));
    buf_release(&line);
    buf_release(&members);
}

/* -- how it ended -- */

static void add_totals(struct compact_totals *sum, const struct compact_totals *one)
{
    for (int i = 0; i < COMPACT_VERDICT_COUNT; i++)
        sum->days[i] += one->days[i];
    sum->rows += one->rows;
    sum->doubled += one->doubled;
    sum->blobs += one->blobs;
    sum->bytes += one->bytes;
    sum->files += one->files;
    sum->file_bytes += one->file_bytes;
    sum->deleted += one->deleted;
    sum->deleted_bytes += one->deleted_bytes;
}

/* For the report and the event `end`. */
static void put_totals(void *context, struct buf *out)
{
    const struct work *work = context;
    const struct compact_totals *totals = &work->totals;
    cli_put_open(out, "tables", '[');
    for (int i = 0; i < work->cli->arg_count; i++)
        cli_put_text(out, NULL, work->cli->args[i]);
    cli_put_close(out, ']');
    cli_put_bool(out, "dry_run", work->options.dry_run);
    cli_put_number(out, "days_compacted", totals->days[COMPACT_DONE]);
    cli_put_number(out, "days_before", totals->days[COMPACT_CURRENT]);
    cli_put_number(out, "days_open", totals->days[COMPACT_OPEN]);
    cli_put_number(out, "days_failed", totals->days[COMPACT_FAILED]);
    cli_put_number(out, "rows", totals->rows);
    cli_put_number(out, "doubled", totals->doubled);
    cli_put_number(out, "blobs", totals->blobs);
    cli_put_number(out, "bytes", totals->bytes);
    cli_put_number(out, "files", totals->files);
    cli_put_number(out, "file_bytes", totals->file_bytes);
    cli_put_number(out, "deleted", totals->deleted);
    cli_put_number(out, "deleted_bytes", totals->deleted_bytes);
}

/* id, name, type, help */
#define FIGURES(X)                                                                                 \
    X(ROWS, "rows_total", "counter", "Rows written.")                                              \
    X(BYTES, "bytes_total", "counter", "Bytes of Parquet written.")                                \
    X(READ, "read_bytes_total", "counter", "Bytes of JSON read.")                                  \
    X(DOUBLED, "doubled_total", "counter", "Rows left out, since the lake has them twice.")        \
    X(DELETED, "deleted_total", "counter", "Blobs deleted.")                                       \
    X(DELETED_BYTES, "deleted_bytes_total", "counter", "Their bytes.")                             \
    X(COMPACTED, "days_compacted", "gauge", "Days compacted by this run.")                         \
    X(BEFORE, "days_before", "gauge", "Days compacted by an earlier run.")                         \
    X(OPEN, "days_open", "gauge", "Days that are not closed yet.")                                 \
    X(FAILED, "failed_days", "gauge", "Days that failed.")                                         \
    X(TOOK, "table_duration_seconds", "gauge", "Time that the table took.")

enum figure {
#define X(id, name, type, help) FIGURE_##id,
    FIGURES(X)
#undef X
        FIGURE_COUNT
};

static const char *table_name(const void *context, size_t table)
{
    const struct work *work = context;
    return table < (size_t) work->cli->arg_count ? work->each[table].name : NULL;
}

static double value_of(const void *context, size_t table, size_t figure)
{
    const struct work *work = context;
    const struct compact_totals *totals = &work->each[table].totals;
    const double values[FIGURE_COUNT] = {
        [FIGURE_ROWS] = (double) totals->rows,
        [FIGURE_BYTES] = (double) totals->file_bytes,
        [FIGURE_READ] = (double) totals->bytes,
        [FIGURE_DOUBLED] = (double) totals->doubled,
        [FIGURE_DELETED] = (double) totals->deleted,
        [FIGURE_DELETED_BYTES] = (double) totals->deleted_bytes,
        [FIGURE_COMPACTED] = (double) totals->days[COMPACT_DONE],
        [FIGURE_BEFORE] = (double) totals->days[COMPACT_CURRENT],
        [FIGURE_OPEN] = (double) totals->days[COMPACT_OPEN],
        [FIGURE_FAILED] = (double) totals->days[COMPACT_FAILED],
        [FIGURE_TOOK] = work->each[table].seconds,
    };
    return values[figure];
}

/* A dry run proves nothing. */
static bool is_complete(const void *context, size_t table)
{
    const struct work *work = context;
    return work->each[table].ended && work->each[table].totals.days[COMPACT_FAILED] == 0 &&
           !work->options.dry_run;
}

static const struct cli_figure figure_list[] = {
#define X(id, name, type, help) {name, type, help},
    FIGURES(X)
#undef X
};
static const struct cli_figures figures = {.v = figure_list,
                                           .n = FIGURE_COUNT,
                                           .table = table_name,
                                           .value = value_of,
                                           .complete = is_complete,
                                           .complete_help = "1: every closed day is compacted."};

/* "12 days of Syslog compacted: 1,204,331 rows, 1.2 GB of JSON into 13 files of 140.1 MB." */
static void put_done(const struct work *work, const struct compact_totals *totals, struct buf *line)
{
    char days[CLI_COUNT_TEXT], rows[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX], files[CLI_COUNT_TEXT],
        size[TEXT_NUMBER_MAX];
    bool dry = work->options.dry_run;
    uint64_t done = totals->days[COMPACT_DONE];
    buf_printf(line, "%s of %s %scompacted", cli_count_text(done, "day", days), work->table,
               dry ? "would be " : "");
    if (dry && done > 0)
        buf_printf(line, ": %s, %s", cli_count_text(totals->blobs, "blob", rows),
                   text_bytes(totals->bytes, bytes));
    else if (done > 0)
        buf_printf(line, ": %s, %s of JSON into %s of %s",
                   cli_count_text(totals->rows, "row", rows), text_bytes(totals->bytes, bytes),
                   cli_count_text(totals->files, "file", files),
                   text_bytes(totals->file_bytes, size));
}

static void say_table(const struct work *work, const struct compact_totals *totals)
{
    struct buf line = BUF_INIT(LAST_TEXT);
    char number[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX], time[TEXT_NUMBER_MAX];
    const uint64_t *days = totals->days;
    put_done(work, totals, &line);
    if (days[COMPACT_CURRENT] > 0)
        buf_printf(&line, "; %s compacted before",
                   cli_count_text(days[COMPACT_CURRENT], "day", number));
    if (days[COMPACT_OPEN] > 0)
        buf_printf(&line, "; %s not closed yet", cli_count_text(days[COMPACT_OPEN], "day", number));
    if (days[COMPACT_FAILED] > 0)
        buf_printf(&line, "; %s failed", cli_count_text(days[COMPACT_FAILED], "day", number));
    buf_puts(&line, ".");
    if (totals->doubled > 0)
        buf_printf(&line, " %s left out, since the lake has them twice.",
                   cli_count_text(totals->doubled, "row", number));
    if (totals->deleted > 0)
        buf_printf(&line, " %s, %s, %sdeleted.", cli_count_text(totals->deleted, "blob", number),
                   text_bytes(totals->deleted_bytes, bytes),
                   work->options.dry_run ? "would be " : "");
    if (totals->delta_changed)
        buf_printf(&line, " Delta table at version %llu.",
                   (unsigned long long) totals->delta_version);
    if (!work->options.dry_run)
        buf_printf(&line, " In %s", text_duration((double) (clock_ns() - work->began) / 1e9, time));
    cli_last(work->cli, "%s", buf_text(&line));
    buf_release(&line);
}

/* -- the run -- */

/* One table: ERROR_INCOMPLETE is told as a status, since its days are told already. */
static bool run_table(struct work *work, const char *table, bool dry, struct compact_totals *out,
                      struct error *err)
{
    struct compact_options options = work->options;
    struct error why = ERROR_INIT;
    *out = (struct compact_totals){0};
    if (!cli_place_find(work->cli, &work->tables, table, &options.place, err))
        return false;
    options.dry_run = options.dry_run || dry;
    options.store = work->context.store;
    options.fn = on_day;
    options.progress = on_progress;
    options.context = work;
    work->table = options.place.table;
    work->began = clock_ns();
    bool ok = compact_run(&options, out, &why) || why.code == ERROR_INCOMPLETE;
    cli_status_wipe(&work->status);
    if (!ok)
        return error_pass(err, &why);
    return true;
}

/* What is deleted is not there again: asked once, of all tables. */
static bool confirm(struct work *work, struct error *err)
{
    struct compact_totals sum = {0}, one;
    char blobs[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX];
    if (!work->options.delete_json || work->options.dry_run)
        return true;
    work->counting = true;
    for (int i = 0; i < work->cli->arg_count; i++) {
        if (!run_table(work, work->cli->args[i], true, &one, err))
            return false;
        add_totals(&sum, &one);
    }
    work->counting = false;
    if (sum.deleted == 0)
        return true;
    (void) cli_count_text(sum.deleted, "blob", blobs);
    (void) text_bytes(sum.deleted_bytes, bytes);
    const char *whose =
        work->options.delete_service_blobs ? "weir's own and the service's" : "weir's own";
    if (cli_flag(work->cli, CLI_YES))
        cli_note(work->cli, "%s of JSON, %s, %s, will be deleted", blobs, whose, bytes);
    return cli_confirm(work->cli, err,
                       "%s of JSON, %s, %s, will be deleted once their days are proven in "
                       "Parquet.",
                       blobs, whose, bytes);
}

static bool run_tables(struct work *work, struct error *err)
{
    for (int i = 0; i < work->cli->arg_count; i++) {
        struct table *table = &work->each[i];
        struct compact_totals one;
        work->at = (size_t) i;
        bool ok = run_table(work, work->cli->args[i], false, &one, err);
        add_totals(&work->totals, &one);
        table->seconds = (double) (clock_ns() - work->began) / 1e9;
        table->totals = one;
        table->ended = ok;
        if (!ok)
            return false;
        say_table(work, &one);
    }
    return true;
}

/* A mistyped name is told before work begins. */
static bool find_all(struct work *work, struct error *err)
{
    struct lake_place place;
    work->each =
        arena_alloc(&work->cli->arena, (size_t) work->cli->arg_count, sizeof *work->each, err);
    for (int i = 0; work->each && i < work->cli->arg_count; i++) {
        if (!cli_place_find(work->cli, &work->tables, work->cli->args[i], &place, err))
            return false;
        for (int k = 0; k < i; k++)
            if (strcmp(work->each[k].name, place.table) == 0)
                return error_set(err, ERROR_USAGE, "table '%s' is named twice", place.table);
        work->each[i].name = place.table;
    }
    return work->each && cli_summary_named(&work->summary, err);
}

static bool open_all(struct work *work, struct error *err)
{
    return read_line(work, err) && cli_open_store(work->cli, &work->context, err) &&
           cli_check_access(&work->context, 0, !work->options.dry_run, err) &&
           lake_tables_find(work->context.store, &work->tables, err) && find_all(work, err);
}

static int go(struct work *work, struct error *err)
{
    cli_status_begin(&work->status, work->cli);
    if (!open_all(work, err) || !confirm(work, err) || !open_list(work, err))
        return -1;
    bool ok = run_tables(work, err);
    struct error why = ERROR_INIT;
    /* What was done is told, however it ended. */
    bool told = !work->list || cli_output_end(work->list, &why);
    if (!ok)
        return -1;
    if (!told) {
        *err = why;
        return -1;
    }
    return work->totals.days[COMPACT_FAILED] > 0 ? error_exit_status(ERROR_INCOMPLETE) : 0;
}

static int run(struct cli *cli, struct error *err)
{
    struct work work = {.cli = cli};
    if (!cli_summary_begin(&work.summary, cli, put_totals, &work, err))
        return -1;
    work.summary.figures = &figures;
    int status = cli_summary_end(&work.summary, go(&work, err), err);
    columns_release(&work.columns);
    lake_tables_release(&work.tables);
    cli_close(&work.context);
    return status;
}

const struct cli_command cli_command_compact = {
    .name = "compact",
    .arguments = "TABLE...",
    .purpose =
        "closed days into Parquet beside the JSON, proven; weir query reads whichever is there",
    .about =
        "Writes each closed day of a table as Parquet (zstd, sorted by time) under weir/ in the "
        "lake, reads it back, and compares the number of rows and a hash of all values with those "
        "of the JSON. Only then does the lake's record say that the day is compacted, and weir "
        "query reads the Parquet in place of the JSON: faster, and with equal values and types.\n\n"
        "A day is closed when --closed-after (3d) has passed since its end and since anybody last "
        "wrote a blob of it. Without a range all closed days are taken; those that are compacted "
        "already are left. Rows that come late reopen a day: weir query sees them at once, and "
        "the next run compacts the day anew.\n\n"
        "--delta keeps a Delta table of the same files, for Spark and other readers.\n\n"
        "--delete-json deletes the JSON that weir itself wrote, by export or import, of days that "
        "are compacted and proven, also by earlier runs; --delete-service-blobs with it that of "
        "the service and of others too. Nothing is deleted under a legal hold or an immutability "
        "policy. weir says how much it is and asks (--yes says yes). What was exported stays "
        "proven by the ledger, and later exports leave it alone.\n\n"
        "Each day is a result, on standard output in the form of --output. --dry-run says what "
        "would be done. Where a day fails it stays as it was, the others are done, and the exit "
        "status is 3.",
    .example = "weir compact CommonSecurityLog --lake lake",
    .interrupted = "interrupted; days that are compacted stay, and the same command goes on from "
                   "there",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .options = {CLI_RANGE_OPTIONS, CLI_CLOSED_AFTER, CLI_DELTA, CLI_DELETE_JSON,
                CLI_DELETE_SERVICE_BLOBS, CLI_DRY_RUN, CLI_REPORT, CLI_METRICS, CLI_MEMORY,
                CLI_THREADS, CLI_OPTION_COUNT},
    .run = run,
};
