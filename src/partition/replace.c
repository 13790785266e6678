/* An import in place of another: see replace.h. */
#include "partition/replace.h"

bool part_replace_find(const struct lake_imports *imports, const char *id, struct part_replace *out,
                       struct error *err)
{
    (void) imports;
    (void) id;
    *out = (struct part_replace){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_replace_check(const struct part_replace *replace, const char *id, struct error *err)
{
    (void) replace;
    (void) id;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_replace_finish(struct store *store, const struct lake_place *place,
                         const struct stop *stop, struct part_replaced *out, struct error *err)
{
    (void) store;
    (void) place;
    (void) stop;
    (void) err;
    *out = (struct part_replaced){0};
    return true;
}
