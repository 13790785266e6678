/* The guess of the time column, and the keys that are seen: over lines that are objects. What is settled has a key that
 * the rows have. Input: what is wished for, lines. */
#include "partition/guess.h"
#include "partition/seen.h"
#include "json/value.h"

#include <stdlib.h>

enum { HEAD = 1 };

static bool feed(struct part_guess *guess, struct part_seen *seen, struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        line = str_trim(line);
        if (line.n == 0 || line.p[0] != '{' || !json_valid(line))
            continue;
        if (!part_guess_object(guess, line, NULL) || !part_seen_line(seen, line, NULL))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[] = {NULL, "t", "TimeGenerated", "ts"};
    static const char *const formats[] = {NULL, "iso", "us", "epoch-s"};
    static const char *const offsets[] = {NULL, "UTC", "+02:00", "-0530"};
    if (size < HEAD)
        return 0;
    struct error err = ERROR_INIT;
    struct part_zones zones = {0};
    struct part_time time = {0};
    struct part_guess_told told;
    struct columns known = {0};
    const struct part_guess_wish wish = {.input = "x",
                                         .column = columns[data[0] & 3],
                                         .format = formats[data[0] >> 2 & 3],
                                         .zone = offsets[data[0] >> 4 & 3],
                                         .zones = &zones};
    struct part_guess *guess = part_guess_new(&err);
    struct part_seen *seen = part_seen_new(&err);
    struct str text = {(const char *) data + HEAD, size - HEAD};
    /* A name of a zone in brackets would ask the engine. */
    if (guess && seen && !memchr(text.p, '[', text.n) && feed(guess, seen, text)) {
        bool ok = part_guess_settle(guess, &wish, &time, &told, &err);
        if (ok != (time.key != NULL) || ok != (err.code == ERROR_NONE))
            abort();
        if (!part_seen_columns(seen, NULL, true, &known, &err) || known.n == 0)
            abort();
    }
    part_guess_free(guess);
    part_seen_free(seen);
    part_time_release(&time);
    part_zones_release(&zones);
    columns_release(&known);
    return 0;
}
