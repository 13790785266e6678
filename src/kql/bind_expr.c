/* Scalar expressions: names, literals, paths, operations. Calls are in bind_call.c. */

#include "kql/bind.h"

#include <ctype.h>

static struct kql_expr *expr_new(struct kql_binder *b, enum kql_expr_kind kind,
                                 enum column_type type, struct kql_at at)
{
    struct kql_expr *expr = kql_new(b, 1, sizeof *expr);
    if (expr)
        *expr = (struct kql_expr){.kind = kind, .type = type, .at = at};
    return expr;
}

struct kql_expr *kql_const(struct kql_binder *b, struct kql_value value, struct kql_at at)
{
    struct kql_expr *expr = expr_new(b, KQL_CONST, value.type, at);
    if (expr) {
        expr->value = value;
        expr->nullable = value.null;
    }
    return expr;
}

struct kql_expr *kql_const_text(struct kql_binder *b, struct str text, struct kql_at at)
{
    return kql_const(b, (struct kql_value){.type = COLUMN_STRING, .text = text}, at);
}

struct kql_expr *kql_const_long(struct kql_binder *b, int64_t value, struct kql_at at)
{
    return kql_const(b, (struct kql_value){.type = COLUMN_LONG, .i = value}, at);
}

struct kql_expr *kql_column_ref(struct kql_binder *b, struct kql_column *column, struct kql_at at)
{
    struct kql_expr *expr = column ? expr_new(b, KQL_COLUMN, column->type, at) : NULL;
    if (expr) {
        expr->column = column;
        expr->nullable = column->nullable;
        expr->name = column->name;
    }
    return expr;
}

static struct kql_expr *bind_name(struct kql_binder *b, const struct kql_node *node,
                                  const struct kql_scope *scope)
{
    struct kql_column *column = kql_scope_find(scope, node->text);
    if (column)
        return kql_column_ref(b, column, node->at);
    struct kql_let *let = kql_let_find(b, node->text);
    if (let && let->value) {
        struct kql_expr *copy = expr_new(b, KQL_CONST, COLUMN_LONG, node->at);
        if (copy) {
            *copy = *let->value;
            copy->at = node->at;
            copy->name = (struct str){NULL, 0};
        }
        return copy;
    }
    if (let)
        kql_refuse(b->text, node->at, "%s is a table or function here, a value is expected",
                   kql_show(b->text, node->text));
    else
        kql_unknown_column(b, scope, node->text, node->at);
    return NULL;
}

/* One step of a path as JSON; false: it is not constant. */
static bool put_step(const struct kql_node *node, struct buf *path)
{
    if (node->kind == KQL_NODE_PATH) {
        buf_putc(path, '"');
        text_put_json(path, node->text);
        buf_putc(path, '"');
        return true;
    }
    const struct kql_node *index = node->second;
    bool minus = index->kind == KQL_NODE_OP && index->text.n == 1 && index->text.p[0] == '-' &&
                 index->first && !index->first->next;
    const struct kql_node *literal = minus ? index->first : index;
    if (literal->kind != KQL_NODE_CONST || literal->value.null)
        return false;
    if (!minus && literal->value.type == COLUMN_STRING) {
        buf_putc(path, '"');
        text_put_json(path, literal->value.text);
        buf_putc(path, '"');
        return true;
    }
    if (literal->value.type != COLUMN_LONG && literal->value.type != COLUMN_INT)
        return false;
    buf_printf(path, "%s%lld", minus ? "-" : "", (long long) literal->value.i);
    return true;
}

/* The name of a path's column: d.x.y and d['x'][0] give d_x_y and d_x_0. */
static struct str path_name(struct kql_binder *b, struct str base, const struct kql_node *node)
{
    if (base.n == 0)
        return base;
    if (node->kind == KQL_NODE_PATH)
        return kql_printed_str(b, "%.*s_%.*s", (int) base.n, base.p, (int) node->text.n,
                               node->text.p);
    const struct kql_node *index = node->second;
    if (index->kind != KQL_NODE_CONST)
        return (struct str){NULL, 0};
    if (index->value.type == COLUMN_STRING)
        return kql_printed_str(b, "%.*s_%.*s", (int) base.n, base.p, (int) index->value.text.n,
                               index->value.text.p);
    return kql_printed_str(b, "%.*s_%lld", (int) base.n, base.p, (long long) index->value.i);
}

static struct kql_expr *bind_path_base(struct kql_binder *b, const struct kql_node *node,
                                       const struct kql_scope *scope)
{
    struct kql_expr *base = kql_bind_expr(b, node, scope);
    if (!base || base->type == COLUMN_DYNAMIC)
        return base;
    kql_refuse(b->text, node->whole, "only a dynamic value has parts, this is a %s",
               column_type_name(base->type));
    if (base->type == COLUMN_STRING)
        error_hint(b->text->err, "use parse_json() around it");
    return NULL;
}

