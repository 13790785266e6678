/* Shape: the columns of a table, from its schema and its files, and how the files are to be
 * read. */

#include "emulator/shape.h"

#include "base/file.h"
#include "base/memory.h"
#include "emulator/survey.h"
#include "engine/header.h"

#include <limits.h>

bool shape_split(struct str header, struct str *column, bool *zoned, struct error *err)
{
    struct str zone;
    engine_header_split(header, column, &zone);
    *zoned = zone.n > 0;
    if (zone.n == 0 || engine_header_zone(zone))
        return true;
    return error_set(err, ERROR_FORMAT, "the time zone of column '%.*s' is not known",
                     (int) header.n, header.p);
}

/* --- the schema ------------------------------------------------------------------------------- */

static bool read_schema(const char *path, struct columns *columns, struct error *err)
{
    struct buf text = BUF_INIT(COLUMNS_FILE_MAX);
    bool done = file_read(path, COLUMNS_FILE_MAX, &text, err) &&
                (columns_read(buf_str(&text), columns, err) || error_prefix(err, "%s", path));
    buf_release(&text);
    return done;
}

/* The schema beside the data, or the one of schemas/, or none. */
static bool find_schema(const struct shape_options *options, struct columns *columns,
                        struct error *err)
{
    if (options->found->schema)
        return read_schema(options->found->schema, columns, err);
    if (!options->schemas)
        return true;
    struct buf path = BUF_INIT(PATH_MAX);
    buf_printf(&path, "%s/%s.columns", options->schemas, options->found->name);
    struct error missing = ERROR_INIT;
    bool done = buf_ok(&path, "a path", err);
    if (done && !read_schema(buf_text(&path), columns, &missing)) {
        done = missing.code == ERROR_NOT_FOUND;
        if (!done && err)
            *err = missing;
    }
    buf_release(&path);
    return done;
}

/* --- groups ----------------------------------------------------------------------------------- */

static int find_header(const struct shape_group *group, const char *column)
{
    int other = -1;
    for (size_t i = 0; i < group->headers.n; i++) {
        struct str name;
        bool zoned;
        if (!shape_split(str_of(group->headers.v[i].name), &name, &zoned, NULL))
            continue;
        if (str_eq(name, str_of(column)))
            return (int) i;
        if (other < 0 && str_eq_case(name, str_of(column)))
            other = (int) i;
    }
    return other;
}

const char *shape_header(const struct shape_group *group, const char *column)
{
    int at = find_header(group, column);
    return at < 0 ? NULL : group->headers.v[at].name;
}

static bool same_headers(const struct columns *a, const struct columns *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->v[i].name, b->v[i].name) == 0;
    return same;
}

/* Whether no column stands in the group's files under one header and in these under another. */
static bool fits_group(const struct shape_group *group, const struct columns *headers)
{
    for (size_t i = 0; i < headers->n; i++) {
        struct str name;
        bool zoned;
        if (!shape_split(str_of(headers->v[i].name), &name, &zoned, NULL))
            return false;
        if (columns_find(&group->headers, str_of(headers->v[i].name)) >= 0)
            continue;
        for (size_t h = 0; h < group->headers.n; h++) {
            struct str known;
            if (shape_split(str_of(group->headers.v[h].name), &known, &zoned, NULL) &&
                str_eq_case(known, name))
                return false;
        }
    }
    return true;
}

static bool add_headers(struct columns *to, const struct columns *headers, struct error *err)
{
    for (size_t i = 0; i < headers->n; i++) {
        struct str name = str_of(headers->v[i].name);
        if (columns_find(to, name) < 0 && !columns_add(to, name, COLUMN_STRING, err))
            return false;
    }
    return true;
}

/* Puts a file into the last group, or begins a new one. Takes the headers. */
static bool add_file(struct shape *shape, const struct found_file *file, struct columns *headers,
                     struct error *err)
{
    struct shape_group *last = shape->n > 0 ? &shape->groups[shape->n - 1] : NULL;
    bool lines = file->form == ENGINE_LINES;
    if (last && last->files->form == file->form &&
        (lines ? fits_group(last, headers) : same_headers(&last->headers, headers))) {
        last->n++;
        return add_headers(&last->headers, headers, err);
    }
    if (!mem_reserve(&shape->groups, &shape->room, shape->n, SHAPE_GROUPS_MAX,
                     sizeof *shape->groups, err))
        return false;
    shape->groups[shape->n++] = (struct shape_group){.files = file, .n = 1, .headers = *headers};
    *headers = (struct columns){0};
    return true;
}

