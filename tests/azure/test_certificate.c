/* Certificates: the assertion that is signed, as who receives it would check it, and the files that are none. */
#include "fixture.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#define TOKEN_PATH "/" TENANT "/oauth2/v2.0/token"

enum { TEXT_MAX = 32 * 1024, DAY = 86400 };

static X509 *make_certificate(EVP_PKEY *key, long days)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * DAY));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), days * DAY));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *) "weir test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void put_certificate(BIO *bio, EVP_PKEY *key, long days)
{
    X509 *certificate = make_certificate(key, days);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    X509_free(certificate);
}

static void put_key(BIO *bio, EVP_PKEY *key, const char *password)
{
    const unsigned char *text = (const unsigned char *) password;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, password ? EVP_aes_256_cbc() : NULL, text,
                                              password ? (int) strlen(password) : 0, NULL, NULL),
                     1);
}

/* The text of a BIO, which is freed. */
static const char *text_of(BIO *bio)
{
    static char text[TEXT_MAX];
    char *at = NULL;
    long n = BIO_get_mem_data(bio, &at);
    assert_true(n > 0 && n < TEXT_MAX);
    memcpy(text, at, (size_t) n);
    text[n] = '\0';
    (void) BIO_free(bio);
    return text;
}

static BIO *new_text(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    return bio;
}

/* Making a key takes a while: one for all tests. */
static EVP_PKEY *own_key(void)
{
    static EVP_PKEY *key;
    if (!key)
        key = EVP_RSA_gen(2048);
    assert_non_null(key);
    return key;
}

static const char *usual(void)
{
    BIO *bio = new_text();
    put_key(bio, own_key(), NULL);
    put_certificate(bio, own_key(), 30);
    return text_of(bio);
}

static void open_with(struct fixture *f, const char *text, unsigned mode, const char *password)
{
    static char reference[256];
    (void) snprintf(reference, sizeof reference, "file:%s",
                    fixture_file(f, "client.pem", text, mode));
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .certificate = reference,
                                                       .certificate_password = password});
}

/* The assertion, taken apart ---------------------------------------------------------------------- */

/* The three parts of the assertion that was sent; `signed_part` is what the signature is over. */
struct parts {
    struct buf header, claims, signature;
    struct str signed_part;
};

static void take_apart(struct fixture *f, size_t request, struct parts *out)
{
    static const char mark[] = "&client_assertion=";
    const char *body = server_request(f->server, request)->body.p;
    const char *at = strstr(body, mark);
    assert_non_null(at);
    struct str rest = str_of(at + sizeof mark - 1), part;
    const char *begin = rest.p;
    struct buf *const bufs[] = {&out->header, &out->claims, &out->signature};
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_split(&rest, '.', &part));
        buf_init(bufs[i], TEXT_MAX);
        assert_true(text_put_unbase64url(bufs[i], part));
        if (i == 1)
            out->signed_part = (struct str){begin, (size_t) (part.p + part.n - begin)};
    }
}

static void release(struct parts *parts)
{
    buf_release(&parts->header);
    buf_release(&parts->claims);
    buf_release(&parts->signature);
}

static bool is_signed_by(const struct parts *parts, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    assert_int_equal(EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST), 1);
    bool good = EVP_DigestVerify(
                    context, (const unsigned char *) parts->signature.bytes, parts->signature.used,
                    (const unsigned char *) parts->signed_part.p, parts->signed_part.n) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static void an_assertion_is_signed_for_this_authority_and_for_a_short_time(void **state)
{
    struct fixture *f = *state;
    struct parts parts;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, usual(), 0600, NULL);
    time_t now = time(NULL);
    fixture_gets(f, "eyJ.one");
    take_apart(f, 0, &parts);
    assert_true(is_signed_by(&parts, own_key()));
    json_t *header = json_loads(buf_text(&parts.header), 0, NULL);
    json_t *claims = json_loads(buf_text(&parts.claims), 0, NULL);
    assert_string_equal(text_in(header, "alg"), "PS256");
    assert_string_equal(text_in(header, "typ"), "JWT");
    assert_string_equal(text_in(claims, "iss"), CLIENT);
    assert_string_equal(text_in(claims, "sub"), CLIENT);
    assert_true(text_is_guid(str_of(text_in(claims, "jti"))));
    char audience[256];
    (void) snprintf(audience, sizeof audience, "%s%s", server_url(f->server, ""), TOKEN_PATH);
    assert_string_equal(text_in(claims, "aud"), audience);
    json_int_t from = json_integer_value(json_object_get(claims, "nbf"));
    json_int_t until = json_integer_value(json_object_get(claims, "exp"));
    assert_true(from <= now && from > now - 120);
    assert_true(until > now && until <= now + 660);
    json_decref(header);
    json_decref(claims);
    release(&parts);
}

