/* weir lake ls, weir lake stat: what is there. */
#include "cli/context.h"
#include "cli/members.h"
#include "cli/output.h"
#include "lake/catalog.h"
#include "lake/day.h"
#include "lake/import.h"
#include "lake/instant.h"
#include "lake/ledger.h"

enum { TEXT_ROOM = 64, CELLS_MAX = 48, IMPORTS_SHOWN = 20, JSON_MAX = 64 << 20 };

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

/* -- compacted days -- */

struct compacted {
    uint64_t days, rows, files, bytes, without_json; /* days of which blobs were deleted */
    int64_t first, end;
};

static bool is_without_json(const struct lake_day *day)
{
    for (size_t i = 0; i < day->source_count; i++)
        if (day->sources[i].gone != LAKE_DAY_KEPT)
            return true;
    return false;
}

static bool read_days(struct store *store, const struct lake_place *place, struct compacted *out,
                      struct error *err)
{
    struct lake_days days = {0};
    bool ok = lake_days_read(&days, store, place, 0, 0, err);
    for (size_t i = 0; ok && i < days.n; i++) {
        const struct lake_day *day = &days.v[i];
        out->rows += day->rows;
        out->files += day->file_count;
        for (size_t k = 0; k < day->file_count; k++)
            out->bytes += day->files[k].bytes;
        out->without_json += is_without_json(day);
        out->first = i == 0 ? day->day : out->first;
        out->end = day->day + TICK_DAY;
    }
    out->days = ok ? days.n : 0;
    lake_days_release(&days);
    return ok;
}

/* What stands in Parquet alone counts for the range too. Behind the last instant of all there is no time to show. */
static void widen(const struct compacted *compacted, struct lake_totals *totals)
{
    if (compacted->days > 0 && (totals->end == 0 || compacted->first < totals->first))
        totals->first = compacted->first;
    if (compacted->days > 0 && compacted->end > totals->end)
        totals->end = compacted->end;
    if (totals->end > TICK_MAX)
        totals->end = TICK_MAX;
}

/* -- ls -- */

static const struct {
    const char *name;
    enum column_type type;
} ls_columns[] = {
    {"table", COLUMN_STRING}, {"workspace", COLUMN_STRING},    {"partitions", COLUMN_LONG},
    {"blobs", COLUMN_LONG},   {"bytes", COLUMN_LONG},          {"first", COLUMN_DATETIME},
    {"end", COLUMN_DATETIME}, {"days_compacted", COLUMN_LONG}, {"parquet_bytes", COLUMN_LONG}};

