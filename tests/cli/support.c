/* See support.h. */
#include "support.h"

#include <stdlib.h>
#include <unistd.h>

void line_parse(struct line *line, const char *text)
{
    *line = (struct line){0};
    arena_init(&line->cli.arena, 1 << 20);
    line->cli.out = stdout;
    line->text = strdup(text);
    int n = 0;
    static char program[] = "weir";
    line->words[n++] = program;
    for (char *save = NULL, *word = strtok_r(line->text, " ", &save); word && n < 64;
         word = strtok_r(NULL, " ", &save))
        line->words[n++] = word;
    line->ok = cli_parse(&line->cli, n, line->words, &line->err);
}

void line_release(struct line *line)
{
    arena_release(&line->cli.arena);
    free(line->text);
}

static char folder[64];

static void remove_folder(void)
{
    char command[128];
    (void) snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (folder[0] && system(command) != 0)
        (void) fprintf(stderr, "left behind: %s\n", folder);
}

const char *temporary_file(const char *name, const char *content)
{
    static char path[160];
    if (!folder[0]) {
        (void) snprintf(folder, sizeof folder, "/tmp/weir-test-XXXXXX");
        if (!mkdtemp(folder) || atexit(remove_folder) != 0)
            abort();
    }
    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(content, file) < 0 || fclose(file) != 0)
        abort();
    return path;
}
