/* Entra: see entra.h. */
#include "azure/entra.h"

#include "base/memory.h"

#include <jansson.h>
#include <time.h>

enum {
    ANSWER_MAX = 64 * 1024,
    FORM_MAX = 64 * 1024,
    URL_MAX = 2048,
    TENANT_MAX = 253,
    SHOWN_MAX = 400 /* bytes of Entra's own text in an error */
};
static const double LIFE_DEFAULT = 300.0; /* seconds, when the answer says nothing */
static const double LIFE_MAX = 86400.0;

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
    {90002, "there is no such tenant"},
    {900023, "the tenant is neither a GUID nor a domain"},
    {900021, "the tenant is neither a GUID nor a domain"},
    {500011, "the tenant does not know this service: is it the right cloud?"},
    {70011, "the service's audience is not valid: is it the right cloud?"},
    {53003, "a conditional access policy of the tenant blocks this sign-in"},
};

bool azure_token_init(struct azure_token *token, struct error *err)
{
    buf_init(&token->text, AZURE_TOKEN_MAX);
    token->life = 0;
    return buf_reserve(&token->text, AZURE_TOKEN_MAX) || buf_ok(&token->text, "a token", err);
}

static void wipe(struct buf *buf)
{
    if (buf->bytes)
        mem_wipe(buf->bytes, buf->room);
    buf_release(buf);
}

void azure_token_release(struct azure_token *token)
{
    wipe(&token->text);
}

/* The answer ------------------------------------------------------------------------------------- */

/* v2 says numbers, v1 and managed identities say strings. */
static bool number_of(const json_t *value, double *out)
{
    if (json_is_number(value))
        *out = json_number_value(value);
    else
        return json_is_string(value) && str_double(str_of(json_string_value(value)), out);
    return true;
}

static double life_of(const json_t *root)
{
    double seconds = LIFE_DEFAULT, end = 0;
    if (!number_of(json_object_get(root, "expires_in"), &seconds) &&
        number_of(json_object_get(root, "expires_on"), &end))
        seconds = end - (double) time(NULL);
    return seconds > LIFE_MAX ? LIFE_MAX : seconds;
}

/* A token goes into a header line: nothing but visible ASCII may be in it. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0 && s.n <= AZURE_TOKEN_MAX;
}

static bool take_token(json_t *root, struct azure_token *out, struct error *err)
{
    json_t *value = json_object_get(root, "access_token");
    const char *type = json_string_value(json_object_get(root, "token_type"));
    struct str token = str_of(json_string_value(value));
    bool ok = is_token(token) && (!type || str_eq_case(str_of(type), STR("Bearer")));
    if (ok) {
        buf_reset(&out->text);
        buf_put_str(&out->text, token);
        out->life = life_of(root);
    }
    if (token.n > 0) /* jansson gives the bytes back to the heap as they are */
        mem_wipe((char *) (uintptr_t) token.p, token.n);
    return ok || error_set(err, ERROR_FORMAT, "sign-in failed: the answer holds no usable token");
}

static int code_in(struct str description)
{
    static const char mark[] = "AADSTS";
    const char *at = memmem(description.p, description.n, mark, sizeof mark - 1);
    int code = 0;
    if (!at)
        return 0;
    for (at += sizeof mark - 1; at < description.p + description.n && *at >= '0' && *at <= '9';
         at++)
        code = code < 100000000 ? code * 10 + (*at - '0') : code;
    return code;
}

static const char *advice_for(int code)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == code)
            return known[i].advice;
    return NULL;
}

/* Entra's text up to its trace ids, of which the user has no use. */
static struct str readable(struct str description)
{
    const char *end = memmem(description.p, description.n, "Trace ID", 8);
    if (end)
        description.n = (size_t) (end - description.p);
    for (size_t i = 0; i < description.n; i++)
        if (description.p[i] == '\r' || description.p[i] == '\n')
            description.n = i;
    if (description.n > SHOWN_MAX)
        description.n = SHOWN_MAX;
    return str_trim(description);
}

