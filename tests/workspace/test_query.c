/* Queries: what is sent, in what order and pace, with which token, and how a run ends. */
#include "fixture.h"

#include "base/memory.h"
#include "base/tick.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#define GOOD                                                                                       \
    "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"A\",\"type\":\"string\"},"  \
    "{\"name\":\"B\",\"type\":\"long\"}],\"rows\":[[\"x\",1],[\"y\",2]]}]}"
#define NEW_TOKEN "{\"expires_in\":3600,\"access_token\":\"eyJ.two\"}"
#define BAD_TOKEN                                                                                  \
    "{\"error\":{\"code\":\"InvalidTokenError\",\"message\":\"The token has expired\"}}"

#define NOBODY "{\"error\":{\"code\":\"AuthenticationFailed\",\"message\":\"Who?\"}}"

static const uint64_t MS = 1000000;

static void open_and_sign_in(struct fixture *f, const struct workspace_options *options)
{
    fixture_open(f, options);
    fixture_sign_in(f, 1);
}

/* What is sent ------------------------------------------------------------------------------------ */

static void a_whole_answer_gives_its_columns_and_rows(void **state)
{
    (void) state;
    struct fixture f;
    struct told told = {0};
    open_and_sign_in(&f, NULL);
    fixture_answer(&f, 200, STR(GOOD));
    fixture_query(&f, &told, "T | take 2");
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    assert_string_equal(buf_text(&told.columns), "A:string B:long");
    assert_string_equal(buf_text(&told.rows), "[\"x\",1]\n[\"y\",2]\n");
    assert_int_equal(told.result.rows, 2);
    assert_int_equal(told.result.bytes, strlen(GOOD));
    assert_true(told.result.retry_after == -1);
    assert_true(server_all_used(f.server));
    told_release(&told);
    fixture_close(&f);
}

static void a_query_says_who_asks_and_what(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_options options = {.tag = "weir 0.1.0 run-7", .wait = 240};
    open_and_sign_in(&f, &options);
    fixture_answer(&f, 200, STR(GOOD));
    struct workspace_query query = {.kql = STR("T\n| where A == \"\xC3\xA4\\\""),
                                    .timespan = "2021-10-28T00:00:00Z/P21D",
                                    .wait = 600};
    assert_true(workspace_start(f.workspace, &query, &f.err) &&
                workspace_run(f.workspace, -1, &f.err));
    const struct server_request *r = server_request(f.server, 1);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->path, "/v1/workspaces/" FIXTURE_ID "/query");
    assert_true(str_eq(server_header(r, "Authorization"), STR("Bearer eyJ.token.one")));
    assert_true(str_eq(server_header(r, "Content-Type"), STR("application/json")));
    assert_true(str_eq(server_header(r, "Prefer"), STR("wait=600")));
    assert_true(str_eq(server_header(r, "Cache-Control"), STR("no-cache")));
    assert_true(str_eq(server_header(r, "Accept-Encoding"), STR("gzip")));
    assert_true(text_is_guid(server_header(r, "x-ms-client-request-id")));
    json_t *body = json_loadb(r->body.p, r->body.n, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "query")),
                        "// weir 0.1.0 run-7\nT\n| where A == \"\xC3\xA4\\\"");
    assert_string_equal(json_string_value(json_object_get(body, "timespan")),
                        "2021-10-28T00:00:00Z/P21D");
    assert_int_equal(json_object_size(body), 2);
    json_decref(body);
    fixture_close(&f);
}

static void a_search_has_its_timespan_in_the_address_alone(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_options options = {.tag = "weir 0.1.0 run-7"};
    open_and_sign_in(&f, &options);
    server_answer(f.server, &(struct server_answer){.match = "/search", .body = STR(GOOD)});
    struct workspace_query query = {.kql = STR("Basic_CL"),
                                    .timespan = "2021-10-28T00:00:00Z/2021-10-28T00:05:00.0000001Z",
                                    .search = true};
    assert_true(workspace_start(f.workspace, &query, &f.err) &&
                workspace_run(f.workspace, -1, &f.err));
    const struct server_request *r = server_request(f.server, 1);
    assert_string_equal(r->path,
                        "/v1/workspaces/" FIXTURE_ID "/search?timespan=2021-10-28T00%3A00%3A00Z%2F"
                        "2021-10-28T00%3A05%3A00.0000001Z");
    assert_string_equal(r->body.p, "{\"query\":\"// weir 0.1.0 run-7\\nBasic_CL\"}");
    fixture_close(&f);
}

