/* Two lines are told to be of one record exactly when they say the same, whoever wrote them and however. */
#include "lake/row.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "lake/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <jansson.h>

#define TIME "\"TimeGenerated\":\"2021-11-07T03:05:12.5Z\""
#define COLUMNS                                                                                    \
    "TimeGenerated datetime\nS string\nD dynamic\nL long\nI int\nR real\nT timespan\nG guid\n"     \
    "B bool\nM decimal\nW datetime\nTenantId string\nType string\n_ItemId string\n"

static struct lake_rows *rows_of(const char *schema)
{
    struct columns columns = {0};
    struct error err = ERROR_INIT;
    assert_true(columns_read(str_of(schema), &columns, &err));
    struct lake_rows *rows = lake_rows_new(&columns, &err);
    if (!rows)
        fail_msg("%s", err.message);
    columns_release(&columns);
    return rows;
}

static struct lake_row read_row(struct lake_rows *rows, const char *line)
{
    struct lake_row row;
    struct error err = ERROR_INIT;
    if (!lake_row_read(rows, str_of(line), true, &row, &err))
        fail_msg("%s: %s", line, err.message);
    return row;
}

static bool same(const struct lake_row_key *a, const struct lake_row_key *b)
{
    return a->high == b->high && a->low == b->low;
}

static void compare(const char *members, const char *others, bool want)
{
    struct lake_rows *rows = rows_of(COLUMNS);
    char line[2][1024];
    (void) snprintf(line[0], sizeof line[0], "{" TIME "%s%s}", members[0] ? "," : "", members);
    (void) snprintf(line[1], sizeof line[1], "{%s%s" TIME "}", others, others[0] ? "," : "");
    struct lake_row a = read_row(rows, line[0]), b = read_row(rows, line[1]);
    if (same(&a.value, &b.value) != want)
        fail_msg("%s is %s%s", line[0], want ? "not " : "", line[1]);
    assert_int_equal(a.tick, b.tick);
    lake_rows_free(rows);
}

