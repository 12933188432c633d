/*
 * qdisc.h: queueing disciplines as rtnetlink tells of them (RTM_GETQDISC), as plain structs. No
 * I/O, any thread; what a message claims about its lengths is checked.
 *
 * Sources: include/uapi/linux/{rtnetlink,gen_stats}.h and net/core/gen_stats.c of Linux.
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of qdisc.has. */
enum qdisc_part {
    QDISC_HAS_BASIC = 1 << 0, /* bytes, packets */
    QDISC_HAS_QUEUE = 1 << 1, /* the rest */
};

struct qdisc {
    uint32_t index; /* of the interface */
    uint32_t handle,
        parent;    /* TC_H_*; parent TC_H_ROOT: what the interface sends goes through it */
    char kind[16]; /* "fq_codel" */
    uint32_t has;
    uint64_t bytes, packets;               /* that left it */
    uint32_t drops, requeues, overlimits;  /* since it was made; wrap at 32 bits */
    uint32_t queue_packets, backlog_bytes; /* waiting now */
};

/* RTM_NEWQDISC. 0, or -EBADMSG when the message is too short, names no kind or has broken
 * attributes. */
int qdisc_parse(const struct nlmsghdr *msg, struct qdisc *ret);

#define QDISC_REQUEST_MAX 64 /* bytes */

/* Writes a request for all qdiscs of all interfaces; returns its length. buf is 4-byte aligned. */
size_t qdisc_request_dump(void *buf, uint32_t seq);
