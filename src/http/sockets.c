/* Sockets: see sockets.h. */
#include "http/sockets.h"

#include "base/tick.h"

#include <errno.h>

static const uint64_t MILLISECOND = 1000000; /* in nanoseconds */

/* What curl keeps with a socket is its place in the array, from 1. */
static void *place_of(size_t index)
{
    return (void *) (uintptr_t) (index + 1);
}

static void forget(struct sockets *sockets, size_t index)
{
    struct pollfd last = sockets->fds[--sockets->count];
    if (index == sockets->count)
        return;
    sockets->fds[index] = last;
    (void) curl_multi_assign(sockets->multi, last.fd, place_of(index));
}

static short events_of(int what)
{
    return (short) ((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *kept)
{
    struct sockets *sockets = context;
    size_t index = (size_t) (uintptr_t) kept;
    (void) easy;
    if (what == CURL_POLL_REMOVE) {
        if (index > 0)
            forget(sockets, index - 1);
    } else if (index > 0) {
        sockets->fds[index - 1].events = events_of(what);
    } else if (sockets->count == SOCKETS_MAX) {
        sockets->over = true;
    } else {
        index = sockets->count++;
        sockets->fds[index] = (struct pollfd){.fd = fd, .events = events_of(what)};
        (void) curl_multi_assign(sockets->multi, fd, place_of(index));
    }
    return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *context)
{
    struct sockets *sockets = context;
    (void) multi;
    sockets->due =
        milliseconds < 0 ? UINT64_MAX : clock_ns() + (uint64_t) milliseconds * MILLISECOND;
    return 0;
}

bool sockets_init(struct sockets *sockets, CURLM *multi, struct error *err)
{
    sockets->multi = multi;
    sockets->due = UINT64_MAX;
    if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, sockets) == CURLM_OK)
        return true;
    return error_set(err, ERROR_INTERNAL, "curl refuses a setting");
}

static bool act(struct sockets *sockets, curl_socket_t fd, int events, struct error *err)
{
    int running = 0;
    CURLMcode code = curl_multi_socket_action(sockets->multi, fd, events, &running);
    if (code == CURLM_OK && !sockets->over)
        return true;
    if (sockets->over)
        return error_set(err, ERROR_LIMIT, "more than %d sockets at once", SOCKETS_MAX);
    return error_set(err, ERROR_NETWORK, "the network loop failed: %s", curl_multi_strerror(code));
}

/* An error or an end is read or written: then the system says which it was. */
static int told_of(short events)
{
    int told = 0;
    if (events & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        told |= CURL_CSELECT_IN;
    if (events & (POLLOUT | POLLERR))
        told |= CURL_CSELECT_OUT;
    return told;
}

bool sockets_act(struct sockets *sockets, struct error *err)
{
    for (size_t i = 0; i < sockets->ready_count; i++)
        if (!act(sockets, sockets->ready[i].fd, told_of(sockets->ready[i].revents), err))
            return false;
    sockets->ready_count = 0;
    if (clock_ns() < sockets->due)
        return true;
    sockets->due = UINT64_MAX; /* told anew, unless nothing is left to wait for */
    return act(sockets, CURL_SOCKET_TIMEOUT, 0, err);
}

bool sockets_wait(struct sockets *sockets, int milliseconds, struct error *err)
{
    int ready = poll(sockets->fds, sockets->count, milliseconds);
    if (ready < 0 && errno != EINTR)
        return error_set_errno(err, ERROR_NETWORK, errno, "waiting for the network failed");
    /* Taken out before curl, at work on one, moves the others. */
    for (size_t i = 0; ready > 0 && i < sockets->count; i++)
        if (sockets->fds[i].revents != 0) {
            sockets->ready[sockets->ready_count++] = sockets->fds[i];
            ready--;
        }
    return true;
}
