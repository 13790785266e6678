/* Data's SQL: how the rows of a table are kept, and how queries see them. */

#include "emulator/data_sql.h"

#include "base/tick.h"

#include <stdio.h>

enum {
    DATETIME_TEXT = sizeof "2026-11-21T18:00:00.0000000Z" - 1,
    TIMESPAN_TEXT = sizeof "00:00:00.0000000" - 1,
    HASH_MAX = 96
};

bool data_is_filled(const struct load *load, const char *name)
{
    int at = columns_find(&load->shape.columns, str_of(name));
    return at >= 0 && load->shape.filled[at];
}

static bool has_values(const struct load *load, const char *name, enum column_type type)
{
    int at = columns_find(&load->shape.columns, str_of(name));
    return data_is_filled(load, name) && load->shape.columns.v[at].type == type;
}

bool data_is_kept(const struct load *load, size_t column)
{
    const char *name = load->shape.columns.v[column].name;
    return load->shape.filled[column] || strcmp(name, "TenantId") == 0 ||
           strcmp(name, "Type") == 0 || (load->timed && strcmp(name, "TimeGenerated") == 0);
}

static void put_text(struct buf *sql, const char *text)
{
    buf_putc(sql, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_putc(sql, '\'');
        buf_putc(sql, *text);
    }
    buf_putc(sql, '\'');
}

static void put_filled(struct buf *sql, const char *name, const char *value)
{
    buf_puts(sql, "coalesce(nullif(");
    data_put_name(sql, name, "");
    buf_puts(sql, ", ''), ");
    put_text(sql, value);
    buf_puts(sql, ") AS ");
    data_put_name(sql, name, "");
}

/* What an empty value of a type is in the engine. */
static const char *empty_value(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return "NULL::BOOLEAN";
    case COLUMN_INT:
        return "NULL::INTEGER";
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        return "NULL::BIGINT";
    case COLUMN_REAL:
        return "NULL::DOUBLE";
    case COLUMN_STRING:
        return "''";
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return "NULL::VARCHAR";
}

/* xor(xor(first, second), third): one term for each column that has values. */
static void put_xor(const struct load *load, struct buf *sql,
                    void (*put_term)(const struct column *column, struct buf *sql))
{
    size_t terms = 0;
    for (size_t i = 0; i < load->shape.columns.n; i++)
        terms += load->shape.filled[i];
    for (size_t i = 0; i < terms; i++)
        buf_puts(sql, "xor(");
    buf_puts(sql, "0::UBIGINT");
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        if (!load->shape.filled[i])
            continue;
        buf_puts(sql, ", ");
        put_term(&load->shape.columns.v[i], sql);
        buf_putc(sql, ')');
    }
}

static void put_value_hash(const struct column *column, struct buf *sql)
{
    buf_puts(sql, "hash(");
    data_put_name(sql, column->name, "");
    buf_puts(sql, ", ");
    put_text(sql, column->name);
    buf_putc(sql, ')');
}

static void put_empty_hash(const struct column *column, struct buf *sql)
{
    buf_printf(sql, "hash(%s, ", empty_value(column->type));
    put_text(sql, column->name);
    buf_putc(sql, ')');
}

/* A hash of the row to which an empty value adds nothing: what each would add is taken out again,
 * as one constant. */
static void put_hash(const struct load *load, struct buf *sql)
{
    buf_puts(sql, "xor(");
    put_xor(load, sql, put_value_hash);
    buf_puts(sql, ", ");
    put_xor(load, sql, put_empty_hash);
    buf_putc(sql, ')');
}

/* The bytes of a value's string form. */
static void put_length(const struct load *load, const struct column *column, struct buf *sql)
{
    buf_puts(sql, " + ");
    if (strcmp(column->name, "TenantId") == 0) {
        buf_printf(sql, "CASE WHEN \"TenantId\" = '' THEN %zu ELSE strlen(\"TenantId\") END",
                   strlen(load->options->workspace));
        return;
    }
    bool text = column->type == COLUMN_STRING;
    bool time = column->type == COLUMN_DATETIME || column->type == COLUMN_TIMESPAN;
    if (time)
        buf_puts(sql, "CASE WHEN ");
    else
        buf_puts(sql, text ? "strlen(" : "coalesce(strlen(");
    data_put_name(sql, column->name, "");
    if (time)
        buf_printf(sql, " IS NULL THEN 0 ELSE %d END",
                   column->type == COLUMN_DATETIME ? DATETIME_TEXT : TIMESPAN_TEXT);
    else
        buf_puts(sql, text ? ")" : "::VARCHAR), 0)");
}

