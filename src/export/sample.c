/* Samples: see sample.h. */
#include "export/sample.h"

#include "json/rows.h"

/* With a count and a look at `Usage` as many queries as may be under way at once. */
enum { SAMPLE_PARTS = 3, SAMPLE_ROWS = 150, LINE_ROOM = 64, QUERY_MAX = 1 << 20 };

static bool sample_columns(void *context, const struct columns *columns, struct error *err)
{
    struct export_sample *sample = context;
    if (!sample->line)
        sample->line = lake_line_new(columns, NULL, err);
    return sample->line != NULL;
}

static bool sample_row(void *context, const struct json_row *row, struct error *err)
{
    struct export_sample *sample = context;
    size_t length;
    buf_reset(&sample->text);
    if (!buf_reserve(&sample->text, lake_line_bound(sample->line, row) + LINE_ROOM))
        return buf_ok(&sample->text, "line", err);
    if (!lake_line_write(sample->line, row, sample->text.bytes, &length, err))
        return false;
    sample->rows++;
    sample->lines += length;
    return true;
}

static void sample_done(void *context, const struct workspace_result *result)
{
    struct export_sample *sample = context;
    sample->left--;
    sample->response += result->bytes;
}

static bool sample_share(struct export_sample *sample, const struct export_options *options,
                         const struct export_share *share, struct error *err)
{
    char timespan[EXPORT_TIMESPAN_MAX];
    struct buf text = BUF_INIT(QUERY_MAX);
    export_put_rows(&text, sample->snapshot, share);
    buf_printf(&text, "\n| take %d", SAMPLE_ROWS);
    struct workspace_query query = {
        .kql = buf_str(&text),
        .timespan = export_timespan(sample->snapshot, share->from, share->to, timespan),
        .columns = sample_columns,
        .row = sample_row,
        .done = sample_done,
        .context = sample,
    };
    bool ok = buf_ok(&text, "query", err) && workspace_start(options->workspace, &query, err);
    sample->left += ok;
    buf_release(&text);
    return ok;
}

bool export_sample_start(struct export_sample *sample, const struct export_options *options,
                         const struct export_snapshot *snapshot, struct error *err)
{
    *sample = (struct export_sample){.snapshot = snapshot, .text = BUF_INIT(2 * JSON_ROW_MAX)};
    int64_t from = options->source.from, span = options->source.to - from;
    for (int part = 0; part < SAMPLE_PARTS; part++) {
        struct export_share share = {
            .from = from + span / SAMPLE_PARTS * part,
            .to = part + 1 < SAMPLE_PARTS ? from + span / SAMPLE_PARTS * (part + 1)
                                          : options->source.to,
            .parts = 1,
        };
        if (!sample_share(sample, options, &share, err))
            return false;
    }
    return true;
}

bool export_sample_wait(struct export_sample *sample, const struct export_options *options,
                        struct error *err)
{
    while (sample->left > 0)
        if (!workspace_run(options->workspace, -1, err))
            return false;
    return true;
}

void export_sample_release(struct export_sample *sample)
{
    lake_line_free(sample->line);
    buf_release(&sample->text);
    *sample = (struct export_sample){0};
}
