/* Sources read to their ends; see taken.h. */
#include "tests/partition/taken.h"

#include "base/file.h"
#include "base/memory.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

const char *taken_folder(void)
{
    static char folder[] = "/tmp/weir-taken-XXXXXX";
    static bool made = false;
    if (!made)
        assert_non_null(mkdtemp(folder));
    made = true;
    return folder;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
    (void) about;
    (void) type;
    (void) at;
    return remove(path);
}

void taken_clean(void)
{
    (void) nftw(taken_folder(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *taken_file(const char *name, const void *bytes, size_t n)
{
    struct error err = ERROR_INIT;
    struct buf path = BUF_INIT(4096);
    path_join(&path, taken_folder(), name);
    if (!file_write(buf_text(&path), (struct str){bytes, n}, 0600, false, &err))
        fail_msg("%s", err.message);
    return buf_take(&path);
}

char *taken_text(const char *name, const char *text)
{
    return taken_file(name, text, strlen(text));
}

static void keep_note(void *context, const char *line)
{
    struct taken *out = context;
    free(out->note);
    out->note = strdup(line);
}

static char *copy(const char *bytes, size_t n)
{
    char *text = malloc(n + 1);
    assert_non_null(text);
    memcpy(text, bytes, n);
    text[n] = '\0';
    return text;
}

static void gather(const struct part_chunk *chunk, struct taken *out)
{
    out->rows = realloc(out->rows, (out->row_count + chunk->row_count + 1) * sizeof *out->rows);
    out->rejects =
        realloc(out->rejects, (out->reject_count + chunk->reject_count + 1) * sizeof *out->rejects);
    assert_non_null(out->rows);
    assert_non_null(out->rejects);
    for (size_t i = 0; i < chunk->row_count; i++) {
        const struct part_row *row = &chunk->rows[i];
        out->rows[out->row_count++] = (struct taken_row){
            .line = copy(chunk->text + row->start, row->length), .tick = row->tick};
    }
    for (size_t i = 0; i < chunk->reject_count; i++) {
        const struct part_reject *reject = &chunk->rejects[i];
        out->rejects[out->reject_count++] =
            (struct taken_reject){.line = out->lines + reject->line + 1,
                                  .reason = reject->reason,
                                  .text = copy(chunk->text + reject->start, reject->length)};
    }
    out->lines += chunk->lines;
}

/* Two pieces are used in turn, and a piece is read after the next one was taken, as two workers would. */
static bool read_pieces(struct part_source *source, struct part_seen *seen, struct taken *out,
                        struct error *err)
{
    struct part_piece pieces[2];
    struct part_chunk chunk = {.seen = seen};
    bool end = false, ok = true, waiting = false;
    part_piece_init(&pieces[0]);
    part_piece_init(&pieces[1]);
    for (unsigned i = 0; ok && !end; i ^= 1) {
        ok = part_source_take(source, &pieces[i], &end, err);
        if (ok && waiting) {
            part_seen_at(seen, 0, pieces[i ^ 1].number);
            ok = part_source_rows(source, &pieces[i ^ 1], &chunk, err);
            if (ok)
                gather(&chunk, out);
        }
        if (ok && source->form == &part_form_lines && waiting)
            ok = part_digest_put(&source->digest, pieces[i ^ 1].offset / PART_DIGEST_BLOCK,
                                 pieces[i ^ 1].length, pieces[i ^ 1].digests, err);
        waiting = true;
    }
    part_piece_release(&pieces[0]);
    part_piece_release(&pieces[1]);
    part_chunk_release(&chunk);
    return ok;
}

static void tell(const struct part_source *source, struct taken *out)
{
    out->key = strdup(source->time.key);
    out->format = source->time.format;
    out->zone = source->time.zone ? strdup(source->time.zone->name) : NULL;
    out->form = source->form->name;
    out->zeek = source->zeek;
    out->guessed = source->guessed;
}

bool taken_read(const char *path, const struct part_source_options *given, struct taken *out,
                struct error *err)
{
    struct part_zones zones = {0};
    struct part_source_options options = given ? *given : (struct part_source_options){0};
    bool piped = strcmp(path, "-") == 0;
    struct part_input input = {.kind = PART_INPUT_FILE, .name = strdup(path), .path = strdup(path)};
    struct stat about;
    if (piped)
        input.kind = PART_INPUT_STDIN;
    else if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        input.kind = PART_INPUT_PIPE;
    *out = (struct taken){0};
    options.zones = &zones;
    options.seen = part_seen_new(err);
    options.scratch = taken_folder();
    options.note = keep_note;
    options.context = out;
    if (options.seen)
        part_seen_at(options.seen, 0, 0);
    struct part_source *source = options.seen ? part_source_open(&input, &options, err) : NULL;
    bool ok = source && read_pieces(source, options.seen, out, err);
    if (ok)
        tell(source, out);
    if (source) {
        part_source_close(source);
        part_source_close(source);
    }
    ok = ok && part_source_end(source, out->hash, &out->bytes, err) &&
         part_seen_columns(options.seen, options.known, options.custom, &out->columns, err);
    part_source_free(source);
    part_seen_free(options.seen);
    part_zones_release(&zones);
    free(input.name);
    free(input.path);
    if (!ok)
        taken_release(out);
    return ok;
}

void taken_all(const char *path, const struct part_source_options *options, struct taken *out)
{
    struct error err = ERROR_INIT;
    if (!taken_read(path, options, out, &err))
        fail_msg("%s: %s", path, err.message);
}

void taken_release(struct taken *taken)
{
    for (size_t i = 0; i < taken->row_count; i++)
        free(taken->rows[i].line);
    for (size_t i = 0; i < taken->reject_count; i++)
        free(taken->rejects[i].text);
    free(taken->rows);
    free(taken->rejects);
    free(taken->note);
    free(taken->key);
    free(taken->zone);
    columns_release(&taken->columns);
    *taken = (struct taken){0};
}
