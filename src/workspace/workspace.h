/* Workspaces: the Log Analytics query API (docs/service.md section 1).
 *
 * Queries are queued, started as the pace allows (5 at once, of Basic and Auxiliary tables 2, and 200 in
 * 30 s; shared by everything that uses this workspace), and told about by call-backs out of workspace_run. One thread. Rows come as they
 * arrive; they count only when the result's outcome is OK: a body that was cut, an `error` beside the
 * rows, or JSON that ends early make another outcome, and the caller throws the rows away.
 *
 * When the service answers 429, all queries pause: until Retry-After, or for pauses that grow; when that
 * happens again and again, fewer run at once (patience.h). A query that then is THROTTLED may be started
 * again at once: it waits in the queue.
 *
 * Each query sends `Cache-Control: no-cache`, so that a count is never an old one, and begins with a line
 * of comment that holds the tag: administrators find it in LAQueryLogs.
 */
#ifndef WEIR_WORKSPACE_WORKSPACE_H
#define WEIR_WORKSPACE_WORKSPACE_H

#include "azure/credential.h"
#include "base/column.h"
#include "json/rows.h"

enum {
    WORKSPACE_CONCURRENT = 5,        /* docs/service.md 1.5 */
    WORKSPACE_SEARCH_CONCURRENT = 2, /* of Basic and Auxiliary tables, beside the others */
    WORKSPACE_RATE = 200,
    WORKSPACE_RATE_WINDOW = 30,
    WORKSPACE_WAIT_MAX = 600, /* seconds, Prefer: wait */
    WORKSPACE_WAIT = 180,     /* the service's own default */
    WORKSPACE_QUEUE_WAIT =
        200, /* seconds: an answer may come so long after `wait` (180 in the queue) */
    WORKSPACE_CONCURRENT_MAX = 32,
    WORKSPACE_QUEUE_MAX = 4096,
    WORKSPACE_KQL_MAX = 1024 * 1024,
    WORKSPACE_TAG_MAX = 256,
    WORKSPACE_ASK_TRIES = 12,
    WORKSPACE_STALE_TRIES = 3,    /* of them, for an answer that comes from a cache all the same */
    WORKSPACE_TOKEN_RENEWALS = 6, /* of one query whose token is refused again and again */
    WORKSPACE_TOKEN_RENEWALS_LATER = 12,         /* the same, where a token was good before */
    WORKSPACE_TIMEOUT_TRIES = 6,                 /* of an ask, each as long as the service takes */
    WORKSPACE_ASK_BYTES_MAX = 256 * 1024 * 1024, /* text of one workspace_table */
    WORKSPACE_METADATA_MAX = 64 * 1024 * 1024
};

struct workspace_options {
    const char *endpoint; /* https://api.loganalytics.azure.com or the emulator's */
    const char *audience; /* for tokens */
    const char *id;       /* GUID, or DEMO_WORKSPACE */
    const char *tag;      /* "weir 0.1.0 <run id>": stands as a comment in front of every query */
    unsigned concurrent, rate, rate_window; /* 0: the service's limits */
    unsigned wait;                          /* server time limit in seconds; 0: WORKSPACE_WAIT */
    double stall_timeout;     /* seconds without a byte inside an answer; 0: the http client's */
    double answer_timeout;    /* seconds until an answer begins; 0: wait + WORKSPACE_QUEUE_WAIT */
    struct http_client *http; /* lent */
    struct azure_credential *credential; /* lent */
    /* For what Resource Manager alone knows (workspace_facts, workspace_conditions); NULL: unknown. */
    const char *management;          /* https://management.azure.com */
    const char *management_audience; /* NULL: the management endpoint itself */
    const char *resource_id;         /* /subscriptions/.../workspaces/NAME */
};

struct workspace;
/* Copies the options' texts; asks nobody. ERROR_SETTINGS for what can never work. */
struct workspace *workspace_new(const struct workspace_options *options, struct error *err);
/* Cancels what is queued and under way, without call-backs. */
void workspace_free(struct workspace *workspace);

