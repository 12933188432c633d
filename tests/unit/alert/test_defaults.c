/*
 * test_defaults.c: the rules that everybody has, with the real detectors, on a host that we make
 * up: quiet for hours, however noisy its traffic is; and each fault is told by its rule and by no
 * other.
 */
#include "rig.h"

#include <math.h>

/* Counters of the host, by what grows them each second. */
struct host {
    struct rig rig;
    unsigned seed;
    double bytes, packets; /* a second, mean */
    double errs, drops;    /* of eth0, a second */
    double retrans, overflows, softnet, lost;
    double slow, unanswered; /* of ten DNS lookups a second */
    double entries;          /* of 1000 tracked connections */
    bool link, cable;        /* of eth0; eth1 has had a cable ever since */
    bool docker;             /* a bridge that comes and goes */
    double total[64];
    size_t next_total;
};

static double uniform(struct host *h)
{
    h->seed = h->seed * 1664525U + 1013904223U;
    return ((double)h->seed + 0.5) / 4294967296.0;
}

static double gaussian(struct host *h)
{
    return sqrt(-2 * log(uniform(h))) * cos(6.283185307179586 * uniform(h));
}

/* About so much, with noise that is heavier than Gaussian. */
static double noisy(struct host *h, double mean)
{
    double value = mean * (1 + 0.2 * gaussian(h) * (uniform(h) < 0.02 ? 2 : 1));
    return value > 0 ? value : 0;
}

static void counter(struct host *h, const char *name, const char *unit, const char *label,
                    const char *value, double grows)
{
    struct metric m = {name, unit, "", METRIC_COUNTER, 1};
    struct label l = {label, value};
    double *total = &h->total[h->next_total++];
    assert_true(h->next_total <= ARRAY_LEN(h->total));
    *total += grows;
    draft_counter(h->rig.stand.draft,
                  registry_get(h->rig.stand.registry, &m, &l, label ? 1 : 0, "test"),
                  (uint64_t)*total, 1);
}

static void gauge(struct host *h, const char *name, const char *device, double value)
{
    struct metric m = {name, strstr(name, "speed") ? "bytes" : "", "", METRIC_GAUGE, 1};
    struct label l = {"device", device};
    draft_gauge(h->rig.stand.draft,
                registry_get(h->rig.stand.registry, &m, &l, device ? 1 : 0, "test"), value);
}

static void interface(struct host *h, const char *device, double bytes, double packets)
{
    counter(h, "node_network_receive_bytes_total", "bytes", "device", device, noisy(h, bytes));
    counter(h, "node_network_transmit_bytes_total", "bytes", "device", device, noisy(h, bytes / 3));
    counter(h, "node_network_receive_packets_total", "packets", "device", device,
            noisy(h, packets));
}

static void host_tick(struct host *h)
{
    rig_begin(&h->rig, 1000);
    h->next_total = 0;
    interface(h, "eth0", h->link ? h->bytes : 0, h->link ? h->packets : 0);
    counter(h, "node_network_receive_errs_total", "packets", "device", "eth0", h->errs);
    counter(h, "node_network_receive_drop_total", "packets", "device", "eth0", h->drops);
    interface(h, "eth1", 0, 0);
    interface(h, "br0", 5 * h->bytes, h->packets);
    gauge(h, "node_network_up", "eth0", h->link);
    gauge(h, "node_network_up", "eth1", 0);
    gauge(h, "node_network_up", "br0", h->docker);
    gauge(h, "netsonde_network_physical", "eth0", 1);
    gauge(h, "netsonde_network_physical", "eth1", 1);
    gauge(h, "node_network_speed_bytes", "eth0", 125e6);
    gauge(h, "node_network_speed_bytes", "br0", 125e6);
    counter(h, "node_netstat_Tcp_OutSegs", "segments", NULL, NULL, noisy(h, h->packets));
    counter(h, "node_netstat_Tcp_RetransSegs", "segments", NULL, NULL, h->retrans);
    counter(h, "node_netstat_TcpExt_ListenOverflows", "connections", NULL, NULL, h->overflows);
    counter(h, "node_softnet_dropped_total", "packets", "cpu", "0", h->softnet);
    counter(h, "node_softnet_dropped_total", "packets", "cpu", "1", 0);
    gauge(h, "node_nf_conntrack_entries", NULL, h->entries);
    gauge(h, "node_nf_conntrack_entries_limit", NULL, 1000);
    double answered = 10 - h->unanswered;
    counter(h, "netsonde_dns_queries_total", "lookups", "rcode", "noerror", answered);
    counter(h, "netsonde_dns_queries_total", "lookups", "rcode", "none", h->unanswered);
    counter(h, "netsonde_dns_lookup_seconds_bucket", "lookups", "le", "0.5", answered - h->slow);
    counter(h, "netsonde_dns_lookup_seconds_bucket", "lookups", "le", "+Inf", answered);
    counter(h, "netsonde_census_lost_total", "items", NULL, NULL, h->lost);
    rig_seal(&h->rig);
}

static void run(struct host *h, int seconds)
{
    for (int i = 0; i < seconds; i++)
        host_tick(h);
}

static struct host *start(double bytes, double packets)
{
    struct host *h = mem_alloc(sizeof(*h));
    struct rule **rules;
    h->seed = 11;
    h->bytes = bytes;
    h->packets = packets;
    h->link = h->docker = true;
    h->entries = 100;
    rig_start(&h->rig);
    size_t count = rules_default(&rules);
    alerts_set_rules(h->rig.alerts, rules, count);
    for (size_t i = 0; i < count; i++)
        rule_unref(rules[i]);
    free(rules);
    return h;
}

