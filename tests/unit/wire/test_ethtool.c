/*
 * test_ethtool.c: every counter of a network card in its place, and messages that lie. Written by
 * hand: the devices that tests can make have no such counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <string.h>

#include "base/defs.h"
#include "wire/ethtool.h"

struct message {
    _Alignas(struct nlmsghdr) char bytes[4096];
};

static struct nlmsghdr *begin(struct message *m)
{
    memset(m, 0, sizeof(*m));
    struct nlmsghdr *msg = mnl_nlmsg_put_header(m->bytes);
    struct genlmsghdr *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
    msg->nlmsg_type = 21;
    head->cmd = ETHTOOL_MSG_STATS_GET_REPLY;
    struct nlattr *nest = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_HEADER);
    mnl_attr_put_u32(msg, ETHTOOL_A_HEADER_DEV_INDEX, 7);
    mnl_attr_put_strz(msg, ETHTOOL_A_HEADER_DEV_NAME, "eth7");
    mnl_attr_nest_end(msg, nest);
    return msg;
}

static void put_counter(struct nlmsghdr *msg, uint16_t type, uint64_t value)
{
    struct nlattr *nest = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP_STAT);
    mnl_attr_put_u64(msg, type, value);
    mnl_attr_nest_end(msg, nest);
}

static const struct {
    uint32_t group;
    uint16_t count;
    enum nic_stat first;
} groups[] = {
    {ETHTOOL_STATS_ETH_PHY, __ETHTOOL_A_STATS_ETH_PHY_CNT, NIC_SYMBOL_ERRORS},
    {ETHTOOL_STATS_ETH_MAC, __ETHTOOL_A_STATS_ETH_MAC_CNT, NIC_TX_FRAMES},
    {ETHTOOL_STATS_ETH_CTRL, __ETHTOOL_A_STATS_ETH_CTRL_CNT, NIC_TX_CONTROL},
    {ETHTOOL_STATS_RMON, __ETHTOOL_A_STATS_RMON_CNT, NIC_UNDERSIZE},
};

static void test_every_counter(void **state)
{
    (void)state;
    struct message m;
    struct nlmsghdr *msg = begin(&m);
    size_t all = 0;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct nlattr *group = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP);
        mnl_attr_put_u32(msg, ETHTOOL_A_STATS_GRP_ID, groups[i].group);
        for (uint16_t type = 0; type < groups[i].count; type++, all++)
            put_counter(msg, type, 1000 * (i + 1) + type);
        put_counter(msg, groups[i].count, 99); /* of a later kernel */
        mnl_attr_nest_end(msg, group);
    }
    struct nlattr *later = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP);
    mnl_attr_put_u32(msg, ETHTOOL_A_STATS_GRP_ID, 4);
    put_counter(msg, 0, 99);
    mnl_attr_nest_end(msg, later);

    struct nic_stats stats;
    assert_int_equal(ethtool_parse_stats(msg, &stats), 0);
    assert_int_equal(stats.index, 7);
    assert_string_equal(stats.name, "eth7");
    assert_int_equal(all, NIC_STATS);
    assert_int_equal(stats.has, (1U << NIC_STATS) - 1);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        for (uint16_t type = 0; type < groups[i].count; type++)
            assert_int_equal(stats.values[groups[i].first + type], 1000 * (i + 1) + type);
    }
    /* The names at both ends of each group are what they say. */
    assert_int_equal(NIC_RX_BYTES - NIC_TX_FRAMES, ETHTOOL_A_STATS_ETH_MAC_14_RX_BYTES);
    assert_int_equal(NIC_TX_MULTICAST - NIC_TX_FRAMES, ETHTOOL_A_STATS_ETH_MAC_18_TX_MCAST);
    assert_int_equal(NIC_TOO_LONG_ERRORS - NIC_TX_FRAMES, ETHTOOL_A_STATS_ETH_MAC_25_TOO_LONG_ERR);
    assert_int_equal(NIC_CHECK_ERRORS - NIC_TX_FRAMES, ETHTOOL_A_STATS_ETH_MAC_6_FCS_ERR);
    assert_int_equal(NIC_JABBERS - NIC_UNDERSIZE, ETHTOOL_A_STATS_RMON_JABBER);
}

