/* Ranges: see range.h. */
#include "cli/range.h"

enum { DAYS_MAX = 40 * 366 };

static const char *const forms = "--end 2021-11-18 --days 21\n"
                                 "--start 2021-10-28 --end 2021-11-18\n"
                                 "--end-date 2021-11-17 --lookback-days 21";

static int64_t time_of(const struct cli *cli, enum cli_option_id id, int64_t otherwise)
{
    int64_t tick;
    return cli_text(cli, id) && tick_parse(str_of(cli_text(cli, id)), &tick) ? tick : otherwise;
}

static bool mixed(const struct cli *cli, struct error *err)
{
    bool by_days = cli_given(cli, CLI_DAYS), by_start = cli_given(cli, CLI_START);
    bool by_date = cli_given(cli, CLI_END_DATE) || cli_given(cli, CLI_LOOKBACK_DAYS);
    bool end = cli_given(cli, CLI_END);
    if (by_days + by_start + by_date > 1 || (by_date && end)) {
        (void) error_set(err, ERROR_USAGE, "the range is given in two ways");
        (void) error_hint(err, "%s", forms);
        return true;
    }
    return false;
}

static bool days_of(const struct cli *cli, enum cli_option_id id, uint64_t otherwise, int64_t *out,
                    struct error *err)
{
    uint64_t days = cli_number(cli, id, otherwise);
    if (days < 1 || days > DAYS_MAX)
        return error_set(err, ERROR_USAGE, "--%s is between 1 and %d", cli_options[id].name,
                         DAYS_MAX);
    *out = (int64_t) days * TICK_DAY;
    return true;
}

static bool read_form(const struct cli *cli, int64_t now, struct cli_range *out, struct error *err)
{
    int64_t span = 0;
    out->given = true;
    if (cli_given(cli, CLI_END_DATE)) {
        int64_t last = time_of(cli, CLI_END_DATE, now);
        if (last % TICK_DAY != 0)
            return error_set(err, ERROR_USAGE,
                             "--end-date is a day such as 2021-11-17, without a time");
        if (!days_of(cli, CLI_LOOKBACK_DAYS, 1, &span, err))
            return false;
        out->to = last + TICK_DAY;
        out->from = out->to - span;
    } else if (cli_given(cli, CLI_START)) {
        out->from = time_of(cli, CLI_START, now);
        out->to = time_of(cli, CLI_END, now);
    } else if (cli_given(cli, CLI_DAYS)) {
        if (!days_of(cli, CLI_DAYS, 1, &span, err))
            return false;
        out->to = time_of(cli, CLI_END, now);
        out->from = out->to - span;
    } else if (cli_given(cli, CLI_END) || cli_given(cli, CLI_LOOKBACK_DAYS)) {
        (void) error_set(err, ERROR_USAGE, "the range has no begin");
        return error_hint(err, "%s", forms);
    } else {
        *out = (struct cli_range){0};
    }
    return true;
}

static void floor_ends(const struct cli *cli, struct cli_range *range, bool end_is_now)
{
    int64_t from = tick_floor(range->from, TICK_PARTITION),
            to = tick_floor(range->to, TICK_PARTITION);
    if (from != range->from || (to != range->to && !end_is_now)) {
        char a[TICK_TEXT_MAX], b[TICK_TEXT_MAX];
        (void) tick_format_short(from, a);
        (void) tick_format_short(to, b);
        cli_note(cli, "range floored to five minutes: %s to %s UTC", a, b);
    }
    range->from = from;
    range->to = to;
}

bool cli_range_read(const struct cli *cli, int64_t now, struct cli_range *out, struct error *err)
{
    *out = (struct cli_range){0};
    if (mixed(cli, err) || !read_form(cli, now, out, err))
        return false;
    if (!out->given)
        return true;
    char text[TICK_TEXT_MAX];
    if (out->from < 0)
        return error_set(err, ERROR_USAGE, "the range begins before 0001-01-01");
    if (out->from >= now) {
        (void) tick_format_short(out->from, text);
        return error_set(err, ERROR_USAGE, "the range begins in the future: %s UTC", text);
    }
    bool end_is_now = out->to == now;
    if (out->to > now) {
        (void) tick_format_short(tick_floor(now, TICK_PARTITION), text);
        cli_note(cli, "the range ends in the future; it is taken to end now, %s UTC", text);
        out->to = now;
        end_is_now = true;
    }
    floor_ends(cli, out, end_is_now);
    if (out->from >= out->to) {
        (void) error_set(
            err, ERROR_USAGE,
            "the range is empty or the wrong way round: its begin is not before its end");
        return error_hint(err, "%s", forms);
    }
    return true;
}

bool cli_range_need(const struct cli *cli, int64_t now, struct cli_range *out, struct error *err)
{
    if (!cli_range_read(cli, now, out, err))
        return false;
    if (out->given)
        return true;
    (void) error_set(err, ERROR_USAGE, "%s needs a range, in one of three forms",
                     cli->command->name);
    return error_hint(err, "%s", forms);
}

const char *cli_range_text(const struct cli_range *range, char out[CLI_RANGE_TEXT])
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    (void) tick_format_short(range->from, from);
    (void) tick_format_short(range->to, to);
    int64_t span = range->to - range->from;
    if (span % TICK_DAY == 0)
        (void) snprintf(out, CLI_RANGE_TEXT, "%s to %s UTC, %lld day%s", from, to,
                        (long long) (span / TICK_DAY), span == TICK_DAY ? "" : "s");
    else
        (void) snprintf(out, CLI_RANGE_TEXT, "%s to %s UTC", from, to);
    return out;
}
