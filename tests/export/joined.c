/* Exports that are joined with what the service wrote; see joined.h. */
#include "joined.h"

enum { ROWS = 600 };

int64_t joined_tick(const char *text)
{
    int64_t tick = 0;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

void joined_must(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->message);
}

int64_t joined_from(const struct played *played)
{
    return played->options.source.from;
}

/* The last hour of the range is the service's too. */
int64_t joined_hour(const struct played *played)
{
    return played->options.source.to - TICK_HOUR;
}

void joined_begin(struct played *played, uint64_t seed)
{
    played_begin(played, seed, ROWS);
    played->options.beside = EXPORT_BESIDE_JOIN;
    played->fake.now = joined_tick("2021-11-20T00:00:00Z");
}

void joined_run(struct played *played)
{
    struct error err = ERROR_INIT;
    joined_must(played_run(played, &err), &err);
}

/* One partition with ten rows. */
void joined_begin_ten(struct played *played)
{
    joined_begin(played, 8);
    played->options.source.to = joined_from(played) + TICK_PARTITION;
    for (size_t i = 0; i < 10; i++)
        played->fake.rows[i] = (struct fake_row){
            .tick = joined_from(played) + (int64_t) i * TICK_SECOND, .id = 100 + i};
    played->fake.count = 10;
}

/* Rows [first, end) of the workspace. */
void joined_append(struct played *played, const char *name, size_t first, size_t end, int64_t age)
{
    struct buf text = BUF_INIT(1 << 16);
    for (size_t i = first; i < end; i++)
        theirs_line(&text, &played->fake, &played->fake.rows[i], THEIRS_PLAIN);
    theirs_append(played, joined_from(played), name, buf_str(&text), age);
    buf_release(&text);
}

/* The service writes on while the export runs. */
void joined_write_on(void *context, const struct export_progress *progress)
{
    struct joined_writer *writer = context;
    if (strcmp(progress->phase, "fetch") != 0 || writer->rest.used == 0)
        return;
    theirs_append(writer->played, joined_from(writer->played), "PT05M.json", buf_str(&writer->rest),
                  0);
    buf_reset(&writer->rest);
}
