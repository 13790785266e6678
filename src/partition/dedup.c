/* Rows that are there already: see dedup.h. */
#include "partition/dedup.h"

struct part_dedup *part_dedup_new(const struct part_dedup_options *options, struct error *err)
{
    (void) options;
    (void) error_set(err, ERROR_INTERNAL, "not built yet");
    return NULL;
}

void part_dedup_free(struct part_dedup *dedup)
{
    (void) dedup;
}

struct part_dedup_worker *part_dedup_worker_new(struct part_dedup *dedup, struct error *err)
{
    (void) dedup;
    (void) error_set(err, ERROR_INTERNAL, "not built yet");
    return NULL;
}

void part_dedup_worker_free(struct part_dedup_worker *worker)
{
    (void) worker;
}

bool part_dedup_take(struct part_dedup_worker *worker, struct str line, struct error *err)
{
    (void) worker;
    (void) line;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_dedup_put(struct part_dedup_worker *worker, uint64_t first, struct error *err)
{
    (void) worker;
    (void) first;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_dedup_lake(struct part_dedup *dedup, const struct part_dedup_lake *lake, uint64_t *rows,
                     struct error *err)
{
    (void) dedup;
    (void) lake;
    (void) rows;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_dedup_finish(struct part_dedup *dedup, uint64_t *dropped, struct error *err)
{
    (void) dedup;
    (void) dropped;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_dedup_dropped(const struct part_dedup *dedup, uint64_t row)
{
    (void) dedup;
    (void) row;
    return false;
}
