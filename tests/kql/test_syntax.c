/* What parses, and where and why the rest does not. */

#include "kql/kql.h"

#include "kql/lexer.h"
#include "kql/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void texts_that_parse(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "T",
        "T;",
        ";;T",
        "T // comment to the end",
        "// before\nT\n| where a > 1 // behind\n",
        "set notruncation; set truncationmaxsize = 1000;\nT | take 5",
        "['odd name'] | where ['a b'] == 1",
        "T | where a in (1, 2) and b !in~ ('x') or not(c)",
        "T | where a between (1 .. 2) and b !between (ago(1d) .. 1h)",
        "T | where a has_any (dynamic(['a', \"b\"])) | where x in ((U | project y))",
        "T | where m matches regex @\"\\d+\" and n startswith_cs h'secret'",
        "T | where d.a.b['c d'][0][-1].['e'] == 1.5e3",
        "T | extend (a, b) = f(x), ['n m'] = -1 + +2 * (3 % 4)",
        "T | project-away a*, *_b, c | project-reorder z, a* asc, b* desc, *",
        "T | project-keep *x* | project-rename a = b",
        "T | summarize hint.strategy=shuffle n = count(), arg_max(t, *) by bin(t, 5m), k = a",
        "T | summarize by a",
        "T | sort by a asc nulls first, b desc, c nulls last | order by d",
        "T | top 5 by a desc | limit 3",
        "T | join kind=leftanti hint.remote=left (U | where b) on a, $left.x == $right.y",
        "T | join U on a and $left.b == $right.b",
        "T | lookup kind=inner (U) on a",
        "union withsource=S isfuzzy=true kind=outer T, U*, (V | count), workspace('x').W",
        "union (T), (U)",
        "T | union U | as X | count",
        "let a = 5; let b = T | where x > a; b | join (b) on y",
        "let f = (x: long, y: string = 'a') { T | where z == x }; f(1)",
        "let v = view () { T }; v",
        "let T2 = materialize(T | take 5); T2",
        "print x = 1, 2, now(), datetime(2020-01-01), 1d, 100ms, 1.5h, 3tick, 0x1F, 1e5, 1.",
        "print dynamic({\"a\": [1, -2.5, null, true], 'b': datetime(2020-01-01)}), dynamic(null)",
        "print int(5), long(null), real(nan), bool(true)",
        "print guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
        "print time(1.02:03:04), timespan(5 seconds), date('2020-01-01'), decimal(1.5)",
        "print 'a' \"b\" @'c''d' ```e\nf``` // one string\n 'g'",
        "print \"\\u00e9\\x41\\ud83d\\ude00\\t\\\\\\\"\", 'it\\'s'",
        "range x from 1 to 10 step 1 | extend y = x",
        "datatable(a: string, ['b c']: long) ['x', 1, 'y', 2,]",
        "datatable(a: string) []",
        "T | getschema | render timechart with (title='x')",
        "T | serialize | serialize n = row_number()",
        "T | where * has 'x'",
        "T | mv-expand a to typeof(long) | mv-apply b on (where b > 1 | count)",
        "T | parse kind=relaxed m with * \"user=\" u:string \" id=\" i:long *",
        "T | parse-where m with 'a' b | evaluate bag_unpack(d) | make-series count() on t step 1h",
        "T | scan with (step s: true => x = 1;) | sample 5",
        "search in (T, U) 'x'",
        "find where a == 1",
        "externaldata(a: string)['https://example.com/x.csv'] with (format='csv')",
        "T | extend x = extract('a(b)', 1, c, typeof(long)) | invoke f()",
        "T | where a == 1 | where print == 2 | extend union = 1, range = range(1, 5)",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = ERROR_INIT;
        if (!kql_check_syntax(str_of(texts[i]), &err))
            fail_msg("%s\n%d:%d+%d %s", texts[i], err.line, err.column, err.length, err.message);
    }
}

