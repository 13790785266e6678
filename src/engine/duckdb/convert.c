/* Values of log files to physical types; see convert.h. */
#include "engine/duckdb/convert.h"

#include "base/tick.h"
#include "engine/duckdb/when.h"
#include "json/value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

/* Doubles at or above this do not fit 64 bits. */
static const double INT64_LIMIT = 9223372036854775808.0;

static enum convert_outcome fit(bool fits)
{
    return fits ? CONVERT_VALUE : CONVERT_MISFIT;
}

static bool parse_bool(struct str s, bool *out)
{
    double number;
    *out = str_eq_case(s, STR("true"));
    if (*out || str_eq_case(s, STR("false")))
        return true;
    if (!str_double(s, &number))
        return false;
    *out = number < 0 || number > 0;
    return true;
}

/* A whole number, also one that is written with a fraction of 0 or an exponent. */
static bool parse_whole(struct str s, int64_t *out)
{
    double number;
    if (s.n > 0 && s.p[0] == '+')
        s = (struct str){s.p + 1, s.n - 1};
    if (str_int64(s, out))
        return true;
    if (!memchr(s.p, '.', s.n) && !memchr(s.p, 'e', s.n) && !memchr(s.p, 'E', s.n))
        return false;
    if (!str_double(s, &number) || number != trunc(number) || number < -INT64_LIMIT ||
        number >= INT64_LIMIT)
        return false;
    *out = (int64_t) number;
    return true;
}

static bool parse_int(struct str s, int32_t *out)
{
    int64_t whole;
    if (!parse_whole(s, &whole) || whole < INT32_MIN || whole > INT32_MAX)
        return false;
    *out = (int32_t) whole;
    return true;
}

static bool parse_real(struct str s, double *out)
{
    if (s.n > 0 && s.p[0] == '+')
        s = (struct str){s.p + 1, s.n - 1};
    if (str_double(s, out))
        return true;
    if (str_eq_case(s, STR("nan")))
        *out = (double) NAN;
    else if (str_eq_case(s, STR("infinity")) || str_eq_case(s, STR("inf")))
        *out = (double) INFINITY;
    else if (str_eq_case(s, STR("-infinity")) || str_eq_case(s, STR("-inf")))
        *out = -(double) INFINITY;
    else
        return false;
    return true;
}

/* [-]digits[.digits][e[+-]digits] */
static bool is_decimal(struct str s)
{
    double ignored;
    return str_double(s, &ignored);
}

/* --- datetime ------------------------------------------------------------------------------------------- */

bool convert_datetime(const struct engine_zone *zone, struct str text, int64_t *tick)
{
    bool zoned;
    if (!when_parse(text, tick, &zoned))
        return false;
    if (zone && !zoned)
        *tick = engine_zone_utc(zone, *tick);
    return *tick >= 0 && *tick <= TICK_MAX;
}

/* --- guid, dynamic -------------------------------------------------------------------------------------- */

bool convert_guid(struct str text, char out[36])
{
    size_t n = 0;
    if (text.n >= 2 && text.p[0] == '{' && text.p[text.n - 1] == '}')
        text = (struct str){text.p + 1, text.n - 2};
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char) text.p[i];
        if (c == '-' && n > 0 && text.p[i - 1] != '-')
            continue;
        if (!isxdigit(c) || n == 36)
            return false;
        out[n++] = (char) tolower(c);
        if (n == 8 || n == 13 || n == 18 || n == 23)
            out[n++] = '-';
    }
    return n == 36 && text.p[text.n - 1] != '-';
}

static enum convert_outcome put_guid(struct str text, struct buf *scratch, struct str *out)
{
    char guid[36];
    if (!convert_guid(text, guid))
        return CONVERT_MISFIT;
    buf_reset(scratch);
    buf_put(scratch, guid, sizeof guid);
    *out = buf_str(scratch);
    return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_VALUE;
}

bool convert_has_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r')
            return true;
    }
    return false;
}

/* A valid JSON value into `scratch` behind `used`, without blanks. */
static enum convert_outcome put_minified(struct str json, struct buf *scratch, struct str *out)
{
    size_t start = scratch->used;
    if (!json_minify(json, scratch))
        return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_MISFIT;
    *out = (struct str){scratch->bytes + start, scratch->used - start};
    return CONVERT_VALUE;
}

/* What stands in a dynamic column's string: JSON when it is an object or array; `otherwise` is then the text
 * of the string. */
