/* Blobs and their numbers: see sources.h. */
#include "compact/sources.h"

#include <stdlib.h>

/* Where a source of the new record comes from: a blob, or a source of the record before. */
struct compact_origin {
    struct lake_day_source source;
    size_t from; /* its place there */
    bool blob;
};

/* What has come under the name of a blob that is gone stands behind it. */
static int compare_origins(const void *left, const void *right)
{
    const struct compact_origin *a = left, *b = right;
    if (a->source.tick != b->source.tick)
        return a->source.tick < b->source.tick ? -1 : 1;
    int order = strcmp(a->source.name, b->source.name);
    if (order == 0)
        order = a->blob - b->blob;
    return order != 0 ? order : (a->from > b->from) - (a->from < b->from);
}

static void add_old(struct compact_sources *sources, const struct query_day *day)
{
    size_t left_out = 0;
    for (size_t i = 0; sources->merge && i < day->record->source_count; i++) {
        while (left_out < day->superseded_count && day->superseded[left_out] < i)
            left_out++;
        if (left_out < day->superseded_count && day->superseded[left_out] == i)
            continue;
        sources->origins[sources->n_origins++] =
            (struct compact_origin){.source = day->record->sources[i], .from = i};
    }
}

static void add_blobs(struct compact_sources *sources)
{
    for (size_t i = 0; i < sources->n; i++) {
        const struct query_blob *blob = &sources->blobs[i];
        sources->origins[sources->n_origins++] =
            (struct compact_origin){.source = {.name = blob->name + blob->behind,
                                               .tick = blob->tick,
                                               .span = blob->span,
                                               .kind = blob->kind,
                                               .number = blob->number,
                                               .size = blob->size},
                                    .from = i,
                                    .blob = true};
    }
}

static bool take_blobs(struct compact_sources *sources, struct compact_kept *kept,
                       struct error *err)
{
    const struct query_day *day = &kept->day;
    struct query_blob *blobs = arena_alloc(&kept->arena, day->n, sizeof *blobs, err);
    if (!blobs)
        return false;
    for (size_t i = 0; i < day->n; i++)
        if (day->blobs[i].read)
            blobs[sources->n++] = day->blobs[i];
    sources->blobs = blobs;
    return true;
}

/* What stood under a name that is taken again is gone: the record says so, or its order would not hold. */
static void mark_gone(struct compact_sources *sources)
{
    for (size_t i = 0; i + 1 < sources->n_origins; i++) {
        struct lake_day_source *source = &sources->origins[i].source;
        if (strcmp(source->name, sources->origins[i + 1].source.name) == 0)
            source->gone = LAKE_DAY_GONE;
    }
}

bool compact_sources_find(struct compact_sources *sources, struct compact_kept *kept,
                          struct error *err)
{
    const struct query_day *day = &kept->day;
    bool merge = day->record && day->form != QUERY_DAY_LINES;
    size_t old = merge ? day->record->source_count : 0;
    *sources = (struct compact_sources){.merge = merge};
    if (!take_blobs(sources, kept, err))
        return false;
    if (sources->n + old > LAKE_DAY_SOURCES_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d blobs of one day", LAKE_DAY_SOURCES_MAX);
    sources->origins = arena_alloc(&kept->arena, sources->n + old, sizeof *sources->origins, err);
    sources->numbers = arena_alloc(&kept->arena, sources->n, sizeof *sources->numbers, err);
    sources->renumber = arena_alloc(&kept->arena, old, sizeof *sources->renumber, err);
    sources->sha256 = arena_alloc(&kept->arena, sources->n, sizeof *sources->sha256, err);
    if (!sources->origins || !sources->numbers || !sources->renumber || !sources->sha256)
        return false;
    add_old(sources, day);
    add_blobs(sources);
    if (sources->n_origins > 1)
        qsort(sources->origins, sources->n_origins, sizeof *sources->origins, compare_origins);
    mark_gone(sources);
    for (size_t i = 0; i < sources->n_origins; i++) {
        const struct compact_origin *origin = &sources->origins[i];
        (origin->blob ? sources->numbers : sources->renumber)[origin->from] = (uint32_t) i;
    }
    return true;
}

bool compact_sources_list(const struct compact_sources *sources, struct compact_kept *kept,
                          struct lake_day *record, struct error *err)
{
    record->sources = arena_alloc(&kept->arena, sources->n_origins, sizeof *record->sources, err);
    if (!record->sources)
        return false;
    for (size_t i = 0; i < sources->n_origins; i++) {
        const struct compact_origin *origin = &sources->origins[i];
        record->sources[i] = origin->source;
        if (origin->blob)
            memcpy(record->sources[i].sha256, sources->sha256[origin->from], HASH_SHA256_SIZE);
    }
    record->source_count = sources->n_origins;
    return true;
}