/* What the service would bill for the row: docs/service.md 1.10 says which columns do not count. */
static void put_size(const struct load *load, struct buf *sql)
{
    static const char *const free_of_charge[] = {"_ResourceId", "_SubscriptionId", "_ItemId",
                                                 "_IsBillable", "_BilledSize",     "_TenantId",
                                                 "Type",        "_TimeReceived"};
    buf_puts(sql, "(0");
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        const struct column *column = &load->shape.columns.v[i];
        bool counts = data_is_kept(load, i);
        for (size_t f = 0; f < sizeof free_of_charge / sizeof free_of_charge[0]; f++)
            counts = counts && strcmp(column->name, free_of_charge[f]) != 0;
        if (counts)
            put_length(load, column, sql);
    }
    buf_puts(sql, ")::BIGINT AS _weir_size, ");
}

/* The columns of the table as they are kept, and the hash of the row as it came. */
static void put_columns(const struct load *load, struct buf *sql)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        const char *name = load->shape.columns.v[i].name;
        if (!data_is_kept(load, i))
            continue;
        if (strcmp(name, "TenantId") == 0)
            put_filled(sql, name, load->options->workspace);
        else if (strcmp(name, "Type") == 0)
            put_filled(sql, name, load->table);
        else
            data_put_name(sql, name, "");
        buf_puts(sql, ", ");
    }
    put_size(load, sql);
    put_hash(load, sql);
    buf_puts(sql, " AS _weir_hash FROM (");
    for (size_t g = 0; g < load->shape.n; g++)
        buf_printf(sql, "%sSELECT * FROM \"%s %zu\"", g > 0 ? " UNION ALL " : "", DATA_STAGE, g);
    buf_puts(sql, ")");
}

/* The moment from which queries see the row. Draws other numbers than the ingestion does. */
static void put_visible(const struct load *load, const char *time, struct buf *sql)
{
    const struct data_late *late = &load->options->late;
    int64_t longest = late->longest > TICK_MINUTE ? late->longest : TICK_MINUTE;
    int64_t span = longest - TICK_MINUTE + 1;
    char hash[HASH_MAX];
    (void) snprintf(hash, sizeof hash, "hash(_weir_hash, %llu::UBIGINT)",
                    (unsigned long long) late->seed);
    buf_printf(sql,
               ", coalesce(CASE WHEN \"_weir_ingestion\" IS NULL THEN %s + 1200000000 + "
               "((%s >> 4) %% 16800000000)::BIGINT "
               "WHEN (%s >> 40) %% 1000000 < %llu THEN \"_weir_ingestion\" + 600000000 + "
               "((%s >> 4) %% %lld)::BIGINT "
               "ELSE \"_weir_ingestion\" + 10000000 + ((%s >> 4) %% 290000000)::BIGINT END, 0) AS "
               "\"_weir_visible\"",
               time, hash, hash, (unsigned long long) (late->share * 1e6), hash, (long long) span,
               hash);
}

/* CREATE TABLE with the hidden columns (data.h says what they hold), in three steps: each uses the
 * one before. */
void data_put_name(struct buf *sql, const char *name, const char *suffix)
{
    buf_putc(sql, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_putc(sql, '"');
        buf_putc(sql, *name);
    }
    buf_printf(sql, "%s\"", suffix);
}

