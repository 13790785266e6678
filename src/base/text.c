/* Views of text: comparing, cutting, reading numbers; see text.h. */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

enum {
    DOUBLE_TEXT_MAX = 400
}; /* characters of a number with a point; the longest double has 309 */

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_case(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || str_eq((struct str){s.p + s.n - suffix.n, suffix.n}, suffix));
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

int str_compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_split(struct str *rest, char separator, struct str *part)
{
    if (!rest->p)
        return false;
    const char *at = rest->n > 0 ? memchr(rest->p, separator, rest->n) : NULL;
    if (!at) {
        *part = *rest;
        *rest = (struct str){NULL, 0};
        return true;
    }
    size_t before = (size_t) (at - rest->p);
    *part = (struct str){rest->p, before};
    *rest = (struct str){at + 1, rest->n - before - 1};
    return true;
}

bool str_uint64(struct str s, uint64_t *out)
{
    uint64_t value = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) || __builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (unsigned) (s.p[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool str_int64(struct str s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t value;
    if (!str_uint64(negative ? (struct str){s.p + 1, s.n - 1} : s, &value))
        return false;
    if (value > (uint64_t) INT64_MAX + negative)
        return false;
    *out = (int64_t) (negative ? 0 - value : value);
    return true;
}

static size_t skip_digits(struct str s, size_t at)
{
    while (at < s.n && is_digit(s.p[at]))
        at++;
    return at;
}

/* [-]digits[.digits][e[+-]digits] with a digit before or behind the point: what strtod would take,
 * without blanks, hexadecimal, infinities and names of no number. */
static bool is_decimal(struct str s)
{
    size_t start = s.n > 0 && s.p[0] == '-';
    size_t at = skip_digits(s, start);
    size_t digits = at - start;
    if (at < s.n && s.p[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits == 0)
        return false;
    if (at < s.n && lower(s.p[at]) == 'e') {
        at++;
        at += at < s.n && (s.p[at] == '+' || s.p[at] == '-');
        size_t end = skip_digits(s, at);
        if (end == at)
            return false;
        at = end;
    }
    return at == s.n;
}

bool str_double(struct str s, double *out)
{
    char text[DOUBLE_TEXT_MAX + 1];
    if (s.n > DOUBLE_TEXT_MAX || !is_decimal(s))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    errno = 0;
    double value = strtod(text, NULL);
    if (errno == ERANGE && (value > 1.0 || value < -1.0))
        return false;
    *out = value;
    return true;
}

static const struct {
    const char *name;
    uint64_t bytes;
} size_units[] = {
    {"", 1},
    {"B", 1},
    {"k", 1000},
    {"kB", 1000},
    {"KiB", UINT64_C(1) << 10},
    {"M", 1000000},
    {"MB", 1000000},
    {"MiB", UINT64_C(1) << 20},
    {"G", 1000000000},
    {"GB", 1000000000},
    {"GiB", UINT64_C(1) << 30},
    {"T", UINT64_C(1000000000000)},
    {"TB", UINT64_C(1000000000000)},
    {"TiB", UINT64_C(1) << 40},
};

static uint64_t size_unit(struct str name)
{
    for (size_t i = 0; i < sizeof size_units / sizeof size_units[0]; i++)
        if (str_eq_case(name, str_of(size_units[i].name)))
            return size_units[i].bytes;
    return 0;
}

bool str_size(struct str s, uint64_t *out)
{
    enum { FRACTION_MAX = 6 }; /* digits behind the point; 10^6 x 1 TiB still fits */
    size_t point = skip_digits(s, 0), end = point;
    if (point < s.n && s.p[point] == '.')
        end = skip_digits(s, point + 1);
    uint64_t unit = size_unit(str_trim((struct str){s.p + end, s.n - end}));
    uint64_t whole, part = 0, scale = 1;
    if (unit == 0 || !str_uint64((struct str){s.p, point}, &whole))
        return false;
    if (end > point) {
        size_t digits = end - point - 1;
        if (digits == 0 || digits > FRACTION_MAX || unit == 1 ||
            !str_uint64((struct str){s.p + point + 1, digits}, &part))
            return false;
        while (digits-- > 0)
            scale *= 10;
    }
    uint64_t bytes;
    if (__builtin_mul_overflow(whole, unit, &bytes) ||
        __builtin_add_overflow(bytes, part * unit / scale, &bytes))
        return false;
    *out = bytes;
    return true;
}

bool text_is_guid(struct str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !is_digit(c) && (c < 'a' || c > 'f'))
            return false;
    }
    return true;
}

const char *text_packing(struct str begin)
{
    if (str_starts(begin, STR("\x1f\x8b")))
        return "gzip";
    bool passed =
        begin.n >= 4 && (begin.p[0] & 0xf0) == 0x50 && memcmp(begin.p + 1, "\x2a\x4d\x18", 3) == 0;
    return passed || str_starts(begin, STR("\x28\xb5\x2f\xfd")) ? "zstd" : NULL;
}

void text_hex(const void *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[from[i] >> 4];
        out[2 * i + 1] = digits[from[i] & 15];
    }
    out[2 * n] = '\0';
}

enum { NEAREST_MAX = 64 }; /* letters of a name that takes part in the search */

/* One row of the table of distances, from the two rows before it. */
static void distance_row(struct str a, struct str b, size_t i, const size_t *before2,
                         const size_t *before, size_t *row)
{
    row[0] = i;
    for (size_t j = 1; j <= b.n; j++) {
        size_t best = before[j - 1] + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
        if (before[j] + 1 < best)
            best = before[j] + 1;
        if (row[j - 1] + 1 < best)
            best = row[j - 1] + 1;
        bool swapped = i > 1 && j > 1 && lower(a.p[i - 1]) == lower(b.p[j - 2]) &&
                       lower(a.p[i - 2]) == lower(b.p[j - 1]);
        if (swapped && before2[j - 2] + 1 < best)
            best = before2[j - 2] + 1;
        row[j] = best;
    }
}

/* Letters put in, left out, replaced or swapped with their neighbour, without case (the optimal
 * string alignment distance). Both are at most NEAREST_MAX long. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_MAX + 1] = {{0}};
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++)
        distance_row(a, b, i, rows[(i + 1) % 3], rows[(i - 1) % 3], rows[i % 3]);
    return rows[a.n % 3][b.n];
}

const char *text_nearest(struct str wanted, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    if (wanted.n > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct str name = str_of(names[i]);
        if (name.n > NEAREST_MAX)
            continue;
        size_t far = distance(wanted, name);
        if (far < least && far <= (wanted.n > name.n ? wanted.n : name.n) / 3) {
            least = far;
            nearest = names[i];
        }
    }
    return nearest;
}
