/* Replies: the service's error bodies. */

#include "emulator/reply.h"

static void put_member(struct buf *body, const char *name, const char *text)
{
    buf_printf(body, "\"%s\":\"", name);
    text_put_json(body, str_of(text));
    buf_putc(body, '"');
}

static void open_error(struct buf *body, const char *name, const char *code, const char *message)
{
    buf_printf(body, "\"%s\":{", name);
    put_member(body, "code", code);
    buf_putc(body, ',');
    put_member(body, "message", message);
}

void reply_error(struct server_reply *reply, const struct reply_error *error)
{
    struct buf *body = &reply->body;
    buf_reset(body);
    buf_putc(body, '{');
    open_error(body, "error", error->code, error->message);
    int depth = 1;
    if (error->inner) {
        buf_putc(body, ',');
        open_error(body, "innererror", error->inner, error->inner_message);
        depth++;
    }
    if (error->inner && error->innermost) {
        buf_putc(body, ',');
        open_error(body, "innererror", error->innermost, error->innermost_message);
        depth++;
    }
    if (error->raw_members) {
        buf_putc(body, ',');
        buf_puts(body, error->raw_members);
    }
    for (; depth >= 0; depth--)
        buf_putc(body, '}');
    reply->status = error->status;
    reply->content_type = REPLY_JSON;
}

void reply_bad(struct server_reply *reply, const char *inner, const char *message)
{
    reply_error(reply, &(struct reply_error){
                           .status = 400,
                           .code = "BadArgumentError",
                           .message = "The request had some invalid properties",
                           .inner = inner,
                           .inner_message = message,
                       });
}

void reply_not_found(struct server_reply *reply)
{
    reply_error(reply, &(struct reply_error){
                           .status = 404,
                           .code = "PathNotFoundError",
                           .message = "The requested path does not exist",
                       });
}

void reply_throttled(struct server_reply *reply, const char *message, int64_t retry_after)
{
    reply_error(reply,
                &(struct reply_error){.status = 429, .code = "ThrottledError", .message = message});
    reply->retry_after = retry_after;
}

void reply_unavailable(struct server_reply *reply, int64_t retry_after)
{
    reply_error(reply, &(struct reply_error){
                           .status = 503,
                           .code = "ServiceUnavailable",
                           .message = "The service is temporarily unavailable",
                       });
    reply->retry_after = retry_after;
}

void reply_internal(struct server_reply *reply, const char *message)
{
    reply_error(reply, &(struct reply_error){
                           .status = 500, .code = "InternalServerError", .message = message});
}
