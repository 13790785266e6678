/* Paths: which blobs a range needs, which of them are groups, and how much of the range the lake holds. See tables.h.
 *
 * Blobs come in order of time. Those whose spans meet are gathered and put down together: a partition's, or, with a blob
 * of an hour, those of its twelve partitions.
 */
#include "base/memory.h"
#include "lake/catalog.h"
#include "lake/ledger.h"
#include "query/tables.h"

enum {
    PATH_ROOM = 8192,
    MET_MAX = 1 << 20, /* blobs of one partition, or of an hour that the service wrote as one */
    MET_NAMES_MAX = 1 << 30
};

/* The service's clock and ours may differ: what it wrote so shortly before a line of the ledger may be newer. */
static const int64_t clocks_differ = TICK_PARTITION;

struct path {
    size_t at; /* in the text */
    uint64_t size;
    uint32_t group;
    unsigned char role;
};

/* A blob of those that meet. */
struct blob {
    size_t name; /* in names */
    int64_t tick, span, modified;
    uint64_t size;
    enum lake_blob_kind kind;
    uint32_t number;
};

struct search {
    struct query_paths *paths;
    struct path *list;
    size_t room;
    uint32_t groups; /* so far */
    struct store *store;
    struct lake_ledger *ledger;
    struct query_coverage *coverage;
    uint64_t *held; /* a bit a partition of the coverage's range, or NULL */

    struct blob *met;
    size_t n, met_room;
    struct buf names;
    int64_t begin, end; /* of their spans */
};

/* --- coverage ------------------------------------------------------------------------------------------- */

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

/* Where the service's blobs have a share of the rows, hold_beside looks whether they are there. */
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
        if (lake_entry_held(entry) && !lake_entry_unseen(entry) &&
            (!entry->joined || entry->beside_rows == 0))
            hold(search, entry->partition, TICK_PARTITION);
        entry = lake_ledger_next(search->ledger, entry->partition + 1);
    }
    return true;
}

/* --- blobs that meet ------------------------------------------------------------------------------------ */

/* Whether one of weir's own is the one that counts. */
static bool counts(const struct search *search, const struct blob *blob)
{
    const struct lake_entry *entry = lake_ledger_find(search->ledger, blob->tick);
    if (entry)
        return blob->number == entry->number;
    for (size_t i = 0; i < search->n; i++) {
        const struct blob *other = &search->met[i];
        if (other->kind == LAKE_BLOB_EXPORT && other->tick == blob->tick &&
            other->number > blob->number)
            return false;
    }
    return true;
}

/* Takes out of weir's own what is of an earlier export. */
static void leave_uncounted(struct search *search)
{
    size_t kept = 0;
    for (size_t i = 0; i < search->n; i++) {
        const struct blob *blob = &search->met[i];
        bool keep = blob->kind != LAKE_BLOB_EXPORT || counts(search, blob);
        search->coverage->outdated += !keep;
        if (keep)
            search->met[kept++] = *blob;
    }
    search->n = kept;
}

static size_t of_kind(const struct search *search, enum lake_blob_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < search->n; i++)
        n += search->met[i].kind == kind;
    return n;
}

static bool has_export(const struct search *search, int64_t tick)
{
    for (size_t i = 0; i < search->n; i++)
        if (search->met[i].kind == LAKE_BLOB_EXPORT && search->met[i].tick == tick)
            return true;
    return false;
}

/* Whether the service wrote to one of the blobs behind `tick`, or may have. */
static bool written_since(const struct search *search, int64_t tick)
{
    for (size_t i = 0; i < search->n; i++)
        if (search->met[i].kind == LAKE_BLOB_SERVICE &&
            search->met[i].modified > tick - clocks_differ)
            return true;
    return false;
}

/* The moment up to which a line knows what the workspace had. */
static int64_t known_until(const struct search *search, const struct lake_entry *entry)
{
    const struct lake_run *run = lake_ledger_run(search->ledger, entry->run);
    return run->t0 > 0 && run->t0 < entry->at ? run->t0 : entry->at;
}

/* Whether weir's own hold all rows that the service's blobs can have: all that the workspace had in their span, and
 * the service has written nothing since. What came late stands in the service's blobs alone. */
static bool is_whole(const struct search *search)
{
    for (int64_t tick = search->begin; tick < search->end; tick += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_find(search->ledger, tick);
        if (!entry || !lake_entry_held(entry) || lake_entry_unseen(entry) || entry->joined ||
            (entry->bytes > 0) != has_export(search, tick) ||
            written_since(search, known_until(search, entry)))
            return false;
    }
    return true;
}

/* Whether the ledger says that no row stands twice: all was compared when it was joined. */
static bool is_apart(const struct search *search)
{
    for (int64_t tick = search->begin; tick < search->end; tick += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_find(search->ledger, tick);
        if (!entry || !lake_entry_held(entry) || !entry->joined || entry->doubled > 0 ||
            written_since(search, entry->at))
            return false;
    }
    return true;
}

/* What the service wrote holds its partitions, unless the ledger knows of more: blobs may go one by one, but do not
 * shrink. */
static void hold_beside(struct search *search)
{
    for (int64_t tick = search->begin; tick < search->end; tick += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_find(search->ledger, tick);
        uint64_t bytes = 0;
        bool any = false;
        for (size_t i = 0; i < search->n; i++) {
            const struct blob *blob = &search->met[i];
            if (blob->kind != LAKE_BLOB_SERVICE || tick < blob->tick ||
                tick >= blob->tick + blob->span)
                continue;
            any = true;
            bytes += blob->size;
        }
        if (any && !(entry && entry->joined && bytes < entry->beside_bytes))
            hold(search, tick, TICK_PARTITION);
    }
}

