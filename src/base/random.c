/* xoshiro256** and the kernel's random bytes; see random.h. */
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* One step of splitmix64, which spreads a seed over the whole state (Steele, Lea, Flood, 2014). */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->s[i] = split_mix(&seed);
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The high half of a product is even over 0..n-1 but for 2^64 mod n low halves, which are drawn
 * again (Lemire, "Fast Random Integer Generation in an Interval", 2019). */
uint64_t random_below(struct random *random, uint64_t n)
{
    wide product = (wide) random_next(random) * n;
    if ((uint64_t) product < n) {
        uint64_t least = (0 - n) % n;
        while ((uint64_t) product < least)
            product = (wide) random_next(random) * n;
    }
    return (uint64_t) (product >> 64);
}

double random_unit(struct random *random)
{
    return (double) (random_next(random) >> 11) * 0x1p-53;
}

/* Twelve even numbers of variance 1/12 each, summed as integers: no logarithm, whose last bit
 * differs between machines. The tails end at 6 deviations. */
double random_normal(struct random *random)
{
    int64_t sum = -6 * (INT64_C(1) << 32);
    for (int i = 0; i < 6; i++) {
        uint64_t two = random_next(random);
        sum += (int64_t) (two >> 32) + (int64_t) (two & UINT32_MAX);
    }
    return (double) sum * 0x1p-32;
}

bool random_secret(void *out, size_t n, struct error *err)
{
    unsigned char *to = out;
    while (n > 0) {
        ssize_t got = getrandom(to, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set_errno(err, ERROR_IO, errno, "the kernel gives no random bytes");
        to += got;
        n -= (size_t) got;
    }
    return true;
}

bool random_guid(char out[GUID_TEXT], struct error *err)
{
    unsigned char b[16];
    if (!random_secret(b, sizeof b, err))
        return false;
    b[6] = (unsigned char) (0x40 | (b[6] & 0x0F)); /* version 4 (RFC 9562) */
    b[8] = (unsigned char) (0x80 | (b[8] & 0x3F)); /* variant 10 */
    (void) snprintf(out, GUID_TEXT,
                    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                    b[13], b[14], b[15]);
    return true;
}
