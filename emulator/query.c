/* Query: one query, from the fault it meets to its reply. */

#include "emulator/json_out.h"
#include "emulator/reply.h"
#include "emulator/service.h"
#include "emulator/timespan.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/tick.h"
#include "kql/kql.h"

#include <jansson.h>
#include <stdio.h>

enum { MEMBERS_MAX = 512, TOKEN_TEXT_MAX = 64 };

static const uint64_t second = 1000000000;

/* What is kept while one query runs. */
struct run {
    struct service *service;
    const struct query_ask *ask;
    struct server_reply *reply;
    struct preferences prefer;
    struct report_query figures;
    struct json_out out;
    uint64_t started;
};

/* --- refusals --------------------------------------------------------------------------------- */

/* What the service says of KQL that it refuses. Positions count from 0 there. */
static void reply_kql(struct server_reply *reply, struct str text, const struct error *err)
{
    bool syntax = !kql_check_syntax(text, NULL);
    struct buf members = BUF_INIT(MEMBERS_MAX);
    buf_printf(&members, "\"line\":%d,\"pos\":%d", err->line > 0 ? err->line : 1,
               err->column > 0 ? err->column - 1 : 0);
    reply_error(reply, &(struct reply_error){
                           .status = 400,
                           .code = "BadArgumentError",
                           .message = "The request had some invalid properties",
                           .inner = syntax ? "SyntaxError" : "SemanticError",
                           .inner_message = syntax ? "A recognition error occurred in the query."
                                                   : "A semantic error occurred.",
                           .innermost = syntax ? "SYN0002" : "SEM0100",
                           .innermost_message = err->message,
                           .raw_members = buf_text(&members),
                       });
    buf_release(&members);
}

static void reply_too_long(struct server_reply *reply, const struct service_limits *limits)
{
    char message[128];
    (void) snprintf(message, sizeof message, "Maximum response size of %llu bytes exceeded",
                    (unsigned long long) limits->body);
    reply_error(reply, &(struct reply_error){
                           .status = (int) limits->body_status,
                           .code = "BadArgumentError",
                           .message = "The request had some invalid properties",
                           .inner = "ResponseSizeError",
                           .inner_message = message,
                       });
}

static void reply_timeout(struct server_reply *reply)
{
    reply_error(reply,
                &(struct reply_error){.status = 504,
                                      .code = "GatewayTimeout",
                                      .message = "Gateway timeout",
                                      .inner = "GatewayTimeout",
                                      .inner_message =
                                          "The query took longer than the time that it was given"});
}

/* --- the answer ------------------------------------------------------------------------------- */

static void put_partial(struct buf *body, const char *code, const char *message)
{
    buf_printf(
        body,
        ",\"error\":{\"code\":\"PartialError\",\"message\":\"There were some errors when "
        "processing your query.\",\"details\":[{\"code\":\"EngineError\",\"message\":\"Something "
        "went wrong processing your query on the server.\",\"innererror\":{\"code\":\"%s\","
        "\"message\":\"%s\",\"severity\":2,\"severityName\":\"Error\"}}]}",
        code, message);
}

static void put_ceiling(struct buf *body, uint64_t limit, const char *unit)
{
    char message[256];
    (void) snprintf(message, sizeof message,
                    "The results of this query exceed the set limit of %llu %s, so not all records "
                    "were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003, see "
                    "https://aka.ms/kustoquerylimits for more information and possible solutions).",
                    (unsigned long long) limit, unit);
    put_partial(body, "-2133196797", message);
}

