/* Inputs from the command line; see inputs.h. */
#include "partition/inputs.h"

#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- the list ------------------------------------------------------------------------------------------- */

void part_inputs_release(struct part_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++) {
        mem_free(inputs->v[i].name);
        mem_free(inputs->v[i].path);
    }
    for (size_t i = 0; i < inputs->store_count; i++)
        store_free(inputs->stores[i]);
    mem_free(inputs->v);
    mem_free(inputs->stores);
    mem_free(inputs->first_passed);
    mem_free(inputs->first_link);
    mem_free(inputs->first_output);
    mem_free(inputs->first_compacted);
    mem_free(inputs->lake);
    *inputs = (struct part_inputs){0};
}

static bool add(struct part_inputs *inputs, enum part_input_kind kind, struct str name,
                const char *path, uint64_t size, struct store *store, struct error *err)
{
    struct part_input input = {.kind = kind, .size = size, .store = store};
    if (name.n > PART_INPUT_NAME_MAX)
        return error_set(err, ERROR_LIMIT, "the name of an input is longer than %d bytes",
                         PART_INPUT_NAME_MAX);
    if (!mem_reserve(&inputs->v, &inputs->room, inputs->n, PART_INPUTS_MAX, sizeof input, err))
        return false;
    input.name = mem_copy(name.p, name.n, err);
    input.path = path ? mem_copy(path, strlen(path), err) : NULL;
    if (!input.name || (path && !input.path)) {
        mem_free(input.name);
        mem_free(input.path);
        return false;
    }
    inputs->v[inputs->n++] = input;
    return true;
}

/* One more that is passed over, of which the first is named. */
static bool pass(size_t *count, char **first, struct str name, struct error *err)
{
    if ((*count)++ > 0)
        return true;
    *first = mem_copy(name.p, name.n, err);
    return *first != NULL;
}

static bool pass_name(struct part_inputs *inputs, struct str name, struct error *err)
{
    return pass(&inputs->passed, &inputs->first_passed, name, err);
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool ends_case(struct str name, struct str ending)
{
    return name.n >= ending.n &&
           str_eq_case((struct str){name.p + name.n - ending.n, ending.n}, ending);
}

/* A file of a folder is a log when its name ends as logs do, packed or not, or has no ending at all. */
static bool is_log(struct str name)
{
    static const struct str endings[] = {
        STR_INIT(".json"), STR_INIT(".jsonl"), STR_INIT(".ndjson"), STR_INIT(".log"),
        STR_INIT(".csv"),  STR_INIT(".tsv"),   STR_INIT(".txt"),    STR_INIT(".parquet")};
    static const struct str packed[] = {STR_INIT(".gz"), STR_INIT(".zst")};
    if (name.n == 0 || name.p[0] == '.' || name.p[0] == '_')
        return false;
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        if (ends_case(name, packed[i]))
            name.n -= packed[i].n;
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ends_case(name, endings[i]))
            return true;
    }
    return !memchr(name.p, '.', name.n);
}

/* --- folders -------------------------------------------------------------------------------------------- */

/* One that is walked: its entries by name, and how many of them are done. */
struct level {
    struct dirent **entries;
    int count, at;
    size_t path; /* length of the folder's path */
};

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int keep_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool enter(struct level *level, struct buf *path, struct error *err)
{
    level->path = path->used;
    level->at = 0;
    level->count = scandir(buf_text(path), &level->entries, keep_entry, compare_entries);
    if (level->count >= 0)
        return true;
    level->count = 0;
    return error_set_errno(err, ERROR_IO, errno, "%s", buf_text(path));
}

/* A lake: a folder with containers of tables. Its weir/ has no rows. */
static bool is_lake(const struct level *level)
{
    for (int i = 0; i < level->count; i++) {
        if (strncmp(level->entries[i]->d_name, "am-", 3) == 0)
            return true;
    }
    return false;
}

static void leave(struct level *level)
{
    for (int i = 0; i < level->count; i++)
        free(level->entries[i]);
    free(level->entries);
    *level = (struct level){0};
}

/* Whether it is the lake that the import goes to, or what the run writes. */
static bool is_ours(const struct part_inputs *inputs, const struct stat *about)
{
    for (size_t i = 0; i < inputs->own_count; i++)
        if (about->st_dev == inputs->own[i].device && about->st_ino == inputs->own[i].number)
            return true;
    return false;
}

