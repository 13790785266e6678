/* Estimate: what an export would be, before it is one. See export.h.
 *
 * Rows and engine bytes are counted by the service, exactly; bytes as JSON are measured on a sample of rows, as
 * the service sends them and as the lake keeps them, and scaled by engine bytes.
 */
#include "export/plan.h"

#include "base/memory.h"
#include "lake/line.h"

#include <math.h>

enum { SAMPLE_ROWS = 400, SAMPLE_PARTS = 4, DAYS_MAX = 40 * 366, LINE_ROOM = 64 };

/* How fast the service answers: a guess from its documented limits of time and size, used for nothing else. */
static const double answer_latency = 2.0, answer_rate = 20e6;

struct sample {
    const struct export_snapshot *snapshot;
    struct lake_line *line;
    struct buf text;
    uint64_t rows, lines, response;
    struct error error;
    bool failed;
};

static bool sample_columns(void *context, const struct columns *columns, struct error *err)
{
    struct sample *sample = context;
    if (!sample->line)
        sample->line = lake_line_new(columns, NULL, err);
    return sample->line != NULL;
}

static bool sample_row(void *context, const struct json_row *row, struct error *err)
{
    struct sample *sample = context;
    size_t length;
    buf_reset(&sample->text);
    if (!buf_reserve(&sample->text, lake_line_bound(sample->line, row) + LINE_ROOM))
        return buf_ok(&sample->text, "line", err);
    if (!lake_line_write(sample->line, row, sample->text.bytes, &length, err))
        return false;
    sample->rows++;
    sample->lines += length;
    return true;
}

static void sample_done(void *context, const struct workspace_result *result)
{
    struct sample *sample = context;
    sample->failed = result->outcome != WORKSPACE_OK;
    sample->error = result->error;
    sample->response += result->bytes;
}

static bool sample_share(struct sample *sample, const struct export_options *options,
                         const struct export_share *share, struct error *err)
{
    struct buf text = BUF_INIT(1 << 20);
    export_put_rows(&text, sample->snapshot, share);
    buf_printf(&text, "\n| take %d", SAMPLE_ROWS / SAMPLE_PARTS);
    struct workspace_query query = {
        .kql = buf_str(&text),
        .timespan = sample->snapshot->timespan,
        .columns = sample_columns,
        .row = sample_row,
        .done = sample_done,
        .context = sample,
    };
    bool ok = buf_ok(&text, "query", err) && workspace_start(options->workspace, &query, err) &&
              workspace_run(options->workspace, -1, err);
    buf_release(&text);
    return ok;
}

/* A few rows from each part of the range. A part that does not answer is left out: it is a guess anyway. */
static bool take_sample(struct sample *sample, const struct export_options *options,
                        struct error *err)
{
    int64_t from = options->source.from, span = options->source.to - from;
    for (int part = 0; part < SAMPLE_PARTS; part++) {
        struct export_share share = {
            .from = from + span / SAMPLE_PARTS * part,
            .to = part + 1 < SAMPLE_PARTS ? from + span / SAMPLE_PARTS * (part + 1)
                                          : options->source.to,
            .parts = 1,
        };
        if (!sample_share(sample, options, &share, err))
            return false;
    }
    if (sample->rows == 0 && sample->failed)
        return error_set(err, sample->error.code, "%s", sample->error.message);
    return true;
}

static struct export_day *day_of(struct export_estimate *out, int64_t tick, struct error *err)
{
    int64_t day = tick_floor(tick, TICK_DAY);
    if (out->count > 0 && out->days[out->count - 1].day == day)
        return &out->days[out->count - 1];
    if (!mem_reserve(&out->days, &out->room, out->count, DAYS_MAX, sizeof *out->days, err))
        return NULL;
    out->days[out->count] = (struct export_day){.day = day};
    return &out->days[out->count++];
}

static bool add_days(const struct export_plan *plan, struct export_estimate *out, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct export_counted *counted = &plan->parts[i].counted;
        if (plan->parts[i].state != EXPORT_WAITING)
            continue;
        struct export_day *day = day_of(out, export_plan_tick(plan, i), err);
        if (!day)
            return false;
        day->rows += counted->rows;
        day->bytes += counted->bytes;
        day->partitions += counted->rows > 0;
        out->total.rows += counted->rows;
        out->total.bytes += counted->bytes;
        out->total.partitions += counted->rows > 0;
    }
    return true;
}

