/*
 * baselines.c: /api/v1/baselines and /api/v1/comparisons: named statistics, and what has changed
 * since. All of it reads files or the history, so all of it is a question for the pool; what reads
 * the history for long takes the place of a run (api_take_run).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "api/api_internal.h"
#include "api/baseline_work.h"
#include "api/body.h"
#include "api/comparison_log.h"
#include "api/question.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/json.h"

#define COMPARISONS_LIMIT 100 /* of the trend, when nobody says how many */

struct baseline_question {
    struct question question;
    struct api *api;
    bool runs; /* has the place of a run */
    char name[DOCUMENT_NAME_MAX + 1];
    char comment[BASELINE_COMMENT_MAX], made_by[BASELINE_WORD_MAX];
    struct utsname system;
    struct selector selector;
    bool selects; /* somebody has said which series */
    int64_t from_ms, to_ms, now_ms;
    bool replace;
    size_t limit;
};

static struct baseline_question *baseline_of(struct question *q)
{
    return CONTAINER_OF(q, struct baseline_question, question);
}

static void baseline_free(struct question *q)
{
    struct baseline_question *b = baseline_of(q);
    if (b->runs)
        api_leave_run(b->api);
    selector_fini(&b->selector);
    free(b);
}

static struct baseline_question *baseline_new(struct api *api,
                                              int (*work)(struct question *q,
                                                          const struct reading *reading))
{
    struct baseline_question *b = mem_alloc(sizeof(*b));
    b->question.work = work;
    b->question.free = baseline_free;
    b->question.about = "name";
    b->api = api;
    b->now_ms = clock_wall_ms();
    uname(&b->system);
    return b;
}

static void baseline_ask_run(struct baseline_question *b, struct http_request *request)
{
    b->runs = api_take_run(b->api, request);
    if (b->runs)
        question_ask(&b->question, b->api, request);
    else
        baseline_free(&b->question);
}

static struct baseline_place place_of(const struct baseline_question *b,
                                      const struct reading *reading)
{
    return (struct baseline_place){.data_dir = b->api->settings.data_dir,
                                   .reader = reading->reader,
                                   .recent = &reading->recent,
                                   .version = b->api->settings.version,
                                   .host = b->api->settings.host,
                                   .kernel = b->system.release};
}

static struct baseline_ask ask_of(const struct baseline_question *b)
{
    return (struct baseline_ask){.name = b->name,
                                 .comment = b->comment,
                                 .made_by = b->made_by,
                                 .from_ms = b->from_ms,
                                 .to_ms = b->to_ms,
                                 .now_ms = b->now_ms,
                                 .selector = b->selects ? &b->selector : NULL};
}

/* The name in the address; `saved`: it must be one that somebody may have given. */
static bool take_name(struct http_request *request, bool saved, struct baseline_question *b)
{
    const char *name = http_request_arg(request, "name");
    bool good = name && (baseline_is_name(name) || (!saved && strcmp(name, BASELINE_AUTO) == 0));
    if (good)
        snprintf(b->name, sizeof(b->name), "%s", name);
    else
        http_respond_error(request, 404, NULL, "name", "there is no such baseline");
    return good;
}

/* ---- the list, one, and away with it ----------------------------------------------------- */

static int list_work(struct question *q, const struct reading *reading)
{
    (void)reading;
    return baseline_list_json(baseline_of(q)->api->settings.data_dir, &q->body, &q->error);
}

void api_get_baselines(struct http_request *request, void *user)
{
    struct baseline_question *b = baseline_new(user, list_work);
    question_ask(&b->question, user, request);
}

static int show_work(struct question *q, const struct reading *reading)
{
    const struct baseline_question *b = baseline_of(q);
    struct baseline_place place = place_of(b, reading);
    struct baseline_ask ask = ask_of(b);
    struct baseline baseline;
    int err = strcmp(b->name, BASELINE_AUTO) == 0
                  ? baseline_make(&place, &ask, &baseline, &q->error)
                  : baseline_load(place.data_dir, b->name, false, &baseline, NULL, &q->error);
    if (!err)
        baseline_json(&q->body, &baseline);
    baseline_fini(&baseline);
    mem_trim();
    return err;
}

void api_get_baseline(struct http_request *request, void *user)
{
    struct api *api = user;
    struct baseline_question *b = baseline_new(api, show_work);
    if (!take_name(request, false, b) ||
        !api_range(request, BASELINE_RANGE_MS, &b->from_ms, &b->to_ms)) {
        baseline_free(&b->question);
        return;
    }
    if (strcmp(b->name, BASELINE_AUTO) != 0) /* a file */
        question_ask(&b->question, api, request);
    else
        baseline_ask_run(b, request);
}

static int delete_work(struct question *q, const struct reading *reading)
{
    const struct baseline_question *b = baseline_of(q);
    (void)reading;
    return document_delete(b->api->settings.data_dir, DOCUMENT_KIND_BASELINES, b->name, &q->error);
}

void api_delete_baseline(struct http_request *request, void *user)
{
    struct baseline_question *b = baseline_new(user, delete_work);
    b->question.status = 204;
    if (take_name(request, true, b))
        question_ask(&b->question, user, request);
    else
        baseline_free(&b->question);
}

/* ---- a new one --------------------------------------------------------------------------- */

