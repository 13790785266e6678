/* A store that behaves as a remote one on the blobs of a folder: no paths, no folders but in names, an MD5 for each blob,
 * containers that can be made immutable. It counts what a service would be asked, and knows which reads and lists began.
 */
#ifndef WEIR_TESTS_LAKE_REMOTE_H
#define WEIR_TESTS_LAKE_REMOTE_H

#include "store/driver.h"

enum { REMOTE_PAGE = 5000 /* blobs of one answer, as Azure has it */ };

struct remote {
    struct store base;
    struct store *local;
    size_t lists, folders, gets, puts, deletes, stats,
        asked; /* requests; asked: whether immutable */
    size_t follows;
    const char *immutable; /* container where nothing can be replaced; NULL: none */
    const char *held;      /* container that becomes so ... */
    size_t held_from;      /* ... with this deletion, from 1 on; 0: never */
    bool refused;          /* something tried to */
    bool listing;          /* a call-back of a list runs: nothing else may be asked */
};

/* Takes the store over. */
struct store *remote_new(struct store *local);
struct remote *remote_of(struct store *store);
size_t remote_requests(const struct remote *remote); /* lists and folders */

#endif
