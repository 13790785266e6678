/* Functions of time; see kql/duckdb_functions.h. */
#include "engine/duckdb/call.h"

#include "base/tick.h"

#include <math.h>

/* --- sums ----------------------------------------------------------------------------------------------- */

static bool in_calendar(int64_t tick)
{
    return tick >= 0 && tick <= TICK_MAX;
}

bool call_time_add(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return !__builtin_add_overflow(a[0].l, a[1].l, &out->l) && in_calendar(out->l);
}

bool call_time_sub(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return !__builtin_sub_overflow(a[0].l, a[1].l, &out->l) && in_calendar(out->l);
}

bool call_span_add(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return !__builtin_add_overflow(a[0].l, a[1].l, &out->l);
}

bool call_span_sub(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return !__builtin_sub_overflow(a[0].l, a[1].l, &out->l);
}

bool call_span_mul(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return !__builtin_mul_overflow(a[0].l, a[1].l, &out->l);
}

bool call_span_mul_real(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return call_cut((double) a[0].l * a[1].r, &out->l);
}

bool call_span_div_real(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return call_cut((double) a[0].l / a[1].r, &out->l);
}

/* --- units ---------------------------------------------------------------------------------------------- */

enum unit {
    YEAR,
    QUARTER,
    MONTH,
    WEEK,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    MILLISECOND,
    MICROSECOND,
    NANOSECOND,
    WEEK_OF_YEAR,
    DAY_OF_YEAR,
    DAY_OF_WEEK,
    UNIT_COUNT
};

static const struct {
    const char *name;
    int64_t ticks; /* 0: not of one length, or shorter than a tick */
} units[UNIT_COUNT] = {
    [YEAR] = {"year", 0},
    [QUARTER] = {"quarter", 0},
    [MONTH] = {"month", 0},
    [WEEK] = {"week", 7 * TICK_DAY},
    [DAY] = {"day", TICK_DAY},
    [HOUR] = {"hour", TICK_HOUR},
    [MINUTE] = {"minute", TICK_MINUTE},
    [SECOND] = {"second", TICK_SECOND},
    [MILLISECOND] = {"millisecond", TICK_MILLISECOND},
    [MICROSECOND] = {"microsecond", TICK_MICROSECOND},
    [NANOSECOND] = {"nanosecond", 0},
    [WEEK_OF_YEAR] = {"week_of_year", 0},
    [DAY_OF_YEAR] = {"dayofyear", 0},
    [DAY_OF_WEEK] = {"dayofweek", 0},
};

static bool find_unit(struct str name, enum unit last, enum unit *out)
{
    for (int i = 0; i <= (int) last; i++) {
        if (str_eq_case(name, str_of(units[i].name))) {
            *out = (enum unit) i;
            return true;
        }
    }
    return false;
}

static int64_t day_number(int64_t tick)
{
    return tick / TICK_DAY;
}

/* 0001-01-01 was a Monday. Sunday is 0. */
static int64_t day_of_week(int64_t tick)
{
    return (day_number(tick) + 1) % 7;
}

/* Sundays up to the tick. */
static int64_t week_number(int64_t tick)
{
    return (day_number(tick) + 1) / 7;
}

static int64_t tick_of(int year, int month, int day)
{
    struct tick_civil civil = {.year = year, .month = month, .day = day};
    int64_t tick = -1;
    (void) tick_from_civil(&civil, &tick);
    return tick;
}

static int64_t day_of_year(int64_t tick)
{
    return day_number(tick) - day_number(tick_of(tick_civil(tick).year, 1, 1)) + 1;
}

/* ISO 8601: the week belongs to the year that its Thursday is in. */
static int64_t iso_week(int64_t tick)
{
    int64_t monday_first = (day_of_week(tick) + 6) % 7;
    int64_t thursday = tick - (monday_first - 3) * TICK_DAY;
    if (!in_calendar(thursday))
        return 1;
    return (day_of_year(thursday) - 1) / 7 + 1;
}

static int64_t month_number(const struct tick_civil *civil)
{
    return (int64_t) civil->year * 12 + civil->month - 1;
}

bool call_datetime_part(struct call *call, const union call_value *a, union call_value *out)
{
    enum unit unit;
    int64_t tick = a[1].l;
    (void) call;
    if (!in_calendar(tick) || !find_unit(a[0].s, DAY_OF_WEEK, &unit))
        return false;
    struct tick_civil civil = tick_civil(tick);
    const int64_t parts[UNIT_COUNT] = {
        [YEAR] = civil.year,
        [QUARTER] = (civil.month - 1) / 3 + 1,
        [MONTH] = civil.month,
        [WEEK] = iso_week(tick),
        [DAY] = civil.day,
        [HOUR] = civil.hour,
        [MINUTE] = civil.minute,
        [SECOND] = civil.second,
        [MILLISECOND] = civil.fraction / TICK_MILLISECOND,
        [MICROSECOND] = civil.fraction / TICK_MICROSECOND,
        [NANOSECOND] = (int64_t) civil.fraction * 100,
        [WEEK_OF_YEAR] = iso_week(tick),
        [DAY_OF_YEAR] = day_of_year(tick),
        [DAY_OF_WEEK] = day_of_week(tick),
    };
    out->l = parts[unit];
    return true;
}

