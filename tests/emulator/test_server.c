/* The server on a real socket: what arrives, and when it does not. */

#include "emulator/server.h"

#include "base/tick.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { REPLY_SIZE = 300000, ANSWER_MAX = 1 << 20, READ_SECONDS = 30 };

static const uint64_t ms = 1000000;

struct fixture {
    struct bell bell;
    struct server *server;
    enum server_ending ending;
    size_t sent;
    uint64_t earlier; /* ns before the request that the reply began */
    atomic_int done;  /* how often a reply was done */
    char seen[256];   /* of the last request */
};

static void count_done(void *context)
{
    atomic_fetch_add((atomic_int *) context, 1);
}

/* Replies with digits, and keeps what came. */
static void reply_digits(void *context, const struct server_request *request,
                         struct server_reply *reply)
{
    struct fixture *fixture = context;
    const char *word = server_argument(request, "word");
    (void) snprintf(fixture->seen, sizeof fixture->seen, "%s %s %s %.*s %s", request->method,
                    request->path, word ? word : "-", (int) request->body.n, request->body.p,
                    request->authorization ? request->authorization : "-");
    reply->status = 200;
    reply->content_type = "text/plain";
    reply->retry_after = 7;
    for (int i = 0; i < REPLY_SIZE; i++)
        buf_putc(&reply->body, (char) ('0' + i % 10));
    reply->ending = fixture->ending;
    reply->sent = fixture->sent;
    reply->began -= fixture->earlier;
    reply->done = count_done;
    reply->context = &fixture->done;
}

static void start(struct fixture *fixture, struct server_options options)
{
    struct error err = ERROR_INIT;
    options.listen = "127.0.0.1:0";
    options.bell = &fixture->bell;
    options.handler = reply_digits;
    options.context = fixture;
    assert_true(bell_init(&fixture->bell));
    fixture->server = server_start(&options, &err);
    assert_non_null(fixture->server);
}

static void stop(struct fixture *fixture)
{
    bell_ring(&fixture->bell);
    server_stop(fixture->server);
    bell_release(&fixture->bell);
}

static int connect_to(const struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server_port(fixture->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = READ_SECONDS};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

/* Sends a request and reads until the other side closes. The caller releases the answer. */
static void ask(const struct fixture *fixture, const char *request, struct buf *answer)
{
    int fd = connect_to(fixture);
    char piece[65536];
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    buf_init(answer, ANSWER_MAX);
    for (;;) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            break;
        buf_put(answer, piece, (size_t) n);
    }
    (void) close(fd);
}

static const char plain_request[] = "GET /a%20b?word=x%2By HTTP/1.1\r\nHost: h\r\n"
                                    "Connection: close\r\nAuthorization: Bearer t\r\n\r\n";

static size_t body_size(const struct buf *answer)
{
    const char *end = strstr(buf_text(answer), "\r\n\r\n");
    assert_non_null(end);
    return answer->used - (size_t) (end + 4 - answer->bytes);
}

