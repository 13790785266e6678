/* Schemas: see schema.h. */
#include "lake/schema.h"

#include "base/memory.h"

#include <jansson.h>

enum {
    TEXT_MAX = 4096,
    FROM_TEXT_MAX = 4096,
    FROM_TEXTS_MAX = LAKE_FROM_MAX * 3 * (FROM_TEXT_MAX + 16),
    NUMBER_FIRST = 2 /* behind schema.json */
};

static const char format_name[] = "weir-schema";
static const char time_column[] = "TimeGenerated";

void lake_schema_release(struct lake_schema *schema)
{
    mem_free(schema->table);
    mem_free(schema->workspace_id);
    mem_free(schema->resource_id);
    mem_free(schema->query);
    mem_free(schema->earlier);
    mem_free(schema->from);
    arena_release(&schema->texts);
    columns_release(&schema->columns);
    *schema = (struct lake_schema){0};
}

/* --- reading --- */

/* False, which the compiler sees here, unlike in error_set. */
static bool bad(const char *key, struct error *err)
{
    (void) error_set(err, ERROR_FORMAT, "'%s' is missing or wrong", key);
    return false;
}

static bool get_text(const json_t *object, const char *key, size_t max, char **out,
                     struct error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) || json_string_length(value) > max)
        return bad(key, err);
    *out = mem_copy(json_string_value(value), json_string_length(value), err);
    return *out != NULL;
}

static bool get_type(const json_t *value, enum column_type *out)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    return text.p && column_type_parse(text, out);
}

static bool read_earlier(const json_t *types, uint16_t *out, struct error *err)
{
    size_t i;
    json_t *one;
    enum column_type type;
    if (types && !json_is_array(types))
        return bad("earlier", err);
    json_array_foreach(types, i, one)
    {
        if (!get_type(one, &type))
            return bad("earlier", err);
        *out = (uint16_t) (*out | 1U << type);
    }
    return true;
}

static const char *from_text(struct lake_schema *out, const json_t *object, const char *key,
                             struct error *err)
{
    const json_t *value = json_object_get(object, key);
    size_t n = json_string_length(value);
    if (!json_is_string(value) || n > FROM_TEXT_MAX)
        (void) bad(key, err);
    else
        return arena_copy(&out->texts, json_string_value(value), n, err);
    return NULL;
}

/* Where rows have their time: in the column TimeGenerated, and nowhere else. */
static bool read_from(const json_t *array, struct lake_schema *out, struct error *err)
{
    size_t i, n = json_array_size(array);
    json_t *one;
    if (!array)
        return true;
    if (!json_is_array(array) || n > LAKE_FROM_MAX || out->from)
        return bad("from", err);
    out->from = mem_alloc(n, sizeof *out->from, err);
    if (!out->from)
        return false;
    json_array_foreach(array, i, one)
    {
        struct lake_from *from = &out->from[i];
        from->key = from_text(out, one, "key", err);
        from->format = from->key ? from_text(out, one, "format", err) : NULL;
        from->zone = from->format ? from_text(out, one, "zone", err) : NULL;
        if (!from->zone)
            return error_prefix(err, "from");
    }
    out->n_from = n;
    return true;
}

static bool read_column(const json_t *column, struct lake_schema *out, size_t at, struct error *err)
{
    const json_t *name = json_object_get(column, "name");
    enum column_type type;
    struct str text = {json_string_value(name), json_string_length(name)};
    if (!text.p || text.n == 0 || columns_find(&out->columns, text) >= 0)
        return bad("name", err);
    if (!get_type(json_object_get(column, "type"), &type))
        return bad("type", err);
    return columns_add(&out->columns, text, type, err) &&
           read_earlier(json_object_get(column, "earlier"), &out->earlier[at], err) &&
           (!str_eq(text, str_of(time_column)) ||
            read_from(json_object_get(column, "from"), out, err));
}

static bool read_columns(const json_t *array, struct lake_schema *out, struct error *err)
{
    size_t i, n = json_array_size(array);
    json_t *column;
    if (!json_is_array(array) || n > COLUMNS_MAX)
        return bad("columns", err);
    out->earlier = mem_alloc(n, sizeof *out->earlier, err);
    if (!out->earlier)
        return false;
    json_array_foreach(array, i, column)
    {
        if (!read_column(column, out, i, err))
            return error_prefix(err, "column %zu", i + 1);
    }
    return true;
}

