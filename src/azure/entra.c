/* Entra: see entra.h. */
#include "azure/entra.h"

#include "base/memory.h"

#include <stdio.h>

enum { FORM_MAX = 96 * 1024, URL_MAX = 2048, TENANT_MAX = 253 };

/* Codes that users meet, and what to do (entra-docs, reference of error codes). */
static const struct {
    int code;
    const char *advice;
} known[] = {
    {7000215, "the client secret is wrong: it must be the secret's value, not its id"},
    {7000222, "the client secret has expired: make a new one for the application"},
    {7000218, "the application has no secret of this kind"},
    {7000112, "the application is disabled in this tenant"},
    {700016, "this tenant has no application of this client id: is it the right tenant?"},
    {700027,
     "the certificate is not one of the application's, or has expired: its public part must be "
     "uploaded to the application"},
    {700024, "the proof is not within its time: is the clock of this machine right?"},
    {70021, "the application has no federated credential for this token: issuer, subject and "
            "audience must "
            "all be as registered"},
    {700211, "the application has no federated credential of this token's issuer"},
    {700212, "the application has no federated credential for this token's audience"},
    {700213, "the application has no federated credential for this token's subject"},
    {70043, "the session has ended by a policy of the tenant: sign in again"},
    {700082, "the session has not been used for too long: sign in again"},
    {50173, "the session was revoked, as by a new password: sign in again"},
    {50076, "the tenant asks for a second factor: sign in again where it can be given"},
    {50079, "the tenant asks for a second factor to be set up first"},
    {50034, "this tenant has no such user: is it the right tenant?"},
    {50020, "this user is not a guest of the tenant"},
    {65001, "nobody has consented to what this application asks for"},
    {90002, "there is no such tenant"},
    {900023, "the tenant is neither a GUID nor a domain"},
    {900021, "the tenant is neither a GUID nor a domain"},
    {500011, "the tenant does not know this service: is it the right cloud?"},
    {70011, "the service's audience is not valid: is it the right cloud?"},
    {53003, "a conditional access policy of the tenant blocks this sign-in"},
};

/* The form ---------------------------------------------------------------------------------------- */

bool entra_form_init(struct entra_form *form, struct error *err)
{
    *form = (struct entra_form){.text = SECRET_INIT};
    return secret_init(&form->text, FORM_MAX, err);
}

void entra_form_release(struct entra_form *form)
{
    secret_release(&form->text);
    form->hides = 0;
}

void entra_put(struct entra_form *form, const char *name, struct str value)
{
    struct buf *text = secret_buf(&form->text);
    buf_printf(text, "%s%s=", text->used > 0 ? "&" : "", name);
    http_put_encoded(text, value);
}

void entra_put_hidden(struct entra_form *form, const char *name, struct str value)
{
    if (form->hides < sizeof form->hidden / sizeof form->hidden[0])
        form->hidden[form->hides++] = value;
    entra_put(form, name, value);
}

void entra_put_scope(struct entra_form *form, const char *before, const char *audience)
{
    struct str s = str_of(audience);
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    entra_put(form, "scope", str_of(before));
    http_put_encoded(secret_buf(&form->text), s);
    http_put_encoded(secret_buf(&form->text), STR("/.default"));
}

bool entra_is_tenant(const char *tenant)
{
    size_t n = strlen(tenant);
    for (size_t i = 0; i < n; i++) {
        char c = tenant[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && ((c != '-' && c != '.') || i == 0))
            return false;
    }
    return n > 0 && n <= TENANT_MAX;
}

/* A refusal --------------------------------------------------------------------------------------- */

int entra_code_in(struct str text)
{
    static const char mark[] = "AADSTS";
    const char *at = text.n > 0 ? memmem(text.p, text.n, mark, sizeof mark - 1) : NULL;
    int code = 0;
    if (!at)
        return 0;
    for (at += sizeof mark - 1; at < text.p + text.n && *at >= '0' && *at <= '9'; at++)
        code = code < 100000000 ? code * 10 + (*at - '0') : code;
    return code;
}

const char *entra_advice(int code)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == code)
            return known[i].advice;
    return NULL;
}

void entra_put_shown(struct buf *out, struct str text)
{
    const char *end = text.n > 0 ? memmem(text.p, text.n, "Trace ID", 8) : NULL;
    if (end)
        text.n = (size_t) (end - text.p);
    text = str_trim(text);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\r' || text.p[i] == '\n')
            text.n = i;
    if (text.n > ENTRA_SHOWN_MAX)
        text.n = ENTRA_SHOWN_MAX;
    text_put_safe(out, str_trim(text));
}