static void texts_that_do_not(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int line, column, length;
        const char *message;
    } cases[] = {
        {"T |", 1, 4, 0, "the query ends where an operator is expected"},
        {"T | wher a", 1, 5, 4, "'wher' is not an operator of KQL"},
        {"T\n| where a ==", 2, 13, 0, "the query ends where an expression is expected"},
        {"T | where a = 1", 1, 13, 1, "'=' stands where the end of the statement is expected"},
        {"T | where 'abc", 1, 11, 4, "the string has no end"},
        {"T | where \"a\nb\"", 1, 11, 2, "the string has no end"},
        {"T | where ```a", 1, 11, 4, "the string has no end"},
        {"T | where \"\\q\"", 1, 12, 2, "the escape in the string is not known"},
        {"T | where \"\\ud800x\"", 1, 12, 6, "the escape in the string is not known"},
        {"T | where x > 12abc", 1, 15, 5, "a number with letters behind it"},
        {"T | where x > 99999999999999999999", 1, 15, 20, "the number is too large"},
        {"T | where x > 99999999999d", 1, 15, 12, "the timespan is too large"},
        {"T | where t > datetime(2020-13-01)", 1, 15, 20, "'2020-13-01' is not a datetime"},
        {"T | where t > datetime(2020-01-01", 1, 15, 8, "the literal has no closing parenthesis"},
        {"T | where g == guid(123)", 1, 16, 9, "'123' is not a guid"},
        {"print int(99999999999)", 1, 7, 16, "'99999999999' is not a int"},
        {"print dynamic([1, 2", 1, 20, 0, "the query ends where ']' is expected"},
        {"print dynamic({1: 2})", 1, 16, 1, "'1' stands where a key is expected"},
        {"print dynamic(x)", 1, 15, 1, "'x' stands where a JSON value is expected"},
        {"T | where a in (1, 2", 1, 21, 0, "the query ends where ')' is expected"},
        {"T | where a between (1, 2)", 1, 23, 1, "',' stands where '..' is expected"},
        {"T | summarize count() by", 1, 25, 0, "the query ends where an expression is expected"},
        {"T | join (U)", 1, 13, 0, "the query ends where 'on' is expected"},
        {"T | top 5", 1, 10, 0, "the query ends where 'by' is expected"},
        {"T | sort a", 1, 10, 1, "'a' stands where 'by' is expected"},
        {"range x from 1 to 2", 1, 20, 0, "the query ends where 'step' is expected"},
        {"datatable(a: wrong) []", 1, 14, 5, "'wrong' stands where a type"},
        {"T | print 1", 1, 5, 5, "'print' begins a query and cannot stand behind a bar"},
        {"T U", 1, 3, 1, "'U' stands where the end of the statement is expected"},
        {"T | where a == #", 1, 16, 1, "'#' has no meaning here"},
        {"\xC3\xA9\xC3\xA9", 1, 1, 2, "has no meaning here"},
        {"print '\xC3\xA9\xC3\xA9' #", 1, 12, 1, "'#' has no meaning here"},
        {"T | where ['' ] == 1", 1, 12, 2, "stands where a quoted name is expected"},
        {"let x = ", 1, 9, 0, "the query ends where an expression is expected"},
        {"T | mv-expand (a", 1, 17, 0, "the query ends where a closing bracket is expected"},
        {"print 1 == 2 == 3", 1, 14, 2, "'==' stands where the end of the statement"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        assert_false(kql_check_syntax(str_of(cases[i].text), &err));
        if (err.code != ERROR_KQL || err.line != cases[i].line || err.column != cases[i].column ||
            err.length != cases[i].length || !strstr(err.message, cases[i].message))
            fail_msg("%s\n%d:%d+%d %s", cases[i].text, err.line, err.column, err.length,
                     err.message);
    }
}

static void texts_that_are_no_text(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_false(kql_check_syntax(STR("T | where a == '\xFF'"), &err));
    assert_non_null(strstr(err.message, "UTF-8"));
    error_clear(&err);
    assert_false(kql_check_syntax(STR("T | where a == 1 \0"), &err));
    assert_int_equal(err.code, ERROR_KQL);
    error_clear(&err);
    char *long_text = mem_alloc(KQL_TEXT_MAX + 2, 1, &err);
    assert_non_null(long_text);
    memset(long_text, ' ', KQL_TEXT_MAX + 1);
    assert_false(kql_check_syntax((struct str){long_text, KQL_TEXT_MAX + 1}, &err));
    assert_non_null(strstr(err.message, "longer than"));
    mem_free(long_text);
}

/* `open` many times, a name, `close` as many times. */
static void assert_depth_refused(const char *before, const char *open, const char *close)
{
    struct buf text = BUF_INIT(KQL_TEXT_MAX);
    struct error err = ERROR_INIT;
    buf_puts(&text, before);
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, open);
    buf_puts(&text, "a");
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, close);
    bool good =
        kql_check_syntax(buf_str(&text), &err) && kql_check_row_by_row(buf_str(&text), &err);
    assert_false(good);
    assert_int_equal(err.code, ERROR_KQL);
    buf_release(&text);
}

