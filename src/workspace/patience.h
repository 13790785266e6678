/* Patience: what the service's complaints do to all queries of a workspace. Internal to this room.
 *
 * The limits (5 at once, 200 in 30 s) are those of a user, and other programs of that user take their share.
 * So the pace goes down when the service complains, and comes back up step by step, never above the limits:
 *
 * 1. A 429 for too many requests stops every new query until a moment: Retry-After, or a pause that doubles
 *    with each such event in a row. Without Retry-After it slows the starts down as well; the second in a row
 *    and those behind it take one from the number at once. The 429s of queries that began before that moment was set are one event.
 * 2. A 429 that says the queue is full means that no more than those under way fit in: so many may run at
 *    once now, and others start as they end. There is a pause only where none is under way, or Retry-After.
 * 3. PATIENCE_ROW timeouts of the service in a row (504) are overload: one fewer at once, and no pause.
 * 4. With the answers that come, one more may run at once after each `step`, which doubles while steps up are
 *    refused (to PATIENCE_STEP_MOST) and is the least again when one holds; the starts quicken likewise.
 *
 * Times are clock_ns(). What a lane learns of its places is its own; pauses and rate are those of all.
 */
#ifndef WEIR_WORKSPACE_PATIENCE_H
#define WEIR_WORKSPACE_PATIENCE_H

#include "http/http.h"

enum {
    PATIENCE_FIRST = 1,      /* seconds, of the first pause without Retry-After */
    PATIENCE_MOST = 60,      /* seconds, of the longest */
    PATIENCE_ROW = 3,        /* timeouts */
    PATIENCE_STEP_LEAST = 1, /* seconds between steps up */
    PATIENCE_STEP_MOST = 8
};

struct patience_lane {
    uint64_t changed;  /* when its number at once last changed, or was found to be too high */
    unsigned step;     /* seconds until a step up; 0: PATIENCE_STEP_LEAST */
    bool rose;         /* the last change was a step up */
    unsigned timeouts; /* in a row, of queries that began after `changed` */
};

struct patience {
    unsigned streak; /* events without an answer since */
    uint64_t asked;  /* when the last event was */
    uint64_t slowed; /* when the rate last changed */
    struct patience_lane lanes[HTTP_PACE_LANES];
};

struct patience_refusal {
    unsigned lane;
    bool queue;         /* it was the queue that was full */
    uint64_t began;     /* when the query began */
    double retry_after; /* seconds or -1 */
};

/* A query was refused with 429; it is no longer among those under way (http_pace_ended). */
void patience_throttled(struct patience *patience, struct http_pace *pace,
                        const struct patience_refusal *refusal, uint64_t now,
                        struct random *random);
/* A query took the service too long. */
void patience_timed_out(struct patience *patience, struct http_pace *pace, unsigned lane,
                        uint64_t began, uint64_t now);
/* A query was answered, well or badly, but neither of these. */
void patience_answered(struct patience *patience, struct http_pace *pace, unsigned lane,
                       uint64_t now);

#endif