struct counted {
    uint64_t counted;
    char permissions[64];
};

static void note_counted(void *context, const struct workspace_result *result)
{
    struct counted *out = context;
    assert_int_equal(result->outcome, WORKSPACE_OK);
    out->counted = result->counted;
    (void) snprintf(out->permissions, sizeof out->permissions, "%.*s", (int) result->permissions.n,
                    result->permissions.p);
}

static void what_was_asked_for_beside_the_rows_is_told(void **state)
{
    (void) state;
    static const char told[] =
        "{\"permissions\":{\"resources\":[]},\"statistics\":{\"query\":{\"datasetStatistics\":"
        "[{\"tableRowCount\":43087,\"tableSize\":1}]}},\"tables\":[{\"name\":\"PrimaryResult\","
        "\"columns\":[{\"name\":\"A\",\"type\":\"long\"}],\"rows\":[[1]]}]}";
    struct fixture f;
    struct counted seen = {0};
    open_and_sign_in(&f, NULL);
    fixture_answer(&f, 200, str_of(told));
    fixture_answer(&f, 200, STR(GOOD));
    struct workspace_query query = {.kql = STR("T"),
                                    .statistics = true,
                                    .permissions = true,
                                    .done = note_counted,
                                    .context = &seen};
    assert_true(workspace_start(f.workspace, &query, &f.err) &&
                workspace_run(f.workspace, -1, &f.err));
    assert_true(str_eq(server_header(server_request(f.server, 1), "Prefer"),
                       STR("wait=180,include-statistics=true,include-permissions=true")));
    assert_int_equal(seen.counted, 43087);
    assert_string_equal(seen.permissions, "{\"resources\":[]}");
    assert_true(workspace_start(f.workspace, &query, &f.err) &&
                workspace_run(f.workspace, -1, &f.err));
    assert_true(seen.counted == UINT64_MAX);
    assert_string_equal(seen.permissions, "");
    fixture_close(&f);
}

static void settings_that_cannot_work_are_refused(void **state)
{
    (void) state;
    static const struct workspace_options bad[] = {
        {.endpoint = "https://e", .audience = "a", .id = "contoso-sec"},
        {.endpoint = "https://e", .audience = "a", .id = FIXTURE_ID "/../x"},
        {.endpoint = "https://e", .audience = "a", .id = NULL},
        {.endpoint = "https://e", .audience = "a", .id = FIXTURE_ID, .wait = 601},
        {.endpoint = "https://e", .audience = "a", .id = FIXTURE_ID, .concurrent = 33},
        {.endpoint = "https://e", .audience = "a", .id = FIXTURE_ID, .tag = "a\n| take 1"},
        {.endpoint = NULL, .audience = "a", .id = FIXTURE_ID},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = ERROR_INIT;
        assert_null(workspace_new(&bad[i], &err));
        assert_int_not_equal(err.code, ERROR_NONE);
    }
    struct error err = ERROR_INIT;
    assert_null(workspace_new(&bad[0], &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_string_equal(err.message, "the workspace id 'contoso-sec' is not a GUID");
}

/* Tokens ------------------------------------------------------------------------------------------ */

static void a_refused_token_is_renewed_and_the_query_asked_again(void **state)
{
    (void) state;
    struct fixture f;
    struct told told = {0};
    open_and_sign_in(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){.match = FIXTURE_SIGN_IN, .body = STR(NEW_TOKEN)});
    fixture_answer(&f, 403, STR(BAD_TOKEN));
    fixture_answer(&f, 200, STR(GOOD));
    fixture_query(&f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    assert_string_equal(buf_text(&told.rows), "[\"x\",1]\n[\"y\",2]\n");
    assert_true(
        str_eq(server_header(server_request(f.server, 3), "Authorization"), STR("Bearer eyJ.two")));
    assert_true(server_all_used(f.server));
    told_release(&told);
    fixture_close(&f);
}

static void a_token_that_is_refused_again_and_again_is_an_error(void **state)
{
    (void) state;
    struct fixture f;
    struct told told = {0};
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1 + WORKSPACE_TOKEN_RENEWALS);
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .times = 1 + WORKSPACE_TOKEN_RENEWALS,
                                                    .status = 401,
                                                    .body = STR(NOBODY)});
    fixture_query(&f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_REFUSED);
    assert_int_equal(told.result.error.code, ERROR_AUTH);
    assert_non_null(strstr(told.result.error.message, "Who? (AuthenticationFailed)"));
    assert_null(strstr(told.result.error.message, "eyJ"));
    assert_true(server_all_used(f.server));
    told_release(&told);
    fixture_close(&f);
}

