/* Lines of the lake to the engine: a year of small files, and a few big ones.
 *
 *     bench_lines          the figures
 *     bench_lines DAYS     of a shorter lake (365)
 *
 * 288 files a day of a few lines each, as the continuous export leaves them, read by two threads: opened, read and
 * closed only; scanned for two keys; through the engine; and by DuckDB's own JSON reader beside it. Then the same rows
 * in one file. The files are in the page cache.
 */
#include "base/file.h"
#include "base/memory.h"
#include "base/tick.h"
#include "engine/duckdb/scan.h"
#include "engine/engine.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES_A_DAY = 288, LINES = 4, THREADS = 2, REPEATS = 3, BUFFER = 64 * 1024 };

struct lake {
    char folder[64];
    char **paths;
    size_t n;
    char *big; /* all lines in one file */
    uint64_t bytes;
};

static void check(bool ok, const struct error *err)
{
    if (ok)
        return;
    fprintf(stderr, "bench_lines: %s\n", err->message);
    exit(1);
}

/* --- the lake ------------------------------------------------------------------------------------------- */

static void put_line(struct buf *out, int64_t tick, size_t n)
{
    char time[TICK_TEXT_MAX];
    size_t length = tick_format_full(tick, time);
    buf_printf(
        out,
        "{\"TenantId\":\"8ecf8077-cf51-4820-aadd-14040956f35d\",\"TimeGenerated\":\"%.*s\","
        "\"DeviceVendor\":\"Palo Alto Networks\",\"DeviceProduct\":\"PAN-OS\",\"Activity\":"
        "\"TRAFFIC\",\"DestinationPort\":443,\"DestinationIP\":\"203.0.113.%zu\",\"SentBytes\":%zu,"
        "\"Message\":\"session \\\"%zu\\\" closed\",\"Type\":\"CommonSecurityLog\"}\n",
        (int) length, time, n % 256, n, n);
}

static void make_file(struct lake *lake, size_t day, size_t i, int big, struct buf *text)
{
    struct error err = ERROR_INIT;
    int64_t tick =
        TICK_UNIX_EPOCH + (int64_t) (19000 + day) * TICK_DAY + (int64_t) i * TICK_PARTITION;
    char *path = NULL;
    buf_reset(text);
    for (size_t k = 0; k < LINES; k++)
        put_line(text, tick + (int64_t) k * TICK_SECOND, lake->n * LINES + k);
    if (asprintf(&path, "%s/%03zu/%03zu.json", lake->folder, day, i) < 0)
        exit(1);
    check(file_write(path, buf_str(text), 0600, false, &err), &err);
    check(file_write_all(big, text->bytes, text->used, lake->big, &err), &err);
    lake->bytes += text->used;
    lake->paths[lake->n++] = path;
}

static void make_lake(struct lake *lake, size_t days)
{
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT(1 << 20);
    strcpy(lake->folder, "/tmp/weir-bench-XXXXXX");
    lake->paths = mem_alloc(days * FILES_A_DAY, sizeof lake->paths[0], &err);
    check(lake->paths && mkdtemp(lake->folder) &&
              asprintf(&lake->big, "%s/big.json", lake->folder) > 0,
          &err);
    int big = open(lake->big, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (size_t day = 0; day < days; day++) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%s/%03zu", lake->folder, day);
        check(file_make_folders(folder, &err), &err);
        for (size_t i = 0; i < FILES_A_DAY; i++)
            make_file(lake, day, i, big, &text);
    }
    (void) close(big);
    buf_release(&text);
}

static void remove_lake(struct lake *lake, size_t days)
{
    for (size_t i = 0; i < lake->n; i++) {
        (void) unlink(lake->paths[i]);
        free(lake->paths[i]);
    }
    for (size_t day = 0; day < days; day++) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%s/%03zu", lake->folder, day);
        (void) rmdir(folder);
    }
    (void) unlink(lake->big);
    (void) rmdir(lake->folder);
    free(lake->big);
    mem_free(lake->paths);
}

/* --- two threads ---------------------------------------------------------------------------------------- */

struct half {
    const struct lake *lake;
    struct scan *scan;
    size_t from, to;
    uint64_t seen;
};

static void *only_read(void *context)
{
    struct half *half = context;
    char *buffer = mem_alloc(BUFFER, 1, NULL);
    for (size_t i = half->from; buffer && i < half->to; i++) {
        int fd = open(half->lake->paths[i], O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, buffer, BUFFER);
        half->seen += n > 0 ? (uint64_t) n : 0;
        (void) close(fd);
    }
    mem_free(buffer);
    return NULL;
}

static void *scan_half(void *context)
{
    struct half *half = context;
    struct error err = ERROR_INIT;
    struct scan_hand *hand = scan_hand_new(half->scan, &err);
    struct scan_object object;
    int found = -1;
    while (hand && (found = scan_hand_next(hand, &object, &err)) > 0)
        half->seen += object.json.bytes.n + 1;
    check(found == 0, &err);
    scan_hand_free(hand);
    return NULL;
}

