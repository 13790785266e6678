/* A row by value: whatever line comes is refused or read, and what is read is the same without its white space, with its
 * keys turned round, and as often as it is read. Input: the line, for the columns below.
 */
#include "base/hash.h"
#include "lake/row.h"
#include "json/value.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMBERS_MAX = 64 };

static void must(bool true_one)
{
    if (!true_one)
        abort();
}

static bool same(const struct lake_row *a, const struct lake_row *b)
{
    return a->tick == b->tick && a->has_item == b->has_item && a->item == b->item &&
           a->id.high == b->id.high && a->id.low == b->id.low && a->value.high == b->value.high &&
           a->value.low == b->value.low;
}

/* The members of a line the other way round. False: some key stands twice, and the last of them counts. */
static bool turn_round(struct str line, struct buf *out)
{
    struct json_member v[MEMBERS_MAX];
    size_t n = 0, at = 0;
    while (n < MEMBERS_MAX && json_next(line, &at, &v[n])) {
        if (memchr(v[n].key.p, '\\', v[n].key.n))
            return false;
        for (size_t i = 0; i < n; i++)
            if (str_eq(v[i].key, v[n].key))
                return false;
        n++;
    }
    buf_putc(out, '{');
    for (size_t i = n; i-- > 0;) {
        buf_putc(out, '"');
        buf_put_str(out, v[i].key);
        buf_puts(out, "\":");
        buf_put_str(out, v[i].value);
        buf_puts(out, i > 0 ? " , " : "}");
    }
    return n > 0 && n < MEMBERS_MAX;
}

static void check_again(struct lake_rows *rows, struct str line, const struct lake_row *row)
{
    struct buf other = BUF_INIT(1 << 24);
    struct lake_row again;
    must(lake_row_read(rows, line, true, &again, NULL) && same(row, &again));
    if (json_minify(line, &other)) {
        must(lake_row_read(rows, buf_str(&other), true, &again, NULL) && same(row, &again));
        struct buf turned = BUF_INIT(1 << 24);
        if (turn_round(buf_str(&other), &turned))
            must(lake_row_read(rows, buf_str(&turned), true, &again, NULL) && same(row, &again));
        buf_release(&turned);
    }
    must(lake_row_read(rows, line, false, &again, NULL) && again.value.low == 0 &&
         again.tick == row->tick);
    buf_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct columns columns = {0};
    struct error err = ERROR_INIT;
    struct lake_row row;
    must(columns_read(STR("TimeGenerated datetime\nS string\nD dynamic\nL long\nI int\nR real\n"
                          "T timespan\nG guid\nB bool\nM decimal\n_ItemId string\n"),
                      &columns, NULL));
    struct lake_rows *rows = lake_rows_new(&columns, NULL);
    struct str line = {(const char *) data, size};
    must(rows != NULL);
    if (lake_row_read(rows, line, true, &row, &err))
        check_again(rows, line, &row);
    else
        must(err.code == ERROR_FORMAT);
    lake_rows_free(rows);
    columns_release(&columns);
    return 0;
}
