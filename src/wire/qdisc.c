/*
 * qdisc.c: see qdisc.h. The numbers lie in a nest (TCA_STATS2) that has had the same parts since
 * Linux 2.6; only the packets, 32 bits there, got an attribute of their own for 64 (5.5), which
 * counts when it is there. The older attribute TCA_STATS says the same with fewer bits and is not
 * read.
 */
#include "wire/qdisc.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "wire/attributes.h"

#define STATS_PACKETS64 8 /* TCA_STATS_PKT64 */

/* Without the padding behind them, which the kernel does not always send. */
struct basic {
    uint64_t bytes;
    uint32_t packets;
};
#define BASIC_BYTES (sizeof(uint64_t) + sizeof(uint32_t))

static void parse_stats(struct attributes *outer, const struct attribute *nest, struct qdisc *ret)
{
    struct attributes inner = attributes_in(nest);
    struct attribute at;
    bool wide = false;
    while (attributes_next(&inner, &at)) {
        struct basic basic;
        struct gnet_stats_queue queue;
        switch (at.type) {
        case TCA_STATS_BASIC:
            if (!attribute_copy(&inner, &at, &basic, BASIC_BYTES))
                break;
            ret->bytes = basic.bytes;
            if (!wide)
                ret->packets = basic.packets;
            ret->has |= QDISC_HAS_BASIC;
            break;
        case STATS_PACKETS64:
            wide |= attribute_copy(&inner, &at, &ret->packets, sizeof(ret->packets));
            break;
        case TCA_STATS_QUEUE:
            if (!attribute_copy(&inner, &at, &queue, sizeof(queue)))
                break;
            ret->queue_packets = queue.qlen;
            ret->backlog_bytes = queue.backlog;
            ret->drops = queue.drops;
            ret->requeues = queue.requeues;
            ret->overlimits = queue.overlimits;
            ret->has |= QDISC_HAS_QUEUE;
            break;
        default:
            break;
        }
    }
    outer->bad |= inner.bad;
}

int qdisc_parse(const struct nlmsghdr *msg, struct qdisc *ret)
{
    struct tcmsg head;
    struct attributes all;
    if (msg->nlmsg_type != RTM_NEWQDISC || !attributes_of(msg, sizeof(head), &all))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    if (head.tcm_ifindex <= 0)
        return -EBADMSG;
    *ret = (struct qdisc){
        .index = (uint32_t)head.tcm_ifindex, .handle = head.tcm_handle, .parent = head.tcm_parent};
    struct attribute at;
    while (attributes_next(&all, &at)) {
        if (at.type == TCA_KIND)
            attribute_text(&all, &at, ret->kind, sizeof(ret->kind));
        else if (at.type == TCA_STATS2)
            parse_stats(&all, &at, ret);
    }
    return all.bad || !ret->kind[0] ? -EBADMSG : 0;
}

size_t qdisc_request_dump(void *buf, uint32_t seq)
{
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    msg->nlmsg_type = RTM_GETQDISC;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    msg->nlmsg_seq = seq;
    mnl_nlmsg_put_extra_header(msg, sizeof(struct tcmsg));
    return msg->nlmsg_len;
}
