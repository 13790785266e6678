/* Plays the Blob service: a thread for each connection, one lock over all that is kept; see blobs.h. */
#include "blobs_parts.h"

#include "base/tick.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOG_MAX = 64 << 20 };

/* --- answers --- */

/* The fault that this request meets, or NULL. Counts it. */
static const struct blobs_fault *strike(struct blobs *b, const char *line)
{
    struct blobs_fault *fault = &b->fault;
    if (fault->at == 0 || (fault->match && !strstr(line, fault->match)))
        return NULL;
    if (fault->at > 1) {
        fault->at--;
        return NULL;
    }
    if (fault->times > 1)
        fault->times--;
    else
        fault->at = 0;
    return fault;
}

static void note(struct blobs *b, const struct request *r, char *line, size_t room)
{
    (void) snprintf(line, room, "%s %s", r->method, r->target);
    buf_puts(&b->log, line);
    buf_putc(&b->log, '\n');
    bool signs = request_header(r, "Authorization").n > 0 || strstr(r->target, "sig=") != NULL;
    if (!signs || request_header(r, "x-ms-version").n == 0 ||
        request_header(r, "x-ms-date").n != 29)
        b->proper = false;
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t) sent;
    }
    return true;
}

static bool reply(int fd, const struct request *r, struct answer *a, bool half, const char *message)
{
    struct buf out = BUF_INIT(512u << 20);
    char date[AZ_DATE_TEXT];
    bool head = strcmp(r->method, "HEAD") == 0;
    if (a->code) {
        buf_reset(&a->body);
        if (!head)
            buf_printf(&a->body,
                       "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s\nRequestId:1"
                       "</Message></Error>",
                       a->code, message ? message : "The service says no.");
        answer_add(a, "x-ms-error-code", a->code);
    }
    az_date_format(tick_now(), date);
    buf_printf(&out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n", a->status, a->body.used);
    if (!strstr(a->headers, "Date: "))
        buf_printf(&out, "Date: %s\r\n", date);
    buf_printf(&out, "%s\r\n", a->headers);
    if (!head)
        buf_put_str(&out, buf_str(&a->body));
    bool ok = send_all(fd, out.bytes, half ? out.used / 2 : out.used) && !half;
    buf_release(&out);
    return ok;
}

/* One request; false: the connection ends. */
static bool serve(struct blobs *b, int fd, struct request *r)
{
    char line[2 * NAME];
    struct answer a = {.body = BUF_INIT(256u << 20)};
    if (!request_receive(fd, r))
        return false;
    request_understand(r);
    (void) pthread_mutex_lock(&b->lock);
    if (++b->busy > b->most)
        b->most = b->busy;
    note(b, r, line, sizeof line);
    const struct blobs_fault *met = strike(b, line);
    struct blobs_fault fault = met ? *met : (struct blobs_fault){.at = 0};
    bool answers = met && fault.kind == BLOBS_ANSWER, cut = met && fault.kind == BLOBS_CUT;
    if (!answers && !cut)
        request_operate(b, r, &a);
    (void) pthread_mutex_unlock(&b->lock);
    if (answers) {
        answer_say(&a, fault.status, fault.code);
        (void) snprintf(a.headers, sizeof a.headers, "%s", fault.headers ? fault.headers : "");
    }
    if (met && fault.victim > 0) {
        (void) kill(fault.victim, SIGKILL);
        (void) usleep(1000);
    }
    bool lost = cut || (met && fault.kind == BLOBS_LOST);
    bool ok = !lost && reply(fd, r, &a, met && fault.kind == BLOBS_HALF, fault.message);
    (void) pthread_mutex_lock(&b->lock);
    b->busy--;
    (void) pthread_mutex_unlock(&b->lock);
    buf_release(&a.body);
    free(r->body);
    return ok;
}

struct connection {
    struct blobs *blobs;
    int fd, slot;
};

static void *run_connection(void *context)
{
    struct connection *c = context;
    struct blobs *b = c->blobs;
    struct request *r = calloc(1, sizeof *r);
    blobs_must(r);
    while (serve(b, c->fd, r))
        continue;
    free(r);
    (void) pthread_mutex_lock(&b->lock);
    (void) close(c->fd);
    b->sockets[c->slot] = -1;
    if (--b->threads == 0)
        (void) pthread_cond_broadcast(&b->idle);
    (void) pthread_mutex_unlock(&b->lock);
    free(c);
    return NULL;
}

static void accept_one(struct blobs *b, int fd)
{
    int one = 1, slot = 0;
    pthread_t thread;
    pthread_attr_t detached;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void) pthread_mutex_lock(&b->lock);
    while (slot < CONNECTIONS && b->sockets[slot] >= 0)
        slot++;
    blobs_must(slot < CONNECTIONS);
    struct connection *c = malloc(sizeof *c);
    blobs_must(c);
    *c = (struct connection){b, fd, slot};
    b->sockets[slot] = fd;
    b->threads++;
    blobs_must(pthread_attr_init(&detached) == 0);
    (void) pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    blobs_must(pthread_create(&thread, &detached, run_connection, c) == 0);
    (void) pthread_attr_destroy(&detached);
    (void) pthread_mutex_unlock(&b->lock);
}

static void *run_listener(void *context)
{
    struct blobs *b = context;
    int fd;
    while ((fd = accept(b->listener, NULL, NULL)) >= 0)
        accept_one(b, fd);
    return NULL;
}

/* --- for the tests --- */

