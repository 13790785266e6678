/* weir partition: log files into the lake. */
#include "base/file.h"
#include "cli/members.h"
#include "cli/place.h"
#include "cli/status.h"
#include "cli/summary.h"
#include "partition/partition.h"
#include "partition/reject.h"

#include <limits.h>
#include <sys/stat.h>

static const enum cli_option_id output_options[] = {CLI_REPORT, CLI_METRICS, CLI_REJECT_FILE};

enum { OUTPUTS = sizeof output_options / sizeof *output_options };

enum { LINE_TEXT = 400, MEMBERS_MAX = 4096, LAST_TEXT = 16 * 1024 };

struct import {
    struct cli *cli;
    struct cli_context context;
    struct cli_status status;
    struct cli_summary summary;
    struct partition_progress read; /* how far it is */
    int ended;                      /* exit status; -1: it goes on, or failed */
    const char *phase;
    uint64_t began; /* clock_ns: the phase */
    struct columns known;
    struct partition_options options;
    struct partition_watch watch;
    const char *outputs[OUTPUTS]; /* files that the run writes, by their options */
    struct store_options remote;
    struct partition_result result;
    bool ran;
};

/* -- what is asked for -- */

static bool read_table(const struct cli *cli, struct error *err)
{
    if (cli_text(cli, CLI_TABLE))
        return cli_place_name(cli_text(cli, CLI_TABLE), err);
    (void) error_set(err, ERROR_USAGE, "partition needs --table NAME: what the rows are");
    return error_hint(err, "for example: %s", cli->command->example);
}

static uint64_t read_memory(const struct cli *cli)
{
    char text[TEXT_NUMBER_MAX];
    uint64_t memory = cli_size(cli, CLI_MEMORY, 0);
    if (!cli_text(cli, CLI_MEMORY) || memory >= PARTITION_MEMORY_MIN)
        return memory;
    cli_note(cli, "--memory is raised to %s, the least that partition works with",
             text_bytes(PARTITION_MEMORY_MIN, text));
    return PARTITION_MEMORY_MIN;
}

/* The columns of a table that the service has, for types of what comes as text; none for one that is not known. */
static bool read_known(const char *table, struct columns *out, struct error *err)
{
    struct buf folder = BUF_INIT(STORE_NAME_MAX), path = BUF_INIT(STORE_NAME_MAX + LAKE_TABLE_MAX),
               text = BUF_INIT(COLUMNS_FILE_MAX);
    char name[NAME_MAX + 1];
    struct error why = ERROR_INIT;
    if (snprintf(name, sizeof name, "%s.columns", table) >= (int) sizeof name)
        return true;
    bool ok = file_find_data("schemas", &folder, &why);
    if (ok)
        path_join(&path, buf_text(&folder), name);
    ok = ok && buf_ok(&path, "the path of a schema", &why) &&
         file_read(buf_text(&path), COLUMNS_FILE_MAX, &text, &why) &&
         columns_read(buf_str(&text), out, &why);
    buf_release(&folder);
    buf_release(&path);
    buf_release(&text);
    return ok || why.code == ERROR_NOT_FOUND || error_pass(err, &why);
}

static bool has_address(const struct cli *cli)
{
    for (int i = 0; i < cli->arg_count; i++)
        if (strstr(cli->args[i], "://"))
            return true;
    return false;
}

/* Inputs may be blobs: they are read with the same sign-in as the lake. */
static bool open_remote(struct import *import, struct error *err)
{
    if (!has_address(import->cli))
        return true;
    if (!cli_open_network(import->cli, &import->context, err))
        return false;
    cli_store_options(import->cli, &import->context, &import->remote);
    import->options.remote = &import->remote;
    return true;
}

static bool read_line(struct import *import, struct error *err)
{
    const struct cli *cli = import->cli;
    struct partition_options *options = &import->options;
    if (!read_table(cli, err) || !cli_threads(cli, &options->threads, err) ||
        !read_known(cli_text(cli, CLI_TABLE), &import->known, err))
        return false;
    options->inputs = (const char *const *) cli->args;
    options->input_count = (size_t) cli->arg_count;
    options->time_column = cli_text(cli, CLI_TIME_COLUMN);
    options->time_format = cli_text(cli, CLI_TIME_FORMAT);
    options->time_zone = cli_text(cli, CLI_TIME_ZONE);
    options->known = import->known.n > 0 ? &import->known : NULL;
    options->memory = read_memory(cli);
    options->sync = cli_flag(cli, CLI_SYNC);
    options->dedup = cli_text(cli, CLI_DEDUP);
    options->replace = cli_text(cli, CLI_REPLACE);
    options->reject_file = cli_text(cli, CLI_REJECT_FILE);
    options->outputs = import->outputs;
    options->output_count = OUTPUTS;
    options->by = "weir " WEIR_VERSION;
    options->watch = &import->watch;
    options->stop = cli->stop;
    return true;
}

