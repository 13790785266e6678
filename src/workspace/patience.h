/* Patience: what a workspace's "too many requests" does to all of its queries. Internal to this room.
 *
 * 1. A 429 stops every new query until a moment: Retry-After, or a pause that doubles with each 429 in a
 *    row. The 429s of queries that began before that moment was set are the same event.
 * 2. The second event without an answer between them takes one from the number of queries at once: the
 *    queue is shared with others. Every PATIENCE_RISE good answers in a row give one back.
 */
#ifndef WEIR_WORKSPACE_PATIENCE_H
#define WEIR_WORKSPACE_PATIENCE_H

#include "http/http.h"

enum {
    PATIENCE_FIRST = 1, /* seconds, of the first pause without Retry-After */
    PATIENCE_MOST = 60, /* seconds, of the longest */
    PATIENCE_RISE = 20  /* answers */
};

struct patience {
    unsigned streak;   /* events without an answer since */
    unsigned answers;  /* since the last event or rise */
    uint64_t asked_at; /* clock_ns of the last event */
};

/* `began`: when the query began; retry_after: seconds or -1. Sets pace->blocked_until. */
void patience_throttled(struct patience *patience, struct http_pace *pace, uint64_t began,
                        double retry_after, uint64_t now, struct random *random);
/* A query was answered, well or badly, but not by 429. */
void patience_answered(struct patience *patience, struct http_pace *pace);

#endif
