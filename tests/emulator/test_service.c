/* The service without an engine: routes, sign-in, limits, faults, and what is refused before a
 * query runs. */

#include "emulator/service.h"

#include "base/tick.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define WORKSPACE "5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10"
#define TENANT "b7a1f0d2-6c3e-4f58-8d94-2e5c7a9b1043"
#define CLIENT "c2d84e7f-15a9-4360-b8ef-6f0d3b7a5c21"
#define OBJECT "41c0a7b5-3d9e-4e62-8f17-d05b6a9c2e38"
#define QUERY_PATH "/v1/workspaces/" WORKSPACE "/query"
#define TOKEN_PATH "/" TENANT "/oauth2/v2.0/token"
#define RESOURCE_ID                                                                                \
    "/subscriptions/0/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
#define FORM                                                                                       \
    "grant_type=client_credentials&client_id=" CLIENT                                              \
    "&client_secret=s%26cret+%2B&scope=https%3A%2F%2Fapi.loganalytics.io%2F.default"

enum { BODY_MAX = 1 << 20, HEADER_MAX = 8192 };

struct fixture {
    struct service service;
    char bearer[HEADER_MAX];
    struct server_reply reply;
    json_t *body;
};

static void sign_in(struct fixture *fixture, const char *audience)
{
    struct service *service = &fixture->service;
    struct buf token = BUF_INIT(TOKEN_MAX);
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    assert_true(tokens_put(&service->tokens, &service->clients[0].owner, str_of(audience), now,
                           now + 3600, &token, NULL));
    (void) snprintf(fixture->bearer, HEADER_MAX, "Bearer %s", buf_text(&token));
    buf_release(&token);
}

static void start(struct fixture *fixture, const char *faults, uint64_t rate)
{
    struct service *service = &fixture->service;
    *fixture = (struct fixture){0};
    service->limits = (struct service_limits){.body_status = 400,
                                              .wait = UINT64_C(180000000000),
                                              .wait_max = UINT64_C(600000000000),
                                              .token_life = UINT64_C(3600000000000),
                                              .retry_after = "auto"};
    service->endpoint = "https://127.0.0.1:4711";
    service->workspace = WORKSPACE;
    service->workspace_name = "w";
    service->resource_id = RESOURCE_ID;
    service->region = "westeurope";
    service->tenant = TENANT;
    service->clients[0] =
        (struct client){.owner = {.client = CLIENT, .object = OBJECT}, .secret = "s&cret +"};
    service->audiences[0] = service->endpoint;
    service->audiences[1] = "https://api.loganalytics.io";
    struct throttle_options limits = {.rate = rate, .window = UINT64_C(3600000000000)};
    service->throttle = throttle_new(&limits, NULL);
    service->searches = throttle_new(&(struct throttle_options){0}, NULL);
    assert_true(service->throttle && service->searches);
    assert_true(tokens_init(&service->tokens, TENANT, NULL));
    assert_true(faults_init(&service->faults, faults, 1, NULL));
    assert_true(report_init(&service->report, NULL, NULL));
    assert_non_null(tables_add(&service->tables, STR("T"), NULL));
    atomic_store(&service->answering, true);
    sign_in(fixture, "https://api.loganalytics.io");
}

static void forget_reply(struct fixture *fixture)
{
    json_decref(fixture->body);
    fixture->body = NULL;
    buf_release(&fixture->reply.body);
    buf_release(&fixture->reply.headers);
}

static void stop(struct fixture *fixture)
{
    forget_reply(fixture);
    tables_release(&fixture->service.tables);
    throttle_free(fixture->service.throttle);
    throttle_free(fixture->service.searches);
    report_release(&fixture->service.report);
    tokens_release(&fixture->service.tokens);
}

/* Asks, and keeps the reply with its body as JSON. The status comes back. */
static int ask(struct fixture *fixture, const char *method, const char *path, const char *body,
               const char *kind)
{
    struct server_request request = {.method = method,
                                     .path = path,
                                     .body = str_of(body),
                                     .content_type = kind,
                                     .authorization = fixture->bearer};
    forget_reply(fixture);
    fixture->reply = (struct server_reply){.retry_after = -1};
    buf_init(&fixture->reply.body, BODY_MAX);
    buf_init(&fixture->reply.headers, SERVER_HEADERS_MAX);
    service_handle(&fixture->service, &request, &fixture->reply);
    fixture->body = json_loads(buf_text(&fixture->reply.body), 0, NULL);
    return fixture->reply.status;
}

static int post(struct fixture *fixture, const char *path, const char *body)
{
    return ask(fixture, "POST", path, body, "application/json; charset=utf-8");
}

