/* What columns do not tell of a line; see rest.h.
 *
 * Keys of columns are found by their place: lines of one table mostly have the same keys in the same order. What is not
 * where it was the line before is looked for in a hash table.
 */
#include "engine/duckdb/rest.h"

#include "base/hash.h"
#include "base/memory.h"
#include "json/value.h"

#include <stdlib.h>

enum {
    GUESSES = 1024, /* places that are remembered */
    REST_MAX = JSON_ROW_MAX + JSON_CELLS_MAX
};

static const uint32_t NO_COLUMN = UINT32_MAX;

/* A member that is no column. */
struct stranger {
    uint64_t hash[2]; /* of its key */
    size_t order;     /* in the line */
    struct str key, value;
};

struct rest {
    struct str *keys;
    size_t count;
    uint32_t *table; /* column numbers by hash of the key; a power of two of places */
    size_t places;
    uint32_t guesses[GUESSES];
    struct stranger *strangers;
    size_t n, room;
    struct buf key; /* decoded */
    struct buf out;
};

/* --- the columns' keys ---------------------------------------------------------------------------------- */

static void put_key(struct rest *rest, size_t column)
{
    size_t at = (size_t) hash_xx64(rest->keys[column]) & (rest->places - 1);
    while (rest->table[at] != NO_COLUMN)
        at = (at + 1) & (rest->places - 1);
    rest->table[at] = (uint32_t) column;
}

static uint32_t find_key(const struct rest *rest, struct str key)
{
    size_t at = (size_t) hash_xx64(key) & (rest->places - 1);
    while (rest->table[at] != NO_COLUMN && !str_eq(rest->keys[rest->table[at]], key))
        at = (at + 1) & (rest->places - 1);
    return rest->table[at];
}

static bool is_column(struct rest *rest, size_t position, struct str key)
{
    if (position >= GUESSES)
        return find_key(rest, key) != NO_COLUMN;
    uint32_t guess = rest->guesses[position];
    if (guess != NO_COLUMN && str_eq(rest->keys[guess], key))
        return true;
    guess = find_key(rest, key);
    if (guess != NO_COLUMN)
        rest->guesses[position] = guess;
    return guess != NO_COLUMN;
}

struct rest *rest_new(char *const *keys, size_t count, struct error *err)
{
    struct rest *rest = mem_alloc(1, sizeof *rest, err);
    if (!rest)
        return NULL;
    for (rest->places = 8; rest->places < 2 * count;)
        rest->places *= 2;
    buf_init(&rest->key, JSON_ROW_MAX);
    buf_init(&rest->out, REST_MAX);
    rest->keys = mem_alloc(count, sizeof rest->keys[0], err);
    rest->table = mem_alloc(rest->places, sizeof rest->table[0], err);
    if (!rest->keys || !rest->table) {
        rest_free(rest);
        return NULL;
    }
    memset(rest->table, 0xff, rest->places * sizeof rest->table[0]);
    memset(rest->guesses, 0xff, sizeof rest->guesses);
    rest->count = count;
    for (size_t i = 0; i < count; i++) {
        rest->keys[i] = str_of(keys[i]);
        put_key(rest, i);
    }
    return rest;
}

void rest_free(struct rest *rest)
{
    if (!rest)
        return;
    mem_free(rest->keys);
    mem_free(rest->table);
    mem_free(rest->strangers);
    buf_release(&rest->key);
    buf_release(&rest->out);
    mem_free(rest);
}

/* --- a row ---------------------------------------------------------------------------------------------- */

void rest_begin(struct rest *rest)
{
    buf_reset(&rest->out);
    rest->n = 0;
}

static void put_value(struct rest *rest, struct str value)
{
    if (!convert_has_blank(value))
        buf_put_str(&rest->out, value);
    else if (!json_minify(value, &rest->out))
        rest->out.failed = true;
}

static void put_comma(struct rest *rest)
{
    buf_putc(&rest->out, rest->out.used == 0 ? '{' : ',');
}

void rest_add(struct rest *rest, size_t column, const char *bytes, const struct json_cell *cell)
{
    bool text = cell->kind == JSON_KIND_STRING;
    put_comma(rest);
    buf_putc(&rest->out, '"');
    text_put_json(&rest->out, rest->keys[column]);
    buf_puts(&rest->out, "\":");
    put_value(rest, (struct str){bytes + cell->start - text, cell->length + 2 * (size_t) text});
}

