/* A search job's query: the table's name, then operators of a subset of KQL. */

#include "emulator/jobs.h"

#include "kql/kql.h"

enum { QUERY_MAX = KQL_TEXT_MAX };

static const char *const operators[] = {
    "where",        "filter",         "extend",          "project", "project-away",
    "project-keep", "project-rename", "project-reorder", "parse",   "parse-where"};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str skip(struct str text, size_t n)
{
    return (struct str){text.p + n, text.n - n};
}

/* The word at the start: letters, digits, underscores; dashes where `dashed`. */
static struct str take_word(struct str text, bool dashed)
{
    size_t n = 0;
    while (n < text.n && (is_word(text.p[n]) || (dashed && text.p[n] == '-')))
        n++;
    return (struct str){text.p, n};
}

/* The end of the string that begins at the quote. */
static size_t string_end(struct str text, size_t at)
{
    char quote = text.p[at++];
    for (; at < text.n && text.p[at] != quote; at++)
        at += text.p[at] == '\\';
    return at;
}

static bool refuse(struct str word, struct error *err)
{
    return error_set(err, ERROR_KQL, "'%.*s' is not of the KQL that search jobs know", (int) word.n,
                     word.p);
}

static bool check_operator(struct str text, struct error *err)
{
    struct str word = take_word(str_trim(text), true);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (str_eq(word, str_of(operators[i])))
            return true;
    }
    return refuse(word, err);
}

/* Each operator behind a bar, and no `contains`. */
static bool check(struct str text, struct error *err)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"' || c == '\'') {
            i = string_end(text, i);
        } else if (c == '|') {
            if (!check_operator(skip(text, i + 1), err))
                return false;
        } else if (is_word(c)) {
            struct str word = take_word(skip(text, i), false);
            if (str_starts(word, STR("contains")))
                return refuse(word, err);
            i += word.n - 1;
        }
    }
    return true;
}

bool job_query(struct str text, struct buf *out, struct buf *source, struct error *err)
{
    buf_init(out, QUERY_MAX);
    buf_init(source, JOBS_NAME_MAX);
    text = str_trim(text);
    struct str name = take_word(text, false), rest = str_trim(skip(text, name.n));
    if (name.n == 0 || (rest.n > 0 && rest.p[0] != '|'))
        return error_set(err, ERROR_KQL, "a search job's query starts with a table's name");
    if (!check(rest, err) || !kql_check_row_by_row(text, err))
        return false;
    buf_put_str(source, name);
    buf_put_str(out, name);
    buf_puts(out, " | extend _OriginalType = Type, _OriginalItemId = _ItemId, "
                  "_OriginalTimeGenerated = TimeGenerated ");
    buf_put_str(out, rest);
    return buf_ok(source, "the table's name", err) && buf_ok(out, "the query", err);
}
