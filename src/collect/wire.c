/*
 * wire.c: see wire.h. Reads /sys/class/net/NAME: `device` says that it is physical, `lower_*` that
 * it is stacked, `type` 1 is Ethernet (ABI sysfs-class-net). An interface is known by the inode of
 * its entry there, which it keeps under another name and which is another one when a device is made
 * anew; what they were found to be is remembered, so that a round reads only two numbers of each
 * that counts. Which ones count is looked at again when interfaces came or went.
 *
 * The directory is read in the same order every time, so who comes next is nearly always the one
 * that came next in the round before; a search through all is left for those that are new.
 */
#include "collect/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"

struct port {
    char name[IF_NAMESIZE];
    uint64_t inode;
    uint32_t index, link; /* link: index of the interface at the other end or below; own: none */
    bool physical, bottom;
    bool counts;
    bool read; /* last_* are of the round before */
    uint64_t last_rx, last_tx;
};

struct wire {
    char *path; /* of class/net */
    struct port *ports;
    size_t max, count, left_out;
    uint64_t rx, tx;
};

struct wire *wire_new(const char *sys_root, size_t max)
{
    struct wire *w = mem_alloc(sizeof(*w));
    w->max = max;
    w->path = mem_printf("%s/class/net", sys_root);
    return w;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    free(w->path);
    free(w->ports);
    free(w);
}

static bool read_number(int dir, const char *name, const char *file, uint64_t *ret)
{
    char path[IF_NAMESIZE + 32], text[32];
    snprintf(path, sizeof(path), "%s/%s", name, file);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (len <= 0)
        return false;
    text[len] = '\0';
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return !errno && end != text && (*end == '\n' || !*end);
}

/* Has it another interface below? */
static bool is_stacked(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    bool found = false;
    if (!entries) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *entry; !found && (entry = readdir(entries));)
        found = strncmp(entry->d_name, "lower_", 6) == 0;
    closedir(entries);
    return found;
}

static bool port_describe(int dir, struct port *p)
{
    uint64_t index, link = 0, type = 0;
    char path[IF_NAMESIZE + 16];
    if (!read_number(dir, p->name, "ifindex", &index))
        return false;
    p->index = p->link = (uint32_t)index;
    if (read_number(dir, p->name, "iflink", &link))
        p->link = (uint32_t)link;
    snprintf(path, sizeof(path), "%s/device", p->name);
    p->physical = faccessat(dir, path, F_OK, 0) == 0;
    p->bottom = read_number(dir, p->name, "type", &type) && type == ARPHRD_ETHER &&
                !is_stacked(dir, p->name);
    return true;
}

static uint32_t index_hash(uint32_t index)
{
    return lookup_hash(lookup_mix(0, index));
}

/* Is the other end of this pair (veth) here too, and does it count? Then this one does not. */
static bool is_second_end(const struct wire *w, const struct lookup *by_index, const struct port *p)
{
    struct lookup_walk walk = lookup_walk(by_index, index_hash(p->link));
    for (uint32_t n; lookup_next(&walk, &n);) {
        const struct port *other = &w->ports[n];
        if (other->index == p->link && other->link == p->index && other->index < p->index)
            return true;
    }
    return false;
}

static void wire_choose(struct wire *w)
{
    bool physical = false;
    struct lookup by_index = LOOKUP_INIT;
    for (size_t i = 0; i < w->count; i++)
        physical |= w->ports[i].physical;
    for (size_t i = 0; i < w->count && !physical; i++)
        (void)lookup_add(&by_index, index_hash(w->ports[i].index), (uint32_t)i);
    for (size_t i = 0; i < w->count; i++) {
        struct port *p = &w->ports[i];
        bool counted = p->counts;
        p->counts = physical ? p->physical : p->bottom && !is_second_end(w, &by_index, p);
        p->read &= counted; /* one that begins to count does so from now on */
    }
    lookup_fini(&by_index);
}

/* The one with this inode, looked for from *next on, which then is the place behind it. */
static const struct port *wire_find(const struct wire *w, uint64_t inode, size_t *next)
{
    for (size_t i = 0; i < w->count; i++) {
        size_t at = *next + i < w->count ? *next + i : *next + i - w->count;
        if (w->ports[at].inode == inode) {
            *next = at + 1 < w->count ? at + 1 : 0;
            return &w->ports[at];
        }
    }
    return NULL;
}

/* What is known of it, or can be found out; false: it is gone again. */
static bool port_take(const struct wire *w, int dir, const struct dirent *entry, size_t *next,
                      size_t *known, struct port *ret)
{
    const struct port *before = wire_find(w, entry->d_ino, next);
    *ret = before ? *before : (struct port){.inode = entry->d_ino};
    memcpy(ret->name, entry->d_name, strlen(entry->d_name) + 1);
    *known += before != NULL;
    return before || port_describe(dir, ret);
}

/* The interfaces that there are now. False: cannot be read. */
static bool wire_list(struct wire *w, int *ret_dir)
{
    DIR *dir = opendir(w->path);
    if (!dir)
        return false;
    size_t count = 0, known = 0, next = 0, left_out = 0, capacity = w->count + 4;
    struct port *ports = mem_array(capacity, sizeof(*ports));
    for (struct dirent *entry; errno = 0, (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= IF_NAMESIZE)
            continue;
        if (count == w->max) {
            left_out++;
            continue;
        }
        if (count == capacity) {
            capacity *= 2;
            ports = mem_resize(ports, capacity, sizeof(*ports));
        }
        count += port_take(w, dirfd(dir), entry, &next, &known, &ports[count]);
    }
    /* Those that were not read have not gone. */
    bool whole = !errno;
    *ret_dir = whole ? dup(dirfd(dir)) : -1;
    closedir(dir);
    if (*ret_dir < 0) {
        free(ports);
        return false;
    }
    bool same = known == count && count == w->count;
    free(w->ports);
    w->ports = ports;
    w->count = count;
    w->left_out = left_out;
    if (!same)
        wire_choose(w);
    return true;
}

size_t wire_left_out(const struct wire *w)
{
    return w->left_out;
}

bool wire_read(struct wire *w, uint64_t *ret_rx, uint64_t *ret_tx)
{
    int dir;
    if (!wire_list(w, &dir))
        return false;
    for (size_t i = 0; i < w->count; i++) {
        struct port *p = &w->ports[i];
        uint64_t rx, tx;
        if (!p->counts || !read_number(dir, p->name, "statistics/rx_bytes", &rx) ||
            !read_number(dir, p->name, "statistics/tx_bytes", &tx))
            continue;
        /* One that came while we looked has counted since then; counters may also start over. */
        if (p->read) {
            w->rx += rx >= p->last_rx ? rx - p->last_rx : rx;
            w->tx += tx >= p->last_tx ? tx - p->last_tx : tx;
        }
        p->last_rx = rx;
        p->last_tx = tx;
        p->read = true;
    }
    close(dir);
    *ret_rx = w->rx;
    *ret_tx = w->tx;
    return w->count > 0;
}
