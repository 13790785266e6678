/* Objects one after the other, and the cells of the wanted keys; see lines.h.
 *
 * An object is taken member by member, strictly. What goes wrong so near to the end of the text that bytes
 * behind it could mend it is not wrong yet.
 *
 * Objects of a file mostly have the same keys in the same order: it is kept which wanted key came after each, and
 * that is compared first.
 */
#include "json/lines.h"

#include "base/memory.h"
#include "json/grammar.h"
#include "json/value.h"

enum {
    NO_KEY = -1,
    KEY_MAX = 64 * 1024 /* bytes of a key with escapes */
};

/* What the text is, and what may come next in it. */
enum lines_state {
    STATE_BEGIN,      /* nothing seen: an object, or the bracket of an array */
    STATE_LINES,      /* objects without commas between them */
    STATE_ARRAY,      /* behind the opening bracket: an object or the closing one */
    STATE_ARRAY_NEXT, /* behind an object: a comma or the closing bracket */
    STATE_ARRAY_MORE, /* behind a comma: an object */
    STATE_ARRAY_END   /* behind the closing bracket: white space */
};

struct json_lines {
    const struct str *keys;
    size_t count;
    struct json_cell *cells;
    bool *present;
    int *slots; /* hash table: number of a key, or NO_KEY */
    size_t slot_mask;
    uint64_t lengths; /* bit n: a wanted key has n bytes (63: or more) */
    uint64_t ends[4]; /* bit c: a wanted key's last byte is c */
    int *
        after; /* after[k + 1]: the key that came after key k (-1: first) the last time, or NO_KEY */
    uint32_t others;    /* members of the object at hand that nobody wants */
    int before;         /* the last key that was found in the object at hand, or NO_KEY */
    struct buf decoded; /* a key with escapes */
    struct json_look look;
    enum lines_state state;
    uint64_t line; /* of where reading goes on */
};

/* --- wanted keys ---------------------------------------------------------------------------------------- */

/* Of the length and the first and last eight bytes (which overlap in a short key): keys of one table that agree
 * in these are few, and are told apart by comparing them. */
static size_t hash_key(struct str key)
{
    uint64_t first = 0, last = 0;
    if (key.n >= sizeof first) {
        memcpy(&first, key.p, sizeof first);
        memcpy(&last, key.p + key.n - sizeof last, sizeof last);
    } else {
        memcpy(&first, key.p, key.n);
    }
    uint64_t hash = (first ^ (last << 32 | last >> 32) ^ key.n) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t) (hash ^ hash >> 32);
}

static uint64_t length_bit(struct str key)
{
    return UINT64_C(1) << (key.n < 63 ? key.n : 63);
}

/* Most keys that are not wanted differ from all that are in their length or last byte. */
static bool may_be_wanted(const struct json_lines *lines, struct str key)
{
    unsigned char last = key.n > 0 ? (unsigned char) key.p[key.n - 1] : 0;
    return (lines->lengths & length_bit(key)) && (lines->ends[last / 64] >> (last % 64) & 1);
}

static int find_key(const struct json_lines *lines, struct str key)
{
    if (!may_be_wanted(lines, key))
        return NO_KEY;
    for (size_t i = hash_key(key) & lines->slot_mask;; i = (i + 1) & lines->slot_mask) {
        int number = lines->slots[i];
        if (number == NO_KEY || str_eq(lines->keys[number], key))
            return number;
    }
}

static void index_keys(struct json_lines *lines)
{
    for (size_t i = 0; i <= lines->slot_mask; i++)
        lines->slots[i] = NO_KEY;
    for (size_t k = 0; k <= lines->count; k++)
        lines->after[k] = NO_KEY;
    for (size_t k = 0; k < lines->count; k++) {
        size_t i = hash_key(lines->keys[k]) & lines->slot_mask;
        while (lines->slots[i] != NO_KEY)
            i = (i + 1) & lines->slot_mask;
        lines->slots[i] = (int) k;
        struct str key = lines->keys[k];
        unsigned char last = key.n > 0 ? (unsigned char) key.p[key.n - 1] : 0;
        lines->lengths |= length_bit(key);
        lines->ends[last / 64] |= UINT64_C(1) << (last % 64);
    }
}

