/* Keep: the last trace of a row is never taken. See run.h.
 *
 * The workspace may have fewer rows of a partition than the lake holds or the ledger knows: they aged out, were purged,
 * or this identity sees less. Then
 *
 *     the lake has them      its blob stays, whatever was asked for; the line says aged out or purged
 *     no line vouches for    a blob with more rows than the workspace has: it stays, and is listed every time
 *     nobody has them        rows that the ledger knew of are listed once, and stand in the line as expected
 */
#include "export/run.h"

#include "lake/check.h"

#include <stdio.h>

enum { PIECE = 64 * 1024 };

bool export_keep_size(const struct export *export, int64_t tick, uint64_t *size)
{
    return export_look_ours(&export->look, tick, size);
}

/* Its bytes are those of its line. */
static bool is_intact(const struct export *export, const struct lake_entry *entry)
{
    struct lake_check_totals totals;
    struct lake_check_options options = {.from = entry->partition,
                                         .to = entry->partition + TICK_PARTITION,
                                         .stop = export->options.stop};
    return lake_check(export->options.store, export_place(export), export->ledger, &options,
                      &totals, NULL) &&
           totals.findings[LAKE_FINDING_OK] + totals.findings[LAKE_FINDING_UNVERIFIED] == 1;
}

/* The service's blobs are there, or in Parquet. */
static bool is_beside(const struct export *export, const struct lake_entry *entry)
{
    uint64_t gone;
    return export_look_gone(&export->look, entry->partition, &gone) > 0 ||
           export_look_beside(&export->look, entry->partition);
}

bool export_keep_stands(const struct export *export, const struct lake_entry *entry)
{
    uint64_t size = 0, gone;
    (void) export_look_gone(&export->look, entry->partition, &gone);
    if (entry->joined &&
        (!is_beside(export, entry) ||
         export_look_bytes(&export->look, entry->partition) + gone < entry->beside_bytes))
        return false;
    return entry->bytes == 0 || export_look_stands(&export->look, entry) ||
           (export_keep_size(export, entry->partition, &size) && size == entry->bytes &&
            (export->options.only_count == 0 || is_intact(export, entry)));
}

/* Lines of a blob that the ledger does not tell of. */
static bool count_lines(const struct export *export, int64_t tick, uint64_t *rows,
                        struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    char piece[PIECE];
    size_t n = 0;
    *rows = 0;
    const struct lake_entry *entry = lake_ledger_find(export->ledger, tick);
    lake_export_name(&name, export_place(export), tick, entry ? entry->number : 0);
    struct store_reader *reader = store_reader_new(export->options.store, buf_text(&name), err);
    bool ok = reader != NULL;
    do {
        ok = ok && store_reader_next(reader, piece, sizeof piece, &n, err);
        for (size_t i = 0; ok && i < n; i++)
            *rows += piece[i] == '\n';
    } while (ok && n > 0);
    store_reader_free(reader);
    buf_release(&name);
    return ok;
}

/* What there is of a partition beside the workspace. */
struct trace {
    const struct lake_entry *entry; /* NULL: no line */
    bool vouched;                   /* there is a blob, and it is that of the line */
    uint64_t has;                   /* rows in the lake */
    uint64_t known;                 /* rows that the ledger knows of */
};

/* The workspace still has what the line tells of, so a blob with other bytes holds nothing that is not there. */
static bool is_spoilt_alone(const struct export *export, size_t part,
                            const struct lake_entry *entry)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    return entry && entry->bytes > 0 && export_rows_of(entry) == counted->rows &&
           (entry->proof != LAKE_PROOF_SUM || export_sum_of(entry) == counted->sum);
}

/* Rows that the ledger knows of. */
static uint64_t known_rows(const struct lake_entry *entry)
{
    uint64_t rows = export_rows_of(entry);
    return lake_entry_held(entry) || rows > entry->rows_expected ? rows : entry->rows_expected;
}

