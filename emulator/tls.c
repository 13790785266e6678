/* TLS: a certificate authority of the emulator's own and a server certificate that it signed. */

#include "emulator/tls.h"

#include "base/memory.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { PEM_MAX = 16384, SERIAL_SIZE = 16, NAMES_MAX = 256, DAY = 24 * 60 * 60, DAYS_GOOD = 365 };

struct extension {
    int nid;
    const char *value;
};

static const struct extension authority_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {NID_undef, NULL},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid"},
    {NID_undef, NULL},
};

static const struct extension client_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "clientAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_undef, NULL},
};

/* Clients tell certificates of one issuer apart by the serial: each run's is another. */
static bool set_serial(X509 *x509)
{
    unsigned char bytes[SERIAL_SIZE];
    if (!random_secret(bytes, sizeof bytes, NULL))
        return false;
    bytes[0] = (unsigned char) ((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return done;
}

static bool set_name(X509_NAME *name, const char *common)
{
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                      (const unsigned char *) "weir-emulator", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *) common, -1,
                                      -1, 0);
}

static bool add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static bool add_extensions(X509 *x509, X509 *issuer, const struct extension *list)
{
    for (; list->value; list++) {
        if (!add_extension(x509, issuer, list->nid, list->value))
            return false;
    }
    return true;
}

/* A certificate for `key`, signed with issuer_key; issuer NULL: by itself. */
static X509 *make_certificate(EVP_PKEY *key, const char *common, const struct extension *extensions,
                              const char *names, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *x509 = X509_new();
    if (!x509)
        return NULL;
    X509 *by = issuer ? issuer : x509;
    bool done = X509_set_version(x509, X509_VERSION_3) && set_serial(x509) &&
                X509_gmtime_adj(X509_getm_notBefore(x509), -DAY) &&
                X509_gmtime_adj(X509_getm_notAfter(x509), (long) DAYS_GOOD * DAY) &&
                X509_set_pubkey(x509, key) && set_name(X509_get_subject_name(x509), common) &&
                X509_set_issuer_name(x509, X509_get_subject_name(by)) &&
                add_extensions(x509, by, extensions) &&
                (!names || add_extension(x509, by, NID_subject_alt_name, names)) &&
                X509_sign(x509, issuer_key, EVP_sha256()) > 0;
    if (done)
        return x509;
    X509_free(x509);
    return NULL;
}

static bool take_bio(BIO *bio, struct buf *out)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(bio, &bytes);
    if (n > 0)
        buf_put(out, bytes, (size_t) n);
    return n > 0 && !out->failed;
}

bool tls_init(struct tls_identity *tls, const char *address, struct error *err)
{
    buf_init(&tls->authority, PEM_MAX);
    buf_init(&tls->certificate, PEM_MAX);
    buf_init(&tls->key, PEM_MAX);

    char names[NAMES_MAX];
    int length = snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s",
                          address ? ",IP:" : "", address ? address : "");
    if (length < 0 || (size_t) length >= sizeof names)
        return error_set(err, ERROR_USAGE, "the address to listen on is too long");

    EVP_PKEY *authority_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *authority = NULL, *server = NULL;
    if (authority_key && key)
        authority = make_certificate(authority_key, "weir-emulator authority", authority_extensions,
                                     NULL, NULL, authority_key);
    if (authority)
        server =
            make_certificate(key, "localhost", server_extensions, names, authority, authority_key);
    bool done = server && tls_put_certificate(authority, &tls->authority) &&
                tls_put_certificate(server, &tls->certificate) && tls_put_key(key, &tls->key);
    X509_free(server);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(authority_key);
    return done || error_set(err, ERROR_INTERNAL, "no certificate could be made");
}

void tls_release(struct tls_identity *tls)
{
    if (tls->key.bytes)
        mem_wipe(tls->key.bytes, tls->key.used);
    buf_release(&tls->authority);
    buf_release(&tls->certificate);
    buf_release(&tls->key);
}

X509 *tls_self_signed(EVP_PKEY *key, const char *common)
{
    return make_certificate(key, common, client_extensions, NULL, NULL, key);
}

bool tls_put_certificate(X509 *x509, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio && PEM_write_bio_X509(bio, x509) && take_bio(bio, out);
    BIO_free(bio);
    return done;
}

bool tls_put_key(EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool done =
        bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) && take_bio(bio, out);
    BIO_free(bio);
    return done;
}
