/* Credentials: a chain of sources, and a token for each audience until it is nearly old.
 *
 * While a source is asked, a secret of Key Vault that it needs is read with a second credential, which is this
 * one without its settings: the rest of the chain, and no way round in a circle.
 */
#include "azure/credential.h"

#include "azure/chain.h"
#include "azure/claims.h"
#include "azure/vault.h"
#include "base/memory.h"
#include "base/tick.h"

static const double RENEW_BEFORE = 300.0; /* seconds before a token's end */
static const double RENEW_SHARE = 0.1;    /* of its life, where that is less */
static const double RENEW_AGAIN = 30.0;   /* seconds after a try that failed for a passing reason */
static const double ENDS_BEFORE = 10.0;   /* seconds before its end a token is not sent any more */
static const double NANOSECONDS = 1e9;

enum {
    TEXTS = 9, /* of the options */
    AUTHORITY_MAX = 1024,
    QUOTED_MIN = 32 /* bytes of a token by which a text is known to quote it */
};

/* By both clocks: the one stands still while the machine sleeps, the other may be set back. */
struct moment {
    uint64_t at;        /* clock_ns */
    int64_t at_o_clock; /* by the wall clock, in ticks */
};

struct kept_token {
    char *audience;
    struct azure_token token;
    unsigned number;           /* of tokens so far */
    bool refused;              /* by its service: it is not sent again */
    struct moment renew, ends; /* when it is to be replaced, and when it must be */
};

struct azure_credential {
    struct http_client *http;                /* lent */
    struct azure_credential_options options; /* texts owned */
    char *texts[TEXTS];
    struct buf authority;
    struct azure_chain chain;
    struct kept_token tokens[AZURE_AUDIENCES_MAX];
    size_t count;
    struct secret refresh;               /* of the device code */
    struct azure_credential *references; /* the second one; NULL: not needed yet */
};

/* Making ------------------------------------------------------------------------------------------ */

static bool copy_text(struct azure_credential *c, size_t i, const char *text, const char **out,
                      struct error *err)
{
    if (!text)
        return true;
    c->texts[i] = mem_copy(text, strlen(text), err);
    *out = c->texts[i];
    return c->texts[i] != NULL;
}

static bool copy_options(struct azure_credential *c, const struct azure_credential_options *options,
                         struct error *err)
{
    struct azure_credential_options *own = &c->options;
    *own = *options;
    return copy_text(c, 0, options->tenant, &own->tenant, err) &&
           copy_text(c, 1, options->client_id, &own->client_id, err) &&
           copy_text(c, 2, options->client_secret, &own->client_secret, err) &&
           copy_text(c, 3, options->certificate, &own->certificate, err) &&
           copy_text(c, 4, options->certificate_password, &own->certificate_password, err) &&
           copy_text(c, 5, options->federated_token_file, &own->federated_token_file, err) &&
           copy_text(c, 6, options->managed_identity, &own->managed_identity, err) &&
           copy_text(c, 7, options->sign_in, &own->sign_in, err) &&
           copy_text(c, 8, options->authority, &own->authority, err);
}

/* AZURE_AUTHORITY_HOST may be a bare host, as Microsoft's own clients take it. */
static bool find_authority(struct azure_credential *c, struct error *err)
{
    const char *value = c->options.authority;
    if (!value)
        value = azure_variable("AZURE_AUTHORITY_HOST");
    if (!value)
        value = c->options.cloud->authority;
    if (!strstr(value, "://"))
        buf_puts(&c->authority, "https://");
    buf_puts(&c->authority, value);
    return buf_ok(&c->authority, "the authority's address", err);
}

static bool check_sign_in(const char *name, struct error *err)
{
    for (size_t i = 0; name && azure_sign_in_names[i]; i++)
        if (strcmp(azure_sign_in_names[i], name) == 0)
            return true;
    if (!name)
        return true;
    (void) error_set(err, ERROR_SETTINGS, "there is no way to sign in called '%s'", name);
    return error_hint(err, "auto, settings, environment, workload, managed, cli or device");
}

static bool check(const struct azure_credential_options *options, struct error *err)
{
    const char *const references[] = {options->client_secret, options->certificate,
                                      options->certificate_password};
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        if (references[i] && !azure_secret_check(references[i], err))
            return false;
    int proofs = (options->client_secret != NULL) + (options->certificate != NULL) +
                 (options->federated_token_file != NULL);
    if (proofs > 1)
        return error_set(err, ERROR_SETTINGS,
                         "more than one of client-secret, certificate and federated-token-file is "
                         "given: which one is meant?");
    return check_sign_in(options->sign_in, err);
}

