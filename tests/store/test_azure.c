/* What an account does that a folder does not: whose a blob is, forms, pages, refusals, and what is told. */
#include "account.h"

#include <stdio.h>
#include <stdlib.h>

/* --- whose a blob is --- */

static void what_others_wrote_is_neither_replaced_nor_deleted(void **state)
{
    struct account *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("theirs"), NULL);
    assert_false(account_put(f, "am-x/a", "ours"));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_non_null(strstr(f->err.message, "was not written by weir"));
    error_clear(&f->err);
    assert_false(store_delete(f->store, "am-x/a", &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(account_bytes(f, "am-x/a"), "theirs");
    assert_int_equal(blobs_count(f->blobs, "DELETE "), 0);
}

static void what_others_wrote_is_deleted_when_that_is_said(void **state)
{
    struct account *f = *state;
    char names[40][16];
    struct store_unwanted unwanted[40];
    for (size_t i = 0; i < 40; i++) {
        (void) snprintf(names[i], sizeof names[i], "am-x/%02zu", i);
        blobs_put(f->blobs, names[i], STR("1"), NULL);
        unwanted[i] = (struct store_unwanted){.name = names[i], .anyones = i != 20};
    }
    assert_false(store_delete_many(f->store, unwanted, 40, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_non_null(strstr(f->err.message, names[20]));
    size_t left = 0;
    for (size_t i = 0; i < 40; i++) { /* what is told is so */
        uint64_t size;
        bool there = store_stat(f->store, names[i], &size, NULL);
        assert_int_equal(there, unwanted[i].fate == STORE_STAYS);
        left += there;
    }
    assert_true(left > 0 && left < 40);
    unwanted[20].anyones = true;
    error_clear(&f->err);
    assert_true(store_delete_many(f->store, unwanted, 40, &f->err));
    assert_string_equal(account_list(f, "am-x"), "");
}

static void what_an_earlier_run_wrote_is_replaced_and_deleted(void **state)
{
    struct account *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("old"), "another run");
    assert_true(account_put(f, "am-x/a", "new"));
    assert_string_equal(account_bytes(f, "am-x/a"), "new");
    assert_true(store_delete(f->store, "am-x/a", &f->err));
    assert_false(blobs_has(f->blobs, "am-x/a"));
}

static void equal_bytes_are_not_sent_twice(void **state)
{
    struct account *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("same"), "another run");
    assert_true(account_put(f, "am-x/a", "same"));
    assert_int_equal(blobs_count(f->blobs, "PUT "), 1);
    assert_int_equal(blobs_count(f->blobs, "HEAD "), 1);
}

static void a_queued_upload_that_fails_is_told_by_every_later_write(void **state)
{
    struct account *f = *state;
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
    struct account *f = *state;
    account_open(f, (struct store_options){0}, "/lake/sub");
    assert_true(account_put(f, "am-x/a", "1"));
    assert_true(account_put(f, "weir/b", "2"));
    blobs_put(f->blobs, "lake/elsewhere", STR("no"), NULL);
    assert_string_equal(account_bytes(f, "lake/sub/am-x/a"), "1");
    assert_string_equal(account_list(f, ""), "am-x/a:1 md5 weir/b:1 md5 ");
    assert_string_equal(account_list(f, "am-x"), "am-x/a:1 md5 ");
}

static void a_tables_container_is_that_and_weirs_own(void **state)
{
    struct account *f = *state;
    account_open(f, (struct store_options){0}, "/am-x");
    blobs_put(f->blobs, "am-y/a", STR("1"), NULL);
    assert_true(account_put(f, "am-x/a", "1"));
    assert_true(account_put(f, "weir/a", "1"));
    assert_string_equal(account_list(f, ""), "am-x/a:1 md5 weir/a:1 md5 ");
    assert_false(account_put(f, "am-y/b", "1"));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
}

static void a_name_that_no_container_can_have_is_told(void **state)
{
    struct account *f = *state;
    assert_false(account_put(f, "am-a--b/x", "1"));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_non_null(strstr(f->err.hint, "small letters"));
    assert_int_equal(blobs_count(f->blobs, ""), 0);
}

static void the_tier_is_for_rows_alone(void **state)
{
    struct account *f = *state;
    char tier[16];
    account_open(f, (struct store_options){.tier = "cold"}, "");
    assert_true(account_put(f, "am-x/a", "1"));
    assert_true(account_put(f, "weir/a", "1"));
    assert_true(blobs_get(f->blobs, "am-x/a", &f->text, tier));
    assert_string_equal(tier, "Cold");
    assert_true(blobs_get(f->blobs, "weir/a", &f->text, tier));
    assert_string_equal(tier, "");
}

static void settings_that_can_never_work_are_refused_at_the_start(void **state)
{
    struct account *f = *state;
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
    struct account *f = *state;
    blobs_append(f->blobs, "am-x/m=05/PT05M.json", STR("one\n"));
    assert_string_equal(account_list(f, "am-x"), "am-x/m=05/PT05M.json:4 append ");
    blobs_append(f->blobs, "am-x/m=05/PT05M.json", STR("one\ntwo\n"));
    const struct store_wanted wanted = {"am-x/m=05/PT05M.json", 4};
    struct store_ahead *ahead = store_ahead_new(f->store, &wanted, 1, &f->err);
    size_t index;
    struct str piece;
    assert_true(store_ahead_next(ahead, &index, &piece, &f->err));
    assert_true(str_eq(piece, STR("one\n")));
    store_ahead_free(ahead);
}

static bool remember(void *context, const struct store_blob *blob, struct error *err)
{
    struct store_blob *last = context;
    (void) err;
    *last = *blob;
    return true;
}

/* An account tells the second of a change: a blob may be put twice within one. */
static void what_is_put_anew_is_listed_as_another_version(void **state)
{
    struct account *f = *state;
    struct store_blob first = {0}, again = {0}, anew = {0};
    blobs_put(f->blobs, "am-x/a", STR("old"), "another run");
    assert_true(store_list(f->store, "am-x", remember, &first, &f->err));
    assert_true(store_list(f->store, "am-x", remember, &again, &f->err));
    assert_true(account_put(f, "am-x/a", "new"));
    assert_true(store_list(f->store, "am-x", remember, &anew, &f->err));
    assert_int_equal(first.modified, anew.modified);
    assert_int_equal(first.size, anew.size);
    assert_int_equal(first.version, again.version);
    assert_int_not_equal(first.version, anew.version);
}

static void a_prefix_is_what_stands_below_it(void **state)
{
    struct account *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("1"), NULL);
    assert_string_equal(account_list(f, "am-x/a"), "");
    blobs_put(f->blobs, "am-x/a/b", STR("1"), NULL);
    blobs_put(f->blobs, "am-x/a-c", STR("1"), NULL);
    assert_string_equal(account_list(f, "am-x/a"), "am-x/a/b:1 md5 ");
    assert_string_equal(account_list(f, "am-x"), "am-x/a:1 md5 am-x/a-c:1 md5 am-x/a/b:1 md5 ");
}

