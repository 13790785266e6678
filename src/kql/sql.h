/* The SQL writer for DuckDB. */
#ifndef WEIR_KQL_SQL_H
#define WEIR_KQL_SQL_H

#include "kql/function.h"

struct kql_sql {
    struct buf out;
    const char *prefix;           /* of the names of stages; no table begins with it */
    const struct kql_plan *stage; /* being written */
    bool filter;                  /* null and false mean the same where we are */
};

/* Writes the whole plan as one SELECT over its live stages (kql_need went before). */
bool kql_sql_write(const struct kql_stages *stages, const struct kql_plan *last, struct buf *out,
                   struct error *err);

/* For the rows of the function table. */
void kql_sql_computed(struct kql_sql *sql, const struct kql_expr *expr);
void kql_sql_expr(struct kql_sql *sql, const struct kql_expr *expr);
kql_write_fn kql_write_and, kql_write_or, kql_write_in, kql_write_array_of, kql_write_scalar_of,
    kql_write_case, kql_write_coalesce_text, kql_write_array, kql_write_bag, kql_write_sum_of;

/* Names and literals. */
void kql_sql_name(struct buf *out, const char *name);
void kql_sql_text(struct buf *out, struct str text);

#endif
