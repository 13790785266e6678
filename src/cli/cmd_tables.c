/* weir tables: what a workspace has. */
#include "cli/context.h"
#include "cli/output.h"

#include "base/column.h"
#include "kql/kql.h"

enum {
    TEXT_ROOM = 64,
    DEFAULT_DAYS = 7,
    KQL_ROOM = 1 << 16,
    UNKNOWN_MAX =
        3 /* tables in a row of which Resource Manager tells nothing; then it is not asked */
};

struct list {
    struct cli *cli;
    struct cli_context *context;
    struct cli_output *output;
    uint64_t days;
    bool people;
    unsigned unknown; /* facts in a row */
};

/* What is known of one table. */
struct known {
    struct workspace_facts facts;
    struct workspace_table span, recent;
};

static bool ask(const struct list *list, struct buf *kql, struct workspace_table *out,
                struct error *err)
{
    return buf_ok(kql, "query", err) &&
           workspace_ask(list->context->workspace, buf_str(kql), NULL, 1, out, err);
}

static bool ask_span(const struct list *list, const char *table, struct workspace_table *out,
                     struct error *err)
{
    struct buf kql = BUF_INIT(KQL_ROOM);
    kql_put_name(&kql, str_of(table));
    buf_puts(&kql, "\n| summarize Oldest = min(TimeGenerated), Newest = max(TimeGenerated)");
    bool ok = ask(list, &kql, out, err);
    buf_release(&kql);
    return ok;
}

/* Rows and bytes of the days up to the newest row, so that a table that stands still shows what it had. */
static bool ask_recent(const struct list *list, const char *table, int64_t newest,
                       struct workspace_table *out, struct error *err)
{
    char from[TICK_TEXT_MAX];
    int64_t begin = newest - (int64_t) list->days * TICK_DAY;
    (void) tick_format_full(begin > 0 ? begin : 0, from);
    struct buf kql = BUF_INIT(KQL_ROOM);
    kql_put_name(&kql, str_of(table));
    buf_printf(&kql,
               "\n| where TimeGenerated > datetime(%s)\n| summarize Rows = count(), Bytes = "
               "sum(estimate_data_size(*))",
               from);
    bool ok = ask(list, &kql, out, err);
    buf_release(&kql);
    return ok;
}

static uint64_t number(const struct workspace_table *table, const char *column)
{
    uint64_t value = 0;
    const struct workspace_cell *cell = table->rows == 1 ? workspace_cell(table, 0, column) : NULL;
    return cell && !cell->null && str_uint64(cell->text, &value) ? value : 0;
}

static struct cli_cell time_cell(const struct workspace_table *table, const char *column)
{
    const struct workspace_cell *cell = table->rows == 1 ? workspace_cell(table, 0, column) : NULL;
    return cell && !cell->null ? (struct cli_cell){.text = cell->text}
                               : (struct cli_cell){.null = true};
}

/* Each pass over such a table costs its owner money. */
static bool is_billed(const struct workspace_facts *facts)
{
    return facts->plan == WORKSPACE_PLAN_BASIC || facts->plan == WORKSPACE_PLAN_AUXILIARY;
}

/* 0 days: not told. */
static struct cli_cell days_cell(uint32_t days, char text[TEXT_ROOM])
{
    (void) snprintf(text, TEXT_ROOM, "%lu", (unsigned long) days);
    return days > 0 ? (struct cli_cell){.text = str_of(text)} : (struct cli_cell){.null = true};
}

static struct cli_cell plan_cell(enum workspace_plan plan)
{
    return plan == WORKSPACE_PLAN_UNKNOWN
               ? (struct cli_cell){.null = true}
               : (struct cli_cell){.text = str_of(workspace_plan_text(plan))};
}

static bool put(struct list *list, const struct workspace_schema *schema, const struct known *known,
                struct error *err)
{
    char rows[TEXT_ROOM], bytes[TEXT_ROOM], columns[TEXT_ROOM], kept[TEXT_ROOM], total[TEXT_ROOM];
    uint64_t rows_a_day = number(&known->recent, "Rows") / list->days;
    uint64_t bytes_a_day = number(&known->recent, "Bytes") / list->days;
    if (list->people) {
        (void) text_count(rows_a_day, rows);
        (void) text_bytes(bytes_a_day, bytes);
    } else {
        (void) snprintf(rows, sizeof rows, "%llu", (unsigned long long) rows_a_day);
        (void) snprintf(bytes, sizeof bytes, "%llu", (unsigned long long) bytes_a_day);
    }
    (void) snprintf(columns, sizeof columns, "%zu", schema->columns.n);
    bool counted = known->recent.rows == 1 || !is_billed(&known->facts);
    struct cli_cell cells[] = {
        {.text = str_of(schema->name)},
        plan_cell(known->facts.plan),
        days_cell(known->facts.retention_days, kept),
        days_cell(known->facts.total_retention_days, total),
        {.text = str_of(columns)},
        time_cell(&known->span, "Oldest"),
        time_cell(&known->span, "Newest"),
        {.text = str_of(rows), .null = !counted},
        {.text = str_of(bytes), .null = !counted},
    };
    return cli_output_row(list->output, cells, err);
}

static bool has_time(const struct workspace_schema *schema)
{
    int time = columns_find(&schema->columns, STR("TimeGenerated"));
    return time >= 0 && schema->columns.v[time].type == COLUMN_DATETIME;
}

