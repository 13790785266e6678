/* The scanner of lines for routing, one core, memory to memory, beside those that only look for line ends.
 *
 *     bench_route            the figures
 *     bench_route FILE [KEY] the same of the lines of a file, with another key than TimeGenerated
 *
 * The lines are CommonSecurityLog-like: 42 members, about 1 kB, mostly strings, a few numbers, TimeGenerated the
 * second key. Once as weir and the service write them, once with the blanks that Python's json.dumps
 * leaves, and once with a nested value. GB/s are of the text, and of the time that the thread had the core; wc -l, a
 * process, is measured by the clock.
 */
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/tick.h"
#include "json/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 256 << 20, TEXT_MAX = TEXT + (1 << 20), REPEATS = 9, ROOM = 1024, PIECE = 1 << 20 };
static const double GOAL = 4;
#define WC_FILE "/dev/shm/weir-bench-route"

/* ---- the lines ---- */

enum layout { AS_WRITTEN, WITH_BLANKS, NESTED };

static const char *const words[] = {"web-browsing", "dns", "ssl", "allow", "deny",
                                    "drop",         "tcp", "udp", "quic",  "smtp"};

/* A line of compact JSON. */
static void put_line(struct buf *out, struct random *random, int64_t tick)
{
    char time[TICK_TEXT_MAX];
    unsigned n = (unsigned) random_below(random, 60000), m = (unsigned) random_below(random, 60000);
    int length = (int) tick_format(tick, time);
    buf_printf(
        out,
        "{\"TenantId\":\"8ecf8077-cf51-4820-aadd-14040956f35d\",\"TimeGenerated\":\"%.*s\","
        "\"DeviceVendor\":\"Palo Alto Networks\",\"DeviceProduct\":\"PAN-OS\","
        "\"DeviceVersion\":\"10.1.6-h3\",\"DeviceEventClassID\":\"%s\",\"Activity\":\"TRAFFIC\","
        "\"LogSeverity\":\"1\",\"OriginalLogSeverity\":\"1\",\"AdditionalExtensions\":\"cat=%s;"
        "deviceDirection=%u;flags=0x%x;reason=aged-out\",\"DeviceAction\":\"%s\",",
        length, time, n % 2 ? "end" : words[m % 10], words[n % 10], n % 2, n * 7919, words[m % 7]);
    buf_printf(
        out,
        "\"ApplicationProtocol\":\"%s\",\"EventCount\":1,\"DeviceExternalID\":\"012801064439\","
        "\"DeviceInboundInterface\":\"ethernet1/2\",\"DeviceOutboundInterface\":\"ethernet1/1\","
        "\"DestinationPort\":%u,\"DestinationIP\":\"10.%u.%u.%u\",\"DeviceName\":\"fw-%02u\","
        "\"EndTime\":\"%.*s\",\"ExternalID\":%u,\"ReceivedBytes\":%u,\"SentBytes\":%u,",
        words[n % 10], n % 3 == 0 ? 443 : n + 1024, n % 32, n / 256, n % 256, n % 40, length, time,
        m, n % 4 == 0 ? n * 37 : n, m % 4 == 0 ? 0 : m);
    buf_printf(out,
               "\"Message\":\"Outbound to the Internet %u\",\"Protocol\":\"tcp\",\"RequestURL\":"
               "\"https://cdn%u.example.net/assets/%u/app.js?v=%u\",\"SourceTranslatedAddress\":"
               "\"10.%u.%u.%u\",\"SourceTranslatedPort\":%u,\"SourcePort\":%u,\"SourceIP\":"
               "\"192.168.%u.%u\",\"SourceUserName\":\"contoso\\\\user%u\",\"StartTime\":\"%.*s\",",
               n % 70, n % 9, n, n % 100, m % 32, m / 256, m % 256, m, n, n / 256, m % 256,
               n % 3000, length, time);
    buf_printf(out,
               "\"DeviceCustomString1\":\"Outbound %u\",\"DeviceCustomString1Label\":\"Rule\","
               "\"Computer\":\"fw-%02u.contoso.com\",\"SourceSystem\":\"OpsManager\","
               "\"SimplifiedDeviceAction\":\"%s\",\"CollectorHostName\":\"fw-%02u\","
               "\"Type\":\"CommonSecurityLog\",\"_ItemId\":\"%08x-47a6-11ec-%04x-%012llx\"}\n",
               m % 70, n % 40, words[n % 10], n % 40, m * 7919, n % 4096,
               (unsigned long long) (random_next(random) >> 16));
}

/* The same line, otherwise written: blanks behind colons and commas, or a nested value at its end. */
static void put_otherwise(struct buf *out, struct str line, enum layout layout)
{
    bool inside = false;
    if (layout == NESTED) {
        buf_put(out, line.p, line.n - 2);
        buf_puts(
            out,
            ",\"Tags\":[{\"name\":\"zone\",\"value\":7},{\"name\":\"site\",\"value\":null}]}\n");
        return;
    }
    for (size_t i = 0; i < line.n; i++) {
        inside ^= line.p[i] == '"';
        buf_putc(out, line.p[i]);
        if (!inside && (line.p[i] == ':' || line.p[i] == ','))
            buf_putc(out, ' ');
    }
}

static void make_lines(struct buf *out, enum layout layout)
{
    struct buf line = BUF_INIT(1 << 16);
    struct random random;
    int64_t tick;
    random_seed(&random, 5);
    (void) tick_parse(STR("2021-11-07T10:00:00Z"), &tick);
    while (out->used < TEXT - JSON_ROUTE_PADDING && !out->failed) {
        tick += (int64_t) random_below(&random, TICK_SECOND / 100);
        buf_reset(&line);
        put_line(&line, &random, tick);
        if (layout == AS_WRITTEN)
            buf_put_str(out, buf_str(&line));
        else
            put_otherwise(out, buf_str(&line), layout);
    }
    buf_release(&line);
}

