/* Headers of an answer: whatever the lines say, what is read of them stays within its bounds. */
#include "http/answer.h"
#include "http/http.h"

#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *) data, size}, line;
    struct http_answer answer;
    http_answer_init(&answer);
    while (str_split(&rest, '\n', &line))
        if (!http_answer_line(&answer, line))
            break;
    must(answer.status >= 0 && answer.status <= 999);
    must(answer.age >= -1 && answer.header_bytes <= size);
    double pause = http_answer_pause(&answer, 1637229600);
    must(pause == -1 || (pause >= 0 && pause <= HTTP_RETRY_AFTER_MAX));
    return 0;
}
