/* Vault: see vault.h. */
#include "azure/vault.h"

#include "azure/challenge.h"
#include "azure/entra.h"
#include "base/tick.h"

#include <stdio.h>

enum {
    URL_MAX = 1024,
    ANSWER_MAX = 256 * 1024, /* a secret has at most 25 kB */
    VAULT_NAME_MIN = 3,
    VAULT_NAME_MAX = 24,
    HOST_MAX = 253,
    SECRET_NAME_MAX = 127,
    VERSION_MAX = 64,
    SHOWN_MAX = 400
};

static const char API_VERSION[] = "7.4";
static const char ROLE[] = "Key Vault Secrets User";

/* A reference in its parts, lent. */
struct place {
    struct str vault, name, version; /* version.n 0: the newest */
    bool host;                       /* vault is a host as it stands */
    bool loopback;
};

/* The reference ----------------------------------------------------------------------------------- */

static bool is_word(struct str s, size_t min, size_t max, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr(more, c)))
            return false;
    }
    return s.n >= min && s.n <= max;
}

/* The host without its port: of [::1]:80 and 127.0.0.1:80. */
static struct str host_of(struct str vault)
{
    const char *end = vault.n > 0 && vault.p[0] == '[' ? memchr(vault.p, ']', vault.n) : NULL;
    if (end)
        return (struct str){vault.p, (size_t) (end - vault.p) + 1};
    const char *colon = memchr(vault.p, ':', vault.n);
    return colon ? (struct str){vault.p, (size_t) (colon - vault.p)} : vault;
}

static bool is_loopback(struct str host)
{
    return str_eq_case(host, STR("localhost")) || str_eq(host, STR("[::1]")) ||
           (str_starts(host, STR("127.")) && is_word(host, 9, 15, ".") &&
            strspn(host.p, "0123456789.") >= host.n);
}

static bool parse(const char *reference, struct place *out)
{
    struct str rest = str_of(reference), part;
    *out = (struct place){0};
    if (!str_starts(rest, STR(AZURE_VAULT_SCHEME)))
        return false;
    rest = (struct str){rest.p + sizeof AZURE_VAULT_SCHEME - 1,
                        rest.n - (sizeof AZURE_VAULT_SCHEME - 1)};
    if (!str_split(&rest, '/', &out->vault) || !str_split(&rest, '/', &out->name))
        return false;
    if (str_split(&rest, '/', &out->version) && out->version.n == 0)
        return false;
    if (str_split(&rest, '/', &part))
        return false;
    out->host = out->vault.n > 0 && (memchr(out->vault.p, '.', out->vault.n) ||
                                     memchr(out->vault.p, ':', out->vault.n));
    out->loopback = out->host && is_loopback(host_of(out->vault));
    return (out->host ? is_word(out->vault, 1, HOST_MAX, ".-:[]")
                      : is_word(out->vault, VAULT_NAME_MIN, VAULT_NAME_MAX, "-")) &&
           is_word(out->name, 1, SECRET_NAME_MAX, "-") && is_word(out->version, 0, VERSION_MAX, "");
}

bool vault_is_reference(const char *reference)
{
    struct place place;
    return parse(reference, &place);
}

static bool put_host(const struct place *place, const struct azure_cloud *cloud, struct buf *out,
                     struct error *err)
{
    buf_put_str(out, place->vault);
    if (!place->host)
        buf_printf(out, ".%s", cloud->vault_suffix);
    return buf_ok(out, "the address of a vault", err);
}

static bool put_url(const struct place *place, const char *host, struct buf *out, struct error *err)
{
    buf_printf(out, "%s://%s/secrets/%.*s", place->loopback ? "http" : "https", host,
               (int) place->name.n, place->name.p);
    if (place->version.n > 0)
        buf_printf(out, "/%.*s", (int) place->version.n, place->version.p);
    buf_printf(out, "?api-version=%s", API_VERSION);
    return buf_ok(out, "the address of a secret", err);
}

/* Asking ------------------------------------------------------------------------------------------ */

struct asking {
    struct http_client *http;
    struct azure_credential *by;
    const struct azure_cloud *cloud;
    const struct place *place;
    const char *host, *url;
    struct challenge challenge;
    struct secret answer;
    int status;
};

