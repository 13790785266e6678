/* Credentials: one grant, and a token for each audience until it is nearly old. */
#include "azure/credential.h"

#include "azure/claims.h"
#include "azure/sources.h"
#include "base/memory.h"
#include "base/tick.h"

static const double RENEW_BEFORE = 300.0; /* seconds before a token's end */
static const double RENEW_SHARE = 0.1;    /* of its life, where that is less */
static const double NANOSECONDS = 1e9;

struct kept_token {
    char *audience;
    struct azure_token token;
    uint64_t renew_at;        /* clock_ns; 0: now */
    int64_t renew_at_o_clock; /* the same by the wall clock, in ticks */
};

struct azure_credential {
    struct http_client *http;                /* lent */
    struct azure_credential_options options; /* texts owned */
    char *texts[4];
    struct azure_grant grant; /* source NULL: not looked for yet */
    struct kept_token tokens[AZURE_AUDIENCES_MAX];
    size_t count;
    struct buf identity;
};

enum { IDENTITY_MAX = 1024, TRIED_MAX = ERROR_HINT_MAX };

static bool keep_text(struct azure_credential *c, size_t i, const char *text, const char **out,
                      struct error *err)
{
    if (!text)
        return true;
    c->texts[i] = mem_copy(text, strlen(text), err);
    *out = c->texts[i];
    return c->texts[i] != NULL;
}

struct azure_credential *azure_credential_new(struct http_client *http,
                                              const struct azure_credential_options *options,
                                              struct error *err)
{
    if (options->client_secret && !azure_secret_check(options->client_secret, err))
        return NULL;
    struct azure_credential *c = mem_alloc(1, sizeof *c, err);
    if (!c)
        return NULL;
    c->http = http;
    buf_init(&c->identity, IDENTITY_MAX);
    if (keep_text(c, 0, options->tenant, &c->options.tenant, err) &&
        keep_text(c, 1, options->client_id, &c->options.client_id, err) &&
        keep_text(c, 2, options->client_secret, &c->options.client_secret, err) &&
        keep_text(c, 3, options->authority, &c->options.authority, err))
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
    for (size_t i = 0; i < 4; i++)
        mem_free(c->texts[i]);
    azure_grant_release(&c->grant);
    buf_release(&c->identity);
    mem_free(c);
}

/* Finding ---------------------------------------------------------------------------------------- */

static void put_tried(struct buf *tried, const char *name, const char *why)
{
    buf_printf(tried, "\n  %-12s  %s", name, why);
}

static bool nothing_found(const struct buf *tried, struct error *err)
{
    (void) error_set(err, ERROR_AUTH, "sign-in failed: no credential is set up");
    return error_hint(
        err,
        "tried in this order:%s\n"
        "give tenant, client_id and client_secret in weir.yaml, or set AZURE_TENANT_ID, "
        "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
        buf_text(tried));
}

/* The first source that has what it needs; *tried says what those before it lacked. */
static bool find(struct azure_credential *c, struct buf *tried, struct error *err)
{
    for (size_t i = 0; i < azure_source_count && !c->grant.source; i++) {
        const struct azure_source *source = &azure_sources[i];
        struct buf why = BUF_INIT(TRIED_MAX);
        struct error failure = ERROR_INIT;
        if (source->find(&c->options, &c->grant, &why, &failure)) {
            c->grant.source = source;
        } else {
            azure_grant_release(&c->grant);
            put_tried(tried, source->name, buf_text(&why));
        }
        buf_release(&why);
        if (failure.code != ERROR_NONE) {
            *err = failure;
            return false;
        }
    }
    if (!c->grant.source)
        return nothing_found(tried, err);
    buf_reset(&c->identity);
    buf_printf(&c->identity, "application %s of tenant %s", c->grant.client_id, c->grant.tenant);
    return buf_ok(&c->identity, "an identity", err);
}

/* Tokens ----------------------------------------------------------------------------------------- */