void data_put_table(const struct load *load, struct buf *sql)
{
    bool own_id = data_is_filled(load, "_ItemId"), own_time = data_is_filled(load, "_TimeReceived");
    const char *time = load->timed ? "\"TimeGenerated\"" : "NULL::BIGINT";
    buf_printf(sql, "CREATE TABLE \"%s rows\" AS SELECT * EXCLUDE (_weir_hash%s%s), ", load->table,
               own_id ? ", \"_ItemId\"" : "", own_time ? ", \"_TimeReceived\"" : "");
    buf_puts(sql, own_id ? "coalesce(nullif(\"_ItemId\", ''), " : "(");
    buf_printf(sql, "md5('%s:' || _weir_hash)::UUID::VARCHAR) AS \"_ItemId\", ", load->table);
    buf_puts(sql, own_time ? "coalesce(\"_TimeReceived\", " : "(");
    buf_printf(sql,
               "%s + 20000000 + ((_weir_hash >> 4) %% 200000000)::BIGINT) AS \"_TimeReceived\", ",
               time);
    buf_printf(
        sql,
        "CASE WHEN (_weir_hash >> 50) %% 1024 = 0 THEN NULL ELSE "
        "%s + 300000000 + ((_weir_hash >> 4) %% 3000000000)::BIGINT + "
        "CASE WHEN (_weir_hash >> 40) %% 64 = 0 THEN ((_weir_hash >> 8) %% 18000000000)::BIGINT "
        "ELSE 0 END END AS \"_weir_ingestion\"",
        time);
    put_visible(load, time, sql);
    buf_puts(sql, " FROM (");
    put_columns(load, sql);
    buf_puts(sql, ")");
}

/* Of rows that are equal to the last byte the second, third and so on get an id of their own. */
void data_put_tell_apart(const struct load *load, struct buf *sql)
{
    const char *table = load->table;
    buf_printf(
        sql,
        "UPDATE \"%s rows\" AS t SET \"_ItemId\" = md5(t.\"_ItemId\" || ':' || d.k)::UUID::VARCHAR "
        "FROM (SELECT rowid AS r, row_number() OVER (PARTITION BY \"_ItemId\") AS k "
        "FROM \"%s rows\" WHERE hash(\"_ItemId\") IN (SELECT hash(\"_ItemId\") FROM \"%s rows\" "
        "GROUP BY 1 HAVING count(*) > 1)) d WHERE t.rowid = d.r AND d.k > 1",
        table, table, table);
}

void data_put_sort(const struct load *load, struct buf *sql)
{
    const char *table = load->table;
    buf_printf(
        sql,
        "CREATE TABLE \"weir sorted\" AS SELECT * FROM \"%s rows\" ORDER BY \"TimeGenerated\"; "
        "DROP TABLE \"%s rows\"; ALTER TABLE \"weir sorted\" RENAME TO \"%s rows\"",
        table, table, table);
}

/* What files say of the bill stands, where it has the type that the service gives it. */
static void put_billed(const struct load *load, struct buf *sql)
{
    bool size = has_values(load, "_BilledSize", COLUMN_REAL);
    bool billable = has_values(load, "_IsBillable", COLUMN_STRING);
    buf_printf(sql, "%s_weir_size::DOUBLE%s AS \"_BilledSize\", ",
               size ? "coalesce(\"_BilledSize\", " : "", size ? ")" : "");
    buf_printf(sql, "%s'true'%s AS \"_IsBillable\", ",
               billable ? "coalesce(nullif(\"_IsBillable\", ''), " : "", billable ? ")" : "");
}

/* The relation that queries see: what is kept, and what is not as the constant that it is. */
void data_put_view(const struct load *load, struct buf *sql)
{
    buf_printf(sql, "CREATE VIEW \"%s\" AS SELECT ", load->table);
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        const struct column *column = &load->shape.columns.v[i];
        if (tables_is_secret(str_of(column->name)))
            continue;
        if (!data_is_kept(load, i))
            buf_printf(sql, "%s AS ", empty_value(column->type));
        data_put_name(sql, column->name, "");
        buf_puts(sql, ", ");
    }
    put_billed(load, sql);
    buf_printf(sql,
               "\"_ItemId\", \"_TimeReceived\", \"_weir_ingestion\", \"_weir_visible\" FROM \"%s "
               "rows\"",
               load->table);
}
