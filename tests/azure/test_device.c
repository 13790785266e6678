/* Device code: what the user is told, how long we wait, and what the refresh token saves. */
#include "fixture.h"

#include <stdio.h>

#define CODE "POST /" TENANT "/oauth2/v2.0/devicecode"
#define TOKEN "POST /" TENANT "/oauth2/v2.0/token"
#define CODE_ANSWER                                                                                \
    "{\"device_code\":\"" VALUE "\",\"user_code\":\"ABC-DEF\",\"verification_uri\":"               \
    "\"https://microsoft.com/devicelogin\",\"expires_in\":900,\"interval\":5,"                     \
    "\"message\":\"go elsewhere\"}"
#define PENDING "{\"error\":\"authorization_pending\",\"error_description\":\"AADSTS70016: wait\"}"

static void tell(void *context, const char *line)
{
    struct fixture *f = context;
    buf_puts(&f->told, line);
    buf_putc(&f->told, '\n');
}

static void use(struct fixture *f)
{
    fixture_open(f, &(struct azure_credential_options){
                        .tenant = TENANT, .sign_in = "device", .tell = tell, .context = f});
}

static void answer_token(struct fixture *f, const char *token, const char *refresh)
{
    char body[512];
    (void) snprintf(body, sizeof body,
                    "{\"access_token\":\"%s\",\"expires_in\":3600,\"refresh_token\":\"%s\"}", token,
                    refresh);
    fixture_answer(f, TOKEN, 200, body);
}

static void the_user_is_told_where_to_type_in_what(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, CODE, 200, CODE_ANSWER);
    fixture_answer(f, TOKEN, 400, PENDING);
    fixture_answer(f, TOKEN, 400, PENDING);
    answer_token(f, "eyJ.user", "refresh-1");
    use(f);
    fixture_gets(f, "eyJ.user");
    assert_string_equal(buf_text(&f->told), "to sign in, open https://microsoft.com/devicelogin in "
                                            "a browser and type in the code ABC-DEF\n");
    assert_int_equal(f->pause_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(f->pauses[i] == 5);
    assert_non_null(strstr(server_request(f->server, 0)->body.p,
                           "client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46"
                           "&scope=offline_access%20https%3A%2F%2Fapi.loganalytics.io%2F.default"));
    assert_non_null(
        strstr(server_request(f->server, 1)->body.p,
               "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id="));
    assert_string_equal(azure_credential_identity(f->credential), "user (device code)");
}

static void slow_down_is_obeyed(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, CODE, 200, CODE_ANSWER);
    fixture_answer(f, TOKEN, 400, "{\"error\":\"slow_down\"}");
    fixture_answer(f, TOKEN, 400, PENDING);
    answer_token(f, "eyJ.user", "refresh-1");
    use(f);
    fixture_gets(f, "eyJ.user");
    assert_true(f->pauses[0] == 5 && f->pauses[1] == 10 && f->pauses[2] == 10);
}

static void the_refresh_token_serves_other_services_and_later_times(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, CODE, 200, CODE_ANSWER);
    answer_token(f, "eyJ.user", "refresh-1");
    answer_token(f, "eyJ.storage", "refresh-2");
    answer_token(f, "eyJ.again", "refresh-3");
    use(f);
    fixture_gets(f, "eyJ.user");
    assert_true(
        azure_credential_header(f->credential, "https://storage.azure.com", &f->header, &f->err));
    assert_string_equal(buf_text(&f->header), "Authorization: Bearer eyJ.storage");
    azure_credential_refused(f->credential, AUDIENCE);
    fixture_gets(f, "eyJ.again");
    assert_int_equal(server_requests(f->server), 4);
    const char *second = server_request(f->server, 2)->body.p;
    assert_non_null(strstr(second, "grant_type=refresh_token&"));
    assert_non_null(strstr(second, "https%3A%2F%2Fstorage.azure.com%2F.default"));
    assert_non_null(strstr(second, "refresh_token=refresh-1"));
    assert_non_null(strstr(server_request(f->server, 3)->body.p, "refresh_token=refresh-2"));
}

