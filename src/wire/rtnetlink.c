/*
 * rtnetlink.c: decoding of RTM_{NEW,DEL}{LINK,ADDR,ROUTE,NSID} and RTM_NEWSTATS.
 *
 * A message is a header, a fixed part and a chain of (length, type, payload) attributes, each
 * aligned to four bytes. Attributes come in any order, unknown ones are skipped, a repeated one
 * counts as its last occurrence. One attribute that is too short for its type makes the message
 * bad as a whole: half a truth about an interface is worse than none, the next dump brings it all.
 *
 * libmnl supplies the message builder; the walk over the attributes is our own (attributes.c).
 */
#include "wire/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "wire/attributes.h"

bool rtnetlink_next(const void *data, size_t len, const struct nlmsghdr **msg, bool *ret_bad)
{
    const char *start = data;
    const char *at = start;
    if (*msg) {
        size_t step = NLMSG_ALIGN((size_t)(*msg)->nlmsg_len);
        size_t offset = (size_t)((const char *)*msg - start);
        at = len - offset > step ? start + offset + step : start + len;
    }
    size_t left = len - (size_t)(at - start);
    if (!left)
        return false;
    const struct nlmsghdr *next = (const void *)at;
    if (left < sizeof(*next) || next->nlmsg_len < sizeof(*next) || next->nlmsg_len > left) {
        *ret_bad = true;
        return false;
    }
    *msg = next;
    return true;
}

/* ---- links --------------------------------------------------------------------------------- */

#define IFLA_ALLMULTI_COUNT 61 /* IFLA_ALLMULTI of linux/if_link.h, since Linux 6.0 */

static void parse_link_info(struct attributes *outer, const struct attribute *info, char *kind,
                            size_t size)
{
    struct attributes inner = attributes_in(info);
    struct attribute at;
    while (attributes_next(&inner, &at)) {
        if (at.type == IFLA_INFO_KIND)
            attribute_text(&inner, &at, kind, size);
    }
    outer->bad |= inner.bad;
}

/* The oldest layout with 64 bits ends with tx_compressed; anything shorter is broken. */
static bool attribute_stats(struct attributes *a, const struct attribute *from,
                            struct rtnl_link_stats64 *to)
{
    size_t len = MIN(from->len, sizeof(*to));
    if (len < offsetof(struct rtnl_link_stats64, rx_nohandler)) {
        a->bad = true;
        return false;
    }
    memcpy(to, from->data, len);
    memset((char *)to + len, 0, sizeof(*to) - len);
    return true;
}

static void attribute_address(struct attributes *a, const struct attribute *from,
                              struct link_address *to)
{
    if (from->len > sizeof(to->bytes)) {
        a->bad = true;
        return;
    }
    memcpy(to->bytes, from->data, from->len);
    to->len = (uint8_t)from->len;
}