static void put_statistics(struct buf *body, const struct run *run)
{
    double seconds = (double) (clock_ns() - run->started) / 1e9;
    char cpu[TIMESPAN_TEXT_MAX];
    (void) timespan_format((int64_t) (seconds * (double) TICK_SECOND), cpu);
    buf_printf(
        body,
        ",\"statistics\":{\"query\":{\"executionTime\":%.7f,\"datasetStatistics\":["
        "{\"tableRowCount\":%llu,\"tableSize\":%llu}],\"inputDatasetStatistics\":{\"extents\":"
        "{\"total\":1,\"scanned\":1},\"rows\":{\"total\":%llu,\"scanned\":%llu},\"rowstores\":"
        "{\"scannedRows\":0,\"scannedValuesSize\":0},\"shards\":{\"queriesGeneric\":0,"
        "\"queriesSpecialized\":0}},\"resourceUsage\":{\"cache\":{\"memory\":{\"hits\":0,"
        "\"misses\":0,\"total\":0},\"disk\":{\"hits\":0,\"misses\":0,\"total\":0}},\"cpu\":"
        "{\"user\":\"%s\",\"kernel\":\"00:00:00\",\"totalCpu\":\"%s\"},\"memory\":"
        "{\"peakPerNode\":0},\"network\":{\"interClusterTotalBytes\":%zu,"
        "\"crossClusterTotalBytes\":0}}}}",
        seconds, (unsigned long long) run->out.rows, (unsigned long long) run->out.bytes,
        (unsigned long long) run->out.rows, (unsigned long long) run->out.rows, cpu, cpu,
        run->reply->body.used);
}

/* The members behind the table, and the end. */
static void put_members(struct run *run)
{
    struct buf *body = &run->reply->body;
    const struct service *service = run->service;
    json_out_end(&run->out);
    if (run->prefer.statistics)
        put_statistics(body, run);
    if (run->prefer.render)
        buf_puts(body, ",\"render\":{}");
    if (run->prefer.data_sources)
        buf_printf(body,
                   ",\"dataSources\":[{\"resourceId\":\"%s\",\"region\":\"%s\",\"tables\":[]}]",
                   service->resource_id, service->region);
    if (run->prefer.permissions)
        buf_printf(body,
                   ",\"permissions\":{\"resources\":[{\"resourceId\":\"%s\",\"dataSources\":[]}],"
                   "\"dataSources\":[{\"resourceId\":\"%s\",\"denyTables\":[]}]}",
                   service->resource_id, service->resource_id);
    if (run->out.ceiling == JSON_CEILING_ROWS)
        put_ceiling(body, run->out.max_rows, "records");
    else if (run->out.ceiling == JSON_CEILING_BYTES)
        put_ceiling(body, run->out.max_bytes, "bytes");
    else if (run->figures.fault == FAULT_PARTIAL)
        put_partial(
            body, "-2133196800",
            "Query execution has resulted in error (E_EXTENT_LOAD_FAILED, 0x80DA0000): part "
            "of the data could not be loaded.");
    buf_putc(body, '}');
}

/* Memory used up is a partial answer in the service, without a row. */
static void reply_engine_error(struct run *run, const struct columns *columns,
                               const struct error *err)
{
    struct buf *body = &run->reply->body;
    if (err->code != ERROR_MEMORY && err->code != ERROR_LIMIT) {
        reply_internal(run->reply, err->message);
        return;
    }
    buf_reset(body);
    json_out_begin(&run->out, columns);
    json_out_end(&run->out);
    put_partial(body, "-2133196799",
                "Query execution lacks memory resources to complete (E_RUNAWAY_QUERY, 0x80DA0001): "
                "a query operator exceeded its memory budget.");
    buf_putc(body, '}');
    run->out.rows = 0;
}

static bool stream_rows(struct run *run, struct engine_result *result, struct error *err)
{
    const struct engine_chunk *chunk = NULL;
    for (;;) {
        if (!engine_next(result, &chunk, err))
            return false;
        if (!chunk || !json_out_chunk(&run->out, chunk))
            return true;
    }
}

static void cancel_task(void *context)
{
    engine_task_cancel(context);
}

static uint64_t time_limit(const struct run *run)
{
    const struct service_limits *limits = &run->service->limits;
    uint64_t wait = limits->wait;
    if (run->prefer.wait > 0)
        wait = run->prefer.wait < UINT64_MAX / second ? run->prefer.wait * second : UINT64_MAX;
    return wait < limits->wait_max ? wait : limits->wait_max;
}

