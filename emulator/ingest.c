/* Ingest: the Logs Ingestion API.
 *
 * The rows of a table T that came so are kept in "T arrived". With the first of them the relation "T"
 * becomes the union of what it was, "T base", and that; a table where nothing arrives costs nothing. */

#include "emulator/ingest.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/tick.h"
#include "emulator/data_sql.h"
#include "emulator/exporter.h"
#include "emulator/reply.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

enum { CALL_MAX = 1 << 20, SQL_MAX = 1 << 20, WHERE_MAX = 64, STREAM_MAX = 256 };

#define STAGE "weir arriving"
#define ARRIVED " arrived"

struct ingest {
    pthread_mutex_t lock; /* one call at a time */
    const char *folder;
    char run[GUID_TEXT]; /* no two runs give a row the same id */
    uint64_t batches;
};

struct ingest *ingest_new(const char *folder, struct error *err)
{
    struct ingest *ingest = mem_alloc(1, sizeof *ingest, err);
    if (!ingest)
        return NULL;
    ingest->folder = folder;
    if (random_guid(ingest->run, err) && pthread_mutex_init(&ingest->lock, NULL) == 0)
        return ingest;
    mem_free(ingest);
    error_set(err, ERROR_MEMORY, "no mutex for rows that arrive");
    return NULL;
}

void ingest_free(struct ingest *ingest)
{
    if (!ingest)
        return;
    (void) pthread_mutex_destroy(&ingest->lock);
    mem_free(ingest);
}

/* --- the engine ------------------------------------------------------------------------------- */

/* The table begins to take rows. */
static void put_prepare(const struct table *table, struct buf *sql)
{
    buf_puts(sql, "BEGIN; CREATE TABLE ");
    data_put_name(sql, table->name, ARRIVED);
    buf_puts(sql, " AS SELECT *, 0::BIGINT AS \"_weir_batch\" FROM ");
    data_put_name(sql, table->name, "");
    buf_puts(sql, " LIMIT 0; ALTER VIEW ");
    data_put_name(sql, table->name, "");
    buf_puts(sql, " RENAME TO ");
    data_put_name(sql, table->name, TABLES_BASE);
    buf_puts(sql, "; CREATE VIEW ");
    data_put_name(sql, table->name, "");
    buf_puts(sql, " AS SELECT * FROM ");
    data_put_name(sql, table->name, TABLES_BASE);
    buf_puts(sql, " UNION ALL BY NAME SELECT * EXCLUDE (\"_weir_batch\") FROM ");
    data_put_name(sql, table->name, ARRIVED);
    buf_puts(sql, "; COMMIT");
}

static void put_time(int64_t now, struct buf *sql)
{
    buf_printf(sql,
               "CASE WHEN \"TimeGenerated\" BETWEEN %lld AND %lld THEN \"TimeGenerated\" ELSE "
               "%lld::BIGINT END",
               (long long) (now - 2 * TICK_DAY), (long long) (now + TICK_DAY), (long long) now);
}

static void put_column(const struct service *service, const struct table *table,
                       const struct column *column, int64_t now, struct buf *sql)
{
    if (strcmp(column->name, "TimeGenerated") == 0)
        put_time(now, sql);
    else if (strcmp(column->name, "TenantId") == 0)
        buf_printf(sql, "'%s'", service->workspace);
    else if (strcmp(column->name, "Type") == 0)
        buf_printf(sql, "'%s'", table->name);
    else
        data_put_name(sql, column->name, "");
    buf_puts(sql, " AS ");
    data_put_name(sql, column->name, "");
    buf_puts(sql, ", ");
}

static void put_insert(const struct service *service, const struct table *table, size_t bytes,
                       int64_t now, struct buf *sql)
{
    const struct ingest *ingest = service->ingest;
    buf_puts(sql, "INSERT INTO ");
    data_put_name(sql, table->name, ARRIVED);
    buf_puts(sql, " BY NAME SELECT ");
    for (size_t i = 0; i < table->visible.n; i++)
        put_column(service, table, &table->visible.v[i], now, sql);
    for (size_t i = 0; i < table->hidden.n; i++) {
        const struct column *column = &table->hidden.v[i];
        if (column->type != COLUMN_STRING || tables_is_secret(str_of(column->name)))
            continue;
        buf_puts(sql, "'' AS ");
        data_put_name(sql, column->name, "");
        buf_puts(sql, ", ");
    }
    buf_printf(sql,
               "md5('%s:%llu:' || row_number() OVER ())::UUID::VARCHAR AS \"_ItemId\", "
               "%lld::BIGINT AS \"_TimeReceived\", %zu::DOUBLE / count(*) OVER () AS "
               "\"_BilledSize\", 'true' AS \"_IsBillable\", %lld::BIGINT AS \"_weir_ingestion\", "
               "%lld::BIGINT AS \"_weir_visible\", %llu::BIGINT AS \"_weir_batch\" FROM \"" STAGE
               "\"",
               ingest->run, (unsigned long long) ingest->batches, (long long) now, bytes,
               (long long) now, (long long) now, (unsigned long long) ingest->batches);
}

static bool run_sql(struct engine_task *task, const struct buf *sql, struct error *err)
{
    return buf_ok(sql, "SQL", err) && engine_run(task, buf_text(sql), err);
}

static bool prepare(struct engine_task *task, struct table *table, struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    bool done = true;
    if (!atomic_load(&table->arrives)) {
        put_prepare(table, &sql);
        done = run_sql(task, &sql, err);
        if (done)
            atomic_store(&table->arrives, true);
    }
    buf_release(&sql);
    return done;
}

