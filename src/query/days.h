/* Days: what a table's days consist of: which blobs count, which of them are groups (engine/engine.h), and where
 * compacted files say the same. For who runs queries and for who compacts.
 *
 * Of weir's own exports of a partition only the one counts that the ledger names by its number; without a line the one of
 * the highest. A blob of an import that was replaced does not count.
 *
 * What the service's continuous export wrote stands beside weir's, some of it twice: it delivers at least once, and
 * a partition may have been exported too. So the blobs of a partition in which the service has any are a group,
 * weir's own first: of the lines with one _ItemId the first is given. One of an hour makes a group of
 * all twelve partitions. There is no group where the ledger says that both were compared when they were joined and that
 * nothing stood twice, if the service has not written there since. Lines without _ItemId of the service are left out
 * where weir's own are verified and not joined, under the same condition: what came later is in no blob of weir's.
 *
 * A day that was compacted is read from its files while the sources that its record names are as they were, or are not
 * there any more, whoever took them away. When one has changed or come, the lines are read, as if the files were not there;
 * unless some lines are in the files alone: then the files are read without the rows of the sources that changed, and with
 * the lines of those and of what is new. Rows of such files, of what the service or weir wrote of the partition, stand in the
 * group of those lines, before them: what came late may repeat them. Where a file is missing, the lines are read if they are
 * all there.
 */
#ifndef WEIR_QUERY_DAYS_H
#define WEIR_QUERY_DAYS_H

#include "engine/engine.h"
#include "lake/catalog.h"
#include "lake/day.h"
#include "lake/import.h"
#include "lake/ledger.h"

/* What is on record of a table. */
struct query_known {
    struct store *store;
    const struct lake_place *place; /* lent */
    struct lake_ledger *ledger;
    struct lake_imports imports; /* heads */
    struct lake_days days;       /* that meet the range that was asked for */
    const char *
        *missing; /* of each: a file that is not there, or has another size; NULL: all are right */
};
/* The caller releases, also on failure. */
bool query_known_init(struct query_known *known, struct store *store,
                      const struct lake_place *place, int64_t from, int64_t to, struct error *err);
void query_known_release(struct query_known *known);

/* A blob that counts. */
struct query_blob {
    const char *name; /* valid during the call, as all here */
    size_t behind;    /* where in it the table's prefix ends */
    int64_t tick, span, modified;
    uint64_t size;
    enum lake_blob_kind kind;
    uint32_t number;
    uint32_t run;   /* blobs whose spans meet have the same, from 1 on */
    uint32_t group; /* the same for those of a group; 0: of none */
    bool whole;     /* it holds all rows of its group that are known of */
    bool read;      /* its lines are to be read */
};

enum query_day_form {
    QUERY_DAY_LINES, /* all blobs are read */
    QUERY_DAY_FILES, /* the record's files are, and no blob */
    QUERY_DAY_BOTH   /* the files but for what is superseded, and some blobs */
};

struct query_day {
    int64_t day; /* tick at which it begins */
    struct query_blob
        *blobs; /* in order of run; in a run by kind (export, service, import, other), tick, name */
    size_t n;
    uint64_t outdated;             /* blobs that do not count */
    const struct lake_day *record; /* NULL: it was never compacted */
    enum query_day_form form;
    bool gone; /* rows of it are in the files alone */
    const char *
        missing; /* then: a file that is not there as the record says, behind .../parquet/; or NULL */
    const uint32_t *
        superseded; /* numbers of sources whose rows are not to be read from the files, ascending */
    size_t superseded_count;
    const struct engine_shared
        *shared; /* sources of the others that stand in groups of the lines */
    size_t shared_count;
};

/* Each day of [from, to) that has blobs or a record, in order of time. Of a day that is in the range in part all
 * superseded sources, and those blobs alone that may have rows of it. */
typedef bool query_day_fn(void *context, const struct query_day *day, struct error *err);
bool query_days(const struct query_known *known, int64_t from, int64_t to, query_day_fn *fn,
                void *context, struct error *err);

/* The error of a day that has a file missing whose rows are nowhere else. Returns false. */
bool query_day_missing(const struct query_day *day, struct error *err);

#endif
