/* A file of Parquet as it stands, see engine_raw: nothing of what views are made of is used. */
#include "engine/duckdb/reader.h"

struct raw_way {
    enum column_type type;
    const char *before, *behind;
};

static struct raw_way raw_way(duckdb_type type)
{
    switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
        return (struct raw_way){COLUMN_BOOL, "", ""};
    case DUCKDB_TYPE_INTEGER:
        return (struct raw_way){COLUMN_INT, "", ""};
    case DUCKDB_TYPE_BIGINT:
        return (struct raw_way){COLUMN_LONG, "", ""};
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
        return (struct raw_way){COLUMN_LONG, "CAST(", " AS BIGINT)"};
    case DUCKDB_TYPE_DOUBLE:
        return (struct raw_way){COLUMN_REAL, "", ""};
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return (struct raw_way){COLUMN_LONG, "epoch_us(", ")"};
    default:
        return (struct raw_way){COLUMN_STRING, "CAST(", " AS VARCHAR)"};
    }
}

static bool put_raw(struct buf *sql, const struct found *found, struct columns *columns,
                    struct error *err)
{
    bool ok = true;
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; ok && i < found->n; i++) {
        struct raw_way way = raw_way(found->v[i].type);
        buf_printf(sql, "%s%s%s%s", i ? ", " : "", way.before, found->v[i].sql, way.behind);
        ok = columns_add(columns, str_of(found->v[i].name), way.type, err);
    }
    buf_puts(sql, " FROM ");
    return ok;
}

struct driver_result *raw_query(struct driver_task *task, const char *path, struct columns *columns,
                                struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    struct found found = {0};
    struct driver_result *result = NULL;
    char *file = source_absolute(path, err);
    bool ok =
        file && found_parquet(task, &file, 1, &found, err) && put_raw(&sql, &found, columns, err);
    if (ok)
        reader_put_parquet(&sql, &file, 1, (struct reader_parquet){0});
    if (ok && buf_ok(&sql, "the columns", err))
        result = result_query(task, buf_text(&sql), columns, err);
    found_release(&found);
    buf_release(&sql);
    mem_free(file);
    return result;
}
