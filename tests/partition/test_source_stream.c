/* JSON lines that are packed or come from a pipe: the same rows as from the plain file. */
#include "tests/partition/taken.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#define T "\"TimeGenerated\":\"2021-11-07T03:05:12Z\""
#define T2 "\"TimeGenerated\":\"2022-01-01T00:00:00Z\""

static char *make_lines(size_t rows, size_t *n)
{
    char *text = malloc(rows * 700 + 10);
    uint64_t seed = 23;
    *n = 0;
    for (size_t i = 0; i < rows; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        int fill = (int) (seed >> 33) % 600;
        if (i % 7 == 3)
            *n += sprintf(text + *n, "{\"broken\": %zu\n", i);
        else
            *n += sprintf(text + *n, "{" T ",\"n\":%zu,\"x\":\"%0*d\"}%s", i, fill, 0,
                          i % 5 == 0 ? "\r\n\n" : "\n");
    }
    return text;
}

static void *pack_gz(const void *bytes, size_t n, size_t *packed)
{
    z_stream gz = {0};
    unsigned char *out = malloc(n + 1000);
    assert_int_equal(deflateInit2(&gz, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    gz.next_in = (Bytef *) (uintptr_t) bytes;
    gz.avail_in = n;
    gz.next_out = out;
    gz.avail_out = n + 1000;
    assert_int_equal(deflate(&gz, Z_FINISH), Z_STREAM_END);
    *packed = gz.total_out;
    (void) deflateEnd(&gz);
    return out;
}

static void *pack_zst(const void *bytes, size_t n, size_t *packed)
{
    size_t room = ZSTD_compressBound(n);
    void *out = malloc(room);
    *packed = ZSTD_compress(out, room, bytes, n, 3);
    assert_false(ZSTD_isError(*packed));
    return out;
}

typedef void *pack_fn(const void *bytes, size_t n, size_t *packed);

static void assert_same(const struct taken *a, const struct taken *b)
{
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->reject_count, b->reject_count);
    assert_int_equal(a->lines, b->lines);
    for (size_t i = 0; i < a->row_count; i++) {
        assert_string_equal(a->rows[i].line, b->rows[i].line);
        assert_int_equal(a->rows[i].tick, b->rows[i].tick);
    }
    for (size_t i = 0; i < a->reject_count; i++) {
        assert_int_equal(a->rejects[i].line, b->rejects[i].line);
        assert_int_equal(a->rejects[i].reason, b->rejects[i].reason);
        assert_string_equal(a->rejects[i].text, b->rejects[i].text);
    }
}

static void check_packed(pack_fn *pack, const char *name)
{
    struct taken plain, taken;
    size_t n, first, second, half;
    char *text = make_lines(3000, &n);
    char *plain_path = taken_file("plain.json", text, n);
    taken_all(plain_path, NULL, &plain);
    assert_string_equal(plain.form, "JSON lines");

    /* Two members, cut within a line. */
    half = n / 2 + 3;
    char *a = pack(text, half, &first), *b = pack(text + half, n - half, &second);
    char *both = malloc(first + second);
    memcpy(both, a, first);
    memcpy(both + first, b, second);
    char *path = taken_file(name, both, first + second);
    taken_all(path, NULL, &taken);
    assert_same(&plain, &taken);
    assert_int_equal(taken.bytes, first + second);
    taken_release(&taken);

    /* Cut off, and damaged. */
    struct error err = ERROR_INIT;
    free(path);
    path = taken_file(name, both, first + second / 2);
    assert_false(taken_read(path, NULL, &taken, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    assert_non_null(strstr(err.message, "it breaks off"));
    memset(both + first / 2, 0xaa, 64);
    free(path);
    path = taken_file(name, both, first + second);
    error_clear(&err);
    assert_false(taken_read(path, NULL, &taken, &err));
    assert_int_equal(err.code, ERROR_FORMAT);

    taken_release(&plain);
    free(path);
    free(plain_path);
    free(both);
    free(a);
    free(b);
    free(text);
}

static void gz_of_several_members_is_one_stream(void **state)
{
    (void) state;
    check_packed(pack_gz, "packed.json.gz");
}

/* As pzstd and writers of seekable files put before every frame. */
static void zst_may_begin_with_a_frame_to_be_skipped(void **state)
{
    static const char skipped[] = "\x50\x2a\x4d\x18\x04\0\0\0abcd";
    enum { SKIPPED = sizeof skipped - 1 };
    struct taken taken;
    size_t packed;
    (void) state;
    void *zst = pack_zst("{" T "}\n{" T "}\n", strlen("{" T "}\n{" T "}\n"), &packed);
    char *both = malloc(SKIPPED + packed);
    memcpy(both, skipped, SKIPPED);
    memcpy(both + SKIPPED, zst, packed);
    char *path = taken_file("skipped.json.zst", both, SKIPPED + packed);
    taken_all(path, NULL, &taken);
    assert_int_equal(taken.row_count, 2);
    assert_int_equal(taken.reject_count, 0);
    taken_release(&taken);
    free(path);
    free(both);
    free(zst);
}

static void zst_of_several_frames_is_one_stream(void **state)
{
    (void) state;
    check_packed(pack_zst, "packed.json.zst");
}

static void zeros_behind_gz_are_padding(void **state)
{
    struct taken taken;
    size_t packed;
    (void) state;
    char *gz = pack_gz("{" T "}", strlen("{" T "}"), &packed);
    gz = realloc(gz, packed + 512);
    memset(gz + packed, 0, 512);
    char *path = taken_file("padded.gz", gz, packed + 512);
    taken_all(path, NULL, &taken);
    assert_int_equal(taken.row_count, 1);
    taken_release(&taken);
    free(path);
    free(gz);
}

static void packed_arrays_and_csv_are_seen(void **state)
{
    struct taken taken;
    size_t packed;
    (void) state;
    char *gz = pack_gz("[{" T "}]", strlen("[{" T "}]"), &packed);
    char *path = taken_file("x", gz, packed);
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.form, "JSON array");
    assert_int_equal(taken.row_count, 1);
    taken_release(&taken);
    free(path);
    free(gz);
    gz = pack_zst("TimeGenerated,a\n2021-11-07T03:05:12Z,1\n", 39, &packed);
    path = taken_file("x.csv.zst", gz, packed);
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.form, "CSV");
    assert_int_equal(taken.row_count, 1);
    taken_release(&taken);
    free(path);
    free(gz);
}

/* Readers take a TimeGenerated before any other key, so its row is of that partition, or of none. */
static void a_time_generated_behind_the_first_rows_is_taken(void **state)
{
    struct taken taken;
    char *text = malloc(1 << 20);
    size_t n = 0;
    int64_t tick;
    (void) state;
    for (int i = 0; i < 1000; i++)
        n += sprintf(text + n, "{\"at\":\"2021-11-07T03:05:12Z\"}\n");
    n +=
        sprintf(text + n, "not json\n{\"at\":\"2021-11-07T03:05:12Z\"," T2 "}\n"
                          "{" T2 "}\n{\"at\":\"2021-11-07T03:05:13Z\",\"TimeGenerated\":\"soon\"}\n"
                          "{\"at\":\"2021-11-07T03:05:13Z\",\"TimeGenerated\":null}");
    char *path = taken_file("own.json", text, n);
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.key, "at");
    assert_int_equal(taken.row_count, 1002);
    assert_true(tick_parse(STR("2022-01-01T00:00:00Z"), &tick));
    assert_int_equal(taken.rows[1000].tick, tick);
    assert_true(tick_parse(STR("2021-11-07T03:05:13Z"), &tick));
    assert_int_equal(taken.rows[1001].tick, tick);
    assert_int_equal(taken.reject_count, 3);
    assert_int_equal(taken.rejects[0].reason, PART_REASON_FORM);
    assert_int_equal(taken.rejects[1].reason, PART_REASON_NO_TIME);
    assert_int_equal(taken.rejects[2].reason, PART_REASON_TIME_TEXT);
    taken_release(&taken);
    free(path);
    free(text);
}