static bool holds_container(struct str text)
{
    struct str s = str_trim(text);
    return s.n >= 2 && (s.p[0] == '{' || s.p[0] == '[') && json_valid(s);
}

static enum convert_outcome dynamic_of_text(struct str text, struct buf *scratch, struct str *out)
{
    struct str s = str_trim(text);
    size_t start = scratch->used;
    if (s.n == 0 || str_eq(s, STR("null")))
        return CONVERT_NULL;
    if (json_valid(s))
        return put_minified(s, scratch, out);
    /* One reservation first: the text may stand in the scratch buffer itself, which must not move. */
    if (!buf_reserve(scratch, text.n * 6 + 2))
        return CONVERT_NO_MEMORY;
    buf_putc(scratch, '"');
    text_put_json(scratch, text);
    buf_putc(scratch, '"');
    *out = (struct str){scratch->bytes + start, scratch->used - start};
    return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_VALUE;
}

static enum convert_outcome dynamic_of_cell(const char *bytes, const struct json_cell *cell,
                                            struct buf *scratch, struct str *out)
{
    struct str inside = {bytes + cell->start, cell->length};
    buf_reset(scratch);
    if (cell->kind != JSON_KIND_STRING) {
        *out = inside;
        return convert_has_blank(inside) ? put_minified(inside, scratch, out) : CONVERT_VALUE;
    }
    if (inside.n == 0)
        return CONVERT_NULL;
    struct str text = inside;
    if (cell->escaped) {
        if (!json_unescape(inside, scratch))
            return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_MISFIT;
        text = buf_str(scratch);
    }
    if (!holds_container(text)) {
        *out = (struct str){inside.p - 1, inside.n + 2}; /* with its quotes */
        return CONVERT_VALUE;
    }
    if (!convert_has_blank(text)) {
        *out = text;
        return CONVERT_VALUE;
    }
    if (!buf_reserve(scratch, text.n))
        return CONVERT_NO_MEMORY;
    if (cell->escaped)
        text.p = scratch->bytes; /* the buffer may have moved */
    return put_minified(text, scratch, out);
}

/* --- all types ------------------------------------------------------------------------------------------ */

