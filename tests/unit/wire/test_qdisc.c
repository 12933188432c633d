/*
 * test_qdisc.c: the numbers of a queueing discipline where older kernels have fewer of them, and
 * messages that lie. A kernel's own are in tests/component/netlink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "wire/qdisc.h"

struct message {
    _Alignas(struct nlmsghdr) char bytes[1024];
};

static struct nlmsghdr *begin(struct message *m, const char *kind)
{
    memset(m, 0, sizeof(*m));
    struct nlmsghdr *msg = mnl_nlmsg_put_header(m->bytes);
    struct tcmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
    msg->nlmsg_type = RTM_NEWQDISC;
    head->tcm_ifindex = 3;
    head->tcm_handle = 0x80010000;
    head->tcm_parent = TC_H_ROOT;
    if (kind)
        mnl_attr_put_strz(msg, TCA_KIND, kind);
    return msg;
}

/* bytes, packets; without the padding that struct gnet_stats_basic has behind them */
static const char basic[12] = "\1\0\0\0\2\0\0\0\7\0\0\0";
static const struct gnet_stats_queue queue = {
    .qlen = 1, .backlog = 2, .drops = 3, .requeues = 4, .overlimits = 5};

static void test_packets(void **state)
{
    (void)state;
    struct message m;
    struct qdisc q;
    struct nlmsghdr *msg = begin(&m, "fq_codel");
    struct nlattr *nest = mnl_attr_nest_start(msg, TCA_STATS2);
    mnl_attr_put(msg, TCA_STATS_BASIC, sizeof(basic), basic);
    mnl_attr_put(msg, TCA_STATS_QUEUE, sizeof(queue), &queue);
    mnl_attr_nest_end(msg, nest);
    assert_int_equal(qdisc_parse(msg, &q), 0);
    assert_string_equal(q.kind, "fq_codel");
    assert_int_equal(q.index, 3);
    assert_int_equal(q.handle, 0x80010000);
    assert_int_equal(q.parent, TC_H_ROOT);
    assert_true(q.bytes == UINT64_C(0x200000001) && q.packets == 7);
    assert_int_equal(q.queue_packets, 1);
    assert_int_equal(q.backlog_bytes, 2);
    assert_int_equal(q.drops, 3);
    assert_int_equal(q.requeues, 4);
    assert_int_equal(q.overlimits, 5);

    /* 64 bits of packets count, wherever they stand. */
    for (int first = 0; first < 2; first++) {
        msg = begin(&m, "mq");
        nest = mnl_attr_nest_start(msg, TCA_STATS2);
        if (first)
            mnl_attr_put_u64(msg, 8, UINT64_C(0x100000007));
        mnl_attr_put(msg, TCA_STATS_BASIC, sizeof(basic), basic);
        if (!first)
            mnl_attr_put_u64(msg, 8, UINT64_C(0x100000007));
        mnl_attr_nest_end(msg, nest);
        assert_int_equal(qdisc_parse(msg, &q), 0);
        assert_true(q.packets == UINT64_C(0x100000007));
        assert_int_equal(q.has, QDISC_HAS_BASIC);
    }
    msg = begin(&m, "noqueue"); /* without numbers */
    assert_int_equal(qdisc_parse(msg, &q), 0);
    assert_int_equal(q.has, 0);
}

static void test_bad(void **state)
{
    (void)state;
    struct message m;
    struct qdisc q;
    struct nlmsghdr *msg = begin(&m, NULL);
    assert_int_equal(qdisc_parse(msg, &q), -EBADMSG);
    msg = begin(&m, "0123456789abcdef"); /* no kind is so long */
    assert_int_equal(qdisc_parse(msg, &q), -EBADMSG);
    msg = begin(&m, "tbf");
    msg->nlmsg_type = RTM_DELQDISC;
    assert_int_equal(qdisc_parse(msg, &q), -EBADMSG);
    msg = begin(&m, "tbf");
    ((struct tcmsg *)NLMSG_DATA(msg))->tcm_ifindex = 0;
    assert_int_equal(qdisc_parse(msg, &q), -EBADMSG);
    for (size_t len = 0; len < sizeof(queue); len++) {
        msg = begin(&m, "tbf");
        struct nlattr *nest = mnl_attr_nest_start(msg, TCA_STATS2);
        mnl_attr_put(msg, len % 2 ? TCA_STATS_QUEUE : TCA_STATS_BASIC, len, &queue);
        mnl_attr_nest_end(msg, nest);
        assert_int_equal(qdisc_parse(msg, &q), len % 2 || len < sizeof(basic) ? -EBADMSG : 0);
    }
    msg = begin(&m, "tbf");
    for (uint32_t len = 0; len < NLMSG_LENGTH(sizeof(struct tcmsg)); len++) {
        msg->nlmsg_len = len;
        assert_int_equal(qdisc_parse(msg, &q), -EBADMSG);
    }
}

static void test_request(void **state)
{
    (void)state;
    _Alignas(struct nlmsghdr) char buf[QDISC_REQUEST_MAX];
    const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;
    assert_int_equal(qdisc_request_dump(buf, 5), NLMSG_LENGTH(sizeof(struct tcmsg)));
    assert_int_equal(msg->nlmsg_type, RTM_GETQDISC);
    assert_int_equal(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_int_equal(msg->nlmsg_seq, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_request),
    };
    return cmocka_run_group_tests_name("wire/qdisc", tests, NULL, NULL);
}
