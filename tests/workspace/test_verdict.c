/* Every way in which the service can answer, and what it becomes. */
#include "fixture.h"

#include "workspace/verdict.h"

#define TABLE                                                                                      \
    "{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"A\",\"type\":\"string\"},{\"name\":"     \
    "\"B\","                                                                                       \
    "\"type\":\"long\"}],\"rows\":[[\"x\",1],[\"y\",2]]}"
#define GOOD "{\"tables\":[" TABLE "]}"
#define PARTIAL(code, message)                                                                     \
    "{\"tables\":[" TABLE "],\"error\":{\"code\":\"PartialError\",\"message\":\"There were some "  \
    "errors\",\"details\":[{\"code\":\"EngineError\",\"message\":\"Something went wrong\","        \
    "\"innererror\":{\"code\":\"" code "\",\"message\":\"" message "\",\"severity\":2}}]}}"
#define REFUSAL(code, inner, message)                                                              \
    "{\"error\":{\"code\":\"" code "\",\"message\":\"The request had some invalid properties\","   \
    "\"innererror\":{\"code\":\"" inner "\",\"message\":\"" message "\"}}}"

static int set_up(void **state)
{
    static struct fixture f;
    struct workspace_options options = {.stall_timeout = 0.4, .answer_timeout = 0.8};
    fixture_open(&f, &options);
    fixture_sign_in(&f, 1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_close(*state);
    return 0;
}

/* One query against one answer. */
static void assert_outcome(struct fixture *f, const struct server_answer *answer,
                           enum workspace_outcome outcome, enum error_code code, const char *word)
{
    struct told told = {0};
    struct server_answer mine = *answer;
    mine.match = FIXTURE_QUERY;
    server_answer(f->server, &mine);
    fixture_query(f, &told, "T");
    const struct workspace_result *r = &told.result;
    if (r->outcome != outcome || r->error.code != code || !strstr(r->error.message, word))
        fail_msg("%s: %s: %s", workspace_outcome_text(r->outcome), error_name(r->error.code),
                 r->error.message);
    told_release(&told);
}

#define BODY(text) (&(struct server_answer){.body = STR(text)})
#define STATUS(number, text) (&(struct server_answer){.status = (number), .body = STR(text)})

static void a_ceiling_of_the_service_is_too_large(void **state)
{
    struct fixture *f = *state;
    static const char *const messages[] = {
        PARTIAL("-2133196797", "too much"),
        PARTIAL("0", "The results of this query exceed the set limit of 64000000 bytes, so not all "
                     "records were returned"),
        PARTIAL("0",
                "The results of this query exceed the set limit of 500000 records, so not all"),
        PARTIAL("0", "Maximum response size of 100000000 bytes exceeded")};
    for (size_t i = 0; i < 4; i++)
        assert_outcome(f, &(struct server_answer){.body = str_of(messages[i])}, WORKSPACE_TOO_LARGE,
                       ERROR_TOO_LARGE, "too large");
}

static void the_limit_of_json_is_too_large_whatever_the_status(void **state)
{
    struct fixture *f = *state;
    static const int statuses[] = {400, 403, 413, 429, 500, 502, 504};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_outcome(f,
                       STATUS(statuses[i],
                              "{\"error\":{\"code\":\"ResponsePayloadTooLarge\",\"message\":"
                              "\"Maximum response size of 100000000 bytes exceeded.\"}}"),
                       WORKSPACE_TOO_LARGE, ERROR_TOO_LARGE, "Maximum response size");
        assert_outcome(f, STATUS(statuses[i], "Maximum response size of 100000000 bytes exceeded"),
                       WORKSPACE_TOO_LARGE, ERROR_TOO_LARGE, "too large");
    }
}

