/* The bound plan: relations with typed columns, built bottom-up by the binder and written as SQL by a writer.
 *
 * A plan is a list of stages in the order they were made, so a stage's inputs always have smaller numbers. Each
 * stage has its columns; a column that a stage hands on unchanged is the same object above and below, so
 * "who needs it" is one flag on the column. What nothing needs is never written.
 *
 * 1. A column object belongs to the stage that makes it; `sql` is its name in the SQL, unique without case in every scope that
 *    can hold it (SQL names have no case, KQL's have).
 * 2. Scalar expressions are trees of constants, columns and calls of rows of the function table.
 * 3. A text is never null: every expression of type string has nullable false, or is written in coalesce().
 * 4. The order of rows is a list of keys; a stage without keys has rows in no order.
 */
#ifndef WEIR_KQL_PLAN_H
#define WEIR_KQL_PLAN_H

#include "kql/syntax.h"

struct kql_function;
struct kql_plan;
struct kql_expr;

struct kql_column {
    struct str name;
    const char *sql;
    enum column_type type;
    bool nullable;
    bool hidden; /* can be named, does not stand in * */
    bool inner;  /* cannot be named: order keys, the ingestion time */
    bool time;   /* a table's own TimeGenerated, unchanged */
    bool used;   /* something above needs it */
    struct kql_plan *stage;
    struct kql_expr *expr;     /* what its stage computes; NULL: it comes from a table */
    struct kql_expr **sources; /* of a union: one for each input, NULL where the input lacks it */
};

struct kql_scope {
    struct kql_column **v;
    size_t n, room;
};

enum kql_expr_kind { KQL_CONST, KQL_COLUMN, KQL_CALL, KQL_QUERY };

struct kql_expr {
    enum kql_expr_kind kind;
    enum column_type type;
    bool nullable;
    bool aggregates; /* holds an aggregate function */
    bool windows;    /* holds a function of the rows' order */
    struct kql_at at;
    struct str name;                     /* the name it gives an unnamed column; empty: none */
    struct kql_value value;              /* CONST */
    struct kql_column *column;           /* COLUMN */
    char side;                           /* COLUMN in a join: l or r; 0: the only input */
    const struct kql_function *function; /* CALL */
    struct kql_expr **args;
    size_t n;
    struct kql_plan
        *query; /* QUERY: a relation, for `in`, has_any, toscalar; its first column counts */
};

struct kql_key {
    struct kql_column *column;
    bool descending, nulls_first;
};

enum kql_plan_kind {
    KQL_TABLE,  /* rows of a table: `name` */
    KQL_VALUES, /* constant rows: `rows` of out.n expressions */
    KQL_SERIES, /* range: args from, to, step */
    KQL_FILTER, /* `predicate` */
    KQL_SELECT, /* computes columns; without an input: one row */
    KQL_LIMIT,  /* the first `limit` in order */
    KQL_NUMBER, /* numbers rows in their order, in one inner column */
    KQL_GROUP,  /* `keys`, and columns with aggregates */
    KQL_DISTINCT,
    KQL_JOIN, /* `join`, `on` pairs */
    KQL_UNION,
};

enum kql_join_kind {
    KQL_INNERUNIQUE,
    KQL_INNER,
    KQL_LEFTOUTER,
    KQL_RIGHTOUTER,
    KQL_FULLOUTER,
    KQL_LEFTSEMI,
    KQL_RIGHTSEMI,
    KQL_LEFTANTI,
    KQL_RIGHTANTI,
    KQL_JOIN_KINDS
};

struct kql_plan {
    enum kql_plan_kind kind;
    unsigned id;
    const char *what; /* the KQL operator, for who reads the SQL */
    struct str name;
    struct kql_plan **inputs;
    size_t n_inputs;
    struct kql_scope out;
    struct kql_expr *predicate;
    struct kql_expr *
        *args; /* VALUES: row by row; SERIES: from, to, step; JOIN: left, right, left, right, ... */
    size_t n_args;
    int64_t limit;
    enum kql_join_kind join;
    struct kql_column **keys; /* GROUP */
    size_t n_keys;
    struct kql_key *order;
    size_t n_order;
    bool numbered; /* order is one column that numbers the rows */
    bool kept;     /* materialize() */
    bool live;     /* something reads it */
    unsigned readers;
    int64_t from, to; /* TimeGenerated that readers want, half-open; from > to: nobody yet */
};

/* All stages of a query, in order. */
struct kql_stages {
    struct kql_plan **v;
    size_t n, room;
};

#endif
