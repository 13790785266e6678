/* weir_lines(number): the rows of a source's files of JSON as a DuckDB table function.
 *
 * DuckDB calls init once a query with the columns it wants, local_init and fill on each of its threads. A row
 * is written into the vectors straight from the scanner's cells; only those columns are looked for in the text. Of a source
 * that is to be compacted all columns are, wanted or not, so that what they do not tell is found (rest.h).
 */
#include "engine/duckdb/duck.h"
#include "engine/duckdb/rest.h"
#include "engine/duckdb/scan.h"

#include <stdio.h>

enum {
    CANCEL_EVERY = 1024, /* objects after which the task is asked whether it was cancelled */
    KEYS_OF_OURS = 2     /* looked for beside the wanted ones: a row's time, its id */
};

/* One output column. */
struct target {
    enum column_type type;
    size_t column;   /* of the source */
    size_t key;      /* of the scan */
    size_t position; /* among the output vectors; NO_KEY: it is only looked at */
    const struct engine_zone *zone;
};

static const size_t NO_KEY = SIZE_MAX >> 1;
static const char *const id_name = "_ItemId";

/* Of a query: shared by its threads, read only but for the scan. */
struct query_state {
    struct source *source;
    struct scan *scan;
    struct str *keys;
    size_t key_count;
    struct target *targets;
    size_t count;
    size_t row_position; /* of _weir_row among the output vectors; NO_KEY: not wanted */
    size_t rest_position, source_position; /* likewise */
    size_t time_key;                       /* of TimeGenerated; NO_KEY: nobody asks for it */
    size_t *time_keys;                     /* of the source's other keys of it */
    bool bounded;                          /* a row's time decides whether it is wanted */
};

/* Of a thread. */
struct thread_state {
    struct scan_hand *hand;
    struct duck_sink *sinks;
    struct rest *rest; /* of a source that is looked at whole */
    struct buf scratch;
    uint64_t misfits, doubled, bytes;
};

/* --- bind: the columns ---------------------------------------------------------------------------------- */

static void add_column(duckdb_bind_info info, const char *name, duckdb_type id)
{
    duckdb_logical_type type = duckdb_create_logical_type(id);
    duckdb_bind_add_result_column(info, name, type);
    duckdb_destroy_logical_type(&type);
}

/* Columns are c0, c1 and so on: names of DuckDB are told apart without case. */
static void lines_bind(duckdb_bind_info info)
{
    struct driver_database *database = duckdb_bind_get_extra_info(info);
    duckdb_value value = duckdb_bind_get_parameter(info, 0);
    struct source *source = source_find(database, duckdb_get_int64(value));
    duckdb_destroy_value(&value);
    if (!source) {
        duckdb_bind_set_error(info, "no such source");
        return;
    }
    for (size_t i = 0; i < source->columns.n; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "c%zu", i);
        add_column(info, name, duck_type(source->columns.v[i].type));
    }
    add_column(info, DUCK_ROW_COLUMN, DUCKDB_TYPE_BIGINT);
    if (source->whole) {
        add_column(info, DUCK_REST_COLUMN, DUCKDB_TYPE_VARCHAR);
        add_column(info, DUCK_SOURCE_COLUMN, DUCKDB_TYPE_INTEGER);
    }
    duckdb_bind_set_bind_data(info, source, source_release);
}

/* --- init: which of them are wanted --------------------------------------------------------------------- */

static void query_state_free(void *pointer)
{
    struct query_state *state = pointer;
    if (!state)
        return;
    scan_free(state->scan);
    source_release(state->source);
    mem_free(state->keys);
    mem_free(state->targets);
    mem_free(state->time_keys);
    mem_free(state);
}

/* The number of a key in the scan's list, added when it is new. */
static size_t use_key(struct query_state *state, const char *key)
{
    for (size_t i = 0; i < state->key_count; i++) {
        if (str_eq(state->keys[i], str_of(key)))
            return i;
    }
    state->keys[state->key_count] = str_of(key);
    return state->key_count++;
}

static void add_target(struct query_state *state, size_t column, size_t position)
{
    const struct source *source = state->source;
    size_t n = source->columns.n, ours = source->whole ? 3 : 1;
    size_t *const own[] = {&state->row_position, &state->rest_position, &state->source_position};
    if (column >= n) {
        if (column < n + ours) /* else one that DuckDB makes up to count rows */
            *own[column - n] = position;
        return;
    }
    state->targets[state->count++] = (struct target){
        .type = source->columns.v[column].type,
        .column = column,
        .key = use_key(state, source->keys[column]),
        .position = position,
        .zone = source->zones[column],
    };
}