static bool look_at(const struct shape_options *options, struct shape *shape,
                    const struct found_file *file, struct error *err)
{
    struct engine_files one = {.name = options->found->name,
                               .form = file->form,
                               .paths = (const char *const *) &file->path,
                               .count = 1};
    struct columns headers = {0};
    bool done = engine_peek(options->task, &one, &headers, NULL, err) &&
                add_file(shape, file, &headers, err);
    columns_release(&headers);
    return done;
}

/* The first rows do not tell all keys, nor which of them stay empty. */
static bool survey_group(const struct shape_options *options, struct shape_group *group,
                         struct error *err)
{
    const char **paths = mem_alloc(group->n, sizeof *paths, err);
    if (!paths)
        return false;
    for (size_t i = 0; i < group->n; i++)
        paths[i] = group->files[i].path;
    struct survey survey;
    bool done = survey_lines(paths, group->n, &group->headers, options->stop, &survey, err);
    if (done) {
        columns_release(&group->headers);
        group->headers = survey.keys;
        group->filled = survey.filled;
    } else {
        survey_release(&survey);
    }
    mem_free(paths);
    return done;
}

/* --- columns ---------------------------------------------------------------------------------- */

static enum column_type guess_type(const struct found_table *found, struct str name, bool zoned)
{
    if (zoned || str_eq(name, STR("TimeGenerated")) || str_eq(name, STR("_TimeReceived")))
        return COLUMN_DATETIME;
    if (str_ends(str_of(found->name), STR("_CL")))
        return column_type_of_suffix(name);
    return COLUMN_STRING;
}

static bool add_column(const struct shape_options *options, struct shape *shape, struct str name,
                       bool zoned, struct error *err)
{
    for (size_t i = 0; i < shape->columns.n; i++) {
        if (str_eq(str_of(shape->columns.v[i].name), name))
            return true;
        /* The engine cannot tell names apart by case alone. */
        if (str_eq_case(str_of(shape->columns.v[i].name), name)) {
            buf_printf(options->notes, "%s: column %.*s is read as %s\n", options->found->name,
                       (int) name.n, name.p, shape->columns.v[i].name);
            return true;
        }
    }
    return columns_add(&shape->columns, name, guess_type(options->found, name, zoned), err);
}

static bool add_columns(const struct shape_options *options, struct shape *shape,
                        const struct shape_group *group, struct error *err)
{
    for (size_t i = 0; i < group->headers.n; i++) {
        struct str name;
        bool zoned;
        if (!shape_split(str_of(group->headers.v[i].name), &name, &zoned, err))
            return error_prefix(err, "%s", group->files[0].path);
        if (!add_column(options, shape, name, zoned, err))
            return false;
    }
    return true;
}

static bool mark_columns(struct shape *shape, struct error *err)
{
    shape->in_file = mem_alloc(shape->columns.n, sizeof *shape->in_file, err);
    shape->filled = mem_alloc(shape->columns.n, sizeof *shape->filled, err);
    if (!shape->in_file || !shape->filled)
        return false;
    for (size_t c = 0; c < shape->columns.n; c++) {
        for (size_t g = 0; g < shape->n; g++) {
            const struct shape_group *group = &shape->groups[g];
            int at = find_header(group, shape->columns.v[c].name);
            if (at < 0)
                continue;
            shape->in_file[c] = true;
            shape->filled[c] = shape->filled[c] || !group->filled || group->filled[at];
        }
    }
    return true;
}

bool shape_find(const struct shape_options *options, struct shape *out, struct error *err)
{
    *out = (struct shape){0};
    if (!find_schema(options, &out->columns, err))
        return false;
    for (size_t f = 0; f < options->found->n; f++) {
        if (!look_at(options, out, &options->found->files[f], err))
            return false;
    }
    for (size_t g = 0; g < out->n; g++) {
        struct shape_group *group = &out->groups[g];
        if ((group->files->form == ENGINE_LINES && !survey_group(options, group, err)) ||
            !add_columns(options, out, group, err))
            return false;
    }
    return add_column(options, out, STR("TenantId"), false, err) &&
           add_column(options, out, STR("Type"), false, err) && mark_columns(out, err);
}

void shape_release(struct shape *shape)
{
    for (size_t g = 0; g < shape->n; g++) {
        columns_release(&shape->groups[g].headers);
        mem_free(shape->groups[g].filled);
    }
    mem_free(shape->groups);
    mem_free(shape->in_file);
    mem_free(shape->filled);
    columns_release(&shape->columns);
    *shape = (struct shape){0};
}

bool shape_has(const struct shape *shape, const char *column)
{
    int at = columns_find(&shape->columns, str_of(column));
    return at >= 0 && shape->in_file[at];
}
