/* Calls: what is tried again, how often, and what is given back. */
#include "http/http.h"

#include "base/tick.h"
#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct server *server;
    struct http_client *client;
    struct stop stop;
    struct buf out;
    int status;
    struct error err;
};

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->server = server_new(NULL);
    f->client = http_new(&(struct http_options){.stop = &f->stop}, &f->err);
    assert_non_null(f->client);
    buf_init(&f->out, 100);
}

static void close_fixture(struct fixture *f)
{
    http_free(f->client);
    server_free(f->server);
    buf_release(&f->out);
}

static bool call(struct fixture *f)
{
    struct http_request request = {.url = server_url(f->server, "/"), .first_byte_timeout = 5};
    return http_call(f->client, &request, &f->out, &f->status, &f->err);
}

static void troubles_that_pass_are_waited_out(void **state)
{
    (void) state;
    static const int troubles[] = {408, 429, 500, 503};
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < 4; i++)
        server_answer(f.server, &(struct server_answer){.status = troubles[i],
                                                        .headers = "Retry-After: 0\r\n",
                                                        .body = STR("not now")});
    server_answer(f.server, &(struct server_answer){.body = STR("now")});
    assert_true(call(&f));
    assert_int_equal(f.status, 200);
    assert_string_equal(buf_text(&f.out), "now");
    assert_true(server_all_used(f.server));
    close_fixture(&f);
}

static void after_the_last_try_the_last_answer_stands(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f);
    server_answer(f.server, &(struct server_answer){.status = 503,
                                                    .times = HTTP_CALL_TRIES,
                                                    .headers = "Retry-After: 0\r\n",
                                                    .body = STR("never")});
    assert_true(call(&f));
    assert_int_equal(f.status, 503);
    assert_string_equal(buf_text(&f.out), "never");
    assert_int_equal(server_requests(f.server), HTTP_CALL_TRIES);
    close_fixture(&f);
}

static void refusals_are_answers(void **state)
{
    (void) state;
    static const int statuses[] = {400, 401, 403, 404, 409, 412, 501};
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        server_answer(f.server, &(struct server_answer){.status = statuses[i], .body = STR("no")});
        assert_true(call(&f));
        assert_int_equal(f.status, statuses[i]);
        assert_string_equal(buf_text(&f.out), "no");
        assert_int_equal(server_requests(f.server), i + 1);
    }
    close_fixture(&f);
}

static void what_stands_between_us_is_no_answer(void **state)
{
    (void) state;
    static const struct {
        int status;
        enum error_code code;
    } cases[] = {{302, ERROR_SERVICE}, {308, ERROR_SERVICE}, {407, ERROR_SETTINGS}};
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server_answer(f.server, &(struct server_answer){.status = cases[i].status});
        assert_false(call(&f));
        assert_int_equal(f.err.code, cases[i].code);
        assert_int_equal(server_requests(f.server), i + 1);
        error_clear(&f.err);
    }
    close_fixture(&f);
}

static void a_reply_has_its_headers(void **state)
{
    (void) state;
    struct fixture f;
    struct http_reply reply;
    open_fixture(&f);
    http_reply_init(&reply);
    server_answer(f.server, &(struct server_answer){.status = 503,
                                                    .headers = "Retry-After: 0\r\nETag: gone\r\n"});
    server_answer(f.server,
                  &(struct server_answer){.status = 412,
                                          .headers = "Retry-After: 7\r\nx-ms-Code: it\r\n",
                                          .body = STR("why")});
    struct http_request request = {.url = server_url(f.server, "/")};
    assert_true(http_call_with(f.client, &request, &f.out, &reply, &f.err));
    assert_int_equal(reply.status, 412);
    assert_true(reply.retry_after == 7);
    assert_true(str_eq(http_reply_header(&reply, "X-MS-CODE"), STR("it")));
    assert_int_equal(http_reply_header(&reply, "ETag").n, 0);
    assert_string_equal(buf_text(&f.out), "why");
    http_reply_release(&reply);
    close_fixture(&f);
}

