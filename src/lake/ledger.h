/* The ledger: the record, beside the data, by which an export is proven and from which it resumes.
 *
 *     ledger = lake_ledger_open(store, &place, &err);           reads all segments, checks the chain
 *     lake_ledger_begin(ledger, &run, &err);                    this run's head
 *     lake_ledger_add(ledger, &line, &err);                     a partition is written
 *     lake_ledger_flush_soon(ledger, &err);                     now and then
 *     lake_ledger_flush(ledger, &err);                          at the end
 *     lake_ledger_free(ledger);
 *
 * Invariants:
 *   1. A segment is put whole under a new name and never changed; each names the SHA-256 of the one before.
 *   2. The latest line of a partition counts. A partition without a line is fetched again.
 *   3. What a segment names was on the disk before the segment (store_sync).
 *   4. Lines not yet flushed are lost with the process; that costs fetching, never truth.
 * So one must hold the table's lock (lake_lock_new) from open to free when one adds; readers need none.
 *
 * Memory: about 45 kB for each day with a line (16 MB a year). Form: docs/formats.md.
 */
#ifndef WEIR_LAKE_LEDGER_H
#define WEIR_LAKE_LEDGER_H

#include "base/hash.h"
#include "base/tick.h"
#include "lake/layout.h"
#include "store/store.h"

enum {
    LAKE_LEDGER_VERSION = 1,
    LAKE_LEDGER_LINES = 4096,    /* of one segment */
    LAKE_LEDGER_WAITING = 16384, /* lines that wait at most */
    LAKE_LEDGER_SECONDS = 15,    /* on a remote store: between segments that are not full */
    LAKE_LEDGER_DAYS_MAX = 8192, /* 22 years of days with lines */
    LAKE_LEDGER_RUNS_MAX = 1 << 20
};

/* enum, text in the ledger and for people. What the ledger says of a partition: */
#define LAKE_VERDICTS(X)                                                                           \
    X(UNVERIFIED, "unverified") /* written, and not equal or not compared: fetched again */        \
    X(VERIFIED, "verified")     /* written, and equal to what the workspace counted */             \
    X(MISSING, "missing")       /* rows were counted, none could be written: fetched again */      \
    X(AGED_OUT, "aged out")     /* was verified; older than the table's retention by now */        \
    X(PURGED, "purged")         /* was verified; the workspace has fewer rows by now */

enum lake_verdict {
#define X(name, text) LAKE_VERDICT_##name,
    LAKE_VERDICTS(X)
#undef X
        LAKE_VERDICT_COUNT
};
const char *lake_verdict_text(enum lake_verdict verdict);

/* By what it was compared. */
#define LAKE_PROOFS(X)                                                                             \
    X(NONE, "none")                                                                                \
    X(ROWS, "count")    /* the number of rows */                                                   \
    X(SUM, "count+sum") /* and the order-free sum of hash_xxhash64(_ItemId) */                     \
    X(ANSWER,                                                                                      \
      "answer") /* the number of rows that the answer itself says it has: no count was made */

enum lake_proof {
#define X(name, text) LAKE_PROOF_##name,
    LAKE_PROOFS(X)
#undef X
        LAKE_PROOF_COUNT
};
const char *lake_proof_text(enum lake_proof proof);

/* What the identity may see of the table, as far as it can be told. */
#define LAKE_ACCESSES(X) X(UNKNOWN, "unknown") X(FULL, "full") X(CONDITIONAL, "conditional")

enum lake_access {
#define X(name, text) LAKE_ACCESS_##name,
    LAKE_ACCESSES(X)
#undef X
        LAKE_ACCESS_COUNT
};
const char *lake_access_text(enum lake_access access);

/* A run's head. Texts are lent to lake_ledger_begin, which copies them. */
struct lake_run {
    const char *id;       /* the run id, [A-Za-z0-9-]{1,64} */
    const char *by;       /* "weir 0.1.0" */
    const char *identity; /* who asked, as the token says; "" when not known */
    const char *query;    /* KQL of --query, or NULL: the table as it is */
    enum lake_access access;
    int64_t started;    /* tick */
    int64_t t0, settle; /* snapshot: T0 (tick) = the workspace's now() less settle (ticks) */
    int64_t from, to;   /* the range, of whole partitions, [from, to) */
    char columns[HASH_SHA256_HEX]; /* lake_columns_hash, or "" */
};

