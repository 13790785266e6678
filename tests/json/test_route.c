/* Lines for routing: what each is, where the wanted key's value stands, both twins, at every place of a block. */
#include "base/random.h"
#include "routed.h"
#include "json/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { LOG_MAX = 1 << 16, BLOCK = 64 };

/* One word a line: its state, and of an object the value's kind, whether it is escaped, and its text. */
static void put_line(struct buf *log, struct str text, const struct json_line *line)
{
    static const char *const states[] = {"object", "blank", "invalid", "long"};
    buf_puts(log, states[line->state]);
    if (line->kind != JSON_KIND_NONE)
        buf_printf(log, " %c%s:%.*s", "?-ftnsao"[line->kind], line -> escaped ? "e" : "",
                   (int) line->value_length, text.p + line->value);
    buf_putc(log, ';');
}

static void expect_routed(const struct routed_options *options, struct str text, const char *want)
{
    struct buf log = BUF_INIT(LOG_MAX);
    struct routed routed;
    routed_read(&routed, options, text);
    for (size_t i = 0; i < routed.count; i++)
        put_line(&log, text, &routed.lines[i]);
    if (routed.rest != 0 || strcmp(buf_text(&log), want) != 0)
        fail_msg("%s twin, step %zu, room %zu: %.*s\ngave   %s\nwanted %s",
                 options->scalar ? "scalar" : "AVX2", options->step, options->room, (int) text.n,
                 text.p, buf_text(&log), want);
    routed_release(&routed);
    buf_release(&log);
}

/* Both twins, whole and in pieces, with mean bytes in the padding. */
static void expect_text(struct str text, struct str key, const char *want)
{
    static const char behind[] = "\0\n\"}\xE2";
    for (size_t i = 0; i < 2 * (sizeof behind - 1); i++) {
        struct routed_options options = {
            .key = key, .scalar = i % 2 == 1, .behind = (uint8_t) behind[i / 2]};
        expect_routed(&options, text, want);
        options.step = 1 + i * 7;
        options.room = 1;
        expect_routed(&options, text, want);
    }
}

/* The key is "k". */
static void expect(const char *text, const char *want)
{
    expect_text(str_of(text), STR("k"), want);
}

static void lines_are_told_apart(void **state)
{
    (void) state;
    expect("", "");
    expect("{\"k\":1}", "object n:1;");
    expect("{\"k\":1}\n", "object n:1;");
    expect("{\"k\":1}\n\n{\"k\":2}", "object n:1;blank;object n:2;");
    expect("{\"k\":1}\r\n\r\n{\"k\":2}\r\n", "object n:1;blank;object n:2;");
    expect(" \t{\"k\":1}\t \n \t \n", "object n:1;blank;");
    expect("{}\n{ }\n[]\n1\nnull\n\"k\"\n", "object;object;invalid;invalid;invalid;invalid;");
    expect("{\"k\":1} x\n{\"k\":1}{\"k\":2}\n{\"k\":1},\nx{\"k\":1}\n{\"k\":1\n{\"k\":2}\n",
           "invalid;invalid;invalid;invalid;invalid;object n:2;");
    expect("\xEF\xBB\xBF{\"k\":1}\n{\"k\":2}\n", "invalid;object n:2;");
}

static void values_are_found_whatever_they_are(void **state)
{
    (void) state;
    expect("{\"k\":\"2021-11-07T10:00:00Z\"}\n", "object s:2021-11-07T10:00:00Z;");
    expect("{\"a\":\"x\",\"k\":\"\",\"b\":2}\n", "object s:;");
    expect("{\"k\":\"a\\\\b\"}\n{\"k\":\"a\\n\"}\n", "object se:a\\\\b;object se:a\\n;");
    expect("{\"k\":null}\n{\"k\":true}\n{\"k\":false}\n",
           "object -:null;object t:true;object f:false;");
    expect("{\"k\":-1.5e+10}\n{\"k\":0}\n{\"k\":0.5}\n",
           "object n:-1.5e+10;object n:0;object n:0.5;");
    expect("{\"k\":[1,{\"k\":2}],\"b\":3}\n{\"k\":{}}\n", "object a:[1,{\"k\":2}];object o:{};");
    expect("{ \"k\" : 1 , \"b\":2}\n{\"a\" :1,\"k\"\t:\r\"x\"}\n", "object n:1;object s:x;");
    expect("{\"a\":1}\n", "object;");
}

