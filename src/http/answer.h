/* Answers: what the status line and the headers of an answer say. Internal to this room. */
#ifndef WEIR_HTTP_ANSWER_H
#define WEIR_HTTP_ANSWER_H

#include "base/text.h"

enum { HTTP_DATE_MAX = 64 };

struct http_answer {
    int status;         /* 0: no status line yet */
    bool framed;        /* Content-Length or chunked: the end of the body can be told from a cut */
    double age;         /* seconds or -1 */
    double retry_after; /* seconds or -1 */
    int64_t retry_date; /* Retry-After as a date, seconds since 1970; 0: none */
    bool ended;         /* the empty line that ends the headers came */
    char date
        [HTTP_DATE_MAX]; /* the other side's clock as it tells it: read only where it is needed */
    size_t header_bytes;
};

void http_answer_init(struct http_answer *answer);

/* Takes one header line as it came, line end included. A status line begins a new answer: what an
 * interim one (1xx) said is forgotten. False when there are more than HTTP_HEADER_BYTES_MAX. */
bool http_answer_line(struct http_answer *answer, struct str line);

/* The pause that is asked for, in seconds, 0 .. HTTP_RETRY_AFTER_MAX, or -1. `now`: seconds since 1970,
 * used when the other side did not say its own. */
double http_answer_pause(const struct http_answer *answer, int64_t now);

/* The value of the first line of that name (any case), trimmed; empty when there is none. */
struct str http_answer_find(struct str lines, const char *name);

#endif
