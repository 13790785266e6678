/* What jobs a range needs, how they are called, and what they will bill: see job.h. */
#include "workspace/job.h"

#include "base/hash.h"
#include "workspace/job_intern.h"
#include "workspace/manager.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TABLE_SHOWN = 20, /* characters of the table in a result's name */
    KEY_MAX = 512,
    HEX = 12,
    ROUND_SHARE = 10
};
static const int64_t LONGEST = WORKSPACE_JOB_DAYS_MAX * TICK_DAY;
static const double MEGABYTE = 1e6, GIGABYTE = 1e9; /* as Usage and the bill have them */
static const double DAY_HOURS = 24;
static const double USUAL_ROW = 500; /* bytes that are billed for a row, where nobody tells */

/* --- names --- */

static const char *suffix_of(enum workspace_job_kind kind)
{
    return kind == WORKSPACE_JOB_SEARCH ? "_SRCH" : "_RST";
}

void workspace_job_name(const struct workspace_job *job, char out[WORKSPACE_JOB_NAME_MAX + 1])
{
    char key[KEY_MAX], hex[17];
    int n = snprintf(key, sizeof key, "%s\n%s\n%lld\n%lld", suffix_of(job->kind), job->table,
                     (long long) job->from, (long long) job->to);
    struct str text = {key, n > 0 && (size_t) n < sizeof key ? (size_t) n : sizeof key - 1};
    (void) snprintf(hex, sizeof hex, "%016llx", (unsigned long long) hash_xx64(text));
    (void) snprintf(out, WORKSPACE_JOB_NAME_MAX + 1, JOB_NAME_BEGIN "%.*s_%.*s%s", TABLE_SHOWN,
                    job->table, HEX, hex, suffix_of(job->kind));
}

bool job_name_kind(const char *name, enum workspace_job_kind *kind)
{
    struct str text = str_of(name);
    *kind = str_ends(text, STR("_SRCH")) ? WORKSPACE_JOB_SEARCH : WORKSPACE_JOB_RESTORE;
    return str_starts(text, STR(JOB_NAME_BEGIN)) && text.n <= WORKSPACE_JOB_NAME_MAX &&
           str_ends(text, str_of(suffix_of(*kind)));
}

/* --- pieces --- */

static bool too_many(struct error *err)
{
    (void) error_set(err, ERROR_LIMIT, "the range needs more than %d search jobs",
                     WORKSPACE_JOB_PIECES_MAX);
    return error_hint(err, "a workspace runs 200 a day: take a shorter range");
}

/* The end of the piece that begins at `from` and should have `length`: at midnight or a whole hour, where that costs a tenth
 * of the length at most. */
static int64_t piece_end(int64_t from, int64_t length, int64_t to)
{
    int64_t unit = length >= ROUND_SHARE * TICK_DAY    ? TICK_DAY
                   : length >= ROUND_SHARE * TICK_HOUR ? TICK_HOUR
                                                       : TICK_PARTITION;
    int64_t end = tick_floor(from + length + unit - 1, unit);
    if (end - from > LONGEST)
        end -= unit;
    return end < to ? end : to;
}

static bool add_piece(const struct workspace_job *whole, int64_t from, int64_t to,
                      struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                      struct error *err)
{
    if (*n == WORKSPACE_JOB_PIECES_MAX)
        return too_many(err);
    out[*n] = *whole;
    out[*n].from = from;
    out[*n].to = to;
    ++*n;
    return true;
}

/* Equal pieces of [from, to), of which `rows` are so many. */
static bool cut_search(const struct workspace_job *whole, int64_t from, int64_t to, uint64_t rows,
                       struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                       struct error *err)
{
    uint64_t by_time = (uint64_t) ((to - from + LONGEST - 1) / LONGEST);
    uint64_t by_rows = rows / (WORKSPACE_JOB_ROWS_MAX / 2) + 1;
    uint64_t pieces = by_time > by_rows ? by_time : by_rows;
    if (pieces > WORKSPACE_JOB_PIECES_MAX)
        return too_many(err);
    int64_t length = (to - from + (int64_t) pieces - 1) / (int64_t) pieces;
    for (int64_t at = from, end; at < to; at = end) {
        end = piece_end(at, length, to);
        if (!add_piece(whole, at, end, out, n, err))
            return false;
    }
    return true;
}

static bool cut_restore(const struct workspace_job *whole, int64_t now,
                        struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                        struct error *err)
{
    const int64_t least = WORKSPACE_JOB_RESTORE_DAYS_MIN * TICK_DAY;
    int64_t from = tick_floor(whole->from, TICK_DAY);
    int64_t to = tick_floor(whole->to + TICK_DAY - 1, TICK_DAY);
    if (to - from < least)
        to = from + least;
    if (to > now)
        to = tick_floor(now, TICK_PARTITION);
    if (to - from < least)
        from = to - least;
    return add_piece(whole, from, to, out, n, err);
}

