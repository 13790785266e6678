/* Rows: the outer array, rows cut by the end of a piece, and the choice of the row's scanner; see rows.h.
 *
 * A row that lies whole in the caller's bytes, with ROW_BEHIND more behind it, is scanned where it lies. Any
 * other is gathered in a buffer of our own (`carry`), which always has zeros behind what it holds. The scan of a row counts from the row's beginning, so it goes on where it stood when the row has moved.
 */
#include "json/rows.h"

#include "base/memory.h"
#include "json/grammar.h"
#include "json/rows_scan.h"

enum {
    ROW_BEHIND = 64,  /* bytes that the callback may read behind a row */
    CARRY_STEP = 1024 /* bytes copied at once of a row whose end is not known yet */
};

enum place {
    BEFORE_ARRAY,
    BEFORE_FIRST, /* behind the outer '[': a row or the end */
    IN_ROW,
    BEHIND_ROW,
    BEHIND_COMMA,
    ENDED,
    FAILED
};

struct json_rows {
    struct json_rows_options options;
    enum place place;
    bool fast, odd; /* odd: the row at hand is read by the scalar twin */
    uint64_t count;
    struct json_scan scan;
    char *carry;
    size_t carried, room;
};

static bool refuse(struct json_rows *rows, struct error *err, const char *what)
{
    return error_set(err, ERROR_FORMAT, "not an array of rows: %s, after %llu rows", what,
                     (unsigned long long) rows->count);
}

static bool refuse_row(struct json_rows *rows, struct error *err)
{
    return error_set(err, ERROR_FORMAT, "row %llu is not valid: %s, at its byte %zu",
                     (unsigned long long) rows->count + 1, rows->scan.problem,
                     rows->scan.problem_at);
}

static bool refuse_length(struct json_rows *rows, struct error *err)
{
    return error_set(err, ERROR_LIMIT, "row %llu is longer than %d bytes",
                     (unsigned long long) rows->count + 1, JSON_ROW_MAX);
}

/* Puts n more bytes behind the carried ones, and zeros behind them. */
static bool carry(struct json_rows *rows, const char *bytes, size_t n, struct error *err)
{
    size_t wanted = rows->carried + n + JSON_SCAN_PADDING;
    if (wanted > rows->room) {
        size_t room = wanted + wanted / 2;
        char *grown = mem_resize(rows->carry, room, 1, err);
        if (grown == NULL)
            return false;
        rows->carry = grown;
        rows->room = room;
    }
    memcpy(rows->carry + rows->carried, bytes, n);
    rows->carried += n;
    memset(rows->carry + rows->carried, 0, JSON_SCAN_PADDING);
    return true;
}

/* Scans on in the row's first n bytes, with the twin that the row needs. `padded`: zeros stand behind them, and no
 * more bytes are there now. */
static enum json_step scan_on(struct json_rows *rows, const char *row, size_t n, bool padded)
{
    enum json_step step = JSON_STEP_ODD;
    if (!rows->odd && rows->fast)
        step = json_scan_avx2(&rows->scan, row, n, padded);
    if (step != JSON_STEP_ODD)
        return step;
    if (!rows->odd)
        json_scan_begin(&rows->scan);
    rows->odd = true;
    return json_scan_scalar(&rows->scan, row, n);
}

static void begin_row(struct json_rows *rows)
{
    rows->place = IN_ROW;
    rows->odd = false;
    rows->carried = 0;
    json_scan_begin(&rows->scan);
}

/* Gives the row, which has 64 readable bytes behind it. */
static bool give_row(struct json_rows *rows, const char *row, struct error *err)
{
    struct json_row out = {.bytes = row,
                           .length = rows->scan.length,
                           .cells = rows->scan.cells,
                           .count = rows->scan.count};
    if (out.length > JSON_ROW_MAX)
        return refuse_length(rows, err);
    rows->count++;
    rows->place = BEHIND_ROW;
    return rows->options.row(rows->options.context, &out, err);
}

/* What follows a step over the carried bytes; *at stands behind the last of them and moves back to the
 * row's end. */
static bool end_carried(struct json_rows *rows, enum json_step step, size_t *at, struct error *err)
{
    if (step == JSON_STEP_ODD)
        return refuse_row(rows, err);
    if (step == JSON_STEP_MORE)
        return rows->carried <= JSON_ROW_MAX || refuse_length(rows, err);
    *at -= rows->carried - rows->scan.length;
    return give_row(rows, rows->carry, err);
}

