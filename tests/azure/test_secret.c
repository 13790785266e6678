/* Secrets by reference: three ways, and nothing else; a refusal never repeats what it refuses. */
#include "azure/credential.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define VALUE "hunter2-hunter2"

static void assert_refused(const char *reference, enum error_code code, const char *word)
{
    struct error err = ERROR_INIT;
    struct secret out = SECRET_INIT;
    assert_false(azure_secret_read(NULL, reference, &out, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, word));
    assert_null(strstr(err.message, VALUE));
    assert_null(strstr(err.hint, VALUE));
    assert_int_equal(secret_str(&out).n, 0);
    secret_release(&out);
}

static void a_variable_gives_its_value(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret out = SECRET_INIT;
    assert_int_equal(setenv("WEIR_TEST_SECRET", VALUE, 1), 0);
    assert_true(azure_secret_read(NULL, "env:WEIR_TEST_SECRET", &out, &err));
    assert_string_equal(secret_str(&out).p, VALUE);
    assert_int_equal(setenv("WEIR_TEST_SECRET", "", 1), 0);
    assert_refused("env:WEIR_TEST_SECRET", ERROR_SETTINGS,
                   "WEIR_TEST_SECRET, which should hold a secret, is empty");
    assert_int_equal(unsetenv("WEIR_TEST_SECRET"), 0);
    assert_refused("env:WEIR_TEST_SECRET", ERROR_SETTINGS, "not set");
    secret_release(&out);
}

static void a_file_of_ones_own_gives_its_first_line(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret out = SECRET_INIT;
    char path[] = "/tmp/weir-test-secret-XXXXXX", reference[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, VALUE "\n", sizeof VALUE) == sizeof VALUE && close(fd) == 0);
    (void) snprintf(reference, sizeof reference, "file:%s", path);
    assert_true(azure_secret_read(NULL, reference, &out, &err));
    assert_string_equal(secret_str(&out).p, VALUE);
    assert_int_equal(chmod(path, 0644), 0);
    assert_refused(reference, ERROR_SETTINGS, path);
    assert_int_equal(chmod(path, 0600) | truncate(path, 0), 0);
    assert_refused(reference, ERROR_SETTINGS, "empty");
    assert_int_equal(unlink(path), 0);
    assert_refused(reference, ERROR_NOT_FOUND, path);
    secret_release(&out);
}

static void a_value_is_refused_with_the_three_ways(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_false(azure_secret_check(VALUE, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_non_null(strstr(err.hint, "env:NAME"));
    assert_non_null(strstr(err.hint, "file:PATH"));
    assert_non_null(strstr(err.hint, "keyvault://VAULT/SECRET"));
    assert_refused(VALUE, ERROR_SETTINGS, "must not be given as a value");
    assert_refused("", ERROR_SETTINGS, "value");
    assert_refused("ENV:X", ERROR_SETTINGS, "value");
    assert_refused("env:", ERROR_SETTINGS, "name of a variable");
    assert_refused("env:hunter2-hunter2", ERROR_SETTINGS, "name of a variable");
    assert_refused("file:", ERROR_SETTINGS, "path");
    assert_refused("keyvault://contoso/secret", ERROR_SETTINGS, "without signing in");
}

static void clouds_have_names(void **state)
{
    (void) state;
    assert_string_equal(azure_cloud_find("public")->query_audience, "https://api.loganalytics.io");
    assert_string_equal(azure_cloud_find("usgovernment")->authority,
                        "https://login.microsoftonline.us");
    assert_non_null(azure_cloud_find("china"));
    assert_null(azure_cloud_find("mars"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_gives_its_value),
        cmocka_unit_test(a_file_of_ones_own_gives_its_first_line),
        cmocka_unit_test(a_value_is_refused_with_the_three_ways),
        cmocka_unit_test(clouds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
