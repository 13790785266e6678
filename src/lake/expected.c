/* What the records of imports say is there: see expected.h. */
#include "lake/expected.h"

#include "base/search.h"

#include <stdlib.h>

static bool in_range(const struct lake_import_part *part, int64_t from, int64_t to)
{
    return part->partition >= from && part->partition < to;
}

static size_t count(const struct lake_imports *imports, int64_t from, int64_t to)
{
    size_t n = 0;
    for (size_t i = 0; i < imports->n; i++)
        for (size_t k = 0; !imports->v[i].dead && k < imports->v[i].n_parts; k++)
            n += in_range(&imports->v[i].parts[k], from, to);
    return n;
}

static int compare(const void *a, const void *b)
{
    const struct lake_expected_part *x = a, *y = b;
    if (x->tick != y->tick)
        return x->tick > y->tick ? 1 : -1;
    return strcmp(x->import->id, y->import->id);
}

bool lake_expected_find(struct lake_expected *expected, const struct lake_imports *imports,
                        int64_t from, int64_t to, struct error *err)
{
    *expected = (struct lake_expected){.imports = imports};
    if (!imports)
        return true;
    expected->v = mem_alloc(count(imports, from, to), sizeof *expected->v, err);
    if (!expected->v)
        return false;
    for (size_t i = 0; i < imports->n; i++) {
        const struct lake_import *import = &imports->v[i];
        for (size_t k = 0; !import->dead && k < import->n_parts; k++)
            if (in_range(&import->parts[k], from, to))
                expected->v[expected->n++] =
                    (struct lake_expected_part){.tick = import->parts[k].partition,
                                                .import = import,
                                                .part = &import->parts[k]};
    }
    if (expected->n > 0)
        qsort(expected->v, expected->n, sizeof *expected->v, compare);
    return true;
}

void lake_expected_release(struct lake_expected *expected)
{
    mem_free(expected->v);
    *expected = (struct lake_expected){0};
}

struct lake_expected_part *lake_expected_see(struct lake_expected *expected, int64_t tick,
                                             const struct lake_import *import)
{
    size_t at = search_first(expected->v, expected->n, sizeof *expected->v,
                             offsetof(struct lake_expected_part, tick), tick);
    for (; at < expected->n && expected->v[at].tick == tick; at++) {
        if (expected->v[at].import != import)
            continue;
        expected->v[at].seen = true;
        return &expected->v[at];
    }
    return NULL;
}

const struct lake_expected_part *lake_expected_unseen(struct lake_expected *expected, int64_t tick)
{
    while (expected->next < expected->n && expected->v[expected->next].tick < tick) {
        const struct lake_expected_part *part = &expected->v[expected->next++];
        if (!part->seen)
            return part;
    }
    return NULL;
}
