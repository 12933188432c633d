/*
 * Messages as a kernel sent them (record.py), whole, cut off and damaged.
 */
#include "stand.h"

#include <arpa/inet.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "base/clock.h"
#include "collect/netlink/links.h"
#include "collect/netlink/monitor.h"
#include "wire/rtnetlink.h"

struct recording {
    char *data;
    size_t len;
};

static struct recording recording_read(const char *name)
{
    struct recording r = {.data = malloc(1 << 20)};
    char *path = mem_printf("%s/%s", RECORDINGS, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, r.data, 1 << 20);
    assert_true(len > 0 && len < 1 << 20);
    r.len = (size_t)len;
    close(fd);
    free(path);
    return r;
}

static int parse_any(const struct nlmsghdr *msg)
{
    struct rtnetlink_link link;
    struct rtnetlink_address address;
    struct rtnetlink_route route;
    struct rtnl_link_stats64 stats;
    uint32_t index;
    int err = 0;
    switch (msg->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        err = rtnetlink_parse_link(msg, &link);
        if (!err)
            assert_true(strlen(link.name) < sizeof(link.name) &&
                        strlen(link.kind) < sizeof(link.kind));
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        err = rtnetlink_parse_address(msg, &address);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        err = rtnetlink_parse_route(msg, &route);
        break;
    case RTM_NEWSTATS:
        err = rtnetlink_parse_stats(msg, &index, &stats);
        break;
    case NLMSG_DONE:
        return rtnetlink_error(msg) < 0 ? -EBADMSG : 0;
    default:
        fail_msg("unexpected message %u", msg->nlmsg_type);
    }
    assert_true(err == 0 || err == -EBADMSG || err == -EAFNOSUPPORT);
    return err;
}

static struct rtnetlink_link find_link(const struct recording *r, const char *name)
{
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    struct rtnetlink_link link;
    while (rtnetlink_next(r->data, r->len, &msg, &bad)) {
        if (msg->nlmsg_type == RTM_NEWLINK && rtnetlink_parse_link(msg, &link) == 0 &&
            strcmp(link.name, name) == 0)
            return link;
    }
    fail_msg("no link %s", name);
    return link;
}

static void test_links(void **state)
{
    (void)state;
    struct recording r = recording_read("links.bin");
    struct rtnetlink_link lo = find_link(&r, "lo");
    assert_int_equal(lo.index, 1);
    assert_int_equal(lo.type, ARPHRD_LOOPBACK);
    assert_int_equal(lo.mtu_bytes, 65536);
    assert_true(lo.has & RTNETLINK_HAS_STATS);
    /* The recorder's ten datagrams of 100 bytes, and ten messages that nobody listens. */
    assert_int_equal(lo.stats.rx_packets, 20);
    assert_int_equal(lo.stats.rx_bytes, 10 * 128 + 10 * (128 + 28));
    assert_true(lo.stats.tx_bytes == lo.stats.rx_bytes);

    struct rtnetlink_link veth = find_link(&r, "veth0");
    assert_string_equal(veth.kind, "veth");
    assert_string_equal(rtnetlink_operstate_name(veth.operstate), "up");
    assert_true(veth.carrier);
    assert_true(veth.has & RTNETLINK_HAS_CARRIER_UP_DOWN);
    assert_int_equal(veth.carrier_changes, veth.carrier_up + veth.carrier_down);
    assert_string_equal(find_link(&r, "br0").kind, "bridge");
    assert_string_equal(find_link(&r, "tun0").kind, "tun");
    assert_int_equal(find_link(&r, "tun0").mtu_bytes, 1280);
    assert_false(find_link(&r, "veth0").has & RTNETLINK_HAS_PARENT);

    struct link_sample sample;
    links_sample(&lo, &sample);
    assert_string_equal(sample.kind, "loopback");
    assert_string_equal(sample.state, "unknown");
    assert_int_equal(sample.counters[LINK_RX_BYTES], lo.stats.rx_bytes);
    links_sample(&veth, &sample);
    assert_true(sample.gauges[LINK_UP] == 1 && sample.gauges[LINK_CARRIER] == 1);
    assert_true(sample.gauges[LINK_FLAGS] == 0x1003); /* as sysfs has it */
    free(r.data);
}

