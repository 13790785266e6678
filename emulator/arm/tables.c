/* Tables: each with plan, retention and columns; and those that search jobs and restores made
 * (docs/service.md 1.8 and 1.9). */

#include "emulator/arm/ask.h"

#include "base/tick.h"
#include "emulator/jobs.h"

/* Without --retention nothing ages out: the longest that the service keeps, twelve years. */
enum { RETENTION_DAYS = 4383 };

static const double BYTES_A_GB = 1e9;

/* Resource Manager writes two types in its own way. */
static const char *type_name(enum column_type type)
{
    if (type == COLUMN_DATETIME)
        return "dateTime";
    return type == COLUMN_BOOL ? "boolean" : column_type_name(type);
}

static json_t *make_columns(const struct table *table)
{
    json_t *list = json_array();
    for (size_t i = 0; i < table->visible.n; i++) {
        const struct column *column = &table->visible.v[i];
        if (strcmp(column->name, "TenantId") != 0)
            (void) json_array_append_new(
                list, json_pack("{s:s, s:s, s:b, s:b}", "name", column->name, "type",
                                type_name(column->type), "isDefaultDisplay", 0, "isHidden", 0));
    }
    return list;
}

static int days_of(int64_t ticks)
{
    int64_t days = (ticks + TICK_DAY - 1) / TICK_DAY;
    return days > 0 && days < RETENTION_DAYS ? (int) days : RETENTION_DAYS;
}

static json_t *make_time(int64_t tick)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format(tick, text);
    return json_string(text);
}

/* What a job adds: what was asked for, and how far it is. */
static void add_job(const struct service *service, const struct job *job, json_t *table)
{
    json_t *properties = json_object_get(table, "properties");
    json_t *schema = json_object_get(properties, "schema");
    struct job_progress progress = jobs_progress(service, job);
    bool search = job->kind == JOB_SEARCH;
    json_t *asked =
        search ? json_pack("{s:s, s:o, s:o, s:s, s:s}", "query", job->query, "startSearchTime",
                           make_time(job->start), "endSearchTime", make_time(job->end),
                           "sourceTable", job->source, "azureAsyncOperationId", job->operation)
               : json_pack("{s:s, s:o, s:o, s:s}", "sourceTable", job->source, "startRestoreTime",
                           make_time(job->start), "endRestoreTime", make_time(job->end),
                           "azureAsyncOperationId", job->operation);
    if (search && job->limit > 0)
        (void) json_object_set_new(asked, "limit", json_integer((json_int_t) job->limit));
    (void) json_object_set_new(schema, "tableType",
                               json_string(search ? "SearchResults" : "RestoredLogs"));
    (void) json_object_set_new(schema, search ? "searchResults" : "restoredLogs", asked);
    (void) json_object_set_new(properties, "provisioningState", json_string(progress.state));
    (void) json_object_set_new(properties, "resultStatistics",
                               json_pack("{s:f, s:I, s:f}", "progress", progress.share * 100,
                                         "ingestedRecords", (json_int_t) progress.rows, "scannedGb",
                                         (double) job->scanned / BYTES_A_GB * progress.share));
}

json_t *arm_make_table(const struct service *service, const struct table *table)
{
    bool custom = str_ends(str_of(table->name), STR("_CL"));
    int days = days_of(table->retention), total = days_of(table->total);
    if (total < days || (table->total == 0 && table->retention > 0))
        total = table->total == 0 ? RETENTION_DAYS : days;
    json_t *made = json_pack(
        "{s:s++, s:s, s:{s:s, s:i, s:i, s:i, s:s, s:{s:s, s:s, s:s, s:o, s:[{s:s, "
        "s:s}], s:[]}}}",
        "id", service->resource_id, "/tables/", table->name, "name", table->name, "properties",
        "plan", plan_name(table->plan), "retentionInDays", days, "totalRetentionInDays", total,
        "archiveRetentionInDays", total - days, "provisioningState", "Succeeded", "schema", "name",
        table->name, "tableType", custom ? "CustomLog" : "Microsoft", "tableSubType",
        "DataCollectionRuleBased", "columns", make_columns(table), "standardColumns", "name",
        "TenantId", "type", "guid", "solutions");
    const struct job *job = service->jobs ? jobs_named(service->jobs, str_of(table->name)) : NULL;
    if (job && made)
        add_job(service, job, made);
    return made;
}

static void answer_list(const struct arm_ask *ask)
{
    const struct service *service = ask->service;
    json_t *list = json_array();
    for (size_t i = 0; i < service->tables.n; i++) {
        if (!atomic_load(&service->tables.v[i].gone))
            (void) json_array_append_new(list, arm_make_table(service, &service->tables.v[i]));
    }
    arm_reply(ask->reply, 200, json_pack("{s:o}", "value", list));
}

static const struct table *find(const struct service *service, struct str name)
{
    for (size_t i = 0; i < service->tables.n; i++) {
        const struct table *table = &service->tables.v[i];
        if (!atomic_load(&table->gone) && str_eq_case(name, str_of(table->name)))
            return table;
    }
    return NULL;
}

/* What may be made and taken away are the results of jobs alone. */
void arm_tables(const struct arm_ask *ask)
{
    const struct table *table = ask->rest.n > 0 ? find(ask->service, ask->rest) : NULL;
    bool get = strcmp(ask->request->method, "GET") == 0;
    if (get && ask->rest.n == 0)
        answer_list(ask);
    else if (get && table)
        arm_reply(ask->reply, 200, arm_make_table(ask->service, table));
    else if (!get && ask->service->jobs)
        arm_jobs(ask);
    else
        arm_refuse(ask->reply, 404, "ResourceNotFound",
                   "The table was not found in the workspace.");
}
