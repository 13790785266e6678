/* Resource Manager: who may ask, and which part answers. */

#include "emulator/arm/ask.h"

enum { ARM_MESSAGE_MAX = 2048, RETENTION_DAYS = 4383 };

/* Whose the request is; NULL when it was refused. */
static const struct client *sign_in(const struct service *service,
                                    const struct server_request *request,
                                    struct server_reply *reply)
{
    struct token_holder holder;
    switch (service_check(service, SERVICE_ARM, request->authorization, &holder)) {
    case TOKEN_GOOD:
        return service_holder(service, &holder);
    case TOKEN_MISSING:
        arm_refuse(reply, 401, "AuthenticationFailed",
                   "Authentication failed. The 'Authorization' header is missing.");
        reply->challenge = "Bearer";
        return NULL;
    case TOKEN_AUDIENCE:
        arm_refuse(reply, 401, "InvalidAuthenticationTokenAudience",
                   "The access token has been obtained for the wrong audience or resource.");
        return NULL;
    case TOKEN_EXPIRED:
        arm_refuse(reply, 401, "ExpiredAuthenticationToken",
                   "The access token expiry is in the past.");
        return NULL;
    case TOKEN_GARBLED:
    case TOKEN_FORGED:
        break;
    }
    arm_refuse(reply, 401, "InvalidAuthenticationToken", "The access token is invalid.");
    return NULL;
}

static void refuse_all(const struct client *client, struct server_reply *reply)
{
    struct buf message = BUF_INIT(ARM_MESSAGE_MAX);
    buf_printf(&message,
               "The client '%s' with object id '%s' does not have authorization to perform this "
               "action, or the scope is invalid.",
               client->owner.client, client->owner.object);
    arm_refuse(reply, 403, "AuthorizationFailed", buf_text(&message));
    buf_release(&message);
}

static void answer_workspace(const struct arm_ask *ask)
{
    const struct service *service = ask->service;
    arm_reply(ask->reply, 200,
              json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:{s:s}, s:i}}", "id",
                        service->resource_id, "name", service->workspace_name, "type",
                        "Microsoft.OperationalInsights/workspaces", "location", service->region,
                        "properties", "customerId", service->workspace, "provisioningState",
                        "Succeeded", "sku", "name", "PerGB2018", "retentionInDays",
                        RETENTION_DAYS));
}

/* What stands below the workspace. */
static void route_workspace(struct arm_ask *ask)
{
    struct str first = {0};
    (void) str_split(&ask->rest, '/', &first);
    bool get = strcmp(ask->request->method, "GET") == 0;
    if (str_eq_case(first, STR("tables")))
        arm_tables(ask);
    else if (str_eq_case(first, STR("dataExports")))
        arm_exports(ask);
    else if (!get)
        arm_refuse(ask->reply, 405, "MethodNotAllowed",
                   "The emulator's Resource Manager lets this only be read.");
    else if (first.n == 0 && ask->rest.n == 0)
        answer_workspace(ask);
    else if (str_eq_case(first, STR("providers")) &&
             str_eq_case(ask->rest, STR("Microsoft.Authorization/roleAssignments")))
        arm_roles(ask);
    else
        arm_refuse(ask->reply, 404, "ResourceNotFound", "The resource was not found.");
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

/* .../providers/Microsoft.OperationalInsights/locations/{region}/operationstatuses/{id} */
static bool split_operation(struct str path, struct str *id, bool *result)
{
    struct str rest = path, part;
    struct str before = {0};
    while (str_split(&rest, '/', &part) && rest.p) {
        *result = str_eq_case(part, STR("operationresults"));
        if (*result || str_eq_case(part, STR("operationstatuses"))) {
            *id = rest;
            return before.n > 0;
        }
        before = part;
    }
    return false;
}

static void route(struct arm_ask *ask, struct str path)
{
    bool result;
    if (split_resource(ask->service, path, &ask->rest))
        route_workspace(ask);
    else if (split_operation(path, &ask->rest, &result))
        arm_operation(ask, result);
    else
        arm_refuse(ask->reply, 404, "ResourceNotFound", "The resource was not found.");
}

/* Whoever sees rows under a condition has a reader's role. */
static bool may_write(const struct client *client, const struct server_request *request)
{
    return !client->conditional || strcmp(request->method, "GET") == 0;
}

bool arm_answer(struct service *service, const struct server_request *request,
                struct server_reply *reply)
{
    struct str path = str_of(request->path), root = STR("/subscriptions/");
    if (path.n < root.n || !str_eq_case((struct str){path.p, root.n}, root))
        return false;
    const struct client *client = sign_in(service, request, reply);
    if (!client)
        return true;
    struct arm_ask ask = {.service = service, .request = request, .client = client, .reply = reply};
    if (!server_argument(request, "api-version"))
        arm_refuse(reply, 400, "MissingApiVersionParameter",
                   "The api-version query parameter (?api-version=) is required for all requests.");
    else if (service->no_arm || !may_write(client, request))
        refuse_all(client, reply);
    else
        route(&ask, path);
    return true;
}