static void what_says_the_same_is_the_same(void **state)
{
    (void) state;
    static const char *const pairs[][2] = {
        {"", "\"S\":\"\",\"L\":null,\"D\":null,\"T\":\"\",\"B\":null"},
        {"", "\"Other\":1,\"_Internal\":{\"a\":[1]},\"MG\":\"x\""},
        {"", "\"TenantId\":\"a\",\"Type\":\"b\",\"_ItemId\":\"c\""},
        {"\"S\":\"a\",\"L\":1", "\"L\":1,\"S\":\"a\""},
        {"\"S\":\"\\u00e9\\/\\n\"", "\"S\":\"\xc3\xa9/\\u000a\""},
        {"\"S\":5", "\"S\":\"5\""},
        {"\"S\":{\"a\": 1}", "\"S\":\"{\\\"a\\\":1}\""},
        {"\"L\":9223372036854775807", "\"L\":\"9223372036854775807\""},
        {"\"L\":1000", "\"L\":1e3"},
        {"\"L\":-17", "\"L\":-17.000"},
        {"\"L\":0", "\"L\":-0.0"},
        {"\"I\":12", "\"I\":1.2E+1"},
        {"\"M\":0.10", "\"M\":\"1e-1\""},
        {"\"M\":123456789012345678901234567890.50", "\"M\":1234567890123456789012345678905e-1"},
        {"\"R\":0.1", "\"R\":0.1000000000000000055511151231257827"},
        {"\"R\":5", "\"R\":5.0"},
        {"\"R\":1e300", "\"R\":\"1E+300\""},
        {"\"R\":0", "\"R\":-0.0"},
        {"\"R\":\"NaN\"", "\"R\":\"nan\""},
        {"\"W\":\"2021-11-07T03:05:12.5Z\"", "\"W\":\"2021-11-07T03:05:12.5000000Z\""},
        {"\"W\":\"2021-11-07T03:05:00Z\"", "\"W\":\"2021-11-07 04:05:00+01:00\""},
        {"\"T\":\"1.00:00:00\"", "\"T\":\"1.00:00:00.0000000\""},
        {"\"T\":\"00:00:00.0000010\"", "\"T\":10"},
        {"\"G\":\"8ECF8077-CF51-4820-AADD-14040956F35D\"",
         "\"G\":\"{8ecf8077-cf51-4820-aadd-14040956f35d}\""},
        {"\"B\":true", "\"B\":\"True\""},
        {"\"B\":false", "\"B\":0"},
        {"\"D\":{\"a\":1,\"b\":[1,2]}", "\"D\":{ \"b\" : [ 1.0, 2 ], \"a\":1}"},
        {"\"D\":{\"a\":1,\"b\":\"x\\u0041\"}", "\"D\":\"{\\\"b\\\":\\\"xA\\\",\\\"a\\\":1}\""},
        {"\"D\":[0.10]", "\"D\":\" [1e-1] \""},
        {"\"D\":[9007199254740993]", "\"D\":[9007199254740993.0]"},
        {"\"D\":[18446744073709551615]", "\"D\":[18446744073709551615]"},
        {"\"D\":\"abc\"", "\"D\":\"\\\"abc\\\"\""},
        {"\"D\":7", "\"D\":\"7\""},
        {"", "\"D\":\"null\""},
        {"", "\"D\":\"\\\"\\\"\""},
        {"\"L\":\"many\"", "\"L\":\"m\\u0061ny\""}, /* of no type: as text */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        compare(pairs[i][0], pairs[i][1], true);
}

static void what_says_something_else_is_another(void **state)
{
    (void) state;
    static const char *const pairs[][2] = {
        {"\"S\":\"a\"", "\"S\":\"A\""},
        {"\"S\":\"a\"", "\"S\":\"a \""},
        {"\"S\":\"a\"", "\"D\":\"a\""},
        {"\"L\":1", "\"I\":1"},
        {"\"L\":9223372036854775807", "\"L\":9223372036854775806"},
        {"\"L\":9007199254740993", "\"L\":9007199254740992"},
        {"\"L\":12", "\"L\":-12"},
        {"\"L\":0", ""},
        {"\"I\":10", "\"I\":1"},
        {"\"I\":1", "\"I\":0.1"},
        {"\"M\":0.10000000000000000001", "\"M\":0.1"},
        {"\"M\":100000000000000000000000", "\"M\":100000000000000000000001"},
        {"\"R\":0.1", "\"R\":0.10000000000000002"},
        {"\"R\":\"NaN\"", "\"R\":\"Infinity\""},
        {"\"R\":\"Infinity\"", "\"R\":\"-Infinity\""},
        {"\"W\":\"2021-11-07T03:05:12.5Z\"", "\"W\":\"2021-11-07T03:05:12.5000001Z\""},
        {"\"T\":\"00:00:01\"", "\"T\":\"-00:00:01\""},
        {"\"G\":\"8ecf8077-cf51-4820-aadd-14040956f35d\"",
         "\"G\":\"8ecf8077-cf51-4820-aadd-14040956f35e\""},
        {"\"B\":true", "\"B\":false"},
        {"\"B\":false", ""},
        {"\"D\":[1,2]", "\"D\":[2,1]"},
        {"\"D\":[1,[2]]", "\"D\":[[1],2]"},
        {"\"D\":[]", "\"D\":{}"},
        {"\"D\":[]", "\"D\":[[]]"},
        {"\"D\":{}", ""},
        {"\"D\":{\"a\":1}", "\"D\":{\"b\":1}"},
        {"\"D\":{\"a\":null}", "\"D\":{}"},
        {"\"D\":{\"a\":1,\"b\":2}", "\"D\":{\"a\":2,\"b\":1}"},
        {"\"D\":{\"a\":\"1\"}", "\"D\":{\"a\":1}"},
        {"\"D\":[9007199254740993]", "\"D\":[9007199254740992]"},
        {"\"D\":[18446744073709551615]", "\"D\":[18446744073709551614]"},
        {"\"D\":[true]", "\"D\":[\"true\"]"},
        {"\"D\":\"{\\\"a\\\":1\"", "\"D\":{\"a\":1}"}, /* no JSON: a text */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        compare(pairs[i][0], pairs[i][1], false);
}

static void an_item_is_told_by_its_id_alone(void **state)
{
    (void) state;
    struct lake_rows *rows = rows_of("TimeGenerated datetime\nS string\n"); /* without the column */
    struct lake_row a = read_row(rows, "{" TIME ",\"_ItemId\":\"World\"}");
    struct lake_row b = read_row(rows, " {\"_ItemId\":\"W\\u006frld\",\"S\":\"x\"," TIME "}\r");
    struct lake_row c = read_row(rows, "\xef\xbb\xbf{\"_ItemId\":\"world\"," TIME "}");
    struct lake_row none = read_row(rows, "{\"_ItemId\":\"\"," TIME "}");
    assert_true(a.has_item && b.has_item && c.has_item && !none.has_item);
    assert_int_equal(a.item, INT64_C(1846988464401551951)); /* as KQL's hash_xxhash64 */
    assert_true(same(&a.id, &b.id) && a.item == b.item);
    assert_false(same(&a.value, &b.value));
    assert_false(same(&a.id, &c.id));
    assert_int_equal(none.item, hash_xx64(STR("")));
    assert_true(none.id.high == 0 && none.id.low == 0);
    assert_false(lake_row_read(rows, STR("{\"_ItemId\":\"World\"}"), false, &a, NULL));
    lake_rows_free(rows);
}

static void what_is_no_row_is_refused_and_the_next_is_read(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "  ",
                                      "x",
                                      "[]",
                                      "[{" TIME "}]",
                                      "{" TIME,
                                      "{" TIME "}}",
                                      "{" TIME "}{" TIME "}",
                                      "{" TIME ",}",
                                      "{\"TimeGenerated\":5}",
                                      "{\"TimeGenerated\":\"\"}",
                                      "{\"TimeGenerated\":\"yesterday\"}",
                                      "{\"S\":\"\xff\"," TIME "}",
                                      "{}"};
    struct lake_rows *rows = rows_of(COLUMNS);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = ERROR_INIT;
        struct lake_row row;
        if (lake_row_read(rows, str_of(bad[i]), true, &row, &err))
            fail_msg("%s is read", bad[i]);
        assert_int_equal(err.code, ERROR_FORMAT);
        assert_int_equal(read_row(rows, "{" TIME "}").tick % TICK_SECOND, TICK_SECOND / 2);
    }
    struct columns none = {0};
    assert_null(lake_rows_new(&none, NULL));
    lake_rows_free(rows);
}

