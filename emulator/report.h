/* Report: what was asked and what was answered, counted for the end of the run; and a line for each
 * query while it lasts. Safe for threads. */
#ifndef WEIR_EMULATOR_REPORT_H
#define WEIR_EMULATOR_REPORT_H

#include "emulator/faults.h"
#include "emulator/tables.h"
#include "emulator/throttle.h"

#include <pthread.h>
#include <stdio.h>

#define REPORT_ROUTES(X)                                                                           \
    X(QUERY, "query")                                                                              \
    X(SEARCH, "search")                                                                            \
    X(BATCH, "batch")                                                                              \
    X(METADATA, "metadata")                                                                        \
    X(TOKEN, "token")                                                                              \
    X(ARM, "arm")                                                                                  \
    X(IDENTITY, "identity")                                                                        \
    X(VAULT, "vault")                                                                              \
    X(INGEST, "ingest")                                                                            \
    X(OTHER, "other")

enum report_route {
#define X(name, text) REPORT_##name,
    REPORT_ROUTES(X)
#undef X
        REPORT_ROUTE_COUNT
};

enum { REPORT_STATUS_MAX = 600 };

struct report {
    atomic_uint_fast64_t requests[REPORT_ROUTE_COUNT];
    atomic_uint_fast64_t statuses[REPORT_STATUS_MAX];
    atomic_uint_fast64_t rows, bytes; /* of answers, whole or not: rows, bytes of their bodies */
    atomic_uint_fast64_t partials;    /* answers with PartialError, by ceiling or fault */
    atomic_uint_fast64_t timeouts;    /* queries over their time */
    uint64_t latency;                 /* ns: of --latency */
    struct {
        atomic_uint_fast64_t n, sum, most; /* queries; ns beyond the latency together, at most */
    } slow;                                /* whose computing took longer than the latency */
    FILE *log;                             /* NULL: none */
    pthread_mutex_t lock;                  /* for the log */
};

/* One query, for the log. */
struct report_query {
    uint64_t number; /* of the request, from 0: what the fault follows from */
    int status;
    enum fault fault;
    uint64_t rows, bytes, body; /* bytes as the engine counts them; of the body */
    double at;                  /* since the epoch, when it came */
    double waited, seconds;     /* in the queue; computing */
    struct str text;
};

bool report_init(struct report *report, const char *log_path, struct error *err);
void report_release(struct report *report);

void report_count(struct report *report, enum report_route route, int status, uint64_t body);
/* A query was computed in so many ns. */
void report_computed(struct report *report, uint64_t ns);
void report_log(struct report *report, const struct report_query *query);

/* The whole as lines for people, and as one JSON object. */
struct report_parts {
    const struct report *report;
    const struct faults *faults;
    const struct throttle_figures *throttle, *searches;
    const struct tables *tables;
    struct jobs *jobs;               /* NULL: none */
    const struct exporter *exporter; /* NULL: none */
};

void report_put_text(const struct report_parts *parts, struct buf *out);
void report_put_json(const struct report_parts *parts, struct buf *out);

#endif
