/* Managed identity: the platform vouches for us (docs/service.md sections 2.5, 2.6). A machine in Azure asks its
 * metadata service; in App Service, Functions and Container Apps two variables say where and with what key.
 *
 * Whether there is a metadata service can only be found out by asking. A short question comes first then, so
 * that a laptop does not wait; other clouds have services of theirs at the same address. One that is there is
 * asked with patience, since it restarts now and then.
 */
#include "azure/try.h"

#include "azure/entra.h"
#include "azure/sources.h"

enum { URL_MAX = 8 * 1024, HEADER_MAX = 8 * 1024, GUID_LETTERS = 36 };
static const double PROBE_SECONDS = 0.5, PROBE_CHOSEN_SECONDS = 5.0;
/* Pauses before the tries after the first, as the service asks for; the last only while it is being updated. */
static const double PAUSES[] = {0, 2, 6, 14, 30, 30};
enum { TRIES = 6, TRIES_UPDATED = 7 };
static const double PAUSE_MAX = 60.0, PAUSE_FAILED_MIN = 1.0;

static const char METADATA[] = "http://169.254.169.254";
static const char METADATA_PATH[] = "/metadata/identity/oauth2/token?api-version=2018-02-01";

enum kind { KIND_MACHINE, KIND_APP_SERVICE, KIND_APP_SERVICE_2017 };

struct place {
    enum kind kind;
    const char *endpoint; /* of App Service; of a machine: its host */
    const char *key;      /* of App Service: a secret */
    bool chosen;          /* the environment names it */
};

static struct place find_place(void)
{
    const char *host = azure_variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    if (azure_variable("IDENTITY_ENDPOINT") && azure_variable("IDENTITY_HEADER"))
        return (struct place){KIND_APP_SERVICE, azure_variable("IDENTITY_ENDPOINT"),
                              azure_variable("IDENTITY_HEADER"), true};
    if (azure_variable("MSI_ENDPOINT") && azure_variable("MSI_SECRET"))
        return (struct place){KIND_APP_SERVICE_2017, azure_variable("MSI_ENDPOINT"),
                              azure_variable("MSI_SECRET"), true};
    return (struct place){KIND_MACHINE, host ? host : METADATA, NULL, host != NULL};
}

/* Of a user-assigned identity; NULL: the one of the system. */
static const char *wanted_id(const struct azure_search *search)
{
    const char *id = search->options->managed_identity;
    return id ? id : azure_variable("AZURE_CLIENT_ID");
}

/* The name of the parameter by which each form wants to be told the identity. */
static const char *id_name(enum kind kind, const char *id)
{
    bool resource = id[0] == '/';
    if (kind == KIND_APP_SERVICE_2017)
        return resource ? "mi_res_id" : "clientid";
    if (resource)
        return kind == KIND_MACHINE ? "msi_res_id" : "mi_res_id";
    return "client_id";
}

static bool look(const struct azure_search *search, struct buf *what)
{
    struct place place = find_place();
    (void) search;
    if (place.kind == KIND_MACHINE)
        buf_puts(what, "the metadata service of a machine in Azure, at ");
    else
        buf_puts(what, "App Service, at ");
    text_put_safe(what, str_of(place.endpoint));
    return true;
}

/* The request ------------------------------------------------------------------------------------- */

static bool put_url(const struct azure_search *search, const struct place *place,
                    const char *audience, struct buf *url, struct error *err)
{
    const char *id = wanted_id(search);
    struct str endpoint = str_of(place->endpoint), resource = str_of(audience);
    while (place->kind == KIND_MACHINE && endpoint.n > 0 && endpoint.p[endpoint.n - 1] == '/')
        endpoint.n--;
    buf_put_str(url, endpoint);
    if (place->kind == KIND_MACHINE)
        buf_puts(url, METADATA_PATH);
    else
        buf_printf(url, "%capi-version=%s", strchr(place->endpoint, '?') ? '&' : '?',
                   place->kind == KIND_APP_SERVICE ? "2019-08-01" : "2017-09-01");
    buf_puts(url, "&resource=");
    http_put_encoded(url, resource);
    if (id) {
        buf_printf(url, "&%s=", id_name(place->kind, id));
        http_put_encoded(url, str_of(id));
    }
    return buf_ok(url, "the address of a managed identity", err);
}

static bool put_header(const struct place *place, struct secret *out, struct error *err)
{
    if (!secret_init(out, HEADER_MAX, err))
        return false;
    if (place->kind == KIND_MACHINE)
        buf_puts(secret_buf(out), "Metadata: true");
    else
        buf_printf(secret_buf(out), "%s: %s",
                   place->kind == KIND_APP_SERVICE ? "X-IDENTITY-HEADER" : "Secret", place->key);
    return buf_ok(secret_buf(out), "the key of a managed identity", err);
}

static bool may_pass(int status)
{
    return status == 0 || status == 404 || status == 410 || status == 429 || status >= 500;
}

static double pause_after(int attempt, const struct azure_try *answer)
{
    double pause = PAUSES[attempt - 1];
    if (answer->retry_after >= 0)
        pause = answer->retry_after < PAUSE_MAX ? answer->retry_after : PAUSE_MAX;
    else if (answer->status >= 500 && pause < PAUSE_FAILED_MIN)
        pause = PAUSE_FAILED_MIN;
    return pause;
}

/* Asks until there is a verdict or patience ends. */
static bool ask_patiently(const struct azure_search *search, const struct http_request *request,
                          struct azure_try *answer, struct error *err)
{
    for (int attempt = 1;; attempt++) {
        if (!azure_try(search->http, request, 0, answer, err))
            return false;
        if (!may_pass(answer->status) || attempt >= (answer->status == 410 ? TRIES_UPDATED : TRIES))
            return true;
        if (!azure_pause(search->http, pause_after(attempt, answer), err))
            return false;
    }
}

