/* Roles: who has which role on the workspace, and with which condition (docs/service.md 5). */

#include "emulator/arm/ask.h"

enum { ARM_CONDITION_MAX = 1 << 20 };

/* Log Analytics Reader, and the role that may also write. */
static const char reader_role[] = "73c42c96-874c-492b-b04d-ab87d138a893";

/* The id in assignedTo('...') of a filter; empty: the filter names nobody. */
static struct str assignee(const char *filter)
{
    static const char word[] = "assignedTo('";
    const char *at = filter ? strstr(filter, word) : NULL;
    struct str rest = str_of(at ? at + sizeof word - 1 : NULL), id = {0};
    (void) str_split(&rest, '\'', &id);
    return id;
}

/* The condition of a role that leaves some rows, in the service's language: which tables have one. */
static void put_condition(const struct tables *tables, struct buf *out)
{
    const char *before = "";
    buf_puts(out,
             "((!(ActionMatches{'Microsoft.OperationalInsights/workspaces/tables/data/read'})) "
             "OR (");
    for (size_t i = 0; i < tables->n; i++) {
        const struct table *table = &tables->v[i];
        if (!table->condition && !table->denied)
            continue;
        buf_printf(out,
                   "%s@Resource[Microsoft.OperationalInsights/workspaces/tables:name] "
                   "StringNotEquals '%s'",
                   before, table->name);
        before = " AND ";
    }
    buf_puts(out, "))");
}

static void add_condition(const struct tables *tables, json_t *properties)
{
    struct buf text = BUF_INIT(ARM_CONDITION_MAX);
    put_condition(tables, &text);
    (void) json_object_set_new(properties, "condition", json_string(buf_text(&text)));
    (void) json_object_set_new(properties, "conditionVersion", json_string("2.0"));
    buf_release(&text);
}

static json_t *make_assignment(const struct service *service, const struct client *client)
{
    json_t *properties = json_pack(
        "{s:s+, s:s, s:s, s:s}", "roleDefinitionId",
        "/providers/Microsoft.Authorization/roleDefinitions/", reader_role, "principalId",
        client->owner.object, "principalType", client->owner.person ? "User" : "ServicePrincipal",
        "scope", service->resource_id);
    if (client->conditional)
        add_condition(&service->tables, properties);
    return json_pack("{s:s++, s:s, s:s, s:o}", "id", service->resource_id,
                     "/providers/Microsoft.Authorization/roleAssignments/", client->owner.client,
                     "name", client->owner.client, "type",
                     "Microsoft.Authorization/roleAssignments", "properties", properties);
}

void arm_roles(const struct arm_ask *ask)
{
    const struct service *service = ask->service;
    struct str wanted = assignee(server_argument(ask->request, "$filter"));
    json_t *list = json_array();
    for (int i = 0; i < SERVICE_CLIENTS_MAX; i++) {
        const struct client *client = &service->clients[i];
        if (client->owner.client &&
            (!wanted.p || str_eq_case(wanted, str_of(client->owner.object))))
            (void) json_array_append_new(list, make_assignment(service, client));
    }
    arm_reply(ask->reply, 200, json_pack("{s:o}", "value", list));
}
