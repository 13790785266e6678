/* JSON values: strings are scanned and written eight bytes at a time. */

#include "emulator/json_value.h"

#include "base/tick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_MAX = 40 };

#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

/* Nonzero when one of eight bytes is below 0x20, a quote or a backslash. */
static inline uint64_t must_escape(uint64_t word)
{
    uint64_t quote = word ^ ONES * '"', slash = word ^ ONES * '\\';
    return ((word - ONES * 0x20) | (quote - ONES) | (slash - ONES)) & ~word & TOPS;
}

/* Bytes from p on that stand in a JSON string as they are. */
static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p + i, sizeof word);
        if (must_escape(word))
            break;
    }
    while (i < n && (unsigned char) p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void put_escape(struct buf *buf, char c)
{
    switch (c) {
    case '"':
        json_put(buf, "\\\"", 2);
        break;
    case '\\':
        json_put(buf, "\\\\", 2);
        break;
    case '\n':
        json_put(buf, "\\n", 2);
        break;
    case '\r':
        json_put(buf, "\\r", 2);
        break;
    case '\t':
        json_put(buf, "\\t", 2);
        break;
    case '\b':
        json_put(buf, "\\b", 2);
        break;
    case '\f':
        json_put(buf, "\\f", 2);
        break;
    default:
        buf_printf(buf, "\\u%04x", (unsigned char) c);
    }
}

/* A string without anything to escape, looked at and written in one go. False: it has something, or
 * there is no room yet; nothing is written. */
static inline bool put_plain(struct buf *buf, struct str s)
{
    size_t i = 0;
    if (buf->room < buf->used + s.n + 2 + sizeof(uint64_t))
        return false;
    char *to = buf->bytes + buf->used + 1;
    for (; i + sizeof(uint64_t) <= s.n; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s.p + i, sizeof word);
        if (must_escape(word))
            return false;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < s.n; i++) {
        if ((unsigned char) s.p[i] < 0x20 || s.p[i] == '"' || s.p[i] == '\\')
            return false;
        to[i] = s.p[i];
    }
    to[-1] = '"';
    to[s.n] = '"';
    buf->used += s.n + 2;
    return true;
}

void json_put_string(struct buf *buf, struct str s)
{
    if (put_plain(buf, s))
        return;
    json_put_char(buf, '"');
    while (s.n > 0) {
        size_t run = plain_run(s.p, s.n);
        if (run > 0)
            json_put(buf, s.p, run);
        if (run == s.n)
            break;
        put_escape(buf, s.p[run]);
        s.p += run + 1;
        s.n -= run + 1;
    }
    json_put_char(buf, '"');
}

/* The engine holds valid JSON: a text stands there with its quotes and escapes already. */
static void put_dynamic(struct buf *buf, struct str s, bool native)
{
    if (native || (s.n > 0 && s.p[0] == '"'))
        json_put(buf, s.p, s.n);
    else
        json_put_string(buf, s);
}

static void put_int(struct buf *buf, int64_t value)
{
    char text[NUMBER_MAX], *end = text + sizeof text, *at = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
    do {
        *--at = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    json_put(buf, at, (size_t) (end - at));
}

static void put_real(struct buf *buf, double value)
{
    char text[NUMBER_MAX];
    if (isnan(value)) {
        json_put(buf, "\"NaN\"", 5);
        return;
    }
    if (isinf(value)) {
        buf_puts(buf, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    int length = 0;
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_put(buf, text, (size_t) length);
    if (!strpbrk(text, ".e"))
        json_put(buf, ".0", 2);
}

static void put_datetime(struct buf *buf, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    if (tick < 0 || tick > TICK_MAX) {
        json_put(buf, "null", 4);
        return;
    }
    size_t length = tick_format(tick, text);
    json_put_char(buf, '"');
    json_put(buf, text, length);
    json_put_char(buf, '"');
}

static void put_timespan(struct buf *buf, int64_t span)
{
    char text[TIMESPAN_TEXT_MAX];
    size_t length = timespan_format(span, text);
    json_put_char(buf, '"');
    json_put(buf, text, length);
    json_put_char(buf, '"');
}

void json_put_value(struct buf *buf, const struct engine_vector *vector, size_t row,
                    bool native_dynamic)
{
    const void *values = vector->values;
    switch (vector->type) {
    case COLUMN_BOOL:
        buf_puts(buf, ((const bool *) values)[row] ? "true" : "false");
        return;
    case COLUMN_INT:
        put_int(buf, ((const int32_t *) values)[row]);
        return;
    case COLUMN_LONG:
        put_int(buf, ((const int64_t *) values)[row]);
        return;
    case COLUMN_REAL:
        put_real(buf, ((const double *) values)[row]);
        return;
    case COLUMN_DATETIME:
        put_datetime(buf, ((const int64_t *) values)[row]);
        return;
    case COLUMN_TIMESPAN:
        put_timespan(buf, ((const int64_t *) values)[row]);
        return;
    case COLUMN_DYNAMIC:
        put_dynamic(buf, engine_text(vector, row), native_dynamic);
        return;
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_STRING:
    case COLUMN_TYPE_COUNT:
        break;
    }
    json_put_string(buf, engine_text(vector, row));
}
