/*
 * seasons.c: see seasons.h. Five weeks of one series are read day by day in steps of a minute,
 * which the history has of far longer ago than samples: means, least and greatest. A hundred small
 * questions, one after the other on one thread of the pool. An hour counts with half of its
 * minutes.
 *
 * The spread that is wanted is that of samples. What a minute's mean hides of it shows in its
 * range, which for n samples of a Gaussian is d2(n) sigma wide (L. H. C. Tippett, Biometrika 17
 * (1925) 364); so the variance within an hour is that of its minutes' means plus that within
 * minutes.
 *
 * Which series were asked for is remembered by id, so one that comes and goes is not read
 * again and again; ids are never reused, and there are as many as collect.series_limit lets live.
 * A history that cannot be read just now is tried again with the next look, some times. The
 * database is opened for each series and closed again: a megabyte of its pages for what is needed
 * once would stay for ever.
 */
#include "daemon/seasons.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alerts.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store.h"

#define LOOK_FIRST_NS (300 * NS_PER_S)
#define LOOK_EVERY_NS (60 * NS_PER_S)
#define MINUTE_MS (60 * MS_PER_S)
#define MINUTES 60 /* of an hour */
#define HOUR_MS (3600 * MS_PER_S)
#define DAY_MS (24 * HOUR_MS)
#define DAYS 35
#define ASKED_MAX 100000 /* series; more are not taught */
#define TRIES_MAX 10     /* of one series; then it begins without a past */

struct seasons {
    struct alerts *alerts;
    uv_loop_t *uv;
    const char *data_dir;
    atomic_bool closing; /* what is being read is given up */
    int64_t began_ns;    /* the first tick; 0: none yet */
    int64_t looked_ns;   /* 0: never */
    int64_t now_ms, interval_ms;
    uint32_t *asked; /* ids, sorted */
    size_t asked_count, asked_room;
    struct lesson *lesson; /* NULL: nothing is being read, or to be read again */
    bool reading;
};

/* One series being read. */
struct lesson {
    uv_work_t work;
    struct seasons *seasons;
    uint32_t series_id;
    char *key; /* of the series: others may have its labels and more */
    struct selector selector;
    int64_t to_ms;
    int64_t interval_ms; /* of samples, as it is now */
    int tries, err;      /* of the last try: 0 or a negative errno */
    size_t count;
    struct past_hour hours[DAYS * 24];
};

/* ---- reading: a thread of the pool --------------------------------------------------------- */

/* d2(n) for the numbers of samples that a minute may have, in between along their logarithm. */
static double range_in_sigmas(double n)
{
    static const struct {
        double n, d2;
    } known[] = {{2, 1.128},  {3, 1.693},   {6, 2.534},   {12, 3.258},  {30, 4.086},
                 {60, 4.639}, {120, 5.144}, {600, 6.183}, {1200, 6.600}};
    if (n < known[0].n)
        return INFINITY; /* one sample has no range */
    for (size_t i = 1; i < ARRAY_LEN(known); i++) {
        if (n <= known[i].n) {
            double part = log(n / known[i - 1].n) / log(known[i].n / known[i - 1].n);
            return known[i - 1].d2 + part * (known[i].d2 - known[i - 1].d2);
        }
    }
    return known[ARRAY_LEN(known) - 1].d2;
}

enum { MEANS, LEAST, GREATEST, ASPECTS };

static void lesson_take_hour(struct lesson *l, int64_t hour, const double *const of[ASPECTS],
                             size_t first, size_t end)
{
    double mean = 0, m2 = 0, range = 0;
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        if (isnan(of[MEANS][i]) || isnan(of[LEAST][i]) || isnan(of[GREATEST][i]))
            continue;
        double d = of[MEANS][i] - mean;
        mean += d / (double)++n;
        m2 += d * (of[MEANS][i] - mean);
        range += of[GREATEST][i] - of[LEAST][i];
    }
    if (n < MINUTES / 2 || l->count == ARRAY_LEN(l->hours))
        return;
    double within = range / (double)n / range_in_sigmas((double)MINUTE_MS / (double)l->interval_ms);
    l->hours[l->count++] =
        (struct past_hour){hour * HOUR_MS, mean, sqrt(m2 / (double)(n - 1) + within * within)};
}

static const double *values_of(const struct lesson *l, const struct answer *a)
{
    for (size_t i = 0; i < a->series_count; i++) {
        if (strcmp(a->series[i].key, l->key) == 0)
            return a->series[i].values;
    }
    return NULL;
}

static void lesson_take_day(struct lesson *l, struct answer *const answers[ASPECTS])
{
    const double *of[ASPECTS];
    const struct answer *a = answers[MEANS];
    for (int i = 0; i < ASPECTS; i++) {
        of[i] = values_of(l, answers[i]);
        if (!of[i] || answers[i]->points_count != a->points_count || a->step_ms != MINUTE_MS)
            return; /* nothing was sampled */
    }
    for (size_t first = 0, end; first < a->points_count; first = end) {
        int64_t hour = (a->from_ms + (int64_t)first * MINUTE_MS) / HOUR_MS;
        for (end = first + 1;
             end < a->points_count && (a->from_ms + (int64_t)end * MINUTE_MS) / HOUR_MS == hour;)
            end++;
        lesson_take_hour(l, hour, of, first, end);
    }
}

