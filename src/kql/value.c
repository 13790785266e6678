/* Typed literals: the text between the parentheses of long(...), datetime(...), time(...) and their like. */

#include "kql/value.h"

#include "base/tick.h"

#include <math.h>

struct unit {
    const char *names; /* separated and ended by blanks */
    int64_t ticks;
};

static const struct unit units[] = {
    {"d day days ", TICK_DAY},
    {"h hr hrs hour hours ", TICK_HOUR},
    {"m min minute minutes ", TICK_MINUTE},
    {"s sec secs second seconds ", TICK_SECOND},
    {"ms milli millis millisec millisecond milliseconds ", TICK_MILLISECOND},
    {"micro micros microsec microsecond microseconds ", TICK_MICROSECOND},
    {"tick ticks ", 1},
};

int64_t kql_unit_ticks(struct str unit)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct str rest = str_of(units[i].names);
        struct str name;
        while (str_split(&rest, ' ', &name) && name.n > 0) {
            if (str_eq(name, unit))
                return units[i].ticks;
        }
    }
    return 0;
}

bool kql_unit_scale(struct str number, int64_t unit, int64_t *out)
{
    int64_t whole = 0;
    if (str_int64(number, &whole))
        return !__builtin_mul_overflow(whole, unit, out);
    double real = 0;
    if (!str_double(number, &real))
        return false;
    /* Long arithmetic keeps 0.1h and the like exact to the tick. */
    long double ticks = (long double) real * (long double) unit;
    if (!(fabsl(ticks) < 9.2e18L))
        return false;
    *out = (int64_t) (ticks + (ticks < 0 ? -1e-4L : 1e-4L));
    return true;
}

static bool parse_bool(struct str s, struct kql_value *out)
{
    int64_t number = 0;
    if (str_eq_case(s, STR("true")) || str_eq_case(s, STR("false")))
        out->i = s.n == 4;
    else if (str_int64(s, &number))
        out->i = number != 0;
    else
        return false;
    return true;
}

static bool parse_integer(struct str s, struct kql_value *out)
{
    if (s.n > 1 && s.p[0] == '+')
        s = (struct str){s.p + 1, s.n - 1};
    if (s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x') {
        uint64_t value = 0;
        for (size_t i = 2; i < s.n; i++) {
            char c = (char) (s.p[i] | 0x20);
            int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0 || value >> 60)
                return false;
            value = value << 4 | (uint64_t) digit;
        }
        out->i = (int64_t) value;
    } else if (!str_int64(s, &out->i)) {
        return false;
    }
    return out->type != COLUMN_INT || (out->i >= INT32_MIN && out->i <= INT32_MAX);
}

static bool parse_real(struct str s, struct kql_value *out)
{
    if (str_eq_case(s, STR("nan")))
        out->r = (double) NAN;
    else if (str_eq_case(s, STR("+inf")) || str_eq_case(s, STR("inf")))
        out->r = (double) INFINITY;
    else if (str_eq_case(s, STR("-inf")))
        out->r = -(double) INFINITY;
    else
        return str_double(s, &out->r);
    return true;
}

/* "1.12:00:00", "5d", "15 seconds", a bare number of days. */
static bool parse_timespan(struct str s, struct kql_value *out)
{
    if (timespan_parse(s, &out->i))
        return true;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (minus)
        s = (struct str){s.p + 1, s.n - 1};
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
        n++;
    struct str unit = str_trim((struct str){s.p + n, s.n - n});
    int64_t ticks = unit.n > 0 ? kql_unit_ticks(unit) : TICK_DAY;
    if (n == 0 || ticks == 0 || !kql_unit_scale((struct str){s.p, n}, ticks, &out->i))
        return false;
    if (minus)
        out->i = -out->i;
    return true;
}

struct digits {
    struct str s;
    size_t at;
};

static bool take_number(struct digits *d, size_t most, int *out)
{
    size_t from = d->at;
    *out = 0;
    while (d->at < d->s.n && d->at - from < most && d->s.p[d->at] >= '0' && d->s.p[d->at] <= '9')
        *out = *out * 10 + (d->s.p[d->at++] - '0');
    return d->at > from;
}

static bool take_char(struct digits *d, const char *set)
{
    if (d->at == d->s.n || !strchr(set, d->s.p[d->at]) || d->s.p[d->at] == '\0')
        return false;
    d->at++;
    return true;
}

/* What tick_parse leaves out: yyyy-M-d with single digits, yyyy-MM, yyyy, yyyy.M.d, commas (2025, 6, 14), and
 * M-d-yyyy, each alone. */
static bool parse_loose_date(struct str s, int64_t *out)
{
    struct digits d = {s, 0};
    struct tick_civil civil = {.month = 1, .day = 1};
    int first = 0, second = 0, third = 0;
    if (!take_number(&d, 4, &first))
        return false;
    bool year_first = d.at == 4;
    bool have_second = take_char(&d, "-./,");
    while (have_second && take_char(&d, " "))
        continue;
    if (have_second && !take_number(&d, 2, &second))
        return false;
    bool have_third = have_second && take_char(&d, "-./,");
    while (have_third && take_char(&d, " "))
        continue;
    if (have_third && !take_number(&d, 4, &third))
        return false;
    if (d.at != s.n || (!year_first && !have_third))
        return false;
    civil.year = year_first ? first : third;
    if (have_second)
        civil.month = year_first ? second : first;
    if (have_third)
        civil.day = year_first ? third : second;
    return tick_from_civil(&civil, out);
}

static bool parse_datetime(struct str s, int64_t now, struct kql_value *out)
{
    if (s.n == 0) {
        out->i = now;
        return true;
    }
    return tick_parse(s, &out->i) || parse_loose_date(s, &out->i);
}

static bool parse_decimal(struct str s, struct kql_value *out)
{
    double unused = 0;
    out->text = s;
    return str_double(s, &unused);
}

/* A quoted inside counts as what it holds: datetime('2007-04-07'). */
static struct str without_quotes(struct str s)
{
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
        return str_trim((struct str){s.p + 1, s.n - 2});
    return s;
}

bool kql_value_parse(enum column_type type, struct str inside, int64_t now, struct kql_value *out)
{
    struct str s = without_quotes(str_trim(inside));
    *out = (struct kql_value){.type = type};
    if (str_eq(s, STR("null"))) {
        out->null = true;
        return type != COLUMN_STRING;
    }
    switch (type) {
    case COLUMN_BOOL:
        return parse_bool(s, out);
    case COLUMN_INT:
    case COLUMN_LONG:
        return parse_integer(s, out);
    case COLUMN_REAL:
        return parse_real(s, out);
    case COLUMN_DECIMAL:
        return parse_decimal(s, out);
    case COLUMN_DATETIME:
        return parse_datetime(s, now, out);
    case COLUMN_TIMESPAN:
        return parse_timespan(s, out);
    case COLUMN_GUID:
        out->text = s;
        return text_is_guid(s);
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return false;
}
