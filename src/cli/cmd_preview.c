/* weir preview: columns and first rows. */
#include "cli/answer.h"
#include "cli/range.h"
#include "cli/source.h"

#include "kql/kql.h"

static const int64_t few_days = 3 * TICK_DAY;

static void put_query(struct buf *out, const struct export_source *source, uint64_t rows)
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    (void) tick_format_full(source->from, from);
    (void) tick_format_full(source->to, to);
    if (source->query)
        buf_puts(out, source->query);
    else
        kql_put_name(out, str_of(source->place.table));
    buf_printf(out, "\n| where TimeGenerated >= datetime(%s) and TimeGenerated < datetime(%s)",
               from, to);
    buf_printf(out, "\n| top %llu by TimeGenerated asc", (unsigned long long) rows);
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct export_options options = {0};
    struct cli_range range;
    struct str text = {0};
    int64_t now = tick_now();
    struct buf kql = BUF_INIT(CLI_VALUE_MAX + (1 << 16));
    bool ok = cli_range_read(cli, now, &range, err);
    if (ok && !range.given)
        range = (struct cli_range){.from = now - few_days, .to = now};
    ok = ok && cli_open_workspace(cli, &context, err) &&
         cli_source_read(cli, &context, &range, &options, &text, err);
    if (ok)
        put_query(&kql, &options.source, cli_number(cli, CLI_ROWS, 10));
    ok = ok && buf_ok(&kql, "query", err) &&
         cli_show_answer(cli, &context, buf_str(&kql), NULL, err);
    int status = ok ? 0 : -1;
    if (!ok && err->code == ERROR_KQL && text.n > 0) {
        cli_show_error(cli, err, text);
        status = error_exit_status(ERROR_KQL);
    }
    buf_release(&kql);
    cli_close(&context);
    return status;
}

const struct cli_command cli_command_preview = {
    .name = "preview",
    .arguments = "TABLE",
    .purpose = "columns and first rows of a few days",
    .about = "Shows the first rows of a range, the last three days where none is given, as the "
             "workspace has them.",
    .example = "weir preview CommonSecurityLog --end-date 2021-11-07 -n 5",
    .args_max = 1,
    .options = {CLI_RANGE_OPTIONS, CLI_ROWS, CLI_SOURCE_OPTIONS, CLI_OPTION_COUNT},
    .run = run,
};
