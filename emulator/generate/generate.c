/* A run over tables: options looked at, rows written, truth told; see generate.h. */
#include "emulator/generate.h"

#include "base/file.h"
#include "base/hash.h"
#include "emulator/generate/tables.h"
#include "emulator/generate/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ROW_MAX = 16 * 1024,     /* bytes of a row; the longest of ours has some 4,000 */
    SHEET_ROOM = 4 << 20,    /* bytes written at once */
    LOOK_UP_EVERY = 1 << 16, /* rows between two looks at the stop flag */
    DAYS_DEFAULT = 7,
    ROWS_DEFAULT = 100000,
};

static const int64_t END_DEFAULT = INT64_C(637727904000000000); /* 2021-11-18 */

static const struct table *const tables[] = {
    &table_common_security_log,
    &table_device_network_events,
    &table_security_event,
    &table_signin_logs,
    &table_syslog,
};

enum { TABLES = sizeof tables / sizeof tables[0] };

static const char *const names[TABLES + 1] = {
    "CommonSecurityLog", "DeviceNetworkEvents", "SecurityEvent", "SigninLogs", "Syslog", NULL};

/* Bytes on their way into a file. */
struct sheet {
    char *bytes;
    size_t used;
    uint64_t flushed;
    int fd; /* -1: bytes are counted only */
    const char *path;
};

static bool flush(struct sheet *sheet, struct error *err)
{
    if (sheet->fd >= 0 && !file_write_all(sheet->fd, sheet->bytes, sheet->used, sheet->path, err))
        return false;
    sheet->flushed += sheet->used;
    sheet->used = 0;
    return true;
}

/* One table of a run. */
struct job {
    const struct generate_options *options;
    const struct table *table;
    const struct world *world;
    struct plan plan;
    struct tally tally;
    struct sheet sheet;
};

static bool write_row(struct job *job, struct row *row, struct error *err)
{
    struct sheet *sheet = &job->sheet;
    if (SHEET_ROOM - sheet->used < ROW_MAX && !flush(sheet, err))
        return false;
    char *start = sheet->bytes + sheet->used;
    row->at = start;
    row->end = start + ROW_MAX;
    row_put_str(row, job->world->prefix);
    job->table->write(row);
    row_put(row, "}\n", 2);
    if (row->full)
        return error_set(err, ERROR_INTERNAL, "a row of %s is longer than %d bytes",
                         job->table->name, ROW_MAX);
    sheet->used += (size_t) (row->at - start);
    return true;
}

static void count_row(struct tally *tally, int64_t tick)
{
    if (tally->rows == 0 || tick < tally->first)
        tally->first = tick;
    if (tally->rows == 0 || tick > tally->last)
        tally->last = tick;
    tally->rows++;
    tally->days[tick / TICK_DAY - tally->first_day]++;
}

static bool look_up(const struct job *job, uint64_t done, struct error *err)
{
    const struct generate_options *options = job->options;
    if (stop_asked(options->stop))
        return error_set(err, ERROR_INTERRUPTED, "interrupted after %llu rows of %s",
                         (unsigned long long) done, job->table->name);
    if (options->progress)
        options->progress(options->context, job->table->name, done, job->plan.rows);
    return true;
}

static bool write_rows(struct job *job, struct error *err)
{
    struct row row = {.world = job->world, .plan = &job->plan};
    struct plan_walk walk = {0};
    uint64_t rows = job->plan.rows;
    for (uint64_t i = 0; i < rows; i++) {
        if (i % LOOK_UP_EVERY == 0 && !look_up(job, i, err))
            return false;
        if (job->options->shuffle)
            row.tick = plan_row(&job->plan, plan_shuffled(i, rows, job->plan.seed), &row.special,
                                &row.random);
        else if (!plan_next(&job->plan, &walk, &row.tick, &row.special, &row.random))
            return error_set(err, ERROR_INTERNAL, "the plan of %s has too few rows",
                             job->table->name);
        if (!write_row(job, &row, err))
            return false;
        count_row(&job->tally, row.tick);
    }
    return flush(&job->sheet, err) && look_up(job, rows, err);
}

