/* Digests: by which an input is known again: a hash of its bytes as they are stored, that threads can make together.
 *
 * XXH3-128 over the digests (XXH3-128, canonical: big-endian) of its consecutive blocks of 256 KiB in order, followed by
 * its length as 8 bytes, big-endian. An empty input has no block.
 */
#ifndef WEIR_PARTITION_DIGEST_H
#define WEIR_PARTITION_DIGEST_H

#include "base/error.h"

#include <stdint.h>

enum {
    PART_DIGEST_SIZE = 16,
    PART_DIGEST_BLOCK = 256 * 1024,
    PART_DIGEST_BLOCKS_MAX = 1 << 28 /* 64 TiB */
};

/* A value of zeros is an empty one. */
struct part_digest {
    unsigned char (*blocks)[PART_DIGEST_SIZE];
    size_t count, room;
    uint64_t bytes;
    void *open; /* of the block that part_digest_feed is in */
    size_t open_size;
};

void part_digest_release(struct part_digest *digest);

/* The digests of n bytes in blocks, one behind the other: the last one may be short. Any thread. */
void part_digest_blocks(const void *bytes, size_t n, unsigned char *out);

/* Tells those of the n bytes from block number `index` on; in any order, one thread at a time. Not with part_digest_feed. */
bool part_digest_put(struct part_digest *digest, uint64_t index, size_t n,
                     const unsigned char *blocks, struct error *err);

/* The next bytes of the input, as many as there are. */
bool part_digest_feed(struct part_digest *digest, const void *bytes, size_t n, struct error *err);

/* The hash; what was fed and put is whole. */
bool part_digest_end(struct part_digest *digest, unsigned char out[PART_DIGEST_SIZE],
                     struct error *err);

#endif