/* audience NULL: without a token. */
static bool ask(struct asking *a, const char *audience, struct error *err)
{
    struct secret header = SECRET_INIT;
    struct http_reply reply;
    http_reply_init(&reply);
    struct http_request request = {.url = a->url, .headers = {"Accept: application/json"}};
    bool ok = secret_init(&a->answer, ANSWER_MAX, err);
    if (ok && audience) {
        ok = secret_init(&header, AZURE_HEADER_MAX, err) &&
             azure_credential_header(a->by, audience, secret_buf(&header), err);
        request.headers[1] = ok ? secret_str(&header).p : NULL;
    }
    ok = ok && http_call_with(a->http, &request, secret_buf(&a->answer), &reply, err);
    a->status = ok ? reply.status : 0;
    if (ok && reply.status == 401)
        (void) challenge_read(http_reply_header(&reply, "WWW-Authenticate"), &a->challenge);
    http_reply_release(&reply);
    secret_release(&header);
    return ok;
}

/* The audience that the vault asks for, if a token for it may go there. A vault on this machine, for tests, may
 * ask for what the real ones ask for. */
static const char *audience_of(const struct asking *a)
{
    const char *wanted = a->challenge.resource;
    if (wanted[0] == '\0' || strcmp(wanted, a->cloud->vault_audience) == 0) {
        struct challenge usual = {0};
        (void) snprintf(usual.resource, sizeof usual.resource, "%s", a->cloud->vault_audience);
        return a->place->loopback || challenge_fits(&usual, str_of(a->host))
                   ? a->cloud->vault_audience
                   : NULL;
    }
    return challenge_fits(&a->challenge, str_of(a->host)) ? wanted : NULL;
}

/* What it says -------------------------------------------------------------------------------------- */

static enum error_code code_of(int status)
{
    return status == 401 || status == 403   ? ERROR_AUTH
           : status == 404                  ? ERROR_NOT_FOUND
           : status == 429                  ? ERROR_THROTTLED
           : status == 408 || status == 504 ? ERROR_TIMEOUT
                                            : ERROR_SERVICE;
}

/* Of a 403 the inner code says which: ForbiddenByRbac, AccessDenied, ForbiddenByFirewall, SecretDisabled … */
static bool hint_forbidden(const struct asking *a, const char *inner, const char *message,
                           struct error *err)
{
    const struct place *place = a->place;
    if (str_eq(str_of(inner), STR("SecretDisabled")))
        return error_hint(err, "enable it in the vault, or refer to another version");
    if (strstr(inner, "Firewall") || strstr(inner, "Connection") ||
        strstr(message, "Client address is not authorized"))
        return error_hint(
            err, "the vault's firewall lets nobody in from here: allow this address, or ask "
                 "from its virtual network");
    return error_hint(
        err,
        "%s needs the role '%s' on the vault %.*s or on the secret %.*s (a vault with access "
        "policies: the permission Get); a new role can take some minutes until it counts",
        azure_credential_identity(a->by), ROLE, (int) place->vault.n, place->vault.p,
        (int) place->name.n, place->name.p);
}

static bool hint(const struct asking *a, const char *inner, const char *message, struct error *err)
{
    struct azure_who who = {0};
    struct str tenant = challenge_tenant(&a->challenge);
    if (a->status == 403)
        return hint_forbidden(a, inner, message, err);
    if (a->status == 404)
        return error_hint(err,
                          "the vault has no such secret; a deleted one must be recovered first");
    if (a->status == 401 && tenant.n > 0 &&
        azure_credential_who(a->by, a->cloud->vault_audience, &who, NULL) && who.tenant[0] &&
        !str_eq_case(tenant, str_of(who.tenant)))
        return error_hint(err, "the vault is of tenant %.*s, the token of tenant %s",
                          (int) tenant.n, tenant.p, who.tenant);
    return false;
}

