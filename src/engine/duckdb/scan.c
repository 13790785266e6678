/* Objects of many files by many hands; see scan.h.
 *
 * A range [from, to) of a file holds the objects that begin in it. Its hand begins reading one byte before
 * `from` and skips to the first line end, so a line that begins at `from` is its own and one that is cut by
 * it is not; and it reads past `to` up to the end of its last object. Only files whose first line is a
 * whole object are cut, since in a pretty-printed file a line end may stand inside an object.
 *
 * Files of a group, and those of an opener, are never cut: a piece is then a run of files, read one after the other.
 */
#include "engine/duckdb/scan.h"

#include "base/memory.h"
#include "engine/duckdb/input.h"
#include "engine/duckdb/seen.h"
#include "json/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SLACK = 64, /* readable bytes behind the text, for the scanner */
    FIRST_ROOM = INPUT_STEP,
    SCAN_ID_MAX = 64 * 1024 /* an _ItemId without its escapes */
};

struct piece {
    uint64_t from, to;  /* of one file; to UINT64_MAX: all the rest */
    size_t file, count; /* files; more than one: each whole */
};

struct scan {
    struct scan_options options;
    struct piece *pieces; /* NULL: piece i is the whole of file i */
    size_t n, room;
    atomic_size_t next;
};

struct scan_hand {
    struct scan *scan;
    struct engine_opener opener; /* held: DuckDB may free the scan first. Without `open`: none */
    struct input *input;
    struct json_lines *lines;
    struct piece piece; /* its first file is the one that is read */
    void *handle;       /* of an opener, for the piece */
    struct seen *seen;  /* of the group; made with the first */
    uint32_t group;     /* of the file; 0: none */
    bool group_whole;   /* it has a file with all rows */
    struct buf id;      /* an id without its escapes */
    bool open, ended;   /* the piece has an open file; the file has no more bytes */
    bool skip;          /* the rest of a line that belongs to the piece before stands first */
    char *text;         /* room + SLACK bytes */
    size_t room, used, at;
    uint64_t base; /* byte of the file at which text begins */
    uint64_t own;  /* byte of the file at which the piece's first own line begins */
};

/* --- cutting -------------------------------------------------------------------------------------------- */

static bool add_piece(struct scan *scan, struct piece piece, struct error *err)
{
    if (!mem_reserve(&scan->pieces, &scan->room, scan->n, SIZE_MAX / sizeof piece,
                     sizeof scan->pieces[0], err))
        return false;
    scan->pieces[scan->n++] = piece;
    return true;
}

/* Whether the text begins with a line that is an object of its own. */
static bool one_object_a_line(const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n);
    struct str line = {text, end ? (size_t) (end - text) : 0};
    line = str_trim(line);
    return line.n >= 2 && line.p[0] == '{' && line.p[line.n - 1] == '}';
}

