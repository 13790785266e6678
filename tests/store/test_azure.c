/* What an account does that a folder does not: whose a blob is, leases, refusals, pages, tiers, and what is told. */
#include "base/tick.h"
#include "http/http.h"
#include "store/azure/azure.h"
#include "store/store.h"

#include "blobs.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOTES_MAX = 4096 };

struct fixture {
    struct blobs *blobs;
    struct http_client *http;
    struct store *store;
    struct stop stop;
    struct error err;
    struct buf text, notes;
};

static void take_note(void *context, const char *line)
{
    buf_puts(context, line);
    buf_putc(context, '\n');
}

static void open_with(struct fixture *f, struct store_options options, const char *path)
{
    store_free(f->store);
    options.address = blobs_url(f->blobs, path);
    options.http = f->http;
    options.stop = &f->stop;
    options.note = take_note;
    options.context = &f->notes;
    if (!options.key && !options.sas)
        options.key = "env:WEIR_TEST_KEY";
    f->store = store_open_with(&options, &f->err);
    if (!f->store)
        fail_msg("%s", f->err.message);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    buf_init(&f->text, 64 << 20);
    buf_init(&f->notes, NOTES_MAX);
    (void) setenv("WEIR_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    f->blobs = blobs_new();
    f->http = http_new(&(struct http_options){.stop = &f->stop}, &f->err);
    *state = f;
    open_with(f, (struct store_options){0}, "");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    http_free(f->http);
    bool proper = blobs_proper(f->blobs);
    blobs_free(f->blobs);
    buf_release(&f->text);
    buf_release(&f->notes);
    free(f);
    return proper ? 0 : -1;
}

static const char *bytes_of(struct fixture *f, const char *name)
{
    return blobs_get(f->blobs, name, &f->text, NULL) ? buf_text(&f->text) : NULL;
}

static bool put(struct fixture *f, const char *name, const char *bytes)
{
    error_clear(&f->err);
    return store_put(f->store, name, str_of(bytes), &f->err);
}

static bool gather(void *context, const struct store_blob *blob, struct error *err)
{
    (void) err;
    buf_put_str(context, blob->name);
    buf_printf(context, ":%llu%s%s ", (unsigned long long) blob->size,
               blob->append ? " append" : "", blob->md5 ? " md5" : "");
    return true;
}

static const char *list(struct fixture *f, const char *prefix)
{
    buf_reset(&f->text);
    error_clear(&f->err);
    if (!store_list(f->store, prefix, gather, &f->text, &f->err))
        fail_msg("list %s: %s", prefix, f->err.message);
    return buf_text(&f->text);
}

static void fault(struct fixture *f, const char *match, int status, const char *code,
                  const char *headers)
{
    blobs_fault(f->blobs, &(struct blobs_fault){.match = match,
                                                .at = 1,
                                                .times = 1000,
                                                .kind = BLOBS_ANSWER,
                                                .status = status,
                                                .code = code,
                                                .headers = headers});
}

/* --- whose a blob is --- */

static void what_others_wrote_is_neither_replaced_nor_deleted(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("theirs"), NULL);
    assert_false(put(f, "am-x/a", "ours"));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_non_null(strstr(f->err.message, "was not written by weir"));
    error_clear(&f->err);
    assert_false(store_delete(f->store, "am-x/a", &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(bytes_of(f, "am-x/a"), "theirs");
    assert_int_equal(blobs_count(f->blobs, "DELETE "), 0);
}

static void what_an_earlier_run_wrote_is_replaced_and_deleted(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("old"), "another run");
    assert_true(put(f, "am-x/a", "new"));
    assert_string_equal(bytes_of(f, "am-x/a"), "new");
    assert_true(store_delete(f->store, "am-x/a", &f->err));
    assert_false(blobs_has(f->blobs, "am-x/a"));
}

static void equal_bytes_are_not_sent_twice(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("same"), "another run");
    assert_true(put(f, "am-x/a", "same"));
    assert_int_equal(blobs_count(f->blobs, "PUT "), 1);
    assert_int_equal(blobs_count(f->blobs, "HEAD "), 1);
}

