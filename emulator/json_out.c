/* JSON out: rows of the engine as the service writes them. The hot path of a large answer. */

#include "emulator/json_out.h"

#include "base/memory.h"
#include "emulator/json_value.h"

enum { PATTERN_MAX = 8 * COLUMNS_MAX };

/* How the rows of a chunk are written: text that is the same in each, then the value of a vector, and
 * so on; the last piece has no vector. Most columns of a wide table are empty in all rows of a chunk:
 * they are a part of the text. */
struct piece {
    const struct engine_vector *vector;
    size_t at, n; /* of the text before the value */
};

struct pattern {
    struct buf text;
    struct piece *pieces;
    size_t count;
    uint64_t fixed; /* of estimate_data_size: what each row has */
};

static bool is_null_throughout(const struct engine_vector *vector, size_t rows)
{
    uint64_t any = 0;
    if (!vector->valid)
        return rows == 0;
    for (size_t row = 0; row < rows; row++)
        any |= vector->valid[row / 64] >> (row % 64) & 1;
    return any == 0;
}

static bool is_empty_throughout(const struct engine_vector *vector, size_t rows)
{
    size_t any = 0;
    if (vector->type != COLUMN_STRING || vector->valid)
        return false;
    for (size_t row = 0; row < rows; row++)
        any |= engine_text(vector, row).n;
    return any == 0;
}

static bool pattern_init(struct pattern *pattern, const struct engine_chunk *chunk)
{
    *pattern = (struct pattern){.text = BUF_INIT(PATTERN_MAX),
                                .pieces = mem_alloc(chunk->count + 1, sizeof(struct piece), NULL)};
    size_t at = 0;
    buf_putc(&pattern->text, '[');
    for (size_t c = 0; pattern->pieces && c < chunk->count; c++) {
        const struct engine_vector *vector = &chunk->vectors[c];
        pattern->fixed += column_fixed_size(vector->type);
        buf_puts(&pattern->text, c > 0 ? "," : "");
        if (is_null_throughout(vector, chunk->rows)) {
            buf_puts(&pattern->text, "null");
        } else if (is_empty_throughout(vector, chunk->rows)) {
            buf_puts(&pattern->text, "\"\"");
        } else {
            pattern->pieces[pattern->count++] =
                (struct piece){.vector = vector, .at = at, .n = pattern->text.used - at};
            at = pattern->text.used;
        }
    }
    buf_putc(&pattern->text, ']');
    if (pattern->pieces)
        pattern->pieces[pattern->count++] = (struct piece){.at = at, .n = pattern->text.used - at};
    return pattern->pieces && !pattern->text.failed;
}

static void pattern_release(struct pattern *pattern)
{
    buf_release(&pattern->text);
    mem_free(pattern->pieces);
}

/* Writes one row; what estimate_data_size counts for it. */
static uint64_t put_row(struct json_out *out, const struct pattern *pattern, size_t row)
{
    struct buf *buf = out->body;
    uint64_t bytes = pattern->fixed;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct piece *piece = &pattern->pieces[i];
        const struct engine_vector *vector = piece->vector;
        json_put(buf, pattern->text.bytes + piece->at, piece->n);
        if (!vector)
            break;
        if (!engine_valid(vector, row)) {
            json_put(buf, "null", 4);
            continue;
        }
        if (vector->type == COLUMN_STRING)
            bytes += engine_text(vector, row).n;
        else if (vector->type == COLUMN_DYNAMIC)
            bytes += engine_text(vector, row).n * JSON_DYNAMIC_FACTOR;
        json_put_value(buf, vector, row, out->native_dynamic);
    }
    return bytes;
}

/* Two of the rows so far, each pair as likely. */
static void draw_pair(struct json_out *out, size_t at)
{
    uint64_t slot = out->rows - 1;
    if (slot >= 2)
        slot = random_below(out->double_up, out->rows);
    if (slot < 2) {
        out->drawn[slot].at = at;
        out->drawn[slot].n = out->body->used - at;
    }
}

/* Puts the second drawn row in the place of the first. */
static void repeat_row(struct json_out *out)
{
    struct buf *body = out->body;
    size_t lost = out->drawn[0].at, lost_n = out->drawn[0].n, n = out->drawn[1].n;
    struct buf row = BUF_INIT(body->max);
    buf_put(&row, body->bytes + out->drawn[1].at, n);
    if (!row.failed && buf_reserve(body, n)) {
        memmove(body->bytes + lost + n, body->bytes + lost + lost_n, body->used - lost - lost_n);
        memcpy(body->bytes + lost, row.bytes, n);
        body->used = body->used - lost_n + n;
    }
    buf_release(&row);
}

static bool put_rows(struct json_out *out, const struct pattern *pattern, size_t rows)
{
    struct buf *body = out->body;
    for (size_t row = 0; row < rows; row++) {
        if (out->max_rows > 0 && out->rows == out->max_rows) {
            out->ceiling = JSON_CEILING_ROWS;
            return false;
        }
        size_t before = body->used;
        if (out->rows > 0)
            json_put_char(body, ',');
        uint64_t bytes = put_row(out, pattern, row);
        if (body->failed || (out->max_json > 0 && body->used > out->max_json)) {
            out->ceiling = JSON_CEILING_BODY;
            return false;
        }
        if (out->max_bytes > 0 && out->bytes + bytes > out->max_bytes) {
            body->used = before;
            out->ceiling = JSON_CEILING_BYTES;
            return false;
        }
        out->bytes += bytes;
        out->rows++;
        if (out->double_up)
            draw_pair(out, before + (out->rows > 1));
        if (out->break_off && random_below(out->break_off, out->rows) == 0) {
            out->broken.used = body->used;
            out->broken.rows = out->rows;
            out->broken.bytes = out->bytes;
        }
    }
    return true;
}

void json_out_begin(struct json_out *out, const struct columns *columns)
{
    buf_puts(out->body, "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[");
    for (size_t c = 0; c < columns->n; c++) {
        buf_puts(out->body, c > 0 ? ",{\"name\":" : "{\"name\":");
        json_put_string(out->body, str_of(columns->v[c].name));
        buf_printf(out->body, ",\"type\":\"%s\"}", column_type_name(columns->v[c].type));
    }
    buf_puts(out->body, "],\"rows\":[");
    out->broken.used = out->body->used;
}

bool json_out_chunk(struct json_out *out, const struct engine_chunk *chunk)
{
    struct pattern pattern;
    bool more = pattern_init(&pattern, chunk);
    if (more)
        more = put_rows(out, &pattern, chunk->rows);
    else
        out->ceiling = JSON_CEILING_BODY; /* no memory */
    pattern_release(&pattern);
    buf_puts(out->body, ""); /* for the NUL */
    return more;
}

void json_out_end(struct json_out *out)
{
    if (out->break_off) {
        out->body->used = out->broken.used;
        out->rows = out->broken.rows;
        out->bytes = out->broken.bytes;
    }
    if (out->double_up && out->rows >= 2)
        repeat_row(out);
    buf_puts(out->body, "]}]");
}
