/* The thread between a store and an engine's threads: bytes whole and in order, no circle of waiting, no store left
 * open. The store is played: it knows what every byte of a blob is, and waits or fails where it is told to. */
#include "query/ahead.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOBS = 90, BIG = 2500000, READERS = 6, PIECE = 300000, ROOM = 100000, LEFT = 7 };

/* --- the played store ----------------------------------------------------------------------------------- */

struct store {
    size_t n;            /* blobs in all */
    uint64_t size[2000]; /* of each */
    size_t gone;         /* this one fails half way; SIZE_MAX: none does */
    bool refuses;        /* no ahead is made */
    atomic_bool holds, inside;
    atomic_size_t open, asked;
};

struct store_ahead {
    struct store *store;
    const struct store_wanted *wanted;
    size_t n, at;
    uint64_t given;
    unsigned step;
    char piece[PIECE];
};

static size_t number_of(const char *name)
{
    return (size_t) strtoul(name + strlen("blob "), NULL, 10);
}

static char byte_of(size_t blob, uint64_t at)
{
    return (char) (blob * 31 + at * 7 + at / 1000);
}

/* One thread at a time. */
static void enter(struct store *store)
{
    if (atomic_exchange(&store->inside, true))
        abort();
    store->asked++;
    while (store->holds)
        (void) sched_yield();
}

static void leave(struct store *store)
{
    store->inside = false;
}

struct store_ahead *store_ahead_new(struct store *store, const struct store_wanted *wanted,
                                    size_t n, struct error *err)
{
    enter(store);
    struct store_ahead *ahead = store->refuses ? NULL : mem_alloc(1, sizeof *ahead, err);
    if (ahead) {
        ahead->store = store;
        ahead->wanted = wanted;
        ahead->n = n;
        store->open++;
    } else {
        (void) error_set(err, ERROR_AUTH, "the store refuses");
        (void) error_hint(err, "give it a role");
    }
    leave(store);
    return ahead;
}

static bool next_piece(struct store_ahead *ahead, struct str *piece, struct error *err)
{
    const struct store_wanted *blob = &ahead->wanted[ahead->at];
    size_t number = number_of(blob->name), n = 1 + ahead->step++ * 77777 % PIECE;
    if (number == ahead->store->gone && ahead->given >= blob->size / 2) {
        (void) error_set(err, ERROR_NOT_FOUND, "%s is gone", blob->name);
        return error_hint(err, "list again");
    }
    if (n > blob->size - ahead->given)
        n = (size_t) (blob->size - ahead->given);
    for (size_t i = 0; i < n; i++)
        ahead->piece[i] = byte_of(number, ahead->given + i);
    *piece = (struct str){ahead->piece, n};
    ahead->given += n;
    if (n == 0) {
        ahead->at++;
        ahead->given = 0;
    }
    return true;
}

bool store_ahead_next(struct store_ahead *ahead, size_t *index, struct str *piece,
                      struct error *err)
{
    enter(ahead->store);
    *index = ahead->at;
    *piece = (struct str){ahead->piece, 0};
    bool ok = ahead->at == ahead->n || next_piece(ahead, piece, err);
    leave(ahead->store);
    return ok;
}

void store_ahead_free(struct store_ahead *ahead)
{
    if (!ahead)
        return;
    struct store *store = ahead->store;
    enter(store);
    store->open--;
    leave(store);
    mem_free(ahead);
}

/* --- what each test has --------------------------------------------------------------------------------- */

struct rig {
    struct store store;
    struct query_io *io;
    struct query_blobs *blobs;
    struct engine_opener opener;
    atomic_size_t next; /* run */
};

static struct query_blobs *list(struct rig *rig)
{
    struct store_wanted *wanted = mem_alloc(rig->store.n, sizeof *wanted, NULL);
    struct buf text = BUF_INIT(1 << 20);
    size_t *at = mem_alloc(rig->store.n, sizeof *at, NULL);
    for (size_t i = 0; i < rig->store.n; i++) {
        at[i] = text.used;
        buf_printf(&text, "blob %zu", i);
        buf_putc(&text, '\0');
    }
    char *names = buf_take(&text);
    for (size_t i = 0; i < rig->store.n; i++)
        wanted[i] = (struct store_wanted){names + at[i], rig->store.size[i]};
    mem_free(at);
    return query_blobs_new(rig->io, wanted, rig->store.n, names, NULL);
}

