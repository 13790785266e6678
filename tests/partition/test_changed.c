/* Inputs that change while they are read: with --dedup each is read twice, and what the first reading told of its rows must not
 * be said of others. */
#include "import.h"

#include "base/stop.h"
#include "partition/dedup.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

enum {
    ROWS = 10,    /* of the first input, each several times */
    COPIES = 200, /* so that all of the numbers behind the first few are those of doubles */
    NEW = 1000,   /* rows that come to it between the readings */
    TEXT_MAX = 64 << 20
};

/* --- what happens between the two readings --- */

static struct between {
    void (*change)(struct import *im);
    struct import *im;
    int calls, at; /* changes with call `at`; 0: with each */
} between;

bool __real_part_dedup_finish(struct part_dedup *dedup, uint64_t *dropped, struct error *err);
bool __wrap_part_dedup_finish(struct part_dedup *dedup, uint64_t *dropped, struct error *err);

bool __wrap_part_dedup_finish(struct part_dedup *dedup, uint64_t *dropped, struct error *err)
{
    between.calls++;
    if (between.change && (between.at == 0 || between.at == between.calls))
        between.change(between.im);
    return __real_part_dedup_finish(dedup, dropped, err);
}

/* --- inputs --- */

struct form {
    const char *name, *begin, *feed, *between, *end;
    bool sheet, packed;
};

static const struct form forms[] = {
    {.name = "lines.jsonl", .feed = "\n"},
    {.name = "stream.jsonl.gz", .feed = "\n", .packed = true},
    {.name = "array.json", .begin = "[", .between = ",\n", .end = "]"},
    {.name = "sheet.csv", .begin = "TimeGenerated,n,p\n", .feed = "\n", .sheet = true},
};
static const struct form *form;

static void write_packed(const char *path, const struct buf *text)
{
    gzFile out = gzopen(path, "wb1");
    assert_non_null(out);
    assert_int_equal(gzwrite(out, buf_text(text), (unsigned) text->used), text->used);
    assert_int_equal(gzclose(out), Z_OK);
}

static void write_text(const char *path, const struct buf *text)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(buf_text(text), 1, text->used, out), text->used);
    assert_int_equal(fclose(out), 0);
}

static void put(struct buf *text, const char *part)
{
    buf_puts(text, part ? part : "");
}

static void put_row(struct buf *text, int n, const char *p)
{
    static const char time[] = "2021-11-08T03:00:00Z";
    if (form->sheet)
        buf_printf(text, "%s,%d,%s", time, n, p);
    else
        buf_printf(text, "{\"TimeGenerated\":\"%s\",\"n\":%d,\"p\":\"%s\"}", time, n, p);
    put(text, form->feed);
}

/* Rows 0 to n, `copies` times, then those from n to `all`; `p` is a text that each has. */
static void write_rows(struct import *im, size_t input, int n, int copies, int all, const char *p)
{
    char path[sizeof im->paths[0]];
    struct buf text = BUF_INIT(TEXT_MAX);
    (void) snprintf(path, sizeof path, "%.200s/%zu-%s", im->folder.path, input, form->name);
    memcpy(im->paths[input], path, sizeof path);
    im->inputs[input] = im->paths[input];
    put(&text, form->begin);
    for (int i = 0; i < n * copies + all - n; i++) {
        put(&text, i > 0 ? form->between : "");
        put_row(&text, i < n * copies ? i % n : n + i - n * copies, p);
    }
    put(&text, form->end);
    assert_true(buf_ok(&text, "an input", &im->err));
    (form->packed ? write_packed : write_text)(path, &text);
    buf_release(&text);
}

/* The first input, and a second one that has nothing but doubles of it. */
static void begin(struct import *im, const struct form *of, void (*change)(struct import *), int at)
{
    form = of;
    between = (struct between){.change = change, .im = im, .at = at};
    import_again(im);
    write_rows(im, 0, ROWS, COPIES, ROWS, "a");
    write_rows(im, 1, ROWS, 2 * COPIES, ROWS, "a");
    im->options.input_count = 2;
    im->options.dedup = "*";
}

/* --- tests --- */

