/* Server: one thread that accepts, one for each connection; blocking sockets, one lock for the script
 * and the records. It plays its script and checks nothing: that is the test's part. */
#include "support/server.h"

#include "base/memory.h"
#include "base/tick.h"
#include "support/server_intern.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWERS_MAX = 4096,
    REQUESTS_MAX = 16384,
    CONNECTIONS_MAX = 1024,
    HEAD_MAX = 256 * 1024,
    BODY_MAX = 64 * 1024 * 1024,
    URLS_MAX = 256
};

struct record {
    struct server_request request;
    char *head; /* owns method, path, headers */
    char *body;
};

struct connection {
    struct server *server;
    struct server_tls_session *tls;
    pthread_t thread;
    int fd;
    unsigned number;
};

struct server {
    pthread_mutex_t lock;
    pthread_t thread;
    struct server_tls *tls;
    int listener;
    int wake[2]; /* readable at [0] once the server ends */
    unsigned port;
    struct server_answer answers[ANSWERS_MAX];
    size_t answer_count, unanswered;
    struct record *records[REQUESTS_MAX];
    size_t record_count;
    struct connection *connections[CONNECTIONS_MAX];
    unsigned connection_count;
    char *urls[URLS_MAX];
    size_t url_count;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "test server: %s\n", what);
    abort();
}

static void *get_memory(size_t n)
{
    void *block = calloc(1, n);
    must(block != NULL, "memory");
    return block;
}

/* Waiting and writing ---------------------------------------------------------------------------- */

/* True when the server ends before `ms` have passed (-1: no limit) or the other side has gone. */
static bool silence(struct connection *c, int ms)
{
    struct pollfd fds[2] = {{.fd = c->server->wake[0], .events = POLLIN},
                            {.fd = c->fd, .events = POLLRDHUP}};
    return poll(fds, 2, ms) > 0;
}

static bool put(struct connection *c, const char *bytes, size_t n)
{
    if (c->tls)
        return n == 0 || server_tls_write(c->tls, bytes, n);
    while (n > 0) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t) sent;
    }
    return true;
}

/* One piece of a body, as a chunk where the framing has those. */
static bool put_piece(struct connection *c, const struct server_answer *a, const char *bytes,
                      size_t n)
{
    char size[32];
    if (a->framing != SERVER_CHUNKED || a->raw.n > 0)
        return put(c, bytes, n);
    int digits = snprintf(size, sizeof size, "%zx\r\n", n);
    return put(c, size, (size_t) digits) && put(c, bytes, n) && put(c, "\r\n", 2);
}

static bool put_body(struct connection *c, const struct server_answer *a, struct str body)
{
    size_t end = (a->cut || a->stall) && a->cut_at < body.n ? a->cut_at : body.n;
    size_t piece = a->piece > 0 ? a->piece : end;
    for (size_t at = 0; at < end; at += piece)
        if (!put_piece(c, a, body.p + at, end - at < piece ? end - at : piece))
            return false;
    if (a->stall)
        (void) silence(c, -1);
    if (a->cut || a->stall)
        return false;
    return a->framing != SERVER_CHUNKED || a->raw.n > 0 || put(c, "0\r\n\r\n", 5);
}

static bool put_head(struct connection *c, const struct server_answer *a)
{
    struct buf head = BUF_INIT(HEAD_MAX);
    int status = a->status ? a->status : 200;
    buf_printf(&head, "HTTP/1.1 %d Scripted\r\n%s", status, a->headers ? a->headers : "");
    if (a->framing == SERVER_LENGTH && status != 204)
        buf_printf(&head, "Content-Length: %zu\r\n", a->body.n + (size_t) a->length_more);
    if (a->framing == SERVER_CHUNKED)
        buf_puts(&head, "Transfer-Encoding: chunked\r\n");
    if (a->close || a->framing == SERVER_CLOSE)
        buf_puts(&head, "Connection: close\r\n");
    buf_puts(&head, "\r\n");
    bool ok = put(c, buf_text(&head), head.used);
    buf_release(&head);
    return ok;
}

/* False: the connection ends here. */
static bool play(struct connection *c, const struct server_answer *a)
{
    if (a->delay_ms > 0 && silence(c, (int) a->delay_ms))
        return false;
    if (a->status < 0)
        return false;
    if (a->raw.n > 0)
        return put_body(c, a, a->raw) && !a->close;
    return put_head(c, a) && put_body(c, a, a->body) && !a->close && a->framing != SERVER_CLOSE;
}

/* Requests --------------------------------------------------------------------------------------- */

static ssize_t get(struct connection *c, char *bytes, size_t n)
{
    return c->tls ? server_tls_read(c->tls, bytes, n) : recv(c->fd, bytes, n, 0);
}

