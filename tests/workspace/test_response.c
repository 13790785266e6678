/* The response parser: what is good, and that nothing else ever is, however it is cut into pieces. */
#include "workspace/response.h"

#include "base/memory.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const char SMALL[] =
    " {\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"A\",\"type\":\"string\"},"
    "{\"name\":\"B\",\"type\":\"long\"}],\"rows\":[[\"\\u00e4\",1],[\"}\\\"\",-2],[null,null]]}],"
    "\"statistics\":{\"query\":{\"x\":[1.5e-3,true,false,null,\"\xC3\xA4\\n\"]}}} \r\n";
static const char SMALL_ROWS[] = "[\"\\u00e4\",1]\n[\"}\\\"\",-2]\n[null,null]\n";

struct reading {
    struct response *response;
    struct buf rows, columns;
    uint64_t fail_at;
    bool refuse_columns;
    struct error err;
};

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct reading *r = context;
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(&r->columns, "%s:%s ", columns->v[i].name, column_type_name(columns->v[i].type));
    return !r->refuse_columns || error_set(err, ERROR_IO, "no columns, please");
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct reading *r = context;
    buf_put(&r->rows, row->bytes, row->length);
    buf_putc(&r->rows, '\n');
    return r->fail_at == 0 || --r->fail_at > 0 || error_set(err, ERROR_IO, "no more rows, please");
}

static void begin(struct reading *r)
{
    error_clear(&r->err);
    buf_init(&r->rows, 1 << 24);
    buf_init(&r->columns, 1 << 20);
    struct response_options options = {.columns = on_columns, .row = on_row, .context = r};
    r->response = response_new(&options, &r->err);
    assert_non_null(r->response);
}

static void end(struct reading *r)
{
    response_free(r->response);
    buf_release(&r->rows);
    buf_release(&r->columns);
}

/* The bytes stand in a block of just their size, so that reading past them is seen. */
static bool feed(struct reading *r, const char *bytes, size_t n)
{
    char *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    bool ok = response_feed(r->response, exact, n, &r->err);
    free(exact);
    return ok;
}

/* In pieces of `piece` bytes; true when it is whole, valid and without an error. */
static bool read_pieces(struct reading *r, struct str text, size_t piece)
{
    begin(r);
    for (size_t at = 0; at < text.n; at += piece)
        if (!feed(r, text.p + at, text.n - at < piece ? text.n - at : piece))
            return false;
    return response_finish(r->response, &r->err) && response_error(r->response).n == 0;
}

static bool is_good(const char *text)
{
    struct reading r = {0};
    bool good = read_pieces(&r, str_of(text), SIZE_MAX / 2);
    end(&r);
    struct reading bytes = {0};
    assert_int_equal(read_pieces(&bytes, str_of(text), 1), good);
    end(&bytes);
    return good;
}

static void assert_bad(const char *text, enum error_code code, const char *word)
{
    for (size_t piece = 1; piece < 10000; piece *= 100) {
        struct reading r = {0};
        if (read_pieces(&r, str_of(text), piece))
            fail_msg("taken for good: %s", text);
        if (r.err.code != code || !strstr(r.err.message, word))
            fail_msg("%s: %s %s", text, error_name(r.err.code), r.err.message);
        end(&r);
    }
}

/* A table around rows, and an envelope around a table. */
#define TABLE(rows)                                                                                \
    "{\"name\":\"P\",\"columns\":[{\"name\":\"A\",\"type\":\"string\"},{\"name\":\"B\",\"type\":"  \
    "\"long\"}],\"rows\":" rows "}"
#define ENVELOPE(rows, more) "{\"tables\":[" TABLE(rows) "]" more "}"

static void pieces_of_every_size_read_the_same(void **state)
{
    (void) state;
    for (size_t piece = 1; piece <= sizeof SMALL; piece++) {
        struct reading r = {0};
        assert_true(read_pieces(&r, str_of(SMALL), piece));
        assert_string_equal(buf_text(&r.rows), SMALL_ROWS);
        assert_string_equal(buf_text(&r.columns), "A:string B:long ");
        assert_int_equal(response_rows(r.response), 3);
        end(&r);
    }
}

