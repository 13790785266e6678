/* Replaced: what the records of compacted days say of an import that another took the place of.
 *
 * While an import's record is there it tells whether the import counts (lake/import.h). Once that is removed nothing else
 * would: the record of the import that replaced it may be replaced and removed in its turn, or be lost. And where no
 * record is, a source whose blob is gone counts: somebody may have moved a damaged one away. So the days are told before.
 */
#ifndef WEIR_LAKE_REPLACED_H
#define WEIR_LAKE_REPLACED_H

#include "lake/day.h"
#include "lake/import.h"

/* Tells each record of a day of the import's partitions that those of its sources that are the import's are LAKE_DAY_REPLACED.
 * To be called under the table's lock, before the import's record is removed; again is fine. */
bool lake_days_replace(struct store *store, const struct lake_place *place,
                       const struct lake_import *import, struct error *err);

#endif