bool workspace_jobs_cut(const struct workspace_job *whole, uint64_t rows, int64_t now,
                        struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                        struct error *err)
{
    *n = 0;
    if (whole->from >= whole->to)
        return true;
    return whole->kind == WORKSPACE_JOB_SEARCH
               ? cut_search(whole, whole->from, whole->to, rows, out, n, err)
               : cut_restore(whole, now, out, n, err);
}

/* Jobs that an earlier run left and that serve this one. */
struct left {
    const struct workspace_job *whole;
    struct workspace_job v[WORKSPACE_JOB_PIECES_MAX];
    size_t n;
};

static bool serves(const struct workspace_job *whole, const struct workspace_job *job,
                   enum workspace_job_status status)
{
    if (job->kind != whole->kind || strcmp(job->table, whole->table) != 0 ||
        (status != WORKSPACE_JOB_RUNNING && status != WORKSPACE_JOB_DONE &&
         status != WORKSPACE_JOB_PARTIAL))
        return false;
    return whole->kind == WORKSPACE_JOB_SEARCH ? job->from >= whole->from && job->to <= whole->to
                                               : job->from <= whole->from && job->to >= whole->to;
}

static bool keep_left(void *context, const struct workspace_job *job,
                      const struct workspace_job_state *state, struct error *err)
{
    struct left *left = context;
    (void) err;
    if (left->n == WORKSPACE_JOB_PIECES_MAX || !serves(left->whole, job, state->status))
        return true;
    left->v[left->n] = *job;
    left->v[left->n++].table = left->whole->table;
    return true;
}

static int compare_jobs(const void *a, const void *b)
{
    const struct workspace_job *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : (x->to < y->to) - (x->to > y->to);
}

static uint64_t share_of(uint64_t rows, const struct workspace_job *whole, int64_t from, int64_t to)
{
    return (uint64_t) ((double) rows * ((double) (to - from) / (double) (whole->to - whole->from)));
}

/* What was left, in order of time, and pieces for what is between. */
static bool plan_search(const struct left *left, uint64_t rows,
                        struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                        struct error *err)
{
    const struct workspace_job *whole = left->whole;
    int64_t at = whole->from;
    for (size_t i = 0; i <= left->n; i++) {
        int64_t next = i < left->n ? left->v[i].from : whole->to;
        if (next < at)
            continue; /* another of them has its rows */
        if (next > at && !cut_search(whole, at, next, share_of(rows, whole, at, next), out, n, err))
            return false;
        if (i < left->n && !add_piece(whole, next, left->v[i].to, out, n, err))
            return false;
        at = i < left->n ? left->v[i].to : next;
    }
    return true;
}

/* --- the bill --- */

static void put_tick(struct buf *out, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format(tick, text);
    buf_printf(out, "datetime(%s)", text);
}

