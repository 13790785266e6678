/* Records of imports are read as they were written, and found again; and what names them. */
#include "lake/import.h"

#include "lake/local.h"

#include "remote.h"
#include "small_import.h"

#include <stdio.h>

#define ONE "0123456789ab"
#define TWO "fedcba987654"

static const struct small_part two_parts[] = {
    {"2021-11-07T03:05:00Z", "{\"ts\":1636254300.5}\n{\"ts\":1636254301}\n"},
    {"2021-11-07T23:55:00Z", "{\"ts\":1636329300}\n"},
};

static const struct small_import one = {.id = ONE, .parts = two_parts, .n = 2};

/* --- to and fro --- */

static void a_record_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct lake_import_input input = small_input("a.json");
    small_import_put(f, &one);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_int_equal(imports.n, 1);
    const struct lake_import *is = &imports.v[0];
    assert_string_equal(is->id, ONE);
    assert_string_equal(is->by, "weir 0.1.0");
    assert_null(is->dedup);
    assert_string_equal(is->replaces, "");
    assert_true(is->started == tick_of("2021-11-18"));
    assert_int_equal(is->rows, 3);
    assert_int_equal(is->bytes, strlen(two_parts[0].lines) + strlen(two_parts[1].lines));
    assert_int_equal(is->rejected, 1);
    assert_int_equal(is->dropped, 3);
    assert_true(is->from == tick_of("2021-11-07T03:05:00Z"));
    assert_true(is->to == tick_of("2021-11-08T00:00:00Z"));
    assert_int_equal(is->n_inputs, 1);
    assert_string_equal(is->inputs[0].name, "a.json");
    assert_string_equal(is->inputs[0].time.key, "ts");
    assert_string_equal(is->inputs[0].time.format, "epoch-s");
    assert_string_equal(is->inputs[0].time.zone, "UTC");
    assert_memory_equal(is->inputs[0].hash, input.hash, sizeof input.hash);
    assert_int_equal(is->inputs[0].bytes, input.bytes);
    assert_int_equal(is->inputs[0].rows, input.rows);
    assert_int_equal(is->n_parts, 2);
    for (size_t i = 0; i < 2; i++) {
        struct lake_import_part part;
        small_part_of(&two_parts[i], &part);
        assert_true(is->parts[i].partition == part.partition);
        assert_int_equal(is->parts[i].rows, part.rows);
        assert_int_equal(is->parts[i].bytes, part.bytes);
        assert_memory_equal(is->parts[i].hash, part.hash, sizeof part.hash);
    }
    assert_false(is->dead);
    lake_imports_release(&imports);
}

static void heads_alone_have_no_parts_and_all_else(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct lake_imports_totals totals;
    small_import_put(f, &one);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_int_equal(imports.n, 1);
    assert_null(imports.v[0].parts);
    assert_int_equal(imports.v[0].n_parts, 2);
    assert_string_equal(imports.v[0].inputs[0].name, "a.json");
    lake_imports_total(&imports, &totals);
    assert_int_equal(totals.imports, 1);
    assert_int_equal(totals.inputs, 1);
    assert_int_equal(totals.partitions, 2);
    assert_int_equal(totals.rows, 3);
    assert_int_equal(totals.rejected, 1);
    assert_int_equal(totals.dropped, 3);
    assert_true(totals.last == tick_of("2021-11-18"));
    lake_imports_release(&imports);
}

static void a_table_without_imports_has_none(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_int_equal(imports.n, 0);
    assert_null(lake_imports_find(&imports, STR(ONE)));
    assert_null(lake_imports_named(&imports, ONE, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->err.hint, "no imports"));
    lake_imports_release(&imports);
}

/* Its end is behind the year 9999. */
static void the_last_and_the_first_partition_of_all_time_are_read(void **state)
{
    static const struct small_part ends[] = {{"0001-01-01T00:00:00Z", "{}\n"},
                                             {"9999-12-31T23:55:00Z", "{}\n"}};
    struct fixture *f = *state;
    struct lake_imports imports;
    const struct small_import small = {.id = ONE, .parts = ends, .n = 2};
    small_import_put(f, &small);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_true(imports.v[0].from == 0 && imports.v[0].to == TICK_MAX + 1);
    lake_imports_release(&imports);
}