enum workspace_outcome {
    WORKSPACE_OK,        /* whole, without error */
    WORKSPACE_TOO_LARGE, /* a ceiling was met (rows, bytes, JSON): split */
    WORKSPACE_TIMEOUT,   /* 504, or no answer within our own limit: split or wait longer */
    WORKSPACE_THROTTLED, /* 429 */
    WORKSPACE_BROKEN,    /* cut, ended early, stalled, 5xx, another PartialError: try again */
    WORKSPACE_REFUSED,   /* 400, 403, 404, no sign-in, nobody there from the first: not again */
    WORKSPACE_STOPPED    /* a call-back of ours said stop, or the run was interrupted */
};
const char *workspace_outcome_text(enum workspace_outcome outcome); /* "too large": a word or two */

/* Which ceiling an answer met, as far as the service says. */
enum workspace_ceiling {
    WORKSPACE_CEILING_UNKNOWN,
    WORKSPACE_CEILING_ROWS,
    WORKSPACE_CEILING_BYTES, /* of the engine */
    WORKSPACE_CEILING_JSON   /* bytes of the answer */
};

struct workspace_result {
    enum workspace_outcome outcome;
    struct error error;             /* unless OK */
    uint64_t rows, bytes;           /* rows given; bytes of JSON received */
    double retry_after;             /* THROTTLED: seconds for which all queries pause; else -1 */
    double seconds;                 /* from its start (not from when it was queued) */
    enum workspace_ceiling ceiling; /* TOO_LARGE only */
    uint64_t limit;                 /* where the ceiling is; 0: not said */
    uint64_t counted;       /* rows of the answer as its statistics tell; UINT64_MAX: not told */
    struct str permissions; /* JSON, where asked for and told; lent for the call */
    double age;             /* seconds; more than 0: from a cache, in spite of no-cache */
};

struct workspace_query {
    struct str kql;       /* copied */
    const char *timespan; /* ISO 8601 interval or NULL; copied */
    unsigned wait;        /* 0: the workspace's */
    bool keep_empty;      /* rows have cells for null and "" too */
    bool search;          /* of a Basic or Auxiliary table: its time range is `timespan` alone */
    bool statistics;      /* result.counted is wanted */
    bool permissions;     /* result.permissions are wanted */
    /* The answer's columns, once, before its rows; lent. Not called for a workspace without any data
     * (204), which is an OK without rows. All three may be NULL. columns and row come while the network
     * loop runs: they must not ask the workspace anything. */
    bool (*columns)(void *context, const struct columns *columns, struct error *err);
    json_row_fn *row;
    /* Once for each query, unless the workspace is freed before; lent. It may start other queries. */
    void (*done)(void *context, const struct workspace_result *result);
    void *context;
};

/* Queues one try of a query: no retry, but a token that is refused is renewed (at most
 * WORKSPACE_TOKEN_RENEWALS times). */
bool workspace_start(struct workspace *workspace, const struct workspace_query *query,
                     struct error *err);
/* Runs until nothing is queued or under way, `seconds` have passed (< 0: no limit), or workspace_wake.
 * False: interrupted (or the network loop itself failed); then all queries are told STOPPED. */
bool workspace_run(struct workspace *workspace, double seconds, struct error *err);
/* The same, but for the whole time also when there is no query: a pause in which the stop flag is looked at. */
bool workspace_pause(struct workspace *workspace, double seconds, struct error *err);
/* Ends the run at hand, or the next one: from a call-back. */
void workspace_wake(struct workspace *workspace);

struct workspace_load {
    unsigned running, queued; /* queries */
    unsigned concurrent;      /* how many may run at once now */
    double blocked;           /* seconds that a 429 still asks for, or 0 */
    double waited;            /* seconds that 429s asked for so far */
    uint64_t queries;         /* started */
    uint64_t throttled;       /* answered by 429 */
    uint64_t retried;         /* tries after the first: in workspace_ask, and for a new token */
    uint64_t stale;           /* answers that came from a cache */
    uint64_t bytes;           /* of JSON received */
};
void workspace_load(const struct workspace *workspace, struct workspace_load *out);

