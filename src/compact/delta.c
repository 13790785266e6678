/* A Delta table over the files: see job.h.
 *
 *     weir/<guid>/<table>/parquet/_delta_log/00000000000000000000.json
 *
 * The log is what other readers go by; weir goes by its own records. So it is made to say what the records say, once a run,
 * by one commit: files that it does not name are added, those that are in no record any more are removed, and the
 * schema is told anew when it has more columns or other types: the days whose files have the old ones are written anew
 * before that, since no reader takes files of several types for one column. What another writer added is left alone. A commit is put under a name
 * that must be free, which is how two writers of a Delta table keep out of each other's way.
 *
 * Protocol: delta-io/delta, PROTOCOL.md: reader version 1, writer version 2. A datetime is its `timestamp`, in
 * microseconds of UTC; `<name>__ticks`, `_weir_rest` and `_weir_source` are columns of the table like others.
 */
#include "compact/job.h"

#include "base/random.h"

#include <jansson.h>

enum {
    COMMITS_MAX = 1 << 16, /* that are read: nobody checkpoints */
    COMMIT_MAX = 256 << 20,
    TRIES = 5, /* of a commit, when others commit too */
    DIGITS = 20,
    VERSION_TEXT = 32
};

static const char log_folder[] = "_delta_log";

/* What the log says. */
struct log {
    uint64_t next;  /* version */
    json_t *live;   /* path: its size */
    json_t *id;     /* of the table */
    json_t *schema; /* as text */
    json_t *created;
};

static void log_release(struct log *log)
{
    json_decref(log->live);
    json_decref(log->id);
    json_decref(log->schema);
    json_decref(log->created);
    *log = (struct log){0};
}

static bool commit_name(const struct compact_job *job, uint64_t version, struct buf *name,
                        struct error *err)
{
    lake_parquet_prefix(name, &job->options->place);
    buf_printf(name, "/%s/%0*llu.json", log_folder, DIGITS, (unsigned long long) version);
    return buf_ok(name, "the name of a commit", err);
}

/* --- reading ---------------------------------------------------------------------------------------------- */

struct commits {
    uint64_t n, last;
};

/* A commit is 20 digits and .json; checkpoints and all else are passed over. */
static bool see_commit(void *context, const struct store_blob *blob, struct error *err)
{
    struct commits *commits = context;
    const char *slash = memrchr(blob->name.p, '/', blob->name.n);
    size_t at = slash ? (size_t) (slash - blob->name.p) + 1 : 0;
    struct str last = {blob->name.p + at, blob->name.n - at};
    uint64_t version;
    (void) err;
    if (last.n != DIGITS + strlen(".json") || !str_ends(last, STR(".json")) ||
        !str_uint64((struct str){last.p, DIGITS}, &version))
        return true;
    commits->n++;
    commits->last = version > commits->last ? version : commits->last;
    return true;
}

/* Takes over `value` where it is there. */
static void take(json_t **to, json_t *value)
{
    if (!value)
        return;
    json_decref(*to);
    *to = json_incref(value);
}

static bool take_action(struct log *log, const json_t *action)
{
    const json_t *add = json_object_get(action, "add"), *gone = json_object_get(action, "remove"),
                 *meta = json_object_get(action, "metaData");
    const char *path = json_string_value(json_object_get(add ? add : gone, "path"));
    if ((add || gone) && !path)
        return false;
    if (add && json_object_set(log->live, path, json_object_get(add, "size")) != 0)
        return false;
    if (gone)
        (void) json_object_del(log->live, path);
    take(&log->id, json_object_get(meta, "id"));
    take(&log->schema, json_object_get(meta, "schemaString"));
    take(&log->created, json_object_get(meta, "createdTime"));
    return true;
}

static bool take_commit(struct log *log, struct str text)
{
    struct str line;
    bool ok = true;
    while (ok && text.n > 0 && str_split(&text, '\n', &line)) {
        if (str_trim(line).n == 0)
            continue;
        json_t *action = json_loadb(line.p, line.n, 0, NULL);
        ok = json_is_object(action) && take_action(log, action);
        json_decref(action);
    }
    return ok;
}

