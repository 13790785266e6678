/* Report: what was asked and what was answered. */

#include "emulator/report.h"

#include "emulator/exporter.h"
#include "emulator/jobs.h"

#include <errno.h>

enum { LOG_LINE_MAX = 2 << 20 };

static const char *const route_names[REPORT_ROUTE_COUNT] = {
#define X(name, text) text,
    REPORT_ROUTES(X)
#undef X
};

bool report_init(struct report *report, const char *log_path, struct error *err)
{
    *report = (struct report){0};
    if (pthread_mutex_init(&report->lock, NULL) != 0)
        return error_set(err, ERROR_MEMORY, "no mutex for the report");
    if (!log_path)
        return true;
    report->log = fopen(log_path, "ae");
    return report->log || error_set_errno(err, ERROR_IO, errno, "%s", log_path);
}

void report_release(struct report *report)
{
    if (report->log)
        (void) fclose(report->log);
    (void) pthread_mutex_destroy(&report->lock);
}

void report_count(struct report *report, enum report_route route, int status, uint64_t body)
{
    atomic_fetch_add(&report->requests[route], 1);
    if (status >= 0 && status < REPORT_STATUS_MAX)
        atomic_fetch_add(&report->statuses[status], 1);
    atomic_fetch_add(&report->bytes, body);
}

void report_computed(struct report *report, uint64_t ns)
{
    if (report->latency == 0 || ns <= report->latency)
        return;
    uint_fast64_t beyond = ns - report->latency, most = atomic_load(&report->slow.most);
    atomic_fetch_add(&report->slow.n, 1);
    atomic_fetch_add(&report->slow.sum, beyond);
    while (most < beyond && !atomic_compare_exchange_weak(&report->slow.most, &most, beyond)) {
    }
}

void report_log(struct report *report, const struct report_query *query)
{
    if (!report->log)
        return;
    struct buf line = BUF_INIT(LOG_LINE_MAX);
    buf_printf(&line,
               "{\"request\":%llu,\"status\":%d,\"fault\":\"%s\",\"rows\":%llu,\"bytes\":%llu,"
               "\"body\":%llu,\"at\":%.6f,\"waited\":%.6f,\"seconds\":%.6f,\"query\":\"",
               (unsigned long long) query->number, query->status, fault_name(query->fault),
               (unsigned long long) query->rows, (unsigned long long) query->bytes,
               (unsigned long long) query->body, query->at, query->waited, query->seconds);
    text_put_json(&line, query->text);
    buf_puts(&line, "\"}\n");
    (void) pthread_mutex_lock(&report->lock);
    if (buf_ok(&line, "a line of the log", NULL)) {
        (void) fwrite(line.bytes, 1, line.used, report->log);
        (void) fflush(report->log);
    }
    (void) pthread_mutex_unlock(&report->lock);
    buf_release(&line);
}

static double seconds_of(const atomic_uint_fast64_t *ns)
{
    return (double) atomic_load(ns) / 1e9;
}

static unsigned long long count_of(const atomic_uint_fast64_t *count)
{
    return (unsigned long long) atomic_load(count);
}

/* One line of `name count` pairs; those that are 0 are left out. */
static void put_line(struct buf *out, const char *title, const char *const *names,
                     const atomic_uint_fast64_t *counts, int from, int n)
{
    char number[TEXT_NUMBER_MAX];
    buf_printf(out, "%-10s", title);
    for (int i = from; i < n; i++) {
        uint64_t count = atomic_load(&counts[i]);
        if (count > 0 && names)
            buf_printf(out, "  %s %s", names[i], text_grouped(count, number));
        else if (count > 0)
            buf_printf(out, "  %d: %s", i, text_grouped(count, number));
    }
    buf_putc(out, '\n');
}

static void put_slow(const struct report *report, struct buf *out)
{
    char latency[TEXT_NUMBER_MAX], sum[TEXT_NUMBER_MAX], most[TEXT_NUMBER_MAX];
    if (report->latency > 0)
        buf_printf(out,
                   "latency     %s; computed longer %llu times, by %s together, at most by %s\n",
                   text_duration((double) report->latency / 1e9, latency),
                   count_of(&report->slow.n), text_duration(seconds_of(&report->slow.sum), sum),
                   text_duration(seconds_of(&report->slow.most), most));
}