static void another_error_beside_the_rows_is_broken(void **state)
{
    struct fixture *f = *state;
    assert_outcome(f, BODY(PARTIAL("-2133196799", "out of memory")), WORKSPACE_BROKEN,
                   ERROR_PARTIAL, "out of memory (PartialError)");
    assert_outcome(
        f, BODY("{\"error\":{\"code\":\"PartialError\",\"message\":\"m\"},\"tables\":[" TABLE "]}"),
        WORKSPACE_BROKEN, ERROR_PARTIAL, "m (PartialError)");
    assert_outcome(f, BODY("{\"error\":{}}"), WORKSPACE_BROKEN, ERROR_PARTIAL, "not whole");
    assert_outcome(f, BODY("{\"tables\":[" TABLE "],\"error\":\"odd\"}"), WORKSPACE_BROKEN,
                   ERROR_PARTIAL, "not whole");
}

static void what_is_not_whole_is_broken(void **state)
{
    struct fixture *f = *state;
    assert_outcome(f, &(struct server_answer){.body = STR(GOOD), .cut = true, .cut_at = 40},
                   WORKSPACE_BROKEN, ERROR_NETWORK, "cut after 40 bytes");
    assert_outcome(f,
                   &(struct server_answer){.body = STR(GOOD),
                                           .framing = SERVER_CHUNKED,
                                           .piece = 9,
                                           .cut = true,
                                           .cut_at = sizeof GOOD - 1},
                   WORKSPACE_BROKEN, ERROR_NETWORK, "cut");
    assert_outcome(f, &(struct server_answer){.body = STR(GOOD), .length_more = -1, .close = true},
                   WORKSPACE_BROKEN, ERROR_PARTIAL, "ends early");
    assert_outcome(f, &(struct server_answer){.body = STR(GOOD), .stall = true, .cut_at = 60},
                   WORKSPACE_BROKEN, ERROR_TIMEOUT, "stalled");
    assert_outcome(f, &(struct server_answer){.body = STR(GOOD), .framing = SERVER_CLOSE},
                   WORKSPACE_BROKEN, ERROR_NETWORK, "where it ends");
    assert_outcome(f, &(struct server_answer){.status = -1}, WORKSPACE_BROKEN, ERROR_NETWORK,
                   "POST");
}

static void json_that_is_not_the_services_is_broken(void **state)
{
    struct fixture *f = *state;
    assert_outcome(f, BODY(""), WORKSPACE_BROKEN, ERROR_PARTIAL, "empty");
    assert_outcome(f, BODY(GOOD "x"), WORKSPACE_BROKEN, ERROR_FORMAT, "behind its end");
    assert_outcome(f, BODY("{}"), WORKSPACE_BROKEN, ERROR_FORMAT, "no table");
    assert_outcome(
        f,
        BODY("{\"tables\":[{\"columns\":[{\"name\":\"A\",\"type\":\"int\"},{\"name\":\"B\","
             "\"type\":\"int\"}],\"rows\":[[1,2],[3]]}]}"),
        WORKSPACE_BROKEN, ERROR_FORMAT, "row 2");
}

static void somebody_elses_page_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_outcome(f, BODY("<html><body>Please sign in</body></html>"), WORKSPACE_REFUSED,
                   ERROR_FORMAT, "it begins: <html>");
    assert_outcome(f, STATUS(302, "<html>"), WORKSPACE_REFUSED, ERROR_SERVICE,
                   "sends us elsewhere");
    assert_outcome(f, STATUS(404, "<html>"), WORKSPACE_REFUSED, ERROR_NOT_FOUND, "status 404");
}

