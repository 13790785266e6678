/* Files of a test: a folder of its own that ends with it. */
#ifndef WEIR_TESTS_ENGINE_FILES_H
#define WEIR_TESTS_ENGINE_FILES_H

#include "base/file.h"
#include "base/text.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

enum { FILES_MAX = 256 };

struct test_files {
    char folder[512];
    const char *list[FILES_MAX];
    size_t n;
};

static inline void files_begin(struct test_files *files)
{
    const char *parent = getenv("TMPDIR");
    files->n = 0;
    snprintf(files->folder, sizeof files->folder, "%s/weir-test-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(files->folder))
        abort();
}

static inline void files_end(struct test_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        (void) unlink(files->list[i]);
        free((void *) (uintptr_t) files->list[i]);
    }
    (void) rmdir(files->folder);
}

/* The path of the next file; nothing is written yet. */
static inline const char *files_name(struct test_files *files, const char *name)
{
    char *path = NULL;
    if (files->n >= FILES_MAX || asprintf(&path, "%s/%s", files->folder, name) < 0)
        abort();
    return files->list[files->n++] = path;
}

static inline const char *files_add(struct test_files *files, const char *name, struct str bytes)
{
    const char *path = files_name(files, name);
    if (!file_write(path, bytes, 0600, false, NULL))
        abort();
    return path;
}

/* The same, packed; appended when the file is there, so that it has several members. */
static inline void files_pack(const char *path, struct str bytes)
{
    gzFile gz = gzopen(path, "ab");
    if (!gz || gzwrite(gz, bytes.p, (unsigned) bytes.n) != (int) bytes.n || gzclose(gz) != Z_OK)
        abort();
}

#endif
