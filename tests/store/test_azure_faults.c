/* Whatever request fails, and however: what was promised holds, and nothing is written twice or lost. */
#include "base/memory.h"
#include "http/http.h"
#include "store/azure/azure.h"
#include "store/store.h"

#include "blobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SMALL = 6, SINGLE = 100000, LARGE = SINGLE + 1000, NTH_MAX = 200 };

struct fixture {
    struct blobs *blobs;
    struct http_client *http;
    struct store *store;
    struct error err;
    struct buf text;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.blobs = blobs_new()};
    buf_init(&f->text, 64 << 20);
    (void) setenv("WEIR_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    f->http = http_new(&(struct http_options){0}, &f->err);
    f->store = store_open_with(&(struct store_options){.address = blobs_url(f->blobs, ""),
                                                       .http = f->http,
                                                       .key = "env:WEIR_TEST_KEY"},
                               &f->err);
    assert_non_null(f->store);
    az_of(f->store)->single = SINGLE;
    az_of(f->store)->engine.hurry = 20;
}

static void finish(struct fixture *f)
{
    store_free(f->store);
    http_free(f->http);
    assert_true(blobs_proper(f->blobs));
    blobs_free(f->blobs);
    buf_release(&f->text);
}

static void queue(struct fixture *f, const char *name, struct str bytes)
{
    struct store_writer *writer = store_writer_new(f->store, name, &f->err);
    if (!writer || !store_writer_add(writer, bytes.p, bytes.n, &f->err) ||
        !store_writer_commit(writer, 0, NULL, &f->err))
        fail_msg("%s: %s", name, f->err.message);
}

static bool count_blob(void *context, const struct store_blob *blob, struct error *err)
{
    (void) blob;
    (void) err;
    ++*(size_t *) context;
    return true;
}

/* A small run: a lock, rows new and replaced, a large blob, the ledger's segment, reading, deleting. */
static void run(struct fixture *f, const char *large)
{
    char name[32];
    size_t count = 0, index;
    struct str piece;
    struct buf segment = BUF_INIT(10);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    if (!lock)
        fail_msg("lock: %s", f->err.message);
    for (int i = 0; i < SMALL; i++) {
        (void) snprintf(name, sizeof name, "am-x/%d", i);
        queue(f, name, str_of(name));
    }
    queue(f, "am-x/large", (struct str){large, LARGE});
    buf_puts(&segment, "line\n");
    if (!store_follow(f->store, "weir/1", &segment, &f->err) ||
        store_follow_ask(f->store, true, &f->err) != STORE_FOLLOW_DONE)
        fail_msg("follow: %s", f->err.message);
    if (!store_list(f->store, "am-x", count_blob, &count, &f->err))
        fail_msg("list: %s", f->err.message);
    assert_int_equal(count, SMALL + 1);
    if (!store_get(f->store, "am-x/large", &f->text, &f->err))
        fail_msg("get: %s", f->err.message);
    assert_int_equal(f->text.used, LARGE);
    assert_memory_equal(f->text.bytes, large, LARGE);
    const struct store_wanted wanted[] = {{"am-x/0", 6}, {"am-x/1", 6}};
    struct store_ahead *ahead = store_ahead_new(f->store, wanted, 2, &f->err);
    for (index = 0; index < 2;)
        if (!store_ahead_next(ahead, &index, &piece, &f->err))
            fail_msg("ahead: %s", f->err.message);
    store_ahead_free(ahead);
    if (!store_delete(f->store, "am-x/0", &f->err) || !store_sync(f->store, &f->err))
        fail_msg("delete: %s", f->err.message);
    store_lock_free(lock);
}

static void check(struct fixture *f, const char *large)
{
    char name[32];
    for (int i = 1; i < SMALL; i++) {
        (void) snprintf(name, sizeof name, "am-x/%d", i);
        assert_true(blobs_get(f->blobs, name, &f->text, NULL));
        assert_string_equal(buf_text(&f->text), name);
    }
    assert_true(blobs_get(f->blobs, "am-x/large", &f->text, NULL));
    assert_int_equal(f->text.used, LARGE);
    assert_memory_equal(f->text.bytes, large, LARGE);
    assert_true(blobs_get(f->blobs, "weir/1", &f->text, NULL));
    assert_string_equal(buf_text(&f->text), "line\n");
    assert_false(blobs_has(f->blobs, "am-x/0"));
}

/* Each request of the run meets the fault in turn; the run that meets none ends it. */
static void every_request_in_turn(const struct blobs_fault *fault)
{
    char *large = malloc(LARGE);
    assert_non_null(large);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char) (i * 31 >> 4);
    unsigned n = 1;
    for (bool struck = true; struck; n++) {
        struct fixture f;
        struct blobs_fault this = *fault;
        assert_true(n < NTH_MAX);
        begin(&f);
        blobs_put(f.blobs, "am-x/2", STR("from an earlier run"), "another");
        blobs_put(f.blobs, "am-x/3", STR("am-x/3"), "another");
        this.at = n;
        blobs_fault(f.blobs, &this);
        run(&f, large);
        struck = blobs_struck(f.blobs);
        check(&f, large);
        finish(&f);
    }
    assert_true(n > 20); /* the run has that many requests at least */
    free(large);
}

static void a_connection_that_is_cut_before_anything_is_done(void **state)
{
    (void) state;
    every_request_in_turn(&(struct blobs_fault){.kind = BLOBS_CUT});
}

static void an_answer_that_is_lost_after_all_is_done(void **state)
{
    (void) state;
    every_request_in_turn(&(struct blobs_fault){.kind = BLOBS_LOST});
}

