/* A record of an import: whatever comes is refused or read, in whatever pieces it comes, and what is read keeps its promises.
 *
 * Input that begins with '+' gets a right last line, so that the fuzzer need not guess a hash.
 */
#include "lake/record.h"

#include "base/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 20, PIECES = 3 };

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

static void check_whole(const struct lake_import *import)
{
    uint64_t rows = 0, bytes = 0;
    for (size_t i = 0; i < import->n_parts; i++) {
        const struct lake_import_part *part = &import->parts[i];
        must(part->partition >= import->from && part->partition < import->to);
        must(i == 0 || part->partition > import->parts[i - 1].partition);
        rows += part->rows;
        bytes += part->bytes;
    }
    must(rows == import->rows && bytes == import->bytes);
}

static void check_head(const struct lake_import *import)
{
    must(record_id_ok(str_of(import->id)) && import->by);
    must(import->replaces[0] == '\0' || record_id_ok(str_of(import->replaces)));
    for (size_t i = 0; i < import->n_inputs; i++) {
        const struct lake_import_input *input = &import->inputs[i];
        must(input->name != NULL);
        must(!input->time.key || (input->time.format && input->time.zone));
    }
}

/* True when it was read; `piece` 0: in one piece. */
static bool read_one(struct str text, enum lake_imports_depth depth, size_t piece)
{
    struct error err = ERROR_INIT;
    struct lake_import import;
    struct arena arena;
    bool ok = true, enough = false;
    arena_init(&arena, LAKE_IMPORTS_TEXTS_MAX);
    struct record *record = record_new(depth, &arena, &import, &err);
    must(record != NULL);
    for (size_t at = 0, n = 1; ok && !enough && n > 0; at += n) {
        n = piece == 0 || text.n - at < piece ? text.n - at : piece;
        ok = record_feed(record, n > 0 ? text.p + at : "", n, &enough, &err);
    }
    must(ok == (err.code == ERROR_NONE));
    if (ok)
        check_head(&import);
    if (ok && depth == LAKE_IMPORTS_WHOLE)
        check_whole(&import);
    mem_free(import.parts);
    record_free(record);
    arena_release(&arena);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[PIECES] = {0, 1, 7};
    struct buf text = BUF_INIT(TEXT_MAX);
    bool plus = size > 0 && data[0] == '+';
    buf_put(&text, data + plus, size - plus);
    if (plus)
        put_tail(&text);
    if (text.failed)
        buf_reset(&text);
    bool whole = read_one(buf_str(&text), LAKE_IMPORTS_WHOLE, 0);
    bool head = read_one(buf_str(&text), LAKE_IMPORTS_HEADS, 0);
    must(!whole || head);
    for (size_t i = 1; i < PIECES; i++) {
        must(read_one(buf_str(&text), LAKE_IMPORTS_WHOLE, pieces[i]) == whole);
        must(read_one(buf_str(&text), LAKE_IMPORTS_HEADS, pieces[i]) == head);
    }
    buf_release(&text);
    return 0;
}