static void a_queued_upload_that_fails_is_told_by_every_later_write(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("theirs"), NULL);
    struct store_writer *writer = store_writer_new(f->store, "am-x/a", &f->err);
    assert_true(store_writer_add(writer, "x", 1, &f->err));
    assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    struct buf segment = BUF_INIT(10);
    buf_puts(&segment, "line");
    assert_true(store_follow(f->store, "weir/1", &segment, &f->err));
    assert_int_equal(store_follow_ask(f->store, true, &f->err), STORE_FOLLOW_FAILED);
    assert_non_null(strstr(f->err.message, "am-x/a"));
    assert_false(blobs_has(f->blobs, "weir/1")); /* it would have named what is not there */
    error_clear(&f->err);
    assert_false(store_sync(f->store, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_null(store_writer_new(f->store, "am-x/b", NULL));
    assert_false(store_delete(f->store, "am-x/b", NULL));
    buf_release(&segment);
}

/* --- forms of a lake --- */

static void a_container_has_the_tables_as_folders(void **state)
{
    struct fixture *f = *state;
    open_with(f, (struct store_options){0}, "/lake/sub");
    assert_true(put(f, "am-x/a", "1"));
    assert_true(put(f, "weir/b", "2"));
    blobs_put(f->blobs, "lake/elsewhere", STR("no"), NULL);
    assert_string_equal(bytes_of(f, "lake/sub/am-x/a"), "1");
    assert_string_equal(list(f, ""), "am-x/a:1 md5 weir/b:1 md5 ");
    assert_string_equal(list(f, "am-x"), "am-x/a:1 md5 ");
}

static void a_tables_container_is_that_and_weirs_own(void **state)
{
    struct fixture *f = *state;
    open_with(f, (struct store_options){0}, "/am-x");
    blobs_put(f->blobs, "am-y/a", STR("1"), NULL);
    assert_true(put(f, "am-x/a", "1"));
    assert_true(put(f, "weir/a", "1"));
    assert_string_equal(list(f, ""), "am-x/a:1 md5 weir/a:1 md5 ");
    assert_false(put(f, "am-y/b", "1"));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
}

static void a_name_that_no_container_can_have_is_told(void **state)
{
    struct fixture *f = *state;
    assert_false(put(f, "am-a--b/x", "1"));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_non_null(strstr(f->err.hint, "small letters"));
    assert_int_equal(blobs_count(f->blobs, ""), 0);
}

static void the_tier_is_for_rows_alone(void **state)
{
    struct fixture *f = *state;
    char tier[16];
    open_with(f, (struct store_options){.tier = "cold"}, "");
    assert_true(put(f, "am-x/a", "1"));
    assert_true(put(f, "weir/a", "1"));
    assert_true(blobs_get(f->blobs, "am-x/a", &f->text, tier));
    assert_string_equal(tier, "Cold");
    assert_true(blobs_get(f->blobs, "weir/a", &f->text, tier));
    assert_string_equal(tier, "");
}

static void settings_that_can_never_work_are_refused_at_the_start(void **state)
{
    struct fixture *f = *state;
    const struct store_options options[] = {{.key = "SECRET"},
                                            {.sas = "SECRET"},
                                            {.key = "env:A", .sas = "env:B"},
                                            {.key = "env:A", .tier = "warm"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct store_options these = options[i];
        these.address = blobs_url(f->blobs, "");
        these.http = f->http;
        error_clear(&f->err);
        assert_null(store_open_with(&these, &f->err));
        assert_int_equal(f->err.code, ERROR_SETTINGS);
        assert_null(strstr(f->err.message, "SECRET"));
    }
}

/* --- listings --- */

static void append_blobs_are_listed_and_read_as_they_were(void **state)
{
    struct fixture *f = *state;
    blobs_append(f->blobs, "am-x/m=05/PT05M.json", STR("one\n"));
    assert_string_equal(list(f, "am-x"), "am-x/m=05/PT05M.json:4 append ");
    blobs_append(f->blobs, "am-x/m=05/PT05M.json", STR("one\ntwo\n"));
    const struct store_wanted wanted = {"am-x/m=05/PT05M.json", 4};
    struct store_ahead *ahead = store_ahead_new(f->store, &wanted, 1, &f->err);
    size_t index;
    struct str piece;
    assert_true(store_ahead_next(ahead, &index, &piece, &f->err));
    assert_true(str_eq(piece, STR("one\n")));
    store_ahead_free(ahead);
}

static void a_prefix_is_what_stands_below_it(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("1"), NULL);
    assert_string_equal(list(f, "am-x/a"), "");
    blobs_put(f->blobs, "am-x/a/b", STR("1"), NULL);
    blobs_put(f->blobs, "am-x/a-c", STR("1"), NULL);
    assert_string_equal(list(f, "am-x/a"), "am-x/a/b:1 md5 ");
    assert_string_equal(list(f, "am-x"), "am-x/a:1 md5 am-x/a-c:1 md5 am-x/a/b:1 md5 ");
}

static void long_listings_come_in_pages(void **state)
{
    struct fixture *f = *state;
    char name[64];
    blobs_page(f->blobs, 7);
    struct buf expected = BUF_INIT(1 << 16);
    for (int i = 0; i < 100; i++) {
        (void) snprintf(name, sizeof name, "am-x/m=%02d/a", i);
        blobs_put(f->blobs, name, STR("1"), NULL);
        buf_printf(&expected, "%s:1 md5 ", name);
    }
    assert_string_equal(list(f, "am-x"), buf_text(&expected));
    assert_true(blobs_count(f->blobs, "comp=list") >= 100 / 7);
    buf_release(&expected);
}

/* One request for each prefix, many at once. */
static void a_listing_that_goes_in_a_circle_ends(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("1"), NULL);
    blobs_page(f->blobs, 0); /* nothing, and the same marker again */
    buf_reset(&f->text);
    assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "does not go on"));
    assert_true(blobs_count(f->blobs, "comp=list") <= 3);
}

