/* Verification: see verification.h. */
#include "cli/verification.h"

#include "base/memory.h"
#include "base/search.h"
#include "lake/day.h"

#include <stdlib.h>

enum { STRAYS_MAX = 64 << 20 }; /* bytes of their names */

/* -- the blobs -- */

static enum export_verdict verdict_of(const struct lake_checked *checked)
{
    switch (checked->finding) {
    case LAKE_FINDING_OK:
        if (checked->entry && checked->entry->verdict == LAKE_VERDICT_AGED_OUT)
            return EXPORT_VERDICT_AGED_OUT;
        if (checked->entry && checked->entry->verdict == LAKE_VERDICT_PURGED)
            return EXPORT_VERDICT_PURGED;
        return EXPORT_VERDICT_OK;
    case LAKE_FINDING_GONE:
    case LAKE_FINDING_UNVERIFIED:
    case LAKE_FINDING_BESIDE:
        return EXPORT_VERDICT_MISSING;
    default:
        return EXPORT_VERDICT_CHANGED;
    }
}

static bool list_failed(const struct lake_checked *checked, struct export_failed **list,
                        size_t *room, size_t *listed, struct error *err)
{
    if (*listed == EXPORT_FAILED_LISTED)
        return true;
    if (!mem_reserve(list, room, *listed, EXPORT_FAILED_LISTED, sizeof **list, err))
        return false;
    struct export_failed *failed = &(*list)[(*listed)++];
    bool import = checked->import[0] != '\0';
    uint64_t expected = checked->entry ? checked->entry->rows : 0;
    *failed = (struct export_failed){
        .partition = checked->partition,
        .verdict = verdict_of(checked),
        .rows = checked->finding == LAKE_FINDING_SIZE ? UINT64_MAX : checked->rows,
        .rows_expected = checked->part ? checked->part->rows : expected,
    };
    (void) snprintf(failed->reasons, sizeof failed->reasons, "%s%s%s%s", import ? "import " : "",
                    checked->import, import ? ": " : "", lake_finding_text(checked->finding));
    return true;
}

static bool on_checked(void *context, const struct lake_checked *checked, struct error *err)
{
    struct cli_verification *out = context;
    bool ok = checked->finding == LAKE_FINDING_OK;
    if (checked->import[0]) {
        out->brought_failed += !ok;
        return ok ||
               list_failed(checked, &out->brought, &out->brought_room, &out->brought_listed, err);
    }
    out->by_verdict[verdict_of(checked)]++;
    if (ok && checked->entry) {
        out->told_rows += checked->entry->rows;
        out->told_bytes += checked->entry->bytes;
    }
    out->lake_failed += !ok;
    return ok || list_failed(checked, &out->lake, &out->lake_room, &out->lake_listed, err);
}

/* Partitions of a given range that the ledger does not name: nothing proves them. */
static void count_lacking(const struct lake_ledger *ledger, struct cli_verification *out)
{
    out->asked = (uint64_t) ((out->to - out->from) / TICK_PARTITION);
    out->lacking = out->asked;
    const struct lake_entry *entry = lake_ledger_next(ledger, out->from);
    for (; entry && entry->partition < out->to;
         entry = lake_ledger_next(ledger, entry->partition + 1))
        out->lacking--;
}

/* Offline, the ledger says what those who wrote it could see. The least counts. */
static bool read_access(struct cli *cli, const struct lake_ledger *ledger,
                        struct cli_verification *out, struct error *err)
{
    const struct lake_run *least = NULL;
    const struct lake_entry *entry = lake_ledger_next(ledger, out->from);
    for (; entry && entry->partition < out->to;
         entry = lake_ledger_next(ledger, entry->partition + 1)) {
        const struct lake_run *run = lake_ledger_run(ledger, entry->run);
        bool conditional = run->access == LAKE_ACCESS_CONDITIONAL;
        if (!least || conditional ||
            (run->access == LAKE_ACCESS_UNKNOWN && least->access == LAKE_ACCESS_FULL))
            least = run;
        if (conditional)
            break;
    }
    out->report.access = least ? least->access : LAKE_ACCESS_UNKNOWN;
    out->identity =
        least ? arena_copy(&cli->arena, least->identity, strlen(least->identity), err) : NULL;
    return !least || out->identity;
}