static void an_import_may_have_no_row(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    const struct small_import empty = {.id = ONE};
    small_import_put(f, &empty);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_int_equal(imports.n, 1);
    assert_int_equal(imports.v[0].n_parts, 0);
    assert_true(imports.v[0].from == 0 && imports.v[0].to == 0);
    lake_imports_release(&imports);
}

/* As a user may name a file: with quotes, control characters, bytes that are no UTF-8, and long. */
static void hostile_names_of_inputs_come_back_or_are_mended(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    char *names[] = {strdup("a \"b\"\n\x1b[31m\\ .json"), strdup("\xff\xfe.json"), calloc(1, 6000)};
    memset(names[2], 1, 5999);
    for (size_t i = 0; i < 3; i++) {
        struct small_import small = one;
        small.input = names[i];
        small_import_put(f, &small);
        small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
        const char *is = imports.v[0].inputs[0].name;
        if (i == 0)
            assert_string_equal(is, names[0]);
        if (i == 1)
            assert_string_equal(is, "\xef\xbf\xbd\xef\xbf\xbd.json");
        if (i == 2)
            assert_int_equal(strlen(is), LAKE_IMPORT_TEXT_MAX);
        lake_imports_release(&imports);
        free(names[i]);
    }
}

static void a_year_of_partitions_goes_to_and_fro(void **state)
{
    enum { YEAR = 105120 };
    struct fixture *f = *state;
    struct lake_imports imports;
    struct lake_import import = {.id = ONE,
                                 .by = "weir",
                                 .rows = YEAR,
                                 .bytes = 3 * YEAR,
                                 .n_parts = YEAR,
                                 .from = tick_of("2021-01-01"),
                                 .to = tick_of("2022-01-01")};
    struct lake_import_writer *writer =
        lake_import_writer_new(f->store, &place_of_tests, &import, &f->err);
    assert_non_null(writer);
    for (int i = 0; i < YEAR; i++) {
        const struct lake_import_part part = {import.from + i * TICK_PARTITION, 1, 3, {0}};
        assert_true(lake_import_writer_part(writer, &part, &f->err));
    }
    assert_true(lake_import_writer_commit(writer, 0, &f->err));
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_int_equal(imports.v[0].n_parts, YEAR);
    assert_true(imports.v[0].parts[YEAR - 1].partition == import.to - TICK_PARTITION);
    lake_imports_release(&imports);
}

/* --- a remote store --- */

/* So many inputs that its head is more than what is asked for at first. */
static void put_long_head(struct fixture *f)
{
    enum { INPUTS = 2000 };
    struct lake_import_input *inputs = calloc(INPUTS, sizeof *inputs);
    for (int i = 0; i < INPUTS; i++)
        inputs[i] = small_input("a-name-of-a-file.json");
    const struct lake_import import = {
        .id = TWO, .by = "weir", .rejected = INPUTS, .inputs = inputs, .n_inputs = INPUTS};
    struct lake_import_writer *writer =
        lake_import_writer_new(f->store, &place_of_tests, &import, &f->err);
    assert_true(writer && lake_import_writer_commit(writer, 0, &f->err));
    free(inputs);
}

static void records_of_a_remote_store_are_read_ahead(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct small_import other = one;
    other.id = "aaaaaaaaaaaa";
    small_import_put(f, &one);
    small_import_put(f, &other);
    put_long_head(f);
    f->store = remote_new(f->store);
    for (int depth = 0; depth < 2; depth++) {
        struct remote *remote = remote_of(f->store);
        remote->lists = remote->gets = 0;
        small_imports_read(f, (enum lake_imports_depth) depth, &imports);
        assert_int_equal(imports.n, 3);
        assert_int_equal(lake_imports_find(&imports, STR(TWO))->n_inputs, 2000);
        assert_int_equal(lake_imports_find(&imports, STR(ONE))->n_parts, 2);
        assert_int_equal(lake_imports_find(&imports, STR(ONE))->parts != NULL,
                         depth == LAKE_IMPORTS_WHOLE);
        assert_int_equal(remote->lists, 1);
        lake_imports_release(&imports);
    }
}

/* --- what the writer refuses --- */

