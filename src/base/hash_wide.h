/* Wide: XXH3 by AVX2, for hash.c alone. The library that systems have is built for any processor of their kind. */
#ifndef WEIR_BASE_HASH_WIDE_H
#define WEIR_BASE_HASH_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor can. */
bool hash_wide_can(void);
/* Only where it can. */
void hash_wide_xx128(const void *bytes, size_t n, uint64_t seed, uint64_t out[2]);

#endif
