/* Registers our functions with DuckDB, and runs them over its vectors; see duck.h, call.h.
 *
 * All handle nulls themselves (duckdb_scalar_function_set_special_handling): DuckDB hands null rows over like any other,
 * with whatever stands in their place.
 */
#include "engine/duckdb/call.h"
#include "engine/duckdb/duck.h"

/* --- vectors to values and back ------------------------------------------------------------------------- */

struct input_vector {
    char letter;
    const void *data;
    const uint64_t *validity;
};

struct output_vector {
    char letter;
    duckdb_vector vector;
    void *data;
    uint64_t *validity;
};

static struct output_vector open_output(char letter, duckdb_vector vector)
{
    duckdb_vector_ensure_validity_writable(vector);
    return (struct output_vector){letter, vector, duckdb_vector_get_data(vector),
                                  duckdb_vector_get_validity(vector)};
}

static void load(const struct input_vector *vector, size_t row, union call_value *out)
{
    switch (vector->letter) {
    case 'b':
        out->b = ((const bool *) vector->data)[row];
        break;
    case 'i':
        out->i = ((const int32_t *) vector->data)[row];
        break;
    case 'l':
        out->l = ((const int64_t *) vector->data)[row];
        break;
    case 'r':
        out->r = ((const double *) vector->data)[row];
        break;
    case 'h': {
        const duckdb_hugeint *huge = (const duckdb_hugeint *) vector->data + row;
        out->h.low = huge->lower;
        out->h.high = huge->upper;
        break;
    }
    default:
        out->s = duck_text((const duckdb_string_t *) vector->data + row);
    }
}

static void store(const struct output_vector *vector, size_t row, const union call_value *value)
{
    switch (vector->letter) {
    case 'b':
        ((bool *) vector->data)[row] = value->b;
        break;
    case 'i':
        ((int32_t *) vector->data)[row] = value->i;
        break;
    case 'l':
        ((int64_t *) vector->data)[row] = value->l;
        break;
    case 'r':
        ((double *) vector->data)[row] = value->r;
        break;
    default:
        duck_put_text(vector->vector, vector->data, row, value->s);
    }
}

/* --- the functions of KQL's SQL ------------------------------------------------------------------------- */

static bool load_row(const struct input_vector *inputs, size_t count, size_t row,
                     union call_value *arguments)
{
    for (size_t i = 0; i < count; i++) {
        if (!duck_valid(inputs[i].validity, row))
            return false;
        load(&inputs[i], row, &arguments[i]);
    }
    return true;
}

static bool run_rows(const struct call_function *function, const struct input_vector *inputs,
                     size_t count, size_t rows, const struct output_vector *output)
{
    struct call call;
    call_init(&call);
    for (size_t row = 0; row < rows; row++) {
        union call_value arguments[CALL_ARGUMENTS_MAX], value;
        if (load_row(inputs, count, row, arguments) && function->run(&call, arguments, &value) &&
            call_ok(&call))
            store(output, row, &value);
        else
            duck_set_null(output->validity, row);
        if (!call_ok(&call))
            break;
    }
    bool ok = call_ok(&call);
    call_release(&call);
    return ok;
}

static void run_function(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct call_function *function = duckdb_scalar_function_get_extra_info(info);
    struct input_vector inputs[CALL_ARGUMENTS_MAX];
    size_t rows = duckdb_data_chunk_get_size(input), count = strlen(function->arguments);
    for (size_t i = 0; i < count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, i);
        inputs[i] = (struct input_vector){function->arguments[i], duckdb_vector_get_data(vector),
                                          duckdb_vector_get_validity(vector)};
    }
    struct output_vector out = open_output(function->result, output);
    if (!run_rows(function, inputs, count, rows, &out))
        duckdb_scalar_function_set_error(info, duck_no_memory);
}

/* --- the conversions of text in files ------------------------------------------------------------------- */

struct conversion {
    struct driver_database *database;
    enum column_type type;
};

char duck_letter(enum column_type type)
{
    switch (duck_type(type)) {
    case DUCKDB_TYPE_BOOLEAN:
        return 'b';
    case DUCKDB_TYPE_INTEGER:
        return 'i';
    case DUCKDB_TYPE_BIGINT:
        return 'l';
    case DUCKDB_TYPE_DOUBLE:
        return 'r';
    default:
        return 's';
    }
}

static void convert_out(enum column_type type, const union convert_value *from,
                        union call_value *to)
{
    switch (duck_letter(type)) {
    case 'b':
        to->b = from->boolean;
        break;
    case 'i':
        to->i = from->integer;
        break;
    case 'l':
        to->l = from->big;
        break;
    case 'r':
        to->r = from->real;
        break;
    default:
        to->s = from->text;
    }
}

/* Misfits found, or -1 without memory. */
static int64_t convert_rows(enum column_type type, const struct engine_zone *zone,
                            const struct input_vector *texts, size_t rows,
                            const struct output_vector *output)
{
    struct buf scratch = BUF_INIT(CONVERT_TEXT_MAX);
    int64_t misfits = 0;
    for (size_t row = 0; row < rows && misfits >= 0; row++) {
        union call_value text, value;
        union convert_value converted;
        enum convert_outcome outcome = CONVERT_NULL;
        if (duck_valid(texts->validity, row)) {
            load(texts, row, &text);
            outcome = convert_text(type, zone, text.s, &scratch, &converted);
        }
        if (outcome == CONVERT_VALUE) {
            convert_out(type, &converted, &value);
            store(output, row, &value);
            continue;
        }
        duck_set_null(output->validity, row);
        if (outcome == CONVERT_NO_MEMORY)
            misfits = -1;
        else
            misfits += outcome == CONVERT_MISFIT;
    }
    buf_release(&scratch);
    return misfits;
}

