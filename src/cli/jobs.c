/* Jobs: see jobs.h. */
#include "cli/jobs.h"

#include "cli/prices.h"
#include "lake/ledger.h"

enum {
    PIECE_TEXT = WORKSPACE_JOB_NAME_MAX + 200,
    RELATION_MAX = WORKSPACE_JOB_PIECES_MAX * PIECE_TEXT
};
static const uint64_t TELL_EACH = 30000000000; /* ns between two lines about progress */

static enum workspace_job_kind kind_of(const struct cli *cli)
{
    bool restore = strcmp(cli_text(cli, CLI_FROM), "restore") == 0;
    return restore ? WORKSPACE_JOB_RESTORE : WORKSPACE_JOB_SEARCH;
}

static const char *kind_text(const struct cli *cli)
{
    return kind_of(cli) == WORKSPACE_JOB_RESTORE ? "restore" : "search job";
}

bool cli_jobs_check(const struct cli *cli, size_t tables, struct error *err)
{
    static const enum cli_option_id not_with[] = {CLI_QUERY, CLI_REPAIR, CLI_UNTIL_CONTINUOUS};
    if (!cli_text(cli, CLI_FROM))
        return true;
    for (size_t i = 0; i < sizeof not_with / sizeof *not_with; i++)
        if (cli_given(cli, not_with[i]))
            return error_set(err, ERROR_USAGE, "either --from or --%s, not both",
                             cli_options[not_with[i]].name);
    if (tables == 1)
        return true;
    (void) error_set(err, ERROR_USAGE, "--from takes one table, since each is billed");
    return error_hint(err, "%s", cli->command->example);
}

/* -- what it costs -- */

static bool cost_of(const struct workspace_job_bill *bill, const struct cli_prices *prices,
                    bool restore, struct buf *out, double *cost)
{
    char bytes[TEXT_NUMBER_MAX];
    if (restore) {
        *cost = bill->gigabyte_days * prices->restore_gb_day;
        buf_printf(out, "%.0f GB-days x %g = %.2f %s", bill->gigabyte_days, prices->restore_gb_day,
                   *cost, prices->currency);
    } else {
        *cost = (double) bill->bytes / 1e9 * prices->search_gb;
        buf_printf(out, "%s scanned x %g = %.2f %s", text_bytes(bill->bytes, bytes),
                   prices->search_gb, *cost, prices->currency);
    }
    if (bill->guessed)
        buf_puts(out, ", in part guessed");
    return true;
}

static bool ask_user(struct cli *cli, struct cli_context *context,
                     const struct workspace_job *whole, struct error *err)
{
    struct workspace_job_bill bill;
    struct cli_prices prices;
    const char *name;
    struct buf text = BUF_INIT(1024);
    double cost = 0, most = cli_decimal(cli, CLI_MAX_COST, -1);
    if (!workspace_job_bill(context->workspace, whole, WORKSPACE_JOB_RESTORE_HOURS_MIN, &bill,
                            err) ||
        !cli_prices_read(cli, &prices, &name, err))
        return false;
    if (bill.known)
        (void) cost_of(&bill, &prices, whole->kind == WORKSPACE_JOB_RESTORE, &text, &cost);
    else
        buf_printf(&text, "nobody can say how much: %s", bill.why);
    bool ok = true;
    if (most >= 0 && (!bill.known || cost > most)) {
        ok = error_set(err, ERROR_USAGE, "the %s of %s would cost more than --max-cost %g: %s",
                       kind_text(cli), whole->table, most, buf_text(&text));
    } else {
        if (cli_flag(cli, CLI_YES))
            cli_note(cli, "a %s of %s is billed: %s (%s)", kind_text(cli), whole->table,
                     buf_text(&text), name);
        ok = cli_confirm(cli, err, "this starts a %s of %s, which is billed: %s.", kind_text(cli),
                         whole->table, buf_text(&text));
    }
    buf_release(&text);
    return ok;
}

/* -- what is there already -- */

/* Before this no job finds anything either; 0: not known. */
static bool read_oldest(struct cli_context *context, const char *table, int64_t *out,
                        struct error *err)
{
    struct workspace_facts facts;
    *out = 0;
    if (!workspace_facts(context->workspace, table, &facts, err))
        return false;
    if (facts.total_retention_days > 0)
        *out = tick_now() - (int64_t) facts.total_retention_days * TICK_DAY;
    return true;
}

static bool is_held(struct cli_context *context, const struct export_options *options, bool *out,
                    struct error *err)
{
    const struct export_source *source = &options->source;
    int64_t at = source->from, oldest;
    if (!read_oldest(context, source->place.table, &oldest, err))
        return false;
    struct lake_ledger *ledger = lake_ledger_open(options->store, &source->place, err);
    if (!ledger)
        return false;
    for (; at < source->to; at += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_next(ledger, at);
        if (!entry || entry->partition != at || !lake_entry_held(entry) ||
            (lake_entry_unseen(entry) && at >= oldest))
            break;
    }
    *out = at >= source->to && !options->refresh;
    lake_ledger_free(ledger);
    return true;
}

/* *paid: all of them were begun by an earlier run, and are good. */
static bool ask_all(struct cli_jobs *jobs, struct cli_context *context, bool *paid,
                    struct error *err)
{
    *paid = true;
    for (size_t i = 0; i < jobs->count; i++) {
        struct workspace_job_state *state = &jobs->states[i];
        if (!workspace_job_ask(context->workspace, &jobs->pieces[i], state, err))
            return false;
        *paid = *paid &&
                (state->status == WORKSPACE_JOB_RUNNING || state->status == WORKSPACE_JOB_DONE ||
                 state->status == WORKSPACE_JOB_PARTIAL);
    }
    return true;
}