static void prefixes_are_asked_for_at_once(void **state)
{
    struct fixture *f = *state;
    enum { PREFIXES = 64 };
    char names[PREFIXES][32];
    const char *prefixes[PREFIXES];
    for (int i = 0; i < PREFIXES; i++) {
        (void) snprintf(names[i], sizeof names[i], "am-x/d=%02d/a", i);
        blobs_put(f->blobs, names[i], STR("1"), NULL);
        *strrchr(names[i], '/') = '\0';
        prefixes[i] = names[i];
    }
    buf_reset(&f->text);
    assert_true(store_list_many(f->store, prefixes, PREFIXES, gather, &f->text, &f->err));
    assert_int_equal(blobs_count(f->blobs, "comp=list"), PREFIXES);
    assert_int_equal(f->text.used, PREFIXES * strlen("am-x/d=00/a:1 md5 "));
}

/* --- immutable containers --- */

static void an_immutable_container_takes_only_what_is_new(void **state)
{
    struct fixture *f = *state;
    bool immutable = true;
    assert_true(store_immutable(f->store, "am-x/a", &immutable, &f->err));
    assert_false(immutable); /* it is not there yet */
    blobs_put(f->blobs, "am-y/a", STR("old"), "another run");
    blobs_immutable(f->blobs, "am-y", true);
    assert_true(store_immutable(f->store, "am-y/a", &immutable, &f->err));
    assert_true(immutable);
    assert_true(put(f, "am-y/a", "old")); /* nothing to do */
    assert_false(put(f, "am-y/a", "new"));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_non_null(strstr(f->err.message, "immutable"));
    assert_true(put(f, "am-y/a_2", "new"));
    error_clear(&f->err);
    assert_false(store_delete(f->store, "am-y/a", &f->err));
    assert_non_null(strstr(f->err.message, "BlobImmutableDueToPolicy"));
    assert_string_equal(bytes_of(f, "am-y/a"), "old");
}

