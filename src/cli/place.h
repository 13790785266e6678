/* Place: where a table stands in the lake, for commands that ask no workspace. */
#ifndef WEIR_CLI_PLACE_H
#define WEIR_CLI_PLACE_H

#include "cli/context.h"
#include "lake/catalog.h"

/* The workspace of files whose workspace nobody names: that of the lake's path, and its GUID under weir/. */
#define CLI_PLACE_LOCAL                                                                            \
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/"          \
    "microsoft.operationalinsights/workspaces/local"
#define CLI_PLACE_LOCAL_ID "00000000-0000-0000-0000-000000000000"

/* The one table of that name that weir knows in the lake, of --workspace-id if that is set. ERROR_NOT_FOUND; of several
 * workspaces ERROR_USAGE with how to say which. Texts are lent by `tables` (lake_tables_find). */
bool cli_place_find(const struct cli *cli, const struct lake_tables *tables, const char *table,
                    struct lake_place *out, struct error *err);

/* Where an import of the table goes: context->place, its texts lent by context and the arena. The resource id is that of
 * --workspace-resource-id, or of the profile, or that which the lake has for the profile's workspace, else the local one;
 * a line says so. The GUID is the profile's for its own resource id, else what the lake has for it, else one that is
 * made from it. context->store is open. ERROR_USAGE, ERROR_SETTINGS. */
bool cli_place_import(struct cli *cli, struct cli_context *context, const char *table,
                      struct error *err);

#endif
