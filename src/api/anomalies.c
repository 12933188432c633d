/*
 * anomalies.c: GET /api/v1/anomalies: the detector, with the daemon's settings, run over the
 * history: the bands that a chart of the past shows.
 *
 * It is run over the finest steps there are, from some time before the range so that it has learnt
 * what is usual when the range begins; the answer has the few points that were asked for. What the
 * daemon's own detector thought in those days is not stored: this one has seen less of the past, or
 * more.
 */
#include <stdlib.h>

#include "api/api_internal.h"
#include "api/fold.h"
#include "api/question.h"
#include "base/mem.h"
#include "hub/encode.h"
#include "wire/json.h"

#define ANOMALIES_RANGE_MS (15 * 60 * MS_PER_S) /* as a query's */
#define ANOMALIES_DIGITS 9

struct anomalies_question {
    struct question question;
    struct api *api;
    struct query query;
    size_t points; /* of the answer */
};

static struct anomalies_question *anomalies_of(struct question *q)
{
    return CONTAINER_OF(q, struct anomalies_question, question);
}

static void anomalies_free(struct question *q)
{
    struct anomalies_question *a = anomalies_of(q);
    api_leave_run(a->api);
    selector_fini(&a->query.selector);
    free(a);
}

/* ---- on the pool ------------------------------------------------------------------------- */

static void put_points(struct buf *out, const struct fold *fold, const struct folded *points)
{
    json_put_key(out, "points");
    json_open(out, '[');
    for (size_t i = 0; i < fold->count; i++) {
        const struct folded *p = &points[i];
        if (isnan(p->score)) {
            json_put_null(out);
            continue;
        }
        json_open(out, '[');
        json_put_i64(out, fold->from_ms + (int64_t)i * fold->step_ms);
        json_put_rounded(out, p->score, ANOMALIES_DIGITS);
        json_put_rounded(out, p->mean, ANOMALIES_DIGITS);
        json_put_rounded(out, p->sigma, ANOMALIES_DIGITS);
        json_close(out, ']');
    }
    json_close(out, ']');
}

static void put_series(struct anomalies_question *a, const struct answer *answer,
                       const struct answer_series *s, const struct fold *fold,
                       struct folded *points)
{
    struct buf *out = &a->question.body;
    struct detector *d =
        detector_new(&a->api->settings.detect, answer->step_ms, answer->series_count);
    folded_init(points, fold->count);
    for (size_t i = 0; i < answer->points_count; i++) {
        int64_t t_ms = answer->from_ms + (int64_t)i * answer->step_ms;
        struct verdict v = detector_step(d, t_ms, s->values[i]);
        size_t at = fold_index(fold, t_ms);
        if (at < fold->count)
            folded_add(&points[at], s->values[i], v.score, v.mean, v.sigma);
    }
    detector_free(d);
    json_open(out, '{');
    json_put_key(out, "id");
    json_put_u64(out, s->id);
    json_put_key(out, "name");
    json_put_string(out, s->name);
    json_put_key(out, "labels");
    encode_labels_json(out, s->labels, s->labels_count);
    json_put_key(out, "unit");
    json_put_string(out, s->unit);
    put_points(out, fold, points);
    json_close(out, '}');
}

static void put_answer(struct anomalies_question *a, const struct answer *answer, int64_t from_ms)
{
    struct buf *out = &a->question.body;
    int64_t last_ms = answer->from_ms + (int64_t)(answer->points_count - 1) * answer->step_ms;
    struct fold fold =
        fold_make(MIN(MAX(from_ms, answer->from_ms), last_ms), last_ms, answer->step_ms, a->points);
    struct folded *points = mem_array(fold.count, sizeof(*points));
    size_t count = MIN(answer->series_count, (size_t)ANOMALIES_SERIES_MAX);
    json_open(out, '{');
    json_put_key(out, "from");
    json_put_i64(out, fold.from_ms);
    json_put_key(out, "to");
    json_put_i64(out, fold.from_ms + (int64_t)(fold.count - 1) * fold.step_ms);
    json_put_key(out, "step_ms");
    json_put_i64(out, fold.step_ms);
    json_put_key(out, "sigma"); /* how many make the band of what is usual */
    json_put_double(out, a->api->settings.detect.sigma);
    if (count < answer->series_count || answer->truncated) {
        json_put_key(out, "truncated");
        json_put_bool(out, true);
    }
    json_put_key(out, "series");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++)
        put_series(a, answer, &answer->series[i], &fold, points);
    json_close(out, ']');
    json_close(out, '}');
    free(points);
}

static int anomalies_work(struct question *q, const struct reading *reading)
{
    struct anomalies_question *a = anomalies_of(q);
    const struct bank_settings *detect = &a->api->settings.detect;
    struct answer *answer = NULL;
    int64_t from_ms = MAX(a->query.from_ms, INT64_C(0));
    a->query.from_ms = MAX(from_ms - detect->learning_ms - detect->window_ms, INT64_C(0));
    int err = store_query(reading->reader, &a->query, &reading->recent, &answer, &q->error);
    if (!err)
        put_answer(a, answer, from_ms);
    answer_free(answer);
    return err;
}

/* ---- the request ------------------------------------------------------------------------- */

static bool anomalies_read(struct http_request *request, struct anomalies_question *a)
{
    uint64_t points;
    if (!api_range(request, ANOMALIES_RANGE_MS, &a->query.from_ms, &a->query.to_ms) ||
        !api_number(request, "points", QUERY_POINTS_DEFAULT, ANOMALIES_POINTS_MAX, &points))
        return false;
    if (points < 2) {
        http_respond_error(request, 400, NULL, "points", "\"points\" must be at least 2");
        return false;
    }
    a->points = points;
    a->query.points = QUERY_POINTS_FINEST;
    a->query.aggregate = AGG_AVG;
    if (!api_selector(request, &a->query.selector))
        return false;
    if (a->query.selector.globs_count || a->query.selector.matches_count)
        return true;
    http_respond_error(request, 400, NULL, "metric",
                       "say which series: metric=node_network_* or match=device=eth0");
    return false;
}

void api_get_anomalies(struct http_request *request, void *user)
{
    struct api *api = user;
    if (!api_take_run(api, request))
        return;
    struct anomalies_question *a = mem_alloc(sizeof(*a));
    a->api = api;
    a->question.work = anomalies_work;
    a->question.free = anomalies_free;
    if (anomalies_read(request, a))
        question_ask(&a->question, api, request);
    else
        anomalies_free(&a->question);
}
