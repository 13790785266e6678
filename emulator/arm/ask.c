/* Resource Manager's requests: what its parts share. */

#include "emulator/arm/ask.h"

#include "emulator/reply.h"

void arm_refuse(struct server_reply *reply, int status, const char *code, const char *message)
{
    reply_error(reply, &(struct reply_error){.status = status, .code = code, .message = message});
}

void arm_reply(struct server_reply *reply, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text) {
        buf_puts(&reply->body, text);
        reply->status = status;
        reply->content_type = REPLY_JSON;
    } else {
        reply_internal(reply, "no memory");
    }
    free(text);
    json_decref(value);
}
