/* Rows of the service to lines in partition buffers, and lines to values, one core, memory to memory.
 *
 *     bench_rows               the figures
 *     bench_rows NAME          only those whose name holds NAME
 *     bench_rows --body FILE   writes the response body that they are of, for others to be measured by
 *
 * The body is CommonSecurityLog with all columns of its schema and _ItemId, about 40 of them filled, about
 * 1 kB a row, two hours of three firewalls, fed in pieces as they come from a socket. GB/s are of the body
 * and of the time that the thread had the core.
 */
#include "base/column.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "lake/pile.h"
#include "json/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROWS = 64000,
    PIECE = 1 << 16,
    REPEATS = 15,
    PARTITIONS = 24,
    BODY_MAX = 1 << 28,
    LINE_ROOM = 1 << 20,
    POOL_BUDGET = 1 << 29
};

/* ---- the body ---- */

enum filled {
    EMPTY,
    FIXED,
    TIME,
    IP,
    PORT,
    COUNT,
    ITEM,
    NUMBER,
    URL,
    USER,
    HOST,
    TEXT,
    CHOICE,
    RULE
};

struct fill {
    const char *column;
    enum filled how;
    const char *text;
};

/* What a firewall's CEF message leaves in the table. */
static const struct fill fills[] = {
    {"TenantId", FIXED, "8ecf8077-cf51-4820-aadd-14040956f35d"},
    {"TimeGenerated", TIME, NULL},
    {"DeviceVendor", FIXED, "Palo Alto Networks"},
    {"DeviceProduct", FIXED, "PAN-OS"},
    {"DeviceVersion", FIXED, "10.1.6-h3"},
    {"DeviceEventClassID", CHOICE, "end"},
    {"Activity", FIXED, "TRAFFIC"},
    {"LogSeverity", FIXED, "1"},
    {"OriginalLogSeverity", FIXED, "1"},
    {"AdditionalExtensions", TEXT, NULL},
    {"DeviceAction", CHOICE, "allow"},
    {"ApplicationProtocol", CHOICE, "ssl"},
    {"EventCount", COUNT, NULL},
    {"DeviceExternalID", FIXED, "012801064439"},
    {"DeviceInboundInterface", FIXED, "ethernet1/2"},
    {"DeviceOutboundInterface", FIXED, "ethernet1/1"},
    {"DestinationPort", PORT, NULL},
    {"DestinationIP", IP, NULL},
    {"DeviceName", HOST, NULL},
    {"EndTime", TIME, NULL},
    {"ExternalID", NUMBER, NULL},
    {"ReceivedBytes", NUMBER, NULL},
    {"SentBytes", NUMBER, NULL},
    {"Message", RULE, NULL},
    {"Protocol", CHOICE, "tcp"},
    {"RequestURL", URL, NULL},
    {"ReceiptTime", FIXED, "Nov 17 2021 10:21:05 GMT"},
    {"SourceTranslatedAddress", IP, NULL},
    {"SourceTranslatedPort", PORT, NULL},
    {"SourcePort", PORT, NULL},
    {"SourceIP", IP, NULL},
    {"SourceUserName", USER, NULL},
    {"StartTime", TIME, NULL},
    {"DeviceCustomNumber1", NUMBER, NULL},
    {"DeviceCustomString1", RULE, NULL},
    {"DeviceCustomString1Label", FIXED, "Rule"},
    {"Computer", HOST, NULL},
    {"SourceSystem", FIXED, "OpsManager"},
    {"SimplifiedDeviceAction", CHOICE, "allow"},
    {"CollectorHostName", HOST, NULL},
    {"Type", FIXED, "CommonSecurityLog"},
    {"_ItemId", ITEM, NULL},
};

enum { TIME_GENERATED = 1 }; /* in fills */

static const char *const words[] = {"web-browsing", "dns", "ssl", "allow", "deny",
                                    "drop",         "tcp", "udp", "quic",  "smtp"};

static const struct fill *fill_of(const char *column)
{
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++)
        if (strcmp(fills[i].column, column) == 0)
            return &fills[i];
    return NULL;
}

static void put_time(struct buf *out, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    buf_putc(out, '"');
    buf_put(out, text, tick_format(tick, text));
    buf_putc(out, '"');
}

