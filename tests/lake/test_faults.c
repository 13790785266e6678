/* Any call that touches the disk may fail: an export says what and where, leaves no lie behind, and goes on later. */
#include "../store/fault.h"
#include "small_export.h"

#include <errno.h>

enum { CALLS_MAX = 2000, CALLS_MIN = 100 };

static int set_up(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_set_up(state);
}

static int tear_down(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_tear_down(state);
}

static size_t open_files(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    assert_int_equal(closedir(dir), 0);
    return n;
}

/* --- what holds whatever failed --- */

struct sound {
    struct fixture *f;
    const char *want; /* all blobs of an undisturbed lake, as put_blob writes them */
    size_t blobs;
};

/* A blob under its own name is whole: name and bytes stand so among those wanted. */
static bool must_be_whole(void *context, const struct store_blob *blob, struct error *err)
{
    struct sound *sound = context;
    buf_reset(&sound->f->text);
    assert_true(put_blob(sound->f, blob, err));
    const char *at = strstr(sound->want, buf_text(&sound->f->text));
    if (!at)
        fail_msg("not whole: %s", buf_text(&sound->f->text));
    at += sound->f->text.used;
    assert_true(*at == '\0' || strncmp(at, "am-", 3) == 0);
    sound->blobs++;
    return true;
}

/* No blob is half, the ledger opens, and it has no line of a blob that is not whole. */
static void tells_no_lie(struct fixture *f, const char *want, bool complete)
{
    struct sound sound = {.f = f, .want = want};
    struct lake_check_totals totals;
    struct lake_check_options options = {0};
    error_clear(&f->err);
    assert_true(store_list(f->store, "am-okta-cl", must_be_whole, &sound, &f->err));
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger)
        fail_msg("%s", f->err.message);
    assert_true(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    for (int i = 0; i < LAKE_FINDING_COUNT; i++)
        if (i != LAKE_FINDING_OK && i != LAKE_FINDING_UNKNOWN)
            assert_int_equal(totals.findings[i], 0);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], lake_ledger_count(ledger));
    if (complete)
        assert_int_equal(lake_ledger_count(ledger), PARTITIONS);
    lake_ledger_free(ledger);
}

/* It says what failed, and of which file of which lake. */
static void says_it(const struct fixture *f, const struct error *err, int number)
{
    if (err->code != ERROR_IO || !strstr(err->message, strerror(number)) ||
        !strstr(err->message, f->folder.lake))
        fail_msg("%s: %s", error_name(err->code), err->message);
}

/* An export under `wanted`, and what must be true after it. False when nothing struck. */
static bool try_export(struct fixture *f, const struct fault *wanted, const char *want)
{
    struct error err = ERROR_INIT;
    begin_anew(f);
    size_t files = open_files();
    fault = *wanted;
    bool ok = export(f->folder.lake, &err);
    bool struck = fault.struck;
    fault = (struct fault){0};
    assert_int_equal(open_files(), files);
    assert_true(ok || struck);
    if (!ok)
        says_it(f, &err, wanted->number);
    tells_no_lie(f, want, ok);
    resume(f, want);
    return struck;
}

/* Each n-th call in turn until an export has no more. */
static int for_every_call(struct fixture *f, struct fault wanted)
{
    char *want = undisturbed(f);
    int n = 0;
    do
        wanted.at = ++n;
    while (try_export(f, &wanted, want) && n < CALLS_MAX);
    assert_true(n < CALLS_MAX);
    free(want);
    return n - 1;
}

static void every_call_fails_with_an_input_output_error(void **state)
{
    int n = for_every_call(*state, (struct fault){.number = EIO});
    printf("%d calls\n", n);
    assert_true(n > CALLS_MIN);
}

static void every_call_finds_the_disk_full(void **state)
{
    assert_true(for_every_call(*state, (struct fault){.number = ENOSPC}) > CALLS_MIN);
}

/* A disk that is full stays so; one that is read-only refuses all that would change it. */
static void from_some_call_on_all_of_its_kind_fail(void **state)
{
    static const char *const calls[] = {"write",   "pwrite",   "fdatasync", "syncfs",   "mkdirat",
                                        "mkdir",   "unlinkat", "renameat",  "openat",   "open",
                                        "mkstemp", "flock",    "ftruncate", "renameat2"};
    static const int numbers[] = {ENOSPC, EIO, EROFS, EACCES};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct fault wanted = {.call = calls[i], .always = true};
        wanted.number = numbers[i % (sizeof numbers / sizeof numbers[0])];
        if (for_every_call(*state, wanted) == 0)
            fail_msg("no export calls %s", calls[i]);
    }
}

static void a_lake_that_may_not_be_written(void **state)
{
    struct fixture *f = *state;
    static const int numbers[] = {EROFS, EACCES};
    for (int i = 0; i < 2; i++) {
        struct error err = ERROR_INIT;
        begin_anew(f);
        fault = (struct fault){.at = 1, .call = "mkdir", .number = numbers[i], .always = true};
        assert_false(export(f->folder.lake, &err));
        fault = (struct fault){0};
        says_it(f, &err, numbers[i]);
        assert_non_null(strstr(err.hint, i == 0 ? "mounted read-only" : "read and write"));
        assert_int_equal(access(f->folder.lake, F_OK), -1);
    }
}

static void a_short_write_is_gone_on_with(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    int n = 0;
    bool struck;
    do {
        begin_anew(f);
        fault = (struct fault){.at = ++n, .brief = true};
        must_export(f);
        struck = fault.struck;
        fault = (struct fault){0};
        char *is = sound_lake(f);
        assert_string_equal(is, want);
        free(is);
    } while (struck && n < CALLS_MAX);
    assert_true(n > PARTITIONS && n < CALLS_MAX);
    free(want);
}

static void a_short_write_is_the_disks_last(void **state)
{
    int n = for_every_call(*state, (struct fault){.brief = true, .number = ENOSPC});
    assert_true(n > PARTITIONS);
}

/* The kernel tells once that bytes were lost. The lines that waited for them must not be written later. */
static void lines_whose_sync_failed_are_never_written(void **state)
{
    struct fixture *f = *state;
    struct lake_entry entry = {.partition = partition_at(0)};
    struct lake_run run = {.id = "run", .by = "weir"};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_true(ledger && lake_ledger_begin(ledger, &run, &f->err));
    assert_true(store_put(f->store, "am-okta-cl/blob", STR("x"), &f->err));
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    fault = (struct fault){.at = 1, .call = "syncfs", .number = EIO};
    assert_false(lake_ledger_flush(ledger, &f->err));
    assert_true(fault.struck);
    says_it(f, &f->err, EIO);
    error_clear(&f->err);
    assert_false(lake_ledger_flush(ledger, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    lake_ledger_free(ledger);
    ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_non_null(ledger);
    assert_int_equal(lake_ledger_count(ledger), 0);
    lake_ledger_free(ledger);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(every_call_fails_with_an_input_output_error),
        T(every_call_finds_the_disk_full),
        T(from_some_call_on_all_of_its_kind_fail),
        T(a_lake_that_may_not_be_written),
        T(a_short_write_is_gone_on_with),
        T(a_short_write_is_the_disks_last),
        T(lines_whose_sync_failed_are_never_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
