/* Workload identity: a token that the orchestrator (Kubernetes) lays beside us, for an application that trusts
 * its issuer. Where it lies and for whom it is say the variables that the orchestrator sets; settings
 * may name another application of another tenant. */
#include "azure/application.h"

#include <unistd.h>

static const char TOKEN_FILE[] = "AZURE_FEDERATED_TOKEN_FILE";
/* Where the webhook of Azure Workload Identity puts it. */
static const char USUAL_PLACE[] = "/var/run/secrets/azure/tokens/azure-identity-token";

static void find(const struct azure_search *search, struct azure_application *out)
{
    const struct azure_credential_options *options = search->options;
    *out = (struct azure_application){
        .tenant = azure_tenant_of(search),
        .client_id = options->client_id ? options->client_id : azure_variable("AZURE_CLIENT_ID"),
        .token_file = azure_variable(TOKEN_FILE),
    };
    if (!out->token_file && access(USUAL_PLACE, R_OK) == 0)
        out->token_file = USUAL_PLACE;
}

static bool look(const struct azure_search *search, struct buf *what)
{
    struct azure_application a;
    find(search, &a);
    if (!a.token_file) {
        buf_printf(what, "%s is not set", TOKEN_FILE);
        return false;
    }
    const struct azure_part parts[] = {{TOKEN_FILE, a.token_file},
                                       {"AZURE_TENANT_ID", a.tenant},
                                       {"AZURE_CLIENT_ID", a.client_id}};
    if (!azure_parts_there(parts, 3, "set", what))
        return false;
    buf_puts(what, "the token in ");
    text_put_safe(what, str_of(a.token_file));
    return true;
}

static enum azure_outcome ask(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err)
{
    struct azure_application a;
    find(search, &a);
    (void) why;
    return azure_application_ask(search, &a, audience, out, err);
}

static void identify(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out)
{
    struct azure_application a;
    find(search, &a);
    azure_application_identify(&a, who, out);
}

const struct azure_source azure_source_workload = {"workload identity", "workload", look, ask,
                                                   identify};
