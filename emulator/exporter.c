/* Exporter: the service's own continuous export, played.
 *
 * One lock holds whoever writes: the thread that looks for rows of files, and the requests that bring
 * new ones. */

#include "emulator/exporter.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/tick.h"
#include "emulator/data_sql.h"
#include "emulator/exports.h"
#include "emulator/json_value.h"
#include "emulator/lake.h"

#include <errno.h>
#include <stdio.h>

enum {
    LINES_MAX = 256 << 20, /* of one partition at a time */
    PENDING_MAX = 100000,  /* doubles that wait; more are written at once */
    SQL_MAX = 1 << 20,
    WHERE_MAX = 256,
    FROM_MAX = 512,
    TRUTH_MAX = 4096,
    COUNTS_MAX = TABLES_MAX
};

static const uint64_t look_every = 50000000; /* ns */

/* What was done to a table's rows. */
struct count {
    const char *table; /* lent by the tables */
    uint64_t rows, written, doubled, dropped;
};

/* A line that comes a second time. */
struct pending {
    size_t count; /* of its table */
    int64_t partition;
    char *line;
};

struct exporter {
    struct exporter_options options;
    struct lake lake;
    double doubled, dropped;
    struct service *service;
    struct bell *bell;
    pthread_t thread;
    bool started, locked;
    pthread_mutex_t lock;
    int64_t upto; /* rows of files that arrived until then are written */
    struct count *counts;
    size_t counts_n;
    struct pending *pending;
    size_t pending_n, pending_room;
    FILE *truth;
    struct error err; /* the first one */
};

/* --- making ----------------------------------------------------------------------------------- */

static bool read_share(const char *option, const char *text, double *out, struct error *err)
{
    *out = 0;
    if (!text || (str_double(str_of(text), out) && *out >= 0 && *out <= 1))
        return true;
    return error_set(err, ERROR_USAGE, "--%s: '%s' is not a share from 0 to 1", option, text);
}

static bool check_name(const char *name, struct error *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return (*name && strspn(name, plain) == strlen(name)) ||
           error_set(err, ERROR_USAGE, "--export-name: '%s' is not of letters and digits", name);
}

static bool open_truth(struct exporter *exporter, struct error *err)
{
    const char *path = exporter->options.truth;
    if (!path)
        return true;
    exporter->truth = fopen(path, "ae");
    return exporter->truth || error_set_errno(err, ERROR_IO, errno, "%s", path);
}

struct exporter *exporter_new(const struct exporter_options *options, struct error *err)
{
    struct exporter *exporter = mem_alloc(1, sizeof *exporter, err);
    if (!exporter)
        return NULL;
    exporter->options = *options;
    exporter->err = (struct error) ERROR_INIT;
    exporter->counts = mem_alloc(COUNTS_MAX, sizeof *exporter->counts, err);
    bool done = exporter->counts && check_name(options->name, err) &&
                read_share("export-double", options->doubled, &exporter->doubled, err) &&
                read_share("export-drop", options->dropped, &exporter->dropped, err) &&
                open_truth(exporter, err);
    if (done && exporter->doubled + exporter->dropped > 1)
        done = error_set(err, ERROR_USAGE, "--export-double and --export-drop are more than all");
    exporter->locked = done && pthread_mutex_init(&exporter->lock, NULL) == 0;
    if (done && !exporter->locked)
        error_set(err, ERROR_MEMORY, "no mutex for the export");
    if (exporter->locked)
        return exporter;
    exporter_free(exporter);
    return NULL;
}