static struct rig *rig_new(size_t n, uint64_t biggest)
{
    struct rig *rig = mem_alloc(1, sizeof *rig, NULL);
    rig->store.n = n;
    rig->store.gone = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        rig->store.size[i] = i % 3 == 0 ? i % 2 : biggest * i / n;
    rig->io = query_io_new(&rig->store, NULL);
    rig->blobs = list(rig);
    query_blobs_opener(rig->blobs, &rig->opener);
    return rig;
}

static void rig_free(struct rig *rig)
{
    query_blobs_release(rig->blobs);
    query_io_end(rig->io);
    assert_int_equal(rig->store.open, 0);
    mem_free(rig);
}

/* Reads the blob at whose begin the handle stands; false on an error or a wrong byte. */
static bool read_blob(struct rig *rig, void *handle, size_t blob, char *room, struct error *err)
{
    uint64_t at = 0;
    for (size_t got = 1; got > 0; at += got) {
        if (!rig->opener.read(handle, room, 1 + (at * 13 + blob) % ROOM, &got, err))
            return false;
        for (size_t i = 0; i < got; i++)
            if (room[i] != byte_of(blob, at + i))
                return error_set(err, ERROR_FORMAT, "blob %zu: a wrong byte", blob);
    }
    return at == rig->store.size[blob] ||
           error_set(err, ERROR_FORMAT, "blob %zu has a wrong length", blob);
}

static bool read_run(struct rig *rig, size_t first, size_t count, struct error *err)
{
    void *handle;
    char *room = mem_alloc(ROOM, 1, err);
    if (!rig->opener.open(rig->opener.context, first, count, &handle, err)) {
        mem_free(room);
        return false;
    }
    bool ok = true;
    for (size_t i = first; ok && i < first + count; i++)
        ok = read_blob(rig, handle, i, room, err);
    rig->opener.close(handle);
    mem_free(room);
    return ok;
}

/* --- the tests ------------------------------------------------------------------------------------------ */

static void *read_runs(void *context)
{
    struct rig *rig = context;
    struct error err = ERROR_INIT;
    size_t n = rig->store.n;
    for (size_t run; (run = rig->next++) < 2 * n / 5;)
        if (!read_run(rig, run * 5 % n, 5, &err)) {
            fprintf(stderr, "%s\n", err.message);
            return context;
        }
    return NULL;
}

static void every_reader_has_its_bytes_whole(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_runs, rig), 0);
    for (size_t i = 0; i < READERS; i++) {
        void *failed;
        (void) pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    rig_free(rig);
}

static void runs_that_lie_unread_hold_up_nobody(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    struct error err = ERROR_INIT;
    char *room = mem_alloc(ROOM, 1, NULL);
    void *handles[LEFT];
    for (size_t i = 0; i < LEFT; i++)
        assert_true(rig->opener.open(rig->opener.context, 70 + i, 3, &handles[i], &err));
    for (size_t i = LEFT; i-- > 0;)
        for (size_t blob = 70 + i; blob < 73 + i; blob++)
            if (!read_blob(rig, handles[i], blob, room, &err))
                fail_msg("%s", err.message);
    for (size_t i = 0; i < LEFT; i++)
        rig->opener.close(handles[i]);
    mem_free(room);
    rig_free(rig);
}

static void more_ends_than_fit_are_all_told(void **state)
{
    (void) state;
    struct rig *rig = rig_new(2000, 20);
    struct error err = ERROR_INIT;
    if (!read_run(rig, 0, 2000, &err))
        fail_msg("%s", err.message);
    rig_free(rig);
}

