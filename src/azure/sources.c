/* Sources: see sources.h. */
#include "azure/sources.h"

#include <stdlib.h>

const struct azure_source *const azure_sources[] = {
    &azure_source_settings, &azure_source_environment, &azure_source_workload,
    &azure_source_managed,  &azure_source_cli,         &azure_source_device,
};
const size_t azure_source_count = sizeof azure_sources / sizeof azure_sources[0];
_Static_assert(sizeof azure_sources / sizeof azure_sources[0] <= AZURE_SOURCES_MAX,
               "room for what is told of each source");

const char *const azure_sign_in_names[] = {"auto",    "settings", "environment", "workload",
                                           "managed", "cli",      "device",      NULL};

const char *azure_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] != '\0' ? value : NULL;
}

const char *azure_tenant_of(const struct azure_search *search)
{
    return search->options->tenant ? search->options->tenant : azure_variable("AZURE_TENANT_ID");
}

static void put_names(const struct azure_part *parts, size_t n, bool there, const char *verb,
                      struct buf *out)
{
    size_t count = 0, said = 0;
    for (size_t i = 0; i < n; i++)
        count += (parts[i].value != NULL) == there;
    if (count == 0)
        return;
    if (out->used > 0)
        buf_puts(out, ", ");
    for (size_t i = 0; i < n; i++)
        if ((parts[i].value != NULL) == there)
            buf_printf(out, "%s%s",
                       said++ == 0     ? ""
                       : said == count ? " and "
                                       : ", ",
                       parts[i].name);
    buf_printf(out, " %s %s", count == 1 ? "is" : "are", there ? verb : "not");
}

bool azure_parts_there(const struct azure_part *parts, size_t n, const char *verb, struct buf *out)
{
    size_t there = 0;
    for (size_t i = 0; i < n; i++)
        there += parts[i].value != NULL;
    if (there == n)
        return true;
    put_names(parts, n, true, verb, out);
    put_names(parts, n, false, verb, out);
    if (there == 0)
        buf_printf(out, " %s", verb);
    return false;
}
