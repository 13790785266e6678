/* Functions that read their arguments in their own way: iff, case, coalesce, packing, time, the rows' order,
 * sizes. One function each, one row each in the table at the end. */

#include "kql/special.h"

enum { ARGS_MAX = 4096 };

static size_t count_args(const struct kql_node *node)
{
    size_t n = 0;
    for (const struct kql_node *arg = node->first; arg; arg = arg->next)
        n++;
    return n;
}

static bool want(struct kql_binder *b, const struct kql_node *node, size_t least, size_t most)
{
    size_t n = count_args(node);
    if (n >= least && n <= most)
        return true;
    if (least == most)
        return kql_refuse(b->text, node->at, "%s() takes %zu arguments, not %zu",
                          kql_printed(b, "%.*s", (int) node->text.n, node->text.p), least, n);
    return kql_refuse(b->text, node->at, "%s() takes %zu to %zu arguments, not %zu",
                      kql_printed(b, "%.*s", (int) node->text.n, node->text.p), least, most, n);
}

static struct kql_expr *call(struct kql_binder *b, const char *name, const struct kql_node *node,
                             struct kql_expr **args, size_t n)
{
    return kql_call(b, name, node->at, args, n);
}

/* Binds all arguments. NULL after an error; *n their number. */
static struct kql_expr **bind_args(struct kql_binder *b, const struct kql_node *node,
                                   const struct kql_scope *scope, size_t *n)
{
    *n = count_args(node);
    if (*n > ARGS_MAX) {
        kql_refuse(b->text, node->at, "more than %d arguments", ARGS_MAX);
        return NULL;
    }
    struct kql_expr **args = kql_new(b, *n, sizeof *args);
    size_t i = 0;
    for (const struct kql_node *arg = node->first; args && arg; arg = arg->next) {
        args[i] = kql_bind_expr(b, arg, scope);
        if (!args[i++])
            return NULL;
    }
    return args;
}

/* Values of different types that one result must hold: all as one type, or all as dynamic. */
static bool make_common(struct kql_binder *b, struct kql_expr **args, size_t n, size_t step,
                        size_t first)
{
    struct kql_expr **values = kql_new(b, n + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = first; values && i < n; i += step)
        values[count++] = args[i];
    if (!values)
        return false;
    if (step > 1)
        values[count++] = args[n - 1];
    enum column_type type = kql_common_type(values, count);
    for (size_t i = first; i < n; i++) {
        bool value = step == 1 || (i - first) % step == 0 || i == n - 1;
        if (!value)
            continue;
        struct kql_expr *arg[] = {args[i]};
        args[i] = type == COLUMN_TYPE_COUNT || (type == COLUMN_DYNAMIC && arg[0]->type != type)
                      ? kql_call(b, "(dynamic)", arg[0]->at, arg, 1)
                      : kql_convert(b, args[i], type);
        if (!args[i])
            return false;
    }
    return true;
}

/* iff(condition, then, else), case(condition, then, ..., else) */
static struct kql_expr *special_case(struct kql_binder *b, const struct kql_node *node,
                                     const struct kql_scope *scope)
{
    size_t n = 0;
    struct kql_expr **args = bind_args(b, node, scope, &n);
    if (!args)
        return NULL;
    if (n < 3 || n % 2 == 0) {
        kql_refuse(b->text, node->at,
                   "%s() takes pairs of a condition and a value, and a value at the end",
                   kql_printed(b, "%.*s", (int) node->text.n, node->text.p));
        return NULL;
    }
    bool nullable = args[n - 1]->nullable;
    const struct kql_node *arg = node->first;
    for (size_t i = 0; i + 1 < n; i += 2, arg = arg->next->next) {
        struct kql_expr *condition = kql_convert(b, args[i], COLUMN_BOOL);
        if (!condition) {
            kql_refuse(b->text, arg->whole, "a bool is expected, this is a %s",
                       column_type_name(args[i]->type));
            return NULL;
        }
        args[i] = condition;
        nullable |= args[i + 1]->nullable;
    }
    if (!make_common(b, args, n, 2, 1))
        return NULL;
    struct kql_expr *out = call(b, "(case)", node, args, n);
    if (out && out->kind == KQL_CALL)
        out->nullable = nullable;
    return out;
}

