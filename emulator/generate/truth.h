/* Truth: what is known about generated data, as <out>/truth.json:
 *
 *     {"tables": {"<Table>": {"rows", "bytes", "seed", "shuffled", "start", "end", "first", "last",
 *       "days": [{"day", "rows"}], "largest_burst", "bursts": [{"time", "rows"}],
 *       "idle": [{"start", "end"}],
 *       "beacons": [{"source", "host", "destination", "port", "protocol", "period_seconds",
 *                    "jitter_percent", "count", "first", "last"}],
 *       "sprays": [{"source", "users", "count", "first", "last"}]}}}
 *
 * Times are in the service's form, spans half-open, numbers exact.
 */
#ifndef WEIR_EMULATOR_GENERATE_TRUTH_H
#define WEIR_EMULATOR_GENERATE_TRUTH_H

#include "emulator/generate/plan.h"
#include "emulator/generate/world.h"

/* What was counted while the rows of one table were written. */
struct tally {
    uint64_t rows, bytes;
    int64_t first, last; /* ticks */
    int64_t first_day;   /* days since 0001-01-01 */
    uint64_t *days;      /* rows of each day from first_day on; days whole or not: day_count */
    size_t day_count;
};

struct truth; /* the document */

/* Begins with what stands in an older file at `path`; NULL path: with nothing. A file that is there and
 * is none of ours is ERROR_FORMAT. */
struct truth *truth_new(const char *path, struct error *err);
void truth_free(struct truth *truth);

/* Puts a table, in the place of one of its name. */
bool truth_put(struct truth *truth, const char *table, const struct plan *plan,
               const struct world *world, const struct tally *tally, uint64_t seed, bool shuffled,
               struct error *err);

bool truth_write(const struct truth *truth, const char *path, struct error *err);

#endif