/* -- how it stands -- */

/* "   1.1 GB/s   4 s left" */
static void put_rate(const struct import *import, const struct partition_progress *now,
                     struct buf *out)
{
    char text[TEXT_NUMBER_MAX];
    double seconds = (double) (clock_ns() - import->began) / 1e9;
    if (seconds < 1 || now->bytes == 0)
        return;
    double rate = (double) now->bytes / seconds;
    buf_printf(out, "   %s/s", text_bytes((uint64_t) rate, text));
    if (now->total > now->bytes)
        buf_printf(out, "   %s left",
                   text_duration((double) (now->total - now->bytes) / rate, text));
}

static void put_line(const struct import *import, const struct partition_progress *now,
                     struct buf *out)
{
    char done[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX];
    if (strcmp(now->phase, "name") == 0) {
        buf_printf(out, "name: %s / %s partitions", text_grouped(now->partitions_done, done),
                   text_grouped(now->partitions, all));
        return;
    }
    buf_printf(out, "%s: %s", now->phase, text_bytes(now->bytes, done));
    if (now->total > 0)
        buf_printf(out, " / %s", text_bytes(now->total, all));
    buf_printf(out, "   %s rows", text_count(now->rows, done));
    if (now->rejected > 0)
        buf_printf(out, "   %s rejected", text_grouped(now->rejected, all));
    put_rate(import, now, out);
}

static void on_progress(void *context, const struct partition_progress *now)
{
    struct import *import = context;
    struct buf line = BUF_INIT(LINE_TEXT), members = BUF_INIT(MEMBERS_MAX);
    if (!import->phase || strcmp(import->phase, now->phase) != 0) {
        import->phase = now->phase;
        import->began = clock_ns();
    }
    if (strcmp(now->phase, "read") == 0)
        import->read = *now;
    cli_summary_tick(&import->summary);
    if (!cli_status_due(&import->status))
        return;
    put_line(import, now, &line);
    cli_put_text(&members, "phase", now->phase);
    cli_put_number(&members, "bytes", now->bytes);
    cli_put_number(&members, "bytes_expected", now->total);
    cli_put_number(&members, "rows", now->rows);
    cli_put_number(&members, "rejected", now->rejected);
    cli_put_number(&members, "partitions", now->partitions);
    cli_put_number(&members, "partitions_done", now->partitions_done);
    cli_status_show(&import->status, &members, buf_text(&line));
    buf_release(&line);
    buf_release(&members);
}

static void on_note(void *context, const char *line)
{
    struct import *import = context;
    struct buf text = BUF_INIT(LAST_TEXT);
    cli_status_wipe(&import->status);
    cli_put_line(&text, line);
    cli_note(import->cli, "%s", buf_text(&text));
    buf_release(&text);
}

/* -- how it ended -- */

static bool is_too_many(const struct import *import)
{
    const struct partition_result *result = &import->result;
    return result->rejected + result->rejected_before >
           cli_number(import->cli, CLI_ALLOW_REJECTS, 0);
}

static void put_input(struct buf *out, const struct partition_input *input)
{
    char hash[2 * sizeof input->hash + 1];
    text_hex(input->hash, sizeof input->hash, hash);
    cli_put_open(out, NULL, '{');
    cli_put_text(out, "name", input->name);
    cli_put_text(out, "kind", input->kind);
    cli_put_number(out, "bytes", input->bytes);
    cli_put_text(out, "hash", hash);
    cli_put_number(out, "rows", input->rows);
    cli_put_number(out, "rejected", input->rejected);
    cli_put_number(out, "blank", input->blank);
    cli_put_text(out, "held_by", input->held_by);
    cli_put_bool(out, "twice", input->twice);
    cli_put_close(out, '}');
}

static void put_reasons(struct buf *out, const struct partition_result *result)
{
    cli_put_open(out, "reasons", '{');
    for (int i = PART_REASON_NONE + 1; i < PART_REASON_COUNT; i++)
        if (result->reasons[i] > 0)
            cli_put_number(out, part_reason_text((enum part_reason) i), result->reasons[i]);
    cli_put_close(out, '}');
}

