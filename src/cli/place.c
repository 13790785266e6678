/* Place: see place.h. */
#include "cli/place.h"

#include "base/hash.h"

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

/* The resource id that the lake has for a workspace, or the workspace of a resource id: whichever of them is NULL is
 * looked for. */
static const struct lake_table *known_table(const struct lake_tables *tables, const char *id,
                                            const char *resource_id)
{
    for (size_t i = 0; i < tables->n; i++) {
        const struct lake_table *one = &tables->v[i];
        if (one->workspace_id && one->resource_id && same(id, one->workspace_id) &&
            same(resource_id, one->resource_id))
            return one;
    }
    return NULL;
}

static char *lower_copy(struct cli *cli, const char *text, struct error *err)
{
    char *copy = arena_copy(&cli->arena, text, strlen(text), err);
    for (char *c = copy; c && *c; c++)
        *c = (char) tolower((unsigned char) *c);
    return copy;
}

/* A GUID for a resource id of which nobody knows the GUID: the same on every machine. The thirteenth digit says that it was
 * made (version 8, RFC 9562). */
static bool made_id(const char *resource_id, char out[40], struct error *err)
{
    char hex[HASH_SHA256_HEX];
    if (!hash_sha256_hex(str_of(resource_id), hex, err))
        return false;
    hex[12] = '8';
    hex[16] = 'a';
    (void) snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                    hex + 20);
    return true;
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

static bool choose_resource(struct cli *cli, const struct lake_tables *tables, const char **out,
                            struct error *err)
{
    const char *id = cli_text(cli, CLI_WORKSPACE_ID);
    const struct lake_table *known = id ? known_table(tables, id, NULL) : NULL;
    *out = cli_text(cli, CLI_WORKSPACE_RESOURCE_ID);
    if (!*out)
        *out = cli_text(cli, CLI_RESOURCE_ID);
    if (!*out && known)
        *out = known->resource_id;
    if (!*out && id) {
        (void) error_set(err, ERROR_SETTINGS,
                         "the resource id of workspace %s, which is its path in the lake, is not "
                         "known",
                         id);
        return error_hint(err, "--workspace-resource-id /subscriptions/...; weir check says it");
    }
    if (!*out) {
        *out = CLI_PLACE_LOCAL;
        cli_note(cli, "no workspace is named: the rows go to the local one, %s", CLI_PLACE_LOCAL);
    }
    *out = lower_copy(cli, *out, err);
    return *out != NULL;
}

static bool choose_id(struct cli *cli, const struct lake_tables *tables, const char *resource_id,
                      char out[40], struct error *err)
{
    const char *id = given_id(cli, resource_id);
    const struct lake_table *known = known_table(tables, NULL, resource_id);
    if (!id && known)
        id = known->workspace_id;
    if (!id && strcmp(resource_id, CLI_PLACE_LOCAL) == 0)
        id = CLI_PLACE_LOCAL_ID;
    if (!id)
        return made_id(resource_id, out, err);
    if (!text_is_guid(str_of(id)))
        return error_set(err, ERROR_SETTINGS, "workspace-id '%s' is not a GUID", id);
    (void) snprintf(out, 40, "%s", id);
    for (char *c = out; *c; c++)
        *c = (char) tolower((unsigned char) *c);
    return true;
}

bool cli_place_import(struct cli *cli, struct cli_context *context, const char *table,
                      struct error *err)
{
    struct lake_tables tables = {0};
    const struct lake_place named = {
        .workspace_id = CLI_PLACE_LOCAL_ID, .resource_id = CLI_PLACE_LOCAL, .table = table};
    const char *resource_id;
    bool ok = lake_place_check(&named, err) && lake_tables_find(context->store, &tables, err) &&
              choose_resource(cli, &tables, &resource_id, err) &&
              choose_id(cli, &tables, resource_id, context->id, err);
    lake_tables_release(&tables);
    if (!ok)
        return false;
    context->place = (struct lake_place){
        .workspace_id = context->id, .resource_id = resource_id, .table = table};
    if (!lake_place_check(&context->place, err))
        return false;
    buf_release(&context->container);
    buf_init(&context->container, LAKE_NAME_MAX);
    if (!lake_container_find(context->store, table, &context->container, err))
        return false;
    context->place.container = buf_text(&context->container);
    return true;
}
