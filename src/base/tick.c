/* Ticks to and from the calendar and the service's text; see tick.h. Spans are in timespan.c.
 *
 * Day numbers and dates are turned into each other by the algorithms of Howard Hinnant's paper
 * "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day is the
 * last of a year, and 400 years (an era) always have the same number of days. Every division is by
 * a constant, so the compiler makes multiplications of them.
 */
#include "base/tick.h"

#include <endian.h>
#include <time.h>

enum {
    ERA_DAYS = 146097,     /* days of 400 years */
    DAYS_TO_0001 = 306,    /* from 0000-03-01 to 0001-01-01 */
    OFFSET_HOURS_MAX = 14, /* no zone is farther from UTC */
    FRACTION_DIGITS = 7,
};

static const unsigned char month_days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

/* Days since 0001-01-01. */
static int64_t days_from_date(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month > 2 ? year : year - 1; /* year is 1 at least */
    unsigned era = y / 400, year_of_era = y % 400;
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t) (era * ERA_DAYS + day_of_era) - DAYS_TO_0001;
}

static void date_from_days(unsigned days, unsigned *year, unsigned *month, unsigned *day)
{
    days += DAYS_TO_0001;
    unsigned era = days / ERA_DAYS, day_of_era = days % ERA_DAYS;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A tick from parts of which none was checked; false when one is out of range. */
static inline bool join(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                        unsigned second, unsigned fraction, int64_t *out)
{
    if (year - 1 > 9998 || month - 1 > 11 || hour > 23 || minute > 59 || second > 59)
        return false;
    if (day - 1 >= month_days[month] && !(day == 29 && month == 2 && is_leap(year)))
        return false;
    *out = days_from_date(year, month, day) * TICK_DAY +
           (int64_t) (hour * 3600 + minute * 60 + second) * TICK_SECOND + fraction;
    return true;
}

struct tick_civil tick_civil(int64_t tick)
{
    unsigned days = (unsigned) (tick / TICK_DAY), year, month, day;
    int64_t rest = tick % TICK_DAY;
    unsigned seconds = (unsigned) (rest / TICK_SECOND);
    date_from_days(days, &year, &month, &day);
    return (struct tick_civil){.year = (int) year,
                               .month = (int) month,
                               .day = (int) day,
                               .hour = (int) (seconds / 3600),
                               .minute = (int) (seconds / 60 % 60),
                               .second = (int) (seconds % 60),
                               .fraction = (int) (rest % TICK_SECOND)};
}

bool tick_from_civil(const struct tick_civil *c, int64_t *out)
{
    if ((unsigned) c->fraction >= TICK_SECOND)
        return false;
    return join((unsigned) c->year, (unsigned) c->month, (unsigned) c->day, (unsigned) c->hour,
                (unsigned) c->minute, (unsigned) c->second, (unsigned) c->fraction, out);
}

static inline unsigned digit(const char *p)
{
    return (unsigned) (unsigned char) *p - '0'; /* above 9 when it is none */
}

/* Two digits at p; *bad grows above 9 when one is no digit. */
static inline unsigned two(const char *p, unsigned *bad)
{
    unsigned high = digit(p), low = digit(p + 1);
    *bad |= (high > 9) | (low > 9);
    return high * 10 + low;
}

/* A fraction of n digits (1 to 7) in ticks. */
static inline unsigned ticks_of_digits(const char *p, size_t n, unsigned *bad)
{
    static const unsigned scale[FRACTION_DIGITS + 1] = {0,    1000000, 100000, 10000,
                                                        1000, 100,     10,     1};
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = digit(p + i);
        *bad |= d > 9;
        value = value * 10 + d;
    }
    return value * scale[n];
}

/* Eight characters as a number whose lowest byte is the first character. */
static inline uint64_t load8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* Eight characters less the form they must have ("0000-00-"): a digit leaves 0 to 9, any other
 * character of the form 0; `others` has 0xFF where those stand. *bad is not 0 when one differs. */
static inline uint64_t match8(const char *p, const char *form, uint64_t others, uint64_t *bad)
{
    const uint64_t sixes = UINT64_C(0x0606060606060606), high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    uint64_t x = load8(p) ^ load8(form);
    *bad |= ((x + sixes) | x) & high;
    *bad |= x & others;
    return x;
}

/* Two digits from byte `at` on of what match8 left, after tens were added to ones in every byte. */
static inline unsigned pair_at(uint64_t tens, int at)
{
    return (unsigned) (tens >> 8 * at) & 0xFF;
}

