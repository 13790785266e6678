/* What stands in `_weir_rest`, for SQL; see restore.h and compact.c.
 *
 *     weir_rest_<type>(source, column, rest, json)   the column's value: under its key in `rest`, else `json`; either is a JSON
 *                                                    text or null. As from a line: misfits are null and counted
 *     weir_left(source, rest, more)                  what the source's columns do not tell of two objects, the first of
 *                                                    which counts where both have a key; null when that is nothing
 */
#include "engine/duckdb/duck.h"
#include "engine/duckdb/rest.h"
#include "json/value.h"

enum { MEND_TEXT_MAX = 2 * JSON_ROW_MAX };

struct mending {
    struct driver_database *database;
    enum column_type type;
};

static struct str text_at(duckdb_vector vector, size_t row)
{
    const duckdb_string_t *texts = duckdb_vector_get_data(vector);
    if (!duck_valid(duckdb_vector_get_validity(vector), row))
        return (struct str){"", 0};
    return duck_text(&texts[row]);
}

/* The source of a call, whose number is the same in all rows; held. */
static struct source *source_of(struct driver_database *database, duckdb_function_info info,
                                duckdb_data_chunk input)
{
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    struct source *source = source_find(database, numbers[0]);
    if (!source)
        duckdb_scalar_function_set_error(info, "no such source");
    return source;
}

/* --- weir_rest_<type> ----------------------------------------------------------------------------------- */

static struct json_cell cell_of(struct str json)
{
    bool text = json.p[0] == '"' && json.n >= 2;
    struct json_cell cell = {.start = text,
                             .length = (uint32_t) (json.n - 2 * (size_t) text),
                             .kind = (uint8_t) json_value_kind(json)};
    cell.escaped = text && memchr(json.p, '\\', json.n) != NULL;
    return cell;
}

static enum convert_outcome mend(const struct source *source, size_t column, struct str rest,
                                 struct str json, struct buf *scratch, union convert_value *out)
{
    struct json_cell cell;
    if (rest.n > 0 && rest_find(rest, str_of(source->keys[column]), scratch, &cell))
        json = rest;
    else if (json.n > 0)
        cell = cell_of(json);
    else
        return CONVERT_NULL;
    return convert_cell(source->columns.v[column].type, source->zones[column], json.p, &cell,
                        scratch, out);
}

/* Misfits found, or -1 without memory. */
static int64_t mend_rows(const struct source *source, size_t column, duckdb_data_chunk input,
                         duckdb_vector output)
{
    struct buf scratch = BUF_INIT(CONVERT_TEXT_MAX);
    duckdb_vector rests = duckdb_data_chunk_get_vector(input, 2),
                  jsons = duckdb_data_chunk_get_vector(input, 3);
    duckdb_vector_ensure_validity_writable(output);
    struct duck_sink sink = duck_sink(output);
    int64_t misfits = 0;
    enum column_type type = source->columns.v[column].type;
    for (size_t row = 0; row < duckdb_data_chunk_get_size(input) && misfits >= 0; row++) {
        union convert_value value;
        enum convert_outcome outcome =
            mend(source, column, text_at(rests, row), text_at(jsons, row), &scratch, &value);
        if (outcome == CONVERT_VALUE)
            duck_put_value(type, &sink, row, &value);
        else
            duck_put_nothing(type, &sink, row);
        if (outcome == CONVERT_NO_MEMORY)
            misfits = -1;
        else
            misfits += outcome == CONVERT_MISFIT;
    }
    buf_release(&scratch);
    return misfits;
}

static void run_rest(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct mending *mending = duckdb_scalar_function_get_extra_info(info);
    if (duckdb_data_chunk_get_size(input) == 0)
        return;
    const int64_t *columns = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    struct source *source = source_of(mending->database, info, input);
    if (!source)
        return;
    int64_t column = columns[0], misfits = 0;
    if (column < 0 || (size_t) column >= source->columns.n ||
        source->columns.v[column].type != mending->type)
        duckdb_scalar_function_set_error(info, "no such column");
    else
        misfits = mend_rows(source, (size_t) column, input, output);
    if (misfits < 0)
        duckdb_scalar_function_set_error(info, duck_no_memory);
    else
        atomic_fetch_add(&source->signs->misfits, (uint64_t) misfits);
    source_release(source);
}

/* --- weir_left ------------------------------------------------------------------------------------------ */

struct leaving {
    const struct source *source;
    struct buf key, scratch, out;
};

static int find_column(const struct source *source, struct str key)
{
    for (size_t i = 0; i < source->columns.n; i++) {
        if (str_eq(str_of(source->keys[i]), key))
            return (int) i;
    }
    return -1;
}