/* A key of many rows of a later piece is met by looking at some of each, one of a single row if that is the longest. */
static void keys_are_seen_in_every_piece(void **state)
{
    struct taken taken;
    char *text = malloc(6 * PART_PIECE);
    size_t n = 0;
    (void) state;
    for (int i = 0; n < 5 * PART_PIECE; i++)
        n += sprintf(text + n, "{" T ",\"%s\":%d}\n", n < 2 * PART_PIECE ? "early" : "late", i);
    n += sprintf(text + n, "{" T ",\"late\":1,\"rare\":\"of one row alone\"}\n");
    for (int i = 0; i < 999; i++)
        n += sprintf(text + n, "{" T ",\"late\":%d}\n", i);
    size_t packed;
    void *gz = pack_gz(text, n, &packed);
    char *path = taken_file("late.json.gz", gz, packed);
    taken_all(path, NULL, &taken);
    assert_true(columns_find(&taken.columns, STR("early")) > 0);
    assert_true(columns_find(&taken.columns, STR("late")) > 0);
    assert_true(columns_find(&taken.columns, STR("rare")) > 0);
    taken_release(&taken);
    free(path);
    free(gz);
    free(text);
}

struct feeder {
    int fd;
    const char *text;
    size_t n;
    const char *name; /* of a named pipe */
};

