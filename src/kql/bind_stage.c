/* Operators that keep or choose rows and columns: where, project and its family, extend, sort, take, print ... */

#include "kql/bind.h"
#include "kql/stage.h"

/* Numbers the rows in their order, for functions of that order. */
static bool number_rows(struct kql_binder *b, struct kql_plan **io)
{
    if ((*io)->numbered)
        return true;
    struct kql_plan *plan = kql_plan_new(b, KQL_NUMBER, "serialize", *io);
    if (!plan || !kql_plan_pass_all(b, plan))
        return false;
    struct str name = kql_printed_str(b, "row %u", ++b->names);
    struct kql_column *column = kql_column_new(b, name, COLUMN_LONG, false, &plan->out, NULL);
    plan->order = kql_new(b, 1, sizeof *plan->order);
    if (!column || !plan->order || !kql_scope_add(b, &plan->out, column))
        return false;
    column->inner = true;
    column->stage = plan;
    *plan->order = (struct kql_key){.column = column};
    plan->n_order = 1;
    plan->numbered = true;
    *io = plan;
    return true;
}

/* Binds an expression that may look at neighbouring rows. */
static struct kql_expr *bind_ordered(struct kql_binder *b, const struct kql_node *node,
                                     const struct kql_scope *scope)
{
    b->ordered = true;
    struct kql_expr *expr = kql_bind_expr(b, node, scope);
    b->ordered = false;
    return expr;
}

bool kql_bind_where(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    b->ordered = true;
    struct kql_expr *predicate = kql_bind_typed(b, stage->list, &(*io)->out, COLUMN_BOOL);
    b->ordered = false;
    if (!predicate || (predicate->windows && !number_rows(b, io)))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_FILTER, "where", *io);
    if (!plan)
        return false;
    plan->predicate = predicate;
    *io = plan;
    return kql_plan_pass_all(b, plan);
}

/* One column of project, extend, print, serialize: what it is called and holds. */
struct item {
    const struct kql_node *node;
    struct kql_expr *expr;
    struct str name;
    bool given; /* the name stands in the text */
};

/* Binds a list of [name =] expression. */
static bool bind_items(struct kql_binder *b, const struct kql_node *list,
                       const struct kql_scope *scope, struct item **out, size_t *n, bool *windows)
{
    *n = 0;
    for (const struct kql_node *node = list; node; node = node->next)
        ++*n;
    struct item *items = *out = kql_new(b, *n, sizeof *items);
    size_t i = 0;
    for (const struct kql_node *node = list; items && node; node = node->next, i++) {
        bool named = node->kind == KQL_NODE_NAMED;
        if (named && node->second)
            return kql_refuse(b->text, node->whole,
                              "several names for one value are not supported yet");
        items[i].node = node;
        items[i].given = named;
        items[i].expr = bind_ordered(b, named ? node->first : node, scope);
        if (!items[i].expr)
            return false;
        items[i].name = named ? node->text : items[i].expr->name;
        *windows |= items[i].expr->windows;
    }
    return items != NULL;
}

static bool is_plain_column(const struct item *item)
{
    return item->expr->kind == KQL_COLUMN && str_eq(item->name, item->expr->column->name);
}

static bool refuse_twice(struct kql_binder *b, const struct item *item)
{
    return kql_refuse(b->text, item->node->at, "column %s is there already",
                      kql_show(b->text, item->name));
}

/* Gives each item the name it is going to have. A given name may stand once; one that was made up makes way. */
static bool name_items(struct kql_binder *b, struct item *items, size_t n, const char *unnamed,
                       bool by_place)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        bool made_up = !items[i].given && items[i].name.n == 0;
        if (made_up)
            items[i].name = kql_printed_str(b, "%s%u", unnamed, by_place ? (unsigned) i : ++count);
        struct str wanted = items[i].name;
        for (unsigned suffix = 0, k = 0; k < i; k++) {
            if (!str_eq(items[k].name, items[i].name))
                continue;
            bool explicit_now = items[i].given || is_plain_column(&items[i]);
            bool explicit_then = items[k].given || is_plain_column(&items[k]);
            if (explicit_now && explicit_then)
                return refuse_twice(b, &items[i]);
            items[i].name = kql_printed_str(b, "%.*s%u", (int) wanted.n, wanted.p, ++suffix);
            k = (unsigned) -1; /* look again from the start */
        }
        if (!items[i].name.p)
            return false;
    }
    return true;
}

