/* Small uploads: what our loop costs beside a bare one.
 *
 *     bench_http            20,000 PUTs of 5,000 bytes, 64 at once, five rounds of each
 *     bench_http COUNT WIDTH
 *
 * A server of this program's own, in a process of its own, reads what Content-Length announces and answers 201.
 * On loopback the same bodies go by our client and by a bare curl_multi loop whose handles are set up once and
 * used again, in turn. Told is the rate of the best round of each, their ratio, and the time of the processor
 * for a request.
 */
#include "http/http.h"

#include <curl/curl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    COUNT = 20000,
    WIDTH = 64,
    WIDTH_MAX = HTTP_ACTIVE_MAX,
    BODY = 5000,
    ROUNDS = 5,
    HEADERS = 6
};

static const char *const headers[HEADERS] = {
    "x-ms-version: 2021-12-02",
    "x-ms-blob-type: BlockBlob",
    "If-None-Match: *",
    "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "x-ms-meta-weir: 1",
    "Authorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJlc2lnbmF0dXJlc2ln"};
static char body[BODY];

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_http: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    (void) clock_gettime(clock, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* --- the server ----------------------------------------------------------------------------------------- */

struct peer {
    size_t used, body_left;
    bool in_body;
    char head[8192];
};

/* Takes what came; answers each request that is whole. False: the peer is gone. */
static bool serve(int fd, struct peer *peer, char *room, size_t size)
{
    static const char answer[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: \"0x8DC1\"\r\n"
                                 "x-ms-request-id: 5f1d\r\n\r\n";
    ssize_t got = recv(fd, room, size, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    for (size_t at = 0, n = (size_t) got; at < n;) {
        if (!peer->in_body) {
            size_t take = n - at < sizeof peer->head - 1 - peer->used
                              ? n - at
                              : sizeof peer->head - 1 - peer->used;
            memcpy(peer->head + peer->used, room + at, take);
            peer->head[peer->used + take] = '\0';
            char *end = strstr(peer->head, "\r\n\r\n");
            check(end || peer->used + take < sizeof peer->head - 1, "a head that is too long");
            if (!end) {
                peer->used += take;
                return true;
            }
            at += (size_t) (end + 4 - peer->head) - peer->used;
            const char *length = strcasestr(peer->head, "content-length:");
            peer->body_left = length ? strtoul(length + 15, NULL, 10) : 0;
            peer->in_body = true;
            peer->used = 0;
        }
        size_t take = n - at < peer->body_left ? n - at : peer->body_left;
        at += take;
        peer->body_left -= take;
        if (peer->body_left > 0)
            return true;
        peer->in_body = false;
        check(send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) == (ssize_t) sizeof answer - 1,
              "an answer that does not go");
    }
    return true;
}

static void run_server(int listener)
{
    static struct pollfd fds[WIDTH_MAX + 1];
    static struct peer peers[WIDTH_MAX + 1];
    static char room[1 << 18];
    size_t count = 1;
    fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        check(poll(fds, count, -1) > 0, "poll");
        for (size_t i = 1; i < count; i++)
            if (fds[i].revents && !serve(fds[i].fd, &peers[i], room, sizeof room)) {
                (void) close(fds[i].fd);
                fds[i] = fds[--count];
                peers[i--] = peers[count];
            }
        if (!fds[0].revents)
            continue;
        int fd = accept(listener, NULL, NULL), yes = 1;
        check(fd >= 0 && count <= WIDTH_MAX, "accept");
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        peers[count] = (struct peer){0};
        fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

static pid_t start_server(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd >= 0 && bind(fd, (struct sockaddr *) &at, size) == 0 && listen(fd, WIDTH_MAX) == 0 &&
              getsockname(fd, (struct sockaddr *) &at, &size) == 0,
          "no socket");
    *port = ntohs(at.sin_port);
    pid_t pid = fork();
    check(pid >= 0, "no process");
    if (pid == 0)
        run_server(fd);
    (void) close(fd);
    return pid;
}

/* --- the two loops -------------------------------------------------------------------------------------- */

struct work {
    const char *base;
    size_t count, width, started, done;
    struct http_client *client;
};

static void name_url(const struct work *work, size_t i, char *out, size_t size)
{
    (void) snprintf(
        out, size,
        "%s/am-commonsecuritylog/WorkspaceResourceId=/subscriptions/0a1b/resourcegroups/soc/"
        "providers/microsoft.operationalinsights/workspaces/contoso/y=2021/m=11/d=07/h=03/"
        "m=05/PT05M_weir%zu.json",
        work->base, i);
}

static void start_ours(struct work *work);

static void ours_done(void *context, const struct http_response *response)
{
    struct work *work = context;
    check(response->status == 201 && response->whole, response->error->message);
    work->done++;
    if (work->started < work->count)
        start_ours(work);
}

static void start_ours(struct work *work)
{
    struct error err = ERROR_INIT;
    char url[512];
    name_url(work, work->started++, url, sizeof url);
    struct http_request request = {.method = "PUT",
                                   .url = url,
                                   .body = {body, BODY},
                                   .body_lent = true,
                                   .on_done = ours_done,
                                   .context = work};
    memcpy(request.headers, headers, sizeof headers);
    check(http_start(work->client, &request, &err), err.message);
}

static void run_ours(struct work *work)
{
    struct error err = ERROR_INIT;
    work->client = http_new(&(struct http_options){0}, &err);
    check(work->client != NULL, err.message);
    for (size_t i = 0; i < work->width; i++)
        start_ours(work);
    check(http_run(work->client, -1, &err) && work->done == work->count, err.message);
    http_free(work->client);
}

static size_t take_nothing(char *bytes, size_t size, size_t n, void *context)
{
    (void) bytes, (void) context;
    return size * n;
}

static void start_bare(struct work *work, CURLM *multi, CURL *easy)
{
    char url[512];
    name_url(work, work->started++, url, sizeof url);
    check(curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
              curl_multi_add_handle(multi, easy) == CURLM_OK,
          "curl_multi_add_handle");
}

static CURL *bare_new(struct curl_slist *list)
{
    CURL *easy = curl_easy_init();
    check(easy && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) BODY) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_nothing) == CURLE_OK,
          "curl_easy_setopt");
    return easy;
}

