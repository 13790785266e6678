/* Grants: what they share: the client, the answer, the refusal. */

#include "emulator/entra/grant.h"

#include "base/memory.h"
#include "base/tick.h"
#include "emulator/entra/form.h"
#include "emulator/reply.h"

enum { CLAIMS_MAX = 2048, INFO_MAX = 512 };

static const int64_t ns_per_second = 1000000000;

void grant_refuse(const struct grant *grant, int status, const char *error, int number,
                  const char *text)
{
    char now[TICK_TEXT_MAX];
    struct buf *body = &grant->reply->body;
    (void) tick_format(tick_now(), now);
    grant->reply->status = status;
    grant->reply->content_type = REPLY_JSON;
    buf_printf(body, "{\"error\":\"%s\",\"error_description\":\"AADSTS%d: ", error, number);
    text_put_json(body, str_of(text));
    buf_printf(body, "\",\"error_codes\":[%d],\"timestamp\":\"%s\"}", number, now);
}

const struct client *grant_client(const struct grant *grant)
{
    struct buf id;
    const struct client *client = form_value(grant->form, "client_id", &id)
                                      ? service_client(grant->service, buf_str(&id))
                                      : NULL;
    buf_release(&id);
    if (!client)
        grant_refuse(grant, 400, "unauthorized_client", 700016,
                     "Application was not found in the directory.");
    return client;
}

/* Up to the last `/`, without further ones in front of it. */
static struct str before_name(struct str word)
{
    const char *slash = memrchr(word.p, '/', word.n);
    struct str audience = {word.p, slash ? (size_t) (slash - word.p) : 0};
    while (audience.n > 0 && audience.p[audience.n - 1] == '/')
        audience.n--;
    return audience;
}

struct str grant_scope_audience(struct str scope)
{
    struct str word;
    while (str_split(&scope, ' ', &word)) {
        if (str_ends(word, STR("/.default")) || str_ends(word, STR("/user_impersonation")))
            return before_name(word);
    }
    return (struct str){0};
}

static bool asks_for(struct str scope, struct str wanted)
{
    struct str word;
    while (str_split(&scope, ' ', &word)) {
        if (str_eq(word, wanted))
            return true;
    }
    return false;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void put_members(const struct grant *grant, int64_t now, int64_t life)
{
    struct buf *body = &grant->reply->body;
    const char *quote = grant->v1 ? "\"" : "";
    buf_printf(body, "{\"token_type\":\"Bearer\",\"expires_in\":%s%lld%s,", quote, (long long) life,
               quote);
    if (grant->v1)
        buf_printf(body, "\"expires_on\":\"%lld\",\"not_before\":\"%lld\",\"resource\":\"%.*s\",",
                   (long long) now + (long long) life, (long long) now, (int) grant->audience.n,
                   grant->audience.p);
    else
        buf_printf(body, "\"ext_expires_in\":%lld,", (long long) life);
}

/* What a client keeps of a person: who it is (OpenID Connect Core 1.0, section 2). */
static bool put_identity(const struct grant *grant, const struct token_owner *owner, int64_t now,
                         int64_t expires, struct error *err)
{
    const struct service *service = grant->service;
    struct buf claims = BUF_INIT(CLAIMS_MAX), token = BUF_INIT(TOKEN_MAX),
               info = BUF_INIT(INFO_MAX);
    buf_printf(&claims,
               "{\"aud\":\"%s\",\"iss\":\"%s/%s/v2.0\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,"
               "\"oid\":\"%s\",\"sub\":\"%s\",\"tid\":\"%s\",\"name\":\"Somebody\","
               "\"preferred_username\":\"somebody@weir.example\",\"ver\":\"2.0\"}",
               owner->client, service->endpoint, service->tenant, (long long) now, (long long) now,
               (long long) expires, owner->object, owner->object, service->tenant);
    buf_printf(&info, "{\"uid\":\"%s\",\"utid\":\"%s\"}", owner->object, service->tenant);
    bool done = buf_ok(&claims, "the claims", err) && buf_ok(&info, "the client info", err) &&
                tokens_sign(&service->tokens, buf_str(&claims), &token, err);
    struct buf *body = &grant->reply->body;
    buf_printf(body, "\"id_token\":\"%s\",\"client_info\":\"", buf_text(&token));
    tokens_put_base64url(body, buf_text(&info), info.used);
    buf_printf(body, "\",\"scope\":\"%.*s/.default\",", (int) grant->audience.n, grant->audience.p);
    buf_release(&info);
    buf_release(&token);
    buf_release(&claims);
    return done;
}

static bool put_refresh(const struct grant *grant, const struct token_owner *owner, int64_t now,
                        struct error *err)
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    bool done = refresh_put(grant->service, owner, now, &token, err);
    buf_printf(&grant->reply->body, "\"refresh_token\":\"%s\",", buf_text(&token));
    if (token.bytes)
        mem_wipe(token.bytes, token.used);
    buf_release(&token);
    return done;
}

static void give(const struct grant *grant, const struct token_owner *owner, bool person)
{
    const struct service *service = grant->service;
    int64_t life = (int64_t) (service->limits.token_life / (uint64_t) ns_per_second);
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    struct buf token = BUF_INIT(TOKEN_MAX);
    struct error err = ERROR_INIT;
    put_members(grant, now, life);
    bool done =
        tokens_put(&service->tokens, owner, grant->audience, now, now + life, &token, &err) &&
        (!person || put_identity(grant, owner, now, now + life, &err)) &&
        (!person || !asks_for(grant->scope, STR("offline_access")) ||
         put_refresh(grant, owner, now, &err));
    buf_printf(&grant->reply->body, "\"access_token\":\"%s\"}", buf_text(&token));
    buf_release(&token);
    grant->reply->status = 200;
    grant->reply->content_type = REPLY_JSON;
    if (!done)
        reply_internal(grant->reply, err.message);
}

static bool has_audience(const struct grant *grant)
{
    if (grant->audience.n == 0)
        grant_refuse(grant, 400, "invalid_scope", 70011,
                     "The provided value for scope is not valid.");
    else if (!service_is_audience(grant->service, grant->audience))
        grant_refuse(grant, 400, "invalid_resource", 500011,
                     "The resource principal was not found in the tenant.");
    else
        return true;
    return false;
}

void grant_token(const struct grant *grant, const struct token_owner *owner)
{
    if (has_audience(grant))
        give(grant, owner, false);
}

void grant_person(const struct grant *grant, const struct token_owner *owner)
{
    if (has_audience(grant))
        give(grant, owner, true);
}
