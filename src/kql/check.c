/* A query may be cut by time when each row of the result comes from one row of a table, whatever other rows there
 * are: then the parts' results together are the whole's. Sub-queries that are asked about rows (in, toscalar) must be
 * of rows too: their tables are cut with the rest. */

#include "kql/check.h"

#include "kql/kql.h"
#include "kql/operator.h"

struct check {
    const struct kql_text *text;
    unsigned depth;
};

static bool check_node(struct check *c, const struct kql_node *node);

static bool refuse(struct check *c, struct kql_at at, struct str name, const char *why)
{
    kql_refuse(c->text, at, "%s %s", kql_show(c->text, name), why);
    return error_hint(c->text->err, "export the rows and ask the lake, or use --one-batch");
}

static bool check_list(struct check *c, const struct kql_node *node)
{
    for (; node; node = node->next) {
        if (!check_node(c, node))
            return false;
    }
    return true;
}

static bool check_stage(struct check *c, const struct kql_stage *stage, bool first)
{
    bool rows_in_text = str_eq(stage->name, STR("datatable"));
    if (!stage->op->by_row && !(first && rows_in_text)) {
        struct str name = stage->name.n > 0 ? stage->name : str_of(stage->op->name);
        return refuse(
            c, stage->at, name,
            "joins rows of different batches, so its answer would change when the range is "
            "cut");
    }
    return check_list(c, stage->list) && check_list(c, stage->by);
}

static bool check_pipe(struct check *c, const struct kql_pipe *pipe)
{
    for (const struct kql_stage *stage = pipe->first; stage; stage = stage->next) {
        if (!check_stage(c, stage, stage == pipe->first))
            return false;
    }
    return true;
}

/* Functions that look at other rows, or give another value each time they are asked. */
static bool check_call(struct check *c, const struct kql_node *node)
{
    static const char *const names[] = {
        "row_number", "row_cumsum", "row_rank_dense", "row_rank_min", "row_window_session",
        "prev",       "next",       "rand",           "new_guid"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(node->text, str_of(names[i])))
            return refuse(c, node->at, node->text,
                          i < 7 ? "looks at other rows, which may be in another batch"
                                : "gives another value in each batch");
    }
    return true;
}

static bool check_inside(struct check *c, const struct kql_node *node)
{
    if (node->kind == KQL_NODE_LAMBDA)
        return refuse(c, node->at, STR("a function of a let statement"),
                      "may do anything, so the query cannot be cut");
    if (node->kind == KQL_NODE_CALL && !check_call(c, node))
        return false;
    if (node->pipe && !check_pipe(c, node->pipe))
        return false;
    return check_list(c, node->first) && check_list(c, node->second);
}

static bool check_node(struct check *c, const struct kql_node *node)
{
    if (++c->depth > 4 * KQL_DEPTH_MAX)
        return kql_refuse(c->text, node->at, "the expression is nested too deeply");
    bool good = check_inside(c, node);
    c->depth--;
    return good;
}

bool kql_check_statements(const struct kql_text *text, const struct kql_statement *first)
{
    struct check c = {.text = text};
    const struct kql_statement *asked = NULL;
    for (const struct kql_statement *s = first; s; s = s->next) {
        if (s->kind == KQL_ASK && asked)
            return kql_refuse(text, s->at, "a second query in one text cannot be exported");
        if (s->kind == KQL_ASK)
            asked = s;
        if (s->kind != KQL_SET && !check_node(&c, s->node))
            return false;
    }
    struct kql_at end = {text->text.n, 0};
    if (!asked)
        return kql_refuse(text, end, "the text holds no query");
    const struct kql_stage *source = asked->node->pipe->first;
    if (str_eq(source->name, STR("datatable")))
        return refuse(&c, source->at, source->name, "has no rows of a table");
    return true;
}
