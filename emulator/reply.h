/* Replies: the service's error bodies (docs/service.md 1.4) and the few other forms that a reply
 * has. */
#ifndef WEIR_EMULATOR_REPLY_H
#define WEIR_EMULATOR_REPLY_H

#include "emulator/server.h"

#define REPLY_JSON "application/json; charset=utf-8"

/* An error and, inside it, up to two more: code NULL ends the list. */
struct reply_error {
    int status;
    const char *code, *message;
    const char *inner, *inner_message;
    const char *innermost, *innermost_message;
    const char *
        raw_members; /* further members of the innermost error, as JSON: "\"line\":1"; NULL: none */
};

/* Empties the body and writes {"error":{...}}; sets status and content type. */
void reply_error(struct server_reply *reply, const struct reply_error *error);

/* The usual ones. retry_after in seconds, negative: no such header. */
void reply_bad(struct server_reply *reply, const char *inner, const char *message);
void reply_not_found(struct server_reply *reply);
void reply_throttled(struct server_reply *reply, const char *message, int64_t retry_after);
void reply_unavailable(struct server_reply *reply, int64_t retry_after);
void reply_internal(struct server_reply *reply, const char *message);

#endif
