/* Statements, pipes and sources: let, tables, named relations, and what makes a relation of an expression. */

#include "kql/bind.h"
#include "kql/operator.h"
#include "kql/stage.h"

#include "base/tick.h"

struct kql_let *kql_let_find(const struct kql_binder *b, struct str name)
{
    for (struct kql_let *let = b->lets; let; let = let->next) {
        if (str_eq(let->name, name))
            return let;
    }
    return NULL;
}

static struct kql_let *let_add(struct kql_binder *b, struct str name)
{
    struct kql_let *let = kql_new(b, 1, sizeof *let);
    if (let) {
        let->name = name;
        let->next = b->lets;
        b->lets = let;
    }
    return let;
}

static bool call_is(const struct kql_node *node, const char *name)
{
    return node->kind == KQL_NODE_CALL && str_eq(node->text, str_of(name));
}

bool kql_is_tabular(struct kql_binder *b, const struct kql_node *node)
{
    if (node->kind == KQL_NODE_PIPE || call_is(node, "materialize") || call_is(node, "table"))
        return true;
    if (node->kind != KQL_NODE_NAME)
        return false;
    const struct kql_let *let = kql_let_find(b, node->text);
    if (let)
        return let->plan != NULL;
    struct columns visible = {0}, hidden = {0};
    struct error quiet = ERROR_INIT;
    bool found = b->options->table &&
                 b->options->table(b->options->context, node->text, &visible, &hidden, &quiet);
    columns_release(&visible);
    columns_release(&hidden);
    return found;
}

/* One column of a table. TimeGenerated is what partitions are cut by. */
static bool add_table_column(struct kql_binder *b, struct kql_plan *plan, const struct column *from,
                             bool hidden)
{
    struct str name = {arena_copy(b->text->arena, from->name, strlen(from->name), b->text->err),
                       strlen(from->name)};
    struct kql_column *column = kql_new(b, 1, sizeof *column);
    const char *sql = name.p ? kql_table_name(b, &plan->out, name) : NULL;
    if (!sql || !column)
        return false;
    *column = (struct kql_column){.name = name,
                                  .sql = sql,
                                  .type = from->type,
                                  .nullable = from->type != COLUMN_STRING,
                                  .hidden = hidden,
                                  .stage = plan};
    column->time = from->type == COLUMN_DATETIME && str_eq(name, STR("TimeGenerated"));
    return kql_scope_add(b, &plan->out, column);
}

static bool add_ingestion_column(struct kql_binder *b, struct kql_plan *plan)
{
    struct kql_column *column = kql_new(b, 1, sizeof *column);
    if (!column)
        return false;
    *column = (struct kql_column){.name = STR("_weir_ingestion"),
                                  .sql = "_weir_ingestion",
                                  .type = COLUMN_DATETIME,
                                  .nullable = true,
                                  .inner = true,
                                  .stage = plan};
    return kql_scope_add(b, &plan->out, column);
}

static struct kql_expr *time_bound(struct kql_binder *b, struct kql_column *time, const char *op,
                                   int64_t tick)
{
    struct kql_at nowhere = {0, 0};
    struct kql_value value = {.type = COLUMN_DATETIME, .i = tick};
    struct kql_expr *args[] = {kql_column_ref(b, time, nowhere), kql_const(b, value, nowhere)};
    return args[0] && args[1] ? kql_call(b, op, nowhere, args, 2) : NULL;
}

/* The request's own time range, as a filter over the table. */
static bool add_timespan(struct kql_binder *b, struct kql_plan **io)
{
    struct kql_column *time = kql_scope_find(&(*io)->out, STR("TimeGenerated"));
    if ((b->options->from == 0 && b->options->to == 0) || !time || !time->time)
        return true;
    struct kql_expr *args[] = {time_bound(b, time, ">=", b->options->from),
                               time_bound(b, time, "<", b->options->to)};
    struct kql_plan *filter = kql_plan_new(b, KQL_FILTER, "timespan", *io);
    if (!args[0] || !args[1] || !filter || !kql_plan_pass_all(b, filter))
        return false;
    filter->predicate = kql_call(b, "and", (struct kql_at){0, 0}, args, 2);
    *io = filter;
    return filter->predicate != NULL;
}

static bool refuse_table(struct kql_binder *b, struct kql_at at, const struct error *why)
{
    const struct kql_text *text = b->text;
    if (why->code != ERROR_NOT_FOUND)
        return error_pass(text->err, why);
    kql_refuse(text, at, "%s", why->message);
    return why->hint[0] ? error_hint(text->err, "%s", why->hint) : false;
}

/* Fetches a table's columns into the plan's scope. */
static bool fill_table(struct kql_binder *b, struct kql_plan *plan, struct kql_at at)
{
    struct columns visible = {0}, hidden = {0};
    struct error why = ERROR_INIT;
    bool good = b->options->table &&
                b->options->table(b->options->context, plan->name, &visible, &hidden, &why);
    if (!good && why.code == ERROR_NONE)
        (void) error_set(&why, ERROR_NOT_FOUND, "table %s is not there",
                         kql_show(b->text, plan->name));
    if (!good)
        (void) refuse_table(b, at, &why);
    for (size_t i = 0; good && i < visible.n; i++)
        good = add_table_column(b, plan, &visible.v[i], false);
    for (size_t i = 0; good && i < hidden.n; i++)
        good = add_table_column(b, plan, &hidden.v[i], true);
    columns_release(&visible);
    columns_release(&hidden);
    return good && add_ingestion_column(b, plan);
}

