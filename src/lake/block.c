/* Rows by column: see row.h. A block has a feed for each row, which its columns are put behind one after the other. */
#include "lake/rows.h"

#include "base/memory.h"

#include <math.h>

struct lake_block {
    struct lake_rows *rows;
    uint64_t *feeds; /* LAKE_BLOCK_ROWS, each of `room` words */
    size_t room;
    size_t used[LAKE_BLOCK_ROWS]; /* words */
    uint64_t timed;               /* rows that have a TimeGenerated */
    uint64_t odd, unsure;
    size_t time_at[LAKE_BLOCK_ROWS]; /* where it stands in the feed */
};

struct lake_block *lake_block_new(struct lake_rows *rows, struct error *err)
{
    struct lake_block *block = mem_alloc(1, sizeof *block, err);
    if (!block)
        return NULL;
    block->rows = rows;
    block->room = rows->columns.n * MARK_WORDS;
    block->feeds = mem_alloc(LAKE_BLOCK_ROWS * block->room, sizeof *block->feeds, err);
    if (block->feeds)
        return block;
    lake_block_free(block);
    return NULL;
}

void lake_block_free(struct lake_block *block)
{
    if (!block)
        return;
    mem_free(block->feeds);
    mem_free(block);
}

void lake_block_begin(struct lake_block *block)
{
    memset(block->used, 0, sizeof block->used);
    block->timed = block->odd = block->unsure = 0;
}

static inline size_t first_of(uint64_t there)
{
    return (size_t) __builtin_ctzll(there);
}

static inline void put(struct lake_block *block, size_t column, size_t row, struct mark mark)
{
    uint64_t *feed = block->feeds + row * block->room + block->used[row];
    if (mark.kind == MARK_NONE)
        return;
    feed[0] = column;
    memcpy(feed + 1, &mark, sizeof mark);
    block->used[row] += MARK_WORDS;
}

static void put_longs(struct lake_block *block, size_t column, const int64_t *values,
                      uint64_t there, enum mark_kind kind)
{
    for (; there; there &= there - 1) {
        size_t row = first_of(there);
        put(block, column, row, mark_of(kind, (uint64_t) values[row]));
    }
}

/* Where TimeGenerated stands is kept: what is told later may speak against it. */
static void put_times(struct lake_block *block, const int64_t *values, uint64_t there)
{
    block->timed = there;
    for (uint64_t left = there; left; left &= left - 1) {
        size_t row = first_of(left);
        block->time_at[row] = block->used[row];
    }
    if (!block->rows->unsure)
        put_longs(block, block->rows->time, values, there, MARK_TIME);
}

static void put_texts(struct lake_block *block, size_t column, const struct str *texts,
                      uint64_t there)
{
    for (; there; there &= there - 1) {
        size_t row = first_of(there);
        put(block, column, row, mark_text(MARK_TEXT, texts[row]));
    }
}

static bool put_dynamics(struct lake_block *block, size_t column, const struct str *texts,
                         uint64_t there, struct error *err)
{
    struct marks *marks = &block->rows->marks;
    for (; there; there &= there - 1) {
        size_t row = first_of(there);
        struct str value = str_trim(texts[row]);
        struct mark mark;
        if (!json_valid(value))
            return error_set(err, ERROR_FORMAT, "a dynamic value that is no JSON");
        buf_reset(&marks->text);
        if (!mark_dynamic(marks, value, json_value_kind(value), &mark))
            return buf_ok(&marks->text, "a value", err) &&
                   error_set(err, ERROR_FORMAT, "a value that is nested too deep");
        put(block, column, row, mark);
    }
    return true;
}

/* decimal and guid: what is none is told apart by its text. */
static bool put_typed(struct lake_block *block, size_t column, const struct str *texts,
                      uint64_t there, struct error *err)
{
    struct marks *marks = &block->rows->marks;
    for (; there; there &= there - 1) {
        size_t row = first_of(there);
        struct mark mark;
        buf_reset(&marks->text);
        if (!mark_typed(marks, texts[row], block->rows->columns.v[column].type, &mark))
            mark = mark_text(MARK_TEXT, texts[row]);
        if (!buf_ok(&marks->text, "a value", err))
            return false;
        put(block, column, row, mark);
    }
    return true;
}

static struct mark mark_real_value(double value)
{
    uint64_t bits = 0;
    if (isnan(value))
        return (struct mark){MARK_REAL, {1, 1}};
    if (isinf(value))
        return (struct mark){MARK_REAL, {value > 0 ? 2 : 3, 1}};
    value = value == 0 ? 0 : value; /* no minus */
    memcpy(&bits, &value, sizeof bits);
    return mark_of(MARK_REAL, bits);
}

