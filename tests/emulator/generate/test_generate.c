/* Generated files: the same bytes for the same seed, valid JSON of the schema's types, and a truth that
 * agrees with what is read back. */
#include "emulator/generate.h"

#include "base/column.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/tick.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 12000, DAYS = 3, FILE_MAX = 256 << 20 };

static const char ALL[] = "CommonSecurityLog,DeviceNetworkEvents,SecurityEvent,SigninLogs,Syslog";

struct place {
    char folder[64];
    json_t *truth; /* of the data in folder/data */
};

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char child[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void) snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (unlink(child) != 0)
            remove_tree(child);
    }
    if (dir)
        (void) closedir(dir);
    (void) rmdir(path);
}

static void join(char out[PATH_MAX], const struct place *place, const char *name)
{
    (void) snprintf(out, PATH_MAX, "%s/%s", place->folder, name);
}

static void make(const struct place *place, const char *name, struct generate_options options)
{
    char out[PATH_MAX];
    struct generate_report report;
    struct error err = ERROR_INIT;
    join(out, place, name);
    options.out = out;
    if (!generate_run(&options, &report, &err))
        fail_msg("%s", err.message);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX];
    if (!place)
        return -1;
    (void) snprintf(place->folder, sizeof place->folder, "%.40s/weir-gen-XXXXXX",
                    base ? base : "/tmp");
    if (!mkdtemp(place->folder))
        return -1;
    make(place, "data",
         (struct generate_options){.tables = ALL, .days = DAYS, .rows = ROWS, .seed = 5});
    join(path, place, "data/truth.json");
    place->truth = json_load_file(path, 0, NULL);
    *state = place;
    return place->truth ? 0 : -1;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    json_decref(place->truth);
    remove_tree(place->folder);
    free(place);
    return 0;
}

static struct buf read_whole(const struct place *place, const char *folder, const char *table)
{
    struct buf text = BUF_INIT(FILE_MAX), path = BUF_INIT(PATH_MAX);
    struct error err = ERROR_INIT;
    buf_printf(&path, "%s/%s/%s", place->folder, folder, table);
    if (!file_read(buf_text(&path), FILE_MAX, &text, &err))
        fail_msg("%s", err.message);
    buf_release(&path);
    return text;
}

/* Calls back with each line that has `part` in it (NULL: each), parsed, and its tick. */
typedef void line_fn(void *context, const json_t *row, int64_t tick);

static void each_line(const struct place *place, const char *table, const char *part, line_fn *fn,
                      void *context)
{
    char file[64];
    (void) snprintf(file, sizeof file, "%s.jsonl", table);
    struct buf text = read_whole(place, "data", file);
    struct str rest = buf_str(&text), line;
    while (str_split(&rest, '\n', &line) && line.n > 0) {
        json_error_t error;
        int64_t tick;
        if (part && !memmem(line.p, line.n, part, strlen(part)))
            continue;
        json_t *row = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &error);
        if (!row)
            fail_msg("%s: %s: %.*s", table, error.text, (int) line.n, line.p);
        const char *time = json_string_value(json_object_get(row, "TimeGenerated"));
        assert_non_null(time);
        assert_true(tick_parse(str_of(time), &tick));
        fn(context, row, tick);
        json_decref(row);
    }
    buf_release(&text);
}

static const json_t *truth_of(const struct place *place, const char *table)
{
    const json_t *truth = json_object_get(json_object_get(place->truth, "tables"), table);
    assert_non_null(truth);
    return truth;
}

static int64_t time_in(const json_t *object, const char *key)
{
    int64_t tick = -1;
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || !tick_parse(str_of(text), &tick))
        fail_msg("no time %s", key);
    return tick;
}

static int64_t number_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    const struct place *place = *state;
    make(place, "again",
         (struct generate_options){.tables = ALL, .days = DAYS, .rows = ROWS, .seed = 5});
    static const char *const files[] = {"CommonSecurityLog.jsonl",
                                        "DeviceNetworkEvents.jsonl",
                                        "SecurityEvent.jsonl",
                                        "SigninLogs.jsonl",
                                        "Syslog.jsonl",
                                        "truth.json"};
    for (size_t i = 0; i < 6; i++) {
        struct buf a = read_whole(place, "data", files[i]),
                   b = read_whole(place, "again", files[i]);
        assert_true(str_eq(buf_str(&a), buf_str(&b)));
        buf_release(&a);
        buf_release(&b);
    }
}

/* Sums of small files, the same with every compiler and on every machine. Whoever changes what is
 * generated changes them here, on purpose. */
