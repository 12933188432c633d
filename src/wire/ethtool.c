/*
 * ethtool.c: see ethtool.h. An answer is about one device: a nest that names it, and a nest for
 * each group of counters, in which every counter is a nest again around one attribute whose type is
 * the counter's number. Counters and groups that are not known here are skipped.
 */
#include "wire/ethtool.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <string.h>

#include "base/defs.h"
#include "wire/attributes.h"

_Static_assert(NIC_STATS <= 32, "bits of nic_stats.has");

static const struct {
    enum nic_stat first;
    unsigned count;
} groups[] = {
    [ETHTOOL_STATS_ETH_PHY] = {NIC_SYMBOL_ERRORS, NIC_TX_FRAMES - NIC_SYMBOL_ERRORS},
    [ETHTOOL_STATS_ETH_MAC] = {NIC_TX_FRAMES, NIC_TX_CONTROL - NIC_TX_FRAMES},
    [ETHTOOL_STATS_ETH_CTRL] = {NIC_TX_CONTROL, NIC_UNDERSIZE - NIC_TX_CONTROL},
    [ETHTOOL_STATS_RMON] = {NIC_UNDERSIZE, NIC_STATS - NIC_UNDERSIZE},
};

static void parse_header(struct attributes *outer, const struct attribute *nest,
                         struct nic_stats *ret)
{
    struct attributes inner = attributes_in(nest);
    struct attribute at;
    while (attributes_next(&inner, &at)) {
        if (at.type == ETHTOOL_A_HEADER_DEV_INDEX)
            attribute_copy(&inner, &at, &ret->index, sizeof(ret->index));
        else if (at.type == ETHTOOL_A_HEADER_DEV_NAME)
            attribute_text(&inner, &at, ret->name, sizeof(ret->name));
    }
    outer->bad |= inner.bad;
}

static void parse_counter(struct attributes *outer, const struct attribute *nest, uint32_t group,
                          struct nic_stats *ret)
{
    struct attributes inner = attributes_in(nest);
    struct attribute at;
    while (attributes_next(&inner, &at)) {
        uint64_t value;
        if (group >= ARRAY_LEN(groups) || at.type >= groups[group].count)
            continue;
        unsigned stat = groups[group].first + at.type;
        if (!attribute_copy(&inner, &at, &value, sizeof(value)))
            break;
        ret->values[stat] = value;
        ret->has |= UINT32_C(1) << stat;
    }
    outer->bad |= inner.bad;
}

/* The group's number comes first, but nobody promises that: two walks. */
static void parse_group(struct attributes *outer, const struct attribute *nest,
                        struct nic_stats *ret)
{
    struct attribute at;
    uint32_t group = UINT32_MAX;
    struct attributes inner = attributes_in(nest);
    while (attributes_next(&inner, &at)) {
        if (at.type == ETHTOOL_A_STATS_GRP_ID)
            attribute_copy(&inner, &at, &group, sizeof(group));
    }
    outer->bad |= inner.bad;
    inner = attributes_in(nest);
    while (attributes_next(&inner, &at)) {
        if (at.type == ETHTOOL_A_STATS_GRP_STAT)
            parse_counter(&inner, &at, group, ret);
    }
    outer->bad |= inner.bad;
}

int ethtool_parse_stats(const struct nlmsghdr *msg, struct nic_stats *ret)
{
    struct attributes all;
    struct genlmsghdr head;
    if (!attributes_of(msg, sizeof(head), &all))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(msg), sizeof(head));
    if (head.cmd != ETHTOOL_MSG_STATS_GET_REPLY)
        return -EBADMSG;
    *ret = (struct nic_stats){0};
    struct attribute at;
    while (attributes_next(&all, &at)) {
        if (at.type == ETHTOOL_A_STATS_HEADER)
            parse_header(&all, &at, ret);
        else if (at.type == ETHTOOL_A_STATS_GRP)
            parse_group(&all, &at, ret);
    }
    return all.bad || !ret->index || !ret->name[0] ? -EBADMSG : 0;
}

uint16_t genl_parse_family(const struct nlmsghdr *msg)
{
    struct attributes all;
    struct attribute at;
    uint16_t id = 0;
    if (msg->nlmsg_type != GENL_ID_CTRL || !attributes_of(msg, sizeof(struct genlmsghdr), &all))
        return 0;
    while (attributes_next(&all, &at)) {
        if (at.type == CTRL_ATTR_FAMILY_ID)
            attribute_copy(&all, &at, &id, sizeof(id));
    }
    return all.bad ? 0 : id;
}

static struct nlmsghdr *request(void *buf, uint16_t type, uint16_t flags, uint8_t command,
                                uint32_t seq)
{
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    msg->nlmsg_type = type;
    msg->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    msg->nlmsg_seq = seq;
    struct genlmsghdr *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
    head->cmd = command;
    head->version = 1;
    return msg;
}

size_t ethtool_request_family(void *buf, uint32_t seq)
{
    /* With an acknowledgement: it ends like a dump. */
    struct nlmsghdr *msg = request(buf, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, seq);
    mnl_attr_put_strz(msg, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
    return msg->nlmsg_len;
}

size_t ethtool_request_stats(void *buf, uint16_t family, uint32_t seq)
{
    struct nlmsghdr *msg = request(buf, family, NLM_F_DUMP, ETHTOOL_MSG_STATS_GET, seq);
    mnl_attr_nest_end(msg, mnl_attr_nest_start(msg, ETHTOOL_A_STATS_HEADER)); /* all devices */
    struct nlattr *wanted = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GROUPS);
    mnl_attr_put(msg, ETHTOOL_A_BITSET_NOMASK, 0, NULL);
    mnl_attr_put_u32(msg, ETHTOOL_A_BITSET_SIZE, ARRAY_LEN(groups));
    mnl_attr_put_u32(msg, ETHTOOL_A_BITSET_VALUE, (1U << ARRAY_LEN(groups)) - 1);
    mnl_attr_nest_end(msg, wanted);
    return msg->nlmsg_len;
}
