/* Values of DuckDB's types to physical ones; see cast.h.
 *
 * A value goes the short way where DuckDB itself has the exact conversion; else its text goes through weir_in_<type>, as
 * the text of a file of CSV does. A time without a zone is wall-clock time of the column's zone.
 */
#include "engine/duckdb/cast.h"

static bool is_small(duckdb_type type)
{
    return type == DUCKDB_TYPE_TINYINT || type == DUCKDB_TYPE_SMALLINT ||
           type == DUCKDB_TYPE_INTEGER || type == DUCKDB_TYPE_UTINYINT ||
           type == DUCKDB_TYPE_USMALLINT;
}

static bool is_whole(duckdb_type type)
{
    return is_small(type) || type == DUCKDB_TYPE_BIGINT || type == DUCKDB_TYPE_UINTEGER;
}

/* What has digits that are all exact. */
static bool is_exact(duckdb_type type)
{
    return is_whole(type) || type == DUCKDB_TYPE_UBIGINT || type == DUCKDB_TYPE_HUGEINT ||
           type == DUCKDB_TYPE_UHUGEINT || type == DUCKDB_TYPE_BIGNUM ||
           type == DUCKDB_TYPE_DECIMAL;
}

static bool is_nested(duckdb_type type)
{
    return type == DUCKDB_TYPE_LIST || type == DUCKDB_TYPE_STRUCT || type == DUCKDB_TYPE_MAP ||
           type == DUCKDB_TYPE_ARRAY || type == DUCKDB_TYPE_UNION;
}

static bool is_wall_clock(duckdb_type type)
{
    return type == DUCKDB_TYPE_TIMESTAMP || type == DUCKDB_TYPE_TIMESTAMP_S ||
           type == DUCKDB_TYPE_TIMESTAMP_MS || type == DUCKDB_TYPE_TIMESTAMP_NS ||
           type == DUCKDB_TYPE_DATE;
}

static bool is_time_of_day(duckdb_type type)
{
    return type == DUCKDB_TYPE_TIME || type == DUCKDB_TYPE_TIME_NS;
}

enum column_type cast_type(const struct cast_column *column)
{
    duckdb_type type = column->type;
    if (type == DUCKDB_TYPE_BOOLEAN)
        return COLUMN_BOOL;
    if (is_small(type))
        return COLUMN_INT;
    if (is_whole(type))
        return COLUMN_LONG;
    if (is_exact(type))
        return COLUMN_DECIMAL;
    if (type == DUCKDB_TYPE_FLOAT || type == DUCKDB_TYPE_DOUBLE)
        return COLUMN_REAL;
    if (is_wall_clock(type) || type == DUCKDB_TYPE_TIMESTAMP_TZ)
        return COLUMN_DATETIME;
    if (is_time_of_day(type))
        return COLUMN_TIMESPAN;
    if (type == DUCKDB_TYPE_UUID)
        return COLUMN_GUID;
    return is_nested(type) || column->json ? COLUMN_DYNAMIC : COLUMN_STRING;
}

/* --- the short ways: @ stands for the column ------------------------------------------------------------ */

static const char *way_to_string(duckdb_type found)
{
    if (found == DUCKDB_TYPE_VARCHAR)
        return "coalesce(@, '')";
    if (found == DUCKDB_TYPE_BLOB)
        return "coalesce(to_base64(@), '')";
    return is_nested(found) ? "coalesce(CAST(to_json(@) AS VARCHAR), '')"
                            : "coalesce(CAST(@ AS VARCHAR), '')";
}

static const char *way_to_timespan(duckdb_type found)
{
    if (found == DUCKDB_TYPE_TIME)
        return "10 * epoch_us(@)";
    return found == DUCKDB_TYPE_TIME_NS ? "epoch_ns(@) // 100" : NULL;
}

/* NULL: there is none. */
static const char *short_way(enum column_type wanted, duckdb_type found)
{
    if (wanted == COLUMN_STRING)
        return way_to_string(found);
    if (wanted == COLUMN_TIMESPAN && is_time_of_day(found))
        return way_to_timespan(found);
    if (wanted == COLUMN_GUID && found == DUCKDB_TYPE_UUID)
        return "CAST(@ AS VARCHAR)";
    if (wanted == COLUMN_DECIMAL && is_exact(found))
        return "CAST(@ AS VARCHAR)";
    if (wanted == COLUMN_INT && is_small(found))
        return "CAST(@ AS INTEGER)";
    if (wanted == COLUMN_LONG && is_whole(found))
        return "CAST(@ AS BIGINT)";
    if (wanted == COLUMN_REAL && (is_whole(found) || found == DUCKDB_TYPE_FLOAT))
        return "CAST(@ AS DOUBLE)";
    return found == duck_type(wanted) && found != DUCKDB_TYPE_VARCHAR ? "@" : NULL;
}

static void put_way(struct buf *sql, const char *way, const char *column)
{
    for (; *way; way++) {
        if (*way == '@')
            buf_puts(sql, column);
        else
            buf_putc(sql, *way);
    }
}

/* --- times ---------------------------------------------------------------------------------------------- */

/* Ticks; what is before year 1 or behind year 9999, or infinite, falls through to its text, which is a misfit. */
static void put_time(struct buf *sql, const struct source *source, size_t i,
                     const struct cast_column *found)
{
    bool nano = found->type == DUCKDB_TYPE_TIMESTAMP_NS,
         local = source->zones[i] && is_wall_clock(found->type);
    struct buf ticks = BUF_INIT(DUCK_SQL_MAX);
    put_way(
        &ticks,
        nano ? "(621355968000000000 + epoch_ns(@) // 100 - CAST(epoch_ns(@) % 100 < 0 AS BIGINT))"
             : "(CASE WHEN TRY(epoch_us(@)) BETWEEN -62135596800000000 AND 253402300799999999 "
               "THEN 621355968000000000 + 10 * epoch_us(@) END)",
        found->sql);
    sql->failed = sql->failed || ticks.failed;
    buf_puts(sql, "coalesce(");
    if (local)
        buf_printf(sql, "weir_utc(%lld, %zu, %s)", (long long) source->number, i, buf_text(&ticks));
    else
        buf_put_str(sql, buf_str(&ticks));
    buf_printf(sql, ", weir_in_datetime(%lld, %zu, CAST(%s AS VARCHAR)))",
               (long long) source->number, i, found->sql);
    buf_release(&ticks);
}

/* --- public --------------------------------------------------------------------------------------------- */

void cast_put(struct buf *sql, const struct source *source, size_t i,
              const struct cast_column *found)
{
    enum column_type type = source->columns.v[i].type;
    const char *way = found ? short_way(type, found->type) : NULL;
    if (!found && type == COLUMN_STRING) {
        buf_puts(sql, "''");
    } else if (!found) {
        buf_printf(sql, "CAST(NULL AS %s)", duck_type_name(type));
    } else if (type == COLUMN_DATETIME &&
               (is_wall_clock(found->type) || found->type == DUCKDB_TYPE_TIMESTAMP_TZ)) {
        put_time(sql, source, i, found);
    } else if (way) {
        put_way(sql, way, found->sql);
    } else {
        buf_printf(sql, "weir_in_%s(%lld, %zu, CAST(", column_type_name(type),
                   (long long) source->number, i);
        put_way(sql, is_nested(found->type) ? "to_json(@)" : "@", found->sql);
        buf_puts(sql, " AS VARCHAR))");
    }
}
