/* weir_lines(number): the rows of a source's files of JSON as a DuckDB table function.
 *
 * DuckDB calls init once a query with the columns it wants, local_init and fill on each of its threads. A row
 * is written into the vectors straight from the scanner's cells; only those columns are looked for in the text.
 */
#include "engine/duckdb/duck.h"
#include "engine/duckdb/scan.h"

enum {
    CANCEL_EVERY = 1024, /* objects after which the task is asked whether it was cancelled */
    KEYS_OF_OURS = 2     /* looked for beside the wanted ones: a row's time, its id */
};

/* One output column. */
struct target {
    enum column_type type;
    size_t key;      /* of the scan; NO_KEY: not from the text */
    size_t position; /* among the output vectors */
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
    size_t time_key;     /* the key whose time decides whether a row is wanted; NO_KEY: all are */
};

/* Where a target's values of the current chunk go. */
struct sink {
    void *data;
    uint64_t *validity;
    duckdb_vector vector;
};

/* Of a thread. */
struct thread_state {
    struct scan_hand *hand;
    struct sink *sinks;
    struct buf scratch;
    uint64_t misfits, doubled;
};

/* --- bind: the columns ---------------------------------------------------------------------------------- */

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
    for (size_t i = 0; i <= source->columns.n; i++) {
        bool row = i == source->columns.n;
        duckdb_logical_type type = duckdb_create_logical_type(
            row ? DUCKDB_TYPE_BIGINT : duck_type(source->columns.v[i].type));
        duckdb_bind_add_result_column(info, row ? DUCK_ROW_COLUMN : source->columns.v[i].name,
                                      type);
        duckdb_destroy_logical_type(&type);
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
    if (column == source->columns.n) {
        state->row_position = position;
        return;
    }
    if (column > source->columns.n)
        return; /* a column that DuckDB makes up to count rows */
    state->targets[state->count++] = (struct target){
        .type = source->columns.v[column].type,
        .key = use_key(state, source->keys[column]),
        .position = position,
        .zone = source->zones[column],
    };
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
    };
    if (source->time_column >= 0 && (source->from != 0 || source->to != 0))
        state->time_key = use_key(state, source->keys[source->time_column]);
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
    size_t wanted = duckdb_init_get_column_count(info);
    if (!state)
        return NULL;
    source_hold(source);
    state->source = source;
    state->row_position = state->time_key = NO_KEY;
    state->keys = mem_alloc(wanted + KEYS_OF_OURS, sizeof state->keys[0], err);
    state->targets = mem_alloc(wanted, sizeof state->targets[0], err);
    bool ok = state->keys && state->targets;
    for (size_t i = 0; ok && i < wanted; i++)
        add_target(state, duckdb_init_get_column_index(info, i), i);
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
    return thread->hand && thread->sinks;
}

/* --- fill: rows ----------------------------------------------------------------------------------------- */

static void begin_chunk(const struct query_state *state, struct sink *sinks,
                        duckdb_data_chunk output)
{
    for (size_t i = 0; i < state->count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(output, state->targets[i].position);
        duckdb_vector_ensure_validity_writable(vector);
        sinks[i] = (struct sink){duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector),
                                 vector};
    }
}

static void put_nothing(enum column_type type, const struct sink *sink, size_t row)
{
    if (type == COLUMN_STRING)
        memset((duckdb_string_t *) sink->data + row, 0, sizeof(duckdb_string_t));
    else
        duck_set_null(sink->validity, row);
}

static void put_value(enum column_type type, const struct sink *sink, size_t row,
                      const union convert_value *value)
{
    switch (type) {
    case COLUMN_BOOL:
        ((bool *) sink->data)[row] = value->boolean;
        return;
    case COLUMN_INT:
        ((int32_t *) sink->data)[row] = value->integer;
        return;
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        ((int64_t *) sink->data)[row] = value->big;
        return;
    case COLUMN_REAL:
        ((double *) sink->data)[row] = value->real;
        return;
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
        duck_put_text(sink->vector, sink->data, row, value->text);
        return;
    case COLUMN_TYPE_COUNT:
        return;
    }
}

static bool put_row(struct thread_state *thread, const struct query_state *state, size_t row,
                    const struct json_object *object, struct error *err)
{
    for (size_t i = 0; i < state->count; i++) {
        const struct target *target = &state->targets[i];
        const struct sink *sink = &thread->sinks[i];
        enum convert_outcome outcome = CONVERT_NULL;
        union convert_value value;
        if (object->present[target->key])
            outcome = convert_cell(target->type, target->zone, object->bytes.p,
                                   &object->cells[target->key], &thread->scratch, &value);
        if (outcome == CONVERT_VALUE) {
            put_value(target->type, sink, row, &value);
            continue;
        }
        if (outcome == CONVERT_NO_MEMORY)
            return error_set(err, ERROR_MEMORY, "memory is used up");
        thread->misfits += outcome == CONVERT_MISFIT;
        put_nothing(target->type, sink, row);
    }
    return true;
}

/* Whether the row's time is within the source's range; rows without a time are in none. */
static bool in_range(struct thread_state *thread, const struct query_state *state,
                     const struct json_object *object)
{
    const struct source *source = state->source;
    union convert_value value;
    if (state->time_key == NO_KEY)
        return true;
    if (!object->present[state->time_key])
        return false;
    return convert_cell(COLUMN_DATETIME, source->zones[source->time_column], object->bytes.p,
                        &object->cells[state->time_key], &thread->scratch,
                        &value) == CONVERT_VALUE &&
           value.big >= source->from && value.big < source->to;
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
        if (!put_row(thread, state, row, &object.json, err))
            return false;
        if (numbers)
            numbers[row] = (int64_t) ((uint64_t) object.file << DUCK_ROW_SHIFT | object.offset);
        row++;
    }
    duckdb_data_chunk_set_size(output, row);
    atomic_fetch_add(&state->source->signs->misfits, thread->misfits);
    atomic_fetch_add(&state->source->signs->doubled, thread->doubled);
    thread->misfits = thread->doubled = 0;
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
