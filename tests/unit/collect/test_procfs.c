/* The procfs engine over a tree of files that come, go and change. */
#include "stand.h"

#include <sched.h>

#include "collect/engine.h"
#include "collect/sysfs.h"

#define DEV_HEAD "Inter-|\n face |\n"
#define DEV_LINE(name, bytes) "  " name ": " bytes " 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n"

struct fixture {
    struct stand stand;
    char *proc, *sys;
    struct engine_settings settings;
    struct engine *engine;
    struct engine_probe probe;
    uint32_t lost;
};

static void fixture_start(struct fixture *f)
{
    *f = (struct fixture){
        .stand = stand_new(1000), .proc = stand_make_tree(), .sys = stand_make_tree()};
    f->settings.proc_root = f->proc;
    f->settings.sys_root = f->sys;
    stand_write(f->proc, "net/dev", DEV_HEAD DEV_LINE("eth0", "1000"));
    stand_write(f->proc, "net/snmp", "Tcp: InSegs\nTcp: 10\n");
    stand_write(f->proc, "net/netstat", "TcpExt: TW\nTcpExt: 1\n");
    stand_write(f->proc, "net/sockstat", "TCP: inuse 3\n");
    stand_write(f->proc, "net/softnet_stat", "1 2 3\n");
    stand_write(f->proc, "stat", "cpu 1 2 3\nbtime 1700000000\n");
    stand_write(f->proc, "net/if_inet6", "fd000000000000000000000000000002 04 40 00 82     eth0\n");
    stand_write(f->sys, "class/net/eth0/ifindex", "4\n");
    stand_write(f->sys, "class/net/eth0/speed", "1000\n");
    stand_write(f->sys, "class/net/eth0/operstate", "up\n");
}

static void fixture_open(struct fixture *f)
{
    f->engine = engine_procfs.make(&f->settings);
    engine_procfs.probe(f->engine, &f->probe);
    assert_int_equal(engine_procfs.open(f->engine, f->probe.capabilities), 0);
    f->engine->round = f->engine->assigned;
}

static void fixture_end(struct fixture *f)
{
    engine_procfs.free(f->engine);
    stand_free(&f->stand);
    stand_remove_tree(f->proc);
    stand_remove_tree(f->sys);
}

static int tick(struct fixture *f)
{
    int err = engine_procfs.collect(f->engine, stand_begin(&f->stand), &f->lost);
    stand_end(&f->stand);
    return err;
}

static void survey(struct fixture *f)
{
    struct message *result = engine_procfs.survey(f->engine, NULL);
    if (result)
        engine_procfs.take_survey(f->engine, result);
}

#define RX(device) "node_network_receive_bytes_total{device=\"" device "\"}"

static void test_probe(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    fixture_open(&f);
    assert_int_equal(f.probe.capabilities,
                     CAPABILITY_BIT(CAPABILITY_INTERFACES) | CAPABILITY_BIT(CAPABILITY_PROTOCOLS) |
                         CAPABILITY_BIT(CAPABILITY_SOCKETS) | CAPABILITY_BIT(CAPABILITY_SOFTNET) |
                         CAPABILITY_BIT(CAPABILITY_SYSTEM));
    const struct shortfall *s =
        probe_shortfall(&f.probe, CAPABILITY_BIT(CAPABILITY_PROTOCOLS)); /* a remark */
    assert_non_null(strstr(s->reason, "net/snmp6: IPv6 is off."));
    assert_string_equal(s->remedy, "");
    s = probe_shortfall(&f.probe, CAPABILITY_BIT(CAPABILITY_CONNTRACK));
    assert_string_equal(s->remedy, "sudo modprobe nf_conntrack");
    assert_string_equal(s->reason, "nf_conntrack is not loaded.");
    assert_true(s->off); /* nothing is tracked: there is nothing to measure */
    assert_null(probe_shortfall(&f.probe, CAPABILITY_BIT(CAPABILITY_SOFTNET)));
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_count", "17\n");
    engine_procfs.probe(f.engine, &f.probe);
    assert_true(f.probe.capabilities & CAPABILITY_BIT(CAPABILITY_CONNTRACK));
    fixture_end(&f);
}