int rtnetlink_parse_link(const struct nlmsghdr *msg, struct rtnetlink_link *ret)
{
    struct ifinfomsg head;
    struct attributes all;
    if (!attributes_of(msg, sizeof(head), &all))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    if (head.ifi_index <= 0)
        return -EBADMSG;

    /* The counters are large and nearly always overwritten: clear only what is in front of them. */
    memset(ret, 0, offsetof(struct rtnetlink_link, stats));
    ret->index = (uint32_t)head.ifi_index;
    ret->type = head.ifi_type;
    ret->family = head.ifi_family;
    ret->flags = head.ifi_flags;

    struct attribute at;
    uint32_t up_down = 0;
    while (attributes_next(&all, &at)) {
        switch (at.type) {
        case IFLA_IFNAME:
            attribute_text(&all, &at, ret->name, sizeof(ret->name));
            break;
        case IFLA_STATS64:
            if (attribute_stats(&all, &at, &ret->stats))
                ret->has |= RTNETLINK_HAS_STATS;
            break;
        case IFLA_MTU:
            if (attribute_copy(&all, &at, &ret->mtu_bytes, sizeof(ret->mtu_bytes)))
                ret->has |= RTNETLINK_HAS_MTU;
            break;
        case IFLA_TXQLEN:
            if (attribute_copy(&all, &at, &ret->queue_length, sizeof(ret->queue_length)))
                ret->has |= RTNETLINK_HAS_QUEUE_LENGTH;
            break;
        case IFLA_OPERSTATE:
            if (attribute_copy(&all, &at, &ret->operstate, sizeof(ret->operstate)))
                ret->has |= RTNETLINK_HAS_OPERSTATE;
            break;
        case IFLA_CARRIER: {
            uint8_t carrier;
            if (attribute_copy(&all, &at, &carrier, sizeof(carrier))) {
                ret->carrier = carrier != 0;
                ret->has |= RTNETLINK_HAS_CARRIER;
            }
            break;
        }
        case IFLA_CARRIER_CHANGES:
            if (attribute_copy(&all, &at, &ret->carrier_changes, sizeof(ret->carrier_changes)))
                ret->has |= RTNETLINK_HAS_CARRIER_CHANGES;
            break;
        case IFLA_CARRIER_UP_COUNT:
            if (attribute_copy(&all, &at, &ret->carrier_up, sizeof(ret->carrier_up)))
                up_down |= 1;
            break;
        case IFLA_CARRIER_DOWN_COUNT:
            if (attribute_copy(&all, &at, &ret->carrier_down, sizeof(ret->carrier_down)))
                up_down |= 2;
            break;
        case IFLA_LINK:
            if (attribute_copy(&all, &at, &ret->lower, sizeof(ret->lower)))
                ret->has |= RTNETLINK_HAS_LOWER;
            break;
        case IFLA_LINKMODE:
            if (attribute_copy(&all, &at, &ret->mode, sizeof(ret->mode)))
                ret->has |= RTNETLINK_HAS_MODE;
            break;
        case IFLA_GROUP:
            if (attribute_copy(&all, &at, &ret->group, sizeof(ret->group)))
                ret->has |= RTNETLINK_HAS_GROUP;
            break;
        case IFLA_PROMISCUITY:
            attribute_copy(&all, &at, &ret->promiscuity, sizeof(ret->promiscuity));
            break;
        case IFLA_ALLMULTI_COUNT: /* IFLA_ALLMULTI */
            attribute_copy(&all, &at, &ret->allmulti, sizeof(ret->allmulti));
            break;
        case IFLA_ADDRESS:
            attribute_address(&all, &at, &ret->address);
            break;
        case IFLA_BROADCAST:
            attribute_address(&all, &at, &ret->broadcast);
            break;
        case IFLA_LINKINFO:
            parse_link_info(&all, &at, ret->kind, sizeof(ret->kind));
            break;
        case IFLA_LINK_NETNSID:
            /* Negative where the kernel could not give the namespace a number just then. */
            if (attribute_copy(&all, &at, &ret->far_nsid, sizeof(ret->far_nsid)))
                ret->has |= RTNETLINK_HAS_FAR_NSID;
            break;
        case IFLA_PARENT_DEV_NAME:
            ret->has |= RTNETLINK_HAS_PARENT;
            break;
        default:
            break;
        }
    }
    if (up_down == 3)
        ret->has |= RTNETLINK_HAS_CARRIER_UP_DOWN;
    if (ret->far_nsid < 0)
        ret->has &= ~(uint32_t)RTNETLINK_HAS_FAR_NSID;
    if (!(ret->has & RTNETLINK_HAS_STATS))
        memset(&ret->stats, 0, sizeof(ret->stats));
    return all.bad || !ret->name[0] ? -EBADMSG : 0;
}

int rtnetlink_parse_stats(const struct nlmsghdr *msg, uint32_t *ret_index,
                          struct rtnl_link_stats64 *ret)
{
    struct if_stats_msg head;
    struct attributes all;
    if (!attributes_of(msg, sizeof(head), &all))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    if (!head.ifindex || head.ifindex > INT32_MAX)
        return -EBADMSG;
    *ret_index = head.ifindex;
    struct attribute at;
    bool any = false;
    while (attributes_next(&all, &at)) {
        if (at.type == IFLA_STATS_LINK_64)
            any |= attribute_stats(&all, &at, ret);
    }
    return all.bad || !any ? -EBADMSG : 0;
}

/* ---- addresses and routes ------------------------------------------------------------------ */

static size_t address_bytes(uint8_t family)
{
    return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

int rtnetlink_parse_address(const struct nlmsghdr *msg, struct rtnetlink_address *ret)
{
    struct ifaddrmsg head;
    struct attributes all;
    if (!attributes_of(msg, sizeof(head), &all))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    size_t size = address_bytes(head.ifa_family);
    if (!size)
        return -EAFNOSUPPORT;
    if (head.ifa_prefixlen > size * 8 || !head.ifa_index)
        return -EBADMSG;
    *ret = (struct rtnetlink_address){.index = head.ifa_index,
                                      .family = head.ifa_family,
                                      .prefix = head.ifa_prefixlen,
                                      .scope = head.ifa_scope};
    /* On a point-to-point link IFA_ADDRESS is the peer and IFA_LOCAL is ours. */
    bool local = false, any = false;
    struct attribute at;
    while (attributes_next(&all, &at)) {
        if (at.type == IFA_LOCAL || (at.type == IFA_ADDRESS && !local)) {
            any |= attribute_copy(&all, &at, ret->address, size);
            local |= at.type == IFA_LOCAL;
        }
    }
    return all.bad || !any ? -EBADMSG : 0;
}

/* Counts the next hops and takes the first one's interface when there is only one. */
static void parse_multipath(struct attributes *outer, const struct attribute *list,
                            struct rtnetlink_route *ret)
{
    const char *at = list->data;
    size_t left = list->len;
    uint32_t index = 0;
    while (left) {
        struct rtnexthop hop;
        if (left < sizeof(hop)) {
            outer->bad = true;
            return;
        }
        memcpy(&hop, at, sizeof(hop));
        if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left) {
            outer->bad = true;
            return;
        }
        ret->nexthops++;
        index = (uint32_t)hop.rtnh_ifindex;
        size_t step = MIN((size_t)RTNH_ALIGN(hop.rtnh_len), left);
        at += step;
        left -= step;
    }
    if (ret->nexthops == 1)
        ret->index = index;
}

