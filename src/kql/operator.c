/* The table of operators, and what is said of those that are not in it. */

#include "kql/operator.h"

#include "kql/stage.h"

enum { BEGINS = 1, SOURCE = 2, BY_ROW = 4 };

#define ROW(name, parse, bind, flags)                                                              \
    {                                                                                              \
        name, parse, bind, ((flags) &BEGINS) != 0, ((flags) &SOURCE) != 0, ((flags) &BY_ROW) != 0  \
    }
#define REFUSED(name, flags) ROW(name, kql_parse_skipped, NULL, flags)

static const struct kql_operator operators[] = {
    ROW("(source)", kql_parse_source, kql_bind_source, SOURCE | BY_ROW),
    ROW("as", kql_parse_as, kql_bind_as, BY_ROW),
    ROW("count", kql_parse_nothing, kql_bind_count, 0),
    ROW("datatable", kql_parse_datatable, kql_bind_datatable, BEGINS | SOURCE),
    ROW("distinct", kql_parse_distinct, kql_bind_distinct, 0),
    ROW("extend", kql_parse_columns, kql_bind_extend, BY_ROW),
    ROW("filter", kql_parse_where, kql_bind_where, BY_ROW),
    ROW("getschema", kql_parse_nothing, kql_bind_getschema, 0),
    ROW("join", kql_parse_join, kql_bind_join, 0),
    ROW("limit", kql_parse_take, kql_bind_take, 0),
    ROW("lookup", kql_parse_join, kql_bind_lookup, 0),
    ROW("order", kql_parse_sort, kql_bind_sort, 0),
    ROW("print", kql_parse_columns, kql_bind_print, BEGINS | SOURCE),
    ROW("project", kql_parse_columns, kql_bind_project, BY_ROW),
    ROW("project-away", kql_parse_patterns, kql_bind_away, BY_ROW),
    ROW("project-keep", kql_parse_patterns, kql_bind_keep, BY_ROW),
    ROW("project-rename", kql_parse_columns, kql_bind_rename, BY_ROW),
    ROW("project-reorder", kql_parse_reorder, kql_bind_reorder, BY_ROW),
    ROW("range", kql_parse_range, kql_bind_range, BEGINS | SOURCE),
    ROW("render", kql_parse_skipped, kql_bind_render, 0),
    ROW("serialize", kql_parse_serialize, kql_bind_serialize, 0),
    ROW("sort", kql_parse_sort, kql_bind_sort, 0),
    ROW("summarize", kql_parse_summarize, kql_bind_summarize, 0),
    ROW("take", kql_parse_take, kql_bind_take, 0),
    ROW("top", kql_parse_top, kql_bind_top, 0),
    ROW("union", kql_parse_union, kql_bind_union, BEGINS | BY_ROW),
    ROW("where", kql_parse_where, kql_bind_where, BY_ROW),
    /* Known, and refused by name. */
    REFUSED("mv-expand", BY_ROW),
    REFUSED("mvexpand", BY_ROW),
    REFUSED("parse", BY_ROW),
    REFUSED("parse-kv", BY_ROW),
    REFUSED("parse-where", BY_ROW),
    REFUSED("assert-schema", 0),
    REFUSED("consume", 0),
    REFUSED("evaluate", BEGINS),
    REFUSED("external_table", BEGINS | SOURCE),
    REFUSED("externaldata", BEGINS | SOURCE),
    REFUSED("facet", 0),
    REFUSED("find", BEGINS),
    REFUSED("fork", 0),
    REFUSED("graph-mark-components", 0),
    REFUSED("graph-match", 0),
    REFUSED("graph-shortest-paths", 0),
    REFUSED("graph-to-table", 0),
    REFUSED("invoke", 0),
    REFUSED("macro-expand", BEGINS),
    REFUSED("make-graph", 0),
    REFUSED("make-series", 0),
    REFUSED("mv-apply", 0),
    REFUSED("mvapply", 0),
    REFUSED("partition", 0),
    REFUSED("project-by-names", 0),
    REFUSED("reduce", 0),
    REFUSED("sample", 0),
    REFUSED("sample-distinct", 0),
    REFUSED("scan", 0),
    REFUSED("search", BEGINS),
    REFUSED("top-hitters", 0),
    REFUSED("top-nested", 0),
};

enum { OPERATORS = sizeof operators / sizeof *operators };

const struct kql_operator *kql_operator_find(struct str name)
{
    for (size_t i = 0; i < OPERATORS; i++) {
        if (str_eq(name, str_of(operators[i].name)))
            return &operators[i];
    }
    return NULL;
}

bool kql_operator_unknown(const struct kql_text *text, const struct kql_stage *stage)
{
    const char *names[OPERATORS];
    size_t n = 0;
    for (size_t i = 1; i < OPERATORS; i++) {
        if (!operators[i].source)
            names[n++] = operators[i].name;
    }
    if (stage->op)
        return kql_refuse(text, stage->at, "%s begins a query and cannot stand behind a bar",
                          kql_show(text, stage->name));
    kql_refuse(text, stage->at, "%s is not an operator of KQL", kql_show(text, stage->name));
    const char *near = text_nearest(stage->name, names, n);
    return near ? error_hint(text->err, "did you mean '%s'?", near) : false;
}