/* Those that nobody wants, when the line is looked at whole. */
static void add_unwanted(struct query_state *state)
{
    size_t wanted = state->count;
    for (size_t column = 0; column < state->source->columns.n; column++) {
        size_t i = 0;
        while (i < wanted && state->targets[i].column != column)
            i++;
        if (i == wanted)
            add_target(state, column, NO_KEY);
    }
}

/* The keys of a row's time, if it is asked for. */
static void add_times(struct query_state *state)
{
    const struct source *source = state->source;
    bool asked = false;
    state->bounded = source_bounded(source);
    for (size_t i = 0; i < state->count; i++)
        asked = asked || (int) state->targets[i].column == source->time_column;
    if (!state->bounded && !asked)
        return;
    state->time_key = use_key(state, source->keys[source->time_column]);
    for (size_t i = 0; i < source->time_count; i++)
        state->time_keys[i] = use_key(state, source->times[i].key);
}

static size_t most_hands(const struct source *source)
{
    size_t runs = source->opener.runs;
    return runs > 0 && runs < source->threads ? runs : source->threads;
}

static bool begin_scan(struct query_state *state, struct error *err)
{
    const struct source *source = state->source;
    struct scan_options options = {
        .paths = (const char *const *) source->paths,
        .count = source->count,
        .hands = most_hands(source),
        .opener = source->opener.open ? &source->opener : NULL,
        .sizes = source->sizes,
        .groups = source->groups,
        .roles = source->roles,
        .seeds = source->seeds,
        .seed_count = source->seed_count,
    };
    add_times(state);
    if (source->groups)
        options.id_key = use_key(state, id_name);
    options.keys = state->keys;
    options.key_count = state->key_count;
    state->scan = scan_new(&options, err);
    return state->scan != NULL;
}

static struct query_state *query_state_new(struct source *source, duckdb_init_info info,
                                           struct error *err)
{
    struct query_state *state = mem_alloc(1, sizeof *state, err);
    size_t wanted = duckdb_init_get_column_count(info),
           most = wanted + (source->whole ? source->columns.n : 0);
    if (!state)
        return NULL;
    source_hold(source);
    state->source = source;
    state->row_position = state->rest_position = state->source_position = NO_KEY;
    state->time_key = NO_KEY;
    state->keys = mem_alloc(most + source->time_count + KEYS_OF_OURS, sizeof state->keys[0], err);
    state->targets = mem_alloc(most, sizeof state->targets[0], err);
    state->time_keys = mem_alloc(source->time_count, sizeof state->time_keys[0], err);
    bool ok = state->keys && state->targets && state->time_keys;
    for (size_t i = 0; ok && i < wanted; i++)
        add_target(state, duckdb_init_get_column_index(info, i), i);
    if (ok && source->whole)
        add_unwanted(state);
    if (!ok || !begin_scan(state, err)) {
        query_state_free(state);
        return NULL;
    }
    return state;
}

static void lines_init(duckdb_init_info info)
{
    struct error err = ERROR_INIT;
    struct source *source = duckdb_init_get_bind_data(info);
    struct query_state *state = query_state_new(source, info, &err);
    if (!state) {
        struct buf text = BUF_INIT(2 * ERROR_MESSAGE_MAX);
        duckdb_init_set_error(info, duck_error_text(&err, &text));
        buf_release(&text);
        return;
    }
    size_t pieces = scan_pieces(state->scan), threads = most_hands(source);
    duckdb_init_set_max_threads(info, pieces < threads ? (pieces > 0 ? pieces : 1) : threads);
    duckdb_init_set_init_data(info, state, query_state_free);
}

/* --- local init: a thread's hand ------------------------------------------------------------------------ */

static void thread_state_free(void *pointer)
{
    struct thread_state *thread = pointer;
    if (!thread)
        return;
    scan_hand_free(thread->hand);
    rest_free(thread->rest);
    buf_release(&thread->scratch);
    mem_free(thread->sinks);
    mem_free(thread);
}

/* DuckDB does not tell a thread's init of the query's state, so the hand is made by the first fill. */
static void lines_local_init(duckdb_init_info info)
{
    struct error err = ERROR_INIT;
    struct thread_state *thread = mem_alloc(1, sizeof *thread, &err);
    if (!thread) {
        duckdb_init_set_error(info, duck_no_memory);
        return;
    }
    buf_init(&thread->scratch, CONVERT_TEXT_MAX);
    duckdb_init_set_init_data(info, thread, thread_state_free);
}

static bool begin_thread(struct thread_state *thread, const struct query_state *state,
                         struct error *err)
{
    thread->hand = scan_hand_new(state->scan, err);
    thread->sinks = mem_alloc(state->count, sizeof thread->sinks[0], err);
    if (state->source->whole)
        thread->rest = rest_new(state->source->keys, state->source->columns.n, err);
    return thread->hand && thread->sinks && (thread->rest || !state->source->whole);
}