static struct kept_token *find_kept(struct azure_credential *c, const char *audience)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->tokens[i].audience, audience) == 0)
            return &c->tokens[i];
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
    if (kept->audience && azure_token_init(&kept->token, err)) {
        c->count++;
        return kept;
    }
    mem_free(kept->audience);
    azure_token_release(&kept->token);
    return NULL;
}

/* By both clocks: the one stands still while the machine sleeps, the other may be set back. */
static void set_renewal(struct kept_token *kept)
{
    double life = kept->token.life;
    double before = life * RENEW_SHARE < RENEW_BEFORE ? life * RENEW_SHARE : RENEW_BEFORE;
    double use = life - before;
    kept->renew_at = use > 0 ? clock_ns() + (uint64_t) (use * NANOSECONDS) : 0;
    kept->renew_at_o_clock = use > 0 ? tick_now() + (int64_t) (use * (double) TICK_SECOND) : 0;
}

static bool is_good(const struct kept_token *kept)
{
    return clock_ns() < kept->renew_at && tick_now() < kept->renew_at_o_clock;
}

static bool ask(struct azure_credential *c, struct kept_token *kept, struct error *err)
{
    struct buf tried = BUF_INIT(TRIED_MAX);
    struct error failure = ERROR_INIT;
    bool ok = c->grant.source || find(c, &tried, &failure);
    const struct azure_source *source = c->grant.source;
    ok = ok && source && source->ask(c->http, &c->grant, kept->audience, &kept->token, &failure);
    if (!ok && source && failure.code == ERROR_AUTH) {
        put_tried(&tried, source->name, buf_text(&c->identity));
        (void) error_hint(&failure, "tried in this order:%s", buf_text(&tried));
    }
    if (ok)
        set_renewal(kept);
    else
        (void) error_pass(err, &failure);
    buf_release(&tried);
    return ok;
}

/* A good token for an audience; NULL: err. */
static struct kept_token *fresh(struct azure_credential *c, const char *audience, struct error *err)
{
    struct kept_token *kept = find_kept(c, audience);
    if (!kept)
        kept = add_kept(c, audience, err);
    return kept && (is_good(kept) || ask(c, kept, err)) ? kept : NULL;
}

bool azure_credential_header(struct azure_credential *c, const char *audience, struct buf *header,
                             struct error *err)
{
    const struct kept_token *kept = fresh(c, audience, err);
    if (!kept)
        return false;
    buf_reset(header);
    (void) buf_reserve(header, AZURE_HEADER_MAX);
    buf_puts(header, "Authorization: Bearer ");
    buf_put_str(header, buf_str(&kept->token.text));
    return buf_ok(header, "a token", err);
}

void azure_credential_refused(struct azure_credential *c, const char *audience)
{
    struct kept_token *kept = find_kept(c, audience);
    if (kept)
        kept->renew_at = 0;
}

unsigned azure_credential_number(const struct azure_credential *c, const char *audience)
{
    (void) c;
    (void) audience;
    return 0;
}

void azure_credential_refused_number(struct azure_credential *c, const char *audience,
                                     unsigned number)
{
    (void) number;
    azure_credential_refused(c, audience);
}

bool azure_credential_explain(struct azure_credential *c, const char *audience,
                              void (*fn)(void *context, const struct azure_told *told),
                              void *context, struct error *err)
{
    (void) c;
    (void) audience;
    (void) fn;
    (void) context;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

const char *azure_credential_identity(const struct azure_credential *c)
{
    return c->identity.used > 0 ? buf_text(&c->identity) : "nobody yet";
}

bool azure_credential_who(struct azure_credential *c, const char *audience, struct azure_who *out,
                          struct error *err)
{
    *out = (struct azure_who){0};
    const struct kept_token *kept = fresh(c, audience, err);
    if (kept) /* an opaque token says nothing, and that is no error */
        (void) claims_read(buf_str(&kept->token.text), out);
    return kept != NULL;
}
