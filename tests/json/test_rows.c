/* The scanner of rows: what it gives, what it refuses, the same for every cut and for both twins. */
#include "base/random.h"
#include "transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { CUTS_MAX = 4096 };

static void expect(struct json_rows_options options, struct str text, const char *want)
{
    for (int scalar = 0; scalar < 2; scalar++) {
        struct transcript got;
        options.scalar = scalar;
        transcript_scan(&got, &options, text, NULL, 0);
        assert_string_equal(buf_text(&got.text), want);
        transcript_release(&got);
    }
}

static void expect_rows(size_t columns, const char *text, const char *want)
{
    expect((struct json_rows_options){.columns = columns}, str_of(text), want);
}

static void rows_give_their_filled_values(void **state)
{
    (void) state;
    expect_rows(3, "[[\"a\",1,null],[\"b\",2,\"\"]]", "0:s:a|1:n:1;0:s:b|1:n:2;ended at 25");
    expect_rows(1, "[]", "ended at 2");
    expect_rows(4, "[[true,false,-0.5e+7,\"\\u00e9\\\\\"]]",
                "0:t:true|1:f:false|2:n:-0.5e+7|3:se:\\u00e9\\\\;ended at 33");
    expect_rows(2, "[[null,null],[\"\",\"\"]]", ";;ended at 21");
    expect_rows(2, "[[{\"a\":[1,{}]},[[],\"x\"]]]",
                "0:o:{\"a\":[1,{}]}|1:a:[[],\"x\"];ended at 25");
    expect_rows(2, " \t\r\n[ [ 1 , \"a\" ] ,\n[null , {} ] ] tail",
                "0:n:1|1:s:a;1:o:{};ended at 34");
    expect_rows(1, "[[\"null\"],[\",\"],[\"]\"],[\"[\\\"\"]]",
                "0:s:null;0:s:,;0:s:];0:se:[\\\";ended at 30");
    expect_rows(1, "[[\"Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"]]",
                "0:s:Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80;ended at 21");
}

static void empty_values_are_given_when_asked_for(void **state)
{
    (void) state;
    expect((struct json_rows_options){.columns = 3, .keep_empty = true},
           STR("[[\"\",null,\"x\"],[null , \"\" , 1]]"),
           "0:s:|1:-:null|2:s:x;0:-:null|1:s:|2:n:1;ended at 31");
}

/* Text, what the message must hold. All for two columns. */
static const char *const refused[][2] = {
    {"x", "not an array of rows: no '[' at its beginning, after 0 rows"},
    {"<html>", "no '[' at its beginning"},
    {"{}", "no '[' at its beginning"},
    {"[1", "no '[' where a row must begin"},
    {"[,", "no '[' where a row must begin"},
    {"[[1,2],]", "no '[' where a row must begin, after 1 rows"},
    {"[[1,2][", "no ',' or ']' behind a row, after 1 rows"},
    {"[[1,2]}", "no ',' or ']' behind a row"},
    {"[[]]", "row 1 is not valid: fewer values than columns"},
    {"[[1,2],[1]]", "row 2 is not valid: fewer values than columns"},
    {"[[1,2,3]]", "more values than columns"},
    {"[[1,]]", "no value where one must be"},
    {"[[,1]]", "no value where one must be"},
    {"[[,]]", "no value where one must be"},
    {"[[1 2]]", "no comma or bracket behind a value"},
    {"[[\"a\" \"b\",2]]", "no comma or bracket behind a value"},
    {"[[\"a\"\"b\",2]]", "no comma or bracket behind a value"},
    {"[[\"a\"b,2]]", "no comma or bracket behind a value"},
    {"[[a\"b\",2]]", "no value where one must be"},
    {"[[\"a\":1,2]]", "no comma or bracket behind a value"},
    {"[[1,2}]", "no comma or bracket behind a value"},
    {"[[01,2]]", "a number that is not one"},
    {"[[-,2]]", "a number that is not one"},
    {"[[1.,2]]", "a number that is not one"},
    {"[[.5,2]]", "no value where one must be"},
    {"[[+1,2]]", "no value where one must be"},
    {"[[1e,2]]", "a number that is not one"},
    {"[[1e+,2]]", "a number that is not one"},
    {"[[1x,2]]", "no comma or bracket behind a value"},
    {"[[0x10,2]]", "no comma or bracket behind a value"},
    {"[[NaN,2]]", "no value where one must be"},
    {"[[nul,2]]", "no value where one must be"},
    {"[[nulll,2]]", "no comma or bracket behind a value"},
    {"[[Null,2]]", "no value where one must be"},
    {"[[nnnn,2]]", "no value where one must be"},
    {"[[tru,2]]", "no value where one must be"},
    {"[[falsey,2]]", "no comma or bracket behind a value"},
    {"[['a',2]]", "no value where one must be"},
    {"[[\"a\nb\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"a\x01\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\\x\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\\u12g4\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\\u123\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\\\"a\",2]]\",2]]", "no value where one must be"},
    {"[[1\\,2]]", "no comma or bracket behind a value"},
    {"[[\"\xC0\x80\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\xED\xA0\x80\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\xF4\x90\x80\x80\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\xE2\x82\",2]]", "wrong escape, control character or UTF-8"},
    {"[[\"\x80\",2]]", "wrong escape, control character or UTF-8"},
    {"[[{\"a\" 1},2]]", "a nested value that is not valid"},
    {"[[{\"a\":},2]]", "a nested value that is not valid"},
    {"[[{a:1},2]]", "a nested value that is not valid"},
    {"[[{\"a\":1,},2]]", "a nested value that is not valid"},
    {"[[[1,],2]]", "a nested value that is not valid"},
    {"[[[1},2]]]]", "a nested value that is not valid"},
    {"[[\xEF\xBB\xBF\"a\",2]]", "no value where one must be"},
};

