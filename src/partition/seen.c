/* Keys and types of rows; see seen.h. */
#include "partition/seen.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/tick.h"
#include "json/value.h"

#include <stdlib.h>

enum { SLOTS = 2 * COLUMNS_MAX, TEXT_MAX = 256 /* bytes; a longer text is a string */ };

/* What the values of a key were, together; and what each of them could be taken for, texts too. */
enum { WAS_BOOL = 1, WAS_LONG = 2, WAS_REAL = 4, WAS_STRING = 8, WAS_NESTED = 16, WAS_TOLD = 32 };
enum { FITS_BOOL = 1, FITS_REAL = 2, FITS_TIME = 4, FITS_GUID = 8, FITS_ALL = 15 };

struct place {
    uint64_t source, piece, line, member;
};

struct seen_key {
    char *name;
    size_t n;
    unsigned was, fits;
    enum column_type told;
    struct place first;
};

struct part_seen {
    struct place at;
    struct seen_key *keys;
    size_t count, room;
    uint32_t slots[SLOTS]; /* index into keys, and 1; 0: free */
};

/* --- keys ----------------------------------------------------------------------------------------------- */

static uint32_t *slot_of(struct part_seen *seen, struct str name)
{
    size_t i = (uint64_t) hash_xx64(name) % SLOTS;
    while (seen->slots[i] != 0) {
        const struct seen_key *key = &seen->keys[seen->slots[i] - 1];
        if (key->n == name.n && memcmp(key->name, name.p, name.n) == 0)
            break;
        i = (i + 1) % SLOTS;
    }
    return &seen->slots[i];
}

/* NULL without an error: there is no room for it. */
static struct seen_key *find_or_add(struct part_seen *seen, struct str name, struct error *err)
{
    uint32_t *slot = slot_of(seen, name);
    if (*slot != 0)
        return &seen->keys[*slot - 1];
    if (name.n > COLUMN_NAME_MAX || name.n == 0 || seen->count == COLUMNS_MAX)
        return NULL;
    if (!mem_reserve(&seen->keys, &seen->room, seen->count, COLUMNS_MAX, sizeof *seen->keys, err))
        return NULL;
    char *copy = mem_copy(name.p, name.n, err);
    if (!copy)
        return NULL;
    struct seen_key *key = &seen->keys[seen->count++];
    *key = (struct seen_key){.name = copy, .n = name.n, .fits = FITS_ALL, .first = seen->at};
    *slot = (uint32_t) seen->count;
    return key;
}

static int compare_places(const struct place *a, const struct place *b)
{
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->piece != b->piece)
        return a->piece < b->piece ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->member > b->member) - (a->member < b->member);
}

struct part_seen *part_seen_new(struct error *err)
{
    return mem_alloc(1, sizeof(struct part_seen), err);
}

void part_seen_free(struct part_seen *seen)
{
    if (!seen)
        return;
    for (size_t i = 0; i < seen->count; i++)
        mem_free(seen->keys[i].name);
    mem_free(seen->keys);
    mem_free(seen);
}

void part_seen_at(struct part_seen *seen, size_t source, uint64_t piece)
{
    seen->at = (struct place){.source = source, .piece = piece};
}

/* --- values --------------------------------------------------------------------------------------------- */

/* 32 hex digits, hyphens between them or not, as readers take a GUID. */
static bool is_guid(struct str text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex && c != '-')
            return false;
        digits += hex;
    }
    return digits == 32;
}

/* Of what it has been able to be so far: most keys are soon known to be plain strings, for which nothing is asked. */
static unsigned fits_of_text(struct str text, unsigned so_far)
{
    int64_t tick;
    double real;
    unsigned fits = 0;
    if (text.n > TEXT_MAX)
        return 0;
    if (so_far & FITS_BOOL && (str_eq_case(text, STR("true")) || str_eq_case(text, STR("false"))))
        fits |= FITS_BOOL;
    if (so_far & FITS_REAL && str_double(text, &real))
        fits |= FITS_REAL;
    if (so_far & FITS_TIME && tick_read(text, &tick) == TICK_UTC)
        fits |= FITS_TIME;
    if (so_far & FITS_GUID && is_guid(text))
        fits |= FITS_GUID;
    return fits;
}

static void look_at_value(struct seen_key *key, const struct json_member *member)
{
    struct str value = member->value;
    int64_t whole;
    switch (member->kind) {
    case JSON_KIND_STRING:
        value = str_trim((struct str){value.p + 1, value.n - 2});
        if (value.n == 0)
            return;
        key->was |= WAS_STRING;
        key->fits &= fits_of_text(value, key->fits);
        return;
    case JSON_KIND_NUMBER:
        key->was |= str_int64(value, &whole) ? WAS_LONG : WAS_REAL;
        key->fits &= FITS_REAL;
        return;
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        key->was |= WAS_BOOL;
        key->fits &= FITS_BOOL;
        return;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        key->was |= WAS_NESTED;
        key->fits = 0;
        return;
    case JSON_KIND_NULL:
    case JSON_KIND_NONE:
        return;
    }
}

bool part_seen_line(struct part_seen *seen, struct str line, struct error *err)
{
    struct json_member member;
    char decoded[COLUMN_NAME_MAX];
    size_t at = 0;
    seen->at.member = 0;
    while (json_next(line, &at, &member)) {
        struct error why = ERROR_INIT;
        struct str name = member.key;
        bool lone;
        seen->at.member++;
        if (name.n > sizeof decoded)
            continue;
        if (memchr(name.p, '\\', name.n)) {
            if (!json_decode(name, decoded, &name.n, &lone))
                continue;
            name.p = decoded;
        }
        struct seen_key *key = find_or_add(seen, name, &why);
        if (why.code != ERROR_NONE)
            return error_pass(err, &why);
        if (key)
            look_at_value(key, &member);
    }
    seen->at.line++;
    return true;
}

