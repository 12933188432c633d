/*
 * detector.c: the estimator of one series (detector.h has the formulas).
 *
 * Most of a step is a handful of floating-point operations on two cache lines; the rest of the
 * state is only touched when a sub-window is full or S comes near the limit. The mean and sigma
 * change once per sub-window, not with every sample: cheaper, and a change of level cannot pull
 * them along while it is being looked at.
 *
 * How it goes on after an alarm: while it lasts, samples count unclipped, so within a window the
 * new level is the usual one, S falls to zero and the alarm ends. When the level returns before, S
 * falls to zero at once, for an alarm holds it at the plain limit. When it returns later, that
 * would be a shift in the other direction: the level before the alarm is remembered (`home`), and
 * coming back to it makes it usual again without an alarm. What never comes to rest, a ramp, is an
 * alarm for `lasts_max` samples and needs more the next time.
 *
 * A series whose own limit is high takes longer to say something. So that a shift is not usual by
 * then, samples that would be an alarm at the plain limit are left out of the window, for as long
 * as a window lasts.
 *
 * The reference distribution is estimated, not known: with sigma wrong by a few percent the rate of
 * false alarms changes by a factor. MARGIN makes good for that; tests/unit/detect/test_noise.c
 * counts what is left.
 */
#include "detect/detector.h"

#include <math.h>

#include "base/defs.h"
#include "detect/limit.h"

#define SIGMA_LEAST 0.5 /* of the settings: what a shift is */
#define SIGMA_MOST 100
#define CLIP 4.0f        /* sigma: what goes into the window */
#define CAP 2.0f         /* sigma beyond delta: what one sample can say */
#define MARGIN 3.0f      /* of the limit: exp(3) = 20 times less than the budget */
#define RATIO_USUAL 0.7f /* of successive differences: less tells that samples hang together */
#define RATIO_MIN 0.01f
#define PRIOR_PEAKS 4.0f   /* what is known about peaks at first: so many of them … */
#define PRIOR_RATE 0.8f    /* … with this r */
#define ALARM_WEIGHT 3.0f  /* peaks that one counts for which was an alarm */
#define LEARN_MOST 50.0f   /* limits that S may climb to while learning, to be measured */
#define PEAKS_KEEP 0.9995f /* per sub-window: half is forgotten in a day of 60 s each */
#define LASTS_WINDOWS 3    /* so long an alarm lasts at most: three times what it takes to learn */
#define HOME_WINDOWS 288   /* a day of 5 minutes each */
#define HOME_SIGMA 3.0     /* nearer than that is home */
#define FLOOR_RATIO 1e-4   /* of the mean: the floor under sigma … */
#define FLOOR_RATIO_FLAT 0.02 /* … and when nothing changed in the whole window */
#define HALF_HOUR_MS 1800000.0
#define HOUR_SAMPLES 60  /* so many make an hour's mean, or what half of it has */
#define STEP_MAX 1e18f   /* the square is a float */
#define VALUE_MAX 1e36   /* so that no square and no float overflows */
#define LEAST_FLOORS 0.5 /* floors under sigma: less is not new */
#define SIGMA_MIN 1e-30
#define Z_MAX 1e6f

static const float levels[DETECTOR_LEVELS] = {3.0f, 9.0f};

enum { DOWN, UP };

static uint32_t whole_samples(double n)
{
    return (uint32_t)MIN(MAX(ceil(n), 1), 1e9);
}

void detector_tune(struct detector_tuning *ret, const struct bank_settings *settings,
                   int64_t interval_ms, size_t watched)
{
    double delta = MIN(MAX(settings->sigma, SIGMA_LEAST), SIGMA_MOST), k = delta / 2;
    double interval = (double)MAX(interval_ms, 1);
    uint32_t min_samples = MAX(settings->min_samples, 5);
    double window = MAX((double)settings->window_ms / interval, (double)min_samples);
    window = MIN(window, (double)DETECTOR_SUBWINDOWS * UINT16_MAX);
    uint32_t out_of = MIN(MAX(settings->out_of, 1), 8);
    double h = limit_for_budget(k, settings->false_alarms_per_s, watched, interval / MS_PER_S);
    *ret = (struct detector_tuning){
        .delta = (float)delta,
        .k = (float)k,
        .cap = (float)delta + CAP,
        .clip = MAX(CLIP, (float)delta + CAP),
        .limit = (float)(delta * h) + MARGIN,
        .smooth = (float)(1 / window),
        .keep = PEAKS_KEEP,
        .sub_samples = whole_samples(window / DETECTOR_SUBWINDOWS),
        .min_samples = min_samples,
        .learning = whole_samples(MAX((double)settings->learning_ms / interval, min_samples)),
        .absent_max = whole_samples(window),
        .lasts_max = whole_samples(LASTS_WINDOWS * window),
        .home_samples = whole_samples(HOME_WINDOWS * window),
        .confirm = MIN(MAX(settings->confirm, 1), out_of),
        .mask = (1U << out_of) - 1,
        .interval_ms = (int64_t)interval,
    };
    novelty_tune(&ret->novelty, whole_samples(window));
    ret->seasonal = (struct seasonal_tuning){
        .delta = delta,
        .limit = (double)ret->limit,
        .samples_min = whole_samples(MIN(HALF_HOUR_MS / interval, HOUR_SAMPLES)),
    };
}