/* Whether a file may be cut at line ends. An error is left to who reads it in its turn. */
static bool can_be_cut(const char *path)
{
    bool can = false;
    char *head = mem_alloc(SCAN_FIRST_LINE, 1, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (head && fd >= 0) {
        ssize_t n = pread(fd, head, SCAN_FIRST_LINE, 0);
        const char *text = n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? head + 3 : head;
        can = n > 0 && one_object_a_line(text, (size_t) (head + n - text));
    }
    if (fd >= 0)
        (void) close(fd);
    mem_free(head);
    return can;
}

static bool cut_file(struct scan *scan, size_t file, struct error *err)
{
    struct stat status;
    const char *path = scan->options.paths[file];
    uint64_t size = 0, piece = scan->options.piece;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        size = (uint64_t) status.st_size;
    if (size <= 2 * piece || !can_be_cut(path))
        return add_piece(scan, (struct piece){0, UINT64_MAX, file, 1}, err);
    for (uint64_t from = 0; from < size; from += piece) {
        uint64_t to = size - from <= piece ? UINT64_MAX : from + piece;
        if (!add_piece(scan, (struct piece){from, to, file, 1}, err))
            return false;
    }
    return true;
}

static uint32_t group_of(const struct scan *scan, size_t file)
{
    return scan->options.groups ? scan->options.groups[file] : 0;
}

/* The file behind those that a file cannot be parted from. */
static size_t behind_group(const struct scan *scan, size_t file)
{
    uint32_t group = group_of(scan, file);
    size_t next = file + 1;
    while (group != 0 && next < scan->options.count && group_of(scan, next) == group)
        next++;
    return next;
}

/* Files of the disk: each for itself, or by ranges; groups whole. */
static bool cut_disk(struct scan *scan, struct error *err)
{
    size_t count = scan->options.count;
    bool look = count <= SCAN_LOOK_MAX;
    if (!look && !scan->options.groups) {
        scan->n = count;
        return true;
    }
    for (size_t i = 0, next; i < count; i = next) {
        next = behind_group(scan, i);
        struct piece piece = {0, UINT64_MAX, i, next - i};
        bool ok =
            look && group_of(scan, i) == 0 ? cut_file(scan, i, err) : add_piece(scan, piece, err);
        if (!ok)
            return false;
    }
    return true;
}

/* What a file counts for in a run: its bytes, or 1. */
static uint64_t weight(const struct scan *scan, size_t file)
{
    return scan->options.sizes ? scan->options.sizes[file] : 1;
}

static uint64_t run_weight(const struct scan *scan)
{
    const struct scan_options *options = &scan->options;
    uint64_t all = 0, hands = options->hands > 0 ? options->hands : 1;
    for (size_t i = 0; i < options->count; i++)
        all += weight(scan, i);
    uint64_t run = all / (hands * SCAN_RUNS_A_HAND), least = SCAN_RUN_FILES;
    if (options->sizes) {
        run = run < SCAN_RUN_MOST ? run : SCAN_RUN_MOST;
        least = SCAN_RUN_LEAST;
    }
    return run > least ? run : least;
}

static bool cut_opener(struct scan *scan, struct error *err)
{
    uint64_t most = run_weight(scan), run = 0;
    size_t begin = 0, count = scan->options.count;
    for (size_t i = 0, next; i < count; i = next) {
        next = behind_group(scan, i);
        for (size_t file = i; file < next; file++)
            run += weight(scan, file);
        if (run < most && next < count)
            continue;
        if (!add_piece(scan, (struct piece){0, UINT64_MAX, begin, next - begin}, err))
            return false;
        begin = next;
        run = 0;
    }
    return true;
}

struct scan *scan_new(const struct scan_options *options, struct error *err)
{
    struct scan *scan = mem_alloc(1, sizeof *scan, err);
    if (!scan)
        return NULL;
    scan->options = *options;
    if (scan->options.piece == 0)
        scan->options.piece = SCAN_PIECE;
    atomic_init(&scan->next, 0);
    if (!(options->opener ? cut_opener : cut_disk)(scan, err)) {
        scan_free(scan);
        return NULL;
    }
    return scan;
}

void scan_free(struct scan *scan)
{
    if (!scan)
        return;
    mem_free(scan->pieces);
    mem_free(scan);
}

size_t scan_pieces(const struct scan *scan)
{
    return scan->n;
}

/* --- hands ---------------------------------------------------------------------------------------------- */

struct scan_hand *scan_hand_new(struct scan *scan, struct error *err)
{
    struct scan_hand *hand = mem_alloc(1, sizeof *hand, err);
    if (!hand)
        return NULL;
    hand->scan = scan;
    hand->room = FIRST_ROOM;
    if (scan->options.opener)
        hand->opener = *scan->options.opener;
    if (hand->opener.hold)
        hand->opener.hold(hand->opener.context);
    hand->text = mem_alloc(hand->room + SLACK, 1, err);
    hand->input = input_new(err);
    buf_init(&hand->id, SCAN_ID_MAX);
    struct json_lines_options options = {.keys = scan->options.keys,
                                         .count = scan->options.key_count};
    hand->lines = json_lines_new(&options, err);
    if (!hand->text || !hand->input || !hand->lines) {
        scan_hand_free(hand);
        return NULL;
    }
    return hand;
}

void scan_hand_free(struct scan_hand *hand)
{
    if (!hand)
        return;
    if (hand->handle)
        hand->opener.close(hand->handle);
    if (hand->opener.release)
        hand->opener.release(hand->opener.context);
    json_lines_free(hand->lines);
    input_free(hand->input);
    seen_free(hand->seen);
    buf_release(&hand->id);
    mem_free(hand->text);
    mem_free(hand);
}

static const char *hand_path(const struct scan_hand *hand)
{
    return hand->scan->options.paths[hand->piece.file];
}

/* What stands in the group before its files. */
static bool add_seeds(struct scan_hand *hand, struct error *err)
{
    const struct scan_options *options = &hand->scan->options;
    size_t low = 0, high = options->seed_count;
    bool first;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        *(options->seeds[middle].group < hand->group ? &low : &high) =
            options->seeds[middle].group < hand->group ? middle + 1 : middle;
    }
    for (; low < options->seed_count && options->seeds[low].group == hand->group; low++)
        if (!seen_add_hash(hand->seen, options->seeds[low].hash, &first, err))
            return false;
    return true;
}

