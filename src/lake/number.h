/* Numbers: under which name a partition is written where nothing can be replaced.
 *
 * On an immutable container (a time policy or a legal hold) a blob can be made, and then neither replaced nor removed. So
 * what is written anew takes the next free number of its partition, PT05M_weir_2.json, and the ledger's line names the one
 * that counts. What else is there with a lower number is of an earlier export, or what a killed one left: nobody reads it.
 * Everywhere else the number is 0, and nothing is asked.
 */
#ifndef WEIR_LAKE_NUMBER_H
#define WEIR_LAKE_NUMBER_H

#include "lake/ledger.h"

struct lake_numbers;

/* What is there of the place's partitions in [from, to). Lists them, once, where the container is immutable. */
struct lake_numbers *lake_numbers_new(struct store *store, const struct lake_place *place,
                                      int64_t from, int64_t to, struct error *err);
void lake_numbers_free(struct lake_numbers *numbers); /* NULL is fine */

bool lake_numbers_immutable(const struct lake_numbers *numbers);

/* The number for what is written next of the partition at `tick`, whose latest line is `entry` (NULL: none; it must tell
 * of what this run itself wrote). ERROR_LIMIT beyond LAKE_NUMBER_MAX. */
bool lake_numbers_next(const struct lake_numbers *numbers, int64_t tick,
                       const struct lake_entry *entry, uint32_t *out, struct error *err);

#endif