/* Runs the SQL on a task of its own, under the watch. */
static void run_query(struct run *run, const struct kql_query *query)
{
    struct error err = ERROR_INIT;
    struct service *service = run->service;
    struct engine_task *task = engine_task_new(service->engine, &err);
    if (!task) {
        reply_internal(run->reply, err.message);
        return;
    }
    struct watched watched = {
        .cancel = cancel_task, .context = task, .deadline = run->started + time_limit(run)};
    watch_add(service->watch, &watched);
    run->reply->status = 200;
    run->reply->content_type = REPLY_JSON;
    json_out_begin(&run->out, kql_columns(query));
    struct engine_result *result = engine_query(task, kql_sql(query), kql_columns(query), &err);
    bool done = result && stream_rows(run, result, &err);
    engine_result_free(result);
    watch_remove(service->watch, &watched);
    engine_task_free(task);

    if (atomic_load(&watched.fired)) {
        atomic_fetch_add(&service->report.timeouts, 1);
        reply_timeout(run->reply);
    } else if (!done) {
        reply_engine_error(run, kql_columns(query), &err);
    } else if (run->out.ceiling == JSON_CEILING_BODY) {
        reply_too_long(run->reply, &service->limits);
    } else {
        put_members(run);
    }
}

static bool find_range(const struct run *run, struct timespan_range *range)
{
    int64_t now = service_now(run->service);
    *range = TIMESPAN_ALL;
    if (timespan_narrow(run->ask->timespan_url, now, range) &&
        timespan_narrow(run->ask->timespan, now, range))
        return true;
    reply_bad(run->reply, "InvalidTimespan",
              "The timespan is not an ISO 8601 duration or interval");
    return false;
}

static void compile_and_run(struct run *run)
{
    struct timespan_range range;
    if (!find_range(run, &range))
        return;
    bool all = range.from == 0 && range.to == TICK_MAX + 1;
    struct kql_options options = {
        .table = tables_give,
        .context = &run->service->tables,
        .now = service_now(run->service),
        .from = all ? 0 : range.from,
        .to = all ? 0 : range.to,
    };
    struct error err = ERROR_INIT;
    struct kql_query *query = kql_compile(run->ask->text, &options, &err);
    if (query)
        run_query(run, query);
    else if (err.code == ERROR_MEMORY || err.code == ERROR_INTERNAL)
        reply_internal(run->reply, err.message);
    else
        reply_kql(run->reply, run->ask->text, &err);
    kql_free(query);
}

/* --- faults ----------------------------------------------------------------------------------- */

/* The faults that spoil a reply which is there already. */
static void spoil(struct run *run)
{
    struct server_reply *reply = run->reply;
    double share = faults_share(&run->service->faults, run->figures.number);
    size_t at = (size_t) ((double) reply->body.used * share);
    switch (run->figures.fault) {
    case FAULT_CUT:
        reply->ending = SERVER_CUT;
        reply->sent = at;
        break;
    case FAULT_STALL:
        reply->ending = SERVER_STALL;
        reply->sent = at;
        break;
    case FAULT_LENGTH:
        reply->body.used = at;
        break;
    default:
        break;
    }
}

/* The faults that come instead of a query. */
static bool refuse_by_fault(struct run *run)
{
    struct service *service = run->service;
    switch (run->figures.fault) {
    case FAULT_429:
        reply_throttled(run->reply, "Too many requests", service_retry_after(service, second));
        return true;
    case FAULT_QUEUE:
        reply_throttled(run->reply, "Too many queries are waiting", -1);
        return true;
    case FAULT_503:
        reply_unavailable(run->reply, service_retry_after(service, second));
        return true;
    case FAULT_504:
        reply_timeout(run->reply);
        return true;
    case FAULT_500:
        reply_internal(run->reply, "Something went wrong processing your query on the server.");
        return true;
    case FAULT_RESET:
        run->reply->status = 0;
        run->reply->ending = SERVER_RESET;
        return true;
    case FAULT_TOKEN:
        reply_error(run->reply,
                    &(struct reply_error){.status = 403,
                                          .code = "InvalidTokenError",
                                          .message = "The provided authentication is not valid for "
                                                     "this resource",
                                          .inner = "SignatureVerificationFailed",
                                          .inner_message = "Could not validate the request"});
        return true;
    default:
        return false;
    }
}

