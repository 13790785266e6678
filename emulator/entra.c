/* Entra: the sign-in side. Client credentials against the emulator's own secret, v2 and v1, and the
 * documents by which Microsoft's clients find the token endpoint (docs/service.md 2.2; OpenID
 * Connect Discovery 1.0). */

#include "emulator/reply.h"
#include "emulator/service.h"

#include "base/memory.h"
#include "base/tick.h"

#include <openssl/crypto.h>

enum { FORM_VALUE_MAX = 4096, AUDIENCE_MAX = 256 };

static const int64_t ns_per_second = 1000000000;

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A value of application/x-www-form-urlencoded. */
static bool decode_form(struct str value, struct buf *out)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '%') {
            int high = i + 2 < value.n ? hex_digit(value.p[i + 1]) : -1;
            int low = i + 2 < value.n ? hex_digit(value.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char) (high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        buf_putc(out, c);
    }
    return !out->failed;
}

/* The decoded value of a field, into out; false when it is not there. */
static bool form_value(struct str form, const char *name, struct buf *out)
{
    struct str rest = form, pair;
    buf_init(out, FORM_VALUE_MAX);
    while (str_split(&rest, '&', &pair)) {
        struct str value = pair, key;
        (void) str_split(&value, '=', &key);
        if (str_eq(key, str_of(name)) && value.p)
            return decode_form(value, out);
    }
    return false;
}

static bool form_is(struct str form, const char *name, const char *wanted)
{
    struct buf value;
    bool same = form_value(form, name, &value) && value.used == strlen(wanted) &&
                CRYPTO_memcmp(buf_text(&value), wanted, value.used) == 0;
    mem_wipe(value.bytes, value.bytes ? value.used : 0);
    buf_release(&value);
    return same;
}

static const struct client *find_client(const struct service *service, struct str form)
{
    struct buf id;
    const struct client *client =
        form_value(form, "client_id", &id) ? service_client(service, buf_str(&id)) : NULL;
    buf_release(&id);
    return client;
}

static void refuse(struct server_reply *reply, int status, const char *error, int number,
                   const char *text)
{
    char now[TICK_TEXT_MAX];
    (void) tick_format(tick_now(), now);
    reply->status = status;
    reply->content_type = REPLY_JSON;
    buf_printf(&reply->body,
               "{\"error\":\"%s\",\"error_description\":\"AADSTS%d: %s\",\"error_codes\":[%d],"
               "\"timestamp\":\"%s\"}",
               error, number, text, number, now);
}

/* The audience that is asked for: scope=<audience>/.default, or resource=<audience>, without a
 * slash at the end. */
static bool read_audience(struct str form, bool v1, struct buf *out)
{
    if (!form_value(form, v1 ? "resource" : "scope", out))
        return false;
    struct str text = buf_str(out);
    static const char suffix[] = "/.default";
    if (!v1 && !str_ends(text, STR("/.default")))
        return false;
    out->used -= v1 ? 0 : sizeof suffix - 1;
    while (out->used > 0 && out->bytes[out->used - 1] == '/')
        out->used--;
    return out->used > 0 && out->used < AUDIENCE_MAX;
}

static void put_token(const struct service *service, const struct client *client,
                      struct server_reply *reply, struct str audience, bool v1)
{
    int64_t life = (int64_t) (service->limits.token_life / (uint64_t) ns_per_second);
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND, expires = now + life;
    struct buf token = BUF_INIT(TOKEN_MAX);
    struct error err = ERROR_INIT;
    if (!tokens_put(&service->tokens, &client->owner, audience, now, expires, &token, &err)) {
        reply_internal(reply, err.message);
    } else {
        const char *quote = v1 ? "\"" : "";
        buf_printf(&reply->body, "{\"token_type\":\"Bearer\",\"expires_in\":%s%lld%s,", quote,
                   (long long) life, quote);
        if (v1)
            buf_printf(&reply->body,
                       "\"expires_on\":\"%lld\",\"not_before\":\"%lld\",\"resource\":\"%.*s\",",
                       (long long) expires, (long long) now, (int) audience.n, audience.p);
        else
            buf_printf(&reply->body, "\"ext_expires_in\":%lld,", (long long) life);
        buf_printf(&reply->body, "\"access_token\":\"%s\"}", buf_text(&token));
        reply->status = 200;
        reply->content_type = REPLY_JSON;
    }
    buf_release(&token);
}

static bool is_audience(const struct service *service, struct str text)
{
    for (int i = 0; i < SERVICE_AUDIENCES_MAX && service->audiences[i]; i++) {
        if (str_eq(text, str_of(service->audiences[i])))
            return true;
    }
    return str_eq(text, STR(SERVICE_ARM_AUDIENCE));
}

static void answer_token(const struct service *service, struct str form, bool v1,
                         struct server_reply *reply)
{
    struct buf audience;
    bool known = read_audience(form, v1, &audience) && is_audience(service, buf_str(&audience));
    const struct client *client = find_client(service, form);
    if (!form_is(form, "grant_type", "client_credentials"))
        refuse(reply, 400, "unsupported_grant_type", 70003, "The grant type is not supported.");
    else if (!client)
        refuse(reply, 400, "unauthorized_client", 700016,
               "Application was not found in the directory.");
    else if (!form_is(form, "client_secret", client->secret))
        refuse(reply, 401, "invalid_client", 7000215, "Invalid client secret provided.");
    else if (!known)
        refuse(reply, 400, "invalid_scope", 70011, "The provided value for scope is not valid.");
    else
        put_token(service, client, reply, (struct str){audience.bytes, audience.used}, v1);
    buf_release(&audience);
}

static void answer_discovery(const struct service *service, struct server_reply *reply)
{
    reply->status = 200;
    reply->content_type = REPLY_JSON;
    buf_printf(&reply->body,
               "{\"token_endpoint\":\"%s/%s/oauth2/v2.0/token\",\"authorization_endpoint\":"
               "\"%s/%s/oauth2/v2.0/authorize\",\"issuer\":\"%s/%s/v2.0\","
               "\"device_authorization_endpoint\":\"%s/%s/oauth2/v2.0/devicecode\","
               "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
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

bool entra_answer(const struct service *service, const struct server_request *request,
                  struct server_reply *reply)
{
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
    bool token = v1 || str_eq(path, STR("oauth2/v2.0/token"));
    bool discovery = str_eq(path, STR("v2.0/.well-known/openid-configuration")) ||
                     str_eq(path, STR(".well-known/openid-configuration"));
    if (!(token && strcmp(request->method, "POST") == 0) && !(discovery && get))
        return false;
    if (!str_eq_case(tenant, str_of(service->tenant)))
        refuse(reply, 400, "invalid_request", 90002, "Tenant not found.");
    else if (token)
        answer_token(service, request->body, v1, reply);
    else
        answer_discovery(service, reply);
    return true;
}
