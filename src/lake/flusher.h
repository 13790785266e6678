/* Flusher: writes a segment of the ledger on a thread of its own, after all that was written before it.
 *
 * To bring a lake to the disk takes tenths of a second where much was written, and the one thread that fetches
 * cannot spare them. One segment is on its way at a time. For the lake's room alone (lake/ledger.c).
 *
 * Invariant: the thread has a store of its own, opened before the first blob that it answers for was written. So it
 * is told of each byte that the kernel could not write from then on (syncfs tells that once for each descriptor).
 */
#ifndef WEIR_LAKE_FLUSHER_H
#define WEIR_LAKE_FLUSHER_H

#include "base/text.h"

struct flusher;

/* For the lake at that address. Starts no thread yet. */
struct flusher *flusher_new(const char *address, struct error *err);
void flusher_free(struct flusher *flusher); /* waits for what is on its way; NULL is fine */

/* Begins to write `text` as a new blob of that name, after store_sync. Takes the text and leaves it empty. Nothing
 * may be on its way. False when there can be no thread: text stays. */
bool flusher_start(struct flusher *flusher, const char *name, struct buf *text, struct error *err);

enum flusher_state {
    FLUSHER_BUSY,
    FLUSHER_DONE,  /* the blob is there */
    FLUSHER_FAILED /* err says why; ERROR_EXISTS: the name was taken */
};

/* What became of the one that was started; told once. Waits for its end when `wait`. */
enum flusher_state flusher_ask(struct flusher *flusher, bool wait, struct error *err);

#endif