static size_t count_live(const struct lake_imports *imports)
{
    size_t live = 0;
    for (size_t i = 0; i < imports->n; i++)
        live += !imports->v[i].dead;
    return live;
}

/* Without an export a range lacks nothing, and everybody who reads the files sees all of them. */
static bool read_ledger(struct cli *cli, const struct export_options *options,
                        const struct lake_ledger *ledger, struct cli_verification *out,
                        struct error *err)
{
    if (!out->exported) {
        out->report.access = LAKE_ACCESS_FULL;
        return true;
    }
    if (out->from < out->to)
        count_lacking(ledger, out);
    else
        lake_ledger_range(ledger, &out->from, &out->to);
    return options->workspace || read_access(cli, ledger, out, err);
}

static bool nothing_there(const struct export_options *options, struct error *err)
{
    const char *table = options->source.place.table;
    (void) error_set(err, ERROR_NOT_FOUND, "the ledger of '%s' is empty: nothing was exported",
                     table);
    return error_hint(err, "weir export %s", table);
}

static bool check_blobs(struct cli *cli, const struct export_options *options,
                        const struct lake_ledger *ledger, const struct lake_imports *imports,
                        const struct lake_instant *begun, struct cli_verification *out,
                        struct error *err)
{
    /* To fetch all blobs back costs time and money, and the service has checked each as it came. */
    out->by_listing = options->workspace && store_remote(options->store);
    const struct lake_check_options check = {.from = out->from,
                                             .to = out->to,
                                             .by_listing = out->by_listing,
                                             .imports = options->workspace ? NULL : imports,
                                             .begun = begun,
                                             .stop = cli->stop,
                                             .fn = on_checked,
                                             .context = out};
    if (!lake_check(options->store, &options->source.place, ledger, &check, &out->totals, err))
        return false;
    if (out->by_listing) {
        out->totals.rows = out->told_rows;
        out->totals.bytes = out->told_bytes;
    }
    return read_ledger(cli, options, ledger, out, err);
}

struct looking {
    const struct lake_days *days;
    size_t skip; /* bytes before what a record calls a file */
    const char *lake;
    struct buf names; /* of files that no record names, as a record would call them */
};

static bool see_parquet(void *context, const struct store_blob *blob, struct error *err)
{
    struct looking *looking = context;
    struct str path;
    if (!lake_name_below(blob->name, looking->skip, looking->lake, &path, err))
        return false;
    struct str rest = path;
    int64_t day;
    if (str_ends(path, STR(".parquet")) && lake_parse_day(&rest, &day) &&
        !lake_day_names(lake_days_find(looking->days, day), path)) {
        buf_put_str(&looking->names, path);
        buf_put(&looking->names, "", 1);
    }
    return buf_ok(&looking->names, "names of files", err);
}

/* Where the day has a record or blobs, the file may be what a killed compaction left. */
static bool judge(const struct export_options *options, const struct lake_days *days,
                  const char *name, struct cli_verification *out, struct error *err)
{
    struct lake_totals blobs = {0};
    struct str path = str_of(name);
    int64_t day = 0;
    (void) lake_parse_day(&path, &day); /* it was seen to be of one */
    if (!lake_blobs_total(options->store, &options->source.place, day, day + TICK_DAY, &blobs, err))
        return false;
    if (lake_days_find(days, day) || blobs.partitions > 0)
        out->left++;
    else if (out->strays++ == 0)
        out->stray = mem_copy(name, strlen(name), err);
    return out->strays == 0 || out->stray;
}

/* Rows of a day whose record was lost stand in files that nobody reads. */
static bool find_strays(const struct export_options *options, struct cli_verification *out,
                        struct error *err)
{
    const struct lake_place *place = &options->source.place;
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    struct lake_days days = {0};
    lake_parquet_prefix(&prefix, place);
    struct looking looking = {.days = &days,
                              .skip = prefix.used + 1,
                              .lake = store_address(options->store),
                              .names = BUF_INIT(STRAYS_MAX)};
    bool ok = buf_ok(&prefix, "the name of a folder", err) &&
              lake_days_read(&days, options->store, place, 0, 0, err) &&
              store_list(options->store, buf_text(&prefix), see_parquet, &looking, err);
    const char *at = buf_text(&looking.names), *end = at + looking.names.used;
    for (; ok && at < end; at += strlen(at) + 1)
        ok = judge(options, &days, at, out, err);
    lake_days_release(&days);
    buf_release(&looking.names);
    buf_release(&prefix);
    return ok;
}

