/* summarize, count, distinct: keys, aggregates, and the names of their columns. */

#include "kql/bind.h"
#include "kql/stage.h"

#include <math.h>
#include <stdio.h>

enum { ITEMS_MAX = COLUMNS_MAX };

/* One column that comes out. */
struct item {
    struct kql_expr *expr;
    struct str name; /* empty: to be made up */
    bool given;
    struct kql_at at;
};

struct items {
    struct item *v;
    size_t n, room;
};

static bool add_item(struct kql_binder *b, struct items *items, struct kql_expr *expr,
                     struct str name, bool given, struct kql_at at)
{
    if (!expr)
        return false;
    if (items->n == items->room) {
        size_t room = items->room * 2 + 8;
        struct item *bigger = items->n < ITEMS_MAX ? kql_new(b, room, sizeof *bigger) : NULL;
        if (!bigger)
            return error_set(b->text->err, ERROR_KQL, "the query has more than %d columns",
                             ITEMS_MAX);
        if (items->n > 0)
            memcpy(bigger, items->v, items->n * sizeof *bigger);
        items->v = bigger;
        items->room = room;
    }
    items->v[items->n++] = (struct item){expr, name, given, at};
    return true;
}

/* The names a list gives its columns: made-up ones make way, given ones may stand once. */
static bool name_items(struct kql_binder *b, struct items *items)
{
    unsigned unnamed = 0;
    for (size_t i = 0; i < items->n; i++) {
        struct item *item = &items->v[i];
        if (item->name.n == 0)
            item->name = kql_printed_str(b, "Column%u", ++unnamed);
        struct str wanted = item->name;
        unsigned suffix = 0;
        for (size_t k = 0; k < i;) {
            if (!str_eq(items->v[k].name, item->name)) {
                k++;
                continue;
            }
            if (item->given && items->v[k].given)
                return kql_refuse(b->text, item->at, "column %s is there already",
                                  kql_show(b->text, item->name));
            item->name = kql_printed_str(b, "%.*s%u", (int) wanted.n, wanted.p, ++suffix);
            if (!item->name.p)
                return false;
            k = 0;
        }
    }
    return true;
}

/* What a call that gives several columns is bound in: the call, and names that were given to its columns. */
struct several {
    struct kql_binder *b;
    const struct kql_node *call;
    const struct kql_scope *scope;
    const struct items *keys;
    struct items *out;
    struct str name;              /* name = call(...) */
    struct kql_at at;             /* of that name */
    const struct kql_node *names; /* (a, b) = call(...) */
};

/* Adds one column: under the next given name, or the one it brings. */
static bool add_several(struct several *s, struct kql_expr *expr, struct str own)
{
    struct str name = own;
    bool given = false;
    if (s->names) {
        name = s->names->text;
        s->names = s->names->next;
        given = true;
    } else if (s->name.n > 0) {
        name = s->name;
        s->name = (struct str){NULL, 0};
        given = true;
    }
    return add_item(s->b, s->out, expr, name, given, given ? s->at : s->call->at);
}

static bool is_key(const struct items *keys, const struct kql_column *column)
{
    for (size_t i = 0; i < keys->n; i++) {
        const struct kql_expr *expr = keys->v[i].expr;
        if (expr->kind == KQL_COLUMN && expr->column == column)
            return true;
    }
    return false;
}

/* Every column of * but the keys, each through `row` with the extreme expression behind it. */
static bool add_star(struct several *s, const char *row, struct kql_expr *extreme)
{
    for (size_t i = 0; i < s->scope->n; i++) {
        struct kql_column *column = s->scope->v[i];
        bool same = extreme && extreme->kind == KQL_COLUMN && extreme->column == column;
        if (column->hidden || column->inner || same || is_key(s->keys, column))
            continue;
        struct kql_expr *args[2] = {kql_column_ref(s->b, column, s->call->at), extreme};
        struct kql_expr *expr =
            args[0] ? kql_call(s->b, row, s->call->at, args, extreme ? 2 : 1) : NULL;
        if (!add_several(s, expr, column->name))
            return false;
    }
    return true;
}

