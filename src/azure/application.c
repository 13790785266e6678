/* Applications: see application.h. */
#include "azure/application.h"

#include "azure/assertion.h"
#include "azure/entra.h"
#include "base/file.h"

#include <limits.h>

enum { NAME_MAX_BYTES = PATH_MAX + 16, URL_MAX = 2048 };

static const char ASSERTION_TYPE[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

static bool send_form(const struct azure_search *search, const struct azure_application *a,
                      const char *audience, const struct secret *proof, bool is_secret,
                      struct azure_token *out, struct error *err)
{
    struct entra_form form;
    if (!entra_form_init(&form, err))
        return false;
    entra_put(&form, "grant_type", STR("client_credentials"));
    entra_put(&form, "client_id", str_of(a->client_id));
    entra_put_scope(&form, NULL, audience);
    if (!is_secret)
        entra_put(&form, "client_assertion_type", str_of(ASSERTION_TYPE));
    entra_put_hidden(&form, is_secret ? "client_secret" : "client_assertion", secret_str(proof));
    bool ok = entra_ask(search->http, search->authority, a->tenant, &form, out, NULL, NULL, err);
    entra_form_release(&form);
    return ok;
}

static bool ask_with_secret(const struct azure_search *search, const struct azure_application *a,
                            const char *audience, struct azure_token *out, struct error *err)
{
    struct secret secret = SECRET_INIT;
    bool ok = azure_secret_read(search->references, a->secret, &secret, err) &&
              send_form(search, a, audience, &secret, true, out, err);
    secret_release(&secret);
    return ok;
}

/* The endpoint for which an assertion is made: where it will be sent. */
static bool put_endpoint(const struct azure_search *search, const struct azure_application *a,
                         struct buf *url, struct error *err)
{
    struct str host = str_of(search->authority);
    while (host.n > 0 && host.p[host.n - 1] == '/')
        host.n--;
    buf_put_str(url, host);
    buf_printf(url, "/%s/oauth2/v2.0/token", a->tenant);
    return buf_ok(url, "the authority's address", err);
}

static bool read_certificate(const struct azure_search *search, const struct azure_application *a,
                             struct secret *pem, struct secret *password, struct error *err)
{
    if (a->password && !azure_secret_read(search->references, a->password, password, err))
        return false;
    if (a->certificate)
        return azure_secret_read(search->references, a->certificate, pem, err);
    return secret_init(pem, AZURE_SECRET_MAX, err) &&
           file_read_secret(a->certificate_path, AZURE_SECRET_MAX, secret_buf(pem), err);
}

static bool ask_with_certificate(const struct azure_search *search,
                                 const struct azure_application *a, const char *audience,
                                 struct azure_token *out, struct error *err)
{
    struct secret pem = SECRET_INIT, password = SECRET_INIT, assertion = SECRET_INIT;
    struct buf endpoint = BUF_INIT(URL_MAX);
    bool ok =
        read_certificate(search, a, &pem, &password, err) &&
        put_endpoint(search, a, &endpoint, err) &&
        azure_assertion(a->certificate ? a->certificate : a->certificate_path, secret_str(&pem),
                        &password, a->client_id, buf_text(&endpoint), &assertion, err) &&
        send_form(search, a, audience, &assertion, false, out, err);
    secret_release(&pem);
    secret_release(&password);
    secret_release(&assertion);
    buf_release(&endpoint);
    return ok;
}

/* Orchestrators write this file, with a mode of theirs, and write it anew before the token in it ends. */
static bool ask_with_token(const struct azure_search *search, const struct azure_application *a,
                           const char *audience, struct azure_token *out, struct error *err)
{
    struct secret token = SECRET_INIT, trimmed = SECRET_INIT;
    bool ok = secret_init(&token, AZURE_SECRET_MAX, err) &&
              file_read(a->token_file, AZURE_SECRET_MAX, secret_buf(&token), err) &&
              secret_set(&trimmed, str_trim(secret_str(&token)), err);
    if (ok && secret_str(&trimmed).n == 0)
        ok = error_set(err, ERROR_SETTINGS, "%s, which should hold a token, is empty",
                       a->token_file);
    ok = ok && send_form(search, a, audience, &trimmed, false, out, err);
    secret_release(&token);
    secret_release(&trimmed);
    return ok;
}

enum azure_outcome azure_application_ask(const struct azure_search *search,
                                         const struct azure_application *a, const char *audience,
                                         struct azure_token *out, struct error *err)
{
    bool ok;
    if (!entra_is_tenant(a->tenant))
        ok = error_set(err, ERROR_SETTINGS, "the tenant is neither a GUID nor a domain");
    else if (a->secret)
        ok = ask_with_secret(search, a, audience, out, err);
    else if (a->certificate || a->certificate_path)
        ok = ask_with_certificate(search, a, audience, out, err);
    else
        ok = ask_with_token(search, a, audience, out, err);
    return ok ? AZURE_GOT : AZURE_FAILED;
}

void azure_application_identify(const struct azure_application *a, const struct azure_who *who,
                                struct buf *out)
{
    (void) who;
    buf_printf(out, "application %s of tenant %s", a->client_id, a->tenant);
}
