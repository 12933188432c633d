/*
 * bench_publish.c: see bench_publish.h.
 *
 *   main  -- struct order, document --> publisher process  -- POST --> daemon
 *         <------ struct report ------
 *
 * Main has at most one document under way: the process reads an order whole before it begins to
 * send it, so main's writing never waits for the network, and a report says that it is free again.
 * The process ends when its socket does; when that was not after the last document, main was
 * killed, and it says so first.
 *
 * No proxy is asked: a token is for the daemon alone. No redirect is followed either.
 */
#include "daemon/bench_publish.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/curl_library.h"
#include "base/clock.h"
#include "base/mem.h"
#include "keeper/helper.h"
#include "version.h"
#include "wire/benchmark.h"

#define CONNECT_MS 2000
#define PROGRESS_MS 3000
#define LAST_MS 10000
#define END_MS 20000
#define HEARD_MOST 4096

struct order {
    uint32_t len;
    bool last;
};

struct report {
    int err;
    char why[PUBLISH_WHY_MAX];
};

struct publisher {
    int fd;
    pid_t pid;
    bool busy;   /* an order has not been answered */
    bool broken; /* the process has gone */
    unsigned failed;
    char why[PUBLISH_WHY_MAX]; /* of the newest failure */
};

/* ---- both sides -------------------------------------------------------------------------- */