static int days_of_month(int64_t year, int64_t month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Moves by whole months; the day is kept or made the month's last. */
static bool add_months(int64_t tick, int64_t n, int64_t *out)
{
    struct tick_civil civil = tick_civil(tick);
    int64_t months;
    if (__builtin_add_overflow(month_number(&civil), n, &months) || months < 12 ||
        months >= 10000 * 12)
        return false;
    civil.year = (int) (months / 12);
    civil.month = (int) (months % 12) + 1;
    int last = days_of_month(civil.year, civil.month);
    if (civil.day > last)
        civil.day = last;
    return tick_from_civil(&civil, out);
}

static bool add_unit(enum unit unit, int64_t n, int64_t tick, int64_t *out)
{
    int64_t months, span;
    int64_t each = unit == YEAR ? 12 : unit == QUARTER ? 3 : 1;
    if (unit <= MONTH)
        return !__builtin_mul_overflow(n, each, &months) && add_months(tick, months, out);
    if (unit == NANOSECOND)
        span = n / 100;
    else if (__builtin_mul_overflow(n, units[unit].ticks, &span))
        return false;
    return !__builtin_add_overflow(tick, span, out) && in_calendar(*out);
}

bool call_datetime_add(struct call *call, const union call_value *a, union call_value *out)
{
    enum unit unit;
    (void) call;
    return in_calendar(a[2].l) && find_unit(a[0].s, NANOSECOND, &unit) &&
           add_unit(unit, a[1].l, a[2].l, &out->l);
}

/* A number that grows by one at each boundary of the unit. */
static int64_t unit_number(enum unit unit, int64_t tick)
{
    struct tick_civil civil = tick_civil(tick);
    switch (unit) {
    case YEAR:
        return civil.year;
    case QUARTER:
        return month_number(&civil) / 3;
    case MONTH:
        return month_number(&civil);
    case WEEK:
        return week_number(tick);
    default:
        return tick / units[unit].ticks;
    }
}

bool call_datetime_diff(struct call *call, const union call_value *a, union call_value *out)
{
    enum unit unit;
    (void) call;
    if (!in_calendar(a[1].l) || !in_calendar(a[2].l) || !find_unit(a[0].s, NANOSECOND, &unit))
        return false;
    if (unit == NANOSECOND)
        return !__builtin_mul_overflow(a[1].l - a[2].l, 100, &out->l);
    out->l = unit_number(unit, a[1].l) - unit_number(unit, a[2].l);
    return true;
}

/* The start of the unit that holds the tick; before the calendar begins for its first week. */
static int64_t start_of(enum unit unit, int64_t tick)
{
    struct tick_civil civil = tick_civil(tick);
    switch (unit) {
    case YEAR:
        return tick_of(civil.year, 1, 1);
    case MONTH:
        return tick_of(civil.year, civil.month, 1);
    case WEEK:
        return (day_number(tick) - day_of_week(tick)) * TICK_DAY;
    default:
        return tick - tick % units[unit].ticks;
    }
}

static bool start_moved(const union call_value *a, int64_t more, enum unit *unit, int64_t *out)
{
    int64_t n;
    if (!in_calendar(a[1].l) || !find_unit(a[0].s, HOUR, unit) || *unit == QUARTER ||
        __builtin_add_overflow(a[2].l, more, &n))
        return false;
    int64_t start = start_of(*unit, a[1].l);
    if (*unit == YEAR || *unit == MONTH)
        return add_unit(*unit, n, start, out);
    int64_t span;
    return !__builtin_mul_overflow(n, units[*unit].ticks, &span) &&
           !__builtin_add_overflow(start, span, out) && *out >= 0;
}

bool call_startof(struct call *call, const union call_value *a, union call_value *out)
{
    enum unit unit;
    (void) call;
    return start_moved(a, 0, &unit, &out->l) && in_calendar(out->l);
}

/* The last tick of the calendar is the end of its last year, month, day and hour. */
bool call_endof(struct call *call, const union call_value *a, union call_value *out)
{
    enum unit unit;
    int64_t start;
    (void) call;
    if (start_moved(a, 1, &unit, &out->l)) {
        out->l -= 1;
        return in_calendar(out->l);
    }
    if (!start_moved(a, 0, &unit, &start) || (unit != YEAR && unit != MONTH))
        return false;
    out->l = TICK_MAX;
    return in_calendar(start);
}

bool call_make_datetime(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    for (int i = 0; i < 5; i++) {
        if (a[i].l < 0 || a[i].l > 9999)
            return false;
    }
    if (!(a[5].r >= 0 && a[5].r < 60))
        return false;
    struct tick_civil civil = {
        .year = (int) a[0].l,
        .month = (int) a[1].l,
        .day = (int) a[2].l,
        .hour = (int) a[3].l,
        .minute = (int) a[4].l,
    };
    int64_t seconds = (int64_t) round(a[5].r * (double) TICK_SECOND);
    return tick_from_civil(&civil, &out->l) && (out->l += seconds) <= TICK_MAX;
}

/* --- formats -------------------------------------------------------------------------------------------- */

/* How often the first letter of a format stands there. */
static size_t run_of(struct str format)
{
    size_t n = 1;
    while (n < format.n && format.p[n] == format.p[0])
        n++;
    return n;
}

static bool is_delimiter(char c)
{
    return c && strchr(" /-:,._[]", c) != NULL;
}

/* f: the first n digits of the fraction; F: the same without zeros at the end. A point before an F that
 * gives nothing stays, as in the service. */
static void put_fraction(struct buf *out, int fraction, size_t n, bool trim)
{
    char digits[8];
    for (int i = 6; i >= 0; i--) {
        digits[i] = (char) ('0' + fraction % 10);
        fraction /= 10;
    }
    while (trim && n > 0 && digits[n - 1] == '0')
        n--;
    buf_put(out, digits, n);
}

/* What a letter that gives one or two digits stands for; -1 for other letters. */
static int digits_of(char letter, const struct tick_civil *civil)
{
    switch (letter) {
    case 'd':
        return civil->day;
    case 'h':
        return civil->hour % 12 == 0 ? 12 : civil->hour % 12;
    case 'H':
        return civil->hour;
    case 'm':
        return civil->minute;
    case 'M':
        return civil->month;
    case 's':
        return civil->second;
    case 'y':
        return civil->year % 100;
    default:
        return -1;
    }
}

/* One specifier of n letters; false for what is none. */
static bool put_date_part(struct buf *out, char letter, size_t n, const struct tick_civil *civil)
{
    int value = digits_of(letter, civil);
    if ((letter == 'f' || letter == 'F') && n <= 7)
        put_fraction(out, civil->fraction, n, letter == 'F');
    else if (letter == 'y' && n == 4)
        buf_printf(out, "%04d", civil->year);
    else if (letter == 't' && n == 2)
        buf_puts(out, civil->hour < 12 ? "AM" : "PM");
    else if (value >= 0 && n <= 2)
        buf_printf(out, "%0*d", (int) n, value);
    else
        return false;
    return true;
}

bool call_format_datetime(struct call *call, const union call_value *a, union call_value *out)
{
    struct str format = a[1].s;
    if (!in_calendar(a[0].l))
        return false;
    struct tick_civil civil = tick_civil(a[0].l);
    buf_reset(&call->out);
    while (format.n > 0) {
        size_t n = is_delimiter(*format.p) ? 1 : run_of(format);
        if (is_delimiter(*format.p))
            buf_putc(&call->out, *format.p);
        else if (!put_date_part(&call->out, *format.p, n, &civil))
            return false;
        format = (struct str){format.p + n, format.n - n};
    }
    out->s = buf_str(&call->out);
    return true;
}

static bool put_span_part(struct buf *out, char letter, size_t n, uint64_t ticks)
{
    uint64_t days = ticks / (uint64_t) TICK_DAY, seconds = ticks / (uint64_t) TICK_SECOND % 86400;
    if (letter == 'f' || letter == 'F') {
        if (n > 7)
            return false;
        put_fraction(out, (int) (ticks % (uint64_t) TICK_SECOND), n, letter == 'F');
        return true;
    }
    if (letter == 'd' && n <= 8) {
        buf_printf(out, "%0*llu", (int) n, (unsigned long long) days);
        return true;
    }
    uint64_t value = letter == 'h' || letter == 'H' ? seconds / 3600
                     : letter == 'm'                ? seconds / 60 % 60
                     : letter == 's'                ? seconds % 60
                                                    : UINT64_MAX;
    if (value == UINT64_MAX || n > 2)
        return false;
    buf_printf(out, "%0*llu", (int) n, (unsigned long long) value);
    return true;
}

bool call_format_timespan(struct call *call, const union call_value *a, union call_value *out)
{
    struct str format = a[1].s;
    uint64_t ticks = a[0].l < 0 ? 0 - (uint64_t) a[0].l : (uint64_t) a[0].l;
    buf_reset(&call->out);
    if (a[0].l < 0)
        buf_putc(&call->out, '-');
    while (format.n > 0) {
        size_t n = is_delimiter(*format.p) ? 1 : run_of(format);
        if (is_delimiter(*format.p))
            buf_putc(&call->out, *format.p);
        else if (!put_span_part(&call->out, *format.p, n, ticks))
            return false;
        format = (struct str){format.p + n, format.n - n};
    }
    out->s = buf_str(&call->out);
    return true;
}
