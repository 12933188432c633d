/*
 * web.c: see web.h. A job is one easy handle with what it sends; libcurl's multi handle drives all
 * of them from the courier's loop and keeps connections for the next notice. Names are resolved on
 * libcurl's own threads, so a dead name server holds up nobody.
 *
 * An answer with a status of 2xx has taken the notice, whatever follows. 408, 425, 429 and 5xx, and
 * what goes wrong before there is a status, may be better later; Retry-After says when. All else
 * will not: a redirect is an address to correct, not to follow with a secret in hand.
 */
#include "alert/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/curl_library.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/list.h"
#include "base/mem.h"
#include "version.h"

#define HEARD_MOST (16 * 1024) /* bytes of an answer's body */
#define HEAD_MOST (64 * 1024)  /* bytes of its headers */
#define WAIT_MOST_MS 300000    /* a Retry-After beyond it is no */

struct web {
    struct curl_library lib;
    CURLM *multi;     /* NULL: not needed so far */
    struct list jobs; /* under way */
};

struct web_job {
    struct list node;
    void *owner;
    CURL *easy;
    const struct channel_spec *spec;
    char *url, *sender;
    struct curl_slist *list; /* headers or recipients */
    struct buf body;
    size_t sent, heard, head;
    char error[CURL_ERROR_SIZE];
};

struct web *web_new(void)
{
    struct web *w = mem_alloc(sizeof(*w));
    list_init(&w->jobs);
    return w;
}

/* ---- what libcurl calls ---------------------------------------------------------------------- */

static size_t give(char *into, size_t size, size_t count, void *user)
{
    struct web_job *job = user;
    size_t len = MIN(size * count, job->body.len - job->sent);
    memcpy(into, job->body.data + job->sent, len);
    job->sent += len;
    return len;
}

static size_t hear(char *data, size_t size, size_t count, void *user)
{
    struct web_job *job = user;
    (void)data;
    job->heard += size * count;
    return job->heard > HEARD_MOST ? 0 : size * count;
}

static size_t hear_head(char *data, size_t size, size_t count, void *user)
{
    struct web_job *job = user;
    (void)data;
    job->head += size * count;
    return job->head > HEAD_MOST ? 0 : size * count;
}

/* ---- the request ----------------------------------------------------------------------------- */

static void web_job_free(struct web *w, struct web_job *job)
{
    list_remove(&job->node);
    if (job->easy)
        w->lib.easy_cleanup(job->easy);
    w->lib.slist_free(job->list);
    buf_fini(&job->body);
    free(job->url);
    free(job->sender);
    free(job);
}

static bool list_add(struct web *w, struct web_job *job, const char *text)
{
    struct curl_slist *list = w->lib.slist_append(job->list, text);
    if (list)
        job->list = list;
    return list;
}

#define SET(option, value) (ok = ok && w->lib.setopt(job->easy, option, value) == CURLE_OK)

static bool set_common(struct web *w, struct web_job *job)
{
    const struct channel_spec *c = job->spec;
    bool ok = true, mail = c->type == CHANNEL_TYPE_EMAIL;
    SET(CURLOPT_URL, job->url);
    SET(CURLOPT_PROTOCOLS_STR, mail ? "smtp,smtps" : "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->timeout_ms);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (c->ca_file[0]) {
        SET(CURLOPT_CAINFO, c->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    SET(CURLOPT_ERRORBUFFER, job->error);
    SET(CURLOPT_PRIVATE, job);
    SET(CURLOPT_WRITEFUNCTION, hear);
    SET(CURLOPT_WRITEDATA, job);
    SET(CURLOPT_HEADERFUNCTION, hear_head);
    SET(CURLOPT_HEADERDATA, job);
    return ok;
}

static bool set_post(struct web *w, struct web_job *job)
{
    bool ok = list_add(w, job, "Content-Type: application/json") && list_add(w, job, "Expect:");
    SET(CURLOPT_USERAGENT, "netsonde/" NETSONDE_VERSION);
    SET(CURLOPT_HTTPHEADER, job->list);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->body.len);
    SET(CURLOPT_POSTFIELDS, job->body.data);
    return ok;
}

/* On this host nobody listens on the way, and its certificate is seldom one that anybody signed. */
static long wanted_tls(const struct channel_spec *c)
{
    if (c->ca_file[0] || (c->secret_file[0] && !channel_is_local(c)))
        return CURLUSESSL_ALL;
    return channel_is_local(c) ? CURLUSESSL_NONE : CURLUSESSL_TRY;
}

static bool set_mail(struct web *w, struct web_job *job)
{
    bool ok = true;
    for (size_t i = 0; ok && i < job->spec->to_count; i++)
        ok = list_add(w, job, job->spec->to[i]);
    SET(CURLOPT_MAIL_FROM, job->sender);
    SET(CURLOPT_MAIL_RCPT, job->list);
    SET(CURLOPT_USE_SSL, wanted_tls(job->spec));
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, give);
    SET(CURLOPT_READDATA, job);
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)job->body.len);
    return ok;
}