static bool not_ours(const struct compact_job *job, const char *what, struct error *err)
{
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    lake_parquet_prefix(&prefix, &job->options->place);
    (void) error_set(err, ERROR_FORMAT, "%s/%s: %s", buf_text(&prefix), log_folder, what);
    (void) error_hint(err, "move that folder away: --delta begins it anew, over the same files");
    buf_release(&prefix);
    return false;
}

static bool read_commits(const struct compact_job *job, struct log *log, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX), text = BUF_INIT(COMMIT_MAX);
    bool ok = true;
    for (uint64_t i = 0; ok && i < log->next; i++) {
        ok = commit_name(job, i, &name, err) &&
             store_get(job->options->store, buf_text(&name), &text, err) &&
             (take_commit(log, buf_str(&text)) || not_ours(job, "a commit cannot be read", err));
    }
    buf_release(&name);
    buf_release(&text);
    return ok;
}

static bool log_read(const struct compact_job *job, struct log *log, struct error *err)
{
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    struct commits commits = {0};
    *log = (struct log){.live = json_object()};
    lake_parquet_prefix(&folder, &job->options->place);
    buf_printf(&folder, "/%s", log_folder);
    bool ok = (log->live || error_set(err, ERROR_MEMORY, "memory is used up")) &&
              buf_ok(&folder, "the name of a folder", err) &&
              store_list(job->options->store, buf_text(&folder), see_commit, &commits, err);
    buf_release(&folder);
    if (!ok || commits.n == 0)
        return ok;
    if (commits.n != commits.last + 1)
        return not_ours(job, "its first commits were cleaned up by another writer", err);
    if (commits.n > COMMITS_MAX)
        return not_ours(job, "it has too many commits to be read at once", err);
    log->next = commits.n;
    return read_commits(job, log, err);
}

/* --- the schema ------------------------------------------------------------------------------------------- */

static const char *type_of(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return "boolean";
    case COLUMN_INT:
        return "integer";
    case COLUMN_LONG:
    case COLUMN_TIMESPAN:
        return "long";
    case COLUMN_REAL:
        return "double";
    case COLUMN_DATETIME:
        return "timestamp";
    default:
        return "string";
    }
}

const char *compact_delta_retyped(const struct columns *schema, const struct lake_day_file *file)
{
    for (size_t i = 0; i < file->columns.n; i++) {
        const struct column *column = &file->columns.v[i];
        int at = columns_find(schema, str_of(column->name));
        if (at >= 0 && strcmp(type_of(schema->v[at].type), type_of(column->type)) != 0)
            return column->name;
    }
    return NULL;
}

/* Those of a day that was not written anew: it was not in the range, is open again, or failed. */
static bool check_types(const struct compact_job *job, const struct lake_days *days,
                        struct error *err)
{
    for (size_t i = 0; i < days->n; i++)
        for (size_t k = 0; k < days->v[i].file_count; k++) {
            const struct lake_day_file *file = &days->v[i].files[k];
            const char *column = compact_delta_retyped(&job->schema.columns, file);
            if (!column)
                continue;
            (void) error_set(err, ERROR_INCOMPLETE,
                             "the Delta table stays as it was: column '%.200s' has another type by "
                             "now than in %s",
                             column, file->name);
            return error_hint(err, "weir compact writes that day anew once it is in the range and "
                                   "closed");
        }
    return true;
}

static void put_field(struct buf *out, const char *name, const char *more, const char *type)
{
    buf_puts(out,
             out->used > 0 && out->bytes[out->used - 1] == '}' ? ",{\"name\":\"" : "{\"name\":\"");
    text_put_json(out, str_of(name));
    buf_printf(out, "%s\",\"type\":\"%s\",\"nullable\":true,\"metadata\":{}}", more, type);
}

/* Columns that some file has, in the order of the schema, and what stands beside them. */
struct has {
    bool *column, *ticks;
    bool rest;
};

static void see_file(const struct compact_job *job, const struct lake_day_file *file,
                     struct has *has)
{
    const struct columns *columns = &job->schema.columns;
    has->rest = has->rest || file->rest;
    for (size_t i = 0; i < file->columns.n; i++) {
        int at = columns_find(columns, str_of(file->columns.v[i].name));
        if (at < 0)
            continue;
        has->column[at] = true;
        has->ticks[at] = has->ticks[at] || (file->traits[i] & LAKE_DAY_TICKS);
    }
}

