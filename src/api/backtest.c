/*
 * backtest.c: POST /api/v1/rules/test: a rule that need not exist, run over the history: would it
 * have fired, when, about what. The same machine as the live one (alert/backtest.h), on a pool
 * thread.
 *
 * It is run over the finest steps there are; what is shown of them are a few points of a few
 * series: those that it would have fired for come first.
 */
#include <errno.h>
#include <stdlib.h>

#include "alert/backtest.h"
#include "api/api_internal.h"
#include "api/body.h"
#include "api/fold.h"
#include "api/question.h"
#include "api/rule_json.h"
#include "api/rule_past.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hub/encode_alert.h"
#include "wire/json.h"

#define TEST_RANGE_MS (24 * 3600 * MS_PER_S)
#define TEST_SERIES_MAX 20  /* that are shown … */
#define TEST_ALERTS_MAX 200 /* … and alerts */
#define TEST_POINTS_MAX 2000
#define TEST_DIGITS 9

struct test_question {
    struct question question;
    struct api *api;
    struct rule *rule;
    int64_t from_ms, to_ms;
    size_t points; /* of the answer */
};

static struct test_question *test_of(struct question *q)
{
    return CONTAINER_OF(q, struct test_question, question);
}

static void test_free(struct question *q)
{
    struct test_question *t = test_of(q);
    api_leave_run(t->api);
    rule_unref(t->rule);
    free(t);
}

/* ---- the answer -------------------------------------------------------------------------- */

static double at_or_nan(const double *values, size_t index)
{
    return values ? values[index] : NAN;
}

static void put_points(struct buf *out, const struct answer *values,
                       const struct backtest_series *s, const struct fold *fold)
{
    struct folded *points = mem_array(fold->count, sizeof(*points));
    folded_init(points, fold->count);
    for (size_t i = 0; i < values->points_count; i++) {
        size_t at = fold_index(fold, values->from_ms + (int64_t)i * values->step_ms);
        if (at < fold->count)
            folded_add(&points[at], s->value[i], at_or_nan(s->score, i), at_or_nan(s->mean, i),
                       at_or_nan(s->sigma, i));
    }
    json_put_key(out, "points");
    json_open(out, '[');
    for (size_t i = 0; i < fold->count; i++) {
        json_open(out, '[');
        json_put_i64(out, fold->from_ms + (int64_t)i * fold->step_ms);
        json_put_rounded(out, points[i].value, TEST_DIGITS);
        json_put_rounded(out, points[i].score, TEST_DIGITS);
        json_put_rounded(out, points[i].mean, TEST_DIGITS);
        json_put_rounded(out, points[i].sigma, TEST_DIGITS);
        json_close(out, ']');
    }
    json_close(out, ']');
    free(points);
}

static void put_series(struct buf *out, const struct answer *values,
                       const struct backtest_series *s, const struct fold *fold)
{
    json_open(out, '{');
    json_put_key(out, "id");
    json_put_u64(out, s->series->id);
    json_put_key(out, "series");
    json_put_string(out, s->series->key);
    json_put_key(out, "unit");
    json_put_string(out, s->unit);
    put_points(out, values, s, fold);
    json_close(out, '}');
}

static bool has_fired(const struct backtest *b, const struct backtest_series *s)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->alerts[i]->series_id == s->series->id)
            return true;
    }
    return false;
}

/* Those that it fired for, then others. */
static void put_all_series(struct buf *out, const struct answer *values, const struct backtest *b,
                           const struct fold *fold)
{
    size_t put = 0;
    json_put_key(out, "series");
    json_open(out, '[');
    for (int fired = 1; fired >= 0; fired--) {
        for (size_t i = 0; i < b->series_count && put < TEST_SERIES_MAX; i++) {
            if (has_fired(b, &b->series[i]) != (fired == 1))
                continue;
            put_series(out, values, &b->series[i], fold);
            put++;
        }
    }
    json_close(out, ']');
}

static void put_alerts(struct buf *out, const struct backtest *b)
{
    json_put_key(out, "alerts");
    json_open(out, '[');
    for (size_t i = 0; i < MIN(b->count, (size_t)TEST_ALERTS_MAX); i++)
        encode_alert_json(out, b->alerts[i]);
    json_close(out, ']');
}