/* Writes all rows into a file beside, which takes its name when it is whole. */
static bool write_file(struct job *job, const char *path, struct error *err)
{
    struct buf part = BUF_INIT(PATH_MAX);
    buf_printf(&part, "%s.part", path);
    bool ok = buf_ok(&part, "a path", err);
    if (ok) {
        job->sheet.path = path;
        job->sheet.fd = open(buf_text(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        ok = job->sheet.fd >= 0 || error_set_errno(err, ERROR_IO, errno, "%s", buf_text(&part));
    }
    if (ok) {
        ok = write_rows(job, err);
        if (close(job->sheet.fd) != 0 && ok)
            ok = error_set_errno(err, ERROR_IO, errno, "%s", path);
        if (ok && rename(buf_text(&part), path) != 0)
            ok = error_set_errno(err, ERROR_IO, errno, "%s", path);
        if (!ok)
            (void) unlink(buf_text(&part));
    }
    buf_release(&part);
    return ok;
}

static bool write_table(struct job *job, struct error *err)
{
    struct buf path = BUF_INIT(PATH_MAX);
    if (!job->options->out)
        return write_rows(job, err);
    buf_printf(&path, "%s/%s.jsonl", job->options->out, job->table->name);
    bool ok = buf_ok(&path, "a path", err) && write_file(job, buf_text(&path), err);
    buf_release(&path);
    return ok;
}

/* Another seed for each table, from the run's and the table's name. */
static uint64_t table_seed(uint64_t seed, const char *name)
{
    return (uint64_t) hash_xx64(str_of(name)) + seed * UINT64_C(0xA0761D6478BD642F);
}

static bool job_init(struct job *job, int64_t start, int64_t end, struct error *err)
{
    const struct plan_options plan = {.start = start,
                                      .end = end,
                                      .rows = job->options->rows,
                                      .seed = table_seed(job->options->seed, job->table->name),
                                      .beacons = job->table->beacons,
                                      .sprays = job->table->sprays,
                                      .hosts = WORLD_HOSTS,
                                      .users = WORLD_USERS};
    job->sheet.fd = -1;
    job->tally.first_day = start / TICK_DAY;
    job->tally.day_count = (size_t) ((end - 1) / TICK_DAY - job->tally.first_day + 1);
    job->tally.days = mem_alloc(job->tally.day_count, sizeof *job->tally.days, err);
    job->sheet.bytes = mem_alloc(SHEET_ROOM, 1, err);
    return job->tally.days && job->sheet.bytes && plan_init(&job->plan, &plan, err);
}

static void job_release(struct job *job)
{
    plan_release(&job->plan);
    mem_free(job->tally.days);
    mem_free(job->sheet.bytes);
}

/* A run: options with their defaults filled in, and the tables asked for. */
struct run {
    struct generate_options options;
    int64_t start, end;
    const struct table *tables[TABLES];
    size_t table_count;
};

static bool make_table(const struct run *run, const struct table *table, const struct world *world,
                       struct truth *truth, struct generate_report *report, struct error *err)
{
    struct job job = {.options = &run->options, .table = table, .world = world};
    bool ok = job_init(&job, run->start, run->end, err) && write_table(&job, err);
    job.tally.bytes = job.sheet.flushed;
    ok = ok && truth_put(truth, table->name, &job.plan, world, &job.tally, run->options.seed,
                         run->options.shuffle, err);
    if (ok) {
        report->tables++;
        report->rows += job.tally.rows;
        report->bytes += job.tally.bytes;
    }
    job_release(&job);
    return ok;
}

static bool add_table(struct run *run, struct str name, struct error *err)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (!str_eq(name, str_of(names[i])))
            continue;
        for (size_t k = 0; k < run->table_count; k++)
            if (run->tables[k] == tables[i])
                return error_set(err, ERROR_USAGE, "table %s is asked for twice", names[i]);
        run->tables[run->table_count++] = tables[i];
        return true;
    }
    const char *nearest = text_nearest(name, names, TABLES);
    (void) error_set(err, ERROR_USAGE, "table '%.*s' cannot be generated%s%s%s",
                     (int) (name.n < 64 ? name.n : 64), name.p, nearest ? "; did you mean '" : "",
                     nearest ? nearest : "", nearest ? "'?" : "");
    return error_hint(err, "tables: %s, %s, %s, %s, %s", names[0], names[1], names[2], names[3],
                      names[4]);
}

static bool check_range(struct run *run, struct error *err)
{
    struct generate_options *options = &run->options;
    if (options->days > GENERATE_DAYS_MAX)
        return error_set(err, ERROR_USAGE, "more than %d days", GENERATE_DAYS_MAX);
    if (options->rows > GENERATE_ROWS_MAX)
        return error_set(err, ERROR_USAGE, "more than %llu rows",
                         (unsigned long long) GENERATE_ROWS_MAX);
    if (options->seed > INT64_MAX)
        return error_set(err, ERROR_USAGE, "a seed is at most %lld", (long long) INT64_MAX);
    run->end = tick_floor(options->end, TICK_MINUTE);
    run->start = run->end - (int64_t) options->days * TICK_DAY;
    if (run->start < TICK_DAY || run->end > TICK_MAX)
        return error_set(err, ERROR_USAGE, "the range does not lie within the years 1 to 9999");
    return true;
}

static bool run_init(struct run *run, const struct generate_options *options, struct error *err)
{
    struct str rest = str_of(options->tables), name;
    *run = (struct run){.options = *options};
    if (options->days == 0)
        run->options.days = DAYS_DEFAULT;
    if (options->rows == 0)
        run->options.rows = ROWS_DEFAULT;
    if (options->end == 0)
        run->options.end = END_DEFAULT;
    while (str_split(&rest, ',', &name))
        if (!add_table(run, str_trim(name), err))
            return false;
    if (run->table_count == 0)
        return error_set(err, ERROR_USAGE, "no table is named");
    return check_range(run, err);
}

static bool make_tables(const struct run *run, const char *truth_path,
                        struct generate_report *report, struct error *err)
{
    struct world world;
    bool ok = world_init(&world, run->options.seed, err);
    struct truth *truth = ok ? truth_new(truth_path, err) : NULL;
    ok = truth != NULL;
    for (size_t i = 0; ok && i < run->table_count; i++)
        ok = make_table(run, run->tables[i], &world, truth, report, err);
    ok = ok && (!truth_path || truth_write(truth, truth_path, err));
    truth_free(truth);
    world_release(&world);
    return ok;
}

bool generate_run(const struct generate_options *options, struct generate_report *report,
                  struct error *err)
{
    struct run run;
    struct buf path = BUF_INIT(PATH_MAX);
    *report = (struct generate_report){0};
    if (!run_init(&run, options, err))
        return false;
    bool ok = true;
    if (options->out) {
        path_join(&path, options->out, "truth.json");
        ok = buf_ok(&path, "a path", err) && file_make_folders(options->out, err);
    }
    ok = ok && make_tables(&run, options->out ? buf_text(&path) : NULL, report, err);
    buf_release(&path);
    return ok;
}

const char *const *generate_tables(void)
{
    return names;
}
