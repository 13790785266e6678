/* Finish: whole temporary files become the blobs of an import, and then its record stands beside them. */
#ifndef WEIR_PARTITION_FINISH_H
#define WEIR_PARTITION_FINISH_H

#include "base/stop.h"
#include "lake/import.h"
#include "partition/files.h"
#include "partition/partition.h"

struct part_finish {
    struct store *store;
    const struct lake_place *place;
    const char *scratch;
    struct part_files *files; /* closed */
    unsigned threads;
    bool sync;
    const struct stop
        *stop; /* looked at before the first name is taken, and on a remote store between uploads */
    const struct partition_watch *watch;
};

/* Gives every file its name, those of `import`'s id, and then puts the record. Sets the figures of *import that are of its
 * partitions. */
bool part_finish(const struct part_finish *finish, struct lake_import *import, struct error *err);

#endif