/* The code of the error, or of the error inside it. */
static const char *code(const struct fixture *fixture, bool inner)
{
    const json_t *error = json_object_get(fixture->body, "error");
    if (inner)
        error = json_object_get(error, "innererror");
    return json_string_value(json_object_get(error, "code"));
}

static void until_it_is_ready_it_is_unavailable(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 0);
    atomic_store(&fixture.service.answering, false);
    assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), 503);
    stop(&fixture);
}

static void tokens_are_issued_by_both_endpoints(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 0);
    assert_int_equal(ask(&fixture, "POST", TOKEN_PATH, FORM, NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(fixture.body, "expires_in")), 3600);
    (void) snprintf(fixture.bearer, HEADER_MAX, "Bearer %s",
                    json_string_value(json_object_get(fixture.body, "access_token")));
    assert_int_equal(post(&fixture, QUERY_PATH, "{}"), 400);
    assert_int_equal(ask(&fixture, "POST", "/" TENANT "/oauth2/token",
                         "resource=https://api.loganalytics.io/&grant_type=client_credentials"
                         "&client_id=" CLIENT "&client_secret=s%26cret%20%2b",
                         NULL),
                     200);
    assert_string_equal(json_string_value(json_object_get(fixture.body, "expires_in")), "3600");
    stop(&fixture);
}

static void who_is_not_the_client_gets_no_token(void **state)
{
    (void) state;
    static const struct {
        const char *path, *form, *error;
        int status;
    } cases[] = {
        {TOKEN_PATH, "", "unsupported_grant_type", 400},
        {TOKEN_PATH, "grant_type=client_credentials", "unauthorized_client", 400},
        {TOKEN_PATH, "grant_type=client_credentials&client_id=" CLIENT, "invalid_client", 401},
        {TOKEN_PATH, "grant_type=client_credentials&client_id=" CLIENT "&client_secret=s%2",
         "invalid_client", 401},
        {TOKEN_PATH,
         "grant_type=client_credentials&client_id=" CLIENT "&client_secret=s%26cret+%2B",
         "invalid_scope", 400},
        {TOKEN_PATH,
         "grant_type=client_credentials&client_id=" CLIENT
         "&client_secret=s%26cret+%2B&scope=https://api.loganalytics.io",
         "invalid_scope", 400},
        {"/someone-else/oauth2/v2.0/token", FORM, "invalid_request", 400},
    };
    struct fixture fixture;
    start(&fixture, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ask(&fixture, "POST", cases[i].path, cases[i].form, NULL),
                         cases[i].status);
        assert_string_equal(json_string_value(json_object_get(fixture.body, "error")),
                            cases[i].error);
    }
    stop(&fixture);
}

static void clients_find_the_token_endpoint(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 0);
    assert_int_equal(
        ask(&fixture, "GET", "/" TENANT "/v2.0/.well-known/openid-configuration", "", NULL), 200);
    assert_string_equal(json_string_value(json_object_get(fixture.body, "token_endpoint")),
                        "https://127.0.0.1:4711" TOKEN_PATH);
    assert_int_equal(ask(&fixture, "GET", "/common/discovery/instance", "", NULL), 200);
    assert_string_equal(
        json_string_value(json_object_get(fixture.body, "tenant_discovery_endpoint")),
        "https://127.0.0.1:4711/" TENANT "/v2.0/.well-known/openid-configuration");
    stop(&fixture);
}

static void nothing_is_answered_without_a_token(void **state)
{
    (void) state;
    static const char *const paths[] = {QUERY_PATH, "/v1/workspaces/" WORKSPACE "/metadata",
                                        "/v1/$batch", "/v1/nothing", "/v1" RESOURCE_ID "/query"};
    struct fixture fixture;
    start(&fixture, NULL, 0);
    fixture.bearer[0] = '\0';
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(post(&fixture, paths[i], "{\"query\":\"T\"}"), 401);
        assert_string_equal(code(&fixture, false), "AuthenticationFailed");
        assert_string_equal(fixture.reply.challenge, "Bearer");
    }
    assert_int_equal(fixture.service.faults.requests, 0);
    stop(&fixture);
}

