/* Count: see count.h. */
#include "export/count.h"

#include "base/memory.h"
#include "base/random.h"

enum {
    COUNT_QUERY_MAX = 1 << 20,
    COUNT_TRIES = 8,
    COUNT_UNKNOWN_MAX = 16, /* partitions that are given up: with more it is an outage */
    COUNT_AT_ONCE = WORKSPACE_CONCURRENT,
    COUNT_WINDOWS_MAX = EXPORT_PARTITIONS_MAX
};

/* 31 days are 8,928 rows of an answer: far below the ceilings. */
static const int64_t window_first = 31 * TICK_DAY;

struct window {
    int64_t from, to;
    int tries;
};

/* Windows that wait, the oldest last; `size` of those that are cut next. */
struct counting {
    struct workspace *workspace;
    const struct export_snapshot *snapshot;
    int64_t t0, from, to, at, size;
    struct export_counted *out;
    struct workspace_ask_one *beside; /* not asked yet */
    struct window *again;
    size_t again_count, again_room;
    unsigned unknown;
    bool smooth; /* nothing was refused in this round */
};

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

static bool read_row(const struct workspace_table *table, size_t row,
                     const struct export_snapshot *snapshot, struct export_counted *out,
                     struct error *err)
{
    uint64_t low = 0, high = 0;
    bool ok = number(table, row, "Rows", &out->rows, err) &&
              number(table, row, "Bytes", &out->bytes, err) &&
              number(table, row, "Unstamped", &out->unstamped, err) &&
              (!snapshot->item || (number(table, row, "SumLow", &low, err) &&
                                   number(table, row, "SumHigh", &high, err)));
    out->sum = low + (high << 32);
    return ok && (!snapshot->billed || number(table, row, "Billed", &out->billed, err));
}

/* Of a table whose range stands in `timespan`, the service may give its very end too. */
static bool read_window(const struct workspace_table *table, const struct counting *counting,
                        const struct window *window, struct error *err)
{
    struct export_counted *out = counting->out + (window->from - counting->from) / TICK_PARTITION;
    for (int64_t i = 0; i < (window->to - window->from) / TICK_PARTITION; i++)
        out[i] = (struct export_counted){.known = true};
    for (size_t row = 0; row < table->rows; row++) {
        const struct workspace_cell *cell = workspace_cell(table, row, "Partition");
        int64_t tick;
        bool read =
            cell && !cell->null && tick_parse(cell->text, &tick) && tick % TICK_PARTITION == 0;
        bool inside = read && tick >= window->from && tick < window->to;
        if (read && !inside && counting->snapshot->search)
            continue;
        if (!inside)
            return error_set(err, ERROR_FORMAT,
                             "the answer to a count names a partition that was not asked for");
        struct export_counted *one = &out[(tick - window->from) / TICK_PARTITION];
        /* Where one stands twice another may be left out, and would count as empty. */
        if (one->rows > 0)
            return error_set(err, ERROR_PARTIAL, "the answer to a count names a partition twice");
        if (!read_row(table, row, counting->snapshot, one, err))
            return false;
    }
    return true;
}

static bool next_window(struct counting *counting, struct window *out)
{
    if (counting->again_count > 0) {
        *out = counting->again[--counting->again_count];
        return true;
    }
    if (counting->at >= counting->to)
        return false;
    int64_t left = counting->to - counting->at;
    *out = (struct window){.from = counting->at,
                           .to = counting->at + (left < counting->size ? left : counting->size)};
    counting->at = out->to;
    return true;
}

static bool push(struct counting *counting, struct window window, struct error *err)
{
    if (!mem_reserve(&counting->again, &counting->again_room, counting->again_count,
                     COUNT_WINDOWS_MAX, sizeof *counting->again, err))
        return false;
    counting->again[counting->again_count++] = window;
    return true;
}

static bool may_pass(const struct error *why)
{
    return why->code == ERROR_TOO_LARGE || why->code == ERROR_TIMEOUT || why->code == ERROR_PARTIAL;
}

static bool halves(struct counting *counting, struct window window, int64_t half, struct error *err)
{
    return push(counting, (struct window){window.from + half, window.to, 0}, err) &&
           push(counting, (struct window){window.from, window.from + half, 0}, err);
}