static struct lake_import_writer *begin_two(struct fixture *f)
{
    const struct lake_import import = {.id = ONE,
                                       .by = "weir",
                                       .rows = 2,
                                       .bytes = 2,
                                       .n_parts = 2,
                                       .from = 0,
                                       .to = 3 * TICK_PARTITION};
    struct lake_import_writer *writer =
        lake_import_writer_new(f->store, &place_of_tests, &import, &f->err);
    assert_non_null(writer);
    return writer;
}

static void refuse_part(struct fixture *f, int64_t first, int64_t second)
{
    struct lake_import_writer *writer = begin_two(f);
    const struct lake_import_part a = {.partition = first, .rows = 1, .bytes = 1},
                                  b = {.partition = second, .rows = 1, .bytes = 1};
    error_clear(&f->err);
    assert_false(lake_import_writer_part(writer, &a, &f->err) &&
                 lake_import_writer_part(writer, &b, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    lake_import_writer_abort(writer);
}

static void partitions_that_no_reader_would_take_are_not_written(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    refuse_part(f, TICK_PARTITION, 2 * TICK_PARTITION); /* not where it begins */
    refuse_part(f, 0, TICK_PARTITION);                  /* not where it ends */
    refuse_part(f, 0, 0);                               /* the same again */
    refuse_part(f, 0, 1);                               /* no partition */
    struct lake_import_writer *writer = begin_two(f);
    error_clear(&f->err);
    assert_false(lake_import_writer_commit(writer, 0, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_int_equal(imports.n, 0);
    lake_imports_release(&imports);
}

/* --- finding --- */

static void an_import_is_named_by_the_beginning_of_its_id(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct small_import other = one;
    other.id = "0123aaaaaaaa";
    other.started = "2021-11-19";
    small_import_put(f, &one);
    small_import_put(f, &other);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_string_equal(lake_imports_named(&imports, "01234", &f->err)->id, ONE);
    assert_string_equal(lake_imports_named(&imports, "0123aaaaaaaa", &f->err)->id, other.id);
    assert_null(lake_imports_named(&imports, "0123", &f->err));
    assert_int_equal(f->err.code, ERROR_USAGE);
    assert_non_null(strstr(f->err.hint, ONE));
    assert_non_null(strstr(f->err.hint, other.id));
    error_clear(&f->err);
    assert_null(lake_imports_named(&imports, "9", &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->err.hint, "2021-11-19 00:00"));
    error_clear(&f->err);
    assert_null(lake_imports_named(&imports, "", &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    lake_imports_release(&imports);
}

static void an_input_is_known_by_hash_size_time_and_dedup(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct lake_import_input input = small_input("a.json"), other;
    input.name = "elsewhere/b.json";
    small_import_put(f, &one);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    const struct lake_import_given *held = lake_imports_input(&imports, &input, NULL, NULL);
    assert_non_null(held);
    assert_ptr_equal(held->import, &imports.v[0]);
    assert_int_equal(held->input->rejected, input.rejected);
    assert_non_null(lake_imports_input(&imports, &input, "", TWO));
    assert_null(lake_imports_input(&imports, &input, NULL, ONE));
    assert_null(lake_imports_input(&imports, &input, "_ItemId", NULL));
    other = input;
    other.hash[15] ^= 1;
    assert_null(lake_imports_input(&imports, &other, NULL, NULL));
    other = input;
    other.bytes++;
    assert_null(lake_imports_input(&imports, &other, NULL, NULL));
    other = input;
    other.time.format = "epoch-ms";
    assert_null(lake_imports_input(&imports, &other, NULL, NULL));
    lake_imports_release(&imports);
}

static void who_is_replaced_is_dead_until_it_is_brought_in_again(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct lake_import_input input = small_input("a.json");
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    struct small_import two = {
        .id = TWO, .started = "2021-11-19", .input = "b.json", .replaces = &old};
    struct small_import again = one;
    small_import_put(f, &one);
    small_import_put(f, &two);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_true(lake_imports_find(&imports, STR(ONE))->dead);
    assert_false(lake_imports_find(&imports, STR(TWO))->dead);
    assert_false(lake_imports_counts(&imports, STR(ONE)));
    assert_true(lake_imports_counts(&imports, STR(TWO)));
    assert_true(lake_imports_counts(&imports, STR("aaaaaaaaaaaa")));
    assert_null(lake_imports_input(&imports, &input, NULL, NULL));
    assert_string_equal(lake_imports_replacing(&imports, STR(ONE))->id, TWO);
    lake_imports_release(&imports);

    again.started = "2021-11-20";
    small_import_put(f, &again);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_true(lake_imports_counts(&imports, STR(ONE)));
    assert_true(lake_imports_counts(&imports, STR(TWO)));
    lake_imports_release(&imports);
}

static void a_removed_record_is_gone_and_a_second_time_is_fine(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    small_import_put(f, &one);
    assert_true(lake_import_remove(f->store, &place_of_tests, ONE, &f->err));
    assert_true(lake_import_remove(f->store, &place_of_tests, ONE, &f->err));
    assert_false(lake_import_remove(f->store, &place_of_tests, "../schema", &f->err));
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_int_equal(imports.n, 0);
    lake_imports_release(&imports);
}

/* --- ids, names, hashes --- */

static void the_id_follows_from_hashes_times_order_and_dedup(void **state)
{
    (void) state;
    struct lake_import_input inputs[] = {small_input("a"), small_input("b")};
    const struct lake_import_input swapped[] = {inputs[1], inputs[0]};
    char id[LAKE_IMPORT_ID_MAX], other[LAKE_IMPORT_ID_MAX];
    assert_true(lake_import_id(inputs, 2, NULL, id, NULL));
    assert_int_equal(strspn(id, "0123456789abcdef"), 12);
    inputs[0].name = "renamed";
    assert_true(lake_import_id(inputs, 2, "", other, NULL));
    assert_string_equal(id, other);
    assert_true(lake_import_id(swapped, 2, NULL, other, NULL));
    assert_string_not_equal(id, other);
    assert_true(lake_import_id(inputs, 1, NULL, other, NULL));
    assert_string_not_equal(id, other);
    assert_true(lake_import_id(inputs, 2, "*", other, NULL));
    assert_string_not_equal(id, other);
    inputs[0].time.zone = "Europe/Berlin";
    assert_true(lake_import_id(inputs, 2, NULL, other, NULL));
    assert_string_not_equal(id, other);
}

static void a_blobs_name_tells_its_import(void **state)
{
    (void) state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    int64_t tick, span;
    enum lake_blob_kind kind;
    uint32_t number;
    lake_import_name(&name, &place_of_tests, tick_of("2021-11-07T03:07:00Z"), ONE);
    assert_string_equal(buf_text(&name),
                        PLACE_FOLDER "/y=2021/m=11/d=07/h=03/m=05/PT05M_" ONE ".json");
    struct str behind = {name.bytes + strlen(PLACE_FOLDER), name.used - strlen(PLACE_FOLDER)};
    assert_true(lake_parse_name(behind, &tick, &span, &kind, &number));
    assert_int_equal(kind, LAKE_BLOB_IMPORT);
    assert_true(str_eq(lake_import_id_of(buf_str(&name)), STR(ONE)));
    assert_true(str_eq(lake_import_id_of(STR("PT05M_" ONE ".json")), STR(ONE)));
    assert_int_equal(lake_import_id_of(STR("XPT05M_" ONE ".json")).n, 0);
    assert_int_equal(lake_import_id_of(STR("x/PT05M_weir.json")).n, 0);
    assert_int_equal(lake_import_id_of(STR("x/PT05M_0123456789aB.json")).n, 0);
    assert_int_equal(lake_import_id_of(STR("")).n, 0);
    buf_release(&name);
}

static void sums_of_parts_add_up_whatever_their_order(void **state)
{
    (void) state;
    const struct str text = STR("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    const struct str swapped = STR("{\"a\":2}\n{\"a\":1}\n{\"a\":3}\n");
    uint64_t whole[2] = {0}, parts[2] = {0}, joined[2] = {0}, other[2] = {0};
    lake_import_sum_add(whole, text, 0);
    lake_import_sum_line(parts, text.p + 16, 8, 16);
    lake_import_sum_add(joined, (struct str){text.p, 16}, 0);
    lake_import_sum_join(parts, joined);
    assert_memory_equal(whole, parts, sizeof whole);
    lake_import_sum_add(other, swapped, 0);
    assert_memory_not_equal(whole, other, sizeof whole);
    uint64_t carry[2] = {UINT64_MAX, 1};
    const uint64_t one_more[2] = {1, 0};
    unsigned char bytes[LAKE_IMPORT_HASH];
    lake_import_sum_join(carry, one_more);
    lake_import_sum_end(carry, bytes);
    assert_memory_equal(bytes, "\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0", sizeof bytes);
}

static void is_hash_of(const char *lines, const char *want)
{
    uint64_t sum[2] = {0};
    unsigned char bytes[LAKE_IMPORT_HASH];
    char hex[2 * LAKE_IMPORT_HASH + 1];
    lake_import_sum_add(sum, str_of(lines), 0);
    lake_import_sum_end(sum, bytes);
    text_hex(bytes, sizeof bytes, hex);
    assert_string_equal(hex, want);
}

/* By another implementation: xxh3_128_intdigest(b"World\n", seed=0) + xxh3_128_intdigest(b"Hello\n", seed=6). */
static void the_hash_of_a_blob_is_what_anybody_can_make(void **state)
{
    (void) state;
    is_hash_of("World\n", "18066113d946cfa640ffc8773c83f61b");
    is_hash_of("World\nHello\n", "278d0bcb95d035799951cba2dc3fcc02");
}

/* --- a workspace for what comes from none --- */

/* RFC 9562, B.2: version 8, SHA-256, the namespace of DNS and "www.example.com". */
static void the_name_based_guid_is_that_of_the_rfc(void **state)
{
    static const unsigned char dns[] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                        0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    char guid[LAKE_GUID_MAX];
    (void) state;
    assert_true(lake_local_guid(dns, STR("www.example.com"), guid, NULL));
    assert_string_equal(guid, "5c146b14-3c52-8afd-938a-375d0df1fbf6");
}

static void a_workspace_is_that_of_the_lake_or_made_of_the_resource_id(void **state)
{
    struct fixture *f = *state;
    char guid[LAKE_GUID_MAX], lower[LAKE_GUID_MAX];
    bool there = true;
    assert_true(lake_local_workspace(f->store, lake_local_resource_id, "T", guid, &there, &f->err));
    assert_string_equal(guid, lake_local_workspace_id);
    assert_false(there);
    assert_true(lake_local_workspace(f->store, PLACE_RESOURCE, "Okta_CL", guid, &there, &f->err));
    assert_true(text_is_guid(str_of(guid)));
    assert_int_equal(guid[14], '8');
    char *id = strdup(PLACE_RESOURCE);
    for (char *c = id; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char) (*c - 'A' + 'a');
    assert_true(lake_local_workspace(f->store, id, "Okta_CL", lower, NULL, &f->err));
    assert_string_equal(guid, lower);
    free(id);

    struct columns columns = {0};
    assert_true(columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, &f->err));
    assert_true(lake_schema_update(f->store, &place_of_tests, NULL, &columns, NULL, &f->err));
    columns_release(&columns);
    assert_true(lake_local_workspace(f->store, PLACE_RESOURCE, "Okta_CL", guid, &there, &f->err));
    assert_string_equal(guid, PLACE_WORKSPACE);
    assert_true(there);
    assert_true(lake_local_workspace(f->store, PLACE_RESOURCE, "Other", guid, &there, &f->err));
    assert_string_equal(guid, PLACE_WORKSPACE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_record_is_read_as_it_was_written),
        CASE(heads_alone_have_no_parts_and_all_else),
        CASE(a_table_without_imports_has_none),
        CASE(the_last_and_the_first_partition_of_all_time_are_read),
        CASE(an_import_may_have_no_row),
        CASE(hostile_names_of_inputs_come_back_or_are_mended),
        CASE(a_year_of_partitions_goes_to_and_fro),
        CASE(records_of_a_remote_store_are_read_ahead),
        CASE(partitions_that_no_reader_would_take_are_not_written),
        CASE(an_import_is_named_by_the_beginning_of_its_id),
        CASE(an_input_is_known_by_hash_size_time_and_dedup),
        CASE(who_is_replaced_is_dead_until_it_is_brought_in_again),
        CASE(a_removed_record_is_gone_and_a_second_time_is_fine),
        CASE(the_id_follows_from_hashes_times_order_and_dedup),
        CASE(a_blobs_name_tells_its_import),
        CASE(sums_of_parts_add_up_whatever_their_order),
        CASE(the_hash_of_a_blob_is_what_anybody_can_make),
        CASE(the_name_based_guid_is_that_of_the_rfc),
        CASE(a_workspace_is_that_of_the_lake_or_made_of_the_resource_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
