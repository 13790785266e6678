/* weir lake ls, weir lake stat: what is there. */
#include "cli/context.h"
#include "cli/output.h"
#include "lake/catalog.h"
#include "lake/ledger.h"

enum { TEXT_ROOM = 64, CELLS_MAX = 32 };

struct row {
    struct cli_cell cells[CELLS_MAX];
    char texts[CELLS_MAX][TEXT_ROOM];
    size_t n;
    bool people;
};

static void add_text(struct row *row, const char *text)
{
    row->cells[row->n++] = (struct cli_cell){.text = str_of(text ? text : ""), .null = !text};
}

static void add_number(struct row *row, uint64_t number, bool bytes)
{
    char *text = row->texts[row->n];
    if (!row->people)
        (void) snprintf(text, TEXT_ROOM, "%llu", (unsigned long long) number);
    else if (bytes)
        (void) text_bytes(number, text);
    else
        (void) text_grouped(number, text);
    add_text(row, text);
}

static void add_time(struct row *row, int64_t tick)
{
    char *text = row->texts[row->n];
    if (tick > 0)
        (void) (row->people ? tick_format_short : tick_format)(tick, text);
    add_text(row, tick > 0 ? text : NULL);
}

static uint64_t sum(const uint64_t *of_kinds)
{
    uint64_t all = 0;
    for (int kind = 0; kind < LAKE_BLOB_KIND_COUNT; kind++)
        all += of_kinds[kind];
    return all;
}

/* -- ls -- */

static const struct {
    const char *name;
    enum column_type type;
} ls_columns[] = {{"table", COLUMN_STRING},    {"workspace", COLUMN_STRING},
                  {"partitions", COLUMN_LONG}, {"blobs", COLUMN_LONG},
                  {"bytes", COLUMN_LONG},      {"first", COLUMN_DATETIME},
                  {"end", COLUMN_DATETIME}};

static bool put_table(struct cli_output *output, struct store *store,
                      const struct lake_table *table, bool people, struct error *err)
{
    struct lake_totals totals = {0};
    struct lake_place place = {
        .workspace_id = table->workspace_id ? table->workspace_id : "",
        .resource_id = table->resource_id,
        .table = table->name ? table->name : table->container,
        .container = table->container,
    };
    if (table->container && table->resource_id &&
        !lake_blobs_total(store, &place, 0, TICK_MAX, &totals, err))
        return false;
    struct row row = {.people = people};
    add_text(&row, place.table);
    add_text(&row, table->workspace_id);
    add_number(&row, totals.partitions, false);
    add_number(&row, sum(totals.blobs), false);
    add_number(&row, sum(totals.bytes), true);
    add_time(&row, totals.first);
    add_time(&row, totals.end);
    return cli_output_row(output, row.cells, err);
}

static bool list(struct cli *cli, struct store *store, const struct lake_tables *tables,
                 struct error *err)
{
    struct columns columns = {0};
    bool ok = true, people = cli_output_is_table(cli);
    for (size_t i = 0; ok && i < sizeof ls_columns / sizeof *ls_columns; i++)
        ok = columns_add(&columns, str_of(ls_columns[i].name), ls_columns[i].type, err);
    struct cli_output *output = ok ? cli_output_new(cli, &columns, err) : NULL;
    ok = output != NULL;
    for (size_t i = 0; ok && i < tables->n; i++)
        ok = put_table(output, store, &tables->v[i], people, err);
    if (ok)
        ok = cli_output_end(output, err);
    else
        cli_output_free(output);
    columns_release(&columns);
    return ok;
}

static int run_ls(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct lake_tables tables = {0};
    bool ok = cli_open_store(cli, &context, err) && lake_tables_find(context.store, &tables, err) &&
              list(cli, context.store, &tables, err);
    if (ok && tables.n == 0)
        cli_note(cli, "there is nothing in lake %s", store_address(context.store));
    lake_tables_release(&tables);
    cli_close(&context);
    return ok ? 0 : -1;
}

