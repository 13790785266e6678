/* Query: KQL over the lake. Finds the tables that a query names, the partitions that its range covers, and runs it
 * on the embedded engine.
 *
 *     query = query_open(&options, &err);
 *     query_coverage(query, &list)      what the lake holds of what was asked
 *     query_next(query, &chunk, &err)   the rows; or all of them into a file: query_write_parquet
 *     query_free(query);
 *
 * One thread, but for query_cancel. A remote store, with its http client and credential, is the query's alone from
 * the first query_next or query_write_parquet to query_free: a thread of its own reads it then (query/ahead.h).
 */
#ifndef WEIR_QUERY_QUERY_H
#define WEIR_QUERY_QUERY_H

#include "engine/engine.h"
#include "lake/layout.h"
#include "store/store.h"

enum { QUERY_FILES_MAX = 8 << 20, QUERY_PATHS_MAX = 1 << 30 };

struct query_options {
    struct store *store;
    const char *workspace_id; /* NULL: the only one that the lake has of a table */
    struct str kql;
    int64_t from,
        to; /* the asked range, applied to TimeGenerated of every table; both 0: the query's own */
    int64_t now;      /* tick of now() */
    unsigned threads; /* 0: all */
    uint64_t memory;  /* bytes; 0: the engine's default */
};

struct query;

/* Compiles and prepares; nothing is run before the first row is asked for. ERROR_KQL with a position; ERROR_NOT_FOUND for a table that the lake has not, with the
 * nearest name. */
struct query *query_open(const struct query_options *options, struct error *err);
void query_free(struct query *query);
/* In place of query_free, for a program that is about to end: to free the engine's database takes longer than a small
 * query. True: nothing was freed, threads may be at work, and the program must end by _exit; nothing is left on the disk.
 * False: all was freed, as it is where the engine reads from a store without paths, which is the caller's again. */
bool query_leave(struct query *query);

const struct columns *query_columns(const struct query *query);

/* How much of what was asked the lake holds of one table. A partition is held when the ledger has verified it, or
 * when blobs that are not weir's stand in it; one that was joined with the service's blobs while as many bytes of them
 * are there as the ledger says. Without a range nothing was asked: partitions is 0. */
struct query_coverage {
    const char *table;
    int64_t from, to; /* the asked range, in whole partitions; both 0: none */
    uint64_t partitions, held;
    uint64_t files, bytes; /* that are read, of lines and of Parquet */
    uint64_t compacted;    /* days of which Parquet is read */
    uint64_t
        joined; /* files of the service's own export that stand beside weir's: read by record, each once */
    uint64_t
        outdated; /* of weir's own that the ledger does not name: of an earlier export, not read */
};
size_t query_coverage(const struct query *query, const struct query_coverage **out);

/* The next chunk of rows, lent until the next call; *chunk is NULL at the end. */
bool query_next(struct query *query, const struct engine_chunk **chunk, struct error *err);

/* In place of query_next: all rows into a new file of Parquet at the absolute path `path`, whole or not at all;
 * types and errors as engine_copy_parquet has them. */
bool query_write_parquet(struct query *query, const char *path, struct error *err);

/* Ends it early: what runs, and whatever is asked later, fails with ERROR_INTERRUPTED. From any thread. What a remote
 * store waits for ends when its own struct stop is set, or with its limits of time. */
void query_cancel(struct query *query);

/* Values so far that did not fit their column's type and were read as null. */
uint64_t query_misfits(const struct query *query);

/* Lines so far that were left out: what the service wrote more than once, or what stands in weir's blob too. */
uint64_t query_doubled(const struct query *query);

#endif
