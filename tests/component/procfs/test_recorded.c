/*
 * The procfs engine over /proc and /sys files recorded from a host: every number of every file is
 * looked up again by a second, slow and simple reading of the same files.
 */
#include "stand.h"

#include "collect/catalogue.h"
#include "collect/select.h"

static char *proc_root, *sys_root;

static char *read_text(const char *path)
{
    char *full = mem_printf("%s/%s", proc_root, path);
    FILE *file = fopen(full, "re");
    assert_non_null(file);
    char *text = mem_alloc(1 << 17);
    assert_true(fread(text, 1, (1 << 17) - 1, file) > 0);
    fclose(file);
    free(full);
    return text;
}

struct fixture {
    struct stand stand;
    struct engine_settings settings;
    struct collector *collector;
    size_t checked;
};

static void fixture_start(struct fixture *f)
{
    static const char *const names[] = {"procfs"};
    const char *bad;
    *f = (struct fixture){.stand = stand_new(5000)};
    f->settings = (struct engine_settings){.proc_root = proc_root, .sys_root = sys_root};
    assert_int_equal(collector_new(&f->collector, &f->settings, names, 1, &bad), 0);
    assert_int_equal(collector_open(f->collector), 0);
    collector_collect(f->collector, stand_begin(&f->stand));
    stand_end(&f->stand);
}

static void fixture_end(struct fixture *f)
{
    collector_free(f->collector);
    stand_free(&f->stand);
}

static void check(struct fixture *f, const char *key, double value)
{
    uint32_t slot = stand_slot(&f->stand, key);
    if (tick_absolute(f->stand.tick, slot) != value)
        fail_msg("%s is %f, the file says %f", key, tick_absolute(f->stand.tick, slot), value);
    f->checked++;
}

static void check_pairs_of_lines(struct fixture *f, const char *path)
{
    char *text = read_text(path), *save_line, *save_name, *save_value;
    char *names = strtok_r(text, "\n", &save_line), *values;
    for (; names; names = strtok_r(NULL, "\n", &save_line)) {
        values = strtok_r(NULL, "\n", &save_line);
        char *group = strtok_r(names, ": ", &save_name);
        strtok_r(values, " ", &save_value);
        for (char *name; (name = strtok_r(NULL, " ", &save_name));) {
            char *key = mem_printf("node_netstat_%s_%s", group, name);
            check(f, key, strtod(strtok_r(NULL, " ", &save_value), NULL));
            free(key);
        }
    }
    free(text);
}

static void test_every_number(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    check_pairs_of_lines(&f, "net/snmp");
    check_pairs_of_lines(&f, "net/netstat");
    assert_true(f.checked > 300);

    char *text = read_text("net/snmp6"), *save;
    for (char *name = strtok_r(text, " \t\n", &save); name; name = strtok_r(NULL, " \t\n", &save)) {
        int group = (int)(strchr(name, '6') + 1 - name);
        char *key = mem_printf("node_netstat_%.*s_%s", group, name, name + group);
        check(&f, key, strtod(strtok_r(NULL, " \t\n", &save), NULL));
        free(key);
    }
    free(text);

    static const char *const sockstats[] = {"net/sockstat", "net/sockstat6"};
    for (size_t i = 0; i < ARRAY_LEN(sockstats); i++) {
        char *save_line;
        text = read_text(sockstats[i]);
        for (char *line = strtok_r(text, "\n", &save_line); line;
             line = strtok_r(NULL, "\n", &save_line)) {
            char *group = strtok_r(line, ": ", &save);
            for (char *name; (name = strtok_r(NULL, " ", &save));) {
                char *key = mem_printf("node_sockstat_%s_%s", group, name);
                check(&f, key, strtod(strtok_r(NULL, " ", &save), NULL));
                free(key);
            }
        }
        free(text);
    }

    size_t cpu = 0;
    char *save_line;
    text = read_text("net/softnet_stat");
    for (char *line = strtok_r(text, "\n", &save_line); line;
         line = strtok_r(NULL, "\n", &save_line), cpu++) {
        char *key = mem_printf("node_softnet_processed_total{cpu=\"%zu\"}", cpu);
        check(&f, key, (double)strtoull(line, NULL, 16));
        free(key);
    }
    assert_true(cpu > 0);
    free(text);
    fixture_end(&f);
}

static const struct cell *cell(const struct fixture *f, const char *device,
                               enum interfaces_column column)
{
    const struct table *t = f->stand.tick->tables[TABLE_INTERFACES];
    for (size_t i = 0; i < t->rows_count; i++) {
        if (strcmp(table_cell(t, i, IF_DEVICE)->text, device) == 0)
            return table_cell(t, i, column);
    }
    fail_msg("no row for %s", device);
    return NULL;
}

