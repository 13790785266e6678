/* One JSON array: its objects as lines, and what is no object. */
#include "tests/partition/taken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T "\"TimeGenerated\":\"2021-11-07T03:05:12Z\""

static void take(const char *text, struct taken *out)
{
    char *path = taken_text("a.json", text);
    taken_all(path, NULL, out);
    free(path);
}

static void objects_become_lines_without_blanks_between_tokens(void **state)
{
    struct taken taken;
    (void) state;
    take(" [\n  {\n    " T ",\n    \"a b\" : [ 1.50 , { } , \"x  y\\u0041\" ]\n  },\n  { " T
         " }\n]\n",
         &taken);
    assert_string_equal(taken.form, "JSON array");
    assert_int_equal(taken.row_count, 2);
    assert_string_equal(taken.rows[0].line, "{" T ",\"a b\":[1.50,{},\"x  y\\u0041\"]}");
    assert_string_equal(taken.rows[1].line, "{" T "}");
    assert_int_equal(taken.lines, 7);
    taken_release(&taken);
}

static void a_byte_order_mark_is_passed(void **state)
{
    struct taken taken;
    (void) state;
    take("\xef\xbb\xbf[{" T "}]", &taken);
    assert_int_equal(taken.row_count, 1);
    assert_int_equal(taken.bytes, strlen("\xef\xbb\xbf[{" T "}]"));
    taken_release(&taken);
}

static void assert_reject(const struct taken *taken, size_t i, uint64_t line,
                          enum part_reason reason, const char *text)
{
    assert_true(i < taken->reject_count);
    assert_int_equal(taken->rejects[i].line, line);
    assert_int_equal(taken->rejects[i].reason, reason);
    assert_string_equal(taken->rejects[i].text, text);
}

static void rejects_tell_the_line_on_which_they_begin(void **state)
{
    struct taken taken;
    (void) state;
    take("[\n"
         "{" T "},\n"                       /* 2 */
         "17,\n"                            /* 3 */
         "{\n\"TimeGenerated\":\nnull},\n"  /* 4 */
         "{" T ",\"a\":tru},\n"             /* 7 */
         "\"],[{\\\"\", [{" T "}],\n"       /* 8, twice */
         ",\n"                              /* 9: nothing before the comma */
         "{" T ",\"b\":\"],{\"}, {\"n\":1}" /* 10 */
         "]",
         &taken);
    assert_int_equal(taken.row_count, 2);
    assert_string_equal(taken.rows[1].line, "{" T ",\"b\":\"],{\"}");
    assert_int_equal(taken.reject_count, 7);
    assert_reject(&taken, 0, 3, PART_REASON_FORM, "17");
    assert_reject(&taken, 1, 4, PART_REASON_NULL_TIME, "{\"TimeGenerated\":null}");
    assert_reject(&taken, 2, 7, PART_REASON_FORM, "{" T ",\"a\":tru}");
    assert_reject(&taken, 3, 8, PART_REASON_FORM, "\"],[{\\\"\"");
    assert_reject(&taken, 4, 8, PART_REASON_FORM, "[{" T "}]");
    assert_reject(&taken, 5, 9, PART_REASON_FORM, "");
    assert_reject(&taken, 6, 10, PART_REASON_NO_TIME, "{\"n\":1}");
    taken_release(&taken);
}

static void an_empty_array_has_no_rows(void **state)
{
    struct taken taken;
    (void) state;
    take("[ ]\n", &taken);
    assert_string_equal(taken.form, "JSON array");
    assert_int_equal(taken.row_count + taken.reject_count, 0);
    taken_release(&taken);
}