static void *feed(void *context)
{
    struct feeder *feeder = context;
    struct error ignored = ERROR_INIT;
    (void) file_write_all(feeder->fd, feeder->text, feeder->n, "a pipe", &ignored);
    (void) close(feeder->fd);
    return NULL;
}

/* What was looked at to know the form is read too, and once. */
static void standard_input_gives_the_same_rows(void **state)
{
    struct taken plain, piped;
    size_t n;
    char *text = make_lines(5000, &n);
    char *path = taken_file("plain2.json", text, n);
    int saved = dup(STDIN_FILENO), ends[2];
    pthread_t thread;
    (void) state;
    taken_all(path, NULL, &plain);
    assert_int_equal(pipe(ends), 0);
    struct feeder feeder = {ends[1], text, n, NULL};
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void) close(ends[0]);
    assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
    taken_all("-", NULL, &piped);
    (void) pthread_join(thread, NULL);
    assert_same(&plain, &piped);
    assert_int_equal(piped.bytes, n);
    assert_memory_equal(piped.hash, plain.hash, PART_DIGEST_SIZE);
    taken_release(&plain);
    taken_release(&piped);
    (void) dup2(saved, STDIN_FILENO);
    (void) close(saved);
    free(path);
    free(text);
}

static void *feed_named(void *context)
{
    struct feeder *feeder = context;
    feeder->fd = open(feeder->name, O_WRONLY);
    return feeder->fd < 0 ? NULL : feed(feeder);
}

/* It can be opened once. */
static void a_named_pipe_gives_the_same_rows(void **state)
{
    struct taken plain, piped;
    size_t n;
    char *text = make_lines(5000, &n);
    char *path = taken_file("plain3.json", text, n);
    char name[4096];
    pthread_t thread;
    (void) state;
    (void) snprintf(name, sizeof name, "%s.pipe", path);
    assert_int_equal(mkfifo(name, 0600), 0);
    taken_all(path, NULL, &plain);
    struct feeder feeder = {-1, text, n, name};
    assert_int_equal(pthread_create(&thread, NULL, feed_named, &feeder), 0);
    taken_all(name, NULL, &piped);
    (void) pthread_join(thread, NULL);
    assert_same(&plain, &piped);
    assert_memory_equal(piped.hash, plain.hash, PART_DIGEST_SIZE);
    taken_release(&plain);
    taken_release(&piped);
    free(path);
    free(text);
}

static int clean(void **state)
{
    (void) state;
    taken_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gz_of_several_members_is_one_stream),
        cmocka_unit_test(zst_of_several_frames_is_one_stream),
        cmocka_unit_test(zst_may_begin_with_a_frame_to_be_skipped),
        cmocka_unit_test(zeros_behind_gz_are_padding),
        cmocka_unit_test(packed_arrays_and_csv_are_seen),
        cmocka_unit_test(a_time_generated_behind_the_first_rows_is_taken),
        cmocka_unit_test(keys_are_seen_in_every_piece),
        cmocka_unit_test(a_named_pipe_gives_the_same_rows),
        cmocka_unit_test(standard_input_gives_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
