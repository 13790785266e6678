/* A Blob service that keeps nothing: what is measured beside it is the client alone.
 *
 *     null_service [PARTITIONS]        105,120 blobs of five minutes from 2022-01-01 on, which it lists
 *
 * Tells its port in one line on stdout and ends when stdin does. Takes every PUT with 201 as soon as its
 * Content-Length is there, grants leases, and knows of no blob (404) but in lists, which it answers page by page
 * as docs/service.md section 4 has them. GET /counts tells in JSON what came since it was last asked.
 *
 * One thread, epoll, a kept connection costs nothing: some ten microseconds for a PUT of 5 kB.
 */
#include "base/memory.h"
#include "base/tick.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PARTITIONS = 105120,
    PARTITIONS_MAX = 4000000,
    PAGE = 5000, /* blobs of a list's page */
    NAME_MAX_BYTES = 320,
    HEAD_MAX = 16 * 1024,
    EVENTS = 256,
    RECEIVE = 256 * 1024,
    LIST_BYTES_MAX = PAGE * 1024
};

struct counts {
    unsigned long put, get, head, lists, other, bytes;
};

struct service {
    size_t partitions;
    struct counts counts;
    char *room;   /* RECEIVE bytes */
    char *answer; /* LIST_BYTES_MAX + HEAD_MAX bytes */
    size_t used;
};

struct peer {
    int fd;
    size_t used, body_left;
    bool in_body;
    char head[HEAD_MAX];
};

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "null_service: %s\n", what);
    exit(1);
}

static void *get_memory(size_t size)
{
    struct error err = ERROR_INIT;
    void *out = mem_alloc(1, size, &err);
    check(out != NULL, err.message);
    return out;
}

/* --- answers -------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(struct service *service, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(service->answer + service->used, LIST_BYTES_MAX + HEAD_MAX - service->used,
                      format, args);
    va_end(args);
    check(n >= 0 && service->used + (size_t) n < LIST_BYTES_MAX + HEAD_MAX, "an answer too long");
    service->used += (size_t) n;
}

/* The names that a year of exports has; their order is that of time. */
static void name_blob(size_t i, char *out)
{
    struct tick_civil at =
        tick_civil(TICK_UNIX_EPOCH + 18993 * TICK_DAY + (int64_t) i * TICK_PARTITION);
    (void) snprintf(out, NAME_MAX_BYTES,
                    "WorkspaceResourceId=/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/"
                    "resourcegroups/soc/"
                    "providers/microsoft.operationalinsights/workspaces/contoso/"
                    "y=%04d/m=%02d/d=%02d/h=%02d/m=%02d/PT05M_weir.json",
                    at.year, at.month, at.day, at.hour, at.minute);
}