static struct kql_expr *special_iff(struct kql_binder *b, const struct kql_node *node,
                                    const struct kql_scope *scope)
{
    return want(b, node, 3, 3) ? special_case(b, node, scope) : NULL;
}

/* Any value as text. */
static struct kql_expr *as_text(struct kql_binder *b, struct kql_expr *expr)
{
    return expr ? kql_call(b, "tostring", expr->at, &expr, 1) : NULL;
}

static struct kql_expr *special_coalesce(struct kql_binder *b, const struct kql_node *node,
                                         const struct kql_scope *scope)
{
    size_t n = 0;
    struct kql_expr **args = want(b, node, 1, 64) ? bind_args(b, node, scope, &n) : NULL;
    if (!args || !make_common(b, args, n, 1, 0))
        return NULL;
    bool text = args[0]->type == COLUMN_STRING, nullable = true;
    for (size_t i = 0; i < n; i++)
        nullable &= args[i]->nullable;
    struct kql_expr *out = call(b, text ? "(coalesce text)" : "(coalesce)", node, args, n);
    if (out && out->kind == KQL_CALL)
        out->nullable = nullable && !text;
    return out;
}

static struct kql_expr *special_extreme(struct kql_binder *b, const struct kql_node *node,
                                        const struct kql_scope *scope)
{
    size_t n = 0;
    struct kql_expr **args = want(b, node, 2, 64) ? bind_args(b, node, scope, &n) : NULL;
    if (!args || !make_common(b, args, n, 1, 0))
        return NULL;
    return call(b, str_eq(node->text, STR("min_of")) ? "(min_of)" : "(max_of)", node, args, n);
}

static struct kql_expr *special_strcat(struct kql_binder *b, const struct kql_node *node,
                                       const struct kql_scope *scope)
{
    size_t n = 0;
    struct kql_expr **args = want(b, node, 1, 64) ? bind_args(b, node, scope, &n) : NULL;
    for (size_t i = 0; args && i < n; i++) {
        args[i] = as_text(b, args[i]);
        if (!args[i])
            return NULL;
    }
    return args ? call(b, "(concat)", node, args, n) : NULL;
}

/* tolower, toupper and their like take any value as text. */
static struct kql_expr *as_json(struct kql_binder *b, struct kql_expr *expr)
{
    return expr ? kql_call(b, "(dynamic)", expr->at, &expr, 1) : NULL;
}

static struct kql_expr *special_pack_array(struct kql_binder *b, const struct kql_node *node,
                                           const struct kql_scope *scope)
{
    size_t n = 0;
    struct kql_expr **args = bind_args(b, node, scope, &n);
    for (size_t i = 0; args && i < n; i++) {
        args[i] = as_json(b, args[i]);
        if (!args[i])
            return NULL;
    }
    return args ? call(b, "(array)", node, args, n) : NULL;
}

/* bag_pack(key, value, ...) */
static struct kql_expr *special_bag_pack(struct kql_binder *b, const struct kql_node *node,
                                         const struct kql_scope *scope)
{
    size_t n = 0;
    struct kql_expr **args = bind_args(b, node, scope, &n);
    if (args && n % 2 != 0) {
        kql_refuse(b->text, node->at, "%s() takes pairs of a key and a value",
                   kql_printed(b, "%.*s", (int) node->text.n, node->text.p));
        return NULL;
    }
    for (size_t i = 0; args && i < n; i++) {
        args[i] = as_json(b, i % 2 ? args[i] : as_text(b, args[i]));
        if (!args[i])
            return NULL;
    }
    return args ? call(b, "(bag)", node, args, n) : NULL;
}

static bool is_plain(const struct kql_column *column)
{
    return !column->hidden && !column->inner;
}

