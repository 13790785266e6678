/* Environment: an application that the AZURE_* variables name, as Microsoft's own clients read them. */
#include "azure/application.h"

static const char TENANT[] = "AZURE_TENANT_ID", CLIENT[] = "AZURE_CLIENT_ID",
                  SECRET[] = "AZURE_CLIENT_SECRET", CERTIFICATE[] = "AZURE_CLIENT_CERTIFICATE_PATH",
                  PASSWORD[] = "AZURE_CLIENT_CERTIFICATE_PASSWORD",
                  TOKEN_FILE[] = "AZURE_FEDERATED_TOKEN_FILE";

/* Of several proofs the first counts. */
static const char *find(struct azure_application *out)
{
    *out = (struct azure_application){.tenant = azure_variable(TENANT),
                                      .client_id = azure_variable(CLIENT)};
    if (azure_variable(SECRET)) {
        out->secret = "env:AZURE_CLIENT_SECRET";
        return SECRET;
    }
    if (azure_variable(CERTIFICATE)) {
        out->certificate_path = azure_variable(CERTIFICATE);
        out->password = azure_variable(PASSWORD) ? "env:AZURE_CLIENT_CERTIFICATE_PASSWORD" : NULL;
        return CERTIFICATE;
    }
    out->token_file = azure_variable(TOKEN_FILE);
    return out->token_file ? TOKEN_FILE : NULL;
}

static bool look(const struct azure_search *search, struct buf *what)
{
    struct azure_application a;
    const char *proof = find(&a);
    const struct azure_part parts[] = {
        {TENANT, a.tenant}, {CLIENT, a.client_id}, {proof ? proof : SECRET, proof}};
    (void) search;
    if (!azure_parts_there(parts, 3, "set", what))
        return false;
    buf_printf(what, "%s, %s and %s are set", TENANT, CLIENT, proof);
    return true;
}

static enum azure_outcome ask(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err)
{
    struct azure_application a;
    (void) find(&a);
    (void) why;
    return azure_application_ask(search, &a, audience, out, err);
}

static void identify(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out)
{
    struct azure_application a;
    (void) find(&a);
    (void) search;
    azure_application_identify(&a, who, out);
}

const struct azure_source azure_source_environment = {"environment", "environment", look, ask,
                                                      identify};