void detector_begin(struct detector_state *s)
{
    *s = (struct detector_state){.whole = true, .last = NAN, .score = NAN, .z = NAN};
}

/* Learns the level anew, but knows what it has seen and how high its peaks are. */
static void detector_begin_again(struct detector_state *s)
{
    struct detector_state fresh;
    detector_begin(&fresh);
    fresh.mean = s->mean;
    fresh.novelty = s->novelty;
    fresh.whole = s->whole;
    fresh.quantum = s->quantum;
    fresh.absent = s->absent;
    fresh.id = s->id;
    for (int i = DOWN; i <= UP; i++) {
        fresh.side[i] = s->side[i];
        fresh.side[i].s = fresh.side[i].peak = 0;
    }
    *s = fresh;
}

/* ---- what is usual ------------------------------------------------------------------------- */

static double sigma_floor(const struct detector_state *s, double quantum, double mean, bool flat)
{
    double least = quantum;
    if (!(least > 0)) {
        least = (double)s->quantum;
        if (s->whole && (least == 0 || least > 1))
            least = 1;
    }
    least = MAX(least, (flat ? FLOOR_RATIO_FLAT : FLOOR_RATIO) * fabs(mean));
    return MAX(least, SIGMA_MIN);
}

static inline float sigma_of(const struct detector_state *s)
{
    return MAX(s->sigma, s->novelty.least * (float)(1 / LEAST_FLOORS));
}

/* Moves everything that is relative to the mean with it. */
static void usual_is(struct detector_state *s, double mean, double sigma, double quantum)
{
    double floor = sigma_floor(s, quantum, mean, !(sigma > 0));
    float by = (float)(mean - s->mean);
    for (int i = 0; i < DETECTOR_SUBWINDOWS; i++)
        s->closed_mean[i] -= by;
    novelty_rebase(&s->novelty, by);
    s->last = NAN; /* rounded anew, it would differ from an equal sample */
    s->mean = mean;
    s->sigma = (float)sigma;
    s->novelty.least = (float)(LEAST_FLOORS * floor);
}

/* Merges the closed sub-windows. */
static void usual_fold(struct detector_state *s, const struct detector_tuning *t, double quantum)
{
    double n = 0, mean = 0, m2 = 0;
    for (int i = 0; i < DETECTOR_SUBWINDOWS; i++) {
        if (!s->closed_n[i])
            continue;
        double with = n + s->closed_n[i], d = (double)s->closed_mean[i] - mean;
        m2 += (double)s->closed_sigma[i] * (double)s->closed_sigma[i] * s->closed_n[i] +
              d * d * n * s->closed_n[i] / with;
        mean += d * s->closed_n[i] / with;
        n = with;
    }
    usual_is(s, s->mean + mean, n > 1 ? sqrt(m2 / (n - 1)) : 0, quantum);
    s->known = n >= t->min_samples;
}

static void sub_window_begin(struct detector_state *s)
{
    s->open_n = 0;
    s->open_mean = 0;
    s->open_m2 = 0;
}

static void sub_window_close(struct detector_state *s, const struct detector_tuning *t,
                             double quantum)
{
    s->closed_mean[s->next] = s->open_mean;
    s->closed_sigma[s->next] = (float)sqrt(s->open_m2 / s->open_n);
    s->closed_n[s->next] = s->open_n;
    s->next = (uint8_t)((s->next + 1) % DETECTOR_SUBWINDOWS);
    sub_window_begin(s);
    for (int i = 0; i < DETECTOR_LEVELS; i++) {
        s->side[DOWN].n[i] *= t->keep;
        s->side[DOWN].sum[i] *= t->keep;
        s->side[UP].n[i] *= t->keep;
        s->side[UP].sum[i] *= t->keep;
    }
    usual_fold(s, t, quantum);
}

/* A level known from before is the usual one again. */
static void usual_again(struct detector_state *s, const struct detector_tuning *t, double mean,
                        double sigma, double quantum)
{
    s->side[DOWN].s = s->side[UP].s = s->side[DOWN].peak = s->side[UP].peak = 0;
    for (int i = 0; i < DETECTOR_SUBWINDOWS; i++) {
        s->closed_mean[i] = (float)(mean - s->mean);
        s->closed_sigma[i] = (float)sigma;
        s->closed_n[i] = (uint16_t)t->sub_samples; /* detector_tune bounds it */
    }
    sub_window_begin(s);
    usual_fold(s, t, quantum);
}