static void test_nothing_there(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    f.settings.proc_root = f.settings.sys_root = "/nonexistent";
    fixture_open(&f);
    assert_int_equal(f.probe.capabilities, CAPABILITY_BIT(CAPABILITY_SYSTEM));
    for (unsigned c = 0; c < CAPABILITIES; c++) {
        bool offered = (engine_procfs.offers & CAPABILITY_BIT(c)) != 0;
        bool works = (f.probe.capabilities & CAPABILITY_BIT(c)) != 0;
        assert_int_equal(probe_shortfall(&f.probe, CAPABILITY_BIT(c)) != NULL, offered && !works);
    }
    assert_int_equal(tick(&f), 0);
    assert_true(stand_has(&f.stand, "node_time_seconds"));
    assert_false(stand_has(&f.stand, "node_boot_time_seconds")); /* nobody told */
    fixture_end(&f);
}

static void test_a_tick(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    fixture_open(&f);
    assert_int_equal(tick(&f), 0);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_GAP, 1000, 0);
    assert_gauge(&f.stand, "node_sockstat_TCP_inuse", 3);
    assert_gauge(&f.stand, "node_boot_time_seconds", 1700000000);
    assert_gauge(&f.stand, "node_network_speed_bytes{device=\"eth0\"}", 125e6); /* at once */
    assert_counter(&f.stand, "netsonde_collect_errors_total{engine=\"procfs\"}", SAMPLE_GAP, 0, 0);
    stand_write(f.proc, "net/dev", DEV_HEAD DEV_LINE("eth0", "1500"));
    stand_write(f.proc, "net/snmp", "Tcp: InSegs\nTcp: x\n");
    tick(&f);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_OK, 1500, 500);
    assert_false(stand_has(&f.stand, "node_netstat_Tcp_InSegs"));
    assert_counter(&f.stand, "netsonde_collect_errors_total{engine=\"procfs\"}", SAMPLE_OK, 1, 1);

    const struct table *t = f.stand.tick->tables[TABLE_INTERFACES];
    assert_int_equal(t->rows_count, 1);
    assert_int_equal(table_cell(t, 0, IF_SPEED_BPS)->uint, 1000000000);
    assert_string_equal(table_cell(t, 0, IF_STATE)->text, "up");
    assert_string_equal(table_cell(t, 0, IF_ADDRESSES)->text, "fd00::2/64");
    assert_true(table_cell(t, 0, IF_RX_RATE)->real == 500);
    fixture_end(&f);
}

static void test_survey(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    fixture_open(&f);
    survey(&f);
    assert_null(engine_procfs.survey(f.engine, NULL)); /* nothing new */
    stand_write(f.sys, "class/net/eth0/operstate", "down\n");
    stand_write(f.proc, "net/if_inet6", "");
    tick(&f);
    assert_gauge(&f.stand, "node_network_up{device=\"eth0\"}", 1); /* as surveyed last */
    survey(&f);
    tick(&f);
    assert_gauge(&f.stand, "node_network_up{device=\"eth0\"}", 0);
    assert_string_equal(table_cell(f.stand.tick->tables[TABLE_INTERFACES], 0, IF_ADDRESSES)->text,
                        "");
    fixture_end(&f);
}

/* A file that goes for a moment is a gap; for three ticks, a loss. */
static void test_gap_and_loss(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    fixture_open(&f);
    tick(&f);
    tick(&f);

    /* An open file lives on, so it has to be taken away and the engine made to look. */
    engine_procfs.free(f.engine);
    fixture_open(&f);
    stand_write(f.proc, "net/softnet_stat", NULL);
    assert_int_equal(tick(&f), 0);
    assert_false(stand_has(&f.stand, "node_softnet_processed_total{cpu=\"0\"}"));
    assert_int_equal(f.lost, 0);
    stand_write(f.proc, "net/softnet_stat", "5 0 0\n");
    assert_int_equal(tick(&f), 0);
    assert_counter(&f.stand, "node_softnet_processed_total{cpu=\"0\"}", SAMPLE_GAP, 5, 4);

    engine_procfs.free(f.engine);
    fixture_open(&f);
    stand_write(f.proc, "net/softnet_stat", NULL);
    assert_int_equal(tick(&f), 0);
    assert_int_equal(tick(&f), 0);
    assert_int_equal(tick(&f), -ENOENT);
    assert_int_equal(f.lost, CAPABILITY_BIT(CAPABILITY_SOFTNET));
    engine_procfs.assign(f.engine, f.engine->assigned & ~f.lost);
    assert_int_equal(tick(&f), 0);
    assert_int_equal(f.lost, 0);
    /* One of two files is enough. */
    assert_true(stand_has(&f.stand, "node_sockstat_TCP_inuse"));
    fixture_end(&f);
}