static void put_filled(struct buf *out, struct random *random, const struct fill *fill,
                       int64_t tick)
{
    unsigned n = (unsigned) random_below(random, 60000);
    switch (fill->how) {
    case TIME:
        put_time(out, tick - (int64_t) random_below(random, 5 * TICK_SECOND));
        break;
    case IP:
        buf_printf(out, "\"10.%u.%u.%u\"", n % 32, n / 256, n % 256);
        break;
    case PORT:
        buf_printf(out, "%u", n % 3 == 0 ? 443 : n + 1024);
        break;
    case COUNT:
        buf_puts(out, "1");
        break;
    case NUMBER:
        buf_printf(out, "%u", n % 4 == 0 ? n * 37 : n);
        break;
    case ITEM:
        buf_printf(out, "\"%08x-47a6-11ec-%04x-%012llx\"", n, n % 4096,
                   (unsigned long long) (random_next(random) >> 16));
        break;
    case URL:
        buf_printf(out, "\"https://cdn%u.example.net/assets/%u/app.js?v=%u\"", n % 9, n, n % 100);
        break;
    case USER:
        buf_printf(out, "\"contoso\\\\user%u\"", n % 3000);
        break;
    case HOST:
        buf_printf(out, "\"fw-%02u.contoso.com\"", n % 40);
        break;
    case TEXT:
        buf_printf(out, "\"cat=%s;deviceDirection=%u;flags=0x%x;reason=aged-out\"", words[n % 10],
                   n % 2, n * 7919);
        break;
    case RULE:
        buf_printf(out, "\"Outbound to the Internet %u\"", n % 70);
        break;
    case CHOICE:
        buf_printf(out, "\"%s\"", n % 2 ? fill->text : words[n % 10]);
        break;
    default:
        buf_printf(out, "\"%s\"", fill->text);
    }
}

/* One in sixteen of the values that a firewall fills is empty too. */
static void put_row(struct buf *out, struct random *random, const struct columns *columns,
                    const struct fill *const *wanted, int64_t tick)
{
    for (size_t i = 0; i < columns->n; i++) {
        const struct fill *fill = wanted[i];
        bool must = fill != NULL && (fill->how == ITEM || fill == &fills[TIME_GENERATED]);
        buf_putc(out, i > 0 ? ',' : '[');
        if (fill != NULL && (must || random_below(random, 16) > 0))
            put_filled(out, random, fill, tick);
        else
            buf_puts(out, columns->v[i].type == COLUMN_STRING ? "\"\"" : "null");
    }
    buf_putc(out, ']');
}

static bool make_body(struct buf *body, const struct columns *columns, int64_t from)
{
    static const struct fill *wanted[COLUMNS_MAX];
    struct random random;
    random_seed(&random, 2);
    for (size_t i = 0; i < columns->n; i++)
        wanted[i] = fill_of(columns->v[i].name);
    int64_t step = PARTITIONS * TICK_PARTITION / ROWS;
    for (int i = 0; i < ROWS; i++) {
        buf_putc(body, i > 0 ? ',' : '[');
        int64_t tick = from + 5 * TICK_SECOND + i * step * 99 / 100;
        put_row(body, &random, columns, wanted,
                tick + (int64_t) random_below(&random, (uint64_t) step));
    }
    buf_putc(body, ']');
    return buf_ok(body, "the body", NULL);
}

static bool read_columns(struct columns *columns, struct error *err)
{
    struct buf folder = BUF_INIT(4096), path = BUF_INIT(4096), text = BUF_INIT(COLUMNS_FILE_MAX);
    bool ok = file_find_data("schemas", &folder, err);
    path_join(&path, buf_text(&folder), "CommonSecurityLog.columns");
    ok = ok && file_read(buf_text(&path), COLUMNS_FILE_MAX, &text, err) &&
         columns_read(buf_str(&text), columns, err) &&
         columns_add(columns, STR("_ItemId"), COLUMN_STRING, err);
    buf_release(&folder);
    buf_release(&path);
    buf_release(&text);
    return ok;
}

/* ---- what is measured ---- */