static void what_only_looks_like_the_key_is_not(void **state)
{
    (void) state;
    expect("{\"a\":{\"k\":1},\"b\":[{\"k\":2}]}\n", "object;");
    expect("{\"a\":\"k\",\"b\":\"\\\"k\\\":1\"}\n", "object;");
    expect("{\"a\":\"k\",\"K\":1,\"kk\":2,\"\":3,\"x\":\"\\\\\",\"l\":\":k:\"}\n", "object;");
    expect("{\"a\":\",\",\"b\":\"{\\\"k\\\":1\",\"c\":\"}\"}\n", "object;");
    expect_text(STR("{\"a\":\"b\",\"c\":1}\n"), STR("a\":\"b"), "object;");
}

static void the_last_of_equal_keys_counts(void **state)
{
    (void) state;
    expect("{\"k\":1,\"k\":2}\n", "object n:2;");
    expect("{\"k\":1,\"\\u006b\":2}\n{\"\\u006b\":1,\"k\":\"x\"}\n", "object n:2;object s:x;");
    expect("{\"k\":1,\"a\":\"a long text that moves the second one into the next block of bytes\","
           "\"k\":[]}\n{\"k\":3}\n",
           "object a:[];object n:3;");
}

static void keys_are_compared_decoded(void **state)
{
    (void) state;
    expect_text(STR("{\"a\\\"b\":1}\n{\"a\\u0022b\":2}\n"), STR("a\"b"), "object n:1;object n:2;");
    expect_text(STR("{\"\\u00e9\":1}\n{\"\xC3\xA9\":2}\n"), STR("\xC3\xA9"),
                "object n:1;object n:2;");
    expect_text(STR("{\"\":1}\n{\"a\":\"\"}\n"), STR(""), "object n:1;object;");
    expect_text(STR("{\"\\ud800\":1}\n"), STR("\xEF\xBF\xBD"), "object;");
    expect_text(STR("{\"k\":1}\n"), (struct str){NULL, 0}, "object;");
}

