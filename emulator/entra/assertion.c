/* Assertions: a JSON Web Token by which the client proves that it is itself (RFC 7523). It signed it
 * with the key of its certificate, or an outside issuer did, whom the application trusts
 * (docs/service.md 2.4).
 *
 * Which of the two it is follows from the issuer: a client names itself. */

#include "base/tick.h"
#include "emulator/entra/form.h"
#include "emulator/entra/grant.h"
#include "emulator/entra/keys.h"

#include <jansson.h>

enum { SKEW = 300, SIGNATURE_MAX = 1024, URL_MAX = 512 };

static const char jwt_bearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct jwt {
    json_t *header, *claims;
    struct str signed_part; /* lent */
    struct buf signature;
};

static json_t *read_part(struct str part)
{
    struct buf text = BUF_INIT(FORM_VALUE_MAX);
    json_t *value =
        text_put_unbase64url(&text, part) ? json_loadb(buf_text(&text), text.used, 0, NULL) : NULL;
    buf_release(&text);
    return value;
}

static bool read_jwt(struct str text, struct jwt *jwt)
{
    struct str rest = text, header, claims;
    buf_init(&jwt->signature, SIGNATURE_MAX);
    if (!str_split(&rest, '.', &header) || !str_split(&rest, '.', &claims))
        return false;
    jwt->signed_part = (struct str){text.p, header.n + 1 + claims.n};
    jwt->header = read_part(header);
    jwt->claims = read_part(claims);
    return json_is_object(jwt->header) && json_is_object(jwt->claims) && rest.p &&
           text_put_unbase64url(&jwt->signature, rest);
}

static void release_jwt(struct jwt *jwt)
{
    json_decref(jwt->header);
    json_decref(jwt->claims);
    buf_release(&jwt->signature);
}

static struct str claim(const struct jwt *jwt, const char *name)
{
    return str_of(json_string_value(json_object_get(jwt->claims, name)));
}

/* `aud` is one text, or a list that has it. */
static bool has_audience(const struct jwt *jwt, struct str wanted)
{
    const json_t *audience = json_object_get(jwt->claims, "aud");
    if (json_is_string(audience))
        return str_eq(str_of(json_string_value(audience)), wanted);
    for (size_t i = 0; i < json_array_size(audience); i++) {
        if (str_eq(str_of(json_string_value(json_array_get(audience, i))), wanted))
            return true;
    }
    return false;
}

/* The tenant's token endpoints, or the tenant itself. */
static bool is_for_us(const struct grant *grant, const struct jwt *jwt)
{
    static const char *const ends[] = {"/oauth2/v2.0/token", "/v2.0", "/oauth2/token", "/", ""};
    bool fits = false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct buf url = BUF_INIT(URL_MAX);
        buf_printf(&url, "%s/%s%s", grant->service->endpoint, grant->service->tenant, ends[i]);
        fits = fits || (!url.failed && has_audience(jwt, buf_str(&url)));
        buf_release(&url);
    }
    return fits;
}

static bool is_in_time(const struct jwt *jwt)
{
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    const json_t *expires = json_object_get(jwt->claims, "exp");
    const json_t *begins = json_object_get(jwt->claims, "nbf");
    /* Whole seconds or broken ones: both are NumericDate (RFC 7519, section 2). */
    return json_is_number(expires) && json_number_value(expires) > (double) (now - SKEW) &&
           (!begins || json_number_value(begins) <= (double) (now + SKEW));
}

/* The key signed it, by one of the two ways that Entra knows. */
static bool is_signed(const struct keys *keys, const struct jwt *jwt)
{
    const char *algorithm = json_string_value(json_object_get(jwt->header, "alg"));
    bool pss = algorithm && strcmp(algorithm, "PS256") == 0;
    return (pss || (algorithm && strcmp(algorithm, "RS256") == 0)) &&
           keys_verify(keys, pss, jwt->signed_part, buf_str(&jwt->signature));
}

static bool names_certificate(const struct keys *keys, const struct jwt *jwt)
{
    struct str sha1 = str_of(json_string_value(json_object_get(jwt->header, "x5t")));
    struct str sha256 = str_of(json_string_value(json_object_get(jwt->header, "x5t#S256")));
    return (sha1.n > 0 || sha256.n > 0) && (sha1.n == 0 || keys_is_thumbprint(keys, sha1, false)) &&
           (sha256.n == 0 || keys_is_thumbprint(keys, sha256, true));
}

static bool refuse(const struct grant *grant, int number, const char *text)
{
    grant_refuse(grant, 401, "invalid_client", number, text);
    return false;
}

static bool check_certificate(const struct grant *grant, const struct jwt *jwt)
{
    const struct keys *keys = grant->service->keys;
    if (!str_eq(claim(jwt, "sub"), claim(jwt, "iss")))
        return refuse(grant, 700021,
                      "Client assertion application identifier doesn't match 'client_id'.");
    if (!is_for_us(grant, jwt))
        return refuse(grant, 700023,
                      "Client assertion audience claim does not match Realm issuer.");
    if (!names_certificate(keys, jwt))
        return refuse(grant, 700027,
                      "The certificate with identifier used to sign the client assertion is not "
                      "registered on application.");
    if (!is_signed(keys, jwt))
        return refuse(grant, 700027, "Client assertion failed signature validation.");
    return true;
}

static bool check_federated(const struct grant *grant, const struct jwt *jwt)
{
    if (!str_eq(claim(jwt, "iss"), STR(KEYS_ISSUER)))
        return refuse(
            grant, 700211,
            "No matching federated identity record found for presented assertion issuer.");
    if (!str_eq(claim(jwt, "sub"), STR(KEYS_SUBJECT)))
        return refuse(
            grant, 700213,
            "No matching federated identity record found for presented assertion subject.");
    if (!has_audience(jwt, STR(KEYS_AUDIENCE)))
        return refuse(
            grant, 700212,
            "No matching federated identity record found for presented assertion audience.");
    if (!is_signed(grant->service->keys, jwt))
        return refuse(grant, 50013, "Assertion failed signature validation.");
    return true;
}

static bool check(const struct grant *grant, const struct client *client, const struct jwt *jwt)
{
    bool own = str_eq(claim(jwt, "iss"), str_of(client->owner.client));
    if (!(own ? check_certificate : check_federated)(grant, jwt))
        return false;
    if (!is_in_time(jwt))
        return refuse(grant, 700024, "Client assertion is not within its valid time range.");
    return true;
}

bool grant_assertion(const struct grant *grant, const struct client *client)
{
    struct buf text;
    struct jwt jwt = {0};
    bool good = false;
    bool whole = form_value(grant->form, "client_assertion", &text) &&
                 read_jwt(buf_str(&text), &jwt) &&
                 form_is(grant->form, "client_assertion_type", jwt_bearer);
    if (!whole)
        (void) refuse(grant, 50027, "JWT token is invalid or malformed.");
    else if (!grant->service->keys || client != &grant->service->clients[SERVICE_APP])
        (void) refuse(grant, 700027, "No certificate is registered on application.");
    else
        good = check(grant, client, &jwt);
    release_jwt(&jwt);
    buf_release(&text);
    return good;
}
