/*
 * descriptors.c: see descriptors.h. A walk lists the processes that there are when it begins; the
 * directory of the one at which a part stopped stays open for the next part. Nothing is read but
 * directories and links, so that a process that does this can be forbidden everything else.
 */
#include "keeper/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"

#define PROCESSES_MAX 65536

struct descriptors {
    const char *proc_root;
    uint32_t *pids;
    size_t count, capacity, at;
    bool walks;
    int proc; /* the directory that pids are in; -1: not open */
    DIR *dir; /* descriptors of pids[at - 1], where the part before has stopped */
    uint32_t hidden;
};

struct descriptors *descriptors_new(const char *proc_root)
{
    struct descriptors *d = mem_alloc(sizeof(*d));
    d->proc_root = proc_root;
    d->proc = -1;
    return d;
}

void descriptors_free(struct descriptors *d)
{
    if (!d)
        return;
    if (d->dir)
        closedir(d->dir);
    if (d->proc >= 0)
        close(d->proc);
    free(d->pids);
    free(d);
}

/* "123" */
static bool read_number(const char *text, size_t len, uint32_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)value;
    return len > 0;
}

/* The inode of "socket:[123]"; false: something else. */
static bool read_target(const char *target, size_t len, uint32_t *ret)
{
    static const char begin[] = "socket:[";
    size_t skip = sizeof(begin) - 1;
    return len > skip + 1 && memcmp(target, begin, skip) == 0 && target[len - 1] == ']' &&
           read_number(target + skip, len - skip - 1, ret);
}

static DIR *open_directory(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static void walk_begin(struct descriptors *d)
{
    d->count = d->at = 0;
    d->hidden = 0;
    d->walks = true;
    if (d->proc < 0)
        d->proc = open(d->proc_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = d->proc >= 0 ? open_directory(d->proc, ".") : NULL;
    if (!dir)
        return;
    for (struct dirent *entry; d->count < PROCESSES_MAX && (entry = readdir(dir));) {
        uint32_t pid;
        if (!read_number(entry->d_name, strlen(entry->d_name), &pid))
            continue;
        if (d->count == d->capacity) {
            d->capacity = MAX(d->capacity * 2, (size_t)256);
            d->pids = mem_resize(d->pids, d->capacity, sizeof(*d->pids));
        }
        d->pids[d->count++] = pid;
    }
    closedir(dir);
}

/* Goes on with the links of one process; closes d->dir when it is through. */
static size_t walk_links(struct descriptors *d, struct descriptor *out, size_t *budget)
{
    size_t found = 0;
    while (*budget) {
        char target[64];
        struct dirent *entry = readdir(d->dir);
        if (entry && entry->d_name[0] == '.')
            continue;
        ssize_t len = entry ? readlinkat(dirfd(d->dir), entry->d_name, target, sizeof(target)) : 0;
        bool hidden = len < 0 && (errno == EACCES || errno == EPERM);
        d->hidden += hidden;
        (*budget)--;
        if (!entry || hidden) {
            closedir(TAKE(d->dir));
            break;
        }
        struct descriptor *next = &out[found];
        if (len > 0 && read_target(target, (size_t)len, &next->inode)) {
            next->pid = d->pids[d->at - 1];
            found++;
        }
    }
    return found;
}

size_t descriptors_read(struct descriptors *d, struct descriptor out[DESCRIPTORS_PART],
                        bool *ret_end, uint32_t *ret_hidden)
{
    size_t found = 0, budget = DESCRIPTORS_PART;
    if (!d->walks)
        walk_begin(d);
    while (budget && (d->dir || d->at < d->count)) {
        if (!d->dir) {
            char path[32];
            snprintf(path, sizeof(path), "%u/fd", d->pids[d->at++]);
            d->dir = open_directory(d->proc, path);
            d->hidden += !d->dir && (errno == EACCES || errno == EPERM);
            budget--;
        }
        if (d->dir)
            found += walk_links(d, out + found, &budget);
    }
    *ret_end = !d->dir && d->at == d->count;
    *ret_hidden = d->hidden;
    d->walks = !*ret_end;
    return found;
}
