/* Certificates: see certificate.h. */
#include "azure/certificate.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

enum { CERTIFICATES_MAX = 32 /* in one text */, BASE64_UNIT = 4 };

static const char PASSWORD_HINT[] = "refer to its password (certificate-password, or the variable "
                                    "AZURE_CLIENT_CERTIFICATE_PASSWORD), or "
                                    "keep the key unencrypted in a file of mode 0600";

void certificate_release(struct certificate *certificate)
{
    EVP_PKEY_free(certificate->key);
    X509_free(certificate->certificate);
    *certificate = (struct certificate){0};
}

static bool does_not_open(const char *name, const struct secret *password, struct error *err)
{
    if (password && secret_str(password).n > 0)
        return error_set(err, ERROR_SETTINGS,
                         "the password given does not open the private key in %s", name);
    (void) error_set(err, ERROR_SETTINGS,
                     "the private key in %s is encrypted, and no password is given", name);
    return error_hint(err, "%s", PASSWORD_HINT);
}

/* PEM --------------------------------------------------------------------------------------------- */

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
    if (*out)
        return true;
    if (!asked.asked)
        return error_set(err, ERROR_SETTINGS, "there is no private key as PEM in %s", name);
    return does_not_open(name, password, err);
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

static bool read_pem(const char *name, struct str text, const struct secret *password,
                     struct certificate *out, struct error *err)
{
    BIO *for_key = BIO_new_mem_buf(text.p, (int) text.n);
    BIO *for_certificate = BIO_new_mem_buf(text.p, (int) text.n);
    bool ok = for_key && for_certificate;
    if (!ok)
        (void) error_set(err, ERROR_MEMORY, "no memory for a certificate");
    ok = ok && read_key(name, for_key, password, &out->key, err) &&
         read_certificate(name, for_certificate, out->key, &out->certificate, err);
    (void) BIO_free(for_key);
    (void) BIO_free(for_certificate);
    return ok;
}

/* PKCS #12 ---------------------------------------------------------------------------------------- */

/* What base64 text stands for; false when it is none. */
static bool decode(struct str text, struct secret *out, struct error *err)
{
    text = str_trim(text);
    if (text.n == 0 || text.n % BASE64_UNIT != 0 || !secret_init(out, text.n, err))
        return false;
    struct buf *bytes = secret_buf(out);
    int n = EVP_DecodeBlock((unsigned char *) bytes->bytes, (const unsigned char *) text.p,
                            (int) text.n);
    for (size_t i = text.n; n > 0 && i > 0 && text.p[i - 1] == '='; i--)
        n--; /* what the padding stands for */
    bytes->used = n > 0 ? (size_t) n : 0;
    return n > 0;
}

static PKCS12 *read_store(struct str bytes)
{
    const unsigned char *at = (const unsigned char *) bytes.p;
    return bytes.n > 0 ? d2i_PKCS12(NULL, &at, (long) bytes.n) : NULL;
}

static bool read_pkcs12(const char *name, struct str text, const struct secret *password,
                        struct certificate *out, struct error *err)
{
    struct secret decoded = SECRET_INIT;
    PKCS12 *store = read_store(text);
    if (!store && decode(text, &decoded, err))
        store = read_store(secret_str(&decoded));
    secret_release(&decoded);
    if (!store)
        return error_set(err, ERROR_SETTINGS, "there is neither PEM nor PKCS #12 in %s", name);
    bool opened = PKCS12_parse(store, password ? secret_str(password).p : "", &out->key,
                               &out->certificate, NULL) == 1;
    PKCS12_free(store);
    if (!opened)
        return does_not_open(name, password, err);
    if (!out->key || !out->certificate)
        return error_set(err, ERROR_SETTINGS,
                         "%s does not hold both a private key and its certificate", name);
    return true;
}

/* Both -------------------------------------------------------------------------------------------- */

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

bool certificate_read(const char *name, struct str text, const struct secret *password,
                      struct certificate *out, struct error *err)
{
    static const char mark[] = "-----BEGIN ";
    *out = (struct certificate){0};
    if (text.n > INT_MAX)
        return error_set(err, ERROR_LIMIT, "%s is too long", name);
    bool pem = text.n > 0 && memmem(text.p, text.n, mark, sizeof mark - 1);
    bool ok = pem ? read_pem(name, text, password, out, err)
                  : read_pkcs12(name, text, password, out, err);
    if (ok && !EVP_PKEY_is_a(out->key, "RSA"))
        ok = error_set(err, ERROR_SETTINGS, "the private key in %s is not an RSA key", name);
    ok = ok && check_time(name, out->certificate, err);
    ERR_clear_error();
    return ok;
}
