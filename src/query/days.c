/* Days: see days.h.
 *
 * Blobs come in order of time, and none spans midnight. So those of a day are gathered, put in order, and decided on
 * together. Those whose spans meet are a run: a partition's, or, with a blob of an hour, those of its twelve partitions.
 */
#include "query/days.h"

#include "base/memory.h"

#include <stdlib.h>

enum { NAMES_MAX = 1 << 30, FILES_MAX = 1 << 24, SHARED_MAX = 1 << 24 };

/* The service's clock and ours may differ: what it wrote so shortly before a line of the ledger may be newer. */
static const int64_t clocks_differ = TICK_PARTITION;

struct search {
    const struct query_known *known;
    int64_t from, to;
    query_day_fn *fn;
    void *context;
    size_t behind; /* the table's prefix ends there */

    struct query_day day; /* whose blobs are gathered; day.n of them */
    bool any;             /* there is such a day */
    size_t room;
    size_t *at; /* of each, where its name stands */
    size_t at_room;
    struct buf names;
    uint32_t groups;
    size_t next; /* record that was not told yet */
    uint32_t *superseded;
    size_t superseded_room;
    struct engine_shared *shared;
    size_t shared_room;
};

/* A run of blobs: v[0..n). */
struct run {
    const struct query_known *known;
    struct query_blob *v;
    size_t n;
    int64_t begin, end;
};

/* --- which count ---------------------------------------------------------------------------------------- */

static bool export_counts(const struct run *run, const struct query_blob *blob)
{
    const struct lake_entry *entry = lake_ledger_find(run->known->ledger, blob->tick);
    if (entry)
        return blob->number == entry->number;
    for (size_t i = 0; i < run->n; i++) {
        const struct query_blob *other = &run->v[i];
        if (other->kind == LAKE_BLOB_EXPORT && other->tick == blob->tick &&
            other->number > blob->number)
            return false;
    }
    return true;
}

static bool counts(const struct run *run, const struct query_blob *blob)
{
    switch (blob->kind) {
    case LAKE_BLOB_EXPORT:
        return export_counts(run, blob);
    case LAKE_BLOB_IMPORT:
        return lake_imports_counts(&run->known->imports, lake_import_id_of(str_of(blob->name)));
    default:
        return true;
    }
}

/* Takes out what does not count; returns how many. */
static size_t leave_uncounted(struct run *run)
{
    size_t kept = 0, n = run->n;
    /* Whether one counts is asked of all: so they are marked before they go. */
    for (size_t i = 0; i < n; i++)
        run->v[i].read = counts(run, &run->v[i]);
    for (size_t i = 0; i < n; i++)
        if (run->v[i].read)
            run->v[kept++] = run->v[i];
    run->n = kept;
    return n - kept;
}

/* --- what stands twice ---------------------------------------------------------------------------------- */

static bool has_kind(const struct run *run, enum lake_blob_kind kind)
{
    for (size_t i = 0; i < run->n; i++)
        if (run->v[i].read && run->v[i].kind == kind)
            return true;
    return false;
}

static bool has_export(const struct run *run, int64_t tick)
{
    for (size_t i = 0; i < run->n; i++)
        if (run->v[i].read && run->v[i].kind == LAKE_BLOB_EXPORT && run->v[i].tick == tick)
            return true;
    return false;
}

/* Whether the service wrote to one of the blobs behind `tick`, or may have. */
static bool written_since(const struct run *run, int64_t tick)
{
    for (size_t i = 0; i < run->n; i++)
        if (run->v[i].kind == LAKE_BLOB_SERVICE && run->v[i].modified > tick - clocks_differ)
            return true;
    return false;
}

/* The moment up to which a line knows what the workspace had. */
static int64_t known_until(const struct run *run, const struct lake_entry *entry)
{
    const struct lake_run *by = lake_ledger_run(run->known->ledger, entry->run);
    return by->t0 > 0 && by->t0 < entry->at ? by->t0 : entry->at;
}

/* Whether weir's own hold all rows that the service's blobs can have: all that the workspace had in their span, and
 * the service has written nothing since. What came late stands in the service's blobs alone. */
