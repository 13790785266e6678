/* Text to value and back; see kql/duckdb_functions.h. */
#include "engine/duckdb/call.h"
#include "engine/duckdb/convert.h"
#include "engine/duckdb/when.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REAL_TEXT_MAX = 512, /* of a number with all its digits */
    EXPONENT_FROM =
        15 /* powers of ten from which on, and below -5, a real has an exponent, as in .NET */
};

static struct str trim(struct str s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Takes a sign off; true for a minus. */
static bool take_sign(struct str *s)
{
    if (s->n == 0 || (*s->p != '-' && *s->p != '+'))
        return false;
    bool minus = *s->p == '-';
    *s = (struct str){s->p + 1, s->n - 1};
    return minus;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return true;
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static bool parse_hex(struct str s, int64_t *out)
{
    uint64_t value = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = call_fold(s.p[i]);
        bool digit = c >= '0' && c <= '9';
        if ((!digit && (c < 'a' || c > 'f')) || value >> 60)
            return false;
        value = value << 4 | (uint64_t) (digit ? c - '0' : c - 'a' + 10);
    }
    *out = (int64_t) value;
    return value <= INT64_MAX;
}

bool call_parse_long(struct str text, int64_t *out)
{
    struct str s = trim(text);
    if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X'))
        return parse_hex((struct str){s.p + 2, s.n - 2}, out);
    if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-')
        s = (struct str){s.p + 1, s.n - 1};
    return str_int64(s, out);
}

/* digits[.digits], .digits, digits. with an exponent or without. */
struct number {
    struct str whole, fraction;
    bool has_exponent;
    struct str exponent; /* with its sign */
};

static bool split_number(struct str s, struct number *out)
{
    size_t e = 0;
    while (e < s.n && s.p[e] != 'e' && s.p[e] != 'E')
        e++;
    out->has_exponent = e < s.n;
    out->exponent =
        out->has_exponent ? (struct str){s.p + e + 1, s.n - e - 1} : (struct str){"", 0};
    s.n = e;
    const char *point = memchr(s.p, '.', s.n);
    out->whole = (struct str){s.p, point ? (size_t) (point - s.p) : s.n};
    out->fraction = point ? (struct str){point + 1, s.n - out->whole.n - 1} : (struct str){"", 0};
    struct str digits = out->exponent;
    (void) take_sign(&digits);
    return all_digits(out->whole) && all_digits(out->fraction) && all_digits(digits) &&
           out->whole.n + out->fraction.n > 0 && (!out->has_exponent || digits.n > 0);
}

bool call_parse_real(struct str text, double *out)
{
    struct str s = trim(text), rest = s;
    bool minus = take_sign(&rest);
    struct number number;
    char copy[REAL_TEXT_MAX];
    if (str_eq_case(rest, STR("nan")))
        *out = (double) NAN;
    else if (str_eq_case(rest, STR("inf")) || str_eq_case(rest, STR("infinity")))
        *out = (double) INFINITY;
    else if (rest.n < sizeof copy && split_number(rest, &number)) {
        memcpy(copy, rest.p, rest.n);
        copy[rest.n] = '\0';
        *out = strtod(copy, NULL);
    } else {
        return false;
    }
    if (minus)
        *out = -*out;
    return true;
}

bool call_parse_bool(struct str text, bool *out)
{
    struct str s = trim(text);
    int64_t number;
    *out = str_eq_case(s, STR("true"));
    if (*out || str_eq_case(s, STR("false")))
        return true;
    if (!call_parse_long(s, &number))
        return false;
    *out = number != 0;
    return true;
}

bool call_to_long(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return call_parse_long(a[0].s, &out->l);
}

bool call_to_real(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return call_parse_real(a[0].s, &out->r);
}

bool call_to_bool(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return call_parse_bool(a[0].s, &out->b);
}

/* The digit at position `at` of whole and fraction written together; 0 beyond them. */
static char digit_at(const struct number *number, int64_t at)
{
    if (at < 0 || at >= (int64_t) (number->whole.n + number->fraction.n))
        return '0';
    size_t i = (size_t) at;
    return i < number->whole.n ? number->whole.p[i] : number->fraction.p[i - number->whole.n];
}

/* Moves the point by the exponent and leaves out needless zeros. */
static bool put_decimal(struct buf *out, const struct number *number, bool minus)
{
    int64_t exponent = 0;
    struct str digits = number->exponent;
    if (digits.n > 0 && *digits.p == '+')
        digits = (struct str){digits.p + 1, digits.n - 1};
    if (digits.n > 0 && (!str_int64(digits, &exponent) || exponent > 128 || exponent < -128))
        return false; /* decimal has 128 bits: none has so many digits */
    int64_t point = (int64_t) number->whole.n + exponent;
    int64_t from = 0, to = (int64_t) (number->whole.n + number->fraction.n);
    while (from < point - 1 && digit_at(number, from) == '0')
        from++;
    while (to > point && to > from && digit_at(number, to - 1) == '0')
        to--;
    if (minus)
        buf_putc(out, '-');
    if (point <= from && point <= 0)
        buf_putc(out, '0');
    for (int64_t i = from < point ? from : point; i < to || i < point; i++) {
        if (i == point)
            buf_puts(out, i > from || point > 0 || i <= 0 ? "." : "");
        buf_putc(out, digit_at(number, i));
    }
    return true;
}

bool call_to_decimal(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = trim(a[0].s);
    struct number number;
    bool minus = take_sign(&s);
    buf_reset(&call->out);
    if (!split_number(s, &number) || !put_decimal(&call->out, &number, minus))
        return false;
    out->s = buf_str(&call->out);
    if (minus && strspn(buf_text(&call->out), "-0.") == out->s.n)
        out->s = (struct str){out->s.p + 1, out->s.n - 1};
    return true;
}

/* --- guid, time ----------------------------------------------------------------------------------------- */

bool call_to_guid(struct call *call, const union call_value *a, union call_value *out)
{
    char guid[36];
    if (!convert_guid(trim(a[0].s), guid))
        return false;
    buf_reset(&call->out);
    buf_put(&call->out, guid, sizeof guid);
    out->s = buf_str(&call->out);
    return true;
}

bool call_to_datetime(struct call *call, const union call_value *a, union call_value *out)
{
    bool zoned;
    (void) call;
    return when_parse(a[0].s, &out->l, &zoned);
}

static bool parse_days(struct str s, int64_t *out)
{
    double days;
    if (!str_double(s, &days) || memchr(s.p, 'e', s.n) || memchr(s.p, 'E', s.n))
        return false;
    double ticks = trunc(days * (double) TICK_DAY);
    if (!(fabs(ticks) < 9223372036854775807.0))
        return false;
    *out = (int64_t) ticks;
    return true;
}

bool call_to_timespan(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = trim(a[0].s);
    (void) call;
    if (timespan_parse(s, &out->l))
        return true;
    bool minus = take_sign(&s);
    if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9') /* no second sign, no ISO 8601 */
        return false;
    if (!parse_days(s, &out->l) && !duration_parse(s, &out->l))
        return false;
    if (minus)
        out->l = -out->l;
    return true;
}

bool call_datetime_text(struct call *call, const union call_value *a, union call_value *out)
{
    char text[TICK_TEXT_MAX];
    if (a[0].l < 0 || a[0].l > TICK_MAX)
        return false;
    buf_reset(&call->out);
    buf_put(&call->out, text, tick_format_full(a[0].l, text));
    out->s = buf_str(&call->out);
    return true;
}

bool call_timespan_text(struct call *call, const union call_value *a, union call_value *out)
{
    char text[TIMESPAN_TEXT_MAX];
    buf_reset(&call->out);
    buf_put(&call->out, text, timespan_format(a[0].l, text));
    out->s = buf_str(&call->out);
    return true;
}

/* --- reals ---------------------------------------------------------------------------------------------- */

/* The fewest digits (1 to 17) that read back as the same double, and the power of ten of the first. */
static int shortest(double real, char digits[24], int *power)
{
    char text[64];
    /* 15 digits hold for every decimal of that length, but for the numbers next to 0. */
    for (int n = real < DBL_MIN ? 0 : 14; n <= 16; n++) {
        (void) snprintf(text, sizeof text, "%.*e", n, real);
        if (n == 16 || !(strtod(text, NULL) < real || strtod(text, NULL) > real))
            break;
    }
    int count = 0;
    const char *c = text;
    for (; *c != 'e'; c++) {
        if (*c != '.')
            digits[count++] = *c;
    }
    *power = (int) strtol(c + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count;
}

/* Digits with the point behind the one of power 0. */
static size_t put_plain(const char *digits, int count, int power, bool point, char *out)
{
    char *to = out;
    for (int p = power < 0 ? 0 : power; p >= 0 || power - p < count; p--) {
        if (p == -1)
            *to++ = '.';
        int i = power - p;
        *to++ = i >= 0 && i < count ? digits[i] : '0';
    }
    if (point && power - count >= -1) {
        *to++ = '.';
        *to++ = '0';
    }
    return (size_t) (to - out);
}

/* 1E+20, 1.5E-07 */
static size_t put_exponent(const char *digits, int count, int power, char *out)
{
    int n = snprintf(out, CALL_REAL_MAX, "%c%s%.*sE%c%02d", digits[0], count > 1 ? "." : "",
                     count - 1, digits + 1, power < 0 ? '-' : '+', abs(power));
    return (size_t) n;
}

size_t call_put_real(double real, bool point, char out[CALL_REAL_MAX])
{
    char digits[24] = "";
    int power, count;
    const char *word = isnan(real)   ? "NaN"
                       : isinf(real) ? real < 0 ? "-Infinity" : "Infinity"
                                     : NULL;
    if (word) {
        memcpy(out, word, strlen(word) + 1);
        return strlen(word);
    }
    size_t sign = signbit(real) ? 1 : 0;
    out[0] = '-';
    count = shortest(fabs(real), digits, &power);
    if (power >= EXPONENT_FROM || power < -5)
        return sign + put_exponent(digits, count, power, out + sign);
    return sign + put_plain(digits, count, power, point, out + sign);
}

bool call_real_text(struct call *call, const union call_value *a, union call_value *out)
{
    char text[CALL_REAL_MAX + 1];
    buf_reset(&call->out);
    buf_put(&call->out, text, call_put_real(a[0].r, true, text));
    out->s = buf_str(&call->out);
    return true;
}

bool call_json_real(struct call *call, const union call_value *a, union call_value *out)
{
    char text[CALL_REAL_MAX + 1];
    size_t n = call_put_real(a[0].r, true, text);
    buf_reset(&call->out);
    if (isfinite(a[0].r))
        buf_put(&call->out, text, n);
    else
        call_put_json_text(&call->out, (struct str){text, n});
    out->s = buf_str(&call->out);
    return true;
}