void report_put_text(const struct report_parts *parts, struct buf *out)
{
    const struct report *report = parts->report;
    const struct faults *faults = parts->faults;
    const struct throttle_figures *throttle = parts->throttle;
    const char *names[FAULT_COUNT];
    for (int f = 0; f < FAULT_COUNT; f++)
        names[f] = fault_name((enum fault) f);
    put_line(out, "requests", route_names, report->requests, 0, REPORT_ROUTE_COUNT);
    put_line(out, "statuses", NULL, report->statuses, 0, REPORT_STATUS_MAX);
    put_line(out, "faults", names, faults->met, FAULT_NONE + 1, FAULT_COUNT);
    char rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX];
    buf_printf(out, "answers     rows %s, %s of body, partial %llu, over their time %llu\n",
               text_grouped(atomic_load(&report->rows), rows),
               text_bytes(atomic_load(&report->bytes), bytes), count_of(&report->partials),
               count_of(&report->timeouts));
    buf_printf(
        out,
        "limits      refused: rate %llu, queue full %llu, waited too long %llu; queued %llu, "
        "at most %llu at once, queue of %llu\n",
        (unsigned long long) throttle->rate, (unsigned long long) throttle->full,
        (unsigned long long) throttle->waited, (unsigned long long) throttle->queued,
        (unsigned long long) throttle->most_at_once, (unsigned long long) throttle->longest_queue);
    put_slow(report, out);
    for (size_t i = 0; i < parts->tables->n; i++) {
        const struct table *table = &parts->tables->v[i];
        if (table->plan != PLAN_ANALYTICS)
            buf_printf(out, "%-10s  %s: read %llu times, %s together\n", plan_name(table->plan),
                       table->name, count_of(&table->passes),
                       text_bytes(atomic_load(&table->scanned), bytes));
    }
}

static void put_plans(const struct tables *tables, struct buf *out)
{
    const char *comma = "";
    buf_puts(out, ",\"plans\":{");
    for (size_t i = 0; i < tables->n; i++) {
        const struct table *table = &tables->v[i];
        if (table->plan == PLAN_ANALYTICS)
            continue;
        buf_printf(out, "%s\"%s\":{\"plan\":\"%s\",\"passes\":%llu,\"bytes\":%llu}", comma,
                   table->name, plan_name(table->plan), count_of(&table->passes),
                   count_of(&table->scanned));
        comma = ",";
    }
    buf_putc(out, '}');
}

void report_put_json(const struct report_parts *parts, struct buf *out)
{
    const struct report *report = parts->report;
    const struct faults *faults = parts->faults;
    const struct throttle_figures *throttle = parts->throttle;
    buf_puts(out, "{\"requests\":{");
    for (int r = 0; r < REPORT_ROUTE_COUNT; r++)
        buf_printf(out, "%s\"%s\":%llu", r > 0 ? "," : "", route_names[r],
                   count_of(&report->requests[r]));
    buf_puts(out, "},\"statuses\":{");
    const char *comma = "";
    for (int s = 0; s < REPORT_STATUS_MAX; s++) {
        if (atomic_load(&report->statuses[s]) > 0) {
            buf_printf(out, "%s\"%d\":%llu", comma, s, count_of(&report->statuses[s]));
            comma = ",";
        }
    }
    buf_puts(out, "},\"faults\":{");
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
        buf_printf(out, "%s\"%s\":%llu", f > FAULT_NONE + 1 ? "," : "", fault_name((enum fault) f),
                   count_of(&faults->met[f]));
    buf_printf(out,
               "},\"rows\":%llu,\"bytes\":%llu,\"partial\":%llu,\"timeouts\":%llu,\"rate\":%llu,"
               "\"full\":%llu,\"waited\":%llu,\"queued\":%llu,\"at_once\":%llu,\"queue\":%llu",
               count_of(&report->rows), count_of(&report->bytes), count_of(&report->partials),
               count_of(&report->timeouts), (unsigned long long) throttle->rate,
               (unsigned long long) throttle->full, (unsigned long long) throttle->waited,
               (unsigned long long) throttle->queued, (unsigned long long) throttle->most_at_once,
               (unsigned long long) throttle->longest_queue);
    put_plans(parts->tables, out);
    jobs_put_report(parts->jobs, out);
    exporter_put_report(parts->exporter, out);
    buf_printf(out, ",\"searches\":{\"queued\":%llu,\"at_once\":%llu}",
               (unsigned long long) parts->searches->queued,
               (unsigned long long) parts->searches->most_at_once);
    buf_printf(out, ",\"slow\":%llu,\"slow_seconds\":%.6f,\"slowest_seconds\":%.6f}\n",
               count_of(&report->slow.n), seconds_of(&report->slow.sum),
               seconds_of(&report->slow.most));
}
