/* The binder: syntax to plan. Shared by its files. */
#ifndef WEIR_KQL_BIND_H
#define WEIR_KQL_BIND_H

#include "kql/function.h"
#include "kql/kql.h"

/* What a let statement or `as` named: a value or a relation. */
struct kql_let {
    struct str name;
    struct kql_expr *value;
    struct kql_plan *plan;
    const struct kql_node *lambda; /* a function: refused where it is called */
    struct kql_let *next;
};

struct kql_binder {
    struct kql_text *text;
    const struct kql_options *options;
    struct kql_stages stages;
    struct kql_let *lets;
    unsigned depth;
    unsigned names; /* numbers given to inner columns */
    bool ordered;   /* an expression being bound may use the order of rows */
    bool grouping;  /* an expression being bound may aggregate */
};

/* Memory. NULL after an error. */
void *kql_new(struct kql_binder *b, size_t count, size_t size);
const char *kql_printed(struct kql_binder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str kql_printed_str(struct kql_binder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Scopes (scope.c). */
bool kql_scope_add(struct kql_binder *b, struct kql_scope *scope, struct kql_column *column);
/* The visible or hidden column of that name; NULL: none. */
struct kql_column *kql_scope_find(const struct kql_scope *scope, struct str name);
/* A new column that `stage` is going to make; its SQL name clashes with none of `near` and `also`. */
struct kql_column *kql_column_new(struct kql_binder *b, struct str name, enum column_type type,
                                  bool nullable, const struct kql_scope *near,
                                  const struct kql_scope *also);
/* The SQL name of a table's next column: its own, unless a column before it has that but for case, which SQL does not tell
 * apart; TimeGenerated always has its own. NULL: without memory. */
const char *kql_table_name(struct kql_binder *b, const struct kql_scope *scope, struct str name);
/* A name that no visible column of the scope has: the wanted one, or with 1, 2, ... behind it. */
struct str kql_free_name(struct kql_binder *b, const struct kql_scope *scope, struct str wanted);
bool kql_name_matches(struct str pattern, struct str name); /* stars */
/* Refuses a name that no column has, with the nearest as a hint. */
bool kql_unknown_column(struct kql_binder *b, const struct kql_scope *scope, struct str name,
                        struct kql_at at);

/* Stages (plan.c). The new stage reads `in` (may be NULL) and has no columns yet. */
struct kql_plan *kql_plan_new(struct kql_binder *b, enum kql_plan_kind kind, const char *what,
                              struct kql_plan *in);
/* Hands on columns of `in`: hidden and inner ones only, or all. */
bool kql_plan_pass_inner(struct kql_binder *b, struct kql_plan *plan, bool hidden);
bool kql_plan_pass_all(struct kql_binder *b, struct kql_plan *plan);
void kql_plan_keep_order(struct kql_plan *plan);
/* Makes `column` the work of `plan`, computed by expr, and adds it. */
bool kql_plan_compute(struct kql_binder *b, struct kql_plan *plan, struct kql_column *column,
                      struct kql_expr *expr);

/* Expressions (bind_expr.c, bind_call.c). */
struct kql_expr *kql_bind_expr(struct kql_binder *b, const struct kql_node *node,
                               const struct kql_scope *scope);
struct kql_expr *kql_bind_typed(struct kql_binder *b, const struct kql_node *node,
                                const struct kql_scope *scope, enum column_type type);
struct kql_expr *kql_const(struct kql_binder *b, struct kql_value value, struct kql_at at);
struct kql_expr *kql_const_text(struct kql_binder *b, struct str text, struct kql_at at);
struct kql_expr *kql_const_long(struct kql_binder *b, int64_t value, struct kql_at at);
struct kql_expr *kql_column_ref(struct kql_binder *b, struct kql_column *column, struct kql_at at);
struct kql_expr *kql_bind_call(struct kql_binder *b, const struct kql_node *node,
                               const struct kql_scope *scope);
struct kql_expr *kql_bind_operation(struct kql_binder *b, const struct kql_node *node,
                                    const struct kql_scope *scope);
/* A call of rows found by name: arguments are converted, constants folded. NULL after refusing. */
struct kql_expr *kql_call(struct kql_binder *b, const char *name, struct kql_at at,
                          struct kql_expr **args, size_t n);
struct kql_expr *kql_call_row(struct kql_binder *b, const struct kql_function *row,
                              struct kql_at at, struct kql_expr **args, size_t n);
/* Picks an overload among rows; NULL after refusing with the types that were given. */
struct kql_expr *kql_call_rows(struct kql_binder *b, const struct kql_function *rows, size_t count,
                               struct str name, struct kql_at at, struct kql_expr **args, size_t n);
/* The expression as a value of the type: itself, a folded constant, or a conversion that KQL does by itself (int to
 * long, int and long to real, dynamic to anything). NULL: none, nothing refused. */
struct kql_expr *kql_convert(struct kql_binder *b, struct kql_expr *expr, enum column_type type);
/* The type that several expressions share; COLUMN_TYPE_COUNT: none. */
enum column_type kql_common_type(struct kql_expr *const *args, size_t n);

/* Queries (bind_pipe.c). */
bool kql_bind_pipe(struct kql_binder *b, const struct kql_pipe *pipe, struct kql_plan **out);
/* A table, a named relation, a query: anything that stands where a table may. */
bool kql_bind_tabular(struct kql_binder *b, const struct kql_node *node, struct kql_plan **out);
/* Whether a name is a relation rather than a value. */
bool kql_is_tabular(struct kql_binder *b, const struct kql_node *node);
struct kql_let *kql_let_find(const struct kql_binder *b, struct str name);
bool kql_bind_table(struct kql_binder *b, struct str name, struct kql_at at, struct kql_plan **out);
/* An unnamed column's name: what the expression gives, or "Column1", "print_0" ... */
bool kql_bind_script(struct kql_binder *b, const struct kql_statement *first,
                     struct kql_plan **out);

#endif
