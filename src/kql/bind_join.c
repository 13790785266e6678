/* join and lookup: conditions, the kinds, and the names of the columns of both sides. */

#include "kql/bind.h"
#include "kql/stage.h"

struct side {
    struct kql_plan *plan;
    char letter;
    bool shown;    /* its columns come out */
    bool optional; /* rows of the other side without a partner have nulls here */
};

struct join {
    struct kql_binder *b;
    const struct kql_stage *stage;
    struct side left, right;
    enum kql_join_kind kind;
    bool lookup;
    struct kql_expr **pairs;
    size_t n, room;
};

static struct str param(const struct kql_stage *stage, const char *name)
{
    for (const struct kql_node *p = stage->params; p; p = p->next) {
        if (str_eq(p->text, str_of(name)))
            return p->first->text;
    }
    return (struct str){NULL, 0};
}

static bool find_kind(struct join *j)
{
    static const struct {
        const char *name;
        enum kql_join_kind kind;
    } kinds[] = {{"innerunique", KQL_INNERUNIQUE}, {"inner", KQL_INNER},
                 {"leftouter", KQL_LEFTOUTER},     {"rightouter", KQL_RIGHTOUTER},
                 {"fullouter", KQL_FULLOUTER},     {"leftsemi", KQL_LEFTSEMI},
                 {"rightsemi", KQL_RIGHTSEMI},     {"leftanti", KQL_LEFTANTI},
                 {"anti", KQL_LEFTANTI},           {"leftantisemi", KQL_LEFTANTI},
                 {"rightanti", KQL_RIGHTANTI},     {"rightantisemi", KQL_RIGHTANTI}};
    struct str name = param(j->stage, "kind");
    j->kind = j->lookup ? KQL_LEFTOUTER : KQL_INNERUNIQUE;
    if (!name.p)
        return true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool fits = !j->lookup || kinds[i].kind == KQL_INNER || kinds[i].kind == KQL_LEFTOUTER;
        if (str_eq(name, str_of(kinds[i].name)) && fits) {
            j->kind = kinds[i].kind;
            return true;
        }
    }
    return kql_refuse(j->b->text, j->stage->at, "%s is not a kind of %s",
                      kql_show(j->b->text, name), j->lookup ? "lookup" : "join");
}

static struct kql_expr *key_of(struct join *j, const struct side *side, struct str name,
                               struct kql_at at)
{
    struct kql_column *column = kql_scope_find(&side->plan->out, name);
    if (!column) {
        kql_unknown_column(j->b, &side->plan->out, name, at);
        return NULL;
    }
    struct kql_expr *expr = kql_column_ref(j->b, column, at);
    if (expr)
        expr->side = side->letter;
    return expr;
}

static bool add_pair(struct join *j, struct kql_expr *left, struct kql_expr *right)
{
    struct kql_expr *pair[] = {left, right};
    if (!left || !right)
        return false;
    enum column_type type = kql_common_type(pair, 2);
    if (type == COLUMN_TYPE_COUNT || type == COLUMN_DYNAMIC || left->type == COLUMN_DYNAMIC ||
        right->type == COLUMN_DYNAMIC || type == COLUMN_REAL) {
        bool real = left->type == COLUMN_REAL && right->type == COLUMN_REAL;
        if (!real)
            return kql_refuse(j->b->text, left->at,
                              "keys of types %s and %s cannot be compared in a join",
                              column_type_name(left->type), column_type_name(right->type));
    }
    if (j->n + 2 > j->room) {
        size_t room = j->room * 2 + 8;
        struct kql_expr **bigger = kql_new(j->b, room, sizeof *bigger);
        if (!bigger)
            return false;
        if (j->n > 0)
            memcpy(bigger, j->pairs, j->n * sizeof *bigger);
        j->pairs = bigger;
        j->room = room;
    }
    j->pairs[j->n++] = left;
    j->pairs[j->n++] = right;
    return true;
}

static bool is_side(const struct kql_node *node, const char *name)
{
    return node && node->kind == KQL_NODE_PATH && node->first &&
           node->first->kind == KQL_NODE_NAME && str_eq(node->first->text, str_of(name));
}

