/*
 * token_file.c: a change is a new file beside the old one, synced, renamed into its place, and the
 * directory synced. Writers stand in line at a lock on the directory itself, so that no file is
 * left behind by it. Names are never followed out of the directory (O_NOFOLLOW, openat), because
 * root may do this in a directory that belongs to the daemon's user.
 */
#include "http/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define NAME "tokens"
#define NAME_NEW "tokens.new"
#define KEPT_MS (24 * 3600 * MS_PER_S) /* what expired stays so long in the list, for people */

struct place {
    const char *dir;
    char *why;
    size_t why_size;
};

/* Says why, and is `err`. */
#define failed(p, err, ...)                                                                        \
    ({                                                                                             \
        int err_ = (err);                                                                          \
        snprintf((p)->why, (p)->why_size, __VA_ARGS__);                                            \
        err_;                                                                                      \
    })

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int open_dir(const struct place *p)
{
    int fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : failed(p, -errno, "%s: %s", p->dir, strerror(errno));
}

/* ---- reading ----------------------------------------------------------------------------- */

static int check_file(const struct place *p, int fd, size_t *ret_size)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return failed(p, -errno, "%s/" NAME ": %s", p->dir, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return failed(p, -EINVAL, "%s/" NAME ": this is no regular file", p->dir);
    if (st.st_mode & 077)
        return failed(p, -EPERM,
                      "%s/" NAME ": others than its owner may open it (mode %03o); chmod 600 it",
                      p->dir, st.st_mode & 0777);
    if (st.st_uid != 0 && st.st_uid != geteuid() && geteuid() != 0)
        return failed(p, -EPERM, "%s/" NAME ": it belongs to another user (uid %u)", p->dir,
                      (unsigned)st.st_uid);
    if (st.st_size > TOKENS_FILE_MAX)
        return failed(p, -EFBIG, "%s/" NAME ":1: the file is larger than 512 KiB", p->dir);
    *ret_size = (size_t)st.st_size;
    return 0;
}

static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

static int load_at(const struct place *p, int dir_fd, struct tokens **ret)
{
    size_t size = 0, len = 0;
    int fd CLEANUP(close_fd) = openat(dir_fd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *ret = tokens_new(NULL, 0);
        return 0;
    }
    if (fd < 0)
        return failed(p, -errno, "%s/" NAME ": %s", p->dir, strerror(errno));
    int err = check_file(p, fd, &size);
    if (err)
        return err;
    char *text CLEANUP(mem_freep) = mem_alloc(size + 1);
    err = read_all(fd, text, size, &len);
    if (err)
        return failed(p, err, "%s/" NAME ": %s", p->dir, strerror(-err));
    char line[160];
    if (tokens_parse(text, len, ret, line, sizeof(line)) < 0)
        return failed(p, -EINVAL, "%s/" NAME ":%s", p->dir, line);
    return 0;
}

int token_file_load(const char *data_dir, struct tokens **ret, char *why, size_t why_size)
{
    struct place p = {data_dir, why, why_size};
    int dir_fd CLEANUP(close_fd) = open_dir(&p);
    return dir_fd < 0 ? dir_fd : load_at(&p, dir_fd, ret);
}

/* ---- writing ----------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* Root writes for the daemon's user, who owns the directory. */
static int give_to_owner(int dir_fd, int fd)
{
    struct stat st;
    if (geteuid() != 0 || fstat(dir_fd, &st) < 0 || st.st_uid == 0)
        return 0;
    return fchown(fd, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

static int write_at(int dir_fd, const char *text, size_t len)
{
    unlinkat(dir_fd, NAME_NEW, 0); /* of a run that was killed */
    int fd CLEANUP(close_fd) =
        openat(dir_fd, NAME_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int err = give_to_owner(dir_fd, fd);
    if (!err)
        err = write_all(fd, text, len);
    if (!err && renameat(dir_fd, NAME_NEW, dir_fd, NAME) < 0)
        err = -errno;
    if (err)
        unlinkat(dir_fd, NAME_NEW, 0);
    else if (fsync(dir_fd) < 0)
        err = -errno;
    return err;
}

/* All that have not expired long ago, with room for one more. */
static struct token *copy_kept(const struct tokens *t, size_t *ret_count)
{
    int64_t now_ms = clock_wall_ms();
    struct token *items = mem_array(tokens_count(t) + 1, sizeof(*items));
    *ret_count = 0;
    for (size_t i = 0; i < tokens_count(t); i++) {
        const struct token *one = tokens_at(t, i);
        if (one->expires_ms > now_ms || now_ms - one->expires_ms < KEPT_MS)
            items[(*ret_count)++] = *one;
    }
    return items;
}

int token_file_update(const char *data_dir, token_change change, void *user, char *why,
                      size_t why_size)
{
    struct place p = {data_dir, why, why_size};
    struct tokens *old = NULL;
    snprintf(why, why_size, "%s", "");
    int dir_fd CLEANUP(close_fd) = open_dir(&p);
    if (dir_fd < 0)
        return dir_fd;
    while (flock(dir_fd, LOCK_EX) < 0) { /* given back with the descriptor */
        if (errno != EINTR)
            return failed(&p, -errno, "%s: %s", data_dir, strerror(errno));
    }
    int err = load_at(&p, dir_fd, &old);
    if (err)
        return err;
    size_t count;
    struct token *items = copy_kept(old, &count);
    tokens_unref(old);
    err = change(user, items, &count);
    if (!err && count > TOKENS_MAX)
        err = failed(&p, -ENOSPC, "there are 1024 tokens already; revoke some");
    if (!err) {
        CLEANUP(buf_fini) struct buf text = BUF_INIT;
        tokens_format(items, count, &text);
        err = buf_ok(&text) ? write_at(dir_fd, text.data, text.len) : -ENOMEM;
        if (err)
            failed(&p, err, "%s/" NAME ": %s", data_dir, strerror(-err));
    }
    free(items);
    return err;
}
