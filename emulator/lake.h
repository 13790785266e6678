/* Lake: where the continuous export writes, and how: the folder of a row, and lines behind the last one
 * (docs/service.md 3.3). */
#ifndef WEIR_EMULATOR_LAKE_H
#define WEIR_EMULATOR_LAKE_H

#include "base/text.h"

struct lake {
    const char *folder, *name; /* of the lake; of its blobs, without ".json" */
    const char *resource_id;   /* of the workspace, in any case */
    uint64_t overflow;         /* lines of a blob; 0: no end */
};

/* Appends lines to the blob of a table and a five-minute tick. */
bool lake_append(const struct lake *lake, const char *table, int64_t partition, struct str lines,
                 struct error *err);

#endif