static void queries_whose_token_is_refused_together_renew_it_once(void **state)
{
    (void) state;
    struct fixture f;
    struct told told[5] = {0};
    open_and_sign_in(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){.match = FIXTURE_SIGN_IN, .body = STR(NEW_TOKEN)});
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .header = "Bearer eyJ.token.one",
                                                    .times = 5,
                                                    .status = 403,
                                                    .body = STR(BAD_TOKEN)});
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .header = "Bearer eyJ.two",
                                                    .times = 5,
                                                    .body = STR(GOOD)});
    for (size_t i = 0; i < 5; i++)
        fixture_start(&f, &told[i], "T");
    assert_true(workspace_run(f.workspace, -1, &f.err));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(told[i].result.outcome, WORKSPACE_OK);
        told_release(&told[i]);
    }
    assert_true(server_all_used(f.server));
    fixture_close(&f);
}

static void a_refused_sign_in_is_told_to_every_query(void **state)
{
    (void) state;
    struct fixture f;
    struct told told[2] = {0};
    fixture_open(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){
                      .times = 2,
                      .status = 401,
                      .body = STR("{\"error\":\"invalid_client\",\"error_description\":"
                                  "\"AADSTS7000215: Invalid client secret provided.\"}")});
    fixture_start(&f, &told[0], "T");
    fixture_start(&f, &told[1], "T");
    assert_true(workspace_run(f.workspace, -1, &f.err));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(told[i].done, 1);
        assert_int_equal(told[i].result.outcome, WORKSPACE_REFUSED);
        assert_int_equal(told[i].result.error.code, ERROR_AUTH);
        assert_non_null(strstr(told[i].result.error.message, "AADSTS7000215"));
        assert_null(strstr(told[i].result.error.message, FIXTURE_SECRET));
        told_release(&told[i]);
    }
    fixture_close(&f);
}

/* Pace -------------------------------------------------------------------------------------------- */

static void at_most_so_many_queries_run_at_once(void **state)
{
    (void) state;
    struct fixture f;
    struct told told[6] = {0};
    struct workspace_options options = {.concurrent = 2};
    open_and_sign_in(&f, &options);
    server_answer(f.server,
                  &(struct server_answer){
                      .match = FIXTURE_QUERY, .times = 6, .delay_ms = 5, .body = STR(GOOD)});
    for (size_t i = 0; i < 6; i++)
        fixture_start(&f, &told[i], "T");
    assert_true(workspace_run(f.workspace, 0, &f.err));
    struct workspace_load load;
    workspace_load(f.workspace, &load);
    assert_int_equal(load.running, 2);
    assert_int_equal(load.queued, 4);
    assert_true(workspace_run(f.workspace, -1, &f.err));
    workspace_load(f.workspace, &load);
    assert_int_equal(load.running + load.queued, 0);
    assert_int_equal(load.queries, 6);
    assert_int_equal(load.bytes, 6 * strlen(GOOD));
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(told[i].result.outcome, WORKSPACE_OK);
        told_release(&told[i]);
    }
    /* One connection for the sign-in, kept, and one more: two queries never needed a third. */
    assert_true(server_connections(f.server) <= 3);
    fixture_close(&f);
}

