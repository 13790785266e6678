/* Entra's grants: an assertion proves the client, a device code waits for a person, a refresh token goes
 * on for one. Microsoft's own client does the same over the wire, in tests/clients. */

#include "emulator/entra/devices.h"
#include "emulator/entra/keys.h"
#include "emulator/service.h"

#include "base/tick.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TENANT "b7a1f0d2-6c3e-4f58-8d94-2e5c7a9b1043"
#define CLIENT "c2d84e7f-15a9-4360-b8ef-6f0d3b7a5c21"
#define PERSON "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define TOKEN_PATH "/" TENANT "/oauth2/v2.0/token"
#define SCOPE "https://management.azure.com/.default"
#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

enum { FORM_MAX = 1 << 16, BODY_MAX = 1 << 16, NOW_LIFE = 3600 };

struct fixture {
    struct service service;
    struct server_reply reply;
    json_t *body;
};

static void start(struct fixture *fixture, const char *mode)
{
    struct service *service = &fixture->service;
    *fixture = (struct fixture){0};
    service->endpoint = "https://127.0.0.1:4711";
    service->tenant = TENANT;
    service->limits.token_life = UINT64_C(3600000000000);
    service->clients[SERVICE_APP] =
        (struct client){.owner = {.client = CLIENT, .object = "o"}, .secret = "s"};
    service->clients[SERVICE_PERSON] =
        (struct client){.owner = {.client = PERSON, .object = "p", .person = true}};
    assert_true(tokens_init(&service->tokens, TENANT, NULL));
    service->devices = devices_new(mode, NULL);
    service->keys = keys_new(NULL);
    assert_true(service->devices && service->keys);
}

static void forget_reply(struct fixture *fixture)
{
    json_decref(fixture->body);
    fixture->body = NULL;
    buf_release(&fixture->reply.body);
}

static void stop(struct fixture *fixture)
{
    forget_reply(fixture);
    devices_free(fixture->service.devices);
    keys_free(fixture->service.keys);
    tokens_release(&fixture->service.tokens);
}

/* The status; the body is kept. */
static int post(struct fixture *fixture, const char *path, const char *form)
{
    struct server_request request = {.method = "POST", .path = path, .body = str_of(form)};
    forget_reply(fixture);
    fixture->reply = (struct server_reply){.retry_after = -1};
    buf_init(&fixture->reply.body, BODY_MAX);
    assert_true(entra_answer(&fixture->service, &request, &fixture->reply));
    fixture->body = json_loads(buf_text(&fixture->reply.body), 0, NULL);
    assert_non_null(fixture->body);
    return fixture->reply.status;
}

static const char *member(const struct fixture *fixture, const char *name)
{
    return json_string_value(json_object_get(fixture->body, name));
}

static int number(const struct fixture *fixture)
{
    return (int) json_integer_value(
        json_array_get(json_object_get(fixture->body, "error_codes"), 0));
}

static int assert_with(struct fixture *fixture, const char *assertion)
{
    static char form[FORM_MAX];
    (void) snprintf(form, sizeof form,
                    "grant_type=client_credentials&client_id=" CLIENT "&scope=" SCOPE
                    "&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type"
                    "%%3Ajwt-bearer&client_assertion=%s",
                    assertion);
    return post(fixture, TOKEN_PATH, form);
}

static int64_t seconds_now(void)
{
    return (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
}

static void a_federated_token_proves_the_client(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, "approve");
    struct buf token = BUF_INIT(TOKEN_MAX);
    assert_true(keys_put_federated(fixture.service.keys, seconds_now(), &token, NULL));
    assert_int_equal(assert_with(&fixture, buf_text(&token)), 200);
    assert_non_null(member(&fixture, "access_token"));
    /* A person's members are not an application's. */
    assert_null(member(&fixture, "id_token"));
    token.bytes[token.used - 2] = token.bytes[token.used - 2] == 'A' ? 'B' : 'A';
    assert_int_equal(assert_with(&fixture, buf_text(&token)), 401);
    assert_int_equal(number(&fixture), 50013);
    buf_reset(&token);
    assert_true(
        keys_put_federated(fixture.service.keys, seconds_now() - 2 * 24 * 3600, &token, NULL));
    assert_int_equal(assert_with(&fixture, buf_text(&token)), 401);
    assert_int_equal(number(&fixture), 700024);
    buf_release(&token);
    stop(&fixture);
}

static void what_is_no_assertion_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {"",        "a",           "a.b",       "a.b.c",
                                        "e30.e30", "e30.e30.%25", "e30.W10.AA"};
    struct fixture fixture;
    start(&fixture, "approve");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(assert_with(&fixture, texts[i]), 401);
        assert_int_equal(number(&fixture), i == 0 ? 7000216 : 50027);
    }
    stop(&fixture);
}

static void the_certificate_is_known_by_its_thumbprints(void **state)
{
    (void) state;
    struct keys *keys = keys_new(NULL);
    assert_non_null(keys);
    assert_false(keys_is_thumbprint(keys, STR(""), false));
    assert_false(keys_is_thumbprint(keys, STR("AAAA"), true));
    struct buf pem = BUF_INIT(BODY_MAX);
    assert_true(keys_put_certificate(keys, &pem, NULL));
    assert_non_null(strstr(buf_text(&pem), "-----BEGIN PRIVATE KEY-----"));
    assert_non_null(strstr(buf_text(&pem), "-----BEGIN CERTIFICATE-----"));
    buf_release(&pem);
    keys_free(keys);
}

