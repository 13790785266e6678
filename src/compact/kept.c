/* Days that are kept: see job.h. */
#include "compact/job.h"

enum { KEPT_MAX = 1 << 30 };

struct keeping {
    struct compact_kept *kept;
    bool found;
};

static bool keep_blobs(struct compact_kept *kept, struct error *err)
{
    struct query_day *day = &kept->day;
    struct query_blob *blobs = arena_alloc(&kept->arena, day->n, sizeof *blobs, err);
    if (!blobs)
        return false;
    for (size_t i = 0; i < day->n; i++) {
        blobs[i] = day->blobs[i];
        blobs[i].name = arena_copy(&kept->arena, blobs[i].name, strlen(blobs[i].name), err);
        if (!blobs[i].name)
            return false;
    }
    day->blobs = blobs;
    return true;
}

static bool keep(void *context, const struct query_day *day, struct error *err)
{
    struct keeping *keeping = context;
    struct compact_kept *kept = keeping->kept;
    kept->day = *day;
    keeping->found = true;
    uint32_t *superseded =
        arena_alloc(&kept->arena, day->superseded_count, sizeof *superseded, err);
    struct engine_shared *shared =
        arena_alloc(&kept->arena, day->shared_count, sizeof *shared, err);
    if (!superseded || !shared)
        return false;
    if (day->shared_count > 0)
        memcpy(shared, day->shared, day->shared_count * sizeof *shared);
    if (day->superseded_count > 0)
        memcpy(superseded, day->superseded, day->superseded_count * sizeof *superseded);
    kept->day.superseded = superseded;
    kept->day.shared = shared;
    return keep_blobs(kept, err);
}

bool compact_kept_find(struct compact_kept *kept, const struct compact_job *job, int64_t day,
                       bool *found, struct error *err)
{
    struct keeping keeping = {.kept = kept};
    *kept = (struct compact_kept){0};
    arena_init(&kept->arena, KEPT_MAX);
    bool ok = query_days(&job->known, day, day + TICK_DAY, keep, &keeping, err);
    *found = keeping.found;
    return ok;
}

void compact_kept_release(struct compact_kept *kept)
{
    arena_release(&kept->arena);
    *kept = (struct compact_kept){0};
}
