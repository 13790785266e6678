/* An answer of a scripted server: what comes of it, how it ends, and how long it is waited for. */
#include "asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* What is whole ----------------------------------------------------------------------------------- */

static void a_body_with_content_length_is_whole(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.body = STR("hello"),
                                         .headers = "Age: 7\r\nRetry-After: 3\r\n"});
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
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){
                     .body = STR("hello, you"), .framing = SERVER_CHUNKED, .piece = 1});
    assert_true(f->seen.response.whole);
    assert_string_equal(buf_text(&f->seen.body), "hello, you");
}

static void no_content_is_whole(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.status = 204});
    assert_int_equal(f->seen.response.status, 204);
    assert_true(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_NONE);
}

static void assert_cut(const struct asked *f)
{
    assert_int_equal(f->seen.response.status, 200);
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

static void a_body_shorter_than_content_length_is_cut(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.body = STR("hello"), .cut = true, .cut_at = 3});
    assert_cut(f);
    assert_non_null(strstr(f->seen.error.message, "cut after 3 bytes"));
}

static void a_body_that_lacks_only_its_last_chunk_is_cut(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){
                     .body = STR("hello"), .framing = SERVER_CHUNKED, .cut = true, .cut_at = 5});
    assert_cut(f);
}

static void a_body_that_ends_with_its_connection_is_not_known_to_be_whole(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.body = STR("hello"), .framing = SERVER_CLOSE});
    assert_cut(f);
    assert_string_equal(buf_text(&f->seen.body), "hello");
}

static void headers_that_break_off_are_no_answer(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    server_answer(f->server, &(struct server_answer){
                                 .raw = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"1"),
                                 .times = 2,
                                 .close = true});
    struct http_request request = {.url = server_url(f->server, "/"),
                                   .method = "HEAD",
                                   .on_done = asked_note,
                                   .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_cut(f);
    request.method = "GET";
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_cut(f);
}

static void a_body_longer_than_content_length_is_cut_there(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.body = STR("hello"), .length_more = -2, .close = true});
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
    struct asked *f = *state;
    unsigned char room[256];
    struct str packed = gzip("hello hello hello hello", room, sizeof room);
    asked_get(f, &(struct server_answer){.body = packed, .headers = "Content-Encoding: gzip\r\n"});
    assert_true(f->seen.response.whole);
    assert_string_equal(buf_text(&f->seen.body), "hello hello hello hello");
    assert_int_equal(f->seen.response.bytes, 23);
    assert_true(
        str_eq(server_header(server_request(f->server, 0), "Accept-Encoding"), STR("gzip")));
}

static void gzip_with_a_wrong_checksum_is_not_whole(void **state)
{
    struct asked *f = *state;
    unsigned char room[256];
    struct str packed = gzip("hello hello hello hello", room, sizeof room);
    room[packed.n - 8] ^= 1;
    asked_get(f, &(struct server_answer){.body = packed, .headers = "Content-Encoding: gzip\r\n"});
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

/* Refusals ---------------------------------------------------------------------------------------- */

static void the_body_of_an_error_is_kept_apart(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.status = 403, .body = STR("who are you?")});
    assert_int_equal(f->seen.response.status, 403);
    assert_true(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_AUTH);
    assert_string_equal(buf_text(&f->seen.refused), "who are you?");
    assert_int_equal(f->seen.body.used, 0);
}

