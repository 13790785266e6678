/* Sight: the rows that a query may see. Rows that came after its now(), rows older than the table's
 * retention, and, for the conditional client, rows outside the table's condition are not there, in
 * rows and counts alike, without a word.
 *
 * The relation "<T>" of data_sql.h has all rows. Where not all may be seen, the query's SQL gets a
 * common table expression of the same name in front, which hides the relation; else it stays as it
 * is and costs nothing. */
#ifndef WEIR_EMULATOR_SIGHT_H
#define WEIR_EMULATOR_SIGHT_H

#include "emulator/tables.h"
#include "kql/kql.h"

struct sight {
    const struct tables *tables;
    int64_t now;
    bool conditional; /* it is the conditional client who looks */
    bool archive;     /* it is a job, who sees what is beyond the interactive retention */
};

/* Appends the SQL of a query with what hides rows from it. */
bool sight_put(const struct sight *sight, const struct kql_query *query, struct buf *sql,
               struct error *err);

/* Appends the SQL that sums _BilledSize over [from, to) of a table: what one pass over it scans. */
bool sight_put_scan(const struct sight *sight, const struct table *table, int64_t from, int64_t to,
                    struct buf *sql, struct error *err);

/* The table's condition can be used: it goes row by row and keeps all columns. */
bool sight_check_condition(const struct table *table, struct error *err);

#endif