/* What is known of one partition: a line of the ledger. */
struct lake_entry {
    int64_t partition; /* tick, a multiple of TICK_PARTITION */
    int64_t at;        /* tick of writing */
    uint64_t rows_expected,
        sum_expected;          /* left side: what the workspace counted, or said it gave */
    uint64_t rows, sum, bytes; /* right side: what was written; bytes 0: no blob */
    /* Where the service's own blobs stand beside (joined): what they have, each row once. Of a line that is verified,
     * rows + beside_rows are rows_expected, and sums likewise. */
    uint64_t beside_rows, beside_sum;
    uint64_t beside_bytes; /* of those blobs, as they were listed: they only grow */
    uint64_t doubled;      /* lines that the service wrote again; in no other figure */
    unsigned char sha256[HASH_SHA256_SIZE]; /* of the blob; all zero without one */
    unsigned char md5[STORE_MD5]; /* as the store was given it; all zero without has_md5 */
    uint32_t number;              /* of the blob's name: lake_export_name */
    uint32_t run;                 /* index for lake_ledger_run; set by the ledger */
    uint8_t proof, verdict;       /* enum lake_proof, enum lake_verdict */
    bool has_md5, joined;
};

/* Whether the lake holds what the partition had: verified, and kept where the workspace has less by now. */
static inline bool lake_entry_held(const struct lake_entry *entry)
{
    return entry->verdict == LAKE_VERDICT_VERIFIED || entry->verdict == LAKE_VERDICT_AGED_OUT ||
           entry->verdict == LAKE_VERDICT_PURGED;
}

/* The workspace had nothing of it any more, and the lake never had: what is older than the interactive retention may
 * still be found by a search job or a restore. */
static inline bool lake_entry_unseen(const struct lake_entry *entry)
{
    return entry->verdict == LAKE_VERDICT_AGED_OUT && entry->rows_expected == 0 &&
           entry->bytes == 0 && !entry->joined;
}

struct lake_ledger;

/* Reads the ledger of a place; one that is not there yet is empty. Damage (a segment that is torn, missing
 * or changed, another version or table) is ERROR_FORMAT: the message names the segment, the hint the way
 * out. No data is touched. */
struct lake_ledger *lake_ledger_open(struct store *store, const struct lake_place *place,
                                     struct error *err);
void lake_ledger_free(struct lake_ledger *ledger); /* NULL is fine; what was not flushed is lost */

/* Begins a run: at any time after the open (what is counted first may be in its head), and before the first
 * line. ERROR_SETTINGS when the ledger's lines come from another query. Writes nothing yet; a run without
 * lines leaves no segment. */
bool lake_ledger_begin(struct lake_ledger *ledger, const struct lake_run *run, struct error *err);

/* What the identity may see, where it is known only after the run began: in the heads of the segments from now on. */
void lake_ledger_access(struct lake_ledger *ledger, enum lake_access access);

/* Adds a line (copied) of a blob that was written after lake_ledger_begin. From LAKE_LEDGER_LINES / 2 that wait on
 * (LAKE_LEDGER_LINES on a remote store) it flushes soon by itself, and at LAKE_LEDGER_WAITING waits for the store. */
bool lake_ledger_add(struct lake_ledger *ledger, const struct lake_entry *entry, struct error *err);
/* Writes what waits as segments, after store_sync; nothing waits: nothing is written. When that fails, each
 * later one does: lines whose blobs may be lost are never written. The next open starts from what is sure. */
bool lake_ledger_flush(struct lake_ledger *ledger, struct error *err);
/* Begins to write what waits, and does not wait for it (store_follow). While a segment is on its way, this only looks
 * whether it has ended; so call it every second or two. On a remote store, where each segment is paid for, what fills
 * none is written every LAKE_LEDGER_SECONDS. False when one has failed, as lake_ledger_flush. */
bool lake_ledger_flush_soon(struct lake_ledger *ledger, struct error *err);
size_t lake_ledger_waiting(const struct lake_ledger *ledger); /* lines; those on their way too */

/* The latest entry of the partition that holds `tick`, or NULL. Lent until the next add. */
const struct lake_entry *lake_ledger_find(const struct lake_ledger *ledger, int64_t tick);
/* The first entry at or after `tick` in order of time, or NULL: for (e = next(l, 0); e; e = next(l,
 * e->partition + 1)). Lent until the next add. */
const struct lake_entry *lake_ledger_next(const struct lake_ledger *ledger, int64_t tick);

/* From the first partition with a line to behind the last: [*from, *to), both 0 without any. */
void lake_ledger_range(const struct lake_ledger *ledger, int64_t *from, int64_t *to);

size_t lake_ledger_count(const struct lake_ledger *ledger);    /* partitions with a line */
size_t lake_ledger_segments(const struct lake_ledger *ledger); /* written */
size_t lake_ledger_runs(const struct lake_ledger *ledger);
/* Runs in order of time; the index is that of lake_entry.run. Lent until the next begin. */
const struct lake_run *lake_ledger_run(const struct lake_ledger *ledger, size_t index);

/* The table's lock, weir/<guid>/<table>/lock: one export of a table at a time. ERROR_LOCKED says who has it. */
struct store_lock *lake_lock_new(struct store *store, const struct lake_place *place,
                                 const char *owner, struct error *err);

#endif
