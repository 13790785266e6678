/* Challenges of WWW-Authenticate: what is read in them, and to whom a token may go for them. */
#include "azure/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_vaults_challenge_names_authority_and_resource(void **state)
{
    (void) state;
    static const char *const good[] = {
        "Bearer authorization=\"https://login.example/t\", resource=\"https://vault.azure.net\"",
        "bearer resource=https://vault.azure.net/ authorization=https://login.example/t",
        "Bearer realm=\"\", authorization_uri=\"https://login.example/t\",resource="
        "\"https://vault.azure.net/\"",
        "Basic realm=\"x, y\", Bearer authorization=\"https://login.example/t\", "
        "scope=\"https://vault.azure.net/.default\"",
        "Bearer authorization = \"https://login.example\\/t\" , resource = "
        "\"https://vault.azure.net\", PoP nonce=\"1\"",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct challenge c;
        if (!challenge_read(str_of(good[i]), &c))
            fail_msg("%s is none", good[i]);
        assert_string_equal(c.authority, "https://login.example/t");
        assert_string_equal(c.resource, "https://vault.azure.net");
        assert_true(str_eq(challenge_tenant(&c), STR("t")));
    }
}

static void what_is_no_bearers_challenge_says_nothing(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "Basic realm=\"x\"",
                                      "Bearer resource=\"unended",
                                      "resource=\"https://vault.azure.net\"",
                                      "Bearer a=\"b\" \x01",
                                      "\"Bearer\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct challenge c;
        if (challenge_read(str_of(bad[i]), &c))
            fail_msg("%s is one", bad[i]);
        assert_string_equal(c.resource, "");
    }
    struct challenge c;
    assert_true(challenge_read(STR("Bearer"), &c)); /* of nothing in particular */
    assert_true(challenge_read(STR("Bearer resource=\"a b\", authorization=\"x\ty\""), &c));
    assert_string_equal(c.resource, ""); /* neither can be an address */
    assert_string_equal(c.authority, "");
    assert_int_equal(challenge_tenant(&c).n, 0);
}

static void a_token_goes_only_to_the_host_of_its_resource_or_below(void **state)
{
    (void) state;
    static const struct {
        const char *resource, *host;
        bool fits;
    } cases[] = {
        {"https://vault.azure.net", "contoso.vault.azure.net", true},
        {"https://vault.azure.net", "vault.azure.net", true},
        {"https://vault.azure.net", "CONTOSO.VAULT.azure.net", true},
        {"https://vault.azure.net", "contosovault.azure.net", false},
        {"https://vault.azure.net", "contoso.vault.azure.net.evil.example", false},
        {"https://management.azure.com", "contoso.vault.azure.net", false},
        {"https://contoso.vault.azure.net", "vault.azure.net", false},
        {"http://vault.azure.net", "contoso.vault.azure.net", false},
        {"https://net", "contoso.vault.azure.net", false},
        {"https://", "contoso.vault.azure.net", false},
        {"", "contoso.vault.azure.net", false},
        {"https://azure.net/x", "a.azure.net/x", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct challenge c = {0};
        memcpy(c.resource, cases[i].resource, strlen(cases[i].resource));
        if (challenge_fits(&c, str_of(cases[i].host)) != cases[i].fits)
            fail_msg("%s for %s", cases[i].resource, cases[i].host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vaults_challenge_names_authority_and_resource),
        cmocka_unit_test(what_is_no_bearers_challenge_says_nothing),
        cmocka_unit_test(a_token_goes_only_to_the_host_of_its_resource_or_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
