/* Queries with the rows that they give, in the files cases/NAME.test, through the engine.
 *
 *     = name of the case            (any order): rows are compared without their order
 *     the query, on one line or several
 *     --
 *     name:type, name:type
 *     value | value
 *
 * or, where the query is refused, one line `! line:column+length message`. Texts and dynamic values stand in quotes as
 * JSON, a null as null, times as KQL writes them. Facts are taken from the examples of the KQL reference.
 */

#include "tests/kql/tables.h"

#include "base/file.h"
#include "engine/engine.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FILES_MAX = 100, FILE_MAX = 1 << 20, RESULT_MAX = 1 << 20, LINES_MAX = 4096 };

static struct engine *engine;
static struct engine_task *task;

static void put_quoted(struct buf *out, struct str text)
{
    buf_putc(out, '"');
    text_put_json(out, text);
    buf_putc(out, '"');
}

static void put_value(struct buf *out, const struct engine_vector *v, size_t row)
{
    char text[TICK_TEXT_MAX + TIMESPAN_TEXT_MAX];
    if (!engine_valid(v, row)) {
        buf_puts(out, "null");
        return;
    }
    switch (v->type) {
    case COLUMN_BOOL:
        buf_puts(out, ((const bool *) v->values)[row] ? "true" : "false");
        break;
    case COLUMN_INT:
        buf_printf(out, "%d", ((const int32_t *) v->values)[row]);
        break;
    case COLUMN_LONG:
        buf_printf(out, "%lld", (long long) ((const int64_t *) v->values)[row]);
        break;
    case COLUMN_REAL:
        buf_printf(out, "%.12g", ((const double *) v->values)[row]);
        break;
    case COLUMN_DATETIME:
        buf_put(out, text, tick_format(((const int64_t *) v->values)[row], text));
        break;
    case COLUMN_TIMESPAN:
        buf_put(out, text, timespan_format(((const int64_t *) v->values)[row], text));
        break;
    case COLUMN_STRING:
        put_quoted(out, engine_text(v, row));
        break;
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        buf_put_str(out, engine_text(v, row));
        break;
    }
}

static void put_header(struct buf *out, const struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(out, "%s%s:%s", i ? ", " : "", columns->v[i].name,
                   column_type_name(columns->v[i].type));
    buf_putc(out, '\n');
}

static bool put_rows(struct buf *out, struct engine_result *result, struct error *err)
{
    const struct engine_chunk *chunk = NULL;
    while (engine_next(result, &chunk, err)) {
        if (!chunk)
            return true;
        for (size_t row = 0; row < chunk->rows; row++) {
            for (size_t i = 0; i < chunk->count; i++) {
                buf_puts(out, i ? " | " : "");
                put_value(out, &chunk->vectors[i], row);
            }
            buf_putc(out, '\n');
        }
    }
    return false;
}

static void put_error(struct buf *out, const struct error *err)
{
    buf_reset(out);
    buf_printf(out, "! %d:%d+%d %s\n", err->line, err->column, err->length, err->message);
    if (err->hint[0])
        buf_printf(out, "! %s\n", err->hint);
}

/* What the query gives, as a case has it. */
static void ask(struct str text, struct buf *out)
{
    struct error err = ERROR_INIT;
    struct kql_options options = {.table = tables_columns, .now = TABLES_NOW};
    struct kql_query *query = kql_compile(text, &options, &err);
    struct engine_result *result = NULL;
    if (query) {
        put_header(out, kql_columns(query));
        result = engine_query(task, kql_sql(query), kql_columns(query), &err);
    }
    if (!result || !put_rows(out, result, &err))
        put_error(out, &err);
    if (query && err.code != ERROR_NONE)
        print_error("%s\n", kql_sql(query));
    engine_result_free(result);
    kql_free(query);
}

static int compare_lines(const void *a, const void *b)
{
    return str_compare(*(const struct str *) a, *(const struct str *) b);
}

