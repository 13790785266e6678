/* A process that is stopped for longer than every time-out, as by SIGSTOP or a machine that sleeps, goes on
 * as if nothing had been when it wakes. The client lives in a process of its own, forked before any thread. */
#include "http/http.h"

#include "support/server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { URL_ROOM = 256, PATIENCE_MS = 20000, STOPPED_MS = 1600 };
static const double SHORT = 1.0; /* seconds, of every time-out */

struct child {
    pid_t pid;
    int tell; /* where its URL is written */
};

static void pause_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0)
        continue;
}

static bool take(void *context, const char *bytes, size_t n, struct error *err)
{
    (void) err;
    buf_put(context, bytes, n);
    return true;
}

/* The child's whole life: one try of a request with short time-outs; true when it was answered well. */
static bool ask(int from)
{
    char url[URL_ROOM] = {0};
    struct error err = ERROR_INIT;
    struct http_options options = {.connect_timeout = SHORT, .stall_timeout = SHORT};
    struct buf out = BUF_INIT(1000);
    struct http_request request = {
        .url = url, .first_byte_timeout = SHORT, .on_body = take, .context = &out};
    struct http_client *client = http_new(&options, &err);
    bool ok = client && read(from, url, sizeof url - 1) > 0 && http_start(client, &request, &err) &&
              http_run(client, -1, &err) && str_eq(buf_str(&out), STR("awake"));
    buf_release(&out);
    http_free(client);
    return ok;
}

static struct child begin(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct child child = {.pid = fork(), .tell = ends[1]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        (void) close(ends[1]);
        _exit(ask(ends[0]) ? 0 : 1);
    }
    (void) close(ends[0]);
    return child;
}

static void tell(const struct child *child, const char *url)
{
    assert_int_equal(write(child->tell, url, strlen(url)), (ssize_t) strlen(url));
    (void) close(child->tell);
}

static void stop(const struct child *child)
{
    int status = 0;
    assert_int_equal(kill(child->pid, SIGSTOP), 0);
    assert_int_equal(waitpid(child->pid, &status, WUNTRACED), child->pid);
    assert_true(WIFSTOPPED(status));
}

static int end(const struct child *child)
{
    int status = 0;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void an_answer_that_is_late_because_we_were_stopped_is_taken(void **state)
{
    (void) state;
    struct child child = begin();
    struct server *server = server_new(NULL);
    server_answer(server,
                  &(struct server_answer){.delay_ms = STOPPED_MS + 200, .body = STR("awake")});
    tell(&child, server_url(server, "/"));
    for (int ms = 0; server_requests(server) == 0 && ms < PATIENCE_MS; ms++)
        pause_ms(1);
    assert_int_equal(server_requests(server), 1);
    stop(&child);
    pause_ms(STOPPED_MS);
    assert_int_equal(kill(child.pid, SIGCONT), 0);
    assert_int_equal(end(&child), 0);
    assert_int_equal(server_requests(server), 1);
    server_free(server);
}

/* Accepts one connection and waits for its first bytes, which greet a TLS server. */
static int accept_greeting(int listener)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    ready.fd = fd;
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    return fd;
}

static void a_connection_that_was_being_made_is_made_anew(void **state)
{
    (void) state;
    struct child child = begin();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *) &address, length), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &length), 0);
    char url[URL_ROOM];
    (void) snprintf(url, sizeof url, "https://127.0.0.1:%u/", (unsigned) ntohs(address.sin_port));
    tell(&child, url);
    int first = accept_greeting(listener);
    stop(&child);
    pause_ms(STOPPED_MS);
    assert_int_equal(kill(child.pid, SIGCONT), 0);
    int second = accept_greeting(listener);
    (void) close(first);
    (void) close(second);
    (void) close(listener);
    assert_int_equal(end(&child), 1); /* nobody speaks TLS there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_is_late_because_we_were_stopped_is_taken),
        cmocka_unit_test(a_connection_that_was_being_made_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
