/*
 * benchmarks.c: GET and POST /api/v1/benchmarks: what `netsonde bench` publishes, kept as documents
 * (store/documents.h) and told on the stream's channel `benchmark`.
 *
 * A run that is still going is told and not kept: what it has so far is of use to who looks now,
 * and at its end it is kept under its id (benchmark_keep.h).
 *
 * Reading, checking and writing wait for the disk or take milliseconds, so they are errands: done
 * on libuv's pool, a few at a time. The client may leave meanwhile; the errand is done all the
 * same. The loop's thread, but for `work`.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api_internal.h"
#include "api/benchmark_keep.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/documents.h"
#include "wire/benchmark.h"
#include "wire/json.h"

#define ERRANDS_MAX 4 /* of one loop; the pool has four threads */
#define LIST_DEFAULT 50
#define LIST_BYTES (4U << 20) /* of an answer; what is beyond is told of */

struct errand {
    uv_work_t work;
    struct api *api;
    struct http_request *request; /* NULL: the client has left */
    /* GET */
    char subject[16]; /* "": of all */
    size_t limit;
    /* POST: as it was sent; then {"id":…} */
    struct buf body;
    struct bytes *members; /* for the stream; NULL: nothing to tell */
    /* the answer: the body's or an error */
    unsigned status;
    const char *code, *field; /* of an error; live for ever */
    char why[STORE_TEXT_MAX];
};

/* ---- there and back ---------------------------------------------------------------------- */

static void errand_free(struct errand *e)
{
    buf_fini(&e->body);
    bytes_unref(e->members);
    free(e);
}

static void errand_gone(struct http_request *request, void *user)
{
    struct errand *e = user;
    (void)request;
    e->request = NULL;
}

/* Tells the stream; false: it could not be. */
static bool errand_tell(struct errand *e)
{
    const struct api_settings *settings = &e->api->settings;
    struct bytes *members = TAKE(e->members);
    if (members && settings->publish)
        return settings->publish(settings->publish_user, CHANNEL_BENCHMARK, members) == 0;
    bytes_unref(members);
    return true;
}

static void errand_done(uv_work_t *work, int status)
{
    struct errand *e = CONTAINER_OF(work, struct errand, work);
    bool run = status == 0; /* else the loop ended before its turn came */
    bool told = run && errand_tell(e);
    struct http_request *request = TAKE(e->request);
    e->api->errands--;
    if (request && !run)
        http_respond_error(request, 503, NULL, NULL, "the server is stopping");
    else if (request && e->status >= 400)
        http_respond_error(request, e->status, e->code, e->field, "%s", e->why);
    else if (request && !told)
        http_respond_error(request, 503, "busy", NULL,
                           "too much is to be told at once; send it again");
    else if (request)
        http_respond_json(request, e->status, &e->body);
    errand_free(e);
}

/* Takes the errand. */
static void errand_go(struct errand *e, struct api *api, struct http_request *request,
                      uv_work_cb work)
{
    if (api->closing || api->errands >= ERRANDS_MAX) {
        http_answer_header(request, "Retry-After", "1");
        http_respond_error(request, 503, "busy", NULL, "too many requests at once; try again");
        errand_free(e);
        return;
    }
    e->api = api;
    e->request = request;
    http_request_on_gone(request, errand_gone, e);
    api->errands++;
    int err = uv_queue_work(api->uv, &e->work, work, errand_done);
    CHECK(err == 0);
}

/* Pool. */
static void errand_fail(struct errand *e, unsigned status, const char *code, const char *field,
                        const char *why)
{
    e->status = status;
    e->code = code;
    e->field = field;
    snprintf(e->why, sizeof(e->why), "%s", why);
}

/* ---- names ------------------------------------------------------------------------------- */