/* Bodies of every form, each of which ends with its last bracket. */
static const char *const whole_bodies[] = {
    SMALL,
    "{\"tables\":[" TABLE("[]") "]}",
    "{\"tables\":[" TABLE(
        "[[\"\\ud83d\\ude00\\\\\",-0.5e+7],[\"\xF0\x9F\x98\x80\",null]]") "," TABLE("[[\"x\",1]"
                                                                                    "]") "]}",
    "{\"error\":{\"code\":\"PartialError\",\"details\":[{\"code\":\"-1\"}]},\"tables\":[" TABLE(
        "[[\"a\",1]]") "]}",
    "{\"tables\":[{\"rows_\":[1,{\"rows\":[2]}],\"name\":null,\"columns\":[{\"type\":"
    "\"dynamic\",\"name\":"
    "\"D\",\"more\":[]}],\"rows\":[[{\"a\":[1,2,{\"b\":\"]}\"}]}],[null],[\"{}\"]],\"x\":0}],"
    "\"render\":"
    "false}",
    "\t{ \"permissions\" : { \"resources\" : [ ] } , \"tables\" : [ " TABLE(
        " [ [ \"a\" , 1 ] , [ \"b\" , 2 ] ] ") " ] , \"statistics\" : { \"query\" : 1 } }",
};
enum { WHOLE_BODIES = sizeof whole_bodies / sizeof whole_bodies[0] };

static size_t without_blanks(const char *text)
{
    return str_trim(str_of(text)).n + (size_t) (str_trim(str_of(text)).p - text);
}

static void assert_no_prefix_is_good(const char *text, size_t first_piece, size_t step)
{
    size_t whole = without_blanks(text);
    for (size_t cut = 0; cut < whole; cut++)
        for (size_t piece = first_piece; piece <= cut + 1; piece += step) {
            struct reading r = {0};
            assert_false(read_pieces(&r, (struct str){text, cut}, piece));
            assert_int_equal(r.err.code, ERROR_PARTIAL);
            end(&r);
        }
}

static void an_answer_cut_at_any_byte_is_not_good(void **state)
{
    (void) state;
    for (size_t i = 0; i < WHOLE_BODIES; i++)
        assert_no_prefix_is_good(whole_bodies[i], 1 + i % 3, 3);
}

static void whole_answers_read_the_same_in_pieces_of_every_size(void **state)
{
    (void) state;
    for (size_t i = 0; i < WHOLE_BODIES; i++) {
        struct reading whole = {0};
        struct str text = str_of(whole_bodies[i]);
        bool good = read_pieces(&whole, text, text.n);
        assert_int_equal(whole.err.code, ERROR_NONE);
        for (size_t piece = 1; piece < text.n; piece++) {
            struct reading r = {0};
            assert_int_equal(read_pieces(&r, text, piece), good);
            assert_string_equal(buf_text(&r.rows), buf_text(&whole.rows));
            assert_string_equal(buf_text(&r.columns), buf_text(&whole.columns));
            assert_true(str_eq(response_error(r.response), response_error(whole.response)));
            end(&r);
        }
        end(&whole);
    }
}

