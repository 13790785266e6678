/* Headers of CSV files; see csv.h. */
#include "engine/duckdb/csv.h"

#include "base/memory.h"

void csv_header_release(struct csv_header *header)
{
    for (size_t i = 0; i < header->n; i++)
        mem_free(header->names[i]);
    mem_free(header->names);
    *header = (struct csv_header){0};
}

bool csv_header_same(const struct csv_header *a, const struct csv_header *b)
{
    if (a->n != b->n || a->gz != b->gz)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    }
    return true;
}

/* Where the record ends: at a line end outside of quotes, or SIZE_MAX when it goes on. */
static size_t record_end(struct str text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text.p[i] == '\n' || text.p[i] == '\r'))
            return i;
    }
    return SIZE_MAX;
}

/* Reads until the record has ended or the file has. */
static bool read_record(struct input *input, const char *path, struct buf *text, struct error *err)
{
    for (;;) {
        size_t got = 0;
        if (record_end(buf_str(text)) != SIZE_MAX)
            return true;
        if (text->used >= CSV_HEADER_MAX)
            return error_set(err, ERROR_FORMAT, "%s: the first line is longer than %d bytes", path,
                             CSV_HEADER_MAX);
        if (!buf_reserve(text, INPUT_STEP))
            return buf_ok(text, path, err);
        if (!input_read(input, text->bytes + text->used, INPUT_STEP, &got, err))
            return false;
        text->used += got;
        if (got == 0)
            return true;
    }
}

static bool add_name(struct csv_header *header, struct str name, struct error *err)
{
    if (!mem_reserve(&header->names, &header->room, header->n, CSV_NAMES_MAX,
                     sizeof header->names[0], err))
        return error_prefix(err, "columns of CSV");
    char *copy = mem_copy(name.p, name.n, err);
    if (!copy)
        return false;
    header->names[header->n++] = copy;
    return true;
}

/* The next field, unquoted into `name`; what is behind its comma stays in *rest. False at the end. */
static bool next_field(struct str *rest, bool *more, struct buf *name)
{
    size_t i = 0;
    bool quoted = false;
    if (!*more)
        return false;
    buf_reset(name);
    for (; i < rest->n && (quoted || rest->p[i] != ','); i++) {
        if (rest->p[i] != '"') {
            buf_putc(name, rest->p[i]);
        } else if (quoted && i + 1 < rest->n && rest->p[i + 1] == '"') {
            buf_putc(name, '"');
            i++;
        } else {
            quoted = !quoted;
        }
    }
    *more = i < rest->n;
    *rest = (struct str){rest->p + i + *more, rest->n - i - *more};
    return true;
}

bool csv_header_parse(struct str text, struct csv_header *out, struct error *err)
{
    struct buf name = BUF_INIT(CSV_HEADER_MAX);
    size_t end = record_end(text);
    struct str record = {text.p, end < text.n ? end : text.n};
    bool more = record.n > 0, ok = true;
    while (ok && next_field(&record, &more, &name))
        ok = buf_ok(&name, "a name", err) && add_name(out, buf_str(&name), err);
    buf_release(&name);
    return ok;
}

bool csv_header_read(struct input *input, const char *path, struct csv_header *out,
                     struct error *err)
{
    struct buf text = BUF_INIT(CSV_HEADER_MAX + INPUT_STEP);
    csv_header_release(out);
    bool ok = input_open(input, path, 0, err) && read_record(input, path, &text, err) &&
              csv_header_parse(buf_str(&text), out, err);
    out->gz = ok && input_is_gz(input);
    input_close(input);
    buf_release(&text);
    if (!ok)
        csv_header_release(out);
    return ok;
}