static void deep_nesting_is_refused(void **state)
{
    (void) state;
    assert_depth_refused("T | where ", "(", ")");
    assert_depth_refused("T | where ", "f(", ")");
    assert_depth_refused("T | where ", "- ", "");
    assert_depth_refused("T | where x", "[", "]");
    assert_depth_refused("print dynamic(", "[", "]");
    assert_depth_refused("T | where ", "a + ", "");
    assert_depth_refused("T | where ", "a.", "");
    assert_depth_refused("", "(", ")");
    assert_depth_refused("", "union (", ")");
    assert_depth_refused("let f = ", "{ let g = ", "}");
}

static void long_lists_are_not_deep(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(KQL_TEXT_MAX);
    struct error err = ERROR_INIT;
    buf_puts(&text, "T | where a == 0");
    for (int i = 1; i < 5000; i++)
        buf_printf(&text, " or a == %d", i);
    buf_puts(&text, " | where a in (0");
    for (int i = 1; i < 5000; i++)
        buf_printf(&text, ", %d", i);
    buf_puts(&text, ")");
    if (!kql_check_row_by_row(buf_str(&text), &err))
        fail_msg("%s", err.message);
    buf_release(&text);
}

/* The string that a literal stands for. */
static struct str read_string(struct arena *arena, struct str literal)
{
    struct error err = ERROR_INIT;
    struct kql_text text = {.text = literal, .arena = arena, .err = &err};
    struct kql_lexer lexer = {.text = &text};
    if (!kql_lex(&lexer) || lexer.token.kind != KQL_VALUE || lexer.next != literal.n)
        fail_msg("%.*s: %s", (int) literal.n, literal.p, err.message);
    return lexer.token.value.text;
}

static void strings_of_every_form(void **state)
{
    (void) state;
    static const struct {
        const char *literal, *text;
    } cases[] = {
        {"\"a'b\"", "a'b"},
        {"'a\"b'", "a\"b"},
        {"\"a\\\"b\\\\\"", "a\"b\\"},
        {"'\\t\\n\\r'", "\t\n\r"},
        {"@\"C:\\x\\n\"", "C:\\x\\n"},
        {"@'it''s'", "it's"},
        {"@\"say \"\"hi\"\"\"", "say \"hi\""},
        {"h\"x\"", "x"},
        {"H@'\\x'", "\\x"},
        {"```a\nb \"c\"```", "a\nb \"c\""},
        {"~~~a~b~~~", "a~b"},
        {"\"\\u00A0\\x41\"", "\xC2\xA0"
                             "A"},
        {"\"\\U0001F600\"", "\xF0\x9F\x98\x80"},
        {"'a' // and\n \"b\"h'c'", "abc"},
        {"''", ""},
    };
    struct arena arena;
    arena_init(&arena, KQL_ARENA_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str got = read_string(&arena, str_of(cases[i].literal));
        if (!str_eq(got, str_of(cases[i].text)))
            fail_msg("%s gives %.*s", cases[i].literal, (int) got.n, got.p);
    }
    arena_release(&arena);
}

static void written_strings_read_back(void **state)
{
    (void) state;
    static const struct {
        const char *p;
        size_t n;
    } cases[] = {{"plain", 5},
                 {"a\"b'c\\d", 7},
                 {"\n\r\t\x01\x1f\x7f", 6},
                 {"", 0},
                 {"\0x", 2},
                 {"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80", 9},
                 {"\" | take 1 //", 13}};
    struct arena arena;
    arena_init(&arena, KQL_ARENA_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1024);
        kql_put_string(&out, (struct str){cases[i].p, cases[i].n});
        struct str got = read_string(&arena, buf_str(&out));
        assert_int_equal(got.n, cases[i].n);
        assert_memory_equal(got.p, cases[i].p, got.n);
        buf_release(&out);
    }
    arena_release(&arena);
}

static void written_names(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"Computer", "Computer"},
        {"_ItemId", "_ItemId"},
        {"a b", "['a b']"},
        {"where", "['where']"},
        {"1day", "['1day']"},
        {"it's", "['it\\'s']"},
        {"TimeGenerated [UTC]", "['TimeGenerated [UTC]']"},
        {"a-b", "['a-b']"},
        {"\xC3\xA9", "['\xC3\xA9']"},
        {"x]; T", "['x]; T']"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1024);
        struct error err = ERROR_INIT;
        kql_put_name(&out, str_of(cases[i][0]));
        assert_string_equal(buf_text(&out), cases[i][1]);
        assert_true(kql_check_syntax(buf_str(&out), &err));
        buf_release(&out);
    }
}

