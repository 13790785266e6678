/* Besides: see beside.h. */
#include "lake/beside.h"

#include "base/memory.h"
#include "base/search.h"
#include "lake/catalog.h"

enum { JOINED_MAX = 1 << 23 /* partitions: 80 years */ };

static bool is_relied_on(const struct lake_entry *entry)
{
    return entry->joined && lake_entry_held(entry) && entry->beside_rows > 0;
}

static bool add_lines(struct lake_besides *besides, const struct lake_ledger *ledger, int64_t from,
                      int64_t to, struct error *err)
{
    const struct lake_entry *entry = lake_ledger_next(ledger, from);
    for (; entry && entry->partition < to; entry = lake_ledger_next(ledger, entry->partition + 1)) {
        if (!is_relied_on(entry))
            continue;
        if (!mem_reserve(&besides->v, &besides->room, besides->n, JOINED_MAX, sizeof *besides->v,
                         err))
            return false;
        besides->v[besides->n++] = (struct lake_beside){.tick = entry->partition};
    }
    return true;
}

/* The first at or behind a tick. */
static size_t lower_bound(const struct lake_besides *besides, int64_t tick)
{
    return search_first(besides->v, besides->n, sizeof *besides->v,
                        offsetof(struct lake_beside, tick), tick);
}

/* One of an hour counts with all of its bytes in each of its partitions, as it did when they were joined. */
static bool add_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    struct lake_besides *besides = context;
    (void) err;
    if (blob->kind != LAKE_BLOB_SERVICE)
        return true;
    for (size_t i = lower_bound(besides, blob->tick);
         i < besides->n && besides->v[i].tick < blob->tick + blob->span; i++)
        besides->v[i].bytes += blob->size;
    return true;
}

bool lake_besides_find(struct lake_besides *besides, struct store *store,
                       const struct lake_place *place, const struct lake_ledger *ledger,
                       int64_t from, int64_t to, const struct lake_stand *stand, struct error *err)
{
    *besides = (struct lake_besides){0};
    if (!add_lines(besides, ledger, from, to, err))
        return false;
    if (besides->n == 0)
        return true;
    for (size_t i = 0; i < besides->n; i++)
        (void) lake_stand_beside(stand, besides->v[i].tick, &besides->v[i].bytes);
    return lake_blobs(store, place, besides->v[0].tick,
                      besides->v[besides->n - 1].tick + TICK_PARTITION, add_blob, besides, err);
}

void lake_besides_release(struct lake_besides *besides)
{
    mem_free(besides->v);
    *besides = (struct lake_besides){0};
}

bool lake_besides_lack(const struct lake_besides *besides, const struct lake_entry *entry)
{
    if (!is_relied_on(entry))
        return false;
    size_t at = lower_bound(besides, entry->partition);
    uint64_t bytes =
        at < besides->n && besides->v[at].tick == entry->partition ? besides->v[at].bytes : 0;
    return bytes == 0 || bytes < entry->beside_bytes;
}