static bool insert(struct service *service, struct table *table, const char *path, size_t bytes,
                   int64_t now, struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    struct engine_task *task = engine_task_new(service->engine, err);
    struct engine_files files = {.name = STAGE,
                                 .form = ENGINE_LINES,
                                 .paths = &path,
                                 .count = 1,
                                 .columns = &table->visible};
    put_insert(service, table, bytes, now, &sql);
    bool done = task && prepare(task, table, err) && engine_view(task, &files, err) &&
                run_sql(task, &sql, err);
    engine_task_free(task);
    buf_release(&sql);
    return done;
}

/* The caller holds the lock. */
static bool take(struct service *service, struct table *table, struct str body, struct error *err)
{
    struct ingest *ingest = service->ingest;
    struct buf path = BUF_INIT(PATH_MAX), from = BUF_INIT(STREAM_MAX);
    char where[WHERE_MAX];
    int64_t now = service_now(service);
    ingest->batches++;
    path_join(&path, ingest->folder, "arriving");
    buf_printf(&from, "%s" ARRIVED, table->name);
    (void) snprintf(where, sizeof where, "\"_weir_batch\" = %llu",
                    (unsigned long long) ingest->batches);
    bool done = buf_ok(&path, "a path", err) && buf_ok(&from, "a name", err) &&
                file_write(buf_text(&path), body, 0600, false, err);
    if (done) {
        done = insert(service, table, buf_text(&path), body.n, now, err);
        (void) unlink(buf_text(&path));
    }
    done = done && (!service->exporter ||
                    exporter_rows(service->exporter, table, buf_text(&from), where, now, err));
    buf_release(&from);
    buf_release(&path);
    return done;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void refuse(struct server_reply *reply, int status, const char *code, const char *message)
{
    reply_error(reply, &(struct reply_error){.status = status, .code = code, .message = message});
}

static bool may_enter(const struct service *service, const struct server_request *request,
                      struct server_reply *reply)
{
    struct token_holder holder;
    enum token_verdict verdict =
        service_check(service, SERVICE_INGESTION, request->authorization, &holder);
    const struct client *client = verdict == TOKEN_GOOD ? service_holder(service, &holder) : NULL;
    if (client && !client->conditional)
        return true;
    if (client)
        refuse(reply, 403, "OperationFailed",
               "The authentication token provided does not have access to ingest data for the data "
               "collection rule with immutable Id '" INGEST_RULE "'.");
    else
        refuse(reply, 401, "InvalidToken", "Invalid authorization token");
    return false;
}

static struct table *find_table(struct service *service, struct str stream)
{
    static const char *const prefixes[] = {"Custom-", "Microsoft-"};
    for (size_t p = 0; p < 2; p++) {
        struct str prefix = str_of(prefixes[p]);
        if (!str_starts(stream, prefix))
            continue;
        struct str name = {stream.p + prefix.n, stream.n - prefix.n};
        for (size_t i = 0; i < service->tables.n; i++) {
            struct table *table = &service->tables.v[i];
            if (table->timed && !table->result && str_eq(name, str_of(table->name)))
                return table;
        }
    }
    return NULL;
}

/* An array, or what may be one when it is unpacked. */
static bool may_be_rows(struct str body)
{
    struct str text = str_trim(body);
    return text.n > 1 && (text.p[0] == '[' ||
                          ((unsigned char) text.p[0] == 0x1f && (unsigned char) text.p[1] == 0x8b));
}

static void answer_rows(struct service *service, struct table *table, struct str body,
                        struct server_reply *reply)
{
    struct error err = ERROR_INIT;
    (void) pthread_mutex_lock(&service->ingest->lock);
    bool done = take(service, table, body, &err);
    (void) pthread_mutex_unlock(&service->ingest->lock);
    if (done)
        reply->status = 204;
    else if (err.code == ERROR_FORMAT)
        refuse(reply, 400, "InvalidRequest", "The body is not a JSON array of objects");
    else
        reply_internal(reply, err.message);
}

bool ingest_answer(struct service *service, const struct server_request *request,
                   struct server_reply *reply)
{
    struct str path = str_of(request->path), rule, word, root = STR("/dataCollectionRules/");
    const char *kind = request->content_type;
    if (!service->ingest || !str_starts(path, root))
        return false;
    path = (struct str){path.p + root.n, path.n - root.n};
    (void) str_split(&path, '/', &rule);
    bool whole = str_split(&path, '/', &word) && str_eq(word, STR("streams")) && path.n > 0;
    struct table *table = whole ? find_table(service, path) : NULL;
    if (!may_enter(service, request, reply))
        return true;
    if (!whole || strcmp(request->method, "POST") != 0)
        refuse(reply, 404, "NotFound", "There is no such path.");
    else if (!server_argument(request, "api-version"))
        refuse(reply, 400, "MissingApiVersion", "The api-version query parameter is required.");
    else if (!str_eq_case(rule, STR(INGEST_RULE)))
        refuse(reply, 404, "NotFound",
               "Data collection rule with that immutable Id was not found.");
    else if (!table)
        refuse(reply, 400, "InvalidStream",
               "The stream was not configured in the data collection rule.");
    else if (!kind || strncasecmp(kind, "application/json", sizeof "application/json" - 1) != 0)
        refuse(reply, 415, "UnsupportedMediaType", "The content type is application/json.");
    else if (request->body.n > CALL_MAX)
        refuse(reply, 413, "ContentLengthLimitExceeded",
               "Maximum allowed content length: 1048576 bytes (1 MB).");
    else if (!may_be_rows(request->body))
        refuse(reply, 400, "InvalidRequest", "The body is not a JSON array of objects");
    else
        answer_rows(service, table, request->body, reply);
    return true;
}