/* arg_max(extreme, column, ..., *) */
static bool bind_arg_extreme(struct several *s, bool max)
{
    struct kql_binder *b = s->b;
    const struct kql_node *arg = s->call->first;
    struct kql_expr *extreme = arg ? kql_bind_expr(b, arg, s->scope) : NULL;
    const char *row = max ? "(at max)" : "(at min)";
    if (!extreme)
        return !arg && kql_refuse(b->text, s->call->at, "%s() takes a value to compare",
                                  max ? "arg_max" : "arg_min");
    struct str prefix = max ? STR("max_") : STR("min_");
    struct kql_expr *value = kql_call(b, max ? "max" : "min", s->call->at, &extreme, 1);
    if (!add_several(s, value, extreme->name.n > 0 ? extreme->name : prefix))
        return false;
    unsigned place = 1;
    for (arg = arg->next; arg; arg = arg->next, place++) {
        if (arg->kind == KQL_NODE_STAR) {
            if (!add_star(s, row, extreme))
                return false;
            continue;
        }
        struct kql_expr *args[2] = {kql_bind_expr(b, arg, s->scope), extreme};
        if (!args[0])
            return false;
        struct str name = args[0]->name;
        if (name.n == 0)
            name = kql_printed_str(b, "%s%.*s_arg%u", max ? "max_" : "min_", (int) extreme->name.n,
                                   extreme->name.n ? extreme->name.p : "", place);
        if (!add_several(s, kql_call(b, row, arg->at, args, 2), name))
            return false;
    }
    return true;
}

/* take_any(a, b), take_any(*); any() names its columns any_a */
static bool bind_take_any(struct several *s, bool old)
{
    struct kql_binder *b = s->b;
    bool one = s->call->first && !s->call->first->next;
    for (const struct kql_node *arg = s->call->first; arg; arg = arg->next) {
        if (arg->kind == KQL_NODE_STAR) {
            if (!add_star(s, "(any row)", NULL))
                return false;
            continue;
        }
        struct kql_expr *value = kql_bind_expr(b, arg, s->scope);
        if (!value)
            return false;
        struct str name = value->name;
        if (old)
            name = kql_printed_str(b, "any_%.*s", (int) name.n, name.n ? name.p : "");
        if (!add_several(s, kql_call(b, one ? "(any)" : "(any row)", arg->at, &value, 1), name))
            return false;
    }
    return s->call->first ||
           kql_refuse(b->text, s->call->at, "%s() takes a value", old ? "any" : "take_any");
}

/* 95.5 as the name of a column has it: 95_5 */
static struct str rank_name(struct kql_binder *b, struct str base, double rank)
{
    char text[40];
    (void) snprintf(text, sizeof text, "%.10g", rank);
    for (char *c = text; *c; c++) {
        if (*c == '.' || *c == '-' || *c == '+')
            *c = '_';
    }
    return kql_printed_str(b, "percentile_%.*s_%s", (int) base.n, base.n ? base.p : "", text);
}

/* percentile(x, p), percentiles(x, p, q, ...) */
static bool bind_percentiles(struct several *s)
{
    struct kql_binder *b = s->b;
    const struct kql_node *arg = s->call->first;
    struct kql_expr *value = arg ? kql_bind_expr(b, arg, s->scope) : NULL;
    if (arg && !value)
        return false;
    if (!arg || !arg->next)
        return kql_refuse(b->text, s->call->at, "%s() takes a value and percentiles",
                          kql_printed(b, "%.*s", (int) s->call->text.n, s->call->text.p));
    struct str name = value->name;
    if (value->type == COLUMN_INT)
        value = kql_convert(b, value, COLUMN_LONG);
    for (arg = arg->next; value && arg; arg = arg->next) {
        struct kql_expr *rank = kql_bind_typed(b, arg, s->scope, COLUMN_REAL);
        if (!rank)
            return false;
        double p = rank->value.r;
        if (rank->kind != KQL_CONST || rank->value.null || !(p >= 0 && p <= 100))
            return kql_refuse(b->text, arg->whole, "a number from 0 to 100 is expected");
        struct kql_value part = {.type = COLUMN_REAL, .r = p / 100};
        struct kql_expr *args[2] = {value, kql_const(b, part, arg->at)};
        struct kql_expr *expr = args[1] ? kql_call(b, "(percentile)", arg->at, args, 2) : NULL;
        if (!add_several(s, expr, rank_name(b, name, p)))
            return false;
    }
    return value != NULL;
}

