/* Buckets to partitions; see gather.h. */
#include "partition/gather.h"

#include "base/memory.h"
#include "partition/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RUN_MIN = 16 * 1024, /* mean run of a window below which a bucket is split */
    TABLE_FIRST = 256,
    SEGMENTS_MAX = 1 << 26,
    ROWS_MAX = 1 << 30, /* of one window */
    WINDOW_MIN = 4096
};

/* One partition of the window. */
struct group {
    uint32_t number;
    uint64_t bytes;
    size_t rows, first; /* of rows in order */
};

struct part_gather {
    struct part_gather_options options;
    unsigned worker, level;
    const struct part_segment **segments;
    size_t segment_count, segment_room;
    struct group *groups;
    size_t group_count, group_room;
    uint32_t *table; /* 1 + index of a group; 0: empty */
    size_t table_size;
    struct part_line *rows; /* of the window, by group */
    size_t row_room;
    struct part_run run;
    char *window;
    size_t window_room;
};

/* --- a window in order --- */

static size_t place_of(const struct part_gather *gather, uint32_t number)
{
    size_t mask = gather->table_size - 1;
    size_t at = (number * UINT32_C(2246822519) >> 9) & mask;
    while (gather->table[at] != 0 && gather->groups[gather->table[at] - 1].number != number)
        at = (at + 1) & mask;
    return at;
}

static bool grow_table(struct part_gather *gather, struct error *err)
{
    if (gather->group_count * 2 < gather->table_size)
        return true;
    size_t size = gather->table_size > 0 ? gather->table_size * 2 : TABLE_FIRST;
    uint32_t *table = mem_alloc(size, sizeof *table, err);
    if (!table)
        return false;
    mem_free(gather->table);
    gather->table = table;
    gather->table_size = size;
    for (size_t i = 0; i < gather->group_count; i++)
        gather->table[place_of(gather, gather->groups[i].number)] = (uint32_t) i + 1;
    return true;
}

static struct group *group_of(struct part_gather *gather, uint32_t number, struct error *err)
{
    uint32_t known = gather->table_size > 0 ? gather->table[place_of(gather, number)] : 0;
    if (known)
        return &gather->groups[known - 1];
    if (!grow_table(gather, err) ||
        !mem_reserve(&gather->groups, &gather->group_room, gather->group_count, PART_FILES_MAX,
                     sizeof *gather->groups, err))
        return NULL;
    gather->table[place_of(gather, number)] = (uint32_t) gather->group_count + 1;
    struct group *group = &gather->groups[gather->group_count++];
    *group = (struct group){.number = number};
    return group;
}

static bool count_groups(struct part_gather *gather, size_t *rows, struct error *err)
{
    gather->group_count = 0;
    memset(gather->table, 0, gather->table_size * sizeof *gather->table);
    *rows = 0;
    for (size_t s = 0; s < gather->segment_count; s++) {
        const struct part_segment *segment = gather->segments[s];
        for (uint32_t i = 0; i < segment->rows; i++) {
            struct group *group = group_of(gather, segment->heads[i].number, err);
            if (!group)
                return false;
            group->rows++;
            group->bytes += segment->heads[i].length;
        }
        *rows += segment->rows;
    }
    return true;
}

/* Rows of a group one behind the other, in the order of the segments. */
static bool order_rows(struct part_gather *gather, size_t rows, struct error *err)
{
    if (rows > gather->row_room) {
        mem_free(gather->rows);
        gather->row_room = 0;
        gather->rows = rows > ROWS_MAX ? NULL : mem_alloc(rows, sizeof *gather->rows, err);
        if (!gather->rows)
            return error_set(err, ERROR_LIMIT, "more than %d rows in one window", ROWS_MAX);
        gather->row_room = rows;
    }
    size_t first = 0;
    for (size_t i = 0; i < gather->group_count; i++) {
        gather->groups[i].first = first;
        first += gather->groups[i].rows;
        gather->groups[i].rows = 0;
    }
    for (size_t s = 0; s < gather->segment_count; s++) {
        const struct part_segment *segment = gather->segments[s];
        const char *text = part_segment_text(segment);
        for (uint32_t i = 0; i < segment->rows; i++) {
            const struct part_row_head *head = &segment->heads[i];
            struct group *group =
                &gather->groups[gather->table[place_of(gather, head->number)] - 1];
            gather->rows[group->first + group->rows++] =
                (struct part_line){text, head->length - 1, head->number};
            text += head->length;
        }
    }
    return true;
}

static bool write_group(struct part_gather *gather, const struct group *group, struct error *err)
{
    struct part_room room;
    return part_files_reserve(gather->options.files, group->number, group->bytes, group->rows,
                              &room, err) &&
           part_run_write(&gather->run, gather->options.files, gather->worker, &room,
                          gather->rows + group->first, group->rows, err);
}