static void test_interfaces(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    assert_int_equal(f.stand.tick->tables[TABLE_INTERFACES]->rows_count, 4);
    check(&f, "node_network_receive_bytes_total{device=\"eth0\"}", 1291211378);
    check(&f, "node_network_transmit_packets_total{device=\"eth0\"}", 21508);
    assert_string_equal(cell(&f, "eth0", IF_KIND)->text, "physical");
    assert_string_equal(cell(&f, "eth0", IF_STATE)->text, "up");
    assert_int_equal(cell(&f, "eth0", IF_SPEED_BPS)->type, CELL_NULL); /* virtio: -1 */
    assert_int_equal(cell(&f, "eth0", IF_MTU)->uint, 1400);
    assert_non_null(strstr(cell(&f, "eth0", IF_ADDRESSES)->text, "/64"));
    assert_string_equal(cell(&f, "lo", IF_KIND)->text, "loopback");
    assert_string_equal(cell(&f, "lo", IF_STATE)->text, "unknown");
    assert_string_equal(cell(&f, "lo", IF_ADDRESSES)->text, "::1/128");
    assert_string_equal(cell(&f, "ifb0", IF_KIND)->text, "virtual");
    assert_string_equal(cell(&f, "ifb0", IF_STATE)->text, "down");
    assert_false(stand_has(&f.stand, "node_network_carrier{device=\"ifb0\"}"));
    assert_gauge(&f.stand, "node_network_carrier{device=\"eth0\"}", 1);
    assert_gauge(&f.stand, "node_network_dormant{device=\"eth0\"}", 0);
    assert_false(stand_has(&f.stand, "node_network_dormant{device=\"ifb0\"}"));
    assert_gauge(&f.stand,
                 "node_network_info{address=\"02:00:00:00:00:0e\",broadcast=\"ff:ff:ff:ff:ff:ff\","
                 "device=\"eth0\",duplex=\"unknown\",ifalias=\"\",operstate=\"up\"}",
                 1);
    assert_gauge(&f.stand,
                 "node_network_info{address=\"02:00:00:00:01:b0\",broadcast=\"ff:ff:ff:ff:ff:ff\","
                 "device=\"ifb0\",duplex=\"\",ifalias=\"\",operstate=\"down\"}",
                 1);
    fixture_end(&f);
}

/* What this engine has no source for. */
static bool is_of_netlink(const char *name)
{
    return strncmp(name, "node_qdisc_", 11) == 0 || strncmp(name, "netsonde_nic_", 13) == 0 ||
           strcmp(name, "netsonde_sockets_incomplete_total") == 0 ||
           strcmp(name, "netsonde_netlink_overruns_total") == 0 ||
           strcmp(name, "node_network_speed_bytes") == 0;
}

/* Sockets and processes, which a survey counts: tests/unit/collect/test_census_series holds them
 * to the catalogue. */
static bool is_of_census(const char *name)
{
    return strncmp(name, "netsonde_process_", 17) == 0 || strncmp(name, "netsonde_tcp_", 13) == 0 ||
           strncmp(name, "netsonde_census_", 16) == 0 ||
           strncmp(name, "netsonde_peer_names", 19) == 0 ||
           strcmp(name, "netsonde_unattributed_bytes_total") == 0;
}

/* Packets: only who asks for them has these (tests/integration/test_packets.py). */
static bool is_of_packets(const char *name)
{
    return strncmp(name, "netsonde_packet_", 16) == 0 || strncmp(name, "netsonde_flow", 13) == 0 ||
           strncmp(name, "netsonde_dns_", 13) == 0;
}

/* What programs in the kernel count: tests/unit/collect/test_ebpf_totals.c holds it to them. */
static bool is_of_ebpf(const char *name)
{
    return strcmp(name, "netsonde_packet_drops_total") == 0 ||
           strcmp(name, "netsonde_service_packet_drops_total") == 0 ||
           strcmp(name, "netsonde_ebpf_lost_total") == 0;
}

/* Whatever is emitted is in the catalogue or named by a rule that docs/METRICS.md states. */
static void test_every_name_is_documented(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    for (uint32_t i = 0; i < f.stand.tick->count; i++) {
        const struct series *s = f.stand.tick->set->slots[i];
        struct catalogue_entry entry;
        bool known = strncmp(s->name, "node_netstat_", 13) == 0 ||
                     strncmp(s->name, "node_sockstat_", 14) == 0;
        for (size_t at = 0; !known && catalogue_at(at, &entry); at++) {
            known = strcmp(entry.metric->name, s->name) == 0;
            if (!known)
                continue;
            /* Its labels are those that the catalogue names. */
            struct buf labels = BUF_INIT;
            for (size_t l = 0; l < s->labels_count; l++)
                buf_printf(&labels, "%s%s", l ? "," : "", s->labels[l].name);
            assert_string_equal(buf_string(&labels), entry.labels);
            buf_fini(&labels);
        }
        if (!known)
            fail_msg("%s is in no catalogue", s->name);
        assert_true(s->help[0] != '\0');
    }
    struct catalogue_entry entry;
    size_t found = 0, netlink_only = 0;
    for (size_t at = 0; catalogue_at(at, &entry); at++) {
        bool emitted = false;
        for (uint32_t i = 0; i < f.stand.tick->count; i++)
            emitted |= strcmp(f.stand.tick->set->slots[i]->name, entry.metric->name) == 0;
        found += emitted;
        netlink_only += !emitted;
        if (!emitted && !is_of_netlink(entry.metric->name) && !is_of_census(entry.metric->name) &&
            !is_of_packets(entry.metric->name) && !is_of_ebpf(entry.metric->name))
            fail_msg("%s is in the catalogue and never emitted", entry.metric->name);
    }
    assert_true(found > 40);
    assert_true(netlink_only >= 3);
    fixture_end(&f);
}

int main(void)
{
    proc_root = mem_printf("%s/proc", RECORDINGS);
    sys_root = mem_printf("%s/sys", RECORDINGS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_every_name_is_documented),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(proc_root);
    free(sys_root);
    return failed;
}