const struct cli_command cli_command_lake_ls = {
    .name = "lake ls",
    .arguments = "",
    .purpose = "the tables of a lake, whoever wrote them",
    .about = "Lists every table of every workspace that the lake holds, with its partitions, blobs "
             "and bytes: what weir "
             "exported, what the service's continuous export wrote, and what others laid down in "
             "that layout.",
    .example = "weir lake ls --lake lake",
    .options = {CLI_OPTION_COUNT},
    .run = run_ls,
};

/* -- stat -- */

struct stat {
    struct lake_totals totals;
    uint64_t rows, verified, partitions, bytes;
    uint64_t seen[LAKE_ACCESS_COUNT]; /* verified partitions by the access of who asked */
    size_t segments, runs;
    int64_t last_run;
};

static bool read_ledger(struct store *store, const struct lake_place *place, struct stat *out,
                        struct error *err)
{
    struct lake_ledger *ledger = lake_ledger_open(store, place, err);
    if (!ledger)
        return false;
    for (const struct lake_entry *entry = lake_ledger_next(ledger, 0); entry;
         entry = lake_ledger_next(ledger, entry->partition + 1)) {
        out->partitions++;
        out->verified += lake_entry_held(entry);
        out->seen[lake_ledger_run(ledger, entry->run)->access] += lake_entry_held(entry);
        out->rows += entry->rows;
        out->bytes += entry->bytes;
    }
    out->segments = lake_ledger_segments(ledger);
    out->runs = lake_ledger_runs(ledger);
    if (out->runs > 0)
        out->last_run = lake_ledger_run(ledger, out->runs - 1)->started;
    lake_ledger_free(ledger);
    return true;
}

static void put_fact(FILE *out, const char *what, const char *value)
{
    (void) fprintf(out, "%-22s %s\n", what, value);
}

static void put_count(FILE *out, const char *what, uint64_t number)
{
    char text[TEXT_NUMBER_MAX];
    put_fact(out, what, text_grouped(number, text));
}

static void put_people(FILE *out, const struct lake_table *table, const struct stat *stat)
{
    char text[160], time[TICK_TEXT_MAX], end[TICK_TEXT_MAX], bytes[TEXT_NUMBER_MAX],
        blobs[TEXT_NUMBER_MAX];
    put_fact(out, "table", table->name ? table->name : table->container);
    put_fact(out, "workspace",
             table->workspace_id ? table->workspace_id : "never exported by weir");
    put_fact(out, "resource", table->resource_id ? table->resource_id : "not known");
    for (int kind = 0; kind < LAKE_BLOB_KIND_COUNT; kind++) {
        if (stat->totals.blobs[kind] == 0)
            continue;
        char what[40];
        (void) snprintf(what, sizeof what, "blobs of %s",
                        lake_blob_kind_text((enum lake_blob_kind) kind));
        (void) snprintf(text, sizeof text, "%s, %s", text_grouped(stat->totals.blobs[kind], blobs),
                        text_bytes(stat->totals.bytes[kind], bytes));
        put_fact(out, what, text);
    }
    if (stat->totals.end > 0) {
        (void) tick_format_short(stat->totals.first, time);
        (void) tick_format_short(stat->totals.end, end);
        (void) snprintf(text, sizeof text, "%s to %s UTC", time, end);
        put_fact(out, "from, to", text);
    }
    put_count(out, "partitions with blobs", stat->totals.partitions);
    put_count(out, "partitions in ledger", stat->partitions);
    put_count(out, "of them verified", stat->verified);
    for (int access = 0; access < LAKE_ACCESS_COUNT; access++) {
        if (stat->seen[access] == 0)
            continue;
        (void) snprintf(text, sizeof text, "with %s access",
                        lake_access_text((enum lake_access) access));
        put_count(out, text, stat->seen[access]);
    }
    put_count(out, "rows in ledger", stat->rows);
    put_count(out, "runs", stat->runs);
    put_count(out, "ledger segments", stat->segments);
    if (stat->last_run > 0) {
        (void) tick_format_short(stat->last_run, time);
        put_fact(out, "last run", time);
    }
    (void) fputc('\n', out);
}

