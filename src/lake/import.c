/* Imports: see import.h. The text of a record is record.c's. */
#include "lake/import.h"

#include "base/hash.h"
#include "lake/record.h"

#include <stdlib.h>

enum {
    PIECE = 64 << 10, /* bytes read at once */
    LISTED = 8,       /* imports that a message names */
    ID_DIGITS = LAKE_IMPORT_ID_MAX - 1,
    FOLDER_MAX = LAKE_NAME_MAX + 1,
    NAMES_MAX = LAKE_IMPORTS_MAX * 512 /* bytes of the names of all records */
};

static const char stem[] = "PT05M_";
static const char ending[] = ".json";
static const char record_ending[] = ".jsonl";

/* --- reading --- */

struct reading {
    struct store *store;
    const struct lake_place *place;
    enum lake_imports_depth depth;
    struct lake_imports *out;
    char folder[FOLDER_MAX];
    struct store_wanted *wanted; /* one for each import */
    size_t wanted_room;
    struct arena names;
    bool *gone; /* of each import: its record was removed since it was listed */
};

static bool way_out(const struct reading *reading, const char *id, struct error *err)
{
    (void) error_prefix(err, "import record %s/%s%s", reading->folder, id, record_ending);
    if (err && err->code == ERROR_FORMAT && err->hint[0] == '\0')
        (void) error_hint(err,
                          "no data was touched. Move that file away, out of %s: the rows of the "
                          "import stay, and the command that made it writes its record anew",
                          store_address(reading->store));
    return false;
}

/* Notes the ids that are there; records are read when all are known. */
static bool find_record(void *context, const struct store_blob *blob, struct error *err)
{
    struct reading *reading = context;
    struct lake_imports *out = reading->out;
    size_t skip = strlen(reading->folder) + 1;
    struct str name;
    if (!lake_name_below(blob->name, skip, store_address(reading->store), &name, err))
        return false;
    if (!str_ends(name, str_of(record_ending)) ||
        !record_id_ok((struct str){name.p, name.n - strlen(record_ending)}))
        return true;
    char *copy = arena_copy(&reading->names, blob->name.p, blob->name.n, err);
    if (!copy ||
        !mem_reserve(&reading->wanted, &reading->wanted_room, out->n, LAKE_IMPORTS_MAX,
                     sizeof *reading->wanted, err) ||
        !mem_reserve(&out->v, &out->room, out->n, LAKE_IMPORTS_MAX, sizeof *out->v, err))
        return false;
    reading->wanted[out->n] = (struct store_wanted){.name = copy, .size = blob->size};
    struct lake_import *import = &out->v[out->n++];
    *import = (struct lake_import){0};
    memcpy(import->id, name.p, ID_DIGITS);
    return true;
}

static bool check_record(const struct reading *reading, const struct record *record,
                         const struct lake_import *import, const char *id, struct error *err)
{
    if (strcmp(import->id, id) != 0)
        return error_set(err, ERROR_FORMAT, "it says it is of import %s", import->id);
    if (strcmp(record_table(record), reading->place->table) == 0 &&
        str_eq_case(str_of(record_workspace_id(record)), str_of(reading->place->workspace_id)))
        return true;
    (void) error_set(err, ERROR_FORMAT, "it is of table %.80s in workspace %.40s, not of %s in %s",
                     record_table(record), record_workspace_id(record), reading->place->table,
                     reading->place->workspace_id);
    return error_hint(err, "two tables cannot share the folder %s of a lake", reading->folder);
}

/* Feeds a record until it is whole, or has told enough. */
static bool feed_all(struct store_reader *reader, struct record *record, struct error *err)
{
    char *bytes = mem_alloc(PIECE, 1, err);
    size_t n = 1;
    bool ok = bytes != NULL, enough = false;
    while (ok && !enough && n > 0)
        ok = store_reader_next(reader, bytes, PIECE, &n, err) &&
             record_feed(record, bytes, n, &enough, err);
    mem_free(bytes);
    return ok;
}

