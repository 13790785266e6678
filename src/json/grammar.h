/* Grammar: the parts of RFC 8259, byte by byte, for this room alone. What these functions take is
 * what weir takes for JSON: the fast paths beside them must agree.
 *
 * A json_take_ function reads what begins at `p`, before `end`, and returns the number of bytes it
 * covers, or 0 when no whole and valid one begins there: look->wrong is then the place where it goes
 * wrong, less than JSON_TOKEN_MAX before `end` if bytes behind `end` could still make it right.
 */
#ifndef WEIR_JSON_GRAMMAR_H
#define WEIR_JSON_GRAMMAR_H

#include "json/rows.h"

/* The kind of a value (enum json_kind) by its first byte. */
extern const uint8_t json_kinds[256];

static inline enum json_kind json_kind_of(char first)
{
    return (enum json_kind) json_kinds[(unsigned char) first];
}

enum { JSON_TOKEN_MAX = 8 }; /* bytes of an escape, a character, a word */

struct json_look {
    const char *wrong;
    bool escaped; /* of a string: there is a backslash in it */
};

/* A string with both quotes. */
size_t json_take_string(const char *p, const char *end, struct json_look *look);

/* A number: as many bytes as belong to it. */
size_t json_take_number(const char *p, const char *end, struct json_look *look);

/* null, true or false. */
size_t json_take_word(const char *p, const char *end, struct json_look *look);

/* Any value: arrays and objects to JSON_DEPTH_MAX, with what stands in them. */
size_t json_take_value(const char *p, const char *end, struct json_look *look);

/* The same, copied to *to (room for end - p bytes) without the white space between its tokens; *to moves behind
 * it. What stands in that room behind *to may be anything, as after a failure. */
size_t json_copy_value(const char *p, const char *end, char **to, struct json_look *look);

/* What a backslash and this character stand for; 0 when they are no escape, or that of \u. */
extern const char json_escapes[256];

/* Passes over the bytes of a string that need no look; stands at a quote, a backslash, a control character,
 * a byte beyond ASCII, or the end. */
const char *json_skip_plain(const char *p, const char *end);

/* The same, copied to *to (room for end - p bytes), which moves as far. */
const char *json_copy_plain(const char *p, const char *end, char **to);

/* Bytes of the escape, or of the character beyond ASCII, that begins at p < end; 0 when it is wrong. */
size_t json_take_special(const char *p, const char *end);

/* White space, possibly none (0 bytes). */
static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_skip_space(const char *p, const char *end)
{
    while (p < end && json_is_space(*p))
        p++;
    return p;
}

#endif