static void put_json(FILE *out, const struct lake_table *table, const struct stat *stat)
{
    struct buf line = BUF_INIT(1 << 16);
    char time[TICK_TEXT_MAX];
    buf_puts(&line, "{\"table\":\"");
    text_put_json(&line, str_of(table->name ? table->name : table->container));
    buf_puts(&line, "\",\"workspace\":\"");
    text_put_json(&line, str_of(table->workspace_id ? table->workspace_id : ""));
    buf_puts(&line, "\",\"resource\":\"");
    text_put_json(&line, str_of(table->resource_id ? table->resource_id : ""));
    buf_puts(&line, "\",\"blobs\":{");
    for (int kind = 0; kind < LAKE_BLOB_KIND_COUNT; kind++)
        buf_printf(&line, "%s\"%s\":{\"count\":%llu,\"bytes\":%llu}", kind ? "," : "",
                   lake_blob_kind_text((enum lake_blob_kind) kind),
                   (unsigned long long) stat->totals.blobs[kind],
                   (unsigned long long) stat->totals.bytes[kind]);
    buf_puts(&line, "}");
    if (stat->totals.end > 0) {
        (void) tick_format(stat->totals.first, time);
        buf_printf(&line, ",\"first\":\"%s\"", time);
        (void) tick_format(stat->totals.end, time);
        buf_printf(&line, ",\"end\":\"%s\"", time);
    }
    buf_printf(&line,
               ",\"partitions\":%llu,\"ledger_partitions\":%llu,\"verified\":%llu,\"rows\":%llu,"
               "\"runs\":%zu,\"segments\":%zu,\"access\":{",
               (unsigned long long) stat->totals.partitions, (unsigned long long) stat->partitions,
               (unsigned long long) stat->verified, (unsigned long long) stat->rows, stat->runs,
               stat->segments);
    for (int access = 0; access < LAKE_ACCESS_COUNT; access++)
        buf_printf(&line, "%s\"%s\":%llu", access ? "," : "",
                   lake_access_text((enum lake_access) access),
                   (unsigned long long) stat->seen[access]);
    buf_puts(&line, "}}\n");
    (void) fwrite(buf_text(&line), 1, line.used, out);
    buf_release(&line);
}

/* One line of CSV: the flat figures. */
static bool put_csv(struct cli_output *output, const struct lake_table *table,
                    const struct stat *stat, struct error *err)
{
    struct row row = {0};
    add_text(&row, table->name ? table->name : table->container);
    add_text(&row, table->workspace_id);
    add_text(&row, table->resource_id);
    for (int kind = 0; kind < LAKE_BLOB_KIND_COUNT; kind++) {
        add_number(&row, stat->totals.blobs[kind], false);
        add_number(&row, stat->totals.bytes[kind], false);
    }
    add_time(&row, stat->totals.first);
    add_time(&row, stat->totals.end);
    add_number(&row, stat->totals.partitions, false);
    add_number(&row, stat->partitions, false);
    add_number(&row, stat->verified, false);
    for (int access = 0; access < LAKE_ACCESS_COUNT; access++)
        add_number(&row, stat->seen[access], false);
    add_number(&row, stat->rows, false);
    add_number(&row, stat->runs, false);
    add_number(&row, stat->segments, false);
    add_time(&row, stat->last_run);
    return cli_output_row(output, row.cells, err);
}

static bool add_column(struct columns *columns, const char *name, const char *of,
                       enum column_type type, struct error *err)
{
    char text[TEXT_ROOM];
    (void) snprintf(text, sizeof text, "%s%s", of, name);
    return columns_add(columns, str_of(text), type, err);
}