static void know_own(struct part_inputs *inputs, const char *path)
{
    struct stat about;
    if (path && inputs->own_count < sizeof inputs->own / sizeof *inputs->own &&
        stat(path, &about) == 0)
        inputs->own[inputs->own_count++] =
            (struct part_own){.device = about.st_dev, .number = about.st_ino};
}

static bool pass_target(struct part_inputs *inputs, const struct buf *path, struct error *err)
{
    mem_free(inputs->lake);
    inputs->lake = mem_copy(path->bytes, path->used, err);
    return inputs->lake != NULL;
}

/* Days of a lake that stand in Parquet: their rows may stand nowhere else. `folder` is the lake's weir/. */
static bool see_compacted(struct part_inputs *inputs, struct str folder, struct error *err)
{
    struct buf pattern = BUF_INIT(2 * PART_INPUT_NAME_MAX);
    glob_t found;
    for (size_t i = 0; i < folder.n; i++) {
        if (memchr("*?[\\", folder.p[i], 4))
            buf_putc(&pattern, '\\');
        buf_putc(&pattern, folder.p[i]);
    }
    buf_puts(&pattern, "/*/*/parquet/y=*");
    bool ok = buf_ok(&pattern, "a path", err);
    if (ok && glob(buf_text(&pattern), GLOB_NOSORT, NULL, &found) == 0) {
        ok = pass(&inputs->compacted, &inputs->first_compacted, folder, err);
        globfree(&found);
    }
    buf_release(&pattern);
    return ok;
}

