/* Search: a place in an array that is in order. */
#ifndef WEIR_BASE_SEARCH_H
#define WEIR_BASE_SEARCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The first of n elements of `size` bytes, ascending by the int64_t that lies `offset` bytes into each, where that is
 * `key` or more; n: there is none. */
static inline size_t search_first(const void *elements, size_t n, size_t size, size_t offset,
                                  int64_t key)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int64_t number;
        memcpy(&number, (const char *) elements + middle * size + offset, sizeof number);
        if (number < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