/* --- fill: rows ----------------------------------------------------------------------------------------- */

static void begin_chunk(const struct query_state *state, struct duck_sink *sinks,
                        duckdb_data_chunk output)
{
    for (size_t i = 0; i < state->count; i++) {
        if (state->targets[i].position == NO_KEY)
            continue;
        duckdb_vector vector = duckdb_data_chunk_get_vector(output, state->targets[i].position);
        duckdb_vector_ensure_validity_writable(vector);
        sinks[i] = duck_sink(vector);
    }
}

/* TimeGenerated, or where else it stands. */
static enum convert_outcome read_time(struct thread_state *thread, const struct query_state *state,
                                      const struct json_object *object, union convert_value *out)
{
    const struct source *source = state->source;
    enum convert_outcome outcome = CONVERT_NULL;
    if (object->present[state->time_key])
        outcome = convert_cell(COLUMN_DATETIME, source->zones[source->time_column], object->bytes.p,
                               &object->cells[state->time_key], &thread->scratch, out);
    for (size_t i = 0; i < source->time_count && outcome != CONVERT_VALUE; i++) {
        size_t key = state->time_keys[i];
        if (!object->present[key])
            continue;
        enum convert_outcome other = convert_time(&source->times[i].time, object->bytes.p,
                                                  &object->cells[key], &thread->scratch, &out->big);
        if (other != CONVERT_NULL)
            outcome = other;
    }
    return outcome;
}

static enum convert_outcome read_value(struct thread_state *thread, const struct query_state *state,
                                       const struct target *target,
                                       const struct json_object *object, union convert_value *out)
{
    if ((int) target->column == state->source->time_column)
        return read_time(thread, state, object, out);
    if (!object->present[target->key])
        return CONVERT_NULL;
    return convert_cell(target->type, target->zone, object->bytes.p, &object->cells[target->key],
                        &thread->scratch, out);
}

static void add_trait(const struct source *source, size_t column, unsigned trait)
{
    atomic_uint_least8_t *traits = &source->whole->traits[column];
    if ((atomic_load_explicit(traits, memory_order_relaxed) & trait) != trait)
        atomic_fetch_or(traits, (uint_least8_t) trait);
}

/* What a column does not tell of its value, when the line is looked at whole. */
static void keep_rest(struct thread_state *thread, const struct query_state *state,
                      const struct target *target, const struct json_object *object,
                      enum convert_outcome outcome, const union convert_value *value)
{
    const struct json_cell *cell = &object->cells[target->key];
    bool text = target->type == COLUMN_STRING && outcome == CONVERT_VALUE;
    bool whole_number = target->type == COLUMN_LONG || target->type == COLUMN_DATETIME;
    int64_t big = outcome == CONVERT_VALUE && whole_number ? value->big : 0;
    if (outcome == CONVERT_VALUE && !(text && value->text.n == 0))
        add_trait(state->source, target->column, SOURCE_VALUES);
    if (target->type == COLUMN_DATETIME && big % TICK_MICROSECOND != 0)
        add_trait(state->source, target->column, ENGINE_TICKS);
    if (!object->present[target->key] ||
        convert_keeps(target->type, target->zone, object->bytes.p, cell, outcome, big))
        return;
    rest_add(thread->rest, target->column, object->bytes.p, cell);
    add_trait(state->source, target->column,
              ENGINE_MENDED | (outcome == CONVERT_VALUE ? 0U : (unsigned) ENGINE_MISFITS));
}

static bool put_row(struct thread_state *thread, const struct query_state *state, size_t row,
                    const struct json_object *object, struct error *err)
{
    if (thread->rest)
        rest_begin(thread->rest);
    for (size_t i = 0; i < state->count; i++) {
        const struct target *target = &state->targets[i];
        union convert_value value;
        enum convert_outcome outcome = read_value(thread, state, target, object, &value);
        if (outcome == CONVERT_NO_MEMORY)
            return error_set(err, ERROR_MEMORY, "memory is used up");
        if (thread->rest)
            keep_rest(thread, state, target, object, outcome, &value);
        thread->misfits += outcome == CONVERT_MISFIT;
        if (target->position == NO_KEY)
            continue;
        if (outcome == CONVERT_VALUE)
            duck_put_value(target->type, &thread->sinks[i], row, &value);
        else
            duck_put_nothing(target->type, &thread->sinks[i], row);
    }
    return true;
}

