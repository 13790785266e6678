/* The SQL of scalar expressions: literals, columns, templates, and the shapes that no template holds. */

#include "kql/sql.h"

#include <math.h>
#include <stdio.h>

void kql_sql_name(struct buf *out, const char *name)
{
    buf_putc(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_putc(out, '"');
        buf_putc(out, *name);
    }
    buf_putc(out, '"');
}

/* A NUL cannot stand in the SQL's text: it is put in by chr(0). */
void kql_sql_text(struct buf *out, struct str text)
{
    bool odd = text.n > 0 && memchr(text.p, '\0', text.n) != NULL;
    buf_puts(out, odd ? "('" : "'");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\0') {
            buf_puts(out, "' || chr(0) || '");
            continue;
        }
        if (text.p[i] == '\'')
            buf_putc(out, '\'');
        buf_putc(out, text.p[i]);
    }
    buf_puts(out, odd ? "')" : "'");
}

static const char *sql_type(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return "boolean";
    case COLUMN_INT:
        return "integer";
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        return "bigint";
    case COLUMN_REAL:
        return "double";
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return "varchar";
}

static void put_real(struct buf *out, double value)
{
    if (isnan(value)) {
        buf_puts(out, "'nan'::double");
    } else if (isinf(value)) {
        buf_puts(out, value > 0 ? "'infinity'::double" : "'-infinity'::double");
    } else {
        char text[40];
        (void) snprintf(text, sizeof text, "%.17g", value);
        buf_puts(out, text);
        buf_puts(out, strchr(text, 'e') ? "" : "e0"); /* without it the literal is a decimal */
    }
}

static void put_const(struct buf *out, const struct kql_value *value)
{
    if (value->null) {
        buf_printf(out, "cast(null as %s)", sql_type(value->type));
        return;
    }
    switch (value->type) {
    case COLUMN_BOOL:
        buf_puts(out, value->i ? "true" : "false");
        break;
    case COLUMN_INT:
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        if (value->i == INT64_MIN)
            buf_puts(out, "cast('-9223372036854775808' as bigint)");
        else
            buf_printf(out, value->i < 0 ? "(%lld)" : "%lld", (long long) value->i);
        break;
    case COLUMN_REAL:
        put_real(out, value->r);
        break;
    case COLUMN_GUID:
        buf_putc(out, '\'');
        for (size_t i = 0; i < value->text.n; i++) {
            char c = value->text.p[i];
            buf_putc(out, c >= 'A' && c <= 'F' ? (char) (c | 0x20) : c);
        }
        buf_putc(out, '\'');
        break;
    case COLUMN_DECIMAL:
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        kql_sql_text(out, value->text);
        break;
    }
}

static bool is_ascii_const(const struct kql_expr *expr)
{
    if (expr->kind != KQL_CONST)
        return false;
    for (size_t i = 0; i < expr->value.text.n; i++) {
        if ((unsigned char) expr->value.text.p[i] >= 0x80)
            return false;
    }
    return true;
}

/* " order by ..." of the rows that the stage reads, without its first blank. */
static void put_order(struct kql_sql *sql)
{
    const struct kql_plan *in = sql->stage->n_inputs > 0 ? sql->stage->inputs[0] : NULL;
    for (size_t i = 0; in && i < in->n_order; i++) {
        const struct kql_key *key = &in->order[i];
        buf_puts(&sql->out, i ? ", " : "order by ");
        kql_sql_name(&sql->out, key->column->sql);
        if (!in->numbered)
            buf_printf(&sql->out, " %s nulls %s", key->descending ? "desc" : "asc",
                       key->nulls_first ? "first" : "last");
    }
}

static void put_all(struct kql_sql *sql, const struct kql_expr *call)
{
    for (size_t i = 0; i < call->n; i++) {
        buf_puts(&sql->out, i ? ", " : "");
        kql_sql_expr(sql, call->args[i]);
    }
}

static void put_template(struct kql_sql *sql, const struct kql_expr *call, const char *text)
{
    for (; *text; text++) {
        if (*text != '$') {
            buf_putc(&sql->out, *text);
            continue;
        }
        text++;
        if (*text == '*')
            put_all(sql, call);
        else if (*text == 'o')
            put_order(sql);
        else if (*text >= '1' && *text <= '9' && (size_t) (*text - '1') < call->n)
            kql_sql_expr(sql, call->args[*text - '1']);
        else
            buf_printf(&sql->out, "$%c", *text);
    }
}