struct job {
    struct str body;
    const struct columns *columns;
    int64_t from;
    bool scalar;
    const char *only;
    struct lake_line *line;
    char *room;
    struct lake_pool *pool;
    struct lake_pile *piles[PARTITIONS];
    struct buf lines; /* of all rows */
    uint64_t rows, cells, bytes, sum;
};

typedef bool job_fn(struct job *job, struct error *err);

static bool count_cells(void *context, const struct json_row *row, struct error *err)
{
    struct job *job = context;
    (void) err;
    job->cells += row->count;
    return true;
}

static bool make_line(void *context, const struct json_row *row, struct error *err)
{
    struct job *job = context;
    int64_t tick, item;
    size_t length;
    if (!lake_line_key(job->line, row, &tick, &item, err) ||
        !lake_line_write(job->line, row, job->room, &length, err))
        return false;
    job->bytes += length;
    job->sum += (uint64_t) (tick ^ item);
    return true;
}

static bool add_to_pile(void *context, const struct json_row *row, struct error *err)
{
    struct job *job = context;
    int64_t tick, item;
    if (!lake_line_key(job->line, row, &tick, &item, err))
        return false;
    struct lake_pile **pile = &job->piles[(tick - job->from) / TICK_PARTITION];
    if (*pile == NULL && (*pile = lake_pile_new(job->pool, err)) == NULL)
        return false;
    return lake_pile_add(*pile, job->line, row, tick, item, err);
}

static bool scan(struct job *job, json_row_fn *fn, struct error *err)
{
    struct json_rows_options options = {
        .columns = job->columns->n, .scalar = job->scalar, .row = fn, .context = job};
    struct json_rows *rows = json_rows_new(&options, err);
    bool ok = rows != NULL, ended = false;
    for (size_t at = 0, used; ok && at < job->body.n; at += used) {
        size_t n = job->body.n - at < PIECE ? job->body.n - at : PIECE;
        ok = json_rows_feed(rows, job->body.p + at, n, &used, &ended, err);
    }
    job->rows = ok ? json_rows_count(rows) : 0;
    json_rows_free(rows);
    return ok && (ended || error_set(err, ERROR_FORMAT, "the body has not ended"));
}

static bool only_read(struct job *job, struct error *err)
{
    (void) err;
    job->cells = memchr(job->body.p, 0x7F, job->body.n) == NULL;
    return true;
}

static bool only_scan(struct job *job, struct error *err)
{
    return scan(job, count_cells, err);
}

static bool scan_and_line(struct job *job, struct error *err)
{
    return scan(job, make_line, err);
}

static bool whole_way(struct job *job, struct error *err)
{
    bool ok = scan(job, add_to_pile, err);
    job->bytes = 0;
    for (int i = 0; i < PARTITIONS; i++) {
        if (job->piles[i] != NULL)
            job->bytes += lake_pile_bytes(job->piles[i]);
        lake_pile_free(job->piles[i]);
        job->piles[i] = NULL;
    }
    return ok;
}

static bool keep_lines(void *context, struct str lines, struct error *err)
{
    struct job *job = context;
    buf_put_str(&job->lines, lines);
    return buf_ok(&job->lines, "the lines", err);
}

/* The lines, in their order, for those who read them. */
static bool make_lines(struct job *job, struct error *err)
{
    bool ok = scan(job, add_to_pile, err);
    for (int i = 0; i < PARTITIONS; i++) {
        ok = ok &&
             (job->piles[i] == NULL || lake_piles_merge(&job->piles[i], 1, keep_lines, job, err));
        lake_pile_free(job->piles[i]);
        job->piles[i] = NULL;
    }
    return ok;
}

static bool read_lines(struct job *job, const struct json_lines_options *options, struct error *err)
{
    struct json_lines *lines = json_lines_new(options, err);
    struct json_object object;
    size_t at = 0;
    int found = lines == NULL ? -1 : 1;
    for (job->cells = 0; found > 0; job->cells += (uint64_t) object.present[0])
        if ((found = json_lines_next(lines, buf_str(&job->lines), &at, true, &object, err)) <= 0)
            break;
    json_lines_free(lines);
    return found == 0;
}

