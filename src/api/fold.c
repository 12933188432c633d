/* fold.c: see fold.h. */
#include "api/fold.h"

#include <math.h>

#include "base/check.h"
#include "base/defs.h"

struct fold fold_make(int64_t from_ms, int64_t last_ms, int64_t step_ms, size_t points)
{
    CHECK(step_ms > 0 && points > 1 && from_ms >= 0 && last_ms >= from_ms);
    struct fold f = {.step_ms = step_ms};
    /* The range divided by the points, in whole steps; one more when its ends lie badly. */
    for (int64_t steps = (last_ms - from_ms) / step_ms / (int64_t)points + 1;; steps++) {
        f.step_ms = steps * step_ms;
        f.from_ms = from_ms - from_ms % f.step_ms;
        f.count = (size_t)((last_ms - f.from_ms) / f.step_ms) + 1;
        if (f.count <= points)
            return f;
    }
}

void folded_init(struct folded *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        points[i] = (struct folded){NAN, 0, NAN, NAN, NAN};
}

void folded_add(struct folded *p, double value, double score, double mean, double sigma)
{
    if (!isnan(value)) {
        p->values++;
        p->value = p->values == 1 ? value : p->value + (value - p->value) / (double)p->values;
    }
    p->score = fmax(p->score, score); /* NAN gives way */
    if (!isnan(mean)) {
        p->mean = mean;
        p->sigma = sigma;
    }
}
