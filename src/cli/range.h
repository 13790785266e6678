/* Ranges: the three forms in which a user names one.
 *
 *     --end T --days N              N days up to T (default: now)
 *     --start T --end T             from, to (default: now)
 *     --end-date D --lookback-days N   N whole UTC days, D the last of them; without N: that day
 */
#ifndef WEIR_CLI_RANGE_H
#define WEIR_CLI_RANGE_H

#include "cli/cli.h"

#define CLI_RANGE_OPTIONS CLI_END, CLI_DAYS, CLI_START, CLI_END_DATE, CLI_LOOKBACK_DAYS

struct cli_range {
    int64_t from, to; /* half-open, floored to five minutes */
    bool given;       /* false: no form was given, from and to are 0 */
};

/* Reads the range. An end in the future means now, and a note says so; a start in the future, a range the wrong way
 * round, or two forms mixed are ERROR_USAGE. `now`: the wall clock. */
bool cli_range_read(const struct cli *cli, int64_t now, struct cli_range *out, struct error *err);

/* The same, where a range must be given: ERROR_USAGE shows the three forms. */
bool cli_range_need(const struct cli *cli, int64_t now, struct cli_range *out, struct error *err);

/* "2021-10-28 00:00 to 2021-11-18 00:00 UTC, 21 days" */
enum { CLI_RANGE_TEXT = 120 };
const char *cli_range_text(const struct cli_range *range, char out[CLI_RANGE_TEXT]);

#endif
