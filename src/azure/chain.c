/* Chain: see chain.h. */
#include "azure/chain.h"

#include "azure/claims.h"

enum { IDENTITY_MAX = 1024, TRIED_MAX = AZURE_SOURCES_MAX * (AZURE_WHY_MAX + 64) };

static const char NOTHING_HINT[] =
    "sign in with az login; or give tenant, client-id and client-secret in weir.yaml; or set "
    "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";
static const char VAULT_HINT[] =
    "a vault is opened with another credential than the one whose secret lies in it: az login, a "
    "managed identity, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";

/* The only source that is wanted; NULL: all, in order. */
static const struct azure_source *wanted(const struct azure_chain *c)
{
    for (size_t i = 0; c->given.options->sign_in && i < azure_source_count; i++)
        if (strcmp(azure_sources[i]->sign_in, c->given.options->sign_in) == 0)
            return azure_sources[i];
    return NULL;
}

/* The second credential has no settings of its own: that is its reason. */
static bool is_open(const struct azure_chain *c, const struct azure_source *source)
{
    const struct azure_source *only = wanted(c);
    return (!only || only == source) && !(c->second && source == &azure_source_settings);
}

static void put_told(const struct azure_chain *c, struct buf *out)
{
    for (size_t i = 0; i < azure_source_count; i++)
        if (c->told[i].used > 0)
            buf_printf(out, "\n  %-17s %s", azure_sources[i]->name, buf_text(&c->told[i]));
}

static const char *intro_of(const struct azure_chain *c)
{
    return c->second ? "to open the vault, tried in this order:" : "tried in this order:";
}

static bool nothing_found(const struct azure_chain *c, struct error *err)
{
    struct buf tried = BUF_INIT(TRIED_MAX);
    const struct azure_source *only = wanted(c);
    put_told(c, &tried);
    if (only)
        (void) error_set(err, ERROR_AUTH, "sign-in failed: sign-in is '%s', which is not set up",
                         only->sign_in);
    else
        (void) error_set(err, ERROR_AUTH, "sign-in failed: no credential is set up");
    const char *advice = only ? "" : c->second ? VAULT_HINT : NOTHING_HINT;
    (void) error_hint(err, "%s%s%s%s", intro_of(c), buf_text(&tried), only ? "" : "\n", advice);
    buf_release(&tried);
    return false;
}

/* A source that is set up and fails: its own error, with all that was tried before it and what was found here. */
static bool search_failed(struct azure_chain *c, size_t i, const struct error *why,
                          struct error *err)
{
    struct buf tried = BUF_INIT(TRIED_MAX);
    struct error failure = *why;
    buf_reset(&c->told[i]);
    (void) azure_sources[i]->look(&c->given, &c->told[i]);
    buf_puts(&c->told[i], ": failed");
    if (failure.code == ERROR_AUTH && !wanted(c)) {
        put_told(c, &tried);
        (void) error_hint(&failure, "%s%s%s%s", intro_of(c), buf_text(&tried),
                          why->hint[0] ? "\n" : "", why->hint);
    }
    buf_reset(&c->told[i]);
    buf_put(&c->told[i], failure.message, strnlen(failure.message, AZURE_WHY_MAX));
    c->failed[i] = true;
    buf_release(&tried);
    return error_pass(err, &failure);
}

static enum azure_outcome ask_source(struct azure_chain *c, size_t i, const char *audience,
                                     struct azure_token *out, struct error *why)
{
    struct azure_search search = c->given;
    struct buf *told = &c->told[i];
    search.alone = wanted(c) != NULL || c->source != NULL;
    buf_reset(told);
    c->failed[i] = false;
    if (!azure_sources[i]->look(&search, told))
        return AZURE_PASSED;
    buf_reset(told);
    c->asking = true;
    enum azure_outcome outcome = azure_sources[i]->ask(&search, audience, out, told, why);
    c->asking = false;
    return outcome;
}

static void identify(struct azure_chain *c, const struct azure_token *token)
{
    struct azure_who who;
    (void) claims_read(secret_str(&token->text), &who);
    buf_reset(&c->identity);
    c->source->identify(&c->given, &who, &c->identity);
}

