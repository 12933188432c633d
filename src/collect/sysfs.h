/*
 * sysfs.h: what /sys/class/net tells about interfaces. Some of its files (speed, carrier) wait for
 * a kernel lock that others may hold for long, so all of it is read on the survey thread and
 * handed over as a frozen message.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/catalogue.h"
#include "model/message.h"
#include "wire/rtnetlink.h"

struct sysfs_link {
    char name[IF_NAMESIZE];
    uint64_t inode; /* of the directory entry: changes when the device does */
    uint32_t index;
    bool physical; /* has a device behind it */
    char kind[24]; /* "physical", "loopback", "bridge", …; "" when only the speed was asked for */
    const char *state; /* operational state, lives for ever; NULL: not read */
    uint32_t measured; /* bits by enum link_gauge */
    double gauges[LINK_GAUGES];
    uint32_t counted; /* bits by enum link_counter */
    uint64_t carrier_changes, carrier_up, carrier_down, nohandler;
    const char *duplex; /* "full", "half", "unknown"; lives for ever; NULL: does not tell */
    char *alias;        /* NULL: none. Owned by the message */
    struct link_address address, broadcast; /* only with SYSFS_ALL */
    char *addresses; /* one a line; NULL: none or not asked for. Owned by the message */
};

struct sysfs_links {
    struct message msg;
    size_t count;
    struct sysfs_link links[]; /* by index */
};

/* By index; NULL when it is not there or links is NULL. Any thread. */
const struct sysfs_link *sysfs_links_find(const struct sysfs_links *links, uint32_t index);

enum sysfs_depth {
    SYSFS_SPEED, /* index, physical, speed, duplex, alias, device id and where address and name are
                    from: what rtnetlink does not tell, or not well */
    SYSFS_ALL,   /* everything, for an engine that has no other source */
};

/* The rest on one thread, the survey thread. */
struct sysfs;

struct sysfs *sysfs_new(const char *sys_root, enum sysfs_depth depth); /* root is borrowed */
void sysfs_free(struct sysfs *s);                                      /* NULL allowed */

/* Reads once: one reference, or NULL when /sys/class/net cannot be read. `annotate` (may be NULL)
 * may complete each link before the message is frozen. */
struct sysfs_links *sysfs_read(struct sysfs *s, void (*annotate)(void *user, struct sysfs_link *),
                               void *user);

/* Are both the same but for their references? NULL allowed. */
bool sysfs_links_equal(const struct sysfs_links *a, const struct sysfs_links *b);