/* The first blob whose name is not before `text`, by its first `n` bytes. */
static size_t find(const struct service *service, const char *text, size_t n)
{
    char name[NAME_MAX_BYTES];
    size_t low = 0, high = service->partitions;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        name_blob(middle, name);
        if (strncmp(name, text, n) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The value of a parameter of the query, decoded. */
static bool parameter(const char *target, const char *name, char *out, size_t size)
{
    size_t length = strlen(name), n = 0;
    const char *at = strchr(target, '?');
    while (at && !(strncmp(at + 1, name, length) == 0 && at[1 + length] == '='))
        at = strchr(at + 1, '&');
    out[0] = '\0';
    if (!at)
        return false;
    for (at += length + 2; *at && *at != '&' && *at != ' ' && n + 1 < size; n++) {
        char hex[3] = {at[0] == '%' ? at[1] : '0', at[0] == '%' ? at[2] : '0', '\0'};
        out[n] = *at == '%' ? (char) strtoul(hex, NULL, 16) : *at;
        at += *at == '%' ? 3 : 1;
    }
    out[n] = '\0';
    return true;
}

static void put_blob(struct service *service, const char *name)
{
    put(service,
        "<Blob><Name>%s</Name><Properties><Creation-Time>Sat, 01 Jan 2022 00:10:00 "
        "GMT</Creation-Time>"
        "<Last-Modified>Sat, 01 Jan 2022 00:10:00 GMT</Last-Modified><Etag>0x8DC1</Etag>"
        "<Content-Length>5000</Content-Length><Content-Type>application/octet-stream</Content-Type>"
        "<Content-MD5>Q2hlY2sgSW50ZWdyaXR5IQ==</Content-MD5><BlobType>BlockBlob</BlobType>"
        "<AccessTier>Hot</AccessTier><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</"
        "LeaseState>"
        "</Properties></Blob>",
        name);
}

/* Flat, or with a delimiter and then one level below the prefix. */
static void put_list(struct service *service, const char *target)
{
    char prefix[1100], marker[1100], delimiter[8], name[NAME_MAX_BYTES], last[NAME_MAX_BYTES] = "";
    (void) parameter(target, "prefix", prefix, sizeof prefix);
    (void) parameter(target, "delimiter", delimiter, sizeof delimiter);
    size_t n = strlen(prefix), shown = 0;
    size_t i = parameter(target, "marker", marker, sizeof marker) && marker[0]
                   ? strtoul(marker, NULL, 10)
                   : find(service, prefix, n);
    put(service, "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>");
    for (; i < service->partitions && shown < PAGE; i++) {
        name_blob(i, name);
        if (strncmp(name, prefix, n) != 0)
            break;
        char *end = delimiter[0] ? strstr(name + n, delimiter) : NULL;
        if (!end) {
            put_blob(service, name);
            shown++;
            continue;
        }
        end[strlen(delimiter)] = '\0';
        if (strcmp(name, last) != 0) {
            put(service, "<BlobPrefix><Name>%s</Name></BlobPrefix>", name);
            shown++;
        }
        memcpy(last, name, sizeof last);
    }
    bool more = i < service->partitions;
    if (more) {
        name_blob(i, name);
        more = strncmp(name, prefix, n) == 0;
    }
    if (more)
        put(service, "</Blobs><NextMarker>%zu</NextMarker></EnumerationResults>", i);
    else
        put(service, "</Blobs><NextMarker /></EnumerationResults>");
}

static void put_containers(struct service *service)
{
    put(service,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Containers>"
        "<Container><Name>am-commonsecuritylog</Name><Properties><Last-Modified>Sat, 01 Jan 2022 "
        "00:00:00 GMT</Last-Modified><Etag>0x8DC1</Etag></Properties></Container>"
        "</Containers><NextMarker /></EnumerationResults>");
}

static void put_counts(struct service *service)
{
    struct counts *c = &service->counts;
    put(service, "{\"put\":%lu,\"get\":%lu,\"head\":%lu,\"lists\":%lu,\"other\":%lu,\"bytes\":%lu}",
        c->put, c->get, c->head, c->lists, c->other, c->bytes);
    *c = (struct counts){0};
}

/* --- requests ------------------------------------------------------------------------------------------- */

static void send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return; /* its next recv tells */
        bytes += sent;
        n -= (size_t) sent;
    }
}

static void send_plain(const struct peer *peer, const char *status, const char *more)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %s\r\nContent-Length: 0\r\nx-ms-request-id: 5f1d\r\n%s\r\n", status,
                     more);
    send_all(peer->fd, text, (size_t) n);
}

static void send_text(struct service *service, const struct peer *peer, const char *type)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nContent-Type: %s\r\n\r\n",
                     service->used, type);
    send_all(peer->fd, head, (size_t) n);
    send_all(peer->fd, service->answer, service->used);
}

static void answer_get(struct service *service, const struct peer *peer, const char *target)
{
    service->used = 0;
    if (strncmp(target, "/counts ", 8) == 0) {
        put_counts(service);
        send_text(service, peer, "application/json");
    } else if (strstr(target, "comp=list") && strstr(target, "restype=container")) {
        service->counts.lists++;
        put_list(service, target);
        send_text(service, peer, "application/xml");
    } else if (strstr(target, "comp=list")) {
        service->counts.other++;
        put_containers(service);
        send_text(service, peer, "application/xml");
    } else if (strstr(target, "restype=container")) {
        service->counts.other++;
        send_plain(peer, "200 OK", "ETag: \"0x8DC1\"\r\n");
    } else {
        service->counts.get++;
        send_plain(peer, "404 Not Found", "x-ms-error-code: BlobNotFound\r\n");
    }
}