bool kql_bind_table(struct kql_binder *b, struct str name, struct kql_at at, struct kql_plan **out)
{
    struct kql_plan *plan = kql_plan_new(b, KQL_TABLE, "table", NULL);
    if (!plan)
        return false;
    plan->name = name;
    *out = plan;
    return fill_table(b, plan, at) && add_timespan(b, out);
}

static bool bind_named(struct kql_binder *b, const struct kql_node *node, struct kql_plan **out)
{
    struct kql_let *let = kql_let_find(b, node->text);
    if (let && let->plan) {
        *out = let->plan;
        return true;
    }
    if (let && let->lambda)
        return kql_refuse(b->text, node->at, "functions of let statements are not supported yet");
    if (let)
        return kql_refuse(b->text, node->at, "%s is a value, a table is expected",
                          kql_show(b->text, node->text));
    return kql_bind_table(b, node->text, node->at, out);
}

/* table("name") and materialize(query) */
static bool bind_tabular_call(struct kql_binder *b, const struct kql_node *node,
                              struct kql_plan **out)
{
    const struct kql_node *arg = node->first;
    bool one = arg && !arg->next;
    if (one && str_eq(node->text, STR("materialize"))) {
        if (!kql_bind_tabular(b, arg, out) || !*out)
            return false;
        (*out)->kept = true;
        return true;
    }
    if (one && str_eq(node->text, STR("table")) && arg->kind == KQL_NODE_CONST &&
        arg->value.type == COLUMN_STRING)
        return kql_bind_table(b, arg->value.text, arg->at, out);
    return kql_refuse(b->text, node->at, "function %s is not supported yet",
                      kql_show(b->text, node->text));
}

bool kql_bind_tabular(struct kql_binder *b, const struct kql_node *node, struct kql_plan **out)
{
    if (b->depth >= 2 * KQL_DEPTH_MAX)
        return kql_refuse(b->text, node->at, "the query is nested deeper than %d levels",
                          KQL_DEPTH_MAX);
    b->depth++;
    bool grouping = b->grouping, ordered = b->ordered, good = false;
    b->grouping = b->ordered = false;
    if (node->kind == KQL_NODE_PIPE)
        good = kql_bind_pipe(b, node->pipe, out);
    else if (node->kind == KQL_NODE_NAME)
        good = bind_named(b, node, out);
    else if (node->kind == KQL_NODE_CALL)
        good = bind_tabular_call(b, node, out);
    else if (node->kind == KQL_NODE_PATH)
        good = kql_refuse(b->text, node->whole, "tables of other workspaces are not supported yet");
    else
        good = kql_refuse(b->text, node->whole, "a table or query is expected");
    b->grouping = grouping;
    b->ordered = ordered;
    b->depth--;
    return good;
}

bool kql_bind_source(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return kql_bind_tabular(b, stage->list, io);
}

bool kql_bind_pipe(struct kql_binder *b, const struct kql_pipe *pipe, struct kql_plan **out)
{
    struct kql_let *lets = b->lets;
    *out = NULL;
    for (const struct kql_stage *stage = pipe->first; stage; stage = stage->next) {
        if (!stage->op->bind)
            return kql_refuse(b->text, stage->at, "operator %s is not supported yet",
                              kql_show(b->text, stage->name));
        if (!stage->op->bind(b, stage, out))
            return false;
    }
    b->lets = lets; /* what `as` named is gone */
    return true;
}

static bool bind_let(struct kql_binder *b, const struct kql_statement *s)
{
    static const struct kql_scope empty = {0};
    struct kql_let *let = NULL;
    struct kql_plan *plan = NULL;
    struct kql_expr *value = NULL;
    const struct kql_node *node = s->node;
    bool lambda = node->kind == KQL_NODE_LAMBDA;
    if (!lambda && kql_is_tabular(b, node) && !kql_bind_tabular(b, node, &plan))
        return false;
    if (!lambda && !plan) {
        value = kql_bind_expr(b, node, &empty);
        if (!value)
            return false;
    }
    let = let_add(b, s->name);
    if (!let)
        return false;
    let->plan = plan;
    let->value = value;
    let->lambda = lambda ? node : NULL;
    return true;
}

bool kql_bind_script(struct kql_binder *b, const struct kql_statement *first, struct kql_plan **out)
{
    *out = NULL;
    const struct kql_statement *asked = NULL;
    for (const struct kql_statement *s = first; s; s = s->next) {
        if (s->kind == KQL_LET && !bind_let(b, s))
            return false;
        if (s->kind != KQL_ASK)
            continue;
        if (asked)
            return kql_refuse(b->text, s->at, "a second query in one text is not supported yet");
        asked = s;
        if (!kql_bind_tabular(b, s->node, out))
            return false;
    }
    if (asked)
        return true;
    struct kql_at end = {b->text->text.n, 0};
    return kql_refuse(b->text, end, "the text holds no query");
}