static double in_two(const struct lake *lake, struct scan *scan, void *(*work)(void *) )
{
    struct half halves[THREADS];
    pthread_t threads[THREADS];
    uint64_t start = clock_ns(), seen = 0;
    for (size_t i = 0; i < THREADS; i++) {
        halves[i] =
            (struct half){lake, scan, lake->n * i / THREADS, lake->n * (i + 1) / THREADS, 0};
        if (pthread_create(&threads[i], NULL, work, &halves[i]) != 0)
            exit(1);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void) pthread_join(threads[i], NULL);
        seen += halves[i].seen;
    }
    if (seen != lake->bytes) {
        fprintf(stderr, "bench_lines: read %llu bytes of %llu\n", (unsigned long long) seen,
                (unsigned long long) lake->bytes);
        exit(1);
    }
    return (double) (clock_ns() - start) / 1e9;
}

static double only_files(const struct lake *lake)
{
    return in_two(lake, NULL, only_read);
}

static double scanned(const struct lake *lake, const char *const *paths, size_t n)
{
    static const struct str keys[] = {{"TimeGenerated", 13}, {"SentBytes", 9}};
    struct error err = ERROR_INIT;
    struct scan *scan = scan_new(
        &(const struct scan_options){.paths = paths, .count = n, .keys = keys, .key_count = 2},
        &err);
    check(scan != NULL, &err);
    double seconds = in_two(lake, scan, scan_half);
    scan_free(scan);
    return seconds;
}

/* --- the engine ----------------------------------------------------------------------------------------- */

static double query(const struct lake *lake, struct engine_task *task, const char *sql)
{
    struct error err = ERROR_INIT;
    struct columns columns = {0};
    const struct engine_chunk *chunk = NULL;
    check(columns_add(&columns, STR("n"), COLUMN_LONG, &err), &err);
    uint64_t start = clock_ns();
    struct engine_result *result = engine_query(task, sql, &columns, &err);
    check(result && engine_next(result, &chunk, &err) && chunk, &err);
    int64_t rows = (int64_t) lake->n * LINES;
    if (*(const int64_t *) chunk->vectors[0].values != rows * (rows - 1) / 2) {
        fprintf(stderr, "bench_lines: a wrong sum\n");
        exit(1);
    }
    engine_result_free(result);
    columns_release(&columns);
    return (double) (clock_ns() - start) / 1e9;
}

static double through_engine(const struct lake *lake, struct engine_task *task,
                             const char *const *paths, size_t n)
{
    struct error err = ERROR_INIT;
    struct columns columns = {0};
    check(columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, &err) &&
              columns_add(&columns, STR("SentBytes"), COLUMN_LONG, &err),
          &err);
    struct engine_files files = {.name = "T", .paths = paths, .count = n, .columns = &columns};
    uint64_t start = clock_ns();
    check(engine_view(task, &files, &err), &err);
    double seconds = (double) (clock_ns() - start) / 1e9;
    columns_release(&columns);
    return seconds +
           query(lake, task, "SELECT sum(SentBytes)::BIGINT FROM T WHERE TimeGenerated > 0");
}

static double through_duckdb(const struct lake *lake, struct engine_task *task, const char *pattern)
{
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "SELECT sum(SentBytes)::BIGINT FROM read_json('%s/%s', format = 'newline_delimited', "
        "columns = "
        "{TimeGenerated: 'TIMESTAMP', SentBytes: 'BIGINT'}) WHERE TimeGenerated > '2000-01-01'",
        lake->folder, pattern);
    return query(lake, task, sql);
}

/* The time again; `best` keeps the least of all repeats. */
static void say(const char *what, double seconds, const struct lake *lake, double *best)
{
    printf("  %-46s %7.3f s  %6.2f GB/s\n", what, seconds, (double) lake->bytes / seconds / 1e9);
    if (best && (*best <= 0 || seconds < *best))
        *best = seconds;
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct lake lake = {.n = 0};
    size_t days = argc > 1 ? (size_t) strtoul(argv[1], NULL, 10) : 365;
    const struct engine_options options = {.threads = THREADS};
    struct engine *engine = engine_open(&options, &err);
    check(engine != NULL, &err);
    struct engine_task *task = engine_task_new(engine, &err);
    check(task != NULL, &err);
    make_lake(&lake, days);
    const char *const *paths = (const char *const *) lake.paths, *const big = lake.big;
    double ours = 0, theirs = 0;
    for (int i = 0; i < REPEATS; i++) {
        printf("%zu files of %d lines, %d threads\n", lake.n, LINES, THREADS);
        say("opened, read, closed", only_files(&lake), &lake, NULL);
        say("scanned for 2 keys", scanned(&lake, paths, lake.n), &lake, NULL);
        say("view and query over 2 columns", through_engine(&lake, task, paths, lake.n), &lake,
            &ours);
        say("DuckDB's read_json", through_duckdb(&lake, task, "*/*.json"), &lake, &theirs);
        printf("the same in one file\n");
        say("scanned for 2 keys", scanned(&lake, &big, 1), &lake, NULL);
        say("view and query over 2 columns", through_engine(&lake, task, &big, 1), &lake, NULL);
        say("DuckDB's read_json", through_duckdb(&lake, task, "big.json"), &lake, NULL);
    }
    printf("=> query over %zu small files, best of %d |  | %.2f s, DuckDB's own reader %.2f s | \n",
           lake.n, REPEATS, ours, theirs);
    remove_lake(&lake, days);
    engine_task_free(task);
    engine_free(engine);
    return 0;
}