/* Whether a column of the source tells the value by itself. */
static bool is_told(struct leaving *leaving, struct str key, struct str json)
{
    const struct source *source = leaving->source;
    int column = find_column(source, key);
    if (column < 0)
        return false;
    enum column_type type = source->columns.v[column].type;
    const struct engine_zone *zone = source->zones[column];
    struct json_cell cell = cell_of(json);
    union convert_value value = {.big = 0};
    enum convert_outcome outcome =
        convert_cell(type, zone, json.p, &cell, &leaving->scratch, &value);
    if (convert_keeps(type, zone, json.p, &cell, outcome, type == COLUMN_LONG ? value.big : 0))
        return true;
    unsigned misfit = outcome == CONVERT_VALUE ? 0 : (unsigned) ENGINE_MISFITS;
    if (source->whole)
        atomic_fetch_or(&source->whole->traits[column], (uint_least8_t) (ENGINE_MENDED | misfit));
    return false;
}

/* The members of an object that are not told, nor in `first`. */
static void put_left(struct leaving *leaving, struct str object, struct str first)
{
    struct json_member member;
    struct json_cell ignored;
    for (size_t at = 0; json_next(object, &at, &member);) {
        buf_reset(&leaving->key);
        if (!json_unescape(member.key, &leaving->key))
            buf_put_str(&leaving->key, member.key);
        struct str key = buf_str(&leaving->key);
        if (is_told(leaving, key, member.value) ||
            (first.n > 0 && rest_find(first, key, &leaving->scratch, &ignored)))
            continue;
        buf_putc(&leaving->out, leaving->out.used == 0 ? '{' : ',');
        buf_putc(&leaving->out, '"');
        buf_put_str(&leaving->out, member.key);
        buf_puts(&leaving->out, "\":");
        buf_put_str(&leaving->out, member.value);
    }
}

static bool leave_rows(struct leaving *leaving, duckdb_data_chunk input, duckdb_vector output)
{
    duckdb_vector rests = duckdb_data_chunk_get_vector(input, 1),
                  more = duckdb_data_chunk_get_vector(input, 2);
    duckdb_vector_ensure_validity_writable(output);
    for (size_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        struct str rest = text_at(rests, row);
        buf_reset(&leaving->out);
        put_left(leaving, rest, (struct str){"", 0});
        put_left(leaving, text_at(more, row), rest);
        if (leaving->out.used > 0)
            buf_putc(&leaving->out, '}');
        if (leaving->out.failed || leaving->key.failed || leaving->scratch.failed)
            return false;
        if (leaving->out.used > 0)
            duck_put_text(output, duckdb_vector_get_data(output), row, buf_str(&leaving->out));
        else
            duck_set_null(duckdb_vector_get_validity(output), row);
    }
    return true;
}

static void run_left(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct driver_database *database = duckdb_scalar_function_get_extra_info(info);
    if (duckdb_data_chunk_get_size(input) == 0)
        return;
    struct source *source = source_of(database, info, input);
    if (!source)
        return;
    struct leaving leaving = {.source = source};
    buf_init(&leaving.key, JSON_ROW_MAX);
    buf_init(&leaving.scratch, CONVERT_TEXT_MAX);
    buf_init(&leaving.out, MEND_TEXT_MAX);
    if (!leave_rows(&leaving, input, output))
        duckdb_scalar_function_set_error(info, duck_no_memory);
    buf_release(&leaving.key);
    buf_release(&leaving.scratch);
    buf_release(&leaving.out);
    source_release(source);
}

/* --- registration --------------------------------------------------------------------------------------- */

static void mending_free(void *pointer)
{
    struct mending *mending = pointer;
    database_release(mending->database);
    mem_free(mending);
}

static bool add_rest(struct driver_database *database, duckdb_connection connection,
                     enum column_type type, struct error *err)
{
    struct mending *mending = mem_alloc(1, sizeof *mending, err);
    if (!mending)
        return false;
    *mending = (struct mending){database, type};
    database_hold(database);
    return functions_add(connection, "rest_", column_type_name(type), "llss", duck_letter(type),
                         run_rest, mending, mending_free, err);
}

bool mend_register(struct driver_database *database, duckdb_connection connection,
                   struct error *err)
{
    for (int type = 0; type < COLUMN_TYPE_COUNT; type++) {
        if (!add_rest(database, connection, (enum column_type) type, err))
            return false;
    }
    database_hold(database);
    return functions_add(connection, "", "left", "lss", 's', run_left, database, database_release,
                         err);
}
