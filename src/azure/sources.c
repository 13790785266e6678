/* Sources: see sources.h. */
#include "azure/sources.h"

#include "base/memory.h"

#include <stdlib.h>

void azure_grant_release(struct azure_grant *grant)
{
    mem_free(grant->authority);
    mem_free(grant->tenant);
    mem_free(grant->client_id);
    mem_free(grant->secret);
    *grant = (struct azure_grant){0};
}

/* A variable, or NULL when it is not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] != '\0' ? value : NULL;
}

struct part {
    const char *name, *value;
};

/* "AZURE_CLIENT_ID is set, AZURE_CLIENT_SECRET is not"; true when all three are there. */
static bool all_there(const struct part parts[3], const char *set, struct buf *why)
{
    size_t there = 0;
    for (size_t i = 0; i < 3; i++)
        there += parts[i].value != NULL;
    if (there == 3)
        return true;
    if (there == 0) {
        buf_printf(why, "none of %s, %s, %s is %s", parts[0].name, parts[1].name, parts[2].name,
                   set);
        return false;
    }
    size_t said = 0;
    for (int missing = 0; missing < 2; missing++)
        for (size_t i = 0; i < 3; i++)
            if ((parts[i].value == NULL) == (missing == 1))
                buf_printf(why, "%s%s is %s", said++ > 0 ? ", " : "", parts[i].name,
                           missing ? "not" : set);
    return false;
}

static char *copy(const char *text, struct error *err)
{
    struct str s = str_of(text);
    return mem_copy(s.n > 0 ? s.p : "", s.n, err);
}

/* AZURE_AUTHORITY_HOST may be a bare host, as Microsoft's own clients take it. */
static char *find_authority(const struct azure_credential_options *options, struct error *err)
{
    const char *value = options->authority ? options->authority : variable("AZURE_AUTHORITY_HOST");
    if (!value)
        value = azure_cloud_find("public")->authority;
    struct buf url = BUF_INIT(1024);
    if (!strstr(value, "://"))
        buf_puts(&url, "https://");
    buf_puts(&url, value);
    if (buf_ok(&url, "the authority's address", err))
        return buf_take(&url);
    buf_release(&url);
    return NULL;
}

static bool fill(const struct azure_credential_options *options, const struct part parts[3],
                 const char *secret, struct azure_grant *grant, struct error *err)
{
    grant->authority = find_authority(options, err);
    grant->tenant = copy(parts[0].value, err);
    grant->client_id = copy(parts[1].value, err);
    grant->secret = copy(secret, err);
    return grant->authority && grant->tenant && grant->client_id && grant->secret;
}

static bool find_settings(const struct azure_credential_options *options, struct azure_grant *grant,
                          struct buf *why, struct error *err)
{
    struct part parts[3] = {{"tenant", options->tenant},
                            {"client_id", options->client_id},
                            {"client_secret", options->client_secret}};
    return all_there(parts, "given", why) &&
           fill(options, parts, options->client_secret, grant, err);
}

static bool find_environment(const struct azure_credential_options *options,
                             struct azure_grant *grant, struct buf *why, struct error *err)
{
    struct part parts[3] = {{"AZURE_TENANT_ID", variable("AZURE_TENANT_ID")},
                            {"AZURE_CLIENT_ID", variable("AZURE_CLIENT_ID")},
                            {"AZURE_CLIENT_SECRET", variable("AZURE_CLIENT_SECRET")}};
    return all_there(parts, "set", why) &&
           fill(options, parts, "env:AZURE_CLIENT_SECRET", grant, err);
}

static bool ask_with_secret(struct http_client *http, const struct azure_grant *grant,
                            const char *audience, struct azure_token *out, struct error *err)
{
    struct secret secret = SECRET_INIT;
    bool ok = azure_secret_read(NULL, grant->secret, &secret, err);
    struct entra_application application = {
        .authority = grant->authority,
        .tenant = grant->tenant,
        .client_id = grant->client_id,
        .secret = secret_str(&secret),
    };
    ok = ok && entra_application_token(http, &application, audience, out, err);
    secret_release(&secret);
    return ok;
}

const struct azure_source azure_sources[] = {
    {"settings", find_settings, ask_with_secret},
    {"environment", find_environment, ask_with_secret},
};
const char *const azure_sign_in_names[] = {"auto",    "settings", "environment", "workload",
                                           "managed", "cli",      "device",      NULL};
const size_t azure_source_count = sizeof azure_sources / sizeof azure_sources[0];