/* Some words of the message are the same for all sources: they are not said again in a list. */
static const char *short_of(const char *message)
{
    static const char start[] = "sign-in failed: ";
    return strncmp(message, start, sizeof start - 1) == 0 ? message + sizeof start - 1 : message;
}

/* The tenant that is asked for is the workspace's; a token of another is no mistake, but it should be known. */
static void put_tenant(const struct azure_chain *c, const struct azure_who *who, struct buf *out)
{
    const char *tenant = c->given.options->tenant;
    if (who->tenant[0] && tenant && text_is_guid(str_of(tenant)) &&
        !str_eq_case(str_of(tenant), str_of(who->tenant)))
        buf_printf(
            out,
            "; the token is of tenant %s, the workspace's is %s: it must have let this one in "
            "(Azure Lighthouse, or as a guest)",
            who->tenant, tenant);
}

static void tell_one(struct azure_chain *c, size_t i, const struct azure_who *who,
                     void (*fn)(void *context, const struct azure_told *told), void *context)
{
    const struct azure_source *source = azure_sources[i];
    struct buf line = BUF_INIT(2 * AZURE_WHY_MAX);
    bool used = c->source == source;
    if (used && !c->failed[i]) {
        buf_puts(&line, buf_text(&c->identity));
        put_tenant(c, who, &line);
    } else if (!is_open(c, source)) {
        buf_printf(&line, "not asked: sign-in is '%s'", c->given.options->sign_in);
    } else if (c->told[i].used > 0) {
        buf_puts(&line, short_of(buf_text(&c->told[i])));
    } else {
        bool there = source->look(&c->given, &line);
        if (there)
            buf_puts(&line, " (not asked)");
    }
    struct azure_told told = {.name = source->name,
                              .what = buf_text(&line),
                              .used = used && !c->failed[i],
                              .failed = c->failed[i]};
    fn(context, &told);
    buf_release(&line);
}

bool chain_init(struct azure_chain *c, const struct azure_search *given, struct error *err)
{
    *c = (struct azure_chain){.given = *given, .identity = BUF_INIT(IDENTITY_MAX)};
    bool ok = buf_reserve(&c->identity, IDENTITY_MAX) || buf_ok(&c->identity, "an identity", err);
    for (size_t i = 0; i < AZURE_SOURCES_MAX; i++) {
        buf_init(&c->told[i], AZURE_WHY_MAX);
        ok = ok && (buf_reserve(&c->told[i], AZURE_WHY_MAX) ||
                    buf_ok(&c->told[i], "what is told of a source", err));
    }
    return ok;
}

void chain_release(struct azure_chain *c)
{
    for (size_t i = 0; i < AZURE_SOURCES_MAX; i++)
        buf_release(&c->told[i]);
    buf_release(&c->identity);
}

bool chain_ask(struct azure_chain *c, const char *audience, bool quiet, struct azure_token *out,
               struct error *err)
{
    for (size_t i = 0; i < azure_source_count; i++) {
        struct error why = ERROR_INIT;
        if (c->source ? azure_sources[i] != c->source
                      : !is_open(c, azure_sources[i]) ||
                            (quiet && azure_sources[i] == &azure_source_device))
            continue;
        enum azure_outcome outcome = ask_source(c, i, audience, out, &why);
        if (outcome == AZURE_FAILED)
            return search_failed(c, i, &why, err);
        if (outcome == AZURE_PASSED && c->source)
            return error_set(err, ERROR_AUTH, "sign-in failed: %s: %s", c->source->name,
                             buf_text(&c->told[i]));
        if (outcome == AZURE_PASSED)
            continue;
        c->source = azure_sources[i];
        identify(c, out);
        return true;
    }
    return nothing_found(c, err);
}

void chain_tell(struct azure_chain *c, const struct azure_who *who,
                void (*fn)(void *context, const struct azure_told *told), void *context)
{
    for (size_t i = 0; i < azure_source_count; i++)
        tell_one(c, i, who, fn, context);
}
