/* Sight: the rows that a query may see. */

#include "emulator/sight.h"

#include "base/tick.h"

/* What every SQL of kql begins with: there is a stage always. */
#define SQL_START "with "

/* The condition's own view of its table: all columns, so that none gets lost on the way. */
static bool give_all(void *context, struct str name, struct columns *visible,
                     struct columns *hidden, struct error *err)
{
    const struct table *table = context;
    (void) hidden;
    if (!str_eq(name, str_of(table->name)))
        return error_set(err, ERROR_NOT_FOUND, "a condition may name '%s' alone", table->name);
    if (!columns_copy(&table->visible, visible, err))
        return false;
    for (size_t i = 0; i < table->hidden.n; i++) {
        const struct column *column = &table->hidden.v[i];
        if (!columns_add(visible, str_of(column->name), column->type, err))
            return false;
    }
    return columns_add(visible, STR("_weir_ingestion"), COLUMN_DATETIME, err);
}

static struct kql_query *compile_condition(const struct table *table, int64_t now,
                                           struct error *err)
{
    /* The context is only read. */
    void *context;
    memcpy(&context, &table, sizeof context);
    struct kql_options options = {.table = give_all, .context = context, .now = now};
    return kql_compile(str_of(table->condition), &options, err);
}

bool sight_check_condition(const struct table *table, struct error *err)
{
    struct kql_query *query = compile_condition(table, TICK_UNIX_EPOCH, err);
    if (!query)
        return false;
    size_t wanted = table->visible.n + table->hidden.n + 1;
    bool whole = kql_columns(query)->n == wanted;
    kql_free(query);
    if (!whole || !kql_check_row_by_row(str_of(table->condition), err))
        return error_set(err, ERROR_USAGE, "the condition of '%s' has more than `where`",
                         table->name);
    return true;
}

/* The age at which rows are out of sight; 0: none is. */
static int64_t oldest(const struct sight *sight, const struct table *table)
{
    if (!table->timed)
        return 0;
    return sight->archive ? table->total : table->retention;
}

static bool hides(const struct sight *sight, const struct table *table)
{
    return table->newest > sight->now || oldest(sight, table) > 0 ||
           (sight->conditional && table->condition);
}

/* The rows that are there by time. */
static void put_present(const struct sight *sight, const struct table *table, struct buf *sql)
{
    const char *joint = " where ";
    buf_printf(sql, "select * from main.\"%s\"", table->name);
    if (table->newest > sight->now) {
        buf_printf(sql, "%s_weir_visible <= %lld", joint, (long long) sight->now);
        joint = " and ";
    }
    if (oldest(sight, table) > 0)
        buf_printf(sql, "%s\"TimeGenerated\" >= %lld", joint,
                   (long long) (sight->now - oldest(sight, table)));
}

/* "T" as not materialized (...) */
static bool put_expression(const struct sight *sight, const struct table *table, struct buf *sql,
                           struct error *err)
{
    buf_printf(sql, "\"%s\" as not materialized (", table->name);
    if (sight->conditional && table->condition) {
        struct kql_query *condition = compile_condition(table, sight->now, err);
        if (!condition)
            return false;
        buf_printf(sql, SQL_START "\"%s\" as not materialized (", table->name);
        put_present(sight, table, sql);
        buf_printf(sql, "), %s)", kql_sql(condition) + sizeof SQL_START - 1);
        kql_free(condition);
    } else {
        put_present(sight, table, sql);
        buf_putc(sql, ')');
    }
    return true;
}

bool sight_put(const struct sight *sight, const struct kql_query *query, struct buf *sql,
               struct error *err)
{
    const struct kql_table *named;
    size_t n = kql_tables(query, &named);
    const char *text = kql_sql(query), *before = SQL_START;
    if (strncmp(text, SQL_START, sizeof SQL_START - 1) != 0)
        return error_set(err, ERROR_INTERNAL, "the query's SQL begins in another way");
    for (size_t i = 0; i < n; i++) {
        const struct table *table = tables_find(sight->tables, str_of(named[i].name), err);
        if (!table)
            return false;
        if (!hides(sight, table))
            continue;
        buf_puts(sql, before);
        if (!put_expression(sight, table, sql, err))
            return false;
        before = ", ";
    }
    buf_puts(sql, before);
    buf_puts(sql, text + sizeof SQL_START - 1);
    return buf_ok(sql, "the SQL of the query", err);
}

bool sight_put_scan(const struct sight *sight, const struct table *table, int64_t from, int64_t to,
                    struct buf *sql, struct error *err)
{
    struct sight all = *sight;
    all.conditional = false;
    buf_puts(sql, "select cast(coalesce(sum(\"_BilledSize\"), 0) as bigint) from (");
    put_present(&all, table, sql);
    buf_putc(sql, ')');
    if (table->timed)
        buf_printf(sql, " where \"TimeGenerated\" >= %lld and \"TimeGenerated\" < %lld",
                   (long long) from, (long long) to);
    return buf_ok(sql, "SQL", err);
}