struct blobs *blobs_new(void)
{
    struct blobs *b = calloc(1, sizeof *b);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    blobs_must(b && az_md5_init(&b->md5, NULL));
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    blobs_must(b->listener >= 0 && bind(b->listener, (struct sockaddr *) &at, sizeof at) == 0 &&
               listen(b->listener, 512) == 0 &&
               getsockname(b->listener, (struct sockaddr *) &at, &n) == 0);
    b->port = ntohs(at.sin_port);
    b->page = 5000;
    b->proper = true;
    buf_init(&b->log, LOG_MAX);
    for (int i = 0; i < CONNECTIONS; i++)
        b->sockets[i] = -1;
    blobs_must(pthread_mutex_init(&b->lock, NULL) == 0 && pthread_cond_init(&b->idle, NULL) == 0 &&
               pthread_create(&b->thread, NULL, run_listener, b) == 0);
    return b;
}

void blobs_free(struct blobs *b)
{
    (void) shutdown(b->listener, SHUT_RDWR);
    (void) pthread_join(b->thread, NULL);
    (void) close(b->listener);
    (void) pthread_mutex_lock(&b->lock);
    for (int i = 0; i < CONNECTIONS; i++)
        if (b->sockets[i] >= 0)
            (void) shutdown(b->sockets[i], SHUT_RDWR);
    while (b->threads > 0)
        (void) pthread_cond_wait(&b->idle, &b->lock);
    (void) pthread_mutex_unlock(&b->lock);
    while (b->n > 0)
        kept_drop(b, b->blobs[0]);
    free(b->blobs);
    buf_release(&b->log);
    az_md5_release(&b->md5);
    (void) pthread_mutex_destroy(&b->lock);
    (void) pthread_cond_destroy(&b->idle);
    free(b);
}

const char *blobs_url(struct blobs *b, const char *path)
{
    (void) snprintf(b->url, sizeof b->url, "http://127.0.0.1:%u" ACCOUNT "%s", b->port, path);
    return b->url;
}

#define LOCKED(b, what)                                                                            \
    do {                                                                                           \
        (void) pthread_mutex_lock(&(b)->lock);                                                     \
        what;                                                                                      \
        (void) pthread_mutex_unlock(&(b)->lock);                                                   \
    } while (0)

void blobs_fault(struct blobs *b, const struct blobs_fault *fault)
{
    LOCKED(b, b->fault = *fault);
}

bool blobs_struck(struct blobs *b)
{
    bool struck;
    LOCKED(b, struck = b->fault.at == 0);
    return struck;
}

static void put_past(struct blobs *b, const char *name, struct str bytes, const char *mark,
                     bool append)
{
    char container[80];
    (void) snprintf(container, sizeof container, "%.*s", (int) strcspn(name, "/"), name);
    kept_make_container(b, container);
    struct blob *blob = kept_make(b, name);
    kept_set(b, blob, bytes.p, bytes.n);
    blob->append = append;
    (void) snprintf(blob->mark, sizeof blob->mark, "%s", mark ? mark : "");
}

void blobs_put(struct blobs *b, const char *name, struct str bytes, const char *mark)
{
    LOCKED(b, put_past(b, name, bytes, mark, false));
}

void blobs_append(struct blobs *b, const char *name, struct str bytes)
{
    LOCKED(b, put_past(b, name, bytes, NULL, true));
}

bool blobs_has(struct blobs *b, const char *name)
{
    bool there;
    LOCKED(b, there = kept_find(b, name) && kept_find(b, name)->committed);
    return there;
}

static bool get_past(struct blobs *b, const char *name, struct buf *out, char tier[16])
{
    const struct blob *blob = kept_find(b, name);
    buf_reset(out);
    if (!blob || !blob->committed)
        return false;
    buf_put(out, blob->bytes, blob->n);
    if (tier)
        memcpy(tier, blob->tier, 16);
    return true;
}

bool blobs_get(struct blobs *b, const char *name, struct buf *out, char tier[16])
{
    bool there;
    LOCKED(b, there = get_past(b, name, out, tier));
    return there;
}

static void set_immutable(struct blobs *b, const char *container, bool immutable)
{
    kept_make_container(b, container);
    b->containers[kept_container(b, container)].immutable = immutable;
}

void blobs_immutable(struct blobs *b, const char *container, bool immutable)
{
    LOCKED(b, set_immutable(b, container, immutable));
}

static void end_lease(struct blobs *b, const char *name, bool forget)
{
    struct blob *blob = kept_find(b, name);
    blobs_must(blob);
    blob->lease_end = 0;
    if (forget)
        blob->lease[0] = '\0';
}

void blobs_break_lease(struct blobs *b, const char *name)
{
    LOCKED(b, end_lease(b, name, true));
}

void blobs_end_lease(struct blobs *b, const char *name)
{
    LOCKED(b, end_lease(b, name, false));
}

void blobs_page(struct blobs *b, size_t entries)
{
    LOCKED(b, b->page = entries);
}

static size_t count(const struct blobs *b, const char *match)
{
    size_t n = 0;
    struct str rest = buf_str(&b->log), line;
    char text[2 * NAME];
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        (void) snprintf(text, sizeof text, "%.*s", (int) line.n, line.p);
        n += strstr(text, match) != NULL;
    }
    return n;
}

size_t blobs_count(struct blobs *b, const char *match)
{
    size_t n;
    LOCKED(b, n = count(b, match));
    return n;
}

unsigned blobs_most(struct blobs *b)
{
    unsigned most;
    LOCKED(b, most = b->most);
    return most;
}

bool blobs_proper(struct blobs *b)
{
    bool proper;
    LOCKED(b, proper = b->proper);
    return proper;
}