static void bytes_are_the_same_on_any_machine(void **state)
{
    const struct place *place = *state;
    static const struct {
        const char *file;
        int64_t sum;
    } sums[] = {
        {"CommonSecurityLog.jsonl", INT64_C(-2773110885956015443)},
        {"DeviceNetworkEvents.jsonl", INT64_C(-8716659371664161510)},
        {"SecurityEvent.jsonl", INT64_C(-3493191245043625333)},
        {"SigninLogs.jsonl", INT64_C(-4875686674332635450)},
        {"Syslog.jsonl", INT64_C(-4978562702681991680)},
        {"truth.json", INT64_C(2063113348990779519)},
    };
    make(place, "fixed",
         (struct generate_options){.tables = ALL, .days = 2, .rows = 2000, .seed = 1});
    bool same = true;
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        struct buf text = read_whole(place, "fixed", sums[i].file);
        int64_t sum = hash_xx64(buf_str(&text));
        if (sum != sums[i].sum)
            print_message("{\"%s\", INT64_C(%lld)},\n", sums[i].file, (long long) sum);
        same = same && sum == sums[i].sum;
        buf_release(&text);
    }
    assert_true(same);
}

static void another_seed_gives_other_rows(void **state)
{
    const struct place *place = *state;
    make(place, "other",
         (struct generate_options){.tables = "Syslog", .days = DAYS, .rows = ROWS, .seed = 6});
    struct buf a = read_whole(place, "data", "Syslog.jsonl");
    struct buf b = read_whole(place, "other", "Syslog.jsonl");
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    buf_release(&a);
    buf_release(&b);
}

struct count {
    const json_t *truth;
    int64_t rows, last, first_day, same, largest;
    int64_t days[DAYS + 1];
};

static void count_line(void *context, const json_t *row, int64_t tick)
{
    struct count *count = context;
    (void) row;
    if (count->rows == 0)
        assert_true(tick == time_in(count->truth, "first"));
    assert_true(tick >= count->last);
    assert_true(tick >= time_in(count->truth, "start") && tick < time_in(count->truth, "end"));
    count->same = tick == count->last ? count->same + 1 : 1;
    if (count->same > count->largest)
        count->largest = count->same;
    count->last = tick;
    count->rows++;
    count->days[tick / TICK_DAY - count->first_day]++;
}

static void rows_are_in_order_and_counted_rightly(void **state)
{
    const struct place *place = *state;
    for (const char *const *table = generate_tables(); *table; table++) {
        const json_t *truth = truth_of(place, *table), *day;
        struct count count = {.truth = truth, .first_day = time_in(truth, "start") / TICK_DAY};
        size_t i;
        each_line(place, *table, NULL, count_line, &count);
        assert_int_equal(count.rows, ROWS);
        assert_int_equal(number_in(truth, "rows"), ROWS);
        assert_true(count.last == time_in(truth, "last"));
        assert_int_equal(json_array_size(json_object_get(truth, "days")), DAYS);
        json_array_foreach(json_object_get(truth, "days"), i, day)
            assert_int_equal(count.days[i], number_in(day, "rows"));
        assert_int_equal(number_in(truth, "largest_burst"), ROWS / 10);
        assert_int_equal(count.largest, ROWS / 10);
    }
}

static void the_bytes_told_are_the_bytes_written(void **state)
{
    const struct place *place = *state;
    struct buf text = read_whole(place, "data", "Syslog.jsonl");
    assert_int_equal(number_in(truth_of(place, "Syslog"), "bytes"), text.used);
    assert_int_equal(text.bytes[text.used - 1], '\n');
    buf_release(&text);
}

static void never_while_idle(void *context, const json_t *row, int64_t tick)
{
    const json_t *idle = json_object_get(context, "idle"), *span;
    size_t i;
    (void) row;
    json_array_foreach(idle, i,
                       span) if (tick >= time_in(span, "start") && tick < time_in(span, "end"))
        fail_msg("a row while idle, at %lld", (long long) tick);
}

static void idle_spans_are_whole_partitions_without_a_row(void **state)
{
    const struct place *place = *state;
    const json_t *truth = truth_of(place, "CommonSecurityLog"), *span;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(truth, "idle")), 1 + DAYS / 3);
    json_array_foreach(json_object_get(truth, "idle"), i, span)
    {
        assert_int_equal(time_in(span, "start") % TICK_PARTITION, 0);
        assert_true(time_in(span, "end") - time_in(span, "start") >= 3 * TICK_PARTITION);
    }
    json_t *copy = json_deep_copy(truth);
    each_line(place, "CommonSecurityLog", NULL, never_while_idle, copy);
    json_decref(copy);
}

