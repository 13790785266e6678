/* Errors keep the first cause, stay within their bounds, and know their exit status. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_first_error_stays(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_false(error_set(&err, ERROR_IO, "first %d", 1));
    assert_false(error_set(&err, ERROR_KQL, "second"));
    assert_false(error_set_errno(&err, ERROR_KQL, ENOENT, "third"));
    assert_int_equal(err.code, ERROR_IO);
    assert_string_equal(err.message, "first 1");
    error_clear(&err);
    assert_int_equal(err.code, ERROR_NONE);
    assert_string_equal(err.message, "");
}

static void errno_is_told_in_words(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_false(error_set_errno(&err, ERROR_IO, ENOENT, "weir.yaml"));
    assert_string_equal(err.message, "weir.yaml: No such file or directory");
}

static void a_caller_without_interest_passes_null(void **state)
{
    (void) state;
    assert_false(error_set(NULL, ERROR_IO, "x"));
    assert_false(error_set_errno(NULL, ERROR_IO, EIO, "x"));
    assert_false(error_at(NULL, 1, 2, 3));
    assert_false(error_hint(NULL, "x"));
    assert_false(error_prefix(NULL, "x"));
    error_clear(NULL);
}

static void a_prefix_goes_before_the_message_and_needs_one(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_false(error_prefix(&err, "nothing yet"));
    assert_string_equal(err.message, "");
    (void) error_set(&err, ERROR_FORMAT, "no type 'x'");
    assert_false(error_prefix(&err, "line %d", 7));
    assert_string_equal(err.message, "line 7: no type 'x'");
}

static void a_long_message_is_cut_at_a_whole_character(void **state)
{
    (void) state;
    for (int lead = 0; lead < 4; lead++) {
        char text[2 * ERROR_MESSAGE_MAX] = "";
        size_t n = 0;
        for (int i = 0; i < lead; i++)
            text[n++] = 'x';
        while (n + 4 < sizeof text) {
            memcpy(text + n, "\xF0\x9F\x98\x80", 4);
            n += 4;
        }
        text[n] = '\0';
        struct error err = ERROR_INIT;
        (void) error_set(&err, ERROR_IO, "%s", text);
        size_t used = strlen(err.message);
        assert_in_range(used, ERROR_MESSAGE_MAX - 5, ERROR_MESSAGE_MAX - 1);
        assert_int_equal((used - (size_t) lead) % 4, 0);
        assert_memory_equal(err.message, text, used);
    }
}

static void codes_have_the_exit_status_of_the_manual(void **state)
{
    (void) state;
    assert_int_equal(error_exit_status(ERROR_NONE), 0);
    assert_int_equal(error_exit_status(ERROR_NETWORK), 1);
    assert_int_equal(error_exit_status(ERROR_USAGE), 2);
    assert_int_equal(error_exit_status(ERROR_SETTINGS), 2);
    assert_int_equal(error_exit_status(ERROR_KQL), 2);
    assert_int_equal(error_exit_status(ERROR_INCOMPLETE), 3);
    assert_int_equal(error_exit_status(ERROR_INTERRUPTED), 130);
    assert_string_equal(error_name(ERROR_THROTTLED), "THROTTLED");
}

static void what_is_handed_on_does_not_replace_the_first(void **state)
{
    (void) state;
    struct error first = ERROR_INIT, second = ERROR_INIT, err = ERROR_INIT;
    (void) error_set(&first, ERROR_IO, "first");
    (void) error_set(&second, ERROR_AUTH, "second");
    assert_false(error_pass(&err, &first));
    assert_false(error_pass(&err, &second));
    assert_int_equal(err.code, ERROR_IO);
    assert_string_equal(err.message, "first");
    assert_false(error_pass(NULL, &first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_on_does_not_replace_the_first),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(errno_is_told_in_words),
        cmocka_unit_test(a_caller_without_interest_passes_null),
        cmocka_unit_test(a_prefix_goes_before_the_message_and_needs_one),
        cmocka_unit_test(a_long_message_is_cut_at_a_whole_character),
        cmocka_unit_test(codes_have_the_exit_status_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