/* The same links in the same order, with the same counters. */
static void test_counters(void **state)
{
    (void)state;
    struct recording links = recording_read("links.bin"), counters = recording_read("stats.bin");
    const struct nlmsghdr *a = NULL, *b = NULL;
    bool bad = false;
    size_t count = 0;
    while (rtnetlink_next(links.data, links.len, &a, &bad) && a->nlmsg_type == RTM_NEWLINK) {
        assert_true(rtnetlink_next(counters.data, counters.len, &b, &bad));
        struct rtnetlink_link link;
        struct rtnl_link_stats64 stats;
        uint32_t index;
        assert_int_equal(b->nlmsg_type, RTM_NEWSTATS);
        assert_int_equal(rtnetlink_parse_link(a, &link), 0);
        assert_int_equal(rtnetlink_parse_stats(b, &index, &stats), 0);
        assert_int_equal(index, link.index);
        assert_memory_equal(&stats, &link.stats, sizeof(stats));
        count++;
    }
    assert_true(count >= 5 && !bad);
    free(links.data);
    free(counters.data);
}

/* The sums of /proc/net/dev. */
static void test_sums(void **state)
{
    (void)state;
    struct rtnetlink_link link = {.index = 3, .name = "x", .has = RTNETLINK_HAS_STATS};
    uint64_t *all = (uint64_t *)&link.stats;
    size_t count = sizeof(link.stats) / sizeof(*all);
    for (size_t i = 0; i < count; i++)
        all[i] = UINT64_C(1) << i; /* every sum tells what is in it */
    struct link_sample s;
    links_sample(&link, &s);
    const struct rtnl_link_stats64 *st = &link.stats;
    assert_int_equal(s.counters[LINK_RX_DROP], st->rx_dropped | st->rx_missed_errors);
    assert_int_equal(s.counters[LINK_RX_FRAME], st->rx_length_errors | st->rx_over_errors |
                                                    st->rx_crc_errors | st->rx_frame_errors);
    assert_int_equal(s.counters[LINK_TX_CARRIER], st->tx_carrier_errors | st->tx_aborted_errors |
                                                      st->tx_window_errors |
                                                      st->tx_heartbeat_errors);
    assert_int_equal(s.counters[LINK_RX_ERRS], st->rx_errors);
    assert_int_equal(s.counters[LINK_TX_ERRS], st->tx_errors);
    assert_int_equal(s.counters[LINK_TX_COLLS], st->collisions);
    assert_int_equal(s.counters[LINK_RX_MULTICAST], st->multicast);
    assert_int_equal(s.counters[LINK_RX_NOHANDLER], st->rx_nohandler);
    assert_int_equal(s.counters[LINK_RX_FIFO], st->rx_fifo_errors);
    assert_int_equal(s.counters[LINK_TX_FIFO], st->tx_fifo_errors);
    assert_false(s.measured & 1U << LINK_CARRIER);
}

static void test_addresses(void **state)
{
    (void)state;
    struct recording r = recording_read("addresses.bin");
    static const struct {
        const char *text;
        unsigned prefix;
    } wanted[] = {
        {"127.0.0.1", 8}, {"10.7.0.1", 24}, {"10.7.0.2", 24}, {"10.8.0.1", 32}, {"fd07::1", 64}};
    bool seen[ARRAY_LEN(wanted)] = {false};
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
        struct rtnetlink_address a;
        char text[INET6_ADDRSTRLEN];
        if (msg->nlmsg_type != RTM_NEWADDR)
            continue;
        assert_int_equal(rtnetlink_parse_address(msg, &a), 0);
        inet_ntop(a.family, a.address, text, sizeof(text));
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
            seen[i] |= strcmp(text, wanted[i].text) == 0 && a.prefix == wanted[i].prefix;
    }
    assert_false(bad);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        if (!seen[i])
            fail_msg("no %s/%u", wanted[i].text, wanted[i].prefix);
    }
    free(r.data);
}

static const char *const recordings[] = {"links.bin", "stats.bin", "addresses.bin", "notices.bin"};

