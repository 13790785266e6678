/* Sources: one input (a file, standard input, a blob) as rows of the lake, whatever its form.
 *
 * Who implements a form fills a struct part_form; who reads knows only this header. An input is read in pieces:
 *
 *     part_source_open     what it is, by its content; which column is its time, by its first rows
 *     part_source_take     serial, under the caller's lock: the next piece, in the order of the input
 *     part_source_rows     parallel: a piece as lines of the lake, each with its tick, and its rejects
 *     part_source_end      after the last piece: hash and length of what was read
 *
 * Plain JSON lines (source_lines.c) take a range of offsets and read it in part_source_rows; streams read, unpack and
 * cut at ends of lines in part_source_take. Pieces belong to the caller, one to a worker, and are used again and again.
 */
#ifndef WEIR_PARTITION_SOURCE_H
#define WEIR_PARTITION_SOURCE_H

#include "base/stop.h"
#include "lake/schema.h"
#include "partition/digest.h"
#include "partition/inputs.h"
#include "partition/reject.h"
#include "partition/time.h"

enum {
    PART_PIECE_BLOCKS = 2, /* of a digest; so many bytes a piece is, more or less: */
    PART_PIECE = PART_PIECE_BLOCKS * PART_DIGEST_BLOCK, /* it grows for a longer line */
    PART_SAMPLE_BYTES = 8 * 1024 * 1024,                /* looked at before the first row is read */
    PART_PIECE_BYTES_MAX = 4 * PART_LINE_MAX,           /* of its bytes, and of its text */
    PART_PIECE_ROWS_MAX = PART_PIECE_BYTES_MAX / 2      /* the shortest object is {} and LF */
};

/* A row: text[start .. start + length) of its chunk is its line, without LF. Where the next row starts one byte behind
 * its end, that byte is an LF, so that both go out in one write. */
struct part_row {
    int64_t tick;
    uint32_t start, length;
};

/* A line that is not taken. `line` counts from 0 within the chunk: the line of the input on which it begins. */
struct part_reject {
    uint64_t line;
    uint32_t start, length; /* of its text in the chunk (at most what the reject file needs) */
    enum part_reason reason;
};

/* What a piece holds. Rows and rejects are in the order of the input. */
struct part_chunk {
    const char *text; /* lent by the piece until it is taken anew; below 4 GiB */
    struct part_row *rows;
    size_t row_count, row_room;
    struct part_reject *rejects;
    size_t reject_count, reject_room;
    uint64_t
        lines; /* of the input that it covers: the next chunk's first line is so many further */
    struct part_seen *seen; /* lent, a worker's own, or NULL: keys that are met go there (seen.h) */
};

void part_chunk_reset(struct part_chunk *chunk); /* empty; memory and `seen` stay */
void part_chunk_release(struct part_chunk *chunk);
/* One more; false with ERROR_MEMORY. For those who make chunks. */
bool part_chunk_row(struct part_chunk *chunk, const struct part_row *row, struct error *err);
bool part_chunk_reject(struct part_chunk *chunk, const struct part_reject *reject,
                       struct error *err);

/* One record of a piece that is not JSON lines, as the serial half found it. */
struct part_record {
    uint64_t line;          /* of the input on which it begins, counted from the piece's first */
    int64_t tick;           /* where it is known by then */
    uint32_t start, length; /* in `raw`, or in `text` if that is made */
    enum part_reason reason;
};

/* A part of an input, on its way through one worker. */
struct part_piece {
    uint64_t number;         /* of its source's pieces, from 0: their order */
    uint64_t offset, length; /* plain lines: the range of the file whose lines begin in it ... */
    /* ... and the digests of its blocks, from part_source_rows on */
    unsigned char digests[PART_PIECE_BLOCKS * PART_DIGEST_SIZE];
    struct buf raw;  /* the others: bytes of the input, unpacked */
    struct buf text; /* lines of the lake, if they are not those bytes */
    struct part_record *records;
    size_t record_count, record_room;
    uint64_t lines; /* of the input that it covers, where the serial half knows it */
};

void part_piece_init(struct part_piece *piece);
void part_piece_release(struct part_piece *piece);
/* One more; false with ERROR_MEMORY, ERROR_LIMIT. For those who make pieces. */
bool part_piece_record(struct part_piece *piece, const struct part_record *record,
                       struct error *err);

/* Keeps the beginning of a record of `raw` behind piece->text, for its reject: sets *reject. */
bool part_piece_keep(struct part_piece *piece, const struct part_record *record,
                     struct part_reject *reject, struct error *err);

struct part_source;
struct part_seen;
struct part_guess;