struct azure_credential *azure_credential_new(struct http_client *http,
                                              const struct azure_credential_options *options,
                                              struct error *err)
{
    if (!check(options, err))
        return NULL;
    struct azure_credential *c = mem_alloc(1, sizeof *c, err);
    if (!c)
        return NULL;
    c->http = http;
    buf_init(&c->authority, AUTHORITY_MAX);
    bool ok = copy_options(c, options, err);
    if (!c->options.cloud)
        c->options.cloud = azure_cloud_find("public");
    ok = ok && find_authority(c, err);
    struct azure_search given = {.http = http,
                                 .options = &c->options,
                                 .authority = buf_text(&c->authority),
                                 .references = c,
                                 .refresh = &c->refresh};
    if (ok && chain_init(&c->chain, &given, err))
        return c;
    azure_credential_free(c);
    return NULL;
}

void azure_credential_free(struct azure_credential *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        azure_token_release(&c->tokens[i].token);
        mem_free(c->tokens[i].audience);
    }
    for (size_t i = 0; i < TEXTS; i++)
        mem_free(c->texts[i]);
    chain_release(&c->chain);
    secret_release(&c->refresh);
    buf_release(&c->authority);
    azure_credential_free(c->references);
    mem_free(c);
}

/* Tokens ------------------------------------------------------------------------------------------ */

static struct kept_token *find_kept(const struct azure_credential *c, const char *audience)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->tokens[i].audience, audience) == 0)
            return (struct kept_token *) (uintptr_t) &c->tokens[i];
    return NULL;
}

static struct kept_token *add_kept(struct azure_credential *c, const char *audience,
                                   struct error *err)
{
    if (c->count >= AZURE_AUDIENCES_MAX) {
        (void) error_set(err, ERROR_LIMIT, "tokens for more than %d services", AZURE_AUDIENCES_MAX);
        return NULL;
    }
    struct kept_token *kept = &c->tokens[c->count];
    *kept = (struct kept_token){.audience = mem_copy(audience, strlen(audience), err)};
    if (!kept->audience)
        return NULL;
    c->count++;
    return kept;
}

static struct moment moment_in(double seconds)
{
    if (seconds <= 0)
        return (struct moment){0};
    return (struct moment){clock_ns() + (uint64_t) (seconds * NANOSECONDS),
                           tick_now() + (int64_t) (seconds * (double) TICK_SECOND)};
}

static bool is_before(struct moment moment)
{
    return clock_ns() < moment.at && tick_now() < moment.at_o_clock;
}

static void set_renewal(struct kept_token *kept)
{
    double life = kept->token.life;
    double before = life * RENEW_SHARE < RENEW_BEFORE ? life * RENEW_SHARE : RENEW_BEFORE;
    kept->renew = moment_in(life - before);
    kept->ends = moment_in(life - ENDS_BEFORE);
    kept->refused = false;
}

static bool is_good(const struct kept_token *kept)
{
    return !kept->refused && is_before(kept->renew);
}

/* The authority or the network is in trouble, and says nothing about us. */
static bool is_passing(enum error_code code)
{
    return code == ERROR_NETWORK || code == ERROR_TIMEOUT || code == ERROR_SERVICE ||
           code == ERROR_THROTTLED;
}

static bool ask(struct azure_credential *c, struct kept_token *kept, bool quiet, struct error *err)
{
    struct error failure = ERROR_INIT;
    if (c->chain.asking)
        return error_set(err, ERROR_INTERNAL, "a token was asked for while one is being asked for");
    if (chain_ask(&c->chain, kept->audience, quiet, &kept->token, &failure)) {
        kept->number++;
        set_renewal(kept);
        return true;
    }
    /* It was to be replaced in good time: as long as it lasts, a passing trouble costs nothing. */
    if (!kept->refused && is_before(kept->ends) && is_passing(failure.code)) {
        kept->renew = moment_in(RENEW_AGAIN);
        return true;
    }
    return error_pass(err, &failure);
}

/* A good token for an audience; NULL: err. */
static struct kept_token *fresh(struct azure_credential *c, const char *audience, bool quiet,
                                struct error *err)
{
    struct kept_token *kept = find_kept(c, audience);
    if (!kept)
        kept = add_kept(c, audience, err);
    return kept && (is_good(kept) || ask(c, kept, quiet, err)) ? kept : NULL;
}

