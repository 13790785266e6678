/* Row: the line that is being written, and the dice that decide what is in it.
 *
 * Texts that are put are JSON already (escaped, valid UTF-8): they come from our own lists. A put that
 * does not fit sets `full` and writes nothing, so a row is checked once, at its end.
 *
 * Dice are drawn one a statement: C leaves open in which order the arguments of a call, the operands of
 * an operator or the members of an initializer are evaluated, and compilers differ.
 */
#ifndef WEIR_EMULATOR_GENERATE_ROW_H
#define WEIR_EMULATOR_GENERATE_ROW_H

#include "base/random.h"
#include "base/tick.h"
#include "emulator/generate/plan.h"
#include "emulator/generate/world.h"

struct row {
    char *at, *end; /* where the next byte goes, and where there is no more room */
    bool full;
    struct random random;
    int64_t tick;
    const struct world *world;
    const struct plan *plan;
    const struct special *special; /* why this row is planted; NULL: it is background */
};

/* A column's key, with the comma before it: a line begins with TenantId, which has none. */
#define KEY(name) STR(",\"" name "\":")

extern const char row_pairs[201]; /* "000102...99" */

static inline void row_put(struct row *row, const char *bytes, size_t n)
{
    if (n > (size_t) (row->end - row->at)) {
        row->full = true;
        return;
    }
    memcpy(row->at, bytes, n);
    row->at += n;
}

static inline void row_put_str(struct row *row, struct str s)
{
    row_put(row, s.p, s.n);
}

void row_put_uint(struct row *row, uint64_t value);
void row_put_int(struct row *row, int64_t value);
void row_put_ip(struct row *row, uint32_t ip); /* four numbers with points */
void row_put_hex(struct row *row, uint64_t value, int digits);
void row_put_guid(struct row *row, uint64_t high, uint64_t low);

/* key:"text" */
static inline void row_text(struct row *row, struct str key, struct str text)
{
    row_put_str(row, key);
    row_put(row, "\"", 1);
    row_put_str(row, text);
    row_put(row, "\"", 1);
}

/* key:json, for null, true, nested values and numbers that are text already */
static inline void row_json(struct row *row, struct str key, struct str json)
{
    row_put_str(row, key);
    row_put_str(row, json);
}

void row_int(struct row *row, struct str key, int64_t value);
void row_bool(struct row *row, struct str key, bool value);
void row_tick(struct row *row, struct str key, int64_t tick);
void row_ip(struct row *row, struct str key, uint32_t ip);
void row_guid(struct row *row, struct str key, uint64_t high, uint64_t low);
void row_new_guid(struct row *row, struct str key); /* one that appears nowhere else */

/* A number from 0 to n - 1. The bias of the multiplication, below n / 2^32, does not matter here. */
static inline uint32_t row_pick(struct row *row, uint32_t n)
{
    return (uint32_t) ((random_next(&row->random) >> 32) * n >> 32);
}

/* The same, with small numbers much likelier: the square of an even share. */
static inline uint32_t row_pick_skewed(struct row *row, uint32_t n)
{
    uint64_t share = random_next(&row->random) >> 32;
    return (uint32_t) ((share * share >> 32) * n >> 32);
}

/* True once in n. */
static inline bool row_chance(struct row *row, uint32_t n)
{
    return row_pick(row, n) == 0;
}

#define ROW_PICK_FROM(row, list) ((list)[row_pick(row, sizeof(list) / sizeof((list)[0]))])

#endif
