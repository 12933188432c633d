/*
 * dashboards.c: /api/v1/dashboards: sets of questions that people have saved under a name, for the
 * page /explore. Documents (store/documents.h), so what is written is whole or not there at all.
 *
 * What is in one is the page's affair: a JSON object with a whole `version`, whose other members
 * are kept byte by byte as they came, so that a page of a later version loses nothing here. Reading
 * and writing wait for the disk, so both are questions for the pool, which need no history.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/question.h"
#include "base/mem.h"
#include "store/documents.h"
#include "wire/json.h"

/* The codes of a 503. */
#define UNREADABLE "unreadable"
#define NOT_KEPT "not_kept"

struct dashboard_question {
    struct question question;
    const char *data_dir;
    char name[DOCUMENT_NAME_MAX + 1];
    struct buf text; /* PUT: as it came */
};

static struct dashboard_question *dashboard_of(struct question *q)
{
    return CONTAINER_OF(q, struct dashboard_question, question);
}

static void dashboard_free(struct question *q)
{
    struct dashboard_question *d = dashboard_of(q);
    buf_fini(&d->text);
    free(d);
}

/* files: see question.h. */
static struct dashboard_question *dashboard_new(const struct api *api, const char *files,
                                                int (*work)(struct question *q,
                                                            const struct reading *reading))
{
    struct dashboard_question *d = mem_alloc(sizeof(*d));
    d->question.work = work;
    d->question.free = dashboard_free;
    d->question.about = "name";
    d->question.files = files;
    d->data_dir = api->settings.data_dir;
    return d;
}

/* The name in the address. False: it has been answered. */
static bool take_name(struct http_request *request, struct dashboard_question *d)
{
    const char *name = http_request_arg(request, "name");
    bool good = name && document_is_name(name);
    if (good)
        snprintf(d->name, sizeof(d->name), "%s", name);
    else
        http_respond_error(request, 400, NULL, "name",
                           "a dashboard's name must be 1 to 64 letters, digits, dots, dashes and "
                           "underscores, and not begin with a dot");
    return good;
}

static void ask_about_name(struct http_request *request, struct api *api,
                           struct dashboard_question *d)
{
    if (take_name(request, d))
        question_ask(&d->question, api, request);
    else
        dashboard_free(&d->question);
}

/* ---- which there are, and one ------------------------------------------------------------ */

static int list_work(struct question *q, const struct reading *reading)
{
    struct document_list *list CLEANUP(mem_freep) = NULL;
    (void)reading;
    int err = documents_list(dashboard_of(q)->data_dir, DOCUMENT_KIND_DASHBOARDS, &list, &q->error);
    if (err)
        return err;
    json_open(&q->body, '{');
    json_put_key(&q->body, "dashboards");
    json_open(&q->body, '[');
    for (size_t i = 0; i < list->count; i++) {
        json_open(&q->body, '{');
        json_put_key(&q->body, "name");
        json_put_string(&q->body, list->entries[i].name);
        json_put_key(&q->body, "changed");
        json_put_i64(&q->body, list->entries[i].changed_ms);
        json_put_key(&q->body, "bytes");
        json_put_u64(&q->body, list->entries[i].bytes);
        json_close(&q->body, '}');
    }
    json_close(&q->body, ']');
    json_close(&q->body, '}');
    return 0;
}

void api_get_dashboards(struct http_request *request, void *user)
{
    question_ask(&dashboard_new(user, UNREADABLE, list_work)->question, user, request);
}

/* NULL: it is a dashboard; else what is wrong with it. */
static const char *trouble_of(const char *text, size_t len, char *why, size_t why_size)
{
    json_t *document = json_parse(text, len, why, why_size);
    const json_t *version = json_object_get(document, "version");
    const char *trouble = NULL;
    if (!document)
        trouble = why;
    else if (!json_is_object(document))
        trouble = "a dashboard must be a JSON object";
    else if (!json_is_integer(version) || json_integer_value(version) < 1)
        trouble = "a dashboard's \"version\" must be a whole number from 1 on";
    json_decref(document);
    return trouble;
}

/* Somebody may have put anything there by hand. */
static int show_work(struct question *q, const struct reading *reading)
{
    const struct dashboard_question *d = dashboard_of(q);
    char why[160];
    (void)reading;
    int err = document_read(d->data_dir, DOCUMENT_KIND_DASHBOARDS, d->name, &q->body, &q->error);
    if (err)
        return err;
    const char *trouble = q->body.len > DASHBOARD_BYTES_MAX
                              ? "it is larger than a dashboard may be"
                              : trouble_of(q->body.data, q->body.len, why, sizeof(why));
    if (!trouble)
        return 0;
    snprintf(q->error.text, sizeof(q->error.text),
             "%s/" DOCUMENT_KIND_DASHBOARDS "/%s.json is no dashboard: %s", d->data_dir, d->name,
             trouble);
    return -EUCLEAN;
}

void api_get_dashboard(struct http_request *request, void *user)
{
    ask_about_name(request, user, dashboard_new(user, UNREADABLE, show_work));
}

/* ---- changes ----------------------------------------------------------------------------- */

static int delete_work(struct question *q, const struct reading *reading)
{
    const struct dashboard_question *d = dashboard_of(q);
    (void)reading;
    return document_delete(d->data_dir, DOCUMENT_KIND_DASHBOARDS, d->name, &q->error);
}

void api_delete_dashboard(struct http_request *request, void *user)
{
    struct dashboard_question *d = dashboard_new(user, NOT_KEPT, delete_work);
    d->question.status = 204;
    ask_about_name(request, user, d);
}

/* Written first as a new one, so that of two who make one of the same name each hears the truth. */
static int put_work(struct question *q, const struct reading *reading)
{
    const struct dashboard_question *d = dashboard_of(q);
    (void)reading;
    q->status = 201;
    int err = document_write(d->data_dir, DOCUMENT_KIND_DASHBOARDS, d->name, d->text.data,
                             d->text.len, false, &q->error);
    if (err == -EEXIST) {
        q->status = 200;
        err = document_write(d->data_dir, DOCUMENT_KIND_DASHBOARDS, d->name, d->text.data,
                             d->text.len, true, &q->error);
    }
    if (err)
        return err;
    json_open(&q->body, '{');
    json_put_key(&q->body, "name");
    json_put_string(&q->body, d->name);
    json_close(&q->body, '}');
    return 0;
}

void api_put_dashboard(struct http_request *request, void *user)
{
    size_t len;
    char why[160];
    const char *text = http_request_body(request, &len);
    const char *trouble = len > DASHBOARD_BYTES_MAX ? "a dashboard has 64 KiB at most"
                                                    : trouble_of(text, len, why, sizeof(why));
    if (trouble) {
        http_respond_error(request, len > DASHBOARD_BYTES_MAX ? 413 : 400, NULL, NULL, "%s",
                           trouble);
        return;
    }
    struct dashboard_question *d = dashboard_new(user, NOT_KEPT, put_work);
    buf_append(&d->text, text, len);
    if (!buf_ok(&d->text)) {
        http_respond_error(request, 503, NULL, NULL, "there is no memory for it");
        dashboard_free(&d->question);
        return;
    }
    ask_about_name(request, user, d);
}
