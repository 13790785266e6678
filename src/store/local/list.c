/* Lists a folder and those below it, in byte order of whole names, one folder of each depth in memory. */
#include "store/local/local.h"

#include "base/memory.h"
#include "base/tick.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAMES_MAX = 256 << 20, /* bytes of the names of one folder */
    ENTRIES_ROOM = 1 << 15 /* of one answer of the system */
};

/* One folder, read. A folder in it has a slash behind its name, so that sorting the entries sorts the
 * whole names: `a-b` stands before `a/c`, and `a` before both. */
struct level {
    int fd;           /* -1: not open */
    struct buf names; /* NUL-terminated, one after the other */
    const char **entries;
    size_t n, at;
    size_t used; /* length of the whole name up to this folder, slash included */
};

static void level_release(struct level *level)
{
    if (level->fd >= 0)
        (void) close(level->fd);
    buf_release(&level->names);
    mem_free(level->entries);
    *level = (struct level){.fd = -1};
}

static int compare(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* 'd', 'f', or 0 for what is no part of a lake. */
static char kind_of(int folder, const struct dirent64 *entry)
{
    struct stat status;
    unsigned char type = entry->d_type;
    if (!store_part_ok(str_of(entry->d_name)))
        return 0;
    if (type == DT_UNKNOWN && fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        type = IFTODT(status.st_mode);
    return type == DT_DIR ? 'd' : type == DT_REG ? 'f' : 0;
}

static bool sort_names(struct level *level, struct error *err)
{
    level->entries = mem_alloc(level->n, sizeof *level->entries, err);
    if (!level->entries)
        return false;
    const char *p = buf_text(&level->names);
    for (size_t i = 0; i < level->n; i++, p += strlen(p) + 1)
        level->entries[i] = p;
    qsort(level->entries, level->n, sizeof *level->entries, compare);
    return true;
}

/* 0, ENOMEM or E2BIG. */
static int take_name(struct level *level, const struct dirent64 *entry)
{
    char kind = kind_of(level->fd, entry);
    if (!kind)
        return 0;
    buf_puts(&level->names, entry->d_name);
    buf_put(&level->names, "/", kind == 'd' ? 2 : 0);
    buf_put(&level->names, "", kind == 'f' ? 1 : 0);
    if (++level->n > LOCAL_FOLDER_MAX || level->names.over)
        return E2BIG;
    return level->names.failed ? ENOMEM : 0;
}

/* Reads the names of the open folder. 0 or an errno; ENOMEM and E2BIG for our own limits. The system is asked directly: a
 * lake has a folder for each five minutes, and readdir(3) needs three calls more for each. */
static int read_names(struct level *level)
{
    _Alignas(struct dirent64) char room[ENTRIES_ROOM];
    buf_init(&level->names, NAMES_MAX);
    for (;;) {
        ssize_t n = getdents64(level->fd, room, sizeof room);
        if (n <= 0)
            return n < 0 ? errno : 0;
        for (ssize_t i = 0; i < n;) {
            const struct dirent64 *entry = (const void *) (room + i);
            int failed = take_name(level, entry);
            if (failed)
                return failed;
            i += entry->d_reclen;
        }
    }
}

/* Opens and reads the folder `name` of `parent`. One that is gone by now is empty. */
static bool level_init(struct level *level, struct local *local, int parent, const char *name,
                       const char *whole, struct error *err)
{
    *level = (struct level){.fd = -1, .used = strlen(whole)};
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return true;
    level->fd = fd;
    int failed = fd < 0 ? errno : read_names(level);
    if (failed)
        (void) local_fail(local, failed, "list", whole, err);
    if (!failed && sort_names(level, err))
        return true;
    level_release(level);
    return false;
}

/* Where a walk is. */
struct walk {
    struct local *local;
    store_list_fn *fn;
    void *context;
    struct level *levels;
    size_t depth;
    struct buf name;
};

static bool give_blob(struct walk *walk, int folder, const char *last, struct error *err)
{
    struct stat status;
    if (fstatat(folder, last, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ||
               local_fail(walk->local, errno, "list", buf_text(&walk->name), err);
    if (!S_ISREG(status.st_mode))
        return true;
    struct store_blob blob = {.name = buf_str(&walk->name), .size = (uint64_t) status.st_size};
    blob.modified = TICK_UNIX_EPOCH + (int64_t) status.st_mtim.tv_sec * TICK_SECOND +
                    status.st_mtim.tv_nsec / 100;
    return walk->fn(walk->context, &blob, err);
}

/* Goes down into the folder whose name, with its slash, stands at the end of walk->name. */
static bool push(struct walk *walk, int parent, const char *last, struct error *err)
{
    if (walk->depth == LOCAL_DEPTH_MAX)
        return error_set(err, ERROR_LIMIT, "%s: more than %d folders below each other",
                         buf_text(&walk->name), LOCAL_DEPTH_MAX);
    if (!level_init(&walk->levels[walk->depth], walk->local, parent, last, buf_text(&walk->name),
                    err))
        return false;
    walk->depth++;
    return true;
}

static bool is_temporary(const struct buf *name)
{
    return str_eq(buf_str(name), STR(LOCAL_TEMPORARY "/"));
}

/* The next entry of the deepest folder. */
static bool walk_step(struct walk *walk, struct error *err)
{
    struct level *level = &walk->levels[walk->depth - 1];
    if (level->at == level->n) {
        level_release(level);
        walk->depth--;
        return true;
    }
    const char *entry = level->entries[level->at++];
    walk->name.used = level->used;
    buf_puts(&walk->name, entry);
    if (!buf_ok(&walk->name, "the name of a blob", err))
        return false;
    if (!str_ends(buf_str(&walk->name), STR("/")))
        return give_blob(walk, level->fd, entry, err);
    return is_temporary(&walk->name) || push(walk, level->fd, entry, err);
}

static bool walk_folder(struct walk *walk, int parent, const char *last, struct error *err)
{
    walk->levels = mem_alloc(LOCAL_DEPTH_MAX, sizeof *walk->levels, err);
    if (!walk->levels)
        return false;
    bool ok = push(walk, parent, last, err);
    while (ok && walk->depth > 0)
        ok = walk_step(walk, err);
    while (walk->depth > 0)
        level_release(&walk->levels[--walk->depth]);
    mem_free(walk->levels);
    return ok;
}

static bool list_one(struct store *store, const char *prefix, store_list_fn *fn, void *context,
                     struct error *err)
{
    int parent;
    const char *last;
    struct stat status;
    int there = local_parent_found(local_of(store), prefix, &parent, &last, err);
    if (there <= 0)
        return there == 0;
    struct walk walk = {.local = local_of(store), .fn = fn, .context = context};
    buf_init(&walk.name, STORE_NAME_MAX);
    buf_puts(&walk.name, prefix);
    bool ok = true;
    if (prefix[0] == '\0') {
        ok = walk_folder(&walk, parent, ".", err);
    } else if (fstatat(parent, last, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISREG(status.st_mode))
            ok = give_blob(&walk, parent, last, err);
        buf_putc(&walk.name, '/');
        if (S_ISDIR(status.st_mode))
            ok = walk_folder(&walk, parent, last, err);
    }
    (void) close(parent);
    buf_release(&walk.name);
    return ok;
}

bool local_list(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
                void *context, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!list_one(store, prefixes[i], fn, context, err))
            return false;
    return true;
}

/* Gives the folders of a level, without the slash. */
static bool give_folders(const struct level *level, struct buf *name, store_folder_fn *fn,
                         void *context, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < level->n; i++) {
        struct str entry = str_of(level->entries[i]);
        if (!str_ends(entry, STR("/")))
            continue;
        name->used = level->used;
        buf_put_str(name, entry);
        entry.n--;
        ok = buf_ok(name, "the name of a blob", err) &&
             (is_temporary(name) || fn(context, entry, err));
    }
    return ok;
}

bool local_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                   struct error *err)
{
    struct local *local = local_of(store);
    int parent;
    const char *last;
    int there = local_parent_found(local, prefix, &parent, &last, err);
    if (there <= 0)
        return there == 0;
    struct level level;
    struct stat status;
    struct buf name = BUF_INIT(STORE_NAME_MAX);
    buf_puts(&name, prefix);
    if (prefix[0] != '\0')
        buf_putc(&name, '/');
    bool ok = true;
    if (fstatat(parent, last[0] ? last : ".", &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(status.st_mode)) {
        ok = level_init(&level, local, parent, last[0] ? last : ".", buf_text(&name), err) &&
             give_folders(&level, &name, fn, context, err);
        level_release(&level);
    }
    (void) close(parent);
    buf_release(&name);
    return ok;
}
