/* A bare curl_multi loop: what an upload costs at the least with the library that weir stands on.
 */
#ifndef WEIR_BENCH_BARE_H
#define WEIR_BENCH_BARE_H

#include <stddef.h>

enum { BARE_WIDTH_MAX = 512 };

struct bare {
    const char *base; /* http://127.0.0.1:4711/account */
    size_t count;     /* PUTs of ... */
    const char *body; /* ... these bytes ... */
    size_t size;
    size_t width; /* ... so many at once */
};

/* Handles are set up once and used again; the headers are those of an upload. Ends the program when one of them
 * fails. */
void bare_run(const struct bare *bare);

/* .../am-commonsecuritylog/.../PT05M_weir.json of the i-th five minutes of 2022. */
void bare_url(const struct bare *bare, size_t i, char *out, size_t size);

#endif
