/* Assertions: see assertion.h. */
#include "azure/assertion.h"

#include "azure/certificate.h"
#include "base/random.h"
#include "base/tick.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
    PART_MAX = 4096,      /* bytes of the header or the claims */
    SIGNATURE_MAX = 2048, /* bytes: RSA keys of 16384 bits */
    LIFE = 600,           /* seconds */
    BEFORE = 60,          /* seconds by which our clock may be ahead of Entra's */
    THUMBPRINT = 32       /* bytes of SHA-256 */
};

static void put_base64url(struct buf *out, const void *bytes, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = bytes;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | p[i];
        for (count += 8; count >= 6; count -= 6)
            buf_putc(out, letters[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        buf_putc(out, letters[bits << (6 - count) & 63]);
}

static void put_part(struct buf *out, const struct buf *part)
{
    if (part->failed)
        out->failed = true;
    put_base64url(out, buf_text(part), part->used);
}

static bool put_header(struct buf *out, const X509 *certificate, struct error *err)
{
    unsigned char print[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    struct buf part = BUF_INIT(PART_MAX);
    if (X509_digest(certificate, EVP_sha256(), print, &n) != 1 || n != THUMBPRINT)
        return error_set(err, ERROR_INTERNAL, "a certificate has no thumbprint");
    buf_puts(&part, "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"");
    put_base64url(&part, print, n);
    buf_puts(&part, "\"}");
    put_part(out, &part);
    buf_release(&part);
    return true;
}

static bool put_claims(struct buf *out, const char *client_id, const char *audience,
                       struct error *err)
{
    char id[GUID_TEXT];
    struct buf part = BUF_INIT(PART_MAX);
    long long now = (long long) ((tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND);
    if (!random_guid(id, err))
        return false;
    buf_puts(&part, "{\"aud\":\"");
    text_put_json(&part, str_of(audience));
    buf_puts(&part, "\",\"iss\":\"");
    text_put_json(&part, str_of(client_id));
    buf_puts(&part, "\",\"sub\":\"");
    text_put_json(&part, str_of(client_id));
    buf_printf(&part, "\",\"jti\":\"%s\",\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}", id, now - BEFORE,
               now, now + LIFE);
    put_part(out, &part);
    buf_release(&part);
    return true;
}

static bool sign(EVP_PKEY *key, struct str text, unsigned char *out, size_t *n, struct error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    bool ok = context && EVP_DigestSignInit(context, &padding, EVP_sha256(), NULL, key) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1 &&
              EVP_DigestSign(context, out, n, (const unsigned char *) text.p, text.n) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok || error_set(err, ERROR_SETTINGS, "the private key of the certificate cannot sign");
}

bool azure_assertion(const char *name, struct str material, const struct secret *password,
                     const char *client_id, const char *audience, struct secret *out,
                     struct error *err)
{
    struct certificate proof = {0};
    unsigned char signature[SIGNATURE_MAX];
    size_t n = sizeof signature;
    bool ok = secret_init(out, AZURE_ASSERTION_MAX, err) &&
              certificate_read(name, material, password, &proof, err);
    struct buf *text = secret_buf(out);
    ok = ok && put_header(text, proof.certificate, err);
    if (ok)
        buf_putc(text, '.');
    ok = ok && put_claims(text, client_id, audience, err) && buf_ok(text, "an assertion", err) &&
         sign(proof.key, buf_str(text), signature, &n, err);
    if (ok) {
        buf_putc(text, '.');
        put_base64url(text, signature, n);
        ok = buf_ok(text, "an assertion", err);
    }
    certificate_release(&proof);
    return ok;
}