static int lesson_read_day(struct lesson *l, struct store_reader *reader, int64_t from_ms)
{
    static const enum aggregate aggregates[ASPECTS] = {AGG_AVG, AGG_MIN, AGG_MAX};
    struct answer *answers[ASPECTS] = {0};
    struct store_error error;
    int err = 0;
    for (int i = 0; i < ASPECTS && !err; i++) {
        const struct query query = {.selector = l->selector, /* borrowed */
                                    .from_ms = from_ms,
                                    .to_ms = from_ms + DAY_MS - 1,
                                    .step_ms = MINUTE_MS,
                                    .aggregate = aggregates[i]};
        err = atomic_load(&l->seasons->closing)
                  ? -ECANCELED
                  : store_query(reader, &query, NULL, &answers[i], &error);
    }
    if (!err)
        lesson_take_day(l, answers);
    for (int i = 0; i < ASPECTS; i++)
        answer_free(answers[i]);
    return err;
}

static int lesson_read(struct lesson *l, struct store_reader *reader)
{
    int err = 0;
    for (int64_t day = DAYS; day > 0 && !err; day--)
        err = lesson_read_day(l, reader, l->to_ms - day * DAY_MS);
    return err;
}

static void lesson_work(uv_work_t *work)
{
    struct lesson *l = CONTAINER_OF(work, struct lesson, work);
    struct store_reader *reader = NULL;
    struct store_error error;
    l->count = 0;
    l->err = store_reader_open(l->seasons->data_dir, &reader, &error);
    if (!l->err)
        l->err = lesson_read(l, reader);
    else if (l->err == -ENOENT)
        l->err = 0; /* there is no past */
    store_reader_close(reader);
    mem_trim(); /* what reading took is not needed again */
}

/* ---- the core thread ----------------------------------------------------------------------- */

static void lesson_free(struct lesson *l)
{
    selector_fini(&l->selector);
    free(l->key);
    free(l);
}

static void lesson_done(uv_work_t *work, int status)
{
    struct lesson *l = CONTAINER_OF(work, struct lesson, work);
    (void)status; /* it is never cancelled */
    struct seasons *s = l->seasons;
    s->reading = false;
    if (l->err && ++l->tries < TRIES_MAX && !atomic_load(&s->closing))
        return; /* half of a past would be taught as if it were all */
    s->lesson = NULL;
    if (l->err)
        l->count = 0;
    alerts_learn(s->alerts, l->series_id, l->hours, l->count);
    if (l->count)
        log_debug("detect", "%zu hours of the past are known of series %u", l->count, l->series_id);
    lesson_free(l);
    s->looked_ns = 0; /* perhaps another one is to be read */
}

static void lesson_begin(struct lesson *l)
{
    struct seasons *s = l->seasons;
    s->reading = true;
    CHECK(uv_queue_work(s->uv, &l->work, lesson_work, lesson_done) == 0); /* it has a function */
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Whether it was new. */
static bool seasons_note(struct seasons *s, uint32_t id)
{
    if (s->asked_count == ASKED_MAX ||
        (s->asked_count && bsearch(&id, s->asked, s->asked_count, sizeof(id), compare_ids)))
        return false;
    if (s->asked_count == s->asked_room) {
        s->asked_room = MAX(2 * s->asked_room, (size_t)64);
        s->asked = mem_resize(s->asked, s->asked_room, sizeof(s->asked[0]));
    }
    size_t at = s->asked_count++;
    for (; at > 0 && s->asked[at - 1] > id; at--)
        s->asked[at] = s->asked[at - 1];
    s->asked[at] = id;
    return true;
}

static void seasons_consider(void *user, const struct series *series)
{
    struct seasons *s = user;
    if (s->lesson || !seasons_note(s, series->id))
        return;
    struct lesson *l = mem_alloc(sizeof(*l));
    l->seasons = s;
    l->series_id = series->id;
    l->key = mem_string(series->key);
    l->interval_ms = s->interval_ms;
    l->to_ms = s->now_ms - s->now_ms % HOUR_MS;
    if (selector_of_series(&l->selector, series->name, series->labels, series->labels_count) < 0) {
        lesson_free(l);
        return;
    }
    s->lesson = l;
    lesson_begin(l);
}

void seasons_tick(struct seasons *s, int64_t t_ms, int64_t interval_ms, int64_t mono_ns)
{
    if (!s->began_ns)
        s->began_ns = mono_ns;
    if (mono_ns - s->began_ns < LOOK_FIRST_NS)
        return;
    if (s->reading || (s->looked_ns && mono_ns - s->looked_ns < LOOK_EVERY_NS))
        return;
    s->looked_ns = mono_ns;
    s->now_ms = t_ms;
    s->interval_ms = MAX(interval_ms, INT64_C(1));
    if (s->lesson)
        lesson_begin(s->lesson);
    else
        alerts_each_anomaly(s->alerts, seasons_consider, s);
}

struct seasons *seasons_new(uv_loop_t *uv, const char *data_dir, struct alerts *alerts)
{
    struct seasons *s = mem_alloc(sizeof(*s));
    s->alerts = alerts;
    s->uv = uv;
    s->data_dir = data_dir;
    return s;
}

void seasons_close(struct seasons *s)
{
    atomic_store(&s->closing, true);
}

void seasons_free(struct seasons *s)
{
    if (!s)
        return;
    if (s->lesson && !s->reading)
        lesson_free(s->lesson);
    free(s->asked);
    free(s);
}