int rtnetlink_parse_route(const struct nlmsghdr *msg, struct rtnetlink_route *ret)
{
    struct rtmsg head;
    struct attributes all;
    if (!attributes_of(msg, sizeof(head), &all))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    size_t size = address_bytes(head.rtm_family);
    if (!size)
        return -EAFNOSUPPORT;
    if (head.rtm_dst_len > size * 8)
        return -EBADMSG;
    *ret = (struct rtnetlink_route){.family = head.rtm_family,
                                    .prefix = head.rtm_dst_len,
                                    .type = head.rtm_type,
                                    .protocol = head.rtm_protocol,
                                    .flags = head.rtm_flags,
                                    .table = head.rtm_table,
                                    .gateway_family = head.rtm_family};
    struct attribute at;
    while (attributes_next(&all, &at)) {
        switch (at.type) {
        case RTA_DST:
            attribute_copy(&all, &at, ret->destination, size);
            break;
        case RTA_GATEWAY:
            ret->has_gateway = attribute_copy(&all, &at, ret->gateway, size);
            break;
        case RTA_VIA: {
            struct rtvia via;
            size_t len = 0;
            if (attribute_copy(&all, &at, &via, sizeof(via)))
                len = address_bytes((uint8_t)via.rtvia_family);
            if (len && at.len >= sizeof(via) + len) {
                memcpy(ret->gateway, (const char *)at.data + sizeof(via), len);
                ret->gateway_family = (uint8_t)via.rtvia_family;
                ret->has_gateway = true;
            }
            break;
        }
        case RTA_OIF:
            if (attribute_copy(&all, &at, &ret->index, sizeof(ret->index)) && !ret->nexthops)
                ret->nexthops = 1;
            break;
        case RTA_PRIORITY:
            attribute_copy(&all, &at, &ret->metric, sizeof(ret->metric));
            break;
        case RTA_TABLE:
            attribute_copy(&all, &at, &ret->table, sizeof(ret->table));
            break;
        case RTA_MULTIPATH:
            ret->nexthops = 0;
            parse_multipath(&all, &at, ret);
            break;
        default:
            break;
        }
    }
    return all.bad ? -EBADMSG : 0;
}

/* ---- the rest ------------------------------------------------------------------------------ */

int rtnetlink_parse_nsid(const struct nlmsghdr *msg, int32_t *ret)
{
    struct attributes all;
    if ((msg->nlmsg_type != RTM_NEWNSID && msg->nlmsg_type != RTM_DELNSID) ||
        !attributes_of(msg, sizeof(struct rtgenmsg), &all))
        return -EBADMSG;
    struct attribute at;
    bool any = false;
    while (attributes_next(&all, &at)) {
        if (at.type == NETNSA_NSID)
            any |= attribute_copy(&all, &at, ret, sizeof(*ret));
    }
    return all.bad || !any || *ret < -1 ? -EBADMSG : 0;
}

int rtnetlink_error(const struct nlmsghdr *msg)
{
    int error;
    if (msg->nlmsg_len < NLMSG_HDRLEN + sizeof(error))
        return -EBADMSG;
    memcpy(&error, NLMSG_DATA(msg), sizeof(error));
    return error > 0 ? -EBADMSG : error;
}

size_t rtnetlink_request_dump(void *buf, uint16_t type, uint32_t seq)
{
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    msg->nlmsg_type = type;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    msg->nlmsg_seq = seq;
    if (type == RTM_GETLINK) {
        mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
        /* The link's own statistics, but not IPv6's, which nobody reads here: a quarter of what the
         * kernel writes, and some forty sums over all CPUs for each link. */
        mnl_attr_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    } else if (type == RTM_GETSTATS) {
        struct if_stats_msg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
        head->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
    } else {
        mnl_nlmsg_put_extra_header(msg, sizeof(struct ifaddrmsg));
    }
    return msg->nlmsg_len;
}

size_t rtnetlink_request_nsid(void *buf, uint32_t pid, uint32_t seq)
{
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    msg->nlmsg_type = RTM_GETNSID;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    msg->nlmsg_seq = seq;
    mnl_nlmsg_put_extra_header(msg, sizeof(struct rtgenmsg));
    mnl_attr_put_u32(msg, NETNSA_PID, pid);
    return msg->nlmsg_len;
}

const char *rtnetlink_operstate_name(uint8_t operstate)
{
    static const char *const names[] = {
        [0] = "unknown", [1] = "notpresent", [2] = "down", [3] = "lowerlayerdown",
        [4] = "testing", [5] = "dormant",    [6] = "up",
    };
    return operstate < ARRAY_LEN(names) ? names[operstate] : "unknown";
}