static bool check_since(struct cli *cli, const struct export_options *options,
                        const struct lake_instant *begun, struct cli_verification *out,
                        struct error *err)
{
    const struct lake_place *place = &options->source.place;
    struct lake_imports imports = {0};
    struct lake_ledger *ledger = lake_ledger_open(options->store, place, err);
    bool ok =
        ledger && (options->workspace ||
                   lake_imports_read(options->store, place, LAKE_IMPORTS_WHOLE, &imports, err));
    out->exported = ok && lake_ledger_count(ledger) > 0;
    out->imports = count_live(&imports);
    ok = ok && check_blobs(cli, options, ledger, &imports, begun, out, err) &&
         (options->workspace || find_strays(options, out, err));
    /* An import that was killed has blobs without a record. */
    if (ok && !out->exported && imports.n == 0 && out->totals.imports.partitions == 0 &&
        out->strays == 0)
        ok = nothing_there(options, err);
    lake_imports_release(&imports);
    lake_ledger_free(ledger);
    return ok;
}

static bool check_lake(struct cli *cli, const struct export_options *options,
                       struct cli_verification *out, struct error *err)
{
    const struct lake_place *place = &options->source.place;
    struct lake_instant begun;
    struct error why = ERROR_INIT;
    return lake_instant_take(options->store, place, &begun, err) &&
           (check_since(cli, options, &begun, out, &why) ||
            lake_instant_pass(options->store, place, &begun, &why, err));
}

/* -- both together -- */

static struct export_failed *find(const struct export_report *report, int64_t tick)
{
    size_t at = search_first(report->failed, report->failed_listed, sizeof *report->failed,
                             offsetof(struct export_failed, partition), tick);
    bool there = at < report->failed_listed && report->failed[at].partition == tick;
    return there ? &report->failed[at] : NULL;
}

static void take_from(uint64_t *count)
{
    *count -= *count > 0;
}

/* Both found fault: the lake's is the nearer one. */
static void merge_one(struct export_report *report, const struct export_failed *lake,
                      struct export_failed *both)
{
    struct str reason = str_of(lake->reasons);
    take_from(&report->verdicts[both->verdict]);
    both->verdict = lake->verdict;
    if (!strstr(both->reasons, "never verified"))
        (void) snprintf(both->reasons, sizeof both->reasons, "%.*s", (int) reason.n, reason.p);
}

static int by_partition(const void *a, const void *b)
{
    int64_t x = ((const struct export_failed *) a)->partition;
    int64_t y = ((const struct export_failed *) b)->partition;
    return (x > y) - (x < y);
}

/* The workspace had no fault to find with it. */
static void unproven(struct export_report *report, uint64_t rows)
{
    take_from(&report->verdicts[EXPORT_VERDICT_OK]);
    report->rows_verified -= rows < report->rows_verified ? rows : report->rows_verified;
}

/* The lake's findings into the report of the workspace's, each partition once. */
static bool merge(struct cli_verification *out, struct error *err)
{
    struct export_report *report = &out->report;
    size_t listed = report->failed_listed, both = 0;
    for (size_t i = 0; i < out->lake_listed; i++) {
        struct export_failed *same = find(report, out->lake[i].partition);
        report->verdicts[out->lake[i].verdict]++;
        both += same != NULL;
        if (same)
            merge_one(report, &out->lake[i], same);
        else
            unproven(report, out->lake[i].rows_expected);
    }
    struct export_failed *all = mem_alloc(listed + out->lake_listed - both, sizeof *all, err);
    if (!all)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < out->lake_listed; i++)
        if (!find(report, out->lake[i].partition))
            all[n++] = out->lake[i];
    for (size_t i = 0; i < listed; i++)
        all[n++] = report->failed[i];
    qsort(all, n, sizeof *all, by_partition);
    mem_free(report->failed);
    report->failed = all;
    report->failed_room = n;
    report->failed_listed = n < EXPORT_FAILED_LISTED ? n : EXPORT_FAILED_LISTED;
    report->failed_count += out->lake_failed - both;
    return true;
}

