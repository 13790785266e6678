/* A job's result: a relation of its own in the engine, and what the service shows of it. */

#include "emulator/data_sql.h"
#include "emulator/jobs.h"
#include "emulator/sight.h"

#include "base/tick.h"

#include <stdio.h>

enum { SQL_MAX = 16 << 20 };

/* What every result of a search job has. */
static const struct {
    const char *name;
    enum column_type type;
} always[] = {
    {"TenantId", COLUMN_STRING},
    {"TimeGenerated", COLUMN_DATETIME},
    {"Type", COLUMN_STRING},
    {"_OriginalType", COLUMN_STRING},
    {"_OriginalItemId", COLUMN_STRING},
    {"_OriginalTimeGenerated", COLUMN_DATETIME},
};

enum { ALWAYS_COUNT = sizeof always / sizeof always[0] };

/* --- search jobs ------------------------------------------------------------------------------- */

static bool is_hidden(const char *name)
{
    return tables_is_secret(str_of(name));
}

static bool describe_search(const struct columns *found, struct table *table, struct error *err)
{
    bool done = true;
    table->timed = true;
    for (size_t i = 0; done && i < found->n; i++) {
        if (!is_hidden(found->v[i].name))
            done = columns_add(&table->visible, str_of(found->v[i].name), found->v[i].type, err);
    }
    for (size_t i = 0; done && i < ALWAYS_COUNT; i++) {
        if (columns_find(&table->visible, str_of(always[i].name)) < 0)
            done = columns_add(&table->visible, str_of(always[i].name), always[i].type, err);
    }
    return done && columns_add(&table->hidden, STR("_ItemId"), COLUMN_STRING, err) &&
           columns_add(&table->hidden, STR("_TimeReceived"), COLUMN_DATETIME, err) &&
           columns_add(&table->hidden, STR("_BilledSize"), COLUMN_REAL, err) &&
           columns_add(&table->hidden, STR("_IsBillable"), COLUMN_STRING, err);
}

/* A column of the result: the run's own, the query's, or one that the query lost. */
static void put_column(const struct service *service, const struct job *job,
                       const struct columns *found, const struct column *column, struct buf *sql)
{
    int at = columns_find(found, str_of(column->name));
    if (strcmp(column->name, "TimeGenerated") == 0)
        buf_printf(sql, "%lld::BIGINT", (long long) job->began);
    else if (strcmp(column->name, "Type") == 0)
        buf_printf(sql, "'%s'", job->name);
    else if (at >= 0)
        buf_printf(sql, "c%d", at);
    else if (strcmp(column->name, "TenantId") == 0)
        buf_printf(sql, "'%s'", service->workspace);
    else
        buf_puts(sql, column->type == COLUMN_DATETIME ? "NULL::BIGINT" : "''");
    buf_puts(sql, " AS ");
    data_put_name(sql, column->name, "");
    buf_puts(sql, ", ");
}

static void put_search(const struct service *service, const struct job *job, int64_t time,
                       const struct columns *found, const struct table *table,
                       const struct buf *query, struct buf *sql)
{
    buf_puts(sql, "CREATE TABLE ");
    data_put_name(sql, job->name, "");
    buf_puts(sql, " AS SELECT ");
    for (size_t i = 0; i < table->visible.n; i++)
        put_column(service, job, found, &table->visible.v[i], sql);
    buf_printf(sql,
               "md5('%s:%lld:' || weir_n)::UUID::VARCHAR AS \"_ItemId\", %lld::BIGINT AS "
               "\"_TimeReceived\", 0::DOUBLE AS \"_BilledSize\", 'true' AS \"_IsBillable\", "
               "%lld::BIGINT AS \"_weir_ingestion\", %lld::BIGINT + (%lld::DOUBLE * weir_n / "
               "weir_all)::BIGINT AS \"_weir_visible\" FROM (SELECT *, row_number() OVER () AS "
               "weir_n, count(*) OVER () AS weir_all FROM (SELECT * FROM (%s) AS t(",
               job->name, (long long) job->began, (long long) job->began, (long long) job->began,
               (long long) job->began, (long long) time, buf_text(query));
    for (size_t i = 0; i < found->n; i++)
        buf_printf(sql, "%sc%zu", i > 0 ? ", " : "", i);
    buf_printf(sql, ") LIMIT %llu))", (unsigned long long) job->rows);
}

static bool count_rows(struct engine_task *task, const struct buf *query, uint64_t *rows,
                       struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    int64_t count = 0;
    buf_printf(&sql, "SELECT count(*) FROM (%s)", buf_text(query));
    bool done = buf_ok(&sql, "SQL", err) && data_number(task, buf_text(&sql), &count, err);
    *rows = (uint64_t) count;
    buf_release(&sql);
    return done;
}

