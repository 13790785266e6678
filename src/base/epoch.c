/* Times that are no ISO 8601: counts since 1970, and the portal's; see tick.h. */
#include "base/tick.h"

enum {
    POWER_MAX = 1 << 20, /* of ten; beyond it every number is 0 or outside */
    COUNT_DIGITS = 19    /* as many fit 64 bits, and no tick has more */
};

struct reader {
    const char *p, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* --- counts --------------------------------------------------------------------------------------------- */

static struct str take_digits(struct reader *r)
{
    struct str digits = {r->p, 0};
    while (r->p < r->end && is_digit(*r->p)) {
        r->p++;
        digits.n++;
    }
    return digits;
}

static bool take_power(struct reader *r, int64_t *power)
{
    *power = 0;
    if (!take(r, 'e') && !take(r, 'E'))
        return true;
    bool minus = take(r, '-');
    if (!minus)
        (void) take(r, '+');
    struct str digits = take_digits(r);
    for (size_t i = 0; i < digits.n && *power < POWER_MAX; i++)
        *power = *power * 10 + (digits.p[i] - '0');
    if (minus)
        *power = -*power;
    return digits.n > 0;
}

/* A number by its digits: those before the point, those behind it, and a power of ten. */
struct count {
    bool minus;
    struct str whole, part;
    int64_t power;
};

static bool read_count(struct str s, struct count *out)
{
    struct reader r = {s.p, s.p + s.n};
    out->minus = take(&r, '-');
    out->whole = take_digits(&r);
    out->part = (struct str){r.p, 0};
    if (out->whole.n == 0)
        return false;
    if (take(&r, '.')) {
        out->part = take_digits(&r);
        if (out->part.n == 0)
            return false;
    }
    return take_power(&r, &out->power) && r.p == r.end;
}

static unsigned digit_at(const struct count *count, size_t i)
{
    char c = i < count->whole.n ? count->whole.p[i] : count->part.p[i - count->whole.n];
    return (unsigned) (c - '0');
}

enum tick_read tick_read_epoch(struct str number, int unit, int64_t *out)
{
    struct count count;
    if (!read_count(number, &count))
        return TICK_NO_TIME;
    size_t digits = count.whole.n + count.part.n, first = 0;
    while (first < digits && digit_at(&count, first) == 0)
        first++;
    if (first == digits) {
        *out = TICK_UNIX_EPOCH;
        return TICK_UTC;
    }
    /* So many digits, from the first that is not 0 on, are whole ticks. */
    int64_t whole = (int64_t) count.whole.n - (int64_t) first + count.power + unit;
    if (whole > COUNT_DIGITS)
        return TICK_OUTSIDE;
    uint64_t ticks = 0;
    size_t at = first;
    for (; whole > 0; whole--)
        ticks = ticks * 10 + (at < digits ? digit_at(&count, at++) : 0);
    bool more = false;
    while (!more && at < digits)
        more = digit_at(&count, at++) != 0;
    if (ticks > (uint64_t) TICK_MAX)
        return TICK_OUTSIDE;
    int64_t since = count.minus ? -(int64_t) ticks - more : (int64_t) ticks;
    if (since < -TICK_UNIX_EPOCH || since > TICK_MAX - TICK_UNIX_EPOCH)
        return TICK_OUTSIDE;
    *out = TICK_UNIX_EPOCH + since;
    return TICK_UTC;
}

/* --- the portal's --------------------------------------------------------------------------------------- */

/* A number of at least `least` and at most `most` digits. */
static bool take_number(struct reader *r, unsigned least, unsigned most, int *out)
{
    unsigned n = 0;
    *out = 0;
    for (; n < most && r->p < r->end && is_digit(*r->p); n++)
        *out = *out * 10 + (*r->p++ - '0');
    return n >= least;
}

/* Blanks and commas, and the narrow no-break space U+202F that browsers put before AM and PM. */
static bool skip_blanks(struct reader *r)
{
    const char *start = r->p;
    for (;;) {
        if (r->p < r->end && (*r->p == ' ' || *r->p == ','))
            r->p++;
        else if (r->end - r->p >= 3 && memcmp(r->p, "\xe2\x80\xaf", 3) == 0)
            r->p += 3;
        else
            return r->p > start;
    }
}

static bool take_fraction(struct reader *r, int *ticks)
{
    int scale = 1000000; /* of the next digit; 0: it is cut */
    const char *start = r->p;
    for (; r->p < r->end && is_digit(*r->p); scale /= 10)
        *ticks += (*r->p++ - '0') * scale;
    return r->p > start;
}

/* The rest is AM, PM or nothing. */
static bool take_half(struct reader *r, int *hour)
{
    (void) skip_blanks(r);
    if (r->p == r->end)
        return true;
    struct str rest = {r->p, (size_t) (r->end - r->p)};
    bool pm = str_eq_case(rest, STR("PM"));
    if ((!pm && !str_eq_case(rest, STR("AM"))) || *hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (pm ? 12 : 0);
    return true;
}

static bool take_clock(struct reader *r, struct tick_civil *civil)
{
    if (!take_number(r, 1, 2, &civil->hour) || !take(r, ':') ||
        !take_number(r, 2, 2, &civil->minute))
        return false;
    if (take(r, ':')) {
        if (!take_number(r, 2, 2, &civil->second))
            return false;
        if (take(r, '.') && !take_fraction(r, &civil->fraction))
            return false;
    }
    return take_half(r, &civil->hour);
}

enum tick_read tick_read_us(struct str s, int64_t *out)
{
    struct reader r = {s.p, s.p + s.n};
    struct tick_civil civil = {0};
    if (!take_number(&r, 1, 2, &civil.month) || r.p == r.end)
        return TICK_NO_TIME;
    char separator = *r.p;
    if ((separator != '/' && separator != '-') || !take(&r, separator) ||
        !take_number(&r, 1, 2, &civil.day) || !take(&r, separator) ||
        !take_number(&r, 4, 4, &civil.year))
        return TICK_NO_TIME;
    if (r.p < r.end && (!skip_blanks(&r) || !take_clock(&r, &civil)))
        return TICK_NO_TIME;
    bool zero = civil.year == 0;
    civil.year = zero ? 4 : civil.year;
    if (!tick_from_civil(&civil, out))
        return TICK_NO_TIME;
    if (zero)
        *out = -1;
    return TICK_WALL;
}
