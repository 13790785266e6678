/* weir query: KQL over the lake, or asked of the service itself. */
#include "base/file.h"
#include "cli/answer.h"
#include "cli/members.h"
#include "cli/output.h"
#include "cli/range.h"
#include "kql/kql.h"
#include "query/query.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CELL_TEXT = 48,
    COPY_BLOCK = 256 * 1024,
    WATCH_NANOSECONDS = 20000000 /* between two looks at a signal */
};

/* -- an end when a signal asks for it, however long the engine is at work -- */

struct watch {
    struct query *query;
    const struct stop *stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over;
};

static struct timespec next_look(void)
{
    struct timespec at;
    (void) clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += WATCH_NANOSECONDS;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static void *watch_loop(void *context)
{
    struct watch *watch = context;
    pthread_mutex_lock(&watch->lock);
    while (!watch->over && !stop_asked(watch->stop)) {
        struct timespec at = next_look();
        (void) pthread_cond_timedwait(&watch->changed, &watch->lock, &at);
    }
    if (!watch->over)
        query_cancel(watch->query);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static bool watch_begin(struct watch *watch, struct query *query, const struct stop *stop,
                        struct error *err)
{
    *watch = (struct watch){.query = query,
                            .stop = stop,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    int failed = pthread_create(&watch->thread, NULL, watch_loop, watch);
    return failed == 0 || error_set_errno(err, ERROR_IO, failed, "no thread can be started");
}

static void watch_end(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->over = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
}

/* -- cells of a chunk as text -- */

struct cells {
    struct cli_cell *v;
    char (*texts)[CELL_TEXT];
};

static struct str real_text(double value, char out[CELL_TEXT])
{
    if (value != value)
        return STR("NaN");
    if (value - value != 0)
        return value > 0 ? STR("Infinity") : STR("-Infinity");
    double back;
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, CELL_TEXT, "%.*g", digits, value);
        if (str_double((struct str){out, (size_t) n}, &back) && back == value)
            break;
    }
    if (!strpbrk(out, ".e"))
        n += snprintf(out + n, CELL_TEXT - (size_t) n, ".0");
    return (struct str){out, (size_t) n};
}

static struct str fixed_text(const struct engine_vector *vector, size_t row, char out[CELL_TEXT])
{
    int n = 0;
    switch (vector->type) {
    case COLUMN_BOOL:
        return ((const bool *) vector->values)[row] ? STR("true") : STR("false");
    case COLUMN_INT:
        n = snprintf(out, CELL_TEXT, "%d", ((const int32_t *) vector->values)[row]);
        break;
    case COLUMN_LONG:
        n = snprintf(out, CELL_TEXT, "%lld", (long long) ((const int64_t *) vector->values)[row]);
        break;
    case COLUMN_REAL:
        return real_text(((const double *) vector->values)[row], out);
    case COLUMN_DATETIME:
        n = (int) tick_format(((const int64_t *) vector->values)[row], out);
        break;
    case COLUMN_TIMESPAN:
        n = (int) timespan_format(((const int64_t *) vector->values)[row], out);
        break;
    default:
        return engine_text(vector, row);
    }
    return (struct str){out, n > 0 ? (size_t) n : 0};
}

static bool put_chunk(struct cli_output *output, const struct engine_chunk *chunk,
                      struct cells *cells, struct error *err)
{
    for (size_t row = 0; row < chunk->rows; row++) {
        for (size_t i = 0; i < chunk->count; i++) {
            const struct engine_vector *vector = &chunk->vectors[i];
            cells->v[i].null = !engine_valid(vector, row);
            cells->v[i].text =
                cells->v[i].null ? STR("") : fixed_text(vector, row, cells->texts[i]);
        }
        if (!cli_output_row(output, cells->v, err))
            return false;
    }
    return true;
}

static bool put_rows(struct cli *cli, struct query *query, struct error *err)
{
    const struct columns *columns = query_columns(query);
    struct cells cells = {.v = mem_alloc(columns->n, sizeof *cells.v, err)};
    cells.texts = mem_alloc(columns->n, sizeof *cells.texts, err);
    struct cli_output *output = cells.v && cells.texts ? cli_output_new(cli, columns, err) : NULL;
    bool ok = output != NULL;
    while (ok) {
        const struct engine_chunk *chunk;
        ok = !stop_asked(cli->stop) || error_set(err, ERROR_INTERRUPTED, "interrupted");
        ok = ok && query_next(query, &chunk, err);
        if (!ok || !chunk)
            break;
        ok = put_chunk(output, chunk, &cells, err);
    }
    if (ok)
        ok = cli_output_end(output, err);
    else
        cli_output_free(output);
    mem_free(cells.v);
    mem_free(cells.texts);
    return ok;
}

/* -- Parquet: written to a file of ours, whole, and only then to stdout -- */

static bool is_parquet(const struct cli *cli)
{
    return strcmp(cli_output_form(cli), "parquet") == 0;
}

static bool check_parquet(const struct cli *cli, bool workspace, struct error *err)
{
    if (!is_parquet(cli))
        return true;
    if (workspace) {
        (void) error_set(err, ERROR_USAGE,
                         "--output parquet is for queries over the lake, not for "
                         "--engine workspace");
        return error_hint(err, "weir export brings the rows into the lake");
    }
    if (cli->terminal_out)
        return error_set(err, ERROR_USAGE,
                         "--output parquet needs a file or a pipe: weir query ... > rows.parquet");
    return true;
}

/* A folder that nobody else can look into, under TMPDIR or /tmp. */
static bool make_folder(struct buf *folder, struct error *err)
{
    const char *parent = getenv("TMPDIR");
    buf_printf(folder, "%s/weir-XXXXXX", parent && parent[0] == '/' ? parent : "/tmp");
    if (!buf_ok(folder, "TMPDIR", err))
        return false;
    return mkdtemp(folder->bytes) ||
           error_set_errno(err, ERROR_IO, errno, "%s cannot be made", buf_text(folder));
}

static bool pass_on(int from, int to, const char *path, struct error *err)
{
    char *block = mem_alloc(COPY_BLOCK, 1, err);
    bool ok = block != NULL;
    for (ssize_t n = 1; ok && n > 0;) {
        n = read(from, block, COPY_BLOCK);
        if (n < 0)
            ok = error_set_errno(err, ERROR_IO, errno, "%s", path);
        else
            ok = file_write_all(to, block, (size_t) n, "the result", err);
    }
    mem_free(block);
    return ok;
}

/* A file that took a part only is given its old length back; from a pipe nothing can be taken back. */
static bool put_file(struct cli *cli, int file, const char *path, struct error *err)
{
    struct stat status;
    int out = fileno(cli->out);
    if (fflush(cli->out) != 0 || fstat(out, &status) != 0)
        return error_set_errno(err, ERROR_IO, errno, "the result cannot be written");
    bool ok = pass_on(file, out, path, err);
    if (!ok && S_ISREG(status.st_mode) && ftruncate(out, status.st_size) != 0)
        (void) error_hint(err, "what stands in the file is not whole");
    return ok;
}

/* Gone from the folder as soon as it is open, so that no end of the program leaves it behind. */
static bool open_gone(const char *path, int *file, struct error *err)
{
    *file = open(path, O_RDONLY | O_CLOEXEC);
    return (*file >= 0 && unlink(path) == 0) || error_set_errno(err, ERROR_IO, errno, "%s", path);
}

static bool put_parquet(struct cli *cli, struct query *query, struct error *err)
{
    struct buf folder = BUF_INIT(PATH_MAX), path = BUF_INIT(PATH_MAX);
    int file = -1;
    bool made = make_folder(&folder, err);
    path_join(&path, buf_text(&folder), "rows.parquet");
    bool ok = made && buf_ok(&path, "TMPDIR", err) &&
              query_write_parquet(query, buf_text(&path), err) &&
              open_gone(buf_text(&path), &file, err);
    if (made && rmdir(buf_text(&folder)) != 0)
        cli_note(cli, "%s cannot be removed", buf_text(&folder));
    if (ok && stop_asked(cli->stop))
        ok = error_set(err, ERROR_INTERRUPTED, "interrupted");
    ok = ok && put_file(cli, file, buf_text(&path), err);
    if (file >= 0)
        (void) close(file);
    buf_release(&folder);
    buf_release(&path);
    return ok;
}

/* The result in the form that is asked for. */
static bool put_result(struct cli *cli, struct query *query, struct error *err)
{
    struct watch watch;
    if (!watch_begin(&watch, query, cli->stop, err))
        return false;
    bool ok = (is_parquet(cli) ? put_parquet : put_rows)(cli, query, err);
    watch_end(&watch);
    return ok;
}

/* -- coverage -- */

static void days_text(uint64_t partitions, char out[TEXT_NUMBER_MAX])
{
    const uint64_t a_day = TICK_DAY / TICK_PARTITION;
    if (partitions % a_day == 0)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu", (unsigned long long) (partitions / a_day));
    else
        (void) snprintf(out, TEXT_NUMBER_MAX, "%.2f", (double) partitions / (double) a_day);
}

static void say_json(const struct cli *cli, const struct query_coverage *one)
{
    struct buf members = BUF_INIT(1 << 16);
    cli_put_text(&members, "table", one->table);
    cli_put_time(&members, "from", one->from);
    cli_put_time(&members, "to", one->to);
    cli_put_number(&members, "partitions", one->partitions);
    cli_put_number(&members, "held", one->held);
    cli_tell(cli, CLI_INFO, "coverage", &members, "coverage of %s", one->table);
    buf_release(&members);
}

static void say_coverage(const struct cli *cli, const struct query_coverage *one)
{
    if (cli_log_is_json(cli)) {
        say_json(cli, one);
        return;
    }
    char held[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX];
    days_text(one->held, held);
    days_text(one->partitions, asked);
    cli_note(cli, "the lake holds %s of %s day%s of %s", held, asked,
             strcmp(asked, "1") == 0 ? "" : "s", one->table);
}

/* History and the service's own export lie side by side, and are read as one. */
static void say_joined(const struct cli *cli, const struct query_coverage *one)
{
    char blobs[TEXT_NUMBER_MAX];
    if (one->joined > 0)
        cli_detail(cli, "%s: blobs of the service's own export read beside exported ones: %s",
                   one->table, text_grouped(one->joined, blobs));
    if (one->outdated > 0)
        cli_detail(cli, "%s: blobs of earlier exports, which the ledger does not name: %s",
                   one->table, text_grouped(one->outdated, blobs));
}

/* What the rows themselves told. */
static void say_lines(const struct cli *cli, const struct query *query)
{
    char lines[TEXT_NUMBER_MAX], values[CLI_COUNT_TEXT];
    uint64_t misfits = query_misfits(query);
    if (misfits > 0)
        cli_note(cli, "%s %s column's type and %s read as null",
                 cli_count_text(misfits, "value", values),
                 misfits == 1 ? "does not fit its" : "do not fit their",
                 misfits == 1 ? "was" : "were");
    if (query_doubled(query) > 0)
        cli_note(
            cli,
            "lines that stand twice in the lake, left out: %s (the service's own export writes "
            "some twice, and some that were exported)",
            text_grouped(query_doubled(query), lines));
}

/* Says it, and whether all that was asked for is there. */
static bool covered(const struct cli *cli, const struct query *query)
{
    const struct query_coverage *list;
    size_t n = query_coverage(query, &list);
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        say_joined(cli, &list[i]);
        if (list[i].partitions == 0)
            continue;
        say_coverage(cli, &list[i]);
        all = all && list[i].held == list[i].partitions;
    }
    return all;
}