/* `_weir_rest` and `_weir_source` of a row that is looked at whole. */
static bool put_rest(struct thread_state *thread, const struct query_state *state, size_t row,
                     const struct scan_object *object, duckdb_data_chunk output, struct error *err)
{
    const struct source_whole *whole = state->source->whole;
    struct str rest;
    if (!rest_end(thread->rest, object->json.bytes, &rest, err))
        return error_prefix(err, "%s", state->source->paths[object->file]);
    thread->bytes += object->json.bytes.n;
    if (rest.n > 0)
        atomic_store_explicit(&state->source->whole->rest, true, memory_order_relaxed);
    if (state->rest_position != NO_KEY) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(output, state->rest_position);
        if (rest.n > 0)
            duck_put_text(vector, duckdb_vector_get_data(vector), row, rest);
        else
            duck_set_null(duckdb_vector_get_validity(vector), row);
    }
    if (state->source_position != NO_KEY) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(output, state->source_position);
        ((uint32_t *) duckdb_vector_get_data(vector))[row] = whole->numbers[object->file];
    }
    return true;
}

/* Whether the row's time is within the source's range; rows without a time are in none. */
static bool in_range(struct thread_state *thread, const struct query_state *state,
                     const struct json_object *object)
{
    union convert_value value;
    if (!state->bounded)
        return true;
    if (read_time(thread, state, object, &value) != CONVERT_VALUE)
        return source_timeless(state->source);
    return value.big >= state->source->from && value.big < state->source->to;
}

static bool cancelled(const struct query_state *state, struct error *err)
{
    if (!atomic_load_explicit(&state->source->signs->cancelled, memory_order_relaxed))
        return false;
    (void) error_set(err, ERROR_INTERRUPTED, ENGINE_CANCELLED);
    return true;
}

/* Whether a row of a group was given already. 1, 0, -1. */
static int is_doubled(struct thread_state *thread, const struct scan_object *object,
                      struct error *err)
{
    bool doubled = false;
    if (!scan_hand_doubled(thread->hand, object, &doubled, err))
        return -1;
    thread->doubled += doubled;
    return doubled;
}

static bool fill_chunk(struct thread_state *thread, const struct query_state *state,
                       duckdb_data_chunk output, struct error *err)
{
    size_t row = 0, most = duckdb_vector_size();
    bool grouped = state->source->groups != NULL;
    int64_t *numbers = NULL;
    if (!thread->hand && !begin_thread(thread, state, err))
        return false;
    begin_chunk(state, thread->sinks, output);
    if (state->row_position != NO_KEY)
        numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(output, state->row_position));
    if (state->rest_position != NO_KEY)
        duckdb_vector_ensure_validity_writable(
            duckdb_data_chunk_get_vector(output, state->rest_position));
    for (size_t seen = 0; row < most; seen++) {
        struct scan_object object;
        if (seen % CANCEL_EVERY == 0 && cancelled(state, err))
            return false;
        int found = scan_hand_next(thread->hand, &object, err);
        if (found < 0)
            return false;
        if (found == 0)
            break;
        if (!in_range(thread, state, &object.json))
            continue;
        int doubled = grouped ? is_doubled(thread, &object, err) : 0;
        if (doubled < 0)
            return false;
        if (doubled > 0)
            continue;
        if (!put_row(thread, state, row, &object.json, err) ||
            (thread->rest && !put_rest(thread, state, row, &object, output, err)))
            return false;
        if (numbers)
            numbers[row] = (int64_t) ((uint64_t) object.file << DUCK_ROW_SHIFT | object.offset);
        row++;
    }
    duckdb_data_chunk_set_size(output, row);
    atomic_fetch_add(&state->source->signs->misfits, thread->misfits);
    atomic_fetch_add(&state->source->signs->doubled, thread->doubled);
    if (state->source->whole)
        atomic_fetch_add(&state->source->whole->bytes, thread->bytes);
    thread->misfits = thread->doubled = thread->bytes = 0;
    return true;
}

static void lines_fill(duckdb_function_info info, duckdb_data_chunk output)
{
    struct error err = ERROR_INIT;
    struct query_state *state = duckdb_function_get_init_data(info);
    struct thread_state *thread = duckdb_function_get_local_init_data(info);
    if (fill_chunk(thread, state, output, &err))
        return;
    struct buf text = BUF_INIT(2 * ERROR_MESSAGE_MAX);
    duckdb_function_set_error(info, duck_error_text(&err, &text));
    buf_release(&text);
}

bool lines_register(struct driver_database *database, duckdb_connection connection,
                    struct error *err)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(function, "weir_lines");
    duckdb_table_function_add_parameter(function, number);
    database_hold(database);
    duckdb_table_function_set_extra_info(function, database, database_release);
    duckdb_table_function_set_bind(function, lines_bind);
    duckdb_table_function_set_init(function, lines_init);
    duckdb_table_function_set_local_init(function, lines_local_init);
    duckdb_table_function_set_function(function, lines_fill);
    duckdb_table_function_supports_projection_pushdown(function, true);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_table_function(&function);
    if (state != DuckDBSuccess)
        return error_set(err, ERROR_INTERNAL, "DuckDB does not take the function weir_lines");
    return true;
}
