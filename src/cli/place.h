/* Place: where a table stands in the lake, for commands that ask no workspace. */
#ifndef WEIR_CLI_PLACE_H
#define WEIR_CLI_PLACE_H

#include "cli/context.h"
#include "lake/catalog.h"

/* The one table of that name that weir knows in the lake, of --workspace-id if that is set. ERROR_NOT_FOUND; of several
 * workspaces ERROR_USAGE with how to say which. Texts are lent by `tables` (lake_tables_find). */
bool cli_place_find(const struct cli *cli, const struct lake_tables *tables, const char *table,
                    struct lake_place *out, struct error *err);

/* Whether a table may have that name: nothing of it can leave a folder. ERROR_SETTINGS. */
bool cli_place_name(const char *table, struct error *err);

/* Where an import of the table goes: context->place, its texts lent by context and the arena. The resource id is that of
 * --workspace-resource-id, or of the profile, or that which the lake has for the profile's workspace, else the local one;
 * a line says so. The GUID is the profile's for its own resource id, else lake_local_workspace's. context->store is open. ERROR_USAGE, ERROR_SETTINGS. */
bool cli_place_import(struct cli *cli, struct cli_context *context, const char *table,
                      struct error *err);

#endif