static void put_others(struct lake_block *block, size_t column, const void *values, uint64_t there)
{
    enum column_type type = block->rows->columns.v[column].type;
    for (; there; there &= there - 1) {
        size_t row = first_of(there);
        if (type == COLUMN_BOOL)
            put(block, column, row,
                mark_of(((const bool *) values)[row] ? MARK_TRUE : MARK_FALSE, 0));
        else if (type == COLUMN_INT)
            put(block, column, row,
                mark_of(MARK_INTEGER, (uint64_t) (int64_t) ((const int32_t *) values)[row]));
        else
            put(block, column, row, mark_real_value(((const double *) values)[row]));
    }
}

/* --- other places of the time ----------------------------------------------------------------------------- */

static bool is_number_form(const struct place *place)
{
    return place->form == PLACE_SECONDS || place->form == PLACE_MILLISECONDS;
}

/* What the column may say against TimeGenerated, if it is another place of the time. A number is a time or none; of
 * one place alone a text can be asked here; all else is for who reads the line. */
static void look_at_place(struct lake_block *block, size_t column, const void *values,
                          uint64_t there)
{
    const struct lake_rows *rows = block->rows;
    const struct place *place = NULL;
    enum column_type type = rows->columns.v[column].type;
    int64_t tick;
    for (size_t i = 0; i < rows->n_places; i++)
        place = rows->places[i].key == column ? &rows->places[i] : place;
    if (!place || column == rows->time)
        return;
    if (rows->n_places > 1) {
        block->odd |= there;
        return;
    }
    if (is_number_form(place) || type == COLUMN_DATETIME)
        return;
    if (type != COLUMN_STRING) {
        block->odd |= there;
        return;
    }
    for (uint64_t left = there; left; left &= left - 1) {
        size_t row = first_of(left);
        if (rows_tell_text(place, ((const struct str *) values)[row], &tick) == TOLD_UNSURE)
            block->unsure |= UINT64_C(1) << row;
    }
}

bool lake_block_put(struct lake_block *block, size_t column, const void *values, uint64_t there,
                    struct error *err)
{
    if (block->rows->n_places > 0)
        look_at_place(block, column, values, there);
    if (column == block->rows->time) {
        put_times(block, values, there);
        return true;
    }
    switch (block->rows->columns.v[column].type) {
    case COLUMN_LONG:
        put_longs(block, column, values, there, MARK_INTEGER);
        return true;
    case COLUMN_DATETIME:
        put_longs(block, column, values, there, MARK_TIME);
        return true;
    case COLUMN_TIMESPAN:
        put_longs(block, column, values, there, MARK_SPAN);
        return true;
    case COLUMN_BOOL:
    case COLUMN_INT:
    case COLUMN_REAL:
        put_others(block, column, values, there);
        return true;
    case COLUMN_STRING:
        put_texts(block, column, values, there);
        return true;
    case COLUMN_DYNAMIC:
        return put_dynamics(block, column, values, there, err);
    default:
        return put_typed(block, column, values, there, err);
    }
}

/* Without the row's time, which stands at time_at. */
static void leave_time(struct lake_block *block, size_t row)
{
    uint64_t *feed = block->feeds + row * block->room;
    size_t at = block->time_at[row], behind = at + MARK_WORDS;
    if (block->rows->unsure || !(block->timed >> row & 1))
        return;
    memmove(feed + at, feed + behind, (block->used[row] - behind) * sizeof *feed);
    block->used[row] -= MARK_WORDS;
}

void lake_block_end(struct lake_block *block, uint64_t wanted, struct lake_row_key *sum,
                    uint64_t *odd)
{
    if (block->rows->n_places > 0)
        block->odd |= ~block->timed; /* another place may tell it */
    *odd = wanted & block->odd;
    for (uint64_t left = wanted & ~block->odd; left; left &= left - 1) {
        size_t row = first_of(left);
        uint64_t hash[2];
        if (block->unsure >> row & 1)
            leave_time(block, row);
        hash_xx128(mark_words(block->feeds + row * block->room, block->used[row]), hash);
        const struct lake_row_key columns = {.high = hash[1], .low = hash[0]};
        const struct lake_row_key whole = rows_whole_of(&columns, &(struct lake_row_key){0});
        lake_row_sum(sum, &whole);
    }
}