static void end(struct host *h)
{
    rig_end(&h->rig);
    free(h);
}

/* A busy server and an idle laptop, four hours each: not a word. */
static void test_quiet(void **state)
{
    (void)state;
    static const struct {
        double bytes, packets, drops;
    } hosts[] = {{4e7, 40000, 3}, {900, 6, 0.2}, {0, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct host *h = start(hosts[i].bytes, hosts[i].packets);
        h->drops = hosts[i].drops;
        for (int hour = 0; hour < 4; hour++) {
            run(h, 3600);
            h->docker = !h->docker;
        }
        if (h->rig.changes_count)
            fail_msg("%zu: %s: %s", i, rig_last(&h->rig)->rule, rig_last(&h->rig)->summary);
        end(h);
    }
}

/* What is broken, and which rule says so within so many seconds. */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        size_t member; /* of struct host, a double */
        double value;
        int seconds;
        enum alert_severity severity;
    } faults[] = {
        {"interface_errors", offsetof(struct host, errs), 300, 60, ALERT_WARNING},
        {"interface_errors", offsetof(struct host, drops), 300000, 10, ALERT_CRITICAL},
        {"tcp_retransmits", offsetof(struct host, retrans), 9000, 180, ALERT_WARNING},
        {"listen_overflow", offsetof(struct host, overflows), 1, 20, ALERT_WARNING},
        {"softnet_drops", offsetof(struct host, softnet), 20, 20, ALERT_WARNING},
        {"conntrack_full", offsetof(struct host, entries), 960, 60, ALERT_CRITICAL},
        {"dns_trouble", offsetof(struct host, slow), 5, 90, ALERT_WARNING},
        {"dns_trouble", offsetof(struct host, unanswered), 10, 150, ALERT_CRITICAL},
        {"own_losses", offsetof(struct host, lost), 5, 120, ALERT_WARNING},
    };
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct host *h = start(4e7, 40000);
        run(h, 1200);
        double *member = (double *)(void *)((char *)h + faults[i].member), before = *member;
        assert_int_equal(h->rig.changes_count, 0);
        *member = faults[i].value;
        run(h, faults[i].seconds);
        assert_int_equal(rig_active(&h->rig), 1);
        if (strcmp(rig_last(&h->rig)->rule, faults[i].rule) != 0)
            fail_msg("%s instead of %s", rig_last(&h->rig)->rule, faults[i].rule);
        assert_int_equal(rig_last(&h->rig)->severity, faults[i].severity);
        assert_true(h->rig.notices_count >= 1);
        *member = before;
        run(h, 1800);
        assert_int_equal(rig_last(&h->rig)->state, ALERT_RESOLVED);
        assert_int_equal(rig_active(&h->rig), 0);
        end(h);
    }
}

/* The cable is pulled: one message, though the traffic is unusual as well. */
static void test_link(void **state)
{
    (void)state;
    struct host *h = start(4e7, 40000);
    run(h, 1200);
    h->link = false;
    run(h, 4);
    assert_int_equal(h->rig.notices_count, 1);
    assert_string_equal(rig_told(&h->rig)->title, "eth0 has lost its link");
    assert_int_equal(rig_told(&h->rig)->first->severity, ALERT_CRITICAL);
    run(h, 120);
    assert_int_equal(h->rig.notices_count, 1);
    h->link = true;
    run(h, 900);
    for (size_t i = 1; i < h->rig.notices_count; i++) {
        const struct alert *a = h->rig.notices[i].first;
        assert_true(strcmp(a->rule, "link_down") == 0 || strcmp(a->rule, "traffic_unusual") == 0);
    }
    assert_int_equal(rig_active(&h->rig), 0);
    end(h);
}

static void test_saturated(void **state)
{
    (void)state;
    struct host *h = start(4e7, 40000);
    run(h, 1200);
    h->bytes = 1.24e8;
    run(h, 420);
    struct alert_set *set = board_alerts(h->rig.board);
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++)
        found += strcmp(set->alerts[i]->rule, "link_saturated") == 0;
    assert_int_equal(found, 1); /* receiving; br0 is not a real one */
    alert_set_unref(set);
    end(h);
}

/* Ten times the traffic is unusual, and told when it lasts two minutes; a minute of it is not. */
static void test_traffic(void **state)
{
    (void)state;
    struct host *h = start(4e6, 4000);
    run(h, 1200);
    h->bytes *= 10;
    run(h, 60);
    assert_int_equal(rig_active(&h->rig), 2); /* received and sent, pending */
    h->bytes /= 10;
    run(h, 600);
    assert_int_equal(rig_active(&h->rig), 0);
    assert_int_equal(h->rig.notices_count, 0);
    h->bytes *= 10;
    run(h, 150);
    assert_int_equal(rig_active(&h->rig), 2);
    assert_in_range(h->rig.notices_count, 1, 2); /* not in the same second */
    assert_string_equal(rig_last(&h->rig)->rule, "traffic_unusual");
    assert_int_equal(rig_last(&h->rig)->reason, ALERT_BY_ANOMALY);
    end(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet),   cmocka_unit_test(test_faults),
        cmocka_unit_test(test_link),    cmocka_unit_test(test_saturated),
        cmocka_unit_test(test_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
