/* The record of a compacted day is read back as it was written, or not at all; and says what Parquet stands in for. */
#include "lake/stand.h"

#include "base/random.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DAY "y=2021/m=11/d=07"
#define OURS DAY "/h=03/m=05/PT05M_weir.json"
#define THEIRS DAY "/h=03/m=05/PT05M.json"
#define BROUGHT DAY "/h=03/m=10/PT05M_0123456789ab.json"
#define FILE_NAME DAY "/0123456789ab-0.parquet"
#define OLD_A DAY "/aaaaaaaaaaaa-0.parquet"
#define OLD_B DAY "/bbbbbbbbbbbb-1.parquet"
#define FILE_TEXT "PAR1 and so on"

static int64_t day(void)
{
    return tick_of("2021-11-07T00:00:00Z");
}

static char name_a[] = "TimeGenerated", name_b[] = "odd \"name\"";
static struct column columns[] = {{name_a, COLUMN_DATETIME}, {name_b, COLUMN_DYNAMIC}};
static const unsigned char traits[] = {LAKE_DAY_TICKS, LAKE_DAY_MENDED};

struct made {
    struct lake_day day;
    struct lake_day_file file;
    struct lake_day_source sources[3];
};

static void make(struct made *made)
{
    *made = (struct made){
        .day = {.day = day(),
                .at = tick_of("2021-11-18T09:00:00.1234567Z"),
                .by = "weir 0.1.0",
                .rows = 3,
                .doubled = 1,
                .instead = OLD_A " " OLD_B,
                .hash = {.high = 0x0123456789abcdef, .low = 0xfedcba9876543210},
                .file_count = 1,
                .source_count = 3},
        .file = {.name = FILE_NAME,
                 .rows = 3,
                 .timeless = 1,
                 .bytes = strlen(FILE_TEXT),
                 .first = tick_of("2021-11-07T03:05:01Z"),
                 .last = tick_of("2021-11-07T03:14:59.9999999Z"),
                 .columns = {.v = columns, .n = 2},
                 .traits = traits,
                 .rest = true},
        .sources = {{.name = THEIRS, .size = 20, .gone = LAKE_DAY_GONE},
                    {.name = OURS, .size = 10, .gone = LAKE_DAY_GOING},
                    {.name = BROUGHT, .size = 30}},
    };
    made->day.files = &made->file;
    made->day.sources = made->sources;
    for (size_t i = 0; i < 3; i++) {
        assert_true(lake_parse_name(str_of(made->sources[i].name), &made->sources[i].tick,
                                    &made->sources[i].span, &made->sources[i].kind,
                                    &made->sources[i].number));
        memset(made->sources[i].sha256, (int) i + 1, HASH_SHA256_SIZE);
    }
    struct hash_sha256 *hash = hash_sha256_new(NULL);
    hash_sha256_add(hash, FILE_TEXT, strlen(FILE_TEXT));
    assert_true(hash_sha256_end(hash, made->file.sha256, NULL));
    hash_sha256_free(hash);
}

static void write_day(struct fixture *f, const struct lake_day *record)
{
    if (!lake_day_write(f->store, &place_of_tests, record, &f->err))
        fail_msg("%s", f->err.message);
}

static void a_record_is_read_back(void **state)
{
    struct fixture *f = *state;
    struct made made;
    struct lake_days days;
    make(&made);
    write_day(f, &made.day);
    assert_true(lake_days_read(&days, f->store, &place_of_tests, 0, 0, &f->err));
    assert_int_equal(days.n, 1);
    const struct lake_day *is = lake_days_find(&days, day() + TICK_HOUR);
    assert_ptr_equal(is, days.v);
    assert_int_equal(is->day, made.day.day);
    assert_int_equal(is->at, made.day.at);
    assert_string_equal(is->by, "weir 0.1.0");
    assert_int_equal(is->rows, 3);
    assert_int_equal(is->doubled, 1);
    assert_memory_equal(&is->hash, &made.day.hash, sizeof is->hash);
    assert_true(lake_day_instead(is, STR(OLD_A)) && lake_day_instead(is, STR(OLD_B)));
    assert_false(lake_day_instead(is, STR(FILE_NAME)) || lake_day_instead(is, STR("")));
    assert_true(lake_day_names(is, STR(FILE_NAME)));
    assert_false(lake_day_names(is, STR(OLD_A)));
    assert_int_equal(is->file_count, 1);
    const struct lake_day_file *file = is->files;
    assert_string_equal(file->name, FILE_NAME);
    assert_int_equal(file->first, made.file.first);
    assert_int_equal(file->last, made.file.last);
    assert_int_equal(file->timeless, 1);
    assert_memory_equal(file->sha256, made.file.sha256, HASH_SHA256_SIZE);
    assert_true(file->rest);
    assert_int_equal(file->columns.n, 2);
    assert_string_equal(file->columns.v[1].name, name_b);
    assert_int_equal(file->columns.v[1].type, COLUMN_DYNAMIC);
    assert_memory_equal(file->traits, traits, 2);
    assert_int_equal(is->source_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(is->sources[i].name, made.sources[i].name);
        assert_int_equal(is->sources[i].tick, made.sources[i].tick);
        assert_int_equal(is->sources[i].kind, made.sources[i].kind);
        assert_int_equal(is->sources[i].size, made.sources[i].size);
        assert_int_equal(is->sources[i].gone, made.sources[i].gone);
        assert_memory_equal(is->sources[i].sha256, made.sources[i].sha256, HASH_SHA256_SIZE);
    }
    assert_ptr_equal(lake_day_source(is, made.sources[1].tick, STR(OURS)), &is->sources[1]);
    assert_null(lake_day_source(is, made.sources[1].tick, STR(BROUGHT)));
    lake_days_release(&days);
}

