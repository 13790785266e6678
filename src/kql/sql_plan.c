/* The SQL of stages: one common table expression each, in order, and a last select that names the columns. */

#include "kql/sql.h"

#include "base/tick.h"
#include "kql/kql.h"

#include <ctype.h>
#include <math.h>

enum { SQL_MAX = 64 << 20 };

static void put_stage_name(struct kql_sql *sql, const struct kql_plan *plan)
{
    buf_printf(&sql->out, "%s%u", sql->prefix, plan->id);
}

static void put_from(struct kql_sql *sql, const struct kql_plan *plan)
{
    if (plan->n_inputs == 0)
        return;
    buf_puts(&sql->out, "\n    from ");
    put_stage_name(sql, plan->inputs[0]);
}

/* One column of the select list: handed on, or computed here. */
static void put_column(struct kql_sql *sql, const struct kql_plan *plan,
                       const struct kql_column *column, bool *first)
{
    buf_puts(&sql->out, *first ? " " : ", ");
    *first = false;
    if (column->stage == plan && column->expr) {
        kql_sql_computed(sql, column->expr);
        buf_puts(&sql->out, " as ");
    }
    kql_sql_name(&sql->out, column->sql);
}

/* The columns that something above needs. A select list cannot be empty. */
static void put_columns(struct kql_sql *sql, const struct kql_plan *plan,
                        const struct kql_column *but)
{
    bool first = true;
    for (size_t i = 0; i < plan->out.n; i++) {
        const struct kql_column *column = plan->out.v[i];
        if (column->used && column != but)
            put_column(sql, plan, column, &first);
    }
    if (first)
        buf_puts(&sql->out, " 1 as \"nothing\"");
}

static void put_keys(struct kql_sql *sql, const struct kql_plan *plan)
{
    for (size_t i = 0; i < plan->n_order; i++) {
        const struct kql_key *key = &plan->order[i];
        buf_puts(&sql->out, i ? ", " : " order by ");
        kql_sql_name(&sql->out, key->column->sql);
        if (!plan->numbered)
            buf_printf(&sql->out, " %s nulls %s", key->descending ? "desc" : "asc",
                       key->nulls_first ? "first" : "last");
    }
}

static void put_table_name(struct kql_sql *sql, struct str name)
{
    buf_putc(&sql->out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"')
            buf_putc(&sql->out, '"');
        buf_putc(&sql->out, name.p[i]);
    }
    buf_putc(&sql->out, '"');
}

static void put_table(struct kql_sql *sql, const struct kql_plan *plan)
{
    buf_puts(&sql->out, "select");
    put_columns(sql, plan, NULL);
    buf_puts(&sql->out, "\n    from ");
    put_table_name(sql, plan->name);
}

static void put_filter(struct kql_sql *sql, const struct kql_plan *plan)
{
    buf_puts(&sql->out, "select");
    put_columns(sql, plan, NULL);
    put_from(sql, plan);
    buf_puts(&sql->out, plan->predicate->windows ? "\n    qualify " : "\n    where ");
    sql->filter = true;
    kql_sql_expr(sql, plan->predicate);
    sql->filter = false;
}

static void put_select(struct kql_sql *sql, const struct kql_plan *plan)
{
    buf_puts(&sql->out, plan->kind == KQL_DISTINCT ? "select distinct" : "select");
    put_columns(sql, plan, NULL);
    put_from(sql, plan);
}

static void put_limit(struct kql_sql *sql, const struct kql_plan *plan)
{
    put_select(sql, plan);
    put_keys(sql, plan);
    buf_printf(&sql->out, " limit %lld", (long long) plan->limit);
}

static void put_number(struct kql_sql *sql, const struct kql_plan *plan)
{
    const struct kql_column *number = plan->order[0].column;
    buf_puts(&sql->out, "select");
    put_columns(sql, plan, number);
    if (number->used) {
        buf_puts(&sql->out, ", row_number() over (");
        put_keys(sql, plan->inputs[0]);
        buf_puts(&sql->out, ") as ");
        kql_sql_name(&sql->out, number->sql);
    }
    put_from(sql, plan);
}

static void put_group(struct kql_sql *sql, const struct kql_plan *plan)
{
    put_select(sql, plan);
    for (size_t i = 0; i < plan->n_keys; i++) {
        buf_puts(&sql->out, i ? ", " : "\n    group by ");
        kql_sql_name(&sql->out, plan->keys[i]->sql);
    }
}

static void put_join_side(struct kql_sql *sql, const struct kql_plan *plan, bool left)
{
    const struct kql_plan *in = plan->inputs[left ? 0 : 1];
    bool unique = left && plan->join == KQL_INNERUNIQUE;
    buf_puts(&sql->out, unique ? "(select distinct on (" : "");
    for (size_t i = 0; unique && i < plan->n_args; i += 2) {
        buf_puts(&sql->out, i ? ", " : "");
        kql_sql_name(&sql->out, plan->args[i]->column->sql);
    }
    buf_puts(&sql->out, unique ? ") * from " : "");
    put_stage_name(sql, in);
    buf_printf(&sql->out, "%s as %c", unique ? ")" : "", left ? 'l' : 'r');
}

