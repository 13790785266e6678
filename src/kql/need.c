/* From the last stage back to the tables: every stage is looked at once, after all that read it. */

#include "kql/need.h"

#include "kql/function.h"

#include "base/tick.h"

struct range {
    int64_t from, to;
};

static const struct range all = {0, TICK_MAX + 1};

static struct range intersect(struct range a, struct range b)
{
    return (struct range){a.from > b.from ? a.from : b.from, a.to < b.to ? a.to : b.to};
}

static struct range hull(struct range a, struct range b)
{
    if (a.from >= a.to)
        return b;
    if (b.from >= b.to)
        return a;
    return (struct range){a.from < b.from ? a.from : b.from, a.to > b.to ? a.to : b.to};
}

static void want_range(struct kql_plan *plan, struct range range)
{
    struct range wanted = {plan->from, plan->to};
    wanted = wanted.from > wanted.to ? range : hull(wanted, range);
    plan->from = wanted.from;
    plan->to = wanted.to;
}

static bool is_time(const struct kql_expr *expr)
{
    return expr->kind == KQL_COLUMN && expr->column->time;
}

static bool is_tick(const struct kql_expr *expr)
{
    return expr->kind == KQL_CONST && expr->type == COLUMN_DATETIME && !expr->value.null &&
           expr->value.i >= 0 && expr->value.i <= TICK_MAX;
}

/* What `time op tick` leaves. */
static struct range range_of(const char *op, int64_t tick)
{
    if (strcmp(op, "<") == 0)
        return (struct range){0, tick};
    if (strcmp(op, "<=") == 0)
        return (struct range){0, tick + 1};
    if (strcmp(op, ">") == 0)
        return (struct range){tick + 1, all.to};
    if (strcmp(op, ">=") == 0)
        return (struct range){tick, all.to};
    if (strncmp(op, "(== ", 4) == 0)
        return (struct range){tick, tick + 1};
    return all;
}