static void a_refresh_token_that_ended_means_asking_once_more(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, CODE, 200, CODE_ANSWER);
    answer_token(f, "eyJ.user", "refresh-1");
    fixture_answer(f, TOKEN, 400,
                   "{\"error\":\"invalid_grant\",\"error_description\":"
                   "\"AADSTS700082: The refresh token has expired\"}");
    fixture_answer(f, CODE, 200, CODE_ANSWER);
    answer_token(f, "eyJ.new", "refresh-9");
    use(f);
    fixture_gets(f, "eyJ.user");
    azure_credential_refused(f->credential, AUDIENCE);
    fixture_gets(f, "eyJ.new");
    assert_true(server_all_used(f->server));
}

static void the_ends_that_are_not_good_are_told_apart(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body, *text;
    } cases[] = {{"{\"error\":\"authorization_declined\"}", "declined in the browser"},
                 {"{\"error\":\"access_denied\"}", "declined in the browser"},
                 {"{\"error\":\"expired_token\"}", "not typed in in time"},
                 {"{\"error\":\"bad_verification_code\",\"error_description\":\"you sent " VALUE
                  "\"}",
                  "not fit to be shown"},
                 {"{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50076: Due to a "
                  "configuration change\"}",
                  "second factor"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_answer(f, CODE, 200, CODE_ANSWER);
        fixture_answer(f, TOKEN, 400, cases[i].body);
        use(f);
        fixture_fails(f, ERROR_AUTH, cases[i].text);
    }
}

static void the_code_is_not_waited_for_beyond_its_life(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, CODE, 200,
                   "{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://v\","
                   "\"expires_in\":\"20\",\"interval\":\"5\"}");
    server_answer(f->server, &(struct server_answer){
                                 .match = TOKEN, .times = 4, .status = 400, .body = STR(PENDING)});
    use(f);
    fixture_fails(f, ERROR_AUTH, "not typed in in time");
    assert_true(server_requests(f->server) <= 5);
}

static void without_anybody_to_read_it_the_code_is_passed_over(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, &(struct azure_credential_options){.sign_in = "device"});
    fixture_fails(f, ERROR_AUTH, "sign-in is 'device', which is not set up");
    assert_non_null(strstr(f->err.hint, "nobody is at a terminal"));
    assert_int_equal(server_requests(f->server), 0);
}

static void what_the_user_is_told_cannot_move_the_cursor(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, CODE, 200,
                   "{\"device_code\":\"d\",\"user_code\":\"\\u001b[2Jx\",\"verification_uri\":"
                   "\"https://v\\r\\nweir: all is well\"}");
    fixture_answer(f, TOKEN, 400, "{\"error\":\"access_denied\"}");
    use(f);
    fixture_fails(f, ERROR_AUTH, "declined");
    assert_null(strchr(buf_text(&f->told), 0x1b));
    assert_null(strchr(buf_text(&f->told), '\r'));
    fixture_answer(f, CODE, 200, "{\"device_code\":\"d\"}");
    fixture_answer(f, CODE, 200, "[]");
    use(f);
    fixture_fails(f, ERROR_FORMAT, "no device code");
    fixture_fails(f, ERROR_FORMAT, "not JSON");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_user_is_told_where_to_type_in_what),
        TEST(slow_down_is_obeyed),
        TEST(the_refresh_token_serves_other_services_and_later_times),
        TEST(a_refresh_token_that_ended_means_asking_once_more),
        TEST(the_ends_that_are_not_good_are_told_apart),
        TEST(the_code_is_not_waited_for_beyond_its_life),
        TEST(without_anybody_to_read_it_the_code_is_passed_over),
        TEST(what_the_user_is_told_cannot_move_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
