/* Piles: the rows of one partition from one batch, kept until the batch is known to be whole.
 *
 * A pile grows in memory and, when the pool's budget is used up, moves to a scratch file as a sorted run.
 * Several piles of one partition (shares of a split, in any order) are merged when the partition is
 * written: rows in one order, tick, then the bytes of the line. A batch that failed drops its piles.
 * So memory is bounded by the pool's budget whatever the size of the history, but for the merge's windows.
 */
#ifndef WEIR_LAKE_PILE_H
#define WEIR_LAKE_PILE_H

#include "lake/line.h"

struct lake_pool; /* memory budget and scratch folder shared by many piles; one thread */

struct lake_pool_options {
    size_t budget;       /* bytes of rows in memory over all piles; 0: 96 MiB */
    const char *scratch; /* folder for runs; made when first needed. copied */
};
struct lake_pool *lake_pool_new(const struct lake_pool_options *options, struct error *err);
void lake_pool_free(struct lake_pool *pool); /* its piles must be freed */

/* Bytes held now, over all piles: lines, what sorting them will take, and what is kept for reuse; and the most
 * there ever were (most may be NULL). At most the budget and one row. What a merge takes is not in it: the windows
 * through which it reads runs (see lake_piles_merge). */
size_t lake_pool_held(const struct lake_pool *pool, size_t *most);

struct lake_pile;
struct lake_pile *lake_pile_new(struct lake_pool *pool, struct error *err);
void lake_pile_free(struct lake_pile *pile); /* drops its rows and runs */

/* Adds a row as a line; tick and item come from lake_line_key. A row that is refused (ERROR_FORMAT) leaves the
 * pile as it was. When the budget is used up, piles of the pool move to scratch: ERROR_IO when that fails. */
bool lake_pile_add(struct lake_pile *pile, struct lake_line *line, const struct json_row *row,
                   int64_t tick, int64_t item, struct error *err);
/* Adds a line that is there already (with its line feed). */
bool lake_pile_add_line(struct lake_pile *pile, int64_t tick, int64_t item, struct str line,
                        struct error *err);

uint64_t lake_pile_rows(const struct lake_pile *pile);
uint64_t lake_pile_bytes(const struct lake_pile *pile);
/* The order-free sum (wrapping 64-bit addition) of the items' hashes. */
uint64_t lake_pile_sum(const struct lake_pile *pile);

/* Gives all rows of n piles in order, in pieces of whole lines. The piles stay as they are, also when `fn` adds rows to
 * other piles of the pool. Each run is read through
 * a window: together they take 8 MiB, but each at least 4 KiB and its longest line, so more than that with more than
 * 2,048 runs or with long lines in many. ERROR_LIMIT beyond 1,048,576 runs. */
typedef bool lake_piece_fn(void *context, struct str lines, struct error *err);
bool lake_piles_merge(struct lake_pile *const *piles, size_t n, lake_piece_fn *fn, void *context,
                      struct error *err);

#endif
