/* Server: HTTP on libmicrohttpd, a thread a connection. */

#include "emulator/server.h"

#include "base/memory.h"
#include "base/tick.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <strings.h>

enum {
    PIECE_SIZE = 256 << 10,
    PACE_PARTS = 50, /* a second's worth of bandwidth is sent in so many pieces */
    ADDRESS_MAX = 128,
    IDLE_SECONDS = 3600 /* more than any query takes: the library counts that as idle */
};

struct server {
    struct MHD_Daemon *daemon;
    struct server_options options;
    uint16_t port;
};

/* What is kept of a request between the library's calls. */
struct exchange {
    struct buf body;
    uint64_t came; /* clock_ns */
};

/* A reply on its way out: owns the body. */
struct outgoing {
    struct server *server;
    struct buf body;
    enum server_ending ending;
    size_t sent_until; /* where the cut or stall is */
    bool stalled;
    uint64_t started;          /* clock_ns of the first piece, for the bandwidth */
    struct server_reply reply; /* for its `done`; the body is ours */
};

void server_reply_done(struct server_reply *reply)
{
    if (reply->done)
        reply->done(reply->context);
    reply->done = NULL;
}

static const char *given_field(const struct server_field *fields, const char *name)
{
    for (; fields && fields->name; fields++) {
        if (strcasecmp(fields->name, name) == 0)
            return fields->value;
    }
    return NULL;
}

const char *server_argument(const struct server_request *request, const char *name)
{
    return request->connection
               ? MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name)
               : given_field(request->fields, name);
}

const char *server_header(const struct server_request *request, const char *name)
{
    return request->connection
               ? MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name)
               : given_field(request->fields, name);
}

/* How much may go out at `position` without passing the cut, the stall and the bandwidth. */
static size_t piece_at(const struct outgoing *out, uint64_t position, size_t room)
{
    size_t piece = out->body.used - position;
    if (piece > room)
        piece = room;
    bool bounded = out->ending == SERVER_CUT || (out->ending == SERVER_STALL && !out->stalled);
    if (bounded && position < out->sent_until && piece > out->sent_until - position)
        piece = out->sent_until - position;
    uint64_t bandwidth = out->server->options.bandwidth;
    uint64_t most = bandwidth / PACE_PARTS + 1;
    return bandwidth > 0 && piece > most ? (size_t) most : piece;
}

static bool keep_pace(struct outgoing *out, uint64_t position)
{
    uint64_t bandwidth = out->server->options.bandwidth;
    if (bandwidth == 0)
        return true;
    uint64_t now = clock_ns();
    if (position == 0)
        out->started = now;
    uint64_t due = (uint64_t) ((double) position / (double) bandwidth * 1e9);
    uint64_t gone = now - out->started;
    return due <= gone || bell_pause(out->server->options.bell, due - gone);
}