static void long_listings_come_in_pages(void **state)
{
    struct account *f = *state;
    char name[64];
    blobs_page(f->blobs, 7);
    struct buf expected = BUF_INIT(1 << 16);
    for (int i = 0; i < 100; i++) {
        (void) snprintf(name, sizeof name, "am-x/m=%02d/a", i);
        blobs_put(f->blobs, name, STR("1"), NULL);
        buf_printf(&expected, "%s:1 md5 ", name);
    }
    assert_string_equal(account_list(f, "am-x"), buf_text(&expected));
    assert_true(blobs_count(f->blobs, "comp=list") >= 100 / 7);
    buf_release(&expected);
}

/* One request for each prefix, many at once. */
static void a_listing_that_goes_in_a_circle_ends(void **state)
{
    struct account *f = *state;
    blobs_put(f->blobs, "am-x/a", STR("1"), NULL);
    blobs_page(f->blobs, 0); /* nothing, and the same marker again */
    buf_reset(&f->text);
    assert_false(store_list(f->store, "am-x", account_gather, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "does not go on"));
    assert_true(blobs_count(f->blobs, "comp=list") <= 3);
}

static void prefixes_are_asked_for_at_once(void **state)
{
    struct account *f = *state;
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
    assert_true(store_list_many(f->store, prefixes, PREFIXES, account_gather, &f->text, &f->err));
    assert_int_equal(blobs_count(f->blobs, "comp=list"), PREFIXES);
    assert_int_equal(f->text.used, PREFIXES * strlen("am-x/d=00/a:1 md5 "));
}