static bool is_whole(const struct run *run)
{
    for (int64_t tick = run->begin; tick < run->end; tick += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_find(run->known->ledger, tick);
        if (!entry || !lake_entry_held(entry) || lake_entry_unseen(entry) || entry->joined ||
            (entry->bytes > 0) != has_export(run, tick) ||
            written_since(run, known_until(run, entry)))
            return false;
    }
    return true;
}

/* Whether the ledger says that no row stands twice: all was compared when it was joined. */
static bool is_apart(const struct run *run)
{
    for (int64_t tick = run->begin; tick < run->end; tick += TICK_PARTITION) {
        const struct lake_entry *entry = lake_ledger_find(run->known->ledger, tick);
        if (!entry || !lake_entry_held(entry) || !entry->joined || entry->doubled > 0 ||
            written_since(run, entry->at))
            return false;
    }
    return true;
}

/* Whether two blobs of the run may have a row twice; whether a file may have one of them, has been told. */
static void group(struct search *search, struct run *run, bool shared)
{
    if (!shared && (!has_kind(run, LAKE_BLOB_SERVICE) || is_apart(run)))
        return;
    bool whole = has_kind(run, LAKE_BLOB_SERVICE) && is_whole(run);
    search->groups++;
    for (size_t i = 0; i < run->n; i++) {
        struct query_blob *blob = &run->v[i];
        if (blob->kind != LAKE_BLOB_SERVICE && blob->kind != LAKE_BLOB_EXPORT)
            continue;
        blob->group = search->groups;
        blob->whole = whole && blob->kind == LAKE_BLOB_EXPORT;
    }
}

/* --- runs of a day -------------------------------------------------------------------------------------- */

static const int order_of[LAKE_BLOB_KIND_COUNT] = {
    [LAKE_BLOB_EXPORT] = 0, [LAKE_BLOB_SERVICE] = 1, [LAKE_BLOB_IMPORT] = 2, [LAKE_BLOB_OTHER] = 3};

