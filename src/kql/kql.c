/* The door: compile, look at the result, check without binding. */

#include "kql/kql.h"

#include "kql/bind.h"
#include "kql/check.h"
#include "kql/need.h"
#include "kql/parse.h"
#include "kql/sql.h"

struct kql_query {
    struct arena arena;
    struct buf sql;
    struct columns columns;
    struct kql_table tables[KQL_TABLES_MAX];
    struct columns table_columns[KQL_TABLES_MAX];
    size_t n_tables;
};

bool kql_refuse(const struct kql_text *text, struct kql_at at, const char *format, ...)
{
    struct buf message = BUF_INIT(2 * ERROR_MESSAGE_MAX);
    va_list args;
    va_start(args, format);
    buf_vprintf(&message, format, args);
    va_end(args);
    int line = 1, column = 1;
    for (size_t i = 0; i < at.start && i < text->text.n; i++) {
        unsigned char c = (unsigned char) text->text.p[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) { /* the first byte of a character */
            column++;
        }
    }
    if (text->err && text->err->code == ERROR_NONE) {
        (void) error_set(text->err, ERROR_KQL, "%s", buf_text(&message));
        (void) error_at(text->err, line, column, (int) at.length);
    }
    buf_release(&message);
    return false;
}

const char *kql_show(const struct kql_text *text, struct str name)
{
    enum { SHOWN_MAX = 60 };
    struct buf buf = BUF_INIT(ERROR_MESSAGE_MAX);
    bool cut = name.n > SHOWN_MAX;
    size_t n = cut ? SHOWN_MAX : name.n;
    while (cut && n > 0 && ((unsigned char) name.p[n] & 0xC0) == 0x80)
        n--;
    buf_putc(&buf, '\'');
    text_put_safe(&buf, (struct str){name.p, n});
    buf_puts(&buf, cut ? "...'" : "'");
    const char *shown = arena_copy(text->arena, buf_text(&buf), buf.used, NULL);
    buf_release(&buf);
    return shown ? shown : "it";
}

static bool check_text(struct str text, struct error *err)
{
    if (text.n > KQL_TEXT_MAX)
        return error_set(err, ERROR_KQL, "the query is longer than %d bytes", KQL_TEXT_MAX);
    if (!text_utf8_valid(text))
        return error_set(err, ERROR_KQL, "the query is not UTF-8 text");
    return true;
}

static bool add_visible(struct kql_query *query, const struct kql_plan *last, struct error *err)
{
    for (size_t i = 0; i < last->out.n; i++) {
        const struct kql_column *column = last->out.v[i];
        if (!column->hidden && !column->inner &&
            !columns_add(&query->columns, column->name, column->type, err))
            return false;
    }
    return query->columns.n > 0 || error_set(err, ERROR_KQL, "the query gives no columns");
}

static size_t find_table(const struct kql_query *query, struct str name)
{
    size_t i = 0;
    while (i < query->n_tables && !str_eq(str_of(query->tables[i].name), name))
        i++;
    return i;
}

static struct kql_column *used_column(const struct kql_stages *stages, struct str table, size_t i)
{
    for (size_t s = 0; s < stages->n; s++) {
        const struct kql_plan *plan = stages->v[s];
        if (plan->kind == KQL_TABLE && plan->live && str_eq(plan->name, table) &&
            plan->out.v[i]->used)
            return plan->out.v[i];
    }
    return NULL;
}

/* A column's name ends with a NUL: it is a copy of a table's. */
static bool add_column(struct kql_query *query, size_t table, const char **keys,
                       const struct kql_column *column, struct error *err)
{
    keys[query->table_columns[table].n] = column->name.p;
    return columns_add(&query->table_columns[table], str_of(column->sql), column->type, err);
}

