/* Buffers keep to their maximum, stay valid when memory runs out, and tell which of both it was. */
#include "base/memory.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void puts_add_up_and_end_in_nul(void **state)
{
    (void) state;
    struct buf buf = BUF_INIT(100);
    assert_string_equal(buf_text(&buf), "");
    buf_puts(&buf, "a");
    buf_put(&buf, "bcd", 2);
    buf_put_str(&buf, STR("d"));
    buf_putc(&buf, 'e');
    buf_printf(&buf, "%03d", 7);
    assert_string_equal(buf_text(&buf), "abcde007");
    assert_true(str_eq(buf_str(&buf), STR("abcde007")));
    assert_true(buf_ok(&buf, "text", NULL));
    buf_release(&buf);
    assert_int_equal(buf.max, 100);
}

static void exactly_the_maximum_fits(void **state)
{
    (void) state;
    struct buf buf = BUF_INIT(5);
    struct error err = ERROR_INIT;
    buf_puts(&buf, "12345");
    assert_true(buf_ok(&buf, "text", &err));
    buf_putc(&buf, '6');
    assert_false(buf_ok(&buf, "a name", &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(err.message, "a name is longer than 5 bytes");
    assert_string_equal(buf_text(&buf), "12345");
    buf_release(&buf);
}

static void a_failed_buffer_takes_nothing_until_reset(void **state)
{
    (void) state;
    struct buf buf = BUF_INIT(4);
    buf_puts(&buf, "ab");
    buf_puts(&buf, "too long");
    buf_puts(&buf, "c");
    buf_printf(&buf, "d");
    assert_string_equal(buf_text(&buf), "ab");
    assert_false(buf_ok(&buf, "text", NULL));
    buf_reset(&buf);
    buf_puts(&buf, "abcd");
    assert_true(buf_ok(&buf, "text", NULL));
    assert_string_equal(buf_text(&buf), "abcd");
    buf_release(&buf);
}

static void no_length_overflows(void **state)
{
    (void) state;
    struct buf buf = BUF_INIT(SIZE_MAX);
    buf_puts(&buf, "x");
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_reset(&buf);
    assert_false(buf_reserve(&buf, SIZE_MAX - 1));
    buf_release(&buf);
}

/* What most users do: several puts, one check. True when all went well. */
static bool use_buffer(struct error *err)
{
    struct buf buf = BUF_INIT(1 << 20);
    for (int i = 0; i < 200; i++) {
        buf_printf(&buf, "%d,", i);
        buf_puts(&buf, "some words that make it grow ");
    }
    bool ok = buf_ok(&buf, "words", err);
    assert_int_equal(strlen(buf_text(&buf)), buf.used);
    buf_release(&buf);
    return ok;
}

static void every_failing_allocation_is_reported(void **state)
{
    (void) state;
    uint64_t n = 1;
    for (;; n++) {
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        if (use_buffer(&err))
            break;
        assert_int_equal(err.code, ERROR_MEMORY);
        assert_string_equal(err.message, "no memory for words");
    }
    mem_fail_at(0);
    assert_in_range(n, 3, 100);
}

static void taking_gives_the_bytes_away(void **state)
{
    (void) state;
    struct buf buf = BUF_INIT(10);
    buf_puts(&buf, "mine");
    char *text = buf_take(&buf);
    assert_string_equal(text, "mine");
    assert_int_equal(buf.used, 0);
    assert_string_equal(buf_text(&buf), "");
    mem_free(text);
    text = buf_take(&buf);
    assert_string_equal(text, "");
    mem_free(text);
    buf_puts(&buf, "longer than ten");
    assert_null(buf_take(&buf));
    assert_false(buf.failed);
}

static void base64url_is_read_or_refused(void **state)
{
    (void) state;
    static const struct {
        const char *text, *bytes; /* NULL: refused */
    } cases[] = {{"", ""},        {"Zg", "f"},          {"Zm8", "fo"},
                 {"Zm9v", "foo"}, {"Zm9vYmE", "fooba"}, {"_-8", "\xff\xef"},
                 {"Zm9vY", NULL}, {"Zg==", NULL},       {"Zm+v", NULL},
                 {"Zm/v", NULL}};
    struct buf out = BUF_INIT(64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_reset(&out);
        bool ok = text_put_unbase64url(&out, str_of(cases[i].text));
        assert_int_equal(ok, cases[i].bytes != NULL);
        if (ok)
            assert_true(str_eq(buf_str(&out), str_of(cases[i].bytes)));
    }
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_is_read_or_refused),
        cmocka_unit_test(puts_add_up_and_end_in_nul),
        cmocka_unit_test(exactly_the_maximum_fits),
        cmocka_unit_test(a_failed_buffer_takes_nothing_until_reset),
        cmocka_unit_test(no_length_overflows),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(taking_gives_the_bytes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
