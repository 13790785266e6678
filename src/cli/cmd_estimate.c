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

static void put_day(FILE *out, const char *name, const struct export_day *day, uint64_t most,
                    const struct cli_prices *prices)
{
    char rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX],
        blobs[TEXT_NUMBER_MAX];
    (void) fprintf(out, "%-10s %11s %12s %12s %12s %10.4f", name, text_count(day->rows, rows),
                   text_bytes(day->bytes, bytes), text_bytes(day->json, json),
                   text_grouped(day->partitions, blobs),
                   write_cost(day, prices) + storage_cost(day, prices));
    if (most > 0 && day->rows > 0) {
        (void) fputs("  ", out);
        put_bar(out, day->rows, most);
    }
    (void) fputc('\n', out);
}

static void put_costs(FILE *out, const struct export_estimate *estimate,
                      const struct cli_prices *prices, const char *name)
{
    char blobs[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX];
    double writes = write_cost(&estimate->total, prices);
    double storage = storage_cost(&estimate->total, prices);
    (void) fprintf(out,
                   "cost        writes %s = %.2f %s; storage %s x %g = %.2f %s a month (prices of "
                   "%s, %s: %s)\n",
                   text_grouped(estimate->total.partitions, blobs), writes, prices->currency,
                   text_bytes(estimate->total.json, json), prices->storage_gb, storage,
                   prices->currency, prices->as_of, prices->what, name);
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
    uint64_t most = 0;
    for (size_t i = 0; i < estimate->count; i++)
        most = estimate->days[i].rows > most ? estimate->days[i].rows : most;
    for (size_t i = 0; i < estimate->count; i++) {
        char day[TICK_TEXT_MAX];
        (void) tick_format_short(estimate->days[i].day, day);
        day[10] = '\0';
        put_day(out, day, &estimate->days[i], most, prices);
    }
    put_day(out, "total", &estimate->total, 0, prices);
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

static bool put_row(struct cli_output *output, const char *name, const struct export_day *day,
                    const struct export_estimate *total, const struct cli_prices *prices,
                    struct error *err)
{
    char numbers[9][TEXT_NUMBER_MAX];
    double writes = write_cost(day, prices);
    double storage = storage_cost(day, prices);
    (void) snprintf(numbers[0], TEXT_NUMBER_MAX, "%llu", (unsigned long long) day->rows);
    (void) snprintf(numbers[1], TEXT_NUMBER_MAX, "%llu", (unsigned long long) day->bytes);
    (void) snprintf(numbers[2], TEXT_NUMBER_MAX, "%llu", (unsigned long long) day->json);
    (void) snprintf(numbers[3], TEXT_NUMBER_MAX, "%llu", (unsigned long long) day->partitions);
    (void) snprintf(numbers[4], TEXT_NUMBER_MAX, "%.6f", writes);
    (void) snprintf(numbers[5], TEXT_NUMBER_MAX, "%.6f", storage);
    struct cli_cell cells[10] = {{.text = str_of(name)}};
    for (int i = 0; i < 6; i++)
        cells[1 + i].text = str_of(numbers[i]);
    cells[7].null = cells[8].null = cells[9].null = !total;
    if (total) {
        (void) snprintf(numbers[6], TEXT_NUMBER_MAX, "%llu", (unsigned long long) total->queries);
        (void) snprintf(numbers[7], TEXT_NUMBER_MAX, "%.1f", total->least);
        (void) snprintf(numbers[8], TEXT_NUMBER_MAX, "%.1f", total->seconds);
        cells[7].text = str_of(numbers[6]);
        cells[8].text = str_of(numbers[7]);
        cells[9].text = str_of(numbers[8]);
    }
    return cli_output_row(output, cells, err);
}

static bool put_machine(struct cli *cli, const struct export_estimate *estimate,
                        const struct cli_prices *prices, struct error *err)
{
    static const struct {
        const char *name;
        enum column_type type;
    } list[] = {{"day", COLUMN_STRING},
                {"rows", COLUMN_LONG},
                {"service_bytes", COLUMN_LONG},
                {"json_bytes", COLUMN_LONG},
                {"partitions", COLUMN_LONG},
                {"write_cost", COLUMN_REAL},
                {"storage_cost_month", COLUMN_REAL},
                {"queries", COLUMN_LONG},
                {"least_seconds", COLUMN_REAL},
                {"about_seconds", COLUMN_REAL}};
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
        ok = put_row(output, day, &estimate->days[i], NULL, prices, err);
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
             "for a month. The least time is what the limit of 200 queries in 30 s asks for; "
             "how fast the service answers, nobody says. "
             "Prices stand in prices/azure.yaml; --prices FILE replaces them.",
    .example = "weir estimate CommonSecurityLog --end-date 2021-11-07 --lookback-days 7",
    .args_max = 1,
    .options = {CLI_RANGE_OPTIONS, CLI_SOURCE_OPTIONS, CLI_BATCH_OPTIONS, CLI_SETTLE, CLI_PRICES,
                CLI_OPTION_COUNT},
    .run = run,
};
