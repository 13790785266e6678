/* KQL: text to a bound plan, and the plan to SQL for one engine.
 *
 *     struct kql_query *query = kql_compile(text, &options, &err);
 *     kql_columns(query)  names and types of the result
 *     kql_sql(query)      one SELECT for the engine
 *     kql_free(query)
 *
 * A table T of the query stands in the SQL as the relation "T" (quoted; quotes in the name doubled),
 * whose columns have KQL's names and the engine's physical types (engine.h says which). Functions that the
 * engine has no exact equal for are written as calls of weir_...() functions that engine/duckdb registers
 * (duckdb_functions.h is their list). Each column of the result has just the physical type of its KQL type.
 *
 * Everything that is not supported is refused with ERROR_KQL, by name, with a position: line and column from 1,
 * the column in characters, the length in bytes. The KQL reference pages are the oracle for meaning; where
 * they are silent the choice stands beside the row of the function table (functions*.c) or the code that makes it.
 *
 * Settings (`set x`), hints and `render` are read and have no effect. Functions depend on nothing but their
 * arguments: the same text gives the same SQL, and several threads may compile at once. Nothing is kept of the text.
 *
 * The way through the room, in reading order: lexer, parse* (text to syntax.h), bind* (syntax to plan.h, with
 * function.h), need (what of it is wanted), sql_* (plan to SQL), kql.c (this header).
 */
#ifndef WEIR_KQL_KQL_H
#define WEIR_KQL_KQL_H

#include "base/column.h"
#include "base/memory.h"
#include "base/tick.h"

enum {
    KQL_TEXT_MAX = 1 << 20,
    KQL_DEPTH_MAX = 200,      /* nesting of expressions and sub-queries */
    KQL_ARENA_MAX = 64 << 20, /* memory of one compilation */
    KQL_TABLES_MAX = 256
};

/* Gives the columns of a table. `hidden` columns (`_ItemId`, `_TimeReceived`, ...) can be named but do not
 * stand in `*` or in results that do not name them. Returns false with ERROR_NOT_FOUND for an unknown
 * table (set a hint with the nearest name); the compiler adds the position. */
typedef bool kql_table_fn(void *context, struct str name, struct columns *visible,
                          struct columns *hidden, struct error *err);

struct kql_options {
    kql_table_fn *table;
    void *context;
    int64_t now; /* tick of now() and ago(); fixed for the whole query */
    int64_t from,
        to; /* timespan of the request, [from, to) on TimeGenerated of every table; both 0: none */
};

struct kql_query;

struct kql_query *kql_compile(struct str text, const struct kql_options *options,
                              struct error *err);
void kql_free(struct kql_query *query);

/* All lent by the query. */
const struct columns *kql_columns(const struct kql_query *query);
const char *kql_sql(const struct kql_query *query);

/* A table that the query reads. One entry a name. */
struct kql_table {
    const char *name;
    const struct columns *
        columns; /* those that the query reads, in the table's order, hidden ones included; named as in SQL */
    const char *const
        *keys; /* of each, its name in the table: another where two differ in case alone */
    int64_t from,
        to; /* half-open bounds on TimeGenerated that the query's own filters give (merged over all uses); 0 .. TICK_MAX+1: none */
    bool
        ingestion_time; /* uses ingestion_time(): the relation needs a column "_weir_ingestion" (datetime, may be null) */
};
size_t kql_tables(const struct kql_query *query, const struct kql_table **out);

/* Whether every operator works row by row (where, extend, project and its family, parse, mv-expand, union of
 * tables, print is not), so that the query may be cut by time. Parses only. False: ERROR_KQL names the
 * operator with its position, or why the text does not parse. */
bool kql_check_row_by_row(struct str text, struct error *err);

/* Parses only: ERROR_KQL when the text does not parse. */
bool kql_check_syntax(struct str text, struct error *err);

/* Appends a name or a string as KQL writes it: ['odd name'] where needed; "..." escaped. */
void kql_put_name(struct buf *buf, struct str name);
void kql_put_string(struct buf *buf, struct str text);

#endif
