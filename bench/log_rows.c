/* The rows that weir-emulator generates, without the members that make them 1.4 kB instead of 1 kB; not measured itself.
 *
 *     log_rows < LINES > ROWS
 *     log_rows FROM TO COUNT STRIDE < LINES > ROWS    with other times: COUNT steps from FROM to TO, STRIDE at a time
 */
#include "base/memory.h"
#include "base/tick.h"
#include "json/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last ones are so rare that DuckDB, which looks at some rows to find the columns, would stumble over them. */
static const struct str dropped[] = {
    STR_INIT("TenantId"),
    STR_INIT("DestinationTranslatedAddress"),
    STR_INIT("SourceTranslatedAddress"),
    STR_INIT("DeviceCustomNumber1Label"),
    STR_INIT("DeviceCustomString1Label"),
    STR_INIT("ReceiptTime"),
    STR_INIT("SimplifiedDeviceAction"),
    STR_INIT("DeviceCustomNumber1"),
    STR_INIT("DeviceCustomString4"),
    STR_INIT("DeviceExternalID"),
    STR_INIT("EndTime"),
};
static const struct str dropped_from[] = {STR_INIT("Malicious"), STR_INIT("Indicator"),
                                          STR_INIT("Threat"), STR_INIT("ReportReference")};
enum {
    DROPPED = sizeof dropped / sizeof dropped[0],
    FROM = sizeof dropped_from / sizeof dropped_from[0]
};

/* Times of rows, spread evenly, so that every partition has some: nights are short of rows in the emulator's. */
struct even {
    int64_t from, to;
    uint64_t count, stride, at; /* count 0: rows keep their times */
};

static bool is_dropped(struct str key)
{
    for (size_t i = 0; i < DROPPED; i++)
        if (str_eq(key, dropped[i]))
            return true;
    for (size_t i = 0; i < FROM; i++)
        if (str_starts(key, dropped_from[i]))
            return true;
    return false;
}

static void put_time(struct even *even, struct buf *out)
{
    char text[TICK_TEXT_MAX];
    double share = (double) even->at / (double) even->count;
    int64_t tick = even->from + (int64_t) (share * (double) (even->to - even->from));
    size_t n = tick_format(tick, text);
    even->at = (even->at + even->stride) % even->count;
    buf_printf(out, "\"TimeGenerated\":\"%.*s\"", (int) n, text);
}

static void shorten(struct str line, struct even *even, struct buf *out)
{
    struct json_member member;
    size_t at = 0;
    char before = '{';
    buf_reset(out);
    while (json_next(line, &at, &member)) {
        const char *quote = member.key.p - 1, *end = member.value.p + member.value.n;
        if (is_dropped(member.key))
            continue;
        buf_put(out, &before, 1);
        if (even->count > 0 && str_eq(member.key, STR("TimeGenerated")))
            put_time(even, out);
        else
            buf_put(out, quote, (size_t) (end - quote));
        before = ',';
    }
    buf_put(out, "}\n", 2);
}

static bool read_even(char **words, struct even *even)
{
    even->count = strtoull(words[2], NULL, 10);
    even->stride = strtoull(words[3], NULL, 10);
    return tick_parse(str_of(words[0]), &even->from) && tick_parse(str_of(words[1]), &even->to) &&
           even->count > 0;
}

int main(int argc, char **argv)
{
    struct even even = {0};
    struct buf out = BUF_INIT(1 << 20);
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    bool ok = argc == 1 || (argc == 5 && read_even(argv + 1, &even));
    while (ok && (n = getline(&line, &room, stdin)) > 0) {
        shorten((struct str){line, (size_t) n - (line[n - 1] == '\n')}, &even, &out);
        ok = buf_ok(&out, "a row", NULL) && fwrite(out.bytes, 1, out.used, stdout) == out.used;
    }
    free(line);
    buf_release(&out);
    return ok && ferror(stdin) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
