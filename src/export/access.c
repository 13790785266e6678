/* Access: see access.h. */
#include "export/access.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUERY_MAX = 64 * 1024, NUMBER_MAX = 64 };

/* `Usage` counts by the hour of ingestion and rounds: a day that lacks less than this is whole. Days with less than a
 * megabyte say nothing. */
static const double short_share = 0.10, day_least = 1.0;
static const double megabyte = 1e6;
enum { UNKNOWN_BATCH = TICK_HOUR / TICK_PARTITION };

/* What was ingested in the last hours of a range may be of earlier or later rows. */
static const int64_t usage_settles = 6 * TICK_HOUR;

static bool read_real(const struct workspace_cell *cell, double *out)
{
    char text[NUMBER_MAX], *end;
    if (!cell || cell->null || cell->text.n == 0 || cell->text.n >= sizeof text)
        return false;
    memcpy(text, cell->text.p, cell->text.n);
    text[cell->text.n] = '\0';
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out) && *out >= 0;
}

static void read_hours(const struct workspace_table *table, struct export_access *out)
{
    for (size_t row = 0; row < table->rows; row++) {
        const struct workspace_cell *cell = workspace_cell(table, row, "Hour");
        int64_t tick;
        double megabytes;
        if (!cell || cell->null || !tick_parse(cell->text, &tick) || tick < out->from ||
            !read_real(workspace_cell(table, row, "Megabytes"), &megabytes))
            continue;
        size_t hour = (size_t) ((tick - out->from) / TICK_HOUR);
        if (hour < out->n)
            out->megabytes[hour] += megabytes;
    }
}

/* Hours from `from` on that cover the range. */
static size_t hours_of(const struct export_source *source, int64_t *from)
{
    *from = tick_floor(source->from, TICK_HOUR);
    int64_t hours = (source->to - *from + TICK_HOUR - 1) / TICK_HOUR;
    return hours > 0 && hours <= EXPORT_USAGE_HOURS_MAX ? (size_t) hours : 0;
}

bool export_usage_init(struct export_usage *usage, const struct export_options *options,
                       bool *wanted, struct error *err)
{
    const struct export_source *source = &options->source;
    int64_t from;
    size_t hours = hours_of(source, &from);
    *usage = (struct export_usage){.text = BUF_INIT(QUERY_MAX)};
    *wanted = !source->query && !source->relation && hours > 0;
    export_put_usage(&usage->text, source->place.table, from, from + (int64_t) hours * TICK_HOUR);
    usage->ask = (struct workspace_ask_one){
        .kql = buf_str(&usage->text), .max_rows = hours, .table = &usage->table};
    return buf_ok(&usage->text, "query", err);
}

void export_usage_release(struct export_usage *usage)
{
    workspace_table_release(&usage->table);
    buf_release(&usage->text);
}

bool export_access_read(struct export_access *access, const struct export_options *options,
                        const struct export_usage *usage, struct error *err)
{
    if (!usage->ask.ok || usage->table.rows == 0)
        return true;
    access->n = hours_of(&options->source, &access->from);
    access->megabytes = mem_alloc(access->n, sizeof *access->megabytes, err);
    if (!access->megabytes)
        return false;
    read_hours(&usage->table, access);
    return true;
}

void export_access_release(struct export_access *access)
{
    mem_free(access->megabytes);
    *access = (struct export_access){0};
}

static double megabytes_of(const struct export_access *access, int64_t from, int64_t to)
{
    double sum = 0;
    size_t hour = from > access->from ? (size_t) ((from - access->from) / TICK_HOUR) : 0;
    for (; hour < access->n; hour++) {
        int64_t begin = access->from + (int64_t) hour * TICK_HOUR, end = begin + TICK_HOUR;
        int64_t low = from > begin ? from : begin, high = to < end ? to : end;
        if (begin >= to)
            break;
        if (high > low)
            sum += access->megabytes[hour] * (double) (high - low) / (double) TICK_HOUR;
    }
    return sum;
}

uint64_t export_access_bytes(const struct export_access *access, int64_t from, int64_t to)
{
    double bytes = megabytes_of(access, from, to) * megabyte;
    return bytes < (double) (UINT64_MAX / 2) ? (uint64_t) bytes : UINT64_MAX / 2;
}

void export_access_guess(const struct export_access *access, struct export_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        int64_t tick = export_plan_tick(plan, i);
        plan->parts[i].counted.bytes =
            access->n > 0 ? export_access_bytes(access, tick, tick + TICK_PARTITION)
                          : plan->bytes_max / UNKNOWN_BATCH;
    }
}

uint64_t export_access_scan(const struct export_access *access, const struct export_plan *plan)
{
    double sum = 0;
    for (size_t i = 0; i < plan->count; i++) {
        int64_t tick = export_plan_tick(plan, i);
        if (plan->parts[i].state == EXPORT_WAITING)
            sum += megabytes_of(access, tick, tick + TICK_PARTITION);
    }
    return (uint64_t) (sum * megabyte);
}

static void because(struct export_access *access, enum lake_access verdict, const char *why)
{
    access->access = verdict;
    (void) snprintf(access->why, sizeof access->why, "%s", why);
}

struct weighed {
    unsigned days, short_days;
    int64_t worst;
    double worst_share; /* of what Usage has, that is seen */
};

