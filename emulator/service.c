/* Service: the routes, and who may take them. */

#include "emulator/service.h"

#include "base/tick.h"
#include "emulator/ingest.h"
#include "emulator/reply.h"
#include "emulator/vault.h"

#include <strings.h>

enum { CLOUD_AUDIENCES = 4 };

static const uint64_t second = 1000000000;

static const char *const part_audiences[SERVICE_PARTS][CLOUD_AUDIENCES] = {
    [SERVICE_ARM] = {SERVICE_ARM_AUDIENCE, "https://management.core.windows.net",
                     "https://management.usgovcloudapi.net", "https://management.chinacloudapi.cn"},
    [SERVICE_VAULT] = {SERVICE_VAULT_AUDIENCE, "https://vault.usgovcloudapi.net",
                       "https://vault.azure.cn"},
    [SERVICE_INGESTION] = {"https://monitor.azure.com", "https://monitor.azure.us",
                           "https://monitor.azure.cn"},
    [SERVICE_STORAGE] = {"https://storage.azure.com"},
};

int64_t service_now(const struct service *service)
{
    return clock_tick(&service->clock);
}

const struct client *service_client(const struct service *service, struct str id)
{
    for (int i = 0; i < SERVICE_CLIENTS_MAX; i++) {
        const struct client *client = &service->clients[i];
        if (client->owner.client && str_eq(id, str_of(client->owner.client)))
            return client;
    }
    return NULL;
}

const struct client *service_holder(const struct service *service,
                                    const struct token_holder *holder)
{
    for (int i = 0; i < SERVICE_CLIENTS_MAX; i++) {
        const struct client *client = &service->clients[i];
        if (client->owner.object && strcmp(client->owner.object, holder->object) == 0)
            return client;
    }
    return NULL;
}

enum token_verdict service_check(const struct service *service, enum service_part part,
                                 const char *authorization, struct token_holder *holder)
{
    size_t count = 0;
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    while (count < CLOUD_AUDIENCES && part_audiences[part][count])
        count++;
    return tokens_check(&service->tokens, authorization, part_audiences[part], count, now, holder);
}

bool service_is_audience(const struct service *service, struct str audience)
{
    for (int i = 0; i < SERVICE_AUDIENCES_MAX && service->audiences[i]; i++) {
        if (str_eq(audience, str_of(service->audiences[i])))
            return true;
    }
    for (int part = 0; part < SERVICE_PARTS; part++) {
        for (int i = 0; i < CLOUD_AUDIENCES && part_audiences[part][i]; i++) {
            if (str_eq(audience, str_of(part_audiences[part][i])))
                return true;
        }
    }
    return str_starts(audience, STR("https://")) &&
           memmem(audience.p, audience.n, ".blob.core.", 11);
}

int64_t service_retry_after(const struct service *service, uint64_t ns)
{
    const char *flag = service->limits.retry_after;
    uint64_t seconds;
    if (strcmp(flag, "none") == 0)
        return -1;
    if (str_uint64(str_of(flag), &seconds) && seconds <= INT64_MAX)
        return (int64_t) seconds;
    return (int64_t) (ns / second + (ns % second > 0));
}

static void refuse_token(struct server_reply *reply, enum token_verdict verdict)
{
    struct reply_error error = {.status = 403,
                                .code = "InvalidTokenError",
                                .message =
                                    "The provided authentication is not valid for this resource"};
    switch (verdict) {
    case TOKEN_MISSING:
        error = (struct reply_error){.status = 401,
                                     .code = "AuthenticationFailed",
                                     .message = "Authentication failed: no bearer token"};
        reply->challenge = "Bearer";
        break;
    case TOKEN_AUDIENCE:
        error.code = "InvalidAuthenticationTokenAudience";
        break;
    case TOKEN_GARBLED:
        error.code = "InvalidAuthenticationToken";
        break;
    case TOKEN_EXPIRED:
        error.inner = "TokenExpired";
        error.inner_message = "The access token expired";
        break;
    case TOKEN_FORGED:
    case TOKEN_GOOD:
        error.inner = "SignatureVerificationFailed";
        error.inner_message = "Could not validate the request";
        break;
    }
    reply_error(reply, &error);
}

/* In which words the service says it is unconfirmed. */
static void refuse_public(struct server_reply *reply)
{
    reply_error(reply, &(struct reply_error){
                           .status = 403,
                           .code = "InsufficientAccessError",
                           .message = "The provided credentials have insufficient access to "
                                      "perform the requested operation",
                           .inner = "PublicNetworkAccessDisabled",
                           .inner_message = "Access to the workspace from public networks is "
                                            "disabled: queries are accepted through a private "
                                            "link scope only"});
}