static void statuses_have_codes_of_their_own(void **state)
{
    struct asked *f = *state;
    static const struct {
        int status;
        enum error_code code;
    } cases[] = {{400, ERROR_SERVICE}, {401, ERROR_AUTH},      {404, ERROR_NOT_FOUND},
                 {408, ERROR_TIMEOUT}, {429, ERROR_THROTTLED}, {500, ERROR_SERVICE},
                 {504, ERROR_TIMEOUT}, {520, ERROR_SERVICE},   {302, ERROR_SERVICE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->seen.done = 0;
        asked_get(f, &(struct server_answer){.status = cases[i].status, .body = STR("no")});
        assert_int_equal(f->seen.error.code, cases[i].code);
    }
}

static void the_body_of_an_error_is_cut_at_its_limit_and_the_connection_kept(void **state)
{
    struct asked *f = *state;
    char *large = calloc(1, HTTP_ERROR_BODY_MAX + 1000);
    memset(large, 'x', HTTP_ERROR_BODY_MAX + 1000);
    asked_get(f,
              &(struct server_answer){.status = 500, .body = {large, HTTP_ERROR_BODY_MAX + 1000}});
    assert_int_equal(f->seen.refused.used, HTTP_ERROR_BODY_MAX);
    f->seen.done = 0;
    asked_get(f, &(struct server_answer){.body = STR("hello")});
    assert_int_equal(server_connections(f->server), 1);
    free(large);
}

static void an_endless_error_is_not_read_to_its_end(void **state)
{
    struct asked *f = *state;
    size_t n = 16 << 20;
    char *large = calloc(1, n);
    asked_get(f, &(struct server_answer){.status = 500, .body = {large, n}});
    assert_false(f->seen.response.whole);
    assert_true(f->seen.response.bytes < 8 << 20);
    assert_int_equal(f->seen.error.code, ERROR_LIMIT);
    free(large);
}

static void redirects_are_not_followed_but_told(void **state)
{
    struct asked *f = *state;
    asked_get(f,
              &(struct server_answer){
                  .status = 302, .headers = "Location: https://login.example.net:8443/a?b=c\r\n"});
    assert_int_equal(f->seen.response.status, 302);
    assert_int_equal(server_requests(f->server), 1);
    assert_int_equal(f->seen.error.code, ERROR_SERVICE);
    assert_non_null(strstr(f->seen.error.message, "redirect to login.example.net:8443,"));
}

static void a_redirect_on_the_same_host_names_no_other(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.status = 307, .headers = "Location: /elsewhere\r\n"});
    assert_non_null(strstr(f->seen.error.message, "redirect to another path"));
}

static void note_header(void *context, const struct http_response *response)
{
    struct seen *seen = context;
    asked_note(context, response);
    buf_put_str(&seen->body, http_header(response, "x-ms-Request-ID"));
    buf_puts(&seen->body, "|");
    buf_put_str(&seen->body, http_header(response, "ETag"));
}

static void get_headers(struct asked *f, const struct server_answer *answer)
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
    struct asked *f = *state;
    get_headers(f, &(struct server_answer){
                       .headers = "X-MS-request-id:  a:b \r\nEtag: \"0x1\"\r\nETag: second\r\n"});
    assert_string_equal(buf_text(&f->seen.body), "a:b|\"0x1\"");
    get_headers(f, &(struct server_answer){.headers = "X-ETag: not it\r\n"});
    assert_string_equal(buf_text(&f->seen.body), "|");
}