/* Adds the items' columns to the plan: those that only hand on a column as they are. `scope` holds what else is
 * going to stand beside them. */
static bool add_items(struct kql_binder *b, struct kql_plan *plan, struct item *items, size_t n,
                      const struct kql_scope *beside)
{
    struct kql_scope passed = {0};
    for (size_t i = 0; i < n; i++) {
        if (is_plain_column(&items[i]) && !items[i].expr->column->hidden &&
            !kql_scope_add(b, &passed, items[i].expr->column))
            return false;
    }
    for (size_t i = 0; i < beside->n; i++) {
        if (!kql_scope_add(b, &passed, beside->v[i]))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct kql_expr *expr = items[i].expr;
        bool hidden = expr->kind == KQL_COLUMN && expr->column->hidden;
        if (is_plain_column(&items[i]) && !hidden) {
            if (!kql_scope_add(b, &plan->out, expr->column))
                return false;
            continue;
        }
        struct kql_column *column =
            kql_column_new(b, items[i].name, expr->type, expr->nullable, &passed, &plan->out);
        if (!column)
            return false;
        column->time = expr->kind == KQL_COLUMN && expr->column->time;
        if (!kql_plan_compute(b, plan, column, expr))
            return false;
    }
    return true;
}

static bool inner_columns(struct kql_binder *b, const struct kql_plan *plan, struct kql_scope *out)
{
    for (size_t i = 0; i < plan->out.n; i++) {
        if (plan->out.v[i]->inner && !kql_scope_add(b, out, plan->out.v[i]))
            return false;
    }
    return true;
}

bool kql_bind_project(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    struct item *items = NULL;
    struct kql_scope inner = {0};
    size_t n = 0;
    bool windows = false;
    if (!bind_items(b, stage->list, &(*io)->out, &items, &n, &windows) ||
        !name_items(b, items, n, "Column", false) || (windows && !number_rows(b, io)))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, "project", *io);
    if (!plan || !inner_columns(b, *io, &inner) || !add_items(b, plan, items, n, &inner) ||
        !kql_plan_pass_inner(b, plan, false))
        return false;
    kql_plan_keep_order(plan);
    *io = plan;
    return true;
}

static struct item *find_item(struct item *items, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(items[i].name, name))
            return &items[i];
    }
    return NULL;
}

/* A made-up name that is neither a column of the input nor another item. */
static bool name_unnamed(struct kql_binder *b, struct item *items, size_t n,
                         const struct kql_scope *scope)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        struct item *item = &items[i];
        while (item->name.n == 0 ||
               (!item->given && item->expr->name.n == 0 &&
                (kql_scope_find(scope, item->name) || find_item(items, i, item->name)))) {
            item->name = kql_printed_str(b, "Column%u", ++count);
            if (!item->name.p)
                return false;
        }
        struct item *earlier = find_item(items, i, item->name);
        if (earlier && item->given && earlier->given)
            return refuse_twice(b, item);
    }
    return true;
}

/* The last item of the name: it is the one that counts. */
static struct item *last_item(struct item *items, size_t n, struct str name)
{
    struct item *last = NULL;
    for (size_t i = 0; i < n; i++)
        last = str_eq(items[i].name, name) ? &items[i] : last;
    return last;
}

/* Columns that stay beside the items. */
static bool columns_that_stay(struct kql_binder *b, const struct kql_scope *in, struct item *items,
                              size_t n, struct kql_scope *out)
{
    for (size_t i = 0; i < in->n; i++) {
        bool stays = in->v[i]->inner || !find_item(items, n, in->v[i]->name);
        if (stays && !kql_scope_add(b, out, in->v[i]))
            return false;
    }
    return true;
}

/* The column of an item, once. */
static bool add_item(struct kql_binder *b, struct kql_plan *plan, const struct item *item,
                     const struct kql_scope *beside)
{
    if (kql_scope_find(&plan->out, item->name))
        return true;
    struct kql_expr *expr = item->expr;
    struct kql_column *column =
        kql_column_new(b, item->name, expr->type, expr->nullable, beside, &plan->out);
    if (column)
        column->time = expr->kind == KQL_COLUMN && expr->column->time;
    return kql_plan_compute(b, plan, column, expr);
}