/* Goes on with a row of which something is carried; *at moves behind what was taken of it. */
static bool feed_carried(struct json_rows *rows, const char *bytes, size_t n, size_t *at,
                         struct error *err)
{
    enum json_step step = JSON_STEP_MORE;
    while (step == JSON_STEP_MORE && *at < n && rows->carried <= JSON_ROW_MAX) {
        size_t more = n - *at < CARRY_STEP ? n - *at : CARRY_STEP;
        if (!carry(rows, bytes + *at, more, err))
            return false;
        *at += more;
        step = scan_on(rows, rows->carry, rows->carried, *at == n);
    }
    return end_carried(rows, step, at, err);
}

/* A row that begins at *at: scanned in place if it ends early enough, else carried. */
static bool feed_row(struct json_rows *rows, const char *bytes, size_t n, size_t *at,
                     struct error *err)
{
    const char *row = bytes + *at;
    size_t left = n - *at;
    size_t most = JSON_ROW_MAX + JSON_SCAN_PADDING;
    enum json_step step = scan_on(rows, row, left < most ? left : most, false);
    if (step == JSON_STEP_ROW && left - rows->scan.length >= ROW_BEHIND) {
        *at += rows->scan.length;
        return give_row(rows, row, err);
    }
    if (step == JSON_STEP_ODD)
        return refuse_row(rows, err);
    if (step == JSON_STEP_MORE && left > most)
        return refuse_length(rows, err);
    size_t taken = step == JSON_STEP_ROW ? rows->scan.length : left;
    if (!carry(rows, row, taken, err))
        return false;
    *at += taken;
    if (step == JSON_STEP_MORE)
        step = scan_on(rows, rows->carry, rows->carried, true);
    return end_carried(rows, step, at, err);
}

/* One byte of the outer array that is no white space. */
static bool take_outer(struct json_rows *rows, char c, struct error *err)
{
    switch (rows->place) {
    case BEFORE_ARRAY:
        rows->place = BEFORE_FIRST;
        return c == '[' || refuse(rows, err, "no '[' at its beginning");
    case BEHIND_ROW:
        rows->place = c == ']' ? ENDED : BEHIND_COMMA;
        return c == ']' || c == ',' || refuse(rows, err, "no ',' or ']' behind a row");
    default:
        rows->place = ENDED;
        return c == ']' || refuse(rows, err, "no '[' where a row must begin");
    }
}

static bool feed(struct json_rows *rows, const char *bytes, size_t n, size_t *at, struct error *err)
{
    bool ok = true;
    while (ok && *at < n && rows->place != ENDED) {
        if (rows->place == IN_ROW) {
            ok = feed_carried(rows, bytes, n, at, err);
        } else if (json_is_space(bytes[*at])) {
            (*at)++;
        } else if (bytes[*at] == '[' &&
                   (rows->place == BEFORE_FIRST || rows->place == BEHIND_COMMA)) {
            begin_row(rows);
            ok = feed_row(rows, bytes, n, at, err);
        } else if (rows->place == BEHIND_COMMA) {
            ok = refuse(rows, err, "no '[' where a row must begin");
        } else {
            ok = take_outer(rows, bytes[(*at)++], err);
        }
    }
    return ok;
}

struct json_rows *json_rows_new(const struct json_rows_options *options, struct error *err)
{
    if (options->columns == 0 || options->columns > JSON_CELLS_MAX) {
        error_set(err, ERROR_LIMIT, "%zu columns; rows have 1 to %d", options->columns,
                  JSON_CELLS_MAX);
        return NULL;
    }
    struct json_rows *rows = mem_alloc(1, sizeof *rows, err);
    if (rows == NULL)
        return NULL;
    rows->options = *options;
    rows->fast = !options->scalar && json_scan_has_avx2();
    rows->scan.columns = options->columns;
    rows->scan.keep_empty = options->keep_empty;
    size_t room = options->columns + JSON_CELLS_SLACK;
    rows->scan.cells = mem_alloc(room, sizeof *rows->scan.cells, err);
    rows->scan.checks = mem_alloc(room, sizeof *rows->scan.checks, err);
    if (rows->scan.cells == NULL || rows->scan.checks == NULL) {
        json_rows_free(rows);
        return NULL;
    }
    return rows;
}

void json_rows_free(struct json_rows *rows)
{
    if (rows == NULL)
        return;
    mem_free(rows->scan.cells);
    mem_free(rows->scan.checks);
    mem_free(rows->carry);
    mem_free(rows);
}

bool json_rows_feed(struct json_rows *rows, const char *bytes, size_t n, size_t *used, bool *ended,
                    struct error *err)
{
    *used = 0;
    *ended = rows->place == ENDED;
    if (rows->place == FAILED)
        return error_set(err, ERROR_FORMAT, "the rows are not valid from %llu rows on",
                         (unsigned long long) rows->count);
    if (!feed(rows, bytes, n, used, err)) {
        rows->place = FAILED;
        return false;
    }
    *ended = rows->place == ENDED;
    return true;
}

uint64_t json_rows_count(const struct json_rows *rows)
{
    return rows->count;
}
