/* Source: see source.h. */
#include "cli/source.h"

#include "base/file.h"
#include "cli/prices.h"
#include "kql/kql.h"

static const double SCAN_UNBOUND = 9e18; /* bytes */

bool cli_query_text(struct cli *cli, const char *value, const char **out, struct error *err)
{
    *out = value;
    if (!value || value[0] != '@')
        return true;
    struct buf text = BUF_INIT(CLI_VALUE_MAX);
    bool ok = file_read(value + 1, CLI_VALUE_MAX, &text, err);
    *out = ok ? arena_copy(&cli->arena, buf_text(&text), text.used, err) : NULL;
    buf_release(&text);
    return *out != NULL;
}

/* The semicolon that ends a statement would end it before what weir adds. */
static const char *without_end(struct cli *cli, const char *query, struct error *err)
{
    struct str text = str_trim(str_of(query));
    while (text.n > 0 && text.p[text.n - 1] == ';') {
        text.n--;
        text = str_trim(text);
    }
    return arena_copy(&cli->arena, text.p, text.n, err);
}

static bool read_query(struct cli *cli, struct export_source *source, struct str *text,
                       struct error *err)
{
    const char *query;
    if (cli->arg_count > 0)
        return error_set(err, ERROR_USAGE, "either TABLE or --query, not both");
    if (!cli_text(cli, CLI_AS)) {
        (void) error_set(err, ERROR_USAGE,
                         "--query needs --as NAME: what its rows are called in the lake");
        return error_hint(err, "%s", cli->command->example);
    }
    if (!cli_query_text(cli, cli_text(cli, CLI_QUERY), &query, err))
        return false;
    source->query = without_end(cli, query, err);
    source->one_batch = cli_flag(cli, CLI_ONE_BATCH);
    if (!source->query)
        return false;
    *text = str_of(source->query);
    if (source->one_batch)
        return kql_check_syntax(*text, err);
    return kql_check_row_by_row(*text, err);
}

static enum workspace_plan plan_of(const struct cli *cli)
{
    static const enum workspace_plan plans[] = {WORKSPACE_PLAN_ANALYTICS, WORKSPACE_PLAN_BASIC,
                                                WORKSPACE_PLAN_AUXILIARY};
    const char *name = cli_text(cli, CLI_PLAN);
    for (size_t i = 0; name && i < sizeof plans / sizeof *plans; i++)
        if (str_eq_case(str_of(name), str_of(workspace_plan_text(plans[i]))))
            return plans[i];
    return WORKSPACE_PLAN_UNKNOWN;
}

/* Bytes that may be read for --max-cost; 0: no limit. */
static bool read_scan_max(struct cli *cli, uint64_t *out, struct error *err)
{
    struct cli_prices prices;
    const char *name;
    *out = 0;
    if (!cli_text(cli, CLI_MAX_COST))
        return true;
    if (!cli_prices_read(cli, &prices, &name, err))
        return false;
    double cost = cli_decimal(cli, CLI_MAX_COST, 0);
    double bytes = prices.search_gb > 0 ? cost / prices.search_gb * 1e9 : SCAN_UNBOUND;
    *out = bytes >= SCAN_UNBOUND ? 0 : bytes < 1 ? 1 : (uint64_t) bytes;
    return true;
}

bool cli_source_table(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                      const char *table, struct export_options *out, struct error *err)
{
    struct export_source *source = &out->source;
    if (!cli_open_place(cli, table, context, err))
        return false;
    source->place = context->place;
    if (source->place.container) {
        source->place.container =
            arena_copy(&cli->arena, source->place.container, strlen(source->place.container), err);
        if (!source->place.container)
            return false;
    }
    source->from = range->from;
    source->to = range->to;
    int64_t settle = cli_duration(cli, CLI_SETTLE, EXPORT_SETTLE);
    out->settle = settle > 0 ? settle : -1;
    out->workspace = context->workspace;
    out->store = context->store;
    out->batch_rows = cli_number(cli, CLI_BATCH_ROWS, 0);
    out->batch_span = cli_duration(cli, CLI_BATCH_SPAN, 0);
    out->queries = (unsigned) cli_number(cli, CLI_MAX_QUERIES, WORKSPACE_CONCURRENT);
    out->memory = cli_size(cli, CLI_MEMORY, 0);
    out->refresh = cli_flag(cli, CLI_REFRESH);
    out->keep_empty = cli_flag(cli, CLI_KEEP_EMPTY);
    out->plan = plan_of(cli);
    out->passes = (unsigned) cli_number(cli, CLI_PASSES, 1);
    out->run = context->run;
    out->stop = cli->stop;
    return read_scan_max(cli, &out->scan_max, err);
}

bool cli_source_read(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                     struct export_options *out, struct str *text, struct error *err)
{
    const char *table = cli_text(cli, CLI_AS);
    if (table && !cli_text(cli, CLI_QUERY))
        return error_set(err, ERROR_USAGE, "--as names the rows of a query: it needs --query");
    if (cli_text(cli, CLI_QUERY)) {
        if (!read_query(cli, &out->source, text, err))
            return false;
    } else if (cli->arg_count == 0) {
        (void) error_set(err, ERROR_USAGE, "%s needs TABLE, or --query KQL --as NAME",
                         cli->command->name);
        return error_hint(err, "weir tables lists the tables");
    } else {
        table = cli->args[0];
    }
    return cli_source_table(cli, context, range, table, out, err);
}