static void begin_device(struct fixture *fixture, const char *client, char code[GUID_TEXT])
{
    static char form[FORM_MAX];
    (void) snprintf(form, sizeof form, "client_id=%s&scope=" SCOPE "+offline_access", client);
    assert_int_equal(post(fixture, "/organizations/oauth2/v2.0/devicecode", form), 200);
    assert_int_equal(json_integer_value(json_object_get(fixture->body, "expires_in")), 900);
    assert_int_equal(strlen(member(fixture, "user_code")), DEVICE_USER_CODE - 1);
    (void) snprintf(code, GUID_TEXT, "%s", member(fixture, "device_code"));
}

static int poll_device(struct fixture *fixture, const char *client, const char *code)
{
    static char form[FORM_MAX];
    (void) snprintf(form, sizeof form, "grant_type=" DEVICE_GRANT "&client_id=%s&device_code=%s",
                    client, code);
    return post(fixture, TOKEN_PATH, form);
}

static void a_person_signs_in_elsewhere(void **state)
{
    (void) state;
    char code[GUID_TEXT];
    struct fixture fixture;
    start(&fixture, "approve");
    begin_device(&fixture, PERSON, code);
    assert_int_equal(poll_device(&fixture, CLIENT, code), 400);
    assert_string_equal(member(&fixture, "error"), "bad_verification_code");
    assert_int_equal(poll_device(&fixture, PERSON, code), 400);
    assert_string_equal(member(&fixture, "error"), "authorization_pending");
    assert_int_equal(poll_device(&fixture, PERSON, code), 200);
    assert_non_null(member(&fixture, "id_token"));
    assert_non_null(member(&fixture, "client_info"));

    static char form[FORM_MAX];
    (void) snprintf(form, sizeof form,
                    "grant_type=refresh_token&client_id=" PERSON
                    "&scope=https://vault.azure.net/.default+offline_access&refresh_token=%s",
                    member(&fixture, "refresh_token"));
    assert_int_equal(post(&fixture, TOKEN_PATH, form), 200);
    assert_non_null(member(&fixture, "refresh_token"));
    /* Good for nobody else, and as a token for nothing. */
    memcpy(strstr(form, PERSON), CLIENT, sizeof CLIENT - 1);
    assert_int_equal(post(&fixture, TOKEN_PATH, form), 400);
    assert_int_equal(number(&fixture), 700082);
    /* A code is used once. */
    assert_int_equal(poll_device(&fixture, PERSON, code), 400);
    assert_string_equal(member(&fixture, "error"), "bad_verification_code");
    stop(&fixture);
}

static void an_access_token_refreshes_nothing(void **state)
{
    (void) state;
    static char form[FORM_MAX];
    char code[GUID_TEXT];
    struct fixture fixture;
    start(&fixture, "approve");
    begin_device(&fixture, PERSON, code);
    assert_int_equal(poll_device(&fixture, PERSON, code), 400);
    assert_int_equal(poll_device(&fixture, PERSON, code), 200);
    (void) snprintf(form, sizeof form,
                    "grant_type=refresh_token&client_id=" PERSON "&scope=" SCOPE
                    "&refresh_token=%s",
                    member(&fixture, "access_token"));
    assert_int_equal(post(&fixture, TOKEN_PATH, form), 400);
    assert_int_equal(number(&fixture), 700082);
    stop(&fixture);
}

static void the_person_does_what_the_mode_says(void **state)
{
    (void) state;
    static const struct {
        const char *mode, *answers[4];
    } cases[] = {
        {"decline", {"authorization_pending", "authorization_declined"}},
        {"expire", {"authorization_pending", "expired_token"}},
        {"slow", {"authorization_pending", "slow_down", "good"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char code[GUID_TEXT];
        struct fixture fixture;
        start(&fixture, cases[i].mode);
        begin_device(&fixture, CLIENT, code);
        for (const char *const *answer = cases[i].answers; *answer; answer++) {
            bool good = poll_device(&fixture, CLIENT, code) == 200;
            assert_string_equal(good ? "good" : member(&fixture, "error"), *answer);
        }
        stop(&fixture);
    }
    struct error err = ERROR_INIT;
    assert_null(devices_new("maybe", &err));
    assert_int_equal(err.code, ERROR_USAGE);
}

static void very_many_codes_push_out_the_oldest(void **state)
{
    (void) state;
    enum { MORE_THAN_KEPT = 100 };
    char first[GUID_TEXT], code[GUID_TEXT], user[DEVICE_USER_CODE], scope[DEVICE_SCOPE_MAX];
    struct devices *devices = devices_new("approve", NULL);
    assert_true(devices_add(devices, STR("c"), STR("s"), first, user, NULL));
    for (int i = 0; i < MORE_THAN_KEPT; i++)
        assert_true(devices_add(devices, STR("c"), STR("s"), code, user, NULL));
    assert_int_equal(devices_poll(devices, STR("c"), str_of(first), scope), DEVICE_UNKNOWN);
    assert_int_equal(devices_poll(devices, STR("c"), str_of(code), scope), DEVICE_PENDING);
    assert_int_equal(devices_poll(devices, STR("c"), str_of(code), scope), DEVICE_GOOD);
    assert_string_equal(scope, "s");
    char long_scope[2 * DEVICE_SCOPE_MAX];
    memset(long_scope, 's', sizeof long_scope);
    assert_false(devices_add(devices, STR("c"), (struct str){long_scope, sizeof long_scope}, code,
                             user, NULL));
    devices_free(devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_federated_token_proves_the_client),
        cmocka_unit_test(what_is_no_assertion_is_refused),
        cmocka_unit_test(the_certificate_is_known_by_its_thumbprints),
        cmocka_unit_test(a_person_signs_in_elsewhere),
        cmocka_unit_test(an_access_token_refreshes_nothing),
        cmocka_unit_test(the_person_does_what_the_mode_says),
        cmocka_unit_test(very_many_codes_push_out_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