/* --- immutable containers --- */

static void an_immutable_container_takes_only_what_is_new(void **state)
{
    struct account *f = *state;
    bool immutable = true;
    assert_true(store_immutable(f->store, "am-x/a", &immutable, &f->err));
    assert_false(immutable); /* it is not there yet */
    blobs_put(f->blobs, "am-y/a", STR("old"), "another run");
    blobs_immutable(f->blobs, "am-y", true);
    assert_true(store_immutable(f->store, "am-y/a", &immutable, &f->err));
    assert_true(immutable);
    assert_true(account_put(f, "am-y/a", "old")); /* nothing to do */
    assert_false(account_put(f, "am-y/a", "new"));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_non_null(strstr(f->err.message, "immutable"));
    assert_true(account_put(f, "am-y/a_2", "new"));
    error_clear(&f->err);
    assert_false(store_delete(f->store, "am-y/a", &f->err));
    assert_non_null(strstr(f->err.message, "BlobImmutableDueToPolicy"));
    assert_string_equal(account_bytes(f, "am-y/a"), "old");
}

static void a_lock_in_an_immutable_container_is_leased_only(void **state)
{
    struct account *f = *state;
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
    struct account *f = *state;
    blobs_fault(f->blobs, &(struct blobs_fault){.match = "PUT /account/am-x/a",
                                                .at = 1,
                                                .times = 1000,
                                                .kind = BLOBS_ANSWER,
                                                .status = 404,
                                                .code = "ContainerNotFound"});
    assert_false(account_put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "ContainerNotFound"));
    assert_int_equal(blobs_count(f->blobs, "PUT /account/am-x/a"), AZ_MAKES_MAX + 1);
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
    struct account *f = *state;
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
        account_open(f, (struct store_options){0}, "");
        error_clear(&f->err);
        account_refuse(f, "", c->status, c->code, NULL);
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
    struct account *f = *state;
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
    struct account *f = *state;
    account_refuse(f, "", 307, NULL, "Location: http://elsewhere.example/x\r\n");
    assert_false(account_put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_SERVICE);
    assert_non_null(strstr(f->err.message, "elsewhere.example"));
    assert_int_equal(blobs_count(f->blobs, ""), 1);
}

static void an_account_that_is_not_there_is_told_soon(void **state)
{
    struct account *f = *state;
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
    struct account *f = *state;
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, account_set_up, account_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_others_wrote_is_neither_replaced_nor_deleted),
        TEST(what_others_wrote_is_deleted_when_that_is_said),
        TEST(what_an_earlier_run_wrote_is_replaced_and_deleted),
        TEST(equal_bytes_are_not_sent_twice),
        TEST(a_queued_upload_that_fails_is_told_by_every_later_write),
        TEST(a_container_has_the_tables_as_folders),
        TEST(a_tables_container_is_that_and_weirs_own),
        TEST(a_name_that_no_container_can_have_is_told),
        TEST(the_tier_is_for_rows_alone),
        TEST(settings_that_can_never_work_are_refused_at_the_start),
        TEST(append_blobs_are_listed_and_read_as_they_were),
        TEST(what_is_put_anew_is_listed_as_another_version),
        TEST(a_prefix_is_what_stands_below_it),
        TEST(long_listings_come_in_pages),
        TEST(a_listing_that_goes_in_a_circle_ends),
        TEST(prefixes_are_asked_for_at_once),
        TEST(an_immutable_container_takes_only_what_is_new),
        TEST(a_container_that_never_comes_is_told),
        TEST(a_lock_in_an_immutable_container_is_leased_only),
        TEST(a_token_goes_to_no_strange_host),
        TEST(refusals_are_told_apart),
        TEST(a_redirect_is_not_followed),
        TEST(an_account_that_is_not_there_is_told_soon),
        TEST(a_service_that_is_busy_is_given_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
