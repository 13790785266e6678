/* Spans of time as KQL, ISO 8601 and people write them; see tick.h. */
#include "base/tick.h"

#include <stdio.h>

enum { FRACTION_MAX = 18 }; /* digits behind the point of a duration; 10^18 fits into 64 bits */

__extension__ typedef unsigned __int128 wide;

size_t timespan_format(int64_t span, char out[TIMESPAN_TEXT_MAX])
{
    uint64_t ticks = span < 0 ? 0 - (uint64_t) span : (uint64_t) span;
    uint64_t days = ticks / (uint64_t) TICK_DAY;
    unsigned seconds = (unsigned) (ticks % (uint64_t) TICK_DAY / (uint64_t) TICK_SECOND);
    unsigned fraction = (unsigned) (ticks % (uint64_t) TICK_SECOND);
    char day[16] = "", part[16] = "";
    if (days > 0)
        (void) snprintf(day, sizeof day, "%u.", (unsigned) days);
    if (fraction > 0)
        (void) snprintf(part, sizeof part, ".%07u", fraction);
    int n = snprintf(out, TIMESPAN_TEXT_MAX, "%s%s%02u:%02u:%02u%s", span < 0 ? "-" : "", day,
                     seconds / 3600, seconds / 60 % 60, seconds % 60, part);
    return (size_t) n;
}

/* Takes the digits at the front of *s as a number; false when there are none or too many. */
static bool take_number(struct str *s, uint64_t *value)
{
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    if (!str_uint64((struct str){s->p, n}, value))
        return false;
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = (struct str){s->p + 1, s->n - 1};
    return true;
}

/* A number as digits: `digits` / 10^places. */
struct decimal {
    uint64_t digits, scale;
};

/* Takes digits[.digits]. */
static bool take_decimal(struct str *s, struct decimal *out)
{
    uint64_t part;
    out->scale = 1;
    if (!take_number(s, &out->digits))
        return false;
    if (!take_char(s, '.'))
        return true;
    size_t before = s->n;
    if (!take_number(s, &part) || before - s->n > FRACTION_MAX)
        return false;
    for (size_t i = s->n; i < before; i++)
        out->scale *= 10;
    return !__builtin_mul_overflow(out->digits, out->scale, &out->digits) &&
           !__builtin_add_overflow(out->digits, part, &out->digits);
}

/* Adds number x unit / divisor to *ticks, rounded down; false beyond a timespan. */
static bool add_units(struct decimal number, int64_t unit, uint64_t divisor, int64_t *ticks)
{
    wide span = (wide) number.digits * (wide) unit / ((wide) number.scale * divisor);
    return span <= (wide) INT64_MAX && !__builtin_add_overflow(*ticks, (int64_t) span, ticks);
}

/* Takes hh:mm[:ss[.fffffff]] as ticks of one day. */
static bool take_clock(struct str *s, int64_t *ticks)
{
    uint64_t hour, minute;
    struct decimal second = {0, 1};
    if (!take_number(s, &hour) || !take_char(s, ':') || !take_number(s, &minute))
        return false;
    if (take_char(s, ':') && !take_decimal(s, &second))
        return false;
    if (hour > 23 || minute > 59 || second.digits / second.scale > 59 ||
        second.scale > (uint64_t) TICK_SECOND)
        return false;
    *ticks = (int64_t) hour * TICK_HOUR + (int64_t) minute * TICK_MINUTE;
    return add_units(second, TICK_SECOND, 1, ticks);
}

bool timespan_parse(struct str s, int64_t *out)
{
    bool negative = take_char(&s, '-');
    uint64_t days = 0;
    int64_t clock;
    struct str rest = s;
    if (take_number(&rest, &days) && take_char(&rest, '.'))
        s = rest;
    else
        days = 0;
    if (!take_clock(&s, &clock) || s.n > 0 || days > (uint64_t) (INT64_MAX / TICK_DAY))
        return false;
    uint64_t ticks = days * (uint64_t) TICK_DAY + (uint64_t) clock;
    if (ticks > (uint64_t) INT64_MAX + negative)
        return false;
    *out = (int64_t) (negative ? 0 - ticks : ticks);
    return true;
}

/* The suffixes of KQL's timespan literals; a unit is `ticks` / `divisor`. */
static const struct {
    const char *name;
    int64_t ticks;
    uint64_t divisor;
} units[] = {
    {"d", TICK_DAY, 1},
    {"day", TICK_DAY, 1},
    {"days", TICK_DAY, 1},
    {"h", TICK_HOUR, 1},
    {"hr", TICK_HOUR, 1},
    {"hrs", TICK_HOUR, 1},
    {"hour", TICK_HOUR, 1},
    {"hours", TICK_HOUR, 1},
    {"m", TICK_MINUTE, 1},
    {"min", TICK_MINUTE, 1},
    {"minute", TICK_MINUTE, 1},
    {"minutes", TICK_MINUTE, 1},
    {"s", TICK_SECOND, 1},
    {"sec", TICK_SECOND, 1},
    {"second", TICK_SECOND, 1},
    {"seconds", TICK_SECOND, 1},
    {"ms", TICK_MILLISECOND, 1},
    {"milli", TICK_MILLISECOND, 1},
    {"millis", TICK_MILLISECOND, 1},
    {"millisecond", TICK_MILLISECOND, 1},
    {"milliseconds", TICK_MILLISECOND, 1},
    {"micro", TICK_MICROSECOND, 1},
    {"micros", TICK_MICROSECOND, 1},
    {"microsecond", TICK_MICROSECOND, 1},
    {"microseconds", TICK_MICROSECOND, 1},
    {"nano", 1, 100},
    {"nanos", 1, 100},
    {"nanosecond", 1, 100},
    {"nanoseconds", 1, 100},
    {"tick", 1, 1},
    {"ticks", 1, 1},
};

static bool parse_kql(struct str s, int64_t *out)
{
    struct decimal number;
    int64_t ticks = 0;
    if (!take_decimal(&s, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!str_eq(s, str_of(units[i].name)))
            continue;
        if (!add_units(number, units[i].ticks, units[i].divisor, &ticks))
            return false;
        *out = ticks;
        return true;
    }
    return false;
}

/* Ticks of an ISO 8601 designator, before or behind the T; 0 for years and months, whose length
 * depends on the date. */
static int64_t iso_unit(char designator, bool clock)
{
    switch (designator) {
    case 'W':
        return clock ? 0 : 7 * TICK_DAY;
    case 'D':
        return clock ? 0 : TICK_DAY;
    case 'H':
        return clock ? TICK_HOUR : 0;
    case 'M':
        return clock ? TICK_MINUTE : 0;
    case 'S':
        return clock ? TICK_SECOND : 0;
    default:
        return 0;
    }
}

/* The text behind the P: units from large to small, each at most once, at least one. */
static bool parse_iso(struct str s, int64_t *out)
{
    int64_t ticks = 0, last = INT64_MAX;
    bool clock = false;
    if (s.n == 0)
        return false;
    while (s.n > 0) {
        struct decimal number;
        clock = clock || take_char(&s, 'T');
        if (!take_decimal(&s, &number) || s.n == 0)
            return false;
        int64_t unit = iso_unit(s.p[0], clock);
        if (unit == 0 || unit >= last || !add_units(number, unit, 1, &ticks))
            return false;
        s = (struct str){s.p + 1, s.n - 1};
        last = unit;
    }
    *out = ticks;
    return true;
}

bool duration_parse(struct str s, int64_t *out)
{
    return take_char(&s, 'P') ? parse_iso(s, out) : parse_kql(s, out);
}