/* Items stand in the place of the column that has their name; new ones at the end. */
static bool extend_columns(struct kql_binder *b, struct kql_plan *plan, struct item *items,
                           size_t n)
{
    const struct kql_scope *in = &plan->inputs[0]->out;
    struct kql_scope beside = {0};
    if (!columns_that_stay(b, in, items, n, &beside))
        return false;
    for (size_t i = 0; i < in->n; i++) {
        struct item *item = in->v[i]->inner ? NULL : last_item(items, n, in->v[i]->name);
        if (item ? !add_item(b, plan, item, &beside) : !kql_scope_add(b, &plan->out, in->v[i]))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!add_item(b, plan, last_item(items, n, items[i].name), &beside))
            return false;
    }
    return true;
}

static bool bind_extension(struct kql_binder *b, const struct kql_stage *stage,
                           struct kql_plan **io, const char *what)
{
    struct item *items = NULL;
    size_t n = 0;
    bool windows = false;
    if (!bind_items(b, stage->list, &(*io)->out, &items, &n, &windows) ||
        !name_unnamed(b, items, n, &(*io)->out) || (windows && !number_rows(b, io)))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, what, *io);
    if (!plan || !extend_columns(b, plan, items, n))
        return false;
    kql_plan_keep_order(plan);
    *io = plan;
    return true;
}

bool kql_bind_extend(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return bind_extension(b, stage, io, "extend");
}

bool kql_bind_serialize(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return !stage->list || bind_extension(b, stage, io, "serialize");
}

/* The visible columns that a name or pattern means. */
static bool pattern_matches(const struct kql_node *node, const struct kql_column *column)
{
    if (column->inner)
        return false;
    if (node->kind == KQL_NODE_NAME)
        return str_eq(node->text, column->name);
    return !column->hidden && kql_name_matches(node->text, column->name);
}

static bool check_patterns(struct kql_binder *b, const struct kql_node *list,
                           const struct kql_scope *scope)
{
    for (const struct kql_node *node = list; node; node = node->next) {
        if (node->kind == KQL_NODE_NAME && !kql_scope_find(scope, node->text))
            return kql_unknown_column(b, scope, node->text, node->at);
    }
    return true;
}

/* project-away and project-keep: columns that some pattern means go, or stay. */
static bool choose_columns(struct kql_binder *b, const struct kql_stage *stage,
                           struct kql_plan **io, bool keep)
{
    const struct kql_scope *in = &(*io)->out;
    if (!check_patterns(b, stage->list, in))
        return false;
    struct kql_plan *plan =
        kql_plan_new(b, KQL_SELECT, keep ? "project-keep" : "project-away", *io);
    for (size_t i = 0; plan && i < in->n; i++) {
        bool meant = false;
        for (const struct kql_node *node = stage->list; node; node = node->next)
            meant |= pattern_matches(node, in->v[i]);
        bool stays = in->v[i]->inner || (in->v[i]->hidden && !keep && !meant) || meant == keep;
        if (stays && !(keep && in->v[i]->hidden && !meant) &&
            !kql_scope_add(b, &plan->out, in->v[i]))
            return false;
    }
    if (!plan)
        return false;
    kql_plan_keep_order(plan);
    *io = plan;
    return true;
}

bool kql_bind_away(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return choose_columns(b, stage, io, false);
}

bool kql_bind_keep(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return choose_columns(b, stage, io, true);
}

/* A column under another name. */
static bool add_renamed(struct kql_binder *b, struct kql_plan *plan, struct kql_column *column,
                        struct str name)
{
    struct kql_at nowhere = {0, 0};
    struct kql_column *renamed =
        kql_column_new(b, name, column->type, column->nullable, &plan->inputs[0]->out, &plan->out);
    if (renamed)
        renamed->time = column->time;
    return kql_plan_compute(b, plan, renamed, kql_column_ref(b, column, nowhere));
}

static bool check_renames(struct kql_binder *b, const struct kql_stage *stage,
                          const struct kql_scope *in)
{
    for (const struct kql_node *node = stage->list; node; node = node->next) {
        if (node->kind != KQL_NODE_NAMED || node->second || node->first->kind != KQL_NODE_NAME)
            return kql_refuse(b->text, node->whole, "new name = old name is expected");
        if (!kql_scope_find(in, node->first->text))
            return kql_unknown_column(b, in, node->first->text, node->first->at);
        bool gone = false;
        for (const struct kql_node *other = stage->list; other; other = other->next)
            gone |= other->kind == KQL_NODE_NAMED && str_eq(other->first->text, node->text);
        if (!gone && kql_scope_find(in, node->text))
            return kql_refuse(b->text, node->at, "column %s is there already",
                              kql_show(b->text, node->text));
    }
    return true;
}

