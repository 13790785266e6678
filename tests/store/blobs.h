/* Blobs: a Blob service that a test plays, on a real socket.
 *
 * It keeps containers and blobs in memory and knows what the store relies on: conditions, metadata, block lists, MD5,
 * leases, ranges, pages of listings, immutable containers, and the service's error codes. It does not look at
 * signatures; it can refuse requests whose text has a word in it. Faults are of the n-th request that matches.
 *
 *     struct blobs *blobs = blobs_new();
 *     … store_open_with(&(struct store_options){.address = blobs_url(blobs), …}) …
 *     blobs_fault(blobs, &(struct blobs_fault){.match = "PUT ", .at = 1, .kind = BLOBS_LOST});
 *
 * Functions may be called from any thread; a failure to set up ends the test program (abort).
 */
#ifndef WEIR_TESTS_STORE_BLOBS_H
#define WEIR_TESTS_STORE_BLOBS_H

#include "base/text.h"

#include <sys/types.h>

struct blobs;
struct blobs *blobs_new(void);
void blobs_free(struct blobs *blobs);
/* http://127.0.0.1:PORT/account and what is given behind it; until the next call. */
const char *blobs_url(struct blobs *blobs, const char *path);

enum blobs_fault_kind {
    BLOBS_CUT,   /* the connection closes before anything is done */
    BLOBS_LOST,  /* it is done, and the connection closes before the answer */
    BLOBS_HALF,  /* it is done, and the answer is cut in its middle */
    BLOBS_ANSWER /* nothing is done; status, code and headers below are the answer */
};
struct blobs_fault {
    const char *match; /* stands in "METHOD /path?query"; NULL: in any. Lent */
    unsigned at;       /* of those that match, from now on; 1: the next */
    unsigned times;    /* so many in a row; 0: one */
    enum blobs_fault_kind kind;
    int status;
    pid_t victim; /* with BLOBS_CUT, BLOBS_LOST: a process that is killed at that moment; 0: none */
    const char *code, *headers, *message; /* headers: each with \r\n; lent, NULL: none */
};
/* One at a time; at 0: none any more. */
void blobs_fault(struct blobs *blobs, const struct blobs_fault *fault);
bool blobs_struck(struct blobs *blobs); /* the fault has happened, all its times */

/* Puts a blob past all conditions, "container/rest"; `mark`: its metadata weir, NULL: none. Makes the container. */
void blobs_put(struct blobs *blobs, const char *name, struct str bytes, const char *mark);
void blobs_append(struct blobs *blobs, const char *name, struct str bytes); /* an append blob */
bool blobs_has(struct blobs *blobs, const char *name);
/* The bytes into out, which is reset; false: not there. `tier`, if wanted: as it was put. */
bool blobs_get(struct blobs *blobs, const char *name, struct buf *out, char tier[16]);
void blobs_immutable(struct blobs *blobs, const char *container, bool immutable);
void blobs_break_lease(struct blobs *blobs, const char *name);
void blobs_end_lease(struct blobs *blobs, const char *name); /* its time is over */
void blobs_page(struct blobs *blobs, size_t entries);        /* of a listing; 5000 at first */

size_t blobs_count(struct blobs *blobs, const char *match); /* requests so far that match */
unsigned blobs_most(struct blobs *blobs);                   /* connections that were busy at once */
/* True when each request had what every request must have (version, date, and one way to sign in). */
bool blobs_proper(struct blobs *blobs);

#endif