static void a_lock_in_an_immutable_container_is_leased_only(void **state)
{
    struct fixture *f = *state;
    blobs_immutable(f->blobs, "weir", true);
    for (int i = 0; i < 3; i++) {
        struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
        assert_non_null(lock);
        assert_null(store_lock_new(f->store, "weir/lock", "another", NULL));
        store_lock_free(lock);
    }
    assert_int_equal(blobs_count(f->blobs, "PUT /account/weir/lock\n"), 0);
    assert_int_equal(blobs_count(f->blobs, "DELETE "), 0);
    assert_true(blobs_has(f->blobs, "weir/lock"));
}

static void a_container_that_never_comes_is_told(void **state)
{
    struct fixture *f = *state;
    blobs_fault(f->blobs, &(struct blobs_fault){.match = "PUT /account/am-x/a",
                                                .at = 1,
                                                .times = 1000,
                                                .kind = BLOBS_ANSWER,
                                                .status = 404,
                                                .code = "ContainerNotFound"});
    assert_false(put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "ContainerNotFound"));
    assert_int_equal(blobs_count(f->blobs, "PUT /account/am-x/a"), AZ_MAKES_MAX + 1);
}

/* --- locks --- */

static void a_lost_lease_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    struct az *az = az_of(f->store);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    assert_non_null(lock);
    assert_true(put(f, "am-x/a", "1"));
    blobs_break_lease(f->blobs, "weir/lock");
    az_lock_age(az, 50); /* as if the last renewal were so many seconds ago */
    assert_false(put(f, "am-x/b", "1"));
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
    struct fixture *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    size_t before = blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease");
    blobs_end_lease(f->blobs, "weir/lock");
    az_lock_age(az_of(f->store), 500); /* the machine slept */
    assert_true(put(f, "am-x/a", "1"));
    assert_int_equal(blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease"), before + 1);
    store_lock_free(lock);
}

static void a_renewal_that_fails_in_between_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    blobs_fault(f->blobs, &(struct blobs_fault){
                              .match = "comp=lease", .at = 1, .times = 2, .kind = BLOBS_CUT});
    az_lock_age(az_of(f->store), 50);
    assert_true(put(f, "am-x/a", "1"));
    assert_true(blobs_struck(f->blobs));
    store_lock_free(lock);
}

static void a_blob_of_somebody_else_is_no_lock(void **state)
{
    struct fixture *f = *state;
    blobs_put(f->blobs, "weir/lock", STR("precious"), NULL);
    assert_null(store_lock_new(f->store, "weir/lock", "a run", &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(bytes_of(f, "weir/lock"), "precious");
}

static void an_outage_that_does_not_end_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct az *az = az_of(f->store);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    blobs_fault(f->blobs, &(struct blobs_fault){.at = 1, .times = 100000, .kind = BLOBS_CUT});
    az->engine.hurry = 1000;
    az_lock_age(az, 400);
    assert_false(put(f, "am-x/a", "1"));
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
    struct fixture *f = *state;
    struct az *az = az_of(f->store);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "a run", &f->err);
    size_t before = blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease");
    az->engine.lanes[AZ_CONTROL].closed = clock_ns() + UINT64_C(3600000000000);
    az_lock_age(az, 50);
    assert_true(put(f, "am-x/a", "1"));
    assert_int_equal(blobs_count(f->blobs, "PUT /account/weir/lock?comp=lease"), before + 1);
    az->engine.lanes[AZ_CONTROL].closed = 0;
    store_lock_free(lock);
}

/* A process of its own that takes the lock when the pipe says so, and then says "y" and waits to be killed. */
struct holder {
    pid_t pid;
    int go[2], said[2];
};

