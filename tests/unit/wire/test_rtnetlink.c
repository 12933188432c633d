/*
 * test_rtnetlink.c: messages about network namespaces, also such that lie. A kernel's own messages
 * of links, addresses and routes are in tests/component/netlink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "wire/rtnetlink.h"

struct message {
    _Alignas(struct nlmsghdr) char bytes[512];
};

static struct nlmsghdr *begin(struct message *m, uint16_t type, size_t fixed)
{
    memset(m, 0, sizeof(*m));
    struct nlmsghdr *msg = mnl_nlmsg_put_header(m->bytes);
    mnl_nlmsg_put_extra_header(msg, fixed);
    msg->nlmsg_type = type;
    return msg;
}

static struct nlmsghdr *begin_link(struct message *m)
{
    struct nlmsghdr *msg = begin(m, RTM_NEWLINK, sizeof(struct ifinfomsg));
    ((struct ifinfomsg *)mnl_nlmsg_get_payload(msg))->ifi_index = 5;
    mnl_attr_put_strz(msg, IFLA_IFNAME, "veth5");
    return msg;
}

static void test_far_nsid(void **state)
{
    (void)state;
    struct message m;
    struct rtnetlink_link link;
    assert_int_equal(rtnetlink_parse_link(begin_link(&m), &link), 0);
    assert_false(link.has & RTNETLINK_HAS_FAR_NSID);

    static const int32_t numbers[] = {0, 7, INT32_MAX, -1, INT32_MIN};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct nlmsghdr *msg = begin_link(&m);
        mnl_attr_put(msg, IFLA_LINK_NETNSID, sizeof(numbers[i]), &numbers[i]);
        assert_int_equal(rtnetlink_parse_link(msg, &link), 0);
        assert_int_equal(!!(link.has & RTNETLINK_HAS_FAR_NSID), numbers[i] >= 0);
        if (numbers[i] >= 0)
            assert_int_equal(link.far_nsid, numbers[i]);
    }

    /* The last one counts. */
    struct nlmsghdr *msg = begin_link(&m);
    mnl_attr_put(msg, IFLA_LINK_NETNSID, sizeof(numbers[1]), &numbers[1]);
    mnl_attr_put(msg, IFLA_LINK_NETNSID, sizeof(numbers[3]), &numbers[3]);
    assert_int_equal(rtnetlink_parse_link(msg, &link), 0);
    assert_false(link.has & RTNETLINK_HAS_FAR_NSID);

    msg = begin_link(&m);
    mnl_attr_put_u16(msg, IFLA_LINK_NETNSID, 7);
    assert_int_equal(rtnetlink_parse_link(msg, &link), -EBADMSG);
}

static void test_identity(void **state)
{
    (void)state;
    struct message m;
    struct rtnetlink_link link;
    assert_int_equal(rtnetlink_parse_link(begin_link(&m), &link), 0);
    assert_false(link.has & (RTNETLINK_HAS_LOWER | RTNETLINK_HAS_MODE | RTNETLINK_HAS_GROUP));
    assert_int_equal(link.address.len, 0);
    assert_int_equal(link.promiscuity, 0);

    uint8_t address[LINK_ADDRESS_MAX + 1];
    for (size_t i = 0; i < sizeof(address); i++)
        address[i] = (uint8_t)(i + 1);
    struct nlmsghdr *msg = begin_link(&m);
    mnl_attr_put(msg, IFLA_ADDRESS, 6, address);
    mnl_attr_put(msg, IFLA_BROADCAST, LINK_ADDRESS_MAX, address);
    mnl_attr_put_u32(msg, IFLA_LINK, 9);
    mnl_attr_put_u8(msg, IFLA_LINKMODE, 1);
    mnl_attr_put_u32(msg, IFLA_GROUP, 7);
    mnl_attr_put_u32(msg, IFLA_PROMISCUITY, 2);
    mnl_attr_put_u32(msg, 61, 3); /* IFLA_ALLMULTI */
    assert_int_equal(rtnetlink_parse_link(msg, &link), 0);
    assert_int_equal(link.address.len, 6);
    assert_memory_equal(link.address.bytes, address, 6);
    assert_int_equal(link.broadcast.len, LINK_ADDRESS_MAX);
    assert_memory_equal(link.broadcast.bytes, address, LINK_ADDRESS_MAX);
    assert_true(link.has & RTNETLINK_HAS_LOWER && link.lower == 9);
    assert_true(link.has & RTNETLINK_HAS_MODE && link.mode == 1);
    assert_true(link.has & RTNETLINK_HAS_GROUP && link.group == 7);
    assert_int_equal(link.promiscuity, 2);
    assert_int_equal(link.allmulti, 3);

    msg = begin_link(&m);
    mnl_attr_put(msg, IFLA_ADDRESS, 0, address); /* a tunnel */
    assert_int_equal(rtnetlink_parse_link(msg, &link), 0);
    assert_int_equal(link.address.len, 0);
    msg = begin_link(&m);
    mnl_attr_put(msg, IFLA_ADDRESS, LINK_ADDRESS_MAX + 1, address);
    assert_int_equal(rtnetlink_parse_link(msg, &link), -EBADMSG);
    msg = begin_link(&m);
    mnl_attr_put_u8(msg, IFLA_GROUP, 7);
    assert_int_equal(rtnetlink_parse_link(msg, &link), -EBADMSG);
}

