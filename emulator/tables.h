/* Tables: what the workspace holds. Made at the start by data.c and rules.c; while it runs only jobs.c
 * adds tables, one at a time, and marks them as gone. Safe for threads so. */
#ifndef WEIR_EMULATOR_TABLES_H
#define WEIR_EMULATOR_TABLES_H

#include "base/column.h"

#include <stdatomic.h>

enum { TABLES_MAX = 1000 };

#define TABLES_BASE " base"

/* The plan of a table. */
#define PLANS(X)                                                                                   \
    X(ANALYTICS, "Analytics")                                                                      \
    X(BASIC, "Basic")                                                                              \
    X(AUXILIARY, "Auxiliary")

enum plan {
#define X(name, text) PLAN_##name,
    PLANS(X)
#undef X
        PLAN_COUNT
};

const char *plan_name(enum plan plan);

struct table {
    char *name;
    struct columns visible; /* what `*` gives */
    struct columns hidden;  /* `_ItemId` and so on: only when named */
    bool timed;             /* has a TimeGenerated */
    uint64_t rows;
    int64_t newest; /* the tick from which all rows are seen */

    /* rules.h */
    enum plan plan;
    int64_t retention; /* ticks; 0: for ever */
    int64_t total;     /* of what jobs find, ticks; 0: for ever */
    char *condition;   /* KQL; NULL: none */
    bool denied;       /* to the conditional client */

    bool result;         /* of a job */
    atomic_bool gone;    /* it was deleted */
    atomic_bool arrives; /* rows came by ingest.h: its files alone are "<T> base" */

    /* What searches read, of a table that is not of the Analytics plan. The one thing that changes. */
    atomic_uint_fast64_t passes, scanned; /* readings; bytes of them together */
};

/* The place of a table never changes, so that a pointer to one stays good. What n counts is whole. */
struct tables {
    struct table *v; /* room for TABLES_MAX */
    atomic_size_t n;
};

void tables_release(struct tables *tables);

/* Adds an empty table; ERROR_LIMIT above TABLES_MAX. For the start, when nobody else looks. */
struct table *tables_add(struct tables *tables, struct str name, struct error *err);

/* The same while others look: an empty table that is not there until it is published, whole. One
 * thread at a time. `forget` is for one that failed. */
struct table *tables_begin(struct tables *tables, struct str name, struct error *err);
void tables_publish(struct tables *tables);
void tables_forget(struct tables *tables);

/* NULL with ERROR_NOT_FOUND, and the nearest name as hint. */
const struct table *tables_find(const struct tables *tables, struct str name, struct error *err);

/* Hidden columns that the metadata does not tell of either: `_ItemId`, `_TimeReceived`,
 * `_BilledSize`, `_IsBillable`. */
bool tables_is_secret(struct str column);

/* The KQL compiler's view of them: a kql_table_fn whose context is a const struct tables *. */
bool tables_give(void *context, struct str name, struct columns *visible, struct columns *hidden,
                 struct error *err);

#endif