static void put_test(struct test_question *t, const struct answer *values, const struct backtest *b)
{
    struct buf *out = &t->question.body;
    int64_t last_ms = values->from_ms + (int64_t)(values->points_count - 1) * values->step_ms;
    struct fold fold = fold_make(values->from_ms, last_ms, values->step_ms, t->points);
    json_open(out, '{');
    json_put_key(out, "from");
    json_put_i64(out, values->from_ms);
    json_put_key(out, "to");
    json_put_i64(out, last_ms);
    json_put_key(out, "step_ms");
    json_put_i64(out, fold.step_ms);
    json_put_key(out, "tested_step_ms");
    json_put_i64(out, values->step_ms);
    json_put_key(out, "tier");
    json_put_string(out, values->tier);
    json_put_key(out, "fired");
    json_put_u64(out, b->fired);
    put_alerts(out, b);
    json_put_key(out, "matched");
    json_put_u64(out, values->series_count);
    json_put_key(out, "truncated");
    json_put_bool(out, values->truncated || b->fired > TEST_ALERTS_MAX ||
                           b->series_count > TEST_SERIES_MAX);
    put_all_series(out, values, b, &fold);
    json_close(out, '}');
}

/* ---- on the pool ------------------------------------------------------------------------- */

static int test_work(struct question *q, const struct reading *reading)
{
    struct test_question *t = test_of(q);
    struct answer *values = NULL, *per = NULL;
    int err = rule_past(reading->reader, &reading->recent, t->rule, t->from_ms, t->to_ms, &values,
                        &per, &q->error);
    if (!err) {
        struct backtest *b = backtest_run(t->rule, &t->api->settings.detect, values, per);
        put_test(t, values, b);
        backtest_free(b);
    }
    answer_free(values);
    answer_free(per);
    return err;
}

/* ---- the request ------------------------------------------------------------------------- */

/* The rule may have no name yet. */
static bool read_rule(struct http_request *request, const json_t *body, struct rule **ret)
{
    char field[RULE_FIELD_MAX], why[256];
    const json_t *rule = json_object_get(body, "rule");
    if (!json_is_object(rule)) {
        http_respond_error(request, 400, NULL, "rule", "\"rule\" must be an object");
        return false;
    }
    const char *name = body_has(rule, "name") ? NULL : "test";
    if (rule_from_json(rule, name, ret, field, why, sizeof(why)) < 0) {
        http_respond_error(request, 400, NULL, field, "%s", why);
        return false;
    }
    if ((*ret)->selector.globs_count)
        return true;
    http_respond_error(request, 400, NULL, "metric", "say what it is about: \"metric\"");
    return false;
}

static bool read_test(struct http_request *request, const json_t *body, struct test_question *t)
{
    static const char *const members[] = {"rule", "from", "to", "points"};
    int64_t now_ms = clock_wall_ms();
    uint64_t points = QUERY_POINTS_DEFAULT;
    t->to_ms = now_ms;
    if (!body_only(request, body, members, ARRAY_LEN(members)) ||
        !body_time(request, body, "to", now_ms, &t->to_ms))
        return false;
    t->from_ms = MAX(t->to_ms - TEST_RANGE_MS, INT64_C(0));
    if (!body_time(request, body, "from", now_ms, &t->from_ms) ||
        !body_number(request, body, "points", 2, TEST_POINTS_MAX, &points))
        return false;
    t->points = points;
    if (t->from_ms <= t->to_ms)
        return read_rule(request, body, &t->rule);
    http_respond_error(request, 400, NULL, "from", "\"from\" must not be later than \"to\"");
    return false;
}

void api_test_rule(struct http_request *request, void *user)
{
    struct api *api = user;
    json_t *body = body_read(request);
    if (!body)
        return;
    if (!api_take_run(api, request)) {
        json_decref(body);
        return;
    }
    struct test_question *t = mem_alloc(sizeof(*t));
    t->api = api;
    t->question.work = test_work;
    t->question.free = test_free;
    bool good = read_test(request, body, t);
    json_decref(body);
    if (good)
        question_ask(&t->question, api, request);
    else
        test_free(&t->question);
}
