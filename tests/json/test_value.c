/* Checks and small rewrites of one JSON value. */
#include "base/memory.h"
#include "json/value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void whole_values_are_valid(void **state)
{
    (void) state;
    static const char *const valid[] = {"0",
                                        "-0",
                                        " 1 ",
                                        "1.5E-3",
                                        "null",
                                        "true",
                                        "false",
                                        "\"\"",
                                        "\"\\ud800\"",
                                        "[]",
                                        "{}",
                                        "[ ]",
                                        "{ }",
                                        "{\"a\":[1,2,{\"b\":null}],\"\":\"\"}",
                                        "\t[1 ,\n2]\r\n",
                                        "[[[[[[]]]]]]",
                                        "{\"a\":1,\"a\":2}",
                                        "[{},{}]",
                                        "[[],[]]",
                                        "{\"a\":{},\"b\":[]}"};
    static const char *const invalid[] = {"",
                                          " ",
                                          "00",
                                          "-",
                                          "1.",
                                          "1e",
                                          "nul",
                                          "nullx",
                                          "\"",
                                          "\"\n\"",
                                          "\"\\q\"",
                                          "[",
                                          "]",
                                          "[1",
                                          "[1,]",
                                          "[,1]",
                                          "{",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{\"a\":1,}",
                                          "{,}",
                                          "{1:2}",
                                          "[1}",
                                          "{\"a\":1]",
                                          "1 2",
                                          "[] []",
                                          "[1 2]",
                                          "{\"a\":1 \"b\":2}",
                                          "{\"a\" \"b\"}",
                                          "\xEF\xBB\xBF{}",
                                          "[\"\xFF\"]",
                                          "\0"};
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        if (!json_valid(str_of(valid[i])))
            fail_msg("refused: %s", valid[i]);
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        if (json_valid(str_of(invalid[i])))
            fail_msg("taken: %s", invalid[i]);
}

static void strings_are_decoded(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"", ""},
        {"plain text that is longer than eight bytes",
         "plain text that is longer than eight bytes"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00", "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\\ud800", "\xEF\xBF\xBD"},
        {"\\ude00x", "\xEF\xBF\xBDx"},
        {"\\ud800\\u0041", "\xEF\xBF\xBD"
                           "A"},
        {"\\ud800\\ud83d\\ude00", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
        {"\xC3\xBC\xF0\x9F\x98\x80", "\xC3\xBC\xF0\x9F\x98\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = BUF_INIT(100);
        assert_true(json_unescape(str_of(cases[i][0]), &out));
        assert_string_equal(buf_text(&out), cases[i][1]);
        buf_release(&out);
    }
}

static void decoding_refuses_what_no_string_holds(void **state)
{
    (void) state;
    static const char *const cases[] = {"\\",   "\\x",  "\\u",  "\\u00", "\\u00g0",
                                        "a\"b", "a\nb", "\xC3", "\x80"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = BUF_INIT(100);
        assert_false(json_unescape(str_of(cases[i]), &out));
        buf_release(&out);
    }
}

static void a_lone_surrogate_is_told(void **state)
{
    (void) state;
    char out[12];
    size_t n;
    bool lone;
    assert_true(json_decode(STR("\\ud83d\\ude00"), out, &n, &lone));
    assert_false(lone);
    assert_true(json_decode(STR("\\ud83d"), out, &n, &lone));
    assert_true(lone);
    assert_int_equal(n, 3);
}

static void white_space_goes_and_all_else_stays(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"1", "1"},
        {" \"a b\\n \" ", "\"a b\\n \""},
        {"{ \"a b\" : [ 1.50 , 2e0 ,\n\t{ } , [ ] , \" \\\" \" ] }",
         "{\"a b\":[1.50,2e0,{},[],\" \\\" \"]}"},
        {"{\"a\":1}", "{\"a\":1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = BUF_INIT(100);
        assert_true(json_minify(str_of(cases[i][0]), &out));
        assert_string_equal(buf_text(&out), cases[i][1]);
        assert_false(json_minify(STR("{ 1 }"), &out));
        assert_string_equal(buf_text(&out), cases[i][1]);
        buf_release(&out);
    }
}

static void put_members(struct str container, struct buf *out)
{
    struct json_member member;
    size_t at = 0;
    while (json_next(container, &at, &member)) {
        buf_put_str(out, member.key);
        buf_printf(out, "=%d:", member.kind);
        buf_put_str(out, member.value);
        buf_putc(out, ';');
    }
}

static void members_come_in_order(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"{}", ""},
        {" [ ] ", ""},
        {"{\"a\":1,\"b\\n\":\"x\"}", "a=4:1;b\\n=5:\"x\";"},
        {" { \"a\" : null , \"b\" : { \"c\" : [ ] } } ", "a=1:null;b=7:{ \"c\" : [ ] };"},
        {"[true, false ,[1,2],{}]", "=3:true;=2:false;=6:[1,2];=7:{};"},
        {"1", ""},
        {"", ""},
        {"{\"a\":1 \"b\":2}", "a=4:1;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = BUF_INIT(200);
        put_members(str_of(cases[i][0]), &out);
        assert_string_equal(buf_text(&out), cases[i][1]);
        buf_release(&out);
    }
}

static void nesting_has_a_limit(void **state)
{
    (void) state;
    char text[2 * JSON_DEPTH_MAX + 2];
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_false(json_valid((struct str){text, sizeof text}));
    assert_true(json_valid((struct str){text + 1, sizeof text - 2}));
}

static void a_full_buffer_is_reported(void **state)
{
    (void) state;
    struct buf out = BUF_INIT(4);
    struct error err = ERROR_INIT;
    assert_false(json_unescape(STR("12345"), &out));
    assert_false(buf_ok(&out, "text", &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_values_are_valid),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(decoding_refuses_what_no_string_holds),
        cmocka_unit_test(a_lone_surrogate_is_told),
        cmocka_unit_test(white_space_goes_and_all_else_stays),
        cmocka_unit_test(members_come_in_order),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_full_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