/* A key without its escapes. One with half a surrogate pair has no such form: it stays as it is written. */
static bool decode_key(struct rest *rest, struct str inside, struct str *out)
{
    size_t n = 0;
    bool lone = false;
    *out = inside;
    if (!memchr(inside.p, '\\', inside.n))
        return true;
    buf_reset(&rest->key);
    if (!buf_reserve(&rest->key, inside.n) || !json_decode(inside, rest->key.bytes, &n, &lone))
        return false;
    if (!lone)
        *out = (struct str){rest->key.bytes, n};
    return true;
}

static bool add_stranger(struct rest *rest, struct str key, const struct json_member *member,
                         struct error *err)
{
    if (!mem_reserve(&rest->strangers, &rest->room, rest->n, REST_KEYS_MAX,
                     sizeof rest->strangers[0], err))
        return error_prefix(err, "keys of one line");
    struct stranger *one = &rest->strangers[rest->n];
    *one = (struct stranger){.order = rest->n++, .key = member->key, .value = member->value};
    hash_xx128(key, one->hash);
    return true;
}

static int compare_hash(const void *left, const void *right)
{
    const struct stranger *a = left, *b = right;
    for (size_t i = 0; i < 2; i++) {
        if (a->hash[i] != b->hash[i])
            return a->hash[i] < b->hash[i] ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_order(const void *left, const void *right)
{
    const struct stranger *a = left, *b = right;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Of equal keys the last stays; the order is that of the line. */
static void drop_doubled(struct rest *rest)
{
    size_t kept = 0;
    if (rest->n < 2)
        return;
    qsort(rest->strangers, rest->n, sizeof rest->strangers[0], compare_hash);
    for (size_t i = 0; i < rest->n; i++) {
        const struct stranger *one = &rest->strangers[i];
        if (i + 1 == rest->n || memcmp(one->hash, one[1].hash, sizeof one->hash) != 0)
            rest->strangers[kept++] = *one;
    }
    rest->n = kept;
    qsort(rest->strangers, rest->n, sizeof rest->strangers[0], compare_order);
}

static bool is_nothing(struct str value)
{
    return str_eq(value, STR("null")) || str_eq(value, STR("\"\""));
}

static void put_strangers(struct rest *rest)
{
    for (size_t i = 0; i < rest->n; i++) {
        const struct stranger *one = &rest->strangers[i];
        if (is_nothing(one->value))
            continue;
        put_comma(rest);
        buf_putc(&rest->out, '"');
        buf_put_str(&rest->out, one->key);
        buf_puts(&rest->out, "\":");
        put_value(rest, one->value);
    }
}

bool rest_end(struct rest *rest, struct str object, struct str *out, struct error *err)
{
    struct json_member member;
    struct str key;
    size_t at = 0;
    for (size_t position = 0; json_next(object, &at, &member); position++) {
        if (!decode_key(rest, member.key, &key))
            return error_set(err, ERROR_FORMAT, "a key is not valid");
        if (!is_column(rest, position, key) && !add_stranger(rest, key, &member, err))
            return false;
    }
    drop_doubled(rest);
    put_strangers(rest);
    if (rest->out.used > 0)
        buf_putc(&rest->out, '}');
    *out = buf_str(&rest->out);
    return buf_ok(&rest->out, "the rest of a line", err);
}

/* --- back ----------------------------------------------------------------------------------------------- */

bool rest_find(struct str object, struct str key, struct buf *scratch, struct json_cell *out)
{
    struct json_member member;
    for (size_t at = 0; json_next(object, &at, &member);) {
        struct str name = member.key;
        if (memchr(name.p, '\\', name.n)) {
            buf_reset(scratch);
            if (!json_unescape(name, scratch))
                continue;
            name = buf_str(scratch);
        }
        if (!str_eq(name, key))
            continue;
        bool text = member.kind == JSON_KIND_STRING;
        *out = (struct json_cell){.start = (uint32_t) (member.value.p + text - object.p),
                                  .length = (uint32_t) (member.value.n - 2 * (size_t) text),
                                  .kind = (uint8_t) member.kind};
        out->escaped = text && memchr(member.value.p, '\\', member.value.n);
        return true;
    }
    return false;
}
