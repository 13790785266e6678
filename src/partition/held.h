/* Held: the rows that the lake holds of a range, as lines, for who compares new rows with them.
 *
 * They are those that a query of the range reads (query/days.h): lines, and of days whose JSON is gone the rows of their
 * files, each as a line again (query/restore.h). Of lines that stand twice both may come.
 */
#ifndef WEIR_PARTITION_HELD_H
#define WEIR_PARTITION_HELD_H

#include "base/stop.h"
#include "lake/layout.h"
#include "store/store.h"

struct part_held {
    struct store *store;
    const struct lake_place *place;
    int64_t from, to;           /* of partitions */
    const char *but, *replaced; /* ids of imports whose rows are passed over; NULL: none */
    uint64_t memory; /* bytes for the engine, which is opened for files alone; 0: its default */
    const struct stop *stop; /* lent; may be NULL */
};

/* A line without its line feed and the blanks around it, valid during the call. It need not be a JSON object. */
typedef bool part_held_fn(void *context, struct str line, struct error *err);

/* One thread. ERROR_FORMAT for a blob whose bytes are packed. A line that is longer than any row may be is passed over. */
bool part_held_rows(const struct part_held *held, part_held_fn *fn, void *context,
                    struct error *err);

#endif
