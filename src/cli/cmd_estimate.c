/* weir estimate: what an export would be, by day. */
#include "cli/output.h"
#include "cli/prices.h"
#include "cli/source.h"

enum { BAR_WIDTH = 20 };

/* A bar in eighths of a character. */
static void put_bar(FILE *out, uint64_t value, uint64_t most)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t parts =
        most > 0 ? (uint64_t) ((double) value / (double) most * BAR_WIDTH * 8 + 0.5) : 0;
    for (uint64_t i = 0; i < parts / 8; i++)
        (void) fputs("█", out);
    (void) fputs(eighths[parts % 8], out);
}

static double write_cost(const struct export_day *day, const struct cli_prices *prices)
{
    return (double) day->partitions / 10000 * prices->write_10000;
}

/* For a month. */
static double storage_cost(const struct export_day *day, const struct cli_prices *prices)
{
    return (double) day->json / 1e9 * prices->storage_gb;
}

/* Of a Basic or Auxiliary table, where reading is billed, and rows are not counted for an estimate. */
static bool is_billed(const struct export_estimate *estimate)
{
    return estimate->passes > 0;
}

/* Bytes are: counted, or told by Usage. */
static bool is_known(const struct export_estimate *estimate)
{
    return !is_billed(estimate) || estimate->scan_known;
}

static double search_cost(const struct export_day *day, const struct export_estimate *estimate,
                          const struct cli_prices *prices)
{
    return (double) day->bytes * estimate->passes / 1e9 * prices->search_gb;
}

static void put_day(FILE *out, const char *name, const struct export_day *day,
                    const struct export_estimate *estimate, uint64_t most,
                    const struct cli_prices *prices)
{
    char rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX],
        blobs[TEXT_NUMBER_MAX];
    bool billed = is_billed(estimate), known = is_known(estimate);
    double cost =
        write_cost(day, prices) + storage_cost(day, prices) + search_cost(day, estimate, prices);
    (void) fprintf(
        out, "%-10s %11s %12s %12s %12s ", name, billed ? "-" : text_count(day->rows, rows),
        known ? text_bytes(day->bytes, bytes) : "-", known ? text_bytes(day->json, json) : "-",
        billed ? "-" : text_grouped(day->partitions, blobs));
    if (known)
        (void) fprintf(out, "%10.4f", cost);
    else
        (void) fprintf(out, "%10s", "-");
    if (most > 0 && known && day->bytes > 0) {
        (void) fputs("  ", out);
        put_bar(out, billed ? day->bytes : day->rows, most);
    }
    (void) fputc('\n', out);
}

static void put_reading(FILE *out, const struct export_estimate *estimate,
                        const struct cli_prices *prices)
{
    char bytes[TEXT_NUMBER_MAX];
    if (!is_billed(estimate))
        return;
    if (!estimate->scan_known) {
        (void) fprintf(out,
                       "reading     is billed by the GB (%g %s), and Usage does not say how many\n",
                       prices->search_gb, prices->currency);
        return;
    }
    double one = (double) estimate->scan / estimate->passes;
    (void) fprintf(out, "reading     %u pass%s x %s x %g = %.2f %s\n", estimate->passes,
                   estimate->passes == 1 ? "" : "es", text_bytes((uint64_t) one, bytes),
                   prices->search_gb, (double) estimate->scan / 1e9 * prices->search_gb,
                   prices->currency);
}

static void put_costs(FILE *out, const struct export_estimate *estimate,
                      const struct cli_prices *prices, const char *name)
{
    char blobs[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX];
    double writes = write_cost(&estimate->total, prices);
    double storage = storage_cost(&estimate->total, prices);
    put_reading(out, estimate, prices);
    if (!is_known(estimate))
        return;
    (void) fputs("cost        ", out);
    if (!is_billed(estimate))
        (void) fprintf(out, "writes %s = %.2f %s; ",
                       text_grouped(estimate->total.partitions, blobs), writes, prices->currency);
    (void) fprintf(out, "storage %s x %g = %.2f %s a month (prices of %s, %s, %s: %s)\n",
                   text_bytes(estimate->total.json, json), prices->storage_gb, storage,
                   prices->currency, prices->as_of, prices->tier, prices->what, name);
}

