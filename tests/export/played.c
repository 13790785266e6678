/* See played.h. */
#include "played.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const struct lake_place played_place = {
    .workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35d",
    .resource_id =
        "/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/w",
    .table = "T",
};

static int64_t begin_of_range(void)
{
    int64_t tick = 0;
    assert_true(tick_parse(STR("2021-11-07T00:00:00Z"), &tick));
    return tick;
}

void played_begin(struct played *played, uint64_t seed, size_t rows)
{
    *played = (struct played){0};
    assert_true(folder_make(&played->folder));
    struct error err = ERROR_INIT;
    played->store = store_open(played->folder.lake, &err);
    assert_non_null(played->store);
    int64_t from = begin_of_range(), to = from + PLAYED_HOURS * TICK_HOUR;
    fake_init(&played->fake, seed, rows, from, to);
    played->options = (struct export_options){
        .workspace = &played->fake,
        .store = played->store,
        .source = {.place = played_place, .from = from, .to = to},
        .run = "11111111-2222-4333-8444-555555555555",
        .identity = "nobody",
    };
}

void played_end(struct played *played)
{
    export_report_release(&played->report);
    store_free(played->store);
    fake_release(&played->fake);
    folder_remove_tree(played->folder.path);
}

bool played_run(struct played *played, struct error *err)
{
    export_report_release(&played->report);
    fake_forget(&played->fake);
    error_clear(err);
    return export_run(&played->options, &played->report, err);
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The bytes that a partition must have; lines of one tick in order of their bytes. */
void played_bytes(const struct workspace *fake, int64_t tick, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < fake->count;) {
        size_t end = i;
        while (end < fake->count && fake->rows[end].tick == fake->rows[i].tick)
            end++;
        if (fake->rows[i].tick >= tick && fake->rows[i].tick < tick + TICK_PARTITION) {
            char **lines = calloc(end - i, sizeof *lines);
            for (size_t k = i; k < end; k++) {
                char time[TICK_TEXT_MAX], item[17], line[160];
                (void) tick_format(fake->rows[k].tick, time);
                fake_item(fake->rows[k].id, item);
                int n = snprintf(line, sizeof line, "{\"TimeGenerated\":\"%s\",\"Payload\":%llu",
                                 time, (unsigned long long) (fake->rows[k].id % 1000));
                (void) snprintf(line + n, sizeof line - (size_t) n,
                                fake->no_items ? "}\n" : ",\"_ItemId\":\"%s\"}\n", item);
                lines[k - i] = strdup(line);
            }
            qsort(lines, end - i, sizeof *lines, by_line);
            for (size_t k = 0; k < end - i; k++) {
                buf_puts(out, lines[k]);
                free(lines[k]);
            }
            free(lines);
        }
        i = end;
    }
}

void played_assert_whole(struct played *played)
{
    struct buf want = BUF_INIT(64 << 20), got = BUF_INIT(64 << 20), name = BUF_INIT(LAKE_NAME_MAX);
    struct error err = ERROR_INIT;
    for (int64_t tick = played->options.source.from; tick < played->options.source.to;
         tick += TICK_PARTITION) {
        played_bytes(&played->fake, tick, &want);
        lake_export_name(&name, &played_place, tick, 0);
        buf_reset(&got);
        bool there = store_get(played->store, buf_text(&name), &got, &err);
        assert_int_equal(there, want.used > 0);
        error_clear(&err);
        assert_int_equal(got.used, want.used);
        if (want.used > 0)
            assert_memory_equal(got.bytes, want.bytes, want.used);
    }
    buf_release(&want);
    buf_release(&got);
    buf_release(&name);
}

bool played_verify(struct played *played, struct error *err)
{
    export_report_release(&played->report);
    fake_forget(&played->fake);
    error_clear(err);
    return export_verify(&played->options, &played->report, err);
}