/* The text of a value of any type but string and dynamic. */
static enum convert_outcome convert_scalar(enum column_type type, const struct engine_zone *zone,
                                           struct str s, struct buf *scratch,
                                           union convert_value *out)
{
    if (s.n == 0)
        return CONVERT_NULL;
    switch (type) {
    case COLUMN_BOOL:
        return fit(parse_bool(s, &out->boolean));
    case COLUMN_INT:
        return fit(parse_int(s, &out->integer));
    case COLUMN_LONG:
        return fit(parse_whole(s, &out->big));
    case COLUMN_REAL:
        return fit(parse_real(s, &out->real));
    case COLUMN_DECIMAL:
        out->text = s;
        return fit(is_decimal(s));
    case COLUMN_DATETIME:
        return fit(convert_datetime(zone, s, &out->big));
    case COLUMN_TIMESPAN:
        return fit(timespan_parse(s, &out->big));
    case COLUMN_GUID:
        return put_guid(s, scratch, &out->text);
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return CONVERT_MISFIT;
}

enum convert_outcome convert_text(enum column_type type, const struct engine_zone *zone,
                                  struct str text, struct buf *scratch, union convert_value *out)
{
    if (type == COLUMN_STRING) {
        out->text = text;
        return CONVERT_VALUE;
    }
    if (type == COLUMN_DYNAMIC) {
        buf_reset(scratch);
        return dynamic_of_text(text, scratch, &out->text);
    }
    return convert_scalar(type, zone, str_trim(text), scratch, out);
}

/* Strings of the short types are never long: a scratch for their escapes beside the caller's, which a GUID
 * is written into. */
static enum convert_outcome convert_string(enum column_type type, const struct engine_zone *zone,
                                           struct str inside, bool escaped, struct buf *scratch,
                                           union convert_value *out)
{
    char small[256];
    if (!escaped)
        return convert_scalar(type, zone, str_trim(inside), scratch, out);
    buf_reset(scratch);
    if (!json_unescape(inside, scratch))
        return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_MISFIT;
    if (type == COLUMN_DECIMAL || scratch->used > sizeof small)
        return convert_scalar(type, zone, str_trim(buf_str(scratch)), scratch, out);
    size_t n = scratch->used;
    memcpy(small, scratch->bytes, n);
    return convert_scalar(type, zone, str_trim((struct str){small, n}), scratch, out);
}

static enum convert_outcome string_of_cell(const char *bytes, const struct json_cell *cell,
                                           struct buf *scratch, struct str *out)
{
    *out = (struct str){bytes + cell->start, cell->length};
    if (cell->kind != JSON_KIND_STRING || !cell->escaped)
        return CONVERT_VALUE;
    buf_reset(scratch);
    if (!json_unescape(*out, scratch))
        return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_MISFIT;
    *out = buf_str(scratch);
    return CONVERT_VALUE;
}

enum convert_outcome convert_cell(enum column_type type, const struct engine_zone *zone,
                                  const char *bytes, const struct json_cell *cell,
                                  struct buf *scratch, union convert_value *out)
{
    if (cell->kind == JSON_KIND_NULL)
        return CONVERT_NULL;
    if (type == COLUMN_STRING)
        return string_of_cell(bytes, cell, scratch, &out->text);
    if (type == COLUMN_DYNAMIC)
        return dynamic_of_cell(bytes, cell, scratch, &out->text);
    struct str s = {bytes + cell->start, cell->length};
    switch ((enum json_kind) cell->kind) {
    case JSON_KIND_STRING:
        return convert_string(type, zone, s, cell->escaped, scratch, out);
    case JSON_KIND_NUMBER:
        if (type == COLUMN_TIMESPAN)
            return fit(parse_whole(s, &out->big));
        return type == COLUMN_DATETIME || type == COLUMN_GUID
                   ? CONVERT_MISFIT
                   : convert_scalar(type, zone, s, scratch, out);
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        out->boolean = cell->kind == JSON_KIND_TRUE;
        return fit(type == COLUMN_BOOL);
    default:
        return CONVERT_MISFIT;
    }
}

/* --- times under other keys ----------------------------------------------------------------------------- */

static enum tick_read read_time(enum engine_time_format format, struct str text, int64_t *tick)
{
    switch (format) {
    case ENGINE_TIME_ISO:
        return tick_read(text, tick);
    case ENGINE_TIME_EPOCH_S:
        return tick_read_epoch(text, TICK_EPOCH_SECONDS, tick);
    case ENGINE_TIME_EPOCH_MS:
        return tick_read_epoch(text, TICK_EPOCH_MILLISECONDS, tick);
    case ENGINE_TIME_US:
        return tick_read_us(text, tick);
    }
    return TICK_NO_TIME;
}

static enum convert_outcome time_of_text(const struct convert_time *time, struct str text,
                                         int64_t *out)
{
    int64_t tick = 0;
    if (text.n == 0)
        return CONVERT_NULL;
    enum tick_read read = read_time(time->format, text, &tick);
    if (read == TICK_WALL && time->has_zone && tick >= 0)
        tick = engine_zone_utc(time->zone, tick);
    else if (read != TICK_UTC)
        return CONVERT_MISFIT;
    if (tick < 0 || tick > TICK_MAX)
        return CONVERT_MISFIT;
    *out = tick;
    return CONVERT_VALUE;
}

enum convert_outcome convert_time(const struct convert_time *time, const char *bytes,
                                  const struct json_cell *cell, struct buf *scratch, int64_t *tick)
{
    bool epoch = time->format == ENGINE_TIME_EPOCH_S || time->format == ENGINE_TIME_EPOCH_MS;
    struct str text = {bytes + cell->start, cell->length};
    if (cell->kind == JSON_KIND_NULL || cell->kind == JSON_KIND_NONE)
        return CONVERT_NULL;
    if (cell->kind != JSON_KIND_STRING && (cell->kind != JSON_KIND_NUMBER || !epoch))
        return CONVERT_MISFIT;
    if (cell->kind == JSON_KIND_STRING && cell->escaped) {
        buf_reset(scratch);
        if (!json_unescape(text, scratch))
            return scratch->failed ? CONVERT_NO_MEMORY : CONVERT_MISFIT;
        text = buf_str(scratch);
    }
    return time_of_text(time, str_trim(text), tick);
}

/* --- what a column gives back --------------------------------------------------------------------------- */

/* Whether the text has an escape of half a surrogate pair, which has no character. */
static bool has_lone(struct str s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] != '\\')
            continue;
        i++;
        if (s.p[i] != 'u' || i + 4 >= s.n || (s.p[i + 1] | 0x20) != 'd')
            continue;
        char second = (char) (s.p[i + 2] | 0x20);
        bool high = second == '8' || second == '9' || second == 'a' || second == 'b';
        if (second >= '0' && second <= '7')
            continue;
        const char *next = s.p + i + 5;
        if (!high || i + 10 >= s.n || next[0] != '\\' || next[1] != 'u' ||
            (next[2] | 0x20) != 'd' || (next[3] | 0x20) < 'c' || (next[3] | 0x20) > 'f')
            return true;
        i += 10;
    }
    return false;
}

