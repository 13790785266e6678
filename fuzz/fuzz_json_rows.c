/* Rows: both twins, cut in pieces as the input says, must give the same. Input: columns, step of the cuts, text. */
#include "../tests/json/transcript.h"

#include <stdlib.h>

enum { HEAD = 2, CUTS_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    static size_t cuts[CUTS_MAX];
    struct str text = {(const char *) data + HEAD, size - HEAD};
    size_t step = 1 + data[1] % 100, n = 0;
    struct json_rows_options options = {
        .columns = 1 + data[0] % 16, .keep_empty = data[0] >> 4 & 1, .scalar = true};
    while (n < CUTS_MAX && (n + 1) * step < text.n) {
        cuts[n] = (n + 1) * step;
        n++;
    }
    struct transcript law, fast;
    transcript_scan(&law, &options, text, NULL, 0);
    options.scalar = false;
    transcript_scan(&fast, &options, text, cuts, n);
    if (!str_eq(buf_str(&law.text), buf_str(&fast.text)))
        abort();
    transcript_release(&law);
    transcript_release(&fast);
    return 0;
}
