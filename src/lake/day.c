/* Records of compacted days: see day.h. */
#include "lake/day.h"

void lake_days_prefix(struct buf *out, const struct lake_place *place)
{
    lake_own_name(out, place, "days");
}

void lake_parquet_prefix(struct buf *out, const struct lake_place *place)
{
    lake_own_name(out, place, "parquet");
}

static void put_day(struct buf *out, int64_t day)
{
    struct tick_civil c = tick_civil(day);
    buf_printf(out, "/y=%04d/m=%02d/d=%02d", c.year, c.month, c.day);
}

void lake_day_name(struct buf *out, const struct lake_place *place, int64_t day)
{
    lake_days_prefix(out, place);
    put_day(out, day);
    buf_puts(out, ".json");
}

void lake_day_folder(struct buf *out, const struct lake_place *place, int64_t day)
{
    lake_parquet_prefix(out, place);
    put_day(out, day);
}

bool lake_days_read(struct lake_days *days, struct store *store, const struct lake_place *place,
                    int64_t from, int64_t to, struct error *err)
{
    (void) store, (void) place, (void) from, (void) to;
    *days = (struct lake_days){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

void lake_days_release(struct lake_days *days)
{
    mem_free(days->v);
    arena_release(&days->arena);
    *days = (struct lake_days){0};
}

const struct lake_day *lake_days_find(const struct lake_days *days, int64_t tick)
{
    (void) days, (void) tick;
    return NULL;
}

const struct lake_day_source *lake_day_source(const struct lake_day *day, struct str name)
{
    (void) day, (void) name;
    return NULL;
}

const struct lake_day_source *lake_days_stand_in(const struct lake_days *days, int64_t tick,
                                                 uint32_t number)
{
    (void) days, (void) tick, (void) number;
    return NULL;
}

bool lake_day_write(struct store *store, const struct lake_place *place, const struct lake_day *day,
                    struct error *err)
{
    (void) store, (void) place, (void) day;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