/* Megabytes that are seen of a day; false: not all of it was counted. */
static bool seen_of_day(const struct export_plan *plan, int64_t day, double *seen)
{
    size_t first = (size_t) ((day - plan->from) / TICK_PARTITION);
    *seen = 0;
    for (size_t i = first; i < first + TICK_DAY / TICK_PARTITION; i++) {
        if (!plan->parts[i].counted.known)
            return false;
        *seen += (double) plan->parts[i].counted.billed / megabyte;
    }
    return true;
}

/* A day that says something: counted whole, and with something in Usage. */
struct day {
    int64_t tick;
    double usage, seen;
};

static struct weighed weigh_days(const struct day *days, size_t n)
{
    struct weighed out = {.days = (unsigned) n, .worst_share = 1.0};
    for (size_t i = 0; i < n; i++) {
        /* Usage has hours of ingestion: what was uploaded late counts to the days beside. */
        size_t first = i > 0 ? i - 1 : 0, last = i + 1 < n ? i + 1 : n - 1;
        double usage = 0, seen = 0;
        for (size_t k = first; k <= last; k++) {
            usage += days[k].usage;
            seen += days[k].seen;
        }
        double share = seen / usage;
        out.short_days += share < 1.0 - short_share;
        if (share < out.worst_share) {
            out.worst_share = share;
            out.worst = days[i].tick;
        }
    }
    return out;
}

/* Whole days of the range, long enough ago. Those before the retention say nothing, nor, while that is not known, do
 * days without any row before the first that has some. */
static bool weigh(const struct export_snapshot *snapshot, const struct export_plan *plan,
                  const struct export_access *access, struct weighed *out, struct error *err)
{
    int64_t last = snapshot->t0 - usage_settles;
    int64_t to = plan->to < last ? plan->to : last;
    int64_t from = tick_floor(plan->from + TICK_DAY - 1, TICK_DAY);
    size_t room = to > from ? (size_t) ((to - from) / TICK_DAY) : 0, n = 0, empty = 0;
    *out = (struct weighed){0};
    struct day *days = room > 0 ? mem_alloc(room, sizeof *days, err) : NULL;
    if (room > 0 && !days)
        return false;
    for (int64_t tick = from; n < room && tick + TICK_DAY <= to; tick += TICK_DAY) {
        struct day day = {.tick = tick, .usage = megabytes_of(access, tick, tick + TICK_DAY)};
        if (day.usage < day_least || tick < snapshot->aged || !seen_of_day(plan, tick, &day.seen))
            continue;
        empty += n == empty && day.seen == 0;
        days[n++] = day;
    }
    size_t skip = empty < n ? empty : 0;
    if (n > skip)
        *out = weigh_days(days + skip, n - skip);
    mem_free(days);
    return true;
}

/* Usage and what is seen agree, or say nothing of each other; or less is seen: then it is conditional. */
static bool judge_usage(const struct export_options *options, struct export_snapshot *snapshot,
                        const struct export_plan *plan, struct export_access *access, bool *agrees,
                        struct error *err)
{
    struct weighed weighed = {0};
    *agrees = false;
    if (access->n == 0 || !snapshot->billed || !plan)
        return true;
    if (!weigh(snapshot, plan, access, &weighed, err))
        return false;
    if (weighed.short_days > 0 && !snapshot->facts_asked &&
        (!export_snapshot_facts(options, snapshot, err) ||
         !weigh(snapshot, plan, access, &weighed, err)))
        return false;
    *agrees = weighed.days > 0 && weighed.short_days == 0;
    if (weighed.short_days == 0)
        return true;
    char day[TICK_TEXT_MAX], why[EXPORT_REASON_MAX];
    (void) tick_format_short(weighed.worst, day);
    (void) snprintf(why, sizeof why,
                    "on %u of %u days less is seen than Usage has; around %.10s %.0f %% of it",
                    weighed.short_days, weighed.days, day, weighed.worst_share * 100);
    because(access, LAKE_ACCESS_CONDITIONAL, why);
    return true;
}

bool export_access_judge(const struct export_options *options, struct export_snapshot *snapshot,
                         const struct export_plan *plan, struct export_access *access,
                         struct error *err)
{
    enum workspace_condition condition = WORKSPACE_CONDITION_UNKNOWN;
    char why[WORKSPACE_WHY_MAX] = "";
    bool agrees;
    because(access, LAKE_ACCESS_UNKNOWN, "");
    if (!judge_usage(options, snapshot, plan, access, &agrees, err))
        return false;
    if (access->access == LAKE_ACCESS_CONDITIONAL)
        return true;
    if (options->source.query) {
        because(access, LAKE_ACCESS_UNKNOWN, "of a query it is not asked");
        return true;
    }
    if (!workspace_conditions(options->workspace, options->source.place.table, &condition, why,
                              err))
        return false;
    if (condition == WORKSPACE_CONDITION_SOME)
        because(access, LAKE_ACCESS_CONDITIONAL, why);
    else if (condition == WORKSPACE_CONDITION_NONE)
        because(access, LAKE_ACCESS_FULL,
                agrees ? "no role assignment has a condition, and Usage agrees"
                       : "no role assignment has a condition");
    else
        because(access, LAKE_ACCESS_UNKNOWN, why);
    return true;
}