/* The digits of a number that count, without zeros at either end; the number of them. */
static size_t take_digits(struct str s, char *out, size_t room)
{
    size_t n = 0, end = 0;
    for (size_t i = 0; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || (n == 0 && s.p[i] == '0'))
            continue;
        if (n < room)
            out[n] = s.p[i];
        n++;
        if (s.p[i] != '0')
            end = n;
    }
    return end;
}

/* Whether a double has all digits of a number's text: up to 15 it always has, more only if it writes itself so. */
static bool keeps_digits(struct str s)
{
    enum { ALWAYS = 15, MOST = 20 };
    char digits[MOST], again[64], back[MOST];
    double number;
    size_t n = take_digits(s, digits, MOST);
    if (n <= ALWAYS)
        return str_double(s, &number) && isfinite(number);
    if (n > MOST || !str_double(s, &number) || !isfinite(number))
        return false;
    int length = snprintf(again, sizeof again, "%.*e", (int) n - 1, number);
    return length > 0 && (size_t) length < sizeof again &&
           take_digits((struct str){again, (size_t) length}, back, MOST) == n &&
           memcmp(digits, back, n) == 0;
}

/* A whole number that was written with a point or an exponent came through a double. */
static bool keeps_whole(struct str s, int64_t big)
{
    static const int64_t exact = INT64_C(1) << 53;
    bool direct = !memchr(s.p, '.', s.n) && !memchr(s.p, 'e', s.n) && !memchr(s.p, 'E', s.n);
    return direct || (big > -exact && big < exact);
}

/* Digits behind the point that are finer than a tick, which no column holds. */
static bool is_finer(struct str s)
{
    const char *point = memchr(s.p, '.', s.n);
    size_t n = 0;
    if (!point)
        return false;
    for (const char *c = point + 1; c < s.p + s.n && *c >= '0' && *c <= '9'; c++)
        if (++n > 7 && *c != '0')
            return true;
    return false;
}

static bool keeps_time(const struct engine_zone *zone, struct str s)
{
    int64_t tick;
    enum tick_read read = tick_read(s, &tick);
    return (read == TICK_UTC || (read == TICK_WALL && !zone)) && !is_finer(s);
}

static bool keeps_string(enum column_type type, const struct engine_zone *zone, struct str s)
{
    int64_t span;
    switch (type) {
    case COLUMN_REAL:
        return str_eq(s, STR("NaN")) || str_eq(s, STR("Infinity")) || str_eq(s, STR("-Infinity"));
    case COLUMN_DECIMAL:
        return str_trim(s).n == s.n;
    case COLUMN_DATETIME:
        return keeps_time(zone, s);
    case COLUMN_TIMESPAN:
        return timespan_parse(s, &span);
    case COLUMN_GUID:
        return text_is_guid(s);
    default:
        return false;
    }
}

bool convert_keeps(enum column_type type, const struct engine_zone *zone, const char *bytes,
                   const struct json_cell *cell, enum convert_outcome outcome, int64_t big)
{
    struct str s = {bytes + cell->start, cell->length};
    if (cell->kind == JSON_KIND_NULL || cell->length == 0)
        return true;
    if (outcome != CONVERT_VALUE)
        return false;
    if (type == COLUMN_DYNAMIC)
        return true;
    switch ((enum json_kind) cell->kind) {
    case JSON_KIND_STRING:
        if (type == COLUMN_STRING)
            return !cell->escaped || !has_lone(s);
        return !cell->escaped && keeps_string(type, zone, s);
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        return type == COLUMN_BOOL;
    case JSON_KIND_NUMBER:
        if (type == COLUMN_REAL)
            return keeps_digits(s);
        return type == COLUMN_INT || type == COLUMN_DECIMAL ||
               (type == COLUMN_LONG && keeps_whole(s, big));
    default:
        return false;
    }
}