static bool check_version(const json_t *object, struct error *err)
{
    const json_t *format = json_object_get(object, "format");
    const json_t *version = json_object_get(object, "version");
    if (!json_is_string(format) || strcmp(json_string_value(format), format_name) != 0)
        return bad("format", err);
    if (!json_is_integer(version))
        return bad("version", err);
    if (json_integer_value(version) == LAKE_SCHEMA_VERSION)
        return true;
    (void) error_set(err, ERROR_FORMAT, "it is of version %lld, and this weir reads version %d",
                     (long long) json_integer_value(version), LAKE_SCHEMA_VERSION);
    return error_hint(err, "use the weir that wrote it, or a newer one");
}

static bool read_object(const json_t *object, struct lake_schema *out, struct error *err)
{
    return check_version(object, err) && get_text(object, "table", TEXT_MAX, &out->table, err) &&
           get_text(object, "workspace", TEXT_MAX, &out->workspace_id, err) &&
           get_text(object, "resource", TEXT_MAX, &out->resource_id, err) &&
           (json_is_null(json_object_get(object, "query")) ||
            get_text(object, "query", LAKE_QUERY_MAX, &out->query, err)) &&
           read_columns(json_object_get(object, "columns"), out, err);
}

/* Reads the text of a schema.json. */
static bool read_text(struct str text, struct lake_schema *out, struct error *err)
{
    json_error_t why;
    json_t *object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    bool ok = json_is_object(object) && read_object(object, out, err);
    if (!json_is_object(object))
        (void) error_set(err, ERROR_FORMAT, "line %d: it is no JSON object", why.line);
    json_decref(object);
    return ok;
}

/* Nothing of a file may lead out of the lake. */
static bool check_names(const struct lake_schema *schema, struct error *err)
{
    struct lake_place its = {.workspace_id = schema->workspace_id,
                             .resource_id = schema->resource_id,
                             .table = schema->table};
    struct error why = ERROR_INIT;
    return lake_place_check(&its, &why) || error_set(err, ERROR_FORMAT, "%s", why.message);
}

static bool put_name(struct buf *name, const char *folder, uint32_t number, struct error *err)
{
    buf_reset(name);
    buf_printf(name, number > 0 ? "%s/schema_%u.json" : "%s/schema.json", folder, number);
    return buf_ok(name, "the name of a schema", err);
}

/* Gets the schema with the highest number: text, name and number. */
static bool get_latest(struct store *store, const char *folder, struct buf *name, struct buf *text,
                       uint32_t *number, struct error *err)
{
    struct error why = ERROR_INIT;
    struct buf next = BUF_INIT(LAKE_SCHEMA_MAX), kept;
    *number = 0;
    bool ok = put_name(name, folder, 0, err) && store_get(store, buf_text(name), text, err);
    for (uint32_t n = NUMBER_FIRST; ok && n <= LAKE_SCHEMA_NUMBER_MAX; n++) {
        ok = put_name(name, folder, n, err);
        if (!ok || !store_get(store, buf_text(name), &next, &why))
            break;
        kept = *text;
        *text = next;
        next = kept;
        *number = n;
    }
    buf_release(&next);
    if (ok && why.code != ERROR_NONE && why.code != ERROR_NOT_FOUND)
        return error_pass(err, &why);
    return ok && put_name(name, folder, *number, err);
}

static bool load_text(const char *name, struct str text, struct lake_schema *out, struct error *err)
{
    struct error why = ERROR_INIT;
    if (read_text(text, out, &why) && check_names(out, &why))
        return true;
    (void) error_set(err, why.code, "%s: %s", name, why.message);
    (void) error_hint(err, "%s",
                      why.hint[0] ? why.hint
                                  : "no data was touched. Move that file away: the next export "
                                    "writes it anew from the workspace's columns");
    lake_schema_release(out);
    return false;
}

bool lake_schema_load(struct store *store, const char *folder, struct lake_schema *out,
                      struct error *err)
{
    struct buf text = BUF_INIT(LAKE_SCHEMA_MAX), name = BUF_INIT(LAKE_NAME_MAX);
    uint32_t number = 0;
    *out = (struct lake_schema){0};
    arena_init(&out->texts, FROM_TEXTS_MAX);
    bool ok = get_latest(store, folder, &name, &text, &number, err) &&
              load_text(buf_text(&name), buf_str(&text), out, err);
    out->number = number;
    buf_release(&name);
    buf_release(&text);
    return ok;
}

