/* Values: checks and small rewrites of one JSON value in memory; see value.h. */
#include "json/value.h"

#include "json/grammar.h"

static const uint32_t REPLACEMENT = 0xFFFD;

bool json_valid(struct str text)
{
    const char *end = text.p + text.n, *p = json_skip_space(text.p, end);
    struct json_look look;
    size_t length = json_take_value(p, end, &look);
    return length > 0 && json_skip_space(p + length, end) == end;
}

enum json_kind json_value_kind(struct str value)
{
    return value.n > 0 ? json_kind_of(value.p[0]) : JSON_KIND_NONE;
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned) (c - '0') : (unsigned) ((c | 0x20) - 'a') + 10;
}

/* The four digits behind \u; the escape was checked. */
static uint32_t hex4(const char *p)
{
    return hex_digit(p[2]) << 12 | hex_digit(p[3]) << 8 | hex_digit(p[4]) << 4 | hex_digit(p[5]);
}

/* The code point of the \u escape at *p, and of the second one when it is a pair; moves *p behind. */
static uint32_t take_code_point(const char **p, const char *end, bool *lone)
{
    uint32_t first = hex4(*p);
    *p += 6;
    if (first < 0xD800 || first > 0xDFFF)
        return first;
    if (first < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
        json_take_special(*p, end) == 6) {
        uint32_t second = hex4(*p);
        if (second >= 0xDC00 && second <= 0xDFFF) {
            *p += 6;
            return 0x10000 + ((first - 0xD800) << 10 | (second - 0xDC00));
        }
    }
    *lone = true;
    return REPLACEMENT;
}

static char *put_code_point(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char) c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char) (0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char) (0xE0 | c >> 12);
        } else {
            *to++ = (char) (0xF0 | c >> 18);
            *to++ = (char) (0x80 | (c >> 12 & 0x3F));
        }
        *to++ = (char) (0x80 | (c >> 6 & 0x3F));
    }
    *to++ = (char) (0x80 | (c & 0x3F));
    return to;
}

/* The escape or the character beyond ASCII at *p, behind which it moves; NULL when it is wrong. */
static char *put_special(char *to, const char **p, const char *end, bool *lone)
{
    size_t length = **p == '"' ? 0 : json_take_special(*p, end);
    if (length == 0)
        return NULL;
    if (**p == '\\' && (*p)[1] == 'u')
        return put_code_point(to, take_code_point(p, end, lone));
    if (**p == '\\')
        *to = json_escapes[(unsigned char) (*p)[1]];
    else
        memcpy(to, *p, length);
    to += **p == '\\' ? 1 : length;
    *p += length;
    return to;
}

bool json_decode(struct str inside, char *to, size_t *n, bool *lone)
{
    const char *p = inside.p, *end = p + inside.n;
    char *out = to;
    *lone = false;
    while (out != NULL && (p = json_copy_plain(p, end, &out)) < end)
        out = put_special(out, &p, end, lone);
    *n = out == NULL ? 0 : (size_t) (out - to);
    return out != NULL;
}

/* Takes n bytes that were written behind the buffer's end, or none when that failed. */
static bool keep_written(struct buf *out, size_t n, bool ok)
{
    out->used += ok ? n : 0;
    out->bytes[out->used] = '\0';
    return ok;
}

bool json_unescape(struct str inside, struct buf *out)
{
    size_t n;
    bool lone;
    if (!buf_reserve(out, inside.n))
        return false;
    bool ok = json_decode(inside, out->bytes + out->used, &n, &lone);
    return keep_written(out, n, ok);
}

bool json_compact(struct str value, char *to, size_t *n)
{
    const char *end = value.p + value.n, *p = json_skip_space(value.p, end);
    struct json_look look;
    char *out = to;
    size_t length = json_copy_value(p, end, &out, &look);
    *n = (size_t) (out - to);
    return length > 0 && json_skip_space(p + length, end) == end;
}

bool json_minify(struct str value, struct buf *out)
{
    size_t n;
    if (!buf_reserve(out, value.n))
        return false;
    bool ok = json_compact(value, out->bytes + out->used, &n);
    return keep_written(out, n, ok);
}

/* The key before the colon, and the white space around it; NULL when they are not there. */
static const char *take_key(const char *p, const char *end, struct str *key)
{
    struct json_look look;
    size_t length = json_take_string(p, end, &look);
    if (length == 0)
        return NULL;
    *key = (struct str){p + 1, length - 2};
    p = json_skip_space(p + length, end);
    return p == end || *p != ':' ? NULL : json_skip_space(p + 1, end);
}

bool json_next(struct str container, size_t *at, struct json_member *out)
{
    const char *end = container.p + container.n, *p = json_skip_space(container.p + *at, end);
    if (p == end || (*at == 0 ? *p != '[' && *p != '{' : *p != ','))
        return false;
    bool object = *json_skip_space(container.p, end) == '{';
    struct json_look look;
    p = json_skip_space(p + 1, end);
    out->key = (struct str){"", 0};
    if (object)
        p = take_key(p, end, &out->key);
    size_t length = p == NULL ? 0 : json_take_value(p, end, &look);
    if (length == 0)
        return false;
    out->value = (struct str){p, length};
    out->kind = json_kind_of(*p);
    *at = (size_t) (p + length - container.p);
    return true;
}