/* ---- shifts -------------------------------------------------------------------------------- */

static void side_note_peak(struct detector_side *side, float weight)
{
    for (int i = 0; i < DETECTOR_LEVELS; i++) {
        if (side->peak <= levels[i])
            continue;
        side->n[i] += weight;
        side->sum[i] += weight * (side->peak - levels[i]);
    }
}

/* Begins at zero again, and knows how high it was. */
static void side_end(struct detector_side *side)
{
    side_note_peak(side, 1);
    side->peak = side->s = 0;
}

/* How much more it takes because samples follow one another: von Neumann's ratio of the mean square
 * successive difference to twice the variance is 1 for independent ones. */
static float stretch_of(const struct detector_state *s)
{
    float ratio = s->difference2 / (2 * s->sigma * s->sigma * RATIO_USUAL);
    return ratio < 1 ? 1 / MAX(ratio, RATIO_MIN) : 1;
}

static float side_limit(const struct detector_side *side, float limit)
{
    float highest = limit;
    for (int i = 0; i < DETECTOR_LEVELS; i++) {
        float excess =
            (side->sum[i] + PRIOR_PEAKS / PRIOR_RATE) / (side->n[i] + PRIOR_PEAKS); /* 1 / r */
        highest = MAX(highest, levels[i] + (limit - levels[i]) * excess);
    }
    return highest;
}

/* Whether S is at its limit now. */
static inline bool side_step(struct detector_side *side, const struct detector_state *state,
                             float step, float limit, float most)
{
    float s = side->s + step;
    if (s <= 0) {
        if (side->peak > levels[0])
            side_note_peak(side, 1);
        side->peak = side->s = 0;
        return false;
    }
    bool reached = false;
    if (s >= limit) {
        float own = side_limit(side, limit) * stretch_of(state);
        reached = s >= own;
        s = MIN(s, state->alarm ? limit : MAX(own, most)); /* an alarm ends soon after its cause */
    }
    side->s = s;
    side->peak = MAX(side->peak, s);
    return reached;
}

static inline bool is_confirmed(const struct detector_state *s, const struct detector_tuning *t,
                                int way)
{
    return (uint32_t)__builtin_popcount(s->toward[way] & t->mask) >= t->confirm;
}

static void alarm_begin(struct detector_state *s, const struct detector_tuning *t, int way,
                        double x, double quantum, const struct expectation *e)
{
    if (s->home_left && fabs(x - s->home_mean) <= HOME_SIGMA * (double)s->home_sigma) {
        s->home_left = 0;
        usual_again(s, t, s->home_mean, (double)s->home_sigma, quantum);
        return;
    }
    if (e && fabs(x - e->mean) <= HOME_SIGMA * e->sigma) {
        usual_again(s, t, e->mean, e->sigma, quantum);
        return;
    }
    if (!s->home_left) {
        s->home_mean = s->mean;
        s->home_sigma = sigma_of(s);
        s->home_left = t->home_samples;
    }
    s->alarm = way == UP ? 1 : -1;
    s->lasts = 0;
    side_note_peak(&s->side[way], ALARM_WEIGHT);
}

/* What happens while learning is no news, then or later: a shift is taken in at once, and learning
 * goes on until it is. */
static void learning_judge(struct detector_state *s, const struct detector_tuning *t, bool shifted)
{
    bool before = s->learns_shift;
    s->learns_shift = shifted || (before && s->side[UP].s + s->side[DOWN].s > 0);
    s->lasts = s->learns_shift ? s->lasts + 1 : 0;
    if (s->seen < t->learning)
        return;
    if (s->learns_shift && s->lasts < t->lasts_max) {
        s->seen--;
        return;
    }
    s->learns_shift = false;
    side_end(&s->side[DOWN]);
    side_end(&s->side[UP]);
}

