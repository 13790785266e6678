/* Tokens and clocks: the wall clock may jump, the monotonic one stands still while the machine sleeps. */
#include "azure/credential.h"

#include "base/tick.h"
#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define AUDIENCE "https://api.loganalytics.io"

enum { HOUR = 3600 };

/* Seconds by which each clock is set forward; the linker puts our clock_gettime before that of the system. */
static atomic_long wall, monotonic;

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int failed = __real_clock_gettime(id, out);
    out->tv_sec += id == CLOCK_REALTIME ? wall : id == CLOCK_MONOTONIC ? monotonic : 0;
    return failed;
}

struct fixture {
    struct server *server;
    struct http_client *http;
    struct azure_credential *credential;
    struct buf header;
    struct error err;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    wall = monotonic = 0;
    assert_int_equal(setenv("WEIR_TEST_SECRET", "s3cr3t", 1), 0);
    f.server = server_new(NULL);
    f.http = http_new(&(struct http_options){0}, &f.err);
    struct azure_credential_options options = {.tenant = "contoso.example",
                                               .client_id = "11111111-2222-4333-8444-555555555555",
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .authority = server_url(f.server, "/")};
    f.credential = azure_credential_new(f.http, &options, &f.err);
    assert_non_null(f.credential);
    buf_init(&f.header, AZURE_HEADER_MAX);
    server_answer(f.server,
                  &(struct server_answer){
                      .times = 2, .body = STR("{\"expires_in\":3600,\"access_token\":\"t\"}")});
    assert_true(azure_credential_header(f.credential, AUDIENCE, &f.header, &f.err));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    wall = monotonic = 0;
    azure_credential_free(f->credential);
    http_free(f->http);
    server_free(f->server);
    buf_release(&f->header);
    return 0;
}

/* Whether a header is made from a new token now. */
static bool renews(struct fixture *f)
{
    size_t before = server_requests(f->server);
    assert_true(azure_credential_header(f->credential, AUDIENCE, &f->header, &f->err));
    return server_requests(f->server) > before;
}

static void a_token_that_ran_out_while_the_machine_slept_is_renewed(void **state)
{
    struct fixture *f = *state;
    wall = HOUR - 400;
    assert_false(renews(f));
    wall = HOUR - 200; /* within the 5 minutes before its end */
    assert_true(renews(f));
    assert_false(renews(f));
}

static void a_wall_clock_that_is_set_back_keeps_no_token_alive(void **state)
{
    struct fixture *f = *state;
    wall = -24 * HOUR;
    assert_false(renews(f));
    monotonic = HOUR - 400;
    assert_false(renews(f));
    monotonic = HOUR - 200;
    assert_true(renews(f));
    assert_false(renews(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_that_ran_out_while_the_machine_slept_is_renewed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wall_clock_that_is_set_back_keeps_no_token_alive, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
