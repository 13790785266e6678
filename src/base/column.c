/* Lists of columns and schema files; see column.h. */
#include "base/column.h"

#include "base/memory.h"

static const char *const type_names[] = {
#define X(name, text) text,
    COLUMN_TYPES(X)
#undef X
};

static const struct {
    const char *name;
    enum column_type type;
} type_aliases[] = {
    {"boolean", COLUMN_BOOL}, {"date", COLUMN_DATETIME}, {"time", COLUMN_TIMESPAN},
    {"double", COLUMN_REAL},  {"uuid", COLUMN_GUID},
};

const char *column_type_name(enum column_type type)
{
    return type_names[type];
}

bool column_type_parse(struct str name, enum column_type *out)
{
    for (int i = 0; i < COLUMN_TYPE_COUNT; i++) {
        if (str_eq(name, str_of(type_names[i]))) {
            *out = (enum column_type) i;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof type_aliases / sizeof type_aliases[0]; i++) {
        if (str_eq(name, str_of(type_aliases[i].name))) {
            *out = type_aliases[i].type;
            return true;
        }
    }
    return false;
}

enum { SIZE_BOOL = 1, SIZE_INT = 4, SIZE_WORD = 8, SIZE_GUID = 16, SIZE_DECIMAL = 34 };

unsigned column_fixed_size(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return SIZE_BOOL;
    case COLUMN_INT:
        return SIZE_INT;
    case COLUMN_LONG:
    case COLUMN_REAL:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        return SIZE_WORD;
    case COLUMN_GUID:
        return SIZE_GUID;
    case COLUMN_DECIMAL:
        return SIZE_DECIMAL;
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return 0;
}

void columns_release(struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        mem_free(columns->v[i].name);
    mem_free(columns->v);
    *columns = (struct columns){0};
}

bool columns_add(struct columns *columns, struct str name, enum column_type type, struct error *err)
{
    if (name.n == 0 || name.n > COLUMN_NAME_MAX || memchr(name.p, '\0', name.n))
        return error_set(err, ERROR_FORMAT,
                         "a column's name has 1 to %d characters, none of them NUL",
                         COLUMN_NAME_MAX);
    if (!mem_reserve(&columns->v, &columns->room, columns->n, COLUMNS_MAX, sizeof *columns->v, err))
        return error_prefix(err, "columns");
    char *copy = mem_copy(name.p, name.n, err);
    if (!copy)
        return false;
    columns->v[columns->n++] = (struct column){.name = copy, .type = type};
    return true;
}

bool columns_copy(const struct columns *from, struct columns *to, struct error *err)
{
    struct columns copy = {0};
    for (size_t i = 0; i < from->n; i++) {
        if (!columns_add(&copy, str_of(from->v[i].name), from->v[i].type, err)) {
            columns_release(&copy);
            return false;
        }
    }
    columns_release(to);
    *to = copy;
    return true;
}

int columns_find(const struct columns *columns, struct str name)
{
    for (size_t i = 0; name.n > 0 && i < columns->n; i++) {
        const char *own = columns->v[i].name;
        if (own[0] == name.p[0] && str_eq(name, str_of(own)))
            return (int) i;
    }
    return -1;
}

/* The next word of a line, cut off its front; empty at the end. */
static struct str take_word(struct str *line)
{
    struct str s = str_trim(*line);
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
        n++;
    *line = (struct str){s.p + n, s.n - n};
    return (struct str){s.p, n};
}

static bool read_line(struct str line, struct columns *out, struct error *err)
{
    const char *comment = line.n > 0 ? memchr(line.p, '#', line.n) : NULL;
    if (comment)
        line.n = (size_t) (comment - line.p);
    struct str name = take_word(&line), type_name = take_word(&line);
    enum column_type type;
    if (name.n == 0)
        return true;
    if (type_name.n == 0 || str_trim(line).n > 0)
        return error_set(err, ERROR_FORMAT, "a line has a name and a type");
    if (!column_type_parse(type_name, &type))
        return error_set(err, ERROR_FORMAT, "no type '%.*s'",
                         (int) (type_name.n < 64 ? type_name.n : 64), type_name.p);
    if (columns_find(out, name) >= 0)
        return error_set(err, ERROR_FORMAT, "column '%.*s' stands twice",
                         (int) (name.n < 64 ? name.n : 64), name.p);
    return columns_add(out, name, type, err);
}

bool columns_read(struct str text, struct columns *out, struct error *err)
{
    struct columns read = {0};
    struct str line;
    if (text.n > COLUMNS_FILE_MAX)
        return error_set(err, ERROR_LIMIT, "a schema is longer than %d bytes", COLUMNS_FILE_MAX);
    for (int number = 1; str_split(&text, '\n', &line); number++) {
        if (read_line(line, &read, err))
            continue;
        (void) error_at(err, number, 0, 0);
        columns_release(&read);
        return error_prefix(err, "line %d", number);
    }
    columns_release(out);
    *out = read;
    return true;
}

enum column_type column_type_of_suffix(struct str name)
{
    if (name.n < 3 || name.p[name.n - 2] != '_')
        return COLUMN_STRING;
    switch (name.p[name.n - 1]) {
    case 'd':
        return COLUMN_REAL;
    case 'b':
        return COLUMN_BOOL;
    case 'g':
        return COLUMN_GUID;
    case 't':
        return COLUMN_DATETIME;
    default:
        return COLUMN_STRING;
    }
}
