/* Lines of a text as json_route_lines gives them, when the text comes in pieces: for the test and the fuzzer. */
#ifndef WEIR_TESTS_JSON_ROUTED_H
#define WEIR_TESTS_JSON_ROUTED_H

#include "base/memory.h"
#include "json/route.h"

#include <stdlib.h>

struct routed {
    struct json_line *lines; /* their places count from the text's beginning */
    size_t count, room;
    size_t rest; /* bytes behind the last line */
};

struct routed_options {
    struct str key;
    bool scalar;
    size_t step;    /* bytes that come at once; 0: all */
    size_t room;    /* records of one call; 0: many */
    uint8_t behind; /* what stands in the padding */
};

static inline void routed_add(struct routed *routed, const struct json_line *lines, size_t n,
                              size_t from)
{
    if (routed->count + n > routed->room) {
        routed->room = (routed->count + n) * 2;
        routed->lines = mem_resize(routed->lines, routed->room, sizeof *routed->lines, NULL);
        if (routed->lines == NULL)
            abort();
    }
    for (size_t i = 0; i < n; i++) {
        struct json_line line = lines[i];
        line.start += (uint32_t) from;
        line.value += line.kind == JSON_KIND_NONE ? 0 : (uint32_t) from;
        routed->lines[routed->count++] = line;
    }
}

/* Scans a copy of text[from .. here), which has just its padding behind it; returns how much of it was taken. */
static inline size_t routed_piece(struct routed *routed, const struct routed_options *options,
                                  struct str text, size_t from, size_t here)
{
    enum { ROOM = 64 };
    struct json_line lines[ROOM];
    struct json_route route;
    size_t n = here - from, at = 0, got;
    size_t room = options->room > 0 && options->room < ROOM ? options->room : ROOM;
    char *copy = malloc(n + JSON_ROUTE_PADDING);
    if (copy == NULL || !json_route_init(&route, options->key, options->scalar, NULL))
        abort();
    memcpy(copy, text.p + from, n);
    memset(copy + n, options->behind, JSON_ROUTE_PADDING);
    do {
        got = json_route_lines(&route, (struct str){copy, n}, &at, here == text.n, lines, room);
        routed_add(routed, lines, got, from);
    } while (got == room);
    free(copy);
    return at;
}

/* Reads the text to its end; routed_release is due. */
static inline void routed_read(struct routed *routed, const struct routed_options *options,
                               struct str text)
{
    *routed = (struct routed){.rest = 0};
    size_t from = 0, here = 0, step = options->step > 0 ? options->step : text.n;
    do {
        here = text.n - here > step ? here + step : text.n;
        from += routed_piece(routed, options, text, from, here);
    } while (here < text.n);
    routed->rest = text.n - from;
}

static inline void routed_release(struct routed *routed)
{
    mem_free(routed->lines);
}

/* True when both say the same. */
static inline bool routed_equal(const struct routed *a, const struct routed *b)
{
    bool equal = a->count == b->count && a->rest == b->rest;
    for (size_t i = 0; equal && i < a->count; i++) {
        const struct json_line *x = &a->lines[i], *y = &b->lines[i];
        equal = x->start == y->start && x->length == y->length && x->state == y->state &&
                x->kind == y->kind && x->value == y->value && x->value_length == y->value_length &&
                x->escaped == y->escaped;
    }
    return equal;
}

#endif