static void hold(struct fixture *f, const struct holder *holder)
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

static struct holder holder_new(struct fixture *f)
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

static void take_at_once(struct fixture *f)
{
    error_clear(&f->err);
    struct store_lock *lock = store_lock_new(f->store, "weir/lock", "the next", &f->err);
    if (!lock)
        fail_msg("%s", f->err.message);
    assert_non_null(strstr(bytes_of(f, "weir/lock"), "the next"));
    store_lock_free(lock);
    assert_false(blobs_has(f->blobs, "weir/lock"));
}

/* Killed at each of its requests in turn, before and after it is done, until it has the lock before it is killed:
 * this machine's next run never waits for the lease to end. `dead`: it takes over from one that was killed. */
static void kill_at_every_request(struct fixture *f, enum blobs_fault_kind kind, bool dead)
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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
    assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err)); /* but reading stops */
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
    buf_release(&segment);
}

/* --- keys and signatures --- */

/* Refused while its text has `word` in it: the service has another key since. */
static void refuse_with(struct fixture *f, const char *word)
{
    fault(f, word, 403, "AuthenticationFailed", NULL);
}

static const char *sas_file(char path[64], const char *text)
{
    (void) snprintf(path, 64, "%s", "/tmp/weir-test-sas-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, text, strlen(text)) == (ssize_t) strlen(text));
    (void) close(fd);
    return path;
}

static void rewrite(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_signature_that_is_rotated_stops_nothing(void **state)
{
    struct fixture *f = *state;
    char path[64], reference[80];
    (void) snprintf(reference, sizeof reference, "file:%s",
                    sas_file(path, "sv=2022-11-02&ss=b&srt=sco&sp=rwdlac&sig=first\n"));
    open_with(f, (struct store_options){.sas = reference}, "");
    for (int i = 0; i < 40; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "am-x/%d", i);
        if (i == 20) {
            rewrite(path, "?sv=2022-11-02&ss=b&srt=sco&sp=rwdlac&sig=second");
            refuse_with(f, "sig=first");
        }
        struct store_writer *writer = store_writer_new(f->store, name, &f->err);
        assert_true(store_writer_add(writer, "x", 1, &f->err));
        if (!store_writer_commit(writer, 0, NULL, &f->err))
            fail_msg("%s: %s", name, f->err.message);
    }
    if (!store_sync(f->store, &f->err))
        fail_msg("%s", f->err.message);
    assert_true(blobs_count(f->blobs, "sig=second") >= 20);
    for (int i = 0; i < 40; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "am-x/%d", i);
        assert_true(blobs_has(f->blobs, name));
    }
    (void) unlink(path);
}

/* Whatever the service calls it, also when the one that came after it has ended too. */
static void a_signature_that_has_ended_is_told_with_its_end(void **state)
{
    struct fixture *f = *state;
    static const char *const codes[] = {"AuthenticationFailed", "AuthorizationFailure",
                                        "AuthorizationPermissionMismatch"};
    char path[64], reference[80];
    (void) snprintf(reference, sizeof reference, "file:%s", sas_file(path, ""));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        rewrite(path, "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2021-11-07T08:00:00Z&sig=first");
        open_with(f, (struct store_options){.sas = reference}, "");
        fault(f, "", 403, codes[i], NULL);
        error_clear(&f->err);
        assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err));
        assert_int_equal(f->err.code, ERROR_AUTH);
        assert_non_null(strstr(f->err.message, "ended at 2021-11-07 08:00 UTC"));
        assert_non_null(strstr(f->err.message, codes[i]));
        assert_non_null(strstr(f->err.hint, reference));
        rewrite(path, "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2021-11-08&sig=second");
        error_clear(&f->err);
        assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err));
        assert_non_null(strstr(f->err.message, "ended at 2021-11-08 00:00 UTC"));
    }
    assert_string_equal(buf_text(&f->notes), "");
    (void) unlink(path);
}

