/*
 * ethtool.h: what network cards count themselves, as generic netlink's family "ethtool" tells of it
 * (ETHTOOL_MSG_STATS_GET, Linux 5.13): the counters that IEEE 802.3 clause 30 and RFC 2819 (RMON)
 * define, so they mean the same with every driver that has them. No I/O, any thread.
 *
 * Source: include/uapi/linux/ethtool_netlink.h and Documentation/networking/ethtool-netlink.rst.
 */
#pragma once

#include <linux/netlink.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

/* In the kernel's order within each group. */
enum nic_stat {
    NIC_SYMBOL_ERRORS, /* eth-phy */
    NIC_TX_FRAMES,     /* eth-mac from here on */
    NIC_SINGLE_COLLISIONS,
    NIC_MULTIPLE_COLLISIONS,
    NIC_RX_FRAMES,
    NIC_CHECK_ERRORS,
    NIC_ALIGNMENT_ERRORS,
    NIC_TX_BYTES,
    NIC_DEFERRED,
    NIC_LATE_COLLISIONS,
    NIC_EXCESS_COLLISIONS,
    NIC_TX_INTERNAL_ERRORS,
    NIC_CARRIER_ERRORS,
    NIC_RX_BYTES,
    NIC_RX_INTERNAL_ERRORS,
    NIC_TX_MULTICAST,
    NIC_TX_BROADCAST,
    NIC_EXCESS_DEFERRAL,
    NIC_RX_MULTICAST,
    NIC_RX_BROADCAST,
    NIC_IN_RANGE_LENGTH_ERRORS,
    NIC_OUT_OF_RANGE_LENGTHS,
    NIC_TOO_LONG_ERRORS,
    NIC_TX_CONTROL, /* eth-ctrl */
    NIC_RX_CONTROL,
    NIC_RX_CONTROL_UNSUPPORTED,
    NIC_UNDERSIZE, /* rmon */
    NIC_OVERSIZE,
    NIC_FRAGMENTS,
    NIC_JABBERS,
    NIC_STATS
};

struct nic_stats {
    uint32_t index;
    char name[IF_NAMESIZE];
    uint32_t has; /* bits by enum nic_stat; most cards have some of them, many none */
    uint64_t values[NIC_STATS];
};

/* 0, or -EBADMSG when the message is too short, names no device or has broken attributes. */
int ethtool_parse_stats(const struct nlmsghdr *msg, struct nic_stats *ret);

/* The number of a generic netlink family out of CTRL_CMD_GETFAMILY's answer; 0: it has none. */
uint16_t genl_parse_family(const struct nlmsghdr *msg);

#define ETHTOOL_REQUEST_MAX 128 /* bytes */

/* Requests; they return their length. buf is 4-byte aligned. The first one asks for the family's
 * number, which the second one needs. */
size_t ethtool_request_family(void *buf, uint32_t seq);
size_t ethtool_request_stats(void *buf, uint16_t family, uint32_t seq);