static void wrong_paths_and_bodies_are_told_apart(void **state)
{
    (void) state;
    static const struct {
        const char *path, *body;
        int status;
        const char *code;
        bool inner;
    } cases[] = {
        {"/v1/", "{}", 404, "PathNotFoundError", false},
        {"/v1/workspaces", "{}", 404, "PathNotFoundError", false},
        {"/v1/workspaces/" WORKSPACE, "{}", 404, "PathNotFoundError", false},
        {"/v1/workspaces/" WORKSPACE "/query/x", "{}", 404, "PathNotFoundError", false},
        {"/v1/workspaces/0/query", "{}", 400, "FailedToResolveResource", true},
        {"/v1/subscriptions/1/query", "{}", 404, "ResourceNotFoundError", false},
        {QUERY_PATH, "{", 400, "QueryValidationError", true},
        {QUERY_PATH, "[]", 400, "QueryValidationError", true},
        {QUERY_PATH, "{\"query\":1}", 400, "QueryValidationError", true},
        {QUERY_PATH, "{\"query\":\"T\",\"workspaces\":[\"other\"]}", 400, "FailedToResolveResource",
         true},
        {QUERY_PATH, "{\"query\":\"T\",\"timespan\":\"soon\"}", 400, "InvalidTimespan", true},
        {"/v1//subscriptions/0/resourcegroups/G/providers/microsoft.operationalinsights/workspaces/"
         "W/"
         "query",
         "{", 400, "QueryValidationError", true},
    };
    struct fixture fixture;
    start(&fixture, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(post(&fixture, cases[i].path, cases[i].body), cases[i].status);
        assert_string_equal(code(&fixture, cases[i].inner), cases[i].code);
    }
    stop(&fixture);
}

static void a_post_that_is_no_json_is_answered_with_nothing(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 0);
    assert_int_equal(ask(&fixture, "POST", QUERY_PATH, "{\"query\":\"T\"}", "text/plain"), 200);
    assert_int_equal(fixture.reply.body.used, 0);
    assert_int_equal(ask(&fixture, "POST", QUERY_PATH, "", "application/json"), 200);
    assert_int_equal(fixture.reply.body.used, 0);
    stop(&fixture);
}

static void the_rate_holds_for_all_of_the_api(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&fixture, "GET", "/v1/workspaces/" WORKSPACE "/metadata", "", NULL),
                         200);
    assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), 429);
    assert_string_equal(code(&fixture, false), "ThrottledError");
    assert_in_range(fixture.reply.retry_after, 3500, 3600);
    fixture.service.limits.retry_after = "none";
    assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), 429);
    assert_int_equal(fixture.reply.retry_after, -1);
    fixture.service.limits.retry_after = "7";
    assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), 429);
    assert_int_equal(fixture.reply.retry_after, 7);
    stop(&fixture);
}

static void faults_come_before_the_query(void **state)
{
    (void) state;
    static const struct {
        const char *fault;
        int status;
        int64_t retry_after;
        enum server_ending ending;
    } cases[] = {
        {"429:1", 429, 1, SERVER_WHOLE},    {"503:1", 503, 1, SERVER_WHOLE},
        {"token:1", 403, -1, SERVER_WHOLE}, {"504:1", 504, -1, SERVER_WHOLE},
        {"500:1", 500, -1, SERVER_WHOLE},   {"queue:1", 429, -1, SERVER_WHOLE},
        {"reset:1", 0, -1, SERVER_RESET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        start(&fixture, cases[i].fault, 0);
        assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), cases[i].status);
        assert_int_equal(fixture.reply.retry_after, cases[i].retry_after);
        assert_int_equal(fixture.reply.ending, cases[i].ending);
        assert_int_equal(fixture.service.faults.requests, 1);
        assert_int_equal(fixture.service.report.statuses[cases[i].status], 1);
        /* Only queries meet faults. */
        assert_int_equal(ask(&fixture, "GET", "/v1/workspaces/" WORKSPACE "/metadata", "", NULL),
                         200);
        stop(&fixture);
    }
}

static void a_workspace_without_tables_has_no_content(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 0);
    tables_release(&fixture.service.tables);
    assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), 204);
    assert_int_equal(fixture.reply.body.used, 0);
    stop(&fixture);
}

#define ONE(id, rest) "{\"id\":\"" id "\",\"workspace\":\"" WORKSPACE "\"," rest "}"

static void a_batch_fails_as_a_whole_only_for_its_form(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "{",
        "{}",
        "{\"requests\":[]}",
        "{\"requests\":[1]}",
        "{\"requests\":[{\"id\":\"1\"}]}",
        "{\"requests\":[" ONE("1", "\"path\":\"/query\"") "," ONE("1", "\"path\":\"/query\"") "]}",
    };
    struct fixture fixture;
    start(&fixture, NULL, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(post(&fixture, "/v1/$batch", wrong[i]), 400);
    stop(&fixture);
}

