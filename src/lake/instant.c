/* Instant: see instant.h. */
#include "lake/instant.h"

#include "base/hash.h"

/* The order of a listing differs between stores, so the sum has none. */
static bool add_record(void *context, const struct store_blob *blob, struct error *err)
{
    struct lake_instant *instant = context;
    const uint64_t figures[] = {blob->size, (uint64_t) blob->modified, blob->version};
    uint64_t seed[2], hash[2];
    (void) err;
    hash_xx128((struct str){(const char *) figures, sizeof figures}, seed);
    hash_xx128_seed(blob->name, seed[0], hash);
    instant->sum[0] += hash[0];
    instant->sum[1] += hash[1];
    instant->n++;
    return true;
}

bool lake_instant_take(struct store *store, const struct lake_place *place,
                       struct lake_instant *out, struct error *err)
{
    static const char *const folders[] = {"days", "imports"};
    enum { COUNT = sizeof folders / sizeof *folders };
    struct buf names[COUNT];
    const char *prefixes[COUNT];
    bool ok = lake_place_check(place, err);
    *out = (struct lake_instant){0};
    for (size_t i = 0; i < COUNT; i++) {
        buf_init(&names[i], LAKE_NAME_MAX);
        lake_own_name(&names[i], place, folders[i]);
        ok = ok && buf_ok(&names[i], "the name of a folder", err);
        prefixes[i] = ok ? buf_text(&names[i]) : "";
    }
    ok = ok && store_list_many(store, prefixes, COUNT, add_record, out, err);
    for (size_t i = 0; i < COUNT; i++)
        buf_release(&names[i]);
    return ok;
}

bool lake_instant_same(const struct lake_instant *a, const struct lake_instant *b)
{
    return a->n == b->n && a->sum[0] == b->sum[0] && a->sum[1] == b->sum[1];
}

bool lake_instant_pass(struct store *store, const struct lake_place *place,
                       const struct lake_instant *begun, const struct error *why, struct error *err)
{
    struct lake_instant now;
    if (why->code == ERROR_INTERRUPTED || why->code == ERROR_MEMORY ||
        !lake_instant_take(store, place, &now, NULL) || lake_instant_same(begun, &now))
        return error_pass(err, why);
    (void) error_set(err, ERROR_IO, "%s was compacted or imported into while it was looked at",
                     place->table);
    return error_hint(err, "run the command again");
}