static void searches_have_places_of_their_own(void **state)
{
    (void) state;
    enum { SEARCHES = 6 };
    struct fixture f;
    struct workspace_load load;
    open_and_sign_in(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){
                      .match = "/search", .times = SEARCHES, .delay_ms = 5, .body = STR(GOOD)});
    server_answer(f.server,
                  &(struct server_answer){
                      .match = FIXTURE_QUERY, .times = 9, .delay_ms = 5, .body = STR(GOOD)});
    struct workspace_query search = {.kql = STR("T"), .search = true};
    struct workspace_query plain = {.kql = STR("T")};
    for (size_t i = 0; i < SEARCHES; i++)
        assert_true(workspace_start(f.workspace, &search, &f.err));
    for (size_t i = 0; i < 9; i++)
        assert_true(workspace_start(f.workspace, &plain, &f.err));
    assert_true(workspace_run(f.workspace, 0, &f.err));
    workspace_load(f.workspace, &load);
    assert_int_equal(load.running, WORKSPACE_CONCURRENT + WORKSPACE_SEARCH_CONCURRENT);
    assert_int_equal(load.queued, 8);
    assert_true(workspace_run(f.workspace, -1, &f.err));
    assert_true(server_all_used(f.server));
    fixture_close(&f);
}

static void no_window_of_time_sees_more_queries_than_the_rate(void **state)
{
    (void) state;
    enum { QUERIES = 25, RATE = 10 };
    struct fixture f;
    struct told told[QUERIES] = {0};
    struct workspace_options options = {.concurrent = 4, .rate = RATE, .rate_window = 1};
    open_and_sign_in(&f, &options);
    server_answer(f.server, &(struct server_answer){
                                .match = FIXTURE_QUERY, .times = QUERIES, .body = STR(GOOD)});
    for (size_t i = 0; i < QUERIES; i++)
        fixture_start(&f, &told[i], "T");
    assert_true(workspace_run(f.workspace, -1, &f.err));
    uint64_t first = server_request(f.server, 1)->at, last = server_request(f.server, QUERIES)->at;
    /* Arrivals, seen by a thread that may be late on a busy machine; test_pace.c is exact. */
    for (size_t i = 1; i + RATE <= QUERIES; i++)
        assert_true(server_request(f.server, i + RATE)->at - server_request(f.server, i)->at >=
                    800 * MS);
    assert_true(last - first >= 2000 * MS && last - first < 6000 * MS);
    for (size_t i = 0; i < QUERIES; i++)
        told_release(&told[i]);
    fixture_close(&f);
}

static void patience_asked_of_one_query_is_kept_by_all(void **state)
{
    (void) state;
    struct fixture f;
    struct told told[3] = {0};
    struct workspace_options options = {.concurrent = 1};
    open_and_sign_in(&f, &options);
    server_answer(f.server, &(struct server_answer){
                                .match = FIXTURE_QUERY,
                                .status = 429,
                                .headers = "Retry-After: 1\r\n",
                                .body = STR("{\"error\":{\"code\":\"ThrottledError\"}}")});
    fixture_answer(&f, 200, STR(GOOD));
    fixture_start(&f, &told[0], "T");
    fixture_start(&f, &told[1], "T");
    uint64_t before = clock_ns();
    told[0].wake = true;
    assert_true(workspace_run(f.workspace, -1, &f.err));
    assert_int_equal(told[0].result.outcome, WORKSPACE_THROTTLED);
    assert_int_equal(told[0].result.error.code, ERROR_THROTTLED);
    assert_true(told[0].result.retry_after > 0 && told[0].result.retry_after <= 1);
    assert_int_equal(told[1].done, 0);
    struct workspace_load load;
    workspace_load(f.workspace, &load);
    assert_true(load.blocked > 0);
    assert_int_equal(load.throttled, 1);
    assert_true(workspace_run(f.workspace, -1, &f.err));
    assert_true(clock_ns() - before >= 1000 * MS);
    assert_int_equal(told[1].result.outcome, WORKSPACE_OK);
    told_release(&told[0]);
    told_release(&told[1]);
    fixture_close(&f);
}

