/* UTF-8 is told from what is not, and hostile text is made safe. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Judges bytes by encoding every code point again: the slow way round, as a check. */
static bool is_character(const unsigned char *bytes, size_t n)
{
    uint32_t c = n == 1   ? bytes[0]
                 : n == 2 ? (bytes[0] & 0x1FU) << 6 | (bytes[1] & 0x3FU)
                 : n == 3 ? (bytes[0] & 0x0FU) << 12 | (bytes[1] & 0x3FU) << 6 | (bytes[2] & 0x3FU)
                          : (bytes[0] & 0x07U) << 18 | (bytes[1] & 0x3FU) << 12 |
                                (bytes[2] & 0x3FU) << 6 | (bytes[3] & 0x3FU);
    struct buf buf = BUF_INIT(8);
    text_put_utf8(&buf, c);
    bool same = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF) &&
                str_eq(buf_str(&buf), (struct str){(const char *) bytes, n});
    buf_release(&buf);
    return same;
}

static void every_two_bytes_are_judged_rightly(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 65536; i++) {
        unsigned char b[2] = {(unsigned char) (i >> 8), (unsigned char) i};
        bool want = (is_character(b, 1) && is_character(b + 1, 1)) || is_character(b, 2);
        if (text_utf8_valid((struct str){(char *) b, 2}) != want)
            fail_msg("%02x %02x", b[0], b[1]);
    }
}

static void longer_characters_are_judged_rightly_at_their_borders(void **state)
{
    (void) state;
    static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90,
                                          0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    enum { EDGES = sizeof edges };
    for (unsigned lead = 0xE0; lead <= 0xFF; lead++)
        for (unsigned i = 0; i < EDGES * EDGES * EDGES; i++) {
            unsigned char b[4] = {(unsigned char) lead, edges[i / EDGES / EDGES],
                                  edges[i / EDGES % EDGES], edges[i % EDGES]};
            bool three = lead < 0xF0 && is_character(b, 3),
                 four = lead >= 0xF0 && is_character(b, 4);
            assert_int_equal(text_utf8_valid((struct str){(char *) b, 3}), three);
            assert_int_equal(text_utf8_valid((struct str){(char *) b, 4}),
                             four || (three && b[3] < 0x80));
        }
}

static void a_broken_byte_is_found_at_every_place(void **state)
{
    (void) state;
    char text[40];
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'x', sizeof text);
        assert_true(text_utf8_valid((struct str){text, sizeof text}));
        text[at] = (char) 0xC3;
        assert_false(text_utf8_valid((struct str){text, sizeof text}));
    }
    assert_true(text_utf8_valid(STR("")));
}

static void code_points_go_there_and_back(void **state)
{
    (void) state;
    static const uint32_t points[] = {0,      'a',    0x7F,   0x80,   0x7FF,   0x800,
                                      0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct buf buf = BUF_INIT(8);
        size_t length;
        text_put_utf8(&buf, points[i]);
        assert_int_equal(text_utf8_next(buf.bytes, buf.used, &length), points[i]);
        assert_int_equal(length, buf.used);
        buf_release(&buf);
    }
    size_t length;
    assert_int_equal(text_utf8_next("\xE2\x82", 2, &length), 0xFFFD);
    assert_int_equal(length, 1);
}

static void impossible_code_points_are_written_as_replacement(void **state)
{
    (void) state;
    struct buf buf = BUF_INIT(100);
    text_put_utf8(&buf, 0xD800);
    text_put_utf8(&buf, 0x110000);
    assert_string_equal(buf_text(&buf), "\xEF\xBF\xBD\xEF\xBF\xBD");
    buf_release(&buf);
}

static void check(void (*put)(struct buf *, struct str), struct str in, const char *want)
{
    struct buf buf = BUF_INIT(1000);
    put(&buf, in);
    assert_string_equal(buf_text(&buf), want);
    buf_release(&buf);
}

static void json_text_is_escaped_and_valid(void **state)
{
    (void) state;
    check(text_put_json, STR("plain \xC3\xA9 \xF0\x9F\x98\x80"), "plain \xC3\xA9 \xF0\x9F\x98\x80");
    check(text_put_json, STR("a\"b\\c/d"), "a\\\"b\\\\c/d");
    check(text_put_json, STR("\b\f\n\r\t\x01\x1f\x7f"), "\\b\\f\\n\\r\\t\\u0001\\u001f\x7f");
    check(text_put_json, STR("nul\0!"), "nul\\u0000!");
    check(text_put_json, STR("bad\xFF\xC3"), "bad\xEF\xBF\xBD\xEF\xBF\xBD");
    check(text_put_json, STR("\xEF\xBF\xBD is kept"), "\xEF\xBF\xBD is kept");
    check(text_put_json, STR(""), "");
}

static void terminal_text_cannot_move_anything(void **state)
{
    (void) state;
    check(text_put_safe,
          STR("Gr\xC3\xBC\xC3\x9F"
              "e \xE2\x82\xAC"),
          "Gr\xC3\xBC\xC3\x9F"
          "e \xE2\x82\xAC");
    check(text_put_safe, STR("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
    check(text_put_safe, STR("line\r\nnext\ttab\x7f"), "line\\r\\nnext\\ttab\\x7f");
    check(text_put_safe,
          STR("c1 \xC2\x9B"
              "2J"),
          "c1 \\u009b2J");
    check(text_put_safe,
          STR("\xE2\x80\xAE"
              "fdp.exe"),
          "\\u202efdp.exe");
    check(text_put_safe, STR("\xE2\x81\xA6x\xE2\x81\xA9"), "\\u2066x\\u2069");
    check(text_put_safe,
          STR("a\xE2\x80\xA8"
              "b"),
          "a\\u2028b");
    check(text_put_safe, STR("bad \xFF\xE2\x82"), "bad \\xff\\xe2\\x82");
    check(text_put_safe, STR("nul\0!"), "nul\\x00!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_two_bytes_are_judged_rightly),
        cmocka_unit_test(longer_characters_are_judged_rightly_at_their_borders),
        cmocka_unit_test(a_broken_byte_is_found_at_every_place),
        cmocka_unit_test(code_points_go_there_and_back),
        cmocka_unit_test(impossible_code_points_are_written_as_replacement),
        cmocka_unit_test(json_text_is_escaped_and_valid),
        cmocka_unit_test(terminal_text_cannot_move_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