static void assert_fails(const char *text, const char *message)
{
    struct error err = ERROR_INIT;
    struct taken taken;
    char *path = taken_text("b.json", text);
    assert_false(taken_read(path, NULL, &taken, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    if (!strstr(err.message, message))
        fail_msg("%s", err.message);
    free(path);
}

static void an_array_that_breaks_off_fails(void **state)
{
    (void) state;
    assert_fails("[\n{" T "},\n{" T, "line 3: the array does not end");
    assert_fails("[\n{" T "}\n", "the array does not end");
    assert_fails("[{" T "},", "the array does not end");
    assert_fails("[{" T ",\"a\":\"]\n", "the array does not end");
    assert_fails("[{" T "}]\n{" T "}", "line 2: something stands behind the array");
}

/* An object of so many bytes in a text that fills more than one piece. */
static void objects_longer_than_a_piece_are_whole(void **state)
{
    struct taken taken;
    const size_t fill = 3 * PART_PIECE + 17;
    char *text = malloc(2 * fill + 1000);
    (void) state;
    int n = sprintf(text, "[{" T ",\"n\":1},\n{\"x\":\"");
    memset(text + n, 'x', fill);
    (void) sprintf(text + n + fill, "\"," T ",\"n\":2},{" T ",\"n\":3}]");
    take(text, &taken);
    free(text);
    assert_int_equal(taken.row_count, 3);
    assert_int_equal(taken.reject_count, 0);
    assert_int_equal(strlen(taken.rows[1].line), fill + 8 + strlen(T) + 7);
    assert_string_equal(taken.rows[2].line, "{" T ",\"n\":3}");
    taken_release(&taken);
}

static void an_object_that_is_too_long_is_rejected_alone(void **state)
{
    struct taken taken;
    const size_t fill = PART_LINE_MAX + 10;
    char *text = malloc(fill + 1000);
    (void) state;
    int n = sprintf(text, "[{" T ",\"n\":1},\n{\"x\":\"");
    memset(text + n, 'x', fill);
    text[n + PART_PIECE * 3] = '\n'; /* counted, though it is let go */
    (void) sprintf(text + n + fill, "\"," T ",\"n\":2},\n{" T ",\"n\":3},\n4]");
    take(text, &taken);
    free(text);
    assert_int_equal(taken.row_count, 2);
    assert_string_equal(taken.rows[1].line, "{" T ",\"n\":3}");
    assert_int_equal(taken.reject_count, 2);
    assert_int_equal(taken.rejects[0].line, 2);
    assert_int_equal(taken.rejects[0].reason, PART_REASON_LONG);
    assert_true(strlen(taken.rejects[0].text) >= PART_REJECT_TEXT_MAX);
    assert_int_equal(taken.rejects[1].line, 5);
    taken_release(&taken);
}

/* Rows of random lengths, so that pieces end everywhere. */
static void pieces_may_end_anywhere(void **state)
{
    struct taken taken;
    const size_t rows = 4000;
    char *text = malloc(rows * 600 + 10);
    size_t n = 1;
    uint64_t seed = 17;
    (void) state;
    text[0] = '[';
    for (size_t i = 0; i < rows; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        n += sprintf(text + n, "%s\n{ " T ", \"n\": %zu, \"x\": \"%*s\\\"],\" }", i ? "," : "", i,
                     (int) (seed >> 33) % 500, "");
    }
    text[n++] = ']';
    text[n] = '\0';
    take(text, &taken);
    free(text);
    assert_int_equal(taken.row_count, rows);
    assert_int_equal(taken.lines, rows);
    for (size_t i = 0; i < rows; i++) {
        char begin[100];
        (void) snprintf(begin, sizeof begin, "{" T ",\"n\":%zu,\"x\":\"", i);
        assert_memory_equal(taken.rows[i].line, begin, strlen(begin));
        assert_true(str_ends(str_of(taken.rows[i].line), STR("\\\"],\"}")));
    }
    taken_release(&taken);
}

static int clean(void **state)
{
    (void) state;
    taken_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_become_lines_without_blanks_between_tokens),
        cmocka_unit_test(a_byte_order_mark_is_passed),
        cmocka_unit_test(rejects_tell_the_line_on_which_they_begin),
        cmocka_unit_test(an_empty_array_has_no_rows),
        cmocka_unit_test(an_array_that_breaks_off_fails),
        cmocka_unit_test(objects_longer_than_a_piece_are_whole),
        cmocka_unit_test(an_object_that_is_too_long_is_rejected_alone),
        cmocka_unit_test(pieces_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
