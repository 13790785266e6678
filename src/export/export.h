/* Export: history out of a workspace into the lake, proven (docs/architecture.md).
 *
 *     snapshot   T0, the columns, whether rows have an `_ItemId`           snapshot.h
 *     count      rows and sums per partition: the left side                count.h
 *     join       what the service's own export has of them already         join.h
 *     plan       partitions to fetch, packed into batches under ceilings   plan.h
 *     run        fetch, write, ledger: the right side, compared at once    run.c
 *     verify     the lake against the workspace, later                     verify.c
 *
 * An export ends in one of two ways: every partition verified, or a report that lists those that are
 * not. One thread; nothing here prints: `watch` is told what goes on.
 */
#ifndef WEIR_EXPORT_EXPORT_H
#define WEIR_EXPORT_EXPORT_H

#include "base/tick.h"
#include "lake/ledger.h"
#include "store/store.h"
#include "workspace/rule.h"
#include "workspace/workspace.h"

enum {
    EXPORT_CEILING_ROWS = 500000,    /* docs/service.md 1.5 */
    EXPORT_CEILING_BYTES = 64000000, /* engine bytes of one answer */
    EXPORT_CEILING_JSON = 100000000, /* bytes of one answer as JSON */
    EXPORT_PARTITION_TRIES = 4,      /* times that a partition is fetched before it is given up */
    EXPORT_BATCH_TRIES = 10,         /* times that one batch is asked for in a row */
    EXPORT_PARTITIONS_MAX = 8000 * 288, /* what a ledger can hold, and less */
    EXPORT_REASON_MAX = 200,
    EXPORT_FAILED_LISTED = 10000,
    EXPORT_LATE_LISTED = 10000
};

/* Rows that arrive late land at most about two days back, and half a day of retries (docs/service.md 1.10, 3.2):
 * a partition verified within this time of its end is counted again by the next run. */
#define EXPORT_YOUNG (3 * TICK_DAY)
#define EXPORT_SETTLE (15 * TICK_MINUTE)

/* What becomes of a partition when lake and workspace are compared. enum, text for people and reports. */
#define EXPORT_VERDICTS(X)                                                                         \
    X(OK, "ok")           /* as many rows, and the same where rows have an id */                   \
    X(MISSING, "missing") /* the workspace has rows, the lake holds none that are proven */        \
    X(CHANGED, "changed") /* as many rows, but not the same; or a blob that is not its ledger's */ \
    X(GREW, "grew")       /* the workspace has more rows than the lake: they came late */          \
    X(AGED_OUT,                                                                                    \
      "aged out")       /* older than the table's retention: the ledger alone vouches for it */    \
    X(PURGED, "purged") /* the workspace has fewer rows than the lake, before their time */

enum export_verdict {
#define X(name, text) EXPORT_VERDICT_##name,
    EXPORT_VERDICTS(X)
#undef X
        EXPORT_VERDICT_COUNT
};
const char *export_verdict_text(enum export_verdict verdict);
/* Nothing to mend: ok, aged out, purged. */
bool export_verdict_good(enum export_verdict verdict);

/* What is exported. `query` NULL: the table as it is. */
struct export_source {
    struct lake_place place; /* place.table: the name in the lake (--as NAME with a query) */
    const char *query;       /* KQL, checked by the caller to work row by row, or one_batch */
    bool one_batch;          /* asked for whole; its rows are then laid into partitions */
    int64_t from, to;        /* half-open, multiples of TICK_PARTITION */
    /* NULL: rows come from the table itself. Else KQL that gives the rows of [from, to) in its place: the name of what a
     * search job or a restore has made of it. A search job's rows are laid by `_OriginalTimeGenerated`, `Type` and
     * `_ItemId` are put back, and the three `_Original` columns are gone. Ledger and schema are those of the table. Not
     * with a query. */
    const char *relation;
    bool
        relation_partial; /* it is known to lack rows: what it has is written, and nothing of it called verified */
};

/* What becomes of partitions where the service's own blobs (the continuous export's) stand already. */
enum export_beside {
    EXPORT_BESIDE_REFUSE, /* ERROR_USAGE before a row is fetched, where one would be */
    EXPORT_BESIDE_KEEP,   /* --beside: all rows are written, whatever stands beside */
    EXPORT_BESIDE_JOIN    /* --until-continuous: only rows that are missing there (join.h) */
};

/* What goes on, for progress. Figures only grow. */
struct export_progress {
    const char *phase; /* "count", "fetch", "verify" */
    uint64_t partitions, partitions_done;
    uint64_t rows_expected, rows;
    uint64_t bytes;          /* written */
    uint64_t received;       /* JSON bytes from the service */
    uint64_t bytes_expected; /* estimate of what will be written, or 0 */
    unsigned queries;        /* under way */
    double blocked;          /* seconds that the service asked to wait for, or 0 */
    uint64_t throttled;
};

