/* Count: see count.h. */
#include "export/count.h"

enum { COUNT_QUERY_MAX = 1 << 20, COUNT_TRIES = 5 };

/* 31 days are 8,928 rows of an answer; 180 days stay far below the ceiling of 500,000. */
static const int64_t window_first = 31 * TICK_DAY, window_max = 180 * TICK_DAY;

static bool number(const struct workspace_table *table, size_t row, const char *column,
                   uint64_t *out, struct error *err)
{
    const struct workspace_cell *cell = workspace_cell(table, row, column);
    if (cell && cell->null) {
        *out = 0;
        return true;
    }
    if (!cell || !str_uint64(cell->text, out))
        return error_set(err, ERROR_FORMAT, "the answer to a count has no number in '%s'", column);
    return true;
}

static bool read_row(const struct workspace_table *table, size_t row, bool item,
                     struct export_counted *out, struct error *err)
{
    uint64_t low = 0, high = 0;
    bool ok = number(table, row, "Rows", &out->rows, err) &&
              number(table, row, "Bytes", &out->bytes, err) &&
              number(table, row, "Unstamped", &out->unstamped, err) &&
              (!item || (number(table, row, "SumLow", &low, err) &&
                         number(table, row, "SumHigh", &high, err)));
    out->sum = low + (high << 32);
    return ok;
}

static bool read_window(const struct workspace_table *table, bool item, int64_t from, int64_t to,
                        struct export_counted *out, struct error *err)
{
    for (size_t row = 0; row < table->rows; row++) {
        const struct workspace_cell *cell = workspace_cell(table, row, "Partition");
        int64_t tick;
        if (!cell || cell->null || !tick_parse(cell->text, &tick) || tick < from || tick >= to ||
            tick % TICK_PARTITION != 0)
            return error_set(err, ERROR_FORMAT,
                             "the answer to a count names a partition that was not asked for");
        if (!read_row(table, row, item, &out[(tick - from) / TICK_PARTITION], err))
            return false;
    }
    return true;
}

static bool count_window(struct workspace *workspace, const struct export_snapshot *snapshot,
                         int64_t t0, int64_t from, int64_t to, struct export_counted *out,
                         struct error *err)
{
    size_t partitions = (size_t) ((to - from) / TICK_PARTITION);
    memset(out, 0, partitions * sizeof *out);
    struct buf text = BUF_INIT(COUNT_QUERY_MAX);
    export_put_count(&text, snapshot, t0, from, to);
    struct workspace_table table = {0};
    bool ok =
        buf_ok(&text, "query", err) &&
        workspace_ask(workspace, buf_str(&text), snapshot->timespan, partitions, &table, err) &&
        read_window(&table, snapshot->item, from, to, out, err);
    workspace_table_release(&table);
    buf_release(&text);
    return ok;
}

/* One partition has no half: a time-out there is waited for, a few times. */
static bool patient(struct workspace *workspace, int *tries, struct error *err)
{
    struct random random;
    random_seed(&random, clock_ns());
    return ++*tries < COUNT_TRIES &&
           workspace_pause(workspace, http_backoff(*tries, -1, &random), err);
}

static int64_t halve(int64_t window)
{
    int64_t half = tick_floor(window / 2, TICK_PARTITION);
    return half > 0 ? half : TICK_PARTITION;
}

bool export_count(struct workspace *workspace, const struct export_snapshot *snapshot, int64_t t0,
                  int64_t from, int64_t to, struct export_counted *out, struct error *err)
{
    int64_t window = window_first;
    int tries = 0;
    for (int64_t at = from; at < to;) {
        int64_t end = to - at < window ? to : at + window;
        struct error refused = ERROR_INIT;
        if (count_window(workspace, snapshot, t0, at, end, out + (at - from) / TICK_PARTITION,
                         &refused)) {
            at = end;
            tries = 0;
            window = window < window_max / 2 ? window * 2 : window_max;
            continue;
        }
        bool smaller = refused.code == ERROR_TOO_LARGE || refused.code == ERROR_TIMEOUT;
        if (smaller && end - at > TICK_PARTITION) {
            window = halve(end - at);
            continue;
        }
        if (smaller && patient(workspace, &tries, err))
            continue;
        if (err && err->code == ERROR_NONE)
            *err = refused;
        return false;
    }
    return true;
}
