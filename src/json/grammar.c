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

const char json_escapes[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

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
        return json_escapes[(unsigned char) p[1]] != '\0' ? 2 : 0;
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

enum { WIDE = 16 };

/* The bytes that cannot simply be passed over, one bit each, of WIDE: as signed numbers, control characters and
 * what is beyond ASCII are below 0x20. */
static inline unsigned special_bytes(__m128i v)
{
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    return (unsigned) _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), low));
}

static const char *skip_wide(const char *p, const char *end)
{
    for (; end - p >= WIDE; p += WIDE) {
        unsigned special = special_bytes(_mm_loadu_si128((const __m128i *) (const void *) p));
        if (special != 0)
            return p + __builtin_ctz(special);
    }
    return p;
}

static const char *copy_wide(const char *p, const char *end, char **to)
{
    for (; end - p >= WIDE; p += WIDE, *to += WIDE) {
        __m128i v = _mm_loadu_si128((const __m128i *) (const void *) p);
        unsigned special = special_bytes(v);
        _mm_storeu_si128((__m128i *) (void *) *to, v);
        if (special != 0) {
            *to += __builtin_ctz(special);
            return p + __builtin_ctz(special);
        }
    }
    return p;
}

#else

enum { WIDE = 8 };

/* Eight bytes at a time: the lowest that gets 0x80 here is special; those above it may be told wrongly. */
static inline uint64_t special_bytes(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    eight = le64toh(eight);
    uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
    return ((quote - ones) | (slash - ones) | (eight - ones * 0x20) | eight) & high;
}

static const char *skip_wide(const char *p, const char *end)
{
    for (; end - p >= WIDE; p += WIDE) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        uint64_t special = special_bytes(eight);
        if (special != 0)
            return p + (__builtin_ctzll(special) >> 3);
    }
    return p;
}

static const char *copy_wide(const char *p, const char *end, char **to)
{
    const char *plain = skip_wide(p, end);
    memcpy(*to, p, (size_t) (plain - p));
    *to += plain - p;
    return plain;
}

#endif

static bool is_plain(char c)
{
    return c != '"' && c != '\\' && (unsigned char) c >= 0x20 && (unsigned char) c < 0x80;
}

const char *json_skip_plain(const char *p, const char *end)
{
    p = skip_wide(p, end);
    while (p < end && is_plain(*p))
        p++;
    return p;
}

const char *json_copy_plain(const char *p, const char *end, char **to)
{
    p = copy_wide(p, end, to);
    while (p < end && is_plain(*p))
        *(*to)++ = *p++;
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

/* A walk through a value: the containers that are open, one bit each (set for an object), and the copy that is
 * made without white space, if one is wanted. */
struct walk {
    const char *end;
    struct json_look *look;
    uint64_t objects[JSON_DEPTH_MAX / 64];
    size_t depth;
    const char *from; /* what is not copied yet */
    char *to;         /* NULL: no copy */
};

enum { COPY_WIDE = 32 };

/* Copies up to p. Short pieces are copied wider, over what comes next, as long as that is the text's own. */
static void walk_copy(struct walk *walk, const char *p)
{
    size_t n = (size_t) (p - walk->from);
    if (n <= COPY_WIDE && walk->end - walk->from >= COPY_WIDE)
        memcpy(walk->to, walk->from, COPY_WIDE);
    else
        memcpy(walk->to, walk->from, n);
    walk->to += n;
    walk->from = p;
}

static const char *walk_space(struct walk *walk, const char *p)
{
    if (p == walk->end || !json_is_space(*p))
        return p;
    if (walk->to != NULL)
        walk_copy(walk, p);
    p = json_skip_space(p + 1, walk->end);
    walk->from = p;
    return p;
}

static const char *walk_wrong(struct walk *walk, const char *p)
{
    walk->look->wrong = p;
    return NULL;
}

static bool in_object(const struct walk *walk)
{
    size_t top = walk->depth - 1;
    return (walk->objects[top / 64] >> top % 64 & 1) != 0;
}

static bool walk_open(struct walk *walk, bool object)
{
    size_t top = walk->depth;
    if (top == JSON_DEPTH_MAX)
        return false;
    uint64_t bit = UINT64_C(1) << top % 64;
    walk->objects[top / 64] = (walk->objects[top / 64] & ~bit) | (object ? bit : 0);
    walk->depth++;
    return true;
}

/* In an object: the key, the colon, and the white space around them; NULL when they are not there. */
static const char *walk_key(struct walk *walk, const char *p)
{
    p = walk_space(walk, p);
    size_t length = json_take_string(p, walk->end, walk->look);
    if (length == 0)
        return NULL;
    p = walk_space(walk, p + length);
    return p < walk->end && *p == ':' ? walk_space(walk, p + 1) : walk_wrong(walk, p);
}

/* Opens containers from p on as long as each begins with another; p then stands at a scalar or behind
 * an empty container (*done). */
static const char *walk_down(struct walk *walk, const char *p, bool *done)
{
    *done = false;
    while (p != NULL && p < walk->end && (*p == '[' || *p == '{')) {
        char close = *p == '[' ? ']' : '}';
        if (!walk_open(walk, *p == '{'))
            return walk_wrong(walk, p);
        p = walk_space(walk, p + 1);
        if (p < walk->end && *p == close) {
            walk->depth--;
            *done = true;
            return p + 1;
        }
        if (close == '}')
            p = walk_key(walk, p);
    }
    return p;
}

/* Behind a value: closes what ends here; p then stands behind the comma (and key) before the next value,
 * or, with depth 0, behind the outermost container. */
static const char *walk_up(struct walk *walk, const char *p)
{
    while (walk->depth > 0) {
        p = walk_space(walk, p);
        if (p == walk->end)
            return walk_wrong(walk, p);
        if (*p == ',')
            return in_object(walk) ? walk_key(walk, p + 1) : walk_space(walk, p + 1);
        if (*p != (in_object(walk) ? '}' : ']'))
            return walk_wrong(walk, p);
        walk->depth--;
        p++;
    }
    return p;
}

static size_t take_nested(const char *p, const char *end, char **to, struct json_look *look)
{
    struct walk walk = {.end = end, .look = look, .from = p, .to = to == NULL ? NULL : *to};
    const char *at = p;
    bool done;
    do {
        at = walk_down(&walk, at, &done);
        if (at != NULL && !done) {
            size_t length = take_scalar(at, end, look);
            at = length > 0 ? at + length : NULL;
        }
        if (at != NULL)
            at = walk_up(&walk, at);
    } while (at != NULL && walk.depth > 0);
    look->escaped = false;
    if (at != NULL && to != NULL) {
        walk_copy(&walk, at);
        *to = walk.to;
    }
    return at == NULL ? 0 : (size_t) (at - p);
}

size_t json_take_value(const char *p, const char *end, struct json_look *look)
{
    bool nested = p < end && (*p == '[' || *p == '{');
    return nested ? take_nested(p, end, NULL, look) : take_scalar(p, end, look);
}

size_t json_copy_value(const char *p, const char *end, char **to, struct json_look *look)
{
    if (p < end && (*p == '[' || *p == '{'))
        return take_nested(p, end, to, look);
    size_t length = take_scalar(p, end, look);
    memcpy(*to, p, length);
    *to += length;
    return length;
}
