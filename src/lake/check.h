/* Check: a lake against its own ledger, for `weir verify --offline`.
 *
 * Every partition of the ledger must have its blob with the size, the SHA-256, the number of rows and, where
 * that is its proof, the sum of its items' hashes, all taken anew from the bytes; and every blob of ours
 * must have its partition in the ledger. Blobs are read once, in pieces, on a remote store many ahead: memory is that
 * of the longest line and of store_ahead. A blob whose size or MD5 in the listing is another need not be read.
 *
 * Where blobs were deleted and Parquet stands in for them (lake/day.h), the bytes of that Parquet are looked at instead; a
 * blob then counts with the rows that its record has, and no bytes. Where the blobs are there too, Parquet that is not what
 * its record says is told once, as the day's first partition without an entry.
 *
 * Of a joined partition the service's own blobs must have the bytes at least that they had. They are listed, not read.
 *
 * Every partition of a live import's record must have its blob with the size, the hash and the number of rows that the record
 * says; and every blob of an import its record. Of one that is replaced nothing is asked.
 *
 * Where nothing can be replaced, a blob with a lower number than the ledger's, and one with a higher number beside a line that is
 * not held, is what an earlier or a killed export left (lake/number.h), and no finding.
 */
#ifndef WEIR_LAKE_CHECK_H
#define WEIR_LAKE_CHECK_H

#include "base/stop.h"
#include "lake/catalog.h"
#include "lake/import.h"
#include "lake/instant.h"
#include "lake/ledger.h"

/* enum, what it says to people. The first that holds, in this order from the second on, is the finding. */
#define LAKE_FINDINGS(X)                                                                           \
    X(OK, "ok")                                                                                    \
    X(GONE, "its blob is missing")                                                                 \
    X(SIZE, "its blob has another size")                                                           \
    X(CHANGED, "its blob was changed")                                                             \
    X(ROWS, "its blob has another number of rows")                                                 \
    X(SUM, "its blob has other rows")                                                              \
    X(UNVERIFIED, "it was never verified")                                                         \
    X(BESIDE, "the service's own blobs lack rows that they had")                                   \
    X(PARQUET, "a file of its day's Parquet is missing or was changed")                            \
    X(UNKNOWN, "the ledger does not know its blob")                                                \
    X(UNRECORDED, "no import's record knows its blob")

enum lake_finding {
#define X(name, text) LAKE_FINDING_##name,
    LAKE_FINDINGS(X)
#undef X
        LAKE_FINDING_COUNT
};
const char *lake_finding_text(enum lake_finding finding);

struct lake_checked {
    int64_t partition; /* tick */
    enum lake_finding finding;
    const struct lake_entry *entry;  /* what the ledger says; NULL when UNKNOWN, and of an import */
    char import[LAKE_IMPORT_ID_MAX]; /* the id, of an import; "": of an export */
    const struct lake_import_part *part; /* what its record says; NULL when UNRECORDED */
    uint64_t rows, sum, bytes;           /* what the blob says, as far as it was read */
};

struct lake_check_totals {
    uint64_t partitions, rows, bytes; /* looked at; rows and bytes read */
    uint64_t findings[LAKE_FINDING_COUNT];
    uint64_t unread; /* by_listing: blobs of which only the size could be compared */
    /* The same of imports: a partition counts for each import that it has. */
    struct lake_check_imports {
        uint64_t partitions, rows, bytes;
        uint64_t findings[LAKE_FINDING_COUNT];
        uint64_t unread;
    } imports;
};

struct lake_check_options {
    int64_t from, to; /* [from, to) of partitions; both 0: all that the ledger or the lake has */
    /* Reads nothing: size and MD5 of the listing against the ledger (a remote lake, whose service took the MD5 of each
     * blob as it came). Where either has no MD5, size alone; totals->unread counts those. */
    bool by_listing;
    const struct lake_imports *imports; /* lent, read whole; NULL: imports are not looked at */
    /* lent: taken before the ledger and the imports were read; NULL: nobody else writes. */
    const struct lake_instant *begun;
    const struct stop *stop; /* lent, may be NULL: ends with ERROR_INTERRUPTED */
    /* Called for each partition in order of time, good ones too; may be NULL. False ends the check. */
    bool (*fn)(void *context, const struct lake_checked *checked, struct error *err);
    void *context;
};

/* False only when the check could not be made; what it found stands in *out (which may not be NULL). ERROR_IO where findings
 * may come from a compaction or an import that was under way meanwhile. */
bool lake_check(struct store *store, const struct lake_place *place,
                const struct lake_ledger *ledger, const struct lake_check_options *options,
                struct lake_check_totals *out, struct error *err);

#endif
