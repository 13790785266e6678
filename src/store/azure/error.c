/* Meanings and texts of answers; see error.h. */
#include "store/azure/error.h"

#include "base/tick.h"
#include "store/azure/azure.h"

#include <stdio.h>

enum {
    MESSAGE_SHOWN = 300, /* bytes of what the service says */
    SKEW_TOLD = 5        /* minutes; the service takes 15 */
};

struct str az_error_element(struct str body, const char *name)
{
    char open[40], close[42];
    int n = snprintf(open, sizeof open, "<%s>", name);
    (void) snprintf(close, sizeof close, "</%s>", name);
    const char *from = body.n > 0 ? memmem(body.p, body.n, open, (size_t) n) : NULL;
    if (!from)
        return STR("");
    from += n;
    size_t left = body.n - (size_t) (from - body.p);
    const char *to = left > 0 ? memmem(from, left, close, (size_t) n + 1) : NULL;
    return to ? (struct str){from, (size_t) (to - from)} : STR("");
}

static bool is(struct str code, const char *name)
{
    return str_eq(code, str_of(name));
}

bool az_says_taken(const struct az_answer *answer)
{
    bool lease = str_starts(answer->code, STR("Lease"));
    return (answer->status == 412 && !lease) ||
           (answer->status == 409 &&
            (is(answer->code, "BlobAlreadyExists") || is(answer->code, "InvalidBlobType") ||
             is(answer->code, "ResourceAlreadyExists") || is(answer->code, "PathAlreadyExists") ||
             az_says_immutable(answer)));
}

bool az_says_missing(const struct az_answer *answer)
{
    return answer->status == 404;
}

bool az_says_immutable(const struct az_answer *answer)
{
    return answer->status == 409 && (is(answer->code, "BlobImmutableDueToPolicy") ||
                                     is(answer->code, "BlobImmutableDueToLegalHold"));
}

/* The service's clock counts for what ends, where the answer tells it. */
static bool sas_over(const struct az *az, const struct http_response *response)
{
    int64_t now;
    if ((response->status != 401 && response->status != 403) || !az->auth.sas_reference ||
        az->auth.sas_end == 0)
        return false;
    if (!az_date_parse(http_header(response, "Date"), &now))
        now = tick_now();
    return az->auth.sas_end <= now;
}

enum refusal {
    REFUSAL_NONE,  /* of something else than how we are known */
    REFUSAL_PLAIN, /* key, signature or token are not taken */
    REFUSAL_MAYBE  /* that, or the network: a HEAD has no body that says more */
};

/* AuthorizationFailure is the network; an emulator says it of a signature that is wrong. */
static enum refusal refusal_of(const struct az *az, const struct http_response *response,
                               struct str code)
{
    static const char wrong[] = "failed to authenticate";
    if (response->status == 401 || is(code, "AuthenticationFailed") ||
        is(code, "InvalidAuthenticationInfo") || sas_over(az, response))
        return REFUSAL_PLAIN;
    if (response->status != 403 || !is(code, "AuthorizationFailure"))
        return REFUSAL_NONE;
    if (response->body.n > 0)
        return memmem(response->body.p, response->body.n, wrong, sizeof wrong - 1) ? REFUSAL_PLAIN
                                                                                   : REFUSAL_NONE;
    return az->address.path_style ? REFUSAL_MAYBE : REFUSAL_NONE;
}

static enum az_meaning meaning_of(const struct az *az, const struct http_response *response,
                                  struct str code)
{
    int status = response->status;
    if (status == 503 || status == 429 || (status == 500 && is(code, "OperationTimedOut")))
        return AZ_PATIENCE;
    if (status == 408 || status == 500 || status == 502 || status == 504 ||
        is(code, "ContainerBeingDeleted") || is(code, "Md5Mismatch"))
        return AZ_PASSES;
    if (refusal_of(az, response, code) != REFUSAL_NONE)
        return AZ_REFUSED;
    if (status == 404 && is(code, "ContainerNotFound"))
        return AZ_NO_CONTAINER;
    return AZ_DEFINITE;
}

/* --- hints --- */

#define NETWORK_RULES                                                                              \
    "the account's network rules refuse this machine: allow its address under Networking of the "  \
    "storage account, or run where that is allowed"

