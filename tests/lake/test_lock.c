/* One export of a table at a time: a living owner is named, a dead one's lock is free, and two never have it. */
#include "lake/ledger.h"

#include "place.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

enum {
    RACERS = 2,
    RACES = 1000,         /* times that each of them gets the lock */
    DIES_EACH = 10,       /* of them it is killed while it holds it */
    TRIES_MAX = 10000000, /* in one life */
};

static struct store_lock *lock_as(struct fixture *f, const char *owner)
{
    error_clear(&f->err);
    return lake_lock_new(f->store, &place_of_tests, owner, &f->err);
}

/* A child that has the lock until it is killed. */
static pid_t holder(struct fixture *f, const char *owner)
{
    int ready[2];
    char answer = 'n';
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(f->folder.lake, NULL);
        struct store_lock *lock = store ? lake_lock_new(store, &place_of_tests, owner, NULL) : NULL;
        (void) (write(ready[1], lock ? "y" : "n", 1) == 1);
        for (;;)
            (void) pause();
    }
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    (void) close(ready[0]);
    (void) close(ready[1]);
    return child;
}

static void kill_and_wait(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_living_owner_is_named_with_host_process_and_time(void **state)
{
    struct fixture *f = *state;
    char host[256] = "", who[400];
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    pid_t child = holder(f, "weir 0.1.0 export 20211118-090000-7f3a");
    assert_null(lock_as(f, "another"));
    (void) snprintf(who, sizeof who,
                    "weir 0.1.0 export 20211118-090000-7f3a on %.63s, process %ld, since ", host,
                    (long) child);
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_non_null(strstr(f->err.message, who));
    const char *since = strstr(f->err.message, ", since ") + strlen(", since ");
    int64_t tick;
    assert_true(tick_parse(str_of(since), &tick));
    assert_true(tick <= tick_now() && tick > tick_now() - TICK_HOUR);
    assert_true(f->err.hint[0] != '\0');
    kill_and_wait(child);
}

static void a_killed_owners_lock_is_free_and_its_name_forgotten(void **state)
{
    struct fixture *f = *state;
    pid_t child = holder(f, "the dead one, with a long name that the next has not");
    kill_and_wait(child);
    assert_int_equal(folder_files(f->folder.lake), 1);
    struct store_lock *lock = lock_as(f, "heir");
    assert_non_null(lock);
    struct store *other = store_open(f->folder.lake, NULL);
    assert_null(lake_lock_new(other, &place_of_tests, "third", &f->err));
    assert_non_null(strstr(f->err.message, "held by heir on "));
    assert_null(strstr(f->err.message, "dead"));
    store_lock_free(lock);
    store_free(other);
    assert_int_equal(folder_files(f->folder.lake), 0);
}

/* --- a race --- */

struct race {
    atomic_int holders, wrong, lost;
    atomic_int taken[RACERS];
};

/* What it does while it has the lock. The last thing before it dies or lets go is to say so. */
static void hold(struct race *race, int me)
{
    if (atomic_fetch_add(&race->holders, 1) != 0)
        (void) atomic_fetch_add(&race->wrong, 1);
    (void) sched_yield();
    int taken = atomic_fetch_add(&race->taken[me], 1) + 1;
    (void) atomic_fetch_sub(&race->holders, 1);
    if (taken % DIES_EACH == me)
        (void) raise(SIGKILL);
}

static int run_racer(const char *lake, struct race *race, int me)
{
    struct store *store = store_open(lake, NULL);
    int tries = 0;
    while (store && atomic_load(&race->taken[me]) < RACES && ++tries < TRIES_MAX) {
        struct error err = ERROR_INIT;
        struct store_lock *lock = lake_lock_new(store, &place_of_tests, "racer", &err);
        if (lock)
            hold(race, me);
        else
            (void) atomic_fetch_add(err.code == ERROR_LOCKED ? &race->lost : &race->wrong, 1);
        store_lock_free(lock);
    }
    store_free(store);
    return store && tries < TRIES_MAX ? 0 : 1;
}

static pid_t start_racer(const char *lake, struct race *race, int me)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run_racer(lake, race, me));
    return child;
}

static void two_that_race_never_both_have_the_lock(void **state)
{
    struct fixture *f = *state;
    struct race *race =
        mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(race != MAP_FAILED);
    pid_t racers[RACERS];
    for (int i = 0; i < RACERS; i++)
        racers[i] = start_racer(f->folder.lake, race, i);
    for (int running = RACERS, status; running > 0;) {
        pid_t ended = wait(&status);
        int i = ended == racers[0] ? 0 : 1;
        assert_int_equal(ended, racers[i]);
        if (WIFSIGNALED(status)) {
            assert_int_equal(WTERMSIG(status), SIGKILL);
            racers[i] = start_racer(f->folder.lake, race, i);
        } else {
            assert_int_equal(WEXITSTATUS(status), 0);
            running--;
        }
    }
    printf("%d times the other had it\n", atomic_load(&race->lost));
    assert_int_equal(atomic_load(&race->wrong), 0);
    assert_int_equal(atomic_load(&race->holders), 0);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(atomic_load(&race->taken[i]), RACES);
    (void) munmap(race, sizeof *race);
    store_lock_free(lock_as(f, "last"));
    assert_int_equal(folder_files(f->folder.lake), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(a_living_owner_is_named_with_host_process_and_time),
        T(a_killed_owners_lock_is_free_and_its_name_forgotten),
        T(two_that_race_never_both_have_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
