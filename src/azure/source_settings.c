/* Settings: an application that the user's own settings name, with its proof. */
#include "azure/application.h"

/* True when some proof is given: then the settings are meant. */
static bool find(const struct azure_search *search, struct azure_application *out)
{
    const struct azure_credential_options *options = search->options;
    *out = (struct azure_application){.tenant = azure_tenant_of(search),
                                      .client_id = options->client_id,
                                      .secret = options->client_secret,
                                      .certificate = options->certificate,
                                      .password = options->certificate_password,
                                      .token_file = options->federated_token_file};
    return out->secret || out->certificate || out->token_file;
}

static const char *proof_of(const struct azure_application *a)
{
    return a->secret        ? "client-secret"
           : a->certificate ? "certificate"
           : a->token_file  ? "federated-token-file"
                            : NULL;
}

static bool look(const struct azure_search *search, struct buf *what)
{
    struct azure_application a;
    if (!find(search, &a)) {
        const struct azure_part parts[] = {{"tenant", search->options->tenant},
                                           {"client-id", search->options->client_id},
                                           {"client-secret", NULL}};
        (void) azure_parts_there(parts, 3, "given", what);
        return false;
    }
    const struct azure_part parts[] = {
        {"tenant", a.tenant}, {"client-id", a.client_id}, {proof_of(&a), "there"}};
    if (azure_parts_there(parts, 3, "given", what))
        buf_printf(what, "tenant, client-id and %s are given", proof_of(&a));
    return true;
}

/* Half of an application is not passed over: somebody would be signed in as another by accident. */
static enum azure_outcome ask(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err)
{
    struct azure_application a;
    (void) find(search, &a);
    if (!a.tenant || !a.client_id) {
        (void) look(search, why);
        (void) error_set(err, ERROR_SETTINGS, "sign-in failed: %s", buf_text(why));
        return AZURE_FAILED;
    }
    return azure_application_ask(search, &a, audience, out, err);
}

static void identify(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out)
{
    struct azure_application a;
    (void) find(search, &a);
    azure_application_identify(&a, who, out);
}

const struct azure_source azure_source_settings = {"settings", "settings", look, ask, identify};
