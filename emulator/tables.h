/* Tables: what the workspace holds. Made once at the start by data.c; only read afterwards, so safe
 * for threads. */
#ifndef WEIR_EMULATOR_TABLES_H
#define WEIR_EMULATOR_TABLES_H

#include "base/column.h"

enum { TABLES_MAX = 1000 };

struct table {
    char *name;
    struct columns visible; /* what `*` gives */
    struct columns hidden;  /* `_ItemId`, `_TimeReceived`: only when named */
    bool timed;             /* has a TimeGenerated */
    uint64_t rows;
};

struct tables {
    struct table *v;
    size_t n, room;
};

void tables_release(struct tables *tables);

/* Adds an empty table; ERROR_LIMIT above TABLES_MAX. The pointer is good until the next one is
 * added. */
struct table *tables_add(struct tables *tables, struct str name, struct error *err);

/* NULL with ERROR_NOT_FOUND, and the nearest name as hint. */
const struct table *tables_find(const struct tables *tables, struct str name, struct error *err);

/* Hidden columns that the metadata does not tell of either: `_ItemId`, `_TimeReceived`. */
bool tables_is_secret(struct str column);

/* The KQL compiler's view of them: a kql_table_fn whose context is a const struct tables *. */
bool tables_give(void *context, struct str name, struct columns *visible, struct columns *hidden,
                 struct error *err);

#endif