/* pack_all([ignore_null_empty]): every column with its name. */
static struct kql_expr *special_pack_all(struct kql_binder *b, const struct kql_node *node,
                                         const struct kql_scope *scope)
{
    if (!want(b, node, 0, 1))
        return NULL;
    bool ignore = false;
    if (node->first) {
        struct kql_expr *flag = kql_bind_typed(b, node->first, scope, COLUMN_BOOL);
        if (!flag || flag->kind != KQL_CONST) {
            if (flag)
                kql_refuse(b->text, node->first->whole, "a constant is expected");
            return NULL;
        }
        ignore = flag->value.i != 0;
    }
    struct kql_expr **args = kql_new(b, 2 * scope->n + 1, sizeof *args);
    size_t n = 0;
    for (size_t i = 0; args && i < scope->n; i++) {
        if (!is_plain(scope->v[i]))
            continue;
        struct kql_expr *name = kql_const_text(b, scope->v[i]->name, node->at);
        args[n++] = as_json(b, name);
        args[n++] = as_json(b, kql_column_ref(b, scope->v[i], node->at));
        if (!args[n - 1] || !args[n - 2])
            return NULL;
    }
    return args ? call(b, ignore ? "(bag of all)" : "(bag)", node, args, n) : NULL;
}

static struct kql_expr *const_tick(struct kql_binder *b, const struct kql_node *node, int64_t tick)
{
    return kql_const(b, (struct kql_value){.type = COLUMN_DATETIME, .i = tick}, node->at);
}

/* now([offset]), ago(span) */
static struct kql_expr *special_now(struct kql_binder *b, const struct kql_node *node,
                                    const struct kql_scope *scope)
{
    bool ago = str_eq(node->text, STR("ago"));
    if (!want(b, node, ago ? 1 : 0, 1))
        return NULL;
    struct kql_expr *args[2] = {const_tick(b, node, b->options->now), NULL};
    if (!args[0] || !node->first)
        return args[0];
    args[1] = kql_bind_typed(b, node->first, scope, COLUMN_TIMESPAN);
    return args[1] ? call(b, ago ? "-" : "+", node, args, 2) : NULL;
}

/* ingestion_time(): an inner column of a table; null where rows come from elsewhere. */
static struct kql_expr *special_ingestion_time(struct kql_binder *b, const struct kql_node *node,
                                               const struct kql_scope *scope)
{
    if (!want(b, node, 0, 0))
        return NULL;
    struct kql_expr *out = NULL;
    for (size_t i = 0; i < scope->n && !out; i++) {
        if (scope->v[i]->inner && str_eq(scope->v[i]->name, STR("_weir_ingestion")))
            out = kql_column_ref(b, scope->v[i], node->at);
    }
    if (!out)
        out = kql_const(b, (struct kql_value){.type = COLUMN_DATETIME, .null = true}, node->at);
    if (out)
        out->name = STR("$IngestionTime");
    return out;
}

/* estimate_data_size: the bytes of a value by its type (column_fixed_size), nulls of types of fixed size included. Text:
 * its UTF-8 bytes. Dynamic: the bytes of its JSON text, and as many again for what the engine keeps beside it (the
 * reference only says that a dynamic value is larger than the same text): the rows "(size of ...)" of functions_op.c. */
static struct kql_expr *size_of(struct kql_binder *b, const struct kql_node *node,
                                struct kql_column *column)
{
    struct kql_expr *arg = kql_column_ref(b, column, node->at);
    bool dynamic = column->type == COLUMN_DYNAMIC;
    return arg ? call(b, dynamic ? "(size of dynamic)" : "(size of text)", node, &arg, 1) : NULL;
}

static struct kql_expr *special_estimate_size(struct kql_binder *b, const struct kql_node *node,
                                              const struct kql_scope *scope)
{
    int64_t fixed = 0;
    size_t n = 1;
    struct kql_expr **args = kql_new(b, scope->n + count_args(node) + 1, sizeof *args);
    bool star = node->first && node->first->kind == KQL_NODE_STAR && !node->first->next;
    const struct kql_node *arg = star ? NULL : node->first;
    if (!args || (!node->first && !want(b, node, 1, ARGS_MAX)))
        return NULL;
    for (size_t i = 0; star ? i < scope->n : arg != NULL; i++) {
        struct kql_column *column = star ? scope->v[i] : kql_scope_find(scope, arg->text);
        if (!star && (arg->kind != KQL_NODE_NAME || !column)) {
            kql_refuse(b->text, arg->whole, "the name of a column is expected");
            return NULL;
        }
        if (star && !is_plain(column))
            continue;
        fixed += (int64_t) column_fixed_size(column->type);
        if (column->type == COLUMN_STRING || column->type == COLUMN_DYNAMIC)
            args[n++] = size_of(b, node, column);
        if (!args[n - 1] && n > 1)
            return NULL;
        arg = star ? NULL : arg->next;
    }
    args[0] = kql_const_long(b, fixed, node->at);
    return args[0] ? call(b, "(sum of)", node, args, n) : NULL;
}

