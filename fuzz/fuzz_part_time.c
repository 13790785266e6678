/* Times of rows: a tick is within its range and is read back; a text and the JSON string of it mean the same; zeros at
 * the end of a fraction change nothing. Input: format, minutes of the zone's offset, the text. */
#include "partition/time.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEAD = 2, TEXT_MAX = 4096 };

static void check_again(int64_t tick)
{
    const struct part_time iso = {.format = PART_TIME_ISO};
    char text[TICK_TEXT_MAX];
    int64_t back;
    if (tick < 0 || tick > TICK_MAX)
        abort();
    if (part_time_text(&iso, (struct str){text, tick_format(tick, text)}, &back) !=
            PART_REASON_NONE ||
        back != tick)
        abort();
}

/* The same text with every byte as an escape, where JSON can say it. */
static void check_escaped(const struct part_time *time, struct str text, enum part_reason reason,
                          int64_t tick)
{
    char escaped[6 * TEXT_MAX];
    size_t n = 0;
    int64_t other;
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char) text.p[i] >= 0x80)
            return;
        n += (size_t) snprintf(escaped + n, 7, "\\u%04x", (unsigned) text.p[i]);
    }
    enum part_reason again =
        part_time_value(time, JSON_KIND_STRING, n > 0, (struct str){escaped, n}, &other);
    if (text.n <= PART_TIME_TEXT_MAX && again != reason)
        abort();
    if (again == PART_REASON_NONE && other != tick)
        abort();
}

static void check_zeros(const struct part_time *time, struct str text, int64_t tick)
{
    char longer[TEXT_MAX + 8];
    int64_t other;
    bool fraction =
        memchr(text.p, '.', text.n) && !memchr(text.p, 'e', text.n) && !memchr(text.p, 'E', text.n);
    char last = text.p[text.n - 1];
    if (!fraction || last < '0' || last > '9' || time->format == PART_TIME_ISO ||
        text.n + 3 > PART_TIME_TEXT_MAX)
        return;
    memcpy(longer, text.p, text.n);
    memcpy(longer + text.n, "000", 3);
    if (part_time_text(time, (struct str){longer, text.n + 3}, &other) != PART_REASON_NONE ||
        other != tick)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct engine_zone utc = {0};
    if (size < HEAD || size > TEXT_MAX)
        return 0;
    struct engine_zone ahead = utc;
    ahead.n = 1;
    ahead.changes[0].offset = ((int) data[1] - 128) * 6 * TICK_MINUTE;
    struct part_zone zone = {.name = "x", .known = true, .zone = &ahead};
    const struct part_time time = {.format = data[0] % PART_TIME_FORMAT_COUNT,
                                   .zone = data[0] & 0x80 ? &zone : NULL};
    struct str text = str_trim((struct str){(const char *) data + HEAD, size - HEAD});
    int64_t tick = 0;
    enum part_reason reason = part_time_text(&time, text, &tick);
    if ((text.n == 0) != (reason == PART_REASON_NULL_TIME))
        abort();
    if (text.n == 0)
        return 0;
    if (reason == PART_REASON_NONE) {
        check_again(tick);
        check_zeros(&time, text, tick);
    }
    check_escaped(&time, text, reason, tick);
    if (part_time_fast(text, &tick) && time.format == PART_TIME_ISO &&
        text.n < PART_TIME_TEXT_MAX && reason != PART_REASON_NONE)
        abort();
    return 0;
}