/* An authority that repeats what it was sent must not bring the secret into a log. */
static bool repeats(struct str text, struct str secret)
{
    struct buf encoded = BUF_INIT(FORM_MAX);
    bool reserved = buf_reserve(&encoded, 3 * secret.n);
    http_put_encoded(&encoded, secret);
    bool found = !reserved || memmem(text.p, text.n, secret.p, secret.n) != NULL ||
                 memmem(text.p, text.n, encoded.bytes, encoded.used) != NULL;
    wipe(&encoded);
    return found;
}

static bool refuse(const json_t *root, int status, struct str secret, struct error *err)
{
    const char *name = json_string_value(json_object_get(root, "error"));
    struct str text = str_of(json_string_value(json_object_get(root, "error_description")));
    if (text.n == 0)
        text = str_of(name);
    const char *advice = advice_for(code_in(text));
    struct buf shown = BUF_INIT(4 * SHOWN_MAX + 64);
    if (repeats(text, secret))
        buf_puts(&shown, "the authority's answer is not fit to be shown");
    else
        text_put_safe(&shown, readable(text));
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

static bool read_answer(struct str body, int status, struct str secret, struct azure_token *out,
                        struct error *err)
{
    if (status == 429 || status >= 500)
        return in_trouble(status, err);
    json_t *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    bool ok;
    if (!json_is_object(root))
        ok = error_set(err, ERROR_FORMAT,
                       "sign-in failed: the authority's answer (status %d) is not JSON", status);
    else if (status == 200)
        ok = take_token(root, out, err);
    else
        ok = refuse(root, status, secret, err);
    json_decref(root);
    return ok;
}

/* The request ------------------------------------------------------------------------------------ */

/* GUID or domain; it becomes a part of a path. */
static bool is_tenant(const char *tenant)
{
    size_t n = strlen(tenant);
    for (size_t i = 0; i < n; i++) {
        char c = tenant[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || (c == '.' && i > 0)))
            return false;
    }
    return n > 0 && n <= TENANT_MAX;
}

static bool put_form(struct buf *form, const struct entra_application *application,
                     const char *audience, struct error *err)
{
    if (!buf_reserve(form, FORM_MAX))
        return buf_ok(form, "a token request", err);
    buf_puts(form, "grant_type=client_credentials&client_id=");
    http_put_encoded(form, str_of(application->client_id));
    buf_puts(form, "&scope=");
    http_put_encoded(form, str_of(audience));
    http_put_encoded(form, STR("/.default"));
    buf_puts(form, "&client_secret=");
    http_put_encoded(form, application->secret);
    return buf_ok(form, "a token request", err);
}

static bool send_form(struct http_client *http, const char *url, struct str form, struct str secret,
                      struct azure_token *out, struct error *err)
{
    struct buf answer = BUF_INIT(ANSWER_MAX);
    int status = 0;
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"},
        .body = form,
        .confidential = true,
    };
    bool ok = (buf_reserve(&answer, ANSWER_MAX) || buf_ok(&answer, "a token", err));
    if (ok && !http_call(http, &request, &answer, &status, err))
        ok = error_prefix(err, "sign-in failed");
    ok = ok && read_answer(buf_str(&answer), status, secret, out, err);
    wipe(&answer);
    return ok;
}

bool entra_application_token(struct http_client *http, const struct entra_application *application,
                             const char *audience, struct azure_token *out, struct error *err)
{
    if (!is_tenant(application->tenant))
        return error_set(err, ERROR_SETTINGS, "the tenant is neither a GUID nor a domain");
    struct buf url = BUF_INIT(URL_MAX), form = BUF_INIT(FORM_MAX);
    size_t n = strlen(application->authority);
    while (n > 0 && application->authority[n - 1] == '/')
        n--;
    buf_put(&url, application->authority, n);
    buf_printf(&url, "/%s/oauth2/v2.0/token", application->tenant);
    bool ok = buf_ok(&url, "the authority's address", err) &&
              put_form(&form, application, audience, err) &&
              send_form(http, buf_text(&url), buf_str(&form), application->secret, out, err);
    wipe(&form);
    buf_release(&url);
    return ok;
}
