/* A segment of the ledger: whatever comes is refused or read, and what is read is written the same again.
 *
 * Input that begins with '+' gets a right last line, so that the fuzzer need not guess a hash.
 */
#include "lake/segment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 256 };

struct entries {
    struct lake_entry v[ENTRIES_MAX];
    size_t n;
};

static bool keep(void *context, const struct lake_entry *entry, struct error *err)
{
    struct entries *entries = context;
    if (entries->n == ENTRIES_MAX)
        return error_set(err, ERROR_LIMIT, "enough");
    entries->v[entries->n++] = *entry;
    return true;
}

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

static bool read_one(struct str text, struct arena *arena, struct lake_segment *segment,
                     struct entries *entries)
{
    struct error err = ERROR_INIT;
    entries->n = 0;
    bool ok = lake_segment_read(text, arena, segment, keep, entries, &err);
    must(ok || err.code != ERROR_NONE);
    return ok;
}

/* What was read, written, is read as the same, and written again is the same. */
static void check_again(const struct lake_segment *segment, const struct entries *entries)
{
    struct buf first = BUF_INIT(LAKE_SEGMENT_MAX), second = BUF_INIT(LAKE_SEGMENT_MAX);
    struct entries *again = calloc(1, sizeof *again);
    struct lake_segment read_back;
    struct arena arena;
    arena_init(&arena, LAKE_SEGMENT_MAX);
    must(again != NULL);
    must(lake_segment_write(segment, entries->v, entries->n, &first, NULL));
    must(read_one(buf_str(&first), &arena, &read_back, again));
    must(again->n == entries->n && read_back.number == segment->number);
    must(lake_segment_write(&read_back, again->v, again->n, &second, NULL));
    must(str_eq(buf_str(&first), buf_str(&second)));
    arena_release(&arena);
    free(again);
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(LAKE_SEGMENT_MAX);
    struct entries *entries = calloc(1, sizeof *entries);
    struct lake_segment segment;
    struct arena arena;
    arena_init(&arena, LAKE_SEGMENT_MAX);
    must(entries != NULL);
    if (size > 0 && data[0] == '+') {
        buf_put(&text, data + 1, size - 1);
        put_tail(&text);
    } else {
        buf_put(&text, data, size);
    }
    if (read_one(buf_str(&text), &arena, &segment, entries))
        check_again(&segment, entries);
    arena_release(&arena);
    free(entries);
    buf_release(&text);
    return 0;
}
