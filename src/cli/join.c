/* Join: see join.h. */
#include "cli/join.h"

bool cli_join_read(const struct cli *cli, enum export_beside *out, struct error *err)
{
    bool join = cli_flag(cli, CLI_UNTIL_CONTINUOUS), keep = cli_flag(cli, CLI_BESIDE);
    *out = join ? EXPORT_BESIDE_JOIN : keep ? EXPORT_BESIDE_KEEP : EXPORT_BESIDE_REFUSE;
    if (join && keep)
        return error_set(err, ERROR_USAGE, "either --until-continuous or --beside, not both");
    if (join && cli_text(cli, CLI_QUERY))
        return error_set(err, ERROR_USAGE,
                         "--until-continuous joins a table; a query's rows have no rule");
    return true;
}

static void say_rule(const struct cli *cli, const char *table, const struct export_until *until)
{
    char created[TICK_TEXT_MAX], end[TICK_TEXT_MAX];
    (void) tick_format_short(until->created, created);
    (void) tick_format_short(until->end, end);
    cli_note(cli, "%s: rule %s%s exports it to %s%s%s; the history is joined with it up to %s UTC",
             table, until->rule, until->enabled ? "" : " (switched off)",
             until->account[0] ? until->account : "an account that is not told",
             until->created > 0 ? " since " : "", until->created > 0 ? created : "", end);
}

bool cli_join_range(const struct cli *cli, struct export_options *options, struct cli_range *range,
                    struct error *err)
{
    struct export_until until;
    if (!cli_flag(cli, CLI_UNTIL_CONTINUOUS) || cli_given(cli, CLI_END) ||
        cli_given(cli, CLI_END_DATE))
        return true;
    if (!export_until(options, &until, err))
        return false;
    say_rule(cli, options->source.place.table, &until);
    options->continuous = until.flows;
    if (!cli_given(cli, CLI_START))
        range->from += until.end - range->to;
    range->to = until.end;
    if (range->from >= range->to) {
        char text[TICK_TEXT_MAX];
        (void) tick_format_short(range->to, text);
        return error_set(err, ERROR_USAGE,
                         "the range of '%s' begins where the continuous export has it all, %s UTC",
                         options->source.place.table, text);
    }
    return true;
}

const char *cli_join_text(const struct export_report *report, char out[CLI_JOIN_TEXT])
{
    char joined[TEXT_NUMBER_MAX], rows[TEXT_NUMBER_MAX], doubled[TEXT_NUMBER_MAX],
        filled[TEXT_NUMBER_MAX], gaps[CLI_COUNT_TEXT], lacks[CLI_JOIN_TEXT / 2] = "lacks none.";
    out[0] = '\0';
    if (report->joined == 0 && report->gaps == 0)
        return out;
    if (report->gaps > 0)
        (void) snprintf(lacks, sizeof lacks, "lacks %s in %s: weir wrote those.",
                        text_grouped(report->filled, filled),
                        cli_count_text(report->gaps, "partition", gaps));
    (void) snprintf(out, CLI_JOIN_TEXT,
                    " %s of them %s joined with the continuous export, which has %s rows (%s lines "
                    "more than once) and %s",
                    text_grouped(report->joined, joined), report->joined == 1 ? "is" : "are",
                    text_grouped(report->beside_rows, rows), text_grouped(report->doubled, doubled),
                    lacks);
    return out;
}

void cli_join_say(const struct cli *cli, const struct export_report *report, const char *table)
{
    char number[TEXT_NUMBER_MAX];
    if (report->damaged > 0)
        cli_last(cli, "%s: %s line%s of the continuous export cannot be read as rows", table,
                 text_grouped(report->damaged, number), report->damaged == 1 ? "" : "s");
    if (report->strangers > 0)
        cli_note(cli, "%s: %s row%s of the continuous export %s not in the workspace", table,
                 text_grouped(report->strangers, number), report->strangers == 1 ? "" : "s",
                 report->strangers == 1 ? "is" : "are");
}