/* The group of the file that is read next. */
static bool begin_group(struct scan_hand *hand, struct error *err)
{
    const struct scan *scan = hand->scan;
    uint32_t group = group_of(scan, hand->piece.file);
    if (group == hand->group)
        return true;
    hand->group = group;
    if (group == 0)
        return true;
    if (!hand->seen)
        hand->seen = seen_new(ENGINE_GROUP_ROWS_MAX, err);
    if (!hand->seen)
        return false;
    seen_reset(hand->seen);
    hand->group_whole = false;
    const unsigned char *roles = scan->options.roles;
    size_t end = behind_group(scan, hand->piece.file);
    for (size_t i = hand->piece.file; roles && i < end; i++)
        hand->group_whole = hand->group_whole || roles[i] == ENGINE_WHOLE;
    return add_seeds(hand, err);
}

/* Opens the first file of the piece. */
static bool begin_file(struct scan_hand *hand, struct error *err)
{
    const struct engine_opener *opener = &hand->opener;
    hand->skip = hand->piece.from > 0;
    hand->base = hand->piece.from - (hand->skip ? 1 : 0);
    hand->used = hand->at = 0;
    hand->own = hand->piece.from;
    hand->ended = false;
    json_lines_reset(hand->lines);
    if (!begin_group(hand, err))
        return false;
    hand->open = true;
    if (opener->open)
        input_take(hand->input, opener, hand->handle, hand_path(hand));
    else
        hand->open = input_open(hand->input, hand_path(hand), hand->base, err);
    return hand->open;
}

/* Opens the next file of the piece, or the next free piece; false with no error set when there is none. */
static bool take_file(struct scan_hand *hand, struct error *err)
{
    struct scan *scan = hand->scan;
    const struct engine_opener *opener = &hand->opener;
    if (hand->piece.count > 1) {
        hand->piece.file++;
        hand->piece.count--;
        return begin_file(hand, err);
    }
    if (hand->handle)
        opener->close(hand->handle);
    hand->handle = NULL;
    size_t i = atomic_fetch_add_explicit(&scan->next, 1, memory_order_relaxed);
    if (i >= scan->n) {
        atomic_store_explicit(&scan->next, scan->n, memory_order_relaxed);
        return false;
    }
    hand->piece = scan->pieces ? scan->pieces[i] : (struct piece){0, UINT64_MAX, i, 1};
    if (opener->open &&
        !opener->open(opener->context, hand->piece.file, hand->piece.count, &hand->handle, err)) {
        hand->handle = NULL;
        return false;
    }
    return begin_file(hand, err);
}

static void close_file(struct scan_hand *hand)
{
    input_close(hand->input);
    hand->open = false;
}

/* Moves what is not read yet to the front and reads more behind it; a whole buffer of one object grows. */
static bool refill(struct scan_hand *hand, struct error *err)
{
    if (hand->at > 0) {
        memmove(hand->text, hand->text + hand->at, hand->used - hand->at);
        hand->base += hand->at;
        hand->used -= hand->at;
        hand->at = 0;
    }
    if (hand->used == hand->room) {
        size_t room = hand->room * 2 < JSON_ROW_MAX ? hand->room * 2 : JSON_ROW_MAX;
        if (hand->room >= JSON_ROW_MAX)
            return error_set(err, ERROR_LIMIT, "%s: an object is longer than %d bytes",
                             hand_path(hand), JSON_ROW_MAX);
        char *bigger = mem_resize(hand->text, room + SLACK, 1, err);
        if (!bigger)
            return false;
        hand->text = bigger;
        hand->room = room;
    }
    size_t got = 0;
    if (!input_read(hand->input, hand->text + hand->used, hand->room - hand->used, &got, err))
        return false;
    hand->used += got;
    hand->ended = got == 0;
    memset(hand->text + hand->used, 0, SLACK);
    return true;
}

/* Skips to behind the first line end; true when it is found. */
static bool skip_line(struct scan_hand *hand)
{
    const char *end = memchr(hand->text + hand->at, '\n', hand->used - hand->at);
    hand->at = end ? (size_t) (end + 1 - hand->text) : hand->used;
    hand->skip = !end;
    hand->own = hand->base + hand->at;
    return end != NULL;
}