static void headers_are_those_of_the_last_answer(void **state)
{
    struct asked *f = *state;
    get_headers(
        f, &(struct server_answer){.raw = STR("HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n"
                                              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
    assert_string_equal(buf_text(&f->seen.body), "|");
}

static void whole_headers_are_kept_up_to_their_limit(void **state)
{
    struct asked *f = *state;
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
    struct asked *f = *state;
    struct buf headers = BUF_INIT(1 << 20);
    for (int i = 0; i < 6000; i++)
        buf_printf(&headers, "X-Header-%d: 0123456789012345678901234567890123456789\r\n", i);
    asked_get(f, &(struct server_answer){.body = STR("x"), .headers = buf_text(&headers)});
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.body.used, 0);
    buf_release(&headers);
}

static void what_is_not_http_is_an_error(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.raw = STR("SSH-2.0-OpenSSH_9.2\r\n\r\n"), .close = true});
    assert_int_equal(f->seen.response.status, 0);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

static void interim_answers_are_passed_over(void **state)
{
    struct asked *f = *state;
    asked_get(
        f, &(struct server_answer){.raw = STR("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
                                              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")});
    assert_int_equal(f->seen.response.status, 200);
    assert_true(f->seen.response.whole);
    assert_true(f->seen.response.retry_after < 0);
    assert_string_equal(buf_text(&f->seen.body), "ok");
}

/* Silence ----------------------------------------------------------------------------------------- */

static void a_stall_inside_an_answer_is_a_timeout_with_a_status(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.body = STR("hello"), .stall = true, .cut_at = 2});
    assert_int_equal(f->seen.response.status, 200);
    assert_false(f->seen.response.whole);
    assert_int_equal(f->seen.error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(f->seen.error.message, "stalled"));
}

static void an_answer_that_does_not_begin_is_a_timeout_without_a_status(void **state)
{
    struct asked *f = *state;
    asked_get(f, &(struct server_answer){.delay_ms = 20000, .body = STR("late")});
    assert_int_equal(f->seen.response.status, 0);
    assert_true(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(f->seen.error.message, "no answer in"));
    assert_true(f->seen.response.seconds < 5);
}

static void a_slow_call_back_is_not_taken_for_a_stall(void **state)
{
    struct asked *f = *state;
    size_t n = 128 * 1024;
    char *large = calloc(1, n);
    f->seen.nap_ms = 200; /* longer than the stall timeout, at each of several pieces */
    asked_get(f, &(struct server_answer){.body = {large, n}});
    assert_true(f->seen.response.whole);
    assert_int_equal(f->seen.body.used, n);
    assert_true(f->seen.response.seconds > 0.8);
    free(large);
}

static void nobody_there_is_told_from_an_answer_that_broke(void **state)
{
    struct asked *f = *state;
    struct error err = ERROR_INIT;
    struct server *gone = server_new(NULL);
    char url[64];
    (void) snprintf(url, sizeof url, "http://127.0.0.1:%u/", server_port(gone));
    server_free(gone);
    struct http_request request = {.url = url, .on_done = asked_note, .context = &f->seen};
    assert_true(http_start(f->client, &request, &err) && http_run(f->client, -1, &err));
    assert_false(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
    f->seen.done = 0;
    asked_get(f, &(struct server_answer){.status = -1});
    assert_int_equal(f->seen.response.status, 0);
    assert_true(f->seen.response.connected);
    assert_int_equal(f->seen.error.code, ERROR_NETWORK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, asked_set_up, asked_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_body_with_content_length_is_whole),
        CASE(a_chunked_body_in_single_bytes_is_whole),
        CASE(no_content_is_whole),
        CASE(a_body_shorter_than_content_length_is_cut),
        CASE(a_body_that_lacks_only_its_last_chunk_is_cut),
        CASE(a_body_that_ends_with_its_connection_is_not_known_to_be_whole),
        CASE(headers_that_break_off_are_no_answer),
        CASE(a_body_longer_than_content_length_is_cut_there),
        CASE(gzip_is_asked_for_and_undone),
        CASE(gzip_with_a_wrong_checksum_is_not_whole),
        CASE(the_body_of_an_error_is_kept_apart),
        CASE(statuses_have_codes_of_their_own),
        CASE(the_body_of_an_error_is_cut_at_its_limit_and_the_connection_kept),
        CASE(an_endless_error_is_not_read_to_its_end),
        CASE(redirects_are_not_followed_but_told),
        CASE(a_redirect_on_the_same_host_names_no_other),
        CASE(headers_are_found_by_name_in_any_case),
        CASE(headers_are_those_of_the_last_answer),
        CASE(whole_headers_are_kept_up_to_their_limit),
        CASE(headers_without_end_are_refused),
        CASE(what_is_not_http_is_an_error),
        CASE(interim_answers_are_passed_over),
        CASE(a_stall_inside_an_answer_is_a_timeout_with_a_status),
        CASE(an_answer_that_does_not_begin_is_a_timeout_without_a_status),
        CASE(a_slow_call_back_is_not_taken_for_a_stall),
        CASE(nobody_there_is_told_from_an_answer_that_broke),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