static void grow(struct import *im)
{
    write_rows(im, 0, ROWS, COPIES, ROWS + NEW, "a");
}

static void rows_that_came_between_the_readings_are_not_dropped(void **state)
{
    struct import *im = *state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        begin(im, &forms[i], grow, 1);
        assert_true(import_run(im));
        assert_int_equal(im->result.rows, ROWS + NEW);
        assert_int_equal(im->result.dropped, ROWS * (COPIES - 1) + ROWS * 2 * COPIES);
        assert_int_equal(im->result.inputs[0].rows, ROWS * COPIES + NEW);
        assert_int_equal(between.calls, 2);
        /* The record is of what was read: the same again is held. */
        assert_true(import_run(im));
        assert_string_equal(im->result.id, "");
    }
}

/* By whole pieces: the first reading knows no number for them. */
static void grow_by_pieces(struct import *im)
{
    static char text[2000];
    memset(text, 'a', sizeof text - 1);
    write_rows(im, 0, ROWS, COPIES, ROWS + NEW, text);
}

static void pieces_that_came_between_the_readings_are_not_dropped(void **state)
{
    struct import *im = *state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        begin(im, &forms[i], grow_by_pieces, 1);
        assert_true(import_run(im));
        assert_int_equal(im->result.rows,
                         ROWS + NEW + ROWS); /* the second input's are others now */
        assert_int_equal(between.calls, 2);
    }
}

/* As many bytes and rows as before, but no doubles any more. */
static void replace(struct import *im)
{
    write_rows(im, 1, ROWS * 2 * COPIES, 1, ROWS * 2 * COPIES, "b");
}

static void alike(struct import *im)
{
    write_rows(im, 1, ROWS, 2 * COPIES, ROWS, "b");
}

static void other_rows_of_the_same_size_are_not_dropped(void **state)
{
    struct import *im = *state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        begin(im, &forms[i], alike, 1);
        assert_true(import_run(im));
        assert_int_equal(im->result.rows, 2 * ROWS);
        begin(im, &forms[i], replace, 1);
        assert_true(import_run(im));
        assert_int_equal(im->result.rows, ROWS + ROWS * 2 * COPIES);
    }
}

static void shrink(struct import *im)
{
    write_rows(im, 0, ROWS, 1, ROWS, "a");
}

static void rows_behind_an_input_that_got_shorter_stay(void **state)
{
    struct import *im = *state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        begin(im, &forms[i], shrink, 1);
        write_rows(im, 1, ROWS * COPIES, 1, ROWS * COPIES, "b");
        assert_true(import_run(im));
        assert_int_equal(im->result.rows, ROWS + ROWS * COPIES);
        assert_int_equal(im->result.dropped, 0);
    }
}

static void one_that_does_not_change_is_read_twice_and_no_more(void **state)
{
    struct import *im = *state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        begin(im, &forms[i], NULL, 0);
        assert_true(import_run(im));
        assert_int_equal(im->result.rows, ROWS);
        assert_int_equal(between.calls, 1);
    }
}

/* Another text with each reading. */
static void change_always(struct import *im)
{
    char text[16];
    (void) snprintf(text, sizeof text, "%d", between.calls);
    write_rows(im, 0, ROWS, COPIES, ROWS, text);
}

static void one_that_never_rests_is_an_error_and_nothing_shows(void **state)
{
    struct import *im = *state;
    begin(im, &forms[0], change_always, 0);
    assert_false(import_run(im));
    assert_int_equal(im->err.code, ERROR_IO);
    assert_non_null(strstr(im->err.message, "changing"));
    assert_true(between.calls > 1 && between.calls < 10);
    assert_int_equal(import_check(im, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, import_set_up, import_tear_down)
        T(rows_that_came_between_the_readings_are_not_dropped),
        T(pieces_that_came_between_the_readings_are_not_dropped),
        T(other_rows_of_the_same_size_are_not_dropped),
        T(rows_behind_an_input_that_got_shorter_stay),
        T(one_that_does_not_change_is_read_twice_and_no_more),
        T(one_that_never_rests_is_an_error_and_nothing_shows),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
