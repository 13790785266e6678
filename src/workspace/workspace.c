/* Workspaces: the queue of queries and the loop that plays it.
 *
 *     queued --start--> active --answer--> ended --done()--> gone
 *        ^                         |
 *        +------ token refused ----+
 *
 * 1. A query is in exactly one of the three lists until its `done` is called, once.
 * 2. The network loop only moves a query from active to ended; `done` is called by workspace_run itself,
 *    when the network loop does not run, so it may start queries and ask for tokens.
 */
#include "workspace/workspace.h"

#include "base/memory.h"
#include "base/tick.h"
#include "workspace/intern.h"

static const double NANOSECONDS = 1e9;

struct query {
    struct query *next;
    struct workspace *workspace;  /* lent */
    struct workspace_query asked; /* its kql and timespan are not valid any more */
    struct buf body, url;         /* url: of a search; else empty */
    struct response *response;
    uint64_t began;
    unsigned generation;
    unsigned renewals; /* of the token, for this query */
    struct workspace_result result;
};

/* Lists ------------------------------------------------------------------------------------------ */

static void append(struct query **list, struct query *q)
{
    while (*list)
        list = &(*list)->next;
    q->next = NULL;
    *list = q;
}

static void detach(struct query **list, struct query *q)
{
    while (*list && *list != q)
        list = &(*list)->next;
    if (*list)
        *list = q->next;
    q->next = NULL;
}

static void free_query(struct query *q)
{
    buf_release(&q->body);
    buf_release(&q->url);
    response_free(q->response);
    mem_free(q);
}

/* A new one -------------------------------------------------------------------------------------- */

static bool put_urls(struct workspace *w, const struct workspace_options *options,
                     struct error *err)
{
    struct str endpoint = str_of(options->endpoint);
    while (endpoint.n > 0 && endpoint.p[endpoint.n - 1] == '/')
        endpoint.n--;
    buf_put_str(&w->query_url, endpoint);
    buf_printf(&w->query_url, "/v1/workspaces/%s/query", options->id);
    buf_put_str(&w->search_url, endpoint);
    buf_printf(&w->search_url, "/v1/workspaces/%s/search", options->id);
    buf_put_str(&w->metadata_url, endpoint);
    buf_printf(&w->metadata_url, "/v1/workspaces/%s/metadata", options->id);
    buf_puts(&w->audience, options->audience);
    return buf_ok(&w->query_url, "the endpoint", err) &&
           buf_ok(&w->search_url, "the endpoint", err) &&
           buf_ok(&w->metadata_url, "the endpoint", err) &&
           buf_ok(&w->audience, "the audience", err);
}

static void put_text(struct buf *to, const char *text)
{
    if (text)
        buf_puts(to, text);
}

static bool put_management(struct workspace *w, const struct workspace_options *options,
                           struct error *err)
{
    struct str id = str_of(options->resource_id);
    while (id.n > 0 && id.p[id.n - 1] == '/')
        id.n--;
    if (id.n > 0)
        buf_put_str(&w->resource_id, id);
    put_text(&w->management, options->management);
    put_text(&w->management_audience, options->management_audience);
    return buf_ok(&w->management, "the management endpoint", err) &&
           buf_ok(&w->management_audience, "the management audience", err) &&
           buf_ok(&w->resource_id, "the workspace's resource id", err);
}

static bool check_id(const char *id, struct error *err)
{
    if (id && (text_is_guid(str_of(id)) || strcmp(id, "DEMO_WORKSPACE") == 0))
        return true;
    (void) error_set(err, ERROR_SETTINGS, "the workspace id '%s' is not a GUID", id ? id : "");
    return error_hint(err, "the portal shows it as 'Workspace ID' on the workspace's overview");
}

/* The tag becomes a line of comment: it must stay one line. */
static bool check_tag(const char *tag, struct error *err)
{
    size_t n = tag ? strlen(tag) : 0;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char) tag[i] < ' ')
            return error_set(err, ERROR_INTERNAL, "a tag of more than one line");
    return n < WORKSPACE_TAG_MAX || error_set(err, ERROR_INTERNAL, "a tag that is too long");
}

static bool check(const struct workspace_options *options, struct error *err)
{
    if (!options->endpoint || !options->audience)
        return error_set(err, ERROR_SETTINGS, "the workspace's endpoint or audience is not given");
    if (options->wait > WORKSPACE_WAIT_MAX)
        return error_set(err, ERROR_SETTINGS, "a query may take %d s in the workspace, not %u s",
                         WORKSPACE_WAIT_MAX, options->wait);
    if (options->concurrent > WORKSPACE_CONCURRENT_MAX)
        return error_set(err, ERROR_SETTINGS, "at most %d queries at once, not %u",
                         WORKSPACE_CONCURRENT_MAX, options->concurrent);
    return check_id(options->id, err) && check_tag(options->tag, err);
}