static bool put_table(struct cli_output *output, struct store *store,
                      const struct lake_table *table, bool people, struct error *err)
{
    struct lake_totals totals = {0};
    struct compacted compacted = {0};
    const struct lake_place place = {
        .workspace_id = table->workspace_id ? table->workspace_id : "",
        .resource_id = table->resource_id,
        .table = table->name ? table->name : table->container,
        .container = table->container,
    };
    if (table->container && table->resource_id &&
        !lake_blobs_total(store, &place, 0, TICK_MAX, &totals, err))
        return false;
    if (table->workspace_id && table->name && !read_days(store, &place, &compacted, err))
        return false;
    widen(&compacted, &totals);
    struct row row = {.people = people};
    add_text(&row, place.table);
    add_text(&row, table->workspace_id);
    add_number(&row, totals.partitions, false);
    add_number(&row, sum(totals.blobs), false);
    add_number(&row, sum(totals.bytes), true);
    add_time(&row, totals.first);
    add_time(&row, totals.end);
    add_number(&row, compacted.days, false);
    add_number(&row, compacted.bytes, true);
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
    struct lake_imports imports;
    struct lake_imports_totals brought; /* by them */
    struct compacted compacted;
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

static bool read_imports(struct store *store, const struct lake_place *place, struct stat *out,
                         struct error *err)
{
    if (!lake_imports_read(store, place, LAKE_IMPORTS_HEADS, &out->imports, err))
        return false;
    lake_imports_total(&out->imports, &out->brought);
    return true;
}

static bool read_own(struct store *store, const struct lake_place *place, struct stat *out,
                     struct error *err)
{
    struct lake_instant begun;
    struct error why = ERROR_INIT;
    if (!lake_instant_take(store, place, &begun, err))
        return false;
    if (!read_ledger(store, place, out, &why) || !read_imports(store, place, out, &why) ||
        !read_days(store, place, &out->compacted, &why))
        return lake_instant_pass(store, place, &begun, &why, err);
    widen(&out->compacted, &out->totals);
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

/* The newest, by the ids that --replace takes. */
static void put_imports(FILE *out, const struct stat *stat)
{
    const struct lake_imports *imports = &stat->imports;
    char text[200], time[TICK_TEXT_MAX], rows[CLI_COUNT_TEXT], inputs[CLI_COUNT_TEXT],
        bytes[TEXT_NUMBER_MAX];
    if (imports->n == 0)
        return;
    put_count(out, "imports", stat->brought.imports);
    put_count(out, "rows of imports", stat->brought.rows);
    if (stat->brought.rejected > 0)
        put_count(out, "lines rejected", stat->brought.rejected);
    if (stat->brought.dropped > 0)
        put_count(out, "rows left out as equal", stat->brought.dropped);
    size_t first = imports->n > IMPORTS_SHOWN ? imports->n - IMPORTS_SHOWN : 0;
    for (size_t i = imports->n; i > first; i--) {
        const struct lake_import *import = &imports->v[i - 1];
        (void) tick_format_short(tick_floor(import->started, TICK_SECOND), time);
        (void) snprintf(text, sizeof text, "%s  %s, %s, from %s%s", time,
                        cli_count_text(import->rows, "row", rows), text_bytes(import->bytes, bytes),
                        cli_count_text(import->n_inputs, "input", inputs),
                        import->dead ? "; replaced" : "");
        char what[40];
        (void) snprintf(what, sizeof what, "import %s", import->id);
        put_fact(out, what, text);
    }
    if (first > 0)
        put_count(out, "and imports before", first);
}

static void put_compacted(FILE *out, const struct compacted *compacted)
{
    char text[160], files[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX], rows[CLI_COUNT_TEXT];
    if (compacted->days == 0)
        return;
    put_count(out, "days compacted", compacted->days);
    (void) snprintf(text, sizeof text, "%s, %s in %s", cli_count_text(compacted->rows, "row", rows),
                    text_bytes(compacted->bytes, bytes),
                    cli_count_text(compacted->files, "file", files));
    put_fact(out, "Parquet", text);
    if (compacted->without_json > 0)
        put_count(out, "days without their JSON", compacted->without_json);
}

/* What was exported, and by whose access it is proven. */
static void put_ledger(FILE *out, const struct stat *stat)
{
    char text[160], time[TICK_TEXT_MAX];
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
    if (stat->runs > 0 || stat->imports.n == 0)
        put_ledger(out, stat);
    put_imports(out, stat);
    put_compacted(out, &stat->compacted);
    (void) fputc('\n', out);
}

static void put_json_imports(struct buf *out, const struct stat *stat)
{
    const struct lake_imports_totals *brought = &stat->brought;
    cli_put_open(out, "imports", '{');
    cli_put_number(out, "count", brought->imports);
    cli_put_number(out, "inputs", brought->inputs);
    cli_put_number(out, "rows", brought->rows);
    cli_put_number(out, "bytes", brought->bytes);
    cli_put_number(out, "rejected", brought->rejected);
    cli_put_number(out, "dropped", brought->dropped);
    cli_put_open(out, "list", '[');
    for (size_t i = 0; i < stat->imports.n; i++) {
        const struct lake_import *import = &stat->imports.v[i];
        cli_put_open(out, NULL, '{');
        cli_put_text(out, "id", import->id);
        cli_put_time(out, "started", import->started);
        cli_put_number(out, "inputs", import->n_inputs);
        cli_put_number(out, "rows", import->rows);
        cli_put_number(out, "bytes", import->bytes);
        cli_put_number(out, "rejected", import->rejected);
        cli_put_number(out, "dropped", import->dropped);
        cli_put_text(out, "replaces", import->replaces[0] ? import->replaces : NULL);
        cli_put_bool(out, "replaced", import->dead);
        cli_put_close(out, '}');
    }
    cli_put_close(out, ']');
    cli_put_close(out, '}');
}

static void put_json_blobs(struct buf *out, const struct lake_totals *totals)
{
    cli_put_open(out, "blobs", '{');
    for (int kind = 0; kind < LAKE_BLOB_KIND_COUNT; kind++) {
        cli_put_open(out, lake_blob_kind_text((enum lake_blob_kind) kind), '{');
        cli_put_number(out, "count", totals->blobs[kind]);
        cli_put_number(out, "bytes", totals->bytes[kind]);
        cli_put_close(out, '}');
    }
    cli_put_close(out, '}');
    if (totals->end > 0) {
        cli_put_time(out, "first", totals->first);
        cli_put_time(out, "end", totals->end);
    }
    cli_put_number(out, "partitions", totals->partitions);
}

static void put_json_ledger(struct buf *out, const struct stat *stat)
{
    cli_put_number(out, "ledger_partitions", stat->partitions);
    cli_put_number(out, "verified", stat->verified);
    cli_put_number(out, "rows", stat->rows);
    cli_put_number(out, "runs", stat->runs);
    cli_put_number(out, "segments", stat->segments);
    cli_put_open(out, "access", '{');
    for (int access = 0; access < LAKE_ACCESS_COUNT; access++)
        cli_put_number(out, lake_access_text((enum lake_access) access), stat->seen[access]);
    cli_put_close(out, '}');
}

static void put_json(FILE *out, const struct lake_table *table, const struct stat *stat)
{
    struct buf line = BUF_INIT(JSON_MAX);
    const struct compacted *compacted = &stat->compacted;
    cli_put_open(&line, NULL, '{');
    cli_put_text(&line, "table", table->name ? table->name : table->container);
    cli_put_text(&line, "workspace", table->workspace_id ? table->workspace_id : "");
    cli_put_text(&line, "resource", table->resource_id ? table->resource_id : "");
    put_json_blobs(&line, &stat->totals);
    put_json_ledger(&line, stat);
    put_json_imports(&line, stat);
    cli_put_open(&line, "compacted", '{');
    cli_put_number(&line, "days", compacted->days);
    cli_put_number(&line, "rows", compacted->rows);
    cli_put_number(&line, "files", compacted->files);
    cli_put_number(&line, "bytes", compacted->bytes);
    cli_put_number(&line, "days_without_json", compacted->without_json);
    cli_put_close(&line, '}');
    cli_put_close(&line, '}');
    buf_putc(&line, '\n');
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
    add_number(&row, stat->brought.imports, false);
    add_number(&row, stat->brought.rows, false);
    add_number(&row, stat->compacted.days, false);
    add_number(&row, stat->compacted.rows, false);
    add_number(&row, stat->compacted.bytes, false);
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
           add_column(out, "last_run", "", COLUMN_DATETIME, err) &&
           add_column(out, "imports", "", COLUMN_LONG, err) &&
           add_column(out, "import_rows", "", COLUMN_LONG, err) &&
           add_column(out, "days_compacted", "", COLUMN_LONG, err) &&
           add_column(out, "parquet_rows", "", COLUMN_LONG, err) &&
           add_column(out, "parquet_bytes", "", COLUMN_LONG, err);
}

/* `csv`: NULL unless that is the form. */
static bool put_stat(struct cli *cli, struct store *store, const struct lake_table *table,
                     struct cli_output *csv, struct error *err)
{
    struct stat stat = {0};
    const struct lake_place place = {
        .workspace_id = table->workspace_id,
        .resource_id = table->resource_id,
        .table = table->name ? table->name : table->container,
        .container = table->container,
    };
    bool ok = !table->container || !table->resource_id ||
              lake_blobs_total(store, &place, 0, TICK_MAX, &stat.totals, err);
    if (ok && table->workspace_id && table->name)
        ok = read_own(store, &place, &stat, err);
    if (ok && csv)
        ok = put_csv(csv, table, &stat, err);
    else if (ok)
        (cli_output_is_table(cli) ? put_people : put_json)(cli->out, table, &stat);
    lake_imports_release(&stat.imports);
    return ok;
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
    .purpose = "a table of the lake in figures: blobs, range, ledger, imports, compacted days",
    .about = "Reads the names of a table's blobs, its ledger, and the records of its imports and "
             "compacted days, not the blobs themselves: weir verify --offline does that.",
    .example = "weir lake stat CommonSecurityLog",
    .args_max = 1,
    .options = {CLI_OPTION_COUNT},
    .run = run_stat,
};