static void answer(struct service *service, const struct peer *peer)
{
    const char *head = peer->head;
    if (strncmp(head, "PUT ", 4) == 0 && strstr(head, "comp=lease")) {
        service->counts.other++;
        send_plain(peer, strcasestr(head, "x-ms-lease-action: acquire") ? "201 Created" : "200 OK",
                   "x-ms-lease-id: 8ecf8077-cf51-4820-aadd-14040956f35d\r\n");
    } else if (strncmp(head, "PUT ", 4) == 0) {
        service->counts.put++;
        send_plain(peer, "201 Created", "ETag: \"0x8DC1\"\r\n");
    } else if (strncmp(head, "GET ", 4) == 0) {
        answer_get(service, peer, head + 4);
    } else if (strncmp(head, "HEAD ", 5) == 0) {
        service->counts.head++;
        send_plain(peer, "404 Not Found", "x-ms-error-code: BlobNotFound\r\n");
    } else {
        service->counts.other++;
        send_plain(peer, "202 Accepted", "");
    }
}

/* Takes bytes into the head until it is whole; how many it took. */
static size_t take_head(struct peer *peer, const char *bytes, size_t n)
{
    size_t room = sizeof peer->head - 1 - peer->used, take = n < room ? n : room;
    size_t from = peer->used > 3 ? peer->used - 3 : 0;
    memcpy(peer->head + peer->used, bytes, take);
    peer->head[peer->used + take] = '\0';
    char *end = memmem(peer->head + from, peer->used + take - from, "\r\n\r\n", 4);
    check(end || take == n, "a head that is too long");
    if (!end) {
        peer->used += take;
        return take;
    }
    take = (size_t) (end + 4 - peer->head) - peer->used;
    end[4] = '\0';
    const char *length = strcasestr(peer->head, "\ncontent-length:");
    peer->body_left = length ? strtoul(length + 16, NULL, 10) : 0;
    if (strcasestr(peer->head, "\nexpect:"))
        send_all(peer->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    peer->in_body = true;
    peer->used = 0;
    return take;
}

/* False: the peer is gone. */
static bool serve(struct service *service, struct peer *peer)
{
    ssize_t got = recv(peer->fd, service->room, RECEIVE, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    const char *at = service->room, *end = at + got;
    while (at < end) {
        if (!peer->in_body)
            at += take_head(peer, at, (size_t) (end - at));
        size_t take = (size_t) (end - at) < peer->body_left ? (size_t) (end - at) : peer->body_left;
        at += take;
        service->counts.bytes += take;
        peer->body_left -= take;
        if (peer->in_body && peer->body_left == 0) {
            peer->in_body = false;
            answer(service, peer);
        }
    }
    return true;
}

/* --- connections ---------------------------------------------------------------------------------------- */

static void watch(int epoll, int fd, struct peer *peer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_one(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL), yes = 1;
    if (fd < 0)
        return;
    struct peer *peer = get_memory(sizeof *peer);
    peer->fd = fd;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(epoll, fd, peer);
}

static int listen_loopback(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd >= 0 && bind(fd, (struct sockaddr *) &at, size) == 0 && listen(fd, SOMAXCONN) == 0 &&
              getsockname(fd, (struct sockaddr *) &at, &size) == 0,
          "no socket");
    printf("%u\n", (unsigned) ntohs(at.sin_port));
    (void) fflush(stdout);
    return fd;
}

static void run(struct service *service)
{
    struct epoll_event events[EVENTS];
    struct peer listening = {.fd = listen_loopback()}, parent = {.fd = STDIN_FILENO};
    int epoll = epoll_create1(0);
    check(epoll >= 0, "epoll_create1");
    watch(epoll, listening.fd, &listening);
    watch(epoll, parent.fd, &parent);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        check(n >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < n; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == &parent)
                return;
            if (peer == &listening) {
                accept_one(epoll, listening.fd);
            } else if (!serve(service, peer)) {
                (void) close(peer->fd);
                mem_free(peer);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct service service = {.partitions = argc > 1 ? strtoul(argv[1], NULL, 10) : PARTITIONS,
                              .room = get_memory(RECEIVE),
                              .answer = get_memory(LIST_BYTES_MAX + HEAD_MAX)};
    check(argc <= 2 && service.partitions <= PARTITIONS_MAX, "usage: null_service [PARTITIONS]");
    run(&service);
    mem_free(service.room);
    mem_free(service.answer);
    return 0;
}