static void what_is_not_json_is_refused(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        for (int scalar = 0; scalar < 2; scalar++) {
            struct json_rows_options options = {.columns = 2, .scalar = scalar};
            struct transcript got;
            transcript_scan(&got, &options, str_of(refused[i][0]), NULL, 0);
            const char *text = buf_text(&got.text);
            if (strstr(text, "error: ") == NULL || strstr(text, refused[i][1]) == NULL)
                fail_msg("%s gave: %s", refused[i][0], text);
            transcript_release(&got);
        }
}

/* A row that holds one of each kind, long enough for several blocks. */
static const char mixed[] =
    "[[\"2022-02-26T12:41:19.2909747Z\",\"\",null,\"C:\\\\Windows\\\\System32\\\\cmd.exe /c "
    "\\\"x\\\"\",-12.5e3,"
    "true,null,\"\",\"\",\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\",null],"
    "[\"b\",\"\",null,\"\\u00e9\\ud83d\\ude00\\\\\",0,false,null,null,null,\"\",\"end\"],\n"
    "[null , {\"k\":[1, 2,\"]\"]},[[]],\"\\\\\\\\\",1,true,null,\"\",\"\",\"\",\"\"]]";
enum { MIXED_COLUMNS = 11 };

static void check_cuts(const size_t *cuts, size_t n_cuts, struct str text, const char *want)
{
    for (int scalar = 0; scalar < 2; scalar++) {
        struct json_rows_options options = {.columns = MIXED_COLUMNS, .scalar = scalar};
        struct transcript got;
        transcript_scan(&got, &options, text, cuts, n_cuts);
        assert_string_equal(buf_text(&got.text), want);
        transcript_release(&got);
    }
}

static void every_cut_gives_the_same_rows(void **state)
{
    (void) state;
    struct json_rows_options options = {.columns = MIXED_COLUMNS, .scalar = true};
    struct str text = str_of(mixed);
    struct transcript whole;
    size_t each[sizeof mixed];
    transcript_scan(&whole, &options, text, NULL, 0);
    const char *want = buf_text(&whole.text);
    assert_non_null(strstr(want, "ended at"));
    check_cuts(NULL, 0, text, want);
    for (size_t a = 0; a <= text.n; a++) {
        check_cuts(&a, 1, text, want);
        for (size_t b = a; b <= text.n; b += 7)
            check_cuts((size_t[]){a, b}, 2, text, want);
        each[a] = a;
    }
    check_cuts(each, text.n, text, want);
    transcript_release(&whole);
}

static void a_truncated_text_has_not_ended(void **state)
{
    (void) state;
    struct str text = str_of(mixed);
    for (size_t n = 0; n < text.n; n++)
        for (int scalar = 0; scalar < 2; scalar++) {
            struct json_rows_options options = {.columns = MIXED_COLUMNS, .scalar = scalar};
            struct transcript got;
            transcript_scan(&got, &options, (struct str){text.p, n}, NULL, 0);
            assert_null(strstr(buf_text(&got.text), "ended"));
            assert_null(strstr(buf_text(&got.text), "error"));
            transcript_release(&got);
        }
}