/* A step whose key is computed. */
static struct kql_expr *bind_computed_step(struct kql_binder *b, const struct kql_node *node,
                                           const struct kql_scope *scope)
{
    struct kql_expr *args[2] = {bind_path_base(b, node->first, scope), NULL};
    args[1] = args[0] ? kql_bind_expr(b, node->second, scope) : NULL;
    if (!args[1])
        return NULL;
    return kql_call(b, "(step)", node->at, args, 2);
}

/* A chain of constant steps is one call: get(base, '["a","b",0]'). */
static struct kql_expr *bind_path(struct kql_binder *b, const struct kql_node *node,
                                  const struct kql_scope *scope)
{
    enum { STEPS_MAX = KQL_DEPTH_MAX };
    const struct kql_node *steps[STEPS_MAX];
    struct buf path = BUF_INIT(KQL_TEXT_MAX);
    const struct kql_node *base = node;
    size_t n = 0;
    bool constant = true;
    while (constant && n < STEPS_MAX && base->first &&
           (base->kind == KQL_NODE_PATH || base->kind == KQL_NODE_INDEX)) {
        constant = put_step(base, &path);
        if (constant) {
            steps[n++] = base;
            base = base->first;
        }
    }
    struct kql_expr *result = NULL;
    struct kql_expr *args[2] = {n > 0 ? bind_path_base(b, base, scope) : NULL, NULL};
    if (args[0]) {
        struct str name = args[0]->name;
        buf_reset(&path);
        for (size_t i = n; i-- > 0;) {
            buf_putc(&path, path.used == 0 ? '[' : ',');
            (void) put_step(steps[i], &path);
            name = path_name(b, name, steps[i]);
        }
        buf_putc(&path, ']');
        args[1] = kql_const_text(b, kql_printed_str(b, "%s", buf_text(&path)), node->at);
        result = args[1] ? kql_call(b, "(path)", node->at, args, 2) : NULL;
        if (result)
            result->name = name;
    }
    buf_release(&path);
    return result;
}

static bool has_constant_step(const struct kql_node *node)
{
    struct buf path = BUF_INIT(KQL_TEXT_MAX);
    bool constant = put_step(node, &path);
    buf_release(&path);
    return constant;
}

static struct kql_expr *bind_steps(struct kql_binder *b, const struct kql_node *node,
                                   const struct kql_scope *scope)
{
    if (node->kind == KQL_NODE_PATH && node->second) {
        kql_refuse(b->text, node->at, "a value of another resource is not supported yet");
        return NULL;
    }
    return has_constant_step(node) ? bind_path(b, node, scope) : bind_computed_step(b, node, scope);
}

static struct kql_expr *bind_node(struct kql_binder *b, const struct kql_node *node,
                                  const struct kql_scope *scope)
{
    switch (node->kind) {
    case KQL_NODE_NAME:
        return bind_name(b, node, scope);
    case KQL_NODE_CONST:
        return kql_const(b, node->value, node->at);
    case KQL_NODE_CALL:
        return kql_bind_call(b, node, scope);
    case KQL_NODE_OP:
        return kql_bind_operation(b, node, scope);
    case KQL_NODE_PATH:
    case KQL_NODE_INDEX:
        return bind_steps(b, node, scope);
    case KQL_NODE_STAR:
    case KQL_NODE_WILD:
        kql_refuse(b->text, node->at, "a star cannot stand here");
        break;
    case KQL_NODE_NAMED:
        kql_refuse(b->text, node->at, "a name cannot be given here");
        break;
    case KQL_NODE_TYPE:
        kql_refuse(b->text, node->at, "a type cannot stand here");
        break;
    case KQL_NODE_PIPE:
        kql_refuse(b->text, node->at, "a query cannot stand here; toscalar() makes a value of one");
        break;
    case KQL_NODE_LAMBDA:
        kql_refuse(b->text, node->at, "a function cannot stand here");
        break;
    }
    return NULL;
}

struct kql_expr *kql_bind_expr(struct kql_binder *b, const struct kql_node *node,
                               const struct kql_scope *scope)
{
    struct kql_expr *expr = NULL;
    if (b->depth >= 2 * KQL_DEPTH_MAX) {
        kql_refuse(b->text, node->at, "the expression is nested deeper than %d levels",
                   2 * KQL_DEPTH_MAX);
        return NULL;
    }
    b->depth++;
    expr = bind_node(b, node, scope);
    b->depth--;
    return expr;
}

struct kql_expr *kql_bind_typed(struct kql_binder *b, const struct kql_node *node,
                                const struct kql_scope *scope, enum column_type type)
{
    struct kql_expr *expr = kql_bind_expr(b, node, scope);
    struct kql_expr *converted = expr ? kql_convert(b, expr, type) : NULL;
    if (expr && !converted)
        kql_refuse(b->text, node->whole, "a %s is expected, this is a %s", column_type_name(type),
                   column_type_name(expr->type));
    return converted;
}
