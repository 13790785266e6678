/* The tables that the tests ask: their columns for the binder, their rows for the engine. */
#ifndef WEIR_TESTS_KQL_TABLES_H
#define WEIR_TESTS_KQL_TABLES_H

#include "kql/kql.h"

/* 2025-01-01T12:00:00Z, what now() is in all tests. */
#define TABLES_NOW INT64_C(638713296000000000)

/* A kql_table_fn. T has a column of every type and a hidden one, U shares names with it, Logs has text. */
bool tables_columns(void *context, struct str name, struct columns *visible, struct columns *hidden,
                    struct error *err);

/* SQL that makes them, for DuckDB. */
extern const char *const tables_sql[];

#endif