static bool want_order(struct kql_binder *b, const struct kql_node *node)
{
    if (b->ordered)
        return true;
    kql_refuse(b->text, node->at, "%s() needs rows in an order",
               kql_printed(b, "%.*s", (int) node->text.n, node->text.p));
    return error_hint(b->text->err,
                      "put sort or serialize before it, and it into extend, project, where");
}

/* row_number([start [, restart]]) */
static struct kql_expr *special_row_number(struct kql_binder *b, const struct kql_node *node,
                                           const struct kql_scope *scope)
{
    struct kql_expr *args[2] = {NULL};
    if (!want(b, node, 0, 2) || !want_order(b, node))
        return NULL;
    args[0] = node->first ? kql_bind_typed(b, node->first, scope, COLUMN_LONG)
                          : kql_const_long(b, 1, node->at);
    if (!args[0])
        return NULL;
    if (node->first && node->first->next) {
        kql_refuse(b->text, node->first->next->whole, "restarting a number is not supported yet");
        return NULL;
    }
    return call(b, "(row_number)", node, args, 1);
}

static struct kql_expr *special_row_cumsum(struct kql_binder *b, const struct kql_node *node,
                                           const struct kql_scope *scope)
{
    if (!want(b, node, 1, 2) || !want_order(b, node))
        return NULL;
    if (node->first->next) {
        kql_refuse(b->text, node->first->next->whole, "restarting a sum is not supported yet");
        return NULL;
    }
    struct kql_expr *arg = kql_bind_expr(b, node->first, scope);
    return arg ? call(b, "(row_cumsum)", node, &arg, 1) : NULL;
}

/* prev(column [, offset [, default]]), next(...) */
static struct kql_expr *special_neighbour(struct kql_binder *b, const struct kql_node *node,
                                          const struct kql_scope *scope)
{
    struct kql_expr *args[3] = {NULL};
    if (!want(b, node, 1, 3) || !want_order(b, node))
        return NULL;
    const struct kql_node *arg = node->first;
    size_t n = 2;
    args[0] = kql_bind_expr(b, arg, scope);
    arg = arg->next;
    args[1] = arg ? kql_bind_typed(b, arg, scope, COLUMN_LONG) : kql_const_long(b, 1, node->at);
    if (!args[0] || !args[1])
        return NULL;
    if (arg && arg->next) {
        args[n++] = kql_bind_typed(b, arg->next, scope, args[0]->type);
        if (!args[2])
            return NULL;
    }
    return call(b, str_eq(node->text, STR("prev")) ? "(prev)" : "(next)", node, args, n);
}

/* toscalar(query): the first column of its first row. toscalar(value): the value. */
static struct kql_expr *special_toscalar(struct kql_binder *b, const struct kql_node *node,
                                         const struct kql_scope *scope)
{
    struct kql_plan *plan = NULL;
    if (!want(b, node, 1, 1))
        return NULL;
    if (!kql_is_tabular(b, node->first))
        return kql_bind_expr(b, node->first, scope);
    struct kql_expr *query = kql_new(b, 1, sizeof *query);
    if (!query || !kql_bind_tabular(b, node->first, &plan))
        return NULL;
    *query = (struct kql_expr){.kind = KQL_QUERY, .at = node->at, .query = plan};
    for (size_t i = 0; i < plan->out.n; i++) {
        if (is_plain(plan->out.v[i])) {
            query->type = plan->out.v[i]->type;
            return call(b, "(scalar of)", node, &query, 1);
        }
    }
    kql_refuse(b->text, node->at, "the query has no column");
    return NULL;
}