/* --- rows of the portal, as weir writes them and as the service may --- */

struct portal {
    struct random random;
    json_t *rows; /* objects */
    struct columns columns;
    struct buf weir, service; /* a line each */
    struct lake_line *line;
    size_t changed; /* column whose value the service's line has otherwise; SIZE_MAX: none */
};

/* Values for columns of types that the portal does not have; the same for the same row. */
static const char extra[] = "xDyn dynamic\nxSpan timespan\nxGuid guid\nxDec decimal\nxReal real\n"
                            "xLong long\nxBool bool\nxTime datetime\n";

static void add_column(struct columns *columns, const char *name, const json_t *value)
{
    enum column_type type = json_is_boolean(value)   ? COLUMN_BOOL
                            : json_is_integer(value) ? COLUMN_LONG
                            : json_is_real(value)    ? COLUMN_REAL
                            : json_is_string(value)  ? COLUMN_STRING
                                                     : COLUMN_DYNAMIC;
    int at = columns_find(columns, str_of(name));
    if (json_is_null(value))
        return;
    if (at < 0)
        assert_true(columns_add(columns, str_of(name), type, NULL));
    else if (columns->v[at].type != type)
        columns->v[at].type = COLUMN_STRING;
}

static void find_columns(struct portal *p)
{
    size_t i;
    json_t *row, *value;
    const char *key;
    assert_true(columns_add(&p->columns, STR("TimeGenerated"), COLUMN_DATETIME, NULL));
    json_array_foreach(p->rows, i, row)
        json_object_foreach(row, key, value) if (strcmp(key, "TimeGenerated") != 0)
            add_column(&p->columns, key, value);
    struct columns more = {0};
    assert_true(columns_read(str_of(extra), &more, NULL));
    for (i = 0; i < more.n; i++)
        assert_true(columns_add(&p->columns, str_of(more.v[i].name), more.v[i].type, NULL));
    columns_release(&more);
}

