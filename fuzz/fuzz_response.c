/* The response parser: whatever comes, in pieces as the input says and all at once, it says the same; and of
 * what is good no part is. */
#include "base/memory.h"
#include "workspace/response.h"

#include <stdlib.h>

enum { SPLITS = 8, TEXT_MAX = 1 << 24, CUTS_MAX = 256 };

struct reading {
    struct response *response;
    struct buf seen;
    bool good;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct reading *r = context;
    (void) err;
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(&r->seen, "%s:%d,", columns->v[i].name, (int) columns->v[i].type);
    return true;
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct reading *r = context;
    (void) err;
    buf_put(&r->seen, row->bytes, row->length);
    for (size_t i = 0; i < row->count; i++)
        must(row->cells[i].start + row->cells[i].length <= row->length);
    return true;
}

static void begin(struct reading *r)
{
    struct response_options options = {.columns = on_columns, .row = on_row, .context = r};
    buf_init(&r->seen, TEXT_MAX);
    r->response = response_new(&options, NULL);
    must(r->response != NULL);
}

static bool feed(struct reading *r, const uint8_t *bytes, size_t n)
{
    /* A block of just that size: reading past it is seen. */
    char *exact = malloc(n > 0 ? n : 1);
    must(exact != NULL);
    memcpy(exact, bytes, n);
    bool ok = response_feed(r->response, exact, n, NULL);
    free(exact);
    return ok;
}

static void end(struct reading *r)
{
    response_free(r->response);
    buf_release(&r->seen);
}

static bool is_blank(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r')
            return false;
    return true;
}

/* All cuts of a short text, and as many of a long one, from its end. */
static void no_cut_is_good(const uint8_t *text, size_t n)
{
    size_t step = n / CUTS_MAX + 1;
    for (size_t off = 1; off <= n; off += step) {
        struct reading cut = {0};
        begin(&cut);
        cut.good = feed(&cut, text, n - off) && response_finish(cut.response, NULL);
        must(!cut.good || is_blank(text + n - off, off));
        end(&cut);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SPLITS)
        return 0;
    const uint8_t *text = data + SPLITS;
    size_t n = size - SPLITS;
    struct reading whole = {0}, pieces = {0};
    begin(&whole);
    whole.good = feed(&whole, text, n) && response_finish(whole.response, NULL);
    begin(&pieces);
    pieces.good = true;
    for (size_t at = 0, i = 0; at < n && pieces.good; i++) {
        size_t piece = data[i % SPLITS] + 1u;
        piece = piece < n - at ? piece : n - at;
        pieces.good = feed(&pieces, text + at, piece);
        at += piece;
    }
    pieces.good = pieces.good && response_finish(pieces.response, NULL);
    must(whole.good == pieces.good);
    must(!whole.good || str_eq(buf_str(&whole.seen), buf_str(&pieces.seen)));
    must(!whole.good || str_eq(response_error(whole.response), response_error(pieces.response)));
    must(!whole.good || response_counted(whole.response) == response_counted(pieces.response));
    must(!whole.good ||
         str_eq(response_permissions(whole.response), response_permissions(pieces.response)));
    if (whole.good)
        no_cut_is_good(text, n);
    end(&whole);
    end(&pieces);
    return 0;
}
