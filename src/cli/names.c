/* Names: the tables that a command is told of, on its line and in the file of --many. See source.h. */
#include "base/file.h"
#include "cli/source.h"
#include "lake/catalog.h"
#include "lake/ledger.h"

#include <errno.h>

enum { FILE_MAX = 1 << 20 };

static bool add(struct cli_names *names, const char *name, struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_eq_case(str_of(names->v[i]), str_of(name)))
            return error_set(err, ERROR_USAGE, "table '%s' is named twice", name);
    if (names->count == CLI_NAMES_MAX)
        return error_set(err, ERROR_USAGE, "more than %d tables", CLI_NAMES_MAX);
    names->v[names->count++] = name;
    return true;
}

static bool read_input(struct buf *out, struct error *err)
{
    while (buf_reserve(out, 1)) {
        size_t n = fread(out->bytes + out->used, 1, out->room - out->used - 1, stdin);
        out->used += n;
        out->bytes[out->used] = '\0';
        if (ferror(stdin))
            return error_set_errno(err, ERROR_IO, errno, "standard input");
        if (n == 0)
            return true;
    }
    return buf_ok(out, "the list of tables", err);
}

/* One table a line; what follows a # is a comment. */
static bool add_lines(struct cli *cli, struct str text, const char *path, struct cli_names *out,
                      struct error *err)
{
    struct str line;
    for (int number = 1; str_split(&text, '\n', &line); number++) {
        const char *comment = line.n > 0 ? memchr(line.p, '#', line.n) : NULL;
        if (comment)
            line.n = (size_t) (comment - line.p);
        struct str name = str_trim(line);
        if (name.n == 0)
            continue;
        const char *copy = arena_copy(&cli->arena, name.p, name.n, err);
        if (!copy)
            return false;
        if (strlen(copy) != name.n || strpbrk(copy, " \t,;"))
            return error_set(err, ERROR_USAGE, "%s line %d: '%s' is not the name of one table",
                             path, number, copy);
        if (!add(out, copy, err))
            return error_prefix(err, "%s line %d", path, number);
    }
    return true;
}

static bool add_file(struct cli *cli, const char *path, struct cli_names *out, struct error *err)
{
    struct buf text = BUF_INIT(FILE_MAX);
    bool input = strcmp(path, "-") == 0;
    bool ok = (input ? read_input(&text, err) : file_read(path, FILE_MAX, &text, err)) &&
              add_lines(cli, buf_str(&text), input ? "standard input" : path, out, err);
    buf_release(&text);
    return ok;
}

bool cli_names_read(struct cli *cli, struct cli_names *out, struct error *err)
{
    const char *path = cli_text(cli, CLI_MANY);
    *out = (struct cli_names){
        .v = (const char **) arena_alloc(&cli->arena, CLI_NAMES_MAX, sizeof *out->v, err)};
    if (!out->v)
        return false;
    for (int i = 0; i < cli->arg_count; i++)
        if (!add(out, cli->args[i], err))
            return false;
    if (path && !add_file(cli, path, out, err))
        return false;
    if (out->count > 0)
        return true;
    if (path)
        return error_set(err, ERROR_USAGE, "%s names no table", path);
    (void) error_set(err, ERROR_USAGE, "%s needs TABLE, or --query KQL --as NAME",
                     cli->command->name);
    return error_hint(err, "weir tables lists the tables");
}

/* Whether an export of the table itself is there; of a query's rows only that query can tell. */
static bool is_exported(const struct cli *cli, struct store *store, const struct lake_table *table,
                        bool *out, struct error *err)
{
    const struct lake_place place = {.workspace_id = table->workspace_id,
                                     .resource_id = table->resource_id,
                                     .table = table->name,
                                     .container = table->container};
    struct lake_ledger *ledger = lake_ledger_open(store, &place, err);
    size_t runs = ledger ? lake_ledger_runs(ledger) : 0;
    bool query = runs > 0 && lake_ledger_run(ledger, runs - 1)->query;
    *out = runs > 0 && !query;
    if (query)
        cli_note(cli, "%s was made by a query, and is left out: it needs --query and --as",
                 table->name);
    bool ok = ledger != NULL;
    lake_ledger_free(ledger);
    return ok;
}

static bool add_exported(struct cli *cli, struct store *store, const struct lake_tables *tables,
                         struct cli_names *out, struct error *err)
{
    const char *id = cli_text(cli, CLI_WORKSPACE_ID);
    for (size_t i = 0; i < tables->n; i++) {
        const struct lake_table *table = &tables->v[i];
        bool exported;
        if (!table->workspace_id || !table->resource_id || !table->name || !id ||
            !str_eq_case(str_of(id), str_of(table->workspace_id)))
            continue;
        if (!is_exported(cli, store, table, &exported, err))
            return false;
        const char *name =
            exported ? arena_copy(&cli->arena, table->name, strlen(table->name), err) : "";
        if (!name || (exported && !add(out, name, err)))
            return false;
    }
    return true;
}

bool cli_names_of_lake(struct cli *cli, struct store *store, struct cli_names *out,
                       struct error *err)
{
    struct lake_tables tables = {0};
    *out = (struct cli_names){
        .v = (const char **) arena_alloc(&cli->arena, CLI_NAMES_MAX, sizeof *out->v, err)};
    bool ok = out->v && lake_tables_find(store, &tables, err) &&
              add_exported(cli, store, &tables, out, err);
    lake_tables_release(&tables);
    if (ok && out->count == 0) {
        (void) error_set(err, ERROR_NOT_FOUND, "the lake has no export of this workspace");
        return error_hint(err, "weir lake ls lists the tables of the lake");
    }
    return ok;
}
