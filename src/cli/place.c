/* Place: see place.h. */
#include "cli/place.h"

#include "lake/local.h"

#include <ctype.h>

static bool same(const char *wanted, const char *name)
{
    return !wanted || (name && str_eq_case(str_of(wanted), str_of(name)));
}

bool cli_place_find(const struct cli *cli, const struct lake_tables *tables, const char *table,
                    struct lake_place *out, struct error *err)
{
    const struct lake_table *found = NULL;
    for (size_t i = 0; i < tables->n; i++) {
        const struct lake_table *one = &tables->v[i];
        bool ours = one->workspace_id && one->name && one->resource_id &&
                    strcmp(one->name, table) == 0 &&
                    same(cli_text(cli, CLI_WORKSPACE_ID), one->workspace_id);
        if (ours && found) {
            (void) error_set(err, ERROR_USAGE, "'%s' of several workspaces is in the lake", table);
            return error_hint(err, "--workspace-id %s or %s", found->workspace_id,
                              one->workspace_id);
        }
        found = ours ? one : found;
    }
    if (!found) {
        (void) error_set(err, ERROR_NOT_FOUND, "the lake has no export or import of '%s'", table);
        return error_hint(err, "weir lake ls lists the tables of the lake");
    }
    *out = (struct lake_place){.workspace_id = found->workspace_id,
                               .resource_id = found->resource_id,
                               .table = found->name,
                               .container = found->container};
    return true;
}

/* -- the place of an import -- */

/* The resource id that the lake has for a workspace, in the arena; NULL without an error: none. */
static const char *known_resource(struct cli *cli, struct store *store, const char *id,
                                  struct error *err)
{
    struct lake_tables tables = {0};
    const char *found = NULL;
    bool ok = lake_tables_find(store, &tables, err);
    for (size_t i = 0; ok && !found && i < tables.n; i++)
        if (tables.v[i].workspace_id && tables.v[i].resource_id &&
            same(id, tables.v[i].workspace_id))
            found = tables.v[i].resource_id;
    found = found ? arena_copy(&cli->arena, found, strlen(found), err) : NULL;
    lake_tables_release(&tables);
    return found;
}

static char *lower_copy(struct cli *cli, const char *text, struct error *err)
{
    char *copy = arena_copy(&cli->arena, text, strlen(text), err);
    for (char *c = copy; c && *c; c++)
        *c = (char) tolower((unsigned char) *c);
    return copy;
}

/* The workspace's id that the user gave for this resource id, or NULL. That of a profile is of the profile's own. */
static const char *given_id(const struct cli *cli, const char *resource_id)
{
    bool on_line = cli->sources[CLI_WORKSPACE_ID] == CLI_FROM_COMMAND;
    const char *own = cli_text(cli, CLI_RESOURCE_ID);
    if (on_line || !cli_text(cli, CLI_WORKSPACE_RESOURCE_ID) || (own && same(own, resource_id)))
        return cli_text(cli, CLI_WORKSPACE_ID);
    return NULL;
}

/* The lake is asked for a workspace of which only the GUID is known. */
static bool choose_of_id(struct cli *cli, struct store *store, const char *id, const char **out,
                         struct error *err)
{
    struct error why = ERROR_INIT;
    *out = known_resource(cli, store, id, &why);
    if (*out)
        return true;
    if (why.code != ERROR_NONE)
        return error_pass(err, &why);
    (void) error_set(err, ERROR_SETTINGS,
                     "the resource id of workspace %s, its path in the lake, is not known", id);
    return error_hint(err, "--workspace-resource-id /subscriptions/...; weir check says it");
}

static bool choose_resource(struct cli *cli, struct store *store, const char **out,
                            struct error *err)
{
    const char *id = cli_text(cli, CLI_WORKSPACE_ID);
    *out = cli_text(cli, CLI_WORKSPACE_RESOURCE_ID);
    if (!*out)
        *out = cli_text(cli, CLI_RESOURCE_ID);
    if (!*out && id && !choose_of_id(cli, store, id, out, err))
        return false;
    if (!*out) {
        *out = lake_local_resource_id;
        cli_note(cli, "no workspace is named: the rows go to the local one, %s",
                 lake_local_resource_id);
    }
    *out = lower_copy(cli, *out, err);
    return *out != NULL;
}

static bool choose_id(const struct cli *cli, struct cli_context *context, const char *resource_id,
                      const char *table, struct error *err)
{
    const char *id = given_id(cli, resource_id);
    if (!id)
        return lake_local_workspace(context->store, resource_id, table, context->id, NULL, err);
    if (!text_is_guid(str_of(id)))
        return error_set(err, ERROR_SETTINGS, "workspace-id '%s' is not a GUID", id);
    (void) snprintf(context->id, sizeof context->id, "%s", id);
    for (char *c = context->id; *c; c++)
        *c = (char) tolower((unsigned char) *c);
    return true;
}

bool cli_place_name(const char *table, struct error *err)
{
    const struct lake_place named = {.workspace_id = lake_local_workspace_id,
                                     .resource_id = lake_local_resource_id,
                                     .table = table};
    return lake_place_check(&named, err);
}

bool cli_place_import(struct cli *cli, struct cli_context *context, const char *table,
                      struct error *err)
{
    const char *resource_id;
    return cli_place_name(table, err) && choose_resource(cli, context->store, &resource_id, err) &&
           choose_id(cli, context, resource_id, table, err) &&
           cli_take_place(context, resource_id, table, err);
}