static void damaged_answers_read_the_same_in_pieces_and_whole(void **state)
{
    (void) state;
    unsigned seed = (unsigned) time(NULL);
    printf("seed %u\n", seed);
    struct random random;
    random_seed(&random, seed);
    char text[sizeof SMALL];
    for (int i = 0; i < 20000; i++) {
        memcpy(text, SMALL, sizeof SMALL);
        size_t at = random_below(&random, sizeof SMALL - 1), n = sizeof SMALL - 1;
        if (random_below(&random, 2) == 0)
            text[at] = "{}[],:\"\\ x0\x80\xff\n"[random_below(&random, 14)];
        else
            memmove(text + at, text + at + 1, n-- - at);
        /* The two ways to read it agree, and reading it reads nothing else (the sanitizers look). */
        struct reading one = {0}, all = {0};
        bool good = read_pieces(&one, (struct str){text, n}, 1 + random_below(&random, 9));
        assert_int_equal(read_pieces(&all, (struct str){text, n}, n), good);
        if (good)
            assert_string_equal(buf_text(&one.rows), buf_text(&all.rows));
        end(&one);
        end(&all);
    }
}

/* Writes the members in the order of a permutation: `order` is taken as digits of a mixed base. */
static void put_permuted(struct buf *out, const char *const *members, size_t n, size_t order)
{
    bool used[8] = {0};
    buf_putc(out, '{');
    for (size_t left = n; left > 0; left--) {
        size_t skip = order % left, i = 0;
        order /= left;
        while (used[i] || skip-- > 0)
            i++;
        used[i] = true;
        buf_printf(out, "%s%s", left < n ? "," : "", members[i]);
    }
    buf_putc(out, '}');
}

static void members_come_in_every_order(void **state)
{
    (void) state;
    static const char *const members[] = {
        "\"tables\":[" TABLE("[[\"a\",1]]") "]",
        "\"statistics\":{\"query\":{\"datasetStatistics\":[{\"tableRowCount\":1}]}}",
        "\"permissions\":{\"resources\":[]}",
        "\"render\":{\"tables\":[],\"error\":1}",
        "\"error\":{\"code\":\"PartialError\"}",
    };
    for (size_t n = 4; n <= 5; n++) /* without and with an error */
        for (size_t order = 0; order < (n == 4 ? 24 : 120); order++) {
            struct buf text = BUF_INIT(4096);
            struct reading r = {0};
            put_permuted(&text, members, n, order);
            assert_int_equal(read_pieces(&r, buf_str(&text), 1 + order % 50), n == 4);
            assert_int_equal(r.err.code, ERROR_NONE);
            assert_string_equal(buf_text(&r.rows), "[\"a\",1]\n");
            assert_int_equal(response_counted(r.response), 1);
            assert_true(str_eq(response_permissions(r.response), STR("{\"resources\":[]}")));
            end(&r);
            if (order % 10 == 0)
                assert_no_prefix_is_good(buf_text(&text), 1 + order % 7, 97);
            buf_release(&text);
        }
}

static void statistics_that_say_no_count_are_no_harm(void **state)
{
    (void) state;
    static const char *const forms[] = {
        "null",
        "7",
        "[]",
        "{}",
        "{\"query\":{}}",
        "{\"query\":{\"datasetStatistics\":[]}}",
        "{\"query\":{\"datasetStatistics\":[{\"tableRowCount\":-1}]}}",
        "{\"query\":{\"datasetStatistics\":[{\"tableRowCount\":1.5}]}}"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct buf text = BUF_INIT(4096);
        struct reading r = {0};
        buf_printf(&text, ENVELOPE("[]", ",\"statistics\":%s"), forms[i]);
        assert_true(read_pieces(&r, buf_str(&text), 3));
        assert_true(response_counted(r.response) == UINT64_MAX);
        end(&r);
        buf_release(&text);
    }
}

/* An error that is lost for want of memory would make a part of the rows look like all of them. */
static void no_memory_never_makes_an_error_vanish(void **state)
{
    (void) state;
    static const char text[] = ENVELOPE("[[\"a\",1]]", ",\"error\":{\"code\":\"PartialError\"}");
    bool refused = false;
    for (uint64_t n = 1; n < 60; n++) {
        struct reading r = {0};
        begin(&r);
        assert_true(buf_reserve(&r.rows, 1000) && buf_reserve(&r.columns, 1000));
        mem_fail_at(n);
        bool ok = response_feed(r.response, text, sizeof text - 1, &r.err) &&
                  response_finish(r.response, &r.err);
        mem_fail_at(0);
        assert_true(ok ? response_error(r.response).n > 0 : r.err.code == ERROR_MEMORY);
        refused = refused || !ok;
        end(&r);
    }
    assert_true(refused);
}