/* Begins a record; the import keeps its id until the head is read. */
static struct record *begin_record(const struct reading *reading, size_t i, struct error *err)
{
    struct lake_import *import = &reading->out->v[i];
    char id[LAKE_IMPORT_ID_MAX];
    memcpy(id, import->id, sizeof id);
    mem_free(import->parts);
    import->parts = NULL;
    struct record *record = record_new(reading->depth, &reading->out->texts, import, err);
    memcpy(import->id, id, sizeof id);
    return record;
}

/* One record by itself. What was removed since it was listed was replaced by one that is there. */
static bool read_alone(struct reading *reading, size_t i, struct error *err)
{
    struct lake_import *import = &reading->out->v[i];
    struct error why = ERROR_INIT;
    char id[LAKE_IMPORT_ID_MAX];
    memcpy(id, import->id, sizeof id);
    struct store_reader *reader = store_reader_new(reading->store, reading->wanted[i].name, &why);
    reading->gone[i] = !reader && why.code == ERROR_NOT_FOUND;
    if (!reader)
        return reading->gone[i] || error_pass(err, &why);
    struct record *record = begin_record(reading, i, err);
    bool ok =
        record && feed_all(reader, record, err) && check_record(reading, record, import, id, err);
    if (!ok)
        (void) way_out(reading, id, err);
    store_reader_free(reader);
    record_free(record);
    return ok;
}

/* The next record of those that are read ahead; *told: it is known. Whatever goes wrong is told when it is read alone. */
static bool read_next(struct reading *reading, struct store_ahead *ahead, size_t i, bool *told,
                      struct error *err)
{
    struct lake_import *import = &reading->out->v[i];
    char id[LAKE_IMPORT_ID_MAX];
    struct str piece = STR("");
    size_t at;
    bool enough = false, sound = true, ok = true;
    memcpy(id, import->id, sizeof id);
    struct record *record = begin_record(reading, i, err);
    if (!record)
        return false;
    do {
        ok = store_ahead_next(ahead, &at, &piece, NULL);
        if (ok && sound && !enough && (piece.n > 0 || reading->depth == LAKE_IMPORTS_WHOLE))
            sound = record_feed(record, piece.p, piece.n, &enough, NULL);
    } while (ok && piece.n > 0);
    *told = ok && sound && (enough || reading->depth == LAKE_IMPORTS_WHOLE) &&
            check_record(reading, record, import, id, NULL);
    if (!*told)
        memcpy(import->id, id, sizeof id);
    record_free(record);
    return ok;
}

/* Many requests under way, for what a head needs as a rule. */
static void read_ahead(struct reading *reading, bool *told)
{
    size_t n = reading->out->n;
    for (size_t i = 0; i < n && reading->depth == LAKE_IMPORTS_HEADS; i++)
        if (reading->wanted[i].size > PIECE)
            reading->wanted[i].size = PIECE;
    struct store_ahead *ahead = store_ahead_new(reading->store, reading->wanted, n, NULL);
    for (size_t i = 0; ahead && i < n; i++)
        if (!read_next(reading, ahead, i, &told[i], NULL))
            break;
    store_ahead_free(ahead);
}

static void drop_gone(struct reading *reading)
{
    struct lake_imports *out = reading->out;
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++)
        if (reading->gone[i])
            mem_free(out->v[i].parts);
        else
            out->v[kept++] = out->v[i];
    out->n = kept;
}

static bool read_records(struct reading *reading, struct error *err)
{
    size_t n = reading->out->n;
    bool *told = mem_alloc(n, sizeof *told, err);
    reading->gone = mem_alloc(n, sizeof *reading->gone, err);
    bool ok = told && reading->gone;
    if (ok && n > 1 && store_remote(reading->store))
        read_ahead(reading, told);
    for (size_t i = 0; ok && i < n; i++)
        ok = told[i] || read_alone(reading, i, err);
    if (ok)
        drop_gone(reading);
    mem_free(told);
    mem_free(reading->gone);
    return ok;
}

static int compare_imports(const void *a, const void *b)
{
    const struct lake_import *x = a, *y = b;
    if (x->started != y->started)
        return x->started > y->started ? 1 : -1;
    return strcmp(x->id, y->id);
}

