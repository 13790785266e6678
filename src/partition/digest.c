/* Digests of inputs; see digest.h. */
#include "partition/digest.h"

#include "base/hash.h"
#include "base/memory.h"

#include <string.h>
#include <xxhash.h>

static void canonical(XXH128_hash_t hash, unsigned char out[PART_DIGEST_SIZE])
{
    XXH128_canonical_t text;
    XXH128_canonicalFromHash(&text, hash);
    memcpy(out, text.digest, PART_DIGEST_SIZE);
}

static bool open_block(struct part_digest *digest, struct error *err)
{
    if (!digest->open)
        digest->open = XXH3_createState();
    if (!digest->open || XXH3_128bits_reset(digest->open) != XXH_OK)
        return error_set(err, ERROR_MEMORY, "no memory for the hash of an input");
    return true;
}

static bool close_block(struct part_digest *digest, struct error *err)
{
    unsigned char block[PART_DIGEST_SIZE];
    size_t n = digest->open_size;
    canonical(XXH3_128bits_digest(digest->open), block);
    digest->open_size = 0;
    return part_digest_put(digest, digest->count, n, block, err);
}

void part_digest_release(struct part_digest *digest)
{
    mem_free(digest->blocks);
    (void) XXH3_freeState(digest->open);
    *digest = (struct part_digest){0};
}

void part_digest_blocks(const void *bytes, size_t n, unsigned char *out)
{
    const char *p = bytes;
    for (size_t at = 0; at < n; at += PART_DIGEST_BLOCK, out += PART_DIGEST_SIZE) {
        uint64_t hash[2];
        hash_xx128((struct str){p + at, n - at < PART_DIGEST_BLOCK ? n - at : PART_DIGEST_BLOCK},
                   hash);
        canonical((XXH128_hash_t){.low64 = hash[0], .high64 = hash[1]}, out);
    }
}

bool part_digest_put(struct part_digest *digest, uint64_t index, size_t n,
                     const unsigned char *blocks, struct error *err)
{
    size_t count = (n + PART_DIGEST_BLOCK - 1) / PART_DIGEST_BLOCK;
    if (index > PART_DIGEST_BLOCKS_MAX || count > PART_DIGEST_BLOCKS_MAX - index)
        return error_set(err, ERROR_LIMIT, "an input has more than 64 TiB");
    while (digest->room < index + count) {
        if (!mem_reserve(&digest->blocks, &digest->room, digest->room, PART_DIGEST_BLOCKS_MAX,
                         sizeof *digest->blocks, err))
            return false;
    }
    memcpy(digest->blocks + index, blocks, count * PART_DIGEST_SIZE);
    if (digest->count < index + count)
        digest->count = (size_t) index + count;
    digest->bytes += n;
    return true;
}

bool part_digest_feed(struct part_digest *digest, const void *bytes, size_t n, struct error *err)
{
    const char *p = bytes;
    while (n > 0) {
        if (digest->open_size == 0 && !open_block(digest, err))
            return false;
        size_t part = PART_DIGEST_BLOCK - digest->open_size;
        if (part > n)
            part = n;
        if (XXH3_128bits_update(digest->open, p, part) != XXH_OK)
            return error_set(err, ERROR_INTERNAL, "an input cannot be hashed");
        digest->open_size += part;
        p += part;
        n -= part;
        if (digest->open_size == PART_DIGEST_BLOCK && !close_block(digest, err))
            return false;
    }
    return true;
}

bool part_digest_end(struct part_digest *digest, unsigned char out[PART_DIGEST_SIZE],
                     struct error *err)
{
    if (digest->open_size > 0 && !close_block(digest, err))
        return false;
    if (!open_block(digest, err))
        return false;
    unsigned char length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char) (digest->bytes >> (56 - 8 * i));
    if (XXH3_128bits_update(digest->open, digest->blocks, digest->count * PART_DIGEST_SIZE) !=
            XXH_OK ||
        XXH3_128bits_update(digest->open, length, sizeof length) != XXH_OK)
        return error_set(err, ERROR_INTERNAL, "an input cannot be hashed");
    canonical(XXH3_128bits_digest(digest->open), out);
    return true;
}