bool entra_repeats(struct str text, struct str hidden)
{
    struct secret encoded = SECRET_INIT;
    if (hidden.n == 0 || text.n == 0)
        return false;
    bool found = !secret_init(&encoded, 3 * hidden.n, NULL) ||
                 memmem(text.p, text.n, hidden.p, hidden.n) != NULL;
    if (!found) {
        http_put_encoded(secret_buf(&encoded), hidden);
        found = secret_within(&encoded, text);
    }
    secret_release(&encoded);
    return found;
}

static bool may_be_shown(const struct entra_form *form, struct str text)
{
    for (size_t i = 0; i < form->hides; i++)
        if (entra_repeats(text, form->hidden[i]))
            return false;
    return true;
}

static bool refuse(const json_t *root, int status, const struct entra_form *form,
                   struct entra_said *said, struct error *err)
{
    const char *name = json_string_value(json_object_get(root, "error"));
    struct str text = str_of(json_string_value(json_object_get(root, "error_description")));
    if (text.n == 0)
        text = str_of(name);
    int code = entra_code_in(text);
    const char *advice = entra_advice(code);
    struct buf shown = BUF_INIT(4 * ENTRA_SHOWN_MAX + 64);
    if (may_be_shown(form, text))
        entra_put_shown(&shown, text);
    else
        buf_puts(&shown, "the authority's answer is not fit to be shown");
    if (said) {
        said->code = code;
        (void) snprintf(said->name, sizeof said->name, "%s", name ? name : "");
    }
    (void) error_set(err, ERROR_AUTH, "sign-in failed: %s (status %d)%s%s", buf_text(&shown),
                     status, advice ? "; " : "", advice ? advice : "");
    buf_release(&shown);
    return false;
}

/* No verdict on who we are: the authority itself is in trouble. */
static bool in_trouble(int status, struct error *err)
{
    if (status == 429)
        return error_set(err, ERROR_THROTTLED,
                         "sign-in failed: the authority asks for patience (429)");
    return error_set(err, ERROR_SERVICE, "sign-in failed: the authority fails (status %d)", status);
}

static bool read_answer(struct str body, int status, const struct entra_form *form, json_t **out,
                        struct entra_said *said, struct error *err)
{
    if (status == 429 || status >= 500)
        return in_trouble(status, err);
    json_t *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(root) && status == 200) {
        *out = root;
        return true;
    }
    if (json_is_object(root))
        (void) refuse(root, status, form, said, err);
    else
        (void) error_set(err, ERROR_FORMAT,
                         "sign-in failed: the authority's answer (status %d) is not JSON", status);
    json_decref(root);
    return false;
}

/* The request ------------------------------------------------------------------------------------- */

static bool put_url(struct buf *url, const char *authority, const char *tenant,
                    const char *endpoint, struct error *err)
{
    struct str host = str_of(authority);
    while (host.n > 0 && host.p[host.n - 1] == '/')
        host.n--;
    buf_put_str(url, host);
    buf_printf(url, "/%s/oauth2/v2.0/%s", tenant, endpoint);
    return buf_ok(url, "the authority's address", err);
}

static bool send_form(struct http_client *http, const char *url, const struct entra_form *form,
                      struct secret *answer, int *status, struct error *err)
{
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"},
        .body = secret_str(&form->text),
        .confidential = true,
    };
    if (!secret_init(answer, TOKEN_ANSWER_MAX, err))
        return false;
    return http_call(http, &request, secret_buf(answer), status, err) ||
           error_prefix(err, "sign-in failed");
}

bool entra_post(struct http_client *http, const char *authority, const char *tenant,
                const char *endpoint, const struct entra_form *form, json_t **out,
                struct entra_said *said, struct error *err)
{
    *out = NULL;
    if (said)
        *said = (struct entra_said){0};
    if (!entra_is_tenant(tenant))
        return error_set(err, ERROR_SETTINGS, "the tenant is neither a GUID nor a domain");
    struct buf url = BUF_INIT(URL_MAX);
    struct secret answer = SECRET_INIT;
    int status = 0;
    bool ok = buf_ok(&form->text.kept, "a token request", err) &&
              put_url(&url, authority, tenant, endpoint, err) &&
              send_form(http, buf_text(&url), form, &answer, &status, err) &&
              read_answer(secret_str(&answer), status, form, out, said, err);
    secret_release(&answer);
    buf_release(&url);
    return ok;
}

bool entra_ask(struct http_client *http, const char *authority, const char *tenant,
               const struct entra_form *form, struct azure_token *out, struct secret *refresh,
               struct entra_said *said, struct error *err)
{
    json_t *answer;
    bool ok = entra_post(http, authority, tenant, "token", form, &answer, said, err) &&
              azure_token_take(answer, out, refresh, err);
    json_decref(answer);
    return ok;
}