/* -- the two engines -- */

/* To take a database apart needs longer than a small query, and the system does it at once. Builds that count what is
 * left, or what was run, free everything. */
static void end_query(struct cli *cli, struct query *query)
{
#ifdef WEIR_FREE_ALL
    (void) cli;
    query_free(query);
#else
    cli->leave = query_leave(query);
#endif
}

static int on_lake(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                   struct str kql, struct error *err)
{
    struct query_options options = {
        .workspace_id = cli_text(cli, CLI_WORKSPACE_ID),
        .kql = kql,
        .from = range->from,
        .to = range->to,
        .now = tick_now(),
    };
    if (!cli_open_store(cli, context, err))
        return -1;
    options.store = context->store;
    struct query *query = query_open(&options, err);
    if (!query)
        return -1;
    bool all = covered(cli, query), ok = true;
    if (!all && cli_flag(cli, CLI_REQUIRE_COVERAGE)) {
        ok = error_set(err, ERROR_INCOMPLETE, "the lake does not hold all of the asked range");
        (void) error_hint(err, "weir export fetches the rest; without --require-coverage the query "
                               "runs over what is there");
    }
    ok = ok && put_result(cli, query, err);
    if (ok)
        say_lines(cli, query);
    end_query(cli, query);
    return ok ? 0 : -1;
}

