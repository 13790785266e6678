/* Times as people and products write them; see when.h. */
#include "engine/duckdb/when.h"

enum { OFFSET_HOURS_MAX = 14, FRACTION_DIGITS = 7 };

struct reader {
    const char *p, *end;
};

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One to `most` digits, and no digit behind them; the number of them, or 0. */
static int take_digits(struct reader *r, int most, int *out)
{
    int n = 0;
    *out = 0;
    while (r->p + n < r->end && n <= most && is_digit(r->p[n]))
        n++;
    if (n > most)
        return 0;
    for (int i = 0; i < n; i++)
        *out = *out * 10 + (*r->p++ - '0');
    return n;
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

static struct str take_word(struct reader *r)
{
    struct str word = {r->p, 0};
    while (r->p < r->end && is_letter(*r->p)) {
        r->p++;
        word.n++;
    }
    return word;
}

/* --- time of day, zone ---------------------------------------------------------------------------------- */

/* Digits behind the point as ticks; those beyond the seventh are cut. */
static bool take_fraction(struct reader *r, int *ticks)
{
    int n = 0;
    *ticks = 0;
    for (; r->p < r->end && is_digit(*r->p); r->p++, n++) {
        if (n < FRACTION_DIGITS)
            *ticks = *ticks * 10 + (*r->p - '0');
    }
    for (int i = n; i < FRACTION_DIGITS; i++)
        *ticks *= 10;
    return n > 0;
}

/* AM or PM behind the hour; nothing at all is fine. */
static bool take_half(struct reader *r, struct tick_civil *civil)
{
    struct reader ahead = *r;
    (void) skip_blanks(&ahead);
    struct str word = take_word(&ahead);
    bool pm = str_eq_case(word, STR("PM"));
    if (!pm && !str_eq_case(word, STR("AM")))
        return true;
    if (civil->hour < 1 || civil->hour > 12)
        return false;
    civil->hour = civil->hour % 12 + (pm ? 12 : 0);
    *r = ahead;
    return true;
}

/* h:mm[:ss[.fffffff]][ AM] */
static bool take_time(struct reader *r, struct tick_civil *civil)
{
    if (!take_digits(r, 2, &civil->hour) || !take(r, ':') || take_digits(r, 2, &civil->minute) != 2)
        return false;
    if (take(r, ':')) {
        if (take_digits(r, 2, &civil->second) != 2)
            return false;
        if (take(r, '.') && !take_fraction(r, &civil->fraction))
            return false;
    }
    return take_half(r, civil);
}

/* Z, GMT, UTC, +hh, +hhmm, +hh:mm; nothing at all is fine. The offset in minutes. */
static bool take_zone(struct reader *r, bool *zoned, int *minutes)
{
    (void) skip_blanks(r);
    *minutes = 0;
    *zoned = r->p < r->end;
    if (!*zoned)
        return true;
    struct str word = take_word(r);
    if (word.n > 0)
        return str_eq_case(word, STR("Z")) || str_eq_case(word, STR("GMT")) ||
               str_eq_case(word, STR("UTC"));
    bool minus = take(r, '-');
    if (!minus && !take(r, '+'))
        return false;
    int hour, minute = 0, digits = take_digits(r, 4, &hour);
    if (digits == 4) {
        minute = hour % 100;
        hour /= 100;
    } else if (digits != 2 || (take(r, ':') && take_digits(r, 2, &minute) != 2)) {
        return false;
    }
    if (hour > OFFSET_HOURS_MAX || minute > 59)
        return false;
    *minutes = (minus ? -1 : 1) * (hour * 60 + minute);
    return true;
}

/* --- dates ---------------------------------------------------------------------------------------------- */

static bool take_month_name(struct reader *r, int *month)
{
    static const char *const names[12] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
    struct str word = take_word(r);
    for (int i = 0; i < 12 && word.n >= 3; i++) {
        if (str_eq_case((struct str){word.p, 3}, str_of(names[i]))) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

/* [Saturday, ]08-Nov-14, [Sat, ]8 Nov 2014 */
static bool take_named_date(struct reader *r, struct tick_civil *civil)
{
    (void) take_word(r);
    (void) skip_blanks(r);
    if (!take_digits(r, 2, &civil->day) || !(take(r, '-') || skip_blanks(r)) ||
        !take_month_name(r, &civil->month) || !(take(r, '-') || skip_blanks(r)))
        return false;
    int digits = take_digits(r, 4, &civil->year);
    if (digits == 2)
        civil->year += civil->year < 50 ? 2000 : 1900;
    return digits == 2 || digits == 4;
}

/* 11/20/2020, 11-20-2020 */
static bool take_us_date(struct reader *r, struct tick_civil *civil)
{
    if (!take_digits(r, 2, &civil->month) || r->p == r->end)
        return false;
    char separator = *r->p;
    return (separator == '/' || separator == '-') && take(r, separator) &&
           take_digits(r, 2, &civil->day) && take(r, separator) &&
           take_digits(r, 4, &civil->year) == 4;
}

/* 2014-05-25, 2014-5, 2014, 2014/05/25 */
static bool take_iso_date(struct reader *r, struct tick_civil *civil)
{
    civil->month = civil->day = 1;
    if (take_digits(r, 4, &civil->year) != 4)
        return false;
    char separator = r->p < r->end && *r->p == '/' ? '/' : '-';
    if (!take(r, separator))
        return true;
    if (!take_digits(r, 2, &civil->month))
        return false;
    return !take(r, separator) || take_digits(r, 2, &civil->day);
}

static bool take_date(struct reader *r, struct tick_civil *civil)
{
    typedef bool date_fn(struct reader *, struct tick_civil *);
    static date_fn *const forms[] = {take_iso_date, take_us_date, take_named_date};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct reader ahead = *r;
        *civil = (struct tick_civil){0};
        if (forms[i](&ahead, civil)) {
            *r = ahead;
            return true;
        }
    }
    return false;
}

static bool parse(struct str s, int64_t *tick, bool *zoned)
{
    struct reader r = {s.p, s.p + s.n};
    struct tick_civil civil;
    int minutes = 0;
    *zoned = false;
    if (!take_date(&r, &civil))
        return false;
    if (r.p < r.end) {
        if (!take(&r, 'T') && !skip_blanks(&r))
            return false;
        if (!take_time(&r, &civil) || !take_zone(&r, zoned, &minutes) || r.p < r.end)
            return false;
    }
    if (!tick_from_civil(&civil, tick))
        return false;
    *tick -= minutes * TICK_MINUTE;
    return *tick >= 0 && *tick <= TICK_MAX;
}

/* Whether what tick_parse took says its zone. */
static bool names_zone(struct str s)
{
    char last = s.p[s.n - 1];
    if (last == 'Z' || last == 'z')
        return true;
    for (size_t i = 10; i < s.n; i++) {
        if (s.p[i] == '+' || s.p[i] == '-')
            return true;
    }
    return false;
}

bool when_parse(struct str text, int64_t *tick, bool *zoned)
{
    struct str s = str_trim(text);
    if (tick_parse(s, tick)) {
        *zoned = names_zone(s);
        return true;
    }
    return parse(s, tick, zoned);
}
