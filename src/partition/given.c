/* Inputs that are new; see given.h. */
#include "partition/given.h"

#include "base/file.h"
#include "base/memory.h"
#include "partition/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    STEP = 1024 * 1024, /* bytes hashed at once */
    NOTES_MAX = 5,      /* inputs that are named; of the others their number is told */
    LINE_ROOM = 16 * 1024,
    KEYS_MAX = 1 << 20 /* bytes of the keys of time columns */
};

static void note(struct part_givens *givens)
{
    const struct partition_watch *watch = givens->options->watch;
    if (watch && watch->note && buf_ok(&givens->line, "a note", NULL))
        watch->note(watch->context, buf_text(&givens->line));
    buf_reset(&givens->line);
}

/* --- standard input --- */

static bool copy_to_file(const struct part_input *input, int in, int fd, const char *path,
                         char *step, const struct stop *stop, struct error *err)
{
    while (part_stream_wait(in, input, stop, err)) {
        ssize_t got = read(in, step, STEP);
        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return error_set_errno(err, ERROR_IO, errno, "cannot read %s", input->name);
        if (got > 0 && !file_write_all(fd, step, (size_t) got, path, err))
            return false;
    }
    return false;
}

/* What can be read once only: standard input, a pipe. */
static bool is_once(const struct part_input *input)
{
    return input->kind != PART_INPUT_FILE && input->kind != PART_INPUT_BLOB;
}

static bool spool_to(const struct part_input *input, int in, const char *path, char *step,
                     const struct stop *stop, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot make %s", path);
    bool ok = copy_to_file(input, in, fd, path, step, stop, err);
    if (close(fd) != 0)
        ok = error_set_errno(err, ERROR_IO, errno, "cannot write %s", path);
    return ok;
}