static void make_id(const json_t *document, char id[BENCHMARK_ID_MAX + 1])
{
    time_t seconds = (time_t)(json_integer_value(json_object_get(document, "t")) / MS_PER_S);
    struct tm utc;
    char when[32] = "";
    if (gmtime_r(&seconds, &utc))
        strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
    snprintf(id, BENCHMARK_ID_MAX + 1, "%s-%s",
             json_string_value(json_object_get(document, "subject")), when);
}

/* ---- POST -------------------------------------------------------------------------------- */

static int keep(struct errand *e, const char *id, bool *ret_new)
{
    struct store_error err = {0};
    int error =
        benchmark_keep(e->api->settings.data_dir, id, e->body.data, e->body.len, ret_new, &err);
    if (error)
        errand_fail(e, 503, "not_kept", NULL, err.text);
    return error;
}

/* The text as it came, with the id where it had none. */
static void complete(struct errand *e, const json_t *document, char id[BENCHMARK_ID_MAX + 1])
{
    if (json_object_get(document, "id")) {
        snprintf(id, BENCHMARK_ID_MAX + 1, "%s",
                 json_string_value(json_object_get(document, "id")));
        return;
    }
    struct buf whole = BUF_INIT;
    size_t brace = 0;
    while (e->body.data[brace] != '{')
        brace++;
    make_id(document, id);
    buf_printf(&whole, "{\"id\":\"%s\",", id);
    buf_append(&whole, e->body.data + brace + 1, e->body.len - brace - 1);
    buf_fini(&e->body);
    e->body = whole;
}

static void post_document(struct errand *e, const json_t *document)
{
    const char *subject = json_string_value(json_object_get(document, "subject"));
    const char *state = json_string_value(json_object_get(document, "state"));
    char id[BENCHMARK_ID_MAX + 1];
    bool is_new = false, runs = strcmp(state, "running") == 0;
    complete(e, document, id);
    if (!benchmark_is_run_id(id, subject)) {
        errand_fail(e, 400, NULL, "id", "\"id\" must be SUBJECT-YYYYMMDDTHHMMSSZ");
        return;
    }
    if (!runs && keep(e, id, &is_new))
        return;
    struct buf members = BUF_INIT;
    buf_text(&members, "\"benchmark\":");
    buf_append(&members, e->body.data, e->body.len);
    if (buf_ok(&members) && buf_ok(&e->body))
        e->members = bytes_copy(members.data, members.len);
    buf_fini(&members);
    buf_fini(&e->body);
    json_open(&e->body, '{');
    json_put_key(&e->body, "id");
    json_put_string(&e->body, id);
    json_close(&e->body, '}');
    e->status = runs ? 202 : is_new ? 201 : 200;
    if (!e->members)
        errand_fail(e, 503, NULL, NULL, "there is no memory for it");
}

static void post_work(uv_work_t *work)
{
    struct errand *e = CONTAINER_OF(work, struct errand, work);
    char why[200];
    const char *member = NULL;
    json_t *document = json_parse(e->body.data, e->body.len, why, sizeof(why));
    if (!json_is_object(document))
        errand_fail(e, 400, NULL, NULL, document ? "The body must be a JSON object." : why);
    else if (benchmark_check(document, &member, why, sizeof(why)) < 0)
        errand_fail(e, 400, NULL, member, why);
    else
        post_document(e, document);
    json_decref(document);
}

void api_post_benchmark(struct http_request *request, void *user)
{
    struct errand *e = mem_alloc(sizeof(*e));
    size_t len;
    const char *text = http_request_body(request, &len);
    buf_append(&e->body, text, len);
    if (len && buf_ok(&e->body)) {
        errand_go(e, user, request, post_work);
        return;
    }
    http_respond_error(request, len ? 503 : 400, NULL, NULL, "%s",
                       len ? "there is no memory for it" : "The body must be a JSON object.");
    errand_free(e);
}

/* ---- GET --------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct document_entry *x = a, *y = b;
    int order = (x->changed_ms < y->changed_ms) - (x->changed_ms > y->changed_ms);
    return order ? order : strcmp(x->name, y->name);
}

/* A run that was published and kept by a name as well is there twice. */
struct seen {
    char (*ids)[BENCHMARK_ID_MAX + 1];
    size_t count;
};