void exporter_free(struct exporter *exporter)
{
    if (!exporter)
        return;
    for (size_t i = 0; i < exporter->pending_n; i++)
        mem_free(exporter->pending[i].line);
    mem_free(exporter->pending);
    mem_free(exporter->counts);
    if (exporter->truth)
        (void) fclose(exporter->truth);
    if (exporter->locked)
        (void) pthread_mutex_destroy(&exporter->lock);
    mem_free(exporter);
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool is_empty(const struct engine_vector *vector, size_t row)
{
    return !engine_valid(vector, row) || (vector->text && engine_text(vector, row).n == 0);
}

/* The row as an object: keys in the order of the columns, nothing for null and empty ones, and behind them
 * what the service adds. */
static void put_line(const struct exporter *exporter, const struct columns *columns,
                     const struct engine_chunk *chunk, size_t row, struct buf *out)
{
    size_t n = chunk->count - (exporter->options.no_ids ? 1 : 0);
    buf_putc(out, '{');
    for (size_t c = 0; c < n; c++) {
        if (is_empty(&chunk->vectors[c], row))
            continue;
        json_put_string(out, str_of(columns->v[c].name));
        buf_putc(out, ':');
        json_put_value(out, &chunk->vectors[c], row, true);
        buf_putc(out, ',');
    }
    buf_puts(out, "\"_Internal_WorkspaceResourceId\":");
    json_put_string(out, str_of(exporter->service->resource_id));
    buf_puts(out, "}\n");
}

/* How often a row is written: from its id and the seed alone. */
static int draw(const struct exporter *exporter, struct str id)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%llu:%.*s", (unsigned long long) exporter->options.seed,
                     (int) (id.n < 64 ? id.n : 64), id.p);
    uint64_t hash = (uint64_t) hash_xx64((struct str){text, n > 0 ? (size_t) n : 0});
    double unit = (double) (hash >> 11) / (double) (UINT64_C(1) << 53);
    if (unit < exporter->dropped)
        return 0;
    return unit < exporter->dropped + exporter->doubled ? 2 : 1;
}

static void put_truth(const struct exporter *exporter, const char *table, int64_t time,
                      struct str id, int times)
{
    char text[TICK_TEXT_MAX];
    struct buf line = BUF_INIT(TRUTH_MAX);
    if (!exporter->truth)
        return;
    (void) tick_format(time, text);
    buf_printf(&line, "{\"table\":\"%s\",\"time\":\"%s\",\"item\":\"", table, text);
    text_put_json(&line, id);
    buf_printf(&line, "\",\"written\":%d}\n", times);
    if (!line.failed)
        (void) fwrite(line.bytes, 1, line.used, exporter->truth);
    buf_release(&line);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The lines of one partition on their way. */
struct batch {
    struct exporter *exporter;
    size_t count; /* of the table */
    int64_t partition;
    struct buf lines;
};

static bool flush(struct batch *batch, struct error *err)
{
    const struct exporter *exporter = batch->exporter;
    bool done = buf_ok(&batch->lines, "the lines of a partition", err) &&
                (batch->lines.used == 0 ||
                 lake_append(&exporter->lake, exporter->counts[batch->count].table,
                             batch->partition, buf_str(&batch->lines), err));
    buf_reset(&batch->lines);
    return done;
}

static bool turn_to(struct batch *batch, size_t count, int64_t partition, struct error *err)
{
    bool done = true;
    if (count != batch->count || partition != batch->partition)
        done = flush(batch, err);
    batch->count = count;
    batch->partition = partition;
    return done;
}

/* Keeps the batch's last line for another time; a copy, since the batch may move as it grows. */
static bool keep_double(struct batch *batch, struct str line, struct error *err)
{
    struct exporter *exporter = batch->exporter;
    struct pending pending = {.count = batch->count, .partition = batch->partition};
    pending.line = mem_copy(line.p, line.n, err);
    if (!pending.line)
        return false;
    exporter->counts[batch->count].doubled++;
    if (exporter->pending_n == PENDING_MAX) {
        exporter->counts[batch->count].written++;
        buf_puts(&batch->lines, pending.line);
        mem_free(pending.line);
        return true;
    }
    if (!mem_reserve(&exporter->pending, &exporter->pending_room, exporter->pending_n, PENDING_MAX,
                     sizeof pending, err)) {
        mem_free(pending.line);
        return false;
    }
    exporter->pending[exporter->pending_n++] = pending;
    return true;
}

/* The doubles of rows that arrived before. */
static bool put_doubles(struct batch *batch, struct error *err)
{
    struct exporter *exporter = batch->exporter;
    bool done = true;
    for (size_t i = 0; i < exporter->pending_n; i++) {
        struct pending *pending = &exporter->pending[i];
        done = done && turn_to(batch, pending->count, pending->partition, err);
        buf_puts(&batch->lines, pending->line);
        exporter->counts[pending->count].written++;
        mem_free(pending->line);
    }
    exporter->pending_n = 0;
    return flush(batch, err) && done;
}

static bool put_row(struct batch *batch, size_t count, const struct columns *columns,
                    const struct engine_chunk *chunk, size_t row, struct error *err)
{
    struct exporter *exporter = batch->exporter;
    struct count *figures = &exporter->counts[count];
    const struct engine_vector *time = NULL, *id = &chunk->vectors[chunk->count - 1];
    for (size_t c = 0; c < chunk->count; c++) {
        if (strcmp(columns->v[c].name, "TimeGenerated") == 0)
            time = &chunk->vectors[c];
    }
    if (!time || !engine_valid(time, row))
        return true;
    int64_t tick = ((const int64_t *) time->values)[row];
    int times = draw(exporter, engine_text(id, row));
    if (!turn_to(batch, count, tick_floor(tick, TICK_PARTITION), err))
        return false;
    put_truth(exporter, figures->table, tick, engine_text(id, row), times);
    figures->rows++;
    figures->dropped += times == 0;
    if (times == 0)
        return true;
    size_t start = batch->lines.used;
    put_line(exporter, columns, chunk, row, &batch->lines);
    figures->written++;
    struct str line = {batch->lines.bytes + start, batch->lines.used - start};
    return times == 1 || (!batch->lines.failed && keep_double(batch, line, err));
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool find_columns(const struct table *table, struct columns *out, struct error *err)
{
    return columns_copy(&table->visible, out, err) &&
           columns_add(out, STR("_ItemId"), COLUMN_STRING, err);
}

static void put_sql(const struct columns *columns, const char *from, const char *where,
                    struct buf *sql)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < columns->n; i++) {
        buf_puts(sql, i > 0 ? ", " : "");
        data_put_name(sql, columns->v[i].name, "");
    }
    buf_puts(sql, " FROM ");
    data_put_name(sql, from, "");
    buf_printf(sql, " WHERE %s ORDER BY \"TimeGenerated\", \"_ItemId\"", where);
}

