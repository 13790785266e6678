/* Rules: what options say of single tables: plan, retention, the rows that the conditional client may
 * see, the tables that it may not ask. */
#ifndef WEIR_EMULATOR_RULES_H
#define WEIR_EMULATOR_RULES_H

#include "emulator/tables.h"

/* All NULL: none. */
struct rules {
    const char *plans;      /* "Table=Basic,Other=Auxiliary" */
    const char *retentions; /* "Table=30d,Other=12h" */
    const char *totals;     /* the same of what search jobs and restores find */
    const char *conditions; /* "Table | where ...; Other | where ..." */
    const char *denied;     /* "Table,Other" */
};

/* Writes them into the tables, once, before anybody asks. ERROR_USAGE names the option and what is
 * wrong: a table that is not there, an unknown plan, KQL that is refused, does not go row by row or
 * loses columns. */
bool rules_apply(const struct rules *rules, struct tables *tables, struct error *err);

#endif