static bool refuse(const struct asking *a, struct error *err)
{
    struct str body = secret_str(&a->answer);
    json_t *root = json_loadb(body.n > 0 ? body.p : "", body.n, 0, NULL);
    const json_t *said = json_object_get(root, "error");
    const char *code = json_string_value(json_object_get(said, "code"));
    const char *message = json_string_value(json_object_get(said, "message"));
    const char *inner =
        json_string_value(json_object_get(json_object_get(said, "innererror"), "code"));
    struct buf shown = BUF_INIT(8 * SHOWN_MAX);
    entra_put_shown(&shown, str_of(code ? code : "no code"));
    if (inner) {
        buf_puts(&shown, ", ");
        entra_put_shown(&shown, str_of(inner));
    }
    if (message && !azure_credential_within(a->by, str_of(message))) {
        buf_puts(&shown, ": ");
        entra_put_shown(&shown, str_of(message));
    }
    (void) error_set(err, code_of(a->status),
                     "Key Vault %s does not give the secret '%.*s' (status %d, %s)", a->host,
                     (int) a->place->name.n, a->place->name.p, a->status, buf_text(&shown));
    (void) hint(a, inner ? inner : "", message ? message : "", err);
    buf_release(&shown);
    json_decref(root);
    return false;
}

static bool check_attributes(const struct asking *a, const json_t *attributes, struct error *err)
{
    const json_t *end = json_object_get(attributes, "exp");
    const struct str name = a->place->name;
    char text[TICK_TEXT_MAX];
    if (json_is_false(json_object_get(attributes, "enabled")))
        return error_set(err, ERROR_SETTINGS, "the secret '%.*s' of Key Vault %s is disabled",
                         (int) name.n, name.p, a->host);
    json_int_t seconds = json_is_integer(end) ? json_integer_value(end) : 0;
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    if (seconds <= 0 || seconds > now)
        return true;
    (void) tick_format_short(TICK_UNIX_EPOCH + (int64_t) seconds * TICK_SECOND, text);
    (void) error_set(err, ERROR_SETTINGS, "the secret '%.*s' of Key Vault %s has expired at %s",
                     (int) name.n, name.p, a->host, text);
    return error_hint(err, "put a new version of it into the vault");
}

static bool take(const struct asking *a, struct secret *out, struct error *err)
{
    struct str body = secret_str(&a->answer);
    json_t *root = json_loadb(body.n > 0 ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *value = json_object_get(root, "value");
    struct str text = {json_string_value(value), json_string_length(value)};
    bool ok = true;
    if (!json_is_string(value) || text.n > AZURE_SECRET_MAX)
        ok = error_set(err, ERROR_FORMAT, "the answer of Key Vault %s holds no secret", a->host);
    else if (text.n == 0 || memchr(text.p, '\0', text.n))
        ok = error_set(err, ERROR_SETTINGS, "the secret '%.*s' of Key Vault %s is empty",
                       (int) a->place->name.n, a->place->name.p, a->host);
    ok = ok && check_attributes(a, json_object_get(root, "attributes"), err) &&
         secret_set(out, text, err);
    azure_json_wipe(value);
    json_decref(root);
    return ok;
}

/* All of it --------------------------------------------------------------------------------------- */

static bool read_secret(struct asking *a, struct secret *out, struct error *err)
{
    struct error failure = ERROR_INIT;
    if (!ask(a, NULL, &failure)) {
        if (failure.code == ERROR_NETWORK && !failure.hint[0])
            (void) error_hint(
                &failure,
                "is the vault's name right? One with a private endpoint is only found from its "
                "own network");
        (void) error_prefix(&failure, "Key Vault");
        return error_pass(err, &failure);
    }
    if (a->status == 401) {
        const char *audience = audience_of(a);
        if (!audience)
            return error_set(err, ERROR_AUTH,
                             "Key Vault %s asks for a token that is not for it: none was sent",
                             a->host);
        if (!ask(a, audience, err))
            return error_prefix(err, "Key Vault %s", a->host);
    }
    return a->status == 200 ? take(a, out, err) : refuse(a, err);
}

bool vault_read(struct http_client *http, struct azure_credential *by,
                const struct azure_cloud *cloud, const char *reference, struct secret *out,
                struct error *err)
{
    struct place place;
    struct buf host = BUF_INIT(HOST_MAX + VAULT_NAME_MAX), url = BUF_INIT(URL_MAX);
    struct asking asking = {.http = http, .by = by, .cloud = cloud, .place = &place};
    bool ok = parse(reference, &place) && put_host(&place, cloud, &host, err) &&
              put_url(&place, buf_text(&host), &url, err);
    asking.host = buf_text(&host);
    asking.url = buf_text(&url);
    ok = ok && read_secret(&asking, out, err);
    secret_release(&asking.answer);
    buf_release(&host);
    buf_release(&url);
    return ok;
}
