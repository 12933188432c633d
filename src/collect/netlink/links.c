/*
 * links.c: from a link message to the numbers of an interface.
 *
 * A dump that was interrupted by changes may show an interface twice or not at all, and an
 * interface that is missing is taken for gone: so it is asked for again, and the caller is told
 * when that did not help. Each link that it does show is right. The names of the last dump that was
 * whole are kept beside it, for those who only want to know what a number is called. The array
 * keeps its size from tick to tick.
 *
 * The kernel counts errors in more detail than /proc/net/dev shows. The sums are those of the
 * kernel's own /proc file, so the series are the same whichever engine reads them:
 *
 *   receive_drop      rx_dropped + rx_missed_errors
 *   receive_frame     rx_length_errors + rx_over_errors + rx_crc_errors + rx_frame_errors
 *   transmit_carrier  tx_carrier_errors + tx_aborted_errors + tx_window_errors
 *                     + tx_heartbeat_errors
 *   everything else   one number each: *_errs is rx_errors and tx_errors as they are
 */
#include "collect/netlink/links.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

#define LINKS_MAX 16384

struct link_name {
    uint32_t index;
    char name[IFNAMSIZ];
};

struct links {
    struct link_name *whole; /* of the last whole dump but the running one; NULL: none yet */
    size_t whole_count, whole_room;
    struct rtnetlink_link *items;
    size_t count, capacity;
    bool complete; /* items are what the kernel has, each once */
    /* Of the counters' dump that runs. */
    bool *counted;
    size_t counted_count, hint;
    bool stale;
};

struct links *links_new(void)
{
    return mem_alloc(sizeof(struct links));
}

void links_free(struct links *links)
{
    if (!links)
        return;
    free(links->whole);
    free(links->items);
    free(links->counted);
    free(links);
}

size_t links_count(const struct links *links)
{
    return links->count;
}

const struct rtnetlink_link *links_at(const struct links *links, size_t index)
{
    CHECK(index < links->count);
    return &links->items[index];
}

static void keep_names(struct links *links)
{
    if (links->whole_room < links->count) {
        links->whole_room = links->count;
        links->whole = mem_resize(links->whole, links->whole_room, sizeof(links->whole[0]));
    }
    links->whole_count = links->count;
    for (size_t i = 0; i < links->count; i++) {
        links->whole[i].index = links->items[i].index;
        _Static_assert(sizeof(links->items[i].name) == IFNAMSIZ, "names are those of the kernel");
        memcpy(links->whole[i].name, links->items[i].name, IFNAMSIZ);
    }
}

void links_clear(struct links *links)
{
    if (links->complete)
        keep_names(links);
    links->count = 0;
    links->complete = false;
}

int links_add(void *user, const struct nlmsghdr *msg)
{
    struct links *links = user;
    if (msg->nlmsg_type != RTM_NEWLINK)
        return 0;
    if (links->count == links->capacity) {
        if (links->capacity >= LINKS_MAX)
            return -E2BIG;
        links->capacity = MAX(links->capacity * 2, (size_t)16);
        links->items = mem_resize(links->items, links->capacity, sizeof(links->items[0]));
        links->counted = mem_resize(links->counted, links->capacity, sizeof(links->counted[0]));
    }
    int err = rtnetlink_parse_link(msg, &links->items[links->count]);
    if (!err)
        links->count++;
    return err;
}

void links_end(struct links *links, bool whole)
{
    links->complete = whole;
}

int links_read(struct links *links, struct rtsocket *socket, uint64_t *ret_bad)
{
    int err = -EINTR;
    for (int attempt = 0; attempt < 2 && err == -EINTR; attempt++) {
        links_clear(links);
        err = rtsocket_dump(socket, RTM_GETLINK, links_add, links, ret_bad);
    }
    links_end(links, err == 0);
    return err;
}

/* Both dumps have the same order on most kernels: the next one is nearly always the right one. */
static struct rtnetlink_link *links_find(struct links *links, uint32_t index)
{
    for (size_t i = 0; i < links->count; i++) {
        size_t at = (links->hint + i) % links->count;
        if (links->items[at].index == index) {
            links->hint = at + 1;
            return &links->items[at];
        }
    }
    return NULL;
}

const char *links_name(struct links *links, uint32_t index)
{
    const struct rtnetlink_link *link = links_find(links, index);
    for (size_t i = 0; !link && !links->complete && i < links->whole_count; i++) {
        if (links->whole[i].index == index)
            return links->whole[i].name;
    }
    return link ? link->name : NULL;
}

int32_t links_far_nsid(const struct rtnetlink_link *link)
{
    /* Of others, VLANs and tunnels say, it is where that is which they are stacked on. */
    static const char *const pairs[] = {"veth", "netkit", "vxcan"};
    if (!(link->has & RTNETLINK_HAS_FAR_NSID))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (strcmp(link->kind, pairs[i]) == 0)
            return link->far_nsid;
    }
    return -1;
}

static int links_count_one(void *user, const struct nlmsghdr *msg)
{
    struct links *links = user;
    struct rtnl_link_stats64 stats;
    uint32_t index;
    if (msg->nlmsg_type != RTM_NEWSTATS)
        return 0;
    int err = rtnetlink_parse_stats(msg, &index, &stats);
    if (err)
        return err;
    struct rtnetlink_link *link = links_find(links, index);
    if (!link) {
        links->stale = true;
        return 0;
    }
    bool *counted = &links->counted[link - links->items];
    links->counted_count += !*counted;
    *counted = true;
    link->stats = stats;
    return 0;
}