struct export_estimate;

struct export_watch {
    /* Before the first row is fetched: what is left to do. False ends the run with its error. */
    bool (*begin)(void *context, const struct export_estimate *estimate, struct error *err);
    void (*progress)(void *context, const struct export_progress *progress);
    void (*note)(void *context, const char *line); /* something the user should know, one line */
    /* The same for who looks for trouble: each answer that was thrown away. May be NULL. */
    void (*detail)(void *context, const char *line);
    void *context;
};

struct export_options {
    struct workspace *workspace;
    struct store *store;
    struct export_source source;
    int64_t settle;      /* ticks; 0: EXPORT_SETTLE; negative: none */
    uint64_t batch_rows; /* 0: the ceiling */
    int64_t batch_span;  /* ticks; 0: no limit */
    unsigned queries;    /* at once; 0: WORKSPACE_CONCURRENT */
    size_t memory; /* bytes of rows in memory; 0: 96 MiB, 64 beside a remote store's uploads */
    bool refresh;  /* fetch what the ledger holds as verified, too */
    bool keep_empty;
    /* Of a repair, partitions are joined where the ledger says that they were, and else kept beside. */
    enum export_beside beside;
    /* Since when the continuous export writes (tick): what it lacks from then on are gaps. 0: from its first blob that is
     * joined. */
    int64_t continuous;
    /* Repair: these partitions (ticks of their begin, ascending, inside the range; lent) and no others, whatever
     * the ledger says of them. */
    const int64_t *only;
    size_t only_count;
    /* Tables of the Basic and Auxiliary plans, where each reading of a time is billed by the bytes ingested in it. */
    enum workspace_plan plan; /* UNKNOWN: as Resource Manager says, else Analytics */
    unsigned
        passes; /* 0, 1: rows are compared with what the answer itself counts; 2: counted before */
    /* Bytes that may be billed; 0: no limit. More by Usage is ERROR_USAGE before a row is read; more on the way, where
     * answers were too large, ERROR_LIMIT. */
    uint64_t scan_max;
    const char *identity; /* for the ledger */
    const char *run;      /* run id, a GUID */
    const struct export_watch *watch;
    const struct stop *stop;
};

struct export_failed {
    int64_t partition;
    uint64_t rows, rows_expected;
    enum export_verdict verdict;
    unsigned tries;
    char reasons[EXPORT_REASON_MAX]; /* what each try ended with, equal ones merged */
};

/* A partition that was verified before and has more rows by now. */
struct export_late {
    int64_t partition;
    uint64_t rows; /* how many more */
};

struct export_report {
    int64_t snapshot;       /* T0 */
    uint64_t partitions;    /* in the range; for a repair: those that were named */
    uint64_t skipped;       /* verified by the ledger already */
    uint64_t fetched;       /* verified by this run, empty ones included */
    uint64_t rows, bytes;   /* written by this run */
    uint64_t blobs;         /* into so many: what writes cost */
    uint64_t rows_verified; /* in the whole range, skipped ones included */
    uint64_t bytes_verified;
    uint64_t verdicts[EXPORT_VERDICT_COUNT]; /* of all partitions, by verdict */
    uint64_t
        outlived; /* partitions of which the lake holds more than the workspace has by now: kept */
    uint64_t without_ingestion_time; /* rows counted as before T0 for want of a stamp */
    uint64_t vanished;               /* rows that were counted once, and are nowhere any more */
    uint64_t late_rows;              /* beyond what was verified before */
    uint64_t late_count;             /* partitions with such rows */
    struct export_late *late;        /* the first EXPORT_LATE_LISTED of them, oldest first */
    size_t late_listed, late_room;
    uint64_t outside; /* rows of another time than was asked for, dropped (Basic, Auxiliary) */
    /* Of the whole range, where the service's own blobs stand beside: */
    uint64_t joined;      /* partitions that are compared with them by record */
    uint64_t beside_rows; /* rows that those have; rows_verified counts them too */
    uint64_t doubled;     /* lines that the service wrote more than once */
    uint64_t gaps;        /* partitions since the continuous export began where they lack rows, */
    uint64_t filled;      /* so many, which weir wrote */
    /* Seen by this run: */
    uint64_t
        strangers; /* rows of the service's blobs that the workspace does not have (any more, or at T0) */
    uint64_t
        damaged; /* lines of them that are no JSON or no row: they count as missing, and are told */
    uint64_t scanned; /* bytes billed for reading (Basic, Auxiliary), as far as `Usage` tells */
    enum lake_proof proof;   /* by what partitions were compared */
    enum lake_access access; /* what the identity may see of the table, as far as it can be told */
    char access_why[WORKSPACE_WHY_MAX];
    enum workspace_plan plan;
    uint64_t queries, throttled, retried;
    uint64_t received; /* JSON bytes from the service */
    double waited;     /* seconds that the service asked to wait for */
    double seconds;
    uint64_t failed_count;        /* partitions that do not verify */
    struct export_failed *failed; /* the first EXPORT_FAILED_LISTED of them, oldest first */
    size_t failed_listed, failed_room;
};
void export_report_release(struct export_report *report);

