/* Answers that hold tokens: the forms of the four that give them. */
#include "azure/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void the_end_of_a_token_has_many_forms(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        double end;
    } cases[] = {
        {"1506484173", 1506484173},
        {"09/14/2017 00:00:00 PM +00:00", 1505347200},
        {"09/14/2017 11:05:09 +00:00", 1505387109},
        {"9/14/2017 3:05:09 PM +00:00", 1505401509},
        {"9/14/2017 12:05:09 AM", 1505347509},
        {"9/14/2017 12:05:09 PM", 1505390709},
        {"9/14/2017 15:05:09 PM +00:00", 1505401509},
        {"2017-11-06 11:34:10.271455", 1509968050},
        {"2017-11-06 11:34:10", 1509968050},
    };
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double end = 0;
        if (!azure_token_end(str_of(cases[i].text), &end) || end < cases[i].end ||
            end > cases[i].end)
            fail_msg("%s: %.0f, not %.0f", cases[i].text, end, cases[i].end);
    }
}

static void the_cli_writes_local_time(void **state)
{
    (void) state;
    double end = 0;
    assert_int_equal(setenv("TZ", "UTC-2", 1), 0); /* two hours east */
    tzset();
    assert_true(azure_token_end(STR("2017-11-06 11:34:10.271455"), &end));
    assert_true(end > 1509960849 && end < 1509960851);
    /* The others say their zone. */
    assert_true(azure_token_end(STR("09/14/2017 11:05:09 +00:00"), &end));
    assert_true(end > 1505387108 && end < 1505387110);
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
}

static void what_is_no_time_is_none(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "soon",
                                      "13/14/2017 00:00:00",
                                      "2/30/2017 00:00:00",
                                      "9/14/2017",
                                      "9/14/2017 25:00:00",
                                      "9/14/2017 00:00:00 +02:00",
                                      "2017-11-06",
                                      "2017-13-06 00:00:00",
                                      "99999999999/1/1 1:1:1",
                                      "NaN"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double end = 0;
        if (azure_token_end(str_of(bad[i]), &end))
            fail_msg("'%s' is %.0f", bad[i], end);
    }
}

static void a_life_is_never_longer_than_a_day(void **state)
{
    (void) state;
    struct azure_token token = {.text = SECRET_INIT};
    struct error err = ERROR_INIT;
    assert_true(azure_token_read(STR("{\"access_token\":\"t\",\"expires_in\":1e300}"), "it", &token,
                                 NULL, &err));
    assert_true(token.life > 86399 && token.life < 86401);
    assert_true(azure_token_read(STR("{\"access_token\":\"t\",\"expires_on\":\"-5\"}"), "it",
                                 &token, NULL, &err));
    assert_true(token.life < 0);
    assert_true(azure_token_read(STR("{\"access_token\":\"t\"}"), "it", &token, NULL, &err));
    assert_true(token.life > 0 && token.life < 3600);
    azure_token_release(&token);
}

static void a_refresh_token_is_taken_only_when_there_is_one(void **state)
{
    (void) state;
    struct azure_token token = {.text = SECRET_INIT};
    struct secret refresh = SECRET_INIT;
    struct error err = ERROR_INIT;
    assert_true(azure_token_read(STR("{\"access_token\":\"t\",\"refresh_token\":\"r\"}"), "it",
                                 &token, &refresh, &err));
    assert_string_equal(secret_str(&refresh).p, "r");
    assert_true(azure_token_read(STR("{\"accessToken\":\"u\",\"refresh_token\":\"\"}"), "it",
                                 &token, &refresh, &err));
    assert_string_equal(secret_str(&refresh).p, "r");
    assert_string_equal(secret_str(&token.text).p, "u");
    assert_false(azure_token_read(STR("[]"), "the clerk", &token, NULL, &err));
    assert_non_null(strstr(err.message, "the clerk"));
    secret_release(&refresh);
    azure_token_release(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_token_has_many_forms),
        cmocka_unit_test(the_cli_writes_local_time),
        cmocka_unit_test(what_is_no_time_is_none),
        cmocka_unit_test(a_life_is_never_longer_than_a_day),
        cmocka_unit_test(a_refresh_token_is_taken_only_when_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
