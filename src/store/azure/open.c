/* Opens an account or a container of it as a store; see azure.h. */
#include "store/azure/azure.h"

struct store *azure_store_open(const struct store_options *options, struct error *err)
{
    (void) error_set(err, ERROR_SETTINGS, "lake '%s': this weir has no driver for it",
                     options->address);
    (void) error_hint(err, "name a folder: --lake ./lake");
    return NULL;
}
