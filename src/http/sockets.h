/* Sockets: which of them curl waits for, and when it wants to be called. Internal to this room.
 *
 * curl's own curl_multi_perform looks at every request in each turn, and asks the system about each socket again.
 * So the sockets are kept here, in the array that poll takes, and curl is told of those alone that are ready.
 */
#ifndef WEIR_HTTP_SOCKETS_H
#define WEIR_HTTP_SOCKETS_H

#include "http/http.h"

#include <curl/curl.h>
#include <poll.h>

enum { SOCKETS_MAX = 4 * HTTP_ACTIVE_MAX }; /* of connections and of resolvers at work */

struct sockets {
    CURLM *multi; /* lent */
    struct pollfd fds[SOCKETS_MAX];
    size_t count;
    bool over;    /* more than there is room for */
    uint64_t due; /* clock_ns when curl wants to be called; UINT64_MAX: not */
    struct pollfd ready[SOCKETS_MAX];
    size_t ready_count;
};

/* Has curl tell of its sockets and times. */
bool sockets_init(struct sockets *sockets, CURLM *multi, struct error *err);

/* Lets curl work on what is ready and due. */
bool sockets_act(struct sockets *sockets, struct error *err);

/* Waits for at most so many milliseconds until one is ready. */
bool sockets_wait(struct sockets *sockets, int milliseconds, struct error *err);

#endif
