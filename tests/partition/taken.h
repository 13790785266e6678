/* What a source gives, gathered: every row and reject of one input, as the machine would have them. */
#ifndef WEIR_TESTS_PARTITION_TAKEN_H
#define WEIR_TESTS_PARTITION_TAKEN_H

#include "partition/seen.h"
#include "partition/source.h"

struct taken_row {
    char *line;
    int64_t tick;
};
struct taken_reject {
    uint64_t line; /* from 1 */
    enum part_reason reason;
    char *text;
};

struct taken {
    struct taken_row *rows;
    size_t row_count;
    struct taken_reject *rejects;
    size_t reject_count;
    uint64_t lines, bytes;
    unsigned char hash[PART_DIGEST_SIZE];
    char *note; /* what was said aloud; NULL: nothing */
    char *key;
    enum part_time_format format;
    char *zone; /* NULL: none */
    const char *form;
    bool zeek, guessed;
    struct columns columns; /* for schema.json */
};

/* A folder of the test's own, gone with taken_clean. */
const char *taken_folder(void);
void taken_clean(void);
/* Writes a file into it; the path is the caller's to free. */
char *taken_file(const char *name, const void *bytes, size_t n);
char *taken_text(const char *name, const char *text);

/* Reads a file ("-": standard input) to its end. False: *err says why; *out holds nothing. Options may be NULL. */
bool taken_read(const char *path, const struct part_source_options *options, struct taken *out,
                struct error *err);
/* The same, which must go well. */
void taken_all(const char *path, const struct part_source_options *options, struct taken *out);
void taken_release(struct taken *taken);

#endif