static bool is_seen(struct seen *seen, const char *id)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->ids[i], id) == 0)
            return true;
    }
    snprintf(seen->ids[seen->count++], sizeof(seen->ids[0]), "%s", id);
    return false;
}

enum outcome { TAKEN, PASSED_OVER, UNREADABLE, TOO_MUCH };

static enum outcome list_one(struct errand *e, const char *name, struct seen *seen)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    const char *member, *data_dir = e->api->settings.data_dir;
    char why[200];
    int error = document_read(data_dir, DOCUMENT_KIND_BENCHMARKS, name, &text, NULL);
    if (error)
        return error == -ENOENT ? PASSED_OVER : UNREADABLE; /* deleted meanwhile */
    if (text.len > BENCHMARK_BYTES_MAX || !text.len)
        return UNREADABLE;
    json_t *document = json_parse(text.data, text.len, why, sizeof(why));
    enum outcome outcome = UNREADABLE;
    if (document && benchmark_check(document, &member, why, sizeof(why)) == 0) {
        const char *subject = json_string_value(json_object_get(document, "subject"));
        const char *id = json_string_value(json_object_get(document, "id"));
        if ((e->subject[0] && strcmp(subject, e->subject) != 0) || is_seen(seen, id ? id : name))
            outcome = PASSED_OVER;
        else
            outcome = e->body.len + text.len > LIST_BYTES ? TOO_MUCH : TAKEN;
    }
    json_decref(document);
    if (outcome == TAKEN) {
        while (text.len && isspace((unsigned char)text.data[text.len - 1]))
            text.len--;
        json_put_raw(&e->body, text.data, text.len);
    }
    return outcome;
}

static void list_work(uv_work_t *work)
{
    struct errand *e = CONTAINER_OF(work, struct errand, work);
    struct document_list *list CLEANUP(mem_freep) = NULL;
    struct store_error err = {0};
    size_t taken = 0, unreadable = 0, i = 0;
    bool more = false;
    if (documents_list(e->api->settings.data_dir, DOCUMENT_KIND_BENCHMARKS, &list, &err) < 0) {
        errand_fail(e, 503, "unreadable", NULL, err.text);
        return;
    }
    struct seen seen = {.ids = mem_array(list->count + 1, sizeof(*seen.ids))};
    qsort(list->entries, list->count, sizeof(list->entries[0]), newest_first);
    json_open(&e->body, '{');
    json_put_key(&e->body, "benchmarks");
    json_open(&e->body, '[');
    for (; i < list->count && taken < e->limit && !more; i++) {
        enum outcome outcome = list_one(e, list->entries[i].name, &seen);
        taken += outcome == TAKEN;
        unreadable += outcome == UNREADABLE;
        more = outcome == TOO_MUCH;
    }
    json_close(&e->body, ']');
    json_put_key(&e->body, "unreadable");
    json_put_u64(&e->body, unreadable);
    json_put_key(&e->body, "truncated");
    json_put_bool(&e->body, more || i < list->count);
    json_close(&e->body, '}');
    free(seen.ids);
    e->status = 200;
}

void api_get_benchmarks(struct http_request *request, void *user)
{
    const char *subject = http_request_param(request, "subject");
    uint64_t limit;
    if (!api_number(request, "limit", LIST_DEFAULT, DOCUMENTS_MAX, &limit))
        return;
    if (subject && !benchmark_is_subject(subject)) {
        http_respond_error(request, 400, NULL, "subject",
                           "\"subject\" must be fanout, collect, packets, store or query");
        return;
    }
    struct errand *e = mem_alloc(sizeof(*e));
    snprintf(e->subject, sizeof(e->subject), "%s", subject ? subject : "");
    e->limit = (size_t)limit;
    errand_go(e, user, request, list_work);
}
