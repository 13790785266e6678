/* Sources of an import that was replaced: see replaced.h. */
#include "lake/replaced.h"

/* *any: the record says something else by now. */
static void mark(struct lake_day *day, struct str id, bool *any)
{
    *any = false;
    for (size_t i = 0; i < day->source_count; i++) {
        struct lake_day_source *source = &day->sources[i];
        if (source->kind != LAKE_BLOB_IMPORT || source->gone == LAKE_DAY_REPLACED ||
            !str_eq(lake_import_id_of(str_of(source->name)), id))
            continue;
        source->gone = LAKE_DAY_REPLACED;
        *any = true;
    }
}

bool lake_days_replace(struct store *store, const struct lake_place *place,
                       const struct lake_import *import, struct error *err)
{
    struct lake_days days;
    bool any;
    if (import->to <= import->from)
        return true;
    bool ok = lake_days_read(&days, store, place, import->from, import->to, err);
    for (size_t i = 0; ok && i < days.n; i++) {
        mark(&days.v[i], str_of(import->id), &any);
        ok = !any || lake_day_write(store, place, &days.v[i], err);
    }
    lake_days_release(&days);
    return ok;
}
