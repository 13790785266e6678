/* The right side of a day, its files: see prove.h.
 *
 * Values go from the vectors of a file straight into the identities of their rows, by blocks of rows and column by column.
 * A row with something in `_weir_rest`, and one of a file whose columns are others by now, becomes a line again (restore.h).
 */
#include "compact/prove.h"

#include "base/tick.h"
#include "query/restore.h"

enum { NONE = -1 };

/* A column of the file that is one of the schema. */
struct way {
    size_t column;    /* of the schema */
    int value, ticks; /* of the file; NONE: there are none */
    enum column_type type;
};

struct file_side {
    const struct engine_compacted *file;
    struct lake_rows *rows;
    struct lake_block *block;
    struct query_restore *restore;
    struct way *ways; /* in order of the schema */
    size_t n;
    bool direct; /* all columns of the file have a way */
    int rest, source, item;
    struct compact_shared *shared;
    struct compact_sum *sum;
};

void compact_shared_release(struct compact_shared *shared)
{
    mem_free(shared->v);
    *shared = (struct compact_shared){0};
}

/* --- which columns ---------------------------------------------------------------------------------------- */

/* A column of the schema that the file has as it is now. */
static bool find_way(struct way *way, const struct engine_compacted *file,
                     const struct column *column, const struct columns *raw)
{
    struct buf ticks = BUF_INIT(2 * COLUMN_NAME_MAX);
    int at = columns_find(file->columns, str_of(column->name));
    if (at < 0 || file->columns->v[at].type != column->type)
        return false;
    way->type = column->type;
    way->value = columns_find(raw, str_of(column->name));
    way->ticks = NONE;
    buf_printf(&ticks, "%s__ticks", column->name);
    if (file->traits[at] & LAKE_DAY_TICKS)
        way->ticks = columns_find(raw, buf_str(&ticks));
    buf_release(&ticks);
    return true;
}

static bool find_ways(struct file_side *side, const struct columns *schema,
                      const struct columns *raw, struct error *err)
{
    side->ways = mem_alloc(schema->n, sizeof *side->ways, err);
    if (!side->ways)
        return false;
    for (size_t i = 0; i < schema->n; i++) {
        side->ways[side->n].column = i;
        side->n += find_way(&side->ways[side->n], side->file, &schema->v[i], raw);
    }
    side->direct = side->n == side->file->columns->n;
    side->rest = columns_find(raw, STR("_weir_rest"));
    side->source = columns_find(raw, STR("_weir_source"));
    side->item = columns_find(raw, STR("_ItemId"));
    return true;
}

/* --- values ----------------------------------------------------------------------------------------------- */

static uint64_t bits_from(const struct engine_vector *vector, size_t first)
{
    return vector->valid ? vector->valid[first / LAKE_BLOCK_ROWS] : UINT64_MAX;
}

/* Those of `there` whose text is not empty. */
static uint64_t not_empty(const struct str *texts, uint64_t there)
{
    uint64_t filled = 0;
    for (uint64_t left = there; left; left &= left - 1) {
        unsigned row = (unsigned) __builtin_ctzll(left);
        filled |= (uint64_t) (texts[row].n > 0) << row;
    }
    return filled;
}

static int64_t whole_number(const struct engine_vector *vector, size_t row)
{
    return vector->type == COLUMN_INT ? ((const int32_t *) vector->values)[row]
                                      : ((const int64_t *) vector->values)[row];
}

/* Microseconds and what stands beside them, as ticks. */
static bool to_ticks(const struct engine_vector *micros, const struct engine_vector *ticks,
                     size_t first, uint64_t there, int64_t out[LAKE_BLOCK_ROWS], struct error *err)
{
    const int64_t most = (TICK_MAX - TICK_UNIX_EPOCH) / TICK_MICROSECOND;
    const int64_t least = -TICK_UNIX_EPOCH / TICK_MICROSECOND;
    const int64_t *values = micros->values;
    for (uint64_t left = there; left; left &= left - 1) {
        size_t row = (size_t) __builtin_ctzll(left);
        int64_t at = values[first + row], finer = ticks ? whole_number(ticks, first + row) : 0;
        if (at < least || at > most || finer < 0 || finer >= TICK_MICROSECOND)
            return error_set(err, ERROR_FORMAT, "a time of the file is none");
        out[row] = TICK_UNIX_EPOCH + at * TICK_MICROSECOND + finer;
    }
    return true;
}

static const void *values_from(const struct engine_vector *vector, size_t first)
{
    switch (vector->type) {
    case COLUMN_BOOL:
        return (const bool *) vector->values + first;
    case COLUMN_INT:
        return (const int32_t *) vector->values + first;
    case COLUMN_REAL:
        return (const double *) vector->values + first;
    default:
        return (const int64_t *) vector->values + first;
    }
}

static bool put_way(struct file_side *side, const struct way *way, const struct engine_chunk *chunk,
                    size_t first, uint64_t wanted, struct error *err)
{
    const struct engine_vector *vector = &chunk->vectors[way->value];
    int64_t ticks[LAKE_BLOCK_ROWS];
    uint64_t there = wanted & bits_from(vector, first);
    const void *values;
    if (vector->text) {
        values = vector->text + first;
        there = not_empty(values, there);
    } else if (way->type == COLUMN_DATETIME) {
        values = ticks;
        if (!to_ticks(vector, way->ticks == NONE ? NULL : &chunk->vectors[way->ticks], first, there,
                      ticks, err))
            return false;
    } else {
        values = values_from(vector, first);
    }
    return there == 0 || lake_block_put(side->block, way->column, values, there, err);
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static bool is_left_out(const struct engine_compacted *file, uint32_t source)
{
    size_t low = 0, high = file->left_out_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->left_out[middle] == source)
            return true;
        *(file->left_out[middle] < source ? &low : &high) =
            file->left_out[middle] < source ? middle + 1 : middle;
    }
    return false;
}

