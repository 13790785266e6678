/* weir.yaml: whatever stands in it is refused with a message, or read into values that each option allows.
 *
 * The input is given as a file of its own (memfd), with and without a profile's name on the command line.
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS_MAX = 8 << 20 };

static void must(bool true_one)
{
    if (!true_one)
        abort();
}

static bool is_reference(const char *text)
{
    struct str s = str_of(text);
    return str_starts(s, STR("env:")) || str_starts(s, STR("file:")) ||
           str_starts(s, STR("keyvault://"));
}

/* What was read is a setting, is allowed, and gives no secret away. */
static void check_values(const struct cli *cli)
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        struct error err = ERROR_INIT;
        if (cli->sources[i] != CLI_FROM_SETTINGS)
            continue;
        must((cli_options[i].where & CLI_SETTING) != 0 && cli->values[i] != NULL);
        must(cli_option_check((enum cli_option_id) i, cli->values[i], &err));
        must(i != CLI_CLIENT_SECRET || is_reference(cli->values[i]));
    }
}

static void read_as(const char *path, const char *profile)
{
    struct error err = ERROR_INIT;
    struct cli *cli = calloc(1, sizeof *cli);
    must(cli != NULL);
    arena_init(&cli->arena, TEXTS_MAX);
    cli->values[CLI_CONFIG] = path;
    cli->sources[CLI_CONFIG] = CLI_FROM_COMMAND;
    cli->values[CLI_PROFILE] = profile;
    if (cli_settings_read(cli, &err))
        check_values(cli);
    else
        must((err.code == ERROR_SETTINGS || err.code == ERROR_LIMIT) && err.message[0] != '\0');
    arena_release(&cli->arena);
    free(cli);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int file = memfd_create("weir.yaml", MFD_CLOEXEC);
    must(file >= 0 && (size == 0 || write(file, data, size) == (ssize_t) size));
    (void) snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    read_as(path, NULL);
    read_as(path, "a");
    (void) close(file);
    return 0;
}
