/* Segments: the text of one file of the ledger, to and fro. Form: docs/formats.md.
 *
 *     {"format":"weir-ledger","version":1,"segment":2,"previous":"<sha256>", ... }     the run's head
 *     {"partition":"2021-11-07T03:05:00Z","rows":31, ... }                             any number of these
 *     {"lines":1,"sha256":"<of every byte before this line>"}                          so a torn one shows
 */
#ifndef WEIR_LAKE_SEGMENT_H
#define WEIR_LAKE_SEGMENT_H

#include "base/memory.h"
#include "lake/ledger.h"

enum { LAKE_SEGMENT_MAX = 16 << 20 }; /* bytes */

struct lake_segment {
    uint64_t number;                /* from 1 */
    char previous[HASH_SHA256_HEX]; /* of the whole segment before; "" for the first */
    const char *workspace_id, *table;
    struct lake_run run;
};

/* Appends a segment with n lines to out. Texts that are not UTF-8 are mended. */
bool lake_segment_write(const struct lake_segment *segment, const struct lake_entry *entries,
                        size_t n, struct buf *out, struct error *err);

/* Reads a whole segment: its texts go into the arena, its lines to fn in their order (entry->run is 0).
 * All of it is checked before the first line is given, but the lines. ERROR_FORMAT says what is wrong and
 * in which line, without the segment's name; a hint is set for what is no damage: another version, whose
 * first and last line are of this form too. */
typedef bool lake_entry_fn(void *context, const struct lake_entry *entry, struct error *err);
bool lake_segment_read(struct str text, struct arena *arena, struct lake_segment *out,
                       lake_entry_fn *fn, void *context, struct error *err);

#endif