static bool read_few(struct job *job, struct error *err)
{
    static const struct str few[] = {
        {"TimeGenerated", 13}, {"SourceIP", 8}, {"DestinationIP", 13}, {"SentBytes", 9}};
    struct json_lines_options options = {.keys = few, .count = sizeof few / sizeof few[0]};
    return read_lines(job, &options, err);
}

static bool read_all(struct job *job, struct error *err)
{
    static struct str all[COLUMNS_MAX];
    struct json_lines_options options = {.keys = all, .count = job->columns->n};
    for (size_t i = 0; i < job->columns->n; i++)
        all[i] = str_of(job->columns->v[i].name);
    return read_lines(job, &options, err);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* What this thread has used of its core: others on the machine do not count. */
static uint64_t cpu_ns(void)
{
    struct timespec now = {0};
    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static bool measure(struct job *job, const char *name, size_t bytes, job_fn *fn, struct error *err)
{
    double seconds[REPEATS];
    if (job->only != NULL && strstr(name, job->only) == NULL)
        return true;
    if (!fn(job, err)) /* once for warmth */
        return false;
    for (int i = 0; i < REPEATS; i++) {
        uint64_t begin = cpu_ns();
        if (!fn(job, err))
            return false;
        seconds[i] = (double) (cpu_ns() - begin) / 1e9;
    }
    qsort(seconds, REPEATS, sizeof seconds[0], by_size);
    printf("%-44s %6.2f GB/s   %6.0f ns a row   (best %.2f)\n", name,
           (double) bytes / seconds[REPEATS / 2] / 1e9, seconds[REPEATS / 2] / ROWS * 1e9,
           (double) bytes / seconds[0] / 1e9);
    return true;
}

static bool measure_all(struct job *job, struct error *err)
{
    struct lake_pool_options pool = {.budget = POOL_BUDGET, .scratch = "."};
    job->line = lake_line_new(job->columns, NULL, err);
    job->room = mem_alloc(LINE_ROOM, 1, err);
    job->pool = lake_pool_new(&pool, err);
    bool ok = job->line != NULL && job->room != NULL && job->pool != NULL;
    ok = ok && measure(job, "reading it (memchr)", job->body.n, only_read, err);
    for (int scalar = 0; ok && scalar < 2; scalar++) {
        const char *twin = scalar ? "scalar" : "AVX2";
        char name[64];
        job->scalar = scalar;
        (void) snprintf(name, sizeof name, "%s: scanner", twin);
        ok = measure(job, name, job->body.n, only_scan, err);
        (void) snprintf(name, sizeof name, "%s: scanner, keys, lines", twin);
        ok = ok && measure(job, name, job->body.n, scan_and_line, err);
        (void) snprintf(name, sizeof name, "%s: scanner, keys, lines in piles", twin);
        ok = ok && measure(job, name, job->body.n, whole_way, err);
    }
    ok = ok && make_lines(job, err) &&
         measure(job, "lines: 4 keys of each", job->lines.used, read_few, err) &&
         measure(job, "lines: all keys of each", job->lines.used, read_all, err);
    if (ok)
        printf("%llu rows, %.0f bytes a row as it came, %.0f as a line\n",
               (unsigned long long) job->rows, (double) job->body.n / ROWS,
               (double) job->bytes / ROWS);
    buf_release(&job->lines);
    lake_line_free(job->line);
    mem_free(job->room);
    lake_pool_free(job->pool);
    return ok;
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct columns columns = {.n = 0};
    struct buf body = BUF_INIT(BODY_MAX);
    struct job job = {.columns = &columns, .lines = BUF_INIT(BODY_MAX)};
    bool ok = tick_parse(STR("2021-11-17T10:00:00Z"), &job.from) && read_columns(&columns, &err);
    ok = ok && make_body(&body, &columns, job.from);
    job.body = buf_str(&body);
    job.only = argc == 2 ? argv[1] : NULL;
    if (ok && argc == 3 && strcmp(argv[1], "--body") == 0)
        ok = file_write(argv[2], job.body, 0644, false, &err);
    else
        ok = ok && measure_all(&job, &err);
    if (!ok)
        fprintf(stderr, "bench_rows: %s\n", err.message);
    buf_release(&body);
    columns_release(&columns);
    return ok ? 0 : 1;
}