/* Behind those of exports, as many as a list has. */
static bool add_brought(struct cli_verification *out, struct error *err)
{
    struct export_report *report = &out->report;
    report->failed_count += out->brought_failed;
    for (size_t i = 0; i < out->brought_listed && report->failed_listed < EXPORT_FAILED_LISTED;
         i++) {
        if (!mem_reserve(&report->failed, &report->failed_room, report->failed_listed,
                         EXPORT_FAILED_LISTED, sizeof *report->failed, err))
            return false;
        report->failed[report->failed_listed++] = out->brought[i];
    }
    return true;
}

static bool take_lake(struct cli_verification *out, struct error *err)
{
    out->report.partitions = out->totals.partitions;
    out->report.rows_verified = out->totals.rows;
    out->report.bytes_verified = out->totals.bytes;
    memcpy(out->report.verdicts, out->by_verdict, sizeof out->by_verdict);
    /* What the ledger lacks of a given range is missing, too. */
    out->report.partitions += out->lacking;
    out->report.verdicts[EXPORT_VERDICT_MISSING] += out->lacking;
    out->report.failed_count = out->lake_failed + out->lacking;
    for (size_t i = 0; i < out->lake_listed; i++)
        out->report.rows_verified -= out->lake[i].rows < out->report.rows_verified
                                         ? out->lake[i].rows
                                         : out->report.rows_verified;
    out->report.failed = out->lake;
    out->report.failed_listed = out->lake_listed;
    out->report.failed_room = out->lake_room;
    out->lake = NULL;
    out->lake_listed = out->lake_room = 0;
    return add_brought(out, err);
}

bool cli_verification_run(struct cli *cli, const struct export_options *options,
                          struct cli_verification *out, struct error *err)
{
    *out = (struct cli_verification){.from = options->source.from, .to = options->source.to};
    if (!check_lake(cli, options, out, err))
        return false;
    bool ok = true;
    if (options->workspace)
        ok = export_verify(options, &out->report, err) && merge(out, err);
    else
        ok = take_lake(out, err);
    out->report.rows = out->totals.rows;
    out->report.bytes = out->totals.bytes;
    return ok;
}

void cli_verification_release(struct cli_verification *verification)
{
    export_report_release(&verification->report);
    mem_free(verification->lake);
    mem_free(verification->brought);
    mem_free(verification->stray);
    *verification = (struct cli_verification){0};
}

/* -- for a repair -- */

struct ticks {
    int64_t *v;
    size_t count;
    bool more;
};

static void add_tick(struct ticks *ticks, int64_t tick)
{
    if (ticks->count == EXPORT_FAILED_LISTED)
        ticks->more = true;
    else
        ticks->v[ticks->count++] = tick;
}

/* The two lists are ascending: what does not verify, and what the ledger lacks of a given range. */
static void gather(const struct lake_ledger *ledger, const struct cli_verification *verification,
                   struct ticks *ticks)
{
    const struct export_report *report = &verification->report;
    size_t next = 0;
    int64_t tick = verification->asked > 0 ? verification->from : verification->to;
    while (!ticks->more && (next < report->failed_listed || tick < verification->to)) {
        bool listed = next < report->failed_listed &&
                      (tick >= verification->to || report->failed[next].partition <= tick);
        if (listed) {
            int64_t named = report->failed[next++].partition;
            add_tick(ticks, named);
            tick += named == tick ? TICK_PARTITION : 0;
            continue;
        }
        const struct lake_entry *entry = lake_ledger_find(ledger, tick);
        if (!entry)
            add_tick(ticks, tick);
        tick += TICK_PARTITION;
    }
}

bool cli_verification_ticks(struct cli *cli, const struct export_options *options,
                            const struct cli_verification *verification, int64_t **ticks,
                            size_t *count, bool *more, struct error *err)
{
    struct ticks found = {0};
    struct lake_ledger *ledger = lake_ledger_open(options->store, &options->source.place, err);
    found.v = ledger ? arena_alloc(&cli->arena, EXPORT_FAILED_LISTED, sizeof *found.v, err) : NULL;
    if (found.v)
        gather(ledger, verification, &found);
    lake_ledger_free(ledger);
    *ticks = found.v;
    *count = found.count;
    *more = found.more || verification->report.failed_count > verification->report.failed_listed;
    return found.v != NULL;
}
