/* The scanner of objects: wanted values of JSON lines and arrays, for every cut, and what is refused. */
#include "base/memory.h"
#include "json/grammar.h"
#include "json/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LOG_MAX = 1 << 20 };

static const struct str keys[] = {{"a", 1}, {"b\n", 2}, {"long name of a key", 18}};
enum { KEYS = sizeof keys / sizeof keys[0] };

static void put_object(struct buf *log, const struct json_object *object)
{
    buf_printf(log, "%llu", (unsigned long long) object->line);
    for (size_t k = 0; k < KEYS; k++)
        if (object->present[k]) {
            const struct json_cell *cell = &object->cells[k];
            assert_int_equal(cell->column, k);
            buf_printf(log, " %zu%c%s=%.*s", k, "?-ftnsao"[cell->kind], cell -> escaped ? "e" : "",
                       (int) cell->length, object->bytes.p + cell->start);
        }
    buf_puts(log, ";");
}

/* Reads the text as a file that grows by `step` bytes; the log says what was found. Each look is at a copy
 * that has nothing behind it. */
static void read_in_steps(struct str text, size_t step, struct buf *log)
{
    struct json_lines_options options = {.keys = keys, .count = KEYS};
    struct json_lines *lines = json_lines_new(&options, NULL);
    size_t from = 0, here = 0;
    bool last = false;
    while (!last) {
        here = text.n - here > step ? here + step : text.n;
        last = here == text.n;
        char *copy = mem_copy(text.p + from, here - from, NULL);
        char *alone = mem_resize(copy, here - from + !(here - from), 1, NULL);
        struct json_object object;
        struct error err = ERROR_INIT;
        size_t at = 0;
        int found;
        while ((found = json_lines_next(lines, (struct str){alone, here - from}, &at, last, &object,
                                        &err)) != 0) {
            if (found > 0)
                put_object(log, &object);
            else
                buf_printf(log, "line %d: %s;", err.line, err.message);
            assert_true(found > 0 || err.code == ERROR_FORMAT);
            error_clear(&err);
        }
        mem_free(alone);
        from += at;
    }
    if (from < text.n)
        buf_printf(log, "rest %zu", text.n - from);
    json_lines_free(lines);
}

static void expect(const char *text, const char *want)
{
    size_t n = strlen(text);
    for (size_t step = n + 1; step > 0; step--) {
        struct buf log = BUF_INIT(LOG_MAX);
        read_in_steps((struct str){text, n}, step, &log);
        if (strcmp(buf_text(&log), want) != 0)
            fail_msg("in steps of %zu: %s\ngave   %s\nwanted %s", step, text, buf_text(&log), want);
        buf_release(&log);
    }
}

static void lines_give_their_wanted_values(void **state)
{
    (void) state;
    expect("", "");
    expect(" \n\r\n\t", "");
    expect("{}", "1;");
    expect("{\"a\":1,\"x\":2,\"long name of a key\":\"v\"}\n{\"x\":0,\"a\":\"\"}\n",
           "1 0n=1 2s=v;2 0s=;");
    expect("{\"a\":null}\r\n\n\n{\"a\":[1,{\"a\":2}],\"b\\n\":{\"a\":3}}",
           "1 0-=null;4 0a=[1,{\"a\":2}] 1o={\"a\":3};");
    expect("{\"a\":true}{\"a\":false}", "1 0t=true;1 0f=false;");
    expect("{ \"a\" : 1 , \"b\\u000a\" : \"x\\\\\" } ", "1 0n=1 1se=x\\\\;");
}

static void of_a_key_that_stands_twice_the_last_counts(void **state)
{
    (void) state;
    expect("{\"a\":1,\"a\":\"z\"}", "1 0s=z;");
    expect("{\"a\":1,\"\\u0061\":2}", "1 0n=2;");
}

static void members_that_nobody_wants_are_counted(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        uint32_t others;
    } cases[] = {{"{}", 0},
                 {"{\"a\":1,\"b\\n\":2}", 0},
                 {"{\"a\":1,\"A\":2,\"\":{\"x\":1,\"y\":2}}", 2},
                 {"{\"x\":1,\"a\":0,\"x\":2,\"a\":1}", 2}};
    struct json_lines_options options = {.keys = keys, .count = KEYS};
    struct json_lines *lines = json_lines_new(&options, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_object object;
        size_t at = 0;
        json_lines_reset(lines);
        assert_int_equal(json_lines_next(lines, str_of(cases[i].text), &at, true, &object, NULL),
                         1);
        assert_int_equal(object.others, cases[i].others);
    }
    json_lines_free(lines);
}

static void an_array_is_read_like_lines(void **state)
{
    (void) state;
    expect("[]", "");
    expect("[{\"a\":1},{\"a\":2}]", "1 0n=1;1 0n=2;");
    expect(" [\n {\n  \"a\" : 1\n },\n {\"a\":2} ]\n", "2 0n=1;5 0n=2;");
}