/* In the order of put_csv. */
static bool csv_columns(struct columns *out, struct error *err)
{
    bool ok = add_column(out, "table", "", COLUMN_STRING, err) &&
              add_column(out, "workspace", "", COLUMN_STRING, err) &&
              add_column(out, "resource", "", COLUMN_STRING, err);
    for (int kind = 0; ok && kind < LAKE_BLOB_KIND_COUNT; kind++) {
        const char *name = lake_blob_kind_text((enum lake_blob_kind) kind);
        ok = add_column(out, "_blobs", name, COLUMN_LONG, err) &&
             add_column(out, "_bytes", name, COLUMN_LONG, err);
    }
    ok = ok && add_column(out, "first", "", COLUMN_DATETIME, err) &&
         add_column(out, "end", "", COLUMN_DATETIME, err) &&
         add_column(out, "partitions", "", COLUMN_LONG, err) &&
         add_column(out, "ledger_partitions", "", COLUMN_LONG, err) &&
         add_column(out, "verified", "", COLUMN_LONG, err);
    for (int access = 0; ok && access < LAKE_ACCESS_COUNT; access++)
        ok = add_column(out, lake_access_text((enum lake_access) access), "access_", COLUMN_LONG,
                        err);
    return ok && add_column(out, "rows", "", COLUMN_LONG, err) &&
           add_column(out, "runs", "", COLUMN_LONG, err) &&
           add_column(out, "segments", "", COLUMN_LONG, err) &&
           add_column(out, "last_run", "", COLUMN_DATETIME, err);
}

/* `csv`: NULL unless that is the form. */
static bool put_stat(struct cli *cli, struct store *store, const struct lake_table *table,
                     struct cli_output *csv, struct error *err)
{
    struct stat stat = {0};
    struct lake_place place = {
        .workspace_id = table->workspace_id,
        .resource_id = table->resource_id,
        .table = table->name ? table->name : table->container,
        .container = table->container,
    };
    if (table->container && table->resource_id &&
        !lake_blobs_total(store, &place, 0, TICK_MAX, &stat.totals, err))
        return false;
    if (table->workspace_id && table->name && !read_ledger(store, &place, &stat, err))
        return false;
    if (csv)
        return put_csv(csv, table, &stat, err);
    (cli_output_is_table(cli) ? put_people : put_json)(cli->out, table, &stat);
    return true;
}

static bool is_named(const struct cli *cli, const struct lake_table *table)
{
    if (cli->arg_count == 0)
        return true;
    struct str wanted = str_of(cli->args[0]);
    return (table->name && str_eq_case(wanted, str_of(table->name))) ||
           (table->container && str_eq_case(wanted, str_of(table->container)));
}

static bool stat_all(struct cli *cli, struct store *store, const struct lake_tables *tables,
                     struct cli_output *csv, struct error *err)
{
    size_t shown = 0;
    for (size_t i = 0; i < tables->n; i++) {
        if (!is_named(cli, &tables->v[i]))
            continue;
        if (!put_stat(cli, store, &tables->v[i], csv, err))
            return false;
        shown++;
    }
    if (shown > 0 || cli->arg_count == 0)
        return true;
    (void) error_set(err, ERROR_NOT_FOUND, "table '%s' is not in the lake", cli->args[0]);
    return error_hint(err, "weir lake ls lists the tables of the lake");
}

static int run_stat(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct lake_tables tables = {0};
    struct columns columns = {0};
    struct cli_output *csv = NULL;
    bool ok = cli_open_store(cli, &context, err) && lake_tables_find(context.store, &tables, err);
    if (ok && strcmp(cli_output_form(cli), "csv") == 0) {
        csv = csv_columns(&columns, err) ? cli_output_new(cli, &columns, err) : NULL;
        ok = csv != NULL;
    }
    ok = ok && stat_all(cli, context.store, &tables, csv, err);
    if (ok && csv)
        ok = cli_output_end(csv, err);
    else
        cli_output_free(csv);
    columns_release(&columns);
    lake_tables_release(&tables);
    cli_close(&context);
    return ok ? 0 : -1;
}

const struct cli_command cli_command_lake_stat = {
    .name = "lake stat",
    .arguments = "[TABLE]",
    .purpose = "a table of the lake in figures: blobs by kind, range, what the ledger proves",
    .about = "Reads the names of a table's blobs and its ledger, not the blobs themselves: weir "
             "verify --offline does that.",
    .example = "weir lake stat CommonSecurityLog",
    .args_max = 1,
    .options = {CLI_OPTION_COUNT},
    .run = run_stat,
};