/* A small answer whole in memory. */
struct workspace_cell {
    struct str text; /* strings decoded; other values as their JSON text */
    bool null;
};
struct workspace_table {
    struct columns columns;
    struct workspace_cell *cells; /* rows x columns */
    size_t rows;
    struct arena *arena; /* owns the text */
};
void workspace_table_release(struct workspace_table *table);
/* NULL when there is no such row or column. */
const struct workspace_cell *workspace_cell(const struct workspace_table *table, size_t row,
                                            const char *column);

/* Asks and waits, with retries (WORKSPACE_ASK_TRIES) for what can be retried; at most max_rows rows
 * (ERROR_LIMIT). Codes: ERROR_TOO_LARGE, TIMEOUT (the caller may split), KQL, AUTH, NOT_FOUND, ... Other
 * queries of the workspace proceed meanwhile, with their call-backs. Not from a call-back.
 * The table is released by the caller, also after a failure (then it is empty). */
bool workspace_ask(struct workspace *workspace, struct str kql, const char *timespan,
                   size_t max_rows, struct workspace_table *out, struct error *err);

/* Many such questions at once, each with its own tries; all share the pace, so that no more run than may
 * at once. Tables are released by the caller, also those of asks that failed (then they are empty). */
struct workspace_ask_one {
    struct str kql;       /* lent until the end, as is timespan */
    const char *timespan; /* NULL: none */
    size_t max_rows;
    bool search;
    bool impatient;                /* a time-out is not tried again: the caller asks for less */
    struct workspace_table *table; /* filled */
    bool ok;
    double age; /* seconds that the answer had been kept in a cache, in spite of all tries */
    struct error error; /* unless ok */
};
/* False: interrupted, or the network loop failed; then asks that were not done have that error. */
bool workspace_ask_all(struct workspace *workspace, struct workspace_ask_one *asks, size_t n,
                       struct error *err);

/* Facts about a table that Resource Manager alone knows (docs/service.md 5.1). */
enum workspace_plan {
    WORKSPACE_PLAN_UNKNOWN,
    WORKSPACE_PLAN_ANALYTICS,
    WORKSPACE_PLAN_BASIC,
    WORKSPACE_PLAN_AUXILIARY
};
const char *workspace_plan_text(enum workspace_plan plan); /* "Analytics"; "unknown" */

enum { WORKSPACE_WHY_MAX = 512 };
struct workspace_facts {
    enum workspace_plan plan;
    uint32_t retention_days, total_retention_days; /* 0: not told */
    bool known;
    char why[WORKSPACE_WHY_MAX]; /* what kept them from being known: one line */
};
/* Asks Resource Manager. True with known = false where there is no endpoint for it, where the identity may
 * not read there (401, 403), where the table is not there (404), or where it is in trouble. False: no memory, interrupted. */
bool workspace_facts(struct workspace *workspace, const char *table, struct workspace_facts *out,
                     struct error *err);

/* Whether this identity sees all rows of a table (docs/service.md 5.2). */
enum workspace_condition {
    WORKSPACE_CONDITION_UNKNOWN, /* role assignments cannot be read, or are not all told */
    WORKSPACE_CONDITION_NONE,
    WORKSPACE_CONDITION_SOME /* the table is denied, or an assignment has a condition */
};
/* Never fails for lack of rights: that is UNKNOWN, and `why` (one line) says what is missing. */
bool workspace_conditions(struct workspace *workspace, const char *table,
                          enum workspace_condition *out, char why[WORKSPACE_WHY_MAX],
                          struct error *err);

/* Tables of the workspace from the metadata API (docs/service.md 1.9). */
struct workspace_schema {
    char *name;
    char
        *time_column; /* the metadata's timespanColumn; else TimeGenerated if a datetime; or NULL */
    struct columns columns;
};
struct workspace_schemas {
    struct workspace_schema *v;
    size_t n, room;
    char *name, *resource_id, *region; /* of the workspace itself, NULL when the answer has none */
};
void workspace_schemas_release(struct workspace_schemas *schemas);
/* Same retries and codes as workspace_ask. */
bool workspace_metadata(struct workspace *workspace, struct workspace_schemas *out,
                        struct error *err);
/* NULL: no such table; case matters, as in KQL. */
const struct workspace_schema *workspace_schema_find(const struct workspace_schemas *schemas,
                                                     const char *name);

#endif
