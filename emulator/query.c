/* Query: one query, from the fault it meets to its reply. */

#include "emulator/answer.h"
#include "emulator/data.h"
#include "emulator/reply.h"
#include "emulator/sight.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/tick.h"
#include "kql/kql.h"

#include <jansson.h>
#include <stdio.h>

enum { SQL_MAX = 128 << 20, SEARCH_ANALYTICS_MAX = 5 };

static const uint64_t second = 1000000000;

/* --- rows ------------------------------------------------------------------------------------- */

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

/* The service bills what a search reads: all that came in within its timespan, whatever it gives. */
static bool count_passes(const struct run *run, const struct kql_query *query,
                         struct engine_task *task, struct error *err)
{
    struct tables *tables = &run->service->tables;
    const struct sight sight = {.tables = tables, .now = run->now};
    const struct kql_table *named;
    size_t n = kql_tables(query, &named);
    for (size_t i = 0; i < tables->n; i++) {
        struct table *table = &tables->v[i];
        bool read = false;
        for (size_t k = 0; k < n; k++)
            read = read || strcmp(named[k].name, table->name) == 0;
        if (!read || table->plan == PLAN_ANALYTICS)
            continue;
        struct buf sql = BUF_INIT(SQL_MAX);
        int64_t bytes = 0;
        bool done = sight_put_scan(&sight, table, run->range.from, run->range.to, &sql, err) &&
                    data_number(task, buf_text(&sql), &bytes, err);
        buf_release(&sql);
        if (!done)
            return false;
        atomic_fetch_add(&table->passes, 1);
        atomic_fetch_add(&table->scanned, (uint64_t) bytes);
    }
    return true;
}

static bool make_rows(struct run *run, const struct kql_query *query, struct engine_task *task,
                      struct error *err)
{
    const struct sight sight = {.tables = &run->service->tables,
                                .now = run->now,
                                .conditional = run->ask->client->conditional};
    struct buf sql = BUF_INIT(SQL_MAX);
    struct engine_result *result = NULL;
    json_out_begin(&run->out, kql_columns(query));
    if (count_passes(run, query, task, err) && sight_put(&sight, query, &sql, err))
        result = engine_query(task, buf_text(&sql), kql_columns(query), err);
    bool done = result && stream_rows(run, result, err);
    engine_result_free(result);
    buf_release(&sql);
    return done;
}

/* Runs the query on a task of its own, under the watch. */
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
    bool done = make_rows(run, query, task, &err);
    watch_remove(service->watch, &watched);
    engine_task_free(task);

    if (atomic_load(&watched.fired)) {
        atomic_fetch_add(&service->report.timeouts, 1);
        answer_timeout(run->reply);
    } else if (!done) {
        answer_engine_error(run, kql_columns(query), &err);
    } else if (run->out.ceiling == JSON_CEILING_BODY) {
        answer_too_long(run->reply, &service->limits);
    } else {
        answer_members(run);
    }
}

/* --- what may be asked ------------------------------------------------------------------------ */

/* The compiler's view of the tables: those that the client may ask in this way. */
static bool give(void *context, struct str name, struct columns *visible, struct columns *hidden,
                 struct error *err)
{
    struct run *run = context;
    const struct table *table = tables_find(&run->service->tables, name, err);
    if (!table)
        return false;
    if (table->denied && run->ask->client->conditional)
        run->refusal = RUN_DENIED;
    else if (table->plan != PLAN_ANALYTICS && !run->ask->search)
        run->refusal = RUN_PLAN;
    if (run->refusal != RUN_GIVEN)
        return error_set(err, ERROR_NOT_FOUND, "'%s' may not be asked", table->name);
    return tables_give(&run->service->tables, name, visible, hidden, err);
}

static bool find_range(struct run *run)
{
    const struct query_ask *ask = run->ask;
    run->range = TIMESPAN_ALL;
    if (ask->search && !ask->timespan_url && !ask->timespan) {
        reply_bad(run->reply, "QueryValidationError",
                  "A search needs the time range as the timespan parameter");
        return false;
    }
    if (timespan_narrow(ask->timespan_url, run->now, &run->range) &&
        timespan_narrow(ask->timespan, run->now, &run->range))
        return true;
    reply_bad(run->reply, "InvalidTimespan",
              "The timespan is not an ISO 8601 duration or interval");
    return false;
}

