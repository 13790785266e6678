/* Plays the Blob service: a thread for each connection, one lock over all that is kept; see blobs.h. */
#include "blobs.h"

#include "base/hash.h"
#include "base/tick.h"
#include "store/azure/sign.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REQUEST_MAX = 64 * 1024,
    LOG_MAX = 64 << 20,
    CONNECTIONS = 1024,
    CONTAINERS = 64,
    BLOCKS = 4096,
    NAME = 1200,
    LEASE_SECONDS = 60
};

#define ACCOUNT "/account"

struct block {
    char id[96];
    char *bytes;
    size_t n;
};

struct blob {
    char name[NAME]; /* container/rest */
    char *bytes;
    size_t n;
    unsigned etag;
    bool committed, append;
    char mark[128], tier[16], md5[AZ_MD5_TEXT];
    char lease[64];
    uint64_t lease_end; /* clock_ns; 0: none */
    struct block *blocks;
    size_t n_blocks;
};

struct blobs {
    int listener;
    unsigned port;
    char url[512];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool ending, proper;
    int sockets[CONNECTIONS];
    unsigned threads, busy, most;
    struct {
        char name[80];
        bool immutable;
    } containers[CONTAINERS];
    size_t n_containers;
    struct blob **blobs; /* in order of their names */
    size_t n, room;
    unsigned etags;
    size_t page;
    struct blobs_fault fault;
    struct buf log; /* "METHOD target\n" */
    struct az_md5 md5;
};

struct request {
    char head[REQUEST_MAX];
    size_t head_bytes;
    char method[16], *target;    /* target: path?query, in head */
    const char *headers;         /* their first line */
    char path[2 * NAME], *query; /* decoded path without the account; "" the query */
    char container[NAME], *rest; /* in path */
    char *body;
    size_t n;
};

