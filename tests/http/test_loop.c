/* The loop against a scripted server: requests one after the other and at once, and what is never sent. */
#include "asked.h"

#include "base/memory.h"
#include "base/tick.h"

#include <pthread.h>
#include <unistd.h>

static void connections_are_kept(void **state)
{
    struct asked *f = *state;
    for (int i = 0; i < 3; i++) {
        f->seen.done = 0;
        asked_get(f, &(struct server_answer){.body = STR("x")});
    }
    assert_int_equal(server_connections(f->server), 1);
}

static void a_call_back_that_fails_ends_its_request_with_its_error(void **state)
{
    struct asked *f = *state;
    f->seen.fail_after = 1;
    asked_get(f, &(struct server_answer){.body = STR("hello")});
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_FORMAT);
    assert_string_equal(f->seen.error.message, "not what I want");
}

static void the_end_of_one_request_may_start_another(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.body = STR("one "), .times = 2});
    f->seen.then = server_url(f->server, "/two");
    asked_start(f, "/one");
    assert_true(http_run(f->client, -1, &err));
    assert_int_equal(f->seen.done, 2);
    assert_string_equal(buf_text(&f->seen.body), "one one ");
}

static void cancelled_requests_are_not_heard_of_again(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server,
                  &(struct server_answer){.body = STR("x"), .delay_ms = 20000, .times = 2});
    asked_start(f, "/");
    asked_start(f, "/");
    assert_true(http_run(f->client, 0.02, &err));
    assert_int_equal(http_active(f->client), 2);
    http_cancel(f->client, &f->seen);
    assert_int_equal(http_active(f->client), 0);
    assert_true(http_run(f->client, -1, &err));
    assert_int_equal(f->seen.done, 0);
}

static void *ask_to_stop(void *context)
{
    usleep(20000);
    stop_set(context, 15);
    return NULL;
}

static void the_stop_flag_ends_a_wait_soon(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    pthread_t thread;
    server_answer(f->server, &(struct server_answer){.body = STR("x"), .delay_ms = 20000});
    asked_start(f, "/");
    assert_int_equal(pthread_create(&thread, NULL, ask_to_stop, &f->stop), 0);
    uint64_t before = clock_ns();
    assert_false(http_run(f->client, -1, &err));
    assert_true(clock_ns() - before < 1000 * 1000000ULL);
    assert_int_equal(err.code, ERROR_INTERRUPTED);
    assert_int_equal(f->seen.done, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_grace_lets_the_last_requests_end(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.body = STR("x")});
    stop_set(&f->stop, 15);
    http_grace(f->client, 30);
    asked_start(f, "/last");
    assert_true(http_run(f->client, -1, &err));
    assert_int_equal(f->seen.done, 1);
    http_grace(f->client, 0);
    assert_false(http_run(f->client, -1, &err));
    assert_int_equal(err.code, ERROR_INTERRUPTED);
}

static bool run_inside(void *context, const char *bytes, size_t n, struct error *err)
{
    struct seen *seen = context;
    (void) bytes, (void) n;
    return http_run(seen->client, -1, err);
}

static void the_loop_cannot_be_run_from_inside(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.body = STR("x")});
    struct http_request request = {.url = server_url(f->server, "/"),
                                   .on_body = run_inside,
                                   .on_done = asked_note,
                                   .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_int_equal(f->seen.error.code, ERROR_INTERNAL);
}

static void a_pause_lasts_without_requests_and_a_run_does_not(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    uint64_t before = clock_ns();
    assert_true(http_run(f->client, 5, &err));
    assert_true(clock_ns() - before < 1000000000ULL);
    before = clock_ns();
    assert_true(http_pause(f->client, 0.03, &err));
    assert_true(clock_ns() - before >= 30 * 1000000ULL);
}

