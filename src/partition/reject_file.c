/* The file of rejects; see reject_file.h. */
#include "partition/reject_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH = 256 * 1024, LINE_MAX_BYTES = 64 * 1024 };

bool part_reject_file_init(struct part_reject_file *rejects, const char *wanted, struct error *err)
{
    *rejects = (struct part_reject_file){.wanted = wanted, .fd = -1};
    buf_init(&rejects->path, PART_REJECT_PATH_MAX);
    buf_init(&rejects->bytes, FLUSH + LINE_MAX_BYTES);
    if (!wanted || (wanted[0] && strcmp(wanted, "-") != 0))
        return true;
    (void) error_set(err, ERROR_USAGE, "'%s' is no name for the reject file", wanted);
    return error_hint(err, "for standard output: --reject-file /dev/stdout");
}

void part_reject_file_clear(struct part_reject_file *rejects)
{
    if (rejects->fd >= 0)
        (void) close(rejects->fd);
    if (rejects->fd >= 0 && !rejects->direct)
        (void) unlink(buf_text(&rejects->path));
    rejects->fd = -1;
    rejects->made = rejects->direct = false;
    buf_reset(&rejects->bytes);
}

void part_reject_file_release(struct part_reject_file *rejects)
{
    part_reject_file_clear(rejects);
    buf_release(&rejects->path);
    buf_release(&rejects->bytes);
}

/* <state>/weir/rejects */
static bool state_folder(struct buf *out, struct error *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    buf_reset(out);
    if (state && state[0] == '/') {
        buf_puts(out, state);
    } else if (home && home[0] == '/') {
        buf_printf(out, "%s/.local/state", home);
    } else {
        (void) error_set(err, ERROR_SETTINGS, "no folder for the reject file: HOME is not set");
        return error_hint(err, "name one: --reject-file PATH");
    }
    buf_puts(out, "/weir/rejects");
    return buf_ok(out, "the path of the reject file", err);
}

static void put_usual(struct buf *out, const char *table, const char *id)
{
    buf_printf(out, "/%s-%s.jsonl", table, id);
}

static bool folder_of(const struct part_reject_file *rejects, struct buf *out, struct error *err)
{
    const char *slash = rejects->wanted ? strrchr(rejects->wanted, '/') : NULL;
    if (!rejects->wanted)
        return state_folder(out, err) && file_make_folders(buf_text(out), err);
    buf_reset(out);
    if (!slash)
        buf_puts(out, ".");
    else if (slash == rejects->wanted)
        buf_puts(out, "/");
    else
        buf_put(out, rejects->wanted, (size_t) (slash - rejects->wanted));
    return buf_ok(out, "the path of the reject file", err);
}

/* As it was named by the user, or would be. */
static const char *name_of(const struct part_reject_file *rejects)
{
    return rejects->wanted ? rejects->wanted : buf_text(&rejects->path);
}

static bool is_special(const char *path)
{
    struct stat is;
    return path && lstat(path, &is) == 0 && !S_ISREG(is.st_mode);
}

static bool make(struct part_reject_file *rejects, struct error *err)
{
    rejects->direct = is_special(rejects->wanted);
    if (rejects->direct) {
        buf_reset(&rejects->path);
        buf_puts(&rejects->path, rejects->wanted);
    } else {
        if (!folder_of(rejects, &rejects->path, err))
            return false;
        buf_puts(&rejects->path, "/.weir-rejects-XXXXXX");
    }
    if (!buf_ok(&rejects->path, "the path of the reject file", err))
        return false;
    rejects->fd = rejects->direct ? open(rejects->wanted, O_WRONLY | O_APPEND | O_CLOEXEC)
                                  : mkostemp(rejects->path.bytes, O_CLOEXEC); /* mode 0600 */
    rejects->made = rejects->fd >= 0;
    return rejects->made || error_set_errno(err, ERROR_IO, errno, "cannot make the reject file %s",
                                            name_of(rejects));
}

static bool flush(struct part_reject_file *rejects, struct error *err)
{
    bool ok = file_write_all(rejects->fd, buf_text(&rejects->bytes), rejects->bytes.used,
                             name_of(rejects), err);
    buf_reset(&rejects->bytes);
    return ok;
}

bool part_reject_file_put(struct part_reject_file *rejects, struct str file, uint64_t line,
                          enum part_reason reason, struct str text, struct error *err)
{
    if (!rejects->made && !make(rejects, err))
        return false;
    part_reject_put(&rejects->bytes, file, line, reason, text);
    if (!buf_ok(&rejects->bytes, "a line of the reject file", err))
        return false;
    return rejects->bytes.used < FLUSH || flush(rejects, err);
}

static bool take_name(struct part_reject_file *rejects, const char *name, struct error *err)
{
    if (rename(buf_text(&rejects->path), name) != 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot write the reject file %s", name);
    buf_reset(&rejects->path);
    buf_puts(&rejects->path, name);
    return buf_ok(&rejects->path, "the path of the reject file", err);
}

bool part_reject_file_end(struct part_reject_file *rejects, const char *table, const char *id,
                          struct error *err)
{
    struct buf name = BUF_INIT(PART_REJECT_PATH_MAX);
    if (!rejects->made)
        return true;
    bool ok = flush(rejects, err) && (rejects->direct || folder_of(rejects, &name, err));
    if (close(rejects->fd) != 0 && ok)
        ok = error_set_errno(err, ERROR_IO, errno, "cannot write the reject file %s",
                             name_of(rejects));
    rejects->fd = -1;
    if (rejects->direct)
        return ok;
    if (rejects->wanted) {
        buf_reset(&name);
        buf_puts(&name, rejects->wanted);
    } else {
        put_usual(&name, table, id);
    }
    ok = ok && buf_ok(&name, "the path of the reject file", err) &&
         take_name(rejects, buf_text(&name), err);
    if (!ok)
        (void) unlink(buf_text(&rejects->path));
    buf_release(&name);
    return ok;
}

bool part_reject_file_usual(const char *table, const char *id, struct buf *out, struct error *err)
{
    if (!state_folder(out, err))
        return false;
    put_usual(out, table, id);
    return buf_ok(out, "the path of the reject file", err);
}
