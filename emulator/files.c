/* Files: which files of a folder belong to which table. */

#include "emulator/files.h"

#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

struct ending {
    const char *text;
    enum files_kind kind;
    enum engine_form form;
};

static const struct ending endings[] = {
    {".json", FILES_ROWS, ENGINE_LINES},      {".jsonl", FILES_ROWS, ENGINE_LINES},
    {".ndjson", FILES_ROWS, ENGINE_LINES},    {".csv", FILES_ROWS, ENGINE_CSV},
    {".parquet", FILES_ROWS, ENGINE_PARQUET}, {".columns", FILES_SCHEMA, ENGINE_LINES},
    {".json.gz", FILES_ROWS, ENGINE_LINES},   {".jsonl.gz", FILES_ROWS, ENGINE_LINES},
    {".ndjson.gz", FILES_ROWS, ENGINE_LINES}, {".csv.gz", FILES_ROWS, ENGINE_CSV},
};

struct search {
    struct found *found;
    struct buf *notes;
    struct error *err;
};

/* A table's name as the service allows it: it also becomes part of SQL and of paths. */
static bool is_table_name(struct str name)
{
    if (name.n == 0 || name.n > FILES_NAME_MAX || (name.p[0] >= '0' && name.p[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static bool ends_as(struct str file, const char *ending)
{
    size_t n = strlen(ending);
    return file.n > n && str_eq_case((struct str){file.p + file.n - n, n}, str_of(ending));
}

enum files_kind files_kind(struct str file, struct str *table, enum engine_form *form)
{
    struct str rest = file;
    (void) str_split(&rest, '.', table);
    if (file.n == 0 || file.p[0] == '_' || file.p[0] == '.' || str_eq(file, STR("truth.json")))
        return FILES_OTHER;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ends_as(file, endings[i].text)) {
            *form = endings[i].form;
            return endings[i].kind;
        }
    }
    return FILES_OTHER;
}

static struct found_table *get_table(struct search *search, struct str name)
{
    struct found *found = search->found;
    for (size_t i = 0; i < found->n; i++) {
        struct str known = str_of(found->tables[i].name);
        if (str_eq(known, name))
            return &found->tables[i];
        if (str_eq_case(known, name)) {
            error_set(search->err, ERROR_FORMAT,
                      "tables '%s' and '%.*s' differ only in the case of letters",
                      found->tables[i].name, (int) name.n, name.p);
            return NULL;
        }
    }
    if (!mem_reserve(&found->tables, &found->room, found->n, FILES_TABLES_MAX,
                     sizeof *found->tables, search->err))
        return NULL;
    struct found_table *table = &found->tables[found->n];
    *table = (struct found_table){.name = mem_copy(name.p, name.n, search->err)};
    if (!table->name)
        return NULL;
    found->n++;
    return table;
}

static bool add_file(struct search *search, struct str name, enum files_kind kind,
                     enum engine_form form, const char *path)
{
    struct found_table *table = get_table(search, name);
    if (!table)
        return false;
    char *copy = mem_copy(path, strlen(path), search->err);
    if (!copy)
        return false;
    if (kind == FILES_SCHEMA) {
        mem_free(table->schema);
        table->schema = copy;
        return true;
    }
    if (search->found->files >= FILES_MAX ||
        !mem_reserve(&table->files, &table->room, table->n, FILES_MAX, sizeof *table->files,
                     search->err)) {
        mem_free(copy);
        return error_set(search->err, ERROR_LIMIT, "more than %d files", FILES_MAX);
    }
    table->files[table->n++] = (struct found_file){copy, form};
    search->found->files++;
    return true;
}

static bool visit_folder(struct search *search, const char *folder, struct str table, int depth);

/* `table` is empty at the top, where the file's own name says which table it is. */
static bool visit(struct search *search, const char *path, struct str name, struct str table,
                  int depth)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(search->err, ERROR_IO, errno, "%s", path);
    bool hidden = name.p[0] == '.' || name.p[0] == '_';
    if (S_ISDIR(status.st_mode) && !hidden && depth < FILES_DEPTH_MAX &&
        (table.n > 0 || is_table_name(name)))
        return visit_folder(search, path, table.n > 0 ? table : name, depth + 1);
    struct str own = {0};
    enum engine_form form = ENGINE_LINES;
    enum files_kind kind = S_ISREG(status.st_mode) ? files_kind(name, &own, &form) : FILES_OTHER;
    if (table.n == 0)
        table = own;
    if (kind == FILES_OTHER || !is_table_name(table)) {
        if (name.p[0] != '.' && !str_eq(name, STR("truth.json"))) {
            buf_puts(search->notes, "passed over ");
            text_put_safe(search->notes, str_of(path));
            buf_putc(search->notes, '\n');
        }
        return true;
    }
    return add_file(search, table, kind, form, path);
}

static bool visit_folder(struct search *search, const char *folder, struct str table, int depth)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0)
        return error_set_errno(search->err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, errno,
                               "%s", folder);
    bool done = true;
    struct buf path = BUF_INIT(PATH_MAX);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (done && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            path_join(&path, folder, name);
            done = buf_ok(&path, "a path", search->err) &&
                   visit(search, buf_text(&path), str_of(name), table, depth);
        }
        free(entries[i]);
    }
    free(entries);
    buf_release(&path);
    return done;
}

static int by_name(const void *a, const void *b)
{
    const struct found_table *one = a, *other = b;
    return strcmp(one->name, other->name);
}

bool files_find(const char *folder, struct found *out, struct buf *notes, struct error *err)
{
    *out = (struct found){0};
    struct search search = {.found = out, .notes = notes, .err = err};
    if (!visit_folder(&search, folder, (struct str){0}, 0)) {
        files_release(out);
        return false;
    }
    if (out->n > 0)
        qsort(out->tables, out->n, sizeof *out->tables, by_name);
    return true;
}

void files_release(struct found *found)
{
    for (size_t t = 0; t < found->n; t++) {
        struct found_table *table = &found->tables[t];
        for (size_t f = 0; f < table->n; f++)
            mem_free(table->files[f].path);
        mem_free(table->files);
        mem_free(table->schema);
        mem_free(table->name);
    }
    mem_free(found->tables);
    *found = (struct found){0};
}
