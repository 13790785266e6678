/* The record of a compacted day: whatever comes is refused or read, and what is read is written the same again.
 *
 * Input that begins with '+' gets a right last line, so that the fuzzer need not guess a hash.
 */
#include "lake/day.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8 << 20 };

static const struct lake_place place = {
    .workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35d",
    .resource_id = "/subscriptions/0/resourcegroups/0/providers/microsoft.operationalinsights/"
                   "workspaces/0",
    .table = "T"};

static void must(bool true_one)
{
    if (!true_one)
        abort();
}

static void put_tail(struct buf *text)
{
    char hash[HASH_SHA256_HEX];
    size_t lines = 0;
    for (size_t i = 0; i < text->used; i++)
        lines += text->bytes[i] == '\n';
    if (hash_sha256_hex(buf_str(text), hash, NULL))
        buf_printf(text, "{\"lines\":%zu,\"sha256\":\"%s\"}\n", lines > 0 ? lines - 1 : 0, hash);
}

/* What was read names nothing outside of its day, and is the same when it was written and read once more. */
static void check_again(const struct lake_day *day)
{
    struct buf first = BUF_INIT(TEXT_MAX), second = BUF_INIT(TEXT_MAX);
    struct lake_day again;
    struct arena arena;
    arena_init(&arena, TEXT_MAX);
    for (size_t i = 0; i < day->file_count; i++)
        must(!strstr(day->files[i].name, "..") && day->files[i].name[0] == 'y');
    for (size_t i = 0; i < day->source_count; i++)
        must(tick_floor(day->sources[i].tick, TICK_DAY) == day->day &&
             lake_day_source(day, day->sources[i].tick, str_of(day->sources[i].name)) != NULL);
    must(lake_day_put(&first, &place, day, NULL));
    must(lake_day_parse(buf_str(&first), &place, &arena, &again, NULL));
    must(lake_day_put(&second, &place, &again, NULL));
    must(str_eq(buf_str(&first), buf_str(&second)));
    buf_release(&first);
    buf_release(&second);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct lake_day day;
    struct arena arena;
    struct error err = ERROR_INIT;
    bool ends = size > 0 && data[0] == '+';
    arena_init(&arena, TEXT_MAX);
    buf_put(&text, data + ends, size - ends);
    if (ends)
        put_tail(&text);
    bool ok = lake_day_parse(buf_str(&text), &place, &arena, &day, &err);
    must(ok || err.code != ERROR_NONE);
    if (ok)
        check_again(&day);
    arena_release(&arena);
    buf_release(&text);
    return 0;
}
