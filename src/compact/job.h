/* Job: what a run of compact has from day to day. Internal to this room. */
#ifndef WEIR_COMPACT_JOB_H
#define WEIR_COMPACT_JOB_H

#include "base/memory.h"
#include "compact/compact.h"
#include "lake/schema.h"
#include "query/days.h"

struct compact_job {
    const struct compact_options *options;
    struct lake_schema schema;
    struct query_known known;
    struct lake_rows *rows;
    uint64_t memory; /* bytes */
    bool delta;      /* there is a Delta table, or will be */
    struct compact_progress progress;
    struct compact_totals *totals;
};

/* A day as query_days told it, kept. All in it is of its arena. */
struct compact_kept {
    struct query_day day;
    struct arena arena;
};

/* Looks at one day: what there is of it now. *found is false when there is nothing. The caller releases, also on failure. */
bool compact_kept_find(struct compact_kept *kept, const struct compact_job *job, int64_t day,
                       bool *found, struct error *err);
void compact_kept_release(struct compact_kept *kept);

/* Writes the day's files, proves them, and puts the record. The record's texts go into the arena
 * of `kept`; *record is what stands in the lake then. */
bool compact_write_day(struct compact_job *job, struct compact_kept *kept, struct compact_day *told,
                       struct lake_day *record, struct error *err);

/* Deletes blobs that the record's files stand in for, of the kinds that the options say; what would go, with dry_run.
 * `kept` is the day as it was listed: nothing of it has changed since the record. `fresh`: this run has just written the
 * files; else their bytes are looked at first. */
bool compact_delete_day(struct compact_job *job, const struct compact_kept *kept, bool fresh,
                        struct lake_day *record, struct compact_day *told, struct error *err);

/* Whether a Delta table is there, or asked for. */
bool compact_delta_is_kept(const struct compact_job *job, bool *kept, struct error *err);
/* The first column of a file that has another type by now, as readers of a Delta table see it: they take all files for
 * one of these. NULL: there is none. */
const char *compact_delta_retyped(const struct columns *schema, const struct lake_day_file *file);
/* Makes the Delta table name the files that the records name: if it was asked for, or is there already (delta.c). ERROR_INCOMPLETE, and
 * the table stays as it was, where the files are not of one type. */
bool compact_delta(struct compact_job *job, const struct lake_days *days, struct error *err);

/* Tells the record about to be put which files it stands instead of: those of the one before, and those which that one
 * stands instead of and which are still there. */
bool compact_instead(struct compact_job *job, struct compact_kept *kept, struct lake_day *record,
                     struct error *err);
/* Whether each row of a file that no record names stands in the files of the day's record as often: nothing is lost with it.
 * Compared row by row; a file that cannot be read, or is not of the table's columns as they are now, is not held. */
bool compact_stray_held(struct compact_job *job, const struct lake_day *record, const char *name,
                        uint64_t bytes, bool *held, struct error *err);
/* The error of a day with a file that is not held: what to do. Returns false. */
bool compact_stray_error(const char *name, struct error *err);
/* For a day that has no record yet: that each file which stands there already is held by those of the record that is about
 * to be put. ERROR_INCOMPLETE when not, and the record's files are removed. */
bool compact_stray_check(struct compact_job *job, const struct lake_day *record, struct error *err);

/* Removes files that no record names: those that its day's record stands instead of, and what a killed run left. But none of a day
 * that has no record, and none that is not held: such a day is told to have failed, unless it has blobs to be compacted from
 * (sweep.c). */
bool compact_sweep(struct compact_job *job, const struct lake_days *days, struct error *err);
/* Whether a path behind .../parquet/ is that of a file that compact may have written: y=2021/m=11/d=07/<12 hex>-<n>.parquet */
bool compact_is_own(struct str path);

/* SHA-256 of a file on the disk. */
bool compact_hash_file(const char *path, unsigned char sha256[HASH_SHA256_SIZE], uint64_t *bytes,
                       struct error *err);

#endif