static char *dumped(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_non_null(text);
    return text;
}

/* A text as a JSON string, some of its characters escaped. */
static void put_string(struct portal *p, struct buf *out, struct str text, bool plain)
{
    struct buf quoted = BUF_INIT(1 << 20);
    text_put_json(&quoted, text);
    buf_putc(out, '"');
    for (size_t i = 0; i < quoted.used; i++) {
        char c = quoted.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') && (i == 0 || quoted.bytes[i - 1] != '\\');
        if (!plain && letter && random_below(&p->random, 20) == 0 && i > 6)
            buf_printf(out, strchr("bfnrtu", c) ? "%c" : "\\u%04x", c);
        else
            buf_putc(out, c);
    }
    buf_putc(out, '"');
    buf_release(&quoted);
}

/* The n-th extra value of a row, the first form as weir's source sends it, the second as another may write it. */
static void put_extra(struct portal *p, struct buf *out, size_t row, size_t n, bool other)
{
    unsigned long long k = row * 977 + 13;
    bool text = other && random_below(&p->random, 2);
    switch (n) {
    case 0: {
        char json[128];
        (void) snprintf(json, sizeof json,
                        other ? "{\"deep\": [%llu, {\"k\": \"v%llu\"}], \"n\": %llu.250}"
                              : "{\"n\":%llu.25,\"deep\":[%llu,{\"k\":\"v%llu\"}]}",
                        k, k, k);
        if (other && !text)
            buf_puts(out, json);
        else
            put_string(p, out, str_of(json), true);
        break;
    }
    case 1:
        buf_printf(out, other ? "\"%llu.01:02:03.5000000\"" : "\"%llu.01:02:03.5\"", k);
        break;
    case 2:
        buf_printf(out,
                   other ? "\"8ECF8077-CF51-4820-AADD-%012llX\""
                         : "\"8ecf8077-cf51-4820-aadd-%012llx\"",
                   k);
        break;
    case 3:
        buf_printf(out, text ? "\"%llu.250\"" : other ? "%llu.2500" : "%llu.25", k);
        break;
    case 4:
        buf_printf(out, other ? "%llu.5e0" : "%llu.5", k);
        break;
    case 5:
        buf_printf(out, text ? "\"92233720%llu\"" : "92233720%llu", k);
        break;
    case 6:
        buf_puts(out, text ? (row % 2 ? "\"true\"" : "\"false\"") : row % 2 ? "true" : "false");
        break;
    default:
        buf_printf(out,
                   other ? "\"2021-11-07T03:05:%02llu.1230000Z\""
                         : "\"2021-11-07T03:05:%02llu.123Z\"",
                   k % 60);
    }
}

enum { EXTRAS = 8 };

static bool is_extra(const struct portal *p, size_t column)
{
    return column >= p->columns.n - EXTRAS;
}

/* A value of the portal's own columns: a text, or what it is. */
static void put_own(struct portal *p, struct buf *out, const json_t *value, size_t column,
                    bool other)
{
    enum column_type type = p->columns.v[column].type;
    bool text = json_is_string(value);
    char *json = dumped(value);
    if (text)
        put_string(p, out, (struct str){json_string_value(value), json_string_length(value)},
                   !other);
    else if (type == COLUMN_STRING || (type == COLUMN_DYNAMIC && !other))
        put_string(p, out, str_of(json), true); /* as text */
    else
        buf_puts(out, json);
    free(json);
}