static const char *turned(const char *op)
{
    static const char *const pairs[][2] = {{"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(op, pairs[i][0]) == 0)
            return pairs[i][1];
    }
    return op;
}

/* The times for which a condition can be true. */
static struct range times_of(const struct kql_expr *expr)
{
    struct range range = all;
    if (expr->kind != KQL_CALL)
        return range;
    const char *op = expr->function->name;
    bool is_and = strcmp(op, "and") == 0;
    if (is_and || strcmp(op, "or") == 0) {
        for (size_t i = 0; i < expr->n; i++) {
            struct range one = times_of(expr->args[i]);
            range = i == 0 ? one : is_and ? intersect(range, one) : hull(range, one);
        }
        return range;
    }
    if (expr->n == 2 && is_time(expr->args[0]) && is_tick(expr->args[1]))
        return range_of(op, expr->args[1]->value.i);
    if (expr->n == 2 && is_tick(expr->args[0]) && is_time(expr->args[1]))
        return range_of(turned(op), expr->args[0]->value.i);
    if (expr->n == 3 && strcmp(op, "between") == 0 && is_time(expr->args[0])) {
        if (is_tick(expr->args[1]))
            range = intersect(range, range_of(">=", expr->args[1]->value.i));
        if (is_tick(expr->args[2]))
            range = intersect(range, range_of("<=", expr->args[2]->value.i));
    }
    return range;
}

static void read_plan(struct kql_plan *plan, struct range range)
{
    plan->live = true;
    plan->readers++;
    want_range(plan, range);
}

static void use_order(const struct kql_plan *plan)
{
    for (size_t i = 0; i < plan->n_order; i++)
        plan->order[i].column->used = true;
}

static void use_first_column(const struct kql_plan *plan)
{
    for (size_t i = 0; i < plan->out.n; i++) {
        if (!plan->out.v[i]->hidden && !plan->out.v[i]->inner) {
            plan->out.v[i]->used = true;
            return;
        }
    }
}

/* Marks what an expression of `stage` reads. Expressions are no deeper than the binder allowed. */
static void use_expr(const struct kql_plan *stage, const struct kql_expr *expr)
{
    if (expr->kind == KQL_COLUMN)
        expr->column->used = true;
    if (expr->kind == KQL_QUERY) {
        read_plan(expr->query, all);
        use_first_column(expr->query);
        if (expr->query->n_order > 0)
            use_order(expr->query);
    }
    if (expr->kind != KQL_CALL)
        return;
    if (expr->function->duckdb && strstr(expr->function->duckdb, "$o") && stage->n_inputs > 0)
        use_order(stage->inputs[0]);
    for (size_t i = 0; i < expr->n; i++)
        use_expr(stage, expr->args[i]);
}

/* Whether rows of the input come out one by one, so that a condition above holds below too. */
static bool hands_rows_on(const struct kql_plan *plan)
{
    return plan->kind == KQL_FILTER || plan->kind == KQL_SELECT || plan->kind == KQL_UNION;
}

static bool uses_windows(const struct kql_plan *plan)
{
    for (size_t i = 0; i < plan->out.n; i++) {
        const struct kql_column *column = plan->out.v[i];
        if (column->stage == plan && column->used && column->expr && column->expr->windows)
            return true;
    }
    return plan->kind == KQL_FILTER && plan->predicate->windows;
}

/* What the columns that the stage makes read, for those that are used. */
static void use_columns(const struct kql_plan *plan)
{
    for (size_t i = 0; i < plan->out.n; i++) {
        const struct kql_column *column = plan->out.v[i];
        if (column->stage != plan || !column->used)
            continue;
        if (column->expr)
            use_expr(plan, column->expr);
        for (size_t k = 0; column->sources && k < plan->n_inputs; k++)
            use_expr(plan, column->sources[k]);
    }
}

static void use_own(const struct kql_plan *plan)
{
    switch (plan->kind) {
    case KQL_FILTER:
        use_expr(plan, plan->predicate);
        break;
    case KQL_LIMIT:
        use_order(plan);
        break;
    case KQL_NUMBER:
        if (plan->order[0].column->used)
            use_order(plan->inputs[0]);
        break;
    case KQL_GROUP:
        for (size_t i = 0; i < plan->n_keys; i++)
            plan->keys[i]->used = true;
        break;
    case KQL_DISTINCT:
        for (size_t i = 0; i < plan->out.n; i++)
            plan->out.v[i]->used = true;
        break;
    case KQL_JOIN:
    case KQL_VALUES:
    case KQL_SERIES:
        for (size_t i = 0; i < plan->n_args; i++)
            use_expr(plan, plan->args[i]);
        break;
    case KQL_TABLE:
    case KQL_SELECT:
    case KQL_UNION:
        break;
    }
}

/* A table is read by at least one column. */
static void use_some(const struct kql_plan *table)
{
    struct kql_column *some = NULL;
    for (size_t i = 0; i < table->out.n; i++) {
        struct kql_column *column = table->out.v[i];
        if (column->used)
            return;
        if (!column->inner && (!some || column->time))
            some = column;
    }
    if (some)
        some->used = true;
}

void kql_need(struct kql_stages *stages, struct kql_plan *last)
{
    read_plan(last, all);
    for (size_t i = 0; i < last->out.n; i++)
        last->out.v[i]->used |= !last->out.v[i]->hidden && !last->out.v[i]->inner;
    use_order(last);
    for (size_t i = stages->n; i-- > 0;) {
        struct kql_plan *plan = stages->v[i];
        if (!plan->live)
            continue;
        use_own(plan);
        use_columns(plan);
        struct range range = {plan->from, plan->to};
        if (plan->kind == KQL_FILTER)
            range = intersect(range, times_of(plan->predicate));
        if (!hands_rows_on(plan) || uses_windows(plan))
            range = all;
        for (size_t k = 0; k < plan->n_inputs; k++)
            read_plan(plan->inputs[k], range);
        if (plan->kind == KQL_TABLE)
            use_some(plan);
    }
}
