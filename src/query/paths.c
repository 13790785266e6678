/* Paths: which blobs a range needs, and how much of it the lake holds. See tables.h. */
#include "base/memory.h"
#include "lake/catalog.h"
#include "lake/ledger.h"
#include "query/tables.h"

enum { PATH_ROOM = 8192 };

struct search {
    struct query_paths *paths;
    struct store *store;
    const struct lake_place *place;
    struct lake_ledger *ledger;
    struct query_coverage *coverage;
    uint64_t *held; /* a bit a partition of the coverage's range, or NULL */
};

static void hold(struct search *search, int64_t from, int64_t span)
{
    const struct query_coverage *coverage = search->coverage;
    for (int64_t tick = from; search->held && tick < from + span; tick += TICK_PARTITION) {
        if (tick < coverage->from || tick >= coverage->to)
            continue;
        uint64_t part = (uint64_t) ((tick - coverage->from) / TICK_PARTITION);
        uint64_t bit = UINT64_C(1) << (part % 64);
        search->coverage->held += !(search->held[part / 64] & bit);
        search->held[part / 64] |= bit;
    }
}

static bool add_path(struct search *search, struct str name, struct error *err)
{
    struct query_paths *paths = search->paths;
    char *copy = mem_copy(name.p, name.n, err);
    struct buf path = BUF_INIT(PATH_ROOM);
    bool ok = copy && mem_reserve(&paths->at, &paths->room, paths->n, QUERY_FILES_MAX,
                                  sizeof *paths->at, err);
    if (ok && !store_path(search->store, copy, &path, err))
        ok = error_set(err, ERROR_SETTINGS,
                       "the lake is not on this machine's disk: the engine cannot read it");
    if (ok) {
        paths->at[paths->n++] = paths->text.used;
        buf_put(&paths->text, buf_text(&path), path.used + 1);
        ok = buf_ok(&paths->text, "paths of the blobs", err);
    }
    buf_release(&path);
    mem_free(copy);
    return ok;
}

/* Whether weir's own blob of a partition is there. */
static bool is_there(const struct search *search, int64_t tick, bool *there, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct error why = ERROR_INIT;
    uint64_t size;
    lake_export_name(&name, search->place, tick, 0);
    *there = store_stat(search->store, buf_text(&name), &size, &why);
    buf_release(&name);
    if (*there || why.code == ERROR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

/* What the service's own export wrote stands in what weir exported too. It is left out where all partitions of its
 * span are proven: what weir has is then all that the workspace had. */
static bool look_doubled(const struct search *search, const struct lake_blob *blob, bool *leave,
                         struct error *err)
{
    bool rows = false, proven = true;
    *leave = false;
    for (int64_t tick = blob->tick; tick < blob->tick + blob->span; tick += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_find(search->ledger, tick);
        bool has = entry && entry->bytes > 0, there = false;
        if (has && !is_there(search, tick, &there, err))
            return false;
        rows = rows || there;
        proven = proven && entry && lake_entry_held(entry) && there == has;
    }
    *leave = rows && proven;
    search->coverage->doubled += *leave;
    search->coverage->overlapping += rows && !proven;
    return true;
}

static bool on_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    struct search *search = context;
    bool leave = false;
    if (blob->kind == LAKE_BLOB_SERVICE && !look_doubled(search, blob, &leave, err))
        return false;
    if (leave)
        return true;
    search->coverage->files++;
    search->coverage->bytes += blob->size;
    /* What weir wrote counts when the ledger says so. */
    if (blob->kind != LAKE_BLOB_EXPORT)
        hold(search, blob->tick, blob->span);
    return add_path(search, blob->name, err);
}

static bool hold_verified(struct search *search, struct error *err)
{
    struct query_coverage *coverage = search->coverage;
    if (coverage->partitions == 0)
        return true;
    search->held = mem_alloc(coverage->partitions / 64 + 1, sizeof *search->held, err);
    if (!search->held)
        return false;
    const struct lake_entry *entry = lake_ledger_next(search->ledger, coverage->from);
    while (entry && entry->partition < coverage->to) {
        if (lake_entry_held(entry))
            hold(search, entry->partition, TICK_PARTITION);
        entry = lake_ledger_next(search->ledger, entry->partition + 1);
    }
    return true;
}

bool query_paths_find(struct query_paths *paths, struct query_tables *tables,
                      const struct query_table *table, int64_t from, int64_t to,
                      struct query_coverage *coverage, struct error *err)
{
    *paths = (struct query_paths){.text = BUF_INIT(QUERY_PATHS_MAX)};
    struct search search = {.paths = paths,
                            .store = tables->store,
                            .place = &table->place,
                            .ledger = lake_ledger_open(tables->store, &table->place, err),
                            .coverage = coverage};
    bool ok = search.ledger && hold_verified(&search, err) &&
              lake_blobs(tables->store, &table->place, from, to, on_blob, &search, err);
    lake_ledger_free(search.ledger);
    mem_free(search.held);
    if (ok)
        ok = (paths->v = mem_alloc(paths->n, sizeof *paths->v, err)) != NULL;
    for (size_t i = 0; ok && i < paths->n; i++)
        paths->v[i] = paths->text.bytes + paths->at[i];
    return ok;
}

void query_paths_release(struct query_paths *paths)
{
    buf_release(&paths->text);
    mem_free(paths->at);
    mem_free(paths->v);
    *paths = (struct query_paths){0};
}
