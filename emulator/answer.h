/* Answer: what a query is answered with: its rows' frame and further members, or why there are none
 * (docs/service.md 1.3 and 1.4). For query.c, which makes the rows. */
#ifndef WEIR_EMULATOR_ANSWER_H
#define WEIR_EMULATOR_ANSWER_H

#include "emulator/json_out.h"
#include "emulator/service.h"
#include "emulator/timespan.h"

/* What is kept while one query runs. */
struct run {
    struct service *service;
    const struct query_ask *ask;
    struct server_reply *reply;
    struct preferences prefer;
    struct report_query figures;
    struct json_out out;
    uint64_t started;
    int64_t now; /* one for the whole query */
    struct timespan_range range;
    enum {
        RUN_GIVEN,
        RUN_DENIED, /* a table that the client may not ask */
        RUN_PLAN    /* a table that is asked by a search */
    } refusal;      /* why a table was not given to the compiler */
};

/* What the service says of KQL that it refuses. */
void answer_kql(struct server_reply *reply, struct str text, const struct error *err);

void answer_too_long(struct server_reply *reply, const struct service_limits *limits);
void answer_timeout(struct server_reply *reply);

/* Writes the members behind the rows, and the end. */
void answer_members(struct run *run);

/* The engine failed: memory used up is a partial answer in the service, without a row. */
void answer_engine_error(struct run *run, const struct columns *columns, const struct error *err);

#endif
