/* Requests: the headers and the body of a query (docs/service.md 1.2). */
#include "workspace/intern.h"

#include "base/memory.h"

enum { BODY_MAX = 8 * WORKSPACE_KQL_MAX, PREFER_MAX = 128, ID_HEADER_MAX = 96 };

void request_texts_release(struct request_texts *texts)
{
    if (texts->authorization.bytes)
        mem_wipe(texts->authorization.bytes, texts->authorization.room);
    buf_release(&texts->authorization);
    buf_release(&texts->prefer);
    buf_release(&texts->id);
}

bool request_make(struct workspace *w, const struct workspace_query *asked,
                  struct http_request *out, struct request_texts *texts, struct error *err)
{
    char guid[GUID_TEXT];
    unsigned wait = asked && asked->wait > 0 ? asked->wait : w->wait;
    buf_init(&texts->authorization, AZURE_HEADER_MAX);
    buf_init(&texts->prefer, PREFER_MAX);
    buf_init(&texts->id, ID_HEADER_MAX);
    if (!random_guid(guid, err) ||
        !azure_credential_header(w->credential, buf_text(&w->audience), &texts->authorization, err))
        return false;
    buf_printf(&texts->prefer, "Prefer: wait=%u%s%s", wait,
               asked && asked->statistics ? ",include-statistics=true" : "",
               asked && asked->permissions ? ",include-permissions=true" : "");
    buf_printf(&texts->id, "x-ms-client-request-id: %s", guid);
    *out = (struct http_request){
        .method = "POST",
        .url = buf_text(&w->query_url),
        .headers = {buf_text(&texts->authorization), "Content-Type: application/json",
                    "Accept: application/json", "Cache-Control: no-cache", buf_text(&texts->prefer),
                    buf_text(&texts->id)},
        .stall_timeout = w->stall_timeout,
        .first_byte_timeout =
            w->answer_timeout > 0 ? w->answer_timeout : (double) wait + WORKSPACE_QUEUE_WAIT,
    };
    return buf_ok(&texts->prefer, "a header", err) && buf_ok(&texts->id, "a header", err);
}

bool request_put_body(const struct workspace *w, const struct workspace_query *query,
                      struct buf *out, struct error *err)
{
    struct str kql = query->kql;
    if (kql.n > WORKSPACE_KQL_MAX)
        return error_set(err, ERROR_LIMIT, "a query is longer than %d bytes", WORKSPACE_KQL_MAX);
    buf_init(out, BODY_MAX);
    buf_puts(out, "{\"query\":\"");
    if (w->tag[0]) {
        buf_puts(out, "// ");
        text_put_json(out, str_of(w->tag));
        buf_puts(out, "\\n");
    }
    text_put_json(out, kql);
    if (query->timespan && !query->search) {
        buf_puts(out, "\",\"timespan\":\"");
        text_put_json(out, str_of(query->timespan));
    }
    buf_puts(out, "\"}");
    return buf_ok(out, "a query", err);
}

bool request_put_search_url(const struct workspace *w, const char *timespan, struct buf *out,
                            struct error *err)
{
    buf_init(out, WORKSPACE_URL_MAX);
    buf_put_str(out, buf_str(&w->search_url));
    if (timespan) {
        buf_puts(out, "?timespan=");
        http_put_encoded(out, str_of(timespan));
    }
    return buf_ok(out, "the address of a search", err);
}
