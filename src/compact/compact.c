/* Compact: see compact.h.
 *
 * The lake is listed once to see which days there are and what is to be done. Each day that is worked on is listed again
 * then, so that a day is what it is at that time, and memory is that of one day.
 */
#include "compact/compact.h"

#include "compact/job.h"
#include "compact/prove.h"

#include <unistd.h>

enum {
    DAYS_MAX = 1 << 16,
    MEMORY_SHARE = 4, /* of the machine's */
    PATH_ROOM = 8192
};

/* A day that there is something of. */
struct candidate {
    int64_t day;
    int64_t written; /* tick: when the service or others last wrote a blob of it; 0: never */
    uint64_t bytes;  /* that are to be read */
    bool current, reopened;
    bool broken; /* a file is missing whose rows are nowhere else */
};

struct run {
    struct compact_job job;
    struct candidate *v;
    size_t n, room;
};

const char *compact_verdict_text(enum compact_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) text,
        COMPACT_VERDICTS(X)
#undef X
    };
    return (unsigned) verdict < COMPACT_VERDICT_COUNT ? texts[verdict] : "?";
}

/* --- which days ------------------------------------------------------------------------------------------- */

/* Whether the day's files must be written anew, though they hold its rows. */
static bool is_retyped(const struct compact_job *job, const struct lake_day *record)
{
    for (size_t i = 0; job->delta && i < record->file_count; i++)
        if (compact_delta_retyped(&job->schema.columns, &record->files[i]))
            return true;
    return false;
}

static bool is_current(const struct compact_job *job, const struct query_day *day)
{
    return day->record && day->form == QUERY_DAY_FILES && !is_retyped(job, day->record);
}

static bool add_candidate(void *context, const struct query_day *day, struct error *err)
{
    struct run *run = context;
    if (!mem_reserve(&run->v, &run->room, run->n, DAYS_MAX, sizeof *run->v, err))
        return false;
    struct candidate candidate = {.day = day->day,
                                  .current = is_current(&run->job, day),
                                  .reopened = day->record && day->form != QUERY_DAY_FILES,
                                  .broken = day->missing != NULL};
    for (size_t i = 0; i < day->n; i++) {
        const struct query_blob *blob = &day->blobs[i];
        bool own = blob->kind == LAKE_BLOB_EXPORT || blob->kind == LAKE_BLOB_IMPORT;
        if (!own && blob->modified > candidate.written)
            candidate.written = blob->modified;
        candidate.bytes += blob->read ? blob->size : 0;
    }
    if (day->n > 0 || day->record)
        run->v[run->n++] = candidate;
    return true;
}

static bool find_candidates(struct run *run, struct error *err)
{
    const struct compact_options *options = run->job.options;
    bool all = options->from == 0 && options->to == 0;
    int64_t from = all ? 0 : tick_floor(options->from + TICK_DAY - 1, TICK_DAY);
    int64_t to = all ? TICK_MAX : tick_floor(options->to + TICK_DAY - 1, TICK_DAY);
    return query_days(&run->job.known, from, to, add_candidate, run, err);
}

/* Whether a day is closed; if not, `why` says so. */
static bool is_closed(const struct compact_options *options, const struct candidate *candidate,
                      struct error *why)
{
    int64_t after = options->closed_after < 0    ? 0
                    : options->closed_after == 0 ? COMPACT_CLOSED_AFTER
                                                 : options->closed_after;
    int64_t closes = candidate->day + TICK_DAY + after;
    char text[TICK_TEXT_MAX];
    bool written = options->closed_after >= 0 && candidate->written + after > closes;
    if (written)
        closes = candidate->written + after;
    if (closes <= options->now)
        return true;
    (void) tick_format_short(closes < TICK_MAX ? tick_floor(closes, TICK_MINUTE) : TICK_MAX, text);
    return error_set(why, ERROR_INCOMPLETE,
                     written ? "a blob was written late: it closes at %s" : "it closes at %s",
                     text);
}

/* --- one day ---------------------------------------------------------------------------------------------- */

/* What is wrong with a day alone; all else ends the run. */
static bool is_of_day(const struct error *why)
{
    return why->code == ERROR_FORMAT || why->code == ERROR_PARTIAL || why->code == ERROR_LIMIT ||
           why->code == ERROR_NOT_FOUND || why->code == ERROR_INCOMPLETE;
}

static void add_total(struct compact_totals *totals, const struct compact_day *told)
{
    totals->days[told->verdict]++;
    totals->deleted += told->deleted;
    totals->deleted_bytes += told->deleted_bytes;
    if (told->verdict != COMPACT_DONE)
        return;
    totals->rows += told->rows;
    totals->doubled += told->doubled;
    totals->blobs += told->blobs;
    totals->bytes += told->bytes;
    totals->files += told->files;
    totals->file_bytes += told->file_bytes;
}

