/* Where secrets may travel: over TLS that is verified, or to this machine, and nowhere else. */
#include "http/http.h"

#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "eyJ0.SECRET.token"

struct ended {
    int status;
    bool whole;
    struct error error;
};

static void note(void *context, const struct http_response *response)
{
    struct ended *ended = context;
    ended->status = response->status;
    ended->whole = response->whole;
    ended->error = *response->error;
}

static struct ended get(const struct http_options *options, const char *url, const char *header)
{
    struct error err = ERROR_INIT;
    struct ended ended = {0};
    struct http_client *client = http_new(options, &err);
    assert_non_null(client);
    struct http_request request = {
        .url = url, .headers = {header}, .on_done = note, .context = &ended};
    assert_true(http_start(client, &request, &err) && http_run(client, -1, &err));
    http_free(client);
    return ended;
}

static void assert_refused(const struct http_request *request)
{
    struct error err = ERROR_INIT;
    struct http_client *client = http_new(&(struct http_options){0}, &err);
    assert_non_null(client);
    assert_false(http_start(client, request, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_null(strstr(err.message, "SECRET"));
    assert_null(strstr(err.hint, "SECRET"));
    assert_int_equal(http_active(client), 0);
    http_free(client);
}

static void tokens_are_not_sent_in_the_open(void **state)
{
    (void) state;
    struct http_request token = {.url = "http://192.0.2.1/v1",
                                 .headers = {"Accept: */*", "authorization: Bearer " SECRET}};
    assert_refused(&token);
    struct http_request form = {.url = "http://192.0.2.1/token",
                                .body = STR("client_secret=" SECRET),
                                .confidential = true};
    assert_refused(&form);
}

static void tokens_may_go_to_this_machine(void **state)
{
    (void) state;
    struct server *server = server_new(NULL);
    server_answer(server, &(struct server_answer){.body = STR("x")});
    struct ended ended =
        get(&(struct http_options){0}, server_url(server, "/"), "Authorization: Bearer " SECRET);
    assert_true(ended.whole);
    assert_true(
        str_eq(server_header(server_request(server, 0), "Authorization"), STR("Bearer " SECRET)));
    server_free(server);
}

static void requests_that_could_smuggle_are_refused(void **state)
{
    (void) state;
    assert_refused(&(struct http_request){.url = "http://127.0.0.1/",
                                          .headers = {"X-A: 1\r\nAuthorization: Bearer " SECRET}});
    assert_refused(&(struct http_request){.url = "http://127.0.0.1/", .headers = {"no colon"}});
    assert_refused(&(struct http_request){.url = "https://me:SECRET@example.com/"});
    assert_refused(&(struct http_request){.url = "ftp://example.com/SECRET"});
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
    (void) state;
    struct server *server = server_new(&(struct server_options){.tls = true});
    struct ended ended =
        get(&(struct http_options){0}, server_url(server, "/"), "Authorization: Bearer " SECRET);
    assert_int_equal(ended.status, 0);
    assert_int_equal(ended.error.code, ERROR_NETWORK);
    assert_non_null(strstr(ended.error.hint, "ca-file"));
    assert_int_equal(server_requests(server), 0);
    server_free(server);
}

static void a_certificate_of_ones_own_authority_is_taken(void **state)
{
    (void) state;
    char path[] = "/tmp/weir-test-ca-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    struct server *server = server_new(&(struct server_options){.tls = true, .ca = path});
    server_answer(server, &(struct server_answer){.body = STR("hello"), .piece = 1});
    struct ended ended =
        get(&(struct http_options){.ca_file = path}, server_url(server, "/"), NULL);
    assert_int_equal(ended.error.code, ERROR_NONE);
    assert_true(ended.whole);
    server_free(server);
    assert_int_equal(unlink(path), 0);
}

static void proxies_are_for_others_and_never_for_this_machine(void **state)
{
    (void) state;
    struct server *proxy = server_new(NULL), *server = server_new(NULL);
    server_answer(proxy, &(struct server_answer){.body = STR("by proxy")});
    server_answer(server, &(struct server_answer){.body = STR("directly"), .times = 2});
    assert_int_equal(setenv("http_proxy", server_url(proxy, "/"), 1), 0);
    assert_int_equal(setenv("all_proxy", server_url(proxy, "/"), 1), 0);
    struct ended here = get(&(struct http_options){0}, server_url(server, "/"), NULL);
    struct ended there = get(&(struct http_options){0}, "http://weir.invalid/x", NULL);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("all_proxy"), 0);
    assert_true(here.whole && there.whole);
    assert_int_equal(server_requests(server), 1);
    assert_int_equal(server_requests(proxy), 1);
    assert_string_equal(server_request(proxy, 0)->path, "http://weir.invalid/x");
    server_free(server);
    server_free(proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_not_sent_in_the_open),
        cmocka_unit_test(tokens_may_go_to_this_machine),
        cmocka_unit_test(requests_that_could_smuggle_are_refused),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_certificate_of_ones_own_authority_is_taken),
        cmocka_unit_test(proxies_are_for_others_and_never_for_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