static void members_come_in_any_order_and_unknown_ones_are_passed_over(void **state)
{
    (void) state;
    assert_true(
        is_good("{\"a\":{\"tables\":[1],\"error\":{}},\"tables\":[" TABLE("[]") "],\"z\":[[[]]]}"));
    assert_true(is_good(
        "{\"tables\":[{\"x\":[[1]],\"columns\":[{\"type\":\"int\",\"name\":\"A\",\"y\":{}}],"
        "\"rows\":[[1]],\"rows2\":7}]}"));
    assert_true(is_good(ENVELOPE("[[\"a\",1]]", ",\"error\":null")));
    assert_true(is_good(" \t\r\n" ENVELOPE(" [ [ \"a\" , 1 ] ] ", " , \"x\" : -0.5E+7 ") "\n"));
}

static void a_large_unknown_member_takes_no_memory(void **state)
{
    (void) state;
    struct reading r = {0};
    char piece[64 * 1024];
    memset(piece, 'x', sizeof piece);
    begin(&r);
    assert_true(feed(&r, "{\"render\":\"", 11));
    for (int i = 0; i < 500; i++)
        assert_true(feed(&r, piece, sizeof piece));
    static const char rest[] = "\",\"tables\":[" TABLE("[]") "]}";
    assert_true(feed(&r, rest, strlen(rest)));
    assert_true(response_finish(r.response, &r.err));
    end(&r);
}

static void only_the_first_table_is_rows_and_the_others_are_checked(void **state)
{
    (void) state;
    struct reading r = {0};
    const char *two =
        "{\"tables\":[" TABLE("[[\"a\",1]]") "," TABLE("[[\"b\"],7,{\"rows\":[[1]]}]") "]}";
    assert_true(read_pieces(&r, str_of(two), 3));
    assert_string_equal(buf_text(&r.rows), "[\"a\",1]\n");
    assert_string_equal(buf_text(&r.columns), "A:string B:long ");
    end(&r);
    assert_bad("{\"tables\":[" TABLE("[]") ",{\"rows\":[[1,]]}]}", ERROR_FORMAT, "no value");
    assert_bad("{\"tables\":[" TABLE("[]") ",7]}", ERROR_FORMAT, "a table that is no object");
}

static void an_error_is_collected_wherever_it_stands(void **state)
{
    (void) state;
    static const char *const texts[] = {
        ENVELOPE("[[\"a\",1]]", ",\"error\":{\"code\":\"PartialError\",\"a\":[1,\"}\"]}"),
        "{\"error\":{\"code\":\"PartialError\",\"a\":[1,\"}\"]},\"tables\":[" TABLE(
            "[[\"a\",1]]") "]}",
        "{\"error\":{\"code\":\"PartialError\",\"a\":[1,\"}\"]}}"};
    for (size_t i = 0; i < 3; i++) {
        struct reading r = {0};
        assert_false(read_pieces(&r, str_of(texts[i]), 1));
        assert_true(response_finish(r.response, &r.err));
        assert_true(
            str_eq(response_error(r.response), STR("{\"code\":\"PartialError\",\"a\":[1,\"}\"]}")));
        end(&r);
    }
    struct reading scalar = {0};
    assert_false(read_pieces(&scalar, STR("{\"error\":12}"), 1));
    assert_true(str_eq(response_error(scalar.response), STR("12")));
    end(&scalar);
}

