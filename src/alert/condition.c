/*
 * condition.c: see condition.h. A rule may have three reasons: thresholds, anomalies, absence. The
 * level is that of the worst, and of equals the first of these.
 */
#include "alert/condition.h"

#include <math.h>

#include "base/defs.h"

void condition_init(struct condition *c, const struct rule *r)
{
    *c = (struct condition){0};
    bool thresholds = !isnan(r->warning) || !isnan(r->critical);
    if (thresholds && r->window_ms)
        c->window = window_new(r->window_ms);
}

void condition_fini(struct condition *c)
{
    window_free(c->window);
    c->window = NULL;
}

static bool beyond(const struct rule *r, double value, double threshold)
{
    return r->when == RULE_ABOVE ? value > threshold : value < threshold;
}

/* What is held against the thresholds; NAN: nothing can be said. *ret_little: the divisor is too
 * small to say anything bad. */
static double measure(struct condition *c, const struct rule *r, const struct reading *in,
                      bool *ret_little)
{
    double value = in->value, per = in->per;
    bool sampled = !isnan(value) && !isnan(per);
    *ret_little = false;
    if (c->window) {
        if (sampled)
            window_add(c->window, value, per, in->elapsed_ns);
        else
            window_gap(c->window, in->elapsed_ns);
    }
    /* Without a sample in this tick nothing new is known, whatever the window still holds. */
    if (!sampled || (c->window && !window_means(c->window, &value, &per)))
        return NAN;
    if (!*r->per)
        return value;
    *ret_little = per <= 0 || per < r->per_least;
    return per > 0 ? value / per : NAN;
}

static int threshold_level(const struct rule *r, double value, bool firing, double *ret_threshold)
{
    bool warning = !isnan(r->warning), critical = !isnan(r->critical);
    int lowest = 1 + (warning ? ALERT_WARNING : ALERT_CRITICAL);
    *ret_threshold = warning ? r->warning : r->critical;
    if (critical && beyond(r, value, r->critical)) {
        *ret_threshold = r->critical;
        return 1 + ALERT_CRITICAL;
    }
    if (warning && beyond(r, value, r->warning))
        return lowest;
    /* NAN compares false: without `clear` the threshold itself is the end. */
    if ((warning || critical) && firing && beyond(r, value, r->clear))
        return lowest;
    return LEVEL_CALM;
}

static void judge_thresholds(struct condition *c, const struct rule *r, const struct reading *in,
                             bool firing, struct judgement *ret)
{
    bool little;
    double value = measure(c, r, in, &little);
    if (isnan(value) && !little)
        return;
    int level = LEVEL_CALM;
    ret->known = true;
    ret->value = value;
    if (!little)
        level = threshold_level(r, value, firing, &ret->threshold);
    if (level == LEVEL_CALM)
        c->well = true;
    else if (r->edge && !c->well && !firing)
        level = LEVEL_CALM;
    ret->level = level;
    ret->reason = ALERT_BY_THRESHOLD;
}

/* That a detector finds nothing does not say that all is well while a window is too young to say
 * anything about thresholds. */
static void judge_anomaly(const struct condition *c, const struct rule *r, const struct reading *in,
                          struct judgement *ret)
{
    const struct verdict *v = in->verdict;
    double value = *r->per ? in->value / in->per : in->value;
    if (!v || !isfinite(value))
        return;
    int level = v->alarm ? 1 + (int)r->severity : LEVEL_CALM;
    ret->known |= level > LEVEL_CALM || !c->window;
    ret->mean = v->mean;
    ret->sigma = v->sigma;
    if (isnan(ret->value) || level > ret->level)
        ret->value = value;
    if (level > ret->level) {
        ret->level = level;
        ret->reason = ALERT_BY_ANOMALY;
        ret->threshold = NAN;
    }
    ret->z = v->z;
}

static void judge_absence(struct condition *c, const struct rule *r, struct judgement *ret)
{
    int level = 1 + (int)r->severity;
    if (!r->absent_ms || c->silent_ns < r->absent_ms * NS_PER_MS || level <= ret->level)
        return;
    *ret = (struct judgement){.known = true,
                              .level = level,
                              .reason = ALERT_BY_ABSENCE,
                              .value = NAN,
                              .threshold = NAN,
                              .z = NAN,
                              .mean = NAN,
                              .sigma = NAN};
}

void condition_step(struct condition *c, const struct rule *r, const struct reading *in,
                    bool firing, struct judgement *ret)
{
    *ret = (struct judgement){.value = NAN, .threshold = NAN, .z = NAN, .mean = NAN, .sigma = NAN};
    c->silent_ns = in->sampled ? 0 : c->silent_ns + MAX(in->elapsed_ns, 0);
    judge_thresholds(c, r, in, firing, ret);
    judge_anomaly(c, r, in, ret);
    judge_absence(c, r, ret);
    if (in->excluded) {
        ret->known = true;
        ret->level = LEVEL_CALM;
    }
}
