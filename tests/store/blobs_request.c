/* Requests to a played Blob service; see blobs_parts.h. */
#include "blobs_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void decode(const char *from, size_t n, char *out, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < n && used + 1 < room; i++) {
        bool escape = from[i] == '%' && i + 2 < n;
        out[used++] = escape ? (char) (digit(from[i + 1]) << 4 | digit(from[i + 2])) : from[i];
        i += escape ? 2 : 0;
    }
    out[used] = '\0';
}

struct str request_header(const struct request *r, const char *name)
{
    size_t n = strlen(name);
    const char *line = r->headers;
    while (line && line[0] != '\r') {
        const char *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return str_trim((struct str){line + n + 1, (size_t) (end - line) - n - 1});
        line = end + 2;
    }
    return (struct str){NULL, 0};
}

/* The decoded value of a query's parameter; "" when it is not there. */
const char *request_parameter(const struct request *r, const char *name, char *out, size_t room)
{
    struct str rest = str_of(r->query), pair;
    size_t n = strlen(name);
    out[0] = '\0';
    while (str_split(&rest, '&', &pair))
        if (pair.n > n && strncmp(pair.p, name, n) == 0 && pair.p[n] == '=')
            decode(pair.p + n + 1, pair.n - n - 1, out, room);
    return out;
}

bool request_parameter_is(const struct request *r, const char *name, const char *value)
{
    char text[64];
    return strcmp(request_parameter(r, name, text, sizeof text), value) == 0;
}

/* Reads one request; false at the end of the connection. */
bool request_receive(int fd, struct request *r)
{
    r->head_bytes = 0;
    char *end = NULL;
    while (!end && r->head_bytes < REQUEST_MAX - 1) {
        ssize_t n = recv(fd, r->head + r->head_bytes, REQUEST_MAX - 1 - r->head_bytes, 0);
        if (n <= 0)
            return false;
        r->head_bytes += (size_t) n;
        r->head[r->head_bytes] = '\0';
        end = strstr(r->head, "\r\n\r\n");
    }
    blobs_must(end);
    size_t head = (size_t) (end + 4 - r->head), have = r->head_bytes - head;
    uint64_t length = 0;
    r->headers = strstr(r->head, "\r\n") + 2;
    (void) str_uint64(request_header(r, "Content-Length"), &length);
    blobs_must(have <= length);
    r->n = (size_t) length;
    r->body = malloc(r->n + 1);
    blobs_must(r->body);
    memcpy(r->body, r->head + head, have);
    r->head[head] = '\0'; /* what came of the body is copied */
    while (have < r->n) {
        ssize_t n = recv(fd, r->body + have, r->n - have, 0);
        if (n <= 0) {
            free(r->body);
            return false;
        }
        have += (size_t) n;
    }
    return true;
}

void request_understand(struct request *r)
{
    char *space = strchr(r->head, ' ');
    blobs_must(space && space - r->head < (long) sizeof r->method);
    memcpy(r->method, r->head, (size_t) (space - r->head));
    r->method[space - r->head] = '\0';
    r->target = space + 1;
    size_t n = strcspn(r->target, " "), path = strcspn(r->target, " ?");
    r->target[n] = '\0';
    blobs_must(strncmp(r->target, ACCOUNT, strlen(ACCOUNT)) == 0);
    size_t skip = strlen(ACCOUNT);
    skip += r->target[skip] == '/';
    decode(r->target + skip, path > skip ? path - skip : 0, r->path, sizeof r->path);
    r->query = r->target + path + (path < n);
    (void) snprintf(r->container, sizeof r->container, "%.*s", (int) strcspn(r->path, "/"),
                    r->path);
    r->rest = r->path + strcspn(r->path, "/");
    r->rest += r->rest[0] == '/';
}