bool kql_bind_rename(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    const struct kql_scope *in = &(*io)->out;
    if (!check_renames(b, stage, in))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, "project-rename", *io);
    for (size_t i = 0; plan && i < in->n; i++) {
        const struct kql_node *found = NULL;
        for (const struct kql_node *node = stage->list; node && !in->v[i]->inner;
             node = node->next) {
            if (str_eq(node->first->text, in->v[i]->name))
                found = node;
        }
        if (found ? !add_renamed(b, plan, in->v[i], found->text)
                  : !kql_scope_add(b, &plan->out, in->v[i]))
            return false;
    }
    if (!plan)
        return false;
    kql_plan_keep_order(plan);
    *io = plan;
    return true;
}

static int compare_columns(const struct kql_column *x, const struct kql_column *y)
{
    return str_compare(x->name, y->name);
}

/* Adds the columns a pattern means, in its direction, unless they are there. */
static bool add_reordered(struct kql_binder *b, struct kql_plan *plan, const struct kql_node *node)
{
    const struct kql_scope *in = &plan->inputs[0]->out;
    size_t from = plan->out.n;
    for (size_t i = 0; i < in->n; i++) {
        if (!pattern_matches(node, in->v[i]) || kql_scope_find(&plan->out, in->v[i]->name))
            continue;
        if (!kql_scope_add(b, &plan->out, in->v[i]))
            return false;
        size_t k = plan->out.n - 1;
        for (; node->flag && k > from; k--) {
            struct kql_column **v = plan->out.v;
            int order = compare_columns(v[k - 1], v[k]);
            if (node->other ? order >= 0 : order <= 0)
                break;
            struct kql_column *swapped = v[k];
            v[k] = v[k - 1];
            v[k - 1] = swapped;
        }
    }
    return true;
}

bool kql_bind_reorder(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    const struct kql_scope *in = &(*io)->out;
    if (!check_patterns(b, stage->list, in))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, "project-reorder", *io);
    for (const struct kql_node *node = stage->list; plan && node; node = node->next) {
        if (!add_reordered(b, plan, node))
            return false;
    }
    for (size_t i = 0; plan && i < in->n; i++) {
        if ((in->v[i]->inner || !kql_scope_find(&plan->out, in->v[i]->name)) &&
            !kql_scope_add(b, &plan->out, in->v[i]))
            return false;
    }
    if (!plan)
        return false;
    kql_plan_keep_order(plan);
    *io = plan;
    return true;
}

/* Keys of an order as inner columns of a new stage, which then has that order. */
static bool add_keys(struct kql_binder *b, const struct kql_node *list, struct kql_plan **io,
                     const char *what)
{
    size_t n = 0, i = 0;
    for (const struct kql_node *node = list; node; node = node->next)
        n++;
    struct kql_expr **exprs = kql_new(b, n, sizeof *exprs);
    for (const struct kql_node *node = list; exprs && node; node = node->next) {
        exprs[i] = kql_bind_expr(b, node, &(*io)->out);
        if (!exprs[i])
            return false;
        if (exprs[i++]->type == COLUMN_DYNAMIC) {
            kql_refuse(b->text, node->whole, "rows cannot be sorted by a dynamic value");
            return error_hint(b->text->err, "use tostring() or tolong() around it");
        }
    }
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, what, *io);
    struct kql_key *keys = kql_new(b, n, sizeof *keys);
    if (!exprs || !plan || !keys || !kql_plan_pass_all(b, plan))
        return false;
    i = 0;
    for (const struct kql_node *node = list; node; node = node->next, i++) {
        struct str name = kql_printed_str(b, "order %u", ++b->names);
        struct kql_column *column =
            kql_column_new(b, name, exprs[i]->type, exprs[i]->nullable, &plan->out, NULL);
        if (!kql_plan_compute(b, plan, column, exprs[i]))
            return false;
        column->inner = true;
        keys[i] = (struct kql_key){column, node->flag, node->other};
    }
    plan->order = keys;
    plan->n_order = n;
    plan->numbered = false;
    *io = plan;
    return true;
}

bool kql_bind_sort(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    return add_keys(b, stage->list, io, "sort");
}

