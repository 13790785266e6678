/* Keys: a bounded multiset of 128-bit keys: the rows of one partition in the service's blobs. Internal to this room.
 *
 * It grows to EXPORT_KEYS_MAX keys (24 MiB; twice that for a moment while it grows); who has more takes them in several passes, each a share of the keys.
 */
#ifndef WEIR_EXPORT_KEYS_H
#define WEIR_EXPORT_KEYS_H

#include "base/error.h"

#include <stdint.h>

enum {
    EXPORT_KEYS_SLOTS = 1 << 20,
    EXPORT_KEYS_MAX = EXPORT_KEYS_SLOTS / 4 * 3 /* distinct ones */
};

struct export_key {
    uint64_t high, low; /* of a hash */
    bool value;         /* of a row by value, not of an id: the two never meet */
};

struct export_key_slot {
    uint64_t high, low;
    uint32_t count; /* 0: free */
    uint32_t taken; /* how many of them */
    bool value;
};

struct export_keys {
    struct export_key_slot *slots;
    uint32_t room, used; /* room: a power of two, or 0 */
    uint32_t max;        /* distinct keys; 0: EXPORT_KEYS_MAX */
};
void export_keys_release(struct export_keys *keys);
/* Empty again; memory that is far more than was needed is given back. */
void export_keys_reset(struct export_keys *keys);

/* One more of a key; *count is how many there are now, 0 when there is no room for another key. False: no memory. */
bool export_keys_add(struct export_keys *keys, const struct export_key *key, uint32_t *count,
                     struct error *err);
/* Takes one away, so that what was taken shows at the end. An id is one row however often it stands there, so it can be
 * taken again. False: there is none (left). */
bool export_keys_take(struct export_keys *keys, const struct export_key *key);

#endif
