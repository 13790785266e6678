/* Entra: the sign-in side: tokens by v2 and v1, device codes, and the documents by which Microsoft's
 * clients find them (docs/service.md 2.2; OpenID Connect Discovery 1.0). */

#include "emulator/entra/devices.h"
#include "emulator/entra/form.h"
#include "emulator/entra/grant.h"
#include "emulator/reply.h"

#include "base/memory.h"

enum { AUDIENCE_MAX = 256 };

struct grant_row {
    const char *type;
    void (*give)(const struct grant *grant);
};

static const struct grant_row grants[] = {
    {"client_credentials", grant_credentials},
    {"urn:ietf:params:oauth:grant-type:device_code", grant_device},
    {"device_code", grant_device}, /* of v1 */
    {"refresh_token", grant_refresh},
};

/* The audience that is asked for: by v1 resource=<audience>, with or without a slash at its end. */
static struct str read_audience(const struct buf *value, bool v1)
{
    struct str audience = buf_str(value);
    if (!v1)
        audience = grant_scope_audience(audience);
    while (audience.n > 0 && audience.p[audience.n - 1] == '/')
        audience.n--;
    return audience.n < AUDIENCE_MAX ? audience : (struct str){0};
}

static void answer_token(struct service *service, struct str form, bool v1,
                         struct server_reply *reply)
{
    struct buf scope;
    struct grant grant = {.service = service, .form = form, .v1 = v1, .reply = reply};
    if (form_value(form, v1 ? "resource" : "scope", &scope)) {
        grant.audience = read_audience(&scope, v1);
        grant.scope = buf_str(&scope);
    }
    size_t g = 0, count = sizeof grants / sizeof grants[0];
    while (g < count && !form_is(form, "grant_type", grants[g].type))
        g++;
    if (g < count)
        grants[g].give(&grant);
    else
        grant_refuse(&grant, 400, "unsupported_grant_type", 70003,
                     "The grant type is not supported.");
    buf_release(&scope);
}

static bool put_device(struct service *service, const struct client *client, struct str scope,
                       struct server_reply *reply, struct error *err)
{
    char code[GUID_TEXT], user_code[DEVICE_USER_CODE];
    if (!devices_add(service->devices, str_of(client->owner.client), scope, code, user_code, err))
        return false;
    reply->status = 200;
    reply->content_type = REPLY_JSON;
    buf_printf(&reply->body,
               "{\"user_code\":\"%s\",\"device_code\":\"%s\",\"verification_uri\":\"%s/device\","
               "\"expires_in\":%d,\"interval\":%d,\"message\":\"To sign in, use a web browser to "
               "open the page %s/device and enter the code %s to authenticate.\"}",
               user_code, code, service->endpoint, (int) DEVICES_LIFE, (int) DEVICES_INTERVAL,
               service->endpoint, user_code);
    return true;
}

static void answer_device(struct service *service, struct str form, struct server_reply *reply)
{
    struct grant grant = {.service = service, .form = form, .reply = reply};
    struct error err = ERROR_INIT;
    struct buf scope;
    const struct client *client = grant_client(&grant);
    if (!client)
        return;
    if (!form_value(form, "scope", &scope) || scope.used == 0 || !service->devices)
        grant_refuse(&grant, 400, "invalid_request", 900144,
                     "The request body must contain the following parameter: 'scope'.");
    else if (!put_device(service, client, buf_str(&scope), reply, &err))
        reply_internal(reply, err.message);
    buf_release(&scope);
}

static void answer_discovery(const struct service *service, struct server_reply *reply)
{
    reply->status = 200;
    reply->content_type = REPLY_JSON;
    buf_printf(&reply->body,
               "{\"token_endpoint\":\"%s/%s/oauth2/v2.0/token\",\"authorization_endpoint\":"
               "\"%s/%s/oauth2/v2.0/authorize\",\"issuer\":\"%s/%s/v2.0\","
               "\"device_authorization_endpoint\":\"%s/%s/oauth2/v2.0/devicecode\","
               "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\","
               "\"private_key_jwt\"],"
               "\"response_types_supported\":[\"code\"],\"tenant_region_scope\":null}",
               service->endpoint, service->tenant, service->endpoint, service->tenant,
               service->endpoint, service->tenant, service->endpoint, service->tenant);
}

static void answer_instance(const struct service *service, struct server_reply *reply)
{
    const char *host = strstr(service->endpoint, "://") + 3;
    reply->status = 200;
    reply->content_type = REPLY_JSON;
    buf_printf(&reply->body,
               "{\"tenant_discovery_endpoint\":\"%s/%s/v2.0/.well-known/openid-configuration\","
               "\"api-version\":\"1.1\",\"metadata\":[{\"preferred_network\":\"%s\","
               "\"preferred_cache\":\"%s\",\"aliases\":[\"%s\"]}]}",
               service->endpoint, service->tenant, host, host, host);
}

/* The tenant itself, or the words that stand for the tenant of whoever signs in. */
static bool is_tenant(const struct service *service, struct str name)
{
    return str_eq_case(name, str_of(service->tenant)) || str_eq_case(name, STR("organizations")) ||
           str_eq_case(name, STR("common"));
}

bool entra_answer(struct service *service, const struct server_request *request,
                  struct server_reply *reply)
{
    bool post = strcmp(request->method, "POST") == 0;
    bool get = strcmp(request->method, "GET") == 0;
    if (get && strcmp(request->path, "/common/discovery/instance") == 0) {
        answer_instance(service, reply);
        return true;
    }
    struct str path = str_of(request->path), first, tenant;
    (void) str_split(&path, '/', &first);
    if (!str_split(&path, '/', &tenant))
        return false;
    bool v1 = str_eq(path, STR("oauth2/token"));
    bool token = post && (v1 || str_eq(path, STR("oauth2/v2.0/token")));
    bool device = post && str_eq(path, STR("oauth2/v2.0/devicecode"));
    bool discovery = get && (str_eq(path, STR("v2.0/.well-known/openid-configuration")) ||
                             str_eq(path, STR(".well-known/openid-configuration")));
    if (!token && !device && !discovery)
        return false;
    if (!is_tenant(service, tenant))
        grant_refuse(&(struct grant){.reply = reply}, 400, "invalid_request", 90002,
                     "Tenant not found. Check to make sure you have the correct tenant ID.");
    else if (token)
        answer_token(service, request->body, v1, reply);
    else if (device)
        answer_device(service, request->body, reply);
    else
        answer_discovery(service, reply);
    return true;
}
