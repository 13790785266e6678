/* Numbers of blobs on immutable containers: see number.h. */
#include "lake/number.h"

#include "base/memory.h"
#include "lake/catalog.h"

#include <stdlib.h>

enum {
    NUMBERED_MAX = 1 << 23, /* partitions with a blob of ours: 80 years */
    SECOND = 2              /* behind the one without a number */
};

struct highest {
    int64_t tick;
    uint32_t number;
};

struct lake_numbers {
    bool immutable;
    struct highest *v; /* in order of time */
    size_t n, room;
};

static bool add(void *context, const struct lake_blob *blob, struct error *err)
{
    struct lake_numbers *numbers = context;
    if (blob->kind != LAKE_BLOB_EXPORT)
        return true;
    struct highest *last = numbers->n > 0 ? &numbers->v[numbers->n - 1] : NULL;
    if (last && last->tick == blob->tick) {
        last->number = blob->number > last->number ? blob->number : last->number;
        return true;
    }
    if (!mem_reserve(&numbers->v, &numbers->room, numbers->n, NUMBERED_MAX, sizeof *numbers->v,
                     err))
        return false;
    numbers->v[numbers->n++] = (struct highest){blob->tick, blob->number};
    return true;
}

/* The name of any blob in the container tells of the container. */
static bool ask(struct lake_numbers *numbers, struct store *store, const struct lake_place *place,
                struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_table_prefix(&name, place);
    bool ok = buf_ok(&name, "the name of a container", err) &&
              store_immutable(store, buf_text(&name), &numbers->immutable, err);
    buf_release(&name);
    return ok;
}

struct lake_numbers *lake_numbers_new(struct store *store, const struct lake_place *place,
                                      int64_t from, int64_t to, struct error *err)
{
    struct lake_numbers *numbers =
        lake_place_check(place, err) ? mem_alloc(1, sizeof *numbers, err) : NULL;
    if (numbers && ask(numbers, store, place, err) &&
        (!numbers->immutable || lake_blobs(store, place, from, to, add, numbers, err)))
        return numbers;
    lake_numbers_free(numbers);
    return NULL;
}

void lake_numbers_free(struct lake_numbers *numbers)
{
    if (!numbers)
        return;
    mem_free(numbers->v);
    mem_free(numbers);
}

bool lake_numbers_immutable(const struct lake_numbers *numbers)
{
    return numbers->immutable;
}

static int compare(const void *key, const void *one)
{
    int64_t tick = *(const int64_t *) key, at = ((const struct highest *) one)->tick;
    return (tick > at) - (tick < at);
}

bool lake_numbers_next(const struct lake_numbers *numbers, int64_t tick,
                       const struct lake_entry *entry, uint32_t *out, struct error *err)
{
    *out = 0;
    if (!numbers->immutable)
        return true;
    int64_t partition = tick_floor(tick, TICK_PARTITION);
    const struct highest *there =
        numbers->n > 0 ? bsearch(&partition, numbers->v, numbers->n, sizeof *numbers->v, compare)
                       : NULL;
    uint32_t next = there ? there->number + 1 : 0;
    if (entry && (entry->bytes > 0 || entry->number > 0) && entry->number >= next)
        next = entry->number + 1;
    *out = next == 1 ? SECOND : next;
    return next <= LAKE_NUMBER_MAX ||
           error_set(err, ERROR_LIMIT, "a partition has %d blobs of earlier exports",
                     LAKE_NUMBER_MAX);
}
