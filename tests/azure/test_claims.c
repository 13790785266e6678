/* What a token says of us, and that nothing else can be read out of one. */
#include "azure/claims.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OID "0f0e0d0c-0b0a-4908-8706-050403020100"
#define TID "11111111-2222-4333-8444-555555555555"
#define APP "8ecf8077-cf51-4820-aadd-14040956f35d"

enum { TEXT_MAX = 1 << 16 };

/* Base64 with the alphabet of URLs, the slow way: six bits at a time out of a string of bits. */
static void put_base64url(struct buf *out, struct str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t bit = 0; bit < 8 * s.n; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; i++)
            value = 2 * value + (i < 8 * s.n ? ((unsigned char) s.p[i / 8] >> (7 - i % 8)) & 1 : 0);
        buf_putc(out, digits[value]);
    }
}

static bool read_token(const char *claims, struct azure_who *out)
{
    struct buf token = BUF_INIT(TEXT_MAX);
    buf_puts(&token, "eyJhbGciOiJub25lIn0.");
    put_base64url(&token, str_of(claims));
    buf_puts(&token, ".c2lnbmF0dXJl");
    bool ok = claims_read(buf_str(&token), out);
    buf_release(&token);
    return ok;
}

static void a_token_tells_object_tenant_and_application(void **state)
{
    (void) state;
    struct azure_who who;
    assert_true(read_token("{\"aud\":\"x\",\"oid\":\"" OID "\",\"tid\":\"" TID "\",\"appid\":\"" APP
                           "\",\"name\":\"J\xC3\xB6rg\"}",
                           &who));
    assert_string_equal(who.object, OID);
    assert_string_equal(who.tenant, TID);
    assert_string_equal(who.application, APP);
    assert_true(read_token("{\"azp\":\"" APP "\"}", &who)); /* version 2 */
    assert_string_equal(who.application, APP);
    assert_string_equal(who.object, "");
}

static void what_is_no_guid_is_not_taken(void **state)
{
    (void) state;
    static const char *const odd[] = {
        "{\"oid\":\"') or 1 eq 1\"}", "{\"oid\":7}", "{\"oid\":null}", "{\"oid\":\"" OID "x\"}",
        "{\"oid\":[\"" OID "\"]}",
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct azure_who who;
        assert_true(read_token(odd[i], &who));
        assert_string_equal(who.object, "");
    }
}

static void what_is_no_token_says_nothing(void **state)
{
    (void) state;
    static const char *const bad[] = {"",         ".",        "..",
                                      "a.b",      "opaque",   "a.A.c",
                                      "a.e30=.c", "a.e3 0.c", "a.bnVsbA.c" /* null */,
                                      "a.W10.c" /* [] */};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct azure_who who = {.object = "x"};
        assert_false(claims_read(str_of(bad[i]), &who));
        assert_string_equal(who.object, "");
    }
    struct azure_who who;
    assert_true(claims_read(STR("a.e30.c"), &who)); /* {} */
    assert_false(read_token("{\"oid\":\"" OID "\",\"oid\":\"" TID "\"}", &who));
    assert_false(read_token("[[[[", &who));
}

static void each_allocation_may_fail(void **state)
{
    (void) state;
    struct azure_who who;
    mem_fail_at(1);
    assert_false(claims_read(STR("a.e30.c"), &who));
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_tells_object_tenant_and_application),
        cmocka_unit_test(what_is_no_guid_is_not_taken),
        cmocka_unit_test(what_is_no_token_says_nothing),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
