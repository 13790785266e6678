/* The service's errors: chains of codes, the innermost message, the ceilings. */
#include "workspace/service_error.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct service_error parse(const char *text)
{
    struct service_error error;
    (void) service_error_parse(str_of(text), &error);
    return error;
}

static void a_chain_gives_its_first_code_and_its_last_message(void **state)
{
    (void) state;
    struct service_error e = parse(
        "{\"error\":{\"code\":\"BadArgumentError\",\"message\":\"outer\",\"innererror\":{\"code\":"
        "\"SyntaxError\",\"message\":\"inner\"},\"details\":[{\"code\":\"X\",\"message\":"
        "\"detail\"}]}}");
    assert_string_equal(service_error_code(&e), "BadArgumentError");
    assert_string_equal(e.message, "inner");
    assert_true(service_error_has(&e, "SyntaxError") && service_error_has(&e, "X"));
    assert_false(service_error_has(&e, "Syntax"));
    assert_false(e.too_large);
}

static void the_error_itself_is_taken_as_well_as_what_holds_it(void **state)
{
    (void) state;
    struct service_error e = parse("{\"code\":\"PartialError\",\"message\":\"m\"}");
    assert_string_equal(service_error_code(&e), "PartialError");
}

static void ceilings_are_known_by_code_or_text(void **state)
{
    (void) state;
    static const char *const yes[] = {
        "{\"code\":\"a\",\"details\":[{\"innererror\":{\"code\":\"-2133196797\"}}]}",
        "{\"code\":\"a\",\"message\":\"Results exceed the set limit of 64000000 bytes, so\"}",
        "{\"code\":\"a\",\"message\":\"... exceed the set limit of 1 records, so\"}",
        "{\"code\":\"a\",\"message\":\"Maximum response size of 100000000 bytes exceeded\"}",
        "Maximum response size of 100000000 bytes exceeded",
        "{\"code\":\"a\",\"message\":\"(E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003)\"}"};
    static const char *const no[] = {
        "{\"code\":\"-2133196799\",\"message\":\"E_RUNAWAY_QUERY\"}",
        "{\"code\":\"a\",\"message\":\"exceed the set limit of patience\"}",
        "{\"code\":\"a\",\"message\":\"the code -2133196797 stands in a text\"}",
        "{\"code\":\"a\",\"message\":\"Maximum response size\"}",
        "",
        "<html>"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(parse(yes[i]).too_large);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(parse(no[i]).too_large);
}

static void a_chain_without_end_is_read_to_a_limit(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "{\"code\":\"C%d\",\"message\":\"M%d\",\"innererror\":", i, i);
    buf_puts(&text, "null");
    for (int i = 0; i < 1000; i++)
        buf_putc(&text, '}');
    struct service_error e = parse(buf_text(&text));
    assert_string_equal(service_error_code(&e), "C0");
    assert_true(e.count < 20);
    buf_release(&text);
}

static void what_is_no_error_has_no_code(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "", "7", "[]", "{}", "<html>", "{\"error\":7}", "{\"error\":{}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct service_error e = parse(texts[i]);
        assert_string_equal(service_error_code(&e), "");
        assert_string_equal(e.message, "");
    }
}

static void a_ceiling_is_named_with_its_limit(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        enum workspace_ceiling ceiling;
        uint64_t limit;
    } cases[] = {
        {"{\"code\":\"a\",\"message\":\"Results exceed the set limit of 64000000 bytes, so\"}",
         WORKSPACE_CEILING_BYTES, 64000000},
        {"{\"code\":\"a\",\"message\":\"exceed the set limit of 500000 records, so\"}",
         WORKSPACE_CEILING_ROWS, 500000},
        {"Maximum response size of 100000000 bytes exceeded", WORKSPACE_CEILING_JSON, 100000000},
        {"{\"code\":\"-2133196797\",\"message\":\"too much\"}", WORKSPACE_CEILING_UNKNOWN, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct service_error error;
        (void) service_error_parse(str_of(cases[i].text), &error);
        assert_true(error.too_large);
        assert_int_equal(error.ceiling, cases[i].ceiling);
        assert_int_equal(error.limit, cases[i].limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ceiling_is_named_with_its_limit),
        cmocka_unit_test(a_chain_gives_its_first_code_and_its_last_message),
        cmocka_unit_test(the_error_itself_is_taken_as_well_as_what_holds_it),
        cmocka_unit_test(ceilings_are_known_by_code_or_text),
        cmocka_unit_test(a_chain_without_end_is_read_to_a_limit),
        cmocka_unit_test(what_is_no_error_has_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