static void a_workspace_without_data_is_an_answer_without_rows(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    fixture_answer(f, 204, STR(""));
    fixture_query(f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    assert_int_equal(told.result.rows, 0);
    assert_int_equal(told.columns.used, 0);
    told_release(&told);
}

static void time_that_ran_out_is_a_timeout(void **state)
{
    struct fixture *f = *state;
    assert_outcome(
        f, STATUS(504, "{\"error\":{\"code\":\"GatewayTimeout\",\"message\":\"Too long\"}}"),
        WORKSPACE_TIMEOUT, ERROR_TIMEOUT, "Too long (GatewayTimeout)");
    assert_outcome(f, &(struct server_answer){.delay_ms = 20000}, WORKSPACE_TIMEOUT, ERROR_TIMEOUT,
                   "no answer");
}

static void troubles_of_the_service_are_broken(void **state)
{
    struct fixture *f = *state;
    static const int statuses[] = {500, 502, 503, 520};
    for (size_t i = 0; i < 4; i++)
        assert_outcome(f, STATUS(statuses[i], "<html>oh no"), WORKSPACE_BROKEN, ERROR_SERVICE,
                       "fails");
}

static void a_full_queue_is_told_from_too_many_requests(void **state)
{
    (void) state;
    static const struct {
        const char *body;
        bool queue;
    } cases[] = {
        {"{\"error\":{\"code\":\"ThrottledError\",\"message\":\"Too many requests\"}}", false},
        {"", false},
        {"{\"error\":{\"code\":\"ThrottledError\",\"message\":\"Too many queries are waiting\"}}",
         true},
        {"{\"error\":{\"message\":\"The Queue is full\"}}", true},
        {"too many concurrent queries", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verdict verdict;
        verdict_of_status(429, str_of(cases[i].body), &verdict);
        assert_int_equal(verdict.outcome, WORKSPACE_THROTTLED);
        assert_int_equal(verdict.queue, cases[i].queue);
        verdict_of_status(503, str_of(cases[i].body), &verdict);
        assert_false(verdict.queue);
    }
}

static void kql_that_is_refused_comes_with_the_innermost_reason(void **state)
{
    struct fixture *f = *state;
    assert_outcome(
        f,
        STATUS(400, REFUSAL("BadArgumentError", "SyntaxError", "Query could not be parsed at 'x'")),
        WORKSPACE_REFUSED, ERROR_KQL, "Query could not be parsed at 'x'");
    assert_outcome(
        f,
        STATUS(400,
               "{\"error\":{\"code\":\"BadArgumentError\",\"message\":\"outer\",\"innererror\":"
               "{\"code\":\"SemanticError\",\"message\":\"middle\",\"innererror\":{\"code\":"
               "\"SEM0100\",\"message\":\"no column 'Foo'\"}}}}"),
        WORKSPACE_REFUSED, ERROR_KQL, "no column 'Foo'");
    assert_outcome(f, STATUS(400, REFUSAL("BadArgumentError", "QueryValidationError", "a body")),
                   WORKSPACE_REFUSED, ERROR_SERVICE, "a body (BadArgumentError)");
    assert_outcome(f, STATUS(400, REFUSAL("FailedToResolveResource", "X", "who?")),
                   WORKSPACE_REFUSED, ERROR_NOT_FOUND, "no such workspace");
    assert_outcome(
        f, STATUS(404, "{\"error\":{\"code\":\"PathNotFoundError\",\"message\":\"no path\"}}"),
        WORKSPACE_REFUSED, ERROR_NOT_FOUND, "no path");
}

/* What is left of it would say that it is no use to ask again, or name a limit that is a digit short. */
static void a_refusal_that_is_cut_is_no_refusal(void **state)
{
    (void) state;
    static const char size[] = "{\"error\":{\"code\":\"BadArgumentError\",\"message\":"
                               "\"Maximum response size of 100000000 bytes exceeded\"}}";
    static const char kql[] = "{\"error\":{\"code\":\"SyntaxError\",\"message\":\"m\"}}";
    struct verdict verdict;
    for (size_t n = 1; n + 1 < sizeof kql; n++) {
        verdict_of_status(400, (struct str){kql, n}, &verdict);
        assert_int_equal(verdict.outcome, WORKSPACE_BROKEN);
    }
    verdict_of_status(400, str_of(kql), &verdict);
    assert_int_equal(verdict.error.code, ERROR_KQL);
    for (size_t n = 1; n + 1 < sizeof size; n++) {
        verdict_of_status(400, (struct str){size, n}, &verdict);
        assert_true(verdict.outcome == WORKSPACE_BROKEN || verdict.outcome == WORKSPACE_TOO_LARGE);
        assert_int_equal(verdict.limit, 0);
    }
    verdict_of_status(400, str_of(size), &verdict);
    assert_int_equal(verdict.limit, 100000000);
}

static void refused_access_says_what_is_missing(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    fixture_answer(
        f, 403,
        STR("{\"error\":{\"code\":\"InsufficientAccessError\",\"message\":\"No access\"}}"));
    fixture_query(f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_REFUSED);
    assert_int_equal(told.result.error.code, ERROR_AUTH);
    assert_non_null(strstr(told.result.error.hint, "Log Analytics Reader"));
    assert_non_null(strstr(told.result.error.hint, "60 min"));
    told_release(&told);
    fixture_answer(f, 403, STR(REFUSAL("InsufficientAccessError", "UnauthorizedClient", "app")));
    fixture_query(f, &told, "T");
    assert_non_null(strstr(told.result.error.hint, "Data.Read"));
    told_release(&told);
    fixture_answer(
        f, 403,
        STR("{\"error\":{\"code\":\"InvalidAuthenticationTokenAudience\",\"message\":\"a\"}}"));
    fixture_query(f, &told, "T");
    assert_non_null(strstr(told.result.error.hint, "audience"));
    told_release(&told);
    fixture_answer(
        f, 403,
        STR("{\"error\":{\"code\":\"InsufficientAccessError\",\"message\":\"Access from a "
            "Public Network is not allowed\"}}"));
    fixture_query(f, &told, "T");
    assert_int_equal(told.result.error.code, ERROR_AUTH);
    assert_non_null(strstr(told.result.error.hint, "private link scope"));
    assert_true(server_all_used(f->server)); /* none of them asked for another token */
    told_release(&told);
}

static void a_call_back_that_says_stop_is_stopped(void **state)
{
    struct fixture *f = *state;
    struct told told = {.fail_at = 2};
    fixture_answer(f, 200, STR(GOOD));
    fixture_query(f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_STOPPED);
    assert_int_equal(told.result.error.code, ERROR_IO);
    assert_string_equal(told.result.error.message, "the disk is full");
    told_release(&told);
}

static void a_good_answer_cut_at_any_byte_is_never_ok(void **state)
{
    struct fixture *f = *state;
    for (size_t cut = 0; cut < sizeof GOOD - 1; cut++) {
        struct told told = {0};
        /* By turns: the connection ends early, or the message is whole and its JSON ends early. */
        server_answer(f->server,
                      &(struct server_answer){.match = FIXTURE_QUERY,
                                              .body = {GOOD, cut % 2 ? cut : sizeof GOOD - 1},
                                              .cut = cut % 2 == 0,
                                              .cut_at = cut});
        fixture_query(f, &told, "T");
        if (told.result.outcome != WORKSPACE_BROKEN)
            fail_msg("cut at %zu: %s", cut, workspace_outcome_text(told.result.outcome));
        told_release(&told);
    }
}

static void a_good_answer_in_single_bytes_is_ok(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    server_answer(f->server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                     .body = STR(GOOD),
                                                     .framing = SERVER_CHUNKED,
                                                     .piece = 1});
    fixture_query(f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    assert_string_equal(buf_text(&told.rows), "[\"x\",1]\n[\"y\",2]\n");
    told_release(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ceiling_of_the_service_is_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_limit_of_json_is_too_large_whatever_the_status, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_error_beside_the_rows_is_broken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_whole_is_broken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_that_is_not_the_services_is_broken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(somebody_elses_page_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_workspace_without_data_is_an_answer_without_rows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(time_that_ran_out_is_a_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(troubles_of_the_service_are_broken, set_up, tear_down),
        cmocka_unit_test(a_full_queue_is_told_from_too_many_requests),
        cmocka_unit_test_setup_teardown(kql_that_is_refused_comes_with_the_innermost_reason, set_up,
                                        tear_down),
        cmocka_unit_test(a_refusal_that_is_cut_is_no_refusal),
        cmocka_unit_test_setup_teardown(refused_access_says_what_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_call_back_that_says_stop_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_good_answer_cut_at_any_byte_is_never_ok, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_good_answer_in_single_bytes_is_ok, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
