/* Answer: what a query is answered with: its rows' frame and further members, or why there are none. */

#include "emulator/answer.h"

#include "base/tick.h"
#include "emulator/reply.h"
#include "kql/kql.h"

#include <stdio.h>

enum { MEMBERS_MAX = 512 };

/* --- refusals --------------------------------------------------------------------------------- */

/* What the service says of KQL that it refuses. Positions count from 0 there. */
void answer_kql(struct server_reply *reply, struct str text, const struct error *err)
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

void answer_too_long(struct server_reply *reply, const struct service_limits *limits)
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

void answer_timeout(struct server_reply *reply)
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

static void put_denied(struct buf *body, const struct run *run)
{
    const struct tables *tables = &run->service->tables;
    const char *comma = "";
    buf_puts(body, "\"denyTables\":[");
    for (size_t i = 0; i < tables->n; i++) {
        if (!run->ask->client->conditional || !tables->v[i].denied)
            continue;
        buf_printf(body, "%s\"%s\"", comma, tables->v[i].name);
        comma = ",";
    }
    buf_putc(body, ']');
}

/* Conditions on rows are not told: the service does not either. */
static void put_permissions(struct buf *body, const struct run *run)
{
    buf_printf(body, ",\"permissions\":{\"resources\":[{\"resourceId\":\"%s\",\"dataSources\":[],",
               run->service->resource_id);
    put_denied(body, run);
    buf_printf(body, "}],\"dataSources\":[{\"resourceId\":\"%s\",", run->service->resource_id);
    put_denied(body, run);
    buf_puts(body, "}]}");
}

/* The members behind the table, and the end. */
void answer_members(struct run *run)
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
        put_permissions(body, run);
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
void answer_engine_error(struct run *run, const struct columns *columns, const struct error *err)
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
