/* Server: a scripted HTTP/1.1 server on a real socket, for tests.
 *
 * It listens on a free port of 127.0.0.1 and lives in threads of the test; server_free ends them all.
 * The script is a list of answers, given before or while requests come. A request takes the first
 * answer that is left and that matches it, and is recorded. A request that finds none gets a 599 with
 * a text that says so.
 *
 *     struct server *server = server_new(NULL);
 *     server_answer(server, &(struct server_answer) {.body = STR("{}")});
 *     … the code under test talks to server_url(server, "/query") …
 *     assert_string_equal(server_request(server, 0)->path, "/query");
 *     assert_true(server_all_used(server));
 *     server_free(server);
 *
 * Functions may be called from any thread; a failure to set up ends the test program (abort).
 */
#ifndef WEIR_TESTS_SUPPORT_SERVER_H
#define WEIR_TESTS_SUPPORT_SERVER_H

#include "base/text.h"

enum server_framing {
    SERVER_LENGTH,  /* Content-Length */
    SERVER_CHUNKED, /* chunks of `piece` bytes */
    SERVER_CLOSE    /* nothing: the end of the connection is the end of the body */
};

struct server_answer {
    const char *match;   /* stands in "METHOD /path?query"; NULL: any request */
    const char *header;  /* stands in its headers too; NULL: any */
    unsigned times;      /* 0: once */
    int status;          /* 0: 200; -1: no answer at all, the connection closes */
    const char *headers; /* more of them, each "Name: value\r\n"; NULL: none */
    struct str body;
    struct str raw; /* instead of all of the above: the bytes as they go over the wire */
    enum server_framing framing;
    size_t piece;      /* bytes of one write; 0: all at once */
    bool cut, stall;   /* after cut_at bytes of head and body: close, or be silent until the end */
    size_t cut_at;     /* counted from the first byte of the body, or of raw */
    int length_more;   /* added to the Content-Length that is announced */
    unsigned delay_ms; /* silence before the answer */
    bool close;        /* Connection: close, and does so */
};

struct server_request {
    const char *method, *path; /* path with its query */
    const char *headers;       /* as they came, lines end in \r\n */
    struct str body;
    uint64_t at;         /* clock_ns when its head had come */
    unsigned connection; /* number of the connection that it came on, from 0 */
};

struct server_options {
    bool tls;       /* a certificate for 127.0.0.1 and localhost, signed by itself */
    const char *ca; /* with tls: where to write that certificate as PEM; NULL: nowhere */
};

struct server;
struct server *server_new(const struct server_options *options); /* NULL: plain */
void server_free(struct server *server);

/* Copies the answer with all its texts. */
void server_answer(struct server *server, const struct server_answer *answer);

/* http://127.0.0.1:PORT and the path; valid until the server is freed. */
const char *server_url(struct server *server, const char *path);
unsigned server_port(const struct server *server);

size_t server_requests(struct server *server);
/* Valid until the server is freed; aborts when there is no such request. */
const struct server_request *server_request(struct server *server, size_t index);
/* The value of a header, trimmed; an empty view when there is none. */
struct str server_header(const struct server_request *request, const char *name);
/* No answer of the script is left, and no request was without one. */
bool server_all_used(struct server *server);
unsigned server_connections(struct server *server);

#endif