static int compare_blobs(const void *left, const void *right)
{
    const struct query_blob *a = left, *b = right;
    if (a->run != b->run)
        return a->run < b->run ? -1 : 1;
    if (a->kind != b->kind)
        return order_of[a->kind] - order_of[b->kind];
    if (a->tick != b->tick)
        return a->tick < b->tick ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* The run that begins at blob i. */
static struct run run_at(const struct search *search, size_t i)
{
    const struct query_day *day = &search->day;
    struct run run = {.known = search->known, .v = &day->blobs[i]};
    run.begin = run.v[0].tick;
    run.end = run.begin + run.v[0].span;
    while (i + run.n < day->n && run.v[run.n].tick < run.end) {
        int64_t end = run.v[run.n].tick + run.v[run.n].span;
        run.end = end > run.end ? end : run.end;
        run.n++;
    }
    return run;
}

/* Numbers the runs, and takes out what does not count. */
static void number_runs(struct search *search)
{
    struct query_day *day = &search->day;
    size_t kept = 0;
    uint32_t number = 0;
    for (size_t i = 0, n; i < day->n; i += n) {
        struct run run = run_at(search, i);
        n = run.n;
        day->outdated += leave_uncounted(&run);
        number++;
        for (size_t k = 0; k < run.n; k++) {
            run.v[k].run = number;
            day->blobs[kept++] = run.v[k];
        }
    }
    day->n = kept;
}

/* --- a day that was compacted ----------------------------------------------------------------------------- */

static bool supersede(struct search *search, size_t number, struct error *err)
{
    struct query_day *day = &search->day;
    if (!mem_reserve(&search->superseded, &search->superseded_room, day->superseded_count,
                     LAKE_DAY_SOURCES_MAX, sizeof *search->superseded, err))
        return false;
    search->superseded[day->superseded_count++] = (uint32_t) number;
    day->superseded = search->superseded;
    return true;
}

/* What the ledger knows of an export's bytes speaks against those of the source. */
static bool ledger_denies(const struct search *search, const struct lake_day_source *source)
{
    const struct lake_entry *entry = lake_ledger_find(search->known->ledger, source->tick);
    return source->kind == LAKE_BLOB_EXPORT && entry &&
           (entry->number != source->number ||
            (lake_entry_held(entry) &&
             (entry->bytes == 0 || memcmp(entry->sha256, source->sha256, HASH_SHA256_SIZE) != 0)));
}

/* The blob is the source, as it was. */
static bool is_same(const struct search *search, const struct query_blob *blob,
                    const struct lake_day_source *source)
{
    return blob->size == source->size && source->gone != LAKE_DAY_GONE &&
           !ledger_denies(search, source);
}

/* Whether the source's import was replaced. Its own record tells, where it is there. If not, it was removed as a replaced one
 * is, or it was damaged and moved away, and its rows count: the day says which, or an import that replaced one of this id
 * since the day was compacted. (The same files may have been brought in again in between, and compacted.) */
static bool was_replaced(const struct search *search, const struct lake_day_source *source)
{
    const struct lake_imports *imports = &search->known->imports;
    struct str id = lake_import_id_of(str_of(source->name));
    const struct lake_import *import = lake_imports_find(imports, id);
    if (import)
        return import->dead;
    const struct lake_import *by = lake_imports_replacing(imports, id);
    return source->gone == LAKE_DAY_REPLACED || (by && by->started > search->day.record->at);
}

/* It is not there any more, and nothing has come in its place: its rows are in the files, whoever took it away. */
static bool is_resting(const struct search *search, const struct lake_day_source *source)
{
    if (ledger_denies(search, source))
        return false;
    return source->kind != LAKE_BLOB_IMPORT || !was_replaced(search, source);
}

/* An export that was written since it was compacted, and holds all that the workspace had of its partition. */
static bool is_anew(const struct search *search, const struct query_blob *blob)
{
    const struct lake_entry *entry = lake_ledger_find(search->known->ledger, blob->tick);
    return blob->kind == LAKE_BLOB_EXPORT && blob->read && entry && lake_entry_held(entry) &&
           !entry->joined && entry->at > search->day.record->at;
}

/* Whether an export that was written anew stands in for the source, beside one of its own name: it has the rows that the
 * service's deleted blobs had, too. */
static bool is_replaced(const struct search *search, const struct lake_day_source *source)
{
    const struct query_day *day = &search->day;
    if (source->span != TICK_PARTITION ||
        (source->kind != LAKE_BLOB_SERVICE && source->kind != LAKE_BLOB_EXPORT))
        return false;
    for (size_t i = 0; i < day->n; i++)
        if (day->blobs[i].tick == source->tick && is_anew(search, &day->blobs[i]))
            return true;
    return false;
}

static int compare_source(const struct query_blob *blob, const struct lake_day_source *source)
{
    if (blob->tick != source->tick)
        return blob->tick < source->tick ? -1 : 1;
    return strcmp(blob->name + blob->behind, source->name);
}

/* Compares the sources of the record with the blobs, both in order of tick and name: marks the blobs whose lines the files
 * do not have. */
static void mark_new(struct search *search, bool *changed)
{
    struct query_day *day = &search->day;
    const struct lake_day *record = day->record;
    size_t s = 0;
    for (size_t i = 0; i < day->n; i++) {
        struct query_blob *blob = &day->blobs[i];
        while (s < record->source_count && compare_source(blob, &record->sources[s]) > 0)
            s++;
        bool known = s < record->source_count && compare_source(blob, &record->sources[s]) == 0;
        while (known && s + 1 < record->source_count &&
               compare_source(blob, &record->sources[s + 1]) == 0)
            s++; /* what stood under the name before is gone */
        blob->read = !known || !is_same(search, blob, &record->sources[s]);
        *changed = *changed || blob->read;
    }
}

/* What the service writes under the name of a blob that is gone is new, and has not its rows: a blob of the service only
 * grows, so a smaller one is another. One that was going when a run was killed may be either: then rows of both are read,
 * of which those with one _ItemId count once. */
static bool is_added(const struct query_blob *blob, const struct lake_day_source *source)
{
    return source->kind == LAKE_BLOB_SERVICE &&
           (source->gone != LAKE_DAY_KEPT || blob->size < source->size);
}

static bool may_double(enum lake_blob_kind kind)
{
    return kind == LAKE_BLOB_EXPORT || kind == LAKE_BLOB_SERVICE;
}

/* Where one blob of a run is read whose rows may stand in others too, all of those are: only lines can be told apart. */
static void mark_runs(struct query_day *day)
{
    for (size_t i = 0, n; i < day->n; i += n) {
        bool any = false;
        for (n = 0; i + n < day->n && day->blobs[i + n].run == day->blobs[i].run; n++)
            any = any || (day->blobs[i + n].read && may_double(day->blobs[i + n].kind));
        for (size_t k = i; any && k < i + n; k++)
            day->blobs[k].read = day->blobs[k].read || may_double(day->blobs[k].kind);
    }
}

static bool mark_superseded(struct search *search, bool *changed, struct error *err)
{
    struct query_day *day = &search->day;
    const struct lake_day *record = day->record;
    size_t b = 0;
    for (size_t s = 0; s < record->source_count; s++) {
        const struct lake_day_source *source = &record->sources[s];
        if (source->tick + source->span <= search->from || source->tick >= search->to)
            continue;
        while (b < day->n && compare_source(&day->blobs[b], source) < 0)
            b++;
        bool later = s + 1 < record->source_count && strcmp(source->name, source[1].name) == 0;
        const struct query_blob *blob =
            !later && b < day->n && compare_source(&day->blobs[b], source) == 0 ? &day->blobs[b]
                                                                                : NULL;
        bool added = blob && blob->read && is_added(blob, source);
        bool stands = (blob && !blob->read) || added || (!blob && is_resting(search, source));
        bool there = blob && !added;
        if (stands && !(!there && is_replaced(search, source))) {
            day->gone = day->gone || !there;
            continue;
        }
        *changed = true;
        if (!supersede(search, s, err))
            return false;
    }
    return true;
}

static bool compare_record(struct search *search, struct error *err)
{
    struct query_day *day = &search->day;
    bool changed = false;
    mark_new(search, &changed);
    mark_runs(day);
    if (!mark_superseded(search, &changed, err))
        return false;
    const char *missing = search->known->missing[day->record - search->known->days.v];
    day->missing = day->gone ? missing : NULL;
    if (!changed && (day->gone || !missing))
        day->form = QUERY_DAY_FILES;
    else
        day->form = day->gone ? QUERY_DAY_BOTH : QUERY_DAY_LINES;
    for (size_t i = 0; i < day->n && day->form == QUERY_DAY_LINES; i++)
        day->blobs[i].read = true;
    if (day->form == QUERY_DAY_LINES)
        day->superseded_count = 0;
    return true;
}

/* --- what stands in files and lines ----------------------------------------------------------------------- */

static bool share(struct search *search, size_t source, struct error *err)
{
    struct query_day *day = &search->day;
    if (!mem_reserve(&search->shared, &search->shared_room, day->shared_count, SHARED_MAX,
                     sizeof *search->shared, err))
        return false;
    search->shared[day->shared_count++] =
        (struct engine_shared){.source = (uint32_t) source, .group = search->groups + 1};
    day->shared = search->shared;
    return true;
}

/* The sources whose rows are read from files, and may stand in lines of the run too: they are of its next group. */
static bool share_run(struct search *search, const struct run *run, bool *any, struct error *err)
{
    const struct query_day *day = &search->day;
    const struct lake_day *record = day->record;
    bool read = false;
    size_t left_out = 0, before = day->shared_count;
    for (size_t i = 0; i < run->n; i++)
        read = read || (run->v[i].read && may_double(run->v[i].kind));
    for (size_t s = 0; read && s < record->source_count; s++) {
        const struct lake_day_source *source = &record->sources[s];
        while (left_out < day->superseded_count && day->superseded[left_out] < s)
            left_out++;
        bool stays = left_out == day->superseded_count || day->superseded[left_out] != s;
        bool meets = source->tick < run->end && source->tick + source->span > run->begin;
        if (stays && meets && may_double(source->kind) && !share(search, s, err))
            return false;
    }
    *any = day->shared_count > before;
    return true;
}

static bool group_runs(struct search *search, struct error *err)
{
    struct query_day *day = &search->day;
    for (size_t i = 0, n; i < day->n; i += n) {
        struct run run = {
            .known = search->known, .v = &day->blobs[i], .begin = INT64_MAX, .end = INT64_MIN};
        for (n = 0; i + n < day->n && day->blobs[i + n].run == day->blobs[i].run; n++) {
            const struct query_blob *blob = &day->blobs[i + n];
            run.begin = blob->tick < run.begin ? blob->tick : run.begin;
            run.end = blob->tick + blob->span > run.end ? blob->tick + blob->span : run.end;
        }
        run.n = n;
        bool shared = false;
        if (day->record && day->form == QUERY_DAY_BOTH && !share_run(search, &run, &shared, err))
            return false;
        group(search, &run, shared);
    }
    return true;
}

/* --- the walk ------------------------------------------------------------------------------------------- */

static int compare_names(const void *left, const void *right)
{
    const struct query_blob *a = left, *b = right;
    if (a->tick != b->tick)
        return a->tick < b->tick ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void begin_day(struct search *search, int64_t tick)
{
    struct query_blob *blobs = search->day.blobs;
    search->day = (struct query_day){.day = tick_floor(tick, TICK_DAY), .blobs = blobs};
    search->any = true;
    buf_reset(&search->names);
}

/* Decides on the day whose blobs are gathered, and tells it. */
static bool end_day(struct search *search, struct error *err)
{
    struct query_day *day = &search->day;
    if (!search->any)
        return true;
    for (size_t i = 0; i < day->n; i++)
        day->blobs[i].name = search->names.bytes + search->at[i];
    day->record = lake_days_find(&search->known->days, day->day);
    number_runs(search);
    if (day->record) {
        if (day->n > 1)
            qsort(day->blobs, day->n, sizeof *day->blobs, compare_names);
        if (!compare_record(search, err))
            return false;
    }
    if (day->n > 1)
        qsort(day->blobs, day->n, sizeof *day->blobs, compare_blobs);
    search->any = false;
    return group_runs(search, err) && search->fn(search->context, day, err);
}

/* Tells days before `day` that have a record and no blob. */
static bool tell_records(struct search *search, int64_t day, struct error *err)
{
    const struct lake_days *days = &search->known->days;
    for (; search->next < days->n && days->v[search->next].day < day; search->next++) {
        int64_t begin = days->v[search->next].day;
        if (begin + TICK_DAY <= search->from || begin >= search->to)
            continue;
        begin_day(search, begin);
        if (!end_day(search, err))
            return false;
    }
    return true;
}

static bool add_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    struct search *search = context;
    struct query_day *day = &search->day;
    int64_t begin = tick_floor(blob->tick, TICK_DAY);
    if (!search->any || begin != day->day) {
        if (!end_day(search, err) || !tell_records(search, begin, err))
            return false;
        begin_day(search, begin);
        search->next += search->next < search->known->days.n &&
                        search->known->days.v[search->next].day == begin;
    }
    if (!mem_reserve(&day->blobs, &search->room, day->n, LAKE_BLOBS_MAX, sizeof *day->blobs, err) ||
        !mem_reserve(&search->at, &search->at_room, day->n, LAKE_BLOBS_MAX, sizeof *search->at,
                     err))
        return false;
    search->at[day->n] = search->names.used;
    day->blobs[day->n++] = (struct query_blob){.behind = search->behind,
                                               .tick = blob->tick,
                                               .span = blob->span,
                                               .modified = blob->modified,
                                               .size = blob->size,
                                               .kind = blob->kind,
                                               .number = blob->number};
    buf_put_str(&search->names, blob->name);
    buf_put(&search->names, "", 1);
    return buf_ok(&search->names, "names of blobs", err);
}

bool query_days(const struct query_known *known, int64_t from, int64_t to, query_day_fn *fn,
                void *context, struct error *err)
{
    struct search search = {.known = known,
                            .from = from,
                            .to = to,
                            .fn = fn,
                            .context = context,
                            .names = BUF_INIT(NAMES_MAX)};
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    lake_table_prefix(&prefix, known->place);
    search.behind = prefix.used + 1;
    bool ok = buf_ok(&prefix, "the name of a table", err) &&
              lake_blobs(known->store, known->place, from, to, add_blob, &search, err) &&
              end_day(&search, err) && tell_records(&search, INT64_MAX, err);
    buf_release(&prefix);
    buf_release(&search.names);
    mem_free(search.day.blobs);
    mem_free(search.at);
    mem_free(search.superseded);
    mem_free(search.shared);
    return ok;
}

bool query_day_missing(const struct query_day *day, struct error *err)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format(day->day, text);
    (void) error_set(err, ERROR_NOT_FOUND,
                     "parquet/%s of %.10s is missing or has another size, and its lines were "
                     "deleted",
                     day->missing, text);
    return error_hint(err,
                      "bring that file back from a copy; or move the day's record, "
                      "days/%.*s.jsonl, away, and its other files of parquet/%.*s, to do "
                      "without its rows",
                      (int) strlen("y=2021/m=11/d=07"), day->missing,
                      (int) strlen("y=2021/m=11/d=07"), day->missing);
}