/* The number of a member's key. */
static int number_of(struct json_lines *lines, struct str key, bool escaped)
{
    int *guess = &lines->after[lines->before + 1];
    int number = NO_KEY;
    if (escaped) {
        buf_reset(&lines->decoded);
        if (json_unescape(key, &lines->decoded))
            number = find_key(lines, buf_str(&lines->decoded));
    } else if (*guess != NO_KEY && str_eq(lines->keys[*guess], key)) {
        number = *guess;
    } else {
        number = find_key(lines, key);
    }
    if (number != NO_KEY) {
        *guess = number;
        lines->before = number;
    }
    return number;
}

/* --- objects -------------------------------------------------------------------------------------------- */

static void set_cell(struct json_lines *lines, int number, const char *object, const char *value,
                     size_t length, bool escaped)
{
    enum json_kind kind = json_kind_of(*value);
    uint32_t quote = kind == JSON_KIND_STRING ? 1 : 0;
    lines->present[number] = true;
    lines->cells[number] = (struct json_cell){.column = (uint32_t) number,
                                              .start = (uint32_t) (value - object) + quote,
                                              .length = (uint32_t) length - 2 * quote,
                                              .kind = (uint8_t) kind,
                                              .escaped = escaped};
}

/* "key": value, with the white space around; where it ends, or NULL. */
static const char *take_member(struct json_lines *lines, const char *object, const char *p,
                               const char *end)
{
    struct json_look *look = &lines->look;
    size_t length = json_take_string(p, end, look);
    if (length == 0)
        return NULL;
    struct str key = {p + 1, length - 2};
    bool key_escaped = look->escaped;
    p = json_skip_space(p + length, end);
    if (p == end || *p != ':') {
        look->wrong = p;
        return NULL;
    }
    p = json_skip_space(p + 1, end);
    length = json_take_value(p, end, look);
    if (length == 0)
        return NULL;
    int number = lines->count > 0 ? number_of(lines, key, key_escaped) : NO_KEY;
    if (number != NO_KEY)
        set_cell(lines, number, object, p, length, look->escaped);
    lines->others += number == NO_KEY;
    return json_skip_space(p + length, end);
}

/* The object that begins at p; where it ends, or NULL when no whole and valid one does: look.wrong is the place. */
static const char *take_object(struct json_lines *lines, const char *p, const char *end)
{
    const char *object = p;
    memset(lines->present, 0, lines->count);
    lines->before = NO_KEY;
    lines->others = 0;
    p = json_skip_space(p + 1, end);
    if (p < end && *p == '}')
        return p + 1;
    for (;;) {
        p = take_member(lines, object, p, end);
        if (p == NULL)
            return NULL;
        if (p == end || (*p != ',' && *p != '}')) {
            lines->look.wrong = p;
            return NULL;
        }
        if (*p == '}')
            return p + 1;
        p = json_skip_space(p + 1, end);
    }
}

static uint64_t count_lines(const char *p, const char *end)
{
    uint64_t n = 0;
    while ((p = memchr(p, '\n', (size_t) (end - p))) != NULL) {
        n++;
        p++;
    }
    return n;
}

/* --- between them --------------------------------------------------------------------------------------- */

/* Takes a character that stands between objects, if it may stand there. */
static bool take_between(struct json_lines *lines, char c)
{
    if (c == '[' && lines->state == STATE_BEGIN)
        lines->state = STATE_ARRAY;
    else if (c == ']' && (lines->state == STATE_ARRAY || lines->state == STATE_ARRAY_NEXT))
        lines->state = STATE_ARRAY_END;
    else if (c == ',' && lines->state == STATE_ARRAY_NEXT)
        lines->state = STATE_ARRAY_MORE;
    else
        return false;
    return true;
}

static bool may_be_object(enum lines_state state)
{
    return state != STATE_ARRAY_NEXT && state != STATE_ARRAY_END;
}

/* Fails at p, and stands behind the end of that line; waits for that end when it is not here yet. */
static int refuse(struct json_lines *lines, struct str text, const char *p, size_t *at, bool last,
                  const char *why, struct error *err)
{
    const char *end = text.p + text.n;
    const char *line_end = p < end ? memchr(p, '\n', (size_t) (end - p)) : NULL;
    if (line_end == NULL && !last)
        return 0;
    (void) error_set(err, ERROR_FORMAT, "%s", why);
    (void) error_at(err, lines->line > INT32_MAX ? INT32_MAX : (int) lines->line, 0, 0);
    *at = line_end != NULL ? (size_t) (line_end + 1 - text.p) : text.n;
    lines->line += line_end != NULL;
    return -1;
}