/* Reads the head up to its empty line; *used bytes are in, the head takes the number returned, 0: none. */
static size_t read_head(struct connection *c, char *head, size_t *used)
{
    for (;;) {
        char *end = memmem(head, *used, "\r\n\r\n", 4);
        if (end)
            return (size_t) (end - head) + 4;
        if (*used == HEAD_MAX)
            return 0;
        ssize_t n = get(c, head + *used, HEAD_MAX - *used);
        if (n <= 0)
            return 0;
        *used += (size_t) n;
    }
}

struct str server_header(const struct server_request *request, const char *name)
{
    struct str rest = str_of(request->headers), line;
    while (str_split(&rest, '\n', &line)) {
        struct str value = line, key;
        if (str_split(&value, ':', &key) && str_eq_case(str_trim(key), str_of(name)))
            return str_trim(value);
    }
    return (struct str){"", 0};
}

/* Splits "POST /path HTTP/1.1\r\nheaders" in place. */
static bool split_head(struct record *record)
{
    char *method_end = strchr(record->head, ' ');
    char *path_end = method_end ? strchr(method_end + 1, ' ') : NULL;
    char *headers = path_end ? strstr(path_end + 1, "\r\n") : NULL;
    if (!headers)
        return false;
    *method_end = *path_end = '\0';
    record->request.method = record->head;
    record->request.path = method_end + 1;
    record->request.headers = headers + 2;
    return true;
}

static bool read_body(struct connection *c, struct record *record, const char *more, size_t n)
{
    uint64_t length = 0;
    struct str value = server_header(&record->request, "Content-Length");
    if (value.n > 0 && (!str_uint64(value, &length) || length > BODY_MAX))
        return false;
    record->body = get_memory(length + 1);
    size_t used = n < length ? n : length;
    memcpy(record->body, more, used);
    while (used < length) {
        ssize_t got = get(c, record->body + used, length - used);
        if (got <= 0)
            return false;
        used += (size_t) got;
    }
    record->request.body = (struct str){record->body, length};
    return true;
}

static void free_record(struct record *record)
{
    if (!record)
        return;
    free(record->head);
    free(record->body);
    free(record);
}

/* NULL: the connection has ended. Pipelined requests are not supported: a client waits for its answer. */
static struct record *read_request(struct connection *c)
{
    char *bytes = get_memory(HEAD_MAX + 1);
    size_t used = 0, head = read_head(c, bytes, &used);
    struct record *record = NULL;
    if (head > 0) {
        record = get_memory(sizeof *record);
        record->head = get_memory(head + 1);
        memcpy(record->head, bytes, head);
        record->request.at = clock_ns();
        record->request.connection = c->number;
        if (!split_head(record) || !read_body(c, record, bytes + head, used - head)) {
            free_record(record);
            record = NULL;
        }
    }
    free(bytes);
    return record;
}

static bool matches(const struct server_answer *a, const struct server_request *request)
{
    char line[4096];
    (void) snprintf(line, sizeof line, "%s %s", request->method, request->path);
    return (!a->match || strstr(line, a->match)) &&
           (!a->header || strstr(request->headers, a->header));
}

/* Records the request and takes the first answer that fits it. */
static struct server_answer take_answer(struct server *server, struct record *record)
{
    struct server_answer answer = {
        .status = 599, .body = STR("no answer is left in the script"), .close = true};
    pthread_mutex_lock(&server->lock);
    must(server->record_count < REQUESTS_MAX, "too many requests");
    server->records[server->record_count++] = record;
    size_t i = 0;
    while (i < server->answer_count &&
           (server->answers[i].times == 0 || !matches(&server->answers[i], &record->request)))
        i++;
    if (i < server->answer_count) {
        answer = server->answers[i];
        server->answers[i].times--;
    } else {
        server->unanswered++;
    }
    pthread_mutex_unlock(&server->lock);
    return answer;
}

/* Threads ---------------------------------------------------------------------------------------- */

static void *serve(void *context)
{
    struct connection *c = context;
    struct server *server = c->server;
    if (server->tls)
        c->tls = server_tls_accept(server->tls, c->fd);
    bool open = !server->tls || c->tls;
    while (open) {
        struct record *record = read_request(c);
        if (!record)
            break;
        struct server_answer answer = take_answer(server, record);
        open = play(c, &answer);
    }
    server_tls_end(c->tls);
    (void) shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static void add_connection(struct server *server, int fd)
{
    int on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = get_memory(sizeof *c);
    c->server = server;
    c->fd = fd;
    pthread_mutex_lock(&server->lock);
    must(server->connection_count < CONNECTIONS_MAX, "too many connections");
    c->number = server->connection_count;
    must(pthread_create(&c->thread, NULL, serve, c) == 0, "thread");
    server->connections[server->connection_count++] = c;
    pthread_mutex_unlock(&server->lock);
}

static void *accept_all(void *context)
{
    struct server *server = context;
    struct pollfd fds[2] = {{.fd = server->listener, .events = POLLIN},
                            {.fd = server->wake[0], .events = POLLIN}};
    while (poll(fds, 2, -1) > 0 && !(fds[1].revents & POLLIN)) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            add_connection(server, fd);
    }
    return NULL;
}

