/* Output: see output.h. */
#include "cli/output.h"

#include "json/value.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct cli_output {
    FILE *to;
    const struct columns *columns;
    const char *form;
    struct buf line;
    struct cli_cell
        *held; /* the first rows of a table, until they are measured; texts owned by arena */
    struct arena arena;
    size_t held_rows;
    int *widths;
    bool measured;
    uint64_t rows;
};

const char *cli_output_form(const struct cli *cli)
{
    const char *form = cli_text(cli, CLI_OUTPUT);
    return form ? form : cli->terminal_out ? "table" : "jsonl";
}

bool cli_output_is_table(const struct cli *cli)
{
    return strcmp(cli_output_form(cli), "table") == 0;
}

static bool is_number(enum column_type type)
{
    return type == COLUMN_INT || type == COLUMN_LONG || type == COLUMN_REAL ||
           type == COLUMN_DECIMAL;
}

/* -- JSON -- */

/* A number, bool or dynamic goes out as the JSON that it is, on one line; false when it is none (NaN, or whatever
 * a server sent). Then nothing was put. */
static bool put_raw(struct buf *out, enum column_type type, struct str text)
{
    bool bare = type == COLUMN_DYNAMIC || type == COLUMN_BOOL || is_number(type);
    return bare && json_minify(text, out);
}

static void put_json_value(struct buf *out, enum column_type type, const struct cli_cell *cell)
{
    if (cell->null) {
        buf_puts(out, "null");
    } else if (!put_raw(out, type, cell->text)) {
        buf_putc(out, '"');
        text_put_json(out, cell->text);
        buf_putc(out, '"');
    }
}

static void put_json_row(struct cli_output *output, const struct cli_cell *cells)
{
    struct buf *out = &output->line;
    buf_putc(out, '{');
    for (size_t i = 0; i < output->columns->n; i++) {
        buf_puts(out, i ? ",\"" : "\"");
        text_put_json(out, str_of(output->columns->v[i].name));
        buf_puts(out, "\":");
        put_json_value(out, output->columns->v[i].type, &cells[i]);
    }
    buf_putc(out, '}');
}

/* -- CSV (RFC 4180) -- */

static bool runs_as_formula(enum column_type type, struct str text)
{
    return text.n > 0 && !is_number(type) && type != COLUMN_TIMESPAN &&
           strchr("=+-@\t\r", text.p[0]) != NULL;
}

static void put_csv_field(struct buf *out, enum column_type type, struct str text)
{
    bool formula = runs_as_formula(type, text), quote = formula;
    for (size_t i = 0; i < text.n && !quote; i++)
        quote = text.p[i] == '"' || text.p[i] == ',' || text.p[i] == '\n' || text.p[i] == '\r';
    if (!quote) {
        buf_put_str(out, text);
        return;
    }
    buf_puts(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, text.p[i]);
    }
    buf_putc(out, '"');
}

static void put_csv_row(struct cli_output *output, const struct cli_cell *cells)
{
    for (size_t i = 0; i < output->columns->n; i++) {
        if (i > 0)
            buf_putc(&output->line, ',');
        if (!cells)
            put_csv_field(&output->line, COLUMN_STRING, str_of(output->columns->v[i].name));
        else if (!cells[i].null)
            put_csv_field(&output->line, output->columns->v[i].type, cells[i].text);
    }
    buf_puts(&output->line, "\r\n");
}

/* -- table -- */

static int width_of(struct str text)
{
    int width = 0;
    for (size_t at = 0; at < text.n;) {
        size_t length;
        (void) text_utf8_next(text.p + at, text.n - at, &length);
        at += length;
        width++;
    }
    return width;
}

static void put_padded(struct buf *out, struct str text, int width, bool right, bool last)
{
    int pad = width - width_of(text);
    for (int i = 0; right && i < pad; i++)
        buf_putc(out, ' ');
    buf_put_str(out, text);
    for (int i = 0; !right && !last && i < pad; i++)
        buf_putc(out, ' ');
}

/* Made safe, and cut with an ellipsis where it is longer than a column may be. */
static struct str safe_text(struct buf *scratch, struct str text, bool last)
{
    buf_reset(scratch);
    text_put_safe(scratch, text);
    struct str safe = buf_str(scratch);
    size_t at = 0;
    int width = 0;
    while (at < safe.n && (last || width < CLI_OUTPUT_WIDTH_MAX)) {
        size_t length;
        (void) text_utf8_next(safe.p + at, safe.n - at, &length);
        at += length;
        width++;
    }
    if (at == safe.n)
        return safe;
    scratch->used = at;
    buf_puts(scratch, "\u2026");
    return buf_str(scratch);
}

static void put_table_row(struct cli_output *output, const struct cli_cell *cells)
{
    struct buf scratch = BUF_INIT(CLI_OUTPUT_ROW_MAX);
    size_t n = output->columns->n;
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n, number = is_number(output->columns->v[i].type);
        struct str text =
            cells ? cells[i].null ? STR("") : cells[i].text : str_of(output->columns->v[i].name);
        if (i > 0)
            buf_puts(&output->line, "  ");
        put_padded(&output->line, safe_text(&scratch, text, last), output->widths[i], number, last);
    }
    buf_putc(&output->line, '\n');
    buf_release(&scratch);
}

