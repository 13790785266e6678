/* Runs a fuzz target over the files of a corpus, so that what a fuzzer once found stays a test. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No corpus file is larger: a fuzzer's input is small, and a mistake should not fill the memory. */
enum { INPUT_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file's bytes in a block of just their size, so that reading past them is seen. The caller frees. */
static uint8_t *read_input(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    uint8_t *all = malloc(INPUT_MAX);
    uint8_t *exact = NULL;
    if (all != NULL) {
        *size = fread(all, 1, INPUT_MAX, file);
        exact = ferror(file) ? NULL : malloc(*size > 0 ? *size : 1);
        if (exact != NULL)
            memcpy(exact, all, *size);
    }
    free(all);
    fclose(file);
    return exact;
}

/* Replays every plain file of dir; the number of them, or -1 after a message. */
static int replay(const char *dir)
{
    struct dirent **entries = NULL;
    int found = scandir(dir, &entries, NULL, alphasort);
    int replayed = found < 0 ? -1 : 0;
    for (int i = 0; i < found; i++) {
        char path[4096];
        size_t size = 0;
        uint8_t *input = NULL;
        int length = snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && length > 0 && (size_t) length < sizeof(path))
            input = read_input(path, &size);
        if (input != NULL) {
            (void) LLVMFuzzerTestOneInput(input, size);
            replayed++;
        }
        free(input);
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int replayed = replay(argv[i]);
        if (replayed <= 0) {
            fprintf(stderr, "%s: no corpus to replay\n", argv[i]);
            return 1;
        }
        printf("%s: %d inputs replayed\n", argv[i], replayed);
    }
    return argc > 1 ? 0 : 2;
}
