/* Plan: see plan.h. */
#include "export/plan.h"

#include "base/memory.h"

#include <math.h>

/* Aims in hundredths of the ceilings: counts are exact, sizes are estimates. */
enum { AIM_ROWS = 98, AIM_BYTES = 96, AIM_JSON = 92, SHARES_MAX = 4096 };

/* The aim for JSON follows how well the answers are foreseen: between these shares of the ceiling. */
static const double aim_least = 0.80, aim_most = 0.975, spread_first = 0.04, spread_fades = 0.8;

/* What a row is guessed to cost before one was seen: `null,` or `"",` for each column, and a fifth more than
 * the engine's bytes for escapes and times as text. The first batch is small, so a wrong guess is cheap. */
static const double guess_per_column = 5.0, guess_per_byte = 1.2;
enum { FIRST_JSON = 8 << 20 };

/* A batch of less than this is not worth a query of its own, however many lanes are free. */
static const double batch_least = 4e6;

bool export_plan_init(struct export_plan *plan, const struct export_options *options,
                      size_t columns, struct error *err)
{
    const struct export_source *source = &options->source;
    size_t count = (size_t) ((source->to - source->from) / TICK_PARTITION);
    if (count > EXPORT_PARTITIONS_MAX)
        return error_set(err, ERROR_LIMIT, "%zu partitions are more than an export may have: %d",
                         count, EXPORT_PARTITIONS_MAX);
    *plan = (struct export_plan){
        .from = source->from,
        .to = source->to,
        .count = count,
        .parts = mem_alloc(count, sizeof *plan->parts, err),
        .rows_max = EXPORT_CEILING_ROWS / 100 * AIM_ROWS,
        .bytes_max = EXPORT_CEILING_BYTES / 100 * AIM_BYTES,
        .json_max = EXPORT_CEILING_JSON / 100 * AIM_JSON,
        .json_ceiling = EXPORT_CEILING_JSON,
        .spread = spread_first,
        .span_max = options->batch_span > 0 ? options->batch_span : INT64_MAX,
        .json_per_row = guess_per_column * (double) columns,
        .json_per_byte = guess_per_byte,
        .grain = 1,
        .lanes = options->queries > 0 ? options->queries : WORKSPACE_CONCURRENT,
    };
    if (source->one_batch) {
        plan->rows_max = plan->bytes_max = plan->json_max = UINT64_MAX;
        plan->learned = true;
    }
    if (options->batch_rows > 0 && options->batch_rows < plan->rows_max)
        plan->rows_max = options->batch_rows;
    return plan->parts != NULL;
}

void export_plan_release(struct export_plan *plan)
{
    mem_free(plan->parts);
    *plan = (struct export_plan){0};
}

int64_t export_plan_tick(const struct export_plan *plan, size_t part)
{
    return plan->from + (int64_t) part * TICK_PARTITION;
}

uint64_t export_plan_json(const struct export_plan *plan, uint64_t rows, uint64_t bytes)
{
    double json = (double) rows * plan->json_per_row + (double) bytes * plan->json_per_byte;
    return json < (double) (UINT64_MAX / 2) ? (uint64_t) json : UINT64_MAX / 2;
}

/* Two spreads below the ceiling. */
static void aim_json(struct export_plan *plan)
{
    double share = 1.0 - 2.0 * plan->spread;
    share = share < aim_least ? aim_least : share > aim_most ? aim_most : share;
    plan->json_max = (uint64_t) ((double) plan->json_ceiling * share);
}

void export_plan_learn(struct export_plan *plan, uint64_t rows, uint64_t bytes, uint64_t json)
{
    uint64_t expected = export_plan_json(plan, rows, bytes);
    if (expected == 0 || (rows == 0 && bytes == 0))
        return;
    double factor = (double) json / (double) expected;
    /* At once upwards, since too large an answer costs a whole query; a little slower downwards. */
    double weight = !plan->learned || factor > 1.0 ? 1.0 : 0.8;
    double change = 1.0 + (factor - 1.0) * weight;
    plan->json_per_row *= change;
    plan->json_per_byte *= change;
    if (plan->learned) {
        double off = fabs(factor - 1.0), faded = plan->spread * spread_fades;
        plan->spread = off > faded ? off : faded;
        aim_json(plan);
    }
    plan->learned = true;
}