/* Cut off at every byte: the whole messages in front are read as before, the rest is bad. */
static void test_cut_off_everywhere(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(recordings); f++) {
        struct recording r = recording_read(recordings[f]);
        size_t len = MIN(r.len, (size_t)6000);
        for (size_t cut = 0; cut <= len; cut++) {
            char *copy = malloc(cut ? cut : 1); /* of exactly this size: reading on is seen */
            memcpy(copy, r.data, cut);
            const struct nlmsghdr *msg = NULL;
            bool bad = false;
            size_t whole = 0;
            while (rtnetlink_next(copy, cut, &msg, &bad)) {
                assert_int_equal(parse_any(msg), 0);
                whole = (size_t)((const char *)msg - copy) + NLMSG_ALIGN(msg->nlmsg_len);
            }
            assert_int_equal(bad, whole < cut);
            free(copy);
        }
        free(r.data);
    }
}

/* A message that says it is shorter than it is: never read past what it says. */
static void test_shortened_messages(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(recordings); f++) {
        struct recording r = recording_read(recordings[f]);
        const struct nlmsghdr *msg = NULL;
        bool bad = false;
        while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
            for (uint32_t len = sizeof(*msg); len < msg->nlmsg_len; len++) {
                struct nlmsghdr *copy = malloc(len);
                memcpy(copy, msg, len);
                copy->nlmsg_len = len;
                parse_any(copy);
                free(copy);
            }
        }
        free(r.data);
    }
}

/* Every byte of every message takes the values that hurt most: lengths become 0, 1, huge. */
static void test_damaged_everywhere(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x03, 0x7f, 0x80, 0xff};
    for (size_t f = 0; f < ARRAY_LEN(recordings); f++) {
        struct recording r = recording_read(recordings[f]);
        const struct nlmsghdr *msg = NULL;
        bool bad = false;
        size_t messages = 0, refused = 0;
        while (rtnetlink_next(r.data, r.len, &msg, &bad) && messages++ < 12) {
            uint32_t len = msg->nlmsg_len;
            uint8_t *copy = malloc(len);
            for (size_t at = sizeof(*msg); at < len; at++) {
                for (size_t v = 0; v < ARRAY_LEN(values); v++) {
                    memcpy(copy, msg, len);
                    copy[at] = values[v];
                    refused += parse_any((const void *)copy) != 0;
                }
            }
            free(copy);
        }
        assert_true(refused > 100); /* the damage was noticed */
        free(r.data);
    }
}

/* ---- notices ------------------------------------------------------------------------------- */

static void count_gone(void *user, uint32_t index)
{
    assert_true(index > 0);
    *(int *)user += 1;
}

/* What event number `at` of the tick says, as one line. */
static void event_line(const struct event *e, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "%s", event_kind_name(e->kind));
    for (size_t i = 0; i < e->fields_count && len < size; i++) {
        const struct event_field *field = &e->fields[i];
        if (field->text)
            len += (size_t)snprintf(out + len, size - len, " %s=%s", field->name, field->text);
        else
            len += (size_t)snprintf(out + len, size - len, " %s=%g", field->name, field->number);
    }
}

static void assert_event(const struct stand *s, size_t *from, const char *wanted)
{
    char line[512];
    for (; *from < s->tick->events_count; ++*from) {
        event_line(s->tick->events[*from], line, sizeof(line));
        if (strcmp(line, wanted) == 0) {
            ++*from;
            return;
        }
    }
    for (size_t i = 0; i < s->tick->events_count; i++) {
        event_line(s->tick->events[i], line, sizeof(line));
        print_message("# %zu: %s\n", i, line);
    }
    fail_msg("no event (in this order): %s", wanted);
}

static void replay(struct monitor *m, const char *name)
{
    struct recording r = recording_read(name);
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(r.data, r.len, &msg, &bad))
        assert_int_equal(monitor_handle(m, msg), 0);
    assert_false(bad);
    free(r.data);
}

