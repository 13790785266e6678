/* One JSON array: elements are the same however the text comes; those of a valid array are its elements. Input: step of
 * the cuts, text. */
#include "partition/cut.h"
#include "json/value.h"

#include <stdlib.h>

enum { HEAD = 1, RECORDS = 4096 };

static size_t cut_all(struct str text, size_t step, struct part_record *records,
                      enum part_cut_step *state)
{
    struct part_cutter cutter = {0};
    size_t n = 0;
    for (size_t seen = step < text.n ? step : text.n;; seen += step) {
        seen = seen < text.n ? seen : text.n;
        while (n < RECORDS && (*state = part_cut(&cutter, (struct str){text.p, seen},
                                                 seen == text.n, &records[n])) == PART_CUT_RECORD)
            n++;
        if (seen == text.n || n == RECORDS || *state == PART_CUT_WRONG)
            return n;
    }
}

/* Only objects are rows: of other values the brackets alone are looked at. */
static void check_valid(struct str text, const struct part_record *records, size_t n,
                        enum part_cut_step state)
{
    struct json_member member;
    size_t at = 0, i = 0;
    if (state != PART_CUT_END)
        abort();
    for (; json_next(text, &at, &member); i++) {
        struct str element = {text.p + records[i].start, records[i].length};
        if (i == n || !str_eq(element, member.value))
            abort();
    }
    if (i != n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct part_record whole[RECORDS], parts[RECORDS];
    enum part_cut_step state = PART_CUT_MORE, other = PART_CUT_MORE;
    if (size < HEAD)
        return 0;
    struct str text = {(const char *) data + HEAD, size - HEAD};
    size_t n = cut_all(text, text.n + 1, whole, &state);
    size_t m = cut_all(text, (size_t) data[0] + 1, parts, &other);
    if (n != m || state != other)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (whole[i].start != parts[i].start || whole[i].length != parts[i].length ||
            whole[i].line != parts[i].line || whole[i].start + whole[i].length > text.n)
            abort();
    }
    struct str trimmed = str_trim(text);
    if (n < RECORDS && trimmed.n > 0 && trimmed.p[0] == '[' && json_valid(text))
        check_valid(text, whole, n, state);
    return 0;
}