static bool call_is(const struct kql_node *node, const char *one, const char *other)
{
    return node->kind == KQL_NODE_CALL &&
           (str_eq(node->text, str_of(one)) || str_eq(node->text, str_of(other)));
}

/* Binds one aggregate of the list into the columns it gives. */
static bool bind_aggregate(struct kql_binder *b, const struct kql_node *node,
                           const struct kql_scope *scope, const struct items *keys,
                           struct items *out)
{
    bool named = node->kind == KQL_NODE_NAMED;
    const struct kql_node *inner = named ? node->first : node;
    struct several s = {
        .b = b, .call = inner, .scope = scope, .keys = keys, .out = out, .at = node->at};
    if (named && node->second)
        s.names = node->second;
    else if (named)
        s.name = node->text;
    if (call_is(inner, "arg_max", "argmax"))
        return bind_arg_extreme(&s, true);
    if (call_is(inner, "arg_min", "argmin"))
        return bind_arg_extreme(&s, false);
    if (call_is(inner, "take_any", "any"))
        return bind_take_any(&s, str_eq(inner->text, STR("any")));
    if (call_is(inner, "percentile", "percentiles"))
        return bind_percentiles(&s);
    if (s.names)
        return kql_refuse(b->text, node->whole, "several names for one value");
    b->grouping = true;
    struct kql_expr *expr = kql_bind_expr(b, inner, scope);
    b->grouping = false;
    return expr && add_several(&s, expr, expr->name);
}

static bool bind_keys(struct kql_binder *b, const struct kql_node *list,
                      const struct kql_scope *scope, struct items *keys)
{
    for (const struct kql_node *node = list; node; node = node->next) {
        bool named = node->kind == KQL_NODE_NAMED;
        struct kql_expr *expr = kql_bind_expr(b, named ? node->first : node, scope);
        if (!expr)
            return false;
        if (expr->type == COLUMN_DYNAMIC) {
            kql_refuse(b->text, node->whole, "rows cannot be grouped by a dynamic value");
            return error_hint(b->text->err, "use tostring() or tolong() around it");
        }
        bool given = named || expr->kind == KQL_COLUMN;
        if (!add_item(b, keys, expr, named ? node->text : expr->name, given, node->at))
            return false;
    }
    return true;
}

/* A key that is a column under its own name. */
static bool is_plain(const struct item *key)
{
    return key->expr->kind == KQL_COLUMN && !key->expr->column->hidden &&
           str_eq(key->name, key->expr->column->name);
}

/* Computed keys become columns of a stage of their own; *columns are all keys. */
static bool compute_keys(struct kql_binder *b, struct items *keys, size_t n, struct kql_plan **io,
                         struct kql_column **columns)
{
    struct kql_plan *plan = NULL;
    for (size_t i = 0; i < n; i++) {
        struct item *key = &keys->v[i];
        if (is_plain(key)) {
            columns[i] = key->expr->column;
            continue;
        }
        if (!plan) {
            plan = kql_plan_new(b, KQL_SELECT, "keys of summarize", *io);
            if (!plan || !kql_plan_pass_all(b, plan))
                return false;
        }
        columns[i] =
            kql_column_new(b, key->name, key->expr->type, key->expr->nullable, &plan->out, NULL);
        if (columns[i])
            columns[i]->time = key->expr->kind == KQL_COLUMN && key->expr->column->time;
        if (!kql_plan_compute(b, plan, columns[i], key->expr))
            return false;
    }
    if (plan)
        *io = plan;
    return true;
}