static bool trace_of(const struct export *export, size_t part, struct trace *out, struct error *err)
{
    int64_t tick = export_plan_tick(&export->plan, part);
    const struct lake_entry *entry = lake_ledger_find(export->ledger, tick);
    uint64_t size = 0, lines = 0;
    bool ours = export_keep_size(export, tick, &size);
    bool theirs = entry && entry->joined && is_beside(export, entry);
    bool stands = entry && export_look_stands(&export->look, entry);
    *out = (struct trace){.entry = entry, .known = entry ? known_rows(entry) : 0};
    out->vouched = entry && (theirs || stands || (ours && entry->bytes > 0)) &&
                   export_keep_stands(export, entry);
    out->has = out->vouched ? export_rows_of(entry) : theirs ? entry->beside_rows : 0;
    if (!ours || out->vouched || is_spoilt_alone(export, part, entry))
        return true;
    bool ok = count_lines(export, tick, &lines, err);
    out->has += lines;
    return ok;
}

enum lake_verdict export_keep_verdict(const struct export *export, size_t part)
{
    int64_t tick = export_plan_tick(&export->plan, part);
    return export_snapshot_ages(&export->snapshot, tick, export->plan.parts[part].counted.rows)
               ? LAKE_VERDICT_AGED_OUT
               : LAKE_VERDICT_PURGED;
}

static void list(struct export *export, size_t part, const struct trace *trace, const char *does,
                 bool lost)
{
    char reason[EXPORT_REASON_MAX], known[TEXT_NUMBER_MAX], has[TEXT_NUMBER_MAX],
        now[TEXT_NUMBER_MAX];
    (void) snprintf(reason, sizeof reason,
                    "the ledger %s %s rows, the lake has %s, the workspace %s by now%s", does,
                    text_grouped(trace->known, known), text_grouped(trace->has, has),
                    text_grouped(export->plan.parts[part].counted.rows, now),
                    lost ? "" : ": the blob is left; move it away to export the rest");
    export_fetch_give_up(&export->fetch, part, trace->has, reason);
    struct export_trouble *trouble = export_trouble_find(&export->fetch.troubles, part);
    if (trouble) {
        trouble->lost = lost;
        trouble->known = trace->known;
    }
}

/* The line tells already that rows are gone, and nothing has come since: it stays as it is. */
static bool is_known_loss(const struct trace *trace, uint64_t rows)
{
    const struct lake_entry *entry = trace->entry;
    return entry && lake_entry_held(entry) && entry->verdict != LAKE_VERDICT_VERIFIED &&
           entry->rows_expected > export_rows_of(entry) && rows <= export_rows_of(entry) &&
           trace->has == export_rows_of(entry);
}

bool export_keep(struct export *export, size_t part, bool *kept, struct error *err)
{
    struct export_report *report = &export->report;
    uint64_t rows = export->plan.parts[part].counted.rows;
    struct trace trace;
    *kept = false;
    if (!trace_of(export, part, &trace, err))
        return false;
    if (is_known_loss(&trace, rows)) {
        *kept = true;
        export->plan.parts[part].state = EXPORT_SETTLED;
        return true;
    }
    if (trace.has <= rows && trace.known <= rows)
        return true;
    if (!export_snapshot_facts(&export->options, &export->snapshot, err))
        return false;
    if (trace.known > trace.has && trace.known > rows)
        report->vanished += trace.known - (trace.has > rows ? trace.has : rows);
    bool whole = trace.vouched && trace.known <= trace.has;
    *kept = trace.has > rows || rows == 0;
    if (!*kept)
        return true; /* what there is is fetched */
    if (whole) {
        report->outlived++;
        export->plan.parts[part].state = EXPORT_SETTLED;
        return export_settle_say(export, part, trace.entry, export_keep_verdict(export, part), err);
    }
    list(export, part, &trace, trace.vouched || trace.has == 0 ? "knew of" : "vouches for",
         trace.vouched || trace.has == 0);
    return true;
}

bool export_keep_record_lost(struct export *export, size_t part, struct error *err)
{
    struct trace trace;
    if (!trace_of(export, part, &trace, err))
        return false;
    struct lake_entry lost = {.partition = export_plan_tick(&export->plan, part)};
    if (trace.vouched)
        lost = *trace.entry;
    lost.verdict = LAKE_VERDICT_UNVERIFIED;
    lost.rows_expected = trace.known;
    return export_settle_say(export, part, &lost, export_keep_verdict(export, part), err);
}