static void measure(struct cli_output *output)
{
    struct buf scratch = BUF_INIT(CLI_OUTPUT_ROW_MAX);
    size_t n = output->columns->n;
    for (size_t i = 0; i < n; i++) {
        output->widths[i] =
            width_of(safe_text(&scratch, str_of(output->columns->v[i].name), false));
        for (size_t row = 0; row < output->held_rows; row++) {
            int width = width_of(safe_text(&scratch, output->held[row * n + i].text, false));
            output->widths[i] = width > output->widths[i] ? width : output->widths[i];
        }
    }
    buf_release(&scratch);
    output->measured = true;
}

static bool hold(struct cli_output *output, const struct cli_cell *cells, struct error *err)
{
    size_t n = output->columns->n;
    for (size_t i = 0; i < n; i++) {
        struct cli_cell *copy = &output->held[output->held_rows * n + i];
        copy->null = cells[i].null;
        copy->text.n = cells[i].null ? 0 : cells[i].text.n;
        copy->text.p = arena_copy(&output->arena, cells[i].text.p, copy->text.n, err);
        if (!copy->text.p)
            return false;
    }
    output->held_rows++;
    return true;
}

static void put_held(struct cli_output *output)
{
    measure(output);
    put_table_row(output, NULL);
    for (size_t row = 0; row < output->held_rows; row++)
        put_table_row(output, &output->held[row * output->columns->n]);
    output->held_rows = 0;
}

/* -- the stream -- */

/* Nobody reads any more: end as other programs do, by the signal that main() put off for the network's sake. */
static void end_with_reader(void)
{
    (void) signal(SIGPIPE, SIG_DFL);
    (void) raise(SIGPIPE);
}

static bool flush(struct cli_output *output, struct error *err)
{
    if (!buf_ok(&output->line, "row", err))
        return false;
    size_t n = output->line.used;
    bool ok = n == 0 || fwrite(output->line.bytes, 1, n, output->to) == n;
    buf_reset(&output->line);
    if (!ok && errno == EPIPE)
        end_with_reader();
    return ok || error_set_errno(err, ERROR_IO, errno, "the result cannot be written");
}

struct cli_output *cli_output_new(const struct cli *cli, const struct columns *columns,
                                  struct error *err)
{
    struct cli_output *output = mem_alloc(1, sizeof *output, err);
    if (!output)
        return NULL;
    output->to = cli->out;
    output->columns = columns;
    output->form = cli_output_form(cli);
    buf_init(&output->line, CLI_OUTPUT_ROW_MAX);
    arena_init(&output->arena, CLI_OUTPUT_ROW_MAX);
    output->widths = mem_alloc(columns->n + 1, sizeof *output->widths, err);
    output->held = mem_alloc((columns->n + 1) * CLI_OUTPUT_MEASURED, sizeof *output->held, err);
    if (!output->widths || !output->held) {
        cli_output_free(output);
        return NULL;
    }
    if (strcmp(output->form, "csv") == 0)
        put_csv_row(output, NULL);
    if (strcmp(output->form, "json") == 0)
        buf_putc(&output->line, '[');
    return output;
}

bool cli_output_row(struct cli_output *output, const struct cli_cell *cells, struct error *err)
{
    bool first = output->rows++ == 0;
    if (strcmp(output->form, "csv") == 0) {
        put_csv_row(output, cells);
    } else if (strcmp(output->form, "table") == 0) {
        if (!output->measured && output->held_rows < CLI_OUTPUT_MEASURED)
            return hold(output, cells, err);
        if (!output->measured)
            put_held(output);
        put_table_row(output, cells);
    } else {
        bool array = strcmp(output->form, "json") == 0;
        if (array)
            buf_puts(&output->line, first ? "\n" : ",\n");
        put_json_row(output, cells);
        if (!array)
            buf_putc(&output->line, '\n');
    }
    return flush(output, err);
}

bool cli_output_end(struct cli_output *output, struct error *err)
{
    if (strcmp(output->form, "table") == 0 && !output->measured && output->columns->n > 0)
        put_held(output);
    if (strcmp(output->form, "json") == 0)
        buf_puts(&output->line, output->rows ? "\n]\n" : "]\n");
    bool ok = flush(output, err);
    bool flushed = fflush(output->to) == 0;
    if (!flushed && errno == EPIPE)
        end_with_reader();
    if (!flushed)
        ok = error_set_errno(err, ERROR_IO, errno, "the result cannot be written");
    cli_output_free(output);
    return ok;
}

void cli_output_free(struct cli_output *output)
{
    if (!output)
        return;
    buf_release(&output->line);
    arena_release(&output->arena);
    mem_free(output->widths);
    mem_free(output->held);
    mem_free(output);
}
