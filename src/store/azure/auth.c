/* Key, signature or token: read when first needed, again when refused. See azure.h.
 *
 * A refusal comes in a call-back, where nobody can be asked. So it only notes that; operations wait, and the next call
 * of the store from outside reads the reference once more. A key that is still the same was refused rightly. One
 * that has changed was rotated: the operations go on with it.
 */
#include "store/azure/azure.h"

#include "base/memory.h"
#include "base/tick.h"
#include "store/azure/sas.h"

enum { ENDS_SOON = 60 };                       /* minutes */
static const uint64_t LOOK_AGAIN = 1000000000; /* nanoseconds between two looks at the token */

static bool same(const struct secret *a, const struct secret *b)
{
    return str_eq(str_trim(secret_str(a)), str_trim(secret_str(b)));
}

/* A signature that ends soon is told once. One that has ended is the service's to refuse: our clock may be wrong. */
static void note_end(struct az *az, const struct az_sas *sas)
{
    char at[TICK_TEXT_MAX], line[160];
    int64_t left = sas->end - tick_now();
    az->auth.sas_end = sas->end;
    if (az->auth.said_end || sas->end == 0 || left <= 0 || left > ENDS_SOON * TICK_MINUTE ||
        !az->note)
        return;
    az->auth.said_end = true;
    (void) tick_format_short(sas->end, at);
    (void) snprintf(line, sizeof line, "the shared access signature of the lake ends at %s UTC",
                    at);
    az->note(az->context, line);
}

static bool use_sas(struct az *az, const struct secret *secret, struct error *err)
{
    struct az_sas sas;
    struct str text = str_trim(secret_str(secret));
    if (!az_sas_parse(text, &sas, err))
        return false;
    if (text.n > 0 && text.p[0] == '?')
        text = (struct str){text.p + 1, text.n - 1};
    if (!secret_set(&az->auth.sas, text, err))
        return false;
    note_end(az, &sas);
    return true;
}

/* Reads the reference and takes what it says. */
static bool read_secret(struct az *az, struct error *err)
{
    struct az_auth *auth = &az->auth;
    struct secret read = SECRET_INIT;
    const char *reference = auth->key_reference ? auth->key_reference : auth->sas_reference;
    bool ok = azure_secret_read(az->credential, reference, &read, err);
    if (ok && auth->refused && same(&read, &auth->known)) {
        secret_release(&read);
        return error_pass(err, &auth->refusal);
    }
    ok = ok && (auth->key_reference ? az_signer_set(&auth->signer, str_trim(secret_str(&read)), err)
                                    : use_sas(az, &read, err));
    ok = ok && secret_set(&auth->known, secret_str(&read), err);
    secret_release(&read);
    return ok;
}

static bool read_token(struct az *az, struct error *err)
{
    struct az_auth *auth = &az->auth;
    if (auth->header.block == NULL && !secret_init(&auth->header, AZURE_HEADER_MAX, err))
        return false;
    if (auth->refused)
        azure_credential_refused_number(az->credential, az->audience, auth->token);
    if (!azure_credential_header(az->credential, az->audience, secret_buf(&auth->header), err))
        return false;
    auth->token = azure_credential_number(az->credential, az->audience);
    return true;
}

bool az_auth_ready(struct az *az, struct error *err)
{
    struct az_auth *auth = &az->auth;
    bool tokens = !auth->key_reference && !auth->sas_reference;
    uint64_t now = clock_ns();
    if (auth->ready && !auth->refused && (!tokens || now - auth->looked < LOOK_AGAIN))
        return true;
    unsigned before = auth->token;
    if (!(tokens ? read_token(az, err) : read_secret(az, err))) {
        auth->ready = false;
        return false;
    }
    auth->looked = now;
    if (!tokens || before != auth->token || auth->refused || !auth->ready)
        auth->number++;
    auth->ready = true;
    auth->refused = false;
    return true;
}

void az_auth_refused(struct az *az, unsigned number, const struct error *why)
{
    if (number != az->auth.number)
        return;
    az->auth.refused = true;
    az->auth.refusal = *why;
    if (az->engine.test)
        http_wake(az->http);
}

void az_auth_release(struct az *az)
{
    az_signer_release(&az->auth.signer);
    secret_release(&az->auth.sas);
    secret_release(&az->auth.header);
    secret_release(&az->auth.known);
    mem_free(az->auth.key_reference);
    mem_free(az->auth.sas_reference);
}
