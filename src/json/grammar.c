/* Grammar: the parts of RFC 8259, byte by byte; see grammar.h. */
#include "json/grammar.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

#ifdef __SSE2__

/* Sixteen bytes at a time: as signed numbers, control characters and what is beyond ASCII are below 0x20. */
static const char *skip_wide(const char *p, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
                  low = _mm_set1_epi8(0x20);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *) (const void *) p);
        __m128i special =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                         _mm_cmplt_epi8(v, low));
        unsigned mask = (unsigned) _mm_movemask_epi8(special);
        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
    return p;
}

#else

/* Eight bytes at a time: the lowest that gets 0x80 here is special; those above it may be told wrongly. */
static const char *skip_wide(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    for (; end - p >= 8; p += 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        eight = le64toh(eight);
        uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
        uint64_t special = ((quote - ones) | (slash - ones) | (eight - ones * 0x20) | eight) & high;
        if (special != 0)
            return p + (__builtin_ctzll(special) >> 3);
    }
    return p;
}

#endif

const char *json_skip_plain(const char *p, const char *end)
{
    p = skip_wide(p, end);
    while (p < end && *p != '"' && *p != '\\' && (unsigned char) *p >= 0x20 &&
           (unsigned char) *p < 0x80)
        p++;
    return p;
}

static size_t go_wrong(struct json_look *look, const char *p)
{
    look->wrong = p;
    return 0;
}

size_t json_take_string(const char *p, const char *end, struct json_look *look)
{
    const char *at = p;
    look->escaped = false;
    if (p == end || *p != '"')
        return go_wrong(look, p);
    at++;
    while ((at = json_skip_plain(at, end)) < end && *at != '"') {
        size_t length = json_take_special(at, end);
        if (length == 0)
            return go_wrong(look, at);
        look->escaped |= *at == '\\';
        at += length;
    }
    return at < end ? (size_t) (at + 1 - p) : go_wrong(look, end);
}

/* Passes over digits; false when there is none. */
static bool take_digits(const char **at, const char *end)
{
    const char *p = *at;
    while (*at < end && is_digit(**at))
        (*at)++;
    return *at > p;
}

size_t json_take_number(const char *p, const char *end, struct json_look *look)
{
    const char *at = p;
    if (at < end && *at == '-')
        at++;
    const char *whole = at;
    if (!take_digits(&at, end) || (*whole == '0' && at - whole > 1))
        return go_wrong(look, at);
    if (at < end && *at == '.') {
        at++;
        if (!take_digits(&at, end))
            return go_wrong(look, at);
    }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        if (!take_digits(&at, end))
            return go_wrong(look, at);
    }
    return (size_t) (at - p);
}

size_t json_take_word(const char *p, const char *end, struct json_look *look)
{
    size_t n = (size_t) (end - p);
    if (n >= 4 && (memcmp(p, "null", 4) == 0 || memcmp(p, "true", 4) == 0))
        return 4;
    return n >= 5 && memcmp(p, "false", 5) == 0 ? 5 : go_wrong(look, p);
}

/* A string, number or word. */
static size_t take_scalar(const char *p, const char *end, struct json_look *look)
{
    look->escaped = false;
    if (p == end)
        return go_wrong(look, p);
    if (*p == '"')
        return json_take_string(p, end, look);
    return json_kind_of(*p) == JSON_KIND_NUMBER ? json_take_number(p, end, look)
                                                : json_take_word(p, end, look);
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
static const char *take_key(const char *p, const char *end, struct json_look *look)
{
    p = json_skip_space(p, end);
    size_t length = json_take_string(p, end, look);
    if (length == 0)
        return NULL;
    p = json_skip_space(p + length, end);
    if (p < end && *p == ':')
        return json_skip_space(p + 1, end);
    look->wrong = p;
    return NULL;
}

/* Opens containers from p on as long as each begins with another; p then stands at a scalar or behind
 * an empty container (*done). */
static const char *open_nest(const char *p, const char *end, struct nest *nest, bool *done,
                             struct json_look *look)
{
    *done = false;
    while (p != NULL && p < end && (*p == '[' || *p == '{')) {
        char close = *p == '[' ? ']' : '}';
        look->wrong = p;
        if (!nest_open(nest, *p == '{'))
            return NULL;
        p = json_skip_space(p + 1, end);
        if (p < end && *p == close) {
            nest->depth--;
            *done = true;
            return p + 1;
        }
        if (close == '}')
            p = take_key(p, end, look);
    }
    return p;
}

/* Behind a value: closes what ends here; p then stands behind the comma (and key) before the next value,
 * or, with depth 0, behind the outermost container. */
static const char *close_nest(const char *p, const char *end, struct nest *nest,
                              struct json_look *look)
{
    while (nest->depth > 0) {
        p = json_skip_space(p, end);
        look->wrong = p;
        if (p == end)
            return NULL;
        if (*p == ',') {
            p++;
            return in_object(nest) ? take_key(p, end, look) : json_skip_space(p, end);
        }
        if (*p != (in_object(nest) ? '}' : ']'))
            return NULL;
        nest->depth--;
        p++;
    }
    return p;
}

size_t json_take_value(const char *p, const char *end, struct json_look *look)
{
    struct nest nest = {.depth = 0};
    const char *at = p;
    bool done;
    if (p < end && *p != '[' && *p != '{')
        return take_scalar(p, end, look);
    do {
        at = open_nest(at, end, &nest, &done, look);
        if (at != NULL && !done) {
            size_t length = take_scalar(at, end, look);
            at = length > 0 ? at + length : NULL;
        }
        if (at != NULL)
            at = close_nest(at, end, &nest, look);
    } while (at != NULL && nest.depth > 0);
    look->escaped = false;
    return at == NULL ? 0 : (size_t) (at - p);
}