static void too_many_requests_at_once_are_refused(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    struct http_request request = {.url = server_url(f->server, "/")};
    for (int i = 0; i < HTTP_ACTIVE_MAX; i++)
        assert_true(http_start(f->client, &request, &err));
    assert_false(http_start(f->client, &request, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void a_lent_body_is_not_copied(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    char body[] = "first";
    server_answer(f->server, &(struct server_answer){.status = 201});
    struct http_request request = {
        .url = server_url(f->server, "/"), .method = "PUT", .body = {body, 5}, .body_lent = true};
    assert_true(http_start(f->client, &request, &err));
    memcpy(body, "later", 5);
    assert_true(http_run(f->client, -1, &err));
    assert_memory_equal(server_request(f->server, 0)->body.p, "later", 5);
}

/* A handle that sent one kind of request must send the next as a new one would. */
static void methods_follow_each_other_on_one_handle(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    static const char *const order[] = {"PUT",   "HEAD", "GET",  "DELETE", "PATCH", "GET",
                                        "PATCH", "PUT",  "HEAD", "POST",   "DELETE"};
    enum { COUNT = sizeof order / sizeof order[0] };
    const char *url = server_url(f->server, "/x");
    for (size_t i = 0; i < COUNT; i++) {
        bool head = strcmp(order[i], "HEAD") == 0, body = order[i][0] == 'P';
        server_answer(f->server, head ? &(struct server_answer){.raw = STR("HTTP/1.1 200 OK\r\n"
                                                                           "Content-Length: 9\r\n"
                                                                           "ETag: x\r\n\r\n")}
                                      : &(struct server_answer){.body = STR("ok")});
        struct http_request request = {.url = url,
                                       .method = order[i],
                                       .body = body ? STR("sent") : STR(""),
                                       .on_done = asked_note,
                                       .context = &f->seen};
        assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
        assert_int_equal(f->seen.error.code, ERROR_NONE);
        assert_true(f->seen.response.whole);
        const struct server_request *r = server_request(f->server, i);
        assert_string_equal(r->method, order[i]);
        assert_int_equal(r->body.n, body ? 4 : 0);
        assert_int_equal(f->seen.response.bytes, head ? 0 : 2);
    }
    assert_int_equal(server_connections(f->server), 1);
}

static void an_empty_put_says_its_length(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.status = 201, .times = 2});
    struct http_request request = {.url = server_url(f->server, "/"), .method = "PUT"};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    request.method = "PATCH";
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    for (size_t i = 0; i < 2; i++)
        assert_true(
            str_eq(server_header(server_request(f->server, i), "Content-Length"), STR("0")));
}

static void a_host_without_address_is_told(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    struct http_request request = {
        .url = "https://acct.weir.invalid/", .on_done = asked_note, .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_true(f->seen.response.no_host);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
    assert_non_null(strstr(f->seen.error.message, "acct.weir.invalid"));
}

static void a_request_is_sent_as_it_was_given(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.times = 4});
    struct http_request request = {.url = server_url(f->server, "/a?b=c"),
                                   .method = "PUT",
                                   .headers = {"X-One: 1", "Content-Type: text/plain"},
                                   .body = STR("body\0of 12 b")};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    const struct server_request *r = server_request(f->server, 0);
    assert_string_equal(r->method, "PUT");
    assert_string_equal(r->path, "/a?b=c");
    assert_int_equal(r->body.n, 12);
    assert_memory_equal(r->body.p, "body\0of 12 b", 12);
    assert_true(str_eq(server_header(r, "X-One"), STR("1")));
    assert_true(str_eq(server_header(r, "Content-Type"), STR("text/plain")));
    assert_true(str_starts(server_header(r, "User-Agent"), STR("weir/")));
    struct http_request own = {.url = request.url,
                               .headers = {"User-Agent: me", "X-Two: 2", "Accept: text/xml",
                                           "If-Match: *", "Host: elsewhere"}};
    assert_true(http_start(f->client, &own, &err) && http_run(f->client, -1, &err));
    r = server_request(f->server, 1);
    assert_true(str_eq(server_header(r, "X-Two"), STR("2")));
    assert_true(str_eq(server_header(r, "If-Match"), STR("*")));
    assert_true(str_eq(server_header(r, "Host"), STR("elsewhere")));
    assert_true(str_eq(server_header(r, "User-Agent"), STR("me")));
    assert_true(str_eq(server_header(r, "Accept"), STR("text/xml")));
    assert_null(strstr(r->headers, "weir/"));
    assert_null(strstr(r->headers, "*/*"));
    assert_null(strstr(r->headers, "127.0.0.1"));
    assert_null(strstr(r->headers, "\r\n\r\nX"));
    struct http_request bare = {.url = request.url, .method = "POST"};
    assert_true(http_start(f->client, &bare, &err) && http_run(f->client, -1, &err));
    r = server_request(f->server, 2);
    assert_string_equal(r->method, "POST");
    assert_true(str_eq(server_header(r, "Content-Length"), STR("0")));
    assert_int_equal(server_header(r, "Content-Type").n, 0);
    bare.method = "DELETE";
    assert_true(http_start(f->client, &bare, &err) && http_run(f->client, -1, &err));
    assert_string_equal(server_request(f->server, 3)->method, "DELETE");
}

static void each_allocation_may_fail(void **state)
{
    struct asked *f = *state;
    bool started = false;
    for (uint64_t n = 1; !started; n++) {
        struct error err = ERROR_INIT;
        struct http_request request = {.url = server_url(f->server, "/"), .body = STR("x")};
        mem_fail_at(n);
        started = http_start(f->client, &request, &err);
        mem_fail_at(0);
        assert_true(started || err.code == ERROR_MEMORY);
        assert_true(n < 20);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, asked_set_up, asked_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(connections_are_kept),
        CASE(a_call_back_that_fails_ends_its_request_with_its_error),
        CASE(the_end_of_one_request_may_start_another),
        CASE(cancelled_requests_are_not_heard_of_again),
        CASE(the_stop_flag_ends_a_wait_soon),
        CASE(a_grace_lets_the_last_requests_end),
        CASE(the_loop_cannot_be_run_from_inside),
        CASE(a_pause_lasts_without_requests_and_a_run_does_not),
        CASE(too_many_requests_at_once_are_refused),
        CASE(a_request_is_sent_as_it_was_given),
        CASE(a_lent_body_is_not_copied),
        CASE(methods_follow_each_other_on_one_handle),
        CASE(an_empty_put_says_its_length),
        CASE(a_host_without_address_is_told),
        CASE(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