static bool put_schema(const struct compact_job *job, const struct lake_days *days, struct buf *out,
                       struct error *err)
{
    const struct columns *columns = &job->schema.columns;
    struct has has = {.column = mem_alloc(columns->n, 1, err),
                      .ticks = mem_alloc(columns->n, 1, err)};
    bool ok = has.column && has.ticks;
    for (size_t i = 0; ok && i < days->n; i++)
        for (size_t k = 0; k < days->v[i].file_count; k++)
            see_file(job, &days->v[i].files[k], &has);
    buf_puts(out, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; ok && i < columns->n; i++) {
        if (has.column[i])
            put_field(out, columns->v[i].name, "", type_of(columns->v[i].type));
        if (has.ticks[i])
            put_field(out, columns->v[i].name, "__ticks", "byte");
    }
    if (has.rest)
        put_field(out, "_weir_rest", "", "string");
    put_field(out, "_weir_source", "", "integer");
    buf_puts(out, "]}");
    mem_free(has.column);
    mem_free(has.ticks);
    return ok && buf_ok(out, "a schema", err);
}

/* --- a commit --------------------------------------------------------------------------------------------- */

static int64_t milliseconds(int64_t tick)
{
    return (tick - TICK_UNIX_EPOCH) / TICK_MILLISECOND;
}

static void put_inside(struct buf *out, struct str json)
{
    buf_putc(out, '"');
    text_put_json(out, json);
    buf_putc(out, '"');
}