/* What a column of a type may hold. */
static bool fits(enum column_type type, const json_t *value)
{
    int64_t tick;
    if (json_is_null(value))
        return true;
    switch (type) {
    case COLUMN_BOOL:
        return json_is_boolean(value);
    case COLUMN_INT:
        return json_is_integer(value) && json_integer_value(value) >= INT32_MIN &&
               json_integer_value(value) <= INT32_MAX;
    case COLUMN_LONG:
        return json_is_integer(value);
    case COLUMN_REAL:
        return json_is_number(value);
    case COLUMN_DATETIME:
        return json_is_string(value) && tick_parse(str_of(json_string_value(value)), &tick);
    case COLUMN_DYNAMIC:
        return true;
    case COLUMN_STRING:
    case COLUMN_GUID:
    case COLUMN_DECIMAL:
    case COLUMN_TIMESPAN:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return json_is_string(value);
}

struct shape {
    struct columns columns;
    uint64_t filled, nulls, empties, escapes, large, below_zero;
};

static void check_shape(void *context, const json_t *row, int64_t tick)
{
    struct shape *shape = context;
    const char *key;
    json_t *value;
    int last = -1;
    (void) tick;
    json_object_foreach((json_t *) (uintptr_t) row, key, value)
    {
        int column = columns_find(&shape->columns, str_of(key));
        if (column <= last)
            fail_msg("column %s is unknown or not in the schema's order", key);
        if (!fits(shape->columns.v[column].type, value))
            fail_msg("column %s is not %s", key, column_type_name(shape->columns.v[column].type));
        last = column;
        const char *text = json_string_value(value);
        shape->nulls += json_is_null(value);
        shape->empties += text && text[0] == '\0';
        shape->filled += !json_is_null(value) && !(text && text[0] == '\0');
        shape->escapes += text && strpbrk(text, "\n\"\\") != NULL;
        shape->large += json_is_integer(value) && json_integer_value(value) > INT64_C(1) << 53;
        shape->below_zero += json_is_integer(value) && json_integer_value(value) < 0;
    }
}

static void rows_have_the_schemas_columns_types_and_order(void **state)
{
    const struct place *place = *state;
    for (const char *const *table = generate_tables(); *table; table++) {
        struct shape shape = {0};
        struct buf text = BUF_INIT(COLUMNS_FILE_MAX);
        char path[PATH_MAX];
        (void) snprintf(path, sizeof path, "%s/schemas/%s.columns", WEIR_SOURCE_DIR, *table);
        assert_true(file_read(path, COLUMNS_FILE_MAX, &text, NULL));
        assert_true(columns_read(buf_str(&text), &shape.columns, NULL));
        buf_release(&text);
        each_line(place, *table, NULL, check_shape, &shape);
        columns_release(&shape.columns);
        assert_true(shape.nulls > 0 && shape.empties > 0 && shape.escapes > 0);
        assert_true(shape.filled > 12 * ROWS);
        if (strcmp(*table, "CommonSecurityLog") == 0)
            assert_true(shape.large > 0 && shape.below_zero > 0 && shape.filled > 40 * ROWS);
    }
}

static void fractions_have_every_length_and_edges_are_met(void **state)
{
    const struct place *place = *state;
    struct buf text = read_whole(place, "data", "CommonSecurityLog.jsonl");
    struct str rest = buf_str(&text), line;
    uint64_t lengths[8] = {0}, on_edge = 0, before_edge = 0;
    const struct str key = STR("\"TimeGenerated\":\"");
    while (str_split(&rest, '\n', &line) && line.n > 0) {
        const char *at = memmem(line.p, line.n, key.p, key.n);
        assert_non_null(at);
        at += key.n;
        size_t n = (size_t) ((const char *) memchr(at, '"', 40) - at);
        int64_t tick;
        assert_true(tick_parse((struct str){at, n}, &tick));
        lengths[n == 20 ? 0 : n - 21]++;
        on_edge += tick % TICK_PARTITION == 0;
        before_edge += tick % TICK_PARTITION == TICK_PARTITION - 1;
    }
    for (size_t i = 0; i < 8; i++)
        assert_true(lengths[i] > 0);
    assert_true(on_edge >= 30 && before_edge >= 30);
    buf_release(&text);
}

struct planted {
    const char *source_key, *destination_key, *source, *destination;
    int64_t count, first, last, port, failures;
    json_t *users;
};

static const char *text_in(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void see(struct planted *planted, int64_t tick)
{
    if (planted->count++ == 0)
        planted->first = tick;
    planted->last = tick;
}

static void count_beats(void *context, const json_t *row, int64_t tick)
{
    struct planted *planted = context;
    if (strcmp(text_in(row, planted->destination_key), planted->destination) != 0)
        return;
    assert_string_equal(text_in(row, planted->source_key), planted->source);
    const char *key = planted->destination_key[0] == 'D' ? "DestinationPort" : "RemotePort";
    assert_int_equal(number_in(row, key), planted->port);
    see(planted, tick);
}

static void planted_beacons_are_in_the_data(void **state)
{
    const struct place *place = *state;
    static const char *const tables[][3] = {{"CommonSecurityLog", "SourceIP", "DestinationIP"},
                                            {"DeviceNetworkEvents", "LocalIP", "RemoteIP"}};
    for (size_t t = 0; t < 2; t++) {
        const json_t *beacons = json_object_get(truth_of(place, tables[t][0]), "beacons"), *beacon;
        size_t i;
        assert_int_equal(json_array_size(beacons), 4);
        json_array_foreach(beacons, i, beacon)
        {
            struct planted planted = {.source_key = tables[t][1],
                                      .destination_key = tables[t][2],
                                      .source = text_in(beacon, "source"),
                                      .destination = text_in(beacon, "destination"),
                                      .port = number_in(beacon, "port")};
            each_line(place, tables[t][0], planted.destination, count_beats, &planted);
            assert_int_equal(planted.count, number_in(beacon, "count"));
            assert_true(planted.first == time_in(beacon, "first"));
            assert_true(planted.last == time_in(beacon, "last"));
        }
    }
}

static void count_tries(void *context, const json_t *row, int64_t tick)
{
    struct planted *planted = context;
    if (strcmp(text_in(row, planted->source_key), planted->source) != 0)
        return;
    see(planted, tick);
    bool signin = json_object_get(row, "ResultType") != NULL;
    bool failed = signin ? strcmp(text_in(row, "ResultType"), "50126") == 0
                         : number_in(row, "EventID") == 4625;
    planted->failures += failed;
    assert_int_equal(json_object_set_new(planted->users,
                                         text_in(row, signin ? "UserPrincipalName" : "Account"),
                                         json_true()),
                     0);
}

static void planted_sprays_are_in_the_data(void **state)
{
    const struct place *place = *state;
    static const char *const tables[][2] = {{"SigninLogs", "IPAddress"},
                                            {"SecurityEvent", "IpAddress"}};
    for (size_t t = 0; t < 2; t++) {
        const json_t *sprays = json_object_get(truth_of(place, tables[t][0]), "sprays"), *spray;
        size_t i;
        assert_int_equal(json_array_size(sprays), 3);
        json_array_foreach(sprays, i, spray)
        {
            struct planted planted = {.source_key = tables[t][1],
                                      .source = text_in(spray, "source")};
            planted.users = json_object();
            each_line(place, tables[t][0], planted.source, count_tries, &planted);
            assert_int_equal(planted.count, number_in(spray, "count"));
            assert_int_equal(planted.failures, planted.count);
            assert_true(planted.first == time_in(spray, "first"));
            assert_true(planted.last == time_in(spray, "last"));
            assert_int_equal(json_object_size(planted.users), number_in(spray, "users"));
            assert_true(planted.count <= 3 * (int64_t) json_object_size(planted.users));
            json_decref(planted.users);
        }
    }
}

static int by_line(const void *a, const void *b)
{
    return str_compare(*(const struct str *) a, *(const struct str *) b);
}

static size_t sorted_lines(const struct buf *text, struct str *lines)
{
    struct str rest = buf_str(text);
    size_t n = 0;
    while (n < ROWS && str_split(&rest, '\n', &lines[n]))
        n++;
    assert_int_equal(rest.n, 0);
    qsort(lines, n, sizeof lines[0], by_line);
    return n;
}

static void shuffled_lines_are_the_same_lines(void **state)
{
    const struct place *place = *state;
    static struct str ordered[ROWS], shuffled[ROWS];
    make(place, "shuffled",
         (struct generate_options){
             .tables = "SecurityEvent", .days = DAYS, .rows = ROWS, .seed = 5, .shuffle = true});
    struct buf a = read_whole(place, "data", "SecurityEvent.jsonl");
    struct buf b = read_whole(place, "shuffled", "SecurityEvent.jsonl");
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    assert_int_equal(sorted_lines(&a, ordered), ROWS);
    assert_int_equal(sorted_lines(&b, shuffled), ROWS);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(str_eq(ordered[i], shuffled[i]));
    buf_release(&a);
    buf_release(&b);
}

static void a_second_run_keeps_the_truth_of_the_first(void **state)
{
    const struct place *place = *state;
    struct generate_options options = {.tables = "Syslog", .days = 1, .rows = 10, .seed = 1};
    make(place, "two", options);
    options.tables = "SigninLogs";
    make(place, "two", options);
    struct buf text = read_whole(place, "two", "truth.json");
    json_t *truth = json_loadb(buf_text(&text), text.used, 0, NULL);
    assert_int_equal(json_object_size(json_object_get(truth, "tables")), 2);
    json_decref(truth);
    buf_release(&text);
}

static void mistakes_are_told_and_leave_nothing(void **state)
{
    const struct place *place = *state;
    static const struct {
        struct generate_options options;
        const char *message;
    } cases[] = {
        {{.tables = NULL}, "no table is named"},
        {{.tables = "Syslogs"}, "table 'Syslogs' cannot be generated; did you mean 'Syslog'?"},
        {{.tables = "Syslog,"}, "table '' cannot be generated"},
        {{.tables = "Syslog, Syslog"}, "table Syslog is asked for twice"},
        {{.tables = "Syslog", .days = GENERATE_DAYS_MAX + 1}, "more than 1000 days"},
        {{.tables = "Syslog", .rows = UINT64_MAX}, "more than 10000000000 rows"},
        {{.tables = "Syslog", .seed = UINT64_MAX}, "a seed is at most 9223372036854775807"},
        {{.tables = "Syslog", .end = TICK_DAY},
         "the range does not lie within the years 1 to 9999"},
    };
    char out[PATH_MAX];
    join(out, place, "none");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct generate_options options = cases[i].options;
        struct generate_report report;
        struct error err = ERROR_INIT;
        options.out = out;
        assert_false(generate_run(&options, &report, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_string_equal(err.message, cases[i].message);
        assert_int_not_equal(access(out, F_OK), 0);
    }
}

static void a_full_disk_leaves_no_half_file(void **state)
{
    const struct place *place = *state;
    struct generate_options options = {.tables = "Syslog", .days = 1, .rows = 50000, .seed = 1};
    struct generate_report report;
    struct error err = ERROR_INIT;
    struct rlimit old, low;
    char out[PATH_MAX], file[PATH_MAX];
    join(out, place, "full");
    join(file, place, "full/Syslog.jsonl");
    options.out = out;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 1 << 20;
    (void) signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    bool ok = generate_run(&options, &report, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(ok);
    assert_int_equal(err.code, ERROR_IO);
    assert_int_not_equal(access(file, F_OK), 0);
    assert_int_not_equal(rmdir(out), -1);
}

static void a_stop_ends_the_run(void **state)
{
    const struct place *place = *state;
    struct stop stop = {0};
    struct generate_options options = {.tables = "Syslog", .stop = &stop};
    struct generate_report report;
    struct error err = ERROR_INIT;
    char out[PATH_MAX];
    join(out, place, "stopped");
    options.out = out;
    stop_set(&stop, SIGINT);
    assert_false(generate_run(&options, &report, &err));
    assert_int_equal(err.code, ERROR_INTERRUPTED);
    assert_int_not_equal(rmdir(out), -1);
}

static void every_failing_allocation_is_reported(void **state)
{
    const struct place *place = *state;
    bool done = false;
    char out[PATH_MAX];
    join(out, place, "memory");
    for (uint64_t n = 1; !done; n++) {
        struct generate_options options = {
            .tables = "SigninLogs", .days = 1, .rows = 2000, .seed = 1, .out = out};
        struct generate_report report;
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        done = generate_run(&options, &report, &err);
        assert_int_equal(err.code, done ? ERROR_NONE : ERROR_MEMORY);
        assert_in_range(n, 1, 500);
    }
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(bytes_are_the_same_on_any_machine),
        cmocka_unit_test(another_seed_gives_other_rows),
        cmocka_unit_test(rows_are_in_order_and_counted_rightly),
        cmocka_unit_test(the_bytes_told_are_the_bytes_written),
        cmocka_unit_test(idle_spans_are_whole_partitions_without_a_row),
        cmocka_unit_test(rows_have_the_schemas_columns_types_and_order),
        cmocka_unit_test(fractions_have_every_length_and_edges_are_met),
        cmocka_unit_test(planted_beacons_are_in_the_data),
        cmocka_unit_test(planted_sprays_are_in_the_data),
        cmocka_unit_test(shuffled_lines_are_the_same_lines),
        cmocka_unit_test(a_second_run_keeps_the_truth_of_the_first),
        cmocka_unit_test(mistakes_are_told_and_leave_nothing),
        cmocka_unit_test(a_full_disk_leaves_no_half_file),
        cmocka_unit_test(a_stop_ends_the_run),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
