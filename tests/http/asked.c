/* One request to a scripted server; see asked.h. */
#include "asked.h"

#include <stdlib.h>
#include <unistd.h>

bool asked_take(void *context, const char *bytes, size_t n, struct error *err)
{
    struct seen *seen = context;
    buf_put(&seen->body, bytes, n);
    if (seen->nap_ms)
        usleep(seen->nap_ms * 1000);
    if (seen->fail_after && seen->body.used >= seen->fail_after)
        return error_set(err, ERROR_FORMAT, "not what I want");
    return true;
}

void asked_note(void *context, const struct http_response *response)
{
    struct seen *seen = context;
    seen->done++;
    seen->response = *response;
    seen->error = *response->error;
    buf_put_str(&seen->refused, response->body);
    if (seen->then) {
        struct http_request next = {
            .url = seen->then, .on_body = asked_take, .on_done = asked_note, .context = seen};
        seen->then = NULL;
        assert_true(http_start(seen->client, &next, NULL));
    }
}

int asked_set_up(void **state)
{
    struct asked *f = calloc(1, sizeof *f);
    struct error err = ERROR_INIT;
    f->server = server_new(NULL);
    f->client = http_new(&(struct http_options){.stall_timeout = 0.4, .stop = &f->stop}, &err);
    assert_non_null(f->client);
    buf_init(&f->seen.body, 1 << 26);
    buf_init(&f->seen.refused, 1 << 20);
    f->seen.client = f->client;
    *state = f;
    return 0;
}

int asked_tear_down(void **state)
{
    struct asked *f = *state;
    http_free(f->client);
    server_free(f->server);
    buf_release(&f->seen.body);
    buf_release(&f->seen.refused);
    free(f);
    return 0;
}

void asked_start(struct asked *f, const char *path)
{
    struct error err = ERROR_INIT;
    struct http_request request = {.url = server_url(f->server, path),
                                   .on_body = asked_take,
                                   .on_done = asked_note,
                                   .context = &f->seen,
                                   .first_byte_timeout = 0.8};
    assert_true(http_start(f->client, &request, &err));
}

void asked_get(struct asked *f, const struct server_answer *answer)
{
    struct error err = ERROR_INIT;
    server_answer(f->server, answer);
    asked_start(f, "/");
    assert_true(http_run(f->client, -1, &err));
    assert_int_equal(f->seen.done, 1);
    assert_int_equal(http_active(f->client), 0);
}