static void listen_somewhere(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listener >= 0 && bind(server->listener, (struct sockaddr *) &address, size) == 0 &&
             listen(server->listener, SOMAXCONN) == 0 &&
             getsockname(server->listener, (struct sockaddr *) &address, &size) == 0,
         "cannot listen on 127.0.0.1");
    server->port = ntohs(address.sin_port);
}

struct server *server_new(const struct server_options *options)
{
    struct server *server = get_memory(sizeof *server);
    /* A client that is gone must not end the test: TLS writes cannot ask for MSG_NOSIGNAL. */
    if (options && options->tls)
        must(signal(SIGPIPE, SIG_IGN) != SIG_ERR, "signal");
    must(pthread_mutex_init(&server->lock, NULL) == 0 && pipe2(server->wake, O_CLOEXEC) == 0,
         "pipe");
    if (options && options->tls)
        server->tls = server_tls_new(options->ca);
    listen_somewhere(server);
    must(pthread_create(&server->thread, NULL, accept_all, server) == 0, "thread");
    return server;
}

static void end_connection(struct connection *c)
{
    (void) shutdown(c->fd, SHUT_RDWR);
    pthread_join(c->thread, NULL);
    close(c->fd);
    free(c);
}

static void free_answer(struct server_answer *answer)
{
    free((char *) (uintptr_t) answer->match);
    free((char *) (uintptr_t) answer->header);
    free((char *) (uintptr_t) answer->headers);
    free((char *) (uintptr_t) answer->body.p);
    free((char *) (uintptr_t) answer->raw.p);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    must(write(server->wake[1], "x", 1) == 1, "wake");
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->connection_count; i++)
        end_connection(server->connections[i]);
    for (size_t i = 0; i < server->record_count; i++)
        free_record(server->records[i]);
    for (size_t i = 0; i < server->answer_count; i++)
        free_answer(&server->answers[i]);
    for (size_t i = 0; i < server->url_count; i++)
        mem_free(server->urls[i]);
    close(server->listener);
    close(server->wake[0]);
    close(server->wake[1]);
    server_tls_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

/* The test's side -------------------------------------------------------------------------------- */

static struct str copy_str(struct str from)
{
    char *bytes = get_memory(from.n + 1);
    if (from.n > 0)
        memcpy(bytes, from.p, from.n);
    return (struct str){bytes, from.n};
}

static struct server_answer copy_answer(const struct server_answer *from)
{
    struct server_answer to = *from;
    to.match = from->match ? copy_str(str_of(from->match)).p : NULL;
    to.header = from->header ? copy_str(str_of(from->header)).p : NULL;
    to.headers = from->headers ? copy_str(str_of(from->headers)).p : NULL;
    to.body = copy_str(from->body);
    to.raw = copy_str(from->raw);
    if (to.times == 0)
        to.times = 1;
    return to;
}

void server_answer(struct server *server, const struct server_answer *answer)
{
    pthread_mutex_lock(&server->lock);
    must(server->answer_count < ANSWERS_MAX, "too many answers");
    server->answers[server->answer_count++] = copy_answer(answer);
    pthread_mutex_unlock(&server->lock);
}

const char *server_url(struct server *server, const char *path)
{
    struct buf url = BUF_INIT(HEAD_MAX);
    buf_printf(&url, "http%s://127.0.0.1:%u%s", server->tls ? "s" : "", server->port, path);
    must(server->url_count < URLS_MAX && !url.failed, "too many addresses");
    return server->urls[server->url_count++] = buf_take(&url);
}

unsigned server_port(const struct server *server)
{
    return server->port;
}

size_t server_requests(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->record_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const struct server_request *server_request(struct server *server, size_t index)
{
    pthread_mutex_lock(&server->lock);
    must(index < server->record_count, "no such request");
    const struct server_request *request = &server->records[index]->request;
    pthread_mutex_unlock(&server->lock);
    return request;
}

bool server_all_used(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t left = server->unanswered;
    for (size_t i = 0; i < server->answer_count; i++)
        left += server->answers[i].times;
    pthread_mutex_unlock(&server->lock);
    return left == 0;
}

unsigned server_connections(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}
