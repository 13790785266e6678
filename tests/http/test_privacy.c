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

/* The authority that is trusted has the same name and another key. */
static void a_certificate_in_the_name_of_an_authority_is_refused(void **state)
{
    (void) state;
    char path[] = "/tmp/weir-test-ca-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    server_free(server_new(&(struct server_options){.tls = true, .ca = path}));
    struct server *server = server_new(&(struct server_options){.tls = true});
    struct ended ended =
        get(&(struct http_options){.ca_file = path}, server_url(server, "/"), "Secret: " SECRET);
    assert_int_equal(ended.error.code, ERROR_NETWORK);
    assert_non_null(strstr(ended.error.message, "certificate"));
    assert_non_null(strstr(ended.error.hint, "ca-file"));
    assert_int_equal(server_requests(server), 0);
    server_free(server);
    assert_int_equal(unlink(path), 0);
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

/* Starts and forgets: whether it may be sent is decided before anything is. */
static bool may_start(const struct http_request *request)
{
    struct error err = ERROR_INIT;
    struct http_client *client = http_new(&(struct http_options){0}, &err);
    assert_non_null(client);
    bool ok = http_start(client, request, &err);
    http_free(client);
    return ok;
}

static void a_machines_own_tokens_are_asked_for_in_the_open(void **state)
{
    (void) state;
    assert_true(may_start(&(struct http_request){.url = "http://169.254.131.2:8081/msi/token",
                                                 .headers = {"X-IDENTITY-HEADER: " SECRET}}));
    assert_refused(&(struct http_request){.url = "http://169.253.131.2/msi/token",
                                          .headers = {"x-identity-header: " SECRET}});
    assert_refused(
        &(struct http_request){.url = "http://192.0.2.1/msi", .headers = {"secret: " SECRET}});
    assert_refused(&(struct http_request){
        .url = "http://169.254.131.2/", .body = STR(SECRET), .confidential = true});
    assert_refused(
        &(struct http_request){.url = "http://[fe80::1]/", .headers = {"Secret: " SECRET}});
}

static void a_secret_query_is_sent_and_never_shown(void **state)
{
    (void) state;
    struct server *server = server_new(NULL);
    server_answer(server, &(struct server_answer){.status = 403, .times = 2});
    struct error err = ERROR_INIT;
    struct ended ended = {0};
    struct http_client *client = http_new(&(struct http_options){0}, &err);
    assert_non_null(client);
    struct http_request request = {.url = server_url(server, "/c/b?comp=block"),
                                   .secret_query = "sv=1&sig=" SECRET,
                                   .on_done = note,
                                   .context = &ended};
    assert_true(http_start(client, &request, &err) && http_run(client, -1, &err));
    assert_string_equal(server_request(server, 0)->path, "/c/b?comp=block&sv=1&sig=" SECRET);
    assert_null(strstr(ended.error.message, "SECRET"));
    request.url = server_url(server, "/c");
    assert_true(http_start(client, &request, &err) && http_run(client, -1, &err));
    assert_string_equal(server_request(server, 1)->path, "/c?sv=1&sig=" SECRET);
    http_free(client);
    server_free(server);
    assert_refused(
        &(struct http_request){.url = "http://192.0.2.1/", .secret_query = "sig=" SECRET});
    assert_refused(
        &(struct http_request){.url = "http://169.254.1.1/", .secret_query = "sig=" SECRET});
    assert_refused(
        &(struct http_request){.url = "https://192.0.2.1/", .secret_query = "sig=" SECRET " x"});
}

struct quoted {
    char body[1024], header[256];
};

static void keep_quote(void *context, const struct http_response *response)
{
    struct quoted *quoted = context;
    struct str header = http_header(response, "X-Why");
    (void) snprintf(quoted->body, sizeof quoted->body, "%.*s", (int) response->body.n,
                    response->body.p);
    (void) snprintf(quoted->header, sizeof quoted->header, "%.*s", (int) header.n, header.p);
}

static void quote(const struct http_request *request, struct server *server, const char *body,
                  struct quoted *out)
{
    struct error err = ERROR_INIT;
    struct http_client *client = http_new(&(struct http_options){0}, &err);
    assert_non_null(client);
    server_answer(server, &(struct server_answer){.status = 403,
                                                  .headers = "X-Why: 1x2y3zSIGNATURE45\r\n",
                                                  .body = {body, strlen(body)}});
    struct http_request mine = *request;
    mine.on_done = keep_quote;
    mine.context = out;
    assert_true(http_start(client, &mine, &err) && http_run(client, -1, &err));
    http_free(client);
}

static void a_refusal_that_quotes_the_secret_is_masked(void **state)
{
    (void) state;
    struct server *server = server_new(NULL);
    struct quoted quoted;
    quote(&(struct http_request){.url = server_url(server, "/"),
                                 .headers = {"X-A: 1", "Authorization: SharedKey account:Ab+"
                                                       "1x2y3zSIGNATURE45/abcdefgh=="}},
          server,
          "for SharedKey account:Ab+1x2y3zSIGNATURE45/abcdefgh==, "
          "Ab\\u002B1x2y3zSIGNATURE45%2Fabcdefgh",
          &quoted);
    assert_null(strstr(quoted.body, "SIGNATURE"));
    assert_null(strstr(quoted.body, "abcdefgh"));
    assert_non_null(strstr(quoted.body, "for SharedKey account:Ab+****"));
    assert_null(strstr(quoted.header, "SIGNATURE"));
    quote(&(struct http_request){.url = server_url(server, "/?comp=list"),
                                 .secret_query = "sv=2021-12-02&sig=Q%2B1x2y3zSIGNATURE45%3D&se=x"},
          server, "sig Q+1x2y3zSIGNATURE45= of version 2021-12-02 is not good", &quoted);
    assert_string_equal(quoted.body, "sig Q+*****************= of version 2021-12-02 is not good");
    quote(&(struct http_request){.url = server_url(server, "/"),
                                 .headers = {"Authorization: Bearer eyJ0eXAi.1x2y3zSIGNATURE45"}},
          server, "Bearer eyJ0eXAi.1x2y3zSIGNATURE45 has expired", &quoted);
    assert_string_equal(quoted.body, "Bearer ********.***************** has expired");
    server_free(server);
}

static void set_proxy(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void assert_names_proxy_alone(const struct error *err, const char *host)
{
    assert_non_null(strstr(err->message, host));
    assert_null(strstr(err->message, "SECRET"));
    assert_null(strstr(err->hint, "SECRET"));
}

static void a_proxy_that_wants_a_sign_in_is_named_without_its_password(void **state)
{
    (void) state;
    struct server *proxy = server_new(NULL);
    server_answer(proxy, &(struct server_answer){.status = 407,
                                                 .times = 2,
                                                 .headers = "Proxy-Authenticate: Basic\r\n"});
    char value[128], shown[32];
    (void) snprintf(value, sizeof value, "http://me:SECRET@127.0.0.1:%u", server_port(proxy));
    (void) snprintf(shown, sizeof shown, "proxy 127.0.0.1:%u wants", server_port(proxy));
    set_proxy("http_proxy", value);
    set_proxy("https_proxy", value);
    struct ended plain = get(&(struct http_options){0}, "http://weir.invalid/x", NULL);
    struct ended tunnel = get(&(struct http_options){0}, "https://weir.invalid/x", NULL);
    set_proxy("http_proxy", NULL);
    set_proxy("https_proxy", NULL);
    assert_int_equal(plain.error.code, ERROR_SETTINGS);
    assert_int_equal(tunnel.error.code, ERROR_SETTINGS);
    assert_names_proxy_alone(&plain.error, shown);
    assert_names_proxy_alone(&tunnel.error, shown);
    assert_string_equal(server_request(proxy, 1)->method, "CONNECT");
    server_free(proxy);
}

static void a_proxy_that_does_not_answer_is_named_in_the_hint(void **state)
{
    (void) state;
    struct server *gone = server_new(NULL);
    unsigned port = server_port(gone);
    char value[128], shown[128];
    server_free(gone);
    (void) snprintf(value, sizeof value, "http://me:SECRET@127.0.0.1:%u", port);
    (void) snprintf(shown, sizeof shown, "the proxy 127.0.0.1:%u of the environment", port);
    set_proxy("https_proxy", value);
    struct ended ended = get(&(struct http_options){0}, "https://weir.invalid/x", NULL);
    set_proxy("https_proxy", NULL);
    assert_int_equal(ended.error.code, ERROR_NETWORK);
    assert_non_null(strstr(ended.error.hint, shown));
    assert_null(strstr(ended.error.hint, "SECRET"));
}

static void a_proxy_setting_that_cannot_be_read_is_not_shown(void **state)
{
    (void) state;
    static const char *const values[] = {"http://me:SECRET@[::zz]:1", "gopher://me:SECRET@host:70",
                                         "me:SECRET@no such host"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        set_proxy("https_proxy", values[i]);
        struct ended ended = get(&(struct http_options){0}, "https://weir.invalid/x", NULL);
        set_proxy("https_proxy", NULL);
        assert_int_equal(ended.status, 0);
        assert_names_proxy_alone(&ended.error, "proxy");
    }
}

static void metadata_addresses_are_never_asked_by_a_proxy(void **state)
{
    (void) state;
    struct server *proxy = server_new(NULL);
    set_proxy("http_proxy", server_url(proxy, "/"));
    static const char *const urls[] = {"http://169.254.255.255:9/metadata", "http://[fe80::1]:9/",
                                       "http://[fd00:ec2::254]:9/latest"};
    struct http_options quick = {.connect_timeout = 0.05};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        (void) get(&quick, urls[i], NULL); /* who answers there, if anybody, is not asked */
    set_proxy("http_proxy", NULL);
    assert_int_equal(server_requests(proxy), 0);
    server_free(proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_not_sent_in_the_open),
        cmocka_unit_test(tokens_may_go_to_this_machine),
        cmocka_unit_test(requests_that_could_smuggle_are_refused),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_certificate_in_the_name_of_an_authority_is_refused),
        cmocka_unit_test(a_certificate_of_ones_own_authority_is_taken),
        cmocka_unit_test(proxies_are_for_others_and_never_for_this_machine),
        cmocka_unit_test(a_machines_own_tokens_are_asked_for_in_the_open),
        cmocka_unit_test(a_secret_query_is_sent_and_never_shown),
        cmocka_unit_test(a_refusal_that_quotes_the_secret_is_masked),
        cmocka_unit_test(a_proxy_that_wants_a_sign_in_is_named_without_its_password),
        cmocka_unit_test(a_proxy_that_does_not_answer_is_named_in_the_hint),
        cmocka_unit_test(a_proxy_setting_that_cannot_be_read_is_not_shown),
        cmocka_unit_test(metadata_addresses_are_never_asked_by_a_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