static bool write_groups(struct part_gather *gather, size_t rows, struct error *err)
{
    if (!order_rows(gather, rows, err))
        return false;
    for (size_t i = 0; i < gather->group_count; i++) {
        if (stop_asked(gather->options.stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!write_group(gather, &gather->groups[i], err))
            return false;
    }
    return true;
}

static bool reserve_segments(struct part_gather *gather, size_t n, struct error *err)
{
    while (gather->segment_room < n)
        if (!mem_reserve(&gather->segments, &gather->segment_room, gather->segment_room,
                         SEGMENTS_MAX, sizeof *gather->segments, err))
            return false;
    return true;
}

/* --- in memory --- */

static bool find_batch(struct part_gather *gather, unsigned bucket, size_t *rows, struct error *err)
{
    const struct part_aside *aside = gather->options.aside;
    size_t n = part_aside_segments(aside, bucket, gather->segments, gather->segment_room);
    if (n > gather->segment_room) {
        if (!reserve_segments(gather, n, err))
            return false;
        n = part_aside_segments(aside, bucket, gather->segments, gather->segment_room);
    }
    gather->segment_count = n;
    return count_groups(gather, rows, err);
}

static uint64_t mean_run(const struct part_gather *gather)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < gather->group_count; i++)
        bytes += gather->groups[i].bytes;
    return gather->group_count > 0 ? bytes / gather->group_count : 0;
}

bool part_gather_measure(struct part_gather *gather, unsigned bucket, uint64_t *run,
                         struct error *err)
{
    size_t rows;
    if (!find_batch(gather, bucket, &rows, err))
        return false;
    *run = mean_run(gather);
    return true;
}

static bool gather_memory(struct part_gather *gather, unsigned bucket, struct error *err)
{
    size_t rows;
    return find_batch(gather, bucket, &rows, err) && write_groups(gather, rows, err);
}

/* --- in a file --- */

/* The file of a bucket, read in order. */
struct reading {
    const char *path;
    int fd;
    uint64_t at, size;
};

static bool read_all(const struct reading *reading, char *to, size_t n, struct error *err)
{
    for (size_t used = 0; used < n;) {
        ssize_t got = pread(reading->fd, to + used, n - used, (off_t) (reading->at + used));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set_errno(err, ERROR_IO, got < 0 ? errno : EIO, "cannot read %s",
                                   reading->path);
        used += (size_t) got;
    }
    return true;
}

static bool grow_window(struct part_gather *gather, size_t n, struct error *err)
{
    if (n <= gather->window_room)
        return true;
    mem_free(gather->window);
    gather->window_room = 0;
    gather->window = mem_alloc(n, 1, err);
    if (!gather->window)
        return false;
    gather->window_room = n;
    return true;
}

/* The segments that stand whole in the first n bytes of the window; *used: how many bytes they are. */
static bool find_segments(struct part_gather *gather, size_t n, size_t *used, struct error *err)
{
    gather->segment_count = 0;
    for (*used = 0; n - *used >= sizeof(struct part_segment);) {
        const struct part_segment *segment = (const void *) (gather->window + *used);
        if (segment->bytes > n - *used)
            break;
        if (segment->bytes < sizeof *segment)
            return error_set(err, ERROR_IO, "a temporary file of the lake was changed");
        if (!reserve_segments(gather, gather->segment_count + 1, err))
            return false;
        gather->segments[gather->segment_count++] = segment;
        *used += segment->bytes;
    }
    return true;
}

/* The next window: of options.load less what its rows need beside it, or of one segment that is larger. */
static bool next_window(struct part_gather *gather, struct reading *reading, struct error *err)
{
    uint64_t left = reading->size - reading->at, most = gather->options.load;
    if (most < WINDOW_MIN)
        most = WINDOW_MIN;
    size_t n = left < most ? (size_t) left : (size_t) most, used;
    struct part_segment head;
    if (left < sizeof head || !read_all(reading, (char *) &head, sizeof head, err))
        return error_set(err, ERROR_IO, "%s was changed", reading->path);
    if (head.bytes > n)
        n = head.bytes;
    if (n > left)
        return error_set(err, ERROR_IO, "%s was changed", reading->path);
    if (!grow_window(gather, n, err) || !read_all(reading, gather->window, n, err) ||
        !find_segments(gather, n, &used, err))
        return false;
    reading->at += used;
    return used > 0 || error_set(err, ERROR_IO, "%s was changed", reading->path);
}

/* --- a bucket of buckets --- */

