/* Rows, the scalar twin: finds where a row ends, then reads it by the grammar; the law for the fast path. */
#include "json/grammar.h"
#include "json/rows_scan.h"

void json_scan_begin(struct json_scan *scan)
{
    scan->length = scan->count = scan->at = 0;
    scan->fast = (struct json_fast){.in_string = 0};
    scan->slow = (struct json_slow){.depth = 0};
}

/* Passes over the inside of a string from `at`; stands at n or behind the closing quote. */
static size_t pass_string(struct json_scan *scan, const char *row, size_t at, size_t n)
{
    while (at < n && scan->slow.in_string) {
        if (scan->slow.skip) {
            scan->slow.skip = false;
            at++;
            continue;
        }
        at = (size_t) (json_skip_plain(row + at, row + n) - row);
        if (at < n) {
            scan->slow.skip = row[at] == '\\';
            scan->slow.in_string = row[at] != '"';
            at++;
        }
    }
    return at;
}

/* Finds the bracket that ends the row, in steps; true when it is found: scan->at stands behind it. Braces do
 * not count: in a valid row they are balanced. */
static bool find_end(struct json_scan *scan, const char *row, size_t n)
{
    size_t at = scan->at;
    bool found = false;
    while (at < n && !found) {
        if (scan->slow.in_string) {
            at = pass_string(scan, row, at, n);
            continue;
        }
        char c = row[at++];
        if (c == '"') {
            scan->slow.in_string = true;
        } else if (c == '[') {
            scan->slow.depth++;
        } else if (c == ']') {
            scan->slow.depth--;
            found = scan->slow.depth == 0;
        }
    }
    scan->at = at;
    return found;
}

static enum json_step refuse(struct json_scan *scan, size_t at, const char *problem)
{
    scan->problem = problem;
    scan->problem_at = at;
    return JSON_STEP_ODD;
}

static const char *problem_of_value(char first)
{
    switch (json_kind_of(first)) {
    case JSON_KIND_STRING:
        return "a string that does not end, or with a wrong escape, control character or UTF-8";
    case JSON_KIND_NUMBER:
        return "a number that is not one";
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        return "a nested value that is not valid, or too deep";
    default:
        return "no value where one must be";
    }
}

/* Adds the cell of a value of n bytes, unless it is one that is left out. */
static void add_cell(struct json_scan *scan, size_t column, const char *row, size_t at, size_t n,
                     bool escaped)
{
    enum json_kind kind = json_kind_of(row[at]);
    bool quoted = kind == JSON_KIND_STRING;
    if (!scan->keep_empty && (kind == JSON_KIND_NULL || (quoted && n == 2)))
        return;
    scan->cells[scan->count++] = (struct json_cell){.column = (uint32_t) column,
                                                    .start = (uint32_t) (at + quoted),
                                                    .length = (uint32_t) (n - 2 * (size_t) quoted),
                                                    .kind = (uint8_t) kind,
                                                    .escaped = escaped};
}

/* Reads the whole row of n bytes, from bracket to bracket. */
static enum json_step read_row(struct json_scan *scan, const char *row, size_t n)
{
    const char *end = row + n, *p = json_skip_space(row + 1, end);
    size_t column = 0;
    bool more = p < end && *p != ']';
    while (more) {
        struct json_look look;
        size_t length = json_take_value(p, end, &look);
        if (length == 0)
            return refuse(scan, (size_t) (look.wrong - row), problem_of_value(p < end ? *p : ' '));
        if (column == scan->columns)
            return refuse(scan, (size_t) (p - row), "more values than columns");
        add_cell(scan, column++, row, (size_t) (p - row), length, look.escaped);
        p = json_skip_space(p + length, end);
        more = p < end && *p == ',';
        if (more)
            p = json_skip_space(p + 1, end);
    }
    if (p == end || *p != ']' || p + 1 != end)
        return refuse(scan, (size_t) (p - row), "no comma or bracket behind a value");
    if (column < scan->columns)
        return refuse(scan, (size_t) (p - row), "fewer values than columns");
    scan->length = n;
    return JSON_STEP_ROW;
}

enum json_step json_scan_scalar(struct json_scan *scan, const char *row, size_t n)
{
    if (!find_end(scan, row, n))
        return JSON_STEP_MORE;
    return read_row(scan, row, scan->at);
}
