/* Troubles: see trouble.h. */
#include "export/trouble.h"

#include "base/memory.h"

#include <stdio.h>

void export_reason_add(char reasons[EXPORT_REASON_MAX], const char *reason)
{
    size_t used = strlen(reasons), n = strlen(reason);
    bool last = used >= n && strcmp(reasons + used - n, reason) == 0;
    if (last && (used == n || reasons[used - n - 1] == ' '))
        return;
    (void) snprintf(reasons + used, EXPORT_REASON_MAX - used, "%s%s", used ? ", " : "", reason);
}

struct export_trouble *export_trouble_find(const struct export_troubles *troubles, size_t part)
{
    for (size_t i = 0; i < troubles->count; i++)
        if (troubles->v[i].part == part)
            return &troubles->v[i];
    return NULL;
}

struct export_trouble *export_trouble_make(struct export_troubles *troubles, size_t part)
{
    struct export_trouble *trouble = export_trouble_find(troubles, part);
    if (trouble || !mem_reserve(&troubles->v, &troubles->room, troubles->count,
                                EXPORT_FAILED_LISTED, sizeof *trouble, NULL))
        return trouble;
    trouble = &troubles->v[troubles->count++];
    *trouble = (struct export_trouble){.part = part};
    return trouble;
}

void export_trouble_forget(struct export_troubles *troubles, size_t part)
{
    struct export_trouble *trouble = export_trouble_find(troubles, part);
    if (trouble)
        *trouble = troubles->v[--troubles->count];
}

void export_troubles_release(struct export_troubles *troubles)
{
    mem_free(troubles->v);
    *troubles = (struct export_troubles){0};
}
