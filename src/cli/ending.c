/* Ending: see ending.h. */
#include "cli/ending.h"

#include "cli/members.h"

enum { MEMBERS_MAX = 4096 };

const char *cli_verdicts_text(const struct export_report *report, char out[CLI_VERDICTS_TEXT])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < EXPORT_VERDICT_COUNT; i++) {
        char number[TEXT_NUMBER_MAX];
        if (report->verdicts[i] == 0)
            continue;
        int n = snprintf(out + used, CLI_VERDICTS_TEXT - used, "%s%s %s", used ? ", " : "",
                         text_grouped(report->verdicts[i], number),
                         export_verdict_text((enum export_verdict) i));
        used += n > 0 ? (size_t) n : 0;
        if (used >= CLI_VERDICTS_TEXT)
            break;
    }
    return out;
}

const char *cli_seen_text(const struct export_report *report, const char *identity,
                          char out[CLI_SEEN_TEXT])
{
    out[0] = '\0';
    if (report->access != LAKE_ACCESS_FULL)
        (void) snprintf(out, CLI_SEEN_TEXT, ", complete as seen by %s",
                        identity && identity[0] ? identity : "an identity that nobody told");
    return out;
}

void cli_say_access(const struct cli *cli, const struct export_report *report, const char *table,
                    const char *identity)
{
    const char *who = identity && identity[0] ? identity : "this identity";
    const char *why = report->access_why[0] ? report->access_why : "the ledger says so";
    if (report->access == LAKE_ACCESS_CONDITIONAL)
        cli_last(cli, "%s does not see all rows of %s: %s", who, table, why);
    else if (report->access == LAKE_ACCESS_UNKNOWN && report->access_why[0])
        cli_detail(cli, "whether %s sees all rows of %s is not known: %s", who, table, why);
    else if (report->access == LAKE_ACCESS_FULL)
        cli_detail(cli, "%s sees all rows of %s: %s", who, table, why);
}

void cli_tell_failed(const struct cli *cli, const char *table, const struct export_failed *one,
                     const char *line)
{
    struct buf members = BUF_INIT(MEMBERS_MAX);
    cli_put_text(&members, "table", table);
    cli_put_time(&members, "partition", one->partition);
    cli_put_text(&members, "verdict", export_verdict_text(one->verdict));
    cli_put_number(&members, "rows", one->rows);
    cli_put_number(&members, "rows_expected", one->rows_expected);
    cli_put_number(&members, "tries", one->tries);
    cli_put_text(&members, "reasons", one->reasons);
    cli_tell(cli, CLI_LAST, "failed", &members, "%s", line);
    buf_release(&members);
}

static int badness(int status)
{
    static const int order[] = {0, 3, 2, 1};
    for (int i = 0; i < (int) (sizeof order / sizeof *order); i++)
        if (order[i] == status)
            return i;
    return status; /* interrupted */
}

int cli_worse_status(int a, int b)
{
    return badness(a) > badness(b) ? a : b;
}