static const struct {
    const char *code, *hint;
} hints[] = {
    {"KeyBasedAuthenticationNotPermitted",
     "Shared Key is disabled on this account. Leave storage-key out and sign in with the role "
     "Storage Blob Data "
     "Contributor, or use a user delegation SAS"},
    {"AuthorizationFailure", NETWORK_RULES ". It is not a role that is missing"},
    {"AuthorizationSourceIPMismatch",
     "the shared access signature is for other addresses (sip) than this machine's"},
    {"AuthorizationProtocolMismatch", "the shared access signature is for https:// only (spr)"},
    {"AuthorizationServiceMismatch",
     "the shared access signature is not for the Blob service (ss)"},
    {"AuthorizationResourceTypeMismatch",
     "the shared access signature needs srt=sco to serve a whole account"},
    {"AccountIsDisabled", "the storage account is disabled: see the subscription's state in the "
                          "portal, a bill may be open"},
    {"InsufficientAccountPermissions",
     "the account itself is not allowed to write: see the portal"},
    {"NoAuthenticationInformation",
     "the service did not see who asks: does a proxy remove headers?"},
    {"BlobArchived", "the blob is in the archive tier. Bring it back first, which takes hours: az "
                     "storage blob set-tier --tier hot"},
    {"BlobBeingRehydrated",
     "the blob is on its way back from the archive tier: try again in some hours"},
    {"BlobImmutableDueToPolicy", "the container has an immutability policy: what is there can be "
                                 "neither replaced nor deleted before it ends"},
    {"BlobImmutableDueToLegalHold",
     "the container has a legal hold: what is there stays until it is lifted"},
    {"LeaseIdMissing",
     "somebody holds a lease on it. When that is nobody alive: az storage blob lease break"},
    {"LeaseAlreadyPresent", "somebody holds a lease on it"},
    {"SnapshotsPresent", "it has snapshots, which weir did not make: delete those first"},
    {"ContainerBeingDeleted",
     "the container was deleted a moment ago: its name is free after a minute"},
    {"ContainerDisabled", "an administrator has disabled the container"},
    {"InvalidResourceName",
     "a container's name has 3 to 63 small letters, digits and single dashes between them"},
    {"BlobNotFound", "where it was deleted by mistake and the account keeps deleted blobs: az "
                     "storage blob undelete"},
    {"AccessTierNotSupportedForBlobType", "this account knows no tiers: leave tier out"},
    {"BlobAccessTierNotSupportedForAccountType", "this account knows no such tier: leave tier out"},
    {"InvalidBlobTier", "this account knows no such tier: leave tier out"},
};

static void hint_role(const struct az *az, struct error *err)
{
    if (az->auth.sas_reference)
        (void) error_hint(err, "the shared access signature does not allow this (sp)");
    else
        (void) error_hint(
            err,
            "the identity needs the role Storage Blob Data Contributor (Storage Blob Data "
            "Reader where it only reads) on storage account %s%s%s; a new role is seen after "
            "some minutes. Owner and Contributor do not include it",
            az->address.account, az->address.container[0] ? " or its container " : "",
            az->address.container);
}

/* By how far our clock is off, from the service's Date. */
static bool hint_skew(const struct http_response *response, struct error *err)
{
    int64_t theirs;
    char text[TEXT_NUMBER_MAX];
    if (!az_date_parse(http_header(response, "Date"), &theirs))
        return false;
    int64_t ahead = tick_now() - theirs;
    if (ahead < SKEW_TOLD * TICK_MINUTE && ahead > -SKEW_TOLD * TICK_MINUTE)
        return false;
    (void) text_duration((double) (ahead < 0 ? -ahead : ahead) / (double) TICK_SECOND, text);
    (void) error_hint(
        err,
        "the clock of this machine is %s %s the service's: set it (the service takes 15 min "
        "at most)",
        text, ahead < 0 ? "behind" : "ahead of");
    return true;
}

static void hint_refused(const struct az *az, const struct http_response *response, bool maybe,
                         struct error *err)
{
    const char *other = maybe ? ". Or " NETWORK_RULES : "";
    if (sas_over(az, response)) {
        (void) error_hint(err, "make a new one and put it where %s points: it is read again",
                          az->auth.sas_reference);
        return;
    }
    if (hint_skew(response, err))
        return;
    if (az->auth.key_reference)
        (void) error_hint(
            err,
            "the key is not one of account %s: see `az storage account keys list`. It was read "
            "from %s%s",
            az->address.account, az->auth.key_reference, other);
    else if (az->auth.sas_reference) {
        struct str detail = az_error_element(response->body, "AuthenticationErrorDetail");
        bool frame = str_starts(detail, STR("Signature not valid in the specified time frame"));
        (void) error_hint(err, "the shared access signature from %s is not taken%s%.*s%s",
                          az->auth.sas_reference, frame ? ": " : "",
                          frame ? (int) (detail.n < MESSAGE_SHOWN ? detail.n : MESSAGE_SHOWN) : 0,
                          frame ? detail.p : "", other);
    } else
        (void) error_hint(
            err, "is the token of the tenant that the storage account is in? It is not taken%s",
            other);
}

