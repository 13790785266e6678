/* The server's TLS: a throw-away key and certificate, made when the test begins. */
#include "support/server_intern.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { CERTIFICATE_SECONDS = 3600 };

struct server_tls {
    SSL_CTX *context;
    EVP_PKEY *key;
    X509 *certificate;
};

struct server_tls_session {
    SSL *ssl;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "test server: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    must(certificate && X509_set_version(certificate, 2) == 1, "certificate");
    must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1, "serial number");
    must(X509_gmtime_adj(X509_getm_notBefore(certificate), -60) &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_SECONDS),
         "validity");
    X509_NAME *name = X509_get_subject_name(certificate);
    const unsigned char *text = (const unsigned char *) "weir test server";
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1, "name");
    must(X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1,
         "issuer");
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    must(X509_sign(certificate, key, EVP_sha256()) > 0, "signature");
    return certificate;
}

struct server_tls *server_tls_new(const char *ca_path)
{
    struct server_tls *tls = calloc(1, sizeof *tls);
    must(tls != NULL, "memory");
    tls->key = EVP_EC_gen("P-256");
    must(tls->key != NULL, "key");
    tls->certificate = make_certificate(tls->key);
    tls->context = SSL_CTX_new(TLS_server_method());
    must(tls->context && SSL_CTX_use_certificate(tls->context, tls->certificate) == 1 &&
             SSL_CTX_use_PrivateKey(tls->context, tls->key) == 1,
         "TLS");
    if (ca_path) {
        FILE *file = fopen(ca_path, "w");
        must(file && PEM_write_X509(file, tls->certificate) == 1 && fclose(file) == 0, ca_path);
    }
    return tls;
}

void server_tls_free(struct server_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    X509_free(tls->certificate);
    EVP_PKEY_free(tls->key);
    free(tls);
}

struct server_tls_session *server_tls_accept(struct server_tls *tls, int fd)
{
    SSL *ssl = SSL_new(tls->context);
    must(ssl != NULL, "TLS session");
    if (SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    struct server_tls_session *session = calloc(1, sizeof *session);
    must(session != NULL, "memory");
    session->ssl = ssl;
    return session;
}

ssize_t server_tls_read(struct server_tls_session *session, void *bytes, size_t n)
{
    return SSL_read(session->ssl, bytes, (int) n);
}

bool server_tls_write(struct server_tls_session *session, const void *bytes, size_t n)
{
    return SSL_write(session->ssl, bytes, (int) n) == (int) n;
}

void server_tls_end(struct server_tls_session *session)
{
    if (!session)
        return;
    (void) SSL_shutdown(session->ssl);
    SSL_free(session->ssl);
    ERR_clear_error();
    free(session);
}