/* By the service's clock, not by ours. */
static void a_signature_that_has_not_ended_for_the_service_has_another_fault(void **state)
{
    struct fixture *f = *state;
    (void) setenv("WEIR_TEST_SAS", "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2021-11-07&sig=x", 1);
    open_with(f, (struct store_options){.sas = "env:WEIR_TEST_SAS"}, "");
    fault(f, "", 403, "AuthenticationFailed", "Date: Sat, 06 Nov 2021 08:49:37 GMT\r\n");
    assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err));
    assert_null(strstr(f->err.message, "ended"));
    assert_non_null(strstr(f->err.hint, "clock of this machine"));
}

static void a_key_that_is_wrong_is_told_so(void **state)
{
    struct fixture *f = *state;
    refuse_with(f, "");
    assert_false(put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.message, "AuthenticationFailed"));
    assert_non_null(strstr(f->err.hint, "env:WEIR_TEST_KEY"));
    assert_non_null(strstr(f->err.hint, "account"));
    error_clear(&f->err);
    assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
}

static const char SIGNATURE[] =
    "Server failed to authenticate the request. Make sure the value of the Authorization header is "
    "formed correctly including the signature.";

/* An emulator has the code of a firewall for a wrong key. */
static void a_key_that_an_emulator_refuses_is_no_matter_of_the_network(void **state)
{
    struct fixture *f = *state;
    blobs_fault(f->blobs, &(struct blobs_fault){.at = 1,
                                                .times = 1000,
                                                .kind = BLOBS_ANSWER,
                                                .status = 403,
                                                .code = "AuthorizationFailure",
                                                .message = SIGNATURE});
    assert_false(store_list(f->store, "am-x", gather, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "the key is not one of account"));
    assert_null(strstr(f->err.hint, "network rules"));
    assert_int_equal(blobs_count(f->blobs, ""), 1);
    /* A HEAD has no body: it may be either. */
    open_with(f, (struct store_options){0}, "");
    error_clear(&f->err);
    uint64_t size;
    assert_false(store_stat(f->store, "am-x/a", &size, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "the key is not one of account"));
    assert_non_null(strstr(f->err.hint, "Or the account's network rules"));
}

static void a_clock_that_is_off_is_told_by_how_much(void **state)
{
    struct fixture *f = *state;
    char date[AZ_DATE_TEXT], headers[64];
    az_date_format(tick_now() - 42 * TICK_MINUTE, date);
    (void) snprintf(headers, sizeof headers, "Date: %s\r\n", date);
    fault(f, "", 403, "AuthenticationFailed", headers);
    assert_false(put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "42 min"));
    assert_non_null(strstr(f->err.hint, "ahead of"));
}

static void a_signature_tells_its_end_and_what_it_lacks(void **state)
{
    struct fixture *f = *state;
    struct store_access access;
    int64_t end;
    (void) setenv("WEIR_TEST_SAS", "sv=2022-11-02&sr=c&sp=rl&se=2036-12-01T08:00:00Z&sig=x", 1);
    open_with(f, (struct store_options){.sas = "env:WEIR_TEST_SAS"}, "/lake");
    assert_true(store_access(f->store, &access, &f->err));
    assert_true(tick_parse(STR("2036-12-01T08:00:00Z"), &end));
    assert_true(access.until == end);
    assert_string_equal(access.by, "sas");
    assert_string_equal(access.lacks, "create, write, delete");
    assert_string_equal(buf_text(&f->notes), ""); /* that is far off */
    assert_int_equal(blobs_count(f->blobs, ""), 0);
}