static void an_answer_that_is_cut_in_its_middle(void **state)
{
    (void) state;
    every_request_in_turn(&(struct blobs_fault){.kind = BLOBS_HALF});
}

static void a_service_in_trouble(void **state)
{
    (void) state;
    every_request_in_turn(
        &(struct blobs_fault){.kind = BLOBS_ANSWER, .status = 500, .code = "InternalError"});
}

static void a_busy_service(void **state)
{
    (void) state;
    every_request_in_turn(&(struct blobs_fault){.kind = BLOBS_ANSWER,
                                                .status = 503,
                                                .code = "ServerBusy",
                                                .times = 2,
                                                .headers = "Retry-After: 0\r\n"});
}

/* Done twice, though its answer was lost twice: the second try finds its own work and knows it. */
static void a_new_blob_whose_answers_are_lost_is_ours(void **state)
{
    (void) state;
    struct fixture f;
    begin(&f);
    blobs_fault(f.blobs,
                &(struct blobs_fault){
                    .match = "PUT /account/weir/1", .at = 1, .times = 1, .kind = BLOBS_LOST});
    assert_true(store_put_new(f.store, "weir/0", STR("first"), &f.err)); /* makes the container */
    assert_true(store_put_new(f.store, "weir/1", STR("line"), &f.err));
    assert_true(blobs_struck(f.blobs));
    assert_int_equal(blobs_count(f.blobs, "PUT /account/weir/1"), 2);
    finish(&f);
}

/* The answer is lost, and somebody else has taken the name meanwhile: not ours, though the bytes are the same. */
static void a_new_blob_of_somebody_else_is_not_ours(void **state)
{
    (void) state;
    struct fixture f;
    begin(&f);
    blobs_fault(f.blobs,
                &(struct blobs_fault){.match = "PUT /account/weir/1", .at = 1, .kind = BLOBS_CUT});
    blobs_put(f.blobs, "weir/1", STR("line"), "another");
    assert_false(store_put_new(f.store, "weir/1", STR("line"), &f.err));
    assert_int_equal(f.err.code, ERROR_EXISTS);
    finish(&f);
}

/* What never comes well ends, with what the service said last. */
static void a_service_that_stays_in_trouble_is_given_up(void **state)
{
    (void) state;
    struct fixture f;
    begin(&f);
    blobs_fault(f.blobs, &(struct blobs_fault){.match = "",
                                               .at = 1,
                                               .times = 100000,
                                               .kind = BLOBS_ANSWER,
                                               .status = 503,
                                               .code = "ServerBusy",
                                               .headers = "Retry-After: 0\r\n"});
    assert_false(store_put(f.store, "am-x/a", STR("1"), &f.err));
    assert_non_null(strstr(f.err.message, "ServerBusy"));
    assert_int_equal(blobs_count(f.blobs, ""), AZ_TRIES_MAX);
    finish(&f);
}

/* A tenth of all requests is lost, at random, in a longer run: nothing is missing and nothing wrong. */
static void many_uploads_over_a_bad_line(void **state)
{
    (void) state;
    enum { MANY = 400 };
    struct fixture f;
    char name[32];
    begin(&f);
    for (int i = 0; i < MANY; i++) {
        (void) snprintf(name, sizeof name, "am-x/%03d", i);
        if (i % 10 == 3)
            blobs_fault(f.blobs,
                        &(struct blobs_fault){.match = "PUT ",
                                              .at = 1,
                                              .times = 3,
                                              .kind = i % 20 == 3 ? BLOBS_LOST : BLOBS_CUT});
        queue(&f, name, str_of(name));
    }
    if (!store_sync(f.store, &f.err))
        fail_msg("%s", f.err.message);
    for (int i = 0; i < MANY; i++) {
        (void) snprintf(name, sizeof name, "am-x/%03d", i);
        assert_true(blobs_get(f.blobs, name, &f.text, NULL));
        assert_string_equal(buf_text(&f.text), name);
    }
    finish(&f);
}

/* Each allocation in turn fails: an error, no crash, no leak (the sanitizers look). */
static void no_memory(void **state)
{
    (void) state;
    struct fixture f;
    char name[32];
    begin(&f);
    unsigned failed = 0;
    for (uint64_t n = 1; n < 40; n++) {
        size_t count = 0;
        struct error err = ERROR_INIT;
        struct buf text = BUF_INIT(1000);
        (void) snprintf(name, sizeof name, "am-x/%d", (int) n);
        mem_fail_at(n);
        bool ok = store_put(f.store, name, STR("bytes"), &err) &&
                  store_list(f.store, "am-x", count_blob, &count, &err) &&
                  store_get(f.store, name, &text, &err) && store_delete(f.store, name, &err);
        mem_fail_at(0);
        failed += !ok;
        buf_release(&text);
        store_free(f.store);
        f.store = store_open_with(&(struct store_options){.address = blobs_url(f.blobs, ""),
                                                          .http = f.http,
                                                          .key = "env:WEIR_TEST_KEY"},
                                  &f.err);
    }
    assert_true(failed > 5);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_is_cut_before_anything_is_done),
        cmocka_unit_test(an_answer_that_is_lost_after_all_is_done),
        cmocka_unit_test(an_answer_that_is_cut_in_its_middle),
        cmocka_unit_test(a_service_in_trouble),
        cmocka_unit_test(a_busy_service),
        cmocka_unit_test(a_new_blob_whose_answers_are_lost_is_ours),
        cmocka_unit_test(a_new_blob_of_somebody_else_is_not_ours),
        cmocka_unit_test(a_service_that_stays_in_trouble_is_given_up),
        cmocka_unit_test(many_uploads_over_a_bad_line),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
