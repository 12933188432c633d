/*
 * documents.c: small named JSON documents, one file each, in one folder a kind.
 *
 *   DATA_DIR/baselines/before.json      a document: NAME.json, a regular file, 0600
 *   DATA_DIR/baselines/.new             one being written; no document may be called so
 *
 * A document is written to `.new`, synced, renamed into its place, and the folder synced: after a
 * crash there is the old one or the new one, and a `.new` that nobody reads and the next writer
 * removes. Writers of all processes stand in line at a lock on the folder, which the kernel takes
 * back from whoever dies; readers need none, since a rename is all or nothing.
 *
 * Names are never followed out of the folder (openat, O_NOFOLLOW), because root may do this in a
 * directory that belongs to the daemon's user. What lies there and is no document (a link, a
 * folder, a file of another name) is neither listed nor read. What root makes is given to the
 * owner of the directory.
 */
#include "store/documents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/data_dir.h"
#include "store/database.h"

#define NAME_NEW ".new"
#define SUFFIX ".json"
#define FILE_NAME_SIZE (DOCUMENT_NAME_MAX + sizeof(SUFFIX))
#define LOCK_MS 5000 /* another writer needs milliseconds, unless somebody has stopped it */
#define LOCK_PAUSE_NS (5 * NS_PER_MS)

/* Where a document is or shall be, and who hears what went wrong. */
struct place {
    const char *data_dir, *kind;
    const char *name; /* NULL: of no particular one */
    struct store_error *err;
    char file[FILE_NAME_SIZE];
};

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* "DATA_DIR/KIND/NAME.json: cannot write it: no space left on device"; is `code`. */
static int failed(const struct place *p, int code, const char *what)
{
    const char *slash = p->name ? "/" : "";
    return store_fail(p->err, code, "%s/%s%s%s: cannot %s: %s", p->data_dir, p->kind, slash,
                      p->name ? p->file : "", what, strerror(-code));
}

bool document_is_name(const char *name)
{
    return text_is_name(name) && name[0] != '.';
}

static int place_set(struct place *p)
{
    CHECK(document_is_name(p->kind)); /* a constant of ours */
    if (!p->name)
        return 0;
    if (!document_is_name(p->name))
        return store_fail(p->err, -EINVAL,
                          "\"%.80s\" is no name: 1 to 64 characters of A-Z a-z 0-9 . _ -, not "
                          "beginning with a dot",
                          p->name);
    snprintf(p->file, sizeof(p->file), "%s" SUFFIX, p->name);
    return 0;
}

static int no_document(const struct place *p)
{
    return store_fail(p->err, -ENOENT, "there is no %s in %s/%s", p->name, p->data_dir, p->kind);
}

/* ---- the folder -------------------------------------------------------------------------- */

