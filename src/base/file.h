/* Files: whole reads with a maximum, whole writes in one step, folders. POSIX. */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

#include "base/text.h"

/* Reads a whole file of at most `max` bytes into out (which is reset first). */
bool file_read(const char *path, size_t max, struct buf *out, struct error *err);

/* Writes a file whole or not at all: a temporary file beside it, then one rename. `sync` waits for
 * the disk, file and folder. Folders are not made. */
bool file_write(const char *path, struct str bytes, unsigned mode, bool sync, struct error *err);

/* Writes all bytes to a descriptor; EINTR and short writes are handled. */
bool file_write_all(int fd, const char *bytes, size_t n, const char *path, struct error *err);

/* mkdir -p, mode 0777 less umask. */
bool file_make_folders(const char *path, struct error *err);

/* Joins with one slash into out. */
void path_join(struct buf *out, const char *folder, const char *name);

/* A secret's file: regular, ours, and nobody else can read it (mode & 077 == 0), else ERROR_SETTINGS
 * with the chmod that mends it. The trailing newline is cut. */
bool file_read_secret(const char *path, size_t max, struct buf *out, struct error *err);

/* The folder of the running program, for finding schemas/ beside the build tree or under the prefix. */
bool file_program_folder(struct buf *out, struct error *err);

/* Finds `name` ("schemas", "hunts") as $WEIR_DATA/name, <program>/../name, <program>/../../name ...
 * up to 4 levels above the program, <prefix>/share/weir/name. */
bool file_find_data(const char *name, struct buf *out, struct error *err);

#endif
