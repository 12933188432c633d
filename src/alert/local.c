/*
 * local.c: see local.h. A file is opened with the first notice and again when its name leads to
 * another one (somebody rotated it) or to none. A notice is one write; where only a part of it
 * fits, the file is cut back, so that no half line stays behind on a full disk. Nobody but this
 * process writes there.
 */
#include "alert/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "alert/render_internal.h"

#define FILE_MODE 0640

void local_close(struct local *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static void fail(struct local *l, struct attempt_result *ret, const char *path, int err)
{
    local_close(l);
    attempt_end(ret, ATTEMPT_AGAIN, "%s: %s", path, strerror(err));
}

/* ---- files ----------------------------------------------------------------------------------- */

static int open_file(struct local *l, const char *path, struct stat *ret)
{
    struct stat named;
    bool same = l->fd >= 0 && fstat(l->fd, ret) == 0 && stat(path, &named) == 0 &&
                named.st_ino == ret->st_ino && named.st_dev == ret->st_dev;
    if (same)
        return 0;
    local_close(l);
    /* Without O_NONBLOCK a pipe that nobody reads would hold up everything. */
    l->fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FILE_MODE);
    return l->fd >= 0 && fstat(l->fd, ret) == 0 ? 0 : -errno;
}

static void file_deliver(struct local *l, const struct attempt *a, struct attempt_result *ret)
{
    struct stat st;
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

static int open_socket(struct local *l, const char *path)
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
static void socket_deliver(struct local *l, const struct attempt *a, struct attempt_result *ret)
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

void local_deliver(struct local *l, const struct attempt *a, struct attempt_result *ret)
{
    struct stat st;
    bool is_socket = stat(a->spec->path, &st) == 0 && S_ISSOCK(st.st_mode);
    if (a->spec->type == CHANNEL_TYPE_SYSLOG || is_socket)
        socket_deliver(l, a, ret);
    else
        file_deliver(l, a, ret);
}
