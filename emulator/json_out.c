/* JSON out: rows of the engine as the service writes them.
 *
 * The hot path of a large answer: values go from the engine's chunk to the buffer without a copy
 * between and without an allocation of their own. Strings are scanned eight bytes at a time for
 * what must be escaped. */

#include "emulator/json_out.h"

#include "base/tick.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NUMBER_MAX = 40,
    /* What estimate_data_size counts; kql/bind_special.c has the same numbers. */
    SIZE_WORD = 8, /* long, real, datetime, timespan */
    SIZE_INT = 4,
    SIZE_BOOL = 1,
    SIZE_GUID = 16,
    SIZE_DECIMAL = 34,
    SIZE_DYNAMIC_FACTOR = 2
};

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

/* buf_put without a call where there is room. The NUL behind the last byte is left to the next
 * buf_put. */
static inline void put(struct buf *buf, const char *bytes, size_t n)
{
    if (buf->room > buf->used + n) {
        memcpy(buf->bytes + buf->used, bytes, n);
        buf->used += n;
    } else {
        buf_put(buf, bytes, n);
    }
}

static inline void put_char(struct buf *buf, char c)
{
    put(buf, &c, 1);
}

static void put_escape(struct buf *buf, char c)
{
    switch (c) {
    case '"':
        put(buf, "\\\"", 2);
        break;
    case '\\':
        put(buf, "\\\\", 2);
        break;
    case '\n':
        put(buf, "\\n", 2);
        break;
    case '\r':
        put(buf, "\\r", 2);
        break;
    case '\t':
        put(buf, "\\t", 2);
        break;
    case '\b':
        put(buf, "\\b", 2);
        break;
    case '\f':
        put(buf, "\\f", 2);
        break;
    default:
        buf_printf(buf, "\\u%04x", (unsigned char) c);
    }
}

static void put_string(struct buf *buf, struct str s)
{
    if (s.n == 0) {
        put(buf, "\"\"", 2);
        return;
    }
    put_char(buf, '"');
    while (s.n > 0) {
        size_t run = plain_run(s.p, s.n);
        if (run > 0)
            put(buf, s.p, run);
        if (run == s.n)
            break;
        put_escape(buf, s.p[run]);
        s.p += run + 1;
        s.n -= run + 1;
    }
    put_char(buf, '"');
}

/* The engine holds valid JSON: a text stands there with its quotes and escapes already. */
static void put_dynamic(struct buf *buf, struct str s, bool native)
{
    if (native || (s.n > 0 && s.p[0] == '"'))
        put(buf, s.p, s.n);
    else
        put_string(buf, s);
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
    put(buf, at, (size_t) (end - at));
}