static void a_large_error_is_cut(void **state)
{
    (void) state;
    struct reading r = {0};
    char piece[4096];
    memset(piece, 'x', sizeof piece);
    begin(&r);
    assert_true(feed(&r, "{\"error\":{\"message\":\"", 21));
    for (int i = 0; i < 100; i++)
        assert_true(feed(&r, piece, sizeof piece));
    assert_true(feed(&r, "\"}}", 3));
    assert_true(response_finish(r.response, &r.err));
    assert_int_equal(response_error(r.response).n, RESPONSE_ERROR_MAX);
    end(&r);
}

static void early_ends_and_garbage_are_told_apart(void **state)
{
    (void) state;
    assert_bad("", ERROR_PARTIAL, "empty");
    assert_bad(" \n", ERROR_PARTIAL, "ends early");
    assert_bad("{", ERROR_PARTIAL, "ends early");
    assert_bad("{}", ERROR_FORMAT, "no table");
    assert_bad("{\"tables\":[]}", ERROR_FORMAT, "no table");
    assert_bad("{\"tables\":[{}]}", ERROR_FORMAT, "no table");
    assert_bad("{\"tables\":null}", ERROR_FORMAT, "tables that are no array");
    assert_bad(ENVELOPE("[]", "") "x", ERROR_FORMAT, "behind its end");
    assert_bad(ENVELOPE("[]", "") ENVELOPE("[]", ""), ERROR_FORMAT, "behind its end");
    assert_bad(ENVELOPE("{}", ""), ERROR_FORMAT, "no array");
    assert_bad(ENVELOPE("null", ""), ERROR_FORMAT, "no array");
    assert_bad(ENVELOPE("[]", "") "]", ERROR_FORMAT, "behind its end");
    assert_bad(ENVELOPE("[]", ",\"tables\":[]"), ERROR_FORMAT, "twice");
    assert_bad("{\"error\":null,\"error\":{}}", ERROR_FORMAT, "twice");
    assert_bad("{\"tables\":[{\"rows\":[],\"columns\":[]}]}", ERROR_FORMAT, "rows before");
    assert_bad("{\"tables\":[{\"columns\":[],\"rows\":[]}]}", ERROR_FORMAT, "without columns");
    assert_bad("{\"tables\":[{\"columns\":[{\"name\":\"A\"}],\"rows\":[]}]}", ERROR_FORMAT,
               "without name or type");
    assert_bad("{\"tables\":[{\"columns\":[{\"name\":\"A\",\"type\":\"vector\"}],\"rows\":[]}]}",
               ERROR_FORMAT, "unknown type 'vector'");
}

static void a_row_of_another_length_is_an_error(void **state)
{
    (void) state;
    assert_bad(ENVELOPE("[[\"a\",1],[\"b\"]]", ""), ERROR_FORMAT, "row 2");
    assert_bad(ENVELOPE("[[\"a\",1,2]]", ""), ERROR_FORMAT, "row 1");
    assert_bad(ENVELOPE("[[]]", ""), ERROR_FORMAT, "row 1");
}

static void json_that_is_none_is_refused_outside_the_rows_too(void **state)
{
    (void) state;
    static const char *const values[] = {"01",
                                         "-",
                                         "1.",
                                         ".5",
                                         "1e",
                                         "+1",
                                         "1e+",
                                         "tru",
                                         "True",
                                         "nul",
                                         "nulll",
                                         "\"\\x\"",
                                         "\"\\u12g4\"",
                                         "\"\n\"",
                                         "\"\x01\"",
                                         "\"\x80\"",
                                         "\"\xC0\x80\"",
                                         "\"\xED\xA0\x80\"",
                                         "\"\xF4\x90\x80\x80\"",
                                         "\"\xE0\x80\x80\"",
                                         "\"\xC3\"",
                                         "[1,]",
                                         "[,1]",
                                         "{,}",
                                         "{\"a\"}",
                                         "{\"a\":}",
                                         "{a:1}",
                                         "[1}",
                                         "{\"a\":1]",
                                         "[1 2]",
                                         "{\"a\":1 \"b\":2}",
                                         "'a'",
                                         "NaN",
                                         "\"\xF5\x80\x80\x80\"",
                                         "{1:2}",
                                         "[\"a\":1]"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[512];
        (void) snprintf(text, sizeof text, "{\"x\":%s,\"tables\":[%s]}", values[i], TABLE("[]"));
        if (is_good(text))
            fail_msg("taken for good: %s", text);
    }
}