static void only_days_of_the_range_are_read(void **state)
{
    struct fixture *f = *state;
    struct lake_days days;
    for (int i = 0; i < 5; i++) {
        struct lake_day empty = {.day = day() + i * TICK_DAY, .by = "weir"};
        write_day(f, &empty);
    }
    assert_true(store_put(f->store, PLACE_OWN "/days/y=2021/m=11/notes.txt", STR("x"), &f->err));
    assert_true(lake_days_read(&days, f->store, &place_of_tests, day() + TICK_DAY + TICK_HOUR,
                               day() + 3 * TICK_DAY, &f->err));
    assert_int_equal(days.n, 2);
    assert_int_equal(days.v[0].day, day() + TICK_DAY);
    assert_int_equal(days.v[1].day, day() + 2 * TICK_DAY);
    assert_null(lake_days_find(&days, day()));
    lake_days_release(&days);
}

/* The text with one change in it, and an end that fits. */
static void check_refused(struct fixture *f, const char *text, const char *from, const char *to)
{
    struct buf out = BUF_INIT(1 << 20);
    struct arena arena;
    struct lake_day day_read;
    struct error err = ERROR_INIT;
    char hex[HASH_SHA256_HEX];
    const char *at = strstr(text, from);
    const char *end = strstr(text, "{\"lines\"");
    assert_non_null(at);
    assert_non_null(end);
    buf_put(&out, text, (size_t) (at - text));
    buf_puts(&out, to);
    buf_put(&out, at + strlen(from), (size_t) (end - at) - strlen(from));
    assert_true(hash_sha256_hex(buf_str(&out), hex, NULL));
    buf_printf(&out, "{\"lines\":4,\"sha256\":\"%s\"}\n", hex);
    arena_init(&arena, 1 << 20);
    if (lake_day_parse(buf_str(&out), &place_of_tests, &arena, &day_read, &err))
        fail_msg("taken: %s", buf_text(&out));
    assert_int_equal(err.code, ERROR_FORMAT);
    assert_true(err.message[0] != '\0');
    arena_release(&arena);
    buf_release(&out);
    (void) f;
}

static void what_no_weir_writes_is_refused(void **state)
{
    struct fixture *f = *state;
    struct made made;
    make(&made);
    assert_true(lake_day_put(&f->text, &place_of_tests, &made.day, &f->err));
    const char *text = buf_text(&f->text);
    check_refused(f, text, "weir-day", "weir-dax");
    check_refused(f, text, "\"version\":1", "\"version\":2");
    check_refused(f, text, "Okta_CL", "Okta_CM");
    check_refused(f, text, "2021-11-07T00:00:00Z", "2021-11-07T00:05:00Z");
    check_refused(f, text, FILE_NAME, "y=2021/m=11/d=08/0123456789ab-0.parquet");
    check_refused(f, text, FILE_NAME, DAY "/../../x.parquet");
    check_refused(f, text, FILE_NAME, DAY "/a/b.parquet");
    check_refused(f, text, FILE_NAME, DAY "/.parquet");
    check_refused(f, text, THEIRS, "y=2021/m=11/d=08/h=03/m=05/PT05M.json");
    check_refused(f, text, THEIRS, "../PT05M.json");
    check_refused(f, text, THEIRS, BROUGHT); /* out of order, and twice */
    check_refused(f, text, "\"going\"", "\"went\"");
    check_refused(f, text, "\"ticks\":true", "\"ticks\":1");
    check_refused(f, text, "\"type\":\"dynamic\"", "\"type\":\"thing\"");
    check_refused(f, text, "\"rows\":3", "\"rows\":-3");
}

static void every_damage_is_seen(void **state)
{
    struct fixture *f = *state;
    struct made made;
    struct lake_day read;
    uint64_t seed = 7;
    struct random random;
    make(&made);
    assert_true(lake_day_put(&f->text, &place_of_tests, &made.day, &f->err));
    print_message("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    for (int i = 0; i < 2000; i++) {
        size_t at = (size_t) random_below(&random, f->text.used);
        char was = f->text.bytes[at], now = (char) random_below(&random, 256);
        struct arena arena;
        if (was == now)
            continue;
        arena_init(&arena, 1 << 20);
        f->text.bytes[at] = now;
        if (lake_day_parse(buf_str(&f->text), &place_of_tests, &arena, &read, NULL))
            fail_msg("byte %zu as %02x is taken", at, (unsigned char) now);
        f->text.bytes[at] = was;
        arena_release(&arena);
    }
    for (size_t n = 0; n < f->text.used; n++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        assert_false(
            lake_day_parse((struct str){f->text.bytes, n}, &place_of_tests, &arena, &read, NULL));
        arena_release(&arena);
    }
}

