/* Query: see query.h. */
#include "query/query.h"

#include "base/memory.h"
#include "kql/kql.h"
#include "query/ahead.h"
#include "query/bring.h"
#include "query/tables.h"

enum { TRIES = 4 }; /* while others compact and import */

struct query {
    struct query_options options;
    struct query_tables tables;
    struct kql_query *kql;
    struct engine_opening *opening; /* until the first task is needed */
    struct engine *engine;
    struct engine_task *task;
    struct engine_result *result;
    struct query_io *io;             /* of a remote store, else NULL */
    struct query_bring *bring;       /* the same */
    struct query_coverage *coverage; /* of each table that is read */
    struct lake_instant *instants;   /* the same: of the records by which its blobs were chosen */
    size_t coverage_count, instant_count;
};

static bool on_table(void *context, struct str name, struct columns *visible,
                     struct columns *hidden_, struct error *err)
{
    struct query *query = context;
    const struct query_table *table = query_tables_find(&query->tables, name, err);
    return table && columns_copy(&table->visible, visible, err) &&
           columns_copy(&table->hidden, hidden_, err);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The asked range: what the options and the query's own filters have in common, in whole partitions. */
static void ask(const struct query *query, const struct kql_table *table,
                struct query_coverage *out)
{
    int64_t from = table->from,
            to = table->to < query->options.now ? table->to : query->options.now;
    if (query->options.from != 0 || query->options.to != 0) {
        from = later(from, query->options.from);
        to = to < query->options.to ? to : query->options.to;
    }
    out->table = table->name;
    if (from <= 0 || from >= to)
        return;
    out->from = tick_floor(from, TICK_PARTITION);
    out->to = tick_floor(to + TICK_PARTITION - 1, TICK_PARTITION);
    out->partitions = (uint64_t) ((out->to - out->from) / TICK_PARTITION);
}

/* The engine is opened by a thread of its own while the lake is read. */
static bool begin_engine(struct query *query, struct error *err)
{
    struct engine_options options = {.threads = query->options.threads,
                                     .memory = query->options.memory};
    query->opening = engine_opening_new(&options, err);
    return query->opening != NULL;
}

static bool need_task(struct query *query, struct error *err)
{
    if (query->opening)
        query->engine = engine_opened(query->opening, err);
    query->opening = NULL;
    if (query->engine && !query->task)
        query->task = engine_task_new(query->engine, err);
    return query->task != NULL;
}

static bool open_store(struct query *query, struct error *err)
{
    if (!store_remote(query->options.store))
        return true;
    query->bring = query_bring_new(query->options.store, err);
    query->io = query->bring ? query_io_new(query->options.store, err) : NULL;
    return query->io != NULL;
}

/* The paths as blobs that a thread brings, which take over what the names stand in. */
static struct query_blobs *blobs_of(struct query *query, struct query_paths *paths,
                                    struct error *err)
{
    struct store_wanted *wanted = mem_alloc(paths->n, sizeof *wanted, err);
    if (!wanted)
        return NULL;
    for (size_t i = 0; i < paths->n; i++)
        wanted[i] = (struct store_wanted){.name = paths->v[i], .size = paths->sizes[i]};
    return query_blobs_new(query->io, wanted, paths->n, buf_take(&paths->text), err);
}

/* All times: then rows that have none, or one that is not read, are among the rows. */
static bool is_all(const struct kql_table *table)
{
    return table->from <= 0 && table->to > TICK_MAX;
}

static bool add_view(struct query *query, const struct kql_table *table,
                     const struct query_table *source, struct query_paths *paths, struct error *err)
{
    struct engine_time_key table_keys[LAKE_FROM_MAX];
    struct columns columns = {0};
    struct engine_opener opener;
    struct query_blobs *blobs = query->io ? blobs_of(query, paths, err) : NULL;
    bool ok = (blobs || !query->io) && columns_copy(table->columns, &columns, err);
    query_time_keys(&source->schema, table_keys);
    struct engine_files files = {
        .name = table->name,
        .form = ENGINE_LINES,
        .paths = paths->v,
        .count = paths->n,
        .columns = &columns,
        .source_keys = table->keys,
        .from = is_all(table) ? 0 : table->from,
        .to = is_all(table) ? 0 : table->to,
        .sizes = paths->sizes,
        .groups = paths->groups,
        .roles = paths->roles,
        .time_keys = table_keys,
        .time_key_count = source->schema.n_from,
        .compacted = paths->compacted,
        .compacted_count = paths->compacted_count,
    };
    if (blobs) {
        query_blobs_opener(blobs, &opener);
        files.opener = &opener;
    }
    ok = ok && need_task(query, err) && engine_view(query->task, &files, err);
    query_blobs_release(blobs);
    columns_release(&columns);
    return ok;
}

static bool open_table(struct query *query, const struct kql_table *table,
                       struct query_coverage *coverage, struct error *err)
{
    if (table->ingestion_time)
        return error_set(err, ERROR_KQL,
                         "ingestion_time() of '%s' is not in the lake: rows are kept "
                         "without it; ask the workspace",
                         table->name);
    struct query_table *source = query_tables_find(&query->tables, str_of(table->name), err);
    struct query_paths paths = {0};
    ask(query, table, coverage);
    bool ok = source && query_paths_find(&paths, &query->tables, source, table->from, table->to,
                                         coverage, err);
    if (ok)
        query->instants[query->instant_count++] = paths.instant;
    ok = ok && add_view(query, table, source, &paths, err);
    query_paths_release(&paths);
    return ok;
}

static bool open_tables(struct query *query, struct error *err)
{
    const struct kql_table *list;
    size_t n = kql_tables(query->kql, &list);
    query->coverage = mem_alloc(n, sizeof *query->coverage, err);
    query->instants = mem_alloc(n, sizeof *query->instants, err);
    if (!query->coverage || !query->instants)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!open_table(query, &list[i], &query->coverage[i], err))
            return false;
        query->coverage_count = i + 1;
    }
    return true;
}