static unsigned or_else(unsigned value, unsigned otherwise)
{
    return value > 0 ? value : otherwise;
}

static bool fill(struct workspace *w, const struct workspace_options *options, struct error *err)
{
    uint64_t seed;
    unsigned concurrent = or_else(options->concurrent, WORKSPACE_CONCURRENT);
    w->http = options->http;
    w->credential = options->credential;
    w->wait = or_else(options->wait, WORKSPACE_WAIT);
    w->stall_timeout = options->stall_timeout;
    w->answer_timeout = options->answer_timeout;
    memcpy(w->id, options->id, strlen(options->id) + 1);
    if (options->tag)
        memcpy(w->tag, options->tag, strlen(options->tag) + 1);
    if (!random_secret(&seed, sizeof seed, err))
        return false;
    random_seed(&w->random, seed);
    unsigned lanes[HTTP_PACE_LANES] = {[LANE_QUERY] = concurrent,
                                       [LANE_SEARCH] = concurrent < WORKSPACE_SEARCH_CONCURRENT
                                                           ? concurrent
                                                           : WORKSPACE_SEARCH_CONCURRENT};
    return http_pace_init(&w->pace, lanes, or_else(options->rate, WORKSPACE_RATE),
                          or_else(options->rate_window, WORKSPACE_RATE_WINDOW), err) &&
           put_urls(w, options, err) && put_management(w, options, err);
}

struct workspace *workspace_new(const struct workspace_options *options, struct error *err)
{
    if (!check(options, err))
        return NULL;
    struct workspace *w = mem_alloc(1, sizeof *w, err);
    if (!w)
        return NULL;
    buf_init(&w->query_url, WORKSPACE_URL_MAX);
    buf_init(&w->search_url, WORKSPACE_URL_MAX);
    buf_init(&w->metadata_url, WORKSPACE_URL_MAX);
    buf_init(&w->audience, WORKSPACE_URL_MAX);
    buf_init(&w->management, WORKSPACE_URL_MAX);
    buf_init(&w->management_audience, WORKSPACE_URL_MAX);
    buf_init(&w->resource_id, WORKSPACE_URL_MAX);
    if (fill(w, options, err))
        return w;
    workspace_free(w);
    return NULL;
}

static void free_list(struct workspace *w, struct query **list)
{
    while (*list) {
        struct query *q = *list;
        *list = q->next;
        http_cancel(w->http, q);
        free_query(q);
    }
}

void workspace_free(struct workspace *w)
{
    if (!w)
        return;
    free_list(w, &w->queued);
    free_list(w, &w->active);
    free_list(w, &w->ended);
    http_pace_release(&w->pace);
    buf_release(&w->query_url);
    buf_release(&w->search_url);
    buf_release(&w->metadata_url);
    buf_release(&w->audience);
    buf_release(&w->management);
    buf_release(&w->management_audience);
    buf_release(&w->resource_id);
    mem_free(w);
}