static void scale(const struct sample *sample, struct export_estimate *out)
{
    if (sample->rows == 0 || out->total.rows == 0)
        return;
    double rows = (double) sample->rows;
    double per_byte = (double) sample->lines / rows * (double) out->total.rows;
    per_byte = out->total.bytes > 0 ? per_byte / (double) out->total.bytes : 0;
    for (size_t i = 0; i < out->count; i++) {
        out->days[i].json = (uint64_t) llround((double) out->days[i].bytes * per_byte);
        out->total.json += out->days[i].json;
    }
    out->response = (uint64_t) llround((double) sample->response / rows * (double) out->total.rows);
}

/* Packs the batches as a run would, and adds up how long they take at least. */
static void pack(struct export_plan *plan, const struct export_options *options,
                 struct export_estimate *out)
{
    export_plan_learn(plan, out->total.rows, out->total.bytes, out->response);
    plan->learned = true;
    double busy = 0, longest = 0;
    struct export_batch batch;
    while (export_plan_take(plan, &batch)) {
        uint64_t rows = 0, bytes = 0;
        for (size_t i = 0; i < batch.count; i++) {
            rows += plan->parts[batch.first + i].counted.rows;
            bytes += plan->parts[batch.first + i].counted.bytes;
        }
        if (rows == 0)
            continue;
        uint32_t shares = batch.count == 1 ? export_plan_shares(plan, batch.first) : 1;
        uint64_t json = export_plan_json(plan, rows, bytes) / shares;
        out->batch_bytes = json > out->batch_bytes ? json : out->batch_bytes;
        out->queries += shares;
        double one = answer_latency + (double) json / answer_rate;
        busy += shares * one;
        longest = one > longest ? one : longest;
    }
    unsigned most = options->queries > 0 ? options->queries : WORKSPACE_CONCURRENT;
    double by_rate = (double) out->queries / WORKSPACE_RATE * WORKSPACE_RATE_WINDOW;
    out->least = by_rate;
    out->seconds = busy / most > by_rate ? busy / most : by_rate;
    out->seconds = longest > out->seconds ? longest : out->seconds;
}

bool export_plan_estimate(struct export_plan *plan, const struct export_options *options,
                          const struct export_snapshot *snapshot, struct export_estimate *out,
                          struct error *err)
{
    *out = (struct export_estimate){0};
    struct sample sample = {.snapshot = snapshot, .text = BUF_INIT(2 * JSON_ROW_MAX)};
    bool ok =
        add_days(plan, out, err) && (out->total.rows == 0 || take_sample(&sample, options, err));
    if (ok) {
        scale(&sample, out);
        pack(plan, options, out);
        export_plan_rewind(plan);
    }
    lake_line_free(sample.line);
    buf_release(&sample.text);
    if (!ok)
        export_estimate_release(out);
    return ok;
}

static bool count_all(const struct export_options *options, const struct export_snapshot *snapshot,
                      struct export_plan *plan, struct error *err)
{
    struct export_counted *counted = mem_alloc(plan->count, sizeof *counted, err);
    bool ok = counted && export_count(options->workspace, snapshot, snapshot->t0, plan->from,
                                      plan->to, counted, err);
    for (size_t i = 0; ok && i < plan->count; i++) {
        plan->parts[i].counted = counted[i];
        plan->parts[i].state = EXPORT_WAITING;
    }
    mem_free(counted);
    return ok;
}

bool export_estimate(const struct export_options *options, struct export_estimate *out,
                     struct error *err)
{
    *out = (struct export_estimate){0};
    struct export_snapshot snapshot = {0};
    struct export_plan plan = {0};
    bool ok = export_snapshot_take(options, &snapshot, err) &&
              export_plan_init(&plan, options, snapshot.columns.n, err) &&
              count_all(options, &snapshot, &plan, err) &&
              export_plan_estimate(&plan, options, &snapshot, out, err);
    export_plan_release(&plan);
    export_snapshot_release(&snapshot);
    return ok;
}

void export_estimate_release(struct export_estimate *estimate)
{
    mem_free(estimate->days);
    *estimate = (struct export_estimate){0};
}
