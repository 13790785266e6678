/* XXH3 by AVX2, from xxHash's own header; see hash_wide.h. This file alone is compiled for such processors. */
#include "base/hash_wide.h"

#ifdef __AVX2__
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#include <xxhash.h>

bool hash_wide_can(void)
{
    return __builtin_cpu_supports("avx2");
}

void hash_wide_xx128(const void *bytes, size_t n, uint64_t seed, uint64_t out[2])
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, n, seed);
    out[0] = hash.low64;
    out[1] = hash.high64;
}

#else

bool hash_wide_can(void)
{
    return false;
}

void hash_wide_xx128(const void *bytes, size_t n, uint64_t seed, uint64_t out[2])
{
    (void) bytes;
    (void) n;
    (void) seed;
    out[0] = out[1] = 0;
}

#endif
