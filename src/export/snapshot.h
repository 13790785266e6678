/* Snapshot: which moment, which columns, which proof. Taken once, at the start of a run. */
#ifndef WEIR_EXPORT_SNAPSHOT_H
#define WEIR_EXPORT_SNAPSHOT_H

#include "export/export.h"

struct export_snapshot {
    int64_t t0;   /* rows with a later ingestion time are not part of this export */
    int64_t now;  /* the service's clock when it was taken */
    int64_t aged; /* rows before this are older than the table's retention; 0: not known */
    struct columns columns; /* in the order in which they are asked for and written */
    bool item;              /* rows have an `_ItemId`: sums are compared */
    bool keyed;             /* and no two rows the same: those of a table, not of a query */
    bool ingestion;         /* rows have ingestion times: a plain table */
    bool billed;            /* rows have a `_BilledSize` */
    bool search; /* a Basic or Auxiliary table: ranges stand in `timespan` (docs/service.md 1.7) */
    char *timespan;     /* of every request: the whole range for one_batch, else NULL */
    char *rows;         /* KQL that gives the rows of the source, without range: table or query */
    bool related;       /* rows come from a relation, in the place of the table */
    struct columns own; /* then: the columns of the table itself, as far as it tells them */
    struct workspace_facts facts;
    bool facts_asked;
};
void export_snapshot_release(struct export_snapshot *snapshot);

/* Asks for the service's clock, the columns and what each row has beside them, all at once. A source
 * without TimeGenerated (datetime) is ERROR_FORMAT; an unknown table ERROR_NOT_FOUND with the nearest name. */
bool export_snapshot_take(const struct export_options *options, struct export_snapshot *out,
                          struct error *err);

/* The service's clock. */
bool export_snapshot_now(struct workspace *workspace, int64_t *out, struct error *err);

/* Plan and retention of the table, asked for once, when first needed; sets `aged`. */
bool export_snapshot_facts(const struct export_options *options, struct export_snapshot *snapshot,
                           struct error *err);

/* Why the workspace has no more than `rows` of the partition at `tick` by now: its age, else somebody purged them. While
 * the retention is not known, a partition without any row is taken as aged. */
bool export_snapshot_ages(const struct export_snapshot *snapshot, int64_t tick, uint64_t rows);

/* A share of a time range: rows whose hash falls on `part` of `parts`; parts 1: all of them. */
struct export_share {
    int64_t from, to; /* ticks, half-open, not necessarily whole partitions */
    uint32_t part, parts;
    bool folded; /* equal rows come once, with their number in EXPORT_COPIES behind the columns */
};

#define EXPORT_COPIES "weir_copies"

/* KQL of the rows of a share, with the columns in order. `t0` is the moment of the snapshot. */
void export_put_rows(struct buf *out, const struct export_snapshot *snapshot,
                     const struct export_share *share);
/* KQL that counts a range per partition: Partition, Rows, Bytes, Unstamped, and SumLow, SumHigh with `_ItemId`,
 * Billed with `_BilledSize`. t0 stands apart, since a verification counts as of an older one. */
void export_put_count(struct buf *out, const struct export_snapshot *snapshot, int64_t t0,
                      int64_t from, int64_t to);
/* KQL of what `Usage` has for the table: Hour, Megabytes. */
void export_put_usage(struct buf *out, const char *table, int64_t from, int64_t to);

/* The `timespan` of a request for [from, to): the range where it must stand there, else that of the snapshot or NULL.
 * Its text is kept in `text`. */
enum { EXPORT_TIMESPAN_MAX = 2 * TICK_TEXT_MAX + 2 };
const char *export_timespan(const struct export_snapshot *snapshot, int64_t from, int64_t to,
                            char text[EXPORT_TIMESPAN_MAX]);

#endif