static int save_work(struct question *q, const struct reading *reading)
{
    const struct baseline_question *b = baseline_of(q);
    struct baseline_place place = place_of(b, reading);
    struct baseline_ask ask = ask_of(b);
    struct baseline baseline;
    int err = baseline_make(&place, &ask, &baseline, &q->error);
    if (!err)
        err = baseline_keep(&place, &baseline, b->replace, &q->error);
    if (!err)
        baseline_entry_json(&q->body, &baseline, baseline.list.count);
    baseline_fini(&baseline);
    mem_trim();
    return err;
}

/* An array of patterns; absent: none. */
static bool read_patterns(struct http_request *request, const json_t *body, const char *member,
                          int (*add)(struct selector *s, const char *text), struct selector *s)
{
    const json_t *list = json_object_get(body, member), *value;
    bool good = !body_has(body, member) || json_is_array(list);
    size_t i;
    json_array_foreach(list, i, value)
    {
        good = good && json_is_string(value) && add(s, json_string_value(value)) == 0;
    }
    if (!good)
        http_respond_error(request, 400, NULL, member, "\"%s\" must be an array of patterns",
                           member);
    return good;
}

static bool read_flag(struct http_request *request, const json_t *body, const char *member,
                      bool *ret)
{
    const json_t *value = json_object_get(body, member);
    if (!body_has(body, member) || json_is_boolean(value)) {
        *ret = json_is_true(value);
        return true;
    }
    http_respond_error(request, 400, NULL, member, "\"%s\" must be true or false", member);
    return false;
}

static bool read_save(struct http_request *request, const json_t *body, struct baseline_question *b)
{
    static const char *const members[] = {"name",    "from",   "to",   "comment",
                                          "replace", "metric", "match"};
    b->to_ms = b->now_ms;
    if (!body_only(request, body, members, ARRAY_LEN(members)) ||
        !body_text(request, body, "name", b->name, sizeof(b->name)) ||
        !body_text(request, body, "comment", b->comment, sizeof(b->comment)) ||
        !body_time(request, body, "to", b->now_ms, &b->to_ms))
        return false;
    b->from_ms = MAX(b->to_ms - BASELINE_RANGE_MS, INT64_C(0));
    if (!body_time(request, body, "from", b->now_ms, &b->from_ms) ||
        !read_flag(request, body, "replace", &b->replace) ||
        !read_patterns(request, body, "metric", selector_add_glob, &b->selector) ||
        !read_patterns(request, body, "match", selector_add_match, &b->selector))
        return false;
    b->selects = b->selector.globs_count || b->selector.matches_count;
    if (!baseline_is_name(b->name)) {
        http_respond_error(request, 400, NULL, "name",
                           "\"name\" must be 1 to 64 letters, digits, dots, dashes and "
                           "underscores, not begin with a dot, and not be \"auto\"");
        return false;
    }
    if (b->from_ms < b->to_ms)
        return true;
    http_respond_error(request, 400, NULL, "from", "\"from\" must be earlier than \"to\"");
    return false;
}

void api_post_baseline(struct http_request *request, void *user)
{
    struct api *api = user;
    json_t *body = body_read(request);
    if (!body)
        return;
    struct baseline_question *b = baseline_new(api, save_work);
    b->question.status = 201;
    api_author(request, b->made_by, sizeof(b->made_by));
    bool good = read_save(request, body, b);
    json_decref(body);
    if (good)
        baseline_ask_run(b, request);
    else
        baseline_free(&b->question);
}

/* ---- comparing --------------------------------------------------------------------------- */

static int compare_work(struct question *q, const struct reading *reading)
{
    const struct baseline_question *b = baseline_of(q);
    struct baseline_place place = place_of(b, reading);
    struct baseline_ask ask = ask_of(b);
    struct baseline_comparison c;
    int err = baseline_compare(&place, &ask, COMPARE_BLOCKS_LEAST, &c, &q->error);
    if (!err) {
        struct comparison_about about = {b->name, "asked", b->now_ms, b->from_ms, b->to_ms};
        json_open(&q->body, '{');
        comparison_json(&q->body, &c.report, &about, SIZE_MAX, false);
        json_close(&q->body, '}');
    }
    baseline_comparison_fini(&c);
    mem_trim(); /* megabytes that are not needed again soon */
    return err;
}

void api_get_comparison(struct http_request *request, void *user)
{
    struct api *api = user;
    struct baseline_question *b = baseline_new(api, compare_work);
    if (!take_name(request, false, b) ||
        !api_range(request, BASELINE_RANGE_MS, &b->from_ms, &b->to_ms) ||
        !api_selector(request, &b->selector)) {
        baseline_free(&b->question);
        return;
    }
    b->selects = b->selector.globs_count || b->selector.matches_count;
    baseline_ask_run(b, request);
}

static int trend_work(struct question *q, const struct reading *reading)
{
    const struct baseline_question *b = baseline_of(q);
    (void)reading;
    return comparison_log_json(b->api->settings.data_dir, b->limit, &q->body, &q->error);
}

void api_get_comparisons(struct http_request *request, void *user)
{
    uint64_t limit;
    if (!api_number(request, "limit", COMPARISONS_LIMIT, COMPARISONS_MAX, &limit))
        return;
    struct baseline_question *b = baseline_new(user, trend_work);
    b->limit = limit;
    question_ask(&b->question, user, request);
}