static bool put_metadata(const struct compact_job *job, const struct log *log, struct str schema,
                         struct buf *out, struct error *err)
{
    char id[GUID_TEXT];
    if (!random_guid(id, err))
        return false;
    buf_puts(out, "{\"metaData\":{\"id\":");
    put_inside(out, str_of(json_is_string(log->id) ? json_string_value(log->id) : id));
    buf_puts(out, ",\"name\":");
    put_inside(out, str_of(job->options->place.table));
    buf_puts(out, ",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":");
    put_inside(out, schema);
    buf_printf(out, ",\"partitionColumns\":[],\"configuration\":{},\"createdTime\":%lld}}\n",
               json_is_integer(log->created) ? (long long) json_integer_value(log->created)
                                             : (long long) milliseconds(tick_now()));
    return true;
}

/* Whole milliseconds, as the protocol has times in statistics: `up` for what must not be passed. */
static void put_stat_time(struct buf *out, const char *key, int64_t tick, bool up)
{
    char text[TICK_TEXT_MAX];
    int64_t step = TICK_MILLISECOND;
    int64_t at = tick_floor(up ? tick + step - 1 : tick, step);
    (void) tick_format_full(at > TICK_MAX ? TICK_MAX : at, text);
    buf_printf(out, ",\"%s\":{\"TimeGenerated\":\"%.23sZ\"}", key, text);
}

static void put_add(const struct lake_day *day, const struct lake_day_file *file, struct buf *stats,
                    struct buf *out)
{
    buf_reset(stats);
    buf_printf(stats, "{\"numRecords\":%llu", (unsigned long long) file->rows);
    if (file->rows > file->timeless) {
        put_stat_time(stats, "minValues", file->first, false);
        put_stat_time(stats, "maxValues", file->last, true);
    }
    buf_printf(stats, ",\"nullCount\":{\"TimeGenerated\":%llu}}",
               (unsigned long long) file->timeless);
    buf_puts(out, "{\"add\":{\"path\":");
    put_inside(out, str_of(file->name));
    buf_printf(out,
               ",\"partitionValues\":{},\"size\":%llu,\"modificationTime\":%lld,"
               "\"dataChange\":true,\"stats\":",
               (unsigned long long) file->bytes, (long long) milliseconds(day->at));
    put_inside(out, buf_str(stats));
    buf_puts(out, "}}\n");
}

static void put_remove(const char *path, const json_t *size, struct buf *out)
{
    buf_puts(out, "{\"remove\":{\"path\":");
    put_inside(out, str_of(path));
    buf_printf(out,
               ",\"deletionTimestamp\":%lld,\"dataChange\":true,\"extendedFileMetadata\":true,"
               "\"partitionValues\":{},\"size\":%lld}}\n",
               (long long) milliseconds(tick_now()), (long long) json_integer_value(size));
}

static bool put_files(const struct lake_days *days, const struct log *log, struct buf *out,
                      size_t *changes, struct error *err)
{
    struct buf stats = BUF_INIT(4096);
    json_t *names = json_object(), *size;
    const char *path;
    bool ok = names || error_set(err, ERROR_MEMORY, "memory is used up");
    for (size_t i = 0; ok && i < days->n; i++) {
        for (size_t k = 0; ok && k < days->v[i].file_count; k++) {
            const struct lake_day_file *file = &days->v[i].files[k];
            ok = json_object_set_new(names, file->name, json_true()) == 0 ||
                 error_set(err, ERROR_MEMORY, "memory is used up");
            if (json_object_get(log->live, file->name))
                continue;
            put_add(&days->v[i], file, &stats, out);
            ++*changes;
        }
    }
    json_object_foreach(log->live, path, size)
    {
        if (!ok || json_object_get(names, path) || !compact_is_own(str_of(path)))
            continue;
        put_remove(path, size, out);
        ++*changes;
    }
    json_decref(names);
    ok = ok && buf_ok(&stats, "statistics", err);
    buf_release(&stats);
    return ok;
}

static bool make_commit(const struct compact_job *job, const struct lake_days *days,
                        const struct log *log, struct buf *out, bool *any, struct error *err)
{
    struct buf schema = BUF_INIT(COMMIT_MAX);
    size_t changes = 0;
    const char *before = json_string_value(log->schema);
    buf_reset(out);
    buf_printf(out,
               "{\"commitInfo\":{\"timestamp\":%lld,\"operation\":\"WRITE\","
               "\"operationParameters\":{},\"engineInfo\":",
               (long long) milliseconds(tick_now()));
    put_inside(out, str_of(job->options->by));
    buf_puts(out, "}}\n");
    if (log->next == 0)
        buf_puts(out, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
    bool ok = put_schema(job, days, &schema, err);
    if (ok && (!before || strcmp(before, buf_text(&schema)) != 0)) {
        ok = put_metadata(job, log, buf_str(&schema), out, err);
        changes++;
    }
    ok = ok && put_files(days, log, out, &changes, err) && buf_ok(out, "a commit", err);
    *any = changes > 0;
    buf_release(&schema);
    return ok;
}

/* Commits once. *again: another writer was faster. */
static bool commit(struct compact_job *job, const struct lake_days *days, bool *again,
                   struct error *err)
{
    struct log log;
    struct error why = ERROR_INIT;
    struct buf text = BUF_INIT(COMMIT_MAX), name = BUF_INIT(LAKE_NAME_MAX);
    bool any = false;
    *again = false;
    bool ok = log_read(job, &log, err);
    if (ok && (log.next > 0 || (job->options->delta && days->n > 0)))
        ok = check_types(job, days, err) && make_commit(job, days, &log, &text, &any, err);
    if (ok && any) {
        ok = commit_name(job, log.next, &name, err) &&
             store_put_new(job->options->store, buf_text(&name), buf_str(&text), &why);
        *again = !ok && why.code == ERROR_EXISTS;
        if (!ok && !*again)
            (void) error_pass(err, &why);
    }
    job->totals->delta_version = ok && log.next > 0 ? log.next - !any : 0;
    job->totals->delta_changed = ok && any;
    log_release(&log);
    buf_release(&text);
    buf_release(&name);
    return ok || *again;
}

bool compact_delta_is_kept(const struct compact_job *job, bool *kept, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct error why = ERROR_INIT;
    uint64_t size;
    bool ok = commit_name(job, 0, &name, err);
    *kept = ok &&
            (job->options->delta || store_stat(job->options->store, buf_text(&name), &size, &why));
    buf_release(&name);
    return ok && (*kept || why.code == ERROR_NOT_FOUND || error_pass(err, &why));
}

bool compact_delta(struct compact_job *job, const struct lake_days *days, struct error *err)
{
    bool again = true;
    for (int i = 0; again && i < TRIES; i++)
        if (!commit(job, days, &again, err))
            return false;
    return !again || error_set(err, ERROR_EXISTS, "another writer commits to the Delta table");
}