static int compare_ids(const void *a, const void *b)
{
    const struct lake_import *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static int compare_given(const void *a, const void *b)
{
    const struct lake_import_given *x = a, *y = b;
    int order = memcmp(x->input->hash, y->input->hash, sizeof x->input->hash);
    if (order != 0 || x->import == y->import)
        return order != 0 ? order : (x->input > y->input) - (x->input < y->input);
    return x->import > y->import ? 1 : -1;
}

static bool put_inputs_in_order(struct lake_imports *imports, struct error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < imports->n; i++)
        n += imports->v[i].n_inputs;
    imports->by_hash = mem_alloc(n, sizeof *imports->by_hash, err);
    if (!imports->by_hash)
        return false;
    for (size_t i = 0; i < imports->n; i++)
        for (size_t k = 0; k < imports->v[i].n_inputs; k++)
            imports->by_hash[imports->n_inputs++] =
                (struct lake_import_given){&imports->v[i].inputs[k], &imports->v[i]};
    if (n > 0)
        qsort(imports->by_hash, n, sizeof *imports->by_hash, compare_given);
    return true;
}

/* An import is replaced by who names both its id and when it began: brought in again later it is another. */
static bool put_in_order(struct lake_imports *imports, struct error *err)
{
    imports->by_id = mem_alloc(imports->n, sizeof *imports->by_id, err);
    if (!imports->by_id || imports->n == 0)
        return imports->by_id != NULL;
    qsort(imports->v, imports->n, sizeof *imports->v, compare_imports);
    for (size_t i = 0; i < imports->n; i++)
        imports->by_id[i] = &imports->v[i];
    qsort(imports->by_id, imports->n, sizeof(imports->by_id[0]), compare_ids);
    for (size_t i = 0; i < imports->n; i++) {
        const struct lake_import *old = lake_imports_find(imports, str_of(imports->v[i].replaces));
        if (old && old->started == imports->v[i].replaced)
            imports->v[old - imports->v].dead = true;
    }
    return put_inputs_in_order(imports, err);
}

bool lake_imports_read(struct store *store, const struct lake_place *place,
                       enum lake_imports_depth depth, struct lake_imports *out, struct error *err)
{
    struct reading reading = {.store = store, .place = place, .depth = depth, .out = out};
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    *out = (struct lake_imports){0};
    arena_init(&out->texts, LAKE_IMPORTS_TEXTS_MAX);
    if (!lake_place_check(place, err))
        return false;
    lake_own_name(&folder, place, "imports");
    bool ok = buf_ok(&folder, "the name of a folder", err);
    if (ok)
        memcpy(reading.folder, buf_text(&folder), folder.used + 1);
    arena_init(&reading.names, NAMES_MAX);
    ok = ok && store_list(store, reading.folder, find_record, &reading, err) &&
         read_records(&reading, err);
    buf_release(&folder);
    mem_free(reading.wanted);
    arena_release(&reading.names);
    return ok && put_in_order(out, err);
}

void lake_imports_release(struct lake_imports *imports)
{
    for (size_t i = 0; i < imports->n; i++)
        mem_free(imports->v[i].parts);
    mem_free(imports->v);
    mem_free(imports->by_id);
    mem_free(imports->by_hash);
    arena_release(&imports->texts);
    *imports = (struct lake_imports){0};
}

/* --- finding --- */

