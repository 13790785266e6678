/* What a played Blob service is made of: what it keeps (blobs_kept.c), requests as they came (blobs_request.c), and what it
 * does about them (blobs_operate.c). For blobs.c, which runs it; tests see blobs.h. What takes a struct blobs or blob wants
 * its lock held. */
#ifndef WEIR_TESTS_STORE_BLOBS_PARTS_H
#define WEIR_TESTS_STORE_BLOBS_PARTS_H

#include "blobs.h"

#include "store/azure/sign.h"

#include <pthread.h>

enum { REQUEST_MAX = 64 * 1024, CONNECTIONS = 1024, CONTAINERS = 64, NAME = 1200 };

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

void blobs_must(bool ok); /* else the test program ends */

/* --- what is kept --- */

struct blob *kept_find(const struct blobs *b, const char *name); /* NULL: not there */
/* The blob of that name, made where it is not there. */
struct blob *kept_make(struct blobs *b, const char *name);
void kept_drop_blocks(struct blob *blob);
void kept_drop(struct blobs *b, struct blob *blob);
void kept_md5(struct blobs *b, const char *bytes, size_t n, char out[AZ_MD5_TEXT]);
/* Its bytes are those from now on, committed, with another ETag. */
void kept_set(struct blobs *b, struct blob *blob, const char *bytes, size_t n);
int kept_container(const struct blobs *b, const char *name); /* -1: not there */
void kept_make_container(struct blobs *b, const char *name);
bool kept_immutable(const struct blobs *b, const char *container);

/* --- requests --- */

/* p is NULL without it. */
struct str request_header(const struct request *r, const char *name);
/* The decoded value of a query's parameter; "" when it is not there. */
const char *request_parameter(const struct request *r, const char *name, char *out, size_t room);
bool request_parameter_is(const struct request *r, const char *name, const char *value);
/* Reads one request; false at the end of the connection. */
bool request_receive(int fd, struct request *r);
/* Fills in what stands in the request's line. */
void request_understand(struct request *r);

/* --- operations --- */

/* code, lent: an error; NULL: none. */
void answer_say(struct answer *a, int status, const char *code);
void answer_add(struct answer *a, const char *name, const char *value);
void request_operate(struct blobs *b, const struct request *r, struct answer *a);

#endif
