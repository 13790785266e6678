/* Search jobs and restores: PUT and DELETE of a table, and how far they are (docs/service.md 1.8; 5.3 for
 * operations that take their time). */

#include "emulator/jobs.h"
#include "emulator/arm/ask.h"

#include "base/tick.h"
#include "emulator/reply.h"

enum { RETRY_SECONDS = 1 };

/* What waits for the end asks there. */
static void put_addresses(const struct arm_ask *ask, const struct job *job)
{
    const struct service *service = ask->service;
    struct str id = str_of(service->resource_id), rest = id, part;
    /* /subscriptions/{id}: the part behind the second slash. */
    for (int i = 0; i < 3; i++)
        (void) str_split(&rest, '/', &part);
    const char *version = server_argument(ask->request, "api-version");
    static const char *const names[] = {"Azure-AsyncOperation", "Location"};
    static const char *const ways[] = {"operationstatuses", "operationresults"};
    for (size_t i = 0; i < 2; i++) {
        buf_printf(&ask->reply->headers,
                   "%s: %s/subscriptions/%.*s/providers/Microsoft.OperationalInsights/locations/%s/"
                   "%s/%s?api-version=",
                   names[i], service->endpoint, (int) part.n, part.p, service->region, ways[i],
                   job->operation);
        /* What came in an address is not to end a header. */
        for (const char *c = version; *c; c++)
            buf_putc(&ask->reply->headers, *c > ' ' && *c < 127 ? *c : '_');
        buf_putc(&ask->reply->headers, '\n');
    }
    ask->reply->retry_after = RETRY_SECONDS;
}

static void refuse_job(const struct arm_ask *ask, const struct error *err)
{
    static const struct {
        enum error_code why;
        int status;
        const char *code;
    } rows[] = {
        {ERROR_EXISTS, 409, "Conflict"},        {ERROR_LIMIT, 429, "TooManyRequests"},
        {ERROR_NOT_FOUND, 400, "BadRequest"},   {ERROR_KQL, 400, "InvalidParameter"},
        {ERROR_USAGE, 400, "InvalidParameter"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (err->code == rows[i].why) {
            arm_refuse(ask->reply, rows[i].status, rows[i].code, err->message);
            return;
        }
    }
    reply_internal(ask->reply, err->message);
}

static const char *member(const json_t *value, const char *name)
{
    const char *text = json_string_value(json_object_get(value, name));
    return text ? text : "";
}

static bool read_range(const json_t *value, const char *start, const char *end, struct job_ask *job,
                       struct error *err)
{
    if (tick_parse(str_of(member(value, start)), &job->start) &&
        tick_parse(str_of(member(value, end)), &job->end))
        return true;
    return error_set(err, ERROR_USAGE, "%s and %s are needed, as times of ISO 8601", start, end);
}

/* The name's end says which of the two it is, and the body has just that one. */
static bool read_job(struct str name, const json_t *body, struct job_ask *job, struct error *err)
{
    const json_t *properties = json_object_get(body, "properties");
    const json_t *search = json_object_get(properties, "searchResults");
    const json_t *restore = json_object_get(properties, "restoredLogs");
    *job = (struct job_ask){.name = name, .kind = search ? JOB_SEARCH : JOB_RESTORE};
    json_int_t limit = json_integer_value(json_object_get(search, "limit"));
    job->query = str_of(member(search, "query"));
    job->source = str_of(member(restore, "sourceTable"));
    job->limit = limit > 0 ? (uint64_t) limit : 0;
    if (search && str_ends(name, STR("_SRCH")))
        return read_range(search, "startSearchTime", "endSearchTime", job, err);
    if (restore && str_ends(name, STR("_RST")))
        return read_range(restore, "startRestoreTime", "endRestoreTime", job, err);
    return error_set(err, ERROR_USAGE,
                     "only tables with searchResults (name ending in _SRCH) and restoredLogs (name "
                     "ending in _RST) can be made");
}

static const struct table *find_table(const struct service *service, const struct job *job)
{
    return tables_find(&service->tables, str_of(job->name), NULL);
}

static void start(const struct arm_ask *ask)
{
    struct error err = ERROR_INIT;
    struct job_ask wanted;
    json_t *body = json_loadb(ask->request->body.p, ask->request->body.n, 0, NULL);
    const struct job *job =
        read_job(ask->rest, body, &wanted, &err) ? jobs_start(ask->service, &wanted, &err) : NULL;
    const struct table *table = job ? find_table(ask->service, job) : NULL;
    if (!table) {
        refuse_job(ask, &err);
    } else {
        put_addresses(ask, job);
        arm_reply(ask->reply, 202, arm_make_table(ask->service, table));
    }
    json_decref(body);
}

static void end(const struct arm_ask *ask)
{
    struct error err = ERROR_INIT;
    const struct job *job = jobs_named(ask->service->jobs, ask->rest);
    if (!job) {
        arm_refuse(ask->reply, 404, "ResourceNotFound",
                   "The table was not found in the workspace.");
    } else if (!jobs_delete(ask->service, job, &err)) {
        reply_internal(ask->reply, err.message);
    } else {
        put_addresses(ask, job);
        ask->reply->status = 202;
    }
}

void arm_jobs(const struct arm_ask *ask)
{
    if (strcmp(ask->request->method, "PUT") == 0)
        start(ask);
    else if (strcmp(ask->request->method, "DELETE") == 0)
        end(ask);
    else
        arm_refuse(ask->reply, 405, "MethodNotAllowed", "A table can be put and deleted.");
}

/* --- how far it is ----------------------------------------------------------------------------- */

static void answer_status(const struct arm_ask *ask, const struct job *job)
{
    struct job_progress progress = jobs_progress(ask->service, job);
    char began[TICK_TEXT_MAX];
    (void) tick_format(job->began, began);
    bool done = progress.share >= 1 || atomic_load(&job->deleted);
    arm_reply(ask->reply, 200,
              json_pack("{s:s, s:s, s:s, s:s, s:f}", "id", ask->request->path, "name",
                        job->operation, "status", done ? "Succeeded" : "InProgress", "startTime",
                        began, "percentComplete", done ? 100.0 : progress.share * 100));
    if (!done)
        ask->reply->retry_after = RETRY_SECONDS;
}

static void answer_result(const struct arm_ask *ask, const struct job *job)
{
    const struct table *table = find_table(ask->service, job);
    bool done = jobs_progress(ask->service, job).share >= 1;
    if (atomic_load(&job->deleted) || !table) {
        ask->reply->status = 204;
    } else if (done) {
        arm_reply(ask->reply, 200, arm_make_table(ask->service, table));
    } else {
        put_addresses(ask, job);
        ask->reply->status = 202;
    }
}

void arm_operation(const struct arm_ask *ask, bool result)
{
    const struct job *job =
        ask->service->jobs ? jobs_operation(ask->service->jobs, ask->rest) : NULL;
    if (!job || strcmp(ask->request->method, "GET") != 0)
        arm_refuse(ask->reply, 404, "ResourceNotFound", "The operation was not found.");
    else if (result)
        answer_result(ask, job);
    else
        answer_status(ask, job);
}