/* Ends -------------------------------------------------------------------------------------------- */

static void a_full_queue_makes_fewer_run_and_stops_nobody(void **state)
{
    (void) state;
    enum { QUERIES = 6 };
    struct fixture f;
    struct told told[QUERIES] = {0};
    struct workspace_load load;
    open_and_sign_in(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){.match = FIXTURE_QUERY,
                                          .times = 2,
                                          .status = 429,
                                          .body = STR("{\"error\":{\"message\":"
                                                      "\"Too many queries are waiting\"}}")});
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .times = QUERIES - 2,
                                                    .delay_ms = 300,
                                                    .body = STR(GOOD)});
    for (size_t i = 0; i < QUERIES; i++)
        fixture_start(&f, &told[i], "T");
    uint64_t before = clock_ns();
    assert_true(workspace_run(f.workspace, -1, &f.err));
    size_t good = 0, throttled = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        good += told[i].result.outcome == WORKSPACE_OK;
        throttled +=
            told[i].result.outcome == WORKSPACE_THROTTLED && told[i].result.retry_after == -1;
        told_release(&told[i]);
    }
    assert_int_equal(good, QUERIES - 2);
    assert_int_equal(throttled, 2);
    workspace_load(f.workspace, &load);
    assert_in_range(load.concurrent, 1, WORKSPACE_CONCURRENT - 1);
    assert_true(load.blocked == 0);
    assert_true(clock_ns() - before >= 600 * MS); /* the last one waited until a place was free */
    fixture_close(&f);
}

static void nobody_there_from_the_first_is_refused_and_later_is_broken(void **state)
{
    (void) state;
    struct fixture f;
    struct told told = {0};
    open_and_sign_in(&f, NULL);
    struct server *other = server_new(NULL);
    struct workspace_options options = {.endpoint = server_url(other, ""),
                                        .audience = "https://api.loganalytics.io",
                                        .id = FIXTURE_ID,
                                        .http = f.http,
                                        .credential = f.credential};
    struct workspace *lost = workspace_new(&options, &f.err), *mine = f.workspace;
    server_answer(other, &(struct server_answer){.body = STR(GOOD), .close = true});
    assert_non_null(lost);
    struct workspace *never = workspace_new(&options, &f.err);
    assert_non_null(never);
    f.workspace = lost;
    fixture_query(&f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    told_release(&told);
    server_free(other);
    fixture_query(&f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_BROKEN);
    told_release(&told);
    f.workspace = never;
    fixture_query(&f, &told, "T");
    assert_int_equal(told.result.outcome, WORKSPACE_REFUSED);
    assert_int_equal(told.result.error.code, ERROR_NETWORK);
    told_release(&told);
    workspace_free(lost);
    workspace_free(never);
    f.workspace = mine;
    fixture_close(&f);
}

static void a_stop_is_told_to_all_queries_once(void **state)
{
    (void) state;
    struct fixture f;
    struct told told[7] = {0};
    open_and_sign_in(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){
                      .match = FIXTURE_QUERY, .times = 5, .delay_ms = 20000, .body = STR(GOOD)});
    for (size_t i = 0; i < 7; i++)
        fixture_start(&f, &told[i], "T");
    assert_true(workspace_run(f.workspace, 0.05, &f.err));
    stop_set(&f.stop, 2);
    assert_false(workspace_run(f.workspace, -1, &f.err));
    assert_int_equal(f.err.code, ERROR_INTERRUPTED);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(told[i].done, 1);
        assert_int_equal(told[i].result.outcome, WORKSPACE_STOPPED);
        told_release(&told[i]);
    }
    struct workspace_load load;
    workspace_load(f.workspace, &load);
    assert_int_equal(load.running + load.queued, 0);
    assert_int_equal(http_active(f.http), 0);
    fixture_close(&f);
}

struct chain {
    struct fixture *f;
    unsigned left;
};

static void start_next(void *context, const struct workspace_result *result)
{
    struct chain *chain = context;
    assert_int_equal(result->outcome, WORKSPACE_OK);
    struct workspace_query query = {.kql = STR("T"), .done = start_next, .context = chain};
    if (chain->left-- > 0)
        assert_true(workspace_start(chain->f->workspace, &query, &chain->f->err));
}