static void the_certificate_is_named_by_its_thumbprint(void **state)
{
    struct fixture *f = *state;
    struct parts parts;
    unsigned char print[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    BIO *bio = new_text();
    X509 *certificate = make_certificate(own_key(), 30);
    put_key(bio, own_key(), NULL);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    assert_int_equal(X509_digest(certificate, EVP_sha256(), print, &n), 1);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, text_of(bio), 0600, NULL);
    fixture_gets(f, "eyJ.one");
    take_apart(f, 0, &parts);
    json_t *header = json_loads(buf_text(&parts.header), 0, NULL);
    struct buf said = BUF_INIT(64);
    assert_true(text_put_unbase64url(&said, str_of(text_in(header, "x5t#S256"))));
    assert_int_equal(said.used, n);
    assert_memory_equal(said.bytes, print, n);
    buf_release(&said);
    json_decref(header);
    release(&parts);
    X509_free(certificate);
}

static void no_two_assertions_are_the_same(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, usual(), 0600, NULL);
    fixture_gets(f, "eyJ.one");
    azure_credential_refused(f->credential, AUDIENCE);
    fixture_gets(f, "eyJ.one");
    assert_string_not_equal(server_request(f->server, 0)->body.p,
                            server_request(f->server, 1)->body.p);
}

/* Files ------------------------------------------------------------------------------------------- */

static void a_chain_in_any_order_will_do(void **state)
{
    struct fixture *f = *state;
    struct parts parts;
    EVP_PKEY *other = EVP_RSA_gen(2048);
    BIO *bio = new_text();
    put_certificate(bio, other, 30);
    put_certificate(bio, own_key(), 30);
    put_key(bio, own_key(), NULL);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, text_of(bio), 0600, NULL);
    fixture_gets(f, "eyJ.one");
    take_apart(f, 0, &parts);
    assert_true(is_signed_by(&parts, own_key()));
    assert_false(is_signed_by(&parts, other));
    release(&parts);
    EVP_PKEY_free(other);
}

static void an_encrypted_key_needs_a_reference_to_its_password(void **state)
{
    struct fixture *f = *state;
    BIO *bio = new_text();
    put_key(bio, own_key(), VALUE);
    put_certificate(bio, own_key(), 30);
    const char *text = text_of(bio);
    open_with(f, text, 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "is encrypted, and no password is given");
    assert_non_null(strstr(f->err.hint, "certificate-password"));
    fixture_set("WEIR_TEST_WRONG", "wrong");
    open_with(f, text, 0600, "env:WEIR_TEST_WRONG");
    fixture_fails(f, ERROR_SETTINGS, "does not open the private key");
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, text, 0600, "env:WEIR_TEST_SECRET");
    fixture_gets(f, "eyJ.one");
    /* The environment's own names. */
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", CLIENT);
    fixture_set("AZURE_CLIENT_CERTIFICATE_PATH", fixture_file(f, "client.pem", text, 0600));
    fixture_set("AZURE_CLIENT_CERTIFICATE_PASSWORD", VALUE);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_gets(f, "eyJ.one");
}

/* The PKCS #12 form of key and certificate in base64, as Key Vault gives it. */
static const char *store_of(const char *password)
{
    X509 *certificate = make_certificate(own_key(), 30);
    PKCS12 *store = PKCS12_create(password, "weir", own_key(), certificate, NULL, 0, 0, 0, 0, 0);
    assert_non_null(store);
    BIO *bio = new_text(), *filter = BIO_new(BIO_f_base64());
    BIO_set_flags(filter, BIO_FLAGS_BASE64_NO_NL);
    assert_int_equal(i2d_PKCS12_bio(BIO_push(filter, bio), store), 1);
    assert_int_equal(BIO_flush(filter), 1);
    (void) BIO_pop(filter);
    (void) BIO_free(filter);
    PKCS12_free(store);
    X509_free(certificate);
    return text_of(bio);
}

