/* Errors through DuckDB and out of it; see duck.h.
 *
 * A function of ours that fails inside a query can only give DuckDB a text. So it gives "{weir 10} message" with
 * the number of our code; DuckDB puts words of its own around it, and duck_failed finds it again.
 */
#include "engine/duckdb/duck.h"

#include <stdlib.h>

#define CARRIED "{weir "

const char duck_no_memory[] = CARRIED "1} " ENGINE_NO_MEMORY;
_Static_assert(ERROR_MEMORY == 1, "the number stands in duck_no_memory");

const char *duck_error_text(const struct error *err, struct buf *out)
{
    buf_reset(out);
    buf_printf(out, CARRIED "%d} %s", (int) err->code, err->message);
    return out->failed ? duck_no_memory : buf_text(out);
}

/* Ours, if DuckDB carried one. */
static bool carried(const char *message, struct error *err)
{
    const char *start = message ? strstr(message, CARRIED) : NULL;
    if (!start)
        return false;
    char *end;
    long code = strtol(start + strlen(CARRIED), &end, 10);
    if (*end != '}' || code <= ERROR_NONE || code > ERROR_INTERNAL)
        return false;
    const char *text = end + 2;
    (void) error_set(err, (enum error_code) code, "%.*s", (int) strcspn(text, "\n"), text);
    return true;
}

/* The rest of the line that begins with `label`; empty when there is none. */
static struct str line_of(const char *message, const char *label)
{
    const char *at = strstr(message, label);
    if (!at)
        return (struct str){"", 0};
    at += strlen(label);
    return str_trim((struct str){at, strcspn(at, "\n")});
}

/* What DuckDB says of a broken file of CSV over several lines, as we say it of JSON. */
static bool csv_failed(const char *message, struct error *err)
{
    struct str line = line_of(message, "CSV Error on Line: "), file = line_of(message, "file = ");
    if (line.n == 0 || file.n == 0)
        return false;
    struct str expected = line_of(message, "Expected Number of Columns: ");
    (void) error_set(err, ERROR_FORMAT, "%.*s: line %.*s: not valid CSV%s%.*s", (int) file.n,
                     file.p, (int) line.n, line.p, expected.n > 0 ? ": columns expected: " : "",
                     (int) expected.n, expected.p);
    return true;
}

/* What DuckDB's kinds of errors are to weir. */
static enum error_code code_of(duckdb_error_type type)
{
    switch (type) {
    case DUCKDB_ERROR_OUT_OF_MEMORY:
        return ERROR_MEMORY;
    case DUCKDB_ERROR_INTERRUPT:
        return ERROR_INTERRUPTED;
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_PERMISSION:
        return ERROR_IO;
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_OBJECT_SIZE:
        return ERROR_FORMAT;
    default:
        return ERROR_INTERNAL;
    }
}

bool duck_failed(const struct driver_task *task, duckdb_error_type type, const char *message,
                 struct error *err)
{
    enum error_code code = code_of(type);
    if (carried(message, err) || (message && csv_failed(message, err)))
        return false;
    if (code == ERROR_INTERRUPTED || (task && atomic_load(&task->signs->cancelled)))
        return error_set(err, ERROR_INTERRUPTED, ENGINE_CANCELLED);
    if (code == ERROR_MEMORY)
        return error_set(err, ERROR_MEMORY, ENGINE_NO_MEMORY);
    if (!message || !*message)
        message = "DuckDB failed without a reason";
    return error_set(err, code, "%.*s", (int) strcspn(message, "\n"), message);
}
