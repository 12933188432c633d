/*
 * local.c: see local.h. A file is opened with the first notice and again when its name leads to
 * another one (somebody rotated it) or to none. A notice is one write; where only a part of it
 * fits, the file is cut back, so that no half line stays behind on a full disk. Nobody but this
 * process writes there.
 *
 * The thread works on a job that has all it needs: its own reference of the notice, the descriptor,
 * how many lines are through. The loop takes that back when the thread has ended (`done`, then the
 * join); a job whose time is over stays until then, and the channel makes no other attempt.
 */
#include "alert/local.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "alert/render_internal.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"

#define FILE_MODE 0640
#define STACK_BYTES (256 * 1024)

struct local_job {
    pthread_t thread;
    atomic_bool done;
    int bell, fd;
    struct attempt attempt;
    struct notice *notice; /* a reference */
    size_t lines_done;
    struct attempt_result result;
};

static void close_fd(struct local_job *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static void fail(struct local_job *l, struct attempt_result *ret, const char *path, int err)
{
    close_fd(l);
    attempt_end(ret, ATTEMPT_AGAIN, "%s: %s", path, strerror(err));
}

/* ---- files ----------------------------------------------------------------------------------- */

static int open_file(struct local_job *l, const char *path, struct stat *ret)
{
    struct stat named;
    bool same = l->fd >= 0 && fstat(l->fd, ret) == 0 && stat(path, &named) == 0 &&
                named.st_ino == ret->st_ino && named.st_dev == ret->st_dev;
    if (same)
        return 0;
    close_fd(l);
    /* Without O_NONBLOCK a pipe that nobody reads would hold up everything. */
    l->fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FILE_MODE);
    return l->fd >= 0 && fstat(l->fd, ret) == 0 ? 0 : -errno;
}

static void file_deliver(struct local_job *l, const struct attempt *a, struct attempt_result *ret)
{
    struct stat st = {0};
    char time[RENDER_TIME_MAX];
    const char *path = a->spec->path;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    int err = open_file(l, path, &st);
    if (err) {
        fail(l, ret, path, -err);
        return;
    }
    for (size_t i = 0; i < render_lines(a->notice); i++) {
        buf_printf(&text, "time=%s host=", render_time(a->context.now_ms, time));
        render_clean(&text, a->context.host);
        buf_char(&text, ' ');
        render_line(a->notice, i, &text);
        buf_char(&text, '\n');
    }
    ssize_t written = buf_ok(&text) ? write(l->fd, text.data, text.len) : -1;
    if (written == (ssize_t)text.len) {
        ret->end = ATTEMPT_DELIVERED;
        return;
    }
    err = written < 0 ? errno : ENOSPC;
    if (written > 0 && S_ISREG(st.st_mode) && ftruncate(l->fd, st.st_size) < 0)
        err = errno;
    fail(l, ret, path, err);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static int open_socket(struct local_job *l, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (l->fd >= 0)
        return 0;
    if (strlen(path) >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path));
    l->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || connect(l->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        return -errno;
    return 0;
}

/* A datagram for each line. A reader that was started again has another socket under the same name:
 * one attempt finds out, and opens it for the next. */
static void socket_deliver(struct local_job *l, const struct attempt *a, struct attempt_result *ret)
{
    const char *path = a->spec->path;
    int err = open_socket(l, path);
    if (err) {
        fail(l, ret, path, -err);
        return;
    }
    for (size_t *i = a->lines_done; *i < render_lines(a->notice); ++*i) {
        CLEANUP(buf_fini) struct buf line = BUF_INIT;
        if (a->spec->type == CHANNEL_TYPE_SYSLOG)
            render_syslog(a->notice, *i, &a->context, &line);
        else
            render_journal(a->notice, *i, &line);
        if (send(l->fd, line.data, line.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            fail(l, ret, path, errno);
            return;
        }
    }
    ret->end = ATTEMPT_DELIVERED;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *job_run(void *user)
{
    struct local_job *l = user;
    struct stat st;
    const uint64_t one = 1;
    const char *path = l->attempt.spec->path;
    bool is_socket = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
    if (l->attempt.spec->type == CHANNEL_TYPE_SYSLOG || is_socket)
        socket_deliver(l, &l->attempt, &l->result);
    else
        file_deliver(l, &l->attempt, &l->result);
    atomic_store(&l->done, true);
    ssize_t rung = write(l->bell, &one, sizeof(one)); /* full: it rings already */
    (void)rung;
    return NULL;
}

/* Signals are for the loop. */
static int job_start(struct local_job *job)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    int err = pthread_attr_init(&attributes);
    if (err)
        return -err;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    err = pthread_create(&job->thread, &attributes, job_run, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -err;
}

/* Takes back what a job that has ended had. */
static void job_end(struct local *l)
{
    struct local_job *job = TAKE(l->job);
    pthread_join(job->thread, NULL);
    l->fd = job->fd;
    l->given_up = false;
    notice_unref(job->notice);
    free(job);
}

int local_start(struct local *l, const struct attempt *a, int bell, struct attempt_result *ret)
{
    if (l->job && atomic_load(&l->job->done))
        job_end(l);
    if (l->job) {
        attempt_end(ret, ATTEMPT_AGAIN, "%s: an earlier attempt still waits", a->spec->path);
        return -1;
    }
    struct local_job *job = l->job = mem_alloc(sizeof(*job));
    *job = (struct local_job){.bell = bell, .fd = l->fd, .attempt = *a};
    job->notice = notice_ref(a->notice);
    job->lines_done = *a->lines_done;
    job->attempt.lines_done = &job->lines_done;
    job->result.end = ATTEMPT_AGAIN;
    l->fd = -1;
    l->given_up = false;
    l->deadline_ns = clock_mono_ns() + a->spec->timeout_ms * NS_PER_MS;
    int err = job_start(job);
    if (err) {
        attempt_end(ret, ATTEMPT_AGAIN, "no thread: %s", strerror(-err));
        l->fd = job->fd;
        notice_unref(job->notice);
        free(TAKE(l->job));
    }
    return err ? -1 : 0;
}

bool local_look(struct local *l, size_t *lines_done, struct attempt_result *ret)
{
    if (!l->job)
        return false;
    if (atomic_load(&l->job->done)) {
        bool told = l->given_up;
        if (!told) {
            *lines_done = l->job->lines_done;
            *ret = l->job->result;
        }
        job_end(l);
        return !told;
    }
    if (l->given_up || clock_mono_ns() < l->deadline_ns)
        return false;
    l->given_up = true;
    attempt_end(ret, ATTEMPT_AGAIN, "%s does not answer", l->job->attempt.spec->path);
    return true;
}

bool local_close(struct local *l)
{
    if (l->job && !atomic_load(&l->job->done))
        return false;
    if (l->job)
        job_end(l);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    return true;
}