bool workspace_start(struct workspace *w, const struct workspace_query *query, struct error *err)
{
    if (w->queued_count >= WORKSPACE_QUEUE_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d queries wait", WORKSPACE_QUEUE_MAX);
    if (query->wait > WORKSPACE_WAIT_MAX)
        return error_set(err, ERROR_SETTINGS, "a query may take %d s in the workspace, not %u s",
                         WORKSPACE_WAIT_MAX, query->wait);
    struct query *q = mem_alloc(1, sizeof *q, err);
    if (!q)
        return false;
    q->workspace = w;
    q->asked = *query;
    q->asked.kql = (struct str){NULL, 0};
    q->asked.timespan = NULL;
    q->result.counted = UINT64_MAX;
    if (!request_put_body(w, query, &q->body, err) ||
        (query->search && !request_put_search_url(w, query->timespan, &q->url, err))) {
        free_query(q);
        return false;
    }
    append(&w->queued, q);
    w->queued_count++;
    return true;
}

/* From queued to active, to ended ---------------------------------------------------------------- */

static unsigned lane_of(const struct query *q)
{
    return q->asked.search ? LANE_SEARCH : LANE_QUERY;
}

static void end_query(struct query *q, const struct verdict *verdict)
{
    q->result.outcome = verdict->outcome;
    q->result.error = verdict->error;
    q->result.ceiling = verdict->ceiling;
    q->result.limit = verdict->limit;
    q->result.retry_after = -1;
    append(&q->workspace->ended, q);
}

static bool on_body(void *context, const char *bytes, size_t n, struct error *err)
{
    struct query *q = context;
    return response_feed(q->response, bytes, n, err);
}

/* Back to the head of the queue, for a try with a new token: at once, and then after pauses that grow, since an authority
 * or a gateway may be out of step for a while. */
static void try_again_with_token(struct query *q)
{
    struct workspace *w = q->workspace;
    if (q->renewals > 0) {
        double pause = http_backoff((int) q->renewals, -1, &w->random);
        uint64_t until = clock_ns() + (uint64_t) (pause * NANOSECONDS);
        w->pace.blocked_until = until > w->pace.blocked_until ? until : w->pace.blocked_until;
    }
    if (q->generation == w->generation) {
        azure_credential_refused(w->credential, buf_text(&w->audience));
        w->generation++;
    }
    response_free(q->response);
    q->response = NULL;
    q->renewals++;
    q->next = w->queued;
    w->queued = q;
    w->queued_count++;
    w->load.retried++;
}

/* What one query meets, all take to heart. */
static void learn(struct workspace *w, const struct query *q, const struct verdict *verdict,
                  const struct http_response *http, uint64_t now)
{
    struct patience_refusal refusal = {.lane = lane_of(q),
                                       .queue = verdict->queue,
                                       .began = q->began,
                                       .retry_after = http->retry_after};
    if (verdict->outcome == WORKSPACE_THROTTLED) {
        uint64_t before = w->pace.blocked_until > now ? w->pace.blocked_until : now;
        w->load.throttled++;
        patience_throttled(&w->patience, &w->pace, &refusal, now, &w->random);
        if (w->pace.blocked_until > before)
            w->load.waited += (double) (w->pace.blocked_until - before) / NANOSECONDS;
    } else if (verdict->outcome == WORKSPACE_TIMEOUT) {
        patience_timed_out(&w->patience, &w->pace, refusal.lane, q->began, now);
    } else if (http->status != 0) {
        patience_answered(&w->patience, &w->pace, refusal.lane, now);
    }
}

static void on_done(void *context, const struct http_response *http)
{
    struct query *q = context;
    struct workspace *w = q->workspace;
    struct verdict verdict;
    detach(&w->active, q);
    http_pace_ended(&w->pace, lane_of(q));
    verdict_of(http, q->response, w->reached, &verdict);
    w->reached = w->reached || http->status != 0;
    w->load.bytes += http->bytes;
    q->result.rows = response_rows(q->response);
    q->result.bytes = http->bytes;
    q->result.seconds = http->seconds;
    q->result.age = http->age > 0 ? http->age : 0;
    q->result.counted = response_counted(q->response);
    q->result.permissions = response_permissions(q->response);
    w->load.stale += q->result.age > 0;
    uint64_t now = clock_ns();
    learn(w, q, &verdict, http, now);
    w->accepted = w->accepted || verdict.outcome == WORKSPACE_OK;
    unsigned renewals = w->accepted ? WORKSPACE_TOKEN_RENEWALS_LATER : WORKSPACE_TOKEN_RENEWALS;
    if (verdict.token && q->renewals < renewals) {
        try_again_with_token(q);
    } else {
        end_query(q, &verdict);
        if (verdict.outcome == WORKSPACE_THROTTLED && w->pace.blocked_until > now)
            q->result.retry_after = (double) (w->pace.blocked_until - now) / NANOSECONDS;
    }
    http_wake(w->http);
}

static bool send_query(struct query *q, struct error *err)
{
    struct workspace *w = q->workspace;
    struct http_request request;
    struct request_texts texts;
    struct response_options options = {.keep_empty = q->asked.keep_empty,
                                       .columns = q->asked.columns,
                                       .row = q->asked.row,
                                       .context = q->asked.context};
    bool ok = request_make(w, &q->asked, &request, &texts, err);
    q->generation = w->generation;
    q->response = ok ? response_new(&options, err) : NULL;
    if (q->response) {
        if (q->asked.search)
            request.url = buf_text(&q->url);
        request.body = buf_str(&q->body);
        request.on_body = on_body;
        request.on_done = on_done;
        request.context = q;
        ok = http_start(w->http, &request, err);
    }
    request_texts_release(&texts);
    return ok && q->response;
}

/* Starts a queued query. False: interrupted; another failure ends the query alone. */
static bool start_one(struct workspace *w, struct query *q, struct error *err)
{
    struct error why = ERROR_INIT;
    detach(&w->queued, q);
    w->queued_count--;
    append(&w->active, q);
    if (send_query(q, &why)) {
        q->began = clock_ns();
        http_pace_started(&w->pace, lane_of(q), q->began);
        w->load.queries++;
        return true;
    }
    detach(&w->active, q);
    struct verdict verdict;
    verdict_of_error(&why, w->reached, &verdict);
    end_query(q, &verdict);
    return verdict.outcome != WORKSPACE_STOPPED ||
           error_set(err, ERROR_INTERRUPTED, "%s", why.message);
}

/* The oldest query of a lane. */
static struct query *first_of(const struct workspace *w, unsigned lane)
{
    struct query *q = w->queued;
    while (q && lane_of(q) != lane)
        q = q->next;
    return q;
}

/* Starts what the pace allows; *wait: nanoseconds until it allows more, UINT64_MAX: not by time alone.
 * A lane that is full does not hold up the other. */
static bool start_queued(struct workspace *w, uint64_t *wait, struct error *err)
{
    *wait = UINT64_MAX;
    for (unsigned lane = 0; lane < HTTP_PACE_LANES; lane++) {
        uint64_t pause = 0;
        struct query *q = first_of(w, lane);
        for (; q; q = first_of(w, lane)) {
            pause = http_pace_wait(&w->pace, lane, clock_ns());
            if (pause > 0)
                break;
            if (!start_one(w, q, err))
                return false;
        }
        if (q && pause < *wait)
            *wait = pause;
    }
    return true;
}

/* Telling ---------------------------------------------------------------------------------------- */

static void tell_ended(struct workspace *w)
{
    while (w->ended) {
        struct query *q = w->ended;
        detach(&w->ended, q);
        if (q->asked.done)
            q->asked.done(q->asked.context, &q->result);
        free_query(q);
    }
}

static void stop_list(struct workspace *w, struct query **list, const struct verdict *verdict)
{
    while (*list) {
        struct query *q = *list;
        http_cancel(w->http, q);
        detach(list, q);
        end_query(q, verdict);
    }
}

/* Everything is told that it was stopped. What a `done` starts now waits for the next run. */
static void stop_all(struct workspace *w, const struct error *err)
{
    struct verdict verdict = {.outcome = WORKSPACE_STOPPED, .error = *err};
    for (unsigned lane = 0; lane < HTTP_PACE_LANES; lane++)
        w->pace.lanes[lane].running = 0;
    w->queued_count = 0;
    stop_list(w, &w->active, &verdict);
    stop_list(w, &w->queued, &verdict);
    tell_ended(w);
}

/* The loop --------------------------------------------------------------------------------------- */

static double seconds_to_wait(uint64_t wait, uint64_t deadline)
{
    uint64_t now = clock_ns(), left = deadline > now ? deadline - now : 0;
    uint64_t least = wait < left ? wait : left;
    return least == UINT64_MAX ? -1 : (double) least / NANOSECONDS;
}

static bool run_until(struct workspace *w, uint64_t deadline, bool pause, struct error *err)
{
    for (;;) {
        uint64_t wait;
        bool ok = start_queued(w, &wait, err);
        bool news = w->ended != NULL;
        tell_ended(w);
        if (!ok)
            return false;
        if ((w->woken && !pause) || clock_ns() >= deadline || (!w->queued && !w->active && !pause))
            return true;
        if (news)
            continue; /* a call-back may have queued more */
        double seconds = seconds_to_wait(wait, deadline);
        ok = w->active ? http_run(w->http, seconds, err) : http_pause(w->http, seconds, err);
        if (!ok)
            return false;
    }
}

static bool run(struct workspace *w, double seconds, bool pause, struct error *err)
{
    struct error why = ERROR_INIT;
    if (w->inside)
        return error_set(err, ERROR_INTERNAL, "the workspace was run from a call-back of its own");
    uint64_t deadline = UINT64_MAX;
    if (seconds >= 0)
        deadline = clock_ns() + (uint64_t) (seconds * NANOSECONDS);
    w->inside = true;
    bool ok = run_until(w, deadline, pause, &why);
    if (!ok)
        stop_all(w, &why);
    w->inside = false;
    w->woken = false;
    if (!ok && err && err->code == ERROR_NONE)
        *err = why;
    return ok;
}

bool workspace_run(struct workspace *w, double seconds, struct error *err)
{
    return run(w, seconds, false, err);
}

bool workspace_pause(struct workspace *w, double seconds, struct error *err)
{
    return run(w, seconds, true, err);
}

void workspace_wake(struct workspace *w)
{
    w->woken = true;
    http_wake(w->http);
}

void workspace_load(const struct workspace *w, struct workspace_load *out)
{
    uint64_t now = clock_ns();
    *out = w->load;
    out->running = w->pace.lanes[LANE_QUERY].running + w->pace.lanes[LANE_SEARCH].running;
    out->queued = (unsigned) w->queued_count;
    out->concurrent = w->pace.lanes[LANE_QUERY].now;
    out->blocked =
        w->pace.blocked_until > now ? (double) (w->pace.blocked_until - now) / NANOSECONDS : 0;
}