/* The rows of a block that count. */
static uint64_t find_wanted(const struct file_side *side, const struct engine_chunk *chunk,
                            size_t first)
{
    size_t n = chunk->rows - first;
    uint64_t wanted = n < LAKE_BLOCK_ROWS ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    if (side->file->left_out_count == 0)
        return wanted;
    for (uint64_t left = wanted; left; left &= left - 1) {
        size_t row = (size_t) __builtin_ctzll(left);
        uint32_t source = query_restore_source(side->restore, chunk, first + row);
        if (is_left_out(side->file, source))
            wanted &= ~(UINT64_C(1) << row);
    }
    return wanted;
}

static bool take_lines(struct file_side *side, const struct engine_chunk *chunk, size_t first,
                       uint64_t rows, struct error *err)
{
    struct str line;
    struct lake_row_key key;
    for (; rows; rows &= rows - 1) {
        size_t row = first + (size_t) __builtin_ctzll(rows);
        if (!query_restore_line(side->restore, chunk, row, &line, err) ||
            !lake_row_whole(side->rows, line, &key, err))
            return false;
        lake_row_sum(&side->sum->hash, &key);
    }
    return true;
}

static bool share_row(struct file_side *side, uint32_t source, struct str item, struct error *err)
{
    const struct engine_compacted *file = side->file;
    struct compact_shared *shared = side->shared;
    uint64_t hash[2];
    for (size_t i = 0; i < file->shared_count; i++) {
        if (file->shared[i].source != source)
            continue;
        if (!mem_reserve(&shared->v, &shared->room, shared->n, ENGINE_GROUP_ROWS_MAX,
                         sizeof *shared->v, err))
            return false;
        hash_xx128(item, hash);
        shared->v[shared->n++] = (struct compact_shared_id){.id = {.high = hash[1], .low = hash[0]},
                                                            .group = file->shared[i].group};
    }
    return true;
}

static bool share(struct file_side *side, const struct engine_chunk *chunk, size_t first,
                  uint64_t rows, struct error *err)
{
    const struct engine_vector *item = side->item < 0 ? NULL : &chunk->vectors[side->item];
    if (!side->shared || side->file->shared_count == 0 || !item || !item->text)
        return true;
    for (rows = not_empty(item->text + first, rows & bits_from(item, first)); rows;
         rows &= rows - 1) {
        size_t row = first + (size_t) __builtin_ctzll(rows);
        if (!share_row(side, query_restore_source(side->restore, chunk, row),
                       engine_text(item, row), err))
            return false;
    }
    return true;
}

static bool take_block(struct file_side *side, const struct engine_chunk *chunk, size_t first,
                       struct error *err)
{
    uint64_t wanted = find_wanted(side, chunk, first), odd = wanted;
    side->sum->rows += (uint64_t) __builtin_popcountll(wanted);
    if (side->direct) {
        uint64_t resting =
            side->rest < 0 ? 0 : wanted & bits_from(&chunk->vectors[side->rest], first);
        lake_block_begin(side->block);
        for (size_t i = 0; i < side->n; i++)
            if (!put_way(side, &side->ways[i], chunk, first, wanted & ~resting, err))
                return false;
        lake_block_end(side->block, wanted & ~resting, &side->sum->hash, &odd);
        odd |= resting;
    }
    return take_lines(side, chunk, first, odd, err) && share(side, chunk, first, wanted, err);
}

static bool stopped(const struct stop *stop, struct error *err)
{
    return stop_asked(stop) && !error_set(err, ERROR_INTERRUPTED, "interrupted");
}

static bool take_chunks(struct file_side *side, struct engine_result *result,
                        const struct stop *stop, struct error *err)
{
    const struct engine_chunk *chunk = NULL;
    do {
        if (stopped(stop, err) || !engine_next(result, &chunk, err))
            return false;
        for (size_t first = 0; chunk && first < chunk->rows; first += LAKE_BLOCK_ROWS)
            if (!take_block(side, chunk, first, err))
                return false;
    } while (chunk);
    return true;
}

bool compact_sum_file(struct engine_task *task, struct lake_rows *rows,
                      const struct columns *schema, const struct engine_compacted *file,
                      const struct stop *stop, struct compact_shared *shared,
                      struct compact_sum *sum, struct error *err)
{
    struct file_side side = {.file = file, .rows = rows, .shared = shared, .sum = sum};
    struct columns raw = {0};
    struct engine_result *result = engine_raw(task, file->path, &raw, err);
    if (result)
        side.restore = query_restore_new(file->columns, file->traits, file->rest, &raw, err);
    side.block = side.restore ? lake_block_new(rows, err) : NULL;
    bool ok =
        side.block && find_ways(&side, schema, &raw, err) && take_chunks(&side, result, stop, err);
    lake_block_free(side.block);
    query_restore_free(side.restore);
    mem_free(side.ways);
    engine_result_free(result);
    columns_release(&raw);
    return ok || error_prefix(err, "the file as it was read back");
}