static uint64_t most_of(const struct export_estimate *estimate)
{
    uint64_t most = 0;
    for (size_t i = 0; i < estimate->count; i++) {
        const struct export_day *day = &estimate->days[i];
        uint64_t size = is_billed(estimate) ? day->bytes : day->rows;
        most = size > most ? size : most;
    }
    return most;
}

static void put_people(struct cli *cli, const struct cli_context *context,
                       const struct cli_range *range, const struct export_estimate *estimate,
                       const struct cli_prices *prices, const char *name)
{
    char text[CLI_RANGE_TEXT], queries[TEXT_NUMBER_MAX], size[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX];
    FILE *out = cli->out;
    (void) fprintf(out, "%s in %s, %s\n\n", context->place.table, cli_workspace_name(cli, context),
                   cli_range_text(range, text));
    (void) fprintf(out, "%-10s %11s %12s %12s %12s %10s\n", "day", "rows", "service", "as JSON",
                   "partitions", prices->currency);
    uint64_t most = most_of(estimate);
    for (size_t i = 0; i < estimate->count; i++) {
        char day[TICK_TEXT_MAX];
        (void) tick_format_short(estimate->days[i].day, day);
        day[10] = '\0';
        put_day(out, day, &estimate->days[i], estimate, most, prices);
    }
    put_day(out, "total", &estimate->total, estimate, 0, prices);
    (void) fprintf(out, "\nqueries     %s of at most %s, %u at once\n",
                   text_grouped(estimate->queries, queries),
                   text_bytes(estimate->batch_bytes, size),
                   (unsigned) cli_number(cli, CLI_MAX_QUERIES, WORKSPACE_CONCURRENT));
    char least[TEXT_NUMBER_MAX];
    (void) fprintf(out,
                   "time        %s at least, for %d queries in %d s; about %s, when each answer "
                   "begins after 2 s "
                   "and comes with 20 MB/s\n",
                   text_duration(estimate->least, least), WORKSPACE_RATE, WORKSPACE_RATE_WINDOW,
                   text_duration(estimate->seconds, time));
    put_costs(out, estimate, prices, name);
}

/* id, name, type */
#define COLUMNS(X)                                                                                 \
    X(DAY, "day", STRING)                                                                          \
    X(ROWS, "rows", LONG)                                                                          \
    X(SERVICE, "service_bytes", LONG)                                                              \
    X(JSON, "json_bytes", LONG)                                                                    \
    X(PARTITIONS, "partitions", LONG)                                                              \
    X(WRITES, "write_cost", REAL)                                                                  \
    X(STORAGE, "storage_cost_month", REAL)                                                         \
    X(SEARCH, "search_cost", REAL)                                                                 \
    X(QUERIES, "queries", LONG)                                                                    \
    X(LEAST, "least_seconds", REAL)                                                                \
    X(ABOUT, "about_seconds", REAL)

enum estimate_column {
#define X(id, name, type) AT_##id,
    COLUMNS(X)
#undef X
        AT_COUNT
};

struct line {
    char texts[AT_COUNT][TEXT_NUMBER_MAX];
    struct cli_cell cells[AT_COUNT];
};

static void set_number(struct line *line, enum estimate_column at, uint64_t number, bool known)
{
    (void) snprintf(line->texts[at], TEXT_NUMBER_MAX, "%llu", (unsigned long long) number);
    line->cells[at] = (struct cli_cell){.text = str_of(line->texts[at]), .null = !known};
}

static void set_real(struct line *line, enum estimate_column at, int digits, double number,
                     bool known)
{
    (void) snprintf(line->texts[at], TEXT_NUMBER_MAX, "%.*f", digits, number);
    line->cells[at] = (struct cli_cell){.text = str_of(line->texts[at]), .null = !known};
}

