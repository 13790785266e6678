/* Ahead: blobs of a store as files of an engine (engine/engine.h, struct engine_opener), where the store has no paths.
 *
 *     io = query_io_new(store, &err);                     no thread yet
 *     blobs = query_blobs_new(io, wanted, n, text, &err);  a list for each relation
 *     query_blobs_opener(blobs, &opener);                 for engine_view
 *     query_blobs_release(blobs);                         the engine still holds it
 *     query_io_end(io);                                   behind engine_free: the store is the caller's again
 *
 * A store is for one thread at a time. So one thread, begun when the engine first opens a run of blobs, owns the store
 * and all that it stands on (its http client, its credential) until query_io_end: the caller must not use them
 * meanwhile. Any number of runs may be open, by any threads of the engine and in any order, of one relation or several,
 * and of one relation more than once (a join with itself): each has a store_ahead of its own.
 *
 * Why nothing waits in a circle: a reader waits for the I/O thread alone, and the I/O thread waits for the store alone.
 * It brings each run's bytes into that run's own ring and turns to another when the ring is full; it never waits for a
 * reader. So a run that the engine left lying, open and unread, holds up no other.
 *
 * Memory: QUERY_RING bytes and a store_ahead (STORE_AHEAD_BYTES) for each open run, of which a relation's scan has at
 * most QUERY_RUNS.
 */
#ifndef WEIR_QUERY_AHEAD_H
#define WEIR_QUERY_AHEAD_H

#include "engine/engine.h"
#include "store/store.h"

enum {
    QUERY_RING = 1 << 20, /* bytes that wait for the reader of a run; a power of two */
    QUERY_ENDS = 256,     /* ends of blobs among them */
    QUERY_RUNS = 4        /* of one scan, at once */
};

struct query_io;
struct query_blobs;

/* The store is lent until query_io_end. */
struct query_io *query_io_new(struct store *store, struct error *err);
/* Lets every reader fail with ERROR_INTERRUPTED, now and later. From any thread. What the I/O thread waits for in the
 * store ends when the store says so: its struct stop is to be set too. */
void query_io_interrupt(struct query_io *io);
/* The same, and waits for the end of the I/O thread: the store is the caller's again. NULL is fine. */
void query_io_end(struct query_io *io);
/* Hands on the store's own error, with its hint, if that is what `why` tells (an engine carries a message alone), else
 * `why` itself. Returns false. `io` may be NULL. */
bool query_io_error(struct query_io *io, const struct error *why, struct error *err);

/* Takes `wanted` and `text`, in which its names stand, also when it fails. */
struct query_blobs *query_blobs_new(struct query_io *io, struct store_wanted *wanted, size_t n,
                                    char *text, struct error *err);
void query_blobs_release(struct query_blobs *blobs); /* NULL is fine */
/* Thread rules and errors as struct engine_opener has them; errors are the store's. */
void query_blobs_opener(struct query_blobs *blobs, struct engine_opener *out);

#endif