/* A table of the query, as all uses of it together want it. */
static bool add_table(struct kql_query *query, const struct kql_stages *stages,
                      const struct kql_plan *plan, struct error *err)
{
    size_t at = find_table(query, plan->name);
    if (at == KQL_TABLES_MAX)
        return error_set(err, ERROR_KQL, "the query reads more than %d tables", KQL_TABLES_MAX);
    struct kql_table *table = &query->tables[at];
    bool wanted = plan->from < plan->to;
    if (at < query->n_tables) {
        bool known = table->from < table->to;
        if (wanted) {
            table->from = known && table->from < plan->from ? table->from : plan->from;
            table->to = known && table->to > plan->to ? table->to : plan->to;
        }
        return true;
    }
    query->n_tables++;
    const char **keys = arena_alloc(&query->arena, plan->out.n, sizeof *keys, err);
    *table = (struct kql_table){.columns = &query->table_columns[at], .keys = keys};
    table->name = arena_copy(&query->arena, plan->name.p, plan->name.n, err);
    table->from = wanted ? plan->from : 0;
    table->to = wanted ? plan->to : 0;
    if (!table->name || !keys)
        return false;
    for (size_t i = 0; i < plan->out.n; i++) {
        const struct kql_column *column = used_column(stages, plan->name, i);
        if (column && column->inner)
            table->ingestion_time = true;
        else if (column && !add_column(query, at, keys, column, err))
            return false;
    }
    return true;
}

static bool add_tables(struct kql_query *query, const struct kql_stages *stages, struct error *err)
{
    for (size_t i = 0; i < stages->n; i++) {
        if (stages->v[i]->kind == KQL_TABLE && stages->v[i]->live &&
            !add_table(query, stages, stages->v[i], err))
            return false;
    }
    return true;
}

static bool compile(struct kql_query *query, struct str source, const struct kql_options *options,
                    struct error *err)
{
    struct kql_text text = {
        .text = source, .arena = &query->arena, .now = options->now, .err = err};
    struct kql_binder binder = {.text = &text, .options = options};
    struct kql_statement *statements = NULL;
    struct kql_plan *last = NULL;
    if (!check_text(source, err) || !kql_parse(&text, &statements) ||
        !kql_bind_script(&binder, statements, &last))
        return false;
    kql_need(&binder.stages, last);
    return add_visible(query, last, err) && add_tables(query, &binder.stages, err) &&
           kql_sql_write(&binder.stages, last, &query->sql, err);
}

struct kql_query *kql_compile(struct str text, const struct kql_options *options, struct error *err)
{
    struct error own = ERROR_INIT;
    struct kql_query *query = mem_alloc(1, sizeof *query, err);
    if (!query)
        return NULL;
    arena_init(&query->arena, KQL_ARENA_MAX);
    if (compile(query, text, options, err ? err : &own))
        return query;
    kql_free(query);
    return NULL;
}

void kql_free(struct kql_query *query)
{
    if (!query)
        return;
    for (size_t i = 0; i < query->n_tables; i++)
        columns_release(&query->table_columns[i]);
    columns_release(&query->columns);
    buf_release(&query->sql);
    arena_release(&query->arena);
    mem_free(query);
}

const struct columns *kql_columns(const struct kql_query *query)
{
    return &query->columns;
}

const char *kql_sql(const struct kql_query *query)
{
    return buf_text(&query->sql);
}

size_t kql_tables(const struct kql_query *query, const struct kql_table **out)
{
    *out = query->tables;
    return query->n_tables;
}

/* Parses into an arena of its own and looks at what came out. */
static bool check(struct str source, bool by_row, struct error *err)
{
    struct error own = ERROR_INIT;
    struct arena arena;
    arena_init(&arena, KQL_ARENA_MAX);
    struct kql_text text = {.text = source, .arena = &arena, .err = err ? err : &own};
    struct kql_statement *statements = NULL;
    bool good = check_text(source, err) && kql_parse(&text, &statements) &&
                (!by_row || kql_check_statements(&text, statements));
    arena_release(&arena);
    return good;
}

bool kql_check_row_by_row(struct str text, struct error *err)
{
    return check(text, true, err);
}

bool kql_check_syntax(struct str text, struct error *err)
{
    return check(text, false, err);
}
