/* Source: see source.h. */
#include "cli/source.h"

#include "base/file.h"
#include "kql/kql.h"

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

bool cli_source_read(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                     struct export_options *out, struct str *text, struct error *err)
{
    struct export_source *source = &out->source;
    const char *table = cli_text(cli, CLI_AS);
    if (cli_text(cli, CLI_QUERY)) {
        if (!read_query(cli, source, text, err))
            return false;
    } else if (cli->arg_count == 0) {
        (void) error_set(err, ERROR_USAGE, "%s needs TABLE, or --query KQL --as NAME",
                         cli->command->name);
        return error_hint(err, "weir tables lists the tables");
    } else {
        table = cli->args[0];
    }
    if (!cli_open_place(cli, table, context, err))
        return false;
    source->place = context->place;
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
    out->identity = context->credential ? azure_credential_identity(context->credential) : NULL;
    out->run = context->run;
    out->stop = cli->stop;
    return true;
}