static ssize_t read_piece(void *context, uint64_t position, char *to, size_t room)
{
    struct outgoing *out = context;
    if (position >= out->sent_until && out->ending == SERVER_CUT)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (position >= out->sent_until && out->ending == SERVER_STALL && !out->stalled) {
        out->stalled = true;
        if (!bell_pause(out->server->options.bell, out->server->options.stall))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (!keep_pace(out, position) || position > out->body.used)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t piece = piece_at(out, position, room);
    memcpy(to, out->body.bytes + position, piece);
    /* Before the client can have it all: its next request must find the place free. */
    if (position + piece == out->body.used)
        server_reply_done(&out->reply);
    return (ssize_t) piece;
}

static void free_outgoing(void *context)
{
    struct outgoing *out = context;
    server_reply_done(&out->reply);
    buf_release(&out->body);
    mem_free(out);
}

static struct MHD_Response *plain_response(struct server_reply *reply)
{
    size_t size = reply->body.used;
    char *bytes = buf_take(&reply->body);
    server_reply_done(reply);
    if (!bytes)
        return NULL;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(size, bytes, mem_free);
    if (!response)
        mem_free(bytes);
    return response;
}

static struct MHD_Response *make_response(struct server *server, struct server_reply *reply)
{
    if (reply->ending == SERVER_WHOLE && (server->options.bandwidth == 0 || reply->body.used == 0))
        return plain_response(reply);
    struct outgoing *out = mem_alloc(1, sizeof *out, NULL);
    if (!out)
        return NULL;
    *out = (struct outgoing){.server = server,
                             .body = reply->body,
                             .ending = reply->ending,
                             .sent_until = reply->sent,
                             .reply = *reply};
    struct MHD_Response *response = MHD_create_response_from_callback(
        reply->body.used, PIECE_SIZE, read_piece, out, free_outgoing);
    if (response) {
        buf_init(&reply->body, 0);
        reply->done = NULL;
    } else {
        mem_free(out);
    }
    return response;
}

/* Adds what stands in lines "Name: value". The text is cut in place. */
static bool add_lines(struct MHD_Response *response, struct buf *lines)
{
    bool done = buf_ok(lines, "the headers", NULL);
    char *at = lines->used > 0 ? lines->bytes : NULL;
    while (done && at && *at) {
        char *colon = strchr(at, ':'), *end = strchr(at, '\n');
        if (!colon || !end || colon > end)
            return false;
        *colon = *end = '\0';
        done = MHD_add_response_header(response, at, colon + 1 + (colon[1] == ' ')) == MHD_YES;
        at = end + 1;
    }
    return done;
}

static bool add_headers(struct MHD_Response *response, struct server_reply *reply)
{
    bool done = true;
    if (reply->content_type)
        done = MHD_add_response_header(response, "Content-Type", reply->content_type) == MHD_YES;
    if (reply->challenge)
        done = done &&
               MHD_add_response_header(response, "WWW-Authenticate", reply->challenge) == MHD_YES;
    if (reply->retry_after >= 0) {
        char seconds[TEXT_NUMBER_MAX];
        (void) snprintf(seconds, sizeof seconds, "%lld", (long long) reply->retry_after);
        done = done && MHD_add_response_header(response, "Retry-After", seconds) == MHD_YES;
    }
    return done && add_lines(response, &reply->headers);
}

/* The time that it took to make the reply counts. */
static bool keep_latency(const struct server *server, uint64_t began)
{
    uint64_t gone = clock_ns() - began, latency = server->options.latency;
    return gone >= latency || bell_pause(server->options.bell, latency - gone);
}

static enum MHD_Result send_reply(struct server *server, struct MHD_Connection *connection,
                                  struct server_reply *reply)
{
    enum MHD_Result result = MHD_NO;
    if (keep_latency(server, reply->began) && reply->ending != SERVER_RESET) {
        struct MHD_Response *response = make_response(server, reply);
        if (response && add_headers(response, reply))
            result = MHD_queue_response(connection, (unsigned) reply->status, response);
        if (response)
            MHD_destroy_response(response);
    }
    server_reply_done(reply);
    buf_release(&reply->body);
    buf_release(&reply->headers);
    return result;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer(struct server *server, struct MHD_Connection *connection,
                              const char *path, const char *method, const struct exchange *exchange)
{
    struct server_reply reply = {
        .status = MHD_HTTP_INTERNAL_SERVER_ERROR, .retry_after = -1, .began = exchange->came};
    buf_init(&reply.body, SERVER_REPLY_MAX);
    buf_init(&reply.headers, SERVER_HEADERS_MAX);
    if (exchange->body.failed) {
        reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
        return send_reply(server, connection, &reply);
    }
    struct server_request request = {
        .method = method,
        .path = path,
        .body = buf_str(&exchange->body),
        .authorization = header(connection, "Authorization"),
        .content_type = header(connection, "Content-Type"),
        .prefer = header(connection, "Prefer"),
        .connection = connection,
    };
    server->options.handler(server->options.context, &request, &reply);
    return send_reply(server, connection, &reply);
}

/* The library calls once when the headers are in, then with each piece of the body, then with
 * none. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **slot)
{
    (void) version;
    struct exchange *exchange = *slot;
    if (!exchange) {
        exchange = mem_alloc(1, sizeof *exchange, NULL);
        if (!exchange)
            return MHD_NO;
        buf_init(&exchange->body, SERVER_BODY_MAX);
        exchange->came = clock_ns();
        *slot = exchange;
        return MHD_YES;
    }
    if (*size > 0) {
        buf_put(&exchange->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return answer(context, connection, path, method, exchange);
}

static void finish(void *context, struct MHD_Connection *connection, void **slot,
                   enum MHD_RequestTerminationCode code)
{
    (void) context, (void) connection, (void) code;
    struct exchange *exchange = *slot;
    if (exchange) {
        buf_release(&exchange->body);
        mem_free(exchange);
    }
    *slot = NULL;
}

static bool listen_error(const char *listen, struct error *err)
{
    error_set(err, ERROR_USAGE, "--listen: '%s' is not an address and a port", listen);
    return error_hint(err, "a numeric address: 127.0.0.1:0, [::1]:8443; port 0 is any free one");
}

bool server_split_listen(const char *listen, struct buf *address, uint16_t *port, struct error *err)
{
    const char *colon = strrchr(listen, ':');
    uint64_t number;
    if (!colon || !str_uint64(str_of(colon + 1), &number) || number > UINT16_MAX)
        return listen_error(listen, err);
    struct str host = {listen, (size_t) (colon - listen)};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){host.p + 1, host.n - 2};
    buf_reset(address);
    buf_put_str(address, host);
    *port = (uint16_t) number;
    return buf_ok(address, "the address to listen on", err);
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool read_address(const char *listen, union address *out, struct error *err)
{
    struct buf text = BUF_INIT(ADDRESS_MAX);
    uint16_t port = 0;
    *out = (union address){0};
    bool done = server_split_listen(listen, &text, &port, err);
    if (done && inet_pton(AF_INET, buf_text(&text), &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
    } else if (done && inet_pton(AF_INET6, buf_text(&text), &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
    } else if (done) {
        done = listen_error(listen, err);
    }
    buf_release(&text);
    return done;
}

static struct MHD_Daemon *start_daemon(struct server *server, const union address *address)
{
    const struct server_options *options = &server->options;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC;
    if (address->any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (options->certificate) {
        flags |= MHD_USE_TLS;
        /* The library takes them as void * and only reads. */
        memcpy(&tls[0].ptr_value, &options->certificate, sizeof tls[0].ptr_value);
        memcpy(&tls[1].ptr_value, &options->key, sizeof tls[1].ptr_value);
    } else {
        tls[0].option = MHD_OPTION_END;
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR,
                            &address->any, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned) SERVER_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned) IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, finish, NULL,
                            MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

struct server *server_start(const struct server_options *options, struct error *err)
{
    union address address;
    if (!read_address(options->listen, &address, err))
        return NULL;
    struct server *server = mem_alloc(1, sizeof *server, err);
    if (!server)
        return NULL;
    server->options = *options;
    server->daemon = start_daemon(server, &address);
    if (!server->daemon) {
        error_set_errno(err, ERROR_IO, errno, "cannot listen on %s", options->listen);
        mem_free(server);
        return NULL;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info ? info->port : 0;
    return server;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    mem_free(server);
}
