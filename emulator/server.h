/* Server: HTTP on libmicrohttpd, a thread a connection. The handler sees a request and fills a
 * reply; what the network does to the reply on its way (latency, bandwidth, a cut, a stall) is done
 * here.
 *
 *     struct server *server = server_start(&options, &err);
 *     server_port(server)
 *     server_stop(server)
 */
#ifndef WEIR_EMULATOR_SERVER_H
#define WEIR_EMULATOR_SERVER_H

#include "emulator/bell.h"

#include "base/text.h"

enum {
    SERVER_BODY_MAX = 16 << 20,   /* of a request */
    SERVER_REPLY_MAX = 1 << 30,   /* of a reply; --max-json is what counts */
    SERVER_HEADERS_MAX = 8192,    /* of what a reply has of them beside the usual ones */
    SERVER_CONNECTIONS_MAX = 1000 /* a thread each; 5 run and 200 wait, and some */
};

/* A header or a parameter of a request that has no connection: for tests. */
struct server_field {
    const char *name, *value;
};

struct server_request {
    const char *method; /* "GET", "POST", ... */
    const char *path;   /* decoded, without parameters */
    struct str body;
    const char *authorization, *content_type, *prefer; /* header values; NULL: not there */
    void *connection;                  /* the library's; NULL: what `fields` has is all */
    const struct server_field *fields; /* without a connection; a name NULL ends them */
};

/* A parameter of the address, decoded; NULL when it is not there. */
const char *server_argument(const struct server_request *request, const char *name);

/* Any other header; NULL when it is not there. */
const char *server_header(const struct server_request *request, const char *name);

enum server_ending {
    SERVER_WHOLE,
    SERVER_CUT,   /* Content-Length is that of the body; the connection closes after `sent` bytes */
    SERVER_STALL, /* silence after `sent` bytes, then the rest */
    SERVER_RESET  /* the connection closes and nothing is sent */
};

struct server_reply {
    int status;
    const char *content_type; /* NULL: none is sent */
    const char *challenge;    /* value of WWW-Authenticate; NULL: none */
    int64_t retry_after;      /* seconds; negative: no such header */
    struct buf body;          /* the server releases it */
    struct buf headers;       /* more of them, each "Name: value\n"; the server releases it */
    enum server_ending ending;
    size_t sent;
    uint64_t began; /* clock_ns from which the latency counts: the server sets when it came */
    /* Called once, when the last byte goes out or the connection is gone; NULL: nobody asks. */
    void (*done)(void *context);
    void *context;
};

/* Calls `done`, if nobody did. For handlers that answer inside another's reply. */
void server_reply_done(struct server_reply *reply);

/* Called in the connection's own thread; safe for threads is the handler's part. */
typedef void server_handler(void *context, const struct server_request *request,
                            struct server_reply *reply);

struct server_options {
    const char *listen; /* "127.0.0.1:0", "[::1]:8443": a numeric address and a port, 0: any free */
    const char *certificate; /* PEM; NULL: plain HTTP */
    const char *key;
    uint64_t latency;   /* ns at least from the request to the first byte of the reply */
    uint64_t bandwidth; /* bytes a second for each reply; 0: as fast as it goes */
    uint64_t stall;     /* ns of silence of SERVER_STALL */
    struct bell *bell;  /* rung before server_stop, or that waits for the pauses */
    server_handler *handler;
    void *context;
};

struct server;

struct server *server_start(const struct server_options *options, struct error *err);
uint16_t server_port(const struct server *server);

/* "127.0.0.1" of "127.0.0.1:0", "::1" of "[::1]:0": into out (which is reset first). */
bool server_split_listen(const char *listen, struct buf *address, uint16_t *port,
                         struct error *err);

/* Closes all connections and waits for their threads. */
void server_stop(struct server *server);

#endif
