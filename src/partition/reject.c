/* Rejects; see reject.h. */
#include "partition/reject.h"

const char *part_reason_text(enum part_reason reason)
{
    static const char *const texts[PART_REASON_COUNT] = {"",
#define X(name, text) text,
                                                         PART_REASONS(X)
#undef X
    };
    return reason < PART_REASON_COUNT ? texts[reason] : "";
}

/* The first characters of a text, at most so many; a byte that is part of none counts as one. */
static struct str cut(struct str text, size_t characters)
{
    size_t at = 0;
    while (at < text.n && characters-- > 0) {
        size_t length;
        (void) text_utf8_next(text.p + at, text.n - at, &length);
        at += length;
    }
    return (struct str){text.p, at};
}

void part_reject_put(struct buf *out, struct str file, uint64_t line, enum part_reason reason,
                     struct str text)
{
    buf_puts(out, "{\"file\":\"");
    text_put_json(out, file);
    buf_printf(out, "\",\"line\":%llu,\"reason\":\"", (unsigned long long) line);
    text_put_json(out, str_of(part_reason_text(reason)));
    buf_puts(out, "\",\"text\":\"");
    text_put_json(out, cut(text, PART_REJECT_TEXT_MAX));
    buf_puts(out, "\"}\n");
}