/* All of it, or -errno; -EPIPE at the end. until_ns: when to give up, 0: never. */
static int receive(int fd, void *data, size_t len, int64_t until_ns)
{
    char *at = data;
    while (len) {
        int64_t left_ms = (until_ns - clock_mono_ns()) / NS_PER_MS;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int n = until_ns ? poll(&ready, 1, (int)MAX(left_ms, INT64_C(0))) : 1;
        if (n == 0)
            return -ETIMEDOUT;
        ssize_t got = n > 0 ? recv(fd, at, len, 0) : -1;
        if (got == 0)
            return -EPIPE;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
    return 0;
}

static int send_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* ---- the process ------------------------------------------------------------------------- */

struct poster {
    const struct publish_settings *settings;
    struct curl_library lib;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    char error[CURL_ERROR_SIZE];
    char heard[HEARD_MOST + 1]; /* the answer's beginning */
    size_t heard_len;
};

static size_t hear(char *data, size_t size, size_t count, void *user)
{
    struct poster *p = user;
    size_t len = MIN(size * count, HEARD_MOST - p->heard_len);
    memcpy(p->heard + p->heard_len, data, len);
    p->heard_len += len;
    return size * count;
}

static bool add_header(struct poster *p, const char *text)
{
    struct curl_slist *list = p->lib.slist_append(p->headers, text);
    if (list)
        p->headers = list;
    return list;
}

#define SET(option, value) (ok = ok && p->lib.setopt(p->easy, option, value) == CURLE_OK)

static int poster_open(struct poster *p, char *why, size_t why_size)
{
    const struct publish_settings *s = p->settings;
    bool ok = true;
    if (p->easy)
        return 0;
    int err = p->lib.handle ? 0 : curl_library_load(&p->lib, why, why_size);
    if (err)
        return err;
    size_t len = strlen(s->url);
    while (len && s->url[len - 1] == '/')
        len--;
    p->url = mem_printf("%.*s/api/v1/benchmarks", (int)len, s->url);
    p->easy = p->lib.easy_init();
    ok = p->easy && add_header(p, "Content-Type: application/json") && add_header(p, "Expect:");
    SET(CURLOPT_URL, p->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, s->any_name ? 0L : 2L);
    if (s->ca_file) {
        SET(CURLOPT_CAINFO, s->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    SET(CURLOPT_ERRORBUFFER, p->error);
    SET(CURLOPT_WRITEFUNCTION, hear);
    SET(CURLOPT_WRITEDATA, p);
    SET(CURLOPT_USERAGENT, "netsonde/" NETSONDE_VERSION);
    SET(CURLOPT_HTTPHEADER, p->headers);
    SET(CURLOPT_POST, 1L);
    if (s->token) {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        SET(CURLOPT_XOAUTH2_BEARER, s->token);
    }
    if (ok)
        return 0;
    snprintf(why, why_size, "libcurl refuses the request");
    return -ENOMEM;
}

/* What the daemon said, in its words where it has any. */
static int judge(struct poster *p, char *why, size_t why_size)
{
    long status = 0;
    char ignored[160];
    p->lib.getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return 0;
    json_t *answer = json_parse(p->heard, p->heard_len, ignored, sizeof(ignored));
    const char *said =
        json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    snprintf(why, why_size, "%s answers %ld%s%.200s", p->url, status, said ? ": " : "",
             said ? said : "");
    json_decref(answer);
    return status == 401 || status == 403 ? -EACCES : -EPROTO;
}

static int post(struct poster *p, const char *document, size_t len, bool last, char *why,
                size_t why_size)
{
    bool ok = true;
    int err = poster_open(p, why, why_size);
    if (err)
        return err;
    p->heard_len = 0;
    p->error[0] = '\0';
    SET(CURLOPT_TIMEOUT_MS, last ? (long)LAST_MS : (long)PROGRESS_MS);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    SET(CURLOPT_POSTFIELDS, document);
    CURLcode code = ok ? p->lib.easy_perform(p->easy) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        return judge(p, why, why_size);
    snprintf(why, why_size, "%s: %.200s", p->url, p->error[0] ? p->error : p->lib.strerror(code));
    return -EIO;
}

/* Main went without an end to this: who looks would see it running for ever. */
static void post_killed(struct poster *p, const char *told)
{
    char why[PUBLISH_WHY_MAX];
    json_t *document = json_parse(told, strlen(told), why, sizeof(why));
    if (!document || json_object_set_new(document, "state", json_string("failed")) < 0 ||
        json_object_set_new(document, "why", json_string("the run was killed")) < 0)
        return;
    char *text = json_dumps(document, JSON_COMPACT);
    if (text)
        post(p, text, strlen(text), true, why, sizeof(why));
}

_Noreturn static void poster_run(int fd, pid_t parent, const struct publish_settings *settings)
{
    struct poster *p = mem_alloc(sizeof(*p));
    struct order order = {0};
    char *told = NULL;  /* the newest document */
    bool whole = false; /* it was the last */
    p->settings = settings;
    if (helper_detach("netsonde-send", fd, parent) < 0)
        _exit(1);
    prctl(PR_SET_PDEATHSIG, 0); /* its socket tells when main has gone: there is one thing to say */
    while (receive(HELPER_FD, &order, sizeof(order), 0) == 0 && order.len <= BENCHMARK_BYTES_MAX) {
        struct report report = {0};
        char *document = mem_alloc(order.len + 1);
        if (receive(HELPER_FD, document, order.len, 0) < 0)
            break;
        report.err = post(p, document, order.len, order.last, report.why, sizeof(report.why));
        free(told);
        told = document;
        whole = order.last;
        if (send_all(HELPER_FD, &report, sizeof(report)) < 0 || whole)
            break;
    }
    if (told && !whole)
        post_killed(p, told);
    _exit(0);
}

/* ---- main -------------------------------------------------------------------------------- */

struct publisher *publisher_start(const struct publish_settings *settings, char *why,
                                  size_t why_size)
{
    int fds[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        snprintf(why, why_size, "no socket: %s", strerror(errno));
        return NULL;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        poster_run(fds[1], parent, settings);
    close(fds[1]);
    if (pid < 0) {
        snprintf(why, why_size, "no process: %s", strerror(errno));
        close(fds[0]);
        return NULL;
    }
    struct publisher *p = mem_alloc(sizeof(*p));
    p->fd = fds[0];
    p->pid = pid;
    return p;
}

/* Takes the answer to the order under way, waiting so long. */
static void take_report(struct publisher *p, int64_t until_ns)
{
    struct report report = {0};
    struct pollfd ready = {.fd = p->fd, .events = POLLIN};
    int64_t left_ms = MAX((until_ns - clock_mono_ns()) / NS_PER_MS, INT64_C(0));
    if (!p->busy || p->broken || poll(&ready, 1, until_ns ? (int)left_ms : 0) <= 0)
        return;
    int err = receive(p->fd, &report, sizeof(report), clock_mono_ns() + NS_PER_S);
    p->busy = false;
    p->broken = err < 0;
    if (p->broken)
        snprintf(p->why, sizeof(p->why), "the process that sends has ended");
    else if (report.err)
        snprintf(p->why, sizeof(p->why), "%.*s", (int)sizeof(report.why) - 1, report.why);
    p->failed += p->broken || report.err;
}

static bool give_order(struct publisher *p, const struct buf *document, bool last)
{
    struct order order = {.len = (uint32_t)document->len, .last = last};
    if (p->broken || p->busy)
        return false;
    if (!buf_ok(document) || document->len > BENCHMARK_BYTES_MAX) {
        snprintf(p->why, sizeof(p->why), "the document is larger than 256 KiB");
        return false;
    }
    p->broken = send_all(p->fd, &order, sizeof(order)) < 0 ||
                send_all(p->fd, document->data, document->len) < 0;
    if (p->broken)
        snprintf(p->why, sizeof(p->why), "the process that sends has ended");
    p->busy = !p->broken;
    return p->busy;
}

void publisher_tell(struct publisher *p, const struct buf *document)
{
    take_report(p, 0);
    if (!p->failed) /* whoever refuses once is only asked again at the end */
        give_order(p, document, false);
}

int publisher_end(struct publisher *p, const struct buf *document, char *why, size_t why_size)
{
    int64_t until_ns = clock_mono_ns() + END_MS * NS_PER_MS;
    take_report(p, until_ns);
    unsigned failed = p->failed;
    bool given = give_order(p, document, true);
    if (given)
        take_report(p, until_ns);
    bool good = given && !p->busy && p->failed == failed;
    if (given && p->busy)
        snprintf(p->why, sizeof(p->why), "there was no answer");
    snprintf(why, why_size, "%s", good ? "" : p->why);
    publisher_stop(p);
    return good ? 0 : -EIO;
}

void publisher_stop(struct publisher *p)
{
    if (!p)
        return;
    kill(p->pid, SIGKILL); /* it may be waiting for a daemon that says nothing */
    close(p->fd);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(p);
}
