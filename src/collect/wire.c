/*
 * wire.c: see wire.h. Reads /sys/class/net/NAME: `device` says that it is physical, `lower_*` that
 * it is stacked, `type` 1 is Ethernet (ABI sysfs-class-net). An interface is known by its index and
 * the inode of its directory, which change when a device is made anew; what they were found to be
 * is remembered, so that a round reads only two numbers of each that counts. Which ones count is
 * looked at again when interfaces came or went.
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
#include "base/mem.h"

#define INTERFACES_MAX 4096

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
    size_t count;
    uint64_t rx, tx;
};

struct wire *wire_new(const char *sys_root)
{
    struct wire *w = mem_alloc(sizeof(*w));
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

/* Is the other end of this pair (veth) here too, and does it count? Then this one does not. */
static bool is_second_end(const struct wire *w, const struct port *p)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct port *other = &w->ports[i];
        if (other->index == p->link && other->link == p->index && other->index < p->index)
            return true;
    }
    return false;
}

static void wire_choose(struct wire *w)
{
    bool physical = false;
    for (size_t i = 0; i < w->count; i++)
        physical |= w->ports[i].physical;
    for (size_t i = 0; i < w->count; i++) {
        struct port *p = &w->ports[i];
        bool counted = p->counts;
        p->counts = physical ? p->physical : p->bottom && !is_second_end(w, p);
        p->read &= counted; /* one that begins to count does so from now on */
    }
}

static const struct port *wire_find(const struct wire *w, const struct dirent *entry)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct port *p = &w->ports[i];
        if (p->inode == entry->d_ino && strcmp(p->name, entry->d_name) == 0)
            return p;
    }
    return NULL;
}

/* The interfaces that there are now. False: cannot be read. */
static bool wire_list(struct wire *w, int *ret_dir)
{
    DIR *dir = opendir(w->path);
    if (!dir)
        return false;
    size_t count = 0, known = 0, capacity = w->count + 4;
    struct port *ports = mem_array(capacity, sizeof(*ports));
    for (struct dirent *entry; count < INTERFACES_MAX && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= IF_NAMESIZE)
            continue;
        const struct port *before = wire_find(w, entry);
        struct port p = {.inode = entry->d_ino};
        memcpy(p.name, entry->d_name, strlen(entry->d_name) + 1);
        if (before)
            p = *before;
        else if (!port_describe(dirfd(dir), &p))
            continue;
        known += before != NULL;
        if (count == capacity) {
            capacity *= 2;
            ports = mem_resize(ports, capacity, sizeof(*ports));
        }
        ports[count++] = p;
    }
    bool same = known == count && count == w->count;
    free(w->ports);
    w->ports = ports;
    w->count = count;
    if (!same)
        wire_choose(w);
    *ret_dir = dup(dirfd(dir));
    closedir(dir);
    return *ret_dir >= 0;
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
