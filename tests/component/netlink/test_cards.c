/*
 * The counters of network cards against what the kernel here calls each of them: it numbers them
 * and has a name for each number, also where no card has any. A counter with that number must come
 * out under the metric that says the same as the name.
 */
#include "stand.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include "collect/catalogue.h"
#include "collect/netlink/socket.h"
#include "wire/attributes.h"
#include "wire/ethtool.h"

/* By the kernel's names (IEEE 802.3 clause 30, RFC 2819). */
static const struct {
    const char *name, *metric;
} meanings[] = {
    {"SymbolErrorDuringCarrier", "symbol_errors"},
    {"FramesTransmittedOK", "transmit_frames"},
    {"SingleCollisionFrames", "single_collisions"},
    {"MultipleCollisionFrames", "multiple_collisions"},
    {"FramesReceivedOK", "receive_frames"},
    {"FrameCheckSequenceErrors", "receive_check_errors"},
    {"AlignmentErrors", "receive_alignment_errors"},
    {"OctetsTransmittedOK", "transmit_bytes"},
    {"FramesWithDeferredXmissions", "transmit_deferred"},
    {"LateCollisions", "late_collisions"},
    {"FramesAbortedDueToXSColls", "excess_collisions"},
    {"FramesLostDueToIntMACXmitError", "transmit_internal_errors"},
    {"CarrierSenseErrors", "carrier_errors"},
    {"OctetsReceivedOK", "receive_bytes"},
    {"FramesLostDueToIntMACRcvError", "receive_internal_errors"},
    {"MulticastFramesXmittedOK", "transmit_multicast_frames"},
    {"BroadcastFramesXmittedOK", "transmit_broadcast_frames"},
    {"FramesWithExcessiveDeferral", "transmit_excess_deferral"},
    {"MulticastFramesReceivedOK", "receive_multicast_frames"},
    {"BroadcastFramesReceivedOK", "receive_broadcast_frames"},
    {"InRangeLengthErrors", "receive_length_mismatches"},
    {"OutOfRangeLengthField", "receive_length_out_of_range"},
    {"FrameTooLongErrors", "receive_too_long"},
    {"MACControlFramesTransmitted", "transmit_control_frames"},
    {"MACControlFramesReceived", "receive_control_frames"},
    {"UnsupportedOpcodesReceived", "receive_control_unsupported"},
    {"etherStatsUndersizePkts", "undersize_frames"},
    {"etherStatsOversizePkts", "oversize_frames"},
    {"etherStatsFragments", "fragments"},
    {"etherStatsJabbers", "jabbers"},
};

static const struct {
    uint32_t set, group;
} sets[] = {
    {ETH_SS_STATS_ETH_PHY, ETHTOOL_STATS_ETH_PHY},
    {ETH_SS_STATS_ETH_MAC, ETHTOOL_STATS_ETH_MAC},
    {ETH_SS_STATS_ETH_CTRL, ETHTOOL_STATS_ETH_CTRL},
    {ETH_SS_STATS_RMON, ETHTOOL_STATS_RMON},
};

#define NAMES_MAX 64

struct names {
    size_t count;
    char name[NAMES_MAX][64]; /* by number */
};

/* ---- asking the kernel ---------------------------------------------------------------------- */

static int take_family(void *user, const struct nlmsghdr *msg)
{
    uint16_t id = genl_parse_family(msg);
    if (id)
        *(uint16_t *)user = id;
    return id ? 0 : -EBADMSG;
}

static bool find_in(const struct attribute *nest, uint16_t type, struct attribute *ret)
{
    struct attributes inner = attributes_in(nest);
    while (attributes_next(&inner, ret)) {
        if (ret->type == type)
            return true;
    }
    return false;
}

static int take_names(void *user, const struct nlmsghdr *msg)
{
    struct names *names = user;
    struct attributes all;
    struct attribute at, set, strings, string;
    assert_true(attributes_of(msg, sizeof(struct genlmsghdr), &all));
    while (attributes_next(&all, &at)) {
        if (at.type != ETHTOOL_A_STRSET_STRINGSETS ||
            !find_in(&at, ETHTOOL_A_STRINGSETS_STRINGSET, &set) ||
            !find_in(&set, ETHTOOL_A_STRINGSET_STRINGS, &strings))
            continue;
        struct attributes each = attributes_in(&strings);
        while (attributes_next(&each, &string)) {
            struct attribute index, value;
            uint32_t number;
            assert_true(find_in(&string, ETHTOOL_A_STRING_INDEX, &index) &&
                        find_in(&string, ETHTOOL_A_STRING_VALUE, &value));
            assert_true(attribute_copy(&each, &index, &number, sizeof(number)));
            assert_true(number < NAMES_MAX);
            attribute_text(&each, &value, names->name[number], sizeof(names->name[number]));
            assert_false(each.bad);
            names->count++;
        }
    }
    return 0;
}

