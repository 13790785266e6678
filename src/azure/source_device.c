/* Device code: the user signs in with a browser, maybe on another machine (docs/service.md section 2.8; RFC 8628).
 * What comes with the first token, the refresh token, lives in memory only: it gives the tokens for other
 * services and the later ones, so that nobody is asked twice. */
#include "azure/entra.h"
#include "azure/sources.h"
#include "azure/try.h"
#include "base/tick.h"

enum { CODE_MAX = 8 * 1024, LINE_MAX = 1024 };
static const double INTERVAL_DEFAULT = 5.0, INTERVAL_MAX = 60.0; /* seconds */
static const double SLOW_DOWN =
    5.0; /* more between two questions, when the authority asks for it */
static const double LIFE_DEFAULT = 900.0, LIFE_MAX = 3600.0;
static const double NANOSECONDS = 1e9;

/* The client of Microsoft's own command line, which any tenant knows; settings may name another. */
static const char CLIENT[] = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
static const char TENANT[] = "organizations";

struct device {
    struct secret code;
    double interval, life;
};

static const char *client_of(const struct azure_search *search)
{
    return search->options->client_id ? search->options->client_id : CLIENT;
}

static const char *tenant_of(const struct azure_search *search)
{
    const char *tenant = azure_tenant_of(search);
    return tenant ? tenant : TENANT;
}

static bool look(const struct azure_search *search, struct buf *what)
{
    if (!search->options->tell) {
        buf_puts(what, "nobody is at a terminal to type it in");
        return false;
    }
    buf_printf(what, "a browser and a code, for tenant %s", tenant_of(search));
    return true;
}

/* The code ---------------------------------------------------------------------------------------- */

static double seconds_in(const json_t *answer, const char *name, double otherwise, double most)
{
    const json_t *value = json_object_get(answer, name);
    double seconds = otherwise;
    if (json_is_number(value))
        seconds = json_number_value(value);
    else if (json_is_string(value) && !str_double(str_of(json_string_value(value)), &seconds))
        seconds = otherwise;
    return seconds < 0 ? otherwise : seconds > most ? most : seconds;
}

/* Our own words: the text of another side is not to be trusted with what the user types in where. */
static bool tell(const struct azure_search *search, const json_t *answer, struct error *err)
{
    const char *at = json_string_value(json_object_get(answer, "verification_uri"));
    const char *code = json_string_value(json_object_get(answer, "user_code"));
    struct buf line = BUF_INIT(LINE_MAX);
    if (!at || !code)
        return error_set(err, ERROR_FORMAT, "sign-in failed: the answer holds no device code");
    buf_puts(&line, "to sign in, open ");
    text_put_safe(&line, str_of(at));
    buf_puts(&line, " in a browser and type in the code ");
    text_put_safe(&line, str_of(code));
    bool ok = buf_ok(&line, "a device code", err);
    if (ok)
        search->options->tell(search->options->context, buf_text(&line));
    buf_release(&line);
    return ok;
}

static bool take_code(const struct azure_search *search, json_t *answer, struct device *out,
                      struct error *err)
{
    json_t *code = json_object_get(answer, "device_code");
    struct str text = str_of(json_string_value(code));
    out->interval = seconds_in(answer, "interval", INTERVAL_DEFAULT, INTERVAL_MAX);
    out->life = seconds_in(answer, "expires_in", LIFE_DEFAULT, LIFE_MAX);
    bool ok = text.n > 0 && text.n <= CODE_MAX;
    if (!ok)
        (void) error_set(err, ERROR_FORMAT, "sign-in failed: the answer holds no device code");
    ok = ok && secret_set(&out->code, text, err);
    azure_json_wipe(code);
    return ok && tell(search, answer, err);
}

static bool begin(const struct azure_search *search, const char *audience, struct device *out,
                  struct error *err)
{
    struct entra_form form;
    json_t *answer = NULL;
    if (!entra_form_init(&form, err))
        return false;
    entra_put(&form, "client_id", str_of(client_of(search)));
    entra_put_scope(&form, "offline_access ", audience);
    bool ok = entra_post(search->http, search->authority, tenant_of(search), "devicecode", &form,
                         &answer, NULL, err) &&
              take_code(search, answer, out, err);
    json_decref(answer);
    entra_form_release(&form);
    return ok;
}

/* Waiting for the user ---------------------------------------------------------------------------- */

