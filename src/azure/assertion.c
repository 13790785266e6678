/* Assertions: see assertion.h. */
#include "azure/assertion.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/tick.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
    PART_MAX = 4096,       /* bytes of the header or the claims */
    SIGNATURE_MAX = 2048,  /* bytes: RSA keys of 16384 bits */
    LIFE = 600,            /* seconds */
    BEFORE = 60,           /* seconds by which our clock may be ahead of Entra's */
    CERTIFICATES_MAX = 32, /* in one text */
    THUMBPRINT = 32        /* bytes of SHA-256 */
};

struct proof {
    EVP_PKEY *key;
    X509 *certificate;
};

static void release(struct proof *proof)
{
    EVP_PKEY_free(proof->key);
    X509_free(proof->certificate);
    *proof = (struct proof){0};
}

/* Reading ----------------------------------------------------------------------------------------- */

struct asked {
    const struct secret *password;
    bool asked; /* the key is encrypted */
};

static int give_password(char *to, int room, int writing, void *context)
{
    struct asked *asked = context;
    struct str s = asked->password ? secret_str(asked->password) : STR("");
    (void) writing;
    asked->asked = true;
    if (s.n == 0 || room < 0 || s.n > (size_t) room)
        return -1;
    memcpy(to, s.p, s.n);
    return (int) s.n;
}

static bool read_key(const char *name, BIO *bio, const struct secret *password, EVP_PKEY **out,
                     struct error *err)
{
    struct asked asked = {.password = password};
    *out = PEM_read_bio_PrivateKey(bio, NULL, give_password, &asked);
    if (*out && EVP_PKEY_is_a(*out, "RSA"))
        return true;
    if (*out)
        return error_set(err, ERROR_SETTINGS, "the private key in %s is not an RSA key", name);
    if (!asked.asked)
        return error_set(err, ERROR_SETTINGS, "there is no private key as PEM in %s", name);
    if (password && secret_str(password).n > 0)
        return error_set(err, ERROR_SETTINGS,
                         "the password given does not open the private key in %s", name);
    (void) error_set(err, ERROR_SETTINGS,
                     "the private key in %s is encrypted, and no password is given", name);
    return error_hint(err,
                      "refer to its password (certificate_password, or the variable "
                      "AZURE_CLIENT_CERTIFICATE_PASSWORD), or keep the key unencrypted in a file "
                      "of mode 0600");
}

/* The certificate of that key: others of its chain may stand before it. */
static bool read_certificate(const char *name, BIO *bio, EVP_PKEY *key, X509 **out,
                             struct error *err)
{
    size_t seen = 0;
    for (; seen < CERTIFICATES_MAX; seen++) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!certificate)
            break;
        if (X509_check_private_key(certificate, key) == 1) {
            *out = certificate;
            return true;
        }
        X509_free(certificate);
    }
    return error_set(err, ERROR_SETTINGS,
                     seen == 0 ? "there is no certificate as PEM in %s"
                               : "no certificate in %s belongs to the private key there",
                     name);
}

static bool check_time(const char *name, const X509 *certificate, struct error *err)
{
    struct tm end;
    const ASN1_TIME *until = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(until) > 0 || ASN1_TIME_to_tm(until, &end) != 1)
        return true;
    return error_set(err, ERROR_AUTH,
                     "sign-in failed: the certificate in %s has expired on %04d-%02d-%02d", name,
                     end.tm_year + 1900, end.tm_mon + 1, end.tm_mday);
}

static bool read_proof(const char *name, struct str pem, const struct secret *password,
                       struct proof *out, struct error *err)
{
    if (pem.n > INT_MAX)
        return error_set(err, ERROR_LIMIT, "%s is too long", name);
    BIO *for_key = BIO_new_mem_buf(pem.p, (int) pem.n);
    BIO *for_certificate = BIO_new_mem_buf(pem.p, (int) pem.n);
    bool ok = for_key && for_certificate;
    if (!ok)
        (void) error_set(err, ERROR_MEMORY, "no memory for a certificate");
    ok = ok && read_key(name, for_key, password, &out->key, err) &&
         read_certificate(name, for_certificate, out->key, &out->certificate, err) &&
         check_time(name, out->certificate, err);
    (void) BIO_free(for_key);
    (void) BIO_free(for_certificate);
    ERR_clear_error();
    return ok;
}

/* Writing ----------------------------------------------------------------------------------------- */

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

bool azure_assertion(const char *name, struct str pem, const struct secret *password,
                     const char *client_id, const char *audience, struct secret *out,
                     struct error *err)
{
    struct proof proof = {0};
    unsigned char signature[SIGNATURE_MAX];
    size_t n = sizeof signature;
    bool ok =
        secret_init(out, AZURE_ASSERTION_MAX, err) && read_proof(name, pem, password, &proof, err);
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
    release(&proof);
    return ok;
}