/* An aggregate's own use of a column beside the aggregates is not grouped. */
static bool check_grouped(struct kql_binder *b, const struct kql_expr *expr)
{
    if (expr->kind == KQL_COLUMN) {
        kql_refuse(b->text, expr->at, "column %s is not aggregated", kql_show(b->text, expr->name));
        return error_hint(b->text->err, "use it behind by, or in take_any() or another aggregate");
    }
    if (expr->kind == KQL_CALL && expr->function->kind == KQL_AGGREGATE)
        return true;
    for (size_t i = 0; i < expr->n; i++) {
        if (!check_grouped(b, expr->args[i]))
            return false;
    }
    return true;
}

bool kql_bind_summarize(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    struct items items = {0};
    const struct kql_scope *scope = &(*io)->out;
    if (!bind_keys(b, stage->by, scope, &items))
        return false;
    struct items keys = items;
    for (const struct kql_node *node = stage->list; node; node = node->next) {
        if (!bind_aggregate(b, node, scope, &keys, &items))
            return false;
    }
    if (!name_items(b, &items))
        return false;
    struct kql_column **columns = kql_new(b, keys.n, sizeof *columns);
    if (!columns || !compute_keys(b, &items, keys.n, io, columns))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_GROUP, "summarize", *io);
    if (!plan)
        return false;
    plan->keys = columns;
    plan->n_keys = keys.n;
    for (size_t i = 0; i < items.n; i++) {
        const struct item *item = &items.v[i];
        if (i < keys.n) {
            if (!kql_scope_add(b, &plan->out, columns[i]))
                return false;
            continue;
        }
        if (!check_grouped(b, item->expr))
            return false;
        struct kql_column *column =
            kql_column_new(b, item->name, item->expr->type, item->expr->nullable, &plan->out, NULL);
        if (!kql_plan_compute(b, plan, column, item->expr))
            return false;
    }
    *io = plan;
    return true;
}

bool kql_bind_count(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    struct kql_plan *plan = kql_plan_new(b, KQL_GROUP, "count", *io);
    struct kql_expr *expr = kql_call(b, "count", stage->at, NULL, 0);
    if (!plan || !expr)
        return false;
    *io = plan;
    struct kql_column *column =
        kql_column_new(b, STR("Count"), COLUMN_LONG, false, &plan->out, NULL);
    return kql_plan_compute(b, plan, column, expr);
}

/* distinct *: the visible columns, none of them dynamic. */
static bool project_visible(struct kql_binder *b, const struct kql_stage *stage,
                            struct kql_plan **io)
{
    const struct kql_scope *in = &(*io)->out;
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, "distinct", *io);
    for (size_t i = 0; plan && i < in->n; i++) {
        struct kql_column *column = in->v[i];
        if (column->hidden || column->inner)
            continue;
        if (column->type == COLUMN_DYNAMIC)
            return kql_refuse(b->text, stage->list->at,
                              "column %s is dynamic and cannot be compared",
                              kql_show(b->text, column->name));
        if (!kql_scope_add(b, &plan->out, column))
            return false;
    }
    *io = plan;
    return plan != NULL;
}

bool kql_bind_distinct(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    bool star = stage->list->kind == KQL_NODE_STAR && !stage->list->next;
    if (star ? !project_visible(b, stage, io) : !kql_bind_project(b, stage, io))
        return false;
    const struct kql_scope *in = &(*io)->out;
    struct kql_plan *plan = kql_plan_new(b, KQL_DISTINCT, "distinct", *io);
    for (size_t i = 0; plan && i < in->n; i++) {
        struct kql_column *column = in->v[i];
        if (column->inner)
            continue;
        if (column->type == COLUMN_DYNAMIC) {
            kql_refuse(b->text, stage->list->at, "column %s is dynamic and cannot be compared",
                       kql_show(b->text, column->name));
            return error_hint(b->text->err, "use tostring() around it");
        }
        if (!kql_scope_add(b, &plan->out, column))
            return false;
    }
    *io = plan;
    return plan != NULL;
}
