/* Bench: an engine with a folder of files, and rows of queries as text. */
#ifndef WEIR_TESTS_ENGINE_BENCH_H
#define WEIR_TESTS_ENGINE_BENCH_H

#include "base/memory.h"
#include "base/tick.h"
#include "engine/engine.h"
#include "tests/engine/files.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

enum { SHOWN_MAX = 1 << 20 };

struct bench {
    struct engine *engine;
    struct engine_task *task;
    struct test_files files;
    struct error err;
};

static inline int set_up(void **state)
{
    struct bench *bench = mem_alloc(1, sizeof *bench, NULL);
    const struct engine_options options = {.threads = 2};
    files_begin(&bench->files);
    bench->engine = engine_open(&options, &bench->err);
    if (!bench->engine)
        fail_msg("%s", bench->err.message);
    bench->task = engine_task_new(bench->engine, &bench->err);
    assert_non_null(bench->task);
    *state = bench;
    return 0;
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;
    engine_task_free(bench->task);
    engine_free(bench->engine);
    files_end(&bench->files);
    mem_free(bench);
    return 0;
}

/* "a:long b:string": columns; a name may not have blanks here. */
static inline struct columns columns_of(const char *text)
{
    struct columns columns = {0};
    struct str rest = str_of(text), word, name;
    enum column_type type;
    while (str_split(&rest, ' ', &word)) {
        assert_true(str_split(&word, ':', &name));
        assert_true(column_type_parse(word, &type));
        assert_true(columns_add(&columns, name, type, NULL));
    }
    return columns;
}

/* One value: null is `null`, texts stand in their quotes. */
static inline void show(const struct engine_vector *vector, size_t row, struct buf *out)
{
    char text[TICK_TEXT_MAX];
    if (!engine_valid(vector, row)) {
        buf_puts(out, "null");
        return;
    }
    switch (vector->type) {
    case COLUMN_BOOL:
        buf_puts(out, ((const bool *) vector->values)[row] ? "true" : "false");
        return;
    case COLUMN_INT:
        buf_printf(out, "%" PRId32, ((const int32_t *) vector->values)[row]);
        return;
    case COLUMN_REAL:
        buf_printf(out, "%.17g", ((const double *) vector->values)[row]);
        return;
    case COLUMN_LONG:
    case COLUMN_TIMESPAN:
        buf_printf(out, "%" PRId64, ((const int64_t *) vector->values)[row]);
        return;
    case COLUMN_DATETIME:
        buf_put(out, text, tick_format(((const int64_t *) vector->values)[row], text));
        return;
    default:
        buf_putc(out, '\'');
        buf_put_str(out, engine_text(vector, row));
        buf_putc(out, '\'');
    }
}

/* All rows, `|` between values, newline behind each row; false on an error. */
static inline bool try_query(struct engine_task *task, const char *sql, const char *types,
                             struct buf *out, struct error *err)
{
    struct columns columns = columns_of(types);
    const struct engine_chunk *chunk = NULL;
    buf_reset(out);
    *err = (struct error) ERROR_INIT;
    struct engine_result *result = engine_query(task, sql, &columns, err);
    bool ok = result != NULL;
    while (ok && (ok = engine_next(result, &chunk, err)) && chunk) {
        assert_in_range(chunk->rows, 1, ENGINE_CHUNK_ROWS);
        for (size_t row = 0; row < chunk->rows; row++) {
            for (size_t i = 0; i < chunk->count; i++) {
                buf_puts(out, i ? "|" : "");
                show(&chunk->vectors[i], row, out);
            }
            buf_putc(out, '\n');
        }
    }
    engine_result_free(result);
    columns_release(&columns);
    return ok;
}

static inline void check_query(struct bench *bench, const char *sql, const char *types,
                               const char *expected)
{
    struct buf out = BUF_INIT(SHOWN_MAX);
    if (!try_query(bench->task, sql, types, &out, &bench->err))
        fail_msg("%s: %s", sql, bench->err.message);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static inline enum error_code query_error(struct bench *bench, const char *sql, const char *types)
{
    struct buf out = BUF_INIT(SHOWN_MAX);
    bool ok = try_query(bench->task, sql, types, &out, &bench->err);
    buf_release(&out);
    return ok ? ERROR_NONE : bench->err.code;
}

/* A view T over the files so far. */
static inline void view(struct bench *bench, enum engine_form form, const char *types,
                        const char *const *keys)
{
    struct columns columns = columns_of(types);
    struct engine_files files = {.name = "T",
                                 .form = form,
                                 .paths = bench->files.list,
                                 .count = bench->files.n,
                                 .columns = &columns,
                                 .source_keys = keys};
    if (!engine_view(bench->task, &files, &bench->err))
        fail_msg("%s", bench->err.message);
    columns_release(&columns);
}

#define EVERY_TYPE                                                                                 \
    "b:bool i:int l:long r:real d:decimal t:datetime s:timespan g:guid x:string y:dynamic"

#endif