const struct lake_import *lake_imports_find(const struct lake_imports *imports, struct str id)
{
    size_t low = 0, high = imports->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(str_of(imports->by_id[middle]->id), id);
        if (order == 0)
            return imports->by_id[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct lake_import *lake_imports_replacing(const struct lake_imports *imports, struct str id)
{
    const struct lake_import *found = NULL;
    for (size_t i = 0; i < imports->n; i++)
        if (imports->v[i].replaces[0] && str_eq(str_of(imports->v[i].replaces), id))
            found = &imports->v[i];
    return found;
}

bool lake_imports_list(const struct lake_imports *imports, struct error *err)
{
    struct buf text = BUF_INIT(ERROR_HINT_MAX);
    char when[TICK_TEXT_MAX];
    size_t from = imports->n > LISTED ? imports->n - LISTED : 0;
    buf_puts(&text, imports->n == 0 ? "the table has no imports" : "the table's imports:");
    for (size_t i = imports->n; i > from; i--) {
        const struct lake_import *import = &imports->v[i - 1];
        (void) tick_format_short(import->started, when);
        buf_printf(&text, "\n  %s  %s, %llu rows%s", import->id, when,
                   (unsigned long long) import->rows, import->dead ? ", replaced" : "");
    }
    if (from > 0)
        buf_printf(&text, "\n  and %zu before them: weir lake stat lists all", from);
    (void) error_hint(err, "%s", buf_text(&text));
    buf_release(&text);
    return false;
}

const struct lake_import *lake_imports_named(const struct lake_imports *imports, const char *id,
                                             struct error *err)
{
    const struct lake_import *found = NULL;
    struct str want = str_of(id);
    size_t n = 0;
    for (size_t i = 0; i < imports->n && want.n > 0; i++) {
        if (!str_starts(str_of(imports->v[i].id), want))
            continue;
        found = &imports->v[i];
        n++;
    }
    if (n == 1)
        return found;
    if (n == 0)
        (void) error_set(err, ERROR_NOT_FOUND, "there is no import '%.40s'", id);
    else
        (void) error_set(err, ERROR_USAGE, "%zu imports begin with '%.40s'", n, id);
    (void) lake_imports_list(imports, err);
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_time(const struct lake_from *a, const struct lake_from *b)
{
    return same_text(a->key, b->key) && same_text(a->format, b->format) &&
           same_text(a->zone, b->zone);
}

/* The first input of that hash in by_hash. */
static size_t first_given(const struct lake_imports *imports, const unsigned char *hash)
{
    size_t low = 0, high = imports->n_inputs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(imports->by_hash[middle].input->hash, hash, LAKE_IMPORT_HASH) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first of the same bytes from *at on, of a live import but that of the id `but`; *at: behind it. */
static const struct lake_import_given *next_bytes(const struct lake_imports *imports, size_t *at,
                                                  const struct lake_import_input *input,
                                                  const char *but)
{
    while (*at < imports->n_inputs) {
        const struct lake_import_given *given = &imports->by_hash[(*at)++];
        if (memcmp(given->input->hash, input->hash, LAKE_IMPORT_HASH) != 0)
            break;
        if (!given->import->dead && given->input->bytes == input->bytes &&
            !(but && strcmp(given->import->id, but) == 0))
            return given;
    }
    return NULL;
}

const struct lake_import_given *lake_imports_input(const struct lake_imports *imports,
                                                   const struct lake_import_input *input,
                                                   const char *dedup, const char *but)
{
    size_t at = first_given(imports, input->hash);
    const struct lake_import_given *given;
    while ((given = next_bytes(imports, &at, input, but)) != NULL)
        if (same_text(given->import->dedup, dedup) && same_time(&given->input->time, &input->time))
            return given;
    return NULL;
}

const struct lake_import_given *lake_imports_bytes(const struct lake_imports *imports,
                                                   const struct lake_import_input *input,
                                                   const char *but)
{
    size_t at = first_given(imports, input->hash);
    const struct lake_import_given *given;
    do
        given = next_bytes(imports, &at, input, but);
    while (given && (given->import->rows == 0 || given->input->rows == 0));
    return given;
}

bool lake_imports_counts(const struct lake_imports *imports, struct str id)
{
    const struct lake_import *import = lake_imports_find(imports, id);
    return !import || !import->dead;
}

struct str lake_import_id_of(struct str name)
{
    size_t n = strlen(stem) + ID_DIGITS + strlen(ending);
    if (name.n < n || (name.n > n && name.p[name.n - n - 1] != '/'))
        return STR("");
    struct str last = {name.p + name.n - n, n}, id = {last.p + strlen(stem), ID_DIGITS};
    if (!str_starts(last, str_of(stem)) || !str_ends(last, str_of(ending)) || !record_id_ok(id))
        return STR("");
    return id;
}

void lake_imports_total(const struct lake_imports *imports, struct lake_imports_totals *out)
{
    *out = (struct lake_imports_totals){0};
    for (size_t i = 0; i < imports->n; i++) {
        const struct lake_import *import = &imports->v[i];
        if (import->dead)
            continue;
        out->imports++;
        out->inputs += import->n_inputs;
        out->partitions += import->n_parts;
        out->rows += import->rows;
        out->bytes += import->bytes;
        out->rejected += import->rejected;
        out->dropped += import->dropped;
        out->last = import->started > out->last ? import->started : out->last;
    }
}

/* --- names and hashes --- */

/* A text with its length before it, so that two lists never make the same bytes. */
static void put_counted(struct buf *out, const char *text)
{
    struct str s = str_of(text ? text : "");
    unsigned char length[8];
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char) ((uint64_t) s.n >> (56 - 8 * i));
    buf_put(out, length, sizeof length);
    buf_put_str(out, s);
}

bool lake_import_id(const struct lake_import_input *inputs, size_t n, const char *dedup,
                    char out[LAKE_IMPORT_ID_MAX], struct error *err)
{
    struct buf text = BUF_INIT(LAKE_IMPORTS_TEXTS_MAX);
    uint64_t hash[2];
    char hex[2 * LAKE_IMPORT_HASH + 1];
    unsigned char bytes[LAKE_IMPORT_HASH];
    for (size_t i = 0; i < n; i++) {
        buf_put(&text, inputs[i].hash, sizeof inputs[i].hash);
        put_counted(&text, inputs[i].time.key);
        put_counted(&text, inputs[i].time.format);
        put_counted(&text, inputs[i].time.zone);
    }
    put_counted(&text, dedup);
    bool ok = buf_ok(&text, "the inputs of an import", err);
    if (ok) {
        hash_xx128(buf_str(&text), hash);
        lake_import_sum_end(hash, bytes);
        text_hex(bytes, sizeof bytes, hex);
        memcpy(out, hex, ID_DIGITS);
        out[ID_DIGITS] = '\0';
    }
    buf_release(&text);
    return ok;
}

void lake_import_name(struct buf *out, const struct lake_place *place, int64_t tick, const char *id)
{
    lake_partition_prefix(out, place, tick);
    buf_printf(out, "/%s%s%s", stem, id, ending);
}

void lake_import_sum_line(uint64_t sum[2], const char *line, size_t n, uint64_t offset)
{
    uint64_t one[2];
    hash_xx128_seed((struct str){line, n}, offset, one);
    lake_import_sum_join(sum, one);
}

void lake_import_sum_add(uint64_t sum[2], struct str lines, uint64_t offset)
{
    while (lines.n > 0) {
        const char *feed = memchr(lines.p, '\n', lines.n);
        size_t n = feed ? (size_t) (feed - lines.p) + 1 : lines.n;
        lake_import_sum_line(sum, lines.p, n, offset);
        offset += n;
        lines = (struct str){lines.p + n, lines.n - n};
    }
}

void lake_import_sum_join(uint64_t sum[2], const uint64_t other[2])
{
    sum[0] += other[0];
    sum[1] += other[1] + (sum[0] < other[0]);
}

void lake_import_sum_end(const uint64_t sum[2], unsigned char out[LAKE_IMPORT_HASH])
{
    for (size_t i = 0; i < LAKE_IMPORT_HASH; i++)
        out[i] = (unsigned char) (sum[i < 8] >> (56 - 8 * (i % 8)));
}

bool lake_import_remove(struct store *store, const struct lake_place *place, const char *id,
                        struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    if (!lake_place_check(place, err))
        return false;
    if (!record_id_ok(str_of(id)))
        return error_set(err, ERROR_INTERNAL, "'%.40s' is no id of an import", id);
    record_name(&name, place, id);
    bool ok =
        buf_ok(&name, "the name of a record", err) && store_delete(store, buf_text(&name), err);
    buf_release(&name);
    return ok;
}