/* A constant count of rows. */
static bool bind_limit(struct kql_binder *b, const struct kql_node *node, int64_t *out)
{
    static const struct kql_scope empty = {0};
    struct kql_expr *expr = kql_bind_typed(b, node, &empty, COLUMN_LONG);
    if (!expr)
        return false;
    if (expr->kind != KQL_CONST || expr->value.null || expr->value.i < 0)
        return kql_refuse(b->text, node->whole, "a number of rows is expected");
    *out = expr->value.i;
    return true;
}

static bool add_limit(struct kql_binder *b, struct kql_plan **io, int64_t limit, const char *what)
{
    struct kql_plan *plan = kql_plan_new(b, KQL_LIMIT, what, *io);
    if (!plan || !kql_plan_pass_all(b, plan))
        return false;
    plan->limit = limit;
    *io = plan;
    return true;
}

bool kql_bind_take(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    int64_t limit = 0;
    return bind_limit(b, stage->list, &limit) && add_limit(b, io, limit, "take");
}

bool kql_bind_top(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    int64_t limit = 0;
    return bind_limit(b, stage->list, &limit) && add_keys(b, stage->list->next, io, "top") &&
           add_limit(b, io, limit, "top");
}

bool kql_bind_as(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    struct kql_let *let = kql_new(b, 1, sizeof *let);
    if (!let)
        return false;
    *let = (struct kql_let){.name = stage->list->text, .plan = *io, .next = b->lets};
    b->lets = let;
    return true;
}

bool kql_bind_render(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    (void) b;
    (void) stage;
    (void) io;
    return true;
}

bool kql_bind_print(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    static const struct kql_scope empty = {0};
    struct item *items = NULL;
    size_t n = 0;
    bool windows = false;
    if (!bind_items(b, stage->list, &empty, &items, &n, &windows) ||
        !name_items(b, items, n, "print_", true))
        return false;
    struct kql_plan *plan = kql_plan_new(b, KQL_SELECT, "print", NULL);
    *io = plan;
    return plan && add_items(b, plan, items, n, &empty);
}

/* A column of rows that stand in the text. */
static struct kql_column *value_column(struct kql_binder *b, struct kql_plan *plan, struct str name,
                                       enum column_type type)
{
    struct kql_column *column = kql_column_new(b, name, type, true, &plan->out, NULL);
    if (!column || !kql_scope_add(b, &plan->out, column))
        return NULL;
    column->stage = plan;
    return column;
}

/* A value of a datatable: of the column's type, or null, or a dynamic one from any. */
static struct kql_expr *bind_cell(struct kql_binder *b, const struct kql_node *node,
                                  enum column_type type)
{
    static const struct kql_scope empty = {0};
    struct kql_expr *expr = kql_bind_expr(b, node, &empty);
    if (!expr || expr->type == type)
        return expr;
    struct kql_expr *converted = kql_convert(b, expr, type);
    if (!converted && type == COLUMN_DYNAMIC)
        converted = kql_call(b, "(dynamic)", node->at, &expr, 1);
    if (!converted && expr->type == COLUMN_STRING && type == COLUMN_DATETIME)
        converted = kql_call(b, "todatetime", node->at, &expr, 1);
    if (!converted && expr->type == COLUMN_LONG && type == COLUMN_INT)
        converted = kql_call(b, "toint", node->at, &expr, 1);
    if (!converted && type == COLUMN_GUID && expr->type == COLUMN_STRING)
        converted = kql_call(b, "toguid", node->at, &expr, 1);
    if (!converted && type == COLUMN_DECIMAL)
        converted = kql_call(b, "todecimal", node->at, &expr, 1);
    if (!converted && type == COLUMN_BOOL)
        converted = kql_call(b, "tobool", node->at, &expr, 1);
    if (!converted)
        kql_refuse(b->text, node->whole, "a %s is expected, this is a %s", column_type_name(type),
                   column_type_name(expr->type));
    return converted;
}