static bool put_row(struct cli_output *output, const char *name, const struct export_day *day,
                    const struct export_estimate *estimate, const struct cli_prices *prices,
                    struct error *err)
{
    struct line line;
    bool total = day == &estimate->total, counted = !is_billed(estimate);
    bool known = is_known(estimate);
    line.cells[AT_DAY] = (struct cli_cell){.text = str_of(name)};
    set_number(&line, AT_ROWS, day->rows, counted);
    set_number(&line, AT_SERVICE, day->bytes, known);
    set_number(&line, AT_JSON, day->json, known);
    set_number(&line, AT_PARTITIONS, day->partitions, counted);
    set_real(&line, AT_WRITES, 6, write_cost(day, prices), counted);
    set_real(&line, AT_STORAGE, 6, storage_cost(day, prices), known);
    set_real(&line, AT_SEARCH, 6, search_cost(day, estimate, prices), known);
    set_number(&line, AT_QUERIES, estimate->queries, total);
    set_real(&line, AT_LEAST, 1, estimate->least, total);
    set_real(&line, AT_ABOUT, 1, estimate->seconds, total);
    return cli_output_row(output, line.cells, err);
}

static bool put_machine(struct cli *cli, const struct export_estimate *estimate,
                        const struct cli_prices *prices, struct error *err)
{
    static const struct {
        const char *name;
        enum column_type type;
    } list[] = {
#define X(id, name, type) {name, COLUMN_##type},
        COLUMNS(X)
#undef X
    };
    struct columns columns = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof list / sizeof *list; i++)
        ok = columns_add(&columns, str_of(list[i].name), list[i].type, err);
    struct cli_output *output = ok ? cli_output_new(cli, &columns, err) : NULL;
    ok = output != NULL;
    for (size_t i = 0; ok && i < estimate->count; i++) {
        char day[TICK_TEXT_MAX];
        (void) tick_format_short(estimate->days[i].day, day);
        day[10] = '\0';
        ok = put_row(output, day, &estimate->days[i], estimate, prices, err);
    }
    ok = ok && put_row(output, "total", &estimate->total, estimate, prices, err);
    if (ok)
        ok = cli_output_end(output, err);
    else
        cli_output_free(output);
    columns_release(&columns);
    return ok;
}

static bool show(struct cli *cli, const struct cli_context *context, const struct cli_range *range,
                 const struct export_estimate *estimate, struct error *err)
{
    struct cli_prices prices;
    const char *name;
    if (!cli_prices_read(cli, &prices, &name, err))
        return false;
    if (!cli_output_is_table(cli))
        return put_machine(cli, estimate, &prices, err);
    put_people(cli, context, range, estimate, &prices, name);
    return true;
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct export_options options = {0};
    struct export_estimate estimate = {0};
    struct cli_range range;
    struct str text = {0};
    bool ok =
        cli_range_need(cli, tick_now(), &range, err) && cli_open_workspace(cli, &context, err) &&
        cli_source_read(cli, &context, &range, &options, &text, err) &&
        export_estimate(&options, &estimate, err) && show(cli, &context, &range, &estimate, err);
    int status = ok ? 0 : -1;
    if (!ok && err->code == ERROR_KQL) {
        cli_show_error(cli, err, text);
        status = error_exit_status(ERROR_KQL);
    }
    export_estimate_release(&estimate);
    cli_close(&context);
    return status;
}

const struct cli_command cli_command_estimate = {
    .name = "estimate",
    .arguments = "TABLE",
    .purpose = "rows, bytes, batches, partitions, least time and cost of an export, by day",
    .about = "Rows and the service's bytes are counted by the workspace, exactly. Bytes as JSON "
             "are measured on a "
             "sample of rows. The price of a day is that of writing its blobs and of keeping them "
             "for a month, in the tier of --tier (hot without it). The least time is what the "
             "limit of 200 queries in 30 s asks for; "
             "how fast the service answers, nobody says. "
             "Prices stand in prices/azure.yaml; --prices FILE replaces them.\n\n"
             "A table of the Basic or Auxiliary plan is not counted, since reading it is billed: "
             "what Usage has of it is what a reading costs.",
    .example = "weir estimate CommonSecurityLog --end-date 2021-11-07 --lookback-days 7",
    .args_max = 1,
    .options = {CLI_RANGE_OPTIONS, CLI_SOURCE_OPTIONS, CLI_BATCH_OPTIONS, CLI_SETTLE, CLI_PLAN,
                CLI_PASSES, CLI_TIER, CLI_PRICES, CLI_OPTION_COUNT},
    .run = run,
};