/* column_ifexists("name", default) */
static struct kql_expr *special_column_ifexists(struct kql_binder *b, const struct kql_node *node,
                                                const struct kql_scope *scope)
{
    if (!want(b, node, 2, 2))
        return NULL;
    struct kql_expr *name = kql_bind_typed(b, node->first, scope, COLUMN_STRING);
    if (!name || name->kind != KQL_CONST) {
        if (name)
            kql_refuse(b->text, node->first->whole, "the name must be a constant");
        return NULL;
    }
    struct kql_column *column = kql_scope_find(scope, name->value.text);
    return column ? kql_column_ref(b, column, node->at)
                  : kql_bind_expr(b, node->first->next, scope);
}

/* A function over text that takes any value, as its text. */
static struct kql_expr *special_text(struct kql_binder *b, const struct kql_node *node,
                                     const struct kql_scope *scope)
{
    size_t n = 0, count = 0;
    struct kql_expr **args = bind_args(b, node, scope, &n);
    const struct kql_function *rows = kql_function_rows(node->text, KQL_SCALAR, &count);
    for (size_t i = 0; args && rows && i < n; i++) {
        if (kql_letter_at(rows->args, i) == 's' && args[i]->type != COLUMN_STRING) {
            struct str name = args[i]->name;
            args[i] = as_text(b, args[i]);
            if (!args[i])
                return NULL;
            args[i]->name = name;
        }
    }
    return args ? kql_call_rows(b, rows, count, node->text, node->at, args, n) : NULL;
}

/* extract(regex, group, text [, typeof(type)]) */
static struct kql_expr *special_extract(struct kql_binder *b, const struct kql_node *node,
                                        const struct kql_scope *scope)
{
    if (!want(b, node, 3, 4))
        return NULL;
    const struct kql_node *type = node->first;
    struct kql_expr *args[3];
    for (int i = 0; i < 3; i++, type = type->next) {
        args[i] = kql_bind_expr(b, type, scope);
        if (!args[i])
            return NULL;
    }
    if (args[1]->kind == KQL_CONST && (args[1]->value.i < 0 || args[1]->value.i > 9)) {
        kql_refuse(b->text, args[1]->at, "groups 0 to 9 can be extracted");
        return NULL;
    }
    struct kql_expr *out = call(b, "extract", node, args, 3);
    if (!out || !type)
        return out;
    static const char *const names[COLUMN_TYPE_COUNT] = {
        "tobool",     "toint",      "tolong", "toreal",   "todecimal",
        "todatetime", "totimespan", "toguid", "tostring", "parse_json"};
    if (type->kind != KQL_NODE_TYPE) {
        kql_refuse(b->text, type->whole, "typeof(...) is expected");
        return NULL;
    }
    out = call(b, names[type->value.type], node, &out, 1);
    if (out)
        out->name = (struct str){NULL, 0};
    return out;
}

static const struct {
    const char *name;
    kql_special_fn *bind;
} specials[] = {
    {"ago", special_now},
    {"bag_pack", special_bag_pack},
    {"case", special_case},
    {"coalesce", special_coalesce},
    {"column_ifexists", special_column_ifexists},
    {"columnifexists", special_column_ifexists},
    {"estimate_data_size", special_estimate_size},
    {"extract", special_extract},
    {"iff", special_iff},
    {"iif", special_iff},
    {"indexof", special_text},
    {"ingestion_time", special_ingestion_time},
    {"max_of", special_extreme},
    {"min_of", special_extreme},
    {"next", special_neighbour},
    {"now", special_now},
    {"pack", special_bag_pack},
    {"pack_all", special_pack_all},
    {"pack_array", special_pack_array},
    {"pack_dictionary", special_bag_pack},
    {"prev", special_neighbour},
    {"row_cumsum", special_row_cumsum},
    {"row_number", special_row_number},
    {"split", special_text},
    {"strcat", special_strcat},
    {"strcat_delim", special_text},
    {"substring", special_text},
    {"tolower", special_text},
    {"toscalar", special_toscalar},
    {"toupper", special_text},
};

enum { SPECIALS = sizeof specials / sizeof *specials };

kql_special_fn *kql_special_find(struct str name)
{
    for (size_t i = 0; i < SPECIALS; i++) {
        if (str_eq(name, str_of(specials[i].name)))
            return specials[i].bind;
    }
    return NULL;
}

size_t kql_special_names(const char **out, size_t room)
{
    size_t n = 0;
    while (n < SPECIALS && n < room) {
        out[n] = specials[n].name;
        n++;
    }
    return n;
}