static bool put_result(struct batch *batch, size_t count, const struct columns *columns,
                       struct engine_result *result, struct error *err)
{
    const struct engine_chunk *chunk = NULL;
    for (;;) {
        if (!engine_next(result, &chunk, err))
            return false;
        if (!chunk)
            return true;
        for (size_t row = 0; row < chunk->rows; row++) {
            if (!put_row(batch, count, columns, chunk, row, err))
                return false;
        }
    }
}

static bool query_rows(struct batch *batch, size_t count, const struct table *table,
                       const char *from, const char *where, struct error *err)
{
    struct columns columns = {0};
    struct buf sql = BUF_INIT(SQL_MAX);
    struct engine_task *task = engine_task_new(batch->exporter->service->engine, err);
    struct engine_result *result = NULL;
    bool done = task && find_columns(table, &columns, err);
    if (done)
        put_sql(&columns, from, where, &sql);
    if (done && buf_ok(&sql, "SQL", err))
        result = engine_query(task, buf_text(&sql), &columns, err);
    done = result && put_result(batch, count, &columns, result, err);
    engine_result_free(result);
    engine_task_free(task);
    buf_release(&sql);
    columns_release(&columns);
    return done;
}

/* The table's place among the counts. */
static size_t find_count(struct exporter *exporter, const struct table *table)
{
    size_t i = 0;
    while (i < exporter->counts_n && strcmp(exporter->counts[i].table, table->name) != 0)
        i++;
    if (i == exporter->counts_n) {
        exporter->counts[i].table = table->name;
        exporter->counts_n++;
    }
    return i;
}

/* From when on the rows of a table are written; false: never. */
static bool since(const struct exporter *exporter, const struct table *table, int64_t *out)
{
    int64_t created;
    if (table->plan == PLAN_AUXILIARY || !table->timed || atomic_load(&table->gone) ||
        !exports_of(exporter->service->exports, table->name, &created))
        return false;
    *out = created + exporter->options.delay;
    return true;
}

/* The caller holds the lock. */
static bool write_rows(struct exporter *exporter, const struct table *table, const char *from,
                       const char *where, struct error *err)
{
    size_t count = find_count(exporter, table);
    struct batch batch = {.exporter = exporter, .count = count};
    buf_init(&batch.lines, LINES_MAX);
    bool done = put_doubles(&batch, err) && query_rows(&batch, count, table, from, where, err) &&
                flush(&batch, err);
    buf_release(&batch.lines);
    if (exporter->truth)
        (void) fflush(exporter->truth);
    return done;
}