/* Skips what stands between objects; true when p stands at an opening brace that may be there. */
static bool find_object(struct json_lines *lines, const char **p, const char *end)
{
    for (; *p < end; (*p)++) {
        if (**p == '\n')
            lines->line++;
        else if (!json_is_space(**p) && !take_between(lines, **p))
            return **p == '{' && may_be_object(lines->state);
    }
    return false;
}

/* No object is left in the text. An array that is not closed is told once. */
static int end_of_text(struct json_lines *lines, struct str text, size_t *at, bool last,
                       struct error *err)
{
    bool open = lines->state == STATE_ARRAY || lines->state == STATE_ARRAY_NEXT ||
                lines->state == STATE_ARRAY_MORE;
    *at = text.n;
    if (!last || !open)
        return 0;
    lines->state = STATE_ARRAY_END;
    return refuse(lines, text, text.p + text.n, at, last, "the array is not closed", err);
}

/* --- public --------------------------------------------------------------------------------------------- */

struct json_lines *json_lines_new(const struct json_lines_options *options, struct error *err)
{
    if (options->count > JSON_CELLS_MAX) {
        (void) error_set(err, ERROR_LIMIT, "more than %d keys are wanted", JSON_CELLS_MAX);
        return NULL;
    }
    struct json_lines *lines = mem_alloc(1, sizeof *lines, err);
    if (!lines)
        return NULL;
    size_t slots = 8;
    while (slots < options->count * 4)
        slots *= 2;
    lines->keys = options->keys;
    lines->count = options->count;
    lines->slot_mask = slots - 1;
    buf_init(&lines->decoded, KEY_MAX);
    lines->cells = mem_alloc(options->count, sizeof lines->cells[0], err);
    lines->present = mem_alloc(options->count, sizeof lines->present[0], err);
    lines->slots = mem_alloc(slots, sizeof lines->slots[0], err);
    lines->after = mem_alloc(options->count + 1, sizeof lines->after[0], err);
    if (!lines->cells || !lines->present || !lines->slots || !lines->after) {
        json_lines_free(lines);
        return NULL;
    }
    index_keys(lines);
    json_lines_reset(lines);
    return lines;
}

void json_lines_free(struct json_lines *lines)
{
    if (!lines)
        return;
    mem_free(lines->cells);
    mem_free(lines->present);
    mem_free(lines->slots);
    mem_free(lines->after);
    buf_release(&lines->decoded);
    mem_free(lines);
}

void json_lines_reset(struct json_lines *lines)
{
    lines->state = STATE_BEGIN;
    lines->line = 1;
}

int json_lines_next(struct json_lines *lines, struct str text, size_t *at, bool last,
                    struct json_object *out, struct error *err)
{
    const char *end = text.p + text.n, *p = text.p + *at;
    if (!find_object(lines, &p, end)) {
        if (p == end)
            return end_of_text(lines, text, at, last, err);
        *at = (size_t) (p - text.p);
        return refuse(lines, text, p, at, last, "no JSON object begins here", err);
    }
    *at = (size_t) (p - text.p);
    const char *behind = take_object(lines, p, end);
    if (lines->decoded.failed && !lines->decoded.over) {
        (void) error_set(err, ERROR_MEMORY, "memory is used up");
        return -1;
    }
    if (!behind && !last && end - lines->look.wrong < JSON_TOKEN_MAX)
        return 0;
    if (!behind)
        return refuse(lines, text, p, at, last, "the object is not valid JSON", err);
    *out = (struct json_object){.bytes = {p, (size_t) (behind - p)},
                                .cells = lines->cells,
                                .present = lines->present,
                                .line = lines->line,
                                .others = lines->others};
    lines->line += count_lines(p, behind);
    if (lines->state == STATE_BEGIN)
        lines->state = STATE_LINES;
    else if (lines->state != STATE_LINES)
        lines->state = STATE_ARRAY_NEXT;
    *at = (size_t) (behind - text.p);
    return 1;
}