/* Sorts the lines behind the first. */
static void sort_rows(struct buf *text)
{
    static struct str lines[LINES_MAX];
    struct str rest = buf_str(text), line;
    struct buf sorted = BUF_INIT(RESULT_MAX);
    size_t n = 0;
    bool first = true;
    while (n < LINES_MAX && str_split(&rest, '\n', &line)) {
        if (first)
            buf_printf(&sorted, "%.*s\n", (int) line.n, line.p);
        else if (line.n > 0)
            lines[n++] = line;
        first = false;
    }
    qsort(lines, n, sizeof *lines, compare_lines);
    for (size_t i = 0; i < n; i++)
        buf_printf(&sorted, "%.*s\n", (int) lines[i].n, lines[i].p);
    buf_reset(text);
    buf_put_str(text, buf_str(&sorted));
    buf_release(&sorted);
}

/* One case: its head line, query, and expected rows. True when they are what comes. */
static bool check_case(const char *file, struct str head, struct str query, struct str expected)
{
    struct buf got = BUF_INIT(RESULT_MAX), want = BUF_INIT(RESULT_MAX);
    ask(str_trim(query), &got);
    buf_put_str(&want, str_trim(expected));
    buf_putc(&want, '\n');
    if (str_ends(head, STR("(any order)"))) {
        sort_rows(&got);
        sort_rows(&want);
    }
    bool same = str_eq(buf_str(&got), buf_str(&want));
    if (!same)
        print_error("%s: %.*s\n%.*s\n-- wanted\n%s-- came\n%s\n", file, (int) head.n, head.p,
                    (int) query.n, query.p, buf_text(&want), buf_text(&got));
    buf_release(&got);
    buf_release(&want);
    return same;
}

/* Splits off the text up to a line that is `mark` or begins with it. */
static struct str until(struct str *rest, const char *mark)
{
    struct str all = *rest;
    size_t n = strlen(mark);
    const char *found = all.n ? memmem(all.p, all.n, mark, n) : NULL;
    size_t length = found ? (size_t) (found - all.p) : all.n;
    size_t skip = found ? length + n : length;
    *rest = (struct str){all.p + skip, all.n - skip};
    return (struct str){all.p, length};
}

static void run_file(void **state)
{
    const char *path = *state;
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT(FILE_MAX);
    size_t wrong = 0, count = 0;
    if (!file_read(path, FILE_MAX, &text, &err))
        fail_msg("%s", err.message);
    struct str rest = buf_str(&text);
    (void) until(&rest, "\n= ");
    while (rest.n > 0) {
        struct str one = until(&rest, "\n= ");
        struct str head = until(&one, "\n");
        struct str query = until(&one, "\n--\n");
        wrong += !check_case(path, head, query, one);
        count++;
    }
    buf_release(&text);
    assert_true(count > 0);
    if (wrong > 0)
        fail_msg("%zu of %zu cases of %s", wrong, count, path);
}

static int set_up(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct engine_options options = {.threads = 2};
    engine = engine_open(&options, &err);
    task = engine ? engine_task_new(engine, &err) : NULL;
    for (size_t i = 0; task && tables_sql[i] && err.code == ERROR_NONE; i++)
        (void) engine_run(task, tables_sql[i], &err);
    if (err.code != ERROR_NONE)
        print_error("%s\n", err.message);
    return err.code == ERROR_NONE ? 0 : -1;
}

static int tear_down(void **state)
{
    (void) state;
    engine_task_free(task);
    engine_free(engine);
    return 0;
}

static int is_case(const struct dirent *entry)
{
    return str_ends(str_of(entry->d_name), STR(".test"));
}

int main(int argc, char **argv)
{
    static char paths[FILES_MAX][4096];
    static struct CMUnitTest tests[FILES_MAX];
    struct dirent **entries = NULL;
    int n = scandir(WEIR_SOURCE_DIR "/tests/kql/cases", &entries, is_case, alphasort);
    size_t count = 0;
    for (int i = 0; i < n; i++) {
        if (count < FILES_MAX && (argc < 2 || strstr(entries[i]->d_name, argv[1]))) {
            (void) snprintf(paths[count], sizeof paths[count],
                            WEIR_SOURCE_DIR "/tests/kql/cases/%s", entries[i]->d_name);
            tests[count] = (struct CMUnitTest){.name = paths[count] + sizeof WEIR_SOURCE_DIR,
                                               .test_func = run_file,
                                               .initial_state = paths[count]};
            count++;
        }
        free(entries[i]);
    }
    free(entries);
    if (count == 0)
        return 1;
    return _cmocka_run_group_tests("cases", tests, count, set_up, tear_down);
}
