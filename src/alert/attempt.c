/* attempt.c: see attempt.h. */
#include "alert/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/render_internal.h"
#include "base/text.h"

#define SECRET_MAX 4096

void attempt_end(struct attempt_result *r, enum attempt_end end, const char *format, ...)
{
    char raw[300];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    CLEANUP(buf_fini) struct buf clean = BUF_INIT;
    render_clean(&clean, raw);
    snprintf(r->why, sizeof(r->why), "%s", buf_string(&clean));
    r->why[text_utf8_valid(r->why, strlen(r->why))] = '\0';
    r->end = end;
    r->wait_ms = 0;
}

void attempt_wipe(struct buf *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->cap);
    buf_fini(secret);
}

static int check(int fd, const char *path, char *why, size_t why_size)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        snprintf(why, why_size, "%s: this is no regular file", path);
        return -EINVAL;
    }
    if (st.st_mode & 07) {
        snprintf(why, why_size, "%s: everybody may open it (mode %03o); chmod o= it", path,
                 st.st_mode & 0777U);
        return -EPERM;
    }
    return 0;
}

int attempt_secret(const char *path, struct buf *out, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return -errno;
    }
    int err = check(fd, path, why, why_size);
    char *room = err ? NULL : buf_reserve(out, SECRET_MAX + 1);
    ssize_t len = room ? read(fd, room, SECRET_MAX) : -1;
    close(fd);
    if (err)
        return err;
    if (len < 0) {
        snprintf(why, why_size, "%s cannot be read", path);
        return -EIO;
    }
    room[len] = '\0';
    out->len += strcspn(room, "\r\n");
    for (size_t i = 0; i < out->len; i++) {
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f)
            err = -EINVAL;
    }
    if (err || !out->len) {
        snprintf(why, why_size, "%s: its first line is no secret", path);
        return -EINVAL;
    }
    return 0;
}