static void put_join(struct kql_sql *sql, const struct kql_plan *plan)
{
    static const char *const words[KQL_JOIN_KINDS] = {
        [KQL_INNERUNIQUE] = "join",    [KQL_INNER] = "join",
        [KQL_LEFTOUTER] = "left join", [KQL_RIGHTOUTER] = "right join",
        [KQL_FULLOUTER] = "full join", [KQL_LEFTSEMI] = "semi join",
        [KQL_RIGHTSEMI] = "semi join", [KQL_LEFTANTI] = "anti join",
        [KQL_RIGHTANTI] = "anti join"};
    bool turned = plan->join == KQL_RIGHTSEMI || plan->join == KQL_RIGHTANTI;
    buf_puts(&sql->out, "select");
    put_columns(sql, plan, NULL);
    buf_puts(&sql->out, "\n    from ");
    put_join_side(sql, plan, !turned);
    buf_printf(&sql->out, " %s ", words[plan->join]);
    put_join_side(sql, plan, turned);
    for (size_t i = 0; i < plan->n_args; i += 2) {
        buf_puts(&sql->out, i ? " and " : " on (");
        kql_sql_expr(sql, plan->args[i]);
        buf_puts(&sql->out, " = ");
        kql_sql_expr(sql, plan->args[i + 1]);
    }
    buf_putc(&sql->out, ')');
}

static void put_union(struct kql_sql *sql, const struct kql_plan *plan)
{
    for (size_t k = 0; k < plan->n_inputs; k++) {
        bool first = true;
        buf_puts(&sql->out, k ? "\n    union all select" : "select");
        for (size_t i = 0; i < plan->out.n; i++) {
            const struct kql_column *column = plan->out.v[i];
            if (!column->used)
                continue;
            buf_puts(&sql->out, first ? " " : ", ");
            first = false;
            kql_sql_expr(sql, column->sources[k]);
            buf_puts(&sql->out, " as ");
            kql_sql_name(&sql->out, column->sql);
        }
        buf_puts(&sql->out, first ? " 1 as \"nothing\"" : "");
        buf_puts(&sql->out, " from ");
        put_stage_name(sql, plan->inputs[k]);
    }
}

static const char *cast_type(enum column_type type)
{
    static const char *const names[COLUMN_TYPE_COUNT] = {
        [COLUMN_BOOL] = "boolean",    [COLUMN_INT] = "integer",     [COLUMN_LONG] = "bigint",
        [COLUMN_REAL] = "double",     [COLUMN_DECIMAL] = "varchar", [COLUMN_DATETIME] = "bigint",
        [COLUMN_TIMESPAN] = "bigint", [COLUMN_GUID] = "varchar",    [COLUMN_STRING] = "varchar",
        [COLUMN_DYNAMIC] = "varchar"};
    return names[type];
}

/* Rows of the text. Without a row there is nothing whose types could be seen: one row of nulls, and none of it. */
static void put_values(struct kql_sql *sql, const struct kql_plan *plan)
{
    size_t width = plan->out.n;
    buf_puts(&sql->out, "select");
    for (size_t i = 0; i < width; i++) {
        const struct kql_column *column = plan->out.v[i];
        buf_puts(&sql->out, i ? ", cast(" : " cast(");
        kql_sql_name(&sql->out, column->sql);
        buf_printf(&sql->out, " as %s) as ", cast_type(column->type));
        kql_sql_name(&sql->out, column->sql);
    }
    buf_puts(&sql->out, "\n    from (values ");
    for (size_t i = 0; width > 0 && (i < plan->n_args || i < width); i++) {
        buf_puts(&sql->out, i % width ? ", " : i ? "), (" : "(");
        if (i < plan->n_args)
            kql_sql_expr(sql, plan->args[i]);
        else
            buf_puts(&sql->out, "null");
    }
    buf_puts(&sql->out, ")) as v(");
    for (size_t i = 0; i < width; i++) {
        buf_puts(&sql->out, i ? ", " : "");
        kql_sql_name(&sql->out, plan->out.v[i]->sql);
    }
    buf_puts(&sql->out, plan->n_args ? ")" : ") where false");
}

/* How many values a range of constants has. */
static int64_t series_count(const struct kql_value *from, const struct kql_value *to,
                            const struct kql_value *step)
{
    __extension__ typedef __int128 wide;
    if (from->null || to->null || step->null || (step->type != COLUMN_REAL && step->i == 0))
        return 0;
    if (from->type == COLUMN_REAL) {
        double steps = floor((to->r - from->r) / step->r);
        return steps >= 0 && steps < 9e18 ? (int64_t) steps + 1 : 0;
    }
    wide span = (wide) to->i - from->i;
    if (step->i > 0 ? span < 0 : span > 0)
        return 0;
    wide count = span / step->i + 1;
    return count > INT64_MAX ? INT64_MAX : (int64_t) count;
}

