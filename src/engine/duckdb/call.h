/* Call: the functions of kql/duckdb_functions.h, row by row, without DuckDB; their meaning stands there.
 *
 * A function gets its arguments, none of them null, and gives a value or false for null. Texts that it gives are
 * lent from its arguments, from literals, or from the buffers of the call; they hold until the next row. Memory
 * that is not there, or a text over CALL_TEXT_MAX, shows as `failed` of a buffer: who calls looks at call_ok.
 */
#ifndef WEIR_ENGINE_DUCKDB_CALL_H
#define WEIR_ENGINE_DUCKDB_CALL_H

#include "base/text.h"
#include "kql/duckdb_functions.h"
#include "json/value.h"

enum {
    CALL_ARGUMENTS_MAX = 6,
    CALL_TEXT_MAX = 512 * 1024 * 1024, /* of one text that a function makes */
    CALL_LIST_MAX = 1024 * 1024        /* elements of one list argument */
};

union call_value {
    bool b;
    int32_t i;
    int64_t l;
    double r;
    struct str s;
    struct {
        uint64_t low;
        int64_t high;
    } h;
};

/* An array argument, parsed. */
struct call_item {
    enum json_kind kind;
    struct str text; /* as dynamic_text gives it */
};
struct call_list {
    struct str source; /* the argument that it was parsed from */
    struct call_item *v;
    size_t n, room;
    struct buf texts; /* decoded texts */
    bool failed, array;
};

/* One batch of rows. A list that is the same text at the same place as in the row before is not parsed
 * again. */
struct call {
    struct buf out, work;
    struct call_list list;
};

void call_init(struct call *call);
void call_release(struct call *call);
static inline bool call_ok(const struct call *call)
{
    return !call->out.failed && !call->work.failed && !call->list.failed;
}

typedef bool call_fn(struct call *call, const union call_value *arguments, union call_value *out);

struct call_function {
    const char *name;      /* without weir_ */
    const char *arguments; /* letters of duckdb_functions.h */
    char result;
    call_fn *run;
};
extern const struct call_function call_functions[];
extern const size_t call_function_count;

#define X(name, arguments, result) call_fn call_##name;
KQL_DUCKDB_FUNCTIONS(X)
#undef X

/* --- shared by the files that hold them ----------------------------------------------------------------- */

static inline char call_fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

bool call_equal(struct str a, struct str b, bool fold);

/* Where `part` stands in text at or behind `from`; SIZE_MAX: nowhere. */
size_t call_find(struct str text, struct str part, size_t from, bool fold);

/* The elements of a json array; what is no array is a list of one. NULL: no memory. */
const struct call_list *call_parse_list(struct call *call, struct str json);

/* Appends a text as a JSON string, with quotes. */
void call_put_json_text(struct buf *out, struct str text);

/* dynamic_text of a json value: lent, or in `out` behind what it holds. */
struct str call_text_of(struct str json, struct buf *out);

/* What a json value is by its first byte; JSON_KIND_STRING for what is no JSON. */
enum json_kind call_kind(struct str json);

bool call_parse_long(struct str text, int64_t *out);
bool call_parse_real(struct str text, double *out);
bool call_parse_bool(struct str text, bool *out);

/* A real with its fraction cut off; false when it is not a number or out of range. */
bool call_cut(double real, int64_t *out);

/* The text of a real; whole numbers with ".0" if `point`. */
enum { CALL_REAL_MAX = 40 };
size_t call_put_real(double real, bool point, char out[CALL_REAL_MAX]);

#endif
