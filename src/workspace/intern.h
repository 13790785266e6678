/* The workspace's own parts: see workspace.h. */
#ifndef WEIR_WORKSPACE_INTERN_H
#define WEIR_WORKSPACE_INTERN_H

#include "azure/resource.h"
#include "workspace/patience.h"
#include "workspace/verdict.h"

enum { WORKSPACE_URL_MAX = 2048, WORKSPACE_ID_MAX = 64 };

/* Lanes of the pace. */
enum { LANE_QUERY, LANE_SEARCH };

struct query;

struct workspace {
    struct http_client *http;
    struct azure_credential *credential;
    struct buf query_url, search_url, metadata_url, audience;
    struct buf management, management_audience, resource_id; /* empty: not given */
    char tag[WORKSPACE_TAG_MAX];
    char id[WORKSPACE_ID_MAX];
    unsigned wait;
    double stall_timeout, answer_timeout;
    struct http_pace pace;
    struct patience patience;
    struct random random;
    struct query *queued, *active, *ended; /* oldest first */
    size_t queued_count;
    unsigned generation; /* of the token: one refusal by several queries renews it once */
    bool reached;        /* an answer came from there, at least once */
    bool accepted;       /* a token of ours was good there, at least once */
    bool woken, inside;
    struct workspace_load load;
};

/* Sends nothing: fills a request for the workspace with its headers, whose texts stand in `texts` (wiped
 * and released by request_texts_release once the request is started). */
struct request_texts {
    struct buf authorization, prefer, id;
};
/* `asked` says what is preferred; NULL: nothing but the wait. */
bool request_make(struct workspace *workspace, const struct workspace_query *asked,
                  struct http_request *out, struct request_texts *texts, struct error *err);
void request_texts_release(struct request_texts *texts);

/* {"query":"// tag\nKQL","timespan":"…"}; where a search goes, which has its timespan there. */
bool request_put_body(const struct workspace *workspace, const struct workspace_query *query,
                      struct buf *out, struct error *err);
bool request_put_search_url(const struct workspace *workspace, const char *timespan,
                            struct buf *out, struct error *err);

/* One ask as workspace_ask_all does it, and the `permissions` beside its answer (empty: not told). */
bool ask_permissions(struct workspace *workspace, struct workspace_ask_one *one,
                     struct buf *permissions, struct error *err);

#endif