static bool spool(struct part_input *input, const char *path, const struct stop *stop,
                  struct error *err)
{
    bool named = input->kind != PART_INPUT_STDIN;
    int in = named ? open(input->path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (in < 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot open %s", input->name);
    char *step = mem_alloc(STEP, 1, err);
    bool ok = step && spool_to(input, in, path, step, stop, err);
    mem_free(step);
    if (named)
        (void) close(in);
    char *copy = ok ? mem_copy(path, strlen(path), err) : NULL;
    if (!copy)
        return false;
    mem_free(input->path);
    input->path = copy;
    input->kind = PART_INPUT_FILE;
    return true;
}

/* A file in the scratch folder in its place, for who reads it twice. */
static bool spool_all(struct part_givens *givens, struct error *err)
{
    struct buf path = BUF_INIT(PART_INPUT_NAME_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < givens->inputs.n; i++) {
        struct part_input *input = &givens->inputs.v[i];
        if (!is_once(input))
            continue;
        buf_reset(&path);
        buf_printf(&path, "%s/once-%zu", givens->source.scratch, i);
        ok = buf_ok(&path, "a path", err) &&
             spool(input, buf_text(&path), givens->options->stop, err);
    }
    buf_release(&path);
    return ok;
}

/* --- opening --- */

static void describe(struct part_given *given)
{
    const struct part_source *source = given->source;
    given->kind = source->form->name;
    given->converted = source->converted;
    given->guessed = source->guessed;
    given->record.time = (struct lake_from){
        .key = source->time.key,
        .format = part_time_format_name(source->time.format),
        .zone = source->time.zone ? source->time.zone->name : "",
    };
}

/* A TimeGenerated that names its zone is found without a rule. */
static bool is_plain(const struct lake_from *time)
{
    return strcmp(time->key, "TimeGenerated") == 0 && strcmp(time->format, "iso") == 0 &&
           time->zone[0] == '\0';
}

static bool has_rule(const struct part_givens *givens, const struct lake_from *time)
{
    for (size_t i = 0; i < givens->n_from; i++) {
        const struct lake_from *from = &givens->from[i];
        if (strcmp(from->key, time->key) == 0 && strcmp(from->format, time->format) == 0 &&
            strcmp(from->zone, time->zone) == 0)
            return true;
    }
    return false;
}

/* By the rule of an input the rows of those behind it are read, too. */
static bool add_rule(struct part_givens *givens, const struct part_given *given, struct error *err)
{
    const struct lake_from *time = &given->record.time;
    if (given->converted || is_plain(time) || has_rule(givens, time))
        return true;
    if (givens->n_from == LAKE_FROM_MAX)
        return error_set(err, ERROR_LIMIT, "%s: the table's time is in more than %d places by then",
                         given->input->name, LAKE_FROM_MAX);
    char *key = arena_copy(&givens->keys, time->key, strlen(time->key), err);
    givens->from[givens->n_from] = (struct lake_from){key, time->format, time->zone};
    givens->n_from += key != NULL;
    givens->source.n_from = givens->n_from;
    return key != NULL;
}

static bool open_all(struct part_givens *givens, struct error *err)
{
    for (size_t i = 0; i < givens->n; i++) {
        struct part_given *given = &givens->v[i];
        if (stop_asked(givens->options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        given->input = &givens->inputs.v[i];
        given->source = part_source_open(given->input, &givens->source, err);
        if (!given->source)
            return false;
        given->record.name = given->input->name;
        describe(given);
        if (!add_rule(givens, given, err))
            return false;
    }
    return true;
}

static bool any_input(const struct part_givens *givens, struct error *err)
{
    const char *first = givens->options->inputs[0];
    size_t n = givens->options->input_count;
    if (givens->inputs.n > 0)
        return true;
    (void) error_set(err, ERROR_NOT_FOUND, "there is no log file in %s%s", first,
                     n > 1 ? ", nor in the others" : "");
    return error_hint(err,
                      "of a folder names are taken that end as those of logs do (.json, .jsonl, "
                      ".csv, .parquet ...); a file that is named itself may have any");
}

static void say_passed(struct part_givens *givens)
{
    if (part_inputs_say_passed(&givens->inputs, &givens->line))
        note(givens);
}

bool part_givens_open(struct part_givens *givens, const struct partition_options *options,
                      const struct lake_imports *imports, const struct lake_schema *schema,
                      const char *but, const char *scratch, struct part_seen *seen,
                      struct error *err)
{
    struct str table = str_of(options->place->table);
    *givens = (struct part_givens){.options = options, .imports = imports, .but = but};
    buf_init(&givens->line, LINE_ROOM);
    buf_init(&givens->said, LINE_ROOM);
    arena_init(&givens->keys, KEYS_MAX);
    givens->n_from = givens->held = schema ? schema->n_from : 0;
    for (size_t i = 0; i < givens->held; i++)
        givens->from[i] = schema->from[i];
    givens->source = (struct part_source_options){
        .time_column = options->time_column,
        .time_format = options->time_format,
        .time_zone = options->time_zone,
        .known = schema ? &schema->columns : options->known,
        .from = givens->from,
        .n_from = givens->n_from,
        .said = &givens->said,
        .custom = str_ends(table, STR("_CL")),
        .zones = &givens->zones,
        .seen = seen,
        .scratch = scratch,
        .stop = options->stop,
        .note = options->watch ? options->watch->note : NULL,
        .context = options->watch ? options->watch->context : NULL,
    };
    const struct part_outputs outputs = {
        .lake = store_remote(options->store) ? NULL : store_address(options->store),
        .files = options->outputs,
        .file_count = options->output_count};
    if (!part_inputs_expand(options->inputs, options->input_count, &outputs, options->remote,
                            &givens->inputs, err))
        return false;
    say_passed(givens);
    if (!any_input(givens, err))
        return false;
    givens->v = mem_alloc(givens->inputs.n, sizeof *givens->v, err);
    givens->sources = mem_alloc(givens->inputs.n, sizeof *givens->sources, err);
    givens->indexes = mem_alloc(givens->inputs.n, sizeof *givens->indexes, err);
    if (!givens->v || !givens->sources || !givens->indexes)
        return false;
    givens->n = givens->inputs.n;
    /* --dedup reads everything twice. */
    return (!options->dedup || spool_all(givens, err)) && open_all(givens, err);
}

void part_givens_release(struct part_givens *givens)
{
    for (size_t i = 0; i < givens->n; i++)
        part_source_free(givens->v[i].source);
    mem_free(givens->v);
    mem_free(givens->sources);
    mem_free(givens->indexes);
    part_zones_release(&givens->zones);
    part_inputs_release(&givens->inputs);
    buf_release(&givens->line);
    buf_release(&givens->said);
    arena_release(&givens->keys);
    *givens = (struct part_givens){0};
}

/* --- held, or twice --- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

/* The sizes of the inputs of all records and of this command, in order. */
static uint64_t *all_sizes(const struct part_givens *givens, size_t *count, struct error *err)
{
    size_t n = givens->n, at = 0;
    for (size_t i = 0; i < givens->imports->n; i++)
        n += givens->imports->v[i].n_inputs;
    uint64_t *sizes = mem_alloc(n, sizeof *sizes, err);
    if (!sizes)
        return NULL;
    for (size_t i = 0; i < givens->imports->n; i++)
        for (size_t k = 0; k < givens->imports->v[i].n_inputs; k++)
            sizes[at++] = givens->imports->v[i].inputs[k].bytes;
    for (size_t i = 0; i < givens->n; i++)
        if (!is_once(givens->v[i].input))
            sizes[at++] = givens->v[i].input->size;
    qsort(sizes, at, sizeof *sizes, by_size);
    *count = at;
    return sizes;
}

/* Its own size stands there once. */
static bool is_common(const uint64_t *sizes, size_t n, uint64_t size)
{
    const uint64_t *found = bsearch(&size, sizes, n, sizeof *sizes, by_size);
    return found &&
           ((found > sizes && found[-1] == size) || (found + 1 < sizes + n && found[1] == size));
}

static bool hash_file(const struct part_input *input, struct part_digest *digest, char *step,
                      const struct stop *stop, struct error *err)
{
    int fd = open(input->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;
    if (fd < 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot open %s", input->name);
    bool ok = true;
    while (ok && got != 0) {
        got = read(fd, step, STEP);
        if (stop_asked(stop))
            ok = error_set(err, ERROR_INTERRUPTED, "interrupted");
        else if (got < 0 && errno != EINTR)
            ok = error_set_errno(err, ERROR_IO, errno, "cannot read %s", input->name);
        else if (got > 0)
            ok = part_digest_feed(digest, step, (size_t) got, err);
    }
    (void) close(fd);
    return ok;
}

static bool hash_blob(struct store *store, const struct part_input *input,
                      struct part_digest *digest, char *step, const struct stop *stop,
                      struct error *err)
{
    struct store_reader *reader = store_reader_new(store, input->path, err);
    size_t got = 1;
    bool ok = reader != NULL;
    while (ok && got > 0) {
        if (stop_asked(stop))
            ok = error_set(err, ERROR_INTERRUPTED, "interrupted");
        ok = ok && store_reader_next(reader, step, STEP, &got, err) &&
             part_digest_feed(digest, step, got, err);
    }
    store_reader_free(reader);
    return ok;
}

static bool hash_one(struct part_givens *givens, struct part_given *given, char *step,
                     struct error *err)
{
    const struct part_input *input = given->input;
    const struct stop *stop = givens->options->stop;
    struct part_digest digest = {0};
    bool ok = input->kind == PART_INPUT_BLOB
                  ? hash_blob(input->store, input, &digest, step, stop, err)
                  : hash_file(input, &digest, step, stop, err);
    given->record.bytes = digest.bytes;
    ok = ok && part_digest_end(&digest, given->record.hash, err);
    part_digest_release(&digest);
    given->hashed = ok;
    return ok;
}

static bool hash_common(struct part_givens *givens, struct error *err)
{
    size_t n;
    uint64_t *sizes = all_sizes(givens, &n, err);
    char *step = sizes ? mem_alloc(STEP, 1, err) : NULL;
    bool ok = step != NULL;
    for (size_t i = 0; ok && i < givens->n; i++) {
        struct part_given *given = &givens->v[i];
        if (!is_once(given->input) && is_common(sizes, n, given->input->size))
            ok = hash_one(givens, given, step, err);
    }
    mem_free(step);
    mem_free(sizes);
    return ok;
}

static int by_hash(const void *a, const void *b)
{
    const struct part_given *x = *(struct part_given *const *) a;
    const struct part_given *y = *(struct part_given *const *) b;
    int differ = memcmp(x->record.hash, y->record.hash, sizeof x->record.hash);
    if (differ == 0 && x->record.bytes != y->record.bytes)
        return x->record.bytes < y->record.bytes ? -1 : 1;
    return differ != 0 ? differ : (x > y) - (x < y);
}

static bool is_same(const struct part_given *a, const struct part_given *b)
{
    return a->record.bytes == b->record.bytes &&
           memcmp(a->record.hash, b->record.hash, sizeof a->record.hash) == 0;
}

static void say_one(struct part_givens *givens, const struct part_given *given,
                    const struct part_given *before)
{
    if (before)
        buf_printf(&givens->line, "%s has the same bytes as %s: it counts once", given->input->name,
                   before->input->name);
    else
        buf_printf(&givens->line, "%s is in the lake already, by import %s", given->input->name,
                   given->held_by->id);
    if (!before && given->held_as->rejected > 0)
        buf_printf(&givens->line, ", but for what was rejected then: %llu of its lines",
                   (unsigned long long) given->held_as->rejected);
    note(givens);
}

static void say_more(struct part_givens *givens, size_t n)
{
    if (n <= NOTES_MAX)
        return;
    buf_printf(&givens->line, "so are %zu more", n - NOTES_MAX);
    note(givens);
}

/* The same bytes under other rules would stand in the lake twice, unless who asks for it leaves out what is equal. */
static bool refuse_twice(const struct part_givens *givens, const struct part_given *given,
                         struct error *err)
{
    const struct lake_import_given *held =
        givens->options->dedup ? NULL
                               : lake_imports_bytes(givens->imports, &given->record, givens->but);
    if (!held)
        return true;
    const struct lake_from *time = &held->input->time;
    (void) error_set(
        err, ERROR_SETTINGS,
        "%s is in the lake already by import %s, by other settings (time '%.80s', %s%s%s%s)",
        given->input->name, held->import->id, time->key ? time->key : "",
        time->format ? time->format : "", time->zone && time->zone[0] ? ", " : "",
        time->zone ? time->zone : "", held->import->dedup ? ", --dedup" : "");
    return error_hint(err,
                      "its rows would be there twice: --replace %s puts these in the place of all "
                      "that it brought, --dedup '*' leaves out rows that are equal",
                      held->import->id);
}

/* Of the hashed ones that are new: marks those that a live import has. */
static bool mark_held(struct part_givens *givens, size_t *count, struct error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < givens->n; i++) {
        struct part_given *given = &givens->v[i];
        if (!given->hashed || given->state != PART_GIVEN_NEW)
            continue;
        const struct lake_import_given *held = lake_imports_input(
            givens->imports, &given->record, givens->options->dedup, givens->but);
        if (!held && !refuse_twice(givens, given, err))
            return false;
        if (!held)
            continue;
        given->state = PART_GIVEN_HELD;
        given->held_by = held->import;
        given->held_as = held->input;
        if (++found <= NOTES_MAX)
            say_one(givens, given, NULL);
    }
    say_more(givens, found);
    *count = found;
    return true;
}

/* ... and those that have the bytes of one before. */
static bool mark_twice(struct part_givens *givens, size_t *count, struct error *err)
{
    struct part_given **order = mem_alloc(givens->n, sizeof *order, err);
    size_t n = 0, found = 0;
    if (!order)
        return false;
    for (size_t i = 0; i < givens->n; i++)
        if (givens->v[i].hashed && givens->v[i].state == PART_GIVEN_NEW)
            order[n++] = &givens->v[i];
    qsort(order, n, sizeof(struct part_given *), by_hash);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (!is_same(order[first], order[i])) {
            first = i;
            continue;
        }
        order[i]->state = PART_GIVEN_TWICE;
        if (++found <= NOTES_MAX)
            say_one(givens, order[i], order[first]);
    }
    say_more(givens, found);
    mem_free(order);
    *count = found;
    return true;
}

bool part_givens_look(struct part_givens *givens, struct error *err)
{
    size_t twice, held;
    return hash_common(givens, err) && mark_held(givens, &held, err) &&
           mark_twice(givens, &twice, err);
}

/* --- for the machine, and back --- */

bool part_givens_list(struct part_givens *givens, struct error *err)
{
    givens->source.note = NULL; /* all has been said */
    givens->source_count = 0;
    for (size_t i = 0; i < givens->n; i++) {
        struct part_given *given = &givens->v[i];
        if (given->state != PART_GIVEN_NEW)
            continue;
        if (given->source->closed) {
            struct part_source *again = part_source_open(given->input, &givens->source, err);
            if (!again)
                return false;
            part_source_free(given->source);
            given->source = again;
            describe(given);
            if (!add_rule(givens, given, err)) /* it may be another file by now */
                return false;
        }
        givens->indexes[givens->source_count] = i;
        givens->sources[givens->source_count++] = given->source;
    }
    return true;
}

bool part_givens_take(struct part_givens *givens, const struct part_machine_result *result,
                      bool *again, struct error *err)
{
    for (size_t i = 0; i < givens->source_count; i++) {
        struct part_given *given = &givens->v[givens->indexes[i]];
        const struct part_machine_source *is = &result->sources[i];
        given->record.bytes = is->bytes;
        given->record.rows = is->rows;
        given->record.rejected = is->rejected;
        given->blank = is->blank;
        memcpy(given->record.hash, is->hash, sizeof given->record.hash);
        given->hashed = true;
    }
    size_t twice, held;
    if (!mark_held(givens, &held, err) || !mark_twice(givens, &twice, err))
        return false;
    *again = held + twice > 0;
    return true;
}