static void test_notices(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct engine_settings settings = {0};
    int gone = 0;
    struct monitor *m = monitor_new(&settings, count_gone, &gone);
    replay(m, "links.bin");
    replay(m, "addresses.bin");
    monitor_flush(m, stand_begin(&s), false);
    stand_end(&s);
    assert_int_equal(s.tick->events_count, 0); /* not wanted, not kept */

    replay(m, "notices.bin");
    monitor_flush(m, stand_begin(&s), true);
    stand_end(&s);
    size_t at = 0;
    assert_event(&s, &at, "link change=added device=veth9 state=down type=veth");
    assert_event(&s, &at, "link change=state device=veth9 state=up before=lowerlayerdown");
    assert_event(&s, &at, "address change=added device=veth9 address=10.9.0.1/24 family=ipv4");
    assert_event(&s, &at,
                 "route change=added destination=10.10.0.0/16 family=ipv4 gateway=10.9.0.2 "
                 "device=veth9");
    assert_event(&s, &at,
                 "route change=added destination=default family=ipv4 gateway=10.9.0.3 "
                 "device=veth9 metric=50");
    assert_event(&s, &at, "route change=added destination=192.0.2.0/24 family=ipv4 type=blackhole");
    assert_event(&s, &at,
                 "route change=added destination=fd0a::/48 family=ipv6 device=veth9 metric=1024");
    assert_event(&s, &at, "route change=added destination=10.11.0.0/16 family=ipv4 nexthops=2");
    assert_event(&s, &at, "link change=mtu device=veth9 state=up mtu=1280 mtu_before=1500");
    assert_event(&s, &at, "link change=state device=veth9 state=down before=up");
    assert_event(&s, &at, "link change=renamed device=renamed9 state=down before=veth9");
    assert_event(&s, &at, "link change=state device=renamed9 state=up before=lowerlayerdown");
    assert_event(&s, &at, "link change=removed device=renamed9 state=down");
    assert_true(gone >= 2); /* both ends */
    monitor_free(m);
    stand_free(&s);
}

static void test_excluded(void **state)
{
    (void)state;
    static const char *const globs[] = {"veth*", "peer*", "renamed*"};
    struct stand s = stand_new(10);
    struct engine_settings settings = {.exclude_devices = globs,
                                       .exclude_devices_count = ARRAY_LEN(globs)};
    int gone = 0;
    struct monitor *m = monitor_new(&settings, count_gone, &gone);
    replay(m, "notices.bin");
    monitor_flush(m, stand_begin(&s), true);
    stand_end(&s);
    for (size_t i = 0; i < s.tick->events_count; i++) {
        assert_int_equal(s.tick->events[i]->kind, EVENT_ROUTE); /* the blackhole has no device */
        assert_null(event_get_text(s.tick->events[i], "device"));
    }
    monitor_free(m);
    stand_free(&s);
}

/* A namespace is gone: from then on its number means another one, or none. */
static void test_numbers_of_namespaces(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct engine_settings settings = {0};
    int gone = 0;
    struct monitor *m = monitor_new(&settings, count_gone, &gone);
    struct {
        struct nlmsghdr head;
        struct rtgenmsg family;
        struct rtattr nsid_head __attribute__((aligned(4)));
        int32_t nsid;
    } notice = {
        .head = {.nlmsg_len = sizeof(notice), .nlmsg_type = RTM_NEWNSID},
        .nsid_head = {.rta_len = 8, .rta_type = NETNSA_NSID},
        .nsid = 3,
    };
    int64_t before_ns = clock_mono_ns();
    assert_int_equal(monitor_handle(m, &notice.head), 0); /* comes: nothing was known of it */
    assert_true(monitor_nsid_holds(m, 3, before_ns));
    assert_false(monitor_links_changed(m));
    notice.head.nlmsg_type = RTM_DELNSID;
    assert_int_equal(monitor_handle(m, &notice.head), 0);
    assert_false(monitor_nsid_holds(m, 3, before_ns));
    assert_true(monitor_nsid_holds(m, 4, before_ns));
    assert_true(monitor_nsid_holds(m, 3, clock_mono_ns() + 1));
    assert_true(monitor_links_changed(m)); /* read them all again */
    notice.nsid_head.rta_len = 6;
    assert_int_equal(monitor_handle(m, &notice.head), -EBADMSG);
    monitor_flush(m, stand_begin(&s), true);
    stand_end(&s);
    assert_int_equal(s.tick->events_count, 0);
    monitor_free(m);
    stand_free(&s);
}