/* from + step * 0, 1, 2 ... up to and with to. */
static void put_series(struct kql_sql *sql, const struct kql_plan *plan)
{
    struct kql_expr *const *args = plan->args;
    const struct kql_column *column = plan->out.v[0];
    bool constant =
        args[0]->kind == KQL_CONST && args[1]->kind == KQL_CONST && args[2]->kind == KQL_CONST;
    buf_puts(&sql->out, "select cast(");
    kql_sql_expr(sql, args[0]);
    buf_puts(&sql->out, " + place * ");
    kql_sql_expr(sql, args[2]);
    buf_printf(&sql->out, " as %s) as ", cast_type(column->type));
    kql_sql_name(&sql->out, column->sql);
    if (constant) {
        int64_t count = series_count(&args[0]->value, &args[1]->value, &args[2]->value);
        buf_printf(&sql->out, "\n    from range(%lld) as r(place)", (long long) count);
        return;
    }
    buf_puts(&sql->out, "\n    from (select unnest(range(cast(floor((");
    kql_sql_expr(sql, args[1]);
    buf_puts(&sql->out, " - ");
    kql_sql_expr(sql, args[0]);
    buf_puts(&sql->out, ") / ");
    kql_sql_expr(sql, args[2]);
    buf_puts(&sql->out, ") as bigint) + 1)) as place)");
}

static void put_plan(struct kql_sql *sql, const struct kql_plan *plan)
{
    sql->stage = plan;
    switch (plan->kind) {
    case KQL_TABLE:
        put_table(sql, plan);
        break;
    case KQL_VALUES:
        put_values(sql, plan);
        break;
    case KQL_SERIES:
        put_series(sql, plan);
        break;
    case KQL_FILTER:
        put_filter(sql, plan);
        break;
    case KQL_SELECT:
    case KQL_DISTINCT:
        put_select(sql, plan);
        break;
    case KQL_LIMIT:
        put_limit(sql, plan);
        break;
    case KQL_NUMBER:
        put_number(sql, plan);
        break;
    case KQL_GROUP:
        put_group(sql, plan);
        break;
    case KQL_JOIN:
        put_join(sql, plan);
        break;
    case KQL_UNION:
        put_union(sql, plan);
        break;
    }
}

/* A prefix that no table of the query begins with when a digit follows: s, ss, ... */
static const char *choose_prefix(const struct kql_stages *stages)
{
    static const char longest[] = "ssssssssssssssss";
    size_t n = 1;
    for (size_t i = 0; i < stages->n && n < sizeof longest - 1; i++) {
        struct str name = stages->v[i]->name;
        size_t k = 0;
        while (k < name.n && (name.p[k] | 0x20) == 's')
            k++;
        if (k >= n && k < name.n && isdigit((unsigned char) name.p[k]))
            n = k + 1;
    }
    return longest + (sizeof longest - 1 - n);
}

static void put_result(struct kql_sql *sql, const struct kql_plan *last)
{
    bool first = true;
    buf_puts(&sql->out, "select");
    for (size_t i = 0; i < last->out.n; i++) {
        const struct kql_column *column = last->out.v[i];
        if (column->hidden || column->inner)
            continue;
        buf_puts(&sql->out, first ? " " : ", ");
        first = false;
        kql_sql_name(&sql->out, column->sql);
        if (!str_eq(str_of(column->sql), column->name)) {
            buf_puts(&sql->out, " as ");
            put_table_name(sql, column->name);
        }
    }
    buf_puts(&sql->out, first ? " 1 as \"nothing\"" : "");
    buf_puts(&sql->out, " from ");
    put_stage_name(sql, last);
    put_keys(sql, last);
}

bool kql_sql_write(const struct kql_stages *stages, const struct kql_plan *last, struct buf *out,
                   struct error *err)
{
    struct kql_sql sql = {.out = BUF_INIT(SQL_MAX), .prefix = choose_prefix(stages)};
    const char *before = "with ";
    for (size_t i = 0; i < stages->n && sql.out.used < SQL_MAX; i++) {
        const struct kql_plan *plan = stages->v[i];
        if (!plan->live)
            continue;
        buf_puts(&sql.out, before);
        put_stage_name(&sql, plan);
        buf_puts(&sql.out, plan->kept          ? " as materialized ("
                           : plan->readers > 1 ? " as ("
                                               : " as not materialized (");
        put_plan(&sql, plan);
        buf_puts(&sql.out, ")");
        before = ",\n";
    }
    buf_putc(&sql.out, '\n');
    put_result(&sql, last);
    *out = sql.out;
    return buf_ok(out, "the SQL of the query", err);
}
