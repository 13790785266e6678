/* Route: a scanner for JSON lines that are to be sent somewhere by the value of one key.
 *
 * Given a text of many lines, it says of each where it is, whether the whole of it is one valid JSON object,
 * and where the value of the wanted top-level key stands. The bytes stay where they are: no allocation,
 * no copy, no call-back. Records are filled into an array:
 *
 *     struct json_route route;
 *     if (!json_route_init(&route, STR("TimeGenerated"), false, err)) ...
 *     while ((n = json_route_lines(&route, text, &at, last, lines, ROOM)) > 0)
 *         ... lines[0 .. n) ...
 *     ... text[at ..] is the beginning of a line that is not whole yet: put it before the next text
 *
 * A line ends at its LF. Blanks, tabs and CRs around it are not of it. An object is valid when it is in the
 * grammar of RFC 8259, in UTF-8, with at most JSON_DEPTH_MAX arrays and objects open at once, itself among
 * them. A key may be written with escapes; of a key that stands twice the last counts, as JSON readers
 * have it; keys of nested objects do not. A byte-order mark is the caller's to pass over.
 *
 * Two implementations: AVX2, and a scalar twin that is the law.
 */
#ifndef WEIR_JSON_ROUTE_H
#define WEIR_JSON_ROUTE_H

#include "json/rows.h"

enum {
    JSON_LINE_MAX = JSON_ROW_MAX, /* bytes of one line, its LF not counted */
    JSON_ROUTE_PADDING = 64,      /* bytes behind the text that can be read */
    JSON_ROUTE_KEY_MAX = 1024     /* bytes of the wanted key */
};

enum json_line_state {
    JSON_LINE_OBJECT,  /* one valid object */
    JSON_LINE_BLANK,   /* nothing but blanks, tabs and CRs */
    JSON_LINE_INVALID, /* anything else, too deep an object among it */
    JSON_LINE_LONG     /* of more than JSON_LINE_MAX bytes; not looked at */
};

struct json_line {
    uint32_t start, length; /* in the text, trimmed; of a blank line length is 0 */
    uint32_t value,
        value_length; /* in the text; of a string the inside of the quotes, as it came */
    uint8_t state;    /* enum json_line_state; what follows is of objects alone */
    uint8_t kind;     /* enum json_kind; JSON_KIND_NONE: the wanted key is not there */
    bool escaped;     /* a string with at least one backslash in it */
};

/* Where a thread keeps what it looks for; members are the room's own. Threads have one each. */
struct json_route {
    struct str key;
    bool wanted;    /* a key is looked for at all */
    bool fast;      /* by the AVX2 twin, where a line is not odd */
    unsigned loose; /* how many of the next lines that one takes for loose at once */
};

/* `key` is decoded, and lent for as long as the route is used; with key.p NULL none is wanted. `scalar` asks
 * for the scalar twin (tests). False: the key is longer than JSON_ROUTE_KEY_MAX (ERROR_LIMIT). */
bool json_route_init(struct json_route *route, struct str key, bool scalar, struct error *err);

/* Fills lines[0 .. room) with the next lines of text[*at .. n), blank ones too, and moves *at behind the last of
 * them; `last` says that nothing follows this text, so that a line need not end in LF. Returns how many:
 * less than `room` when no whole line is left. The text has at most UINT32_MAX bytes, and JSON_ROUTE_PADDING
 * bytes behind it can be read (what is in them does not matter).
 *
 * 0 is returned for a line that does not end in the text: the caller reads more behind it, into a buffer that it
 * doubles when it is full, so that a long line is looked at twice on average. A line of which more than
 * JSON_LINE_MAX bytes are there is JSON_LINE_LONG at once, its end here or not: *at then stands behind what is
 * here of it, and when text.p[*at - 1] is no LF it is the caller who passes over the rest up to its LF. */
size_t json_route_lines(struct json_route *route, struct str text, size_t *at, bool last,
                        struct json_line *lines, size_t room);

#endif