static bool compile(struct query *query, struct error *err)
{
    struct kql_options options = {
        .table = on_table,
        .context = query,
        .now = query->options.now,
        .from = query->options.from,
        .to = query->options.to,
    };
    query->kql = kql_compile(query->options.kql, &options, err);
    return query->kql != NULL;
}

/* The table whose blobs were compacted or replaced since they were chosen; NULL: none, or it cannot be told. */
static const char *find_moved(struct query *query)
{
    for (size_t i = 0; i < query->instant_count; i++) {
        const char *name = query->coverage[i].table;
        const struct query_table *table = query_tables_find(&query->tables, str_of(name), NULL);
        struct lake_instant now;
        if (table && lake_instant_take(query->options.store, &table->place, &now, NULL) &&
            !lake_instant_same(&now, &query->instants[i]))
            return name;
    }
    return NULL;
}

/* What was read of the lake. */
static void forget(struct query *query)
{
    kql_free(query->kql);
    query_tables_release(&query->tables);
    mem_free(query->coverage);
    mem_free(query->instants);
    query->kql = NULL;
    query->coverage = NULL;
    query->instants = NULL;
    query->coverage_count = query->instant_count = 0;
}

static bool read_lake(struct query *query, struct error *err)
{
    const struct query_options *options = &query->options;
    bool ok = query_tables_init(&query->tables, options->store, options->workspace_id, err);
    query->tables.bring = query->bring;
    return ok && compile(query, err) && open_tables(query, err);
}

struct query *query_open(const struct query_options *options, struct error *err)
{
    struct query *query = mem_alloc(1, sizeof *query, err);
    if (!query)
        return NULL;
    query->options = *options;
    struct error why = ERROR_INIT;
    bool ok = begin_engine(query, &why) && open_store(query, &why), again = ok;
    for (int i = 0; i < TRIES && again; i++) {
        forget(query);
        error_clear(&why);
        ok = read_lake(query, &why);
        const char *moved = ok ? NULL : find_moved(query);
        again = moved || query->tables.moved;
        if (moved) {
            error_clear(&why);
            (void) query_moved(moved, &why);
        }
    }
    if (ok && need_task(query, err))
        return query;
    if (!ok)
        (void) error_pass(err, &why);
    query_free(query);
    return NULL;
}

void query_free(struct query *query)
{
    if (!query)
        return;
    if (query->io)
        query_io_interrupt(
            query->io); /* the engine waits for its threads, which may wait for bytes */
    engine_opening_drop(query->opening);
    engine_result_free(query->result);
    engine_task_free(query->task);
    engine_free(query->engine);
    query_io_end(query->io);
    query_bring_free(query->bring);
    forget(query);
    mem_free(query);
}

bool query_leave(struct query *query)
{
    if (query && query->task && !query->io)
        return true;
    query_free(query);
    return false;
}

const struct columns *query_columns(const struct query *query)
{
    return kql_columns(query->kql);
}

size_t query_coverage(const struct query *query, const struct query_coverage **out)
{
    *out = query->coverage;
    return query->coverage_count;
}

/* Hands an error of the engine on, or what it comes from. Returns false. */
static bool pass_error(struct query *query, const struct error *why, struct error *err)
{
    const char *moved = query->io || why->code == ERROR_INTERRUPTED ? NULL : find_moved(query);
    return moved ? query_moved(moved, err) : query_io_error(query->io, why, err);
}

bool query_next(struct query *query, const struct engine_chunk **chunk, struct error *err)
{
    struct error why = ERROR_INIT;
    *chunk = NULL;
    if (!query->result)
        query->result =
            engine_query(query->task, kql_sql(query->kql), kql_columns(query->kql), &why);
    if (query->result && engine_next(query->result, chunk, &why))
        return true;
    return pass_error(query, &why, err);
}

bool query_write_parquet(struct query *query, const char *path, struct error *err)
{
    struct error why = ERROR_INIT;
    return engine_copy_parquet(query->task, kql_sql(query->kql), kql_columns(query->kql), path,
                               &why) ||
           pass_error(query, &why, err);
}

void query_cancel(struct query *query)
{
    engine_task_cancel(query->task);
    if (query->io)
        query_io_interrupt(query->io);
}

uint64_t query_misfits(const struct query *query)
{
    return engine_misfits(query->task);
}

uint64_t query_doubled(const struct query *query)
{
    return engine_doubled(query->task);
}
