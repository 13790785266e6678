/* Dedup: which rows of an import are there already, in the lake or earlier in the import itself.
 *
 *     dedup = part_dedup_new(&options, &err);
 *     worker = part_dedup_worker_new(dedup, &err);                     one for each thread
 *     part_dedup_take(worker, line, &err);                             each row of a chunk, in parallel
 *     part_dedup_put(worker, first, &err);                             the number of the chunk's first row is known
 *     part_dedup_end(worker, &err);
 *     part_dedup_lake(dedup, &lake, &err);                             what the lake holds of the range
 *     part_dedup_finish(dedup, &dropped, &err);
 *     if (part_dedup_dropped(dedup, row)) ...                          second reading of the input
 *
 * Rows are equal that are so in the chosen columns, by value (lake/row.h). A row in which all of them are empty is equal to
 * none. Of equal rows the lake's stays, then that with the lowest number.
 *
 * Memory: `memory` bytes, and a bit for each row from the first to the last 64 Ki that has one dropped. Keys of
 * 128 bits go to files in `scratch`, 24 bytes a row; that two different rows have one key has a chance of 1 in 2^128 a pair.
 */
#ifndef WEIR_PARTITION_DEDUP_H
#define WEIR_PARTITION_DEDUP_H

#include "base/column.h"
#include "base/stop.h"
#include "lake/schema.h"
#include "partition/held.h"

enum {
    PART_DEDUP_COLUMNS_MAX = 64,    /* that --dedup may name */
    PART_DEDUP_MEMORY_MIN = 4 << 20 /* less memory is as if it were this */
};
#define PART_DEDUP_ROWS_MAX (UINT64_C(1) << 36) /* of an import, and of the lake's range */

struct part_dedup_options {
    const char *columns; /* "*", or names with commas between: _ItemId; a,b */
    const struct columns
        *types; /* those that are known; other columns are compared as dynamic values. Lent to
                                           part_dedup_new. */
    const struct lake_from
        *from; /* n_from: where rows have their time who have no TimeGenerated; as types */
    size_t n_from;
    const char *scratch; /* a folder; copied */
    uint64_t memory;
    const struct stop *stop; /* lent; may be NULL */
};

struct part_dedup;
struct part_dedup_worker;

/* ERROR_USAGE for columns that are no list of names. */
struct part_dedup *part_dedup_new(const struct part_dedup_options *options, struct error *err);
void part_dedup_free(struct part_dedup *dedup); /* NULL is fine; workers first */

/* Rows are taken by a worker in the order in which they stand in its chunk, then put with the number of the first. Rows
 * that are rejected are neither taken nor counted. Each worker is for one thread at a time; workers do not wait for each
 * other but to reach a file. */
struct part_dedup_worker *part_dedup_worker_new(struct part_dedup *dedup, struct error *err);
void part_dedup_worker_free(struct part_dedup_worker *worker); /* NULL is fine */
/* A line is a whole valid JSON object, without its line feed. Not kept. */
bool part_dedup_take(struct part_dedup_worker *worker, struct str line, struct error *err);
bool part_dedup_put(struct part_dedup_worker *worker, uint64_t first, struct error *err);
/* Nothing more comes from this worker. Each is to be told so before the finish. */
bool part_dedup_end(struct part_dedup_worker *worker, struct error *err);

/* Compares with what the lake holds. One thread, between puts or behind them. *rows (or NULL): how many. A line that is no
 * object is passed over. */
bool part_dedup_lake(struct part_dedup *dedup, const struct part_held *held, uint64_t *rows,
                     struct error *err);

/* The first of the columns that is neither a known one nor has a value in any row that was taken, behind the last
 * part_dedup_end: a name that was mistyped, most likely. NULL: none, or "*". Lent. */
const char *part_dedup_missing(const struct part_dedup *dedup);

/* Once, behind all puts. *dropped: rows of the import that are there already. */
bool part_dedup_finish(struct part_dedup *dedup, uint64_t *dropped, struct error *err);
/* Whether the row of that number is to be left out. From any thread, after the finish. */
bool part_dedup_dropped(const struct part_dedup *dedup, uint64_t row);

#endif