/* What the user said, and what lies around; all lent for the life of the source. */
struct part_source_options {
    const char *time_column; /* --time-column; NULL: guessed */
    const char *time_format; /* --time-format; NULL: iso, or what the header and the values say */
    const char *time_zone; /* --time-zone, of times that name none, nor their header; NULL: none */
    const struct columns *known;  /* of the table, for CSV and Parquet; NULL: nothing */
    bool custom;                  /* a custom table (_CL): suffixes of names tell types */
    const struct lake_from *from; /* of the table's schema: how its readers find times already */
    size_t n_from;
    struct buf *said; /* what was said last of a time column: not said again; NULL: always said */
    struct part_zones *zones; /* must be there */
    struct part_seen *seen;   /* columns that a header tells go there; NULL: not wanted */
    const char *scratch; /* folder for Parquet that is no file on the disk; NULL: it is refused */
    const struct stop *stop;
    void (*note)(void *context, const char *line); /* what is said aloud; NULL: nobody listens */
    void *context;
};

/* What the first rows are looked at for: the time column. */
struct part_sample {
    struct part_guess *guess;
    struct buf line; /* without white space */
    size_t at;       /* of JSON lines: what was looked at */
};
bool part_sample_wants(const struct part_sample *sample); /* false: it has seen enough */
/* An object as it stands in the input; what is none is passed over. */
bool part_sample_object(struct part_sample *sample, struct str object, struct error *err);

/* One form of input. Functions as those of the source below. */
struct part_form {
    const char *name; /* "JSON lines", "JSON array", "CSV", "Parquet" */
    bool (*open)(struct part_source *source, struct error *err); /* sets source->self */
    /* Looks at the first rows: in `ahead`, the bytes that come first, all of them if `last`. NULL: JSON lines. */
    bool (*sample)(struct part_source *source, struct str ahead, bool last,
                   struct part_sample *sample, struct error *err);
    bool (*settled)(struct part_source *source,
                    struct error *err); /* the time is; NULL: nothing to do */
    bool (*take)(struct part_source *source, struct part_piece *piece, bool *end,
                 struct error *err);
    bool (*rows)(const struct part_source *source, struct part_piece *piece,
                 struct part_chunk *chunk, struct error *err);
    void (*close)(struct part_source *source); /* self may be NULL */
};

extern const struct part_form part_form_lines;  /* plain JSON lines of a file: source_lines.c */
extern const struct part_form part_form_stream; /* packed or piped JSON lines */
extern const struct part_form part_form_array;
extern const struct part_form part_form_csv;
extern const struct part_form part_form_parquet;

struct part_source {
    const struct part_input *input; /* lent */
    const struct part_source_options *options;
    const struct part_form *form;
    struct part_time time; /* settled by part_source_open */
    bool guessed;          /* the time column was not named by the user, nor is it TimeGenerated */
    bool zeek;             /* the input is Zeek's */
    bool converted;        /* lines are made anew (CSV, Parquet): they have TimeGenerated */
    unsigned bom;          /* bytes of a byte-order mark at its start, 0 or 3 */
    bool closed;           /* by part_source_close: nothing can be taken any more */
    uint64_t pieces;       /* taken so far */
    struct part_stream *stream; /* bytes of the input, unpacked; NULL: not open, or plain lines */
    struct part_digest digest;  /* of its bytes as they are stored */
    void *self;                 /* of the form */
};

/* Leaves no file open: a file that is a stream is opened again by the first take.
 * Finds the form and the time column, says the latter aloud when it was guessed, and refuses (ERROR_SETTINGS, with
 * the candidates) when it cannot be told: before anything is written. ERROR_FORMAT for what is no input at all. */
struct part_source *part_source_open(const struct part_input *input,
                                     const struct part_source_options *options, struct error *err);
void part_source_free(struct part_source *source);
/* Gives back what reading needs, once all pieces went through part_source_rows; twice is fine. What is told about the input
 * stays: part_source_end may follow. */
void part_source_close(struct part_source *source);

/* The next piece; *end: there is none. One thread at a time. ERROR_FORMAT for an input that breaks off (packed bytes
 * that are cut, an array that does not end): the import has no other way than to fail. */
bool part_source_take(struct part_source *source, struct part_piece *piece, bool *end,
                      struct error *err);

/* A piece as rows. Any thread, several at once, each with a piece and a chunk of its own; the chunk is reset first. */
bool part_source_rows(const struct part_source *source, struct part_piece *piece,
                      struct part_chunk *chunk, struct error *err);

/* After the last piece's take: the input's hash (partition/digest.h) and stored bytes. For plain lines the caller puts
 * the digests of the blocks (part_digest_put) as pieces are read, in any order, and then asks this. */
bool part_source_end(struct part_source *source, unsigned char hash[PART_DIGEST_SIZE],
                     uint64_t *bytes, struct error *err);

/* JSON lines in memory as rows, the common half of lines, stream and array (source_lines.c): `text` holds whole lines,
 * the last with or without LF; `chunk` is filled from empty and lends it. One line is at most PART_LINE_MAX, or
 * rejected. */
bool part_lines_rows(const struct part_time *time, struct str text, struct part_chunk *chunk,
                     struct error *err);

#endif
