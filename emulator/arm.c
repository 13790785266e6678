/* ARM: the little of Resource Manager that an exporter reads: the workspace, its tables with plan and
 * retention, and the roles that somebody has on it (docs/service.md 1.9 and 5). */

#include "emulator/reply.h"
#include "emulator/service.h"

#include "base/tick.h"

#include <jansson.h>
#include <stdio.h>

enum { ARM_MESSAGE_MAX = 2048, ARM_CONDITION_MAX = 1 << 20 };

/* Without --retention nothing ages out: the longest that the service keeps, twelve years. */
enum { ARM_RETENTION_DAYS = 4383 };

/* Log Analytics Reader. */
static const char reader_role[] = "73c42c96-874c-492b-b04d-ab87d138a893";

/* --- refusals --------------------------------------------------------------------------------- */

static void refuse(struct server_reply *reply, int status, const char *code, const char *message)
{
    reply_error(reply, &(struct reply_error){.status = status, .code = code, .message = message});
}

/* Whose the request is; NULL when it was refused. */
static const struct client *sign_in(const struct service *service,
                                    const struct server_request *request,
                                    struct server_reply *reply)
{
    static const char *const audiences[] = {SERVICE_ARM_AUDIENCE};
    struct token_holder holder;
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    switch (tokens_check(&service->tokens, request->authorization, audiences, 1, now, &holder)) {
    case TOKEN_GOOD:
        return service_holder(service, &holder);
    case TOKEN_MISSING:
        refuse(reply, 401, "AuthenticationFailed",
               "Authentication failed. The 'Authorization' header is missing.");
        reply->challenge = "Bearer";
        return NULL;
    case TOKEN_AUDIENCE:
        refuse(reply, 401, "InvalidAuthenticationTokenAudience",
               "The access token has been obtained for the wrong audience or resource.");
        return NULL;
    case TOKEN_EXPIRED:
        refuse(reply, 401, "ExpiredAuthenticationToken", "The access token expiry is in the past.");
        return NULL;
    case TOKEN_GARBLED:
    case TOKEN_FORGED:
        break;
    }
    refuse(reply, 401, "InvalidAuthenticationToken", "The access token is invalid.");
    return NULL;
}

static void refuse_all(const struct client *client, struct server_reply *reply)
{
    struct buf message = BUF_INIT(ARM_MESSAGE_MAX);
    buf_printf(&message,
               "The client '%s' with object id '%s' does not have authorization to perform this "
               "action, or the scope is invalid.",
               client->owner.client, client->owner.object);
    refuse(reply, 403, "AuthorizationFailed", buf_text(&message));
    buf_release(&message);
}

/* Sends the value and lets go of it; NULL: no memory. */
static void reply_value(struct server_reply *reply, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text) {
        buf_puts(&reply->body, text);
        reply->status = 200;
        reply->content_type = REPLY_JSON;
    } else {
        reply_internal(reply, "no memory");
    }
    free(text);
    json_decref(value);
}

/* --- resources -------------------------------------------------------------------------------- */

static void answer_workspace(const struct service *service, struct server_reply *reply)
{
    reply_value(reply, json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:{s:s}, s:i}}", "id",
                                 service->resource_id, "name", service->workspace_name, "type",
                                 "Microsoft.OperationalInsights/workspaces", "location",
                                 service->region, "properties", "customerId", service->workspace,
                                 "provisioningState", "Succeeded", "sku", "name", "PerGB2018",
                                 "retentionInDays", ARM_RETENTION_DAYS));
}

/* Resource Manager writes two types in its own way. */
static const char *type_name(enum column_type type)
{
    if (type == COLUMN_DATETIME)
        return "dateTime";
    return type == COLUMN_BOOL ? "boolean" : column_type_name(type);
}

static json_t *make_columns(const struct table *table)
{
    json_t *list = json_array();
    for (size_t i = 0; i < table->visible.n; i++) {
        const struct column *column = &table->visible.v[i];
        if (strcmp(column->name, "TenantId") != 0)
            (void) json_array_append_new(
                list, json_pack("{s:s, s:s, s:b, s:b}", "name", column->name, "type",
                                type_name(column->type), "isDefaultDisplay", 0, "isHidden", 0));
    }
    return list;
}

static int retention_days(const struct table *table)
{
    int64_t days = (table->retention + TICK_DAY - 1) / TICK_DAY;
    return days > 0 && days < ARM_RETENTION_DAYS ? (int) days : ARM_RETENTION_DAYS;
}

