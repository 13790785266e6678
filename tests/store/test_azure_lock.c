/* Leases of an account: held, renewed, lost, and taken over from who was killed. */
#include "account.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_lost_lease_ends_all_writing(void **state)
{
    struct account *f = *state;
    struct az *az = az_of(f->store);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    assert_non_null(lock);
    assert_true(account_put(f, "am-x/a", "1"));
    blobs_break_lease(f->blobs, "weir/lock");
    az_lock_age(az, 50); /* as if the last renewal were so many seconds ago */
    assert_false(account_put(f, "am-x/b", "1"));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_non_null(strstr(f->err.message, "is lost"));
    assert_false(blobs_has(f->blobs, "am-x/b"));
    error_clear(&f->err);
    assert_false(store_sync(f->store, &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    store_lock_free(lock);
}

static void a_lease_that_nobody_took_meanwhile_is_renewed(void **state)
{
    struct account *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    size_t before = blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease");
    blobs_end_lease(f->blobs, "weir/lock");
    az_lock_age(az_of(f->store), 500); /* the machine slept */
    assert_true(account_put(f, "am-x/a", "1"));
    assert_int_equal(blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease"), before + 1);
    store_lock_free(lock);
}

static void a_renewal_that_fails_in_between_is_asked_again(void **state)
{
    struct account *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    blobs_fault(f->blobs, &(struct blobs_fault){
                              .match = "comp=lease", .at = 1, .times = 2, .kind = BLOBS_CUT});
    az_lock_age(az_of(f->store), 50);
    assert_true(account_put(f, "am-x/a", "1"));
    assert_true(blobs_struck(f->blobs));
    store_lock_free(lock);
}

static void a_blob_of_somebody_else_is_no_lock(void **state)
{
    struct account *f = *state;
    blobs_put(f->blobs, "weir/lock", STR("precious"), NULL);
    assert_null(store_lock_new(f->store, "weir/lock", "a run", &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(account_bytes(f, "weir/lock"), "precious");
}

static void an_outage_that_does_not_end_is_given_up(void **state)
{
    struct account *f = *state;
    struct az *az = az_of(f->store);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    blobs_fault(f->blobs, &(struct blobs_fault){.at = 1, .times = 100000, .kind = BLOBS_CUT});
    az->engine.hurry = 1000;
    az_lock_age(az, 400);
    assert_false(account_put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_non_null(strstr(f->err.message, "could not be renewed"));
    error_clear(&f->err);
    assert_false(store_sync(f->store, &f->err));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    blobs_fault(f->blobs, &(struct blobs_fault){.at = 0});
    store_lock_free(lock);
}

/* The service asks for patience with something else: the lease does not wait for that. */
static void a_lease_is_renewed_while_its_lane_is_closed(void **state)
{
    struct account *f = *state;
    struct az *az = az_of(f->store);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    size_t before = blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease");
    az->engine.lanes[AZ_CONTROL].closed = clock_ns() + UINT64_C(3600000000000);
    az_lock_age(az, 50);
    assert_true(account_put(f, "am-x/a", "1"));
    assert_int_equal(blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease"), before + 1);
    az->engine.lanes[AZ_CONTROL].closed = 0;
    store_lock_free(lock);
}

/* A process of its own that takes the lock when the pipe says so, and then says "y" and waits to be killed. */
struct holder {
    pid_t pid;
    int go[2], said[2];
};

static void hold(struct account *f, const struct holder *holder)
{
    char byte;
    struct error err = ERROR_INIT;
    struct http_client *http = http_new(&(struct http_options){0}, &err);
    struct store *store = store_open_with(
        &(struct store_options){
            .address = blobs_url(f->blobs, ""), .http = http, .key = "env:WEIR_TEST_KEY"},
        &err);
    bool ok = read(holder->go[0], &byte, 1) == 1 &&
              store_lock_new(store, "weir/lock", "the one that dies", &err) != NULL;
    _exit(write(holder->said[1], ok ? "y" : "n", 1) == 1 && pause() == 0);
}

static struct holder holder_new(struct account *f)
{
    struct holder holder;
    assert_int_equal(pipe(holder.go), 0);
    assert_int_equal(pipe(holder.said), 0);
    holder.pid = fork();
    if (holder.pid == 0) {
        (void) close(holder.said[0]);
        hold(f, &holder);
    }
    assert_true(holder.pid > 0);
    (void) close(holder.said[1]);
    return holder;
}

static void holder_go(const struct holder *holder)
{
    assert_int_equal(write(holder->go[1], "g", 1), 1);
}

/* True when it held the lock before it died. */
static bool holder_end(const struct holder *holder)
{
    char byte = 'k';
    bool held = read(holder->said[0], &byte, 1) == 1 && byte == 'y';
    assert_true(byte != 'n');
    (void) kill(holder->pid, SIGKILL);
    assert_int_equal(waitpid(holder->pid, NULL, 0), holder->pid);
    (void) close(holder->go[0]);
    (void) close(holder->go[1]);
    (void) close(holder->said[0]);
    return held;
}

static void take_at_once(struct account *f)
{
    error_clear(&f->err);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "the next", &f->err);
    if (!lock)
        fail_msg("%s", f->err.message);
    assert_non_null(strstr(account_bytes(f, "weir/lock"), "the next"));
    store_lock_free(lock);
    assert_false(blobs_has(f->blobs, "weir/lock"));
}

/* Killed at each of its requests in turn, before and after it is done, until it has the lock before it is killed:
 * this machine's next run never waits for the lease to end. `dead`: it takes over from one that was killed. */
static void kill_at_every_request(struct account *f, enum blobs_fault_kind kind, bool dead)
{
    bool held = false;
    for (unsigned n = 1; !held; n++) {
        assert_true(n < 20);
        if (dead) {
            struct holder first = holder_new(f);
            holder_go(&first);
            assert_true(holder_end(&first));
        }
        struct holder holder = holder_new(f);
        blobs_fault(f->blobs, &(struct blobs_fault){.at = n, .kind = kind, .victim = holder.pid});
        holder_go(&holder);
        held = holder_end(&holder);
        blobs_fault(f->blobs, &(struct blobs_fault){.at = 0});
        take_at_once(f);
    }
}

static void the_lock_of_a_killed_process_is_taken_at_once(void **state)
{
    kill_at_every_request(*state, BLOBS_CUT, false);
    kill_at_every_request(*state, BLOBS_LOST, false);
    kill_at_every_request(*state, BLOBS_CUT, true);
    kill_at_every_request(*state, BLOBS_LOST, true);
}

static void the_lock_of_another_machine_is_waited_for(void **state)
{
    struct account *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "here", &f->err);
    blobs_put(
        f->blobs, "weir/lock",
        STR("there on far, process 1, since 2026\nlease=x boot=other space=other pid=1 began=1\n"),
        "another run");
    assert_null(store_lock_new(f->store, "weir/lock", "here", &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_non_null(strstr(f->err.message, "there on far, process 1, since 2026"));
    assert_non_null(strstr(f->err.hint, "within 60 s"));
    store_lock_free(lock);
}

static void a_run_ends_well_after_an_interruption(void **state)
{
    struct account *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    struct buf segment = BUF_INIT(10);
    struct store_writer *writer = store_writer_new(f->store, "am-x/a", &f->err);
    assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    buf_puts(&segment, "line");
    assert_true(store_follow(f->store, "weir/1", &segment, &f->err));
    stop_set(&f->stop, SIGINT);
    assert_int_equal(store_follow_ask(f->store, true, &f->err), STORE_FOLLOW_DONE);
    assert_true(store_put_new(f->store, "weir/2", STR("last"), &f->err));
    store_lock_free(lock);
    assert_false(blobs_has(f->blobs, "weir/lock"));
    assert_true(blobs_has(f->blobs, "am-x/a") && blobs_has(f->blobs, "weir/1") &&
                blobs_has(f->blobs, "weir/2"));
    error_clear(&f->err);
    assert_false(
        store_list(f->store, "am-x", account_gather, &f->text, &f->err)); /* but reading stops */
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
    buf_release(&segment);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, account_set_up, account_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_lost_lease_ends_all_writing),
        TEST(a_lease_that_nobody_took_meanwhile_is_renewed),
        TEST(a_renewal_that_fails_in_between_is_asked_again),
        TEST(a_blob_of_somebody_else_is_no_lock),
        TEST(an_outage_that_does_not_end_is_given_up),
        TEST(a_lease_is_renewed_while_its_lane_is_closed),
        TEST(the_lock_of_a_killed_process_is_taken_at_once),
        TEST(the_lock_of_another_machine_is_waited_for),
        TEST(a_run_ends_well_after_an_interruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