static void the_end_of_a_query_may_start_the_next(void **state)
{
    (void) state;
    struct fixture f;
    open_and_sign_in(&f, NULL);
    server_answer(f.server,
                  &(struct server_answer){.match = FIXTURE_QUERY, .times = 4, .body = STR(GOOD)});
    struct chain chain = {&f, 3};
    struct workspace_query query = {.kql = STR("T"), .done = start_next, .context = &chain};
    assert_true(workspace_start(f.workspace, &query, &f.err) &&
                workspace_run(f.workspace, -1, &f.err));
    assert_true(server_all_used(f.server));
    fixture_close(&f);
}

static void a_full_queue_and_a_huge_query_are_refused(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, NULL);
    struct workspace_query query = {.kql = STR("T")};
    for (int i = 0; i < WORKSPACE_QUEUE_MAX; i++)
        assert_true(workspace_start(f.workspace, &query, &f.err));
    assert_false(workspace_start(f.workspace, &query, &f.err));
    assert_int_equal(f.err.code, ERROR_LIMIT);
    workspace_free(f.workspace);
    f.workspace = NULL;
    fixture_close(&f);
}

static void each_allocation_may_fail(void **state)
{
    (void) state;
    struct fixture f;
    open_and_sign_in(&f, NULL);
    server_answer(f.server, &(struct server_answer){
                                .match = FIXTURE_QUERY, .times = 1000, .body = STR(GOOD)});
    fixture_sign_in(&f, 1000);
    unsigned failed = 0;
    for (uint64_t n = 1, spared = 0; spared < 2; n++) {
        struct told told = {.fixture = &f};
        struct error err = ERROR_INIT;
        buf_init(&told.rows, 1000);
        assert_true(buf_reserve(&told.rows, 100));
        azure_credential_refused(f.credential, "https://api.loganalytics.io");
        mem_fail_at(n);
        bool ok = fixture_try(&f, &told, "T", &err) && workspace_run(f.workspace, -1, &err);
        mem_fail_at(0);
        assert_true(ok ? told.done == 1 : err.code == ERROR_MEMORY);
        spared += ok && told.result.outcome == WORKSPACE_OK;
        if (ok && told.result.outcome == WORKSPACE_OK)
            assert_string_equal(buf_text(&told.rows), "[\"x\",1]\n[\"y\",2]\n");
        else if (ok)
            assert_int_equal(told.result.error.code, ERROR_MEMORY);
        failed += !ok || told.result.outcome != WORKSPACE_OK;
        told_release(&told);
    }
    assert_true(failed > 10);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_gives_its_columns_and_rows),
        cmocka_unit_test(a_query_says_who_asks_and_what),
        cmocka_unit_test(a_search_has_its_timespan_in_the_address_alone),
        cmocka_unit_test(what_was_asked_for_beside_the_rows_is_told),
        cmocka_unit_test(settings_that_cannot_work_are_refused),
        cmocka_unit_test(a_refused_token_is_renewed_and_the_query_asked_again),
        cmocka_unit_test(a_token_that_is_refused_again_and_again_is_an_error),
        cmocka_unit_test(queries_whose_token_is_refused_together_renew_it_once),
        cmocka_unit_test(a_refused_sign_in_is_told_to_every_query),
        cmocka_unit_test(at_most_so_many_queries_run_at_once),
        cmocka_unit_test(searches_have_places_of_their_own),
        cmocka_unit_test(no_window_of_time_sees_more_queries_than_the_rate),
        cmocka_unit_test(patience_asked_of_one_query_is_kept_by_all),
        cmocka_unit_test(a_full_queue_makes_fewer_run_and_stops_nobody),
        cmocka_unit_test(nobody_there_from_the_first_is_refused_and_later_is_broken),
        cmocka_unit_test(a_stop_is_told_to_all_queries_once),
        cmocka_unit_test(the_end_of_a_query_may_start_the_next),
        cmocka_unit_test(a_full_queue_and_a_huge_query_are_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