static void what_is_not_valid_is_told_and_passed(void **state)
{
    (void) state;
    static const char wrong[] = "the object is not valid JSON",
                      none[] = "no JSON object begins here";
    struct buf want = BUF_INIT(LOG_MAX);
    static const char *const cut[] = {"{\"a\":1",    "{\"a\":1,}", "{\"a\" 1}",  "{a:1}",
                                      "{\"a\":1]",   "{\"a\":01}", "{\"a\":\"x", "{\"a\":\"\\x\"}",
                                      "{\"a\":nul}", "{\"a\":[1}", "{,}",        "{\"a\"}"};
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        struct buf text = BUF_INIT(LOG_MAX);
        buf_printf(&text, "{\"a\":0}\n%s\n{\"a\":2}\n", cut[i]);
        buf_reset(&want);
        buf_printf(&want, "1 0n=0;line 2: %s;3 0n=2;", wrong);
        expect(buf_text(&text), buf_text(&want));
        buf_release(&text);
    }
    buf_reset(&want);
    buf_printf(&want, "1 0n=0;line 2: %s;3 0n=2;", none);
    expect("{\"a\":0}\nnot json\n{\"a\":2}", buf_text(&want));
    buf_reset(&want);
    buf_printf(&want, "line 1: %s;", wrong);
    expect("{\"a\":1", buf_text(&want));
    buf_reset(&want);
    buf_printf(&want, "1 0n=1;line 1: %s;", none);
    expect("{\"a\":1},{\"a\":2}", buf_text(&want));
    expect("[{\"a\":1}] {\"a\":2}", buf_text(&want));
    expect("[{\"a\":1},{\"a\":2}", "1 0n=1;1 0n=2;line 1: the array is not closed;");
    buf_reset(&want);
    buf_printf(&want, "1 0n=1;line 1: %s;line 1: the array is not closed;", none);
    expect("[{\"a\":1}{\"a\":2}]", buf_text(&want));
    expect("[{\"a\":1},]", buf_text(&want));
    buf_release(&want);
}

/* A cut line is known as wrong when the next begins, not at the end of the file. */
static void a_wrong_line_does_not_wait_for_the_end(void **state)
{
    (void) state;
    struct json_lines_options options = {.keys = keys, .count = KEYS};
    struct json_lines *lines = json_lines_new(&options, NULL);
    struct json_object object;
    struct error err = ERROR_INIT;
    size_t at = 0;
    struct str text = STR("{\"a\":1\n{\"a\":2}\n{\"a\":3}\n");
    assert_int_equal(json_lines_next(lines, text, &at, false, &object, &err), -1);
    assert_int_equal(at, 7);
    assert_int_equal(json_lines_next(lines, text, &at, false, &object, NULL), 1);
    json_lines_free(lines);
}

static void a_scanner_begins_anew(void **state)
{
    (void) state;
    struct json_lines_options options = {.keys = keys, .count = KEYS};
    struct json_lines *lines = json_lines_new(&options, NULL);
    struct json_object object;
    for (int i = 0; i < 2; i++) {
        size_t at = 0;
        struct str text = STR("\n[{\"a\":1}]");
        assert_int_equal(json_lines_next(lines, text, &at, true, &object, NULL), 1);
        assert_int_equal(object.line, 2);
        assert_true(object.present[0] && !object.present[1]);
        assert_int_equal(json_lines_next(lines, text, &at, true, &object, NULL), 0);
        json_lines_reset(lines);
    }
    json_lines_free(lines);
}

static void many_keys_are_told_apart(void **state)
{
    (void) state;
    enum { MANY = 500 };
    static char names[MANY][8];
    static struct str many[MANY];
    struct buf text = BUF_INIT(LOG_MAX);
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(names[i], sizeof names[i], "k%d", i);
        many[i] = (struct str){names[i], (size_t) n};
        buf_printf(&text, "%s\"k%d\":%d", i > 0 ? "," : "{", (i * 7) % MANY, (i * 7) % MANY);
    }
    buf_puts(&text, "}");
    struct json_lines_options options = {.keys = many, .count = MANY};
    struct json_lines *lines = json_lines_new(&options, NULL);
    struct json_object object;
    for (int round = 0; round < 2; round++) {
        size_t at = 0;
        assert_int_equal(json_lines_next(lines, buf_str(&text), &at, true, &object, NULL), 1);
        for (int i = 0; i < MANY; i++) {
            assert_true(object.present[i]);
            assert_int_equal(object.cells[i].length, many[i].n - 1);
            assert_memory_equal(object.bytes.p + object.cells[i].start, names[i] + 1,
                                many[i].n - 1);
        }
    }
    json_lines_free(lines);
    buf_release(&text);
}

/* The way over plain bytes, wide where the processor can, is what it is byte by byte. */
static void plain_bytes_end_where_they_must(void **state)
{
    (void) state;
    char text[80];
    for (int special = 0; special < 256; special++)
        for (size_t at = 0; at < 70; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (char) special;
            bool plain = special >= 0x20 && special < 0x80 && special != '"' && special != '\\';
            for (size_t n = at + 1; n <= 70; n += 13)
                assert_ptr_equal(json_skip_plain(text, text + n), text + (plain ? n : at));
        }
}

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        struct json_lines_options options = {.keys = keys, .count = KEYS};
        struct json_object object;
        size_t at = 0;
        mem_fail_at(n);
        struct json_lines *lines = json_lines_new(&options, &err);
        done = lines != NULL &&
               json_lines_next(lines, STR("{\"\\u0061\":1}"), &at, true, &object, &err) == 1;
        mem_fail_at(0);
        assert_int_equal(err.code, done ? ERROR_NONE : ERROR_MEMORY);
        json_lines_free(lines);
        assert_true(n > 5 || !done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_give_their_wanted_values),
        cmocka_unit_test(of_a_key_that_stands_twice_the_last_counts),
        cmocka_unit_test(members_that_nobody_wants_are_counted),
        cmocka_unit_test(an_array_is_read_like_lines),
        cmocka_unit_test(what_is_not_valid_is_told_and_passed),
        cmocka_unit_test(a_wrong_line_does_not_wait_for_the_end),
        cmocka_unit_test(a_scanner_begins_anew),
        cmocka_unit_test(many_keys_are_told_apart),
        cmocka_unit_test(plain_bytes_end_where_they_must),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
