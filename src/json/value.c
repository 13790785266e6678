/* Values: checks and small rewrites of one JSON value in memory; see value.h. */
#include "json/value.h"

#include "json/grammar.h"

static const uint32_t REPLACEMENT = 0xFFFD;

/* The value in `text`, without the white space around it; false when that is not one valid value. */
static bool whole_value(struct str text, struct str *out)
{
    const char *end = text.p + text.n, *p = json_skip_space(text.p, end);
    struct json_look look;
    size_t length = json_take_value(p, end, &look);
    *out = (struct str){p, length};
    return length > 0 && json_skip_space(p + length, end) == end;
}

bool json_valid(struct str text)
{
    struct str value;
    return whole_value(text, &value);
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

/* What a backslash and this character stand for; itself for quote, backslash and slash. */
static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

bool json_decode(struct str inside, char *to, size_t *n, bool *lone)
{
    const char *p = inside.p, *end = p + inside.n;
    char *out = to;
    *lone = false;
    while (p < end) {
        const char *plain = json_skip_plain(p, end);
        memcpy(out, p, (size_t) (plain - p));
        out += plain - p;
        p = plain;
        if (p == end)
            break;
        size_t length = *p == '"' ? 0 : json_take_special(p, end);
        if (length == 0)
            return false;
        if (*p != '\\') {
            memcpy(out, p, length);
            out += length;
            p += length;
        } else if (length == 2) {
            *out++ = simple_escape(p[1]);
            p += 2;
        } else {
            out = put_code_point(out, take_code_point(&p, end, lone));
        }
    }
    *n = (size_t) (out - to);
    return true;
}

bool json_unescape(struct str inside, struct buf *out)
{
    size_t n;
    bool lone;
    if (!buf_reserve(out, inside.n) || !json_decode(inside, out->bytes + out->used, &n, &lone))
        return false;
    out->used += n;
    out->bytes[out->used] = '\0';
    return true;
}

bool json_compact(struct str value, char *to, size_t *n)
{
    struct str whole;
    if (!whole_value(value, &whole))
        return false;
    const char *p = whole.p, *end = p + whole.n;
    char *out = to;
    while (p < end) {
        size_t length = 1;
        struct json_look look;
        if (*p == '"')
            length = json_take_string(p, end, &look);
        if (!json_is_space(*p)) {
            memcpy(out, p, length);
            out += length;
        }
        p += length;
    }
    *n = (size_t) (out - to);
    return true;
}

bool json_minify(struct str value, struct buf *out)
{
    size_t n;
    if (!buf_reserve(out, value.n) || !json_compact(value, out->bytes + out->used, &n))
        return false;
    out->used += n;
    out->bytes[out->used] = '\0';
    return true;
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