/* The descriptor, or -errno: -ENOENT when there is no such folder (nothing is said). */
static int open_folder(const struct place *p)
{
    int dir_fd CLEANUP(close_fd) = open(p->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno == ENOENT ? -ENOENT : failed(p, -errno, "open the data directory");
    int fd = openat(dir_fd, p->kind, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return failed(p, -errno, "open this folder");
    return fd < 0 ? -ENOENT : fd;
}

/* Root works for the owner of the data directory. */
static int give_to_owner(int owner_fd, int fd)
{
    struct stat st;
    if (geteuid() != 0 || fstat(owner_fd, &st) < 0 || st.st_uid == 0)
        return 0;
    return fchown(fd, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

/* The same, and makes what is missing. */
static int make_folder(const struct place *p)
{
    int err = access(p->data_dir, F_OK) == 0 ? 0 : data_dir_make(p->data_dir, p->err);
    if (err)
        return err;
    int dir_fd CLEANUP(close_fd) = open(p->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return failed(p, -errno, "open the data directory");
    bool made = mkdirat(dir_fd, p->kind, 0700) == 0;
    if (!made && errno != EEXIST)
        return failed(p, -errno, "make this folder");
    int fd = openat(dir_fd, p->kind, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return failed(p, -errno, "open this folder");
    if (made)
        err = give_to_owner(dir_fd, fd);
    if (!err && made && fsync(dir_fd) < 0)
        err = -errno;
    if (err)
        close(fd);
    return err ? failed(p, err, "make this folder") : fd;
}

/* Given back with the descriptor. */
static int lock_folder(const struct place *p, int fd)
{
    int64_t until_ns = clock_mono_ns() + LOCK_MS * NS_PER_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return failed(p, -errno, "lock this folder");
        if (clock_mono_ns() > until_ns)
            return store_fail(p->err, -EBUSY,
                              "%s/%s: another process has been writing there for %d s; try again",
                              p->data_dir, p->kind, LOCK_MS / 1000);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* "before.json" -> "before"; false for what is no document's name. */
static bool entry_name(const char *file, char name[DOCUMENT_NAME_MAX + 1])
{
    size_t len = strlen(file), suffix = strlen(SUFFIX);
    if (len <= suffix || len - suffix > DOCUMENT_NAME_MAX ||
        strcmp(file + len - suffix, SUFFIX) != 0)
        return false;
    memcpy(name, file, len - suffix);
    name[len - suffix] = '\0';
    return document_is_name(name);
}

static int by_name(const void *a, const void *b)
{
    const struct document_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* What is beyond DOCUMENTS_MAX, put there by hand, is not looked at. */
static void fill_list(DIR *dir, struct document_list *list)
{
    struct stat st;
    for (struct dirent *e; list->count < DOCUMENTS_MAX && (e = readdir(dir)) != NULL;) {
        struct document_entry *entry = &list->entries[list->count];
        if (!entry_name(e->d_name, entry->name) ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        entry->changed_ms =
            (int64_t)st.st_mtim.tv_sec * MS_PER_S + (int64_t)st.st_mtim.tv_nsec / NS_PER_MS;
        entry->bytes = (uint64_t)st.st_size;
        list->count++;
    }
    qsort(list->entries, list->count, sizeof(list->entries[0]), by_name);
}

static struct document_list *list_new(size_t room)
{
    return mem_alloc(sizeof(struct document_list) + room * sizeof(struct document_entry));
}

int documents_list(const char *data_dir, const char *kind, struct document_list **ret,
                   struct store_error *err)
{
    struct place p = {.data_dir = data_dir, .kind = kind, .err = err};
    int error = place_set(&p);
    int fd = error ? error : open_folder(&p);
    if (fd == -ENOENT) {
        *ret = list_new(0);
        return 0;
    }
    if (fd < 0)
        return fd;
    DIR *dir CLEANUP(close_dir) = fdopendir(fd);
    if (!dir) {
        error = failed(&p, -errno, "read this folder");
        close(fd);
        return error;
    }
    *ret = list_new(DOCUMENTS_MAX);
    fill_list(dir, *ret);
    return 0;
}

static int read_all(const struct place *p, int fd, struct buf *out)
{
    size_t before = out->len;
    for (;;) {
        char *room = buf_reserve(out, 16384);
        if (!room)
            return failed(p, -ENOMEM, "read it");
        ssize_t n = read(fd, room, 16384);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(p, -errno, "read it");
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        if (out->len - before > DOCUMENT_BYTES_MAX) /* or it grows while it is read */
            return failed(p, -EFBIG, "read it");
    }
}

int document_read(const char *data_dir, const char *kind, const char *name, struct buf *out,
                  struct store_error *err)
{
    struct place p = {.data_dir = data_dir, .kind = kind, .name = name, .err = err};
    struct stat st;
    int error = place_set(&p);
    if (error)
        return error;
    int dir_fd CLEANUP(close_fd) = open_folder(&p);
    if (dir_fd < 0)
        return dir_fd == -ENOENT ? no_document(&p) : dir_fd;
    int fd CLEANUP(close_fd) =
        openat(dir_fd, p.file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? no_document(&p) : failed(&p, -errno, "open it");
    if (fstat(fd, &st) < 0)
        return failed(&p, -errno, "open it");
    if (!S_ISREG(st.st_mode))
        return store_fail(err, -EINVAL, "%s/%s/%s is no regular file", data_dir, kind, p.file);
    return read_all(&p, fd, out);
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

static size_t most_of(const char *kind)
{
    return strcmp(kind, DOCUMENT_KIND_DASHBOARDS) == 0 ? DASHBOARDS_MAX : DOCUMENTS_MAX;
}

/* Whether there is room for this one; the lock is held. */
static int check_room(const struct place *p, int dir_fd, bool replace)
{
    struct stat st;
    struct document_list *list CLEANUP(mem_freep) = NULL;
    if (fstatat(dir_fd, p->file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!replace)
            return store_fail(p->err, -EEXIST, "there is %s in %s/%s already", p->name, p->data_dir,
                              p->kind);
        return 0;
    }
    if (errno != ENOENT)
        return failed(p, -errno, "write it");
    int err = documents_list(p->data_dir, p->kind, &list, p->err);
    if (!err && list && list->count >= most_of(p->kind))
        err = store_fail(p->err, -EMLINK, "there are %zu documents in %s/%s already; delete some",
                         most_of(p->kind), p->data_dir, p->kind);
    return err;
}

static int write_at(const struct place *p, int dir_fd, const char *text, size_t len)
{
    if (unlinkat(dir_fd, NAME_NEW, 0) < 0 && errno != ENOENT) /* of a run that was killed */
        return failed(p, -errno, "remove " NAME_NEW " beside it");
    int fd CLEANUP(close_fd) =
        openat(dir_fd, NAME_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(p, -errno, "write it");
    int err = give_to_owner(dir_fd, fd);
    if (!err)
        err = write_all(fd, text, len);
    if (!err && renameat(dir_fd, NAME_NEW, dir_fd, p->file) < 0)
        err = -errno;
    if (err)
        unlinkat(dir_fd, NAME_NEW, 0);
    else if (fsync(dir_fd) < 0)
        err = -errno;
    return err ? failed(p, err, "write it") : 0;
}

int document_write(const char *data_dir, const char *kind, const char *name, const char *text,
                   size_t len, bool replace, struct store_error *err)
{
    struct place p = {.data_dir = data_dir, .kind = kind, .name = name, .err = err};
    int error = place_set(&p);
    if (error)
        return error;
    if (len > DOCUMENT_BYTES_MAX)
        return store_fail(err, -EFBIG, "%s would have %zu bytes; a document has %u at most", name,
                          len, DOCUMENT_BYTES_MAX);
    int dir_fd CLEANUP(close_fd) = make_folder(&p);
    if (dir_fd < 0)
        return dir_fd;
    error = lock_folder(&p, dir_fd);
    if (!error)
        error = check_room(&p, dir_fd, replace);
    return error ? error : write_at(&p, dir_fd, text, len);
}

int document_delete(const char *data_dir, const char *kind, const char *name,
                    struct store_error *err)
{
    struct place p = {.data_dir = data_dir, .kind = kind, .name = name, .err = err};
    int error = place_set(&p);
    if (error)
        return error;
    int dir_fd CLEANUP(close_fd) = open_folder(&p);
    if (dir_fd < 0)
        return dir_fd == -ENOENT ? no_document(&p) : dir_fd;
    if (unlinkat(dir_fd, p.file, 0) < 0)
        return errno == ENOENT ? no_document(&p) : failed(&p, -errno, "delete it");
    return fsync(dir_fd) < 0 ? failed(&p, -errno, "delete it") : 0;
}
