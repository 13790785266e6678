/* Generate: believable security logs in files, with known truth beside them.
 *
 * For each table it writes <out>/<Table>.jsonl, one object a line in the order of the schema's columns,
 * and <out>/truth.json, which tells what is in there: rows, rows by day, first and last tick, idle spans,
 * bursts, planted beacons and password sprays. The same options give the same bytes on any machine.
 *
 *     struct generate_options options = {.tables = "Syslog,SigninLogs", .days = 7, .rows = 100000,
 *                                        .seed = 5, .out = "data"};
 *     struct generate_report report;
 *     if (!generate_run(&options, &report, &err)) ...
 *
 * What is in the logs
 * - Hours of work and weekends, noise by hour, heavy hours, and idle spans without a single row, of 3 to
 *   18 partitions each.
 * - Bursts: many rows that share one tick, one in eight of them the same as the row before to the byte. Their ticks end in 7, and no other row's does, so that the size
 *   of a burst is known exactly. Edges: rows on the first tick of a partition and on the one before it.
 * - Fractions of a second from 0 to 7 digits, integers beyond 2^53 and below 0, reals with exponents,
 *   nulls, empty strings, Unicode of several planes, escapes and line breaks.
 * - Beacons (CommonSecurityLog, DeviceNetworkEvents): 60 s sharp; 300 s with 30 % jitter; 120 s with
 *   10 % to port 53; 3600 s with 5 %. Each from one source to one destination in 203.0.113.0/24, to
 *   which nothing else goes. Together at most a tenth of the rows; with few rows they last shorter, and a
 *   beacon that would have fewer than 10 beats is left out. A beat that falls into an idle span is missing.
 * - Sprays (SigninLogs with ResultType 50126, SecurityEvent with EventID 4625): one source in
 *   198.51.100.0/24, many users, few tries each, within two hours.
 */
#ifndef WEIR_EMULATOR_GENERATE_H
#define WEIR_EMULATOR_GENERATE_H

#include "base/stop.h"
#include "base/text.h"

enum { GENERATE_DAYS_MAX = 1000 };
static const uint64_t GENERATE_ROWS_MAX = UINT64_C(10000000000);

struct generate_options {
    const char
        *tables;   /* --table: names with commas between, each at most once; NULL is a mistake */
    uint64_t days; /* --days: length of the range; 0: 7 */
    uint64_t rows; /* --rows: of each table, exactly; 0: 100,000 */
    uint64_t seed; /* --seed: other numbers, other logs */
    const char
        *out;    /* --out: the folder, made when it is not there. NULL: all is made, nothing kept */
    int64_t end; /* --end: the range's end, floored to the minute; 0: 2021-11-18, so that logs
                           without it are the same tomorrow */
    bool shuffle; /* --shuffle: the same lines in no order; memory stays as small */

    const struct stop *stop; /* asked now and then; ends with ERROR_INTERRUPTED. NULL: never */
    void (*progress)(void *context, const char *table, uint64_t rows,
                     uint64_t of); /* now and then */
    void *context;
};

struct generate_report {
    uint64_t tables, rows, bytes; /* of this run together */
};

/* Writes all tables, each file in one step when it is whole, truth.json last; tables that an older
 * truth.json tells of and that are not made now stay in it. ERROR_USAGE on a table that is not known
 * (with the names), a range before the year 1 or beyond 9999, a number above its limit; ERROR_IO when
 * the disk refuses. Prints nothing. One thread; several calls at once are fine in several folders. */
bool generate_run(const struct generate_options *options, struct generate_report *report,
                  struct error *err);

/* The names of the tables it knows, NULL at the end. */
const char *const *generate_tables(void);

#endif