/* The n - 21 digits before the last character, as ticks: they are moved behind a 0 in a word of
 * eight digits, which is folded into one number (two, four, eight digits at a time). */
static inline unsigned service_fraction(const char *p, size_t n, uint64_t *bad)
{
    const uint64_t sixes = UINT64_C(0x0606060606060606), high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    unsigned skip = 8 * (unsigned) (29 - n); /* 1 to 7 digits: 56 to 8 bits are none of them */
    uint64_t x = (load8(p + n - 9) ^ UINT64_C(0x3030303030303030)) >> skip << 8;
    *bad |= ((x + sixes) | x) & high;
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
    return (unsigned) (x * 10000 + (x >> 32));
}

/* yyyy-mm-ddThh:mm:ss[.fffffff]Z, the form in which the service writes every row: 20 to 28
 * characters, of which the caller has seen the T and the Z. Eight digits are looked at at once. */
static inline bool parse_service_form(const char *p, size_t n, int64_t *out)
{
    uint64_t bad = 0;
    uint64_t date = match8(p, "0000-00-", UINT64_C(0xFF0000FF00000000), &bad);
    uint64_t middle = match8(p + 8, "00T00:00", UINT64_C(0x0000FF0000FF0000), &bad);
    uint64_t clock = match8(p + 11, "00:00:00", UINT64_C(0x0000FF0000FF0000), &bad);
    unsigned fraction = 0;
    if (n > 20) {
        bad |= p[19] != '.' || n == 21;
        fraction = n == 21 ? 0 : service_fraction(p, n, &bad);
    }
    date = date * 10 + (date >> 8);
    middle = middle * 10 + (middle >> 8);
    clock = clock * 10 + (clock >> 8);
    return bad == 0 &&
           join(pair_at(date, 0) * 100 + pair_at(date, 2), pair_at(date, 5), pair_at(middle, 0),
                pair_at(clock, 0), pair_at(clock, 3), pair_at(clock, 6), fraction, out);
}

/* Takes the fraction from *s: digits beyond the seventh are cut. */
static bool take_fraction(struct str *s, unsigned *ticks)
{
    size_t n = 0;
    unsigned bad = 0;
    while (n < s->n && digit(s->p + n) <= 9)
        n++;
    *ticks = ticks_of_digits(s->p, n < FRACTION_DIGITS ? n : FRACTION_DIGITS, &bad);
    *s = (struct str){s->p + n, s->n - n};
    return n > 0;
}

/* Takes hh:mm[:ss[.f]] from *s. */
static bool take_time(struct str *s, unsigned *hour, unsigned *minute, unsigned *second,
                      unsigned *fraction)
{
    unsigned bad = 0;
    if (s->n < 5 || s->p[2] != ':')
        return false;
    *hour = two(s->p, &bad);
    *minute = two(s->p + 3, &bad);
    *s = (struct str){s->p + 5, s->n - 5};
    if (s->n >= 3 && s->p[0] == ':') {
        *second = two(s->p + 1, &bad);
        *s = (struct str){s->p + 3, s->n - 3};
        if (!bad && s->n > 0 && s->p[0] == '.') {
            *s = (struct str){s->p + 1, s->n - 1};
            return take_fraction(s, fraction);
        }
    }
    return !bad;
}

