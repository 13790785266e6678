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
#include <zlib.h>

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
    f->client = http_new(&(struct http_options){.stall_timeout = 0.4, .stop = &f->stop}, &err);
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
                                   .first_byte_timeout = 0.8};
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

/* What is whole ----------------------------------------------------------------------------------- */

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

static void a_chunked_body_in_single_bytes_is_whole(void **state)
{
    struct fixture *f = *state;
    get(f,
        &(struct server_answer){.body = STR("hello, you"), .framing = SERVER_CHUNKED, .piece = 1});
    assert_true(f->seen.response.whole);
    assert_string_equal(buf_text(&f->seen.body), "hello, you");
}

static void no_content_is_whole(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.status = 204});
    assert_int_equal(f->seen.response.status, 204);
    assert_true(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_NONE);
}

static void assert_cut(const struct fixture *f)
{
    assert_int_equal(f->seen.response.status, 200);
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

static void a_body_shorter_than_content_length_is_cut(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.body = STR("hello"), .cut = true, .cut_at = 3});
    assert_cut(f);
    assert_non_null(strstr(f->seen.error.message, "cut after 3 bytes"));
}

static void a_body_that_lacks_only_its_last_chunk_is_cut(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){
               .body = STR("hello"), .framing = SERVER_CHUNKED, .cut = true, .cut_at = 5});
    assert_cut(f);
}

static void a_body_that_ends_with_its_connection_is_not_known_to_be_whole(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.body = STR("hello"), .framing = SERVER_CLOSE});
    assert_cut(f);
    assert_string_equal(buf_text(&f->seen.body), "hello");
}

static void headers_that_break_off_are_no_answer(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){
                                 .raw = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"1"),
                                 .times = 2,
                                 .close = true});
    struct http_request request = {
        .url = server_url(f->server, "/"), .method = "HEAD", .on_done = note, .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_cut(f);
    request.method = "GET";
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_cut(f);
}

static void a_body_longer_than_content_length_is_cut_there(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.body = STR("hello"), .length_more = -2, .close = true});
    assert_string_equal(buf_text(&f->seen.body), "hel");
}

/* gzip of `text`; the caller frees nothing: it stands in `room`. */
static struct str gzip(const char *text, unsigned char *room, size_t size)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *) (uintptr_t) text;
    z.avail_in = (unsigned) strlen(text);
    z.next_out = room;
    z.avail_out = (unsigned) size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = size - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return (struct str){(const char *) room, n};
}

static void gzip_is_asked_for_and_undone(void **state)
{
    struct fixture *f = *state;
    unsigned char room[256];
    struct str packed = gzip("hello hello hello hello", room, sizeof room);
    get(f, &(struct server_answer){.body = packed, .headers = "Content-Encoding: gzip\r\n"});
    assert_true(f->seen.response.whole);
    assert_string_equal(buf_text(&f->seen.body), "hello hello hello hello");
    assert_int_equal(f->seen.response.bytes, 23);
    assert_true(
        str_eq(server_header(server_request(f->server, 0), "Accept-Encoding"), STR("gzip")));
}

static void gzip_with_a_wrong_checksum_is_not_whole(void **state)
{
    struct fixture *f = *state;
    unsigned char room[256];
    struct str packed = gzip("hello hello hello hello", room, sizeof room);
    room[packed.n - 8] ^= 1;
    get(f, &(struct server_answer){.body = packed, .headers = "Content-Encoding: gzip\r\n"});
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

/* Refusals ---------------------------------------------------------------------------------------- */

static void the_body_of_an_error_is_kept_apart(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.status = 403, .body = STR("who are you?")});
    assert_int_equal(f->seen.response.status, 403);
    assert_true(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_AUTH);
    assert_string_equal(buf_text(&f->seen.refused), "who are you?");
    assert_int_equal(f->seen.body.used, 0);
}

static void statuses_have_codes_of_their_own(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int status;
        enum error_code code;
    } cases[] = {{400, ERROR_SERVICE}, {401, ERROR_AUTH},      {404, ERROR_NOT_FOUND},
                 {408, ERROR_TIMEOUT}, {429, ERROR_THROTTLED}, {500, ERROR_SERVICE},
                 {504, ERROR_TIMEOUT}, {520, ERROR_SERVICE},   {302, ERROR_SERVICE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->seen.done = 0;
        get(f, &(struct server_answer){.status = cases[i].status, .body = STR("no")});
        assert_int_equal(f->seen.error.code, cases[i].code);
    }
}

static void the_body_of_an_error_is_cut_at_its_limit_and_the_connection_kept(void **state)
{
    struct fixture *f = *state;
    char *large = calloc(1, HTTP_ERROR_BODY_MAX + 1000);
    memset(large, 'x', HTTP_ERROR_BODY_MAX + 1000);
    get(f, &(struct server_answer){.status = 500, .body = {large, HTTP_ERROR_BODY_MAX + 1000}});
    assert_int_equal(f->seen.refused.used, HTTP_ERROR_BODY_MAX);
    f->seen.done = 0;
    get(f, &(struct server_answer){.body = STR("hello")});
    assert_int_equal(server_connections(f->server), 1);
    free(large);
}

