/* The ledger of a year: what it takes to open, to ask and to check, in time of the processor and in memory.
 *
 *     bench_ledger         105,120 partitions, a small blob in each
 *     bench_ledger DAYS    of a shorter lake (365)
 *
 * The lake is made in memory (/dev/shm) and removed. Each figure comes from a process of its own, which begins
 * when the lake is there: its memory is what the heap holds at the end, and what it ever held more than at its start.
 */
#include "base/file.h"
#include "base/memory.h"
#include "lake/check.h"
#include "lake/partition.h"

#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DAYS = 365, DAYS_MAX = 3650, DAY_PARTITIONS = 288, FLUSH_EACH = 512, ROUNDS = 10 };

static const struct lake_place place = {
    .workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35d",
    .resource_id =
        "/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourceGroups/soc/providers/"
        "Microsoft.OperationalInsights/workspaces/contoso",
    .table = "CommonSecurityLog"};

static void check(bool ok, const struct error *err)
{
    if (ok)
        return;
    fprintf(stderr, "bench_ledger: %s\n", err->message);
    exit(1);
}

static int64_t tick_at(size_t i)
{
    return TICK_UNIX_EPOCH + 18993 * TICK_DAY + (int64_t) i * TICK_PARTITION; /* 2022-01-01 */
}

static double seconds(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* --- the lake ------------------------------------------------------------------------------------------- */

static void make_blob(struct store *store, size_t i, struct lake_entry *entry)
{
    struct error err = ERROR_INIT;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct lake_written written = {0};
    char line[128], item[32];
    int length = snprintf(item, sizeof item, "item-%zu", i);
    int n = snprintf(line, sizeof line, "{\"a\":%zu,\"_ItemId\":\"%s\"}\n", i, item);
    lake_export_name(&name, &place, tick_at(i), 0);
    struct lake_writer *writer = lake_writer_new(store, buf_text(&name), &err);
    check(writer && lake_writer_add(writer, (struct str){line, (size_t) n}, &err) &&
              lake_writer_commit(writer, &written, &err),
          &err);
    buf_release(&name);
    uint64_t sum = (uint64_t) hash_xx64((struct str){item, (size_t) length});
    *entry = (struct lake_entry){.partition = tick_at(i),
                                 .at = tick_at(i) + TICK_DAY + (int64_t) i,
                                 .rows_expected = written.rows,
                                 .rows = written.rows,
                                 .sum_expected = sum,
                                 .sum = sum,
                                 .bytes = written.bytes,
                                 .proof = LAKE_PROOF_SUM,
                                 .verdict = LAKE_VERDICT_VERIFIED};
    memcpy(entry->sha256, written.sha256, sizeof entry->sha256);
}

static void make_lake(struct store *store, size_t partitions)
{
    struct error err = ERROR_INIT;
    struct lake_run run = {.id = "20230101-090000-7f3a", .by = "weir", .identity = "bench"};
    struct lake_ledger *ledger = lake_ledger_open(store, &place, &err);
    check(ledger && lake_ledger_begin(ledger, &run, &err), &err);
    for (size_t i = 0; i < partitions; i++) {
        struct lake_entry entry;
        make_blob(store, i, &entry);
        check(lake_ledger_add(ledger, &entry, &err), &err);
        if (lake_ledger_waiting(ledger) >= FLUSH_EACH)
            check(lake_ledger_flush(ledger, &err), &err);
    }
    check(lake_ledger_flush(ledger, &err), &err);
    lake_ledger_free(ledger);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void) status;
    (void) kind;
    (void) where;
    return remove(path);
}

/* --- what is measured ----------------------------------------------------------------------------------- */

static double megabytes(size_t bytes)
{
    return (double) bytes / 1e6;
}

static size_t heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static size_t peak(void)
{
    struct rusage usage;
    (void) getrusage(RUSAGE_SELF, &usage);
    return (size_t) usage.ru_maxrss * 1024;
}

static struct lake_ledger *open_ledger(struct store *store)
{
    struct error err = ERROR_INIT;
    struct lake_ledger *ledger = lake_ledger_open(store, &place, &err);
    check(ledger != NULL, &err);
    return ledger;
}

static void measure_ledger(struct store *store)
{
    size_t heap_before = heap(), peak_before = peak(), found = 0, walked = 0;
    double start = seconds();
    struct lake_ledger *ledger = open_ledger(store);
    double opened = seconds();
    size_t heap_after = heap(), peak_after = peak(), count = lake_ledger_count(ledger);
    printf("open      %8.3f s   %6.1f MB kept, %.1f MB at most   %zu partitions, %zu segments\n",
           opened - start, megabytes(heap_after - heap_before), megabytes(peak_after - peak_before),
           count, lake_ledger_segments(ledger));
    start = seconds();
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            found += lake_ledger_find(ledger, tick_at(i * 7919 % count) + 1) != NULL;
    opened = seconds();
    for (size_t round = 0; round < ROUNDS; round++)
        for (const struct lake_entry *entry = lake_ledger_next(ledger, 0); entry;
             entry = lake_ledger_next(ledger, entry->partition + 1))
            walked++;
    printf("find      %8.3f s   of %zu, out of order\n", (opened - start) / ROUNDS, found / ROUNDS);
    printf("iterate   %8.3f s   over %zu\n", (seconds() - opened) / ROUNDS, walked / ROUNDS);
    lake_ledger_free(ledger);
}

static void measure_check(struct store *store)
{
    struct error err = ERROR_INIT;
    struct lake_check_totals totals;
    struct lake_check_options options = {0};
    struct lake_ledger *ledger = open_ledger(store);
    size_t before = peak();
    double start = seconds();
    check(lake_check(store, &place, ledger, &options, &totals, &err), &err);
    printf("check     %8.3f s   %6.1f MB at most above the ledger   %llu of %llu ok\n",
           seconds() - start, megabytes(peak() - before),
           (unsigned long long) totals.findings[LAKE_FINDING_OK],
           (unsigned long long) totals.partitions);
    lake_ledger_free(ledger);
}

static void in_a_process(void (*measure)(struct store *store), const char *lake)
{
    int status = 1;
    (void) fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct error err = ERROR_INIT;
        struct store *store = store_open(lake, &err);
        check(store != NULL, &err);
        measure(store);
        store_free(store);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    char folder[] = "/dev/shm/weir-bench-XXXXXX";
    long days = argc > 1 ? strtol(argv[1], NULL, 10) : DAYS;
    if (days < 1 || days > DAYS_MAX || !mkdtemp(folder))
        return 2;
    struct store *store = store_open(folder, &err);
    check(store != NULL, &err);
    make_lake(store, (size_t) days * DAY_PARTITIONS);
    store_free(store);
    in_a_process(measure_ledger, folder);
    in_a_process(measure_check, folder);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