static void a_damaged_record_is_named(void **state)
{
    struct fixture *f = *state;
    struct lake_days days;
    assert_true(store_put(f->store, PLACE_OWN "/days/" DAY ".jsonl", STR("{}\n"), &f->err));
    assert_false(lake_days_read(&days, f->store, &place_of_tests, 0, 0, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "days/" DAY ".jsonl"));
    assert_true(f->err.hint[0] != '\0');
    lake_days_release(&days);
}

/* It would be the record of the same day again: its rows would count twice. */
static void a_record_is_of_one_name(void **state)
{
    static const char *const names[] = {"y=2021/m=11/d=7.jsonl", "y=2021/m=011/d=07.jsonl",
                                        "a=2021/b=11/c=07.jsonl"};
    struct fixture *f = *state;
    struct made made;
    make(&made);
    for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
        char name[FOLDER_PATH];
        struct error err = ERROR_INIT;
        struct lake_days days;
        assert_true(lake_day_put(&f->text, &place_of_tests, &made.day, &f->err));
        (void) snprintf(name, sizeof name, PLACE_OWN "/days/%s", names[i / 2]);
        assert_true(store_put(f->store, name, buf_str(&f->text), &f->err));
        if (i % 2 == 1)
            write_day(f, &made.day);
        if (lake_days_read(&days, f->store, &place_of_tests, 0, 0, &err))
            fail_msg("%s: %zu records are taken", name, days.n);
        assert_int_equal(err.code, ERROR_FORMAT);
        assert_non_null(strstr(err.message, names[i / 2]));
        assert_non_null(strstr(err.message, "days/" DAY ".jsonl"));
        lake_days_release(&days);
        assert_true(store_delete(f->store, name, &f->err));
        buf_reset(&f->text);
    }
}

static void a_file_where_the_folder_must_be_is_not_an_empty_one(void **state)
{
    struct fixture *f = *state;
    struct lake_days days;
    assert_true(store_put(f->store, PLACE_OWN "/days", STR("x"), &f->err));
    assert_false(lake_days_read(&days, f->store, &place_of_tests, 0, 0, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, PLACE_OWN "/days in lake"));
    lake_days_release(&days);
}

static struct lake_entry entry_of(const struct made *made)
{
    struct lake_entry entry = {.partition = made->sources[1].tick, .bytes = 10};
    memcpy(entry.sha256, made->sources[1].sha256, sizeof entry.sha256);
    return entry;
}

static enum lake_stands stands(struct fixture *f, const struct lake_entry *entry, bool read,
                               uint64_t *beside)
{
    struct lake_stand stand;
    if (!lake_stand_find(&stand, f->store, &place_of_tests, 0, 0, read, NULL, &f->err))
        fail_msg("%s", f->err.message);
    enum lake_stands is = lake_stand_export(&stand, entry);
    size_t n = lake_stand_beside(&stand, entry->partition, beside);
    assert_int_equal(n, *beside > 0);
    lake_stand_release(&stand);
    return is;
}

static void parquet_stands_in_while_it_is_whole(void **state)
{
    struct fixture *f = *state;
    struct made made;
    uint64_t beside;
    make(&made);
    write_day(f, &made.day);
    struct lake_entry entry = entry_of(&made), other = entry, kept = entry;
    other.sha256[0] ^= 1;
    kept.partition = made.sources[2].tick;
    assert_int_equal(stands(f, &entry, true, &beside), LAKE_STANDS_BROKEN);
    assert_true(store_put(f->store, PLACE_OWN "/parquet/" FILE_NAME, STR(FILE_TEXT), &f->err));
    assert_int_equal(stands(f, &entry, true, &beside), LAKE_STANDS);
    assert_int_equal(beside, 20);
    assert_int_equal(stands(f, &other, true, &beside), LAKE_STANDS_OTHER);
    assert_int_equal(stands(f, &kept, true, &beside), LAKE_STANDS_NOT);
    assert_true(
        store_put(f->store, PLACE_OWN "/parquet/" FILE_NAME, STR("PAR1 and so On"), &f->err));
    assert_int_equal(stands(f, &entry, true, &beside), LAKE_STANDS_BROKEN);
    assert_int_equal(stands(f, &entry, false, &beside), LAKE_STANDS);
    assert_true(store_put(f->store, PLACE_OWN "/parquet/" FILE_NAME, STR("PAR1"), &f->err));
    assert_int_equal(stands(f, &entry, false, &beside), LAKE_STANDS_BROKEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        TEST(a_record_is_read_back),
        TEST(only_days_of_the_range_are_read),
        TEST(what_no_weir_writes_is_refused),
        TEST(every_damage_is_seen),
        TEST(a_damaged_record_is_named),
        TEST(a_record_is_of_one_name),
        TEST(a_file_where_the_folder_must_be_is_not_an_empty_one),
        TEST(parquet_stands_in_while_it_is_whole),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
