/* Faults: seeded misfortune for query requests. Which fault the n-th query request meets depends on
 * seed and n alone, so a run can be told again whatever the timing. */
#ifndef WEIR_EMULATOR_FAULTS_H
#define WEIR_EMULATOR_FAULTS_H

#include "base/text.h"

#include <stdatomic.h>

/* enum, name in --fault, what happens. New ones at the end: a seed goes on to mean what it meant. */
#define FAULTS(X)                                                                                  \
    X(429, "429", "too many requests, with Retry-After unless --retry-after none")                 \
    X(503, "503", "service unavailable")                                                           \
    X(PARTIAL, "partial", "some of the rows, and PartialError")                                    \
    X(CUT, "cut", "the connection closes before Content-Length is reached")                        \
    X(LENGTH, "length", "a whole HTTP message whose JSON ends early")                              \
    X(STALL, "stall", "silence for --stall-for in the middle of the body, then the rest")          \
    X(TOKEN, "token", "a valid token is refused, once")                                            \
    X(504, "504", "gateway timeout, at once")                                                      \
    X(500, "500", "internal error")                                                                \
    X(RESET, "reset", "the connection closes before a byte of the answer")                         \
    X(QUEUE, "queue", "429 without Retry-After: the queue is full")                                \
    X(DOUBLE, "double", "a whole answer in which one row is lost and another stands twice")

enum fault {
    FAULT_NONE,
#define X(name, text, help) FAULT_##name,
    FAULTS(X)
#undef X
        FAULT_COUNT
};

struct faults {
    uint64_t seed;
    double upto
        [FAULT_COUNT]; /* fault f is met when the draw is below upto[f] and not below upto[f - 1] */
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t met[FAULT_COUNT];
};

/* Reads "429:0.1,503:0.1,partial:0.1"; NULL or "" is none. Shares are of query requests and sum to
 * at most
 * 1. ERROR_USAGE otherwise. */
bool faults_init(struct faults *faults, const char *shares, uint64_t seed, struct error *err);

/* The fault of request n (from 0): depends on seed, shares and n alone. */
enum fault faults_of(const struct faults *faults, uint64_t n);

/* Takes the next number and counts what it meets. Safe for threads. */
enum fault faults_next(struct faults *faults, uint64_t *number);

/* The name in --fault; "none" for FAULT_NONE. */
const char *fault_name(enum fault fault);

/* A share in [0, 1) that belongs to request n, for where a body is cut. */
double faults_share(const struct faults *faults, uint64_t n);

#endif
