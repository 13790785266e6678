/* The operators: one row each. A new operator is a row, a parse function (parse_stage.c) and a bind function
 * (bind_<what>.c). */
#ifndef WEIR_KQL_OPERATOR_H
#define WEIR_KQL_OPERATOR_H

#include "kql/syntax.h"

struct kql_parser;
struct kql_binder;
struct kql_plan;

/* Reads what stands behind the operator's name. */
typedef bool kql_parse_stage_fn(struct kql_parser *p, struct kql_stage *stage);
/* Puts the stage on top of *io (NULL for a source). */
typedef bool kql_bind_stage_fn(struct kql_binder *b, const struct kql_stage *stage,
                               struct kql_plan **io);

struct kql_operator {
    const char *name;
    kql_parse_stage_fn *parse; /* of an operator that is not supported: reads up to the next bar */
    kql_bind_stage_fn *bind;   /* NULL: refused by name */
    bool begins;               /* may stand first */
    bool source;               /* stands only first */
    bool by_row;               /* works row by row: a query of these may be cut by time */
};

const struct kql_operator *kql_operator_find(struct str name); /* NULL: unknown */

/* Refuses an unknown operator with the nearest name as a hint. Returns false. */
bool kql_operator_unknown(const struct kql_text *text, const struct kql_stage *stage);

#endif
