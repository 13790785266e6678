/* The engine: requests under way, with their tries and pauses, on the caller's event loop.
 *
 * An operation (az_op) is one request until it has a definite answer. The engine sends it, again after what
 * passes (a broken connection, 500, 503, 429 and such), with growing pauses and a bounded number of tries; makes
 * a container that is missing where the operation wants that; and lets it wait while key or token are renewed. Who
 * started it is told the end once, in `done`, and may start it anew from there.
 *
 * Operations go in three lanes. Each lane has a width, the number at once: it grows while answers come well (by one
 * for each answer at first, later by one for each round), stops growing when answers only come later for it, and
 * is halved when the service asks for patience; then the whole lane waits as long as it was told to. Nobody else
 * knows what an account can bear, since others use it too.
 */
#ifndef WEIR_STORE_AZURE_ENGINE_H
#define WEIR_STORE_AZURE_ENGINE_H

#include "http/http.h"

enum {
    AZ_WIDTH_FIRST = 8,
    AZ_WIDTH_USEFUL = 32, /* never too many */
    AZ_ACCOUNT_RATE =
        20000,           /* requests a second that an account takes (docs/service.md section 4.6) */
    AZ_WIDTH_MAX = 256,  /* uploads at once */
    AZ_READ_MAX = 128,   /* GETs at once: each has a receive buffer */
    AZ_CONTROL_MAX = 32, /* of the lane of small things */
    AZ_TRIES_MAX = 20,   /* of one operation */
    AZ_TRIES_APART =
        2, /* when no connection came about and never did before: then the address is wrong */
    AZ_REFUSALS_MAX = 3, /* of one operation, each time with another key or token */
    AZ_MAKES_MAX = 3,    /* times that one operation makes its container */
    AZ_PAUSE_MAX = 30    /* seconds, of the growing pauses */
};

enum az_lane_name { AZ_CONTROL, AZ_READ, AZ_WRITE, AZ_LANES };

struct az;
struct az_ask;
struct az_op;

enum az_state { AZ_IDLE, AZ_WAITING, AZ_PAUSING, AZ_RUNNING };

/* What somebody waits for. */
typedef bool az_test_fn(const struct az *az, const void *context);

struct az_answer {
    int status; /* 2xx, or another that is definite; 0: none came, see error */
    const struct http_response *response; /* lent for `done`; NULL when there is none */
    struct str code;                      /* x-ms-error-code; lent likewise */
    struct error error;                   /* code NONE for 2xx; complete, with hint */
};

/* Zeroed before its first use; its owner keeps it until it is idle. */
struct az_op {
    struct az *az;
    enum az_lane_name lane;
    void (*ask)(struct az_op *op, struct az_ask *out); /* called for each try */
    /* Bytes of a 2xx body, or NULL; `again` is called before the first byte of each try. */
    bool (*take)(struct az_op *op, const char *bytes, size_t n, struct error *err);
    void (*again)(struct az_op *op);
    /* The end. May start the operation again, start others, or free this one. */
    void (*done)(struct az_op *op, const struct az_answer *answer);
    const char *doing, *name; /* "write", the blob's name: for texts; lent */
    bool make_container;      /* 404 ContainerNotFound: make it and go on */
    bool urgent; /* before all others of the lane, and whatever the state of the locks */

    /* the engine's */
    enum az_state state;
    bool making; /* its next request makes the container */
    unsigned tries, refusals, makes;
    unsigned number;             /* of what it was signed with */
    uint64_t began, due;         /* clock_ns */
    size_t body;                 /* bytes of it */
    struct az_op *next, *before; /* in the list of its state */
};

struct az_ops {
    struct az_op *first, *last;
};

struct az_lane {
    struct az_ops waiting;
    unsigned running, width, most;
    bool climbing;   /* by one for each answer: nothing went wrong yet */
    unsigned good;   /* answers since it last grew */
    unsigned failed; /* in a row */
    double quick;    /* seconds: the least that an answer took */
    double usual;    /* seconds: running mean */
    uint64_t closed; /* clock_ns until which nothing starts */
    uint64_t halved; /* clock_ns of the last time */
};

struct az_engine {
    struct az_lane lanes[AZ_LANES];
    struct az_ops pausing, running;
    struct random random;
    bool answered;    /* the service has answered once: the address is right */
    bool timed;       /* the timer is set */
    double hurry;     /* pauses are divided by it: 1, in tests more */
    az_test_fn *test; /* of who runs the loop in az_wait_for, or NULL */
    const void *tested;
    bool turning; /* az_engine_turn is under way */
};

void az_engine_init(struct az_engine *engine, uint64_t seed);
void az_engine_release(struct az *az); /* cancels all; no `done` is called */

/* Queues it; idle until then. The engine starts what may start. */
void az_op_start(struct az *az, struct az_op *op);
/* Takes it back, whatever its state; `done` is not called. */
void az_op_cancel(struct az *az, struct az_op *op);
/* Starts what may start: from az_wait, from the timer, and after each answer. */
void az_engine_turn(struct az *az);

#endif