static int ask_names(struct rtsocket *socket, uint16_t family, uint32_t set, struct names *ret)
{
    _Alignas(struct nlmsghdr) char request[256];
    struct nlmsghdr *msg = mnl_nlmsg_put_header(request);
    msg->nlmsg_type = family;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    struct genlmsghdr *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
    head->cmd = ETHTOOL_MSG_STRSET_GET;
    head->version = ETHTOOL_GENL_VERSION;
    mnl_attr_nest_end(msg, mnl_attr_nest_start(msg, ETHTOOL_A_STRSET_HEADER)); /* of no device */
    struct nlattr *wanted = mnl_attr_nest_start(msg, ETHTOOL_A_STRSET_STRINGSETS);
    struct nlattr *one = mnl_attr_nest_start(msg, ETHTOOL_A_STRINGSETS_STRINGSET);
    mnl_attr_put_u32(msg, ETHTOOL_A_STRINGSET_ID, set);
    mnl_attr_nest_end(msg, one);
    mnl_attr_nest_end(msg, wanted);
    *ret = (struct names){0};
    uint64_t bad = 0;
    int err = rtsocket_ask(socket, msg, take_names, ret, &bad);
    assert_int_equal(bad, 0);
    return err;
}

/* ---- what becomes of a number --------------------------------------------------------------- */

/* The metric under which a card's counter with this number comes out; NULL: under none. */
static const char *metric_of(uint32_t group, uint16_t number)
{
    _Alignas(struct nlmsghdr) char answer[512];
    struct nlmsghdr *msg = mnl_nlmsg_put_header(answer);
    struct genlmsghdr *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
    head->cmd = ETHTOOL_MSG_STATS_GET_REPLY;
    struct nlattr *nest = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_HEADER);
    mnl_attr_put_u32(msg, ETHTOOL_A_HEADER_DEV_INDEX, 7);
    mnl_attr_put_strz(msg, ETHTOOL_A_HEADER_DEV_NAME, "eth7");
    mnl_attr_nest_end(msg, nest);
    nest = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP);
    mnl_attr_put_u32(msg, ETHTOOL_A_STATS_GRP_ID, group);
    struct nlattr *counter = mnl_attr_nest_start(msg, ETHTOOL_A_STATS_GRP_STAT);
    mnl_attr_put_u64(msg, number, 1000);
    mnl_attr_nest_end(msg, counter);
    mnl_attr_nest_end(msg, nest);

    struct nic_stats stats;
    assert_int_equal(ethtool_parse_stats(msg, &stats), 0);
    for (size_t i = 0; i < NIC_STATS; i++) {
        if (stats.has == UINT32_C(1) << i && stats.values[i] == 1000)
            return catalogue_nic[i].name;
    }
    assert_int_equal(stats.has, 0);
    return NULL;
}

static bool means(const char *name, const char *metric)
{
    char expected[96];
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (strcmp(meanings[i].name, name) != 0)
            continue;
        snprintf(expected, sizeof(expected), "netsonde_nic_%s_total", meanings[i].metric);
        return metric && strcmp(metric, expected) == 0;
    }
    return !metric; /* of a later kernel */
}

static void test_names_of_this_kernel(void **state)
{
    (void)state;
    struct rtsocket *socket = NULL;
    uint16_t family = 0;
    uint64_t bad = 0;
    assert_int_equal(rtsocket_open_protocol(&socket, NETLINK_GENERIC, 0), 0);
    _Alignas(struct nlmsghdr) char request[ETHTOOL_REQUEST_MAX];
    ethtool_request_family(request, 0);
    int err = rtsocket_ask(socket, (struct nlmsghdr *)request, take_family, &family, &bad);
    size_t known = 0;
    for (size_t i = 0; !err && i < ARRAY_LEN(sets); i++) {
        struct names names;
        err = ask_names(socket, family, sets[i].set, &names);
        for (uint16_t number = 0; !err && number < names.count; number++) {
            const char *metric = metric_of(sets[i].group, number);
            if (!means(names.name[number], metric))
                fail_msg("%s comes out as %s", names.name[number], metric ? metric : "nothing");
            known += metric != NULL;
        }
    }
    rtsocket_close(socket);
    if (err) {
        print_message("# skipped: the kernel names no counters of cards (Linux 5.13): %s\n",
                      strerror(-err));
        skip();
    }
    assert_int_equal(known, NIC_STATS); /* all that there are were met */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_this_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