static bool check_place(const struct lake_schema *schema, const char *folder,
                        const struct lake_place *place, struct error *err)
{
    if (strcmp(schema->table, place->table) == 0 &&
        str_eq_case(str_of(schema->workspace_id), str_of(place->workspace_id)))
        return true;
    (void) error_set(err, ERROR_FORMAT,
                     "%s/schema.json is of table %.80s in workspace %.40s, not of %s", folder,
                     schema->table, schema->workspace_id, place->table);
    return error_hint(err, "two tables whose names make the same folder cannot share a lake");
}

bool lake_from_same(const struct lake_from *a, const struct lake_from *b)
{
    return a->key && b->key && strcmp(a->key, b->key) == 0 && strcmp(a->format, b->format) == 0 &&
           strcmp(a->zone, b->zone) == 0;
}

bool lake_schema_same(const struct lake_schema *a, const struct lake_schema *b)
{
    if (a->columns.n != b->columns.n || a->n_from != b->n_from)
        return false;
    for (size_t i = 0; i < a->columns.n; i++) {
        const struct column *x = &a->columns.v[i], *y = &b->columns.v[i];
        if (x->type != y->type || strcmp(x->name, y->name) != 0 || a->earlier[i] != b->earlier[i])
            return false;
    }
    for (size_t i = 0; i < a->n_from; i++)
        if (!lake_from_same(&a->from[i], &b->from[i]))
            return false;
    return true;
}

bool lake_schema_read(struct store *store, const struct lake_place *place, struct lake_schema *out,
                      struct error *err)
{
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    *out = (struct lake_schema){0};
    if (!lake_place_check(place, err))
        return false;
    lake_own_prefix(&folder, place);
    bool ok = buf_ok(&folder, "the name of a folder", err) &&
              lake_schema_load(store, buf_text(&folder), out, err);
    if (ok && !check_place(out, buf_text(&folder), place, err)) {
        lake_schema_release(out);
        ok = false;
    }
    buf_release(&folder);
    return ok;
}

/* --- writing --- */

static void put_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "  \"%s\": ", key);
    if (text) {
        buf_putc(out, '"');
        text_put_json(out, str_of(text));
        buf_puts(out, "\",\n");
    } else {
        buf_puts(out, "null,\n");
    }
}

static void put_from(struct buf *out, const struct lake_schema *schema)
{
    const char *before = ", \"from\": [";
    for (size_t i = 0; i < schema->n_from; i++, before = ", ") {
        buf_printf(out, "%s{\"key\": \"", before);
        text_put_json(out, str_of(schema->from[i].key));
        buf_puts(out, "\", \"format\": \"");
        text_put_json(out, str_of(schema->from[i].format));
        buf_puts(out, "\", \"zone\": \"");
        text_put_json(out, str_of(schema->from[i].zone));
        buf_puts(out, "\"}");
    }
    buf_puts(out, schema->n_from > 0 ? "]" : "");
}

static void put_column(struct buf *out, const struct lake_schema *schema, size_t at)
{
    const struct column *column = &schema->columns.v[at];
    uint16_t earlier = schema->earlier[at];
    buf_puts(out, "    {\"name\": \"");
    text_put_json(out, str_of(column->name));
    buf_printf(out, "\", \"type\": \"%s\"", column_type_name(column->type));
    const char *before = ", \"earlier\": [";
    for (unsigned type = 0; type < COLUMN_TYPE_COUNT; type++) {
        if (earlier >> type & 1) {
            buf_printf(out, "%s\"%s\"", before, column_type_name((enum column_type) type));
            before = ", ";
        }
    }
    buf_puts(out, earlier ? "]" : "");
    if (strcmp(column->name, time_column) == 0)
        put_from(out, schema);
    buf_puts(out, at + 1 == schema->columns.n ? "}\n" : "},\n");
}

/* One column a line, everything in one order: the same schema is the same bytes. */
static bool write_schema(struct store *store, const char *name, bool new,
                         const struct lake_schema *schema, struct error *err)
{
    struct buf out = BUF_INIT(LAKE_SCHEMA_MAX);
    buf_printf(&out, "{\n  \"format\": \"%s\",\n  \"version\": %d,\n", format_name,
               LAKE_SCHEMA_VERSION);
    put_text(&out, "table", schema->table);
    put_text(&out, "workspace", schema->workspace_id);
    put_text(&out, "resource", schema->resource_id);
    put_text(&out, "query", schema->query);
    buf_puts(&out, "  \"columns\": [\n");
    for (size_t i = 0; i < schema->columns.n; i++)
        put_column(&out, schema, i);
    buf_puts(&out, "  ]\n}\n");
    bool ok = buf_ok(&out, "a schema", err) &&
              (new ? store_put_new : store_put)(store, name, buf_str(&out), err);
    buf_release(&out);
    return ok;
}