static bool tell(struct run *run, struct compact_day *told, struct error *err)
{
    const struct compact_options *options = run->job.options;
    add_total(run->job.totals, told);
    run->job.progress.days_done++;
    if (options->progress)
        options->progress(options->context, &run->job.progress);
    return !options->fn || options->fn(options->context, told, err);
}

/* What would be written, without a look at a byte. */
static void foresee(const struct compact_kept *kept, struct compact_day *told)
{
    for (size_t i = 0; i < kept->day.n; i++) {
        told->blobs += kept->day.blobs[i].read;
        told->bytes += kept->day.blobs[i].read ? kept->day.blobs[i].size : 0;
    }
}

/* The record that a dry run would have come to, as far as its sources go. */
static bool foresee_record(struct compact_kept *kept, struct lake_day *record, struct error *err)
{
    const struct query_day *day = &kept->day;
    record->sources = arena_alloc(&kept->arena, day->n, sizeof *record->sources, err);
    if (!record->sources)
        return false;
    for (size_t i = 0; i < day->n; i++)
        record->sources[record->source_count++] =
            (struct lake_day_source){.name = day->blobs[i].name + day->blobs[i].behind,
                                     .kind = day->blobs[i].kind,
                                     .size = day->blobs[i].size};
    return true;
}

/* A record that cannot be replaced is found before a file is written that could not be removed either. */
static bool check_replaceable(const struct compact_options *options, const struct query_day *day,
                              struct error *err)
{
    struct buf records = BUF_INIT(LAKE_NAME_MAX);
    bool immutable = false;
    if (!day->record)
        return true;
    lake_days_prefix(&records, &options->place);
    bool ok = buf_ok(&records, "the name of a folder", err) &&
              store_immutable(options->store, buf_text(&records), &immutable, err);
    buf_release(&records);
    return ok && (!immutable || error_set(err, ERROR_INCOMPLETE,
                                          "its record is to be replaced and cannot be: "
                                          "container weir has a legal hold or an immutability "
                                          "policy; queries read the JSON"));
}

static bool work_day(struct run *run, const struct candidate *candidate, struct compact_day *told,
                     struct error *err)
{
    const struct compact_options *options = run->job.options;
    struct compact_kept kept;
    struct lake_day record = {0};
    bool found, fresh = false;
    bool ok = compact_kept_find(&kept, &run->job, candidate->day, &found, err);
    if (ok && found && kept.day.missing)
        ok = query_day_missing(&kept.day, err);
    if (ok && found && is_current(&run->job, &kept.day)) {
        record = *kept.day.record;
        told->verdict = COMPACT_CURRENT;
    } else if (ok && found && options->dry_run) {
        foresee(&kept, told);
        ok = foresee_record(&kept, &record, err);
    } else if (ok && found) {
        ok = fresh = check_replaceable(options, &kept.day, err) &&
                     compact_write_day(&run->job, &kept, told, &record, err);
    }
    if (ok && found && options->delete_json)
        ok = compact_delete_day(&run->job, &kept, fresh, &record, told, err);
    compact_kept_release(&kept);
    return ok;
}

static bool take_day(struct run *run, const struct candidate *candidate, struct error *err)
{
    const struct compact_options *options = run->job.options;
    struct compact_day told = {.day = candidate->day,
                               .verdict = candidate->current ? COMPACT_CURRENT : COMPACT_DONE,
                               .reopened = candidate->reopened};
    struct error why = ERROR_INIT;
    uint64_t began = clock_ns();
    run->job.progress.day = candidate->day;
    if (options->progress)
        options->progress(options->context, &run->job.progress);
    if (!candidate->current && !candidate->broken && !is_closed(options, candidate, &why)) {
        told.verdict = COMPACT_OPEN;
        told.why = &why;
    } else if ((!candidate->current || candidate->broken || options->delete_json) &&
               !work_day(run, candidate, &told, &why)) {
        if (!is_of_day(&why)) {
            run->job.totals->deleted += told.deleted;
            run->job.totals->deleted_bytes += told.deleted_bytes;
            return error_pass(err, &why);
        }
        told.verdict = COMPACT_FAILED;
        told.why = &why;
    }
    told.seconds = (double) (clock_ns() - began) / 1e9;
    return tell(run, &told, err);
}

