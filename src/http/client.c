/* The loop: it adds what was started, lets curl work, tells what ended, looks at the clock, waits.
 *
 * curl forbids calls on the multi handle from inside its own call-backs. So a request that is started
 * there only joins the list, and the loop gives it to curl in its next turn; on_done is called by the
 * loop itself, when curl is not at work.
 */
#include "http/transfer.h"

#include "base/memory.h"
#include "base/tick.h"
#include "http/library.h"
#include "http/timer.h"

#include <math.h>

enum {
    POLL_MAX_MS = 100,       /* so the stop flag is seen soon */
    LATE_CHECK_NS = 10000000 /* waited between two looks for silent ones */
};
static const double CONNECT_TIMEOUT = 10.0;
static const double STALL_TIMEOUT = 60.0;
static const double SECONDS_MAX = 1e6; /* of one run; more is no limit */
static const double NANOSECONDS = 1e9;

static bool copy_options(struct http_client *client, const struct http_options *options,
                         struct error *err)
{
    const char *agent = options->user_agent ? options->user_agent : "weir/" WEIR_VERSION;
    client->user_agent = mem_copy(agent, strlen(agent), err);
    if (!client->user_agent)
        return false;
    if (options->ca_file) {
        client->ca_file = mem_copy(options->ca_file, strlen(options->ca_file), err);
        if (!client->ca_file)
            return false;
    }
    client->connect_timeout =
        options->connect_timeout > 0 ? options->connect_timeout : CONNECT_TIMEOUT;
    client->stall_timeout = options->stall_timeout > 0 ? options->stall_timeout : STALL_TIMEOUT;
    client->stop = options->stop;
    uint64_t seed = 0;
    if (!random_secret(&seed, sizeof seed, err))
        return false;
    random_seed(&client->random, seed);
    return true;
}

struct http_client *http_new(const struct http_options *options, struct error *err)
{
    if (!http_library_load(err))
        return NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void) error_set(err, ERROR_INTERNAL, "curl cannot be initialised");
        return NULL;
    }
    struct http_client *client = mem_alloc(1, sizeof *client, err);
    if (!client) {
        curl_global_cleanup();
        return NULL;
    }
    client->multi = curl_multi_init();
    if (!client->multi)
        (void) error_set(err, ERROR_MEMORY, "no memory for a network client");
    if (client->multi && sockets_init(&client->sockets, client->multi, err) &&
        copy_options(client, options, err))
        return client;
    http_free(client);
    return NULL;
}

/* Lists ------------------------------------------------------------------------------------------- */

static void join(struct transfers *list, struct transfer *t)
{
    t->list = list;
    t->next = NULL;
    t->before = list->last;
    *(list->last ? &list->last->next : &list->first) = t;
    list->last = t;
}

static void leave(struct transfer *t)
{
    struct transfers *list = t->list;
    *(t->before ? &t->before->next : &list->first) = t->next;
    *(t->next ? &t->next->before : &list->last) = t->before;
    t->next = t->before = NULL;
    t->list = NULL;
}

/* Takes the transfer out of its list and out of curl. */
static void detach(struct http_client *client, struct transfer *t)
{
    if (t->list == &client->running)
        (void) curl_multi_remove_handle(client->multi, t->easy);
    leave(t);
    client->count--;
}

static void drop_list(struct http_client *client, struct transfers *list, const void *context,
                      bool all)
{
    struct transfer *next = NULL;
    for (struct transfer *t = list->first; t; t = next) {
        next = t->next;
        if (!all && t->context != context)
            continue;
        detach(client, t);
        transfer_done(t);
    }
}

void http_free(struct http_client *client)
{
    if (!client)
        return;
    drop_list(client, &client->fresh, NULL, true);
    drop_list(client, &client->running, NULL, true);
    for (struct transfer *t = client->idle, *next = NULL; t; t = next) {
        next = t->next;
        transfer_free(t);
    }
    if (client->multi)
        (void) curl_multi_cleanup(client->multi);
    mem_free(client->user_agent);
    mem_free(client->ca_file);
    mem_free(client);
    curl_global_cleanup();
}

