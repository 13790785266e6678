/* SHA-256 by OpenSSL, XXH64 and XXH3 by xxHash; see hash.h. */
#include "base/hash.h"

#include "base/hash_wide.h"
#include "base/memory.h"

#include <openssl/evp.h>
#include <xxhash.h>

struct hash_sha256 {
    EVP_MD_CTX *context;
    bool failed;
};

struct hash_sha256 *hash_sha256_new(struct error *err)
{
    struct hash_sha256 *hash = mem_alloc(1, sizeof *hash, err);
    if (!hash)
        return NULL;
    hash->context = EVP_MD_CTX_new();
    if (!hash->context) {
        (void) error_set(err, ERROR_MEMORY, "no memory for a hash");
        mem_free(hash);
        return NULL;
    }
    hash_sha256_reset(hash);
    return hash;
}

void hash_sha256_free(struct hash_sha256 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    mem_free(hash);
}

void hash_sha256_reset(struct hash_sha256 *hash)
{
    hash->failed = EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1;
}

void hash_sha256_add(struct hash_sha256 *hash, const void *bytes, size_t n)
{
    if (n > 0 && EVP_DigestUpdate(hash->context, bytes, n) != 1)
        hash->failed = true;
}

bool hash_sha256_end(struct hash_sha256 *hash, unsigned char out[HASH_SHA256_SIZE],
                     struct error *err)
{
    if (hash->failed || EVP_DigestFinal_ex(hash->context, out, NULL) != 1)
        return error_set(err, ERROR_INTERNAL, "SHA-256 failed");
    return true;
}

bool hash_sha256_hex(struct str bytes, char out[HASH_SHA256_HEX], struct error *err)
{
    unsigned char sum[HASH_SHA256_SIZE];
    if (EVP_Digest(bytes.p, bytes.n, sum, NULL, EVP_sha256(), NULL) != 1)
        return error_set(err, ERROR_INTERNAL, "SHA-256 failed");
    text_hex(sum, sizeof sum, out);
    return true;
}

int64_t hash_xx64(struct str bytes)
{
    return (int64_t) XXH64(bytes.n > 0 ? bytes.p : "", bytes.n, 0);
}

void hash_xx128(struct str bytes, uint64_t out[2])
{
    hash_xx128_seed(bytes, 0, out);
}

void hash_xx128_seed(struct str bytes, uint64_t seed, uint64_t out[2])
{
    const char *p = bytes.n > 0 ? bytes.p : "";
    if (hash_wide_can()) {
        hash_wide_xx128(p, bytes.n, seed, out);
        return;
    }
    XXH128_hash_t hash = XXH3_128bits_withSeed(p, bytes.n, seed);
    out[0] = hash.low64;
    out[1] = hash.high64;
}