bool exporter_rows(struct exporter *exporter, const struct table *table, const char *from,
                   const char *where, int64_t arrived, struct error *err)
{
    int64_t begins;
    bool done = true;
    (void) pthread_mutex_lock(&exporter->lock);
    if (since(exporter, table, &begins) && arrived >= begins)
        done = write_rows(exporter, table, from, where, err);
    if (!done && exporter->err.code == ERROR_NONE)
        exporter->err = *err;
    (void) pthread_mutex_unlock(&exporter->lock);
    return done;
}

/* --- rows of files ---------------------------------------------------------------------------- */

/* Those that arrived in (upto, now]. The caller holds the lock. */
static bool look(struct exporter *exporter, int64_t now, struct error *err)
{
    const struct tables *tables = &exporter->service->tables;
    int64_t begins;
    bool done = true;
    for (size_t i = 0; done && i < tables->n; i++) {
        const struct table *table = &tables->v[i];
        char from[FROM_MAX], where[WHERE_MAX];
        if (table->newest <= exporter->upto || table->result || !since(exporter, table, &begins))
            continue;
        (void) snprintf(from, sizeof from, "%s%s", table->name,
                        atomic_load(&table->arrives) ? TABLES_BASE : "");
        (void) snprintf(where, sizeof where,
                        "\"_weir_visible\" > %lld AND \"_weir_visible\" <= %lld AND "
                        "\"_weir_visible\" >= %lld",
                        (long long) exporter->upto, (long long) now, (long long) begins);
        done = write_rows(exporter, table, from, where, err);
    }
    return done;
}

static void look_once(struct exporter *exporter)
{
    struct error err = ERROR_INIT;
    (void) pthread_mutex_lock(&exporter->lock);
    int64_t now = service_now(exporter->service);
    if (now > exporter->upto) {
        if (!look(exporter, now, &err) && exporter->err.code == ERROR_NONE)
            exporter->err = err;
        exporter->upto = now;
    }
    (void) pthread_mutex_unlock(&exporter->lock);
}

static void *run(void *context)
{
    struct exporter *exporter = context;
    while (bell_pause(exporter->bell, look_every))
        look_once(exporter);
    return NULL;
}

bool exporter_start(struct exporter *exporter, struct service *service, struct bell *bell,
                    struct error *err)
{
    exporter->service = service;
    exporter->bell = bell;
    exporter->upto = service_now(service);
    exporter->lake = (struct lake){.folder = exporter->options.folder,
                                   .name = exporter->options.name,
                                   .resource_id = service->resource_id,
                                   .overflow = exporter->options.overflow};
    exporter->started = pthread_create(&exporter->thread, NULL, run, exporter) == 0;
    return exporter->started || error_set(err, ERROR_MEMORY, "no thread for the export");
}

void exporter_stop(struct exporter *exporter)
{
    if (!exporter || !exporter->started)
        return;
    (void) pthread_join(exporter->thread, NULL);
    exporter->started = false;
    look_once(exporter);
    struct batch batch = {.exporter = exporter};
    buf_init(&batch.lines, LINES_MAX);
    struct error err = ERROR_INIT;
    if (!put_doubles(&batch, &err) && exporter->err.code == ERROR_NONE)
        exporter->err = err;
    buf_release(&batch.lines);
}

void exporter_put_report(const struct exporter *exporter, struct buf *out)
{
    if (!exporter)
        return;
    buf_puts(out, ",\"export\":{\"error\":\"");
    text_put_json(out, str_of(exporter->err.message));
    buf_puts(out, "\",\"tables\":{");
    for (size_t i = 0; i < exporter->counts_n; i++) {
        const struct count *count = &exporter->counts[i];
        buf_printf(out,
                   "%s\"%s\":{\"rows\":%llu,\"written\":%llu,\"doubled\":%llu,\"dropped\":%llu}",
                   i > 0 ? "," : "", count->table, (unsigned long long) count->rows,
                   (unsigned long long) count->written, (unsigned long long) count->doubled,
                   (unsigned long long) count->dropped);
    }
    buf_puts(out, "}}");
}