bool part_seen_name(struct part_seen *seen, struct str name, enum column_type type,
                    struct error *err)
{
    struct error why = ERROR_INIT;
    struct seen_key *key = find_or_add(seen, name, &why);
    seen->at.member++;
    if (!key)
        return why.code == ERROR_NONE || error_pass(err, &why);
    if (!(key->was & WAS_TOLD) || key->told == type) {
        key->told = type;
        key->was |= WAS_TOLD;
    } else {
        key->told = COLUMN_STRING; /* two inputs differ: any value is a string */
    }
    return true;
}

/* --- all together --------------------------------------------------------------------------------------- */

static bool merge_key(struct part_seen *into, const struct seen_key *from, struct error *err)
{
    struct error why = ERROR_INIT;
    struct seen_key *key = find_or_add(into, (struct str){from->name, from->n}, &why);
    if (!key)
        return why.code == ERROR_NONE || error_pass(err, &why);
    if (compare_places(&from->first, &key->first) < 0)
        key->first = from->first;
    bool differ = (key->was & from->was & WAS_TOLD) && key->told != from->told;
    if (!(key->was & WAS_TOLD))
        key->told = from->told;
    if (differ)
        key->told = COLUMN_STRING;
    key->was |= from->was;
    key->fits &= from->fits;
    return true;
}

bool part_seen_merge(struct part_seen *into, const struct part_seen *from, struct error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        into->at = from->keys[i].first;
        if (!merge_key(into, &from->keys[i], err))
            return false;
    }
    return true;
}

static enum column_type type_by_values(const struct seen_key *key)
{
    switch (key->was & ~(unsigned) WAS_TOLD) {
    case WAS_BOOL:
        return COLUMN_BOOL;
    case WAS_LONG:
        return COLUMN_LONG;
    case WAS_REAL:
    case WAS_REAL | WAS_LONG:
        return COLUMN_REAL;
    case WAS_STRING:
        return key->fits & FITS_TIME ? COLUMN_DATETIME : COLUMN_STRING;
    default:
        return key->was & WAS_NESTED ? COLUMN_DYNAMIC : COLUMN_STRING;
    }
}

/* The suffix's type, where it has one and all values are of it. */
static bool type_by_suffix(const struct seen_key *key, enum column_type *out)
{
    static const struct {
        char suffix[3];
        unsigned fits;
    } suffixes[] = {
        {"_b", FITS_BOOL}, {"_d", FITS_REAL}, {"_t", FITS_TIME}, {"_g", FITS_GUID}, {"_s", 0}};
    struct str name = {key->name, key->n};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (!str_ends(name, str_of(suffixes[i].suffix)))
            continue;
        *out = column_type_of_suffix(name);
        return (key->fits & suffixes[i].fits) == suffixes[i].fits;
    }
    return false;
}

static enum column_type type_of(const struct seen_key *key, bool custom)
{
    enum column_type type;
    if (str_eq((struct str){key->name, key->n}, STR("TimeGenerated")))
        return COLUMN_DATETIME;
    if ((key->was & WAS_TOLD) && key->was == WAS_TOLD)
        return key->told;
    if (custom && type_by_suffix(key, &type))
        return type;
    if (key->was & WAS_TOLD) {
        enum column_type seen = type_by_values(key);
        return seen == key->told ? seen : COLUMN_STRING;
    }
    return type_by_values(key);
}

static int compare_keys(const void *a, const void *b)
{
    const struct seen_key *const *left = a, *const *right = b;
    int order = compare_places(&(*left)->first, &(*right)->first);
    if (order != 0)
        return order;
    return str_compare((struct str){(*left)->name, (*left)->n},
                       (struct str){(*right)->name, (*right)->n});
}

static bool add_columns(const struct seen_key *const *keys, size_t n, bool custom,
                        struct columns *out, struct error *err)
{
    for (size_t i = 0; i < n && out->n < PART_SEEN_COLUMNS_MAX; i++) {
        struct str name = {keys[i]->name, keys[i]->n};
        if (memchr(name.p, '\0', name.n) || columns_find(out, name) >= 0)
            continue;
        if (!columns_add(out, name, type_of(keys[i], custom), err))
            return false;
    }
    return true;
}

bool part_seen_columns(const struct part_seen *seen, const struct columns *known, bool custom,
                       struct columns *out, struct error *err)
{
    columns_release(out);
    if (known && !columns_copy(known, out, err))
        return false;
    if (columns_find(out, STR("TimeGenerated")) < 0 &&
        !columns_add(out, STR("TimeGenerated"), COLUMN_DATETIME, err))
        return false;
    const struct seen_key **keys = mem_alloc(seen->count, sizeof(struct seen_key *), err);
    if (!keys)
        return false;
    for (size_t i = 0; i < seen->count; i++)
        keys[i] = &seen->keys[i];
    qsort(keys, seen->count, sizeof(struct seen_key *), compare_keys);
    bool ok = add_columns(keys, seen->count, custom, out, err);
    mem_free(keys);
    return ok;
}

size_t part_seen_left_out(const struct part_seen *seen, const struct columns *columns)
{
    size_t n = 0;
    for (size_t i = 0; i < seen->count; i++)
        n += columns_find(columns, (struct str){seen->keys[i].name, seen->keys[i].n}) < 0;
    return n;
}
