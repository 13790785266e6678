/* Files: whole reads with a maximum, whole writes in one step, folders. POSIX. */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

#include "base/text.h"

/* Reads a whole file of at most `max` bytes into out (which is reset first). ERROR_NOT_FOUND when it is
 * not there, ERROR_LIMIT when it is longer, ERROR_IO otherwise. */
bool file_read(const char *path, size_t max, struct buf *out, struct error *err);

/* Writes a file whole or not at all: a temporary file beside it, then one rename. `mode` is that of the
 * file, less umask. `sync` waits for the disk, file and folder. Folders are not made. Where `path` is a link to a file, that
 * file is replaced, not the link; a pipe or a device is written to as it stands (ERROR_IO for a pipe that nobody reads). */
bool file_write(const char *path, struct str bytes, unsigned mode, bool sync, struct error *err);

/* Writes all bytes to a descriptor; EINTR and short writes are handled. */
bool file_write_all(int fd, const char *bytes, size_t n, const char *path, struct error *err);

/* mkdir -p, mode 0777 less umask. */
bool file_make_folders(const char *path, struct error *err);

/* folder/name with one slash between, into out (which is reset first); buf_ok tells whether it fitted. */
void path_join(struct buf *out, const char *folder, const char *name);

/* A secret's file: regular, ours, and nobody else can read it (mode & 077 == 0), else ERROR_SETTINGS
 * with the chmod that mends it as hint. The trailing newline is cut. Wipe the buffer after use. */
bool file_read_secret(const char *path, size_t max, struct buf *out, struct error *err);

/* The folder of the running program, for finding schemas/ beside the build tree or under the prefix. */
bool file_program_folder(struct buf *out, struct error *err);

/* Finds the folder `name` ("schemas", "hunts") as $WEIR_DATA/name, as <program>/../share/weir/name (an
 * installation), or as <program>/../name and so on up to 4 levels above the program (a build tree).
 * <program> is file_program_folder. ERROR_NOT_FOUND with a hint when it is nowhere. */
bool file_find_data(const char *name, struct buf *out, struct error *err);

#endif