static void put_question(struct buf *out, const struct workspace_job *job)
{
    buf_puts(out, "Usage\n| where DataType == '");
    for (const char *c = job->table; *c; c++)
        buf_printf(out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    buf_puts(out, "'\n| summarize Inside = sumif(Quantity, StartTime >= ");
    put_tick(out, job->from);
    buf_puts(out, " and StartTime < ");
    put_tick(out, job->to);
    buf_puts(out, "), All = sum(Quantity), First = min(StartTime), Last = max(EndTime)");
}

static bool cell_number(const struct workspace_table *table, const char *column, double *out)
{
    const struct workspace_cell *cell = workspace_cell(table, 0, column);
    return cell && !cell->null && str_double(cell->text, out) && *out >= 0;
}

static bool cell_tick(const struct workspace_table *table, const char *column, int64_t *out)
{
    const struct workspace_cell *cell = workspace_cell(table, 0, column);
    return cell && !cell->null && tick_parse(cell->text, out);
}

/* Usage reaches back for three months or so: what it does not tell is taken for what it tells on average. */
static void read_usage(const struct workspace_table *table, const struct workspace_job *job,
                       struct workspace_job_bill *out)
{
    double inside, all;
    int64_t first, last;
    out->known = cell_number(table, "Inside", &inside) && cell_number(table, "All", &all) &&
                 cell_tick(table, "First", &first) && cell_tick(table, "Last", &last) &&
                 first < last;
    if (!out->known) {
        (void) snprintf(out->why, sizeof out->why, "Usage has nothing of %s", job->table);
        return;
    }
    int64_t from = job->from > first ? job->from : first, to = job->to < last ? job->to : last;
    int64_t told = to > from ? to - from : 0, lacks = job->to - job->from - told;
    out->guessed = lacks > TICK_HOUR;
    double bytes = inside * MEGABYTE;
    if (out->guessed)
        bytes += all * MEGABYTE * ((double) lacks / (double) (last - first));
    out->bytes = (uint64_t) bytes;
}

static void add_days(const struct workspace_job *job, double hours, struct workspace_job_bill *out)
{
    double least = WORKSPACE_JOB_RESTORE_HOURS_MIN, gigabytes = (double) out->bytes / GIGABYTE;
    if (job->kind != WORKSPACE_JOB_RESTORE)
        return;
    if (gigabytes < WORKSPACE_JOB_RESTORE_GB_MIN)
        gigabytes = WORKSPACE_JOB_RESTORE_GB_MIN;
    out->gigabyte_days = gigabytes * (hours > least ? hours : least) / DAY_HOURS;
}

bool workspace_job_bill(struct workspace *workspace, const struct workspace_job *job, double hours,
                        struct workspace_job_bill *out, struct error *err)
{
    enum { QUESTION_MAX = 4096 };
    struct buf kql = BUF_INIT(QUESTION_MAX);
    struct workspace_table table = {0};
    struct error why = ERROR_INIT;
    *out = (struct workspace_job_bill){0};
    put_question(&kql, job);
    bool ok = buf_ok(&kql, "a query", err);
    if (ok && workspace_ask(workspace, buf_str(&kql), NULL, 1, &table, &why)) {
        read_usage(&table, job, out);
        add_days(job, hours, out);
    } else if (ok && !manager_leaves_unknown(&why, out->why)) {
        ok = error_pass(err, &why);
    }
    workspace_table_release(&table);
    buf_release(&kql);
    return ok;
}

/* --- the plan --- */

/* Bytes that a row is billed by, of the last days; what is usual where nothing is told. */
static double row_bytes(struct workspace *workspace, const struct workspace_job *job)
{
    enum { QUESTION_MAX = 4096 };
    struct buf kql = BUF_INIT(QUESTION_MAX);
    struct workspace_table table = {0};
    double rows = 0, bytes = 0;
    buf_puts(&kql, "[\"");
    text_put_json(&kql, str_of(job->table));
    buf_puts(&kql, "\"]\n| where TimeGenerated > ago(2d)\n"
                   "| summarize Rows = count(), Bytes = sum(_BilledSize)");
    if (!kql.failed && workspace_ask(workspace, buf_str(&kql), NULL, 1, &table, NULL)) {
        (void) cell_number(&table, "Rows", &rows);
        (void) cell_number(&table, "Bytes", &bytes);
    }
    workspace_table_release(&table);
    buf_release(&kql);
    return rows >= 1 && bytes >= rows ? bytes / rows : USUAL_ROW;
}

/* About how many rows a search will find; 0: that cannot be told. Tables whose reading is billed are not sampled. */
static bool guess_rows(struct workspace *workspace, const struct workspace_job *job, uint64_t *rows,
                       struct error *err)
{
    struct workspace_job_bill bill;
    struct workspace_facts facts;
    *rows = 0;
    if (!workspace_job_bill(workspace, job, 0, &bill, err) ||
        !workspace_facts(workspace, job->table, &facts, err))
        return false;
    bool free_to_read =
        facts.plan != WORKSPACE_PLAN_BASIC && facts.plan != WORKSPACE_PLAN_AUXILIARY;
    if (bill.known && bill.bytes > 0)
        *rows = (uint64_t) ((double) bill.bytes /
                            (free_to_read ? row_bytes(workspace, job) : USUAL_ROW));
    return true;
}

bool workspace_jobs_plan(struct workspace *workspace, const struct workspace_job *whole,
                         uint64_t rows, struct workspace_job out[WORKSPACE_JOB_PIECES_MAX],
                         size_t *n, struct error *err)
{
    struct left left = {.whole = whole};
    *n = 0;
    if (!workspace_jobs_left(workspace, keep_left, &left, err))
        return false;
    if (whole->kind == WORKSPACE_JOB_SEARCH && rows == 0 && whole->from < whole->to &&
        !guess_rows(workspace, whole, &rows, err))
        return false;
    if (left.n == 0 || whole->from >= whole->to)
        return workspace_jobs_cut(whole, rows, tick_now(), out, n, err);
    qsort(left.v, left.n, sizeof *left.v, compare_jobs);
    return whole->kind == WORKSPACE_JOB_SEARCH
               ? plan_search(&left, rows, out, n, err)
               : add_piece(whole, left.v[0].from, left.v[0].to, out, n, err);
}
