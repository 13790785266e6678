/* Places: where serve puts the files that clients are told of. */

#include "emulator/places.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum { SECRET_SIZE = 24 };

/* Clients run in other folders. */
static bool put_absolute(struct buf *out, const char *path, const char *suffix, struct error *err)
{
    char here[PATH_MAX] = "";
    buf_reset(out);
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return error_set_errno(err, ERROR_IO, errno, "the current folder");
    buf_printf(out, "%s%s%s%s", here, path[0] != '/' ? "/" : "", path, suffix);
    return buf_ok(out, "a path", err);
}

bool places_put(const struct places *places, const char *given, const char *suffix,
                const char *name, struct buf *out, struct error *err)
{
    if (given)
        return put_absolute(out, given, "", err);
    if (places->ready_file)
        return put_absolute(out, places->ready_file, suffix, err);
    path_join(out, places->folder, name);
    return buf_ok(out, "a path", err);
}

bool places_make_secret(const struct buf *path, struct buf *secret, struct error *err)
{
    unsigned char bytes[SECRET_SIZE];
    char text[2 * SECRET_SIZE + 1];
    if (!random_secret(bytes, sizeof bytes, err))
        return false;
    text_hex(bytes, sizeof bytes, text);
    buf_puts(secret, text);
    mem_wipe(text, sizeof text);
    return buf_ok(secret, "the secret", err) &&
           file_write(buf_text(path), buf_str(secret), 0600, false, err);
}
