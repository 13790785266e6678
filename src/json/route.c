/* Route: lines, and the scalar twin; see route.h.
 *
 * The scalar twin is the law and is meant to be read: it asks the grammar whether the line is one object, and
 * then walks its members.
 */
#include "json/route.h"

#include "json/grammar.h"
#include "json/route_scan.h"
#include "json/rows_scan.h"
#include "json/value.h"

enum {
    ESCAPE_MAX = 6,   /* bytes of an escape that may stand for a single byte of a key */
    FAST_KEY_MAX = 62 /* bytes of a key that, with its quotes, fits in a block of the fast path */
};

static bool is_key(const struct json_route *route, struct str inside)
{
    char decoded[JSON_ROUTE_KEY_MAX * ESCAPE_MAX];
    size_t n;
    bool lone;
    if (inside.n == 0 || memchr(inside.p, '\\', inside.n) == NULL)
        return str_eq(inside, route->key);
    return inside.n <= route->key.n * ESCAPE_MAX && json_decode(inside, decoded, &n, &lone) &&
           !lone && str_eq((struct str){decoded, n}, route->key);
}

static void set_value(struct json_line *line, const char *text, const struct json_member *member)
{
    bool string = member->kind == JSON_KIND_STRING;
    struct str value = member->value;
    if (string)
        value = (struct str){value.p + 1, value.n - 2};
    line->kind = (uint8_t) member->kind;
    line->value = (uint32_t) (value.p - text);
    line->value_length = (uint32_t) value.n;
    line->escaped = string && value.n > 0 && memchr(value.p, '\\', value.n) != NULL;
}

/* The line that lies in bytes[0 .. n) of the text, without its LF. */
static void take_line(const struct json_route *route, const char *text, struct str bytes,
                      struct json_line *line)
{
    struct str object = str_trim(bytes);
    struct json_member member;
    struct json_look look;
    size_t at = 0;
    *line =
        (struct json_line){.start = (uint32_t) (object.p - text), .length = (uint32_t) object.n};
    if (bytes.n > JSON_LINE_MAX) {
        line->state = JSON_LINE_LONG;
    } else if (object.n == 0) {
        line->state = JSON_LINE_BLANK;
    } else if (*object.p != '{' ||
               json_take_value(object.p, object.p + object.n, &look) != object.n) {
        line->state = JSON_LINE_INVALID;
    } else if (route->wanted) {
        while (json_next(object, &at, &member))
            if (is_key(route, member.key))
                set_value(line, text, &member);
    }
}

/* The line that begins at *at; false when it is not whole. */
static bool next_line(const struct json_route *route, struct str text, size_t *at, bool last,
                      struct json_line *line)
{
    const char *p = text.p + *at;
    size_t left = text.n - *at;
    const char *end = left > 0 ? memchr(p, '\n', left) : NULL;
    size_t n = end != NULL ? (size_t) (end - p) : left;
    if (end == NULL && (left == 0 || (!last && left <= JSON_LINE_MAX)))
        return false;
    take_line(route, text.p, (struct str){p, n}, line);
    *at += n + (end != NULL);
    return true;
}

/* True when the key can stand in a text as it is. */
static bool is_literal(struct str key)
{
    for (size_t i = 0; i < key.n; i++)
        if ((unsigned char) key.p[i] < 0x20 || key.p[i] == '"' || key.p[i] == '\\')
            return false;
    return true;
}

bool json_route_init(struct json_route *route, struct str key, bool scalar, struct error *err)
{
    bool fast = key.p == NULL || (key.n > 0 && key.n <= FAST_KEY_MAX && is_literal(key));
    *route = (struct json_route){
        .key = key, .wanted = key.p != NULL, .fast = !scalar && fast && json_scan_has_avx2()};
    return key.n <= JSON_ROUTE_KEY_MAX ||
           error_set(err, ERROR_LIMIT, "a key of more than %d bytes is wanted", JSON_ROUTE_KEY_MAX);
}

size_t json_route_lines(struct json_route *route, struct str text, size_t *at, bool last,
                        struct json_line *lines, size_t room)
{
    size_t n = 0;
    for (; n < room; n++) {
        if (route->fast)
            n += json_route_avx2(route, text, at, lines + n, room - n);
        if (n == room || !next_line(route, text, at, last, &lines[n]))
            break;
    }
    return n;
}