static void bare_done(struct work *work, CURLM *multi, CURL *easy, CURLcode code)
{
    long status = 0;
    check(code == CURLE_OK &&
              curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 201,
          "a bare request failed");
    (void) curl_multi_remove_handle(multi, easy);
    work->done++;
    if (work->started < work->count)
        start_bare(work, multi, easy);
}

static void run_bare(struct work *work)
{
    static CURL *all[WIDTH_MAX];
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (int i = 0; i < HEADERS; i++)
        list = curl_slist_append(list, headers[i]);
    CURLM *multi = curl_multi_init();
    check(multi && list, "curl_multi_init");
    for (size_t i = 0; i < work->width; i++)
        start_bare(work, multi, all[i] = bare_new(list));
    while (work->done < work->count) {
        int running = 0, left = 0;
        check(curl_multi_perform(multi, &running) == CURLM_OK, "curl_multi_perform");
        for (CURLMsg *m = curl_multi_info_read(multi, &left); m;
             m = curl_multi_info_read(multi, &left))
            bare_done(work, multi, m->easy_handle, m->data.result);
        check(work->done == work->count || curl_multi_poll(multi, NULL, 0, 1000, NULL) == CURLM_OK,
              "curl_multi_poll");
    }
    for (size_t i = 0; i < work->width; i++)
        curl_easy_cleanup(all[i]);
    (void) curl_multi_cleanup(multi);
    curl_slist_free_all(list);
}

/* --- measured ------------------------------------------------------------------------------------------- */

struct figure {
    double rate, cpu; /* requests a second; microseconds of the processor for each */
};

static void measure(void (*run)(struct work *), struct work work, struct figure *best)
{
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    run(&work);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    double count = (double) work.count, rate = count / wall, each = cpu / count * 1e6;
    if (rate > best->rate)
        best->rate = rate;
    if (best->cpu == 0 || each < best->cpu)
        best->cpu = each;
}

int main(int argc, char **argv)
{
    struct work work = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : COUNT,
                        .width = argc > 2 ? strtoul(argv[2], NULL, 10) : WIDTH};
    check(work.width > 0 && work.width <= WIDTH_MAX && work.count >= work.width,
          "usage: bench_http [COUNT [WIDTH]]");
    unsigned port = 0;
    char base[64];
    pid_t server = start_server(&port);
    (void) snprintf(base, sizeof base, "http://127.0.0.1:%u", port);
    work.base = base;
    memset(body, 'x', sizeof body);
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init");
    struct figure bare = {0}, ours = {0};
    for (int i = 0; i < ROUNDS; i++) {
        measure(run_bare, work, &bare);
        measure(run_ours, work, &ours);
    }
    printf("%zu uploads of %d bytes, %zu at once, best of %d\n", work.count, BODY, work.width,
           ROUNDS);
    printf("  bare curl_multi  %8.0f a second  %6.1f us of the processor\n", bare.rate, bare.cpu);
    printf("  our loop         %8.0f a second  %6.1f us of the processor\n", ours.rate, ours.cpu);
    printf("  ratio            %8.2f           %6.2f\n", ours.rate / bare.rate,
           bare.cpu / ours.cpu);
    (void) kill(server, SIGTERM);
    (void) waitpid(server, NULL, 0);
    curl_global_cleanup();
    return 0;
}
