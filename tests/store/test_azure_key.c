/* Keys and signatures of an account: rotated, wrong, ended; and a clock that is off. */
#include "account.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Refused while its text has `word` in it: the service has another key since. */
static void refuse_with(struct account *f, const char *word)
{
    account_refuse(f, word, 403, "AuthenticationFailed", NULL);
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
    struct account *f = *state;
    char path[64], reference[80];
    (void) snprintf(reference, sizeof reference, "file:%s",
                    sas_file(path, "sv=2022-11-02&ss=b&srt=sco&sp=rwdlac&sig=first\n"));
    account_open(f, (struct store_options){.sas = reference}, "");
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
    struct account *f = *state;
    static const char *const codes[] = {"AuthenticationFailed", "AuthorizationFailure",
                                        "AuthorizationPermissionMismatch"};
    char path[64], reference[80];
    (void) snprintf(reference, sizeof reference, "file:%s", sas_file(path, ""));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        rewrite(path, "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2021-11-07T08:00:00Z&sig=first");
        account_open(f, (struct store_options){.sas = reference}, "");
        account_refuse(f, "", 403, codes[i], NULL);
        error_clear(&f->err);
        assert_false(store_list(f->store, "am-x", account_gather, &f->text, &f->err));
        assert_int_equal(f->err.code, ERROR_AUTH);
        assert_non_null(strstr(f->err.message, "ended at 2021-11-07 08:00 UTC"));
        assert_non_null(strstr(f->err.message, codes[i]));
        assert_non_null(strstr(f->err.hint, reference));
        rewrite(path, "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2021-11-08&sig=second");
        error_clear(&f->err);
        assert_false(store_list(f->store, "am-x", account_gather, &f->text, &f->err));
        assert_non_null(strstr(f->err.message, "ended at 2021-11-08 00:00 UTC"));
    }
    assert_string_equal(buf_text(&f->notes), "");
    (void) unlink(path);
}

/* By the service's clock, not by ours. */
static void a_signature_that_has_not_ended_for_the_service_has_another_fault(void **state)
{
    struct account *f = *state;
    (void) setenv("WEIR_TEST_SAS", "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2021-11-07&sig=x", 1);
    account_open(f, (struct store_options){.sas = "env:WEIR_TEST_SAS"}, "");
    account_refuse(f, "", 403, "AuthenticationFailed", "Date: Sat, 06 Nov 2021 08:49:37 GMT\r\n");
    assert_false(store_list(f->store, "am-x", account_gather, &f->text, &f->err));
    assert_null(strstr(f->err.message, "ended"));
    assert_non_null(strstr(f->err.hint, "clock of this machine"));
}

static void a_key_that_is_wrong_is_told_so(void **state)
{
    struct account *f = *state;
    refuse_with(f, "");
    assert_false(account_put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.message, "AuthenticationFailed"));
    assert_non_null(strstr(f->err.hint, "env:WEIR_TEST_KEY"));
    assert_non_null(strstr(f->err.hint, "account"));
    error_clear(&f->err);
    assert_false(store_list(f->store, "am-x", account_gather, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
}

static const char SIGNATURE[] =
    "Server failed to authenticate the request. Make sure the value of the Authorization header is "
    "formed correctly including the signature.";

/* An emulator has the code of a firewall for a wrong key. */
static void a_key_that_an_emulator_refuses_is_no_matter_of_the_network(void **state)
{
    struct account *f = *state;
    blobs_fault(f->blobs, &(struct blobs_fault){.at = 1,
                                                .times = 1000,
                                                .kind = BLOBS_ANSWER,
                                                .status = 403,
                                                .code = "AuthorizationFailure",
                                                .message = SIGNATURE});
    assert_false(store_list(f->store, "am-x", account_gather, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "the key is not one of account"));
    assert_null(strstr(f->err.hint, "network rules"));
    assert_int_equal(blobs_count(f->blobs, ""), 1);
    /* A HEAD has no body: it may be either. */
    account_open(f, (struct store_options){0}, "");
    error_clear(&f->err);
    uint64_t size;
    assert_false(store_stat(f->store, "am-x/a", &size, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "the key is not one of account"));
    assert_non_null(strstr(f->err.hint, "Or the account's network rules"));
}

static void a_clock_that_is_off_is_told_by_how_much(void **state)
{
    struct account *f = *state;
    char date[AZ_DATE_TEXT], headers[64];
    az_date_format(tick_now() - 42 * TICK_MINUTE, date);
    (void) snprintf(headers, sizeof headers, "Date: %s\r\n", date);
    account_refuse(f, "", 403, "AuthenticationFailed", headers);
    assert_false(account_put(f, "am-x/a", "1"));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "42 min"));
    assert_non_null(strstr(f->err.hint, "ahead of"));
}

static void a_signature_tells_its_end_and_what_it_lacks(void **state)
{
    struct account *f = *state;
    struct store_access access;
    int64_t end;
    (void) setenv("WEIR_TEST_SAS", "sv=2022-11-02&sr=c&sp=rl&se=2036-12-01T08:00:00Z&sig=x", 1);
    account_open(f, (struct store_options){.sas = "env:WEIR_TEST_SAS"}, "/lake");
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
    struct account *f = *state;
    struct store_access access;
    char sas[160], at[TICK_TEXT_MAX], expected[160];
    int64_t end = tick_floor(tick_now(), TICK_MINUTE) + 30 * TICK_MINUTE;
    (void) tick_format(end, at);
    (void) snprintf(sas, sizeof sas, "sv=2022-11-02&sr=c&sp=rl&se=%s&sig=x", at);
    (void) setenv("WEIR_TEST_SAS", sas, 1);
    account_open(f, (struct store_options){.sas = "env:WEIR_TEST_SAS"}, "/lake");
    assert_true(store_access(f->store, &access, &f->err));
    assert_true(store_access(f->store, &access, &f->err));
    assert_true(access.until == end);
    (void) tick_format_short(end, at);
    (void) snprintf(expected, sizeof expected,
                    "the shared access signature of the lake ends at %s UTC\n", at);
    assert_string_equal(buf_text(&f->notes), expected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, account_set_up, account_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_signature_that_is_rotated_stops_nothing),
        TEST(a_key_that_is_wrong_is_told_so),
        TEST(a_clock_that_is_off_is_told_by_how_much),
        TEST(a_signature_tells_its_end_and_what_it_lacks),
        TEST(a_signature_that_ends_soon_is_told_once),
        TEST(a_signature_that_has_ended_is_told_with_its_end),
        TEST(a_signature_that_has_not_ended_for_the_service_has_another_fault),
        TEST(a_key_that_an_emulator_refuses_is_no_matter_of_the_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
