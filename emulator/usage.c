/* Usage: what came into the workspace, hour by hour. */

#include "emulator/usage.h"

#include "base/file.h"
#include "base/tick.h"

#include <stdio.h>

enum { USAGE_SQL_MAX = 1024, USAGE_LINES_MAX = 1 << 30 };

static const double MEGABYTE = 1e6;

static void put_line(struct buf *out, const char *table, int64_t hour, int64_t bytes)
{
    char start[TICK_TEXT_MAX], end[TICK_TEXT_MAX];
    (void) tick_format(hour, start);
    (void) tick_format(hour + TICK_HOUR, end);
    buf_printf(out,
               "{\"TimeGenerated\":\"%s\",\"StartTime\":\"%s\",\"EndTime\":\"%s\",\"DataType\":\"",
               end, start, end);
    text_put_json(out, str_of(table));
    buf_printf(out,
               "\",\"Solution\":\"LogManagement\",\"Quantity\":%.6f,\"QuantityUnit\":\"MBytes\","
               "\"IsBillable\":true}\n",
               (double) bytes / MEGABYTE);
}

static bool put_hours(struct engine_result *result, const char *table, struct buf *out,
                      uint64_t *rows, struct error *err)
{
    const struct engine_chunk *chunk = NULL;
    while (engine_next(result, &chunk, err)) {
        if (!chunk)
            return true;
        const int64_t *hours = chunk->vectors[0].values, *bytes = chunk->vectors[1].values;
        for (size_t row = 0; row < chunk->rows; row++) {
            if (hours[row] >= 0 && hours[row] < TICK_MAX - TICK_HOUR)
                put_line(out, table, hours[row], bytes[row]);
        }
        *rows += chunk->rows;
    }
    return false;
}

static bool put_table(struct engine_task *task, const char *table, struct buf *out, uint64_t *rows,
                      struct error *err)
{
    char sql[USAGE_SQL_MAX];
    struct column column[] = {{.name = (char[]){"hour"}, .type = COLUMN_LONG},
                              {.name = (char[]){"bytes"}, .type = COLUMN_LONG}};
    struct columns columns = {.v = column, .n = 2};
    (void) snprintf(sql, sizeof sql,
                    "SELECT hour, sum(_weir_size)::BIGINT FROM (SELECT coalesce(_weir_ingestion, "
                    "\"TimeGenerated\") // %lld * %lld AS hour, _weir_size FROM \"%s rows\") "
                    "WHERE hour IS NOT NULL GROUP BY hour ORDER BY hour",
                    (long long) TICK_HOUR, (long long) TICK_HOUR, table);
    struct engine_result *result = engine_query(task, sql, &columns, err);
    bool done = result && put_hours(result, table, out, rows, err);
    engine_result_free(result);
    return done;
}

bool usage_write(struct engine_task *task, const struct tables *tables, const char *path,
                 uint64_t *rows, struct error *err)
{
    struct buf lines = BUF_INIT(USAGE_LINES_MAX);
    bool done = true;
    *rows = 0;
    for (size_t i = 0; done && i < tables->n; i++) {
        if (tables->v[i].timed)
            done = put_table(task, tables->v[i].name, &lines, rows, err);
    }
    done = done && buf_ok(&lines, "the rows of Usage", err) &&
           file_write(path, buf_str(&lines), 0600, false, err);
    buf_release(&lines);
    return done;
}
