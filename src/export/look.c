/* Look: see look.h. */
#include "export/look.h"

#include "base/search.h"
#include "lake/catalog.h"

enum {
    THEIRS_MAX = 8 * EXPORT_PARTITIONS_MAX, /* with what overflowed into siblings */
    NAMES_MAX = 1 << 30
};

static size_t part_of(const struct export_look *look, int64_t tick)
{
    return (size_t) ((tick - look->from) / TICK_PARTITION);
}

static bool is_inside(const struct export_look *look, int64_t tick)
{
    return look->ours && tick >= look->from && tick < look->to;
}

static void add_ours(struct export_look *look, const struct lake_blob *blob)
{
    const struct lake_entry *entry =
        look->ledger ? lake_ledger_find(look->ledger, blob->tick) : NULL;
    if (is_inside(look, blob->tick) && blob->number == (entry ? entry->number : 0))
        look->ours[part_of(look, blob->tick)] = blob->size + 1;
}

static bool add_theirs(struct export_look *look, const struct lake_blob *blob, struct error *err)
{
    size_t skip = look->prefix.used;
    if (!str_starts(blob->name, buf_str(&look->prefix)))
        return error_set(err, ERROR_INTERNAL, "a blob was listed that is not of its table");
    if (!mem_reserve(&look->theirs, &look->room, look->count, THEIRS_MAX, sizeof *look->theirs,
                     err))
        return false;
    const char *behind = arena_copy(&look->arena, blob->name.p + skip, blob->name.n - skip, err);
    if (!behind)
        return false;
    look->theirs[look->count++] = (struct export_theirs){.behind = behind,
                                                         .tick = blob->tick,
                                                         .span = blob->span,
                                                         .size = blob->size,
                                                         .modified = blob->modified};
    for (int64_t tick = blob->tick; tick < blob->tick + blob->span; tick += TICK_PARTITION)
        if (is_inside(look, tick))
            look->beside[part_of(look, tick)] = true;
    return true;
}

static bool see(void *context, const struct lake_blob *blob, struct error *err)
{
    struct export_look *look = context;
    if (blob->kind == LAKE_BLOB_EXPORT)
        add_ours(look, blob);
    return blob->kind != LAKE_BLOB_SERVICE || add_theirs(look, blob, err);
}

bool export_look(struct export_look *look, struct store *store, const struct lake_place *place,
                 const struct lake_ledger *ledger, int64_t from, int64_t to, struct error *err)
{
    size_t parts = (size_t) ((to - from) / TICK_PARTITION);
    *look = (struct export_look){.from = from,
                                 .to = to,
                                 .at = tick_now(),
                                 .prefix = BUF_INIT(LAKE_NAME_MAX),
                                 .ledger = ledger};
    arena_init(&look->arena, NAMES_MAX);
    lake_table_prefix(&look->prefix, place);
    look->ours = mem_alloc(parts, sizeof *look->ours, err);
    look->beside = mem_alloc(parts, sizeof *look->beside, err);
    return look->ours && look->beside && buf_ok(&look->prefix, "the name of a table", err) &&
           lake_stand_find(&look->stand, store, place, from, to, false, NULL, err) &&
           lake_blobs(store, place, from, to, see, look, err);
}

void export_look_release(struct export_look *look)
{
    mem_free(look->ours);
    mem_free(look->beside);
    mem_free(look->theirs);
    buf_release(&look->prefix);
    arena_release(&look->arena);
    lake_stand_release(&look->stand);
    *look = (struct export_look){0};
}

bool export_look_ours(const struct export_look *look, int64_t tick, uint64_t *size)
{
    if (!is_inside(look, tick) || look->ours[part_of(look, tick)] == 0)
        return false;
    *size = look->ours[part_of(look, tick)] - 1;
    return true;
}

bool export_look_none(const struct export_look *look, int64_t tick)
{
    return is_inside(look, tick) && look->ours[part_of(look, tick)] == 0;
}

bool export_look_beside(const struct export_look *look, int64_t tick)
{
    return is_inside(look, tick) && look->beside[part_of(look, tick)];
}

/* The first blob at or behind a tick. */
static size_t lower_bound(const struct export_look *look, int64_t tick)
{
    return search_first(look->theirs, look->count, sizeof *look->theirs,
                        offsetof(struct export_theirs, tick), tick);
}

void export_look_theirs(const struct export_look *look, int64_t tick, int64_t to, size_t *first,
                        size_t *end)
{
    *first = lower_bound(look, tick_floor(tick, TICK_HOUR));
    *end = lower_bound(look, to);
}

uint64_t export_look_bytes(const struct export_look *look, int64_t tick)
{
    size_t first, end;
    uint64_t bytes = 0;
    export_look_theirs(look, tick, tick + TICK_PARTITION, &first, &end);
    for (size_t i = first; i < end; i++)
        if (look->theirs[i].tick <= tick && look->theirs[i].tick + look->theirs[i].span > tick)
            bytes += look->theirs[i].size;
    return bytes;
}

bool export_look_stands(const struct export_look *look, const struct lake_entry *entry)
{
    return export_look_none(look, entry->partition) && entry->bytes > 0 &&
           lake_stand_export(&look->stand, entry) == LAKE_STANDS;
}

size_t export_look_gone(const struct export_look *look, int64_t tick, uint64_t *bytes)
{
    *bytes = 0;
    return is_inside(look, tick) ? lake_stand_beside(&look->stand, tick, bytes) : 0;
}
