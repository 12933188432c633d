/*
 * sysfs.c: one pass over /sys/class/net.
 *
 * The result of the pass before is kept: an entry with the same name and inode is the same device,
 * so its index and its nature need no second look, and speed, duplex, addresses and what else
 * hardly ever changes are read again in every pass only where they can change by themselves, that
 * is on hardware. Virtual devices (200 containers' veths) are asked again in every tenth pass, not
 * all in the same one, and when their flags or their state have changed since the last.
 */
#include "collect/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "model/series.h"
#include "wire/rtnetlink.h"

#define SLOW_PASSES 10
#define LINKS_MAX 16384

struct sysfs {
    const char *root;
    enum sysfs_depth depth;
    struct sysfs_links *last; /* of the pass before */
    uint32_t pass;
};

const struct sysfs_link *sysfs_links_find(const struct sysfs_links *links, uint32_t index)
{
    size_t low = 0, high = links ? links->count : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (links->links[middle].index == index)
            return &links->links[middle];
        if (links->links[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int compare_index(const void *a, const void *b)
{
    const struct sysfs_link *one = a, *two = b;
    return (one->index > two->index) - (one->index < two->index);
}

static void sysfs_links_destroy(struct message *msg)
{
    struct sysfs_links *links = CONTAINER_OF(msg, struct sysfs_links, msg);
    for (size_t i = 0; i < links->count; i++) {
        free(links->links[i].addresses);
        free(links->links[i].alias);
    }
    free(links);
}

static bool text_equal(const char *a, const char *b)
{
    return !a == !b && (!a || strcmp(a, b) == 0);
}

static bool address_equal(const struct link_address *a, const struct link_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool link_equal(const struct sysfs_link *a, const struct sysfs_link *b)
{
    for (size_t g = 0; g < LINK_GAUGES; g++) {
        if (a->gauges[g] != b->gauges[g])
            return false;
    }
    return a->index == b->index && a->physical == b->physical && a->measured == b->measured &&
           a->counted == b->counted && a->carrier_changes == b->carrier_changes &&
           a->carrier_up == b->carrier_up && a->carrier_down == b->carrier_down &&
           a->nohandler == b->nohandler && a->state == b->state && a->duplex == b->duplex &&
           strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0 &&
           text_equal(a->addresses, b->addresses) && text_equal(a->alias, b->alias) &&
           address_equal(&a->address, &b->address) && address_equal(&a->broadcast, &b->broadcast);
}

bool sysfs_links_equal(const struct sysfs_links *a, const struct sysfs_links *b)
{
    if (!a || !b || a->count != b->count)
        return a == b;
    for (size_t i = 0; i < a->count; i++) {
        if (!link_equal(&a->links[i], &b->links[i]))
            return false;
    }
    return true;
}

struct sysfs *sysfs_new(const char *sys_root, enum sysfs_depth depth)
{
    struct sysfs *s = mem_alloc(sizeof(*s));
    s->root = sys_root;
    s->depth = depth;
    return s;
}

void sysfs_free(struct sysfs *s)
{
    if (!s)
        return;
    message_unref(s->last ? &s->last->msg : NULL);
    free(s);
}

/* ---- files --------------------------------------------------------------------------------- */

/* The file's first line without its newline. 0 or -errno; devices answer EINVAL for what they do
 * not have. */
static int read_line(int dir, const char *device, const char *name, char *out, size_t size)
{
    char path[IF_NAMESIZE + 32];
    snprintf(path, sizeof(path), "%s/%s", device, name);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t len = read(fd, out, size - 1);
    int err = len < 0 ? -errno : 0;
    close(fd);
    if (err)
        return err;
    out[len] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return 0;
}

/* A whole number, decimal or with 0x; -EINVAL when the file holds something else. */
static int read_number(int dir, const char *device, const char *name, int64_t *ret)
{
    char text[32], *end;
    int err = read_line(dir, device, name, text, sizeof(text));
    if (err)
        return err;
    errno = 0;
    long long number = strtoll(text, &end, 0);
    if (end == text || *end || errno)
        return -EINVAL;
    *ret = number;
    return 0;
}

static void read_gauge(int dir, struct sysfs_link *link, const char *name, enum link_gauge gauge)
{
    int64_t number;
    if (read_number(dir, link->name, name, &number) == 0) {
        link->gauges[gauge] = (double)number;
        link->measured |= 1U << gauge;
    }
}

/* Mbit/s, -1 (or the same unsigned) when the device does not know. */
static void read_speed(int dir, struct sysfs_link *link)
{
    int64_t mbit;
    if (read_number(dir, link->name, "speed", &mbit) == 0 && mbit >= 0 && mbit < UINT32_MAX) {
        link->gauges[LINK_SPEED] = (double)mbit * 1e6 / 8;
        link->measured |= 1U << LINK_SPEED;
    }
}

static void read_counter(int dir, struct sysfs_link *link, const char *name, enum link_counter c,
                         uint64_t *ret)
{
    int64_t number;
    if (read_number(dir, link->name, name, &number) == 0 && number >= 0) {
        *ret = (uint64_t)number;
        link->counted |= 1U << c;
    }
}

static const char *state_constant(const char *word)
{
    for (uint8_t i = 0; i < 8; i++) {
        const char *name = rtnetlink_operstate_name(i);
        if (strcmp(name, word) == 0)
            return name;
    }
    return rtnetlink_operstate_name(0);
}

/* What rtnetlink calls the kind is not in sysfs; some devices tell in `uevent`, tun by a file. */
static void read_kind(int dir, struct sysfs_link *link)
{
    char text[512], path[IF_NAMESIZE + 32];
    snprintf(path, sizeof(path), "%s/uevent", link->name);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[MAX(len, 0)] = '\0';
    snprintf(path, sizeof(path), "%s/tun_flags", link->name);

    const char *type = strstr(text, "DEVTYPE=");
    if (link->gauges[LINK_TYPE] == ARPHRD_LOOPBACK)
        snprintf(link->kind, sizeof(link->kind), "loopback");
    else if (link->physical)
        snprintf(link->kind, sizeof(link->kind), "physical");
    else if (type)
        snprintf(link->kind, sizeof(link->kind), "%.*s", (int)strcspn(type + 8, "\n"), type + 8);
    else
        snprintf(link->kind, sizeof(link->kind), "%s",
                 faccessat(dir, path, F_OK, 0) == 0 ? "tun" : "virtual");
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* "02:00:5e:10:00:ff"; anything else is none. */
static void read_address(int dir, struct sysfs_link *link, const char *name,
                         struct link_address *ret)
{
    char text[LINK_ADDRESS_MAX * 3 + 2] = "";
    if (read_line(dir, link->name, name, text, sizeof(text)) < 0)
        return;
    for (const char *at = text; *at && ret->len < LINK_ADDRESS_MAX; at += 3) {
        int high = hex_digit(at[0]), low = high < 0 ? -1 : hex_digit(at[1]);
        if (low < 0 || (at[2] && at[2] != ':')) {
            ret->len = 0;
            return;
        }
        ret->bytes[ret->len++] = (uint8_t)(high << 4 | low);
        if (!at[2])
            return;
    }
}

static const char *read_duplex(int dir, struct sysfs_link *link)
{
    static const char *const words[] = {"full", "half", "unknown"};
    char text[16];
    if (read_line(dir, link->name, "duplex", text, sizeof(text)) < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0)
            return words[i];
    }
    return NULL;
}

static const struct {
    const char *file;
    enum link_gauge gauge;
    enum sysfs_depth depth; /* least */
} seldom[] = {
    {"addr_assign_type", LINK_ADDRESS_ASSIGNED, SYSFS_SPEED},
    {"name_assign_type", LINK_NAME_ASSIGNED, SYSFS_SPEED},
    {"dev_id", LINK_DEVICE_ID, SYSFS_SPEED},
    {"iflink", LINK_LOWER, SYSFS_ALL},
    {"link_mode", LINK_MODE, SYSFS_ALL},
    {"netdev_group", LINK_GROUP, SYSFS_ALL},
};

/* What hardly ever changes. */
static void read_seldom(int dir, struct sysfs_link *link, enum sysfs_depth depth)
{
    char alias[SERIES_TEXT_MAX + 1];
    read_speed(dir, link);
    for (size_t i = 0; i < ARRAY_LEN(seldom); i++) {
        if (depth >= seldom[i].depth)
            read_gauge(dir, link, seldom[i].file, seldom[i].gauge);
    }
    link->duplex = read_duplex(dir, link);
    if (read_line(dir, link->name, "ifalias", alias, sizeof(alias)) == 0 && alias[0])
        link->alias = mem_string(alias);
    if (depth == SYSFS_ALL) {
        read_address(dir, link, "address", &link->address);
        read_address(dir, link, "broadcast", &link->broadcast);
    }
}

static void keep_seldom(struct sysfs_link *link, const struct sysfs_link *known)
{
    uint32_t kept = 1U << LINK_SPEED;
    for (size_t i = 0; i < ARRAY_LEN(seldom); i++)
        kept |= 1U << seldom[i].gauge;
    kept &= known->measured;
    for (size_t g = 0; g < LINK_GAUGES; g++) {
        if (kept & 1U << g)
            link->gauges[g] = known->gauges[g];
    }
    link->measured |= kept;
    link->duplex = known->duplex;
    link->alias = known->alias ? mem_string(known->alias) : NULL;
    link->address = known->address;
    link->broadcast = known->broadcast;
}

static void read_all(int dir, struct sysfs_link *link)
{
    read_gauge(dir, link, "mtu", LINK_MTU);
    read_gauge(dir, link, "tx_queue_len", LINK_QUEUE_LENGTH);
    read_gauge(dir, link, "type", LINK_TYPE);
    read_gauge(dir, link, "flags", LINK_FLAGS);
    read_gauge(dir, link, "carrier", LINK_CARRIER);
    read_gauge(dir, link, "dormant", LINK_DORMANT);
    read_counter(dir, link, "statistics/rx_nohandler", LINK_RX_NOHANDLER, &link->nohandler);
    read_counter(dir, link, "carrier_changes", LINK_CARRIER_CHANGES, &link->carrier_changes);
    read_counter(dir, link, "carrier_up_count", LINK_CARRIER_UP, &link->carrier_up);
    read_counter(dir, link, "carrier_down_count", LINK_CARRIER_DOWN, &link->carrier_down);
    char word[32];
    if (read_line(dir, link->name, "operstate", word, sizeof(word)) == 0) {
        link->state = state_constant(word);
        link->gauges[LINK_UP] = strcmp(word, "up") == 0;
        link->measured |= 1U << LINK_UP;
    }
    read_kind(dir, link);
}

/* ---- a pass -------------------------------------------------------------------------------- */

static const struct sysfs_link *sysfs_known(const struct sysfs *s, const struct dirent *entry)
{
    for (size_t i = 0; s->last && i < s->last->count; i++) {
        const struct sysfs_link *link = &s->last->links[i];
        if (link->inode == entry->d_ino && strcmp(link->name, entry->d_name) == 0)
            return link;
    }
    return NULL;
}

/* False: gone meanwhile. */
static bool sysfs_read_link(struct sysfs *s, int dir, const struct dirent *entry,
                            struct sysfs_link *ret)
{
    const struct sysfs_link *known = sysfs_known(s, entry);
    *ret = (struct sysfs_link){.inode = entry->d_ino};
    memcpy(ret->name, entry->d_name, strlen(entry->d_name) + 1);
    if (known) {
        ret->index = known->index;
        ret->physical = known->physical;
    } else {
        int64_t index = 0;
        if (read_number(dir, ret->name, "ifindex", &index) < 0 || index <= 0 || index > INT32_MAX)
            return false;
        char path[IF_NAMESIZE + 16];
        snprintf(path, sizeof(path), "%s/device", ret->name);
        ret->index = (uint32_t)index;
        ret->physical = faccessat(dir, path, F_OK, 0) == 0;
    }
    if (s->depth == SYSFS_ALL)
        read_all(dir, ret);
    if (!known || ret->physical || (ret->index + s->pass) % SLOW_PASSES == 0 ||
        known->state != ret->state || known->gauges[LINK_FLAGS] != ret->gauges[LINK_FLAGS])
        read_seldom(dir, ret, s->depth);
    else
        keep_seldom(ret, known);
    return true;
}

struct sysfs_links *sysfs_read(struct sysfs *s, void (*annotate)(void *user, struct sysfs_link *),
                               void *user)
{
    char *path = mem_printf("%s/class/net", s->root);
    DIR *dir = opendir(path);
    free(path);
    if (!dir)
        return NULL;
    size_t capacity = s->last ? s->last->count + 4 : 16;
    struct sysfs_links *links = mem_alloc(sizeof(*links) + capacity * sizeof(links->links[0]));
    message_init(&links->msg, sysfs_links_destroy);
    s->pass++;
    for (struct dirent *entry; (entry = readdir(dir)) && links->count < LINKS_MAX;) {
        /* Beside the devices there are "." and, with bonding, a file. */
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= IF_NAMESIZE)
            continue;
        if (links->count == capacity) {
            capacity *= 2;
            links = mem_resize(links, 1, sizeof(*links) + capacity * sizeof(links->links[0]));
        }
        struct sysfs_link *link = &links->links[links->count];
        if (!sysfs_read_link(s, dirfd(dir), entry, link))
            continue;
        links->count++;
        if (annotate)
            annotate(user, link);
    }
    closedir(dir);
    qsort(links->links, links->count, sizeof(links->links[0]), compare_index);
    message_unref(s->last ? &s->last->msg : NULL);
    s->last = links;
    message_ref(&links->msg);
    return links;
}