static void test_some_counters(void **state)
{
    (void)state;
    struct message m;
    struct nic_stats stats;
    struct nlmsghdr *msg = begin(&m);
    assert_int_equal(ethtool_parse_stats(msg, &stats), 0);
    assert_int_equal(stats.has, 0);
    /* The group's number behind its counters. */
    struct nlattr *group = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP);
    put_counter(msg, ETHTOOL_A_STATS_RMON_FRAG, UINT64_MAX);
    mnl_attr_put_u32(msg, ETHTOOL_A_STATS_GRP_ID, ETHTOOL_STATS_RMON);
    mnl_attr_nest_end(msg, group);
    assert_int_equal(ethtool_parse_stats(msg, &stats), 0);
    assert_int_equal(stats.has, 1U << NIC_FRAGMENTS);
    assert_true(stats.values[NIC_FRAGMENTS] == UINT64_MAX);
}

static void test_bad(void **state)
{
    (void)state;
    struct message m;
    struct nic_stats stats;
    struct nlmsghdr *msg = begin(&m);
    struct genlmsghdr *head = NLMSG_DATA(msg);
    head->cmd = ETHTOOL_MSG_STRSET_GET_REPLY;
    assert_int_equal(ethtool_parse_stats(msg, &stats), -EBADMSG);

    msg = begin(&m); /* a counter of four bytes */
    struct nlattr *group = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP);
    mnl_attr_put_u32(msg, ETHTOOL_A_STATS_GRP_ID, ETHTOOL_STATS_ETH_MAC);
    struct nlattr *nest = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP_STAT);
    mnl_attr_put_u32(msg, 0, 1);
    mnl_attr_nest_end(msg, nest);
    mnl_attr_nest_end(msg, group);
    assert_int_equal(ethtool_parse_stats(msg, &stats), -EBADMSG);

    msg = begin(&m); /* of no device */
    msg->nlmsg_len = NLMSG_LENGTH(sizeof(*head));
    assert_int_equal(ethtool_parse_stats(msg, &stats), -EBADMSG);
    msg->nlmsg_len = NLMSG_HDRLEN + 2;
    assert_int_equal(ethtool_parse_stats(msg, &stats), -EBADMSG);
}

static void test_family(void **state)
{
    (void)state;
    struct message m = {0};
    struct nlmsghdr *msg = mnl_nlmsg_put_header(m.bytes);
    mnl_nlmsg_put_extra_header(msg, sizeof(struct genlmsghdr));
    msg->nlmsg_type = GENL_ID_CTRL;
    assert_int_equal(genl_parse_family(msg), 0);
    mnl_attr_put_u16(msg, CTRL_ATTR_FAMILY_ID, 21);
    assert_int_equal(genl_parse_family(msg), 21);
    msg->nlmsg_type = NLMSG_ERROR;
    assert_int_equal(genl_parse_family(msg), 0);
}

/* What the kernel's answers in tests/component/netlink were asked with. */
static void test_requests(void **state)
{
    (void)state;
    _Alignas(struct nlmsghdr) char buf[ETHTOOL_REQUEST_MAX];
    const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;
    size_t len = ethtool_request_family(buf, 3);
    assert_int_equal(len, 16 + 4 + 12);
    assert_memory_equal(buf + 16, "\3\1\0\0\14\0\2\0ethtool\0", 16);
    assert_int_equal(msg->nlmsg_seq, 3);
    assert_int_equal(msg->nlmsg_type, GENL_ID_CTRL);
    len = ethtool_request_stats(buf, 21, 4);
    assert_int_equal(len, 16 + 4 + 4 + 4 + 4 + 8 + 8);
    assert_int_equal(msg->nlmsg_type, 21);
    assert_int_equal(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_memory_equal(
        buf + 16, "\40\1\0\0\4\0\2\200\30\0\3\200\4\0\1\0\10\0\2\0\4\0\0\0\10\0\4\0\17\0\0\0", 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_counter), cmocka_unit_test(test_some_counters),
        cmocka_unit_test(test_bad),           cmocka_unit_test(test_family),
        cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests_name("wire/ethtool", tests, NULL, NULL);
}