static bool wanted(const struct cli *cli, const char *name)
{
    for (int i = 0; i < cli->arg_count; i++)
        if (strcmp(cli->args[i], name) == 0)
            return true;
    return cli->arg_count == 0;
}

/* Resource Manager is asked until it is plain that it tells this identity nothing; why is said once. */
static bool ask_facts(struct list *list, const char *table, struct workspace_facts *out,
                      struct error *err)
{
    *out = (struct workspace_facts){0};
    if (list->unknown >= UNKNOWN_MAX)
        return true;
    if (!workspace_facts(list->context->workspace, table, out, err))
        return false;
    if (!out->known && list->unknown == 0)
        cli_note(list->cli, "plan and retention are not known: %s", out->why);
    list->unknown = out->known ? 0 : list->unknown + 1;
    return true;
}

static bool ask_both(struct list *list, const struct workspace_schema *schema, struct known *known,
                     struct error *err)
{
    if (is_billed(&known->facts)) {
        cli_note(list->cli, "%s is a %s table: its rows are not counted, since each pass is billed",
                 schema->name, workspace_plan_text(known->facts.plan));
        return true;
    }
    if (!has_time(schema)) {
        cli_note(list->cli, "%s has no TimeGenerated: it cannot be exported", schema->name);
        return true;
    }
    int64_t newest;
    if (!ask_span(list, schema->name, &known->span, err))
        return false;
    struct cli_cell cell = time_cell(&known->span, "Newest");
    return cell.null || !tick_parse(cell.text, &newest) ||
           ask_recent(list, schema->name, newest, &known->recent, err);
}

static bool put_table(struct list *list, const struct workspace_schema *schema, struct error *err)
{
    struct known known = {0};
    bool ok =
        ask_facts(list, schema->name, &known.facts, err) && ask_both(list, schema, &known, err);
    /* A table that refuses is listed with what is known of it; the reason is said. */
    if (!ok && err->code != ERROR_INTERRUPTED && err->code != ERROR_AUTH &&
        err->code != ERROR_NETWORK) {
        cli_note(list->cli, "%s: %s", schema->name, err->message);
        error_clear(err);
        ok = true;
    }
    ok = ok && put(list, schema, &known, err);
    workspace_table_release(&known.span);
    workspace_table_release(&known.recent);
    return ok;
}

static bool columns_of(bool people, struct columns *out, struct error *err)
{
    enum column_type number_type = COLUMN_LONG;
    return columns_add(out, STR("table"), COLUMN_STRING, err) &&
           columns_add(out, STR("plan"), COLUMN_STRING, err) &&
           columns_add(out, people ? STR("days") : STR("retention_days"), number_type, err) &&
           columns_add(out, people ? STR("days in all") : STR("total_retention_days"), number_type,
                       err) &&
           columns_add(out, STR("columns"), number_type, err) &&
           columns_add(out, STR("oldest"), COLUMN_DATETIME, err) &&
           columns_add(out, STR("newest"), COLUMN_DATETIME, err) &&
           columns_add(out, people ? STR("rows a day") : STR("rows_a_day"), number_type, err) &&
           columns_add(out, people ? STR("bytes a day") : STR("bytes_a_day"), number_type, err);
}

static bool put_all(struct list *list, const struct workspace_schemas *schemas, struct error *err)
{
    int found = 0;
    for (size_t i = 0; i < schemas->n; i++) {
        if (!wanted(list->cli, schemas->v[i].name))
            continue;
        found++;
        if (!put_table(list, &schemas->v[i], err))
            return false;
    }
    if (found < list->cli->arg_count)
        cli_note(list->cli, "%d of %d named tables are in the workspace", found,
                 list->cli->arg_count);
    return true;
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct workspace_schemas schemas = {0};
    struct columns columns = {0};
    struct list list = {
        .cli = cli,
        .context = &context,
        .days = cli_number(cli, CLI_DAYS, DEFAULT_DAYS),
        .people = cli_output_is_table(cli),
    };
    if (list.days < 1)
        list.days = 1;
    bool ok = cli_open_workspace(cli, &context, err) &&
              workspace_metadata(context.workspace, &schemas, err) &&
              columns_of(list.people, &columns, err) &&
              (list.output = cli_output_new(cli, &columns, err)) != NULL &&
              put_all(&list, &schemas, err);
    if (ok)
        ok = cli_output_end(list.output, err);
    else
        cli_output_free(list.output);
    columns_release(&columns);
    workspace_schemas_release(&schemas);
    cli_close(&context);
    return ok ? 0 : -1;
}

const struct cli_command cli_command_tables = {
    .name = "tables",
    .arguments = "[TABLE]...",
    .purpose =
        "the workspace's tables: plan, retention, oldest and newest row, rows and bytes a day",
    .about =
        "Lists the tables that the query service knows, with the rows and engine bytes a day "
        "of the days "
        "(--days, 7) up to its newest row. Plan and retention (days that rows can be queried, and "
        "days that they are kept in all) come from Azure Resource Manager, where this identity "
        "may read there.",
    .example = "weir tables --days 30",
    .args_max = CLI_ARGS_MAX,
    .options = {CLI_DAYS, CLI_WAIT, CLI_OPTION_COUNT},
    .run = run,
};