static bool take_days(struct run *run, struct error *err)
{
    const struct compact_options *options = run->job.options;
    struct compact_progress *progress = &run->job.progress;
    progress->days = run->n;
    for (size_t i = 0; i < run->n; i++) {
        struct error why = ERROR_INIT;
        if (!run->v[i].current && is_closed(options, &run->v[i], &why))
            progress->bytes += run->v[i].bytes;
    }
    for (size_t i = 0; i < run->n; i++) {
        if (stop_asked(options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!take_day(run, &run->v[i], err))
            return false;
    }
    return true;
}

/* --- the run ---------------------------------------------------------------------------------------------- */

static uint64_t memory_of(const struct compact_options *options)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t share = pages > 0 && size > 0 ? (uint64_t) pages * (uint64_t) size / MEMORY_SHARE : 0;
    if (options->memory > 0)
        share = options->memory;
    return share > COMPACT_MEMORY_LEAST ? share : COMPACT_MEMORY_LEAST;
}

/* Nothing can be deleted where a hold or a policy is. */
static bool check_deletable(const struct compact_options *options, struct error *err)
{
    struct buf container = BUF_INIT(LAKE_NAME_MAX), prefix = BUF_INIT(LAKE_NAME_MAX);
    bool immutable = false;
    if (!options->delete_json)
        return !options->delete_service_blobs ||
               error_set(err, ERROR_USAGE, "--delete-service-blobs goes with --delete-json");
    if (options->place.container)
        buf_puts(&container, options->place.container);
    else
        lake_container(&container, options->place.table);
    lake_table_prefix(&prefix, &options->place);
    bool ok = buf_ok(&prefix, "the name of a folder", err) &&
              buf_ok(&container, "the name of a container", err) &&
              store_immutable(options->store, buf_text(&prefix), &immutable, err);
    if (ok && immutable) {
        (void) error_set(err, ERROR_SETTINGS,
                         "nothing can be deleted in container %s: it has a legal hold or an "
                         "immutability policy",
                         buf_text(&container));
        ok = error_hint(err, "without --delete-json the days are compacted beside the JSON");
    }
    buf_release(&container);
    buf_release(&prefix);
    return ok;
}

static bool job_begin(struct compact_job *job, struct error *err)
{
    const struct compact_options *options = job->options;
    job->memory = memory_of(options);
    if (!lake_schema_read(options->store, &options->place, &job->schema, err) ||
        !query_known_init(&job->known, options->store, &options->place, 0, 0, err) ||
        !compact_delta_is_kept(job, &job->delta, err))
        return false;
    job->rows = compact_rows_new(&job->schema, err);
    return job->rows != NULL;
}

static void job_end(struct compact_job *job)
{
    lake_rows_free(job->rows);
    query_known_release(&job->known);
    lake_schema_release(&job->schema);
}

/* What the records say by now goes into the Delta table; what none of them says any more goes. */
static bool settle(struct run *run, struct error *err)
{
    const struct compact_options *options = run->job.options;
    struct lake_days days = {0};
    bool ok = options->dry_run ||
              (lake_days_read(&days, options->store, &options->place, 0, 0, err) &&
               compact_delta(&run->job, &days, err) && compact_sweep(&run->job, &days, err));
    lake_days_release(&days);
    return ok;
}

/* A day that failed does not keep the others from being settled. */
static bool run_days(struct run *run, struct error *err)
{
    if (!find_candidates(run, err) || !take_days(run, err) || !settle(run, err))
        return false;
    uint64_t failed = run->job.totals->days[COMPACT_FAILED];
    return failed == 0 || error_set(err, ERROR_INCOMPLETE, "%llu day%s could not be compacted",
                                    (unsigned long long) failed, failed == 1 ? "" : "s");
}

/* Makes ready to write: nobody else does, and what a killed program left in weir/tmp is gone. */
static bool begin_writing(const struct compact_options *options, struct store_lock **lock,
                          struct error *err)
{
    struct buf scratch = BUF_INIT(PATH_ROOM);
    *lock = lake_lock_new(options->store, &options->place, options->owner, err);
    bool ok = *lock && store_scratch(options->store, &scratch, err);
    buf_release(&scratch);
    return ok;
}

bool compact_run(const struct compact_options *options, struct compact_totals *out,
                 struct error *err)
{
    struct run run = {.job = {.options = options, .totals = out}};
    struct store_lock *lock = NULL;
    *out = (struct compact_totals){0};
    bool ok = lake_place_check(&options->place, err) && check_deletable(options, err);
    ok = ok && (options->dry_run || begin_writing(options, &lock, err)) &&
         job_begin(&run.job, err) && run_days(&run, err);
    job_end(&run.job);
    mem_free(run.v);
    store_lock_free(lock);
    return ok;
}
