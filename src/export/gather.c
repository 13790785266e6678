/* Gather: the rows of a batch become partitions, and partitions blobs with a line of proof. See batch.h. */
#include "export/batch.h"

#include "base/memory.h"

#include <stdio.h>

enum { SHARES_MAX = 16384 }; /* of one partition, in all */

static const uint64_t slice = 10000000; /* ns */

/* A partition that is fetched in shares. */
struct export_open {
    struct export_open *next;
    size_t part;
    size_t shares, shares_left; /* ever, and still to come */
    struct lake_pile **piles;
    size_t count, room;
    bool broken; /* a share was given up */
};

static struct export_open *open_of(struct export_fetch *fetch, size_t part)
{
    for (struct export_open *open = fetch->open; open; open = open->next)
        if (open->part == part)
            return open;
    return NULL;
}

bool export_gather_open(struct export_fetch *fetch, size_t part, size_t shares, struct error *err)
{
    struct export_open *open = open_of(fetch, part);
    if (!open) {
        open = mem_alloc(1, sizeof *open, err);
        if (!open)
            return false;
        open->part = part;
        open->next = fetch->open;
        fetch->open = open;
    }
    open->shares += shares;
    open->shares_left += shares;
    return true;
}

bool export_gather_may_cut(struct export_fetch *fetch, size_t part)
{
    const struct export_open *open = open_of(fetch, part);
    return !open || open->shares < SHARES_MAX;
}

static void close_open(struct export_fetch *fetch, struct export_open *open)
{
    struct export_open **at = &fetch->open;
    while (*at && *at != open)
        at = &(*at)->next;
    if (*at)
        *at = open->next;
    for (size_t i = 0; i < open->count; i++)
        lake_pile_free(open->piles[i]);
    mem_free(open->piles);
    mem_free(open);
}

/* -- writing -- */

static struct lake_entry entry_of(const struct export_fetch *fetch, size_t part,
                                  const struct lake_written *written,
                                  const struct export_joined *joined)
{
    const struct export_counted *counted = &fetch->plan->parts[part].counted;
    struct lake_entry entry = {
        .partition = export_plan_tick(fetch->plan, part),
        .at = joined ? joined->at : tick_now(),
        .rows_expected = counted->rows,
        .sum_expected = counted->sum,
        .rows = written->rows,
        .sum = written->sum,
        .bytes = written->bytes,
        .has_md5 = written->has_md5,
        .proof = (uint8_t) export_fetch_proof(fetch),
        .verdict = LAKE_VERDICT_VERIFIED,
        .joined = joined != NULL,
    };
    memcpy(entry.sha256, written->sha256, sizeof entry.sha256);
    memcpy(entry.md5, written->md5, sizeof entry.md5);
    if (joined) {
        entry.beside_rows = joined->rows;
        entry.beside_sum = joined->sum;
        entry.beside_bytes = joined->bytes;
        entry.doubled = joined->doubled;
    }
    return entry;
}

static void note_written(struct export_fetch *fetch, size_t part, const struct lake_entry *entry)
{
    if (fetch->options->source.relation_partial) {
        export_fetch_give_up(fetch, part, entry->rows + entry->beside_rows,
                             "the search job came to its limit of rows (partial success)");
    } else {
        fetch->plan->parts[part].state = EXPORT_SETTLED;
        export_trouble_forget(&fetch->troubles, part);
        fetch->report->fetched++;
    }
    fetch->report->rows += entry->rows;
    fetch->report->bytes += entry->bytes;
    fetch->report->blobs += entry->bytes > 0;
    fetch->progress.partitions_done++;
    fetch->progress.rows += entry->rows + entry->beside_rows;
    fetch->progress.bytes += entry->bytes;
}

/* A blob that no line vouches for may be somebody else's: then the service's refusal is this partition's alone. */
static unsigned put_of(const struct export_fetch *fetch, int64_t tick,
                       const struct lake_entry *entry)
{
    uint64_t size;
    bool there = fetch->join->look && export_look_ours(fetch->join->look, tick, &size);
    return there && !(entry && entry->bytes > 0) ? STORE_PUT_DURABLE : 0;
}

static uint64_t rows_of(struct lake_pile *const *piles, size_t n)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += lake_pile_rows(piles[i]);
    return rows;
}

/* Where there is nothing to write and nothing to remove, the store is not asked: most partitions of many a table are
 * empty. */
static bool write_blob(struct export_fetch *fetch, int64_t tick, uint32_t number, unsigned put,
                       struct lake_pile *const *piles, size_t n, struct lake_written *out,
                       struct error *err)
{
    *out = (struct lake_written){0};
    if (rows_of(piles, n) == 0 && fetch->join->look && export_look_none(fetch->join->look, tick))
        return true;
    return lake_partition_write(fetch->options->store, &fetch->options->source.place, tick, number,
                                put, piles, n, out, err);
}

bool export_fetch_write(struct export_fetch *fetch, size_t part, struct lake_pile *const *piles,
                        size_t n, const struct export_joined *joined, struct error *err)
{
    int64_t tick = export_plan_tick(fetch->plan, part);
    struct lake_written written;
    struct error why = ERROR_INIT;
    const struct lake_entry *before = lake_ledger_find(fetch->ledger, tick);
    unsigned put = put_of(fetch, tick, before);
    uint32_t number;
    if (!lake_numbers_next(fetch->numbers, tick, before, &number, err))
        return false;
    if (!write_blob(fetch, tick, number, put, piles, n, &written, &why)) {
        if (why.code != ERROR_EXISTS)
            return error_pass(err, &why);
        export_fetch_give_up(fetch, part, 0,
                             "a blob under its name was not written by weir: it is left as it is");
        return true;
    }
    struct lake_entry entry = entry_of(fetch, part, &written, joined);
    entry.number = number;
    if (fetch->options->source.relation_partial)
        entry.verdict = LAKE_VERDICT_UNVERIFIED;
    unsigned long long held = entry.rows + entry.beside_rows, counted = entry.rows_expected;
    if (held != counted)
        return error_set(err, ERROR_INTERNAL, "%llu rows were piled up and %llu written", counted,
                         held);
    if (!lake_ledger_add(fetch->ledger, &entry, err))
        return false;
    note_written(fetch, part, &entry);
    return true;
}

