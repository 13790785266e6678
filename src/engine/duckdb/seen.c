/* A set of texts by their hashes; see seen.h. Open addressing, a power of two of slots, linear steps. */
#include "engine/duckdb/seen.h"

#include "base/hash.h"
#include "base/memory.h"

enum { SLOTS_LEAST = 256 };

struct seen {
    struct seen_hash *slots; /* both words 0: free */
    size_t count, used, max;
};

struct seen *seen_new(size_t max, struct error *err)
{
    struct seen *seen = mem_alloc(1, sizeof *seen, err);
    if (!seen)
        return NULL;
    seen->max = max;
    seen->count = SLOTS_LEAST;
    seen->slots = mem_alloc(seen->count, sizeof seen->slots[0], err);
    if (!seen->slots) {
        mem_free(seen);
        return NULL;
    }
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    mem_free(seen->slots);
    mem_free(seen);
}

/* A table that is far too large by now is given back: else each small group after a large one would clear it. */
void seen_reset(struct seen *seen)
{
    if (seen->used > 0 && seen->used < seen->count / 8 && seen->count > SLOTS_LEAST) {
        struct seen_hash *fewer = mem_resize(seen->slots, SLOTS_LEAST, sizeof seen->slots[0], NULL);
        if (fewer) {
            seen->slots = fewer;
            seen->count = SLOTS_LEAST;
        }
    }
    if (seen->used > 0)
        memset(seen->slots, 0, seen->count * sizeof seen->slots[0]);
    seen->used = 0;
}

/* The slot that holds the hash, or the free one where it belongs. */
static struct seen_hash *find(struct seen_hash *slots, size_t count, const struct seen_hash *wanted)
{
    size_t at = (size_t) wanted->v[0] & (count - 1);
    while ((slots[at].v[0] | slots[at].v[1]) != 0 &&
           (slots[at].v[0] != wanted->v[0] || slots[at].v[1] != wanted->v[1]))
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool grow(struct seen *seen, struct error *err)
{
    struct seen_hash *more = mem_alloc(seen->count * 2, sizeof *more, err);
    if (!more)
        return false;
    for (size_t i = 0; i < seen->count; i++) {
        const struct seen_hash *slot = &seen->slots[i];
        if ((slot->v[0] | slot->v[1]) != 0)
            *find(more, seen->count * 2, slot) = *slot;
    }
    mem_free(seen->slots);
    seen->slots = more;
    seen->count *= 2;
    return true;
}

struct seen_hash seen_hash(struct str text)
{
    struct seen_hash hash;
    hash_xx128(text, hash.v);
    if ((hash.v[0] | hash.v[1]) == 0)
        hash.v[0] = 1;
    return hash;
}

bool seen_add(struct seen *seen, struct str text, bool *first, struct error *err)
{
    return seen_add_hash(seen, seen_hash(text), first, err);
}

bool seen_add_hash(struct seen *seen, struct seen_hash hash, bool *first, struct error *err)
{
    struct seen_hash *slot = find(seen->slots, seen->count, &hash);
    *first = (slot->v[0] | slot->v[1]) == 0;
    if (!*first)
        return true;
    if (seen->used >= seen->max)
        return error_set(err, ERROR_LIMIT, "more than %zu different _ItemId in one group of files",
                         seen->max);
    if (seen->used >= seen->count / 4 * 3) {
        if (!grow(seen, err))
            return false;
        slot = find(seen->slots, seen->count, &hash);
    }
    *slot = hash;
    seen->used++;
    return true;
}
