/*
 * seasonal.c: the hour of the week.
 *
 * A cell has few weeks to know its spread from, so the spread of all cells together (`between`)
 * counts as well: whichever is larger. An hour enters its cell after it was judged, clipped at
 * CLIP sigma like a sample into the window, and a cell forgets what is older than about WEEKS_MAX
 * weeks. A clock that steps back into an hour that is over begins another hour; half an hour's
 * samples are not a mean worth having, so hours with too few of them are left out.
 */
#include "detect/seasonal.h"

#include <math.h>
#include <string.h>

#include "base/defs.h"

#define HOUR_MS 3600000
#define WEEKS_MAX 8
#define CELL_WEEKS_MIN 2
#define FLOOR_RATIO 1e-3
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
        .mean = (double)c->mean,
        .sigma = sqrt(between + (double)c->variance),
        .hour_sigma = sqrt(between * (1 + 1.0 / n)), /* the cell's mean is uncertain, too */
    };
    return true;
}

static void hour_close(struct seasonal *s, const struct seasonal_tuning *t)
{
    double mean = s->open_mean, variance = s->open_m2 / s->open_n;
    struct expectation e;
    if (seasonal_expect(s, s->open_hour * HOUR_MS, &e)) {
        double floor = FLOOR_RATIO * fabs(e.mean) + 1e-30;
        double sigma = MAX(e.hour_sigma, floor), z = (mean - e.mean) / sigma, k = t->delta / 2;
        for (int i = 0; i < 2; i++) {
            double step = t->delta * (MIN(i ? z : -z, t->delta + CAP) - k);
            s->slow[i] = (float)MIN(MAX((double)s->slow[i] + step, 0), t->limit);
        }
        double most = CLIP * sigma;
        mean = MIN(MAX(mean, e.mean - most), e.mean + most);
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

int seasonal_alarm(const struct seasonal *s, double limit)
{
    if (s->slow[1] >= (float)limit)
        return 1;
    return s->slow[0] >= (float)limit ? -1 : 0;
}
