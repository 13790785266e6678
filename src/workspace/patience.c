/* Patience: see patience.h. */
#include "workspace/patience.h"

static const double NANOSECONDS = 1e9;

/* Between the half and the whole of the pause: clients that were refused together do not come back so. */
static double growing(unsigned streak, struct random *random)
{
    double pause = PATIENCE_FIRST;
    for (unsigned i = 1; i < streak && pause < PATIENCE_MOST; i++)
        pause *= 2;
    if (pause > PATIENCE_MOST)
        pause = PATIENCE_MOST;
    return pause * (0.5 + 0.5 * random_unit(random));
}

void patience_throttled(struct patience *p, struct http_pace *pace, uint64_t began,
                        double retry_after, uint64_t now, struct random *random)
{
    bool same = p->streak > 0 && began < p->asked_at;
    if (!same) {
        p->streak++;
        p->asked_at = now;
        p->answers = 0;
        if (p->streak > 1 && pace->lanes[0].now > 1)
            pace->lanes[0].now--;
    } else if (retry_after < 0) {
        return;
    }
    double pause = retry_after >= 0 ? retry_after : growing(p->streak, random);
    uint64_t until = now + (uint64_t) (pause * NANOSECONDS);
    if (until > pace->blocked_until)
        pace->blocked_until = until;
}

void patience_answered(struct patience *p, struct http_pace *pace)
{
    p->streak = 0;
    if (pace->lanes[0].now >= pace->lanes[0].most || ++p->answers < PATIENCE_RISE)
        return;
    p->answers = 0;
    pace->lanes[0].now++;
}
