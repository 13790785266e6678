/* TLS: the server's certificate stands up to a strict client that trusts the authority. */

#include "emulator/tls.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static X509 *read_certificate(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int) pem->used);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x509);
    return x509;
}

static int verify(X509 *authority, X509 *server)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, authority), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, server, NULL), 1);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER), 1);
    (void) X509_verify_cert(context);
    int result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static void a_strict_client_takes_the_certificate(void **state)
{
    (void) state;
    struct tls_identity tls;
    struct error err = ERROR_INIT;
    assert_true(tls_init(&tls, "127.0.0.2", &err));
    X509 *authority = read_certificate(&tls.authority),
         *server = read_certificate(&tls.certificate);
    assert_int_equal(verify(authority, server), X509_V_OK);
    assert_int_equal(X509_check_ip_asc(server, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "127.0.0.2", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "127.0.0.3", 0), 0);
    assert_int_equal(X509_check_host(server, "localhost", 0, 0, NULL), 1);
    BIO *bio = BIO_new_mem_buf(tls.key.bytes, (int) tls.key.used);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_int_equal(X509_check_private_key(server, key), 1);
    EVP_PKEY_free(key);
    BIO_free(bio);
    X509_free(server);
    X509_free(authority);
    tls_release(&tls);
}

static void each_run_has_an_authority_of_its_own(void **state)
{
    (void) state;
    struct tls_identity one, other;
    assert_true(tls_init(&one, NULL, NULL));
    assert_true(tls_init(&other, NULL, NULL));
    X509 *authority = read_certificate(&one.authority),
         *server = read_certificate(&other.certificate);
    assert_int_not_equal(verify(authority, server), X509_V_OK);
    X509_free(server);
    X509_free(authority);
    tls_release(&other);
    tls_release(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strict_client_takes_the_certificate),
        cmocka_unit_test(each_run_has_an_authority_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
