/* Time: a datetime is a count of 100 ns ticks since 0001-01-01 00:00 UTC, a timespan a count of
 * ticks. Both are int64_t, as in the service (KQL reference, datetime and timespan data types).
 * There are no time zones here, and no leap seconds, as in the service.
 */
#ifndef WEIR_BASE_TICK_H
#define WEIR_BASE_TICK_H

#include "base/text.h"

#define TICK_SECOND INT64_C(10000000)
#define TICK_MILLISECOND INT64_C(10000)
#define TICK_MICROSECOND INT64_C(10)
#define TICK_MINUTE (60 * TICK_SECOND)
#define TICK_HOUR (60 * TICK_MINUTE)
#define TICK_DAY (24 * TICK_HOUR)
#define TICK_UNIX_EPOCH INT64_C(621355968000000000) /* 1970-01-01 */
#define TICK_MAX INT64_C(3155378975999999999)       /* 9999-12-31 23:59:59.9999999 */
#define TICK_PARTITION (5 * TICK_MINUTE)

struct tick_civil {
    int year, month, day;               /* 1..9999, 1..12, 1..31 */
    int hour, minute, second, fraction; /* fraction in ticks, 0..9999999 */
};

/* Every function that turns a tick into text or a date wants it within 0..TICK_MAX. */
struct tick_civil tick_civil(int64_t tick);
bool tick_from_civil(const struct tick_civil *civil,
                     int64_t *out); /* false: a part is out of range */

/* ISO 8601 as the service writes it: date, or date and time hh:mm[:ss] with `T` or a blank, any number of
 * fractional digits (those beyond the seventh are cut), then `Z`, an offset (+hh:mm, +hhmm, +hh, at most 14
 * hours), or nothing (UTC). The whole text; no 24:00 and no leap second. */
bool tick_parse(struct str s, int64_t *out);

/* The same, told apart. */
enum tick_read {
    TICK_NO_TIME,
    TICK_UTC,
    TICK_WALL,   /* no Z and no offset: *out is the wall clock's, -1 for the year 0 */
    TICK_OUTSIDE /* a time that is not within 0 .. TICK_MAX, or of the year 0 */
};
enum tick_read tick_read(struct str s, int64_t *out);

/* A number of seconds (unit 7) or milliseconds (unit 4) since 1970, as JSON writes numbers: 1588205199.82437,
 * 1.588e9, -1. Its digits are taken exactly; what is finer than a tick is cut, towards the past. TICK_UTC,
 * TICK_OUTSIDE, or TICK_NO_TIME for what is no such number. In epoch.c. */
enum { TICK_EPOCH_SECONDS = 7, TICK_EPOCH_MILLISECONDS = 4 };
enum tick_read tick_read_epoch(struct str number, int unit, int64_t *out);

/* The portal's times, as a browser of the US writes them: 11/20/2020, 4:20:29.443 PM. Month and day of one or two
 * digits, year of four, between '/' or '-'; then, behind blanks or a comma, h:mm[:ss[.f]] with AM or PM or
 * by 24 hours; a date alone is its midnight. The whole text. TICK_WALL or TICK_NO_TIME. In epoch.c. */
enum tick_read tick_read_us(struct str s, int64_t *out);

/* The service's form: 2022-02-26T12:41:19.2909747Z, fraction without trailing zeros, none when 0. */
enum { TICK_TEXT_MAX = 32 };
size_t tick_format(int64_t tick, char out[TICK_TEXT_MAX]);
/* Always 7 digits, as KQL's tostring() has it. */
size_t tick_format_full(int64_t tick, char out[TICK_TEXT_MAX]);
/* For people: 2021-11-18 00:00, with seconds and fraction only where they are not 0. */
size_t tick_format_short(int64_t tick, char out[TICK_TEXT_MAX]);

/* KQL's timespan text [-][d.]hh:mm:ss[.fffffff], seven digits or none; and back, where the seconds may
 * be missing and the fraction shorter. */
enum { TIMESPAN_TEXT_MAX = 40 };
size_t timespan_format(int64_t span, char out[TIMESPAN_TEXT_MAX]);
bool timespan_parse(struct str s, int64_t *out);

/* A duration as a user writes one: KQL (5m, 1.5h, 21d, 100ms, 3tick, 2seconds) or ISO 8601
 * (PT5M, P21D, P1DT12H, P2W; no years and months). No sign; broken ticks are rounded down. The whole
 * text; false on anything else or on overflow. */
bool duration_parse(struct str s, int64_t *out);

/* Largest multiple of `step` (> 0) at or below the tick, counted from 0001-01-01; for negatives too. */
int64_t tick_floor(int64_t value, int64_t step);

int64_t tick_now(void);  /* the wall clock */
uint64_t clock_ns(void); /* monotonic, for durations */

#endif