static void a_request_is_decoded_and_answered(void **state)
{
    (void) state;
    struct fixture fixture = {0};
    struct buf answer;
    start(&fixture, (struct server_options){0});
    ask(&fixture, plain_request, &answer);
    assert_string_equal(fixture.seen, "GET /a b x+y  Bearer t");
    assert_memory_equal(buf_text(&answer), "HTTP/1.1 200 ", 13);
    assert_non_null(strstr(buf_text(&answer), "Content-Length: 300000\r\n"));
    assert_non_null(strstr(buf_text(&answer), "Retry-After: 7\r\n"));
    assert_non_null(strstr(buf_text(&answer), "Content-Type: text/plain\r\n"));
    assert_int_equal(body_size(&answer), REPLY_SIZE);
    buf_release(&answer);
    ask(&fixture,
        "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        &answer);
    assert_string_equal(fixture.seen, "POST /p - hello -");
    buf_release(&answer);
    stop(&fixture);
}

static void a_cut_reply_ends_before_its_length(void **state)
{
    (void) state;
    static const size_t cuts[] = {0, 1, 65536, REPLY_SIZE - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct fixture fixture = {.ending = SERVER_CUT, .sent = cuts[i]};
        struct buf answer;
        start(&fixture, (struct server_options){0});
        ask(&fixture, plain_request, &answer);
        assert_non_null(strstr(buf_text(&answer), "Content-Length: 300000\r\n"));
        assert_int_equal(body_size(&answer), cuts[i]);
        buf_release(&answer);
        stop(&fixture);
    }
}

static void a_stalled_reply_is_silent_and_then_whole(void **state)
{
    (void) state;
    struct fixture fixture = {.ending = SERVER_STALL, .sent = 1000};
    struct buf answer;
    start(&fixture, (struct server_options){.stall = 50 * ms});
    uint64_t before = clock_ns();
    ask(&fixture, plain_request, &answer);
    assert_true(clock_ns() - before >= 50 * ms);
    assert_int_equal(body_size(&answer), REPLY_SIZE);
    buf_release(&answer);
    stop(&fixture);
}

static void latency_and_bandwidth_take_their_time(void **state)
{
    (void) state;
    struct fixture fixture = {0};
    struct buf answer;
    start(&fixture, (struct server_options){.latency = 20 * ms, .bandwidth = 3000000});
    uint64_t before = clock_ns();
    ask(&fixture, plain_request, &answer);
    uint64_t took = clock_ns() - before;
    assert_int_equal(body_size(&answer), REPLY_SIZE);
    /* 300 kB at 3 MB/s are 100 ms, less the last of the 50 pieces of a second, which nothing waits
     * for. */
    assert_true(took >= 20 * ms + 79 * ms);
    buf_release(&answer);
    stop(&fixture);
}

/* An hour of latency, nearly all of which went by while the reply was made. */
static void the_time_of_making_a_reply_counts(void **state)
{
    (void) state;
    struct fixture fixture = {.earlier = 3600 * 1000 * ms - 20 * ms};
    struct buf answer;
    start(&fixture, (struct server_options){.latency = 3600 * 1000 * ms});
    uint64_t before = clock_ns();
    ask(&fixture, plain_request, &answer);
    assert_true(clock_ns() - before >= 20 * ms);
    assert_int_equal(body_size(&answer), REPLY_SIZE);
    buf_release(&answer);
    stop(&fixture);
}

/* Who waits for a place must have it before the client can know that the answer is whole. */
static void a_reply_is_done_once_and_before_its_last_byte(void **state)
{
    (void) state;
    for (int paced = 0; paced < 2; paced++) {
        struct fixture fixture = {0};
        struct buf answer;
        start(&fixture, (struct server_options){.bandwidth = paced ? 100 * REPLY_SIZE : 0});
        ask(&fixture, plain_request, &answer);
        assert_int_equal(atomic_load(&fixture.done), 1);
        assert_int_equal(body_size(&answer), REPLY_SIZE);
        buf_release(&answer);
        stop(&fixture);
        assert_int_equal(atomic_load(&fixture.done), 1);
    }
}

static void a_reply_that_is_broken_off_is_done_once(void **state)
{
    (void) state;
    static const enum server_ending endings[] = {SERVER_CUT, SERVER_STALL, SERVER_RESET};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct fixture fixture = {.ending = endings[i], .sent = 1};
        struct buf answer;
        start(&fixture, (struct server_options){.stall = 1});
        ask(&fixture, plain_request, &answer);
        if (endings[i] == SERVER_RESET)
            assert_int_equal(answer.used, 0);
        buf_release(&answer);
        stop(&fixture);
        assert_int_equal(atomic_load(&fixture.done), 1);
    }
}

static void *ask_in_thread(void *context)
{
    struct buf answer;
    ask(context, plain_request, &answer);
    size_t *used = malloc(sizeof *used);
    *used = answer.used;
    buf_release(&answer);
    return used;
}

static void stopping_ends_a_stall(void **state)
{
    (void) state;
    struct fixture fixture = {.ending = SERVER_STALL, .sent = 1};
    start(&fixture, (struct server_options){.stall = 3600000 * ms});
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_in_thread, &fixture), 0);
    struct bell pause;
    assert_true(bell_init(&pause));
    while (!fixture.seen[0])
        (void) bell_pause(&pause, ms);
    bell_release(&pause);
    stop(&fixture);
    void *used = NULL;
    assert_int_equal(pthread_join(thread, &used), 0);
    assert_true(*(size_t *) used < REPLY_SIZE);
    free(used);
}

static void addresses_are_split_and_checked(void **state)
{
    (void) state;
    struct buf address = BUF_INIT(100);
    uint16_t port = 0;
    assert_true(server_split_listen("127.0.0.1:8080", &address, &port, NULL));
    assert_string_equal(buf_text(&address), "127.0.0.1");
    assert_int_equal(port, 8080);
    assert_true(server_split_listen("[::1]:0", &address, &port, NULL));
    assert_string_equal(buf_text(&address), "::1");
    static const char *const wrong[] = {"127.0.0.1", "127.0.0.1:", "127.0.0.1:70000",
                                        "127.0.0.1:x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(server_split_listen(wrong[i], &address, &port, NULL));
    buf_release(&address);
    struct error err = ERROR_INIT;
    assert_null(server_start(&(struct server_options){.listen = "localhost:0"}, &err));
    assert_int_equal(err.code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_decoded_and_answered),
        cmocka_unit_test(a_cut_reply_ends_before_its_length),
        cmocka_unit_test(a_stalled_reply_is_silent_and_then_whole),
        cmocka_unit_test(latency_and_bandwidth_take_their_time),
        cmocka_unit_test(the_time_of_making_a_reply_counts),
        cmocka_unit_test(a_reply_is_done_once_and_before_its_last_byte),
        cmocka_unit_test(a_reply_that_is_broken_off_is_done_once),
        cmocka_unit_test(stopping_ends_a_stall),
        cmocka_unit_test(addresses_are_split_and_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