static void put_time(struct buf *out, size_t row, bool other)
{
    buf_printf(out, other ? "\"2021-11-07T03:05:%02zu.0000000Z\"" : "\"2021-11-07T03:05:%02zuZ\"",
               row % 60);
}

static bool put_value(struct portal *p, struct buf *out, size_t row, size_t column, bool other)
{
    const struct column *c = &p->columns.v[column];
    const json_t *value = json_object_get(json_array_get(p->rows, row), c->name);
    if (column == 0)
        put_time(out, row, other);
    else if (is_extra(p, column))
        put_extra(p, out, row, column + EXTRAS - p->columns.n, other);
    else if (value && !json_is_null(value))
        put_own(p, out, value, column, other);
    else
        return false;
    return true;
}

static bool keep_line(void *context, const struct json_row *row, struct error *err)
{
    struct portal *p = context;
    size_t n, bound = lake_line_bound(p->line, row);
    int64_t tick, item;
    buf_reset(&p->weir);
    if (!buf_reserve(&p->weir, bound + 64) || !lake_line_key(p->line, row, &tick, &item, err) ||
        !lake_line_write(p->line, row, p->weir.bytes, &n, err))
        return false;
    p->weir.used = n - 1;
    return true;
}

/* weir's own line of a row, made as an export makes it. */
static void make_weirs(struct portal *p, size_t row)
{
    struct buf text = BUF_INIT(1 << 22);
    struct error err = ERROR_INIT;
    struct json_rows_options options = {.columns = p->columns.n, .row = keep_line, .context = p};
    struct json_rows *rows = json_rows_new(&options, NULL);
    size_t used;
    bool ended;
    buf_puts(&text, "[[");
    for (size_t i = 0; i < p->columns.n; i++) {
        buf_puts(&text, i ? "," : "");
        if (!put_value(p, &text, row, i, false))
            buf_puts(&text, "null");
    }
    buf_puts(&text, "]]");
    if (!json_rows_feed(rows, text.bytes, text.used, &used, &ended, &err))
        fail_msg("%s", err.message);
    json_rows_free(rows);
    buf_release(&text);
}

/* Another value than the row has, of any type. */
static void put_changed(struct portal *p, size_t row, size_t column)
{
    switch (p->columns.v[column].type) {
    case COLUMN_BOOL:
        buf_puts(&p->service, row % 2 ? "false" : "true");
        break;
    case COLUMN_DATETIME:
        buf_puts(&p->service, "\"2021-11-07T03:06:00Z\"");
        break;
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
        buf_puts(&p->service, "\"changed\"");
        break;
    default:
        buf_puts(&p->service, "7");
    }
}

/* The line of somebody else: keys in another order, empty ones there or not, more keys. */
static void make_services(struct portal *p, size_t row)
{
    size_t n = p->columns.n, begin = random_below(&p->random, n), step = 1;
    for (size_t tried = 0; tried < 5; tried++) {
        size_t candidate = 1 + random_below(&p->random, n), a = n, b = candidate;
        while (b) {
            size_t rest = a % b;
            a = b;
            b = rest;
        }
        step = a == 1 ? candidate : step;
    }
    buf_reset(&p->service);
    buf_puts(&p->service, "{ \"_Internal_WorkspaceResourceId\":\"/x\"");
    for (size_t i = 0; i < n; i++) {
        size_t column = (begin + i * step) % n, before = p->service.used;
        buf_puts(&p->service, ", \"");
        text_put_json(&p->service, str_of(p->columns.v[column].name));
        buf_puts(&p->service, "\": ");
        if (column == p->changed)
            put_changed(p, row, column);
        else if (!put_value(p, &p->service, row, column, true)) {
            if (random_below(&p->random, 2))
                p->service.used = before;
            else
                buf_puts(&p->service, random_below(&p->random, 2) ? "null" : "\"\"");
        }
    }
    buf_puts(&p->service, ",\"_Internal_Extra\":{}}");
}