static void put_call(struct kql_sql *sql, const struct kql_expr *call, bool filter)
{
    const struct kql_function *row = call->function;
    if (row->write) {
        sql->filter = filter;
        row->write(sql, call);
        return;
    }
    const char *text = row->duckdb;
    if (row->duckdb_unicode && !is_ascii_const(call->args[1]))
        text = row->duckdb_unicode;
    else if (row->duckdb_filter && filter)
        text = row->duckdb_filter;
    put_template(sql, call, text);
}

void kql_sql_expr(struct kql_sql *sql, const struct kql_expr *expr)
{
    bool filter = sql->filter;
    sql->filter = false;
    switch (expr->kind) {
    case KQL_CONST:
        put_const(&sql->out, &expr->value);
        break;
    case KQL_COLUMN:
        if (expr->side)
            buf_printf(&sql->out, "%c.", expr->side);
        kql_sql_name(&sql->out, expr->column->sql);
        break;
    case KQL_CALL: {
        bool text = expr->type == COLUMN_STRING && expr->nullable;
        buf_puts(&sql->out, text ? "coalesce(" : "");
        put_call(sql, expr, filter);
        buf_puts(&sql->out, text ? ", '')" : "");
        break;
    }
    case KQL_QUERY:
        break; /* only within the shapes below */
    }
    sql->filter = filter;
}

/* A computed column: of just the physical type that the contract says, where the text alone may give a narrower
 * one (a literal 1 is an integer). */
void kql_sql_computed(struct kql_sql *sql, const struct kql_expr *expr)
{
    bool sure = expr->kind == KQL_COLUMN || sql_type(expr->type)[0] == 'v' ||
                (expr->kind == KQL_CALL && expr->function->duckdb &&
                 strncmp(expr->function->duckdb, "weir_", 5) == 0) ||
                (expr->kind == KQL_CALL && expr->type == COLUMN_BOOL);
    buf_puts(&sql->out, sure ? "" : "cast(");
    kql_sql_expr(sql, expr);
    if (!sure)
        buf_printf(&sql->out, " as %s)", sql_type(expr->type));
}

/* Shapes. */

static void put_joined(struct kql_sql *sql, const struct kql_expr *call, const char *word)
{
    bool filter = sql->filter;
    buf_putc(&sql->out, '(');
    for (size_t i = 0; i < call->n; i++) {
        buf_puts(&sql->out, i ? word : "");
        sql->filter = filter;
        kql_sql_expr(sql, call->args[i]);
    }
    buf_putc(&sql->out, ')');
}

void kql_write_and(struct kql_sql *sql, const struct kql_expr *call)
{
    put_joined(sql, call, " and ");
}

void kql_write_or(struct kql_sql *sql, const struct kql_expr *call)
{
    put_joined(sql, call, " or ");
}

static const struct kql_column *first_column(const struct kql_plan *plan)
{
    for (size_t i = 0; i < plan->out.n; i++) {
        if (!plan->out.v[i]->hidden && !plan->out.v[i]->inner)
            return plan->out.v[i];
    }
    return NULL;
}

/* select <first column> from <stage>; the column may be lowered */
static void put_query_column(struct kql_sql *sql, const struct kql_plan *plan, bool lower)
{
    const struct kql_column *column = first_column(plan);
    buf_puts(&sql->out, lower ? "select lower(" : "select ");
    kql_sql_name(&sql->out, column ? column->sql : "");
    buf_printf(&sql->out, "%s from %s%u", lower ? ")" : "", sql->prefix, plan->id);
}

/* x in (...), with or without case, negated or not. A null x is in no list. */
void kql_write_in(struct kql_sql *sql, const struct kql_expr *call)
{
    bool filter = sql->filter;
    const char *name = call->function->name;
    bool negated = name[1] == '!', fold = strchr(name, '~') != NULL;
    bool query = call->n > 1 && call->args[1]->kind == KQL_QUERY;
    bool nullable = call->args[0]->nullable || (query && call->args[1]->nullable);
    for (size_t i = 1; i < call->n; i++)
        nullable |= call->args[i]->nullable;
    bool lower = fold && call->args[0]->type == COLUMN_STRING;
    if (call->n == 1) {
        buf_puts(&sql->out, negated ? "true" : "false");
        return;
    }
    bool wrap = nullable && (negated || !filter);
    buf_puts(&sql->out, wrap ? (negated ? "(not coalesce(" : "coalesce(") : "(");
    buf_puts(&sql->out, lower ? "lower(" : "");
    kql_sql_expr(sql, call->args[0]);
    buf_puts(&sql->out, lower ? ")" : "");
    buf_puts(&sql->out, negated && !wrap ? " not in (" : " in (");
    if (query)
        put_query_column(sql, call->args[1]->query, lower);
    for (size_t i = 1; i < call->n && !query; i++) {
        buf_puts(&sql->out, i > 1 ? ", " : "");
        buf_puts(&sql->out, lower ? "lower(" : "");
        kql_sql_expr(sql, call->args[i]);
        buf_puts(&sql->out, lower ? ")" : "");
    }
    buf_puts(&sql->out, wrap ? (negated ? "), false))" : "), false)") : "))");
}