/* Halves of a window that was too much; one partition has none, and is waited for, a few times, and then left uncounted.
 * An answer that was not whole is asked for again, and then in halves too. */
static bool refused(struct counting *counting, struct window window, const struct error *why,
                    struct error *err)
{
    bool smaller = why->code == ERROR_TOO_LARGE || why->code == ERROR_TIMEOUT;
    int64_t half = tick_floor((window.to - window.from) / 2, TICK_PARTITION);
    counting->smooth = false;
    bool doubtful = why->code == ERROR_PARTIAL && window.tries >= COUNT_TRIES / 2;
    if ((smaller || doubtful) && half > 0) {
        counting->size = smaller && half < counting->size ? half : counting->size;
        return push(counting, (struct window){window.from + half, window.to, 0}, err) &&
               push(counting, (struct window){window.from, window.from + half, 0}, err);
    }
    struct random random;
    random_seed(&random, clock_ns());
    if (may_pass(why) && ++window.tries < COUNT_TRIES)
        return workspace_pause(counting->workspace, http_backoff(window.tries, -1, &random), err) &&
               push(counting, window, err);
    if (may_pass(why) && half > 0)
        return halves(counting, window, half, err);
    if (may_pass(why) && counting->unknown++ < COUNT_UNKNOWN_MAX) {
        counting->out[(window.from - counting->from) / TICK_PARTITION] =
            (struct export_counted){.known = false};
        return true;
    }
    return error_pass(err, why);
}

/* Asks for the next few windows and reads what is answered. */
static bool round_of(struct counting *counting, struct error *err)
{
    struct window windows[COUNT_AT_ONCE];
    struct workspace_table tables[COUNT_AT_ONCE] = {0};
    struct workspace_ask_one asks[COUNT_AT_ONCE + 1];
    struct workspace_ask_one *beside = counting->beside;
    struct buf texts[COUNT_AT_ONCE];
    char timespans[COUNT_AT_ONCE][EXPORT_TIMESPAN_MAX];
    size_t n = 0;
    bool ok = true;
    for (; n < COUNT_AT_ONCE && next_window(counting, &windows[n]); n++) {
        const struct window *w = &windows[n];
        buf_init(&texts[n], COUNT_QUERY_MAX);
        export_put_count(&texts[n], counting->snapshot, counting->t0, w->from, w->to);
        ok = buf_ok(&texts[n], "query", err) && ok;
        asks[n] = (struct workspace_ask_one){
            .kql = buf_str(&texts[n]),
            .timespan = export_timespan(counting->snapshot, w->from, w->to, timespans[n]),
            .max_rows = (size_t) ((w->to - w->from) / TICK_PARTITION) + 1,
            .search = counting->snapshot->search,
            .impatient = true,
            .table = &tables[n],
        };
    }
    if (beside)
        asks[n] = *beside;
    counting->beside = NULL;
    ok = ok && workspace_ask_all(counting->workspace, asks, n + (beside != NULL), err);
    if (beside)
        *beside = asks[n];
    for (size_t i = 0; i < n; i++) {
        bool read =
            ok && asks[i].ok && read_window(&tables[i], counting, &windows[i], &asks[i].error);
        ok = ok && (read || refused(counting, windows[i], &asks[i].error, err));
        workspace_table_release(&tables[i]);
        buf_release(&texts[i]);
    }
    return ok;
}

bool export_count(struct workspace *workspace, const struct export_snapshot *snapshot, int64_t t0,
                  int64_t from, int64_t to, struct export_counted *out,
                  struct workspace_ask_one *beside, struct error *err)
{
    struct counting counting = {.workspace = workspace,
                                .snapshot = snapshot,
                                .t0 = t0,
                                .from = from,
                                .to = to,
                                .at = from,
                                .size = window_first,
                                .out = out,
                                .beside = beside};
    bool ok = true;
    while (ok && (counting.at < to || counting.again_count > 0)) {
        counting.smooth = true;
        ok = round_of(&counting, err);
        if (counting.smooth && counting.size < window_first)
            counting.size *= 2;
    }
    mem_free(counting.again);
    return ok;
}