static void a_signature_that_ends_soon_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct store_access access;
    char sas[160], at[TICK_TEXT_MAX], expected[160];
    int64_t end = tick_floor(tick_now(), TICK_MINUTE) + 30 * TICK_MINUTE;
    (void) tick_format(end, at);
    (void) snprintf(sas, sizeof sas, "sv=2022-11-02&sr=c&sp=rl&se=%s&sig=x", at);
    (void) setenv("WEIR_TEST_SAS", sas, 1);
    open_with(f, (struct store_options){.sas = "env:WEIR_TEST_SAS"}, "/lake");
    assert_true(store_access(f->store, &access, &f->err));
    assert_true(store_access(f->store, &access, &f->err));
    assert_true(access.until == end);
    (void) tick_format_short(end, at);
    (void) snprintf(expected, sizeof expected,
                    "the shared access signature of the lake ends at %s UTC\n", at);
    assert_string_equal(buf_text(&f->notes), expected);
}

/* --- what is told --- */

struct told_case {
    int status;
    const char *code;
    enum error_code error;
    const char *hint;
};

static void refusals_are_told_apart(void **state)
{
    struct fixture *f = *state;
    static const struct told_case cases[] = {
        {403, "AuthorizationFailure", ERROR_AUTH, "network rules"},
        {403, "AuthorizationPermissionMismatch", ERROR_AUTH, "Storage Blob Data Contributor"},
        {403, "KeyBasedAuthenticationNotPermitted", ERROR_AUTH, "Shared Key is disabled"},
        {403, "AccountIsDisabled", ERROR_AUTH, "disabled"},
        {409, "BlobArchived", ERROR_SERVICE, "archive tier"},
        {409, "ContainerDisabled", ERROR_SERVICE, "administrator"},
        {400, "InvalidResourceName", ERROR_SERVICE, "3 to 63"},
        {412, "LeaseIdMissing", ERROR_LOCKED, "lease break"},
        {404, "BlobNotFound", ERROR_NOT_FOUND, "undelete"},
        {404, "ResourceNotFound", ERROR_NOT_FOUND, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct told_case *c = &cases[i];
        open_with(f, (struct store_options){0}, "");
        error_clear(&f->err);
        fault(f, "", c->status, c->code, NULL);
        assert_false(store_get(f->store, "am-x/a", &f->text, &f->err));
        if (f->err.code != c->error || !strstr(f->err.message, c->code) ||
            !strstr(f->err.hint, c->hint))
            fail_msg("%s: %s | %s", c->code, f->err.message, f->err.hint);
        assert_non_null(strstr(f->err.message, "am-x/a"));
        assert_non_null(strstr(f->err.message, "The service says no."));
        assert_null(strstr(f->err.message, "RequestId"));
    }
}

static void a_token_goes_to_no_strange_host(void **state)
{
    struct fixture *f = *state;
    static const char *const good[] = {"https://acct.blob.core.windows.net",
                                       "https://acct.z1.blob.storage.azure.net",
                                       "http://127.0.0.1:10000/acct"},
                             *const bad[] = {"https://acct.blob.core.windows.net.evil.example",
                                             "https://acct.blob.core.windows.ne",
                                             "https://acct.blob.xcore.windows.net",
                                             "https://acct.blob.core.usgovcloudapi.net"};
    struct azure_credential *credential =
        azure_credential_new(f->http, &(struct azure_credential_options){0}, &f->err);
    assert_non_null(credential);
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool is_bad = i >= sizeof good / sizeof *good;
        error_clear(&f->err);
        struct store *store = store_open_with(
            &(struct store_options){.address =
                                        is_bad ? bad[i - sizeof good / sizeof *good] : good[i],
                                    .http = f->http,
                                    .credential = credential},
            &f->err);
        assert_int_equal(store == NULL, is_bad);
        assert_int_equal(f->err.code, is_bad ? ERROR_SETTINGS : ERROR_NONE);
        store_free(store);
    }
    azure_credential_free(credential);
}

static void a_redirect_is_not_followed(void **state)
{
    struct fixture *f = *state;
    fault(f, "", 307, NULL, "Location: http://elsewhere.example/x\r\n");
    assert_false(put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_SERVICE);
    assert_non_null(strstr(f->err.message, "elsewhere.example"));
    assert_int_equal(blobs_count(f->blobs, ""), 1);
}

