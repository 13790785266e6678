/* The function table: everything KQL calls or writes as an operator is one row, an overload a row. */
#ifndef WEIR_KQL_FUNCTION_H
#define WEIR_KQL_FUNCTION_H

#include "kql/plan.h"

struct kql_sql;

enum kql_function_kind {
    KQL_SCALAR,
    KQL_AGGREGATE,
    KQL_WINDOW, /* depends on the order of rows */
};

enum kql_nulls {
    KQL_STRICT, /* null when an argument is null, else not */
    KQL_NEVER,  /* never null */
    KQL_MAYBE,  /* may be null */
};

/* How a column is called that holds an unnamed call. */
enum kql_naming {
    KQL_UNNAMED, /* Column1, print_0 */
    KQL_FIRST,   /* as the first argument */
    KQL_PREFIX,  /* prefix_ and the first argument's name */
};

/* Writes a call whose shape a template cannot hold. */
typedef void kql_write_fn(struct kql_sql *sql, const struct kql_expr *call);

/* The value of a call of constants, none of them null; false: it has none that is known here (it is then left to
 * the engine). */
typedef bool kql_fold_fn(const struct kql_value *args, size_t n, struct kql_value *out);

struct kql_function {
    const char *name; /* KQL's name, or the operator as written */
    /* One letter an argument: b i l r x(decimal) d(atetime) t(imespan) g s y(dynamic); a: any; k: any but
     * dynamic; n: int, long or real; j: any, as dynamic; E: a constant regular expression. A capital: the same, and a constant. A star behind a letter: any number of it,
     * to the end. */
    const char *args;
    char result; /* a type letter, or the number of the argument whose type it has */
    enum kql_nulls nulls;
    /* DuckDB's text: $1 ... $9 arguments, $* all of them with commas; $o: the order clause of a window. */
    const char *duckdb;
    /* The text when the second argument is not a constant of ASCII; NULL: the same. */
    const char *duckdb_unicode;
    /* The text where null and false mean the same (a condition of `where`); NULL: the same. */
    const char *duckdb_filter;
    kql_write_fn *write; /* instead of a text */
    kql_fold_fn *fold;
    enum kql_naming naming;
    const char *prefix;
    enum kql_function_kind kind;
};

/* The overload that fits best; args are replaced by what converts them. NULL after refusing: *known tells a call
 * of a known name. */
const struct kql_function *kql_function_rows(struct str name, enum kql_function_kind kind,
                                             size_t *count);

/* The name nearest to an unknown one, for a hint; NULL: none is near. */
const char *kql_function_nearest(struct str name, bool aggregates);

/* The type of a letter (either case); COLUMN_TYPE_COUNT for a, k, n. */
enum column_type kql_letter_type(char letter);
char kql_type_letter(enum column_type type);
/* The letter of the i-th argument; NUL: there is none. */
char kql_letter_at(const char *letters, size_t i);

/* Rows by what they do, for the binder. */
extern const struct kql_function kql_rows_operator[], kql_rows_scalar[], kql_rows_aggregate[];
extern const size_t kql_rows_operator_count, kql_rows_scalar_count, kql_rows_aggregate_count;

#endif