static void nesting_has_a_limit(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(1 << 20);
    buf_puts(&text, "{\"x\":");
    for (int i = 0; i < 10000; i++)
        buf_putc(&text, '[');
    struct reading r = {0};
    assert_false(read_pieces(&r, buf_str(&text), 100));
    assert_int_equal(r.err.code, ERROR_FORMAT);
    assert_non_null(strstr(r.err.message, "nested too deep"));
    end(&r);
    buf_release(&text);
}

static void a_page_of_somebody_else_is_shown_safely(void **state)
{
    (void) state;
    static const char page[] = "<!DOCTYPE html>\r\n<title>Sign in \x1b[31mhere</title>";
    for (size_t piece = 1; piece < 100; piece *= 50) {
        struct reading r = {0};
        assert_false(read_pieces(&r, str_of(page), piece));
        assert_true(response_foreign(r.response));
        assert_int_equal(r.err.code, ERROR_FORMAT);
        assert_non_null(strstr(r.err.message, "it begins: <!DOCTYPE html>"));
        assert_non_null(strstr(r.err.message, "\\x1b[31mhere"));
        assert_null(strchr(r.err.message, 0x1b));
        end(&r);
    }
    struct reading endless = {0};
    char piece[4096];
    memset(piece, '.', sizeof piece);
    begin(&endless);
    assert_false(feed(&endless, piece, sizeof piece));
    assert_true(strlen(endless.err.message) < 2 * RESPONSE_HEAD_MAX);
    end(&endless);
}

static void a_call_back_that_fails_is_told_from_a_bad_answer(void **state)
{
    (void) state;
    struct reading r = {.fail_at = 2};
    assert_false(read_pieces(&r, str_of(SMALL), 7));
    assert_true(response_stopped(r.response));
    assert_string_equal(r.err.message, "no more rows, please");
    assert_false(response_feed(r.response, "x", 1, NULL));
    assert_false(response_finish(r.response, NULL));
    end(&r);
    struct reading columns = {.refuse_columns = true};
    assert_false(read_pieces(&columns, str_of(SMALL), 7));
    assert_true(response_stopped(columns.response));
    end(&columns);
    struct reading bad = {0};
    assert_false(read_pieces(&bad, str_of(ENVELOPE("[[1]]", "")), 7));
    assert_false(response_stopped(bad.response));
    end(&bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_every_size_read_the_same),
        cmocka_unit_test(an_answer_cut_at_any_byte_is_not_good),
        cmocka_unit_test(damaged_answers_read_the_same_in_pieces_and_whole),
        cmocka_unit_test(whole_answers_read_the_same_in_pieces_of_every_size),
        cmocka_unit_test(members_come_in_every_order),
        cmocka_unit_test(statistics_that_say_no_count_are_no_harm),
        cmocka_unit_test(no_memory_never_makes_an_error_vanish),
        cmocka_unit_test(members_come_in_any_order_and_unknown_ones_are_passed_over),
        cmocka_unit_test(a_large_unknown_member_takes_no_memory),
        cmocka_unit_test(only_the_first_table_is_rows_and_the_others_are_checked),
        cmocka_unit_test(an_error_is_collected_wherever_it_stands),
        cmocka_unit_test(a_large_error_is_cut),
        cmocka_unit_test(early_ends_and_garbage_are_told_apart),
        cmocka_unit_test(a_row_of_another_length_is_an_error),
        cmocka_unit_test(json_that_is_none_is_refused_outside_the_rows_too),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_page_of_somebody_else_is_shown_safely),
        cmocka_unit_test(a_call_back_that_fails_is_told_from_a_bad_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