/* The workspace has the table, as its metadata says; else ERROR_NOT_FOUND with the name that is nearest. For who begins
 * something before the export does. */
bool export_table_check(const struct export_options *options, struct error *err);

/* Runs an export. A blob is replaced only by one that has at least its rows: what has aged out of the workspace, or
 * was purged there, stays in the lake (report->outlived). After false the workspace must be freed: queries of the
 * run may be under way. True: ended, with report->failed_count saying whether all is verified. False: did not
 * come to an end (err; ERROR_INTERRUPTED: resumable); what the ledger holds by then stays true. */
bool export_run(const struct export_options *options, struct export_report *report,
                struct error *err);

/* The same in steps, so that several tables may be planned before the first is fetched. `options` are lent until
 * export_free and their `begin` is not called. After false only export_told and export_free are left, and the
 * workspace must be freed. Exports over one workspace are fetched one after the other. */
struct export;
struct export *export_new(const struct export_options *options, struct error *err);
/* Lock, snapshot, counts: what is left to fetch is known then. */
bool export_prepare(struct export *export, struct error *err);
/* Of what is left to fetch; measures a sample of rows. NULL with err. Lent. */
const struct export_estimate *export_left(struct export *export, struct error *err);
/* Fetches, writes and proves it. As export_run ends. */
bool export_fetch(struct export *export, struct error *err);
/* What is known so far. Lent. */
const struct export_report *export_told(struct export *export);
void export_free(struct export *export); /* NULL is fine; gives the lock back */

/* The range of --until-continuous: until when the history must be exported so that it meets the continuous export. */
struct export_until {
    int64_t end;     /* of the range, a multiple of TICK_PARTITION */
    int64_t created; /* the rule's creation (tick); 0: not told */
    int64_t flows;   /* when its first data could come (export_options.continuous) */
    int64_t first;   /* the service's first blob of the table, or 0 */
    bool enabled;    /* the rule */
    char rule[WORKSPACE_RULE_NAME_MAX + 1];       /* its name */
    char account[WORKSPACE_RULE_ACCOUNT_MAX + 1]; /* the storage account's name */
};
/* The rule of options->source.place's table: its creation, half an hour until data flows, 12 hours in which the service
 * tries again and then drops what the lake did not take, and a margin (docs/service.md 3); the same from the service's first
 * blob where that is later; never beyond the workspace's time less the settle. ERROR_USAGE when there is no such rule or none may be
 * read: it says why, and names --end. Only workspace, store, settle and source.place are looked at. */
bool export_until(const struct export_options *options, struct export_until *out,
                  struct error *err);

/* The ledger against the workspace, partition by partition: each is counted again, as of its line's own T0 and, where
 * rows may have come late since, as of now; partitions without a line as of now; those older than the table's retention
 * not at all. report->failed lists what differs and why: rows that the ledger lacks, other rows; rows that the
 * workspace no longer has are no fault of the lake and only counted. With source.from == source.to, the range is that
 * of the ledger. Whether the blobs are those of the ledger is lake/check.h's to say. */
bool export_verify(const struct export_options *options, struct export_report *report,
                   struct error *err);

/* One day of an estimate. */
struct export_day {
    int64_t day;
    uint64_t rows, bytes, json; /* engine bytes; bytes as JSON lines in the lake */
    uint64_t partitions;        /* with rows: blobs */
};
struct export_estimate {
    struct export_day *days;
    size_t count, room;
    struct export_day total;
    uint64_t
        scan; /* bytes that are billed for reading (Basic, Auxiliary), all passes, as far as `Usage` tells */
    unsigned passes; /* 0: reading is not billed */
    bool scan_known;
    uint64_t queries;     /* batches */
    uint64_t batch_bytes; /* of the largest batch, as the service's JSON */
    double least;      /* seconds that the limit of rate asks for, however fast the answers are */
    double seconds;    /* about, when each answer begins after 2 s and comes with 20 MB/s */
    uint64_t response; /* all answers, as the service's JSON */
};
void export_estimate_release(struct export_estimate *estimate);
bool export_estimate(const struct export_options *options, struct export_estimate *out,
                     struct error *err);

#endif