int links_read_counters(struct links *links, struct rtsocket *socket, uint64_t *ret_bad)
{
    if (!links->complete || !links->count)
        return -ESTALE;
    memset(links->counted, 0, links->count * sizeof(links->counted[0]));
    links->counted_count = links->hint = 0;
    links->stale = false;
    int err = rtsocket_dump(socket, RTM_GETSTATS, links_count_one, links, ret_bad);
    if (!err && (links->stale || links->counted_count != links->count))
        err = -ESTALE;
    return err;
}

static const char *link_kind(const struct rtnetlink_link *link)
{
    if (link->type == ARPHRD_LOOPBACK)
        return "loopback";
    if (link->has & RTNETLINK_HAS_PARENT)
        return "physical";
    return link->kind[0] ? link->kind : "virtual";
}

static void sample_stats(const struct rtnl_link_stats64 *from, struct link_sample *to)
{
    uint64_t *c = to->counters;
    c[LINK_RX_BYTES] = from->rx_bytes;
    c[LINK_RX_PACKETS] = from->rx_packets;
    c[LINK_RX_ERRS] = from->rx_errors;
    c[LINK_RX_DROP] = from->rx_dropped + from->rx_missed_errors;
    c[LINK_RX_FIFO] = from->rx_fifo_errors;
    c[LINK_RX_FRAME] =
        from->rx_length_errors + from->rx_over_errors + from->rx_crc_errors + from->rx_frame_errors;
    c[LINK_RX_COMPRESSED] = from->rx_compressed;
    c[LINK_RX_MULTICAST] = from->multicast;
    c[LINK_RX_NOHANDLER] = from->rx_nohandler;
    c[LINK_TX_BYTES] = from->tx_bytes;
    c[LINK_TX_PACKETS] = from->tx_packets;
    c[LINK_TX_ERRS] = from->tx_errors;
    c[LINK_TX_DROP] = from->tx_dropped;
    c[LINK_TX_FIFO] = from->tx_fifo_errors;
    c[LINK_TX_COLLS] = from->collisions;
    c[LINK_TX_CARRIER] = from->tx_carrier_errors + from->tx_aborted_errors +
                         from->tx_window_errors + from->tx_heartbeat_errors;
    c[LINK_TX_COMPRESSED] = from->tx_compressed;
    to->counted |= (1U << LINK_PROC_COUNTERS) - 1;
    to->counted |= 1U << LINK_RX_NOHANDLER;
}

/* As sysfs has them: not those that the state of the line adds, but also what others than the
 * administrator asked for, such as a bridge of its ports. */
static uint32_t link_flags(const struct rtnetlink_link *link)
{
    uint32_t flags = link->flags & ~(unsigned)(IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT);
    if (link->promiscuity)
        flags |= IFF_PROMISC;
    if (link->allmulti)
        flags |= IFF_ALLMULTI;
    return flags;
}

void links_sample(const struct rtnetlink_link *link, struct link_sample *ret)
{
    *ret = (struct link_sample){
        .index = link->index,
        .name = link->name,
        .kind = link_kind(link),
        .state =
            link->has & RTNETLINK_HAS_OPERSTATE ? rtnetlink_operstate_name(link->operstate) : NULL,
    };
    if (link->has & RTNETLINK_HAS_STATS)
        sample_stats(&link->stats, ret);
    if (link->has & RTNETLINK_HAS_CARRIER_CHANGES)
        link_count(ret, LINK_CARRIER_CHANGES, link->carrier_changes);
    if (link->has & RTNETLINK_HAS_CARRIER_UP_DOWN) {
        link_count(ret, LINK_CARRIER_UP, link->carrier_up);
        link_count(ret, LINK_CARRIER_DOWN, link->carrier_down);
    }
    if (link->has & RTNETLINK_HAS_OPERSTATE)
        link_measure(ret, LINK_UP, link->operstate == 6);
    /* A device that is switched off has no carrier to speak of; sysfs refuses to tell, too. */
    if ((link->has & RTNETLINK_HAS_CARRIER) && (link->flags & IFF_UP))
        link_measure(ret, LINK_CARRIER, link->carrier);
    if (link->has & RTNETLINK_HAS_MTU)
        link_measure(ret, LINK_MTU, link->mtu_bytes);
    if (link->has & RTNETLINK_HAS_QUEUE_LENGTH)
        link_measure(ret, LINK_QUEUE_LENGTH, link->queue_length);
    link_measure(ret, LINK_INDEX, link->index);
    link_measure(ret, LINK_TYPE, link->type);
    if (link->flags & IFF_UP)
        link_measure(ret, LINK_DORMANT, (link->flags & IFF_DORMANT) != 0);
    link_measure(ret, LINK_LOWER, link->has & RTNETLINK_HAS_LOWER ? link->lower : link->index);
    if (link->has & RTNETLINK_HAS_MODE)
        link_measure(ret, LINK_MODE, link->mode);
    if (link->has & RTNETLINK_HAS_GROUP)
        link_measure(ret, LINK_GROUP, link->group);
    link_measure(ret, LINK_FLAGS, link_flags(link));
}