/* For the report and the event `end`. */
static void put_result(void *context, struct buf *out)
{
    const struct import *import = context;
    const struct partition_result *result = &import->result;
    cli_put_text(out, "table", cli_text(import->cli, CLI_TABLE));
    cli_put_text(out, "workspace", import->context.id);
    cli_put_text(out, "resource", import->context.place.resource_id);
    if (!import->ran)
        return;
    cli_put_text(out, "import", result->id[0] ? result->id : NULL);
    cli_put_number(out, "rows", result->rows);
    cli_put_number(out, "bytes", result->bytes);
    cli_put_number(out, "partitions", result->partitions);
    int64_t end =
        result->last > TICK_MAX - TICK_PARTITION ? TICK_MAX : result->last + TICK_PARTITION;
    cli_put_time(out, "from", result->partitions > 0 ? result->first : 0);
    cli_put_time(out, "to", result->partitions > 0 ? end : 0);
    cli_put_number(out, "rejected", result->rejected);
    put_reasons(out, result);
    cli_put_text(out, "reject_file", result->reject_file);
    cli_put_number(out, "rejected_before", result->rejected_before);
    cli_put_text(out, "rejected_file", result->rejected_file);
    cli_put_number(out, "dropped", result->dropped);
    cli_put_text(out, "time_column", result->time_column);
    cli_put_text(out, "time_format", result->time_format);
    cli_put_text(out, "time_zone", result->time_zone);
    cli_put_number(out, "spilled", result->spilled);
    cli_put_number(out, "inputs_read", result->read);
    cli_put_open(out, "inputs", '[');
    for (size_t i = 0; i < result->input_count; i++)
        put_input(out, &result->inputs[i]);
    cli_put_close(out, ']');
}

/* id, name, type, help */
#define FIGURES(X)                                                                                 \
    X(ROWS, "rows_total", "counter", "Rows written.")                                              \
    X(BYTES, "bytes_total", "counter", "Bytes written.")                                           \
    X(READ, "read_bytes_total", "counter", "Bytes of the inputs that were read.")                  \
    X(PARTITIONS, "partitions_total", "counter", "Partitions written.")                            \
    X(REJECTED, "rejected_total", "counter", "Lines that are no rows.")                            \
    X(BEFORE, "rejected_before", "gauge", "Lines that were rejected of inputs the lake had.")      \
    X(DROPPED, "dropped_total", "counter", "Rows that --dedup left out.")                          \
    X(TOOK, "table_duration_seconds", "gauge", "Time that the table took.")

enum figure {
#define X(id, name, type, help) FIGURE_##id,
    FIGURES(X)
#undef X
        FIGURE_COUNT
};

static const char *table_name(const void *context, size_t table)
{
    const struct import *import = context;
    return table == 0 ? cli_text(import->cli, CLI_TABLE) : NULL;
}

static double value_of(const void *context, size_t table, size_t figure)
{
    const struct import *import = context;
    const struct partition_result *result = &import->result;
    uint64_t rejected = import->read.rejected;
    const double values[FIGURE_COUNT] = {
        [FIGURE_ROWS] = (double) result->rows,
        [FIGURE_BYTES] = (double) result->bytes,
        [FIGURE_READ] = (double) import->read.bytes,
        [FIGURE_PARTITIONS] = (double) result->partitions,
        [FIGURE_REJECTED] = (double) (import->ended < 0 ? rejected : result->rejected),
        [FIGURE_BEFORE] = (double) result->rejected_before,
        [FIGURE_DROPPED] = (double) result->dropped,
        [FIGURE_TOOK] = result->seconds,
    };
    (void) table;
    return values[figure];
}

static bool is_complete(const void *context, size_t table)
{
    const struct import *import = context;
    (void) table;
    return import->ended == 0;
}

static const struct cli_figure figure_list[] = {
#define X(id, name, type, help) {name, type, help},
    FIGURES(X)
#undef X
};
static const struct cli_figures figures = {
    .v = figure_list,
    .n = FIGURE_COUNT,
    .table = table_name,
    .value = value_of,
    .complete = is_complete,
    .complete_help = "1: every line is in the lake, but for those that --allow-rejects allows."};

static void say_reasons(const struct import *import)
{
    char number[TEXT_NUMBER_MAX];
    for (int i = PART_REASON_NONE + 1; i < PART_REASON_COUNT; i++)
        if (import->result.reasons[i] > 0)
            cli_last(import->cli, "  %s rejected: %s",
                     text_grouped(import->result.reasons[i], number),
                     part_reason_text((enum part_reason) i));
}