/* Where the service's own blobs stand, what they have is left out. */
static bool write_joined(struct export_fetch *fetch, struct export_joint *joint,
                         struct lake_pile *const *piles, size_t n, struct error *err)
{
    struct export_joined joined;
    struct lake_pile *missing;
    char why[EXPORT_REASON_MAX];
    bool ok = export_join_filter(fetch->join, joint, piles, n, &missing, &joined, why, err);
    if (ok && why[0])
        export_fetch_set_back(fetch, joint->part, why);
    else if (ok) {
        fetch->report->strangers += joined.strangers;
        ok = export_fetch_write(fetch, joint->part, &missing, 1, &joined, err);
    }
    lake_pile_free(missing);
    return ok;
}

static bool write_partition(struct export_fetch *fetch, size_t part, struct lake_pile *const *piles,
                            size_t n, struct error *err)
{
    struct export_joint *joint = export_join_find(fetch->join, part);
    return joint ? write_joined(fetch, joint, piles, n, err)
                 : export_fetch_write(fetch, part, piles, n, NULL, err);
}

bool export_gather_partition(struct export_fetch *fetch, size_t part,
                             struct lake_pile *const *piles, size_t n, struct error *err)
{
    struct export_counted *counted = &fetch->plan->parts[part].counted;
    uint64_t rows = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        rows += lake_pile_rows(piles[i]);
        sum += lake_pile_sum(piles[i]);
    }
    if (fetch->plan->uncounted) { /* the answers were compared with what they say of themselves */
        bool settled = false;
        counted->rows = rows;
        counted->sum = sum;
        if (!fetch->came(fetch->context, part, &settled, err))
            return false;
        fetch->progress.partitions_done += settled;
        if (settled)
            return true;
    }
    bool sums_differ = rows == counted->rows && fetch->snapshot->item && sum != counted->sum;
    if (rows == counted->rows && !sums_differ)
        return write_partition(fetch, part, piles, n, err);
    char reason[EXPORT_REASON_MAX];
    if (sums_differ)
        (void) snprintf(reason, sizeof reason, "other rows than counted");
    else
        (void) snprintf(reason, sizeof reason, "%llu of %llu rows", (unsigned long long) rows,
                        (unsigned long long) counted->rows);
    export_fetch_set_back(fetch, part, reason);
    struct export_trouble *trouble = export_trouble_find(&fetch->troubles, part);
    if (trouble) {
        trouble->rows = rows;
        trouble->sums_differ = sums_differ;
    }
    return true;
}

static bool share_in(struct export_fetch *fetch, struct export_open *open, struct error *err)
{
    if (--open->shares_left > 0)
        return true;
    bool ok = true;
    if (open->broken)
        export_fetch_set_back(fetch, open->part, "shares of it did not come");
    else
        ok = export_gather_partition(fetch, open->part, open->piles, open->count, err);
    close_open(fetch, open);
    return ok;
}

static bool finish_share(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    struct export_open *open = open_of(fetch, job->batch.first);
    if (!open)
        return error_set(err, ERROR_INTERNAL, "a share of no open partition came in");
    if (job->piles && job->piles[0]) {
        if (!mem_reserve(&open->piles, &open->room, open->count, SIZE_MAX / sizeof *open->piles,
                         sizeof *open->piles, err))
            return false;
        open->piles[open->count++] = job->piles[0];
        job->piles[0] = NULL;
    }
    return share_in(fetch, open, err);
}

/* One partition of a whole batch. */
static bool finish_next(struct export_job *job, struct error *err)
{
    size_t i = job->gathered++;
    struct lake_pile *pile = job->piles ? job->piles[i] : NULL;
    bool ok = export_gather_partition(job->fetch, job->batch.first + i, &pile, pile ? 1 : 0, err);
    lake_pile_free(pile);
    if (job->piles)
        job->piles[i] = NULL;
    return ok;
}

bool export_gather(struct export_fetch *fetch, struct error *err)
{
    uint64_t end = clock_ns() + slice;
    while (fetch->whole && clock_ns() < end) {
        struct export_job *job = fetch->whole;
        bool share = !job->batch.whole;
        bool ok = share ? finish_share(job, err) : finish_next(job, err);
        if (ok && !share && job->gathered < job->batch.count)
            continue;
        export_job_detach(&fetch->whole, job);
        fetch->whole_count--;
        export_job_free(job);
        if (!ok)
            return false;
    }
    return true;
}

bool export_gather_broken(struct export_job *job, bool *is_open, struct error *err)
{
    struct export_open *open = job->batch.whole ? NULL : open_of(job->fetch, job->batch.first);
    *is_open = open != NULL;
    if (!open)
        return true;
    struct export_trouble *trouble = export_trouble_make(&job->fetch->troubles, job->batch.first);
    if (trouble)
        export_reason_add(trouble->reasons, job->reasons);
    open->broken = true;
    return share_in(job->fetch, open, err);
}

void export_gather_release(struct export_fetch *fetch)
{
    while (fetch->open)
        close_open(fetch, fetch->open);
}