/* The whole rest: nothing, Z, or +hh:mm, +hhmm, +hh; what to take away from the time for UTC. */
static bool parse_zone(struct str s, int64_t *offset)
{
    *offset = 0;
    if (s.n == 0 || (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')))
        return true;
    if ((s.p[0] != '+' && s.p[0] != '-') || (s.n != 3 && s.n != 5 && s.n != 6))
        return false;
    unsigned bad = s.n == 6 && s.p[3] != ':';
    unsigned hours = two(s.p + 1, &bad);
    unsigned minutes = s.n == 3 ? 0 : two(s.p + s.n - 2, &bad);
    if (bad || minutes > 59 || hours * 60 + minutes > OFFSET_HOURS_MAX * 60)
        return false;
    *offset = (int64_t) (hours * 60 + minutes) * TICK_MINUTE;
    if (s.p[0] == '-')
        *offset = -*offset;
    return true;
}

static enum tick_read read_any_form(struct str s, int64_t *out)
{
    unsigned hour = 0, minute = 0, second = 0, fraction = 0, bad = 0;
    int64_t offset = 0;
    bool zoned = false;
    if (s.n < 10 || s.p[4] != '-' || s.p[7] != '-')
        return TICK_NO_TIME;
    unsigned year = two(s.p, &bad) * 100 + two(s.p + 2, &bad);
    unsigned month = two(s.p + 5, &bad), day = two(s.p + 8, &bad);
    if (bad)
        return TICK_NO_TIME;
    if (s.n > 10) {
        if (s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ')
            return TICK_NO_TIME;
        s = (struct str){s.p + 11, s.n - 11};
        if (!take_time(&s, &hour, &minute, &second, &fraction) || !parse_zone(s, &offset))
            return TICK_NO_TIME;
        zoned = s.n > 0;
    }
    /* The year 0 would have been a leap year, as 4 was. */
    if (!join(year > 0 ? year : 4, month, day, hour, minute, second, fraction, out))
        return TICK_NO_TIME;
    *out = year > 0 ? *out - offset : -1;
    if (!zoned)
        return TICK_WALL;
    return *out >= 0 && *out <= TICK_MAX ? TICK_UTC : TICK_OUTSIDE;
}

enum tick_read tick_read(struct str s, int64_t *out)
{
    if (s.n >= 20 && s.n <= 28 && s.p[s.n - 1] == 'Z' && s.p[10] == 'T' &&
        parse_service_form(s.p, s.n, out))
        return TICK_UTC;
    return read_any_form(s, out);
}

bool tick_parse(struct str s, int64_t *out)
{
    int64_t tick;
    enum tick_read read = tick_read(s, &tick);
    if (read == TICK_NO_TIME || read == TICK_OUTSIDE || tick < 0)
        return false;
    *out = tick;
    return true;
}

static inline void put_two(char *to, unsigned value)
{
    memcpy(to, pairs + 2 * (size_t) value, 2);
}

static void put_date(unsigned days, char *to)
{
    unsigned year, month, day;
    date_from_days(days, &year, &month, &day);
    put_two(to, year / 100);
    put_two(to + 2, year % 100);
    to[4] = '-';
    put_two(to + 5, month);
    to[7] = '-';
    put_two(to + 8, day);
}

static void put_time(unsigned seconds, char *to)
{
    put_two(to, seconds / 3600);
    to[2] = ':';
    put_two(to + 3, seconds / 60 % 60);
    to[5] = ':';
    put_two(to + 6, seconds % 60);
}

static void put_fraction(unsigned fraction, char *to)
{
    to[0] = '.';
    put_two(to + 1, fraction / 100000);
    put_two(to + 3, fraction / 1000 % 100);
    put_two(to + 5, fraction / 10 % 100);
    to[7] = (char) ('0' + fraction % 10);
}

/* yyyy-mm-dd?hh:mm:ss.fffffff, 27 characters. */
static void put_full(int64_t tick, char middle, char *out)
{
    int64_t rest = tick % TICK_DAY;
    put_date((unsigned) (tick / TICK_DAY), out);
    out[10] = middle;
    put_time((unsigned) (rest / TICK_SECOND), out + 11);
    put_fraction((unsigned) (rest % TICK_SECOND), out + 19);
}

/* The length of a full text without the zeros at its end, and without the point when all are. */
static size_t cut_zeros(const char *out)
{
    size_t n = 27;
    while (out[n - 1] == '0')
        n--;
    return out[n - 1] == '.' ? n - 1 : n;
}

size_t tick_format(int64_t tick, char out[TICK_TEXT_MAX])
{
    put_full(tick, 'T', out);
    size_t n = tick % TICK_SECOND == 0 ? 19 : cut_zeros(out);
    out[n] = 'Z';
    out[n + 1] = '\0';
    return n + 1;
}

size_t tick_format_full(int64_t tick, char out[TICK_TEXT_MAX])
{
    put_full(tick, 'T', out);
    out[27] = 'Z';
    out[28] = '\0';
    return 28;
}

size_t tick_format_short(int64_t tick, char out[TICK_TEXT_MAX])
{
    put_full(tick, ' ', out);
    size_t n = tick % TICK_MINUTE == 0 ? 16 : tick % TICK_SECOND == 0 ? 19 : cut_zeros(out);
    out[n] = '\0';
    return n;
}

int64_t tick_floor(int64_t value, int64_t step)
{
    int64_t over = value % step;
    if (over < 0)
        over += step;
    int64_t result;
    return __builtin_sub_overflow(value, over, &result) ? value - over + step : result;
}

int64_t tick_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return TICK_UNIX_EPOCH;
    return TICK_UNIX_EPOCH + (int64_t) now.tv_sec * TICK_SECOND + now.tv_nsec / 100;
}

uint64_t clock_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (uint64_t) now.tv_sec * 1000000000U + (uint64_t) now.tv_nsec;
}