/* --- merging --- */

static char *lower_copy(const char *text, struct error *err)
{
    char *copy = mem_copy(text, strlen(text), err);
    for (char *c = copy; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char) (*c - 'A' + 'a');
    return copy;
}

static bool begin_schema(const struct lake_place *place, const char *query, struct lake_schema *out,
                         struct error *err)
{
    *out = (struct lake_schema){0};
    arena_init(&out->texts, FROM_TEXTS_MAX);
    out->table = mem_copy(place->table, strlen(place->table), err);
    out->workspace_id = lower_copy(place->workspace_id, err);
    out->resource_id = lower_copy(place->resource_id, err);
    if (query)
        out->query = mem_copy(query, strlen(query), err);
    return out->table && out->workspace_id && out->resource_id && (!query || out->query);
}

static bool check_query(const struct lake_schema *schema, const char *query, struct error *err)
{
    if (schema->query == NULL ? query == NULL : query && strcmp(schema->query, query) == 0)
        return true;
    (void) error_set(err, ERROR_SETTINGS, "%s in the lake was exported with another query",
                     schema->table);
    return error_hint(err, "give the new query a name of its own: --as NAME");
}

/* A workspace that was moved has another resource id, and so its blobs another place. */
static bool check_resource(const struct lake_schema *schema, const struct lake_place *place,
                           struct error *err)
{
    if (str_eq_case(str_of(schema->resource_id), str_of(place->resource_id)))
        return true;
    (void) error_set(err, ERROR_SETTINGS, "%s in the lake was exported from %s, not from %s",
                     schema->table, schema->resource_id, place->resource_id);
    return error_hint(err,
                      "was the workspace moved? Go on with the old resource id in the settings, "
                      "or export to another lake");
}

static bool merge_column(struct lake_schema *schema, const struct column *column,
                         struct lake_schema_change *change, struct error *err)
{
    struct str name = str_of(column->name);
    int at = columns_find(&schema->columns, name);
    if (at < 0) {
        change->added++;
        return columns_add(&schema->columns, name, column->type, err);
    }
    struct column *known = &schema->columns.v[at];
    if (known->type == column->type)
        return true;
    unsigned earlier = (schema->earlier[at] | 1U << known->type) & ~(1U << column->type);
    schema->earlier[at] = (uint16_t) earlier;
    known->type = column->type;
    change->retyped++;
    return true;
}

static bool merge(struct lake_schema *schema, const struct columns *columns,
                  struct lake_schema_change *change, struct error *err)
{
    size_t room = schema->columns.n + columns->n;
    uint16_t *earlier = mem_alloc(room, sizeof *earlier, err);
    if (!earlier)
        return false;
    if (schema->columns.n > 0)
        memcpy(earlier, schema->earlier, schema->columns.n * sizeof *earlier);
    mem_free(schema->earlier);
    schema->earlier = earlier;
    for (size_t i = 0; i < columns->n; i++)
        if (!merge_column(schema, &columns->v[i], change, err))
            return false;
    return true;
}

/* Replaces the latest, or puts the next one where nothing can be replaced. */
static bool put_schema(struct store *store, const struct lake_place *place,
                       const struct lake_schema *schema, bool there, struct error *err)
{
    struct buf folder = BUF_INIT(LAKE_NAME_MAX), name = BUF_INIT(LAKE_NAME_MAX);
    uint32_t number = schema->number;
    bool new = false;
    lake_own_prefix(&folder, place);
    bool ok = buf_ok(&folder, "the name of a folder", err) &&
              (!there || store_immutable(store, buf_text(&folder), &new, err));
    if (ok && new)
        number = number > 0 ? number + 1 : NUMBER_FIRST;
    if (number > LAKE_SCHEMA_NUMBER_MAX)
        ok = error_set(err, ERROR_LIMIT, "more than %d schemas in %s", LAKE_SCHEMA_NUMBER_MAX,
                       buf_text(&folder));
    ok = ok && put_name(&name, buf_text(&folder), number, err) &&
         write_schema(store, buf_text(&name), new, schema, err);
    buf_release(&folder);
    buf_release(&name);
    return ok;
}