static void a_batch_answers_each_by_its_id(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, "503:1", 0);
    /* clang-format off */
    static const char batch[] =
        "{\"requests\":["
        ONE("a\\\"b", "\"path\":\"/query\",\"method\":\"POST\",\"body\":{\"query\":\"T\"}") ","
        ONE("get", "\"path\":\"/query\",\"body\":{\"query\":\"T\"}") ","
        "{\"id\":\"other\",\"path\":\"/query\",\"workspace\":\"0\"},"
        ONE("meta", "\"path\":\"/metadata\"") "]}";
    /* clang-format on */
    assert_int_equal(post(&fixture, "/v1/$batch", batch), 200);
    static const struct {
        const char *id;
        int status;
    } wanted[] = {{"meta", 200}, {"other", 400}, {"get", 404}, {"a\"b", 503}};
    const json_t *list = json_object_get(fixture.body, "responses");
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *one = json_array_get(list, i);
        assert_string_equal(json_string_value(json_object_get(one, "id")), wanted[i].id);
        assert_int_equal(json_integer_value(json_object_get(one, "status")), wanted[i].status);
        assert_true(json_is_object(json_object_get(one, "body")));
    }
    stop(&fixture);
}

static void the_report_counts_what_was_answered(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, "429:1", 0);
    assert_int_equal(post(&fixture, QUERY_PATH, "{\"query\":\"T\"}"), 429);
    assert_int_equal(post(&fixture, "/v1/nothing", "{}"), 404);
    assert_int_equal(ask(&fixture, "POST", TOKEN_PATH, FORM, NULL), 200);
    struct throttle_figures figures = throttle_figures(fixture.service.throttle);
    struct report_parts parts = {.report = &fixture.service.report,
                                 .faults = &fixture.service.faults,
                                 .throttle = &figures,
                                 .searches = &figures,
                                 .tables = &fixture.service.tables};
    struct buf text = BUF_INIT(BODY_MAX);
    report_put_json(&parts, &text);
    json_t *report = json_loads(buf_text(&text), 0, NULL);
    assert_non_null(report);
    const json_t *requests = json_object_get(report, "requests");
    assert_int_equal(json_integer_value(json_object_get(requests, "query")), 1);
    assert_int_equal(json_integer_value(json_object_get(requests, "token")), 1);
    assert_int_equal(json_integer_value(json_object_get(requests, "other")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "faults"), "429")),
                     1);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(report, "statuses"), "404")), 1);
    json_decref(report);
    buf_reset(&text);
    report_put_text(&parts, &text);
    assert_non_null(strstr(buf_text(&text), "429 1"));
    buf_release(&text);
    stop(&fixture);
}

static void computing_beyond_the_latency_is_told(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, NULL, 0);
    struct report *report = &fixture.service.report;
    report_computed(report, 1000000000);
    assert_int_equal(report->slow.n, 0);
    report->latency = 2000000000;
    report_computed(report, 2000000000);
    report_computed(report, 2500000000);
    report_computed(report, 2100000000);
    assert_int_equal(report->slow.n, 2);
    assert_int_equal(report->slow.sum, 600000000);
    assert_int_equal(report->slow.most, 500000000);
    struct throttle_figures figures = throttle_figures(fixture.service.throttle);
    struct report_parts parts = {.report = &fixture.service.report,
                                 .faults = &fixture.service.faults,
                                 .throttle = &figures,
                                 .searches = &figures,
                                 .tables = &fixture.service.tables};
    struct buf text = BUF_INIT(BODY_MAX);
    report_put_text(&parts, &text);
    assert_non_null(strstr(buf_text(&text), "computed longer 2 times, by 600 ms"));
    buf_release(&text);
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_it_is_ready_it_is_unavailable),
        cmocka_unit_test(tokens_are_issued_by_both_endpoints),
        cmocka_unit_test(who_is_not_the_client_gets_no_token),
        cmocka_unit_test(clients_find_the_token_endpoint),
        cmocka_unit_test(nothing_is_answered_without_a_token),
        cmocka_unit_test(wrong_paths_and_bodies_are_told_apart),
        cmocka_unit_test(a_post_that_is_no_json_is_answered_with_nothing),
        cmocka_unit_test(the_rate_holds_for_all_of_the_api),
        cmocka_unit_test(faults_come_before_the_query),
        cmocka_unit_test(a_workspace_without_tables_has_no_content),
        cmocka_unit_test(a_batch_fails_as_a_whole_only_for_its_form),
        cmocka_unit_test(a_batch_answers_each_by_its_id),
        cmocka_unit_test(the_report_counts_what_was_answered),
        cmocka_unit_test(computing_beyond_the_latency_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
