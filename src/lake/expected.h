/* Expected: the blobs that the records of imports say are there, in order of time. Internal to this room. */
#ifndef WEIR_LAKE_EXPECTED_H
#define WEIR_LAKE_EXPECTED_H

#include "lake/import.h"

struct lake_expected_part {
    int64_t tick;
    const struct lake_import *import;
    const struct lake_import_part *part;
    bool seen;
};

struct lake_expected {
    const struct lake_imports *imports;
    struct lake_expected_part *v; /* of live imports, by tick, then id */
    size_t n, next;               /* what is before `next` was told */
};

/* Those of [from, to). The imports are lent, with their parts; NULL: none. The caller releases, also on failure. */
bool lake_expected_find(struct lake_expected *expected, const struct lake_imports *imports,
                        int64_t from, int64_t to, struct error *err);
void lake_expected_release(struct lake_expected *expected);

/* The one of a blob, which then counts as seen; NULL: no record knows it. */
struct lake_expected_part *lake_expected_see(struct lake_expected *expected, int64_t tick,
                                             const struct lake_import *import);

/* The next one before `tick` that was not seen; NULL: none. Each is given once. */
const struct lake_expected_part *lake_expected_unseen(struct lake_expected *expected, int64_t tick);

#endif
