/* Hashes: SHA-256 (OpenSSL) for proof; XXH64 (xxHash, seed 0) for sums and partitions; XXH3 for telling texts
 * apart. */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "base/text.h"

enum { HASH_SHA256_SIZE = 32, HASH_SHA256_HEX = 65 };

struct hash_sha256; /* opaque, not for threads */
struct hash_sha256 *hash_sha256_new(struct error *err);
void hash_sha256_free(struct hash_sha256 *hash);
void hash_sha256_reset(struct hash_sha256 *hash);
void hash_sha256_add(struct hash_sha256 *hash, const void *bytes, size_t n);
bool hash_sha256_end(struct hash_sha256 *hash, unsigned char out[HASH_SHA256_SIZE],
                     struct error *err);

/* Of one text, as 64 lower-case hex digits and NUL. */
bool hash_sha256_hex(struct str bytes, char out[HASH_SHA256_HEX], struct error *err);

/* hash_xxhash64() of KQL: XXH64 with seed 0 over the UTF-8 bytes, read as signed
 * (checked: "World" gives 1846988464401551951). */
int64_t hash_xx64(struct str bytes);

/* XXH3 of 128 bits: low half, high half. The same with a seed; without one it is 0. */
void hash_xx128(struct str bytes, uint64_t out[2]);
void hash_xx128_seed(struct str bytes, uint64_t seed, uint64_t out[2]);

#endif
