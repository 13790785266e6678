/* Roles: see roles.h. */
#include "cli/roles.h"

#include "azure/resource.h"

static const char INSTANCES[] = "/providers/Microsoft.Authorization/roleAssignmentScheduleInstances"
                                "?api-version=2020-10-01&$filter=asTarget()";

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void take(const json_t *instance, struct cli_role_end *out)
{
    const json_t *properties = json_object_get(instance, "properties");
    const json_t *expanded = json_object_get(properties, "expandedProperties");
    const char *name = text_of(json_object_get(expanded, "roleDefinition"), "displayName");
    int64_t end;
    if (!tick_parse(str_of(text_of(properties, "endDateTime")), &end) ||
        (out->until > 0 && end >= out->until))
        return;
    out->until = end;
    (void) snprintf(out->role, sizeof out->role, "%s", name[0] ? name : "a role");
}

bool cli_role_end(const struct cli *cli, struct cli_context *context, struct cli_role_end *out,
                  struct error *err)
{
    const char *id = cli_text(cli, CLI_RESOURCE_ID), *endpoint = cli_management(cli, context);
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    struct error why = ERROR_INIT;
    json_t *page = NULL;
    *out = (struct cli_role_end){0};
    if (!id || !endpoint)
        return true;
    const struct azure_resources resources = {context->http, context->credential, endpoint,
                                              context->cloud->arm_audience};
    buf_puts(&path, id);
    buf_puts(&path, INSTANCES);
    if (buf_ok(&path, "a resource's path", &why) &&
        azure_resource_get(&resources, buf_text(&path), NULL, &page, &why)) {
        const json_t *list = json_object_get(page, "value");
        for (size_t i = 0; i < json_array_size(list); i++)
            take(json_array_get(list, i), out);
    }
    json_decref(page);
    buf_release(&path);
    bool fatal = why.code == ERROR_MEMORY || why.code == ERROR_INTERRUPTED;
    return !fatal || error_pass(err, &why);
}
