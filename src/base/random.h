/* Random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Not for secrets;
 * those come from random_secret. The same seed gives the same numbers on every machine. */
#ifndef WEIR_BASE_RANDOM_H
#define WEIR_BASE_RANDOM_H

#include "base/error.h"

#include <stdint.h>

struct random {
    uint64_t s[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t n); /* 0 .. n-1, n > 0, unbiased */
double random_unit(struct random *random);                /* [0, 1) */
double random_normal(struct random *random);              /* mean 0, deviation 1, within 6 */

/* Bytes from the kernel, fit for secrets and GUIDs. */
bool random_secret(void *out, size_t n, struct error *err);
/* A random GUID (version 4), 36 characters and NUL. */
enum { GUID_TEXT = 37 };
bool random_guid(char out[GUID_TEXT], struct error *err);

#endif