static void add_hint(const struct az *az, const struct http_response *response, struct str code,
                     struct error *err)
{
    enum refusal refusal = refusal_of(az, response, code);
    if (refusal != REFUSAL_NONE) {
        hint_refused(az, response, refusal == REFUSAL_MAYBE, err);
        return;
    }
    if (is(code, "AuthorizationPermissionMismatch")) {
        hint_role(az, err);
        return;
    }
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (is(code, hints[i].code))
            (void) error_hint(err, "%s", hints[i].hint);
}

/* --- texts --- */

static enum error_code code_of(const struct http_response *response, struct str code)
{
    if (response->status == 409 &&
        (is(code, "BlobAlreadyExists") || is(code, "BlobImmutableDueToPolicy")))
        return ERROR_EXISTS;
    if (str_starts(code, STR("Lease")))
        return ERROR_LOCKED;
    if (response->status == 412)
        return ERROR_EXISTS;
    return response->error->code;
}

/* "the shared access signature ended at 2026-11-22 02:00 UTC: ", or nothing. */
static const char *ended_text(const struct az *az, const struct http_response *response,
                              char text[TICK_TEXT_MAX + 64])
{
    char at[TICK_TEXT_MAX];
    text[0] = '\0';
    if (!sas_over(az, response))
        return text;
    (void) tick_format_short(az->auth.sas_end, at);
    (void) snprintf(text, TICK_TEXT_MAX + 64, "the shared access signature ended at %s UTC: ", at);
    return text;
}

/* "cannot write am-x/… in lake https://…: Code (409): what the service says" */
static void tell(const struct az *az, const struct az_op *op, const struct http_response *response,
                 struct az_answer *out)
{
    struct str message = az_error_element(response->body, "Message");
    size_t line = 0;
    while (line < message.n && message.p[line] != '\n' && message.p[line] != '\r' &&
           line < MESSAGE_SHOWN)
        line++;
    const char *name = op->name ? op->name : "";
    char ended[TICK_TEXT_MAX + 64];
    (void) error_set(&out->error, code_of(response, out->code),
                     "cannot %s %s%sin lake %s: %s%.*s%s(status %d)%s%.*s", op->doing, name,
                     name[0] ? " " : "", az->base.address, ended_text(az, response, ended),
                     (int) (out->code.n < 80 ? out->code.n : 80), out->code.p,
                     out->code.n > 0 ? " " : "", response->status, line > 0 ? ": " : "", (int) line,
                     message.p);
    add_hint(az, response, out->code, &out->error);
}

/* No answer, or one that is not the service's. */
static void tell_wire(const struct az *az, const struct az_op *op,
                      const struct http_response *response, struct az_answer *out)
{
    out->error = *response->error;
    if (op->name && op->name[0])
        (void) error_prefix(&out->error, "cannot %s %s", op->doing, op->name);
    if (response->no_host)
        (void) error_hint(
            &out->error,
            "is '%s' the account's name? An account with a private endpoint has an address only "
            "inside its own network: run there, or let this machine's DNS know the zone "
            "privatelink.blob...",
            az->address.account);
}

enum az_meaning az_answer_read(const struct az *az, const struct az_op *op,
                               const struct http_response *response, struct az_answer *out)
{
    enum error_code code = response->error->code;
    *out = (struct az_answer){.status = response->status, .response = response};
    if (code == ERROR_NONE && str_ends(response->headers, STR("\r\n\r\n")))
        return AZ_GOOD;
    if (code == ERROR_NONE) {
        /* HEAD has no body by whose end a cut is seen, and what is missing here would change its meaning. */
        (void) error_set(&out->error, ERROR_NETWORK, "cannot %s %s: the answer's headers were cut",
                         op->doing, op->name);
        out->status = 0;
        return AZ_PASSES;
    }
    out->code = http_header(response, "x-ms-error-code"); /* HEAD has no body */
    if (out->code.n == 0)
        out->code = az_error_element(response->body, "Code");
    bool good = response->status >= 200 && response->status < 300;
    bool wire = response->status == 0 || good || !response->whole;
    if (wire || (response->status >= 300 && response->status < 400 && response->status != 304) ||
        response->status == 407) {
        tell_wire(az, op, response, out);
        out->status = good || response->status == 0 ? 0 : response->status;
        return wire && (code == ERROR_NETWORK || code == ERROR_TIMEOUT) ? AZ_PASSES : AZ_DEFINITE;
    }
    tell(az, op, response, out);
    return meaning_of(az, response, out->code);
}
