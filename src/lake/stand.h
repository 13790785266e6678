/* Stand: where Parquet stands in for blobs that were deleted (lake/day.h), and whether it does.
 *
 * A blob counts as there when the record of its day names it as going or gone, with the bytes that the ledger or the import's
 * record has for it, and every file of that day is as the record says.
 */
#ifndef WEIR_LAKE_STAND_H
#define WEIR_LAKE_STAND_H

#include "base/stop.h"
#include "lake/day.h"
#include "lake/import.h"
#include "lake/ledger.h"

struct lake_stand {
    const struct lake_place *place; /* lent */
    struct lake_days days;
    bool *whole; /* of each day: its files are all right */
};

/* Reads the records of days that meet [from, to), and looks at their files: at their sizes, and with `read` at their
 * bytes. The caller releases, also on failure. */
bool lake_stand_find(struct lake_stand *stand, struct store *store, const struct lake_place *place,
                     int64_t from, int64_t to, bool read, const struct stop *stop,
                     struct error *err);
void lake_stand_release(struct lake_stand *stand);

enum lake_stands {
    LAKE_STANDS_NOT,    /* nobody deleted the blob */
    LAKE_STANDS,        /* the files have its rows */
    LAKE_STANDS_BROKEN, /* they had; a file is missing or was changed */
    LAKE_STANDS_OTHER   /* they have another blob's of its name */
};
/* For the blob that a line of the ledger tells of. */
enum lake_stands lake_stand_export(const struct lake_stand *stand, const struct lake_entry *entry);
/* For a blob of an import. */
enum lake_stands lake_stand_import(const struct lake_stand *stand, const char *id,
                                   const struct lake_import_part *part);
/* For blobs of the service that may hold rows of the partition: how many, and their bytes. */
size_t lake_stand_beside(const struct lake_stand *stand, int64_t tick, uint64_t *bytes);
/* Whether a file of day i of the records is missing or not what it says, whatever it stands in for. */
bool lake_stand_broken(const struct lake_stand *stand, size_t day);

/* SHA-256 and bytes of a blob as it is there now, read in pieces. */
bool lake_hash_blob(struct store *store, const char *name, const struct stop *stop,
                    unsigned char sha256[HASH_SHA256_SIZE], uint64_t *bytes, struct error *err);

#endif