static void run_conversion(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct conversion *conversion = duckdb_scalar_function_get_extra_info(info);
    size_t rows = duckdb_data_chunk_get_size(input);
    if (rows == 0)
        return;
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const int64_t *columns = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 2);
    struct source *source = source_find(conversion->database, numbers[0]);
    if (!source || columns[0] < 0 || (size_t) columns[0] >= source->columns.n) {
        duckdb_scalar_function_set_error(info, "no such source");
        source_release(source);
        return;
    }
    struct input_vector texts = {'s', duckdb_vector_get_data(vector),
                                 duckdb_vector_get_validity(vector)};
    struct output_vector out = open_output(duck_letter(conversion->type), output);
    int64_t misfits = convert_rows(conversion->type, source->zones[columns[0]], &texts, rows, &out);
    if (misfits < 0)
        duckdb_scalar_function_set_error(info, duck_no_memory);
    else
        atomic_fetch_add(&source->signs->misfits, (uint64_t) misfits);
    source_release(source);
}

/* weir_utc(source number, column number, ticks of a wall clock): ticks of UTC; null where they are beyond all years. */
static void run_utc(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct driver_database *database = duckdb_scalar_function_get_extra_info(info);
    size_t rows = duckdb_data_chunk_get_size(input);
    if (rows == 0)
        return;
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const int64_t *columns = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 2);
    const int64_t *walls = duckdb_vector_get_data(vector);
    const uint64_t *valid = duckdb_vector_get_validity(vector);
    struct source *source = source_find(database, numbers[0]);
    if (!source || columns[0] < 0 || (size_t) columns[0] >= source->columns.n) {
        duckdb_scalar_function_set_error(info, "no such source");
        source_release(source);
        return;
    }
    struct output_vector out = open_output('l', output);
    for (size_t row = 0; row < rows; row++) {
        int64_t tick =
            duck_valid(valid, row) ? engine_zone_utc(source->zones[columns[0]], walls[row]) : -1;
        ((int64_t *) out.data)[row] = tick;
        if (tick < 0 || tick > TICK_MAX)
            duck_set_null(out.validity, row);
    }
    source_release(source);
}

/* --- registration --------------------------------------------------------------------------------------- */

static duckdb_type type_of_letter(char letter)
{
    switch (letter) {
    case 'b':
        return DUCKDB_TYPE_BOOLEAN;
    case 'i':
        return DUCKDB_TYPE_INTEGER;
    case 'l':
        return DUCKDB_TYPE_BIGINT;
    case 'r':
        return DUCKDB_TYPE_DOUBLE;
    case 'h':
        return DUCKDB_TYPE_HUGEINT;
    default:
        return DUCKDB_TYPE_VARCHAR;
    }
}

bool functions_add(duckdb_connection connection, const char *prefix, const char *name,
                   const char *arguments, char result, duckdb_scalar_function_t run, void *extra,
                   duckdb_delete_callback_t release, struct error *err)
{
    struct buf full = BUF_INIT(256);
    duckdb_scalar_function function = duckdb_create_scalar_function();
    buf_printf(&full, "weir_%s%s", prefix, name);
    duckdb_scalar_function_set_name(function, buf_text(&full));
    for (const char *letter = arguments; *letter; letter++) {
        duckdb_logical_type type = duckdb_create_logical_type(type_of_letter(*letter));
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type type = duckdb_create_logical_type(type_of_letter(result));
    duckdb_scalar_function_set_return_type(function, type);
    duckdb_destroy_logical_type(&type);
    duckdb_scalar_function_set_special_handling(function);
    duckdb_scalar_function_set_extra_info(function, extra, release);
    duckdb_scalar_function_set_function(function, run);
    bool ok = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&function);
    if (!ok)
        (void) error_set(err, ERROR_INTERNAL, "DuckDB does not take the function %s",
                         buf_text(&full));
    buf_release(&full);
    return ok;
}

static void conversion_free(void *pointer)
{
    struct conversion *conversion = pointer;
    database_release(conversion->database);
    mem_free(conversion);
}

static bool add_conversion(struct driver_database *database, duckdb_connection connection,
                           enum column_type type, struct error *err)
{
    struct conversion *conversion = mem_alloc(1, sizeof *conversion, err);
    if (!conversion)
        return false;
    *conversion = (struct conversion){database, type};
    database_hold(database);
    return functions_add(connection, "in_", column_type_name(type), "lls", duck_letter(type),
                         run_conversion, conversion, conversion_free, err);
}

bool functions_register(struct driver_database *database, duckdb_connection connection,
                        struct error *err)
{
    for (size_t i = 0; i < call_function_count; i++) {
        const struct call_function *function = &call_functions[i];
        if (!functions_add(connection, "", function->name, function->arguments, function->result,
                           run_function, (void *) (uintptr_t) function, NULL, err))
            return false;
    }
    database_hold(database);
    if (!functions_add(connection, "", "utc", "lll", 'l', run_utc, database, database_release, err))
        return false;
    for (int type = 0; type < COLUMN_TYPE_COUNT; type++) {
        if (type != COLUMN_STRING &&
            !add_conversion(database, connection, (enum column_type) type, err))
            return false;
    }
    return true;
}