/* --- paths ---------------------------------------------------------------------------------------------- */

/* The name as the engine is to have it: a path on the disk, where there is one. */
static bool put_name(struct search *search, const char *name, struct error *err)
{
    struct query_paths *paths = search->paths;
    struct buf path = BUF_INIT(PATH_ROOM);
    bool local = !store_remote(search->store),
         ok = !local || store_path(search->store, name, &path, err);
    if (ok)
        buf_put_str(&paths->text, local ? buf_str(&path) : str_of(name));
    buf_putc(&paths->text, '\0');
    buf_release(&path);
    return ok && buf_ok(&paths->text, "paths of the blobs", err);
}

static bool put_path(struct search *search, const struct blob *blob, uint32_t group, bool whole,
                     struct error *err)
{
    struct query_paths *paths = search->paths;
    if (!mem_reserve(&search->list, &search->room, paths->n, QUERY_FILES_MAX, sizeof *search->list,
                     err))
        return false;
    search->list[paths->n++] = (struct path){.at = paths->text.used,
                                             .size = blob->size,
                                             .group = group,
                                             .role = whole ? ENGINE_WHOLE : ENGINE_PART};
    search->coverage->files++;
    search->coverage->bytes += blob->size;
    return put_name(search, search->names.bytes + blob->name, err);
}

static bool put_kind(struct search *search, enum lake_blob_kind kind, uint32_t group, bool whole,
                     struct error *err)
{
    for (size_t i = 0; i < search->n; i++)
        if (search->met[i].kind == kind && !put_path(search, &search->met[i], group, whole, err))
            return false;
    return true;
}

/* Puts down the blobs that meet, and begins anew. */
static bool put_met(struct search *search, struct error *err)
{
    leave_uncounted(search);
    hold_beside(search);
    size_t service = of_kind(search, LAKE_BLOB_SERVICE), ours = of_kind(search, LAKE_BLOB_EXPORT);
    uint32_t group = service > 0 && !is_apart(search) ? ++search->groups : 0;
    bool ok = put_kind(search, LAKE_BLOB_EXPORT, group, group && is_whole(search), err) &&
              put_kind(search, LAKE_BLOB_SERVICE, group, false, err) &&
              put_kind(search, LAKE_BLOB_IMPORT, 0, false, err) &&
              put_kind(search, LAKE_BLOB_OTHER, 0, false, err);
    search->coverage->joined += ours > 0 ? service : 0;
    search->n = 0;
    buf_reset(&search->names);
    return ok;
}

static bool on_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    struct search *search = context;
    int64_t end = blob->tick + blob->span;
    if (search->n > 0 && blob->tick >= search->end && !put_met(search, err))
        return false;
    if (!mem_reserve(&search->met, &search->met_room, search->n, MET_MAX, sizeof *search->met, err))
        return false;
    search->begin = search->n == 0 ? blob->tick : search->begin;
    search->end = search->n == 0 || end > search->end ? end : search->end;
    search->met[search->n++] = (struct blob){.name = search->names.used,
                                             .tick = blob->tick,
                                             .span = blob->span,
                                             .modified = blob->modified,
                                             .size = blob->size,
                                             .kind = blob->kind,
                                             .number = blob->number};
    buf_put_str(&search->names, blob->name);
    buf_putc(&search->names, '\0');
    /* What weir wrote counts when the ledger says so; for what the service wrote see hold_beside. */
    if (blob->kind == LAKE_BLOB_IMPORT || blob->kind == LAKE_BLOB_OTHER)
        hold(search, blob->tick, blob->span);
    return buf_ok(&search->names, "names of blobs", err);
}

/* The list as the engine wants it. */
static bool spread(const struct search *search, struct error *err)
{
    struct query_paths *paths = search->paths;
    size_t n = paths->n;
    paths->v = mem_alloc(n, sizeof *paths->v, err);
    paths->sizes = mem_alloc(n, sizeof *paths->sizes, err);
    paths->roles = mem_alloc(n, sizeof *paths->roles, err);
    paths->groups = search->groups > 0 ? mem_alloc(n, sizeof *paths->groups, err) : NULL;
    if (!paths->v || !paths->sizes || !paths->roles || (search->groups > 0 && !paths->groups))
        return false;
    for (size_t i = 0; i < n; i++) {
        paths->v[i] = paths->text.bytes + search->list[i].at;
        paths->sizes[i] = search->list[i].size;
        paths->roles[i] = search->list[i].role;
        if (paths->groups)
            paths->groups[i] = search->list[i].group;
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
                            .ledger = lake_ledger_open(tables->store, &table->place, err),
                            .coverage = coverage,
                            .names = BUF_INIT(MET_NAMES_MAX)};
    bool ok = search.ledger && hold_verified(&search, err) &&
              lake_blobs(tables->store, &table->place, from, to, on_blob, &search, err) &&
              put_met(&search, err) && spread(&search, err);
    lake_ledger_free(search.ledger);
    buf_release(&search.names);
    mem_free(search.met);
    mem_free(search.list);
    mem_free(search.held);
    return ok;
}

void query_paths_release(struct query_paths *paths)
{
    buf_release(&paths->text);
    mem_free(paths->v);
    mem_free(paths->sizes);
    mem_free(paths->groups);
    mem_free(paths->roles);
    *paths = (struct query_paths){0};
}