static void say_input(const struct import *import, const struct partition_input *input)
{
    struct buf line = BUF_INIT(LAST_TEXT);
    char bytes[TEXT_NUMBER_MAX], rows[CLI_COUNT_TEXT];
    cli_put_line(&line, input->name);
    buf_printf(&line, ": %s, %s, %s, %llu rejected, %llu blank", input->kind ? input->kind : "",
               text_bytes(input->bytes, bytes), cli_count_text(input->rows, "row", rows),
               (unsigned long long) input->rejected, (unsigned long long) input->blank);
    cli_detail(import->cli, "%s", buf_text(&line));
    buf_release(&line);
}

static void say_details(const struct import *import)
{
    const struct partition_result *result = &import->result;
    char number[TEXT_NUMBER_MAX];
    for (size_t i = 0; i < result->input_count; i++)
        if (!result->inputs[i].held_by && !result->inputs[i].twice)
            say_input(import, &result->inputs[i]);
    if (result->spilled > 0)
        cli_detail(import->cli, "%s went through scratch files",
                   text_bytes(result->spilled, number));
}

/* "2 lines of what the lake has already were rejected then, see …" */
static void put_before(const struct partition_result *result, struct buf *out)
{
    char lines[CLI_COUNT_TEXT];
    if (result->rejected_before == 0)
        return;
    buf_printf(out, " %s of what the lake had already %s rejected then",
               cli_count_text(result->rejected_before, "line", lines),
               result->rejected_before == 1 ? "was" : "were");
    buf_puts(out, result->rejected_file ? ", see " : "");
    cli_put_line(out, result->rejected_file ? result->rejected_file : "");
    buf_putc(out, '.');
}

static void say_nothing_new(const struct import *import)
{
    const struct partition_result *result = &import->result;
    struct buf line = BUF_INIT(LAST_TEXT);
    char inputs[CLI_COUNT_TEXT];
    bool one = result->input_count == 1;
    buf_printf(&line, "nothing is new: %s%s is in the lake already%s", one ? "" : "each of ",
               one ? "this input" : cli_count_text(result->input_count, "input", inputs),
               result->rejected_before > 0 ? "." : "");
    put_before(result, &line);
    cli_last(import->cli, "%s", buf_text(&line));
    buf_release(&line);
}

static void say_import(const struct import *import)
{
    const struct partition_result *result = &import->result;
    struct buf line = BUF_INIT(LAST_TEXT);
    char rows[CLI_COUNT_TEXT], partitions[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX];
    buf_printf(&line, "%s in %s: %s in %s.", cli_count_text(result->rows, "row", rows),
               cli_count_text(result->partitions, "partition", partitions),
               text_bytes(result->bytes, bytes), text_duration(result->seconds, time));
    if (result->dropped > 0)
        buf_printf(&line, " %s left out as equal to others.",
                   cli_count_text(result->dropped, "row", rows));
    if (result->rejected > 0) {
        buf_printf(&line, " %s rejected", cli_count_text(result->rejected, "line", rows));
        buf_puts(&line, result->reject_file ? ", see " : "");
        cli_put_line(&line, result->reject_file ? result->reject_file : "");
        buf_putc(&line, '.');
    }
    put_before(result, &line);
    buf_printf(&line, " Import %s of %s in %s", result->id, cli_text(import->cli, CLI_TABLE),
               store_address(import->context.store));
    cli_last(import->cli, "%s", buf_text(&line));
    buf_release(&line);
}

static int say(const struct import *import)
{
    const struct partition_result *result = &import->result;
    say_details(import);
    if (is_too_many(import))
        say_reasons(import);
    if (result->id[0])
        say_import(import);
    else
        say_nothing_new(import);
    return is_too_many(import) ? error_exit_status(ERROR_INCOMPLETE) : 0;
}

/* -- the run -- */

static bool open_all(struct import *import, struct error *err)
{
    struct cli *cli = import->cli;
    if (!read_line(import, err) || !cli_open_store(cli, &import->context, err) ||
        !cli_check_access(&import->context, 0, true, err) || !open_remote(import, err) ||
        !cli_place_import(cli, &import->context, cli_text(cli, CLI_TABLE), err))
        return false;
    import->options.store = import->context.store;
    import->options.place = &import->context.place;
    return cli_summary_named(&import->summary, err);
}