static void keys_of_every_length_are_found(void **state)
{
    (void) state;
    char key[200], text[1024];
    for (size_t n = 1; n < sizeof key; n++) {
        memset(key, 'q', n);
        key[n - 1] = 'r';
        int length = snprintf(text, sizeof text, "{\"%.*s\":0,\"%.*s\":12,\"a%.*s\":3}\n",
                              (int) n - 1, key, (int) n, key, (int) n, key);
        expect_text((struct str){text, (size_t) length}, (struct str){key, n}, "object n:12;");
    }
    struct json_route route;
    struct error err = ERROR_INIT;
    static char longest[JSON_ROUTE_KEY_MAX + 1];
    assert_true(json_route_init(&route, (struct str){longest, JSON_ROUTE_KEY_MAX}, false, &err));
    assert_false(json_route_init(&route, (struct str){longest, sizeof longest}, false, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

/* What is wrong, or right, inside a line of which the rest is plain. */
struct piece {
    const char *text;
    bool good;
};

static const struct piece pieces[] = {
    {"\"a\":\"x\"", true},
    {"\"a\":1", true},
    {"\"a\":0", true},
    {"\"a\":-0", true},
    {"\"a\":1.5E-3", true},
    {"\"a\":123456789012345678901234567890", true},
    {"\"a\":true", true},
    {"\"a\":\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"", true},
    {"\"a\":\"\\ud800\"", true}, /* the grammar has lone surrogates */
    {"\"a\":\"\xC3\xA9\xE2\x82\xAC\xF0\x90\x8D\x88\xED\x9F\xBF\xF4\x8F\xBF\xBF\"", true},
    {"\"a\":\"\x7F\"", true},
    {"\"a\":[]", true},
    {"\"a\" : { \"b\" : [ 1 , 2 ] }", true},
    {"\"a\":[{\"k\":[]},\"k\",{},[[null]],-1,{\"b\":\"\\\"\",\"k\":{\"k\":0.1}}]", true},
    {"\"a\"\t:\r[\t1 ,\"x\" , { } , [ ] ]", true},
    {"\"a\":{\"\\u006b\":1}", true},
    {"\"a\":01", false},
    {"\"a\":00", false},
    {"\"a\":-", false},
    {"\"a\":-01", false},
    {"\"a\":+1", false},
    {"\"a\":1.", false},
    {"\"a\":.5", false},
    {"\"a\":1e", false},
    {"\"a\":1e+", false},
    {"\"a\":1.5.5", false},
    {"\"a\":1x", false},
    {"\"a\":1}", false},
    {"\"a\":1 2", false},
    {"\"a\":0x10", false},
    {"\"a\":NaN", false},
    {"\"a\":nul", false},
    {"\"a\":nulll", false},
    {"\"a\":True", false},
    {"\"a\":", false},
    {"\"a\"", false},
    {"\"a\":1:2", false},
    {"\"a\":\"x\"\"y\"", false},
    {"\"a\":\"x\"y", false},
    {"\"a\":x\"y\"", false},
    {"\"a\"1", false},
    {"a:1", false},
    {"1:1", false},
    {"\"a\",\"b\"", false},
    {",\"a\":1", false},
    {"\"a\":1,", false},
    {"\"a\":[1", false},
    {"\"a\":1]", false},
    {"\"a\":{", false},
    {"\"a\":[1}", false},
    {"\"a\":[,]", false},
    {"\"a\":[1,]", false},
    {"\"a\":[1 2]", false},
    {"\"a\":[\"b\":1]", false},
    {"\"a\":[{\"b\"}]", false},
    {"\"a\":[{1}]", false},
    {"\"a\":{\"b\":1,}", false},
    {"\"a\":{,}", false},
    {"\"a\":[[]", false},
    {"\"a\":[]]", false},
    {"\"a\":{}}", false},
    {"\"a\":[{]}", false},
    {"\"a\": 1 2", false},
    {"\"a\": \"x\" \"y\"", false},
    {"\"a\" 1", false},
    {"\"a\": tru e", false},
    {"\"a\": 01", false},
    {"\"a\": - 1", false},
    {"\"a\": 1. , \"b\":[]", false},
    {"\"a\": \"\t\"", false},
    {"\"a\": \x01", false},
    {"\"a\": [ \v]", false},
    {"\"a\":{\"b\"}", false},
    {"\"a\":\"\\x\"", false},
    {"\"a\":\"\\u12g4\"", false},
    {"\"a\":\"\\u12\"", false},
    {"\"a\":\"\\\"", false},
    {"\\\"a\":1", false},
    {"\"a\":\\1", false},
    {"\"a\":\"\x01\"", false},
    {"\"a\":\"\t\"", false},
    {"\"a\":\"\r\"", false},
    {"\"a\":\x01", false},
    {"\"a\":\"\x80\"", false},
    {"\"a\":\"\xC3\"", false},
    {"\"a\":\"\xC0\x80\"", false},
    {"\"a\":\"\xE0\x80\x80\"", false},
    {"\"a\":\"\xE2\x82\"", false},
    {"\"a\":\"\xED\xA0\x80\"", false},
    {"\"a\":\"\xF0\x80\x80\x80\"", false},
    {"\"a\":\"\xF4\x90\x80\x80\"", false},
    {"\"a\":\"\xFF\"", false},
    {"\"a\":\xC3\xA9", false},
    {"\xC3\xA9:1", false},
};

/* A line with the piece at the given place, between two that are well. */
static void expect_piece(const struct piece *piece, size_t place)
{
    char text[4 * BLOCK + 200];
    struct buf log = BUF_INIT(LOG_MAX);
    const char *result = piece->good ? "object n:7;" : "invalid;";
    int n = snprintf(text, sizeof text, "{\"k\":1}\n{\"p\":\"%*s\",%s,\"k\":7}\n{\"k\":2}\n%c",
                     (int) place, "", piece->text, '\0');
    buf_printf(&log, "object n:1;%sobject n:2;", result);
    expect_text((struct str){text, (size_t) n - 1}, STR("k"), buf_text(&log));
    buf_release(&log);
}

static void each_line_is_checked_whole(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (size_t place = 0; place < BLOCK + 2; place++)
            expect_piece(&pieces[i], place);
}

static void nesting_has_a_limit(void **state)
{
    (void) state;
    for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        struct buf text = BUF_INIT(LOG_MAX);
        buf_puts(&text, "{\"k\":"); /* one is open */
        for (int i = 1; i < depth; i++)
            buf_puts(&text, i % 2 ? "[" : "{\"a\":");
        buf_puts(&text, "0");
        for (int i = depth - 1; i > 0; i--)
            buf_putc(&text, i % 2 ? ']' : '}');
        buf_puts(&text, "}\n");
        struct routed routed;
        struct routed_options options = {.key = STR("k")};
        routed_read(&routed, &options, buf_str(&text));
        assert_int_equal(routed.count, 1);
        assert_int_equal(routed.lines[0].state,
                         depth <= JSON_DEPTH_MAX ? JSON_LINE_OBJECT : JSON_LINE_INVALID);
        routed_release(&routed);
        buf_release(&text);
    }
}

/* A line of n bytes without its LF, of which the second half is "k"'s value. */
static char *make_long(size_t n)
{
    char *text = malloc(n + 1 + JSON_ROUTE_PADDING);
    assert_non_null(text);
    memset(text, 'x', n);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + n / 2, "\",\"k\":\"", 7);
    memcpy(text + n - 2, "\"}\n", 3);
    memset(text + n + 1, 0, JSON_ROUTE_PADDING);
    return text;
}

static void the_longest_line_has_a_limit(void **state)
{
    (void) state;
    for (int more = 0; more < 2; more++) {
        size_t n = (size_t) JSON_LINE_MAX + more;
        char *text = make_long(n);
        for (int scalar = 0; scalar < 2; scalar++) {
            struct json_route route;
            struct json_line line;
            size_t at = 0;
            assert_true(json_route_init(&route, STR("k"), scalar, NULL));
            assert_int_equal(
                json_route_lines(&route, (struct str){text, n + 1}, &at, false, &line, 1), 1);
            assert_int_equal(line.state, more ? JSON_LINE_LONG : JSON_LINE_OBJECT);
            assert_int_equal(line.length, n);
            assert_int_equal(line.value_length, more ? 0 : n - 2 - (n / 2 + 7));
            assert_int_equal(at, n + 1);
        }
        free(text);
    }
}

static void a_long_line_is_told_before_its_end_is_here(void **state)
{
    (void) state;
    size_t n = (size_t) JSON_LINE_MAX + 1, at = 0;
    char *text = make_long(n + 100);
    struct json_route route;
    struct json_line lines[2];
    assert_true(json_route_init(&route, STR("k"), false, NULL));
    assert_int_equal(json_route_lines(&route, (struct str){text, n - 1}, &at, false, lines, 2), 0);
    assert_int_equal(at, 0);
    assert_int_equal(json_route_lines(&route, (struct str){text, n}, &at, false, lines, 2), 1);
    assert_int_equal(lines[0].state, JSON_LINE_LONG);
    assert_int_equal(at, n);
    free(text);
}

static void records_stop_where_the_array_is_full(void **state)
{
    (void) state;
    char text[300 + JSON_ROUTE_PADDING] = {0};
    size_t n = 0, at = 0, all = 0, got;
    for (int i = 0; i < 30; i++)
        n += (size_t) snprintf(text + n, 300 - n, i % 7 == 3 ? "\n" : "{\"k\":%d}\n", i);
    struct json_route route;
    struct json_line lines[4];
    assert_true(json_route_init(&route, STR("k"), false, NULL));
    while ((got = json_route_lines(&route, (struct str){text, n}, &at, false, lines, 4)) > 0) {
        for (size_t i = 0; i < got; i++, all++) {
            char number[16];
            int digits = snprintf(number, sizeof number, "%zu", all);
            assert_int_equal(lines[i].state, all % 7 == 3 ? JSON_LINE_BLANK : JSON_LINE_OBJECT);
            if (lines[i].state == JSON_LINE_OBJECT) {
                assert_int_equal(lines[i].value_length, digits);
                assert_memory_equal(text + lines[i].value, number, (size_t) digits);
            }
        }
    }
    assert_int_equal(all, 30);
    assert_int_equal(at, n);
}

/* Blanks behind some of the punctuation, that in strings too. */
static size_t put_blanks(struct random *random, char *text, size_t n, size_t room)
{
    for (size_t i = 0; i < n && n + 4 < room; i++)
        if (text[i] != '\0' && strchr(",:{}[]", text[i]) && random_below(random, 3) == 0) {
            size_t blanks = 1 + random_below(random, 3);
            memmove(text + i + 1 + blanks, text + i + 1, n - i - 1);
            memset(text + i + 1, " \t "[random_below(random, 3)], blanks);
            n += blanks;
        }
    return n;
}

/* Lines made of good and bad pieces, and then a byte here and there changed. */
static size_t make_random(struct random *random, char *text, size_t room)
{
    static const char mean[] = "\"\\{}[]:,\n\r\t 0.e-+\x01\x80\xFF\xC3\xE2tfn19uT";
    size_t n = 0, lines = 1 + random_below(random, 6);
    for (size_t l = 0; l < lines; l++) {
        n += (size_t) snprintf(text + n, room - n, "{\"k\":%d", (int) l);
        for (size_t left = random_below(random, 10); left > 0; left--) {
            size_t i = random_below(random, random_below(random, 4) ? 9 : 16);
            n += (size_t) snprintf(text + n, room - n, ",%s%s", pieces[i].text,
                                   random_below(random, 20) ? "" : ",\"k\":\"again\"");
        }
        n += (size_t) snprintf(text + n, room - n, random_below(random, 20) ? "}\n" : "}\r\n");
    }
    if (random_below(random, 2))
        n = put_blanks(random, text, n, room);
    for (size_t left = random_below(random, 3); left > 0; left--)
        text[random_below(random, n)] = mean[random_below(random, sizeof mean)];
    return n - (random_below(random, 4) == 0);
}

static void twins_agree_on_random_lines(void **state)
{
    (void) state;
    enum { RUNS = 20000 };
    static char text[1 << 14];
    uint64_t seed = (uint64_t) time(NULL);
    struct random random;
    random_seed(&random, seed);
    for (int run = 0; run < RUNS; run++) {
        struct str all = {text, make_random(&random, text, sizeof text)};
        struct routed_options options = {.key = STR("k"), .scalar = true};
        struct routed law, fast;
        routed_read(&law, &options, all);
        options.scalar = false;
        options.step = random_below(&random, 2) ? 0 : 1 + random_below(&random, 300);
        options.room = random_below(&random, 5);
        routed_read(&fast, &options, all);
        if (!routed_equal(&law, &fast))
            fail_msg("seed %llu, run %d: the twins differ on %.*s", (unsigned long long) seed, run,
                     (int) all.n, all.p);
        for (size_t i = 0; i < law.count; i++) {
            struct str line = {text + law.lines[i].start, law.lines[i].length};
            bool object = line.n > 0 && *line.p == '{' && json_valid(line);
            assert_int_equal(object, law.lines[i].state == JSON_LINE_OBJECT);
        }
        routed_release(&law);
        routed_release(&fast);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_told_apart),
        cmocka_unit_test(values_are_found_whatever_they_are),
        cmocka_unit_test(what_only_looks_like_the_key_is_not),
        cmocka_unit_test(the_last_of_equal_keys_counts),
        cmocka_unit_test(keys_are_compared_decoded),
        cmocka_unit_test(keys_of_every_length_are_found),
        cmocka_unit_test(each_line_is_checked_whole),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(the_longest_line_has_a_limit),
        cmocka_unit_test(a_long_line_is_told_before_its_end_is_here),
        cmocka_unit_test(records_stop_where_the_array_is_full),
        cmocka_unit_test(twins_agree_on_random_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
