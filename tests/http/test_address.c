/* Addresses: which are of this machine, which are none, and what of them may be shown. */
#include "http/address.h"

#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct http_address parse(const char *url)
{
    struct http_address address;
    struct error err = ERROR_INIT;
    if (!http_address_parse(url, &address, &err))
        fail_msg("%s: %s", url, err.message);
    return address;
}

static void loopback_is_told_from_what_looks_like_it(void **state)
{
    (void) state;
    static const char *const here[] = {"http://127.0.0.1/", "http://127.9.8.7:80/x",
                                       "http://[::1]:8080/", "http://localhost/",
                                       "http://LocalHost:1/"};
    static const char *const there[] = {"http://128.0.0.1/",
                                        "http://127.0.0.1.example.com/",
                                        "http://localhost.example/",
                                        "http://notlocalhost/",
                                        "http://[::2]/",
                                        "http://10.0.0.1/",
                                        "http://example/?127.0.0.1/",
                                        "http://[::ffff:127.0.0.1]/"};
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        assert_true(parse(here[i]).loopback);
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        assert_false(parse(there[i]).loopback);
}

static void metadata_addresses_are_told(void **state)
{
    (void) state;
    static const char *const local[] = {
        "http://169.254.169.254/metadata", "http://169.254.1.2:8081/", "http://[fe80::1]/",
        "http://[fd00:ec2::254]/", "http://2852039166/" /* 169.254.169.254 */};
    static const char *const others[] = {"http://169.253.169.254/",
                                         "http://169.254.169.254.nip.io/",
                                         "http://[fd00:ec2::255]/", "http://127.0.0.1/"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        assert_true(parse(local[i]).link_local);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(parse(others[i]).link_local);
    assert_true(parse(local[0]).ipv4_local);
    assert_false(parse(local[2]).ipv4_local);
}

/* What is known of the address before must not show: each is parsed behind the others, and alone. */
static void a_known_origin_changes_nothing(void **state)
{
    (void) state;
    static const char *const urls[] = {"https://a.blob.core.windows.net/c/b?sig=SECRET",
                                       "https://a.blob.core.windows.net/c/d",
                                       "https://a.blob.core.windows.net",
                                       "https://a.blob.core.windows.net?comp=list",
                                       "https://a.blob.core.windows.net.evil.com/c",
                                       "https://a.blob.core.windows.net/c/../b",
                                       "https://a.blob.core.windows.net/c#x",
                                       "https://a.blob.core.windows.net:443/c",
                                       "http://127.0.0.1:10000/acct/c/b",
                                       "http://127.0.0.1:1000/acct",
                                       "http://127.0.0.1:10000/acct",
                                       "http://localhost/c",
                                       "https://a.blob.core.windows.net/c d",
                                       "https://a.blob.core.windows.net/\xC3\xA4"};
    enum { COUNT = sizeof urls / sizeof urls[0] };
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++) {
            struct error err = ERROR_INIT, other = ERROR_INIT;
            struct http_address known, like, alone;
            (void) http_address_parse(urls[i], &known, NULL);
            bool ok = http_address_parse_like(urls[j], &known, &like, &err);
            assert_int_equal(ok, http_address_parse(urls[j], &alone, &other));
            if (!ok)
                continue;
            assert_string_equal(like.shown, alone.shown);
            assert_string_equal(like.origin, alone.origin);
            assert_true(like.tls == alone.tls && like.loopback == alone.loopback &&
                        like.link_local == alone.link_local);
        }
}

static void redirects_show_where_they_lead(void **state)
{
    (void) state;
    static const struct {
        const char *location, *shown;
    } cases[] = {{"https://login.example.com/x?token=SECRET", "login.example.com"},
                 {"http://user:SECRET@other:81/", "other:81"},
                 {"//elsewhere/x", "elsewhere"},
                 {"/x", ""},
                 {"https://here.example/y", ""},
                 {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[HTTP_ORIGIN_MAX];
        http_address_redirect("https://here.example/a/b?c", str_of(cases[i].location), out);
        assert_string_equal(out, cases[i].shown);
    }
}

static void tls_is_what_the_scheme_says(void **state)
{
    (void) state;
    assert_true(parse("https://example.com/").tls);
    assert_true(parse("HTTPS://example.com/").tls);
    assert_false(parse("http://example.com/").tls);
}

static void queries_are_not_shown(void **state)
{
    (void) state;
    assert_string_equal(parse("https://a.blob.core.windows.net/c/b?sv=1&sig=SECRET#x").shown,
                        "https://a.blob.core.windows.net/c/b");
    assert_string_equal(parse("http://127.0.0.1:8080/v1").shown, "http://127.0.0.1:8080/v1");
}

static void what_is_no_address_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "example.com",
                                      "ftp://example.com/",
                                      "file:///etc/passwd",
                                      "http://",
                                      "https://user:hunter2@example.com/",
                                      "http://user@127.0.0.1/",
                                      "http://exa mple.com/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct http_address address;
        struct error err = ERROR_INIT;
        assert_false(http_address_parse(bad[i], &address, &err));
        assert_int_equal(err.code, ERROR_SETTINGS);
        assert_null(strstr(err.message, "hunter2"));
    }
}

static void values_are_percent_encoded(void **state)
{
    (void) state;
    struct buf out = BUF_INIT(256);
    http_put_encoded(&out, STR("aZ09-._~ &=+/%\xC3\xA4"));
    assert_string_equal(buf_text(&out), "aZ09-._~%20%26%3D%2B%2F%25%C3%A4");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_told_from_what_looks_like_it),
        cmocka_unit_test(metadata_addresses_are_told),
        cmocka_unit_test(a_known_origin_changes_nothing),
        cmocka_unit_test(redirects_show_where_they_lead),
        cmocka_unit_test(tls_is_what_the_scheme_says),
        cmocka_unit_test(queries_are_not_shown),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(values_are_percent_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
