/*
 * rtnetlink.h: what the kernel says about links, addresses and routes, as plain structs, and the
 * requests that ask for it. No I/O: bytes in, structs out, any thread. Everything is copied; the
 * message may be gone afterwards. Whatever a message claims about its own lengths is checked
 * against the bytes that are there.
 */
#pragma once

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a message had beyond its fixed part: bits of rtnetlink_link.has. */
enum rtnetlink_link_part {
    RTNETLINK_HAS_STATS = 1 << 0,
    RTNETLINK_HAS_MTU = 1 << 1,
    RTNETLINK_HAS_OPERSTATE = 1 << 2,
    RTNETLINK_HAS_CARRIER = 1 << 3,
    RTNETLINK_HAS_CARRIER_CHANGES = 1 << 4,
    RTNETLINK_HAS_CARRIER_UP_DOWN = 1 << 5,
    RTNETLINK_HAS_QUEUE_LENGTH = 1 << 6,
    RTNETLINK_HAS_PARENT = 1 << 7, /* sits on a bus: hardware, or what passes for it */
    RTNETLINK_HAS_FAR_NSID = 1 << 8,
    RTNETLINK_HAS_LOWER = 1 << 9,
    RTNETLINK_HAS_MODE = 1 << 10,
    RTNETLINK_HAS_GROUP = 1 << 11,
};

#define LINK_ADDRESS_MAX 32 /* the kernel's MAX_ADDR_LEN */

struct link_address { /* of the link layer */
    uint8_t bytes[LINK_ADDRESS_MAX];
    uint8_t len; /* 0: it has none */
};

struct rtnetlink_link {
    uint32_t index;
    uint16_t type;  /* ARPHRD_* */
    uint8_t family; /* AF_UNSPEC; AF_BRIDGE: about a port of a bridge, not about the link */
    uint32_t flags; /* IFF_* */
    uint32_t has;   /* enum rtnetlink_link_part */
    char name[IF_NAMESIZE];
    char kind[56]; /* rtnl kind: "veth", "bridge"; "" when the device has none. The kernel has no
                      longer ones: MODULE_NAME_LEN */
    uint32_t mtu_bytes;
    uint32_t queue_length; /* packets */
    uint8_t operstate;     /* IF_OPER_* */
    uint8_t mode;          /* IF_LINK_MODE_* */
    uint32_t group;
    uint32_t lower;       /* index that it is stacked on, or of its other end, perhaps in another
                             namespace; not told when there is none */
    uint32_t promiscuity; /* how many want it to receive everything */
    uint32_t allmulti;    /* the same of all multicast; 0 before Linux 6.0 */
    struct link_address address, broadcast;
    bool carrier;
    uint32_t carrier_changes, carrier_up, carrier_down;
    int32_t far_nsid; /* what the asking socket's namespace calls the one, another one, that the
                         link's other end or what it is stacked on is in; 0 or more */
    struct rtnl_link_stats64 stats; /* what an older kernel does not know is 0 */
};

struct rtnetlink_address {
    uint32_t index;      /* of the interface */
    uint8_t family;      /* AF_INET or AF_INET6 */
    uint8_t prefix;      /* bits */
    uint8_t scope;       /* RT_SCOPE_* */
    uint8_t address[16]; /* 4 or 16 bytes in use */
};

struct rtnetlink_route {
    uint8_t family;
    uint8_t prefix;   /* bits of the destination; 0 with an unset destination: the default route */
    uint8_t type;     /* RTN_* */
    uint8_t protocol; /* RTPROT_*: who put it there */
    uint32_t flags;   /* RTM_F_* */
    uint32_t table;
    uint32_t index; /* outgoing interface, 0: none or several */
    uint32_t metric;
    uint32_t nexthops; /* 0 or 1, more for a multipath route */
    bool has_gateway;
    uint8_t gateway_family; /* may differ from family: IPv4 through an IPv6 neighbour */
    uint8_t destination[16];
    uint8_t gateway[16];
};

/*
 * Walks a received datagram. *msg starts NULL; true with the next whole message in *msg, false at
 * the end. *ret_bad becomes true when bytes were left over that are no message.
 */
bool rtnetlink_next(const void *data, size_t len, const struct nlmsghdr **msg, bool *ret_bad);

/* 0, or -EBADMSG when the message is too short, has no usable name or broken attributes. */
int rtnetlink_parse_link(const struct nlmsghdr *msg, struct rtnetlink_link *ret);
/* RTM_NEWSTATS: the counters of one link, what an older kernel does not know is 0. 0, or -EBADMSG
 * when the message is too short or has none. */
int rtnetlink_parse_stats(const struct nlmsghdr *msg, uint32_t *ret_index,
                          struct rtnl_link_stats64 *ret);
/* As for links; -EAFNOSUPPORT for a family that is neither IPv4 nor IPv6. */
int rtnetlink_parse_address(const struct nlmsghdr *msg, struct rtnetlink_address *ret);
int rtnetlink_parse_route(const struct nlmsghdr *msg, struct rtnetlink_route *ret);

/* RTM_NEWNSID, RTM_DELNSID: a namespace's number; -1: it has none, which is how the kernel answers
 * for one that no link leads to. 0 or -EBADMSG. */
int rtnetlink_parse_nsid(const struct nlmsghdr *msg, int32_t *ret);

/* NLMSG_ERROR's or NLMSG_DONE's error: 0 or a negative errno; -EBADMSG when it is cut off. */
int rtnetlink_error(const struct nlmsghdr *msg);

#define RTNETLINK_REQUEST_MAX 64 /* bytes */

/* Writes a dump request (RTM_GETLINK, RTM_GETSTATS, RTM_GETADDR); returns its length. buf is 4-byte
 * aligned. */
size_t rtnetlink_request_dump(void *buf, uint16_t type, uint32_t seq);

/* RTM_GETNSID: what number the network namespace of this process has, as the pid namespace of who
 * asks counts pids; with an acknowledgement, so that it ends like a dump. It takes no rights. */
size_t rtnetlink_request_nsid(void *buf, uint32_t pid, uint32_t seq);

/* "down", "lowerlayerdown", … ; "unknown" for a number without a name. Lives for ever. */
const char *rtnetlink_operstate_name(uint8_t operstate);
