/* Run: an export of one table from its lock to its report. Internal to this room.
 *
 *     run.c       the steps, in the order of export.h
 *     look.c      what stands in the lake of the range
 *     settle.c    what the lake holds already: partitions that need not be fetched
 *     keep.c      what the workspace no longer has: the last trace of a row is never taken
 *     access.c    what the identity may see
 *     join.c      what the service's own blobs have
 *     fetch.c     the rest
 *     report.c    what became of every partition
 *     estimate.c  what it would be
 */
#ifndef WEIR_EXPORT_RUN_H
#define WEIR_EXPORT_RUN_H

#include "export/access.h"
#include "export/fetch.h"
#include "export/sample.h"
#include "lake/number.h"

struct export
{
    struct export_options options; /* as given; `refresh` also for one_batch */
    struct export_report report;
    struct export_snapshot snapshot;
    struct export_plan plan;
    struct export_fetch fetch;
    struct export_access access;
    struct export_sample sample;
    struct export_estimate estimate;
    struct export_counted *counted; /* scratch of the counts, one a partition */
    struct lake_ledger *ledger;
    struct lake_numbers *numbers;
    struct export_look look;
    struct export_join join;
    struct lake_pool *pool, *sieve; /* of what is fetched; of what a join leaves of it */
    struct store_lock *lock;
    struct random random;
    struct workspace_load before; /* what the workspace had done for others */
    uint64_t began;               /* clock_ns */
    size_t held;                  /* partitions that are held back (export_settle_hold) */
    bool recount;                 /* counts are not the first: fewer rows have vanished */
};

const struct lake_place *export_place(const struct export *export);
/* Rows that the lake holds by a line: ours, and those of the service's that it was joined with. */
static inline uint64_t export_rows_of(const struct lake_entry *entry)
{
    return entry->rows + entry->beside_rows;
}
static inline uint64_t export_sum_of(const struct lake_entry *entry)
{
    return entry->sum + entry->beside_sum;
}
/* What becomes of a partition where the service's blobs stand. */
enum export_beside export_beside_of(const struct export *export, size_t part);
void export_note(const struct export *export, const char *line);

/* -- estimate.c -- */

/* What an export of the plan's waiting partitions would be, by a sample of their rows; packs the batches once on
 * trial, and the plan learns what a row costs. */
bool export_plan_estimate(struct export_plan *plan, const struct export_options *options,
                          const struct export_snapshot *snapshot, const struct export_access *usage,
                          const struct export_sample *sample, struct export_estimate *out,
                          struct error *err);
/* The whole range as it is in the workspace, whatever the lake holds; takes no lock. */
bool export_estimate_of(struct export *export, struct export_estimate *out, struct error *err);

/* -- settle.c -- */

/* Everything waits but what needs no look at the workspace: final lines of the ledger whose blobs stand, and, in a
 * repair, what was not named. */
void export_settle_final(struct export *export);
/* What waits where the service's blobs stand: refused, or joined (then their rows are read where that may save a fetch,
 * after the count). */
bool export_settle_beside(struct export *export, struct error *err);
/* With the counts known: what the ledger holds as it is, and what the lake has outlived the workspace in. */
bool export_settle_counted(struct export *export, struct error *err);
/* After a recount: what the lake or the ledger has of more rows. */
bool export_settle_outlived(struct export *export, struct error *err);
/* Holds back what may be empty only because it aged out, and lets it go when the table's retention is known. */
void export_settle_hold(struct export *export);
bool export_settle_held(struct export *export, struct error *err);
/* Our blobs of partitions that the service has whole go. */
bool export_settle_whole(struct export *export, struct error *err);
/* Blobs about to be replaced lose their line's word first. */
bool export_settle_doubt(struct export *export, struct error *err);
/* A line like `entry`, at this moment, with the counts of the partition. */
bool export_settle_say(struct export *export, size_t part, const struct lake_entry *entry,
                       enum lake_verdict verdict, struct error *err);

/* A partition of a table that is read in one pass has come, and `counted` is what came: an export_fetch `came`. */
bool export_settle_came(void *context, size_t part, bool *settled, struct error *err);

/* -- keep.c -- */

/* The blob of a partition is there, with this size, and did not come from this run. */
bool export_keep_size(const struct export *export, int64_t tick, uint64_t *size);
/* Whether the blob of a line is there, with its size; for a repair, with its bytes; and, of a joined one, the service's,
 * with no fewer bytes than they had. */
bool export_keep_stands(const struct export *export, const struct lake_entry *entry);
/* With `counted` of a partition at hand. *kept: it must not be fetched, since the workspace has fewer rows; it is
 * settled, or given up and listed. */
bool export_keep(struct export *export, size_t part, bool *kept, struct error *err);
/* Why the workspace has fewer rows: AGED_OUT or PURGED. */
enum lake_verdict export_keep_verdict(const struct export *export, size_t part);
/* The line of a partition whose rows nobody has any more. */
bool export_keep_record_lost(struct export *export, size_t part, struct error *err);

/* -- report.c -- */

/* What became of every partition, in the report and, where it could not be proven, in the ledger. */
bool export_report_partitions(struct export *export, struct error *err);
/* One more that does not verify: counted, and listed while there is room. */
bool export_report_failed(struct export_report *report, const struct export_failed *failed,
                          struct error *err);
/* A line that holds, or NULL: what it says of the service's own blobs, which began at `since`. */
void export_report_joined(struct export_report *report, const struct lake_entry *entry,
                          int64_t since);
/* Since when the service's blobs are expected in [from, to): as told, else from the first line that is joined; INT64_MAX:
 * none is. */
int64_t export_report_since(const struct export_options *options, const struct lake_ledger *ledger,
                            int64_t from, int64_t to);
void export_report_late(struct export_report *report, int64_t partition, uint64_t rows);
/* Queries, waits and seconds of this export alone. */
void export_report_load(struct export *export);

#endif
