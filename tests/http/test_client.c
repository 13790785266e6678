/* The loop against a scripted server: what comes, how it ends, and what is never sent. */
#include "http/http.h"

#include "base/memory.h"
#include "base/tick.h"
#include "support/server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* One request and all that came of it. */
struct seen {
    struct buf body, refused;
    struct http_response response;
    struct error error;
    unsigned done;
    size_t fail_after; /* bytes; 0: never */
    unsigned nap_ms;   /* in each on_body */
    struct http_client *client;
    const char *then; /* URL of a request that on_done starts */
};

static bool take(void *context, const char *bytes, size_t n, struct error *err)
{
    struct seen *seen = context;
    buf_put(&seen->body, bytes, n);
    if (seen->nap_ms)
        usleep(seen->nap_ms * 1000);
    if (seen->fail_after && seen->body.used >= seen->fail_after)
        return error_set(err, ERROR_FORMAT, "not what I want");
    return true;
}

static void note(void *context, const struct http_response *response)
{
    struct seen *seen = context;
    seen->done++;
    seen->response = *response;
    seen->error = *response->error;
    buf_put_str(&seen->refused, response->body);
    if (seen->then) {
        struct http_request next = {
            .url = seen->then, .on_body = take, .on_done = note, .context = seen};
        seen->then = NULL;
        assert_true(http_start(seen->client, &next, NULL));
    }
}

struct fixture {
    struct server *server;
    struct http_client *client;
    struct seen seen;
    struct stop stop;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err = ERROR_INIT;
    f->server = server_new(NULL);
    f->client = http_new(&(struct http_options){.stall_timeout = 0.15, .stop = &f->stop}, &err);
    assert_non_null(f->client);
    buf_init(&f->seen.body, 1 << 26);
    buf_init(&f->seen.refused, 1 << 20);
    f->seen.client = f->client;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_free(f->client);
    server_free(f->server);
    buf_release(&f->seen.body);
    buf_release(&f->seen.refused);
    free(f);
    return 0;
}

static void start(struct fixture *f, const char *path)
{
    struct error err = ERROR_INIT;
    struct http_request request = {.url = server_url(f->server, path),
                                   .on_body = take,
                                   .on_done = note,
                                   .context = &f->seen,
                                   .first_byte_timeout = 0.3};
    assert_true(http_start(f->client, &request, &err));
}

static void get(struct fixture *f, const struct server_answer *answer)
{
    struct error err = ERROR_INIT;
    server_answer(f->server, answer);
    start(f, "/");
    assert_true(http_run(f->client, -1, &err));
    assert_int_equal(f->seen.done, 1);
    assert_int_equal(http_active(f->client), 0);
}

static void a_body_with_content_length_is_whole(void **state)
{
    struct fixture *f = *state;
    get(f,
        &(struct server_answer){.body = STR("hello"), .headers = "Age: 7\r\nRetry-After: 3\r\n"});
    assert_int_equal(f->seen.response.status, 200);
    assert_true(f->seen.response.whole);
    assert_true(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_NONE);
    assert_string_equal(buf_text(&f->seen.body), "hello");
    assert_int_equal(f->seen.response.bytes, 5);
    assert_true(f->seen.response.age == 7);
    assert_true(f->seen.response.retry_after == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_body_with_content_length_is_whole, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
