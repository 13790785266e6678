/* Compact: closed days of a table into Parquet, each proven before the lake's record says so.
 *
 *     compact_run(&options, &totals, &err);
 *
 * A day is closed when `closed_after` has passed since its end and since the service or others last wrote a blob of it.
 * What weir itself wrote appears whole and by a command, so its age does not matter. The day's rows are read as
 * `weir query` reads them (no row twice), written in order of time, read back, and compared: the number of rows and an
 * order-free sum of their identities, once from the lines and once from the files. Only then its record is put
 * (lake/day.h). A day whose record still holds is left; one that was reopened by late rows is done again.
 *
 * Deleting: blobs of days whose record holds, after the record says that they go. Never under a hold or a policy.
 *
 * Killed at any instant, the lake is as it was before the day, or as after it; the next run removes what was left
 * lying, unless it has rows that nothing else has.
 * The table's lock is held while it runs. One thread calls; a remote store is the room's own until it returns.
 */
#ifndef WEIR_COMPACT_COMPACT_H
#define WEIR_COMPACT_COMPACT_H

#include "base/stop.h"
#include "lake/layout.h"
#include "store/store.h"

#define COMPACT_CLOSED_AFTER (3 * TICK_DAY)
#define COMPACT_MEMORY_LEAST (UINT64_C(192) << 20) /* less is taken for this */

/* enum, what it says to people */
#define COMPACT_VERDICTS(X)                                                                        \
    X(DONE, "compacted")           /* by this run; with dry_run: would be */                       \
    X(CURRENT, "compacted before") /* its record holds */                                          \
    X(OPEN, "not closed yet")      /* `why` says until when */                                     \
    X(FAILED, "failed")            /* `why`; the day is as it was */

enum compact_verdict {
#define X(name, text) COMPACT_##name,
    COMPACT_VERDICTS(X)
#undef X
        COMPACT_VERDICT_COUNT
};
const char *compact_verdict_text(enum compact_verdict verdict);

/* What became of one day that has blobs or a record. */
struct compact_day {
    int64_t day; /* tick at which it begins */
    enum compact_verdict verdict;
    bool reopened;          /* it had a record that did not hold any more */
    uint64_t rows, doubled; /* in the files; lines left out, since they stand elsewhere too */
    uint64_t blobs, bytes;  /* that were read */
    uint64_t files, file_bytes;
    uint64_t deleted, deleted_bytes; /* blobs, by this run */
    double seconds;
    const struct error *why; /* FAILED, OPEN; else NULL. Lent for the call */
};

struct compact_totals {
    uint64_t days[COMPACT_VERDICT_COUNT];
    uint64_t rows, doubled, blobs, bytes, files, file_bytes; /* of days DONE */
    uint64_t deleted, deleted_bytes;
    uint64_t delta_version; /* of the Delta table, with `delta` */
    bool delta_changed;     /* by this run */
};

struct compact_progress {
    int64_t day; /* under way */
    uint64_t days, days_done;
    uint64_t bytes, bytes_done; /* of the blobs of all days that are to be read */
};

struct compact_options {
    struct store *store;     /* lent, as all here */
    struct lake_place place; /* its schema must be there */
    int64_t from, to;        /* days that begin in [from, to); both 0: all */
    int64_t now;             /* tick */
    int64_t
        closed_after; /* ticks; 0: COMPACT_CLOSED_AFTER; negative: a day is closed when it ends */
    unsigned threads; /* 0: as many as processors */
    uint64_t memory;  /* bytes; 0: a quarter of the machine's */
    bool dry_run;     /* nothing is read but listings, nothing written */
    bool delta;       /* keep _delta_log beside the files */
    bool delete_json; /* weir's own blobs of days that are compacted, by this run or before */
    bool delete_service_blobs; /* those of the service too; needs delete_json */
    const char *by;            /* "weir 0.1.0" */
    const char *owner;         /* for the lock */
    const struct stop *stop;   /* may be NULL: ends with ERROR_INTERRUPTED */
    /* Each day in order of time, when it is decided; behind them those, FAILED, of which a file stands there that no record
     * names and that may be the only copy of its rows: some of them for the second time. False ends the run. May be NULL. */
    bool (*fn)(void *context, const struct compact_day *day, struct error *err);
    /* A few times a second, from the calling thread. May be NULL. */
    void (*progress)(void *context, const struct compact_progress *progress);
    void *context;
};

/* False when the run could not go on: ERROR_LOCKED, ERROR_INTERRUPTED, ERROR_NOT_FOUND (no schema), ERROR_SETTINGS
 * (deleting was asked for where a hold or a policy is: nothing was done). A day that fails is told and does not end the
 * run: ERROR_INCOMPLETE at the end. *out is filled in either case. */
bool compact_run(const struct compact_options *options, struct compact_totals *out,
                 struct error *err);

#endif