void kql_write_array_of(struct kql_sql *sql, const struct kql_expr *call)
{
    const struct kql_plan *plan = call->args[0]->query;
    const struct kql_column *column = first_column(plan);
    bool json = column && column->type == COLUMN_DYNAMIC;
    buf_printf(&sql->out, "(select '[' || coalesce(string_agg(%s",
               json ? "coalesce(" : "weir_json_text(cast(");
    kql_sql_name(&sql->out, column ? column->sql : "");
    buf_printf(&sql->out, "%s, ','), '') || ']' from %s%u)", json ? ", 'null')" : " as varchar))",
               sql->prefix, plan->id);
}

void kql_write_scalar_of(struct kql_sql *sql, const struct kql_expr *call)
{
    const struct kql_plan *plan = call->args[0]->query;
    buf_putc(&sql->out, '(');
    put_query_column(sql, plan, false);
    for (size_t i = 0; i < plan->n_order; i++) {
        buf_puts(&sql->out, i ? ", " : " order by ");
        kql_sql_name(&sql->out, plan->order[i].column->sql);
        buf_printf(&sql->out, " %s nulls %s", plan->order[i].descending ? "desc" : "asc",
                   plan->order[i].nulls_first ? "first" : "last");
    }
    buf_puts(&sql->out, " limit 1)");
}

void kql_write_case(struct kql_sql *sql, const struct kql_expr *call)
{
    buf_puts(&sql->out, "(case");
    for (size_t i = 0; i + 1 < call->n; i += 2) {
        buf_puts(&sql->out, " when ");
        sql->filter = true;
        kql_sql_expr(sql, call->args[i]);
        sql->filter = false;
        buf_puts(&sql->out, " then ");
        kql_sql_expr(sql, call->args[i + 1]);
    }
    buf_puts(&sql->out, " else ");
    kql_sql_expr(sql, call->args[call->n - 1]);
    buf_puts(&sql->out, " end)");
}

/* The first text that is not empty. */
void kql_write_coalesce_text(struct kql_sql *sql, const struct kql_expr *call)
{
    buf_puts(&sql->out, "coalesce(");
    for (size_t i = 0; i < call->n; i++) {
        buf_puts(&sql->out, "nullif(");
        kql_sql_expr(sql, call->args[i]);
        buf_puts(&sql->out, ", ''), ");
    }
    buf_puts(&sql->out, "'')");
}

/* A JSON value, or JSON's null. */
static void put_json(struct kql_sql *sql, const struct kql_expr *expr)
{
    buf_puts(&sql->out, expr->nullable ? "coalesce(" : "");
    kql_sql_expr(sql, expr);
    buf_puts(&sql->out, expr->nullable ? ", 'null')" : "");
}

void kql_write_array(struct kql_sql *sql, const struct kql_expr *call)
{
    buf_puts(&sql->out, "('['");
    for (size_t i = 0; i < call->n; i++) {
        buf_puts(&sql->out, i ? " || ',' || " : " || ");
        put_json(sql, call->args[i]);
    }
    buf_puts(&sql->out, " || ']')");
}

/* Keys and values by turns. "(bag of all)" leaves out nulls and empty texts. */
void kql_write_bag(struct kql_sql *sql, const struct kql_expr *call)
{
    bool ignore = strcmp(call->function->name, "(bag)") != 0;
    buf_puts(&sql->out, ignore ? "('{' || concat_ws(','" : "('{'");
    for (size_t i = 0; i + 1 < call->n; i += 2) {
        buf_puts(&sql->out, ignore ? ", nullif(" : i ? " || ',' || " : " || ");
        kql_sql_expr(sql, call->args[i]);
        buf_puts(&sql->out, " || ':' || ");
        if (!ignore) {
            put_json(sql, call->args[i + 1]);
            continue;
        }
        kql_sql_expr(sql, call->args[i + 1]);
        buf_puts(&sql->out, ", ");
        kql_sql_expr(sql, call->args[i]);
        buf_puts(&sql->out, " || ':\"\"')");
    }
    buf_puts(&sql->out, ignore ? ") || '}')" : " || '}')");
}

void kql_write_sum_of(struct kql_sql *sql, const struct kql_expr *call)
{
    buf_putc(&sql->out, '(');
    for (size_t i = 0; i < call->n; i++) {
        buf_puts(&sql->out, i ? " + " : "");
        kql_sql_expr(sql, call->args[i]);
    }
    buf_putc(&sql->out, ')');
}