static json_t *make_table(const struct service *service, const struct table *table)
{
    bool custom = str_ends(str_of(table->name), STR("_CL"));
    return json_pack("{s:s++, s:s, s:{s:s, s:i, s:i, s:i, s:s, s:{s:s, s:s, s:s, s:o, s:[{s:s, "
                     "s:s}], s:[]}}}",
                     "id", service->resource_id, "/tables/", table->name, "name", table->name,
                     "properties", "plan", plan_name(table->plan), "retentionInDays",
                     retention_days(table), "totalRetentionInDays", retention_days(table),
                     "archiveRetentionInDays", 0, "provisioningState", "Succeeded", "schema",
                     "name", table->name, "tableType", custom ? "CustomLog" : "Microsoft",
                     "tableSubType", "DataCollectionRuleBased", "columns", make_columns(table),
                     "standardColumns", "name", "TenantId", "type", "guid", "solutions");
}

static void answer_tables(const struct service *service, struct server_reply *reply)
{
    json_t *list = json_array();
    for (size_t i = 0; i < service->tables.n; i++)
        (void) json_array_append_new(list, make_table(service, &service->tables.v[i]));
    reply_value(reply, json_pack("{s:o}", "value", list));
}

static void answer_table(const struct service *service, struct str name, struct server_reply *reply)
{
    for (size_t i = 0; i < service->tables.n; i++) {
        const struct table *table = &service->tables.v[i];
        if (str_eq_case(name, str_of(table->name))) {
            reply_value(reply, make_table(service, table));
            return;
        }
    }
    refuse(reply, 404, "ResourceNotFound", "The table was not found in the workspace.");
}

/* --- roles ------------------------------------------------------------------------------------ */

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

static void answer_roles(const struct service *service, const char *filter,
                         struct server_reply *reply)
{
    struct str wanted = assignee(filter);
    json_t *list = json_array();
    for (int i = 0; i < SERVICE_CLIENTS_MAX; i++) {
        const struct client *client = &service->clients[i];
        if (client->owner.client &&
            (!wanted.p || str_eq_case(wanted, str_of(client->owner.object))))
            (void) json_array_append_new(list, make_assignment(service, client));
    }
    reply_value(reply, json_pack("{s:o}", "value", list));
}

/* --- routes ----------------------------------------------------------------------------------- */

static void route(const struct service *service, struct str rest, const char *filter,
                  struct server_reply *reply)
{
    struct str first = {0};
    (void) str_split(&rest, '/', &first);
    if (first.n == 0 && rest.n == 0)
        answer_workspace(service, reply);
    else if (str_eq_case(first, STR("tables")) && rest.n == 0)
        answer_tables(service, reply);
    else if (str_eq_case(first, STR("tables")))
        answer_table(service, rest, reply);
    else if (str_eq_case(first, STR("providers")) &&
             str_eq_case(rest, STR("Microsoft.Authorization/roleAssignments")))
        answer_roles(service, filter, reply);
    else
        refuse(reply, 404, "ResourceNotFound", "The resource was not found.");
}

/* What stands behind the resource id of the workspace; false: another resource. */
static bool split_resource(const struct service *service, struct str path, struct str *rest)
{
    struct str resource = str_of(service->resource_id);
    if (path.n < resource.n || !str_eq_case((struct str){path.p, resource.n}, resource) ||
        (path.n > resource.n && path.p[resource.n] != '/'))
        return false;
    size_t skip = resource.n + (path.n > resource.n);
    *rest = (struct str){path.p + skip, path.n - skip};
    return true;
}

bool arm_answer(const struct service *service, const struct server_request *request,
                struct server_reply *reply)
{
    static const char root[] = "/subscriptions/";
    struct str path = str_of(request->path), rest;
    if (path.n < sizeof root - 1 ||
        !str_eq_case((struct str){path.p, sizeof root - 1}, STR("/subscriptions/")))
        return false;
    const struct client *client = sign_in(service, request, reply);
    if (!client)
        return true;
    if (!server_argument(request, "api-version"))
        refuse(reply, 400, "MissingApiVersionParameter",
               "The api-version query parameter (?api-version=) is required for all requests.");
    else if (service->no_arm)
        refuse_all(client, reply);
    else if (strcmp(request->method, "GET") != 0)
        refuse(reply, 405, "MethodNotAllowed", "The emulator's Resource Manager can only be read.");
    else if (!split_resource(service, path, &rest))
        refuse(reply, 404, "ResourceNotFound", "The resource was not found.");
    else
        route(service, rest, server_argument(request, "$filter"), reply);
    return true;
}