/* The verdict ------------------------------------------------------------------------------------- */

/* "invalid_request: Identity not found", or the beginning of what is no JSON. */
static void put_refusal(const struct azure_try *answer, const char *key, struct buf *out)
{
    struct str body = secret_str(&answer->body);
    json_t *root = json_loadb(body.n > 0 ? body.p : "", body.n, 0, NULL);
    const char *name = json_string_value(json_object_get(root, "error"));
    const char *text = json_string_value(json_object_get(root, "error_description"));
    if (!text)
        text = json_string_value(json_object_get(root, "message"));
    bool shown =
        !entra_repeats(str_of(name), str_of(key)) && !entra_repeats(str_of(text), str_of(key));
    buf_printf(out, "status %d", answer->status);
    if (shown && (name || text)) {
        buf_puts(out, ", ");
        entra_put_shown(out, str_of(name ? name : text));
        if (name && text) {
            buf_puts(out, ": ");
            entra_put_shown(out, str_of(text));
        }
    }
    json_decref(root);
}

static enum azure_outcome refuse(const struct azure_search *search, const struct place *place,
                                 const struct azure_try *answer, struct buf *why, struct error *err)
{
    const char *id = wanted_id(search);
    bool none = answer->status == 400 && place->kind == KIND_MACHINE;
    struct buf shown = BUF_INIT(AZURE_WHY_MAX * 2);
    put_refusal(answer, place->key, &shown);
    if (none)
        buf_printf(why, "this machine has no %s identity%s%s (%s)",
                   id ? "user-assigned" : "managed", id ? " " : "", id ? id : "", buf_text(&shown));
    enum azure_outcome outcome = AZURE_PASSED;
    if (!none || search->options->managed_identity) {
        (void) error_set(
            err, answer->status == 429 || answer->status >= 500 ? ERROR_SERVICE : ERROR_AUTH,
            "sign-in failed: the managed identity is refused (%s)%s%s", buf_text(&shown),
            id ? "; asked for identity " : "", id ? id : "");
        outcome = AZURE_FAILED;
    }
    buf_release(&shown);
    return outcome;
}

static enum azure_outcome judge(const struct azure_search *search, const struct place *place,
                                const struct azure_try *answer, struct azure_token *out,
                                struct buf *why, struct error *err)
{
    if (answer->status == 0) {
        (void) error_pass(err, &answer->error);
        (void) error_prefix(err, "sign-in failed: managed identity");
        return AZURE_FAILED;
    }
    if (answer->status != 200)
        return refuse(search, place, answer, why, err);
    return azure_token_read(secret_str(&answer->body), "the managed identity's endpoint", out, NULL,
                            err)
               ? AZURE_GOT
               : AZURE_FAILED;
}

/* Without the header that it wants, Azure's service says 400; or it is in some trouble. */
static bool is_azure(const struct azure_try *answer)
{
    return answer->status == 400 || answer->status == 410 || answer->status == 429 ||
           answer->status >= 500;
}

static bool probe(const struct azure_search *search, const struct place *place, const char *url,
                  struct buf *why, struct error *err)
{
    struct azure_try answer = {0};
    struct str host = str_of(place->endpoint);
    double seconds = place->chosen ? PROBE_CHOSEN_SECONDS : PROBE_SECONDS;
    bool ok = azure_try(search->http, &(struct http_request){.url = url}, seconds, &answer, err);
    bool there = ok && is_azure(&answer);
    if (str_starts(host, STR("http://")))
        host = (struct str){host.p + 7, host.n - 7};
    if (ok && !there)
        text_put_safe(why, host);
    if (ok && answer.status != 0 && !there)
        buf_printf(why, " answers as Azure's machines do not (status %d)", answer.status);
    else if (ok && !there)
        buf_printf(why, " does not answer (%g s): not a virtual machine in Azure?", seconds);
    azure_try_release(&answer);
    return there;
}

static enum azure_outcome ask_place(const struct azure_search *search, const struct place *place,
                                    const char *url, struct azure_token *out, struct buf *why,
                                    struct error *err)
{
    struct azure_try answer = {0};
    struct secret header = SECRET_INIT;
    enum azure_outcome outcome = AZURE_FAILED;
    if (place->kind == KIND_MACHINE && !search->alone && !probe(search, place, url, why, err))
        return err->code == ERROR_NONE ? AZURE_PASSED : AZURE_FAILED;
    if (put_header(place, &header, err)) {
        struct http_request request = {.url = url, .headers = {secret_str(&header).p}};
        if (ask_patiently(search, &request, &answer, err))
            outcome = judge(search, place, &answer, out, why, err);
    }
    secret_release(&header);
    azure_try_release(&answer);
    return outcome;
}

static enum azure_outcome ask(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err)
{
    struct place place = find_place();
    struct buf url = BUF_INIT(URL_MAX);
    enum azure_outcome outcome = AZURE_FAILED;
    if (put_url(search, &place, audience, &url, err))
        outcome = ask_place(search, &place, buf_text(&url), out, why, err);
    buf_release(&url);
    return outcome;
}

static void identify(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out)
{
    const char *id = who->application[0] ? who->application : wanted_id(search);
    buf_puts(out, "managed identity");
    if (id)
        buf_printf(out, " %s", id);
    if (who->tenant[0])
        buf_printf(out, " of tenant %s", who->tenant);
}

const struct azure_source azure_source_managed = {"managed identity", "managed", look, ask,
                                                  identify};