struct answer {
    int status;
    const char *code;
    char headers[2048];
    struct buf body;
    bool no_body; /* HEAD: its length is told all the same */
    uint64_t length;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* --- what is kept --- */

static size_t position(const struct blobs *b, const char *name)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(b->blobs[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct blob *find(const struct blobs *b, const char *name)
{
    size_t at = position(b, name);
    return at < b->n && strcmp(b->blobs[at]->name, name) == 0 ? b->blobs[at] : NULL;
}

static struct blob *make(struct blobs *b, const char *name)
{
    struct blob *blob = find(b, name);
    if (blob)
        return blob;
    if (b->n == b->room) {
        b->room = b->room ? b->room * 2 : 64;
        b->blobs = realloc(b->blobs, b->room * sizeof(struct blob *));
        must(b->blobs);
    }
    size_t at = position(b, name);
    memmove(&b->blobs[at + 1], &b->blobs[at], (b->n - at) * sizeof(struct blob *));
    b->blobs[at] = blob = calloc(1, sizeof *blob);
    must(blob);
    (void) snprintf(blob->name, sizeof blob->name, "%s", name);
    b->n++;
    return blob;
}

static void drop_blocks(struct blob *blob)
{
    for (size_t i = 0; i < blob->n_blocks; i++)
        free(blob->blocks[i].bytes);
    free(blob->blocks);
    blob->blocks = NULL;
    blob->n_blocks = 0;
}

static void drop(struct blobs *b, struct blob *blob)
{
    size_t at = position(b, blob->name);
    memmove(&b->blobs[at], &b->blobs[at + 1], (b->n - at - 1) * sizeof(struct blob *));
    b->n--;
    drop_blocks(blob);
    free(blob->bytes);
    free(blob);
}

static void md5_of(struct blobs *b, const char *bytes, size_t n, char out[AZ_MD5_TEXT])
{
    unsigned char sum[STORE_MD5];
    az_md5_begin(&b->md5);
    az_md5_add(&b->md5, bytes, n);
    must(az_md5_end(&b->md5, sum, NULL));
    az_base64(sum, sizeof sum, out);
}

static void set_bytes(struct blobs *b, struct blob *blob, const char *bytes, size_t n)
{
    char *copy = malloc(n + 1);
    must(copy);
    memcpy(copy, n > 0 ? bytes : "", n);
    free(blob->bytes);
    blob->bytes = copy;
    blob->n = n;
    blob->etag = ++b->etags;
    blob->committed = true;
    md5_of(b, copy, n, blob->md5);
}

static int container_at(const struct blobs *b, const char *name)
{
    for (size_t i = 0; i < b->n_containers; i++)
        if (strcmp(b->containers[i].name, name) == 0)
            return (int) i;
    return -1;
}

static void make_container(struct blobs *b, const char *name)
{
    if (container_at(b, name) >= 0)
        return;
    must(b->n_containers < CONTAINERS);
    (void) snprintf(b->containers[b->n_containers++].name, 80, "%s", name);
}

static bool is_immutable(const struct blobs *b, const char *container)
{
    int at = container_at(b, container);
    return at >= 0 && b->containers[at].immutable;
}

/* --- requests --- */

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

static struct str header(const struct request *r, const char *name)
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
static const char *parameter(const struct request *r, const char *name, char *out, size_t room)
{
    struct str rest = str_of(r->query), pair;
    size_t n = strlen(name);
    out[0] = '\0';
    while (str_split(&rest, '&', &pair))
        if (pair.n > n && strncmp(pair.p, name, n) == 0 && pair.p[n] == '=')
            decode(pair.p + n + 1, pair.n - n - 1, out, room);
    return out;
}

static bool parameter_is(const struct request *r, const char *name, const char *value)
{
    char text[64];
    return strcmp(parameter(r, name, text, sizeof text), value) == 0;
}

/* Reads one request; false at the end of the connection. */
static bool receive(int fd, struct request *r)
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
    must(end);
    size_t head = (size_t) (end + 4 - r->head), have = r->head_bytes - head;
    uint64_t length = 0;
    r->headers = strstr(r->head, "\r\n") + 2;
    (void) str_uint64(header(r, "Content-Length"), &length);
    must(have <= length);
    r->n = (size_t) length;
    r->body = malloc(r->n + 1);
    must(r->body);
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

static void understand(struct request *r)
{
    char *space = strchr(r->head, ' ');
    must(space && space - r->head < (long) sizeof r->method);
    memcpy(r->method, r->head, (size_t) (space - r->head));
    r->method[space - r->head] = '\0';
    r->target = space + 1;
    size_t n = strcspn(r->target, " "), path = strcspn(r->target, " ?");
    r->target[n] = '\0';
    must(strncmp(r->target, ACCOUNT, strlen(ACCOUNT)) == 0);
    size_t skip = strlen(ACCOUNT);
    skip += r->target[skip] == '/';
    decode(r->target + skip, path > skip ? path - skip : 0, r->path, sizeof r->path);
    r->query = r->target + path + (path < n);
    (void) snprintf(r->container, sizeof r->container, "%.*s", (int) strcspn(r->path, "/"),
                    r->path);
    r->rest = r->path + strcspn(r->path, "/");
    r->rest += r->rest[0] == '/';
}

/* --- operations --- */

static void say(struct answer *a, int status, const char *code)
{
    a->status = status;
    a->code = code;
}

static void add_header(struct answer *a, const char *name, const char *value)
{
    size_t used = strlen(a->headers);
    (void) snprintf(a->headers + used, sizeof a->headers - used, "%s: %s\r\n", name, value);
}

static bool is_leased(const struct blob *blob)
{
    return blob->lease_end > clock_ns();
}

/* Conditions of a write over `blob`, which is NULL when nothing is there. False: answered. */
static bool may_write(struct blobs *b, const struct request *r, struct blob *blob, bool removes,
                      struct answer *a)
{
    char etag[32];
    struct str match = header(r, "If-Match"), none = header(r, "If-None-Match");
    struct str lease = header(r, "x-ms-lease-id");
    bool there = blob && blob->committed;
    (void) snprintf(etag, sizeof etag, "\"0x%X\"", there ? blob->etag : 0);
    if (there && none.p)
        say(a, 409, "BlobAlreadyExists");
    else if (match.p && (!there || !str_eq(match, str_of(etag))))
        say(a, 412, "ConditionNotMet");
    else if (there && is_immutable(b, r->container))
        say(a, 409, "BlobImmutableDueToPolicy");
    else if (there && is_leased(blob) && !lease.p)
        say(a, 412, "LeaseIdMissing");
    else if (there && lease.p && (!is_leased(blob) || !str_eq(lease, str_of(blob->lease))))
        say(a, 412, is_leased(blob) ? "LeaseIdMismatchWithBlobOperation" : "LeaseLost");
    else if (removes && !there)
        say(a, 404, "BlobNotFound");
    return a->status == 0;
}

static void describe(const struct blob *blob, struct answer *a)
{
    char etag[32];
    (void) snprintf(etag, sizeof etag, "\"0x%X\"", blob->etag);
    add_header(a, "ETag", etag);
    add_header(a, "x-ms-blob-type", blob->append ? "AppendBlob" : "BlockBlob");
    add_header(a, "x-ms-lease-state", is_leased(blob) ? "leased" : "available");
    if (blob->mark[0])
        add_header(a, "x-ms-meta-weir", blob->mark);
}

static void keep_headers(struct blob *blob, const struct request *r)
{
    struct str mark = header(r, "x-ms-meta-weir"), tier = header(r, "x-ms-access-tier");
    (void) snprintf(blob->mark, sizeof blob->mark, "%.*s", (int) mark.n, mark.p ? mark.p : "");
    (void) snprintf(blob->tier, sizeof blob->tier, "%.*s", (int) tier.n, tier.p ? tier.p : "");
}

static bool md5_ok(struct blobs *b, const struct request *r, struct answer *a)
{
    char sum[AZ_MD5_TEXT];
    struct str told = header(r, "Content-MD5");
    md5_of(b, r->body, r->n, sum);
    if (told.p && !str_eq(told, str_of(sum)))
        say(a, 400, "Md5Mismatch");
    return a->status == 0;
}

static void put_blob(struct blobs *b, const struct request *r, struct answer *a)
{
    struct blob *blob = find(b, r->path);
    if (!may_write(b, r, blob, false, a) || !md5_ok(b, r, a))
        return;
    blob = make(b, r->path);
    set_bytes(b, blob, r->body, r->n);
    drop_blocks(blob);
    keep_headers(blob, r);
    describe(blob, a);
    say(a, 201, NULL);
}

static void put_block(struct blobs *b, const struct request *r, struct answer *a)
{
    char id[96];
    if (!md5_ok(b, r, a))
        return;
    struct blob *blob = make(b, r->path);
    (void) parameter(r, "blockid", id, sizeof id);
    size_t at = 0;
    while (at < blob->n_blocks && strcmp(blob->blocks[at].id, id) != 0)
        at++;
    if (at == blob->n_blocks) {
        must(blob->n_blocks < BLOCKS);
        blob->blocks = realloc(blob->blocks, ++blob->n_blocks * sizeof *blob->blocks);
        must(blob->blocks);
        blob->blocks[at] = (struct block){.n = 0};
        (void) snprintf(blob->blocks[at].id, sizeof id, "%s", id);
    }
    free(blob->blocks[at].bytes);
    blob->blocks[at].bytes = malloc(r->n + 1);
    must(blob->blocks[at].bytes);
    memcpy(blob->blocks[at].bytes, r->body, r->n);
    blob->blocks[at].n = r->n;
    say(a, 201, NULL);
}

static void put_list(struct blobs *b, const struct request *r, struct answer *a)
{
    struct blob *blob = find(b, r->path);
    struct buf whole = BUF_INIT(256u << 20);
    char *at = r->body;
    r->body[r->n] = '\0';
    if (!may_write(b, r, blob, false, a))
        return;
    while (blob && a->status == 0 && (at = strstr(at, "<Latest>"))) {
        at += strlen("<Latest>");
        struct str id = {at, strcspn(at, "<")};
        size_t i = 0;
        while (i < blob->n_blocks && !str_eq(id, str_of(blob->blocks[i].id)))
            i++;
        if (i == blob->n_blocks)
            say(a, 400, "InvalidBlockList");
        else
            buf_put(&whole, blob->blocks[i].bytes, blob->blocks[i].n);
    }
    if (a->status == 0 && blob) {
        set_bytes(b, blob, buf_text(&whole), whole.used);
        drop_blocks(blob);
        keep_headers(blob, r);
        struct str md5 = header(r, "x-ms-blob-content-md5");
        (void) snprintf(blob->md5, sizeof blob->md5, "%.*s", (int) md5.n, md5.p ? md5.p : "");
        say(a, 201, NULL);
    }
    buf_release(&whole);
}

static void lease(const struct request *r, struct blob *blob, struct answer *a)
{
    struct str action = header(r, "x-ms-lease-action"), id = header(r, "x-ms-lease-id");
    struct str proposed = header(r, "x-ms-proposed-lease-id");
    bool held = is_leased(blob), mine = str_eq(id, str_of(blob->lease));
    uint64_t end = clock_ns() + LEASE_SECONDS * UINT64_C(1000000000);
    if (str_eq(action, STR("acquire"))) {
        if (held && !str_eq(proposed, str_of(blob->lease))) {
            say(a, 409, "LeaseAlreadyPresent");
            return;
        }
        (void) snprintf(blob->lease, sizeof blob->lease, "%.*s", (int) proposed.n, proposed.p);
        blob->lease_end = end;
        say(a, 201, NULL);
    } else if (str_eq(action, STR("renew"))) {
        say(a, mine ? 200 : 409, mine ? NULL : "LeaseIdMismatchWithLeaseOperation");
        blob->lease_end = mine ? end : blob->lease_end;
    } else if (str_eq(action, STR("change"))) {
        bool done = held && str_eq(proposed, str_of(blob->lease));
        if (!held || (!mine && !done)) {
            say(a, 409, "LeaseIdMismatchWithLeaseOperation");
            return;
        }
        (void) snprintf(blob->lease, sizeof blob->lease, "%.*s", (int) proposed.n, proposed.p);
        blob->lease_end = end;
        say(a, 200, NULL);
    } else {
        say(a, mine ? 200 : 409, mine ? NULL : "LeaseIdMismatchWithLeaseOperation");
        if (mine) {
            blob->lease_end = 0;
            blob->lease[0] = '\0';
        }
    }
}

static void get_blob(const struct request *r, const struct blob *blob, struct answer *a)
{
    unsigned long long from = 0, to = 0;
    char text[80], etag[32];
    struct str range = header(r, "x-ms-range"), match = header(r, "If-Match");
    (void) snprintf(etag, sizeof etag, "\"0x%X\"", blob->etag);
    describe(blob, a);
    if (match.p && !str_eq(match, str_of(etag))) {
        say(a, 412, "ConditionNotMet");
        return;
    }
    if (!range.p || strcmp(r->method, "HEAD") == 0) {
        add_header(a, "Content-MD5", blob->md5);
        say(a, 200, NULL);
        buf_put(&a->body, blob->bytes, blob->n);
        return;
    }
    must(sscanf(range.p, "bytes=%llu-%llu", &from, &to) == 2);
    if (from >= blob->n) {
        say(a, 416, "InvalidRange");
        return;
    }
    to = to < blob->n ? to : blob->n - 1;
    (void) snprintf(text, sizeof text, "bytes %llu-%llu/%zu", from, to, blob->n);
    add_header(a, "Content-Range", text);
    say(a, 206, NULL);
    buf_put(&a->body, blob->bytes + from, (size_t) (to - from + 1));
}

static void put_xml(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '&')
            buf_puts(out, "&amp;");
        else if (text[i] == '<')
            buf_puts(out, "&lt;");
        else
            buf_putc(out, text[i]);
    }
}

static void put_entry(struct buf *out, const struct blob *blob, const char *rest)
{
    buf_puts(out, "<Blob><Name>");
    put_xml(out, rest, strlen(rest));
    buf_printf(out,
               "</Name><Properties><Creation-Time>Sun, 07 Nov 2021 03:05:00 GMT</Creation-Time>"
               "<Last-Modified>Sun, 07 Nov 2021 03:10:00 GMT</Last-Modified><Etag>0x%X</Etag>"
               "<Content-Length>%zu</Content-Length><Content-MD5>%s</Content-MD5>"
               "<BlobType>%s</BlobType></Properties></Blob>",
               blob->etag, blob->n, blob->append ? "" : blob->md5,
               blob->append ? "AppendBlob" : "BlockBlob");
}

static void list(const struct blobs *b, const struct request *r, struct answer *a)
{
    char prefix[NAME], marker[NAME], delimiter[8], last[NAME] = "";
    size_t skip = strlen(r->container) + 1, given = 0, i = 0;
    (void) parameter(r, "prefix", prefix, sizeof prefix);
    (void) parameter(r, "marker", marker, sizeof marker);
    (void) parameter(r, "delimiter", delimiter, sizeof delimiter);
    buf_puts(&a->body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>");
    for (; i < b->n && given < b->page; i++) {
        const struct blob *blob = b->blobs[i];
        const char *rest = blob->name + skip;
        if (!blob->committed || strncmp(blob->name, r->container, skip - 1) != 0 ||
            blob->name[skip - 1] != '/' || strncmp(rest, prefix, strlen(prefix)) != 0 ||
            strcmp(rest, marker) < 0)
            continue;
        const char *slash = delimiter[0] ? strchr(rest + strlen(prefix), '/') : NULL;
        if (!slash) {
            put_entry(&a->body, blob, rest);
            given++;
        } else if (strncmp(last, rest, (size_t) (slash - rest) + 1) != 0) {
            (void) snprintf(last, sizeof last, "%.*s", (int) (slash - rest) + 1, rest);
            buf_puts(&a->body, "<BlobPrefix><Name>");
            put_xml(&a->body, last, strlen(last));
            buf_puts(&a->body, "</Name></BlobPrefix>");
            given++;
        }
    }
    buf_puts(&a->body, "</Blobs><NextMarker>");
    if (i < b->n)
        put_xml(&a->body, strchr(b->blobs[i]->name, '/') + 1,
                strlen(strchr(b->blobs[i]->name, '/') + 1));
    buf_puts(&a->body, "</NextMarker></EnumerationResults>");
    say(a, 200, NULL);
}

static void list_containers(const struct blobs *b, struct answer *a)
{
    buf_puts(&a->body, "<?xml version=\"1.0\"?><EnumerationResults><Containers>"
                       "<Container><Name>$logs</Name></Container>");
    for (size_t i = 0; i < b->n_containers; i++)
        buf_printf(&a->body, "<Container><Name>%s</Name><Properties/></Container>",
                   b->containers[i].name);
    buf_puts(&a->body, "</Containers><NextMarker/></EnumerationResults>");
    say(a, 200, NULL);
}

static void on_container(struct blobs *b, const struct request *r, struct answer *a)
{
    int at = container_at(b, r->container);
    if (strcmp(r->method, "PUT") == 0) {
        say(a, at >= 0 ? 409 : 201, at >= 0 ? "ContainerAlreadyExists" : NULL);
        make_container(b, r->container);
    } else if (at < 0) {
        say(a, 404, "ContainerNotFound");
    } else if (parameter_is(r, "comp", "list")) {
        list(b, r, a);
    } else {
        add_header(a, "x-ms-has-immutability-policy",
                   b->containers[at].immutable ? "true" : "false");
        add_header(a, "x-ms-has-legal-hold", "false");
        say(a, 200, NULL);
    }
}

static void on_blob(struct blobs *b, const struct request *r, struct answer *a)
{
    struct blob *blob = find(b, r->path);
    bool there = blob && blob->committed, put = strcmp(r->method, "PUT") == 0;
    if (container_at(b, r->container) < 0)
        say(a, 404, "ContainerNotFound");
    else if (put && parameter_is(r, "comp", "block"))
        put_block(b, r, a);
    else if (put && parameter_is(r, "comp", "blocklist"))
        put_list(b, r, a);
    else if (put && !parameter_is(r, "comp", "lease"))
        put_blob(b, r, a);
    else if (!there)
        say(a, 404, "BlobNotFound");
    else if (put) {
        describe(blob, a);
        lease(r, blob, a);
    } else if (strcmp(r->method, "DELETE") == 0) {
        if (may_write(b, r, blob, true, a)) {
            drop(b, blob);
            say(a, 202, NULL);
        }
    } else
        get_blob(r, blob, a);
}

static void operate(struct blobs *b, const struct request *r, struct answer *a)
{
    if (r->container[0] == '\0')
        list_containers(b, a);
    else if (r->rest[0] == '\0')
        on_container(b, r, a);
    else
        on_blob(b, r, a);
}

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
    bool signs = header(r, "Authorization").n > 0 || strstr(r->target, "sig=") != NULL;
    if (!signs || header(r, "x-ms-version").n == 0 || header(r, "x-ms-date").n != 29)
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
        add_header(a, "x-ms-error-code", a->code);
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
    if (!receive(fd, r))
        return false;
    understand(r);
    (void) pthread_mutex_lock(&b->lock);
    if (++b->busy > b->most)
        b->most = b->busy;
    note(b, r, line, sizeof line);
    const struct blobs_fault *met = strike(b, line);
    struct blobs_fault fault = met ? *met : (struct blobs_fault){.at = 0};
    bool answers = met && fault.kind == BLOBS_ANSWER, cut = met && fault.kind == BLOBS_CUT;
    if (!answers && !cut)
        operate(b, r, &a);
    (void) pthread_mutex_unlock(&b->lock);
    if (answers) {
        say(&a, fault.status, fault.code);
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
    must(r);
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
    must(slot < CONNECTIONS);
    struct connection *c = malloc(sizeof *c);
    must(c);
    *c = (struct connection){b, fd, slot};
    b->sockets[slot] = fd;
    b->threads++;
    must(pthread_attr_init(&detached) == 0);
    (void) pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    must(pthread_create(&thread, &detached, run_connection, c) == 0);
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
    must(b && az_md5_init(&b->md5, NULL));
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(b->listener >= 0 && bind(b->listener, (struct sockaddr *) &at, sizeof at) == 0 &&
         listen(b->listener, 512) == 0 &&
         getsockname(b->listener, (struct sockaddr *) &at, &n) == 0);
    b->port = ntohs(at.sin_port);
    b->page = 5000;
    b->proper = true;
    buf_init(&b->log, LOG_MAX);
    for (int i = 0; i < CONNECTIONS; i++)
        b->sockets[i] = -1;
    must(pthread_mutex_init(&b->lock, NULL) == 0 && pthread_cond_init(&b->idle, NULL) == 0 &&
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
        drop(b, b->blobs[0]);
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
    make_container(b, container);
    struct blob *blob = make(b, name);
    set_bytes(b, blob, bytes.p, bytes.n);
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
    LOCKED(b, there = find(b, name) && find(b, name)->committed);
    return there;
}

static bool get_past(struct blobs *b, const char *name, struct buf *out, char tier[16])
{
    const struct blob *blob = find(b, name);
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
    make_container(b, container);
    b->containers[container_at(b, container)].immutable = immutable;
}

void blobs_immutable(struct blobs *b, const char *container, bool immutable)
{
    LOCKED(b, set_immutable(b, container, immutable));
}

static void end_lease(struct blobs *b, const char *name, bool forget)
{
    struct blob *blob = find(b, name);
    must(blob);
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