/* The rows of the window into blocks of the next level. */
static bool set_window_aside(struct part_gather *gather, struct part_aside *aside,
                             struct error *err)
{
    enum { LINES = 512 };
    struct part_line lines[LINES];
    for (size_t s = 0; s < gather->segment_count; s++) {
        const struct part_segment *segment = gather->segments[s];
        const char *text = part_segment_text(segment);
        for (uint32_t i = 0; i < segment->rows;) {
            struct part_block *block;
            size_t n = 0;
            for (; n < LINES && i < segment->rows; i++) {
                const struct part_row_head *head = &segment->heads[i];
                lines[n++] = (struct part_line){text, head->length - 1, head->number};
                text += head->length;
            }
            if (!part_aside_make(aside, 0, lines, n, &block, err))
                return false;
            part_aside_put(aside, block);
        }
    }
    return true;
}

/* From the window that is in memory on. */
static bool split_rest(struct part_gather *gather, struct reading *reading,
                       struct part_aside *aside, struct error *err)
{
    for (;;) {
        if (stop_asked(gather->options.stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!set_window_aside(gather, aside, err))
            return false;
        if (reading->at == reading->size)
            return part_aside_end(aside, err);
        if (!next_window(gather, reading, err))
            return false;
    }
}

static bool gather_inner(struct part_gather *gather, struct part_aside *aside, struct error *err)
{
    struct part_gather_options options = gather->options;
    options.aside = aside;
    struct part_gather *inner = part_gather_new(&options, gather->worker, err);
    if (!inner)
        return false;
    inner->level = gather->level + 1;
    bool ok = true;
    for (unsigned b = 0; ok && b < PART_BUCKETS; b++)
        ok = part_gather_bucket(inner, b, err);
    part_gather_free(inner);
    return ok;
}

static bool split(struct part_gather *gather, struct reading *reading, struct error *err)
{
    char name[32];
    (void) snprintf(name, sizeof name, "inner-%u", gather->worker);
    struct part_aside_options options = {.folder = gather->options.folder,
                                         .name = name,
                                         .workers = 1,
                                         .level = gather->level + 1,
                                         .held = gather->options.load};
    struct part_aside *aside = part_aside_new(&options, err);
    if (!aside)
        return false;
    bool ok = split_rest(gather, reading, aside, err);
    mem_free(gather->window); /* the inner one has its own */
    gather->window = NULL;
    gather->window_room = 0;
    ok = ok && gather_inner(gather, aside, err);
    part_aside_free(aside);
    return ok;
}

/* Whether the partitions of a window have runs too short to be written one by one. */
static bool is_scattered(const struct part_gather *gather, const struct reading *reading)
{
    uint64_t run = gather->options.run > 0 ? gather->options.run : RUN_MIN;
    return gather->level + 1 < PART_LEVELS && reading->at < reading->size && mean_run(gather) < run;
}

static bool gather_reading(struct part_gather *gather, struct reading *reading, struct error *err)
{
    size_t rows;
    while (reading->at < reading->size) {
        bool first = reading->at == 0;
        if (!next_window(gather, reading, err) || !count_groups(gather, &rows, err))
            return false;
        if (first && is_scattered(gather, reading))
            return split(gather, reading, err);
        if (!write_groups(gather, rows, err))
            return false;
    }
    return true;
}

static bool gather_file(struct part_gather *gather, unsigned bucket, struct error *err)
{
    char path[PART_ASIDE_PATH_MAX];
    struct stat is;
    part_aside_path(gather->options.aside, bucket, path);
    struct reading reading = {.path = path, .fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (reading.fd < 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot open %s", path);
    bool ok = fstat(reading.fd, &is) == 0 ||
              error_set_errno(err, ERROR_IO, errno, "cannot read %s", path);
    reading.size = ok ? (uint64_t) is.st_size : 0;
    ok = ok && gather_reading(gather, &reading, err);
    (void) close(reading.fd);
    if (ok)
        (void) unlink(path); /* its room is wanted; else it goes with the folder */
    return ok;
}

bool part_gather_bucket(struct part_gather *gather, unsigned bucket, struct error *err)
{
    struct part_bucket is;
    part_aside_bucket(gather->options.aside, bucket, &is);
    if (is.bytes == 0)
        return true;
    return is.in_file ? gather_file(gather, bucket, err) : gather_memory(gather, bucket, err);
}

struct part_gather *part_gather_new(const struct part_gather_options *options, unsigned worker,
                                    struct error *err)
{
    struct part_gather *gather = mem_alloc(1, sizeof *gather, err);
    if (!gather)
        return NULL;
    gather->options = *options;
    gather->worker = worker;
    if (grow_table(gather, err))
        return gather;
    part_gather_free(gather);
    return NULL;
}

void part_gather_free(struct part_gather *gather)
{
    if (!gather)
        return;
    mem_free(gather->segments);
    mem_free(gather->groups);
    mem_free(gather->table);
    mem_free(gather->rows);
    part_run_release(&gather->run);
    mem_free(gather->window);
    mem_free(gather);
}