/* ---- what is measured ---- */

struct job {
    struct str text, key;
    bool scalar;
    uint64_t lines, objects, found;
};

typedef void job_fn(struct job *job);

/* In pieces, as a reader of files has them; what is cut by one's end belongs to the next. */
static void scan(struct job *job)
{
    static struct json_line lines[ROOM];
    struct json_route route;
    job->lines = job->objects = job->found = 0;
    if (!json_route_init(&route, job->key, job->scalar, NULL))
        abort();
    for (size_t from = 0, here = 0; here < job->text.n;) {
        here = job->text.n - from > PIECE ? from + PIECE : job->text.n;
        size_t at = 0, n;
        do {
            n = json_route_lines(&route, (struct str){job->text.p + from, here - from}, &at,
                                 here == job->text.n, lines, ROOM);
            job->lines += n;
            for (size_t i = 0; i < n; i++) {
                job->objects += lines[i].state == JSON_LINE_OBJECT;
                job->found += lines[i].kind != JSON_KIND_NONE;
            }
        } while (n == ROOM);
        from += at;
    }
}

static void find_ends(struct job *job)
{
    const char *p = job->text.p, *end = p + job->text.n;
    job->lines = 0;
    while ((p = memchr(p, '\n', (size_t) (end - p))) != NULL) {
        job->lines++;
        p++;
    }
}

static double now(clockid_t clock)
{
    struct timespec t = {0};
    (void) clock_gettime(clock, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* GB/s of one run; `clock` says whose time counts. */
static double run(struct job *job, job_fn *fn, clockid_t clock)
{
    double begin = now(clock);
    fn(job);
    return (double) job->text.n / (now(clock) - begin) / 1e9;
}

static void count_by_wc(struct job *job)
{
    if (system("wc -l " WC_FILE " >/dev/null") != 0) /* NOLINT: a bench */
        job->text.n = 0;
}

/* Who reads the text; the best of its runs. */
struct reader {
    const char *name;
    job_fn *fn;
    bool scalar;
    clockid_t clock;
    double best;
};

/* They take turns, and the best run of each counts: others on the machine only slow it down. */
static void measure(struct job *job, struct reader *readers, size_t n)
{
    for (int i = 0; i < REPEATS; i++)
        for (size_t r = 0; r < n; r++) {
            struct job own = *job;
            own.scalar = readers[r].scalar;
            double rate = run(&own, readers[r].fn, readers[r].clock);
            readers[r].best = rate > readers[r].best ? rate : readers[r].best;
            if (readers[r].fn == scan && (own.lines == 0 || own.found != own.lines))
                fprintf(stderr, "bench_route: %llu lines, %llu objects, %llu with the key\n",
                        (unsigned long long) own.lines, (unsigned long long) own.objects,
                        (unsigned long long) own.found);
        }
}

static void tell(const char *figure, double goal, double rate)
{
    char wanted[32] = "";
    if (goal > 0)
        (void) snprintf(wanted, sizeof wanted, "%.0f GB/s", goal);
    printf("=> %s | %s | %.2f GB/s | %s\n", figure, wanted, rate,
           goal == 0      ? ""
           : rate >= goal ? "met"
                          : "NOT MET");
}

static void measure_all(struct job *job)
{
    struct reader readers[] = {
        {"lines to be routed, AVX2, one core", scan, false, CLOCK_THREAD_CPUTIME_ID, 0},
        {"lines to be routed, scalar, one core", scan, true, CLOCK_THREAD_CPUTIME_ID, 0},
        {"  beside them: line ends alone, by memchr", find_ends, false, CLOCK_THREAD_CPUTIME_ID, 0},
        {"  beside them: wc -l of a file in memory", count_by_wc, false, CLOCK_MONOTONIC, 0},
    };
    size_t n = sizeof readers / sizeof readers[0];
    if (!file_write(WC_FILE, job->text, 0600, false, NULL))
        n--;
    measure(job, readers, n);
    (void) unlink(WC_FILE);
    for (size_t r = 0; r < n; r++)
        tell(readers[r].name, r == 0 ? GOAL : 0, readers[r].best);
}

static void measure_otherwise(struct job *job, struct buf *text, enum layout layout,
                              const char *name)
{
    struct reader reader = {name, scan, false, CLOCK_THREAD_CPUTIME_ID, 0};
    buf_reset(text);
    make_lines(text, layout);
    if (!buf_reserve(text, JSON_ROUTE_PADDING))
        return;
    job->text = buf_str(text);
    measure(job, &reader, 1);
    tell(reader.name, 0, reader.best);
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT(TEXT_MAX);
    struct job job = {.key = argc > 2 ? str_of(argv[2]) : STR("TimeGenerated")};
    bool ok = true;
    if (argc > 1)
        ok = file_read(argv[1], TEXT, &text, &err);
    else
        make_lines(&text, AS_WRITTEN);
    ok = ok && buf_reserve(&text, JSON_ROUTE_PADDING) && buf_ok(&text, "the text", &err);
    job.text = buf_str(&text);
    if (ok)
        measure_all(&job);
    if (ok && argc == 1) {
        measure_otherwise(&job, &text, WITH_BLANKS, "  AVX2, blanks between tokens");
        measure_otherwise(&job, &text, NESTED, "  AVX2, a nested value in each line");
    }
    if (!ok)
        fprintf(stderr, "bench_route: %s\n", err.message);
    buf_release(&text);
    return ok ? 0 : 1;
}