static void typed_literals(void **state)
{
    (void) state;
    static const struct {
        enum column_type type;
        const char *text;
        bool fits;
        int64_t i;
    } cases[] = {
        {COLUMN_DATETIME, "2021-11-07T03:00:00Z", true, INT64_C(637718508000000000)},
        {COLUMN_DATETIME, " 2021-11-07 ", true, INT64_C(637718400000000000)},
        {COLUMN_DATETIME, "2021-11-07 03:00", true, INT64_C(637718508000000000)},
        {COLUMN_DATETIME, "'2021-11-07'", true, INT64_C(637718400000000000)},
        {COLUMN_DATETIME, "2021.11.07", true, INT64_C(637718400000000000)},
        {COLUMN_DATETIME, "2021, 11, 7", true, INT64_C(637718400000000000)},
        {COLUMN_DATETIME, "2021-11", true, INT64_C(637713216000000000)},
        {COLUMN_DATETIME, "2021-11-07T03:00:00.0000001", true, INT64_C(637718508000000001)},
        {COLUMN_DATETIME, "11-07-2021", true, INT64_C(637718400000000000)},
        {COLUMN_DATETIME, "", true, 42},
        {COLUMN_DATETIME, "2021-11-31", false, 0},
        {COLUMN_DATETIME, "7", false, 0},
        {COLUMN_TIMESPAN, "1.02:03:04.5", true, INT64_C(937845000000)},
        {COLUMN_TIMESPAN, "00:05", true, INT64_C(3000000000)},
        {COLUMN_TIMESPAN, "-1d", true, INT64_C(-864000000000)},
        {COLUMN_TIMESPAN, "2", true, INT64_C(1728000000000)},
        {COLUMN_TIMESPAN, "15 seconds", true, INT64_C(150000000)},
        {COLUMN_TIMESPAN, "0.1h", true, INT64_C(3600000000)},
        {COLUMN_TIMESPAN, "1 fortnight", false, 0},
        {COLUMN_LONG, "0xff", true, 255},
        {COLUMN_LONG, "-9223372036854775808", true, INT64_MIN},
        {COLUMN_LONG, "9223372036854775808", false, 0},
        {COLUMN_INT, "2147483648", false, 0},
        {COLUMN_INT, "-2147483648", true, INT32_MIN},
        {COLUMN_BOOL, "TRUE", true, 1},
        {COLUMN_BOOL, "0", true, 0},
        {COLUMN_BOOL, "yes", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kql_value value;
        bool fits = kql_value_parse(cases[i].type, str_of(cases[i].text), 42, &value);
        if (fits != cases[i].fits || (fits && value.i != cases[i].i))
            fail_msg("%s(%s): %d, %lld", column_type_name(cases[i].type), cases[i].text, fits,
                     (long long) value.i);
    }
}

static void regular_expressions(void **state)
{
    (void) state;
    static const struct {
        const char *regex, *out; /* NULL: refused */
        unsigned groups;
    } cases[] = {
        {"a.b", "a.b", 0},
        {"(\\d+)-(?:x)(y)", "([\\p{Nd}]+)-(?:x)(y)", 2},
        {"\\S\\.", "[^\\s\\x0b\\x{85}\\p{Z}]\\.", 0},
        {"[\\w.-]+", "[\\p{L}\\p{M}\\p{Nd}\\p{Pc}.-]+", 0},
        {"(?<user>[^@]+)@", "(?P<user>[^@]+)@", 1},
        {"(?i)abc\\b", "(?i)abc\\b", 0},
        {"[]a]", "[]a]", 0},
        {"[^]a]", "[^]a]", 0},
        {"[[:alpha:]_]", "[[:alpha:]_]", 0},
        {"(?=a)", NULL, 0},
        {"(?<!a)", NULL, 0},
        {"[\\w&&a]", NULL, 0},
        {"[a[b]]", NULL, 0},
        {"[\\D]", NULL, 0},
        {"[a", NULL, 0},
        {"a\\", NULL, 0},
        {"(a", NULL, 0},
        {"a)", NULL, 0},
        {"(?@a)", NULL, 0},
        {"(?i:a)(?s)", "(?i:a)(?s)", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1024);
        unsigned groups = 0;
        const char *wrong = kql_regex_translate(str_of(cases[i].regex), &out, &groups);
        if ((wrong == NULL) != (cases[i].out != NULL) ||
            (!wrong && (strcmp(buf_text(&out), cases[i].out) != 0 || groups != cases[i].groups)))
            fail_msg("%s gives %s (%s), %u groups", cases[i].regex, buf_text(&out), wrong, groups);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_parse),
        cmocka_unit_test(texts_that_do_not),
        cmocka_unit_test(texts_that_are_no_text),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(long_lists_are_not_deep),
        cmocka_unit_test(strings_of_every_form),
        cmocka_unit_test(written_strings_read_back),
        cmocka_unit_test(written_names),
        cmocka_unit_test(typed_literals),
        cmocka_unit_test(regular_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