/* Whose the request is; NULL when it was refused. */
static const struct client *may_enter(struct service *service, const struct server_request *request,
                                      struct server_reply *reply)
{
    size_t count = 0;
    struct token_holder holder;
    while (count < SERVICE_AUDIENCES_MAX && service->audiences[count])
        count++;
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    enum token_verdict verdict = tokens_check(&service->tokens, request->authorization,
                                              service->audiences, count, now, &holder);
    if (verdict != TOKEN_GOOD) {
        refuse_token(reply, verdict);
        return NULL;
    }
    if (service->is_private) {
        refuse_public(reply);
        return NULL;
    }
    uint64_t after = 0;
    if (throttle_request(service->throttle, &after))
        return service_holder(service, &holder);
    reply_throttled(reply, "Rate limit is exceeded", service_retry_after(service, after));
    return NULL;
}

/* Without its JSON a POST is answered with nothing, as the service does (docs/service.md 1.2). */
static bool is_json(const struct server_request *request)
{
    return request->body.n > 0 && request->content_type &&
           strncasecmp(request->content_type, "application/json", sizeof "application/json" - 1) ==
               0;
}

static void answer_query(struct service *service, const struct server_request *request,
                         const struct client *client, bool search, struct server_reply *reply)
{
    struct query_ask ask = {.timespan_url = server_argument(request, "timespan"),
                            .prefer = request->prefer,
                            .client = client,
                            .search = search};
    if (service->tables.n == 0) {
        reply->status = 204;
    } else if (strcmp(request->method, "POST") == 0) {
        reply->status = 200;
        if (is_json(request))
            query_answer_body(service, request->body, &ask, reply);
    } else {
        ask.text = str_of(server_argument(request, "query"));
        if (ask.text.p)
            query_answer(service, &ask, reply);
        else
            reply_bad(reply, "QueryValidationError", "The address has no query");
    }
}

/* What stands behind /v1: by workspace id, or by the resource id of the workspace. Empty when
 * neither. */
static struct str local_path(const struct service *service, struct str path,
                             struct server_reply *reply)
{
    struct str rest, word, id, resource = str_of(service->resource_id);
    while (path.n > 1 &&
           path.p[1] == '/') /* clients put a resource id behind "/v1/" with its own slash */
        path = (struct str){path.p + 1, path.n - 1};
    rest = path;
    if (path.n > resource.n && path.p[resource.n] == '/' &&
        str_eq_case((struct str){path.p, resource.n}, resource))
        return (struct str){path.p + resource.n + 1, path.n - resource.n - 1};
    (void) str_split(&rest, '/', &word);
    if (!str_split(&rest, '/', &word) || !str_eq(word, STR("workspaces")) ||
        !str_split(&rest, '/', &id)) {
        if (str_eq_case(word, STR("subscriptions")))
            reply_error(reply, &(struct reply_error){.status = 404,
                                                     .code = "ResourceNotFoundError",
                                                     .message = "The resource was not found"});
        else
            reply_not_found(reply);
        return (struct str){0};
    }
    if (str_eq_case(id, str_of(service->workspace)))
        return rest.p ? rest : STR("");
    reply_error(reply, &(struct reply_error){.status = 400,
                                             .code = "BadArgumentError",
                                             .message = "The request had some invalid properties",
                                             .inner = "FailedToResolveResource",
                                             .inner_message = "The workspace could not be found"});
    return (struct str){0};
}

static enum report_route answer_api(struct service *service, const struct server_request *request,
                                    struct server_reply *reply)
{
    bool post = strcmp(request->method, "POST") == 0, get = strcmp(request->method, "GET") == 0;
    struct str path = {request->path + 3, strlen(request->path) - 3};
    if (!post && !get) {
        reply_not_found(reply);
        return REPORT_OTHER;
    }
    bool batch = post && str_eq(path, STR("/$batch"));
    const struct client *client = may_enter(service, request, reply);
    if (client && batch)
        batch_answer(service, request->body, client, reply);
    if (batch)
        return REPORT_BATCH;
    if (!client)
        return str_ends(path, STR("/query")) ? REPORT_QUERY : REPORT_OTHER;
    struct str local = local_path(service, path, reply);
    bool search = post && str_eq(local, STR("search"));
    if (search || str_eq(local, STR("query"))) {
        answer_query(service, request, client, search, reply);
        return search ? REPORT_SEARCH : REPORT_QUERY;
    }
    if (str_eq(local, STR("metadata"))) {
        metadata_answer(service, reply);
        return REPORT_METADATA;
    }
    if (local.p)
        reply_not_found(reply);
    return REPORT_OTHER;
}

void service_handle(void *context, const struct server_request *request, struct server_reply *reply)
{
    struct service *service = context;
    enum report_route route = REPORT_OTHER;
    if (!atomic_load(&service->answering))
        reply_unavailable(reply, 1);
    else if (strncmp(request->path, "/v1/", 4) == 0)
        route = answer_api(service, request, reply);
    else if (entra_answer(service, request, reply))
        route = REPORT_TOKEN;
    else if (arm_answer(service, request, reply))
        route = REPORT_ARM;
    else if (vault_answer(service, request, reply))
        route = REPORT_VAULT;
    else if (ingest_answer(service, request, reply))
        route = REPORT_INGEST;
    else
        reply_not_found(reply);
    report_count(&service->report, route, reply->status, reply->body.used);
}