static void an_error_comes_behind_the_bytes_before_it_and_keeps_its_hint(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    struct error err = ERROR_INIT, told = ERROR_INIT, other = ERROR_INIT;
    rig->store.gone = 80;
    assert_true(read_run(rig, 70, 10, &err));
    assert_false(read_run(rig, 79, 2, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "blob 80 is gone");
    /* As an engine hands it on: without the hint. */
    struct error bare = ERROR_INIT;
    (void) error_set(&bare, err.code, "%s", err.message);
    assert_false(query_io_error(rig->io, &bare, &told));
    assert_string_equal(told.hint, "list again");
    (void) error_set(&other, ERROR_FORMAT, "something else");
    error_clear(&told);
    assert_false(query_io_error(rig->io, &other, &told));
    assert_string_equal(told.message, "something else");
    assert_string_equal(told.hint, "");
    error_clear(&told);
    assert_false(query_io_error(NULL, &other, &told));
    assert_string_equal(told.message, "something else");
    rig_free(rig);
}

static void a_store_that_refuses_is_told_to_the_reader(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    struct error err = ERROR_INIT;
    rig->store.refuses = true;
    assert_false(read_run(rig, 0, 2, &err));
    assert_int_equal(err.code, ERROR_AUTH);
    rig_free(rig);
}

static void *wait_for_bytes(void *context)
{
    struct rig *rig = context;
    struct error err = ERROR_INIT;
    bool ok = read_run(rig, 1, 1, &err);
    return !ok && err.code == ERROR_INTERRUPTED ? NULL : context;
}

static void an_interruption_ends_readers_that_wait(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    pthread_t threads[READERS];
    void *failed;
    rig->store.holds = true;
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_bytes, rig), 0);
    while (rig->store.asked == 0)
        (void) sched_yield();
    query_io_interrupt(rig->io);
    for (size_t i = 0; i < READERS; i++) {
        (void) pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    struct error err = ERROR_INIT;
    assert_false(read_run(rig, 0, 1, &err));
    assert_int_equal(err.code, ERROR_INTERRUPTED);
    rig->store.holds = false;
    rig_free(rig);
}

static void what_is_closed_early_leaves_nothing_open(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    char byte;
    size_t got;
    for (size_t i = 0; i < 20; i++) {
        void *handle;
        assert_true(rig->opener.open(rig->opener.context, 60, 20, &handle, NULL));
        assert_true(i % 2 || rig->opener.read(handle, &byte, 1, &got, NULL));
        rig->opener.close(handle);
    }
    rig_free(rig);
}

/* A thread of an engine may be at its work behind the end of all else. */
static void a_late_reader_outlives_the_end(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    struct engine_opener opener = rig->opener;
    struct error err = ERROR_INIT;
    void *handle, *closed;
    char *room = mem_alloc(ROOM, 1, NULL);
    size_t got = 1, read = 0;
    opener.hold(opener.context);
    assert_true(opener.open(opener.context, 80, 5, &handle, NULL));
    assert_true(opener.open(opener.context, 80, 5, &closed, NULL));
    assert_true(opener.read(handle, room, 1, &got, NULL));
    opener.close(closed);
    query_blobs_release(rig->blobs);
    query_io_end(rig->io);
    assert_int_equal(rig->store.open, 0);
    while (opener.read(handle, room, ROOM, &got, &err))
        assert_true(++read < BIG);
    assert_int_equal(err.code, ERROR_INTERRUPTED);
    opener.close(handle);
    opener.release(opener.context);
    mem_free(room);
    mem_free(rig);
}

static void without_memory_nothing_is_opened_or_lost(void **state)
{
    (void) state;
    struct rig *rig = rig_new(BLOBS, BIG);
    struct error err = ERROR_INIT;
    void *handle;
    bool ok = false;
    unsigned failed = 0;
    for (uint64_t n = 1; !ok; n++) {
        error_clear(&err);
        mem_fail_at(n);
        ok = rig->opener.open(rig->opener.context, 0, 2, &handle, &err);
        mem_fail_at(0);
        failed += !ok;
        assert_true(ok || err.code == ERROR_MEMORY);
    }
    assert_true(failed >= 3);
    rig->opener.close(handle);
    mem_fail_at(1);
    assert_null(query_io_new(&rig->store, &err));
    struct store_wanted *none = mem_alloc(0, sizeof *none, NULL);
    mem_fail_at(1);
    assert_null(query_blobs_new(rig->io, none, 0, NULL, NULL));
    mem_fail_at(0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reader_has_its_bytes_whole),
        cmocka_unit_test(runs_that_lie_unread_hold_up_nobody),
        cmocka_unit_test(more_ends_than_fit_are_all_told),
        cmocka_unit_test(an_error_comes_behind_the_bytes_before_it_and_keeps_its_hint),
        cmocka_unit_test(a_store_that_refuses_is_told_to_the_reader),
        cmocka_unit_test(an_interruption_ends_readers_that_wait),
        cmocka_unit_test(what_is_closed_early_leaves_nothing_open),
        cmocka_unit_test(a_late_reader_outlives_the_end),
        cmocka_unit_test(without_memory_nothing_is_opened_or_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
