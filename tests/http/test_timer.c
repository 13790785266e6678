/* Timers: called by the loop, as often as asked, beside what else it does. */
#include "http/http.h"

#include "base/tick.h"
#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct ticking {
    struct http_client *client;
    unsigned calls, wake_at;
    bool stops;
    const char *url; /* started by the first call */
    int status;
    struct error error;
};

static void note(void *context, const struct http_response *response)
{
    struct ticking *t = context;
    t->status = response->status;
}

static void tick(void *context)
{
    struct ticking *t = context;
    t->calls++;
    if (t->stops)
        http_every_stop(t->client, t);
    if (t->url && t->calls == 1) {
        struct http_request request = {.url = t->url, .on_done = note, .context = t};
        assert_true(http_start(t->client, &request, &t->error));
    }
    if (t->calls == t->wake_at)
        http_wake(t->client);
}

static struct http_client *client_new(void)
{
    struct error err = ERROR_INIT;
    struct http_client *client = http_new(&(struct http_options){0}, &err);
    assert_non_null(client);
    return client;
}

static void a_timer_is_called_each_period_while_the_loop_runs(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct ticking t = {.client = client_new(), .wake_at = 3};
    uint64_t before = clock_ns();
    assert_true(http_every(t.client, 0.01, tick, &t, &err));
    assert_true(http_pause(t.client, 30, &err));
    assert_int_equal(t.calls, 3);
    assert_true(clock_ns() - before >= 30 * 1000000ULL);
    http_free(t.client);
}

static void a_timer_that_is_late_is_called_once(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct ticking t = {.client = client_new()};
    assert_true(http_every(t.client, 0.001, tick, &t, &err));
    usleep(20000); /* nobody runs the loop */
    assert_int_equal(t.calls, 0);
    assert_true(http_pause(t.client, 0, &err));
    assert_int_equal(t.calls, 1);
    http_free(t.client);
}

static void a_timer_keeps_no_run_going(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct ticking t = {.client = client_new()};
    assert_true(http_every(t.client, 60, tick, &t, &err));
    uint64_t before = clock_ns();
    assert_true(http_run(t.client, -1, &err));
    assert_true(clock_ns() - before < 1000000000ULL);
    assert_int_equal(t.calls, 0);
    http_free(t.client);
}

static void a_timer_may_start_requests_and_stop_itself(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct server *server = server_new(NULL);
    server_answer(server, &(struct server_answer){.status = 204});
    struct ticking t = {
        .client = client_new(), .stops = true, .url = server_url(server, "/lease"), .wake_at = 1};
    assert_true(http_every(t.client, 0.005, tick, &t, &err));
    assert_true(http_pause(t.client, 30, &err));
    assert_true(http_run(t.client, -1, &err));
    assert_true(http_pause(t.client, 0.02, &err));
    assert_int_equal(t.calls, 1);
    assert_int_equal(t.status, 204);
    http_free(t.client);
    server_free(server);
}

static void timers_have_a_limit_and_free_places(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct ticking t = {.client = client_new()}, other = {.client = t.client};
    for (int i = 0; i < HTTP_TIMERS_MAX; i++)
        assert_true(http_every(t.client, 1, tick, i == 2 ? &other : &t, &err));
    assert_false(http_every(t.client, 1, tick, &t, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    error_clear(&err);
    http_every_stop(t.client, &other);
    assert_true(http_every(t.client, 1, tick, &t, &err));
    assert_false(http_every(t.client, 0, tick, &t, &err));
    http_free(t.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_is_called_each_period_while_the_loop_runs),
        cmocka_unit_test(a_timer_that_is_late_is_called_once),
        cmocka_unit_test(a_timer_keeps_no_run_going),
        cmocka_unit_test(a_timer_may_start_requests_and_stop_itself),
        cmocka_unit_test(timers_have_a_limit_and_free_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