static void what_follows_the_array_is_left(void **state)
{
    (void) state;
    struct transcript got = {.text = BUF_INIT(TRANSCRIPT_MAX)};
    struct json_rows_options options = {.columns = 1, .row = transcript_row, .context = &got};
    struct json_rows *rows = json_rows_new(&options, NULL);
    size_t used;
    bool ended;
    assert_true(json_rows_feed(rows, "[[1]", 4, &used, &ended, NULL));
    assert_int_equal(used, 4);
    assert_false(ended);
    assert_true(json_rows_feed(rows, "]}]}", 4, &used, &ended, NULL));
    assert_int_equal(used, 1);
    assert_true(ended);
    assert_true(json_rows_feed(rows, "}]}", 3, &used, &ended, NULL));
    assert_int_equal(used, 0);
    assert_true(ended);
    assert_int_equal(json_rows_count(rows), 1);
    json_rows_free(rows);
    transcript_release(&got);
}

static bool refuse_second(void *context, const struct json_row *row, struct error *err)
{
    (void) row;
    int *calls = context;
    return ++*calls < 2 || error_set(err, ERROR_LIMIT, "two are too many");
}

static void the_callback_ends_the_scan(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    int calls = 0;
    struct json_rows_options options = {.columns = 1, .row = refuse_second, .context = &calls};
    struct json_rows *rows = json_rows_new(&options, NULL);
    size_t used;
    bool ended;
    assert_false(json_rows_feed(rows, "[[1],[2],[3]]", 13, &used, &ended, &err));
    assert_string_equal(err.message, "two are too many");
    assert_int_equal(calls, 2);
    error_clear(&err);
    assert_false(json_rows_feed(rows, ",[4]]", 5, &used, &ended, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    assert_int_equal(calls, 2);
    json_rows_free(rows);
}

/* ---- both twins on everything ---- */

static const char *const atoms[] = {
    "null",
    "null",
    "null",
    "\"\"",
    "\"\"",
    "\"\"",
    "1",
    "-0",
    "0.5",
    "12345678901234567890",
    "true",
    "false",
    "\"a\"",
    "\"null\"",
    "\"\\\\\"",
    "\"\\\"\"",
    "\"\\u00e9\"",
    "\"a,b\"",
    "\"[x]\"",
    "\"\xC3\xBC\"",
    "\"\xE2\x82\xAC\xF0\x9F\x98\x80\"",
    "\"{\\\"a\\\":1}\"",
    "\"\\\\\\\\\\\"\"",
    "\"some longer text, of forty bytes or more, that crosses\"",
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
};

static const char *const odd_atoms[] = {
    "[]",
    "{}",
    "{\"a\":[1,\"]\"]}",
    " 1",
    "1 ",
    "\"a\" ",
    "nul",
    "\"\\x\"",
    "\"\x01\"",
    "01",
    "",
    "\"\xC3\"",
    "\"a\"\"b\"",
    "\\",
    "\"\\",
    "[1",
    "}",
    "1,",
    "\n",
    "\"\\ud800\"",
    "-",
    "tru",
    "\"\\u12\"",
};

static void put_atom(struct random *random, struct buf *out, bool plain)
{
    size_t plains = sizeof atoms / sizeof atoms[0], odds = sizeof odd_atoms / sizeof odd_atoms[0];
    if (!plain && random_below(random, 60) == 0)
        buf_puts(out, odd_atoms[random_below(random, odds)]);
    else
        buf_puts(out, atoms[random_below(random, plains)]);
}

static void make_text(struct random *random, struct buf *out, size_t columns, bool plain)
{
    size_t rows = random_below(random, 6);
    buf_reset(out);
    buf_puts(out, "[");
    for (size_t r = 0; r < rows; r++) {
        buf_puts(out, r > 0 ? ",[" : "[");
        for (size_t c = 0; c < columns; c++) {
            buf_puts(out, c > 0 ? "," : "");
            put_atom(random, out, plain);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "]}]}");
}

static void spoil(struct random *random, struct buf *text)
{
    static const char bytes[] = "\"\\,[]{}:nul \n\x01\x80\xC3\xE2\xF0\xFF"
                                "0-u";
    for (size_t i = random_below(random, 3); i > 0; i--)
        text->bytes[random_below(random, text->used)] =
            bytes[random_below(random, sizeof bytes - 1)];
}

static size_t make_cuts(struct random *random, size_t n, size_t *cuts)
{
    size_t count = 0, at = 0, step = 1 + random_below(random, 1 + random_below(random, 300));
    while (count < CUTS_MAX && (at += random_below(random, 2 * step)) < n)
        cuts[count++] = at;
    return count;
}

static void compare_twins(struct random *random, struct str text, size_t columns, bool keep)
{
    static size_t cuts[CUTS_MAX];
    struct json_rows_options options = {.columns = columns, .keep_empty = keep, .scalar = true};
    struct transcript law, fast;
    transcript_scan(&law, &options, text, cuts, make_cuts(random, text.n, cuts));
    options.scalar = false;
    transcript_scan(&fast, &options, text, cuts, make_cuts(random, text.n, cuts));
    if (!str_eq(buf_str(&law.text), buf_str(&fast.text)))
        fail_msg("the twins differ on: %.*s\nscalar: %s\nfast:   %s", (int) text.n, text.p,
                 buf_text(&law.text), buf_text(&fast.text));
    transcript_release(&law);
    transcript_release(&fast);
}

static void the_twins_agree_on_random_rows(void **state)
{
    (void) state;
    uint64_t seed = (uint64_t) time(NULL);
    struct random random;
    struct buf text = BUF_INIT(1 << 20);
    print_message("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    for (int i = 0; i < 20000; i++) {
        size_t columns = 1 + random_below(&random, 40);
        bool plain = i % 2 == 0;
        make_text(&random, &text, columns, plain);
        if (i % 4 == 3)
            spoil(&random, &text);
        compare_twins(&random, buf_str(&text), columns, i % 8 == 0);
    }
    buf_release(&text);
}

/* Each value at each place against the ends of blocks. */
static void the_twins_agree_at_every_offset(void **state)
{
    (void) state;
    struct random random;
    struct buf text = BUF_INIT(1 << 16);
    random_seed(&random, 1);
    size_t plains = sizeof atoms / sizeof atoms[0], odds = sizeof odd_atoms / sizeof odd_atoms[0];
    for (size_t a = 0; a < plains + odds; a++)
        for (int shift = 0; shift < 130; shift++) {
            const char *atom = a < plains ? atoms[a] : odd_atoms[a - plains];
            buf_reset(&text);
            buf_printf(&text, "[[\"%0*d\",%s,%s],[1,2,3]]", shift + 1, 0, atom, atom);
            compare_twins(&random, buf_str(&text), 3, shift % 2);
        }
    buf_release(&text);
}

static bool accepts(struct str text, bool scalar)
{
    struct json_rows_options options = {.columns = 1, .scalar = scalar};
    struct transcript got;
    transcript_scan(&got, &options, text, NULL, 0);
    bool ok = strstr(buf_text(&got.text), "ended at") != NULL;
    transcript_release(&got);
    return ok;
}

/* All leads with telling tails, astride the ends of blocks and halves of blocks. */
static void utf8_is_checked_as_unicode_has_it(void **state)
{
    (void) state;
    static const unsigned char tails[] = {0x22, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                          0xA0, 0xBF, 0xC0, 0xE0, 0xFF};
    enum { TAILS = sizeof tails };
    static const int shifts[] = {0, 28, 29, 30, 60, 61, 62};
    struct buf text = BUF_INIT(1 << 12);
    for (unsigned lead = 0x80; lead <= 0xFF; lead++)
        for (unsigned i = 0; i < TAILS * TAILS * TAILS; i++) {
            unsigned char bytes[4] = {(unsigned char) lead, tails[i % TAILS],
                                      tails[i / TAILS % TAILS], tails[i / TAILS / TAILS]};
            if (memchr(bytes, '"', 4) != NULL)
                continue;
            bool want = text_utf8_valid((struct str){(const char *) bytes, 4});
            int shift = shifts[(lead + i) % 7];
            buf_reset(&text);
            buf_printf(&text, "[[\"%0*d", shift + 1, 0);
            buf_put(&text, bytes, 4);
            buf_puts(&text, "\"]]");
            if (accepts(buf_str(&text), false) != want || accepts(buf_str(&text), true) != want)
                fail_msg("%02x %02x %02x %02x, shift %d", bytes[0], bytes[1], bytes[2], bytes[3],
                         shift);
        }
    buf_release(&text);
}

/* ---- limits ---- */

static void nesting_has_a_limit(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(1 << 12);
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        buf_reset(&text);
        buf_puts(&text, "[[");
        for (int i = 0; i < depth; i++)
            buf_puts(&text, i % 2 ? "{\"a\":" : "[");
        buf_puts(&text, "1");
        for (int i = depth; i-- > 0;)
            buf_puts(&text, i % 2 ? "}" : "]");
        buf_puts(&text, "]]");
        assert_int_equal(accepts(buf_str(&text), true), depth == JSON_DEPTH_MAX);
        assert_int_equal(accepts(buf_str(&text), false), depth == JSON_DEPTH_MAX);
    }
    buf_release(&text);
}

static bool count_bytes(void *context, const struct json_row *row, struct error *err)
{
    (void) err;
    *(size_t *) context += row->length;
    return true;
}

/* One row of one string, n bytes from bracket to bracket, in pieces; the length that was given, or 0. */
static size_t scan_long(size_t n, size_t piece, bool scalar, struct error *err)
{
    struct buf text = BUF_INIT(JSON_ROW_MAX + 4096);
    size_t got = 0, used;
    bool ended = false, ok = true;
    struct json_rows_options options = {
        .columns = 1, .scalar = scalar, .row = count_bytes, .context = &got};
    assert_true(buf_reserve(&text, n + 2));
    memset(text.bytes, 'x', n + 2);
    memcpy(text.bytes, "[[\"", 3);
    memcpy(text.bytes + n - 1, "\"]]", 3);
    struct json_rows *rows = json_rows_new(&options, err);
    for (size_t at = 0; ok && at < n + 2; at += used)
        ok = json_rows_feed(rows, text.bytes + at, n + 2 - at < piece ? n + 2 - at : piece, &used,
                            &ended, err);
    json_rows_free(rows);
    buf_release(&text);
    return ok && ended ? got : 0;
}

static void a_row_has_a_limit(void **state)
{
    (void) state;
    static const size_t pieces[] = {1 << 16, SIZE_MAX};
    for (int scalar = 0; scalar < 2; scalar++)
        for (int i = 0; i < 2; i++) {
            struct error err = ERROR_INIT;
            assert_int_equal(scan_long(JSON_ROW_MAX, pieces[i], scalar, &err), JSON_ROW_MAX);
            assert_int_equal(scan_long(JSON_ROW_MAX + 1, pieces[i], scalar, &err), 0);
            assert_int_equal(err.code, ERROR_LIMIT);
        }
}

static void columns_have_a_limit(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct json_rows_options options = {.columns = JSON_CELLS_MAX + 1};
    assert_null(json_rows_new(&options, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    options.columns = 0;
    assert_null(json_rows_new(&options, NULL));
}

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    struct str text = str_of(mixed);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        size_t count = 0, at = 0, used = 0;
        bool ended = false, ok = true;
        struct json_rows_options options = {
            .columns = MIXED_COLUMNS, .row = count_bytes, .context = &count};
        mem_fail_at(n);
        struct json_rows *rows = json_rows_new(&options, &err);
        ok = rows != NULL;
        for (; ok && !ended; at += used)
            ok = json_rows_feed(rows, text.p + at, text.n - at < 10 ? text.n - at : 10, &used,
                                &ended, &err);
        mem_fail_at(0);
        json_rows_free(rows);
        done = ok;
        assert_int_equal(err.code, ok ? ERROR_NONE : ERROR_MEMORY);
        assert_true(n > 3 || !ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_filled_values),
        cmocka_unit_test(empty_values_are_given_when_asked_for),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(every_cut_gives_the_same_rows),
        cmocka_unit_test(a_truncated_text_has_not_ended),
        cmocka_unit_test(what_follows_the_array_is_left),
        cmocka_unit_test(the_callback_ends_the_scan),
        cmocka_unit_test(the_twins_agree_on_random_rows),
        cmocka_unit_test(the_twins_agree_at_every_offset),
        cmocka_unit_test(utf8_is_checked_as_unicode_has_it),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_row_has_a_limit),
        cmocka_unit_test(columns_have_a_limit),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