static void test_assigned_only(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    fixture_open(&f);
    engine_procfs.assign(f.engine, CAPABILITY_BIT(CAPABILITY_SOCKETS));
    tick(&f);
    assert_int_equal(stand_sampled(&f.stand), 2); /* TCP_inuse and the error counter */
    assert_null(f.stand.tick->tables[TABLE_INTERFACES]);
    fixture_end(&f);
}

static void tick_counts_only(struct fixture *f)
{
    assert_int_equal(engine_procfs.collect(f->engine, stand_begin_counts_only(&f->stand), &f->lost),
                     0);
    stand_end(&f->stand);
}

#define ENTRIES "node_nf_conntrack_entries"
#define LIMIT "node_nf_conntrack_entries_limit"

/* The number of entries is in two files, and the limit need not be read in every tick. */
static void test_conntrack_files(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_count", "17\n");
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_max", "100\n");
    fixture_open(&f);
    tick_counts_only(&f); /* nothing is known yet: read all the same */
    assert_gauge(&f.stand, ENTRIES, 17);
    assert_gauge(&f.stand, LIMIT, 100);
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_count", "18\n");
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_max", "200\n");
    tick_counts_only(&f);
    assert_gauge(&f.stand, ENTRIES, 18);
    assert_gauge(&f.stand, LIMIT, 100);
    tick(&f);
    assert_gauge(&f.stand, LIMIT, 200);

    stand_write(f.proc, "net/stat/nf_conntrack", "entries found\n1f 1\n1f 2\n");
    tick(&f);
    assert_gauge(&f.stand, ENTRIES, 0x1f);
    assert_gauge(&f.stand, LIMIT, 200);

    fixture_end(&f);
}

/* When all of its files are gone, connection tracking is lost in ticks of counts, too. */
static void test_conntrack_gone(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_count", "17\n");
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_max", "100\n");
    fixture_open(&f);
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_count", NULL);
    stand_write(f.proc, "sys/net/netfilter/nf_conntrack_max", NULL);
    for (size_t i = 0; i < 2; i++)
        tick_counts_only(&f);
    engine_procfs.collect(f.engine, stand_begin_counts_only(&f.stand), &f.lost);
    stand_end(&f.stand);
    assert_int_equal(f.lost, CAPABILITY_BIT(CAPABILITY_CONNTRACK));
    fixture_end(&f);
}

static size_t named(const struct fixture *f, const char *nodename)
{
    size_t count = 0;
    for (uint32_t i = 0; i < f->stand.tick->count; i++) {
        const struct series *s = f->stand.tick->set->slots[i];
        if (s && f->stand.tick->state[i] == SAMPLE_OK && strcmp(s->name, "node_uname_info") == 0)
            count += !nodename || strcmp(series_label(s, "nodename"), nodename) == 0;
    }
    return count;
}

/* The host gets its name while the engine runs, as it does from a DHCP server. */
static void test_host_is_renamed(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWUTS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWUTS) < 0)
        skip(); /* no namespace of our own here */
    struct fixture f;
    fixture_start(&f);
    fixture_open(&f);
    static const char *const names[] = {"localhost", "web1", "web1", "a-longer-name", "web1"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(sethostname(names[i], strlen(names[i])), 0);
        assert_int_equal(tick(&f), 0);
        assert_int_equal(named(&f, NULL), 1);
        assert_int_equal(named(&f, names[i]), 1);
    }
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),           cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_a_tick),          cmocka_unit_test(test_survey),
        cmocka_unit_test(test_gap_and_loss),    cmocka_unit_test(test_assigned_only),
        cmocka_unit_test(test_conntrack_files), cmocka_unit_test(test_conntrack_gone),
        cmocka_unit_test(test_host_is_renamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
