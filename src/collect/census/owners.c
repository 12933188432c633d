/*
 * owners.c: whose a socket is, by looking through the descriptors of all processes in /proc.
 *
 * "/proc/PID/fd/N -> socket:[INODE]" is all that Linux tells without privileges, and it has to be
 * looked for from the wrong end. So it is done only while there are sockets without an owner, a
 * round reads at most LINKS_MAX links and goes on where the one before stopped, and a socket that
 * two ends of passes have not found is not looked for any more: its owner is somebody whose
 * descriptors are hidden from us, or nobody (the kernel's own, one not accepted yet).
 *
 * Other users' descriptors are hidden (ptrace(2), "Ptrace access mode checking"); how many
 * processes that were in the last pass is counted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/census/internal.h"

#define LINKS_MAX 16384
#define PROCESSES_MAX 65536 /* of a pass */
#define SOUGHT_MAX 2

struct owners {
    const char *proc_root;
    uint64_t seed;
    uint32_t *pids; /* of the running pass; NULL: none runs */
    size_t count, at;
    DIR *dir; /* descriptors of pids[at - 1], when the round before stopped among them */
    uint64_t unreadable, unreadable_now;
    size_t budget; /* links that this round may still read */
};

struct owners *owners_new(const struct census_settings *settings)
{
    struct owners *o = mem_alloc(sizeof(*o));
    o->proc_root = settings->proc_root;
    o->seed = lookup_seed();
    return o;
}

void owners_free(struct owners *o)
{
    if (!o)
        return;
    if (o->dir)
        closedir(o->dir);
    free(o->pids);
    free(o);
}

uint64_t owners_unreadable(const struct owners *o)
{
    return o->unreadable;
}

/* "123" */
static bool read_number(const char *text, uint32_t *ret)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    *ret = (uint32_t)value;
    return at != text && !*at && value <= UINT32_MAX;
}

/* ---- a pass -------------------------------------------------------------------------------- */

static void owners_begin(struct owners *o)
{
    size_t capacity = 0;
    DIR *dir = opendir(o->proc_root);
    o->count = o->at = 0;
    o->unreadable_now = 0;
    if (!dir)
        return;
    for (struct dirent *entry; o->count < PROCESSES_MAX && (entry = readdir(dir));) {
        uint32_t pid;
        if (!read_number(entry->d_name, &pid))
            continue;
        if (o->count == capacity) {
            capacity = MAX(capacity * 2, (size_t)256);
            o->pids = mem_resize(o->pids, capacity, sizeof(*o->pids));
        }
        o->pids[o->count++] = pid;
    }
    closedir(dir);
}

static bool is_wanted(struct census *c, const struct entry *e)
{
    if (!(e->flags & ENTRY_SHOWN) || e->flags & ENTRY_GONE || !e->inode || e->netns ||
        e->state == SOCKET_TIME_WAIT || e->sought >= SOUGHT_MAX)
        return false;
    /* Who ended may have left it to a child. */
    return e->owner == NOBODY || people_at(c->people, e->owner)->ended_ms;
}

static uint32_t inode_hash(const struct owners *o, uint32_t inode)
{
    return lookup_hash(lookup_mix(o->seed, inode));
}

static void owners_found(struct owners *o, struct census *c, const struct lookup *wanted,
                         uint32_t inode, uint32_t pid)
{
    struct lookup_walk walk = lookup_walk(wanted, inode_hash(o, inode));
    for (uint32_t n; lookup_next(&walk, &n);) {
        struct entry *e = book_at(c->book, n);
        if (!e || e->inode != inode || !is_wanted(c, e))
            continue;
        const struct process_seen owner = {.pid = pid, .uid = UINT32_MAX};
        uint32_t person = people_get(c->people, &owner, c->now_ms, &c->next_id);
        if (person != NOBODY && !people_at(c->people, person)->ended_ms)
            entry_own(c, e, person);
    }
}

/* The descriptors of the process whose turn it is; NULL: it has gone or hides them. */
static DIR *owners_open(struct owners *o, struct census *c, uint32_t pid)
{
    char path[32];
    snprintf(path, sizeof(path), "%u/fd", pid);
    int fd = openat(people_proc(c->people), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        o->unreadable_now += errno == EACCES || errno == EPERM;
        o->budget--;
        if (fd >= 0)
            close(fd);
    }
    return dir;
}

/* The inode that "socket:[123]" names; false: something else. */
static bool read_target(const char *target, size_t len, uint32_t *ret)
{
    static const char begin[] = "socket:[";
    char digits[16];
    size_t skip = sizeof(begin) - 1;
    if (len < skip + 2 || memcmp(target, begin, skip) != 0 || target[len - 1] != ']' ||
        len - skip - 1 >= sizeof(digits))
        return false;
    memcpy(digits, target + skip, len - skip - 1);
    digits[len - skip - 1] = '\0';
    return read_number(digits, ret);
}

/* Goes on reading o->dir; closes it when it is through. */
static void owners_read(struct owners *o, struct census *c, const struct lookup *wanted,
                        uint32_t pid)
{
    for (struct dirent *entry; o->budget;) {
        char target[64];
        uint32_t inode;
        ssize_t len = 0;
        entry = readdir(o->dir);
        if (entry && entry->d_name[0] == '.')
            continue;
        if (entry) {
            o->budget--;
            len = readlinkat(dirfd(o->dir), entry->d_name, target, sizeof(target));
        }
        bool hidden = len < 0 && (errno == EACCES || errno == EPERM);
        o->unreadable_now += hidden;
        if (!entry || hidden) {
            closedir(TAKE(o->dir));
            return;
        }
        if (len > 0 && read_target(target, (size_t)len, &inode))
            owners_found(o, c, wanted, inode, pid);
    }
}

static size_t find_wanted(struct owners *o, struct census *c, struct lookup *wanted)
{
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        const struct entry *e = book_at(c->book, i);
        if (e && is_wanted(c, e))
            (void)lookup_add(wanted, inode_hash(o, e->inode), i);
    }
    return wanted->count;
}

static void owners_end(struct owners *o, struct census *c)
{
    o->unreadable = o->unreadable_now;
    for (uint32_t i = 0; i < book_top(c->book); i++) {
        struct entry *e = book_at(c->book, i);
        if (e && is_wanted(c, e))
            e->sought++;
    }
    free(TAKE(o->pids));
    o->count = o->at = 0;
}

void owners_round(struct owners *o, struct census *c)
{
    struct lookup wanted = LOOKUP_INIT;
    if (people_proc(c->people) >= 0 && find_wanted(o, c, &wanted)) {
        if (!o->pids)
            owners_begin(o);
        o->budget = LINKS_MAX;
        while (o->budget && (o->dir || o->at < o->count)) {
            if (!o->dir)
                o->dir = owners_open(o, c, o->pids[o->at++]);
            if (o->dir)
                owners_read(o, c, &wanted, o->pids[o->at - 1]);
        }
        if (!o->dir && o->at == o->count)
            owners_end(o, c);
    }
    lookup_fini(&wanted);
}
