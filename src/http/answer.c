/* Answers: see answer.h. Header names and forms are those of RFC 9110 and RFC 9112. */
#include "http/answer.h"

#include "http/http.h"

#include <curl/curl.h>

static void copy(struct str value, char out[HTTP_DATE_MAX])
{
    size_t n = value.n < HTTP_DATE_MAX ? value.n : 0;
    memcpy(out, value.p, n);
    out[n] = '\0';
}

/* Seconds since 1970 of an HTTP date, or 0. */
static int64_t date(const char *text)
{
    time_t seconds = curl_getdate(text, NULL);
    return seconds > 0 ? (int64_t) seconds : 0;
}

/* "HTTP/1.1 200 OK" */
static int status_of(struct str line)
{
    struct str rest = str_trim(line), version, code;
    uint64_t status;
    if (!str_split(&rest, ' ', &version) || !str_split(&rest, ' ', &code) || code.n != 3 ||
        !str_uint64(code, &status))
        return 0;
    return (int) status;
}

static bool last_is_chunked(struct str codings)
{
    struct str coding, last = {0};
    while (str_split(&codings, ',', &coding))
        last = coding;
    return str_eq_case(str_trim(last), STR("chunked"));
}

static void note_retry_date(struct http_answer *answer, struct str value)
{
    char text[HTTP_DATE_MAX];
    copy(value, text);
    answer->retry_date = date(text);
}

static void note(struct http_answer *answer, struct str name, struct str value)
{
    uint64_t seconds;
    /* None of them begins with another letter; most headers do. */
    if (name.n == 0 || !strchr("ctdarCTDAR", name.p[0]))
        return;
    bool number = str_uint64(value, &seconds);
    if (str_eq_case(name, STR("content-length")))
        answer->framed = answer->framed || number;
    else if (str_eq_case(name, STR("transfer-encoding")))
        answer->framed = answer->framed || last_is_chunked(value);
    else if (str_eq_case(name, STR("date")))
        copy(value, answer->date);
    else if (str_eq_case(name, STR("age")) && number)
        answer->age = (double) seconds;
    else if (str_eq_case(name, STR("retry-after")) && number)
        answer->retry_after = (double) seconds;
    else if (str_eq_case(name, STR("retry-after")))
        note_retry_date(answer, value);
}

void http_answer_init(struct http_answer *answer)
{
    *answer = (struct http_answer){.age = -1, .retry_after = -1};
}

bool http_answer_line(struct http_answer *answer, struct str line)
{
    size_t bytes = answer->header_bytes + line.n;
    if (str_starts(line, STR("HTTP/"))) {
        http_answer_init(answer);
        answer->status = status_of(line);
    }
    answer->header_bytes = bytes;
    struct str rest = str_trim(line), name;
    answer->ended = answer->ended || rest.n == 0;
    if (str_split(&rest, ':', &name))
        note(answer, str_trim(name), str_trim(rest));
    return bytes <= HTTP_HEADER_BYTES_MAX;
}

double http_answer_pause(const struct http_answer *answer, int64_t now)
{
    double pause = answer->retry_after;
    if (pause < 0 && answer->retry_date > 0) {
        int64_t theirs = date(answer->date);
        pause = (double) (answer->retry_date - (theirs > 0 ? theirs : now));
        if (pause < 0)
            pause = 0;
    }
    return pause > HTTP_RETRY_AFTER_MAX ? HTTP_RETRY_AFTER_MAX : pause;
}

struct str http_answer_find(struct str lines, const char *name)
{
    struct str line, found, wanted = str_of(name);
    while (str_split(&lines, '\n', &line))
        if (str_split(&line, ':', &found) && str_eq_case(str_trim(found), wanted))
            return str_trim(line);
    return (struct str){"", 0};
}
