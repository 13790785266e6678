/* Time zones of columns, from the ICU data inside DuckDB; see duck.h.
 *
 * DuckDB is asked once for the changes of a zone's clock between 1970 and 2100; rows are then converted by a table,
 * without DuckDB. It is asked for the midnights that differ from the next one, and within those days for quarters of
 * an hour of wall-clock time.
 */
#include "engine/duckdb/duck.h"
#include "engine/header.h"

static bool put_query(struct buf *sql, const char *name, struct error *err)
{
    buf_puts(sql, "WITH zone AS (SELECT ");
    duck_put_string(sql, str_of(name));
    buf_puts(
        sql,
        " AS name), midnights AS (SELECT w, epoch_us(w) - epoch_us(timezone(name, w)) AS ahead "
        "FROM zone, (SELECT unnest(generate_series(TIMESTAMP '1970-01-01', "
        "TIMESTAMP '2100-01-01', INTERVAL 1 DAY)) AS w)), "
        "days AS (SELECT w FROM midnights QUALIFY w = TIMESTAMP '1970-01-01' OR "
        "ahead IS DISTINCT FROM lead(ahead) OVER (ORDER BY w)), "
        "quarters AS (SELECT w, epoch_us(w) - epoch_us(timezone(name, w)) AS ahead FROM "
        "zone, (SELECT unnest(generate_series(w, w + INTERVAL 1 DAY, INTERVAL 15 MINUTE)) "
        "AS w FROM days)) "
        "SELECT 621355968000000000 + 10 * epoch_us(w), 10 * ahead FROM quarters "
        "QUALIFY ahead IS DISTINCT FROM lag(ahead) OVER (ORDER BY w) ORDER BY 1");
    return buf_ok(sql, "the name of a time zone", err);
}

static bool take_changes(const struct engine_chunk *chunk, struct engine_zone *zone,
                         struct error *err)
{
    const int64_t *walls = chunk->vectors[0].values, *ahead = chunk->vectors[1].values;
    for (size_t i = 0; i < chunk->rows; i++) {
        if (zone->n == ENGINE_ZONE_CHANGES_MAX)
            return error_set(err, ERROR_LIMIT, "a time zone changes its clock too often");
        zone->changes[zone->n].wall = walls[i];
        zone->changes[zone->n++].offset = ahead[i];
    }
    return true;
}

static bool query_zone(struct driver_task *task, const char *name, struct engine_zone *zone,
                       struct error *err)
{
    struct columns columns = {0};
    struct buf sql = BUF_INIT(4096);
    struct driver_result *result = NULL;
    if (columns_add(&columns, STR("wall"), COLUMN_LONG, err) &&
        columns_add(&columns, STR("ahead"), COLUMN_LONG, err) && put_query(&sql, name, err))
        result = result_query(task, buf_text(&sql), &columns, err);
    bool ok = result != NULL;
    const struct engine_chunk *chunk = NULL;
    while (ok && (ok = result_next(result, &chunk, err)) && chunk)
        ok = take_changes(chunk, zone, err);
    result_free(result);
    buf_release(&sql);
    columns_release(&columns);
    return ok;
}

/* DuckDB tells an unknown zone as one of several kinds of errors. */
bool zones_read(struct driver_task *task, const char *name, struct engine_zone *out,
                struct error *err)
{
    struct error why = ERROR_INIT;
    out->n = 0;
    if (query_zone(task, name, out, &why))
        return true;
    if (why.code == ERROR_FORMAT || (why.code == ERROR_INTERNAL && strstr(why.message, "TimeZone")))
        return error_set(err, ERROR_FORMAT, "there is no time zone '%s'", name);
    return error_pass(err, &why);
}

/* The same of a name in any form. */
static bool name_read(struct driver_task *task, const char *name, struct engine_zone *out,
                      struct error *err)
{
    const char *known = engine_header_zone(str_of(name));
    if (engine_zone_plain(str_of(name), out))
        return true;
    if (!known && strlen(name) > ENGINE_ZONE_NAME_MAX)
        return error_set(err, ERROR_FORMAT, "the name of a time zone is too long");
    return zones_read(task, known ? known : name, out, err);
}

/* The zone of one column's values: its header's, else that of all; NULL: UTC. */
static bool name_zone(const char *key, const char *all, const char **name, struct error *err)
{
    struct str ignored, zone;
    engine_header_split(str_of(key), &ignored, &zone);
    *name = all;
    if (zone.n > 0) {
        *name = engine_header_zone(zone);
        if (!*name && !all)
            return error_set(err, ERROR_FORMAT, "'%s' names a time zone that is not known", key);
        if (!*name)
            *name = all;
    }
    return true;
}

/* Reads a zone or shares the one that another column has. */
static bool set_zone(struct source *source, size_t column, const char *name, const char **names,
                     struct error *err)
{
    size_t i = 0, most = sizeof source->zone_list / sizeof source->zone_list[0];
    while (i < most && names[i] && strcmp(names[i], name) != 0)
        i++;
    if (i == most)
        return error_set(err, ERROR_LIMIT, "a file has more than %zu time zones", most);
    if (!source->zone_list[i]) {
        source->zone_list[i] = mem_alloc(1, sizeof *source->zone_list[i], err);
        if (!source->zone_list[i] || !name_read(source->task, name, source->zone_list[i], err))
            return false;
        names[i] = name;
    }
    source->zones[column] = source->zone_list[i]->n > 0 ? source->zone_list[i] : NULL;
    return true;
}

/* The zone of another key of TimeGenerated; one that is TimeGenerated's own tells what holds there. */
static bool set_time(struct source *source, size_t i, const char *name, struct error *err)
{
    struct source_time *time = &source->times[i];
    time->time.has_zone = !name || *name;
    if (!name || !*name)
        return true;
    time->zone = mem_alloc(1, sizeof *time->zone, err);
    if (!time->zone || !name_read(source->task, name, time->zone, err))
        return false;
    time->time.zone = time->zone;
    int column = source->time_column;
    bool texts = time->time.format == ENGINE_TIME_ISO || time->time.format == ENGINE_TIME_US;
    if (column >= 0 && !source->zones[column] && texts && time->zone->n > 0 &&
        strcmp(time->key, source->keys[column]) == 0)
        source->zones[column] = time->zone;
    return true;
}

bool zones_find(struct source *source, const char *all, const struct engine_time_key *keys,
                struct error *err)
{
    const char *names[sizeof source->zone_list / sizeof source->zone_list[0]] = {NULL};
    for (size_t i = 0; i < source->columns.n; i++) {
        const char *name;
        if (source->columns.v[i].type != COLUMN_DATETIME)
            continue;
        if (!name_zone(source->keys[i], all, &name, err))
            return false;
        if (name && !set_zone(source, i, name, names, err))
            return false;
    }
    for (size_t i = 0; i < source->time_count; i++) {
        if (!set_time(source, i, keys[i].zone, err))
            return false;
    }
    return true;
}