/* --- what is on record ------------------------------------------------------------------------------------ */

struct seen_file {
    size_t name;
    uint64_t size;
};

/* The files of a remote store, by one listing. */
struct seen_files {
    struct store *store;
    size_t skip;
    struct seen_file *v;
    size_t n, room;
    struct buf names;
};

static bool see_file(void *context, const struct store_blob *blob, struct error *err)
{
    struct seen_files *seen = context;
    struct str path;
    if (!lake_name_below(blob->name, seen->skip, store_address(seen->store), &path, err) ||
        !mem_reserve(&seen->v, &seen->room, seen->n, FILES_MAX, sizeof *seen->v, err))
        return false;
    seen->v[seen->n++] = (struct seen_file){.name = seen->names.used, .size = blob->size};
    buf_put_str(&seen->names, path);
    buf_put(&seen->names, "", 1);
    return buf_ok(&seen->names, "names of files", err);
}

static int compare_seen(const void *left, const void *right, void *names)
{
    const struct seen_file *a = left, *b = right;
    return strcmp((const char *) names + a->name, (const char *) names + b->name);
}

static bool was_seen(const struct seen_files *seen, const struct lake_day_file *file)
{
    size_t low = 0, high = seen->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(seen->names.bytes + seen->v[middle].name, file->name);
        if (order == 0)
            return seen->v[middle].size == file->bytes;
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return false;
}