static bool has_from(const struct lake_from *all, size_t n, const struct lake_from *from)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].key, from->key) == 0 && strcmp(all[i].format, from->format) == 0 &&
            strcmp(all[i].zone, from->zone) == 0)
            return true;
    return false;
}

static const char *keep_text(struct lake_schema *schema, const char *text, struct error *err)
{
    size_t n = strlen(text);
    if (n <= FROM_TEXT_MAX)
        return arena_copy(&schema->texts, text, n, err);
    (void) error_set(err, ERROR_LIMIT, "a time column's name of %zu bytes is too long", n);
    return NULL;
}

static bool add_from(struct lake_schema *schema, const struct lake_from *from, struct error *err)
{
    struct lake_from copy = {.key = keep_text(schema, from->key, err),
                             .format = keep_text(schema, from->format, err),
                             .zone = keep_text(schema, from->zone, err)};
    if (!copy.key || !copy.format || !copy.zone)
        return false;
    if (schema->n_from == LAKE_FROM_MAX)
        return error_set(err, ERROR_LIMIT, "%s would have its time in more than %d places",
                         schema->table, LAKE_FROM_MAX);
    struct lake_from *all = mem_resize(schema->from, schema->n_from + 1, sizeof *schema->from, err);
    if (!all)
        return false;
    schema->from = all;
    schema->from[schema->n_from++] = copy;
    return true;
}

static bool merge_from(struct lake_schema *schema, const struct lake_from_change *from,
                       struct lake_schema_change *change, struct error *err)
{
    size_t n = schema->n_from, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!has_from(from->drop, from->n_drop, &schema->from[i]) ||
            has_from(from->add, from->n_add, &schema->from[i]))
            schema->from[kept++] = schema->from[i];
    schema->n_from = kept;
    change->from = kept < n;
    for (size_t i = 0; i < from->n_add; i++) {
        if (has_from(schema->from, schema->n_from, &from->add[i]))
            continue;
        if (!add_from(schema, &from->add[i], err))
            return false;
        change->from = true;
    }
    return true;
}

size_t lake_schema_drop_from(struct lake_schema *schema, const struct lake_from *drop, size_t n)
{
    size_t before = schema->n_from, kept = 0;
    for (size_t i = 0; i < before; i++)
        if (!has_from(drop, n, &schema->from[i]))
            schema->from[kept++] = schema->from[i];
    schema->n_from = kept;
    return before - kept;
}

bool lake_schema_update_from(struct store *store, const struct lake_place *place, const char *query,
                             const struct columns *columns, const struct lake_from_change *from,
                             struct lake_schema_change *change, struct error *err)
{
    struct lake_schema schema;
    struct lake_schema_change changed = {0};
    struct error why = ERROR_INIT;
    bool ok = lake_schema_read(store, place, &schema, &why), there = ok;
    if (!ok && why.code == ERROR_NOT_FOUND)
        ok = begin_schema(place, query, &schema, err);
    else if (!ok && err && err->code == ERROR_NONE)
        *err = why;
    ok = ok && check_query(&schema, query, err) && check_resource(&schema, place, err) &&
         merge(&schema, columns, &changed, err) && merge_from(&schema, from, &changed, err);
    if (ok && (!there || changed.added > 0 || changed.retyped > 0 || changed.from))
        ok = put_schema(store, place, &schema, there, err);
    lake_schema_release(&schema);
    if (change)
        *change = changed;
    return ok;
}

bool lake_schema_update(struct store *store, const struct lake_place *place, const char *query,
                        const struct columns *columns, struct lake_schema_change *change,
                        struct error *err)
{
    const struct lake_from_change none = {0};
    return lake_schema_update_from(store, place, query, columns, &none, change, err);
}

bool lake_columns_hash(const struct columns *columns, char out[HASH_SHA256_HEX], struct error *err)
{
    enum { TEXT_ALL_MAX = COLUMNS_MAX * (COLUMN_NAME_MAX + 16) };
    struct buf text = BUF_INIT(TEXT_ALL_MAX);
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(&text, "%s\t%s\n", columns->v[i].name, column_type_name(columns->v[i].type));
    bool ok = buf_ok(&text, "a list of columns", err) && hash_sha256_hex(buf_str(&text), out, err);
    buf_release(&text);
    return ok;
}