static void an_endless_error_is_not_read_to_its_end(void **state)
{
    struct fixture *f = *state;
    size_t n = 16 << 20;
    char *large = calloc(1, n);
    get(f, &(struct server_answer){.status = 500, .body = {large, n}});
    assert_false(f->seen.response.whole);
    assert_true(f->seen.response.bytes < 8 << 20);
    assert_int_equal(f->seen.error.code, ERROR_LIMIT);
    free(large);
}

static void redirects_are_not_followed_but_told(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){
               .status = 302, .headers = "Location: https://login.example.net:8443/a?b=c\r\n"});
    assert_int_equal(f->seen.response.status, 302);
    assert_int_equal(server_requests(f->server), 1);
    assert_int_equal(f->seen.error.code, ERROR_SERVICE);
    assert_non_null(strstr(f->seen.error.message, "redirect to login.example.net:8443,"));
}

static void a_redirect_on_the_same_host_names_no_other(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.status = 307, .headers = "Location: /elsewhere\r\n"});
    assert_non_null(strstr(f->seen.error.message, "redirect to another path"));
}

static void note_header(void *context, const struct http_response *response)
{
    struct seen *seen = context;
    note(context, response);
    buf_put_str(&seen->body, http_header(response, "x-ms-Request-ID"));
    buf_puts(&seen->body, "|");
    buf_put_str(&seen->body, http_header(response, "ETag"));
}

static void get_headers(struct fixture *f, const struct server_answer *answer)
{
    struct error err = ERROR_INIT;
    server_answer(f->server, answer);
    struct http_request request = {
        .url = server_url(f->server, "/"), .on_done = note_header, .context = &f->seen};
    buf_reset(&f->seen.body);
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
}

static void headers_are_found_by_name_in_any_case(void **state)
{
    struct fixture *f = *state;
    get_headers(f, &(struct server_answer){
                       .headers = "X-MS-request-id:  a:b \r\nEtag: \"0x1\"\r\nETag: second\r\n"});
    assert_string_equal(buf_text(&f->seen.body), "a:b|\"0x1\"");
    get_headers(f, &(struct server_answer){.headers = "X-ETag: not it\r\n"});
    assert_string_equal(buf_text(&f->seen.body), "|");
}

static void headers_are_those_of_the_last_answer(void **state)
{
    struct fixture *f = *state;
    get_headers(
        f, &(struct server_answer){.raw = STR("HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n"
                                              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
    assert_string_equal(buf_text(&f->seen.body), "|");
}

static void whole_headers_are_kept_up_to_their_limit(void **state)
{
    struct fixture *f = *state;
    struct buf headers = BUF_INIT(1 << 20);
    buf_puts(&headers, "ETag: near\r\nX-Long: ");
    for (int i = 0; i < HTTP_HEADERS_KEPT; i++)
        buf_putc(&headers, 'x');
    buf_puts(&headers, "\r\nx-ms-request-id: far\r\n");
    get_headers(f, &(struct server_answer){.headers = buf_text(&headers)});
    assert_true(f->seen.response.whole);
    assert_string_equal(buf_text(&f->seen.body), "far|near");
    buf_release(&headers);
}

static void headers_without_end_are_refused(void **state)
{
    struct fixture *f = *state;
    struct buf headers = BUF_INIT(1 << 20);
    for (int i = 0; i < 6000; i++)
        buf_printf(&headers, "X-Header-%d: 0123456789012345678901234567890123456789\r\n", i);
    get(f, &(struct server_answer){.body = STR("x"), .headers = buf_text(&headers)});
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.body.used, 0);
    buf_release(&headers);
}

static void what_is_not_http_is_an_error(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.raw = STR("SSH-2.0-OpenSSH_9.2\r\n\r\n"), .close = true});
    assert_int_equal(f->seen.response.status, 0);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

static void interim_answers_are_passed_over(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.raw = STR("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
                                              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")});
    assert_int_equal(f->seen.response.status, 200);
    assert_true(f->seen.response.whole);
    assert_true(f->seen.response.retry_after < 0);
    assert_string_equal(buf_text(&f->seen.body), "ok");
}

/* Silence ----------------------------------------------------------------------------------------- */

static void a_stall_inside_an_answer_is_a_timeout_with_a_status(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.body = STR("hello"), .stall = true, .cut_at = 2});
    assert_int_equal(f->seen.response.status, 200);
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(f->seen.error.message, "stalled"));
}

static void an_answer_that_does_not_begin_is_a_timeout_without_a_status(void **state)
{
    struct fixture *f = *state;
    get(f, &(struct server_answer){.delay_ms = 20000, .body = STR("late")});
    assert_int_equal(f->seen.response.status, 0);
    assert_true(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(f->seen.error.message, "no answer in"));
    assert_true(f->seen.response.seconds < 5);
}