static struct kql_query *compile(struct run *run, bool within_range, struct error *err)
{
    bool all = !within_range || (run->range.from == 0 && run->range.to == TICK_MAX + 1);
    struct kql_options options = {
        .table = give,
        .context = run,
        .now = run->now,
        .from = all ? 0 : run->range.from,
        .to = all ? 0 : run->range.to,
    };
    return kql_compile(run->ask->text, &options, err);
}

/* The text of the query narrows TimeGenerated by itself. */
static bool filters_time(struct run *run)
{
    bool filters = false;
    const struct kql_table *named;
    struct kql_query *query = compile(run, false, NULL);
    size_t n = query ? kql_tables(query, &named) : 0;
    for (size_t i = 0; i < n; i++)
        filters = filters || named[i].from > 0 || named[i].to < TICK_MAX + 1;
    kql_free(query);
    return filters;
}

/* One table of the two cheap plans, and a few of the other beside it. */
static bool check_search(struct run *run, const struct kql_query *query)
{
    const struct kql_table *named;
    size_t n = kql_tables(query, &named), analytics = 0;
    for (size_t i = 0; i < n; i++) {
        const struct table *table = tables_find(&run->service->tables, str_of(named[i].name), NULL);
        analytics += table && table->plan == PLAN_ANALYTICS;
    }
    const char *why = NULL;
    if (n - analytics > 1)
        why = "A search reads a single table of the Basic or Auxiliary plan";
    else if (n > analytics && analytics > SEARCH_ANALYTICS_MAX)
        why = "A search reads at most five tables of the Analytics plan beside its own";
    else if (run->service->limits.strict_search && filters_time(run))
        why = "A search takes its time range from the timespan parameter, not from the query";
    if (why)
        reply_bad(run->reply, "QueryValidationError", why);
    return !why;
}

static void refuse_query(struct run *run, const struct error *err)
{
    if (run->refusal == RUN_DENIED)
        reply_error(run->reply,
                    &(struct reply_error){.status = 403,
                                          .code = "InsufficientAccessError",
                                          .message = "The provided credentials have insufficient "
                                                     "access to perform the requested operation"});
    else if (run->refusal == RUN_PLAN)
        reply_bad(run->reply, "UnsupportedTablePlanError",
                  "A table of the Basic or Auxiliary plan is read by /search, not by /query");
    else if (err->code == ERROR_MEMORY || err->code == ERROR_INTERNAL)
        reply_internal(run->reply, err->message);
    else
        answer_kql(run->reply, run->ask->text, err);
}

static void compile_and_run(struct run *run)
{
    struct error err = ERROR_INIT;
    run->now = service_now(run->service);
    if (!find_range(run))
        return;
    struct kql_query *query = compile(run, true, &err);
    if (!query)
        refuse_query(run, &err);
    else if (!run->ask->search || check_search(run, query))
        run_query(run, query);
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
        answer_timeout(run->reply);
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
    struct throttle *places = run->ask->search ? service->searches : service->throttle;
    switch (throttle_enter(places)) {
    case THROTTLE_RUN:
        run->figures.waited = (double) (clock_ns() - run->started) / 1e9;
        run->started = clock_ns();
        run->reply->began = run->started;
        run->reply->done = leave;
        run->reply->context = places;
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

void query_answer_body(struct service *service, struct str body, const struct query_ask *ask,
                       struct server_reply *reply)
{
    json_t *value = json_loadb(body.p, body.n, 0, NULL);
    const char *text = json_string_value(json_object_get(value, "query"));
    if (!json_is_object(value)) {
        reply_bad(reply, "QueryValidationError", "Failed parsing the query: the body is not JSON");
    } else if (!text) {
        reply_bad(reply, "QueryValidationError", "The body has no query");
    } else if (!knows_workspaces(service, json_object_get(value, "workspaces"))) {
        reply_bad(reply, "FailedToResolveResource", "A named workspace was not found");
    } else {
        struct query_ask one = *ask;
        one.text = str_of(text);
        one.timespan = json_string_value(json_object_get(value, "timespan"));
        query_answer(service, &one, reply);
    }
    json_decref(value);
}
