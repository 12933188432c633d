/*
 * seasons.c: see seasons.h. Five weeks of one series are read day by day, at the finest steps that
 * the history has, because the spread within an hour is wanted as well as its mean; some hundred
 * small questions, one after the other on one thread of the pool. An hour counts with half of its
 * steps. Which series were asked for is remembered by id, so one that comes and goes is not read
 * again and again; ids are never reused, and there are as many as collect.series_limit lets live.
 * A history that cannot be read just now is tried again with the next look, some times. The
 * database is opened for each series and closed again: a megabyte of its pages for what is needed
 * once would stay for ever.
 */
#include "daemon/seasons.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alerts.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store.h"

#define LOOK_FIRST_NS (300 * NS_PER_S)
#define LOOK_EVERY_NS (60 * NS_PER_S)
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
    int64_t now_ms;
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
    int tries, err; /* of the last try: 0 or a negative errno */
    size_t count;
    struct past_hour hours[DAYS * 24];
};

/* ---- reading: a thread of the pool --------------------------------------------------------- */

static void lesson_take_day(struct lesson *l, const struct answer *a, const double *values)
{
    size_t per_hour = (size_t)(HOUR_MS / MAX(a->step_ms, INT64_C(1)));
    for (size_t i = 0; i < a->points_count;) {
        int64_t hour = (a->from_ms + (int64_t)i * a->step_ms) / HOUR_MS;
        double mean = 0, m2 = 0;
        size_t n = 0;
        for (; i < a->points_count && (a->from_ms + (int64_t)i * a->step_ms) / HOUR_MS == hour;
             i++) {
            if (isnan(values[i]))
                continue;
            double d = values[i] - mean;
            mean += d / (double)++n;
            m2 += d * (values[i] - mean);
        }
        if (n > 1 && n >= per_hour / 2 && l->count < ARRAY_LEN(l->hours))
            l->hours[l->count++] =
                (struct past_hour){hour * HOUR_MS, mean, sqrt(m2 / (double)(n - 1))};
    }
}

static int lesson_read(struct lesson *l, struct store_reader *reader)
{
    struct store_error error;
    for (int64_t day = DAYS; day > 0; day--) {
        struct answer *answer = NULL;
        struct query query = {.selector = l->selector, /* borrowed */
                              .from_ms = l->to_ms - day * DAY_MS,
                              .to_ms = l->to_ms - (day - 1) * DAY_MS - 1,
                              .points = QUERY_POINTS_FINEST,
                              .aggregate = AGG_AVG};
        if (atomic_load(&l->seasons->closing))
            return -ECANCELED;
        int err = store_query(reader, &query, NULL, &answer, &error);
        if (err)
            return err;
        for (size_t i = 0; i < answer->series_count; i++) {
            if (strcmp(answer->series[i].key, l->key) == 0)
                lesson_take_day(l, answer, answer->series[i].values);
        }
        answer_free(answer);
    }
    return 0;
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

/* A pattern that matches this text alone. */
static void put_literal(struct buf *glob, const char *text)
{
    for (; *text; text++) {
        if (strchr("*?[]\\", *text))
            buf_char(glob, '\\');
        buf_char(glob, *text);
    }
}

static int select_one(struct selector *ret, const struct series *series)
{
    struct buf glob = BUF_INIT;
    put_literal(&glob, series->name);
    int err = selector_add_glob(ret, buf_string(&glob));
    for (size_t i = 0; i < series->labels_count && !err; i++) {
        buf_clear(&glob);
        buf_printf(&glob, "%s=", series->labels[i].name);
        put_literal(&glob, series->labels[i].value);
        err = selector_add_match(ret, buf_string(&glob));
    }
    buf_fini(&glob);
    return err;
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
    l->to_ms = s->now_ms - s->now_ms % HOUR_MS;
    selector_init(&l->selector);
    if (select_one(&l->selector, series) < 0) {
        lesson_free(l);
        return;
    }
    s->lesson = l;
    lesson_begin(l);
}

void seasons_tick(struct seasons *s, int64_t t_ms, int64_t mono_ns)
{
    if (!s->began_ns)
        s->began_ns = mono_ns;
    if (mono_ns - s->began_ns < LOOK_FIRST_NS)
        return;
    if (s->reading || (s->looked_ns && mono_ns - s->looked_ns < LOOK_EVERY_NS))
        return;
    s->looked_ns = mono_ns;
    s->now_ms = t_ms;
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