static void a_slow_call_back_is_not_taken_for_a_stall(void **state)
{
    struct fixture *f = *state;
    size_t n = 128 * 1024;
    char *large = calloc(1, n);
    f->seen.nap_ms = 200; /* longer than the stall timeout, at each of several pieces */
    get(f, &(struct server_answer){.body = {large, n}});
    assert_true(f->seen.response.whole);
    assert_int_equal(f->seen.body.used, n);
    assert_true(f->seen.response.seconds > 0.8);
    free(large);
}

static void nobody_there_is_told_from_an_answer_that_broke(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct server *gone = server_new(NULL);
    char url[64];
    (void) snprintf(url, sizeof url, "http://127.0.0.1:%u/", server_port(gone));
    server_free(gone);
    struct http_request request = {.url = url, .on_done = note, .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_false(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
    f->seen.done = 0;
    get(f, &(struct server_answer){.status = -1});
    assert_int_equal(f->seen.response.status, 0);
    assert_true(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

/* The loop ---------------------------------------------------------------------------------------- */

static void connections_are_kept(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        f->seen.done = 0;
        get(f, &(struct server_answer){.body = STR("x")});
    }
    assert_int_equal(server_connections(f->server), 1);
}

static void a_call_back_that_fails_ends_its_request_with_its_error(void **state)
{
    struct fixture *f = *state;
    f->seen.fail_after = 1;
    get(f, &(struct server_answer){.body = STR("hello")});
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_FORMAT);
    assert_string_equal(f->seen.error.message, "not what I want");
}

static void the_end_of_one_request_may_start_another(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.body = STR("one "), .times = 2});
    f->seen.then = server_url(f->server, "/two");
    start(f, "/one");
    assert_true(http_run(f->client, -1, &err));
    assert_int_equal(f->seen.done, 2);
    assert_string_equal(buf_text(&f->seen.body), "one one ");
}

static void cancelled_requests_are_not_heard_of_again(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server,
                  &(struct server_answer){.body = STR("x"), .delay_ms = 20000, .times = 2});
    start(f, "/");
    start(f, "/");
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
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    pthread_t thread;
    server_answer(f->server, &(struct server_answer){.body = STR("x"), .delay_ms = 20000});
    start(f, "/");
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
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.body = STR("x")});
    stop_set(&f->stop, 15);
    http_grace(f->client, 30);
    start(f, "/last");
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
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){.body = STR("x")});
    struct http_request request = {.url = server_url(f->server, "/"),
                                   .on_body = run_inside,
                                   .on_done = note,
                                   .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_int_equal(f->seen.error.code, ERROR_INTERNAL);
}

static void a_pause_lasts_without_requests_and_a_run_does_not(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct http_request request = {.url = server_url(f->server, "/")};
    for (int i = 0; i < HTTP_ACTIVE_MAX; i++)
        assert_true(http_start(f->client, &request, &err));
    assert_false(http_start(f->client, &request, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void a_lent_body_is_not_copied(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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
                                       .on_done = note,
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct http_request request = {
        .url = "https://acct.weir.invalid/", .on_done = note, .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_true(f->seen.response.no_host);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
    assert_non_null(strstr(f->seen.error.message, "acct.weir.invalid"));
}

static void a_request_is_sent_as_it_was_given(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_body_with_content_length_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chunked_body_in_single_bytes_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_content_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_shorter_than_content_length_is_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_lacks_only_its_last_chunk_is_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_body_that_ends_with_its_connection_is_not_known_to_be_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers_that_break_off_are_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_longer_than_content_length_is_cut_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gzip_is_asked_for_and_undone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gzip_with_a_wrong_checksum_is_not_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_body_of_an_error_is_kept_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(statuses_have_codes_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_body_of_an_error_is_cut_at_its_limit_and_the_connection_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_endless_error_is_not_read_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(redirects_are_not_followed_but_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_redirect_on_the_same_host_names_no_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(headers_are_found_by_name_in_any_case, set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers_are_those_of_the_last_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_headers_are_kept_up_to_their_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(headers_without_end_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_http_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interim_answers_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stall_inside_an_answer_is_a_timeout_with_a_status, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_does_not_begin_is_a_timeout_without_a_status,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_call_back_is_not_taken_for_a_stall, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_there_is_told_from_an_answer_that_broke, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(connections_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_call_back_that_fails_ends_its_request_with_its_error,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_one_request_may_start_another, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(cancelled_requests_are_not_heard_of_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_stop_flag_ends_a_wait_soon, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_grace_lets_the_last_requests_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loop_cannot_be_run_from_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pause_lasts_without_requests_and_a_run_does_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_many_requests_at_once_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_is_sent_as_it_was_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lent_body_is_not_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(methods_follow_each_other_on_one_handle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_put_says_its_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_host_without_address_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_allocation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