bool kql_bind_datatable(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    struct kql_plan *plan = *io = kql_plan_new(b, KQL_VALUES, "datatable", NULL);
    size_t cells = 0, i = 0;
    for (const struct kql_declared *d = stage->columns; plan && d; d = d->next) {
        if (kql_scope_find(&plan->out, d->name))
            return kql_refuse(b->text, stage->at, "column %s is there already",
                              kql_show(b->text, d->name));
        if (!value_column(b, plan, d->name, d->type))
            return false;
    }
    for (const struct kql_node *node = stage->list; node; node = node->next)
        cells++;
    if (!plan || plan->out.n == 0 || cells % plan->out.n != 0)
        return plan && kql_refuse(b->text, stage->at, "%zu values do not fill rows of %zu columns",
                                  cells, plan->out.n);
    plan->args = kql_new(b, cells, sizeof *plan->args);
    plan->n_args = cells;
    for (const struct kql_node *node = stage->list; plan->args && node; node = node->next, i++) {
        plan->args[i] = bind_cell(b, node, plan->out.v[i % plan->out.n]->type);
        if (!plan->args[i])
            return false;
    }
    return plan->args != NULL;
}

bool kql_bind_range(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    static const struct kql_scope empty = {0};
    const struct kql_node *nodes[3] = {stage->list, stage->list->next, stage->list->next->next};
    struct kql_expr **args = kql_new(b, 3, sizeof *args);
    if (!args)
        return false;
    for (int i = 0; i < 3; i++) {
        args[i] = kql_bind_expr(b, nodes[i], &empty);
        if (!args[i])
            return false;
    }
    bool times = args[0]->type == COLUMN_DATETIME && args[1]->type == COLUMN_DATETIME &&
                 args[2]->type == COLUMN_TIMESPAN;
    enum column_type type = times ? COLUMN_DATETIME : kql_common_type(args, 3);
    bool fits = type == COLUMN_DATETIME || type == COLUMN_TIMESPAN || type == COLUMN_INT ||
                type == COLUMN_LONG || type == COLUMN_REAL;
    if (!fits || (type == COLUMN_DATETIME && !times))
        return kql_refuse(b->text, stage->at,
                          "range takes numbers, timespans, or datetimes with a "
                          "timespan as the step");
    for (int i = 0; i < 3 && !times; i++) {
        args[i] = kql_convert(b, args[i], type);
        if (!args[i])
            return false;
    }
    struct kql_plan *plan = *io = kql_plan_new(b, KQL_SERIES, "range", NULL);
    if (!plan)
        return false;
    plan->args = args;
    plan->n_args = 3;
    return value_column(b, plan, stage->name, type) != NULL;
}

/* The .NET name of a type, which getschema shows beside KQL's. */
static const char *dotnet_type(enum column_type type)
{
    static const char *const names[COLUMN_TYPE_COUNT] = {
        [COLUMN_BOOL] = "System.SByte",
        [COLUMN_INT] = "System.Int32",
        [COLUMN_LONG] = "System.Int64",
        [COLUMN_REAL] = "System.Double",
        [COLUMN_DECIMAL] = "System.Data.SqlTypes.SqlDecimal",
        [COLUMN_DATETIME] = "System.DateTime",
        [COLUMN_TIMESPAN] = "System.TimeSpan",
        [COLUMN_GUID] = "System.Guid",
        [COLUMN_STRING] = "System.String",
        [COLUMN_DYNAMIC] = "System.Object",
    };
    return names[type];
}

bool kql_bind_getschema(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    const struct kql_scope *in = &(*io)->out;
    struct kql_plan *plan = kql_plan_new(b, KQL_VALUES, "getschema", NULL);
    if (!plan || !value_column(b, plan, STR("ColumnName"), COLUMN_STRING) ||
        !value_column(b, plan, STR("ColumnOrdinal"), COLUMN_LONG) ||
        !value_column(b, plan, STR("DataType"), COLUMN_STRING) ||
        !value_column(b, plan, STR("ColumnType"), COLUMN_STRING))
        return false;
    plan->args = kql_new(b, 4 * in->n, sizeof *plan->args);
    if (!plan->args)
        return false;
    int64_t ordinal = 0;
    for (size_t i = 0; i < in->n; i++) {
        const struct kql_column *column = in->v[i];
        if (column->hidden || column->inner)
            continue;
        struct kql_expr **row = plan->args + plan->n_args;
        row[0] = kql_const_text(b, column->name, stage->at);
        row[1] = kql_const_long(b, ordinal++, stage->at);
        row[2] = kql_const_text(b, str_of(dotnet_type(column->type)), stage->at);
        row[3] = kql_const_text(b, str_of(column_type_name(column->type)), stage->at);
        if (!row[0] || !row[1] || !row[2] || !row[3])
            return false;
        plan->n_args += 4;
    }
    *io = plan;
    return true;
}