/* How full a batch is, by the ceiling that it is nearest to. */
static double fill_of(const struct export_plan *plan, uint64_t rows, uint64_t bytes)
{
    uint64_t json_max = plan->learned ? plan->json_max : FIRST_JSON;
    double by_rows = (double) rows / (double) plan->rows_max;
    double by_bytes = (double) bytes / (double) plan->bytes_max;
    double by_json = (double) export_plan_json(plan, rows, bytes) / (double) json_max;
    double fill = by_rows > by_bytes ? by_rows : by_bytes;
    return fill > by_json ? fill : by_json;
}

static bool fits(const struct export_plan *plan, const struct export_counted *sum, int64_t span)
{
    return span <= plan->span_max && fill_of(plan, sum->rows, sum->bytes) <= 1.0;
}

/* How full the next batch should be. What waits is divided into as many batches as the ceilings ask for, and then into
 * a multiple of the lanes, so that the last ones end together and no lane stands idle. */
static double aim(struct export_plan *plan)
{
    double full = ceil(fill_of(plan, plan->rows, plan->bytes));
    double worth = ceil((double) export_plan_json(plan, plan->rows, plan->bytes) / batch_least);
    double lanes = plan->lanes;
    double planned = (double) plan->batches;
    double taken = (double) plan->taken;
    if (planned < full || planned - full >= lanes)
        planned = ceil((taken + full) / lanes) * lanes - taken;
    if (planned > worth)
        planned = full > worth ? full : worth;
    plan->batches = planned >= 1 ? (uint64_t) planned : 1;
    double even = fill_of(plan, plan->rows, plan->bytes) / (double) plan->batches;
    return even < 1.0 ? even : 1.0;
}

static struct export_counted counted(const struct export_plan *plan,
                                     const struct export_batch *batch)
{
    struct export_counted sum = {0};
    for (size_t i = 0; i < batch->count; i++) {
        sum.rows += plan->parts[batch->first + i].counted.rows;
        sum.bytes += plan->parts[batch->first + i].counted.bytes;
    }
    return sum;
}

void export_plan_total(struct export_plan *plan)
{
    plan->rows = plan->bytes = plan->batches = plan->taken = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->parts[i].state == EXPORT_WAITING) {
            plan->rows += plan->parts[i].counted.rows;
            plan->bytes += plan->parts[i].counted.bytes;
        }
}

static void leave_out(uint64_t *total, uint64_t part)
{
    *total -= part < *total ? part : *total;
}

/* Whether one more partition brings the batch nearer to what it should be. */
static bool belongs(const struct export_plan *plan, const struct export_counted *sum,
                    const struct export_counted *more, int64_t span, double wanted)
{
    double before = fill_of(plan, sum->rows, sum->bytes);
    double after = fill_of(plan, more->rows, more->bytes);
    return fits(plan, more, span) && (after <= wanted || after - wanted < wanted - before);
}

bool export_plan_take(struct export_plan *plan, struct export_batch *out)
{
    size_t first = plan->next;
    while (first < plan->count && plan->parts[first].state != EXPORT_WAITING)
        first++;
    plan->next = first;
    if (first == plan->count)
        return false;
    struct export_counted sum = {0};
    double wanted = aim(plan);
    size_t end = first;
    while (end < plan->count && plan->parts[end].state == EXPORT_WAITING) {
        struct export_counted more = sum;
        more.rows += plan->parts[end].counted.rows;
        more.bytes += plan->parts[end].counted.bytes;
        if (end > first &&
            !belongs(plan, &sum, &more, (int64_t) (end + 1 - first) * TICK_PARTITION, wanted))
            break;
        sum = more;
        plan->parts[end++].state = EXPORT_UNDER_WAY;
    }
    plan->next = end;
    leave_out(&plan->rows, sum.rows);
    leave_out(&plan->bytes, sum.bytes);
    if (sum.rows + sum.bytes > 0) {
        plan->taken++;
        plan->batches -= plan->batches > 1;
    }
    *out = (struct export_batch){
        .share = {.from = export_plan_tick(plan, first),
                  .to = export_plan_tick(plan, end),
                  .parts = 1},
        .first = first,
        .count = end - first,
        .whole = true,
    };
    return true;
}

void export_plan_rewind(struct export_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->parts[i].state == EXPORT_UNDER_WAY)
            plan->parts[i].state = EXPORT_WAITING;
    plan->next = 0;
    export_plan_total(plan);
}