static int go(struct import *import, struct error *err)
{
    if (!open_all(import, err))
        return -1;
    cli_status_begin(&import->status, import->cli);
    import->ran = true;
    bool ok = partition_run(&import->options, &import->result, err);
    cli_status_wipe(&import->status);
    import->ended = ok ? say(import) : -1;
    return import->ended;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* What is written would be gone before it is read. */
static bool check_outputs(struct import *import, struct error *err)
{
    const struct cli *cli = import->cli;
    for (size_t i = 0; i < OUTPUTS; i++) {
        const char *output = cli_text(cli, output_options[i]);
        import->outputs[i] = output;
        for (int k = 0; output && k < cli->arg_count; k++)
            if (same_file(output, cli->args[k]))
                return error_set(err, ERROR_USAGE, "%s would be overwritten by --%s", cli->args[k],
                                 cli_options[output_options[i]].name);
    }
    return true;
}

static int run(struct cli *cli, struct error *err)
{
    struct import import = {.cli = cli, .ended = -1};
    if (!check_outputs(&import, err))
        return -1;
    import.watch =
        (struct partition_watch){.progress = on_progress, .note = on_note, .context = &import};
    if (!cli_summary_begin(&import.summary, cli, put_result, &import, err))
        return -1;
    import.summary.figures = &figures;
    int status = cli_summary_end(&import.summary, go(&import, err), err);
    if (import.ran)
        partition_result_release(&import.result);
    columns_release(&import.known);
    cli_close(&import.context);
    return status;
}

const struct cli_command cli_command_partition = {
    .name = "partition",
    .arguments = "FILE...",
    .purpose = "log files into the lake layout: JSON lines, a JSON array, CSV, Parquet, gz, zst",
    .about =
        "Lays the rows of log files down in the lake, each in the five-minute folder of its time, "
        "in the layout of the service's own continuous export; weir query reads them beside it. "
        "FILE is a file, a folder, a quoted glob, - for standard input, or a blob of a storage "
        "account by its address. It may be JSON lines, one JSON array, CSV as the portal writes "
        "it, Parquet, or a log of Zeek in JSON, and packed by gzip or zstd: the content tells, "
        "not the name.\n\n"
        "JSON lines are not re-written: the bytes of a line arrive as they are, in the order of "
        "the input. CSV and Parquet become lines with the table's known types.\n\n"
        "The time of a row is TimeGenerated, the column of --time-column, or the one column that "
        "alone can be it; what was guessed is said. A time is ISO 8601 with Z or an offset; one "
        "that names no zone needs --time-zone, a number needs --time-format. Where the time "
        "cannot be told nothing is written, and the candidates are named.\n\n"
        "A line that is not one whole valid JSON object, or has no time, is no row: it goes to "
        "the reject file with its file, its number and the reason, and never into the lake. More "
        "than --allow-rejects of them (0) make exit status 3; the other rows are in the lake all "
        "the same.\n\n"
        "One run is one import with an id, by which its blobs are named. It follows from the "
        "bytes of the files: those that the lake has already are left out, so the same command "
        "may be given again, and a run that was killed is finished by it. Nothing shows before "
        "all is read, then each partition appears in one step. Content that changed is a new "
        "import: --replace ID puts it in the place of the one before (with the same files it "
        "brings "
        "a damaged import anew), --dedup leaves out rows "
        "that the lake has, or that stand in the files twice, by the columns named (* is the "
        "whole row).\n\n"
        "The workspace in the lake's path is that of --workspace-resource-id, or the profile's, "
        "or with neither a local one, and a line says so.\n\n"
        "Sorted files stream. What is not sorted is set aside in memory (--memory, a quarter of "
        "the machine's) and then in scratch files beside the lake. Against kill nothing more is "
        "needed; --sync waits for the disk, against a power cut.",
    .example = "weir partition logs/*.jsonl --table Syslog --lake lake",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .interrupted = "interrupted; no half of a blob shows, and the same command makes the import "
                   "whole",
    .options = {CLI_TABLE, CLI_TIME_COLUMN, CLI_TIME_FORMAT, CLI_TIME_ZONE, CLI_DEDUP, CLI_REPLACE,
                CLI_REJECT_FILE, CLI_ALLOW_REJECTS, CLI_WORKSPACE_RESOURCE_ID, CLI_REPORT,
                CLI_METRICS, CLI_TIER, CLI_MEMORY, CLI_THREADS, CLI_SYNC, CLI_OPTION_COUNT},
    .run = run,
};
