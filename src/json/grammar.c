/* Grammar: the parts of RFC 8259, byte by byte; see grammar.h. */
#include "json/grammar.h"

#include <endian.h>

const uint8_t json_kinds[256] = {
    ['n'] = JSON_KIND_NULL,   ['f'] = JSON_KIND_FALSE,  ['t'] = JSON_KIND_TRUE,
    ['"'] = JSON_KIND_STRING, ['['] = JSON_KIND_ARRAY,  ['{'] = JSON_KIND_OBJECT,
    ['-'] = JSON_KIND_NUMBER, ['0'] = JSON_KIND_NUMBER, ['1'] = JSON_KIND_NUMBER,
    ['2'] = JSON_KIND_NUMBER, ['3'] = JSON_KIND_NUMBER, ['4'] = JSON_KIND_NUMBER,
    ['5'] = JSON_KIND_NUMBER, ['6'] = JSON_KIND_NUMBER, ['7'] = JSON_KIND_NUMBER,
    ['8'] = JSON_KIND_NUMBER, ['9'] = JSON_KIND_NUMBER,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    char lower = (char) (c | 0x20);
    return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

/* Bytes of an escape that begins with the backslash at p, or 0. */
static size_t take_escape(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0;
    if (end - p < 6)
        return 0;
    return is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) && is_hex(p[5]) ? 6 : 0;
}

size_t json_take_special(const char *p, const char *end)
{
    if (*p == '\\')
        return take_escape(p, end);
    if ((unsigned char) *p < 0x80)
        return 0; /* a control character */
    size_t length;
    (void) text_utf8_next(p, (size_t) (end - p), &length);
    return length > 1 ? length : 0; /* an invalid byte has length 1 */
}

/* The bytes of eight (lowest first) that cannot simply be passed over, 0x80 in each: quote, backslash,
 * control character, or not ASCII. Bytes above the first may be wrong. */
static uint64_t special8(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
    return ((quote - ones) | (slash - ones) | (eight - ones * 0x20) | eight) & high;
}

const char *json_skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        uint64_t special = special8(le64toh(eight));
        if (special != 0)
            return p + (__builtin_ctzll(special) >> 3);
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char) *p >= 0x20 &&
           (unsigned char) *p < 0x80)
        p++;
    return p;
}

size_t json_take_string(const char *p, const char *end, bool *escaped)
{
    const char *at = p;
    *escaped = false;
    if (p == end || *p != '"')
        return 0;
    at++;
    while ((at = json_skip_plain(at, end)) < end && *at != '"') {
        size_t length = json_take_special(at, end);
        *escaped |= *at == '\\';
        if (length == 0)
            return 0;
        at += length;
    }
    return at < end ? (size_t) (at + 1 - p) : 0;
}

/* At least one digit; NULL when there is none. */
static const char *take_digits(const char *p, const char *end)
{
    const char *at = p;
    while (at < end && is_digit(*at))
        at++;
    return at > p ? at : NULL;
}

size_t json_take_number(const char *p, const char *end)
{
    const char *at = p;
    if (at < end && *at == '-')
        at++;
    const char *whole = at;
    at = take_digits(at, end);
    if (at == NULL || (*whole == '0' && at - whole > 1))
        return 0;
    if (at < end && *at == '.' && (at = take_digits(at + 1, end)) == NULL)
        return 0;
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = take_digits(at, end);
    }
    return at == NULL ? 0 : (size_t) (at - p);
}

size_t json_take_word(const char *p, const char *end)
{
    size_t n = (size_t) (end - p);
    if (n >= 4 && (memcmp(p, "null", 4) == 0 || memcmp(p, "true", 4) == 0))
        return 4;
    return n >= 5 && memcmp(p, "false", 5) == 0 ? 5 : 0;
}

/* A string, number or word. */
static size_t take_scalar(const char *p, const char *end, bool *escaped)
{
    if (p == end)
        return 0;
    if (*p == '"')
        return json_take_string(p, end, escaped);
    return json_kind_of(*p) == JSON_KIND_NUMBER ? json_take_number(p, end) : json_take_word(p, end);
}

/* The containers that are open: one bit each, set for an object. */
struct nest {
    uint64_t objects[JSON_DEPTH_MAX / 64];
    size_t depth;
};

static bool in_object(const struct nest *nest)
{
    size_t top = nest->depth - 1;
    return (nest->objects[top / 64] >> top % 64 & 1) != 0;
}

static bool nest_open(struct nest *nest, bool object)
{
    size_t top = nest->depth;
    if (top == JSON_DEPTH_MAX)
        return false;
    uint64_t bit = UINT64_C(1) << top % 64;
    nest->objects[top / 64] = (nest->objects[top / 64] & ~bit) | (object ? bit : 0);
    nest->depth++;
    return true;
}

/* In an object: the key, the colon, and the white space around them; NULL when they are not there. */
static const char *take_key(const char *p, const char *end)
{
    bool escaped;
    p = json_skip_space(p, end);
    size_t length = json_take_string(p, end, &escaped);
    p = json_skip_space(p + length, end);
    return length == 0 || p == end || *p != ':' ? NULL : json_skip_space(p + 1, end);
}

/* Opens containers from p on as long as each begins with another; p then stands at a scalar or behind
 * an empty container (*done). */
static const char *open_nest(const char *p, const char *end, struct nest *nest, bool *done)
{
    *done = false;
    while (p != NULL && p < end && (*p == '[' || *p == '{')) {
        char close = *p == '[' ? ']' : '}';
        if (!nest_open(nest, *p == '{'))
            return NULL;
        p = json_skip_space(p + 1, end);
        if (p < end && *p == close) {
            nest->depth--;
            *done = true;
            return p + 1;
        }
        if (close == '}')
            p = take_key(p, end);
    }
    return p;
}

/* Behind a value: closes what ends here; p then stands behind the comma (and key) before the next value,
 * or, with depth 0, behind the outermost container. */
static const char *close_nest(const char *p, const char *end, struct nest *nest)
{
    while (nest->depth > 0) {
        p = json_skip_space(p, end);
        if (p == end)
            return NULL;
        if (*p == ',') {
            p++;
            return in_object(nest) ? take_key(p, end) : json_skip_space(p, end);
        }
        if (*p != (in_object(nest) ? '}' : ']'))
            return NULL;
        nest->depth--;
        p++;
    }
    return p;
}

size_t json_take_value(const char *p, const char *end, bool *escaped)
{
    struct nest nest = {.depth = 0};
    const char *at = p;
    bool inner = false, done;
    *escaped = false;
    if (p < end && *p != '[' && *p != '{')
        return take_scalar(p, end, escaped);
    do {
        at = open_nest(at, end, &nest, &done);
        if (at != NULL && !done) {
            size_t length = take_scalar(at, end, &inner);
            at = length > 0 ? at + length : NULL;
        }
        if (at != NULL)
            at = close_nest(at, end, &nest);
    } while (at != NULL && nest.depth > 0);
    return at == NULL ? 0 : (size_t) (at - p);
}