uint32_t export_plan_shares(const struct export_plan *plan, size_t part)
{
    const struct export_counted *of = &plan->parts[part].counted;
    uint64_t by_rows = (of->rows + plan->rows_max - 1) / plan->rows_max;
    uint64_t by_bytes = (of->bytes + plan->bytes_max - 1) / plan->bytes_max;
    uint64_t json = export_plan_json(plan, of->rows, of->bytes);
    uint64_t by_json = plan->learned ? (json + plan->json_max - 1) / plan->json_max : 1;
    uint64_t shares = by_rows > by_bytes ? by_rows : by_bytes;
    shares = shares > by_json ? shares : by_json;
    if (shares < 1)
        shares = 1;
    return (uint32_t) (shares < SHARES_MAX ? shares : SHARES_MAX);
}

static bool split_partitions(const struct export_batch *batch, struct export_batch *a,
                             struct export_batch *b)
{
    size_t half = batch->count / 2;
    *a = *b = *batch;
    a->count = half;
    b->first += half;
    b->count -= half;
    a->share.to = b->share.from = batch->share.from + (int64_t) half * TICK_PARTITION;
    return true;
}

static bool split_time(const struct export_batch *batch, int64_t grain, struct export_batch *a,
                       struct export_batch *b)
{
    int64_t middle =
        batch->share.from + tick_floor((batch->share.to - batch->share.from) / 2, grain);
    if (middle == batch->share.from)
        return false;
    *a = *b = *batch;
    a->whole = b->whole = false;
    a->share.to = b->share.from = middle;
    return true;
}

/* A limit below these is no ceiling, but a joke or a cut text: it is not believed. */
enum { LEAST_ROWS = 10, LEAST_BYTES = 1000, LEAST_JSON = 1000 };

static void lower(uint64_t *max, uint64_t limit, uint64_t least, int aim)
{
    uint64_t wanted = limit / 100 * (uint64_t) aim + limit % 100 * (uint64_t) aim / 100;
    if (limit >= least && wanted < *max)
        *max = wanted;
}

void export_plan_ceiling(struct export_plan *plan, const struct export_batch *batch,
                         enum workspace_ceiling ceiling, uint64_t limit)
{
    struct export_counted sum = counted(plan, batch);
    switch (ceiling) {
    case WORKSPACE_CEILING_ROWS:
        lower(&plan->rows_max, limit, LEAST_ROWS, AIM_ROWS);
        return;
    case WORKSPACE_CEILING_BYTES:
        lower(&plan->bytes_max, limit, LEAST_BYTES, AIM_BYTES);
        return;
    case WORKSPACE_CEILING_JSON:
        if (limit < LEAST_JSON)
            return;
        if (limit < plan->json_ceiling)
            plan->json_ceiling = limit;
        aim_json(plan);
        /* It was more than the limit, whatever was expected. */
        if (batch->whole && export_plan_json(plan, sum.rows, sum.bytes) < limit)
            export_plan_learn(plan, sum.rows, sum.bytes, limit + limit / 20);
        return;
    case WORKSPACE_CEILING_UNKNOWN:
        return;
    }
}

bool export_plan_fits(const struct export_plan *plan, const struct export_batch *batch)
{
    struct export_counted sum = counted(plan, batch);
    return fits(plan, &sum, batch->share.to - batch->share.from);
}

void export_plan_return(struct export_plan *plan, const struct export_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        plan->parts[batch->first + i].state = EXPORT_WAITING;
    struct export_counted sum = counted(plan, batch);
    plan->rows += sum.rows;
    plan->bytes += sum.bytes;
    if (batch->count > 0 && batch->first < plan->next)
        plan->next = batch->first;
}

/* hash(x, 2n) is p or p + n exactly where hash(x, n) is p: a remainder of one 64-bit number. */
static bool split_hash(const struct export_batch *batch, struct export_batch *a,
                       struct export_batch *b)
{
    if (batch->share.parts > SHARES_MAX / 2)
        return false;
    *a = *b = *batch;
    a->whole = b->whole = false;
    a->share.parts = b->share.parts = batch->share.parts * 2;
    b->share.part += batch->share.parts;
    return true;
}

bool export_plan_split(const struct export_plan *plan, const struct export_batch *batch,
                       bool by_time, struct export_batch *a, struct export_batch *b)
{
    if (batch->count > 1)
        return split_partitions(batch, a, b);
    if (by_time)
        return split_time(batch, plan->grain, a, b) || split_hash(batch, a, b);
    return split_hash(batch, a, b) || split_time(batch, plan->grain, a, b);
}