static void a_cut_answer_is_asked_for_again_and_none_of_it_stays(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f);
    server_answer(f.server,
                  &(struct server_answer){.body = STR("hello"), .cut = true, .cut_at = 3});
    server_answer(f.server, &(struct server_answer){.body = STR("hello")});
    assert_true(call(&f));
    assert_string_equal(buf_text(&f.out), "hello");
    close_fixture(&f);
}

static void an_answer_that_is_too_long_is_not_asked_for_again(void **state)
{
    (void) state;
    struct fixture f;
    char large[101] = {0};
    open_fixture(&f);
    server_answer(f.server, &(struct server_answer){.body = {large, sizeof large}});
    assert_false(call(&f));
    assert_int_equal(f.err.code, ERROR_LIMIT);
    assert_int_equal(server_requests(f.server), 1);
    close_fixture(&f);
}

static void nobody_there_is_said_soon(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f);
    struct server *gone = server_new(NULL);
    char url[64];
    (void) snprintf(url, sizeof url, "http://127.0.0.1:%u/x", server_port(gone));
    server_free(gone);
    struct http_request request = {.url = url};
    uint64_t before = clock_ns();
    assert_false(http_call(f.client, &request, &f.out, &f.status, &f.err));
    assert_true(clock_ns() - before < 4 * 1000000000ULL);
    assert_int_equal(f.err.code, ERROR_NETWORK);
    assert_non_null(strstr(f.err.message, url));
    close_fixture(&f);
}

static void a_stop_ends_a_call_and_its_pauses(void **state)
{
    (void) state;
    struct fixture f;
    open_fixture(&f);
    server_answer(f.server,
                  &(struct server_answer){.status = 503, .headers = "Retry-After: 60\r\n"});
    stop_set(&f.stop, 2);
    assert_false(call(&f));
    assert_int_equal(f.err.code, ERROR_INTERRUPTED);
    assert_int_equal(http_active(f.client), 0);
    close_fixture(&f);
}

static void pauses_grow_to_their_limit_and_vary(void **state)
{
    (void) state;
    struct random random;
    random_seed(&random, 7);
    double most[12] = {0}, least[12];
    for (int attempt = 1; attempt < 12; attempt++) {
        least[attempt] = 1e9;
        for (int i = 0; i < 2000; i++) {
            double pause = http_backoff(attempt, -1, &random);
            most[attempt] = pause > most[attempt] ? pause : most[attempt];
            least[attempt] = pause < least[attempt] ? pause : least[attempt];
        }
        double limit = 0.5 * (double) (1u << (attempt - 1));
        limit = limit < HTTP_PAUSE_MAX ? limit : HTTP_PAUSE_MAX;
        assert_true(most[attempt] <= limit && most[attempt] > 0.95 * limit);
        assert_true(least[attempt] >= 0 && least[attempt] < 0.05 * limit);
    }
    assert_true(http_backoff(9, 2.5, &random) == 2.5);
    assert_true(http_backoff(9, 0, &random) == 0);
    assert_true(http_backoff(1000000, -1, &random) <= HTTP_PAUSE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(troubles_that_pass_are_waited_out),
        cmocka_unit_test(after_the_last_try_the_last_answer_stands),
        cmocka_unit_test(refusals_are_answers),
        cmocka_unit_test(what_stands_between_us_is_no_answer),
        cmocka_unit_test(a_reply_has_its_headers),
        cmocka_unit_test(a_cut_answer_is_asked_for_again_and_none_of_it_stays),
        cmocka_unit_test(an_answer_that_is_too_long_is_not_asked_for_again),
        cmocka_unit_test(nobody_there_is_said_soon),
        cmocka_unit_test(a_stop_ends_a_call_and_its_pauses),
        cmocka_unit_test(pauses_grow_to_their_limit_and_vary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