static void a_certificate_as_key_vault_makes_it_will_do(void **state)
{
    struct fixture *f = *state;
    struct parts parts;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, store_of(""), 0600, NULL);
    fixture_gets(f, "eyJ.one");
    take_apart(f, 0, &parts);
    assert_true(is_signed_by(&parts, own_key()));
    release(&parts);
    const char *locked = store_of(VALUE);
    open_with(f, locked, 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "is encrypted, and no password is given");
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    open_with(f, locked, 0600, "env:WEIR_TEST_SECRET");
    fixture_gets(f, "eyJ.one");
    open_with(f, "QUJD", 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "neither PEM nor PKCS #12");
    open_with(f, "====", 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "neither PEM nor PKCS #12");
}

static void what_is_not_both_key_and_certificate_is_refused(void **state)
{
    struct fixture *f = *state;
    BIO *bio = new_text();
    put_certificate(bio, own_key(), 30);
    open_with(f, text_of(bio), 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "there is no private key as PEM in file:");
    bio = new_text();
    put_key(bio, own_key(), NULL);
    open_with(f, text_of(bio), 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "there is no certificate as PEM");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    bio = new_text();
    put_key(bio, own_key(), NULL);
    put_certificate(bio, other, 30);
    open_with(f, text_of(bio), 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "belongs to the private key");
    bio = new_text();
    put_key(bio, other, NULL);
    put_certificate(bio, other, 30);
    open_with(f, text_of(bio), 0600, NULL);
    fixture_fails(f, ERROR_SETTINGS, "is not an RSA key");
    EVP_PKEY_free(other);
    assert_int_equal(server_requests(f->server), 0);
}

static void a_certificate_that_has_expired_says_when(void **state)
{
    struct fixture *f = *state;
    BIO *bio = new_text();
    put_key(bio, own_key(), NULL);
    put_certificate(bio, own_key(), -1);
    open_with(f, text_of(bio), 0600, NULL);
    char day[32];
    time_t then = time(NULL) - DAY;
    struct tm end;
    assert_true(gmtime_r(&then, &end) && strftime(day, sizeof day, "%Y-%m-%d", &end) > 0);
    fixture_fails(f, ERROR_AUTH, "has expired on ");
    assert_non_null(strstr(f->err.message, day));
}

static void a_certificate_that_others_can_read_is_refused(void **state)
{
    struct fixture *f = *state;
    open_with(f, usual(), 0644, NULL);
    fixture_fails(f, ERROR_SETTINGS, "others may read it");
    assert_non_null(strstr(f->err.hint, "chmod 600 "));
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", CLIENT);
    fixture_set("AZURE_CLIENT_CERTIFICATE_PATH", fixture_file(f, "client.pem", usual(), 0640));
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_fails(f, ERROR_SETTINGS, "others may read it");
}

static void one_that_is_not_registered_is_explained(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, TOKEN_PATH, 401,
                   "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS700027: The "
                   "certificate with identifier used to sign the client assertion is not "
                   "registered\"}");
    open_with(f, usual(), 0600, NULL);
    fixture_fails(f, ERROR_AUTH, "must be uploaded to the application");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

static int free_key(void **state)
{
    (void) state;
    EVP_PKEY_free(own_key());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_assertion_is_signed_for_this_authority_and_for_a_short_time),
        TEST(the_certificate_is_named_by_its_thumbprint),
        TEST(no_two_assertions_are_the_same),
        TEST(a_chain_in_any_order_will_do),
        TEST(an_encrypted_key_needs_a_reference_to_its_password),
        TEST(a_certificate_as_key_vault_makes_it_will_do),
        TEST(what_is_not_both_key_and_certificate_is_refused),
        TEST(a_certificate_that_has_expired_says_when),
        TEST(a_certificate_that_others_can_read_is_refused),
        TEST(one_that_is_not_registered_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, free_key);
}