bool http_start(struct http_client *client, const struct http_request *request, struct error *err)
{
    if (client->count >= HTTP_ACTIVE_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d requests at once", HTTP_ACTIVE_MAX);
    struct transfer *t = transfer_new(client, request, err);
    if (!t)
        return false;
    join(&client->fresh, t);
    client->count++;
    return true;
}

void http_cancel(struct http_client *client, const void *context)
{
    drop_list(client, &client->fresh, context, false);
    drop_list(client, &client->running, context, false);
}

/* One turn of the loop --------------------------------------------------------------------------- */

static bool add_started(struct http_client *client, struct error *err)
{
    while (client->fresh.first) {
        struct transfer *t = client->fresh.first;
        CURLMcode code = curl_multi_add_handle(client->multi, t->easy);
        if (code != CURLM_OK)
            return error_set(err, ERROR_INTERNAL, "the network loop refuses a request: %s",
                             curl_multi_strerror(code));
        leave(t);
        join(&client->running, t);
    }
    return true;
}

static void end(struct http_client *client, struct transfer *t, CURLcode code)
{
    if (transfer_connects_again(t, code)) {
        (void) curl_multi_remove_handle(client->multi, t->easy);
        leave(t);
        join(&client->fresh, t);
        return;
    }
    detach(client, t);
    transfer_finish(t, code);
    transfer_done(t);
}

static void end_what_is_done(struct http_client *client)
{
    int left = 0;
    for (;;) {
        CURLMsg *message = curl_multi_info_read(client->multi, &left);
        if (!message)
            return;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        char *context = NULL;
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context) != CURLE_OK)
            continue;
        end(client, (struct transfer *) (void *) context, code);
    }
}

static struct transfer *find_late(const struct http_client *client)
{
    for (struct transfer *t = client->running.first; t; t = t->next)
        if (transfer_is_late(t))
            return t;
    return NULL;
}

static void end_what_is_late(struct http_client *client)
{
    if (client->waited - client->checked < LATE_CHECK_NS)
        return;
    client->checked = client->waited;
    /* Searched anew each time: a call-back may start and cancel others. */
    for (struct transfer *t = find_late(client); t; t = find_late(client))
        end(client, t, CURLE_OPERATION_TIMEDOUT);
}

static bool turn(struct http_client *client, struct error *err)
{
    if (!add_started(client, err) || !sockets_act(&client->sockets, err))
        return false;
    end_what_is_done(client);
    end_what_is_late(client);
    timers_call(client);
    return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Waits for the network, at most until `deadline` and at most POLL_MAX_MS. A wait that took longer than it
 * was asked for is no silence of the other side: we were stopped, or the machine slept. */
static bool wait(struct http_client *client, uint64_t deadline, struct error *err)
{
    uint64_t before = clock_ns(), until = earlier(deadline, timers_due(client));
    until = earlier(until, client->sockets.due);
    double left = before < until ? ceil((double) (until - before) / 1e6) : 0;
    int ms = left < POLL_MAX_MS ? (int) left : POLL_MAX_MS;
    bool ok = sockets_wait(&client->sockets, ms, err);
    uint64_t took = clock_ns() - before, asked = (uint64_t) ms * 1000000;
    client->waited += took < asked ? took : asked;
    return ok;
}

static bool interrupted(const struct http_client *client, struct error *err)
{
    return stop_asked(client->stop) != 0 && clock_ns() >= client->grace &&
           !error_set(err, ERROR_INTERRUPTED, "interrupted");
}

static bool run_until(struct http_client *client, uint64_t deadline, bool pause, struct error *err)
{
    for (;;) {
        if (interrupted(client, err) || !turn(client, err))
            return false;
        if (client->woken || (client->count == 0 && !pause) || clock_ns() >= deadline)
            return true;
        if (!client->fresh.first && !wait(client, deadline, err))
            return false;
    }
}

static uint64_t after(double seconds)
{
    bool limited = seconds >= 0 && seconds < SECONDS_MAX;
    return limited ? clock_ns() + (uint64_t) (seconds * NANOSECONDS) : UINT64_MAX;
}

static bool run(struct http_client *client, double seconds, bool pause, struct error *err)
{
    if (client->inside)
        return error_set(err, ERROR_INTERNAL,
                         "the network loop was run from a call-back of its own");
    uint64_t deadline = after(seconds);
    client->inside = true;
    bool ok = run_until(client, deadline, pause, err);
    client->inside = false;
    client->woken = false;
    return ok;
}

bool http_run(struct http_client *client, double seconds, struct error *err)
{
    return run(client, seconds, false, err);
}

bool http_pause(struct http_client *client, double seconds, struct error *err)
{
    return run(client, seconds, true, err);
}

void http_grace(struct http_client *client, double seconds)
{
    client->grace = after(seconds);
}

void http_wake(struct http_client *client)
{
    client->woken = true;
}

size_t http_active(const struct http_client *client)
{
    return client->count;
}
