/* A folder of a test's own, and what is in it. */
#ifndef WEIR_TESTS_STORE_FOLDER_H
#define WEIR_TESTS_STORE_FOLDER_H

#include "base/hash.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_PATH = 4096 };

struct folder {
    char path[256]; /* made */
    char lake[300]; /* below it, not made */
};

/* In memory where that can be: these tests make and remove many small files, and a disk that others use too
 * would make them wait for nothing. */
static inline bool folder_make(struct folder *folder)
{
    const char *base = getenv("TMPDIR");
    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void) snprintf(folder->path, sizeof folder->path, "%.200s/weir-test-XXXXXX", base);
    if (!mkdtemp(folder->path))
        return false;
    (void) snprintf(folder->lake, sizeof folder->lake, "%s/lake", folder->path);
    return true;
}

static inline void folder_remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char child[FOLDER_PATH];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void) snprintf(child, sizeof child, "%.3000s/%.255s", path, entry->d_name);
        if (unlink(child) != 0)
            folder_remove_tree(child);
    }
    if (dir)
        (void) closedir(dir);
    (void) rmdir(path);
}

static inline int folder_order(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static inline bool folder_add_bytes(struct hash_sha256 *hash, const char *path)
{
    char bytes[1 << 16];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
        hash_sha256_add(hash, bytes, (size_t) n);
    if (fd >= 0)
        (void) close(fd);
    return n == 0;
}

/* SHA-256 of all that is below path: names, kinds, modes, times of change and bytes. What was not touched has
 * the same one. */
static inline bool folder_digest(const char *path, char hex[HASH_SHA256_HEX])
{
    char *const paths[] = {strdup(path), NULL};
    struct hash_sha256 *hash = hash_sha256_new(NULL);
    FTS *tree = paths[0] ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, folder_order) : NULL;
    FTSENT *entry;
    unsigned char sum[HASH_SHA256_SIZE];
    bool ok = hash && tree;
    while (ok && (entry = fts_read(tree)) != NULL) {
        const struct stat *is = entry->fts_statp;
        char line[64];
        int n = snprintf(line, sizeof line, "%o %lld.%09ld ", (unsigned) is->st_mode,
                         (long long) is->st_mtim.tv_sec, is->st_mtim.tv_nsec);
        hash_sha256_add(hash, line, (size_t) n);
        hash_sha256_add(hash, entry->fts_path, strlen(entry->fts_path) + 1);
        if (entry->fts_info == FTS_F)
            ok = folder_add_bytes(hash, entry->fts_path);
    }
    ok = ok && hash_sha256_end(hash, sum, NULL);
    if (ok)
        text_hex(sum, sizeof sum, hex);
    if (tree)
        (void) fts_close(tree);
    hash_sha256_free(hash);
    free(paths[0]);
    return ok;
}

/* Counts files (not folders) below path. */
static inline size_t folder_files(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char child[FOLDER_PATH];
        struct stat status;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void) snprintf(child, sizeof child, "%.3000s/%.255s", path, entry->d_name);
        if (lstat(child, &status) == 0)
            n += S_ISDIR(status.st_mode) ? folder_files(child) : 1;
    }
    if (dir)
        (void) closedir(dir);
    return n;
}

/* Everything below the lake's weir/tmp, folders too. */
static inline size_t folder_left(const struct folder *folder)
{
    char path[FOLDER_PATH];
    size_t n = 0;
    (void) snprintf(path, sizeof path, "%s/weir/tmp", folder->lake);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    if (dir)
        (void) closedir(dir);
    return n;
}

#endif