static void leave(void *context)
{
    throttle_leave(context);
}

/* The place is kept until the answer has gone out: what is on its way is a query that runs. The latency
 * begins with it, so that who waited in the queue waits for the query as well. */
static void wait_and_run(struct run *run)
{
    struct service *service = run->service;
    switch (throttle_enter(service->throttle)) {
    case THROTTLE_RUN:
        run->figures.waited = (double) (clock_ns() - run->started) / 1e9;
        run->started = clock_ns();
        run->reply->began = run->started;
        run->reply->done = leave;
        run->reply->context = service->throttle;
        compile_and_run(run);
        report_computed(&service->report, clock_ns() - run->started);
        break;
    case THROTTLE_FULL:
        reply_throttled(run->reply, "Too many queries are waiting",
                        service_retry_after(service, second));
        break;
    case THROTTLE_WAITED:
        reply_throttled(run->reply, "The query waited for too long",
                        service_retry_after(service, second));
        break;
    case THROTTLE_RATE:
    case THROTTLE_STOPPED:
        reply_unavailable(run->reply, -1);
        break;
    }
}

void query_answer(struct service *service, const struct query_ask *ask, struct server_reply *reply)
{
    struct run run = {.service = service, .ask = ask, .reply = reply, .started = clock_ns()};
    run.figures.at = (double) (tick_now() - TICK_UNIX_EPOCH) / (double) TICK_SECOND;
    run.figures.fault = faults_next(&service->faults, &run.figures.number);
    preferences_read(ask->prefer, &run.prefer);
    struct random pick;
    random_seed(&pick, run.figures.number);
    run.out = (struct json_out){
        .body = &reply->body,
        .max_rows = service->limits.rows,
        .max_bytes = service->limits.bytes,
        .max_json = service->limits.body,
        .native_dynamic = service->limits.native_dynamic,
        .break_off = run.figures.fault == FAULT_PARTIAL ? &pick : NULL,
        .double_up = run.figures.fault == FAULT_DOUBLE ? &pick : NULL,
    };
    if (!refuse_by_fault(&run)) {
        wait_and_run(&run);
        spoil(&run);
    }
    if (reply->status == 200 && (run.out.ceiling != JSON_CEILING_NONE || run.out.break_off))
        atomic_fetch_add(&service->report.partials, 1);
    atomic_fetch_add(&service->report.rows, run.out.rows);
    run.figures.status = reply->status;
    run.figures.rows = run.out.rows;
    run.figures.bytes = run.out.bytes;
    run.figures.body = reply->body.used;
    run.figures.seconds = (double) (clock_ns() - run.started) / 1e9;
    run.figures.text = ask->text;
    report_log(&service->report, &run.figures);
}

/* Other workspaces may be named beside that of the address; only ours is there. */
static bool knows_workspaces(const struct service *service, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct str name = str_of(json_string_value(json_array_get(list, i)));
        if (!str_eq_case(name, str_of(service->workspace)) &&
            !str_eq_case(name, str_of(service->workspace_name)) &&
            !str_eq_case(name, str_of(service->resource_id)))
            return false;
    }
    return true;
}

void query_answer_body(struct service *service, struct str body, const char *timespan_url,
                       const char *prefer, struct server_reply *reply)
{
    json_t *ask = json_loadb(body.p, body.n, 0, NULL);
    const char *text = json_string_value(json_object_get(ask, "query"));
    if (!json_is_object(ask)) {
        reply_bad(reply, "QueryValidationError", "Failed parsing the query: the body is not JSON");
    } else if (!text) {
        reply_bad(reply, "QueryValidationError", "The body has no query");
    } else if (!knows_workspaces(service, json_object_get(ask, "workspaces"))) {
        reply_bad(reply, "FailedToResolveResource", "A named workspace was not found");
    } else {
        struct query_ask one = {.text = str_of(text),
                                .timespan_url = timespan_url,
                                .timespan = json_string_value(json_object_get(ask, "timespan")),
                                .prefer = prefer};
        query_answer(service, &one, reply);
    }
    json_decref(ask);
}