static void put_real(struct buf *buf, double value)
{
    char text[NUMBER_MAX];
    if (isnan(value)) {
        put(buf, "\"NaN\"", 5);
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
    put(buf, text, (size_t) length);
    if (!strpbrk(text, ".e"))
        put(buf, ".0", 2);
}

static void put_datetime(struct buf *buf, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    if (tick < 0 || tick > TICK_MAX) {
        put(buf, "null", 4);
        return;
    }
    size_t length = tick_format(tick, text);
    put_char(buf, '"');
    put(buf, text, length);
    put_char(buf, '"');
}

static void put_timespan(struct buf *buf, int64_t span)
{
    char text[TIMESPAN_TEXT_MAX];
    size_t length = timespan_format(span, text);
    put_char(buf, '"');
    put(buf, text, length);
    put_char(buf, '"');
}

static void put_value(struct buf *buf, const struct engine_vector *vector, size_t row,
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
    put_string(buf, engine_text(vector, row));
}

/* What estimate_data_size counts for a value whatever it is: all of it, but for text. */
static uint64_t fixed_size(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return SIZE_BOOL;
    case COLUMN_INT:
        return SIZE_INT;
    case COLUMN_LONG:
    case COLUMN_REAL:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        return SIZE_WORD;
    case COLUMN_GUID:
        return SIZE_GUID;
    case COLUMN_DECIMAL:
        return SIZE_DECIMAL;
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return 0;
}

/* Writes one row; what estimate_data_size counts for its texts. Most values of a wide table are
 * empty: those go the short way. */
static uint64_t put_row(struct json_out *out, const struct engine_chunk *chunk, size_t row)
{
    struct buf *buf = out->body;
    uint64_t bytes = 0;
    for (size_t c = 0; c < chunk->count; c++) {
        const struct engine_vector *vector = &chunk->vectors[c];
        put_char(buf, c == 0 ? '[' : ',');
        if (!engine_valid(vector, row)) {
            put(buf, "null", 4);
            continue;
        }
        if (vector->type == COLUMN_STRING)
            bytes += engine_text(vector, row).n;
        else if (vector->type == COLUMN_DYNAMIC)
            bytes += engine_text(vector, row).n * SIZE_DYNAMIC_FACTOR;
        put_value(buf, vector, row, out->native_dynamic);
    }
    if (chunk->count == 0)
        put_char(buf, '[');
    put_char(buf, ']');
    return bytes;
}

/* Two of the rows so far, each pair as likely. */
static void draw_pair(struct json_out *out, size_t at)
{
    uint64_t slot = out->rows - 1;
    if (slot >= 2)
        slot = random_below(out->double_up, out->rows);
    if (slot < 2) {
        out->drawn[slot].at = at;
        out->drawn[slot].n = out->body->used - at;
    }
}

/* Puts the second drawn row in the place of the first. */
static void repeat_row(struct json_out *out)
{
    struct buf *body = out->body;
    size_t lost = out->drawn[0].at, lost_n = out->drawn[0].n, n = out->drawn[1].n;
    struct buf row = BUF_INIT(body->max);
    buf_put(&row, body->bytes + out->drawn[1].at, n);
    if (!row.failed && buf_reserve(body, n)) {
        memmove(body->bytes + lost + n, body->bytes + lost + lost_n, body->used - lost - lost_n);
        memcpy(body->bytes + lost, row.bytes, n);
        body->used = body->used - lost_n + n;
    }
    buf_release(&row);
}

static bool put_rows(struct json_out *out, const struct engine_chunk *chunk)
{
    struct buf *body = out->body;
    uint64_t fixed = 0;
    for (size_t c = 0; c < chunk->count; c++)
        fixed += fixed_size(chunk->vectors[c].type);
    for (size_t row = 0; row < chunk->rows; row++) {
        if (out->max_rows > 0 && out->rows == out->max_rows) {
            out->ceiling = JSON_CEILING_ROWS;
            return false;
        }
        size_t before = body->used;
        if (out->rows > 0)
            put_char(body, ',');
        uint64_t bytes = fixed + put_row(out, chunk, row);
        if (body->failed || (out->max_json > 0 && body->used > out->max_json)) {
            out->ceiling = JSON_CEILING_BODY;
            return false;
        }
        if (out->max_bytes > 0 && out->bytes + bytes > out->max_bytes) {
            body->used = before;
            out->ceiling = JSON_CEILING_BYTES;
            return false;
        }
        out->bytes += bytes;
        out->rows++;
        if (out->double_up)
            draw_pair(out, before + (out->rows > 1));
        if (out->break_off && random_below(out->break_off, out->rows) == 0) {
            out->broken.used = body->used;
            out->broken.rows = out->rows;
            out->broken.bytes = out->bytes;
        }
    }
    return true;
}

void json_out_begin(struct json_out *out, const struct columns *columns)
{
    buf_puts(out->body, "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[");
    for (size_t c = 0; c < columns->n; c++) {
        buf_puts(out->body, c > 0 ? ",{\"name\":" : "{\"name\":");
        put_string(out->body, str_of(columns->v[c].name));
        buf_printf(out->body, ",\"type\":\"%s\"}", column_type_name(columns->v[c].type));
    }
    buf_puts(out->body, "],\"rows\":[");
    out->broken.used = out->body->used;
}

bool json_out_chunk(struct json_out *out, const struct engine_chunk *chunk)
{
    bool more = put_rows(out, chunk);
    buf_puts(out->body, ""); /* for the NUL */
    return more;
}

void json_out_end(struct json_out *out)
{
    if (out->break_off) {
        out->body->used = out->broken.used;
        out->rows = out->broken.rows;
        out->bytes = out->broken.bytes;
    }
    if (out->double_up && out->rows >= 2)
        repeat_row(out);
    buf_puts(out->body, "]}]");
}
