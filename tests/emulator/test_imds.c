/* Managed identities: who asks in the right way gets a token of the right one, and nobody else. */

#include "emulator/imds.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TENANT "b7a1f0d2-6c3e-4f58-8d94-2e5c7a9b1043"
#define RESOURCE "https://management.azure.com/"

enum { BODY_MAX = 1 << 16, FIELDS_MAX = 8 };

struct fixture {
    struct service service;
    struct server_reply reply;
    json_t *body;
};

static void start(struct fixture *fixture, const char *faults)
{
    struct service *service = &fixture->service;
    *fixture = (struct fixture){0};
    service->limits.token_life = UINT64_C(3600000000000);
    service->clients[SERVICE_IDENTITY] =
        (struct client){.owner = {.client = "own", .object = "own object"}};
    service->clients[SERVICE_USER_IDENTITY] = (struct client){
        .owner = {.client = "assigned", .object = "assigned object"}, .resource = "/the/resource"};
    assert_true(tokens_init(&service->tokens, TENANT, NULL));
    assert_true(report_init(&service->report, NULL, NULL));
    service->imds = imds_new("header", faults, NULL);
    assert_non_null(service->imds);
    atomic_store(&service->answering, true);
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
    imds_free(fixture->service.imds);
    report_release(&fixture->service.report);
    tokens_release(&fixture->service.tokens);
}

static int get(struct fixture *fixture, const char *path, const struct server_field *fields)
{
    struct server_request request = {.method = "GET", .path = path, .fields = fields};
    forget_reply(fixture);
    fixture->reply = (struct server_reply){.retry_after = -1};
    buf_init(&fixture->reply.body, BODY_MAX);
    imds_handle(&fixture->service, &request, &fixture->reply);
    fixture->body = json_loads(buf_text(&fixture->reply.body), 0, NULL);
    assert_non_null(fixture->body);
    return fixture->reply.status;
}

static const char *member(const struct fixture *fixture, const char *name)
{
    return json_string_value(json_object_get(fixture->body, name));
}

struct ask {
    struct server_field fields[FIELDS_MAX];
    int status;
    const char *name, *value; /* of the answer */
};

static void check(struct fixture *fixture, const char *path, const struct ask *asks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(get(fixture, path, asks[i].fields), asks[i].status);
        if (asks[i].name)
            assert_string_equal(member(fixture, asks[i].name), asks[i].value);
    }
}

#define MACHINE                                                                                    \
    {"Metadata", "true"}, {"api-version", "2018-02-01"},                                           \
    {                                                                                              \
        "resource", RESOURCE                                                                       \
    }

static void a_machine_asks(void **state)
{
    (void) state;
    static const struct ask asks[] = {
        {{MACHINE}, 200, "client_id", "own"},
        {{MACHINE, {"client_id", "own"}}, 200, "client_id", "own"},
        {{MACHINE, {"client_id", "assigned"}}, 200, "client_id", "assigned"},
        {{MACHINE, {"object_id", "assigned object"}}, 200, "client_id", "assigned"},
        {{MACHINE, {"mi_res_id", "/the/resource"}}, 200, "client_id", "assigned"},
        {{MACHINE, {"msi_res_id", "/THE/resource"}}, 200, "client_id", "assigned"},
        {{MACHINE, {"client_id", "other"}}, 400, "error_description", "Identity not found"},
        {{MACHINE, {"X-Forwarded-For", "10.0.0.1"}}, 400, "error", "bad_request_103"},
        {{{"api-version", "2018-02-01"}, {"resource", RESOURCE}}, 400, "error", "bad_request_102"},
        {{{"Metadata", "no"}, {"api-version", "x"}, {"resource", RESOURCE}},
         400,
         "error",
         "bad_request_102"},
        {{{"Metadata", "true"}, {"resource", RESOURCE}}, 400, "error", "invalid_request"},
        {{{"Metadata", "true"}, {"api-version", "x"}}, 400, "error", "invalid_request"},
        {{{"Metadata", "true"}, {"api-version", "x"}, {"resource", "https://no.example"}},
         400,
         "error",
         "invalid_resource"},
    };
    struct fixture fixture;
    start(&fixture, NULL);
    check(&fixture, IMDS_PATH, asks, sizeof asks / sizeof asks[0]);
    /* Numbers are texts there. */
    assert_int_equal(get(&fixture, IMDS_PATH, asks[0].fields), 200);
    assert_string_equal(member(&fixture, "expires_in"), "3600");
    assert_int_equal(get(&fixture, "/metadata/instance", asks[0].fields), 404);
    stop(&fixture);
}

#define APP                                                                                        \
    {"X-IDENTITY-HEADER", "header"}, {"api-version", "2019-08-01"},                                \
    {                                                                                              \
        "resource", RESOURCE                                                                       \
    }
#define OLD                                                                                        \
    {"secret", "header"}, {"api-version", "2017-09-01"},                                           \
    {                                                                                              \
        "resource", RESOURCE                                                                       \
    }

static void an_app_asks(void **state)
{
    (void) state;
    static const struct ask asks[] = {
        {{APP}, 200, "client_id", "own"},
        {{APP, {"principal_id", "assigned object"}}, 200, "client_id", "assigned"},
        {{APP, {"client_id", "other"}}, 400, NULL, NULL},
        {{OLD}, 200, "client_id", "own"},
        {{OLD, {"clientid", "assigned"}}, 200, "client_id", "assigned"},
        {{{"secret", "header"}, {"api-version", "2019-08-01"}, {"resource", RESOURCE}},
         401,
         NULL,
         NULL},
        {{{"X-IDENTITY-HEADER", "header"}, {"api-version", "2017-09-01"}, {"resource", RESOURCE}},
         401,
         NULL,
         NULL},
        {{{"X-IDENTITY-HEADER", "headers"}, {"api-version", "2019-08-01"}, {"resource", RESOURCE}},
         401,
         NULL,
         NULL},
        {{{"X-IDENTITY-HEADER", "header"}, {"resource", RESOURCE}}, 400, NULL, NULL},
        {{{"X-IDENTITY-HEADER", "header"}, {"api-version", "2019-08-01"}}, 500, NULL, NULL},
    };
    struct fixture fixture;
    start(&fixture, NULL);
    check(&fixture, IMDS_MSI_PATH, asks, sizeof asks / sizeof asks[0]);
    assert_int_equal(get(&fixture, IMDS_MSI_PATH, asks[0].fields), 200);
    assert_null(member(&fixture, "expires_in"));
    uint64_t seconds;
    assert_true(str_uint64(str_of(member(&fixture, "expires_on")), &seconds));
    /* The older form has a date. */
    assert_int_equal(get(&fixture, IMDS_MSI_PATH, asks[3].fields), 200);
    assert_true(str_ends(str_of(member(&fixture, "expires_on")), STR("M +00:00")));
    stop(&fixture);
}

static void faults_come_first_and_end(void **state)
{
    (void) state;
    static const struct server_field fields[] = {MACHINE, {NULL, NULL}};
    static const int wanted[] = {404, 404, 429, 500, 200, 200};
    struct fixture fixture;
    start(&fixture, "404:2,429:1,500:1");
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_int_equal(get(&fixture, IMDS_PATH, fields), wanted[i]);
    assert_int_equal(fixture.service.report.requests[REPORT_IDENTITY], 6);
    stop(&fixture);
    static const char *const wrong[] = {"404", "200:1", "600:1", "404:x", "404:1,", ":1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = ERROR_INIT;
        assert_null(imds_new("h", wrong[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_asks),
        cmocka_unit_test(an_app_asks),
        cmocka_unit_test(faults_come_first_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
