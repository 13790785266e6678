/* Answers: see answer.h. */
#include "cli/answer.h"

#include "base/random.h"
#include "cli/output.h"
#include "json/value.h"

#include <time.h>

enum { CELL_MAX = 256 << 20 };

struct answer {
    struct cli *cli;
    struct columns columns;
    struct cli_output *output;
    struct cli_cell *cells;
    struct buf *texts;  /* one a column: decoded strings and compact dynamics of the row */
    struct buf decoded; /* a dynamic that came as a string */
    uint64_t rows;
    enum workspace_outcome outcome;
    double retry_after;
    struct error error;
};

static void release(struct answer *answer)
{
    for (size_t i = 0; answer->texts && i < answer->columns.n; i++)
        buf_release(&answer->texts[i]);
    buf_release(&answer->decoded);
    mem_free(answer->texts);
    mem_free(answer->cells);
    cli_output_free(answer->output);
    columns_release(&answer->columns);
    answer->texts = NULL;
    answer->cells = NULL;
    answer->output = NULL;
}

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct answer *answer = context;
    release(answer);
    if (!columns_copy(columns, &answer->columns, err))
        return false;
    buf_init(&answer->decoded, CELL_MAX);
    answer->cells = mem_alloc(columns->n, sizeof *answer->cells, err);
    answer->texts = mem_alloc(columns->n, sizeof *answer->texts, err);
    for (size_t i = 0; answer->texts && i < columns->n; i++)
        buf_init(&answer->texts[i], CELL_MAX);
    answer->output =
        answer->cells && answer->texts ? cli_output_new(answer->cli, &answer->columns, err) : NULL;
    return answer->output != NULL;
}

static bool decode(struct str raw, struct buf *out, struct error *err)
{
    buf_reset(out);
    return json_unescape(raw, out) ||
           error_set(err, ERROR_FORMAT, "the service sent a string that is not valid");
}

/* A dynamic comes as JSON, or as a string that holds JSON; text in such a string that is none becomes a string
 * of JSON, so that nothing in it can pass for the row's own JSON. Empty text is null, as it is in the lake. */
static bool take_dynamic(struct answer *answer, const struct json_cell *cell, struct str raw,
                         struct error *err)
{
    struct buf *text = &answer->texts[cell->column];
    struct str value = raw;
    if (cell->kind == JSON_KIND_STRING && cell->escaped) {
        if (!decode(raw, &answer->decoded, err))
            return false;
        value = buf_str(&answer->decoded);
    }
    buf_reset(text);
    if (value.n == 0) {
        answer->cells[cell->column].null = true;
        return true;
    }
    if (!json_minify(value, text)) {
        buf_reset(text);
        buf_putc(text, '"');
        text_put_json(text, value);
        buf_putc(text, '"');
    }
    answer->cells[cell->column].text = buf_str(text);
    return buf_ok(text, "a dynamic value", err);
}

static bool take_cell(struct answer *answer, const struct json_row *row,
                      const struct json_cell *cell, struct error *err)
{
    struct str raw = {row->bytes + cell->start, cell->length};
    struct cli_cell *to = &answer->cells[cell->column];
    *to = (struct cli_cell){.text = raw, .null = cell->kind == JSON_KIND_NULL};
    if (!to->null && answer->columns.v[cell->column].type == COLUMN_DYNAMIC)
        return take_dynamic(answer, cell, raw, err);
    if (cell->kind != JSON_KIND_STRING || !cell->escaped)
        return true;
    struct buf *text = &answer->texts[cell->column];
    if (!decode(raw, text, err))
        return false;
    to->text = buf_str(text);
    return true;
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct answer *answer = context;
    for (size_t i = 0; i < row->count; i++)
        if (!take_cell(answer, row, &row->cells[i], err))
            return false;
    answer->rows++;
    return cli_output_row(answer->output, answer->cells, err);
}

static void on_done(void *context, const struct workspace_result *result)
{
    struct answer *answer = context;
    answer->outcome = result->outcome;
    answer->retry_after = result->retry_after;
    answer->error = result->error;
}

static bool ask(struct answer *answer, struct cli_context *context, struct str kql,
                const char *timespan, struct error *err)
{
    struct workspace_query query = {
        .kql = kql,
        .timespan = timespan,
        .keep_empty = true,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .context = answer,
    };
    error_clear(&answer->error);
    return workspace_start(context->workspace, &query, err) &&
           workspace_run(context->workspace, -1, err);
}

static bool again(const struct answer *answer)
{
    return answer->rows == 0 &&
           (answer->outcome == WORKSPACE_THROTTLED || answer->outcome == WORKSPACE_BROKEN);
}

static void pause_before(int attempt, const struct answer *answer, struct random *random)
{
    double seconds = http_backoff(attempt, answer->retry_after, random);
    struct timespec time = {.tv_sec = (time_t) seconds,
                            .tv_nsec = (long) ((seconds - (double) (time_t) seconds) * 1e9)};
    (void) nanosleep(&time, NULL); /* a signal ends it early, which is wanted */
}

bool cli_show_answer(struct cli *cli, struct cli_context *context, struct str kql,
                     const char *timespan, struct error *err)
{
    struct answer answer = {.cli = cli};
    struct random random;
    random_seed(&random, clock_ns());
    bool ok = ask(&answer, context, kql, timespan, err);
    for (int attempt = 1; ok && again(&answer) && attempt < WORKSPACE_ASK_TRIES; attempt++) {
        pause_before(attempt, &answer, &random);
        ok = !stop_asked(cli->stop) && ask(&answer, context, kql, timespan, err);
    }
    if (ok && answer.outcome != WORKSPACE_OK) {
        ok = false;
        if (err->code == ERROR_NONE)
            *err = answer.error;
    }
    if (answer.output && (ok || answer.rows > 0)) {
        struct cli_output *output = answer.output;
        answer.output = NULL;
        ok = cli_output_end(output, ok ? err : NULL) && ok;
    }
    release(&answer);
    return ok;
}