static void an_account_that_is_not_there_is_told_soon(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    f->store = store_open_with(
        &(struct store_options){.address = "https://weirtest.privatelink.blob.invalid",
                                .http = f->http,
                                .key = "env:WEIR_TEST_KEY"},
        &f->err);
    assert_false(store_get(f->store, "am-x/a", &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_non_null(strstr(f->err.hint, "private endpoint"));
}

static void a_service_that_is_busy_is_given_time(void **state)
{
    struct fixture *f = *state;
    blobs_fault(f->blobs, &(struct blobs_fault){.match = "PUT ",
                                                .at = 30,
                                                .times = 3,
                                                .kind = BLOBS_ANSWER,
                                                .status = 503,
                                                .code = "ServerBusy",
                                                .headers = "Retry-After: 1\r\n"});
    struct az_lane *lane = &az_of(f->store)->engine.lanes[AZ_WRITE];
    lane->width = 40;
    uint64_t began = clock_ns();
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "am-x/%d", i);
        struct store_writer *writer = store_writer_new(f->store, name, &f->err);
        assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    }
    assert_true(store_sync(f->store, &f->err));
    assert_true(clock_ns() - began >= UINT64_C(1000000000)); /* Retry-After */
    assert_true(lane->width < 40);
    assert_false(lane->climbing);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_others_wrote_is_neither_replaced_nor_deleted),
        TEST(what_an_earlier_run_wrote_is_replaced_and_deleted),
        TEST(equal_bytes_are_not_sent_twice),
        TEST(a_queued_upload_that_fails_is_told_by_every_later_write),
        TEST(a_container_has_the_tables_as_folders),
        TEST(a_tables_container_is_that_and_weirs_own),
        TEST(a_name_that_no_container_can_have_is_told),
        TEST(the_tier_is_for_rows_alone),
        TEST(settings_that_can_never_work_are_refused_at_the_start),
        TEST(append_blobs_are_listed_and_read_as_they_were),
        TEST(a_prefix_is_what_stands_below_it),
        TEST(long_listings_come_in_pages),
        TEST(a_listing_that_goes_in_a_circle_ends),
        TEST(prefixes_are_asked_for_at_once),
        TEST(an_immutable_container_takes_only_what_is_new),
        TEST(a_container_that_never_comes_is_told),
        TEST(a_lock_in_an_immutable_container_is_leased_only),
        TEST(a_lost_lease_ends_all_writing),
        TEST(a_lease_that_nobody_took_meanwhile_is_renewed),
        TEST(a_renewal_that_fails_in_between_is_asked_again),
        TEST(a_blob_of_somebody_else_is_no_lock),
        TEST(an_outage_that_does_not_end_is_given_up),
        TEST(a_lease_is_renewed_while_its_lane_is_closed),
        TEST(the_lock_of_a_killed_process_is_taken_at_once),
        TEST(a_token_goes_to_no_strange_host),
        TEST(the_lock_of_another_machine_is_waited_for),
        TEST(a_run_ends_well_after_an_interruption),
        TEST(a_signature_that_is_rotated_stops_nothing),
        TEST(a_key_that_is_wrong_is_told_so),
        TEST(a_clock_that_is_off_is_told_by_how_much),
        TEST(a_signature_tells_its_end_and_what_it_lacks),
        TEST(a_signature_that_ends_soon_is_told_once),
        TEST(a_signature_that_has_ended_is_told_with_its_end),
        TEST(a_signature_that_has_not_ended_for_the_service_has_another_fault),
        TEST(a_key_that_an_emulator_refuses_is_no_matter_of_the_network),
        TEST(refusals_are_told_apart),
        TEST(a_redirect_is_not_followed),
        TEST(an_account_that_is_not_there_is_told_soon),
        TEST(a_service_that_is_busy_is_given_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
