/* Secrets: tokens, keys and passwords, as a type of its own.
 *
 * What stands in a struct secret is wiped when it goes, is left out of core dumps (Linux), and lies in one
 * place: its room is fixed when it is made, so no copy stays behind in the heap. No function that shows
 * text takes one; who needs the bytes (to sign, to send) asks for them with secret_str and keeps no copy.
 *
 *     struct secret key = SECRET_INIT;
 *     if (azure_secret_read(credential, "env:STORAGE_KEY", &key, err))
 *         sign(secret_str(&key));
 *     secret_release(&key);
 */
#ifndef WEIR_BASE_SECRET_H
#define WEIR_BASE_SECRET_H

#include "base/text.h"

enum { SECRET_MAX = 1024 * 1024 }; /* bytes of one */

struct secret {
    struct buf kept; /* its bytes lie inside block: never buf_release it */
    void *block;
};

/* Empty, and fit for secret_release. */
#define SECRET_INIT                                                                                \
    {                                                                                              \
        .block = NULL                                                                              \
    }

/* Makes room for `max` bytes; what it held before is wiped. ERROR_MEMORY, ERROR_LIMIT. */
bool secret_init(struct secret *secret, size_t max, struct error *err);
/* Wipes and frees; the secret is empty again. */
void secret_release(struct secret *secret);

/* Makes it a copy of these bytes, with just the room that they need. */
bool secret_set(struct secret *secret, struct str bytes, struct error *err);

/* The bytes, lent until the secret changes: for who signs, sends or compares. Ends in NUL. */
struct str secret_str(const struct secret *secret);

/* The room of a secret after secret_init, for functions that write into a buffer: it never moves. What
 * does not fit fails the buffer (buf_ok), as ever. */
struct buf *secret_buf(struct secret *secret);

/* True when it stands in the text as it is: an error's text that another side sent must not repeat it. An
 * empty one stands nowhere. */
bool secret_within(const struct secret *secret, struct str text);

#endif
