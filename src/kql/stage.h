/* The parse function of each operator (parse_stage.c) and its bind function (bind_*.c), for the table in
 * operator.c. */
#ifndef WEIR_KQL_STAGE_H
#define WEIR_KQL_STAGE_H

#include "kql/operator.h"

kql_parse_stage_fn kql_parse_source;    /* never called: a source has no name of its own */
kql_parse_stage_fn kql_parse_where;     /* list: the condition */
kql_parse_stage_fn kql_parse_columns;   /* list: [name =] expression, ... */
kql_parse_stage_fn kql_parse_patterns;  /* list: names and names with stars */
kql_parse_stage_fn kql_parse_reorder;   /* the same; flag: a direction, other: descending */
kql_parse_stage_fn kql_parse_summarize; /* list: aggregates; by: keys */
kql_parse_stage_fn kql_parse_distinct;  /* list: expressions or one star */
kql_parse_stage_fn kql_parse_sort; /* list: expressions; flag: descending, other: nulls first */
kql_parse_stage_fn kql_parse_top;  /* list: the number, then as sort */
kql_parse_stage_fn kql_parse_take; /* list: the number */
kql_parse_stage_fn kql_parse_nothing;
kql_parse_stage_fn kql_parse_join;      /* list: the right side; by: conditions */
kql_parse_stage_fn kql_parse_union;     /* list: tables, names with stars, queries */
kql_parse_stage_fn kql_parse_as;        /* list: a name */
kql_parse_stage_fn kql_parse_serialize; /* list: none or as extend */
kql_parse_stage_fn kql_parse_range;     /* name; list: from, to, step */
kql_parse_stage_fn kql_parse_datatable; /* columns; list: values */
kql_parse_stage_fn kql_parse_skipped;   /* anything up to the next bar */

kql_bind_stage_fn kql_bind_source, kql_bind_where, kql_bind_project, kql_bind_extend, kql_bind_away,
    kql_bind_keep, kql_bind_rename, kql_bind_reorder, kql_bind_summarize, kql_bind_distinct,
    kql_bind_sort, kql_bind_top, kql_bind_take, kql_bind_count, kql_bind_join, kql_bind_lookup,
    kql_bind_union, kql_bind_as, kql_bind_serialize, kql_bind_getschema, kql_bind_print,
    kql_bind_range, kql_bind_datatable, kql_bind_render;

#endif