static void compare_lines(struct portal *p, struct lake_rows *rows, bool want)
{
    struct lake_row weir, service;
    struct error err = ERROR_INIT;
    if (!lake_row_read(rows, buf_str(&p->weir), true, &weir, &err) ||
        !lake_row_read(rows, buf_str(&p->service), true, &service, &err))
        fail_msg("%s", err.message);
    if (same(&weir.value, &service.value) == want)
        return;
    printf("%.*s\n%.*s\n", (int) p->weir.used, p->weir.bytes, (int) p->service.used,
           p->service.bytes);
    fail_msg("the first is %sthe second", want ? "not " : "");
}

static void rows_of_a_portal_are_the_same(const char *file, uint64_t seed)
{
    struct portal p = {
        .changed = SIZE_MAX, .weir = BUF_INIT(1 << 22), .service = BUF_INIT(1 << 22)};
    struct error err = ERROR_INIT;
    char path[512];
    (void) snprintf(path, sizeof path, WEIR_SOURCE_DIR "/tests/data/portal/%s", file);
    random_seed(&p.random, seed);
    p.rows = json_load_file(path, 0, NULL);
    assert_true(json_is_array(p.rows));
    find_columns(&p);
    p.line = lake_line_new(&p.columns, NULL, &err);
    struct lake_rows *rows = lake_rows_new(&p.columns, &err);
    assert_true(p.line && rows);
    for (size_t row = 0; row < json_array_size(p.rows); row++) {
        make_weirs(&p, row);
        p.changed = SIZE_MAX;
        make_services(&p, row);
        compare_lines(&p, rows, true);
        p.changed = random_below(&p.random, p.columns.n);
        const char *name = p.columns.v[p.changed].name;
        make_services(&p, row);
        compare_lines(&p, rows, strcmp(name, "TenantId") == 0 || strcmp(name, "Type") == 0);
    }
    lake_rows_free(rows);
    lake_line_free(p.line);
    json_decref(p.rows);
    columns_release(&p.columns);
    buf_release(&p.weir);
    buf_release(&p.service);
}

static void weirs_lines_and_anothers_of_one_row_are_the_same(void **state)
{
    (void) state;
    static const char *const files[] = {"CarbonBlackEvents_CL.json",
                                        "CommonSecurityLog.paloalto.json",
                                        "CommonSecurityLog.thycotic.json",
                                        "Event.semperis.json",
                                        "Okta_CL.json",
                                        "SquidProxy_CL.json",
                                        "Syslog.juniper.json",
                                        "Syslog.meraki.json"};
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        rows_of_a_portal_are_the_same(files[i], seed + i);
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void) state;
    static const char line[] =
        "{" TIME ",\"S\":\"\\u0041\",\"D\":\"{\\\"a\\\":\\\"\\\\u0041\\\"}\","
        "\"M\":1.5,\"_ItemId\":\"\\u0042\"}";
    struct columns columns = {0};
    assert_true(columns_read(STR(COLUMNS), &columns, NULL));
    struct lake_row want = {0};
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        struct lake_row row;
        mem_fail_at(n);
        struct lake_rows *rows = lake_rows_new(&columns, &err);
        bool ok = rows && lake_row_read(rows, str_of(line), true, &row, &err);
        mem_fail_at(0);
        assert_int_equal(err.code, ok ? ERROR_NONE : ERROR_MEMORY);
        if (rows && !ok) { /* nothing of it stays behind */
            assert_true(lake_row_read(rows, str_of(line), true, &row, NULL));
            assert_true(want.tick == 0 || same(&row.value, &want.value));
            want = row;
        }
        lake_rows_free(rows);
        done = ok;
        assert_true(!ok || (n > 5 && same(&row.value, &want.value)));
    }
    columns_release(&columns);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_says_the_same_is_the_same),
        cmocka_unit_test(what_says_something_else_is_another),
        cmocka_unit_test(an_item_is_told_by_its_id_alone),
        cmocka_unit_test(what_is_no_row_is_refused_and_the_next_is_read),
        cmocka_unit_test(weirs_lines_and_anothers_of_one_row_are_the_same),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
