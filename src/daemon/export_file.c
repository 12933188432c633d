/* export_file.c: see export_file.h. */
#include "daemon/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"

static int fail_open(struct export_file *f, int error)
{
    if (f->fd > STDERR_FILENO)
        close(f->fd);
    f->fd = -1;
    free(TAKE(f->part));
    free(TAKE(f->path));
    return error;
}

/* What lies there may be left of an export that was killed. Whatever somebody else has made, or has
 * under another name, too, could be read and written by him. */
static bool is_own(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1;
}

/* The lock keeps two exports from writing into one file; it goes with the process. */
static int open_part(struct export_file *f)
{
    f->part = mem_printf("%s.part", f->path);
    f->fd = open(f->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (f->fd < 0) /* a link, or a pipe that nobody reads */
        return fail_open(f, errno == ELOOP || errno == ENXIO ? -EEXIST : -errno);
    if (!is_own(f->fd))
        return fail_open(f, -EEXIST);
    if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
        return fail_open(f, errno == EWOULDBLOCK ? -EBUSY : -errno);
    if (ftruncate(f->fd, 0) < 0)
        return fail_open(f, -errno);
    return 0;
}

int export_file_open(struct export_file *f, const char *path)
{
    struct stat st;
    *f = (struct export_file){.fd = -1};
    if (!path || strcmp(path, "-") == 0) {
        f->fd = STDOUT_FILENO;
        f->plain = true;
        return 0;
    }
    f->path = mem_string(path);
    if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
        return open_part(f);
    f->plain = true;
    f->fd = open(path, O_WRONLY | O_CLOEXEC);
    return f->fd < 0 ? fail_open(f, -errno) : 0;
}

int export_file_write(struct export_file *f, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t n = write(f->fd, at, len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int export_file_keep(struct export_file *f)
{
    if (f->plain)
        return 0;
    if (fsync(f->fd) < 0 || rename(f->part, f->path) < 0)
        return -errno;
    free(TAKE(f->part));
    return 0;
}

void export_file_fini(struct export_file *f)
{
    if (f->part)
        unlink(f->part);
    fail_open(f, 0);
}