static bool poll_once(const struct azure_search *search, const struct device *device,
                      struct azure_token *out, struct entra_said *said, struct error *err)
{
    struct entra_form form;
    if (!entra_form_init(&form, err))
        return false;
    entra_put(&form, "grant_type", STR("urn:ietf:params:oauth:grant-type:device_code"));
    entra_put(&form, "client_id", str_of(client_of(search)));
    entra_put_hidden(&form, "device_code", secret_str(&device->code));
    bool ok = entra_ask(search->http, search->authority, tenant_of(search), &form, out,
                        search->refresh, said, err);
    entra_form_release(&form);
    return ok;
}

static bool is(const struct entra_said *said, const char *name)
{
    return strcmp(said->name, name) == 0;
}

/* True: it is only not yet; then the refusal is forgotten. */
static bool goes_on(struct device *device, const struct entra_said *said, struct error *why)
{
    if (is(said, "slow_down"))
        device->interval += SLOW_DOWN;
    else if (!is(said, "authorization_pending"))
        return false;
    error_clear(why);
    return true;
}

static bool explain(const struct entra_said *said, const struct error *why, struct error *err)
{
    if (is(said, "expired_token") || is(said, "code_expired"))
        return error_set(err, ERROR_AUTH, "sign-in failed: the code was not typed in in time");
    if (is(said, "authorization_declined") || is(said, "access_denied"))
        return error_set(err, ERROR_AUTH, "sign-in failed: it was declined in the browser");
    return error_pass(err, why);
}

static bool wait_for_user(const struct azure_search *search, struct device *device,
                          struct azure_token *out, struct error *err)
{
    uint64_t end = clock_ns() + (uint64_t) (device->life * NANOSECONDS);
    struct entra_said said = {0};
    struct error why = ERROR_INIT;
    do {
        if (!azure_pause(search->http, device->interval, err))
            return false;
        if (poll_once(search, device, out, &said, &why))
            return true;
        if (!goes_on(device, &said, &why))
            return explain(&said, &why, err);
    } while (clock_ns() < end);
    return error_set(err, ERROR_AUTH, "sign-in failed: the code was not typed in in time");
}

static bool ask_user(const struct azure_search *search, const char *audience,
                     struct azure_token *out, struct error *err)
{
    struct device device = {.code = SECRET_INIT};
    bool ok = begin(search, audience, &device, err) && wait_for_user(search, &device, out, err);
    secret_release(&device.code);
    return ok;
}

/* Later tokens ------------------------------------------------------------------------------------ */

static bool refresh(const struct azure_search *search, const char *audience,
                    struct azure_token *out, struct entra_said *said, struct error *err)
{
    struct entra_form form;
    if (!entra_form_init(&form, err))
        return false;
    entra_put(&form, "grant_type", STR("refresh_token"));
    entra_put(&form, "client_id", str_of(client_of(search)));
    entra_put_scope(&form, "offline_access ", audience);
    entra_put_hidden(&form, "refresh_token", secret_str(search->refresh));
    struct secret next = SECRET_INIT;
    bool ok =
        entra_ask(search->http, search->authority, tenant_of(search), &form, out, &next, said, err);
    entra_form_release(&form);
    if (ok && secret_str(&next).n > 0) {
        secret_release(search->refresh);
        *search->refresh = next;
    } else {
        secret_release(&next);
    }
    return ok;
}

static enum azure_outcome ask(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err)
{
    struct entra_said said = {0};
    struct error refused = ERROR_INIT;
    if (secret_str(search->refresh).n > 0) {
        if (refresh(search, audience, out, &said, &refused))
            return AZURE_GOT;
        if (!is(&said, "invalid_grant")) {
            (void) error_pass(err, &refused);
            return AZURE_FAILED;
        }
        secret_release(search->refresh); /* it has ended: the user is asked once more */
    }
    if (!look(search, why))
        return AZURE_PASSED;
    return ask_user(search, audience, out, err) ? AZURE_GOT : AZURE_FAILED;
}

static void identify(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out)
{
    (void) search;
    buf_puts(out, "user");
    if (who->object[0])
        buf_printf(out, " %s", who->object);
    if (who->tenant[0])
        buf_printf(out, " of tenant %s", who->tenant);
    buf_puts(out, " (device code)");
}

const struct azure_source azure_source_device = {"device code", "device", look, ask, identify};