/* A million routes: a few are told, the rest counted in one event. Links are bounded, too. */
static void test_bursts(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct engine_settings settings = {0};
    int gone = 0;
    struct monitor *m = monitor_new(&settings, count_gone, &gone);
    struct {
        struct nlmsghdr head;
        struct rtmsg route;
        struct rtattr dst_head;
        uint32_t dst;
    } route = {
        .head = {.nlmsg_len = sizeof(route), .nlmsg_type = RTM_NEWROUTE},
        .route = {.rtm_family = AF_INET,
                  .rtm_dst_len = 32,
                  .rtm_table = RT_TABLE_MAIN,
                  .rtm_type = RTN_UNICAST},
        .dst_head = {.rta_len = 8, .rta_type = RTA_DST},
    };
    for (uint32_t i = 0; i < 1000; i++) {
        route.dst = htonl(0x0a000000 + i);
        assert_int_equal(monitor_handle(m, &route.head), 0);
    }
    route.route.rtm_table = RT_TABLE_LOCAL; /* the kernel's own: not told, not counted */
    assert_int_equal(monitor_handle(m, &route.head), 0);
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
        struct rtattr name_head;
        char name[8];
    } link = {
        .head = {.nlmsg_len = sizeof(link), .nlmsg_type = RTM_NEWLINK},
        .name_head = {.rta_len = 12, .rta_type = IFLA_IFNAME},
    };
    for (int i = 1; i <= 300; i++) {
        link.link.ifi_index = i;
        snprintf(link.name, sizeof(link.name), "d%d", i);
        assert_int_equal(monitor_handle(m, &link.head), 0);
    }
    monitor_flush(m, stand_begin(&s), true);
    stand_end(&s);
    assert_int_equal(s.tick->events_count, 32 + 256 + 2);
    size_t at = 0;
    assert_event(&s, &at, "route change=more count=968");
    assert_event(&s, &at,
                 "loss what=link, address and route events reason=too many in one tick count=44");
    /* The next tick starts anew. */
    monitor_flush(m, stand_begin(&s), true);
    stand_end(&s);
    assert_int_equal(s.tick->events_count, 0);
    monitor_free(m);
    stand_free(&s);
}

/* A dump that was interrupted, and so was the one after it, may lack links: these keep their names,
 * until a whole one says that they are gone. */
static void test_interrupted_names(void **state)
{
    (void)state;
    struct recording r = recording_read("links.bin");
    struct links *links = links_new();
    uint32_t index[64];
    char name[64][IF_NAMESIZE];
    size_t count = 0;
    assert_null(links_name(links, 1));
    for (unsigned round = 0; round < 5; round++) {
        const struct nlmsghdr *msg = NULL;
        bool bad = false, whole = round == 0 || round == 4;
        links_clear(links);
        /* All, then one of them, twice; then another one alone, which is all there is. */
        for (size_t i = 0; rtnetlink_next(r.data, r.len, &msg, &bad); i++) {
            if (round == 0 || i == (round == 4))
                links_add(links, msg);
        }
        links_end(links, whole);
        for (size_t i = 0; round == 0 && i < links_count(links) && i < 64; i++) {
            index[count] = links_at(links, i)->index;
            memcpy(name[count++], links_at(links, i)->name, IF_NAMESIZE);
        }
        assert_true(count > 2 && !bad);
        assert_int_equal(links_count(links), round == 0 ? count : 1);
        for (size_t i = 0; i < count; i++) {
            if (round < 4 || i == 1)
                assert_string_equal(links_name(links, index[i]), name[i]);
            else
                assert_null(links_name(links, index[i]));
        }
    }
    links_free(links);
    free(r.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupted_names),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_cut_off_everywhere),
        cmocka_unit_test(test_shortened_messages),
        cmocka_unit_test(test_damaged_everywhere),
        cmocka_unit_test(test_notices),
        cmocka_unit_test(test_excluded),
        cmocka_unit_test(test_numbers_of_namespaces),
        cmocka_unit_test(test_bursts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