/* Lines of the file before byte `end`, for an error in a later range of it. */
static uint64_t count_lines(const char *path, uint64_t end)
{
    uint64_t lines = 0;
    char *block = mem_alloc(INPUT_STEP, 1, NULL);
    int fd = block && end > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    for (uint64_t at = 0; fd >= 0 && at < end;) {
        size_t want = end - at < INPUT_STEP ? (size_t) (end - at) : INPUT_STEP;
        ssize_t got = pread(fd, block, want, (off_t) at);
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            lines += block[i] == '\n';
        at += (uint64_t) got;
    }
    if (fd >= 0)
        (void) close(fd);
    mem_free(block);
    return lines;
}

/* The scanner counts lines from where the piece's first own line begins. */
static void add_place(const struct scan_hand *hand, const struct error *why, struct error *err)
{
    const char *path = hand_path(hand);
    uint64_t line = count_lines(path, hand->own) + (why->line > 0 ? (uint64_t) why->line : 1);
    (void) error_set(err, why->code, "%s: line %llu: %s", path, (unsigned long long) line,
                     why->message);
}

/* One step within the open piece: 1, 0 (no object, go on or end: see hand->open), -1. */
static int step(struct scan_hand *hand, struct scan_object *out, struct error *err)
{
    if (hand->used == hand->at && !hand->ended)
        return refill(hand, err) ? 0 : -1;
    if (hand->skip && !skip_line(hand)) {
        if (hand->ended)
            close_file(hand);
        return 0;
    }
    if (hand->base + hand->at >= hand->piece.to) {
        close_file(hand);
        return 0;
    }
    struct error why = ERROR_INIT;
    struct str text = {hand->text, hand->used};
    int found = json_lines_next(hand->lines, text, &hand->at, hand->ended, &out->json, &why);
    if (found < 0) {
        add_place(hand, &why, err);
        return -1;
    }
    if (found == 0) {
        if (!hand->ended)
            return refill(hand, err) ? 0 : -1;
        close_file(hand);
        return 0;
    }
    out->file = hand->piece.file;
    out->offset = hand->base + (uint64_t) (out->json.bytes.p - hand->text);
    if (out->offset < hand->piece.to)
        return 1;
    close_file(hand);
    return 0;
}

int scan_hand_next(struct scan_hand *hand, struct scan_object *out, struct error *err)
{
    struct error why = ERROR_INIT;
    for (;;) {
        if (!hand->open && !take_file(hand, &why))
            break;
        int found = step(hand, out, &why);
        if (found > 0)
            return 1;
        if (found < 0)
            break;
    }
    if (why.code == ERROR_NONE)
        return 0;
    (void) error_pass(err, &why);
    return -1;
}

/* --- groups --------------------------------------------------------------------------------------------- */

/* The object's _ItemId without its escapes; empty when it has none. */
static bool find_id(struct scan_hand *hand, const struct json_object *object, struct str *out,
                    struct error *err)
{
    size_t key = hand->scan->options.id_key;
    const struct json_cell *cell = &object->cells[key];
    *out = (struct str){NULL, 0};
    if (!object->present[key] || cell->kind == JSON_KIND_NULL || cell->kind == JSON_KIND_NONE)
        return true;
    *out = (struct str){object->bytes.p + cell->start, cell->length};
    if (!cell->escaped)
        return true;
    buf_reset(&hand->id);
    bool valid = json_unescape(*out, &hand->id);
    *out = buf_str(&hand->id);
    return buf_ok(&hand->id, "an _ItemId", err) &&
           (valid || error_set(err, ERROR_FORMAT, "an _ItemId is not valid"));
}

bool scan_hand_doubled(struct scan_hand *hand, const struct scan_object *object, bool *doubled,
                       struct error *err)
{
    const struct scan_options *options = &hand->scan->options;
    struct str id;
    struct error why = ERROR_INIT;
    bool first = true;
    *doubled = false;
    if (hand->group == 0)
        return true;
    bool ok = find_id(hand, &object->json, &id, &why);
    if (ok && id.n == 0)
        first = !hand->group_whole || options->roles[object->file] == ENGINE_WHOLE;
    else
        ok = ok && seen_add(hand->seen, id, &first, &why);
    *doubled = !first;
    if (ok)
        return true;
    (void) error_prefix(&why, "%s", options->paths[object->file]);
    return error_pass(err, &why);
}