static void test_nsid(void **state)
{
    (void)state;
    struct message m;
    int32_t nsid = 99;
    static const uint16_t types[] = {RTM_NEWNSID, RTM_DELNSID};
    for (size_t i = 0; i < 2; i++) {
        struct nlmsghdr *msg = begin(&m, types[i], sizeof(struct rtgenmsg));
        mnl_attr_put_u32(msg, NETNSA_PID, 1); /* not of interest */
        mnl_attr_put_u32(msg, NETNSA_NSID, 12);
        assert_int_equal(rtnetlink_parse_nsid(msg, &nsid), 0);
        assert_int_equal(nsid, 12);
    }
    struct nlmsghdr *msg = begin(&m, RTM_NEWNSID, sizeof(struct rtgenmsg));
    mnl_attr_put_u32(msg, NETNSA_NSID, (uint32_t)-1);
    assert_int_equal(rtnetlink_parse_nsid(msg, &nsid), 0);
    assert_int_equal(nsid, -1);
    /* Cut off anywhere. */
    for (uint32_t len = NLMSG_HDRLEN; len < msg->nlmsg_len; len++) {
        struct message cut = m;
        ((struct nlmsghdr *)cut.bytes)->nlmsg_len = len;
        assert_int_equal(rtnetlink_parse_nsid((struct nlmsghdr *)cut.bytes, &nsid), -EBADMSG);
    }

    msg = begin(&m, RTM_NEWNSID, sizeof(struct rtgenmsg));
    assert_int_equal(rtnetlink_parse_nsid(msg, &nsid), -EBADMSG); /* says nothing */
    mnl_attr_put_u32(msg, NETNSA_NSID, (uint32_t)-2);
    assert_int_equal(rtnetlink_parse_nsid(msg, &nsid), -EBADMSG);
    msg = begin(&m, RTM_NEWNSID, sizeof(struct rtgenmsg));
    mnl_attr_put_u8(msg, NETNSA_NSID, 1);
    assert_int_equal(rtnetlink_parse_nsid(msg, &nsid), -EBADMSG);
    msg = begin(&m, RTM_NEWLINK, sizeof(struct rtgenmsg));
    mnl_attr_put_u32(msg, NETNSA_NSID, 1);
    assert_int_equal(rtnetlink_parse_nsid(msg, &nsid), -EBADMSG);
}

static void test_request(void **state)
{
    (void)state;
    struct message m;
    memset(&m, 0xff, sizeof(m));
    size_t len = rtnetlink_request_nsid(m.bytes, 4711, 8);
    const struct nlmsghdr *msg = (const struct nlmsghdr *)m.bytes;
    /* Header, family padded to four, an attribute with a number. */
    assert_int_equal(len, NLMSG_HDRLEN + 4 + 8);
    assert_true(len <= RTNETLINK_REQUEST_MAX && msg->nlmsg_len == len);
    assert_int_equal(msg->nlmsg_type, RTM_GETNSID);
    assert_int_equal(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    assert_int_equal(msg->nlmsg_seq, 8);
    const struct nlattr *at = mnl_nlmsg_get_payload_offset(msg, sizeof(struct rtgenmsg));
    assert_int_equal(mnl_attr_get_type(at), NETNSA_PID);
    assert_int_equal(mnl_attr_get_u32(at), 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far_nsid),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_nsid),
        cmocka_unit_test(test_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