static int on_workspace(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                        struct str kql, struct error *err)
{
    char timespan[2 * TICK_TEXT_MAX + 2], from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    (void) tick_format(range->from, from);
    /* The service takes the end of a timespan as included (docs/service.md 1.2): ours is not. */
    (void) tick_format(range->to - 1, to);
    (void) snprintf(timespan, sizeof timespan, "%s/%s", from, to);
    bool ok = cli_open_workspace(cli, context, err) &&
              cli_show_answer(cli, context, kql, range->given ? timespan : NULL, err);
    return ok ? 0 : -1;
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct cli_range range;
    const char *text = NULL;
    int status = -1;
    bool workspace = strcmp(cli_text(cli, CLI_ENGINE), "workspace") == 0;
    if (check_parquet(cli, workspace, err) && cli_query_text(cli, cli->args[0], &text, err) &&
        cli_range_read(cli, tick_now(), &range, err))
        status = (workspace ? on_workspace : on_lake)(cli, &context, &range, str_of(text), err);
    if (status < 0 && err->code == ERROR_KQL && text) {
        cli_show_error(cli, err, str_of(text));
        status = error_exit_status(ERROR_KQL);
    }
    cli_close(&context);
    return status;
}

const struct cli_command cli_command_query = {
    .name = "query",
    .arguments = "KQL|@FILE",
    .purpose = "KQL over the lake; --engine workspace asks the service itself",
    .about =
        "Runs KQL over what the lake holds, on the embedded engine of this machine, or with "
        "--engine workspace in the "
        "workspace. A range given with options is applied to TimeGenerated of every table; a "
        "range in the query's own "
        "filters is found as well, so only the partitions that can matter are read.\n\n"
        "On the lake it says how much of the asked range is there; with --require-coverage "
        "less than all is exit status "
        "3 and nothing is run. What is not supported is refused by name and position, never "
        "approximated.\n\n"
        "What the service's own continuous export wrote is read together with what was exported: a "
        "record that stands "
        "in both, or that it wrote twice, is given once, and how many lines were left out is "
        "said.\n\n"
        "--output parquet writes a file of Parquet (zstd) to a file or pipe, over the lake only: "
        "it is written whole to a temporary folder (TMPDIR, else /tmp) and then passed on, so "
        "there is no half of one. bool, int, long and real keep their types; a datetime is a "
        "TIMESTAMP in nanoseconds of UTC, exact to 100 ns, from 1677-09-21 to 2262-04-11 (the "
        "file does not mark it as adjusted to UTC); a timespan is an INT64 of ticks of 100 ns; "
        "decimal, guid, string and dynamic (as JSON) are strings.",
    .example =
        "weir query 'CommonSecurityLog | summarize count() by DeviceVendor' --end-date 2021-11-07",
    .args_min = 1,
    .args_max = 1,
    .parquet = true,
    .options = {CLI_RANGE_OPTIONS, CLI_ENGINE, CLI_REQUIRE_COVERAGE, CLI_WAIT, CLI_OPTION_COUNT},
    .run = run,
};