/* What an entry is: a folder goes one level down, a file is taken. Symbolic links are not followed. */
static bool take_entry(struct part_inputs *inputs, struct level *levels, size_t *depth,
                       struct buf *path, struct error *err)
{
    struct level *level = &levels[*depth - 1];
    const char *name = level->entries[level->at++]->d_name;
    struct stat about;
    path->used = level->path;
    if (path->bytes[path->used - 1] != '/')
        buf_putc(path, '/');
    buf_puts(path, name);
    if (!buf_ok(path, "a path", err))
        return false;
    if (*depth == 1 && strcmp(name, "weir") == 0 && is_lake(level))
        return see_compacted(inputs, buf_str(path), err);
    if (lstat(buf_text(path), &about) != 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", buf_text(path));
    if (S_ISDIR(about.st_mode) && is_ours(inputs, &about))
        return pass_target(inputs, path, err);
    if (S_ISDIR(about.st_mode)) {
        if (*depth == PART_INPUT_DEPTH_MAX)
            return error_set(err, ERROR_LIMIT, "%s is deeper than %d folders", buf_text(path),
                             PART_INPUT_DEPTH_MAX);
        return enter(&levels[(*depth)++], path, err);
    }
    if (!S_ISREG(about.st_mode))
        return pass(&inputs->links, &inputs->first_link, buf_str(path), err);
    if (is_ours(inputs, &about))
        return pass(&inputs->outputs, &inputs->first_output, buf_str(path), err);
    if (!is_log(str_of(name)))
        return pass_name(inputs, buf_str(path), err);
    return add(inputs, PART_INPUT_FILE, buf_str(path), buf_text(path), (uint64_t) about.st_size,
               NULL, err);
}

static bool add_folder(struct part_inputs *inputs, const char *folder, struct error *err)
{
    struct level *levels = mem_alloc(PART_INPUT_DEPTH_MAX, sizeof *levels, err);
    struct buf path = BUF_INIT(PART_INPUT_NAME_MAX);
    size_t depth = 1;
    if (!levels)
        return false;
    buf_puts(&path, folder);
    bool ok = buf_ok(&path, "a path", err) && enter(&levels[0], &path, err);
    while (ok && depth > 0) {
        struct level *level = &levels[depth - 1];
        if (level->at == level->count) {
            leave(level);
            depth--;
        } else {
            ok = take_entry(inputs, levels, &depth, &path, err);
        }
    }
    for (size_t i = 0; i < depth; i++)
        leave(&levels[i]);
    mem_free(levels);
    buf_release(&path);
    return ok;
}

/* --- arguments ------------------------------------------------------------------------------------------ */

static bool add_path(struct part_inputs *inputs, const char *path, const struct stat *about,
                     struct error *err)
{
    if (S_ISDIR(about->st_mode))
        return add_folder(inputs, path, err);
    return add(inputs, S_ISREG(about->st_mode) ? PART_INPUT_FILE : PART_INPUT_PIPE, str_of(path),
               path, S_ISREG(about->st_mode) ? (uint64_t) about->st_size : 0, NULL, err);
}

static bool add_glob(struct part_inputs *inputs, const char *pattern, struct error *err)
{
    glob_t found;
    struct stat about;
    int state = glob(pattern, GLOB_ERR, NULL, &found);
    bool ok = state == 0;
    if (state == GLOB_NOMATCH)
        error_set(err, ERROR_NOT_FOUND, "%s matches no file", pattern);
    else if (state != 0)
        error_set(err, state == GLOB_NOSPACE ? ERROR_MEMORY : ERROR_IO, "%s cannot be matched",
                  pattern);
    for (size_t i = 0; ok && i < found.gl_pathc; i++) {
        if (stat(found.gl_pathv[i], &about) != 0)
            ok = error_set_errno(err, ERROR_IO, errno, "%s", found.gl_pathv[i]);
        else if (S_ISREG(about.st_mode) && is_ours(inputs, &about))
            ok = pass(&inputs->outputs, &inputs->first_output, str_of(found.gl_pathv[i]), err);
        else
            ok = add_path(inputs, found.gl_pathv[i], &about, err);
    }
    if (state == 0)
        globfree(&found);
    return ok;
}

static bool add_stdin(struct part_inputs *inputs, struct error *err)
{
    for (size_t i = 0; i < inputs->n; i++) {
        if (inputs->v[i].kind == PART_INPUT_STDIN)
            return error_set(err, ERROR_USAGE, "standard input is given twice");
    }
    return add(inputs, PART_INPUT_STDIN, STR("-"), NULL, 0, NULL, err);
}

/* --- blobs ---------------------------------------------------------------------------------------------- */

static bool is_address(const char *argument)
{
    struct str s = str_of(argument);
    return str_starts(s, STR("https://")) || str_starts(s, STR("http://")) ||
           str_starts(s, STR("abfss://"));
}

/* What stands below weir/ in a lake is weir's own record, not rows: a lake may be given as it is. */
static bool is_below_weir(struct str name)
{
    return str_starts(name, STR("weir/"));
}

struct taking {
    struct part_inputs *inputs;
    struct store *store;
    const char *address, *slash;
    size_t found;
};

/* A container am-… by itself is an account to the store, whose names begin with that container (store.h). */
static struct str below(const char *address, struct str name)
{
    struct str s = str_of(address);
    if (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    const char *slash = memrchr(s.p, '/', s.n);
    struct str last = slash ? (struct str){slash + 1, (size_t) (s.p + s.n - slash - 1)} : s;
    if (str_starts(last, STR("am-")) && str_starts(name, last) && name.n > last.n &&
        name.p[last.n] == '/')
        return (struct str){name.p + last.n + 1, name.n - last.n - 1};
    return name;
}

static bool take_blob(void *context, const struct store_blob *blob, struct error *err)
{
    struct taking *taking = context;
    struct buf name = BUF_INIT(PART_INPUT_NAME_MAX), path = BUF_INIT(STORE_NAME_MAX + 1);
    const char *slash = memrchr(blob->name.p, '/', blob->name.n);
    struct str last = blob->name;
    if (slash)
        last = (struct str){slash + 1, (size_t) (blob->name.p + blob->name.n - slash - 1)};
    if (is_below_weir(blob->name) && str_ends(blob->name, STR(".parquet")) &&
        taking->inputs->compacted == 0)
        return pass(&taking->inputs->compacted, &taking->inputs->first_compacted,
                    str_of(taking->address), err);
    if (is_below_weir(blob->name))
        return true;
    buf_printf(&name, "%s%s", taking->address, taking->slash);
    buf_put_str(&name, below(taking->address, blob->name));
    buf_put_str(&path, blob->name);
    bool ok = buf_ok(&name, "the name of a blob", err) && buf_ok(&path, "the name of a blob", err);
    taking->found++;
    if (ok && !is_log(last))
        ok = pass_name(taking->inputs, buf_str(&name), err);
    else if (ok)
        ok = add(taking->inputs, PART_INPUT_BLOB, buf_str(&name), buf_text(&path), blob->size,
                 taking->store, err);
    buf_release(&name);
    buf_release(&path);
    return ok;
}

static int compare_inputs(const void *a, const void *b)
{
    const struct part_input *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* Whether the address is that of one blob: its folder is opened then. */
static bool try_blob(struct part_inputs *inputs, const struct store_options *remote,
                     const char *address, bool *is, struct error *err)
{
    struct error why = ERROR_INIT;
    struct store_options options = *remote;
    const char *slash = strrchr(address, '/');
    uint64_t size = 0;
    *is = false;
    if (!slash || slash[1] == '\0' || slash[-1] == '/')
        return true;
    char *folder = mem_copy(address, (size_t) (slash - address), err);
    if (!folder)
        return false;
    options.address = folder;
    struct store *store = store_open_with(&options, &why);
    *is = store && store_stat(store, slash + 1, &size, &why);
    bool ok = true;
    if (*is) {
        ok = mem_reserve(&inputs->stores, &inputs->store_room, inputs->store_count, PART_INPUTS_MAX,
                         sizeof(struct store *), err);
        if (ok)
            inputs->stores[inputs->store_count++] = store;
        ok = ok && add(inputs, PART_INPUT_BLOB, str_of(address), slash + 1, size, store, err);
    } else {
        store_free(store);
    }
    mem_free(folder);
    return ok;
}

static bool add_blobs(struct part_inputs *inputs, const struct store_options *remote,
                      const char *address, struct error *err)
{
    bool is_blob;
    size_t before = inputs->n;
    if (!remote)
        return error_set(err, ERROR_USAGE, "%s: blobs cannot be read here", address);
    if (!try_blob(inputs, remote, address, &is_blob, err) || is_blob)
        return is_blob;
    struct store_options options = *remote;
    options.address = address;
    struct taking taking = {.inputs = inputs,
                            .address = address,
                            .slash = str_ends(str_of(address), STR("/")) ? "" : "/"};
    if (!mem_reserve(&inputs->stores, &inputs->store_room, inputs->store_count, PART_INPUTS_MAX,
                     sizeof(struct store *), err))
        return false;
    taking.store = store_open_with(&options, err);
    if (!taking.store)
        return false;
    inputs->stores[inputs->store_count++] = taking.store;
    if (!store_list(taking.store, "", take_blob, &taking, err))
        return false;
    if (taking.found == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no blob at %s", address);
    qsort(inputs->v + before, inputs->n - before, sizeof *inputs->v, compare_inputs);
    return true;
}

static bool expand(struct part_inputs *inputs, const char *argument,
                   const struct store_options *remote, struct error *err)
{
    struct stat about;
    if (strcmp(argument, "-") == 0)
        return add_stdin(inputs, err);
    if (is_address(argument))
        return add_blobs(inputs, remote, argument, err);
    if (stat(argument, &about) == 0)
        return add_path(inputs, argument, &about, err);
    if (errno == ENOENT && strpbrk(argument, "*?["))
        return add_glob(inputs, argument, err);
    return error_set_errno(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, errno, "%s",
                           argument);
}

bool part_inputs_expand(const char *const *arguments, size_t n, const struct part_outputs *outputs,
                        const struct store_options *remote, struct part_inputs *out,
                        struct error *err)
{
    *out = (struct part_inputs){0};
    know_own(out, outputs ? outputs->lake : NULL);
    for (size_t i = 0; outputs && i < outputs->file_count; i++)
        know_own(out, outputs->files[i]);
    for (size_t i = 0; i < n; i++) {
        if (!expand(out, arguments[i], remote, err)) {
            part_inputs_release(out);
            return false;
        }
    }
    return true;
}

static void put_passed(struct buf *line, size_t n, const char *first, const char *one,
                       const char *many)
{
    if (n == 0)
        return;
    buf_printf(line, "%s%s", line->used > 0 ? "; " : "", first);
    if (n > 1)
        buf_printf(line, " and %zu other%s", n - 1, n > 2 ? "s" : "");
    buf_puts(line, n > 1 ? many : one);
}

bool part_inputs_say_passed(const struct part_inputs *inputs, struct buf *line)
{
    buf_reset(line);
    put_passed(line, inputs->passed, inputs->first_passed,
               " is passed over: by its name it is no log",
               " are passed over: by their names they are no logs");
    put_passed(line, inputs->links, inputs->first_link, " is passed over: it is a link or no file",
               " are passed over: links, or no files");
    put_passed(line, inputs->outputs, inputs->first_output, " is passed over: this run writes it",
               " are passed over: this run writes them");
    put_passed(
        line, inputs->compacted, inputs->first_compacted,
        " has days in Parquet, which are not read: rows whose JSON was deleted are left out",
        " have days in Parquet, which are not read: rows whose JSON was deleted are left out");
    if (inputs->lake)
        buf_printf(line, "%s%s is passed over: it is the lake itself", line->used > 0 ? "; " : "",
                   inputs->lake);
    return line->used > 0;
}
