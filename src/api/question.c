/* question.c: see question.h. */
#include "api/question.h"

#include <errno.h>
#include <string.h>

#include "api/api_internal.h"

static void question_gone(struct http_request *request, void *user)
{
    struct question *q = user;
    (void)request;
    q->request = NULL;
    readers_forget(q->readers, &q->job);
}

static void question_end(struct question *q)
{
    buf_fini(&q->body);
    q->free(q);
}

static void question_done(struct job *job)
{
    struct question *q = CONTAINER_OF(job, struct question, job);
    if (q->request) {
        if (q->about && q->err == -ENOENT)
            http_respond_error(q->request, 404, NULL, q->about, "%s", q->error.text);
        else if (q->err == -EINVAL)
            http_respond_error(q->request, 400, NULL, NULL, "%s", q->error.text);
        else if (q->err == -EEXIST)
            http_respond_error(q->request, 409, "exists", q->about, "%s", q->error.text);
        else if (q->err == -EMLINK)
            http_respond_error(q->request, 409, "too_many", NULL, "%s", q->error.text);
        else if (q->err == -EUCLEAN)
            http_respond_error(q->request, 500, "damaged", q->about, "%s", q->error.text);
        else if (q->err && q->files)
            http_respond_error(q->request, 503, q->files, q->about, "%s", q->error.text);
        else if (q->err)
            http_respond_error(q->request, 503, "history_unavailable", NULL,
                               "the history cannot be read: %s", q->error.text);
        else if (q->status == 204)
            http_respond_empty(q->request, 204);
        else
            http_respond_json(q->request, q->status ? q->status : 200, &q->body);
    }
    question_end(q);
}

static int question_work(struct job *job, const struct reading *reading)
{
    struct question *q = CONTAINER_OF(job, struct question, job);
    /* What cannot be read must not look like what was never recorded. */
    bool unreadable = reading->unreadable && !q->files;
    if (unreadable)
        q->error = *reading->unreadable;
    q->err = unreadable ? q->error.code : q->work(q, reading);
    return q->err;
}

void question_ask(struct question *q, struct api *api, struct http_request *request)
{
    static const char stopping[] = "the server is stopping";
    q->job.work = question_work;
    q->job.done = question_done;
    q->request = request;
    q->readers = api->readers;
    q->error.code = q->err = -ECANCELED;
    memcpy(q->error.text, stopping, sizeof(stopping));
    http_request_on_gone(request, question_gone, q);
    if (readers_submit(api->readers, &q->job, station_ring(api->station), false))
        return;
    http_respond_error(request, 503, "busy", NULL,
                       "too many questions to the history at once; try again");
    question_end(q);
}
