/* Lines of a piece by partition; see order.h. */
#include "partition/order.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = PART_PIECE_ROWS_MAX };

/* Makes an array hold n elements; what was in it is lost. */
static bool renew(void *array, size_t *room, size_t n, size_t size, struct error *err)
{
    void **is = array;
    if (n <= *room)
        return true;
    mem_free(*is);
    *room = 0;
    *is = mem_alloc(n + n / 2, size, err);
    if (!*is)
        return false;
    *room = n + n / 2;
    return true;
}

bool part_order_lines(struct part_order *order, const struct part_chunk *chunk,
                      const struct part_dedup *dropped, uint64_t first, struct error *err)
{
    if (!renew(&order->lines, &order->line_room, chunk->row_count, sizeof *order->lines, err))
        return false;
    struct part_line *line = order->lines;
    bool up = true, down = true;
    for (size_t i = 0; i < chunk->row_count; i++) {
        const struct part_row *row = &chunk->rows[i];
        if (dropped && part_dedup_dropped(dropped, first + i))
            continue;
        *line = (struct part_line){chunk->text + row->start, row->length,
                                   (uint32_t) (row->tick / TICK_PARTITION)};
        if (line > order->lines) {
            up &= line->number >= line[-1].number;
            down &= line->number <= line[-1].number;
        }
        line++;
    }
    order->line_count = (size_t) (line - order->lines);
    order->dropped = chunk->row_count - order->line_count;
    order->sorted = up || down;
    return true;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

/* By number, then place: a piece has less than 2^32 lines. */
static bool sort(struct part_order *order, struct error *err)
{
    size_t n = order->line_count, room = order->key_room;
    if (!renew(&order->keys, &room, n, sizeof *order->keys, err) ||
        !renew(&order->before, &order->key_room, n, sizeof *order->before, err))
        return false;
    for (size_t i = 0; i < n; i++)
        order->keys[i] = (uint64_t) order->lines[i].number << 32 | i;
    qsort(order->keys, n, sizeof *order->keys, by_key);
    memcpy(order->before, order->lines, n * sizeof *order->lines);
    for (size_t i = 0; i < n; i++)
        order->lines[i] = order->before[(uint32_t) order->keys[i]];
    return true;
}

bool part_order_groups(struct part_order *order, struct error *err)
{
    if (!order->sorted && !sort(order, err))
        return false;
    order->group_count = 0;
    struct part_group *group = NULL;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct part_line *line = &order->lines[i];
        if (!group || group->number != line->number) {
            if (!mem_reserve(&order->groups, &order->group_room, order->group_count, LINES_MAX,
                             sizeof *order->groups, err))
                return false;
            group = &order->groups[order->group_count++];
            *group = (struct part_group){.number = line->number, .first = i};
        }
        group->count++;
        group->bytes += (uint64_t) line->length + 1;
    }
    return true;
}

void part_order_release(struct part_order *order)
{
    mem_free(order->lines);
    mem_free(order->groups);
    mem_free(order->keys);
    mem_free(order->before);
    *order = (struct part_order){0};
}
