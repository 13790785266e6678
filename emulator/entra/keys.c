/* Keys: what the client signs in with beside its secret. */

#include "emulator/entra/keys.h"

#include "base/memory.h"
#include "emulator/tls.h"
#include "emulator/tokens.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>

enum { FEDERATED_LIFE = 24 * 60 * 60, CLAIMS_MAX = 1024, THUMBPRINT_MAX = 64 };

struct keys {
    EVP_PKEY *key;
    X509 *certificate;
};

struct keys *keys_new(struct error *err)
{
    struct keys *keys = mem_alloc(1, sizeof *keys, err);
    if (!keys)
        return NULL;
    keys->key = EVP_RSA_gen(2048);
    keys->certificate = keys->key ? tls_self_signed(keys->key, "weir-emulator client") : NULL;
    if (keys->certificate)
        return keys;
    error_set(err, ERROR_INTERNAL, "no certificate could be made for the client");
    keys_free(keys);
    return NULL;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    X509_free(keys->certificate);
    EVP_PKEY_free(keys->key);
    mem_free(keys);
}

bool keys_put_certificate(const struct keys *keys, struct buf *out, struct error *err)
{
    return (tls_put_key(keys->key, out) && tls_put_certificate(keys->certificate, out)) ||
           error_set(err, ERROR_INTERNAL, "the client's certificate cannot be written");
}

/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3). */
static bool put_signature(const struct keys *keys, struct str text, struct buf *out)
{
    unsigned char signature[1024];
    size_t n = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, keys->key) == 1 &&
                EVP_DigestSign(context, signature, &n, (const unsigned char *) text.p, text.n) == 1;
    EVP_MD_CTX_free(context);
    if (done)
        tokens_put_base64url(out, signature, n);
    return done;
}

bool keys_put_federated(const struct keys *keys, int64_t now, struct buf *out, struct error *err)
{
    static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"weir-emulator\"}";
    char claims[CLAIMS_MAX];
    int n = snprintf(claims, sizeof claims,
                     "{\"iss\":\"" KEYS_ISSUER "\",\"sub\":\"" KEYS_SUBJECT
                     "\",\"aud\":[\"" KEYS_AUDIENCE "\"],\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld}",
                     (long long) now, (long long) now, (long long) now + FEDERATED_LIFE);
    size_t start = out->used;
    tokens_put_base64url(out, header, sizeof header - 1);
    buf_putc(out, '.');
    tokens_put_base64url(out, claims, n > 0 ? (size_t) n : 0);
    if (!buf_ok(out, "the federated token", err))
        return false;
    struct buf signature = BUF_INIT(TOKEN_MAX);
    bool done =
        put_signature(keys, (struct str){out->bytes + start, out->used - start}, &signature);
    buf_putc(out, '.');
    buf_put_str(out, buf_str(&signature));
    buf_release(&signature);
    if (!done)
        return error_set(err, ERROR_INTERNAL, "the federated token could not be signed");
    return buf_ok(out, "the federated token", err);
}

bool keys_is_thumbprint(const struct keys *keys, struct str x5t, bool sha256)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf text = BUF_INIT(THUMBPRINT_MAX);
    if (X509_digest(keys->certificate, sha256 ? EVP_sha256() : EVP_sha1(), digest, &n))
        tokens_put_base64url(&text, digest, n);
    /* Some clients keep the padding. */
    while (x5t.n > 0 && x5t.p[x5t.n - 1] == '=')
        x5t.n--;
    bool same = text.used > 0 && !text.failed && str_eq(buf_str(&text), x5t);
    buf_release(&text);
    return same;
}

bool keys_verify(const struct keys *keys, bool pss, struct str text, struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL; /* the context's */
    bool good =
        context && EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, keys->key) == 1 &&
        (!pss || (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
        EVP_DigestVerify(context, (const unsigned char *) signature.p, signature.n,
                         (const unsigned char *) text.p, text.n) == 1;
    EVP_MD_CTX_free(context);
    return good;
}