/* One condition: a name of both sides, $left.a == $right.b, or several joined by `and`. */
static bool bind_condition(struct join *j, const struct kql_node *node)
{
    struct kql_text *text = j->b->text;
    if (node->kind == KQL_NODE_NAME)
        return add_pair(j, key_of(j, &j->left, node->text, node->at),
                        key_of(j, &j->right, node->text, node->at));
    if (node->kind == KQL_NODE_OP && str_eq(node->text, STR("and"))) {
        for (const struct kql_node *part = node->first; part; part = part->next) {
            bool flat = part->kind != KQL_NODE_OP || !str_eq(part->text, STR("and"));
            if (!flat || !bind_condition(j, part))
                return flat ? false
                            : kql_refuse(text, part->whole, "conditions are nested too deeply");
        }
        return true;
    }
    if (node->kind == KQL_NODE_OP && str_eq(node->text, STR("=="))) {
        const struct kql_node *a = node->first, *c = a->next;
        if (is_side(a, "$right") && is_side(c, "$left")) {
            a = c;
            c = node->first;
        }
        if (is_side(a, "$left") && is_side(c, "$right"))
            return add_pair(j, key_of(j, &j->left, a->text, a->at),
                            key_of(j, &j->right, c->text, c->at));
    }
    kql_refuse(text, node->whole, "a join compares columns of both sides");
    return error_hint(text->err, "write: on Name, or: on $left.Name == $right.Other");
}

/* A value of one side as it comes out: '' for a text that is missing. */
static struct kql_expr *come_out(struct join *j, const struct side *side, struct kql_column *column)
{
    struct kql_expr *expr = kql_column_ref(j->b, column, j->stage->at);
    if (!expr)
        return NULL;
    expr->side = side->letter;
    if (!side->optional)
        return expr;
    expr->nullable = true;
    return column->type == COLUMN_STRING ? kql_call(j->b, "(text)", j->stage->at, &expr, 1) : expr;
}

static bool is_right_key(const struct join *j, const struct kql_column *column)
{
    for (size_t i = 1; i < j->n; i += 2) {
        if (j->pairs[i]->column == column)
            return true;
    }
    return false;
}

static bool add_columns(struct join *j, struct kql_plan *plan, const struct side *side, bool hidden)
{
    const struct kql_scope *in = &side->plan->out;
    for (size_t i = 0; side->shown && i < in->n; i++) {
        struct kql_column *from = in->v[i];
        if (from->inner || from->hidden != hidden ||
            (j->lookup && side->letter == 'r' && is_right_key(j, from)))
            continue;
        if (hidden && kql_scope_find(&plan->out, from->name))
            continue;
        struct str name = kql_free_name(j->b, &plan->out, from->name);
        struct kql_column *column =
            name.p ? kql_column_new(j->b, name, from->type, true, &plan->out, NULL) : NULL;
        struct kql_expr *expr = column ? come_out(j, side, from) : NULL;
        if (!expr || !kql_plan_compute(j->b, plan, column, expr))
            return false;
        column->nullable = expr->nullable;
        column->hidden = hidden;
    }
    return true;
}

static void choose_sides(struct join *j)
{
    bool left_only = j->kind == KQL_LEFTSEMI || j->kind == KQL_LEFTANTI;
    bool right_only = j->kind == KQL_RIGHTSEMI || j->kind == KQL_RIGHTANTI;
    j->left.shown = !right_only;
    j->right.shown = !left_only;
    j->left.optional = j->kind == KQL_RIGHTOUTER || j->kind == KQL_FULLOUTER;
    j->right.optional = j->kind == KQL_LEFTOUTER || j->kind == KQL_FULLOUTER;
}

static bool bind_join(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io,
                      bool lookup)
{
    struct join j = {.b = b, .stage = stage, .lookup = lookup};
    j.left = (struct side){.plan = *io, .letter = 'l'};
    j.right = (struct side){.letter = 'r'};
    if (!find_kind(&j) || !kql_bind_tabular(b, stage->list, &j.right.plan))
        return false;
    choose_sides(&j);
    for (const struct kql_node *node = stage->by; node; node = node->next) {
        if (!bind_condition(&j, node))
            return false;
    }
    struct kql_plan *plan = kql_plan_new(b, KQL_JOIN, lookup ? "lookup" : "join", NULL);
    if (!plan)
        return false;
    plan->inputs = kql_new(b, 2, sizeof *plan->inputs);
    if (!plan->inputs)
        return false;
    plan->inputs[0] = j.left.plan;
    plan->inputs[1] = j.right.plan;
    plan->n_inputs = 2;
    plan->join = j.kind;
    plan->args = j.pairs;
    plan->n_args = j.n;
    *io = plan;
    return add_columns(&j, plan, &j.left, false) && add_columns(&j, plan, &j.right, false) &&
           add_columns(&j, plan, &j.left, true) && add_columns(&j, plan, &j.right, true);
}

bool kql_bind_join(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return bind_join(b, stage, io, false);
}

bool kql_bind_lookup(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return bind_join(b, stage, io, true);
}
