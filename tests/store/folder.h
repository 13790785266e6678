/* A folder of a test's own, and what is in it. */
#ifndef WEIR_TESTS_STORE_FOLDER_H
#define WEIR_TESTS_STORE_FOLDER_H

#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
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