static bool is_there(const struct query_known *known, const struct lake_day_file *file, bool *there,
                     struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct error why = ERROR_INIT;
    uint64_t bytes = 0;
    lake_parquet_prefix(&name, known->place);
    buf_printf(&name, "/%s", file->name);
    bool ok = buf_ok(&name, "the name of a file", err);
    bool found = ok && store_stat(known->store, buf_text(&name), &bytes, &why);
    *there = found && bytes == file->bytes;
    buf_release(&name);
    return ok && (found || why.code == ERROR_NOT_FOUND || error_pass(err, &why));
}

/* On a disk each file is asked for, elsewhere all are listed. */
static bool look_for_files(struct query_known *known, struct error *err)
{
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    struct seen_files seen = {.store = known->store, .names = BUF_INIT(NAMES_MAX)};
    bool remote = store_remote(known->store), ok = true;
    lake_parquet_prefix(&prefix, known->place);
    seen.skip = prefix.used + 1;
    if (remote && known->days.n > 0)
        ok = store_list(known->store, buf_text(&prefix), see_file, &seen, err);
    if (seen.n > 1)
        qsort_r(seen.v, seen.n, sizeof *seen.v, compare_seen, seen.names.bytes);
    for (size_t i = 0; ok && i < known->days.n; i++) {
        const struct lake_day *day = &known->days.v[i];
        for (size_t k = 0; ok && k < day->file_count && !known->missing[i]; k++) {
            bool there = remote && was_seen(&seen, &day->files[k]);
            ok = remote || is_there(known, &day->files[k], &there, err);
            known->missing[i] = there ? NULL : day->files[k].name;
        }
    }
    buf_release(&prefix);
    buf_release(&seen.names);
    mem_free(seen.v);
    return ok;
}

bool query_known_init(struct query_known *known, struct store *store,
                      const struct lake_place *place, int64_t from, int64_t to, struct error *err)
{
    *known = (struct query_known){.store = store, .place = place};
    known->ledger = lake_ledger_open(store, place, err);
    if (!known->ledger ||
        !lake_imports_read(store, place, LAKE_IMPORTS_HEADS, &known->imports, err) ||
        !lake_days_read(&known->days, store, place, from, to, err))
        return false;
    known->missing = mem_alloc(known->days.n, sizeof *known->missing, err);
    return known->missing && look_for_files(known, err);
}

void query_known_release(struct query_known *known)
{
    lake_ledger_free(known->ledger);
    lake_imports_release(&known->imports);
    lake_days_release(&known->days);
    mem_free(known->missing);
    *known = (struct query_known){0};
}
