/* Estimate: what an export would be, before it is one. See export.h.
 *
 * Rows and engine bytes are counted by the service, exactly; bytes as JSON are measured on a sample of rows, as
 * the service sends them and as the lake keeps them, and scaled by engine bytes.
 */
#include "export/run.h"

#include "base/memory.h"

#include <math.h>

enum { DAYS_MAX = 40 * 366 };

/* How fast the service answers: a guess from its documented limits of time and size, used for nothing else. */
static const double answer_latency = 2.0, answer_rate = 20e6;

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

static void scale(const struct export_sample *sample, struct export_estimate *out)
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
    export_plan_total(plan);
    while (export_plan_take(plan, &batch)) {
        uint64_t rows = 0, bytes = 0;
        for (size_t i = 0; i < batch.count; i++) {
            rows += plan->parts[batch.first + i].counted.rows;
            bytes += plan->parts[batch.first + i].counted.bytes;
        }
        if (rows + bytes == 0)
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

/* Without a sample: one was not answered, or would be billed. */
static void guess_json(const struct export_plan *plan, struct export_estimate *out)
{
    for (size_t i = 0; i < out->count; i++)
        out->days[i].json = export_plan_json(plan, out->days[i].rows, out->days[i].bytes);
    out->total.json = out->response = export_plan_json(plan, out->total.rows, out->total.bytes);
}

bool export_plan_estimate(struct export_plan *plan, const struct export_options *options,
                          const struct export_snapshot *snapshot, const struct export_access *usage,
                          const struct export_sample *sample, struct export_estimate *out,
                          struct error *err)
{
    *out = (struct export_estimate){0};
    if (!add_days(plan, out, err)) {
        export_estimate_release(out);
        return false;
    }
    if (snapshot->search) {
        out->passes = options->passes == 2 ? 2 : 1;
        out->scan_known = usage->n > 0;
        out->scan = export_access_scan(usage, plan) * out->passes;
    }
    if (sample->rows > 0)
        scale(sample, out);
    else
        guess_json(plan, out);
    pack(plan, options, out);
    export_plan_rewind(plan);
    return true;
}

bool export_estimate(const struct export_options *options, struct export_estimate *out,
                     struct error *err)
{
    *out = (struct export_estimate){0};
    struct export *export = export_new(options, err);
    bool ok = export && export_estimate_of(export, out, err);
    export_free(export);
    return ok;
}

void export_estimate_release(struct export_estimate *estimate)
{
    mem_free(estimate->days);
    *estimate = (struct export_estimate){0};
}
