/*
 * seasonal.c: the hour of the week.
 *
 * A cell has few weeks to know its spread from, so the spread of all cells together (`between`)
 * counts as well: whichever is larger. An hour enters its cell after it was judged, clipped at
 * CLIP sigma like a sample into the window, and a cell forgets what is older than about WEEKS_MAX
 * weeks. Weeks differ, and whole days with them, so evidence adds up without anything being wrong:
 * an alarm takes twice what there ever was before, and a week of hours to know that from. What
 * lasts two days is the usual level (`shift`), on which the pattern of the week stands.
 *
 * A clock that steps back into an hour that is over begins another hour; half an hour's
 * samples are not a mean worth having, so hours with too few of them are left out.
 */
#include "detect/seasonal.h"

#include <math.h>
#include <string.h>

#include "base/defs.h"

#define HOUR_MS 3600000
#define WEEKS_MAX 8
#define CELL_WEEKS_MIN 2
#define SHIFT_HOURS 48    /* a level that lasts so long is the usual one */
#define JUDGED_MIN 168    /* hours before the first alarm */
#define LIMITS 5.0        /* the hours of a day hang together: so much more than for samples */
#define HIGHEST_TIMES 2.0 /* farther than ever before */
#define HIGHEST_KEEP 0.999f
#define FLOOR_RATIO 1e-3
#define HOME_SIGMA 3.0
#define CLIP 4.0        /* sigma */
#define CAP 2.0         /* sigma beyond delta: what one hour can say */
#define HUGE_VALUE 1e18 /* a float holds its square */

void seasonal_begin(struct seasonal *s)
{
    memset(s, 0, sizeof(*s));
    yesterday_begin(&s->yesterday);
}

static int64_t hour_of(int64_t t_ms)
{
    return t_ms >= 0 ? t_ms / HOUR_MS : -((-(t_ms + 1)) / HOUR_MS) - 1;
}

static size_t cell_of(int64_t hour)
{
    return (size_t)((hour % SEASONAL_CELLS + SEASONAL_CELLS) % SEASONAL_CELLS);
}

static void cell_add(struct seasonal *s, int64_t hour, double mean, double variance)
{
    struct seasonal_cell *c = &s->cells[cell_of(hour)];
    uint8_t *n = &s->weeks[cell_of(hour)];
    if (*n >= WEEKS_MAX)
        c->m2 *= (float)(WEEKS_MAX - 1) / WEEKS_MAX;
    else
        (*n)++;
    double d = mean - (double)c->mean, after;
    c->mean += (float)(d / *n);
    after = mean - (double)c->mean;
    c->m2 += (float)(d * after);
    c->variance += (float)((variance - (double)c->variance) / *n);
    s->hours += s->hours < UINT32_MAX;
    if (*n >= CELL_WEEKS_MIN) {
        /* d * after is (n - 1) / n of d², whose expectation is n / (n - 1) of the variance. */
        double share = 1.0 / MIN(s->hours > SEASONAL_CELLS ? s->hours - SEASONAL_CELLS : 1,
                                 WEEKS_MAX * SEASONAL_CELLS);
        s->between += (float)((d * after - (double)s->between) * share);
    }
}

void seasonal_learn(struct seasonal *s, int64_t hour_ms, double mean, double sigma)
{
    if (!isfinite(mean) || !isfinite(sigma) || fabs(mean) > HUGE_VALUE || fabs(sigma) > HUGE_VALUE)
        return;
    cell_add(s, hour_of(hour_ms), mean, sigma * sigma);
}

bool seasonal_expect(const struct seasonal *s, int64_t t_ms, struct expectation *ret)
{
    size_t cell = cell_of(hour_of(t_ms));
    const struct seasonal_cell *c = &s->cells[cell];
    uint8_t n = s->weeks[cell];
    if (s->hours < SEASONAL_HOURS_MIN || n < CELL_WEEKS_MIN)
        return false;
    double own = (double)c->m2 / (n - 1), between = MAX(own, (double)s->between);
    *ret = (struct expectation){
        .mean = (double)c->mean + (double)s->shift,
        .sigma = sqrt(between + (double)c->variance),
        .hour_sigma = sqrt(between * (1 + 1.0 / n)), /* the cell's mean is uncertain, too */
    };
    return true;
}

/* One direction: whether this hour makes it an alarm. */
static bool slow_step(struct seasonal *s, const struct seasonal_tuning *t, int way, double z)
{
    double step = t->delta * (MIN(way ? z : -z, t->delta + CAP) - t->delta / 2);
    double after = MAX((double)s->slow[way] + step, 0);
    double own = MAX(LIMITS * t->limit, HIGHEST_TIMES * (double)s->highest[way]);
    bool alarm = after >= own && s->judged > JUDGED_MIN;
    s->peak[way] = MAX(s->peak[way], (float)after);
    s->slow[way] = (float)(s->alarm || alarm ? MIN(after, t->limit) : after); /* soon over */
    s->highest[way] *= HIGHEST_KEEP;
    if (s->slow[way] <= 0) {
        s->highest[way] = MAX(s->highest[way], s->peak[way]);
        s->peak[way] = 0;
    }
    return alarm;
}

/* Back at what the week says, from a level that had become usual beside it. */
static void slow_home(struct seasonal *s)
{
    s->shift = 0;
    for (int i = 0; i < 2; i++)
        s->slow[i] = s->peak[i] = 0;
}

static void slow_judge(struct seasonal *s, const struct seasonal_tuning *t, double z, double home_z)
{
    s->judged += s->judged < UINT32_MAX;
    bool below = slow_step(s, t, 0, z), above = slow_step(s, t, 1, z);
    if ((below || above) && fabs(home_z) <= HOME_SIGMA && fabs(z - home_z) > 1) {
        slow_home(s);
        below = above = false;
    }
    if (s->alarm && s->slow[s->alarm > 0] <= 0)
        s->alarm = 0;
    else if (!s->alarm && (above || below))
        s->alarm = above ? 1 : -1;
}

static void hour_close(struct seasonal *s, const struct seasonal_tuning *t)
{
    double mean = s->open_mean, variance = s->open_m2 / s->open_n;
    struct expectation e;
    if (seasonal_expect(s, s->open_hour * HOUR_MS, &e)) {
        double floor = FLOOR_RATIO * fabs(e.mean) + 1e-30;
        double sigma = MAX(e.hour_sigma, floor), most = CLIP * sigma;
        slow_judge(s, t, (mean - e.mean) / sigma, (mean - e.mean + (double)s->shift) / sigma);
        mean = MIN(MAX(mean, e.mean - most), e.mean + most);
        s->shift += (float)((mean - e.mean) / SHIFT_HOURS);
    }
    cell_add(s, s->open_hour, mean, variance);
}

void seasonal_add(struct seasonal *s, int64_t t_ms, double x, const struct seasonal_tuning *t)
{
    int64_t hour = hour_of(t_ms);
    if (hour != s->open_hour) {
        if (s->open_n >= t->samples_min)
            hour_close(s, t);
        s->open_hour = hour;
        s->open_n = 0;
        s->open_mean = s->open_m2 = 0;
    }
    if (!isfinite(x) || fabs(x) > HUGE_VALUE)
        return;
    s->open_n++;
    double d = x - s->open_mean;
    s->open_mean += d / s->open_n;
    s->open_m2 += d * (x - s->open_mean);
}

int seasonal_alarm(const struct seasonal *s)
{
    return s->alarm;
}