static void detector_judge(struct detector_state *s, const struct detector_tuning *t, double x,
                           double quantum, const struct expectation *e)
{
    float z = (float)((x - s->mean) / (double)sigma_of(s));
    float up = t->delta * (MIN(z, t->cap) - t->k), down = t->delta * (MIN(-z, t->cap) - t->k);
    s->toward[UP] = (uint8_t)(s->toward[UP] << 1 | (up > 0));
    s->toward[DOWN] = (uint8_t)(s->toward[DOWN] << 1 | (down > 0));
    float most = s->seen <= t->learning ? LEARN_MOST * t->limit : 0;
    bool above = side_step(&s->side[UP], s, up, t->limit, most);
    bool below = side_step(&s->side[DOWN], s, down, t->limit, most);
    s->z = MIN(MAX(z, -Z_MAX), Z_MAX);
    if (s->seen <= t->learning) {
        learning_judge(s, t, above || below);
        return;
    }
    if (s->alarm) {
        struct detector_side *side = &s->side[s->alarm > 0];
        if (++s->lasts >= t->lasts_max)
            side_end(side);
        if (side->s <= 0)
            s->alarm = 0;
        return;
    }
    bool suspect = MAX(s->side[DOWN].s, s->side[UP].s) >= t->limit;
    s->lasts = suspect ? s->lasts + 1 : 0;
    if (above && is_confirmed(s, t, UP)) {
        alarm_begin(s, t, UP, x, quantum, e);
    } else if (below && is_confirmed(s, t, DOWN)) {
        alarm_begin(s, t, DOWN, x, quantum, e);
    }
}

/* ---- a sample -------------------------------------------------------------------------------- */

static inline void quantum_learn(struct detector_state *s, double x, float step)
{
    if (step > 0 && (s->quantum <= 0 || step < s->quantum))
        s->quantum = step;
    if (s->whole && rint(x) != x)
        s->whole = false;
}

/* What the sample says beside the one before. */
static inline void differ(struct detector_state *s, const struct detector_tuning *t, double x,
                          float relative, bool learn_quantum)
{
    float step = fabsf(relative - s->last); /* NAN: no comparison holds */
    s->last = relative;
    if (learn_quantum)
        quantum_learn(s, x, step);
    if (isnan(step))
        return;
    step = MIN(step, s->known ? MIN(2 * t->clip * sigma_of(s), STEP_MAX) : STEP_MAX);
    float weight = (float)s->seen * t->smooth < 1 ? 1 / (float)s->seen : t->smooth;
    s->difference2 += (step * step - s->difference2) * weight;
}

static void detector_miss(struct detector_state *s, const struct detector_tuning *t)
{
    s->score = s->z = NAN;
    s->absent += s->absent < UINT32_MAX;
    if (s->absent == t->absent_max && s->seen)
        detector_begin_again(s);
}

/* Into the open sub-window: x itself, or what is left of it. */
static inline void usual_add(struct detector_state *s, const struct detector_tuning *t,
                             float relative)
{
    if (s->known && !s->alarm && !s->learns_shift) {
        float most = t->clip * sigma_of(s);
        relative = MIN(MAX(relative, -most), most);
    }
    /* What would be an alarm if the series were not known to have such peaks waits for a window: it
     * must not become usual before it is told. */
    if (!s->alarm && !s->learns_shift && s->lasts > 0 && s->lasts < t->absent_max)
        return;
    s->open_n++;
    float d = relative - s->open_mean;
    s->open_mean += d / (float)s->open_n;
    s->open_m2 += (double)d * (double)(relative - s->open_mean);
}

void detector_advance(struct detector_state *s, const struct detector_tuning *t, double x,
                      double quantum, struct seasonal *season, int64_t t_ms)
{
    if (!isfinite(x)) {
        detector_miss(s, t);
        return;
    }
    x = MIN(MAX(x, -VALUE_MAX), VALUE_MAX);
    s->absent = 0;
    s->seen += s->seen < UINT32_MAX;
    s->home_left -= s->home_left > 0;
    if (s->novelty.n == 0)
        s->mean = x;
    float relative = (float)(x - s->mean), day_ratio = 0;
    differ(s, t, x, relative, !(quantum > 0));

    struct expectation expected;
    bool known = false;
    if (season) {
        known = seasonal_expect(season, t_ms, &expected);
        seasonal_add(season, t_ms, x, &t->seasonal);
        day_ratio = yesterday_add(&season->yesterday, t_ms, x, t->interval_ms, t->min_samples,
                                  t->novelty.fade, s->novelty.least);
    }
    float score = novelty_add(&s->novelty, &t->novelty, relative, day_ratio);
    if (s->known) {
        s->score = score;
        detector_judge(s, t, x, quantum, known ? &expected : NULL);
        relative = (float)(x - s->mean); /* which may have changed */
    }
    usual_add(s, t, relative);
    if (s->open_n >= t->sub_samples)
        sub_window_close(s, t, quantum);
}

struct verdict detector_verdict(const struct detector_state *s, const struct seasonal *season)
{
    bool known = !isnan(s->z);
    int slow = season ? seasonal_alarm(season) : 0;
    return (struct verdict){
        .score = (double)s->score,
        .z = (double)s->z,
        .mean = known ? s->mean : NAN,
        .sigma = known ? (double)sigma_of(s) : NAN,
        .alarm = s->alarm ? s->alarm : slow,
    };
}