bool azure_credential_header(struct azure_credential *c, const char *audience, struct buf *header,
                             struct error *err)
{
    const struct kept_token *kept = fresh(c, audience, false, err);
    if (!kept)
        return false;
    buf_reset(header);
    (void) buf_reserve(header, AZURE_HEADER_MAX);
    buf_puts(header, "Authorization: Bearer ");
    buf_put_str(header, secret_str(&kept->token.text));
    return buf_ok(header, "a token", err);
}

static bool holds(struct str text, struct str part)
{
    return part.n > 0 && text.n >= part.n && memmem(text.p, text.n, part.p, part.n) != NULL;
}

bool azure_credential_within(const struct azure_credential *c, struct str text)
{
    for (size_t i = 0; i < c->count; i++) {
        struct str token = secret_str(&c->tokens[i].token.text);
        size_t n = token.n < QUOTED_MIN ? token.n : QUOTED_MIN;
        if (holds(text, (struct str){token.p, n}) ||
            holds(text, (struct str){token.p + token.n - n, n}))
            return true;
    }
    return false;
}

/* Secrets ----------------------------------------------------------------------------------------- */

/* Who may read a secret of Key Vault: while we are signing in, the rest of the chain. */
static struct azure_credential *reader(struct azure_credential *c, struct error *err)
{
    if (!c->chain.asking)
        return c;
    if (c->chain.second) {
        (void) error_set(err, ERROR_SETTINGS, "a secret of Key Vault is needed to read another");
        return NULL;
    }
    if (c->references)
        return c->references;
    struct azure_credential_options options = c->options;
    options.client_id = options.client_secret = options.certificate = NULL;
    options.certificate_password = options.federated_token_file = options.sign_in = NULL;
    c->references = azure_credential_new(c->http, &options, err);
    if (c->references)
        c->references->chain.second = true;
    return c->references;
}

bool azure_secret_read(struct azure_credential *c, const char *reference, struct secret *out,
                       struct error *err)
{
    bool ok = azure_secret_check(reference, err);
    if (ok && !str_starts(str_of(reference), STR(AZURE_VAULT_SCHEME))) {
        ok = azure_secret_local(reference, out, err);
    } else if (ok && !c) {
        ok = error_set(err, ERROR_SETTINGS, "Key Vault cannot be read without signing in");
    } else if (ok) {
        struct azure_credential *by = reader(c, err);
        ok = by && vault_read(c->http, by, c->options.cloud, reference, out, err);
    }
    if (!ok)
        secret_release(out);
    return ok;
}

/* Refusals ---------------------------------------------------------------------------------------- */

void azure_credential_refused(struct azure_credential *c, const char *audience)
{
    struct kept_token *kept = find_kept(c, audience);
    if (kept)
        kept->refused = true;
}

unsigned azure_credential_number(const struct azure_credential *c, const char *audience)
{
    const struct kept_token *kept = find_kept(c, audience);
    return kept ? kept->number : 0;
}

void azure_credential_refused_number(struct azure_credential *c, const char *audience,
                                     unsigned number)
{
    if (azure_credential_number(c, audience) == number)
        azure_credential_refused(c, audience);
}

/* Telling ----------------------------------------------------------------------------------------- */

bool azure_credential_explain(struct azure_credential *c, const char *audience,
                              void (*fn)(void *context, const struct azure_told *told),
                              void *context, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct azure_who who = {0};
    const struct kept_token *kept = fresh(c, audience, true, &failure);
    if (!kept && (failure.code == ERROR_MEMORY || failure.code == ERROR_INTERRUPTED ||
                  failure.code == ERROR_INTERNAL))
        return error_pass(err, &failure);
    if (kept)
        (void) claims_read(secret_str(&kept->token.text), &who);
    chain_tell(&c->chain, &who, fn, context);
    return true;
}

const char *azure_credential_identity(const struct azure_credential *c)
{
    return c->chain.identity.used > 0 ? buf_text(&c->chain.identity) : "nobody yet";
}

bool azure_credential_who(struct azure_credential *c, const char *audience, struct azure_who *out,
                          struct error *err)
{
    *out = (struct azure_who){0};
    const struct kept_token *kept = fresh(c, audience, false, err);
    if (kept) /* an opaque token says nothing, and that is no error */
        (void) claims_read(secret_str(&kept->token.text), out);
    return kept != NULL;
}