static bool count_scanned(const struct sight *sight, struct engine_task *task, struct job *job,
                          struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    int64_t bytes = 0;
    const struct table *source = tables_find(sight->tables, str_of(job->source), err);
    bool done = source && sight_put_scan(sight, source, job->start, job->end, &sql, err) &&
                data_number(task, buf_text(&sql), &bytes, err);
    job->scanned = (uint64_t) bytes;
    buf_release(&sql);
    return done;
}

static bool run_search(struct service *service, struct engine_task *task,
                       const struct kql_query *query, uint64_t most, int64_t time, struct job *job,
                       struct table *table, struct error *err)
{
    const struct sight sight = {.tables = &service->tables, .now = job->began, .archive = true};
    struct buf found = BUF_INIT(SQL_MAX), sql = BUF_INIT(SQL_MAX);
    bool done =
        sight_put(&sight, query, &found, err) && count_rows(task, &found, &job->rows, err) &&
        count_scanned(&sight, task, job, err) && describe_search(kql_columns(query), table, err);
    uint64_t limit = job->limit > 0 && job->limit < most ? job->limit : most;
    job->partial = job->rows > limit;
    job->rows = job->partial ? limit : job->rows;
    if (done)
        put_search(service, job, time, kql_columns(query), table, &found, &sql);
    done = done && buf_ok(&sql, "SQL", err) && engine_run(task, buf_text(&sql), err);
    buf_release(&sql);
    buf_release(&found);
    return done;
}

bool job_search(struct service *service, struct str query, uint64_t rows, int64_t time,
                struct job *job, struct table *table, struct error *err)
{
    struct kql_options options = {.table = tables_give,
                                  .context = &service->tables,
                                  .now = job->began,
                                  .from = job->start,
                                  .to = job->end};
    struct kql_query *compiled = kql_compile(query, &options, err);
    struct engine_task *task = compiled ? engine_task_new(service->engine, err) : NULL;
    bool done = task && run_search(service, task, compiled, rows, time, job, table, err);
    engine_task_free(task);
    kql_free(compiled);
    return done;
}

/* --- restores ---------------------------------------------------------------------------------- */

static void put_restore(const struct job *job, const struct table *source, int64_t time,
                        struct buf *sql)
{
    buf_puts(sql, "CREATE TABLE ");
    data_put_name(sql, job->name, "");
    buf_printf(sql, " AS SELECT * REPLACE (%lld::BIGINT AS \"_weir_visible\") FROM ",
               (long long) job->began + (long long) time);
    data_put_name(sql, source->name, "");
    buf_printf(sql,
               " WHERE \"TimeGenerated\" >= %lld AND \"TimeGenerated\" < %lld AND "
               "\"_weir_visible\" <= %lld",
               (long long) job->start, (long long) job->end, (long long) job->began);
    if (source->total > 0)
        buf_printf(sql, " AND \"TimeGenerated\" >= %lld", (long long) (job->began - source->total));
}

static bool run_restore(struct engine_task *task, const struct table *source, int64_t time,
                        struct job *job, struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX), rows = BUF_INIT(SQL_MAX);
    put_restore(job, source, time, &sql);
    buf_puts(&rows, "SELECT * FROM ");
    data_put_name(&rows, job->name, "");
    bool done = buf_ok(&sql, "SQL", err) && engine_run(task, buf_text(&sql), err) &&
                count_rows(task, &rows, &job->rows, err);
    buf_release(&rows);
    buf_release(&sql);
    return done;
}

bool job_restore(struct service *service, int64_t time, struct job *job, struct table *table,
                 struct error *err)
{
    const struct sight sight = {.tables = &service->tables, .now = job->began, .archive = true};
    const struct table *source = tables_find(&service->tables, str_of(job->source), err);
    struct engine_task *task = source ? engine_task_new(service->engine, err) : NULL;
    bool done = task && columns_copy(&source->visible, &table->visible, err) &&
                columns_copy(&source->hidden, &table->hidden, err) &&
                count_scanned(&sight, task, job, err) && run_restore(task, source, time, job, err);
    table->timed = true;
    engine_task_free(task);
    return done;
}

bool job_drop(struct service *service, const struct job *job, struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    struct engine_task *task = engine_task_new(service->engine, err);
    buf_puts(&sql, "DROP TABLE IF EXISTS ");
    data_put_name(&sql, job->name, "");
    bool done = task && buf_ok(&sql, "SQL", err) && engine_run(task, buf_text(&sql), err);
    engine_task_free(task);
    buf_release(&sql);
    return done;
}
