/*
 * Queueing disciplines and network cards as a kernel told of them (record_queues.py; the figures
 * are those that `tc -s qdisc` showed at the same time), whole, cut off and damaged.
 */
#include "stand.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "wire/ethtool.h"
#include "wire/qdisc.h"
#include "wire/rtnetlink.h"

struct recording {
    char *data;
    size_t len;
};

static struct recording recording_read(const char *name)
{
    struct recording r = {.data = malloc(1 << 16)};
    char *path = mem_printf("%s/%s", RECORDINGS, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, r.data, 1 << 16);
    assert_true(len > 0);
    r.len = (size_t)len;
    close(fd);
    free(path);
    return r;
}

static void test_qdiscs(void **state)
{
    (void)state;
    static const struct qdisc wanted[] = {
        {.handle = 0, .parent = TC_H_ROOT, .kind = "noqueue"},
        {.handle = 0, .parent = TC_H_ROOT, .kind = "noqueue"},
        {.handle = 0x50000,
         .parent = TC_H_ROOT,
         .kind = "tbf",
         .bytes = 2084,
         .packets = 2,
         .drops = 14,
         .overlimits = 18,
         .queue_packets = 4,
         .backlog_bytes = 4168},
        {.handle = 0x60000,
         .parent = 0x50001,
         .kind = "pfifo",
         .bytes = 2084,
         .packets = 2,
         .drops = 14,
         .queue_packets = 4,
         .backlog_bytes = 4168},
    };
    struct recording r = recording_read("qdiscs.bin");
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    size_t count = 0;
    while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
        struct qdisc q;
        if (msg->nlmsg_type == NLMSG_DONE)
            continue;
        assert_int_equal(qdisc_parse(msg, &q), 0);
        assert_true(count < ARRAY_LEN(wanted));
        const struct qdisc *w = &wanted[count++];
        assert_true(q.index >= 1 && q.index <= 3);
        assert_int_equal(q.handle, w->handle);
        assert_int_equal(q.parent, w->parent);
        assert_string_equal(q.kind, w->kind);
        assert_int_equal(q.has, QDISC_HAS_BASIC | QDISC_HAS_QUEUE);
        assert_int_equal(q.bytes, w->bytes);
        assert_int_equal(q.packets, w->packets);
        assert_int_equal(q.drops, w->drops);
        assert_int_equal(q.overlimits, w->overlimits);
        assert_int_equal(q.requeues, 0);
        assert_int_equal(q.queue_packets, w->queue_packets);
        assert_int_equal(q.backlog_bytes, w->backlog_bytes);
    }
    assert_false(bad);
    assert_int_equal(count, ARRAY_LEN(wanted));
    free(r.data);
}

static void test_cards(void **state)
{
    (void)state;
    struct recording r = recording_read("family.bin");
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    assert_true(rtnetlink_next(r.data, r.len, &msg, &bad));
    uint16_t family = genl_parse_family(msg);
    assert_int_equal(family, 21);
    free(r.data);

    /* Devices without a card have groups without counters. */
    size_t count = 0;
    r = recording_read("cards.bin");
    msg = NULL;
    while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
        struct nic_stats stats;
        if (msg->nlmsg_type == NLMSG_DONE)
            continue;
        assert_int_equal(msg->nlmsg_type, family);
        assert_int_equal(ethtool_parse_stats(msg, &stats), 0);
        assert_int_equal(stats.has, 0);
        count++;
        assert_string_equal(stats.name, stats.index == 1 ? "lo" : stats.index == 2 ? "v1" : "v0");
    }
    assert_int_equal(count, 3);
    free(r.data);
}

static void damage(const char *name, int (*parse)(const struct nlmsghdr *msg))
{
    struct recording r = recording_read(name);
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
        for (uint32_t len = sizeof(*msg); len <= msg->nlmsg_len; len++) {
            struct nlmsghdr *copy = malloc(len);
            memcpy(copy, msg, len);
            copy->nlmsg_len = len;
            assert_true(parse(copy) <= 0);
            ((unsigned char *)copy)[len - 1] ^= 0x81;
            assert_true(parse(copy) <= 0);
            free(copy);
        }
    }
    free(r.data);
}

static int parse_qdisc(const struct nlmsghdr *msg)
{
    struct qdisc q;
    int err = qdisc_parse(msg, &q);
    assert_true(err == 0 || err == -EBADMSG);
    return err;
}

static int parse_card(const struct nlmsghdr *msg)
{
    struct nic_stats stats;
    int err = ethtool_parse_stats(msg, &stats);
    assert_true(err == 0 || err == -EBADMSG);
    return err;
}

static int parse_family(const struct nlmsghdr *msg)
{
    (void)genl_parse_family(msg);
    return 0;
}

static void test_damaged(void **state)
{
    (void)state;
    damage("qdiscs.bin", parse_qdisc);
    damage("cards.bin", parse_card);
    damage("family.bin", parse_family);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qdiscs),
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("collect/netlink/recorded_queues", tests, NULL, NULL);
}
