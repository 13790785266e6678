/* Rows as lines: whatever row is taken, its line is one valid JSON object on one line, no longer than the bound, the
 * same from both twins, and its dynamic value is JSON. Input: the rows, for the columns below. */
#include "base/memory.h"
#include "lake/line.h"
#include "json/value.h"

#include <stdlib.h>

enum { OUT_MAX = 1 << 24, LINE_SLACK = 64 };

struct made {
    struct lake_line *line;
    struct buf text;
};

static bool make(void *context, const struct json_row *row, struct error *err)
{
    struct made *made = context;
    int64_t tick, item;
    size_t n, bound = lake_line_bound(made->line, row);
    if (!lake_line_key(made->line, row, &tick, &item, err))
        return false;
    char *alone = mem_resize(NULL, bound + LINE_SLACK, 1, NULL);
    if (alone == NULL)
        abort();
    bool ok = lake_line_write(made->line, row, alone, &n, err);
    if (ok && (n > bound || alone[n - 1] != '\n' || memchr(alone, '\n', n - 1) != NULL ||
               !json_valid((struct str){alone, n - 1})))
        abort();
    if (ok)
        buf_put(&made->text, alone, n);
    mem_free(alone);
    return ok;
}

static void run(const struct columns *columns, struct str text, bool scalar, struct buf *out)
{
    struct made made = {.line = lake_line_new(columns, NULL, NULL), .text = BUF_INIT(OUT_MAX)};
    struct json_rows_options options = {
        .columns = columns->n, .scalar = scalar, .row = make, .context = &made};
    struct json_rows *rows = json_rows_new(&options, NULL);
    size_t used;
    bool ended;
    if (made.line == NULL || rows == NULL)
        abort();
    (void) json_rows_feed(rows, text.p, text.n, &used, &ended, NULL);
    json_rows_free(rows);
    lake_line_free(made.line);
    *out = made.text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct columns columns = {.n = 0};
    struct buf law, fast;
    if (!columns_read(
            STR("TimeGenerated datetime\nS string\nD dynamic\nL long\nR real\nT timespan\n"
                "G guid\nB bool\nM decimal\n_ItemId string\n"),
            &columns, NULL))
        abort();
    run(&columns, (struct str){(const char *) data, size}, true, &law);
    run(&columns, (struct str){(const char *) data, size}, false, &fast);
    if (!str_eq(buf_str(&law), buf_str(&fast)))
        abort();
    buf_release(&law);
    buf_release(&fast);
    columns_release(&columns);
    return 0;
}