/* -- running -- */

static void tell(void *context, const struct workspace_job_state *state)
{
    struct cli_jobs *jobs = context;
    char rows[TEXT_NUMBER_MAX], percent[32] = "";
    uint64_t now = clock_ns();
    if (jobs->told > 0 && now - jobs->told < TELL_EACH)
        return;
    jobs->told = now;
    if (state->progress >= 0)
        (void) snprintf(percent, sizeof percent, ", %.0f %%", state->progress * 100);
    cli_note(jobs->cli, "%s %s: %s%s, %s rows found", kind_text(jobs->cli), state->name,
             workspace_job_status_text(state->status), percent, text_count(state->rows, rows));
}

static bool begin_one(struct cli_jobs *jobs, struct cli_context *context, struct error *err)
{
    size_t i = jobs->begun;
    if (!workspace_job_begin(context->workspace, &jobs->pieces[i], &jobs->states[i], err))
        return false;
    jobs->begun++;
    cli_note(jobs->cli, "%s %s %s", kind_text(jobs->cli), jobs->states[i].name,
             jobs->states[i].found ? "of an earlier run goes on" : "has begun");
    return true;
}

static bool wait_all(struct cli_jobs *jobs, struct cli_context *context, struct error *err)
{
    for (size_t i = 0; i < jobs->count; i++) {
        while (jobs->begun < jobs->count && jobs->begun < i + WORKSPACE_JOB_AT_ONCE)
            if (!begin_one(jobs, context, err))
                return false;
        struct workspace_job_state *state = &jobs->states[i];
        if (!workspace_job_wait(context->workspace, &jobs->pieces[i], tell, jobs, state, err))
            return false;
        if (state->status != WORKSPACE_JOB_PARTIAL)
            continue;
        jobs->partial = true;
        cli_last(jobs->cli, "%s %s has a part of the rows alone: %s", kind_text(jobs->cli),
                 state->name, state->why);
    }
    return true;
}

/* A piece of several: a job is asked for a little more than its range, so each is cut to what is its own. */
static void put_piece(struct buf *out, const struct workspace_job *piece, const char *name)
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    const char *column =
        piece->kind == WORKSPACE_JOB_RESTORE ? "TimeGenerated" : "_OriginalTimeGenerated";
    (void) tick_format_full(piece->from, from);
    (void) tick_format_full(piece->to, to);
    buf_printf(out, "(%s | where %s >= datetime(%s) and %s < datetime(%s))", name, column, from,
               column, to);
}

/* The name of the one result, or all of them together. */
static bool name_relation(const struct cli_jobs *jobs, struct cli *cli,
                          struct export_options *options, struct error *err)
{
    struct buf text = BUF_INIT(RELATION_MAX);
    if (jobs->count == 1)
        buf_puts(&text, jobs->states[0].name);
    for (size_t i = 0; jobs->count > 1 && i < jobs->count; i++) {
        buf_puts(&text, i ? ", " : "(union ");
        put_piece(&text, &jobs->pieces[i], jobs->states[i].name);
    }
    if (jobs->count > 1)
        buf_puts(&text, ")");
    bool ok = buf_ok(&text, "the names of jobs", err);
    options->source.relation = ok ? arena_copy(&cli->arena, buf_text(&text), text.used, err) : NULL;
    options->source.relation_partial = jobs->partial;
    buf_release(&text);
    return options->source.relation != NULL;
}

bool cli_jobs_run(struct cli_jobs *jobs, struct cli *cli, struct cli_context *context,
                  struct export_options *options, struct error *err)
{
    const struct workspace_job whole = {.kind = kind_of(cli),
                                        .table = options->source.place.table,
                                        .from = options->source.from,
                                        .to = options->source.to};
    bool held = false, paid = false;
    jobs->cli = cli;
    if (!export_table_check(options, err) ||
        !workspace_jobs_plan(context->workspace, &whole, 0, jobs->pieces, &jobs->count, err) ||
        !is_held(context, options, &held, err) || !ask_all(jobs, context, &paid, err))
        return false;
    jobs->table = whole.table;
    if (held) /* what a killed run has left of it goes at the end */
        return true;
    return (paid || ask_user(cli, context, &whole, err)) && wait_all(jobs, context, err) &&
           name_relation(jobs, cli, options, err);
}

bool cli_jobs_end(struct cli_jobs *jobs, struct cli_context *context, struct error *err)
{
    for (size_t i = 0; jobs->table && i < jobs->count; i++) {
        if (jobs->states[i].status == WORKSPACE_JOB_NONE)
            continue;
        if (!workspace_job_end(context->workspace, &jobs->pieces[i], err))
            return false;
        cli_note(jobs->cli, "%s is removed from the workspace", jobs->states[i].name);
        jobs->states[i].status = WORKSPACE_JOB_NONE;
    }
    jobs->begun = 0;
    return true;
}

void cli_jobs_say_left(const struct cli_jobs *jobs)
{
    for (size_t i = 0; i < jobs->begun; i++) {
        char name[WORKSPACE_JOB_NAME_MAX + 1];
        workspace_job_name(&jobs->pieces[i], name);
        cli_last(jobs->cli,
                 "%s stays in the workspace%s: the same command goes on with it, and removes it",
                 name, jobs->pieces[i].kind == WORKSPACE_JOB_RESTORE ? ", and is billed" : "");
    }
}
