/* Paths: which blobs and files a range needs, and how much of the range the lake holds. See tables.h. */
#include "base/memory.h"
#include "query/bring.h"
#include "query/tables.h"

enum {
    PATH_ROOM = 8192,
    ARENA_MAX = 1 << 30,
    TRIES = 4 /* of finding a table's blobs while others compact it */
};

struct path {
    size_t at; /* in the text */
    uint64_t size;
    uint32_t group;
    unsigned char role;
};

struct search {
    struct query_paths *paths;
    struct path *list;
    size_t room;
    struct query_bring *bring; /* of a remote store, else NULL */
    struct store *store;
    const struct lake_ledger *ledger;
    struct query_coverage *coverage;
    int64_t from, to;
    uint64_t *held; /* a bit a partition of the coverage's range, or NULL */
    bool groups;    /* there are some */
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

/* What the service wrote holds its partition, unless the ledger knows of more: blobs may go one by one, but do not
 * shrink. `bytes` of them are there, or in files of Parquet. */
static void hold_beside(struct search *search, int64_t tick, uint64_t bytes)
{
    const struct lake_entry *entry = lake_ledger_find(search->ledger, tick);
    if (!(entry && entry->joined && bytes < entry->beside_bytes))
        hold(search, tick, TICK_PARTITION);
}

enum { DAY_PARTITIONS = (int) (TICK_DAY / TICK_PARTITION) };

/* Adds what a blob of the service has to each of its partitions. */
static void add_beside(uint64_t bytes[DAY_PARTITIONS], bool any[DAY_PARTITIONS], int64_t day,
                       int64_t tick, int64_t span, uint64_t size)
{
    for (int64_t at = tick; at < tick + span && at < day + TICK_DAY; at += TICK_PARTITION) {
        size_t part = (size_t) ((at - day) / TICK_PARTITION);
        bytes[part] += size;
        any[part] = true;
    }
}

/* What weir exported counts when the ledger says so; what others wrote, and imports, by being there: as a blob, or, where
 * that was deleted, in the files. */
static void hold_day(struct search *search, const struct query_day *day)
{
    uint64_t bytes[DAY_PARTITIONS] = {0};
    bool any[DAY_PARTITIONS] = {false};
    size_t left_out = 0; /* of the superseded, which are in order */
    if (!search->held)
        return;
    for (size_t i = 0; i < day->n; i++) {
        const struct query_blob *blob = &day->blobs[i];
        if (blob->kind == LAKE_BLOB_SERVICE)
            add_beside(bytes, any, day->day, blob->tick, blob->span, blob->size);
        else if (blob->kind != LAKE_BLOB_EXPORT)
            hold(search, blob->tick, blob->span);
    }
    for (size_t i = 0; day->gone && i < day->record->source_count; i++) {
        const struct lake_day_source *source = &day->record->sources[i];
        while (left_out < day->superseded_count && day->superseded[left_out] < i)
            left_out++;
        if (source->gone == LAKE_DAY_KEPT ||
            (left_out < day->superseded_count && day->superseded[left_out] == i))
            continue;
        if (source->kind == LAKE_BLOB_SERVICE)
            add_beside(bytes, any, day->day, source->tick, source->span, source->size);
        else if (source->kind != LAKE_BLOB_EXPORT)
            hold(search, source->tick, source->span);
    }
    for (int part = 0; part < DAY_PARTITIONS; part++)
        if (any[part])
            hold_beside(search, day->day + part * TICK_PARTITION, bytes[part]);
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

static bool put_path(struct search *search, const struct query_blob *blob, struct error *err)
{
    struct query_paths *paths = search->paths;
    if (!mem_reserve(&search->list, &search->room, paths->n, QUERY_FILES_MAX, sizeof *search->list,
                     err))
        return false;
    search->list[paths->n++] = (struct path){.at = paths->text.used,
                                             .size = blob->size,
                                             .group = blob->group,
                                             .role = blob->whole ? ENGINE_WHOLE : ENGINE_PART};
    search->groups = search->groups || blob->group > 0;
    search->coverage->files++;
    search->coverage->bytes += blob->size;
    return put_name(search, blob->name, err);
}

/* --- files of days that were compacted -------------------------------------------------------------------- */

static bool has_rows(const struct search *search, const struct lake_day_file *file)
{
    bool timed =
        file->rows > file->timeless && file->last >= search->from && file->first < search->to;
    return timed || file->timeless > 0;
}

static const char *file_path(struct search *search, const struct lake_day_file *file,
                             struct error *err)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    bool ok =
        query_file_path(search->store, search->bring, search->paths->known.place, file, &path, err);
    const char *copy =
        ok ? arena_copy(&search->paths->arena, buf_text(&path), path.used, err) : NULL;
    buf_release(&path);
    return copy;
}

static bool put_file(struct search *search, const struct query_day *day,
                     const struct lake_day_file *file, struct error *err)
{
    struct query_paths *paths = search->paths;
    uint32_t *left_out = arena_alloc(&paths->arena, day->superseded_count, sizeof *left_out, err);
    struct engine_shared *shared =
        arena_alloc(&paths->arena, day->shared_count, sizeof *shared, err);
    const char *path = file_path(search, file, err);
    if (!left_out || !shared || !path ||
        !mem_reserve(&paths->compacted, &paths->compacted_room, paths->compacted_count,
                     QUERY_FILES_MAX, sizeof *paths->compacted, err))
        return false;
    if (day->superseded_count > 0)
        memcpy(left_out, day->superseded, day->superseded_count * sizeof *left_out);
    if (day->shared_count > 0)
        memcpy(shared, day->shared, day->shared_count * sizeof *shared);
    paths->compacted[paths->compacted_count++] =
        (struct engine_compacted){.path = path,
                                  .columns = &file->columns,
                                  .traits = file->traits,
                                  .rest = file->rest,
                                  .spanned = file->rows > 0 && file->timeless == 0,
                                  .first = file->first,
                                  .last = file->last,
                                  .left_out = left_out,
                                  .left_out_count = day->superseded_count,
                                  .shared = shared,
                                  .shared_count = day->shared_count};
    search->coverage->files++;
    search->coverage->bytes += file->bytes;
    return true;
}

static bool on_day(void *context, const struct query_day *day, struct error *err)
{
    struct search *search = context;
    struct query_coverage *coverage = search->coverage;
    uint32_t joined = 0;
    coverage->outdated += day->outdated;
    for (size_t i = 0; i < day->n; i++) {
        const struct query_blob *blob = &day->blobs[i];
        bool first = i == 0 || blob->run != day->blobs[i - 1].run;
        joined = first && blob->kind == LAKE_BLOB_EXPORT ? blob->run : joined;
        coverage->joined += blob->kind == LAKE_BLOB_SERVICE && blob->run == joined;
        if (blob->read && !put_path(search, blob, err))
            return false;
    }
    hold_day(search, day);
    if (!day->record || day->form == QUERY_DAY_LINES)
        return true;
    if (day->missing)
        return query_day_missing(day, err);
    coverage->compacted++;
    for (size_t i = 0; i < day->record->file_count; i++)
        if (has_rows(search, &day->record->files[i]) &&
            !put_file(search, day, &day->record->files[i], err))
            return false;
    return true;
}

/* The list as the engine wants it. */
static bool spread(const struct search *search, struct error *err)
{
    struct query_paths *paths = search->paths;
    size_t n = paths->n;
    paths->v = mem_alloc(n, sizeof *paths->v, err);
    paths->sizes = mem_alloc(n, sizeof *paths->sizes, err);
    paths->roles = mem_alloc(n, sizeof *paths->roles, err);
    paths->groups = search->groups ? mem_alloc(n, sizeof *paths->groups, err) : NULL;
    if (!paths->v || !paths->sizes || !paths->roles || (search->groups && !paths->groups))
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

static bool find_once(struct query_paths *paths, struct query_tables *tables,
                      const struct query_table *table, int64_t from, int64_t to,
                      struct query_coverage *coverage, struct error *err)
{
    *paths = (struct query_paths){.text = BUF_INIT(QUERY_PATHS_MAX)};
    arena_init(&paths->arena, ARENA_MAX);
    struct search search = {.paths = paths,
                            .store = tables->store,
                            .bring = tables->bring,
                            .coverage = coverage,
                            .from = from,
                            .to = to};
    bool ok = query_known_init(&paths->known, tables->store, &table->place, from, to, err);
    search.ledger = paths->known.ledger;
    ok = ok && hold_verified(&search, err) &&
         query_days(&paths->known, from, to, on_day, &search, err) && spread(&search, err);
    mem_free(search.list);
    mem_free(search.held);
    return ok;
}

bool query_moved(const char *table, struct error *err)
{
    (void) error_set(err, ERROR_IO, "%s was compacted or imported into while it was read", table);
    return error_hint(err, "run the query again");
}

/* An import first tells where its rows have their time, then the rows appear. */
static bool check_schema(struct query_tables *tables, const struct query_table *table,
                         struct error *err)
{
    struct lake_schema now;
    if (!lake_schema_read(tables->store, &table->place, &now, err))
        return false;
    tables->moved = !lake_schema_same(&now, &table->schema);
    lake_schema_release(&now);
    return !tables->moved || query_moved(table->place.table, err);
}

bool query_paths_find(struct query_paths *paths, struct query_tables *tables,
                      const struct query_table *table, int64_t from, int64_t to,
                      struct query_coverage *coverage, struct error *err)
{
    const struct query_coverage asked = *coverage;
    struct lake_instant after;
    *paths = (struct query_paths){0};
    if (!lake_instant_take(tables->store, &table->place, &paths->instant, err))
        return false;
    for (int i = 0; i < TRIES; i++) {
        struct lake_instant before = paths->instant;
        struct error why = ERROR_INIT;
        query_paths_release(paths);
        *coverage = asked;
        bool ok = find_once(paths, tables, table, from, to, coverage, &why);
        paths->instant = before;
        if (!lake_instant_take(tables->store, &table->place, &after, err))
            return false;
        if (lake_instant_same(&before, &after))
            return ok ? check_schema(tables, table, err) : error_pass(err, &why);
        paths->instant = after;
    }
    return query_moved(table->place.table, err);
}

void query_paths_release(struct query_paths *paths)
{
    buf_release(&paths->text);
    mem_free(paths->v);
    mem_free(paths->sizes);
    mem_free(paths->groups);
    mem_free(paths->roles);
    mem_free(paths->compacted);
    query_known_release(&paths->known);
    arena_release(&paths->arena);
    *paths = (struct query_paths){0};
}