static int set_secret(struct web *w, struct web_job *job, char *why, size_t why_size)
{
    const struct channel_spec *c = job->spec;
    bool ok = true;
    if (!c->secret_file[0])
        return 0;
    CLEANUP(attempt_wipe) struct buf secret = BUF_INIT;
    int err = attempt_secret(c->secret_file, &secret, why, why_size);
    if (err)
        return err;
    if (c->user[0]) {
        SET(CURLOPT_USERNAME, c->user);
        SET(CURLOPT_PASSWORD, buf_string(&secret));
        if (c->type != CHANNEL_TYPE_EMAIL)
            SET(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    } else {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        SET(CURLOPT_XOAUTH2_BEARER, buf_string(&secret));
    }
    return ok ? 0 : -ENOMEM;
}

static void write_body(struct web_job *job, const struct attempt *a)
{
    const struct channel_spec *c = a->spec;
    size_t len = strlen(c->url);
    while (len && c->url[len - 1] == '/' && c->type == CHANNEL_TYPE_ALERTMANAGER)
        len--;
    job->url = mem_printf("%.*s%s", (int)len, c->url,
                          c->type == CHANNEL_TYPE_ALERTMANAGER ? "/api/v2/alerts" : "");
    if (c->type == CHANNEL_TYPE_EMAIL) {
        job->sender = c->from[0] ? mem_string(c->from) : render_sender(&a->context);
        render_mail(a->notice, &a->context, job->sender, c->to, c->to_count, &job->body);
    } else if (c->type == CHANNEL_TYPE_ALERTMANAGER) {
        render_alertmanager(a->notice, &a->context, &job->body);
    } else {
        render_webhook(a->notice, &a->context, &job->body);
    }
}

static int prepare(struct web *w, struct web_job *job, const struct attempt *a, char *why,
                   size_t why_size)
{
    write_body(job, a);
    job->easy = w->lib.easy_init();
    bool mail = a->spec->type == CHANNEL_TYPE_EMAIL;
    if (!job->easy || !buf_ok(&job->body) || !set_common(w, job) ||
        !(mail ? set_mail(w, job) : set_post(w, job))) {
        snprintf(why, why_size, "libcurl refuses the request");
        return -ENOMEM;
    }
    return set_secret(w, job, why, why_size);
}

static int load(struct web *w, char *why, size_t why_size)
{
    if (w->multi)
        return 0;
    int err = w->lib.handle ? 0 : curl_library_load(&w->lib, why, why_size);
    if (!err && !(w->multi = w->lib.multi_init())) {
        snprintf(why, why_size, "libcurl does not begin");
        err = -ENOMEM;
    }
    return err;
}

bool web_start(struct web *w, const struct attempt *a, void *owner, struct attempt_result *ret)
{
    char why[300] = "";
    if (load(w, why, sizeof(why)) < 0) {
        attempt_end(ret, ATTEMPT_REFUSED, "%s", why);
        return false;
    }
    struct web_job *job = mem_alloc(sizeof(*job));
    list_append(&w->jobs, &job->node);
    job->owner = owner;
    job->spec = a->spec;
    int err = prepare(w, job, a, why, sizeof(why));
    if (!err && w->lib.multi_add(w->multi, job->easy) != CURLM_OK) {
        snprintf(why, sizeof(why), "libcurl does not take the request");
        err = -ENOMEM;
    }
    if (err) {
        attempt_end(ret, err == -ENOMEM ? ATTEMPT_AGAIN : ATTEMPT_REFUSED, "%s", why);
        web_job_free(w, job);
        return false;
    }
    return true;
}

void web_free(struct web *w)
{
    LIST_EACH(node, &w->jobs)
    {
        struct web_job *job = LIST_ENTRY(node, struct web_job, node);
        w->lib.multi_remove(w->multi, job->easy);
        web_job_free(w, job);
    }
    if (w->multi)
        w->lib.multi_cleanup(w->multi);
    free(w);
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

void web_wait(struct web *w, struct pollfd *fds, size_t count, int timeout_ms)
{
    struct curl_waitfd extra[WEB_FDS_MAX];
    int running;
    CHECK(count <= WEB_FDS_MAX);
    if (!w->multi) {
        poll(fds, count, timeout_ms);
        return;
    }
    for (size_t i = 0; i < count; i++)
        extra[i] = (struct curl_waitfd){.fd = fds[i].fd, .events = CURL_WAIT_POLLIN};
    /* A handle that was just added has a time that is over, so this returns at once for it. */
    w->lib.multi_poll(w->multi, extra, (unsigned)count, timeout_ms, NULL);
    w->lib.multi_perform(w->multi, &running);
}

static void end_http(struct web *w, struct web_job *job, long status, struct attempt_result *ret)
{
    curl_off_t wait_s = 0;
    bool later = status == 408 || status == 425 || status == 429 || status / 100 == 5;
    if (status / 100 == 2) {
        ret->end = ATTEMPT_DELIVERED;
        return;
    }
    attempt_end(ret, later ? ATTEMPT_AGAIN : ATTEMPT_REFUSED, "it answers %ld%s", status,
                status / 100 == 3 ? ": redirects are not followed" : "");
    if ((status != 429 && status != 503) ||
        w->lib.getinfo(job->easy, CURLINFO_RETRY_AFTER, &wait_s) != CURLE_OK || wait_s <= 0)
        return;
    if (wait_s > WAIT_MOST_MS / MS_PER_S)
        attempt_end(ret, ATTEMPT_REFUSED, "it answers %ld and wants %lld s of peace", status,
                    (long long)wait_s);
    else
        ret->wait_ms = wait_s * MS_PER_S;
}

static bool will_stay(CURLcode code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_NOT_BUILT_IN:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED:
    case CURLE_LOGIN_DENIED:
        return true;
    default:
        return false;
    }
}

static void web_end(struct web *w, struct web_job *job, CURLcode code, struct attempt_result *ret)
{
    long status = 0;
    w->lib.getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
    if (job->spec->type == CHANNEL_TYPE_EMAIL) {
        if (code == CURLE_OK)
            ret->end = ATTEMPT_DELIVERED;
        else
            attempt_end(ret, will_stay(code) || status / 100 == 5 ? ATTEMPT_REFUSED : ATTEMPT_AGAIN,
                        "%s", job->error[0] ? job->error : w->lib.strerror(code));
        return;
    }
    if (status >= 200 && (code == CURLE_OK || status / 100 == 2))
        end_http(w, job, status, ret);
    else
        attempt_end(ret, will_stay(code) ? ATTEMPT_REFUSED : ATTEMPT_AGAIN, "%s",
                    job->error[0] ? job->error : w->lib.strerror(code));
}

bool web_ended(struct web *w, void **ret_owner, struct attempt_result *ret)
{
    int more;
    if (!w->multi)
        return false;
    for (CURLMsg *m; (m = w->lib.multi_info_read(w->multi, &more));) {
        struct web_job *job = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        w->lib.getinfo(m->easy_handle, CURLINFO_PRIVATE, &job);
        CHECK(job);
        web_end(w, job, code, ret);
        *ret_owner = job->owner;
        w->lib.multi_remove(w->multi, job->easy);
        web_job_free(w, job);
        return true;
    }
    return false;
}
