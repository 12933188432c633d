/*
 * The engines against a kernel of today, in a network namespace of its own: links that come, go,
 * flap, swap names; every number compared with `ip -s -s link`. Skips where it may not make one.
 */
#include "stand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/clock.h"
#include "collect/netlink/monitor.h"
#include "collect/netlink/survey.h"
#include "collect/select.h"

static bool counts_only;        /* every tick but the first is one soon after another */
static const char *skip_reason; /* NULL: a namespace is there */

static int enter_namespace(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) < 0)
        skip_reason = "needs CAP_SYS_ADMIN to make a network namespace";
    else if (system("ip link set lo up") != 0)
        skip_reason = "needs the command ip (iproute2)";
    /* No router solicitations and reports that would be counted, too. */
    else if (system("f=/proc/sys/net/ipv6/conf/default/disable_ipv6; [ ! -e $f ] || echo 1 > $f"))
        skip_reason = "needs /proc/sys/net to be writable";
    return 0;
}

/* At the start of each test. */
#define NEED_NAMESPACE()                                                                           \
    do {                                                                                           \
        if (skip_reason) {                                                                         \
            print_message("# skipped: %s\n", skip_reason);                                         \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void run(const char *format, ...) PRINTF_LIKE(1, 2);

static void run(const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

struct fixture {
    struct stand stand;
    struct engine_settings settings;
    struct collector *collector;
};

static void fixture_start(struct fixture *f, const char *engine)
{
    *f = (struct fixture){.stand = stand_new(5000)};
    f->settings = (struct engine_settings){.proc_root = "/proc", .sys_root = "/sys"};
    const char *bad;
    assert_int_equal(collector_new(&f->collector, &f->settings, &engine, 1, &bad), 0);
    assert_int_equal(collector_open(f->collector), 0);
}

static void fixture_end(struct fixture *f)
{
    collector_free(f->collector);
    stand_free(&f->stand);
}

static void tick(struct fixture *f)
{
    collector_collect(f->collector,
                      counts_only ? stand_begin_counts_only(&f->stand) : stand_begin(&f->stand));
    stand_end(&f->stand);
}

/* Gives the device so many frames of so many bytes, past all protocols. */
static void offer_frames(const char *device, uint64_t count, size_t bytes)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device), .sll_halen = ETH_ALEN};
    uint8_t frame[ETH_FRAME_LEN] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xb5};
    for (uint64_t i = 0; i < count; i++) {
        /* Refused while the line is down: as good as dropped. */
        if (sendto(fd, frame, bytes, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)bytes)
            assert_true(errno == ENOBUFS || errno == ENETDOWN);
    }
    close(fd);
}

/* Packets that the device has sent, of the tenth column of /proc/net/dev. */
static uint64_t sent_by(const char *device)
{
    char line[512], name[32] = "";
    unsigned long packets = 0;
    FILE *in = fopen("/proc/net/dev", "re");
    assert_non_null(in);
    while (strcmp(name, device) != 0 && fgets(line, sizeof(line), in))
        sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %lu", name, &packets);
    fclose(in);
    assert_string_equal(name, device);
    return packets;
}

/* The same until so many have gone out. A device whose line has just come up swallows frames for a
 * moment, and a veth drops what its other end's queue has no room for. */
static void send_frames(const char *device, uint64_t count, size_t bytes)
{
    const uint64_t wanted = sent_by(device) + count;
    const int64_t limit_ns = clock_mono_ns() + 20 * NS_PER_S;
    for (uint64_t sent = wanted - count; sent < wanted; sent = sent_by(device)) {
        assert_true(clock_mono_ns() < limit_ns);
        offer_frames(device, MIN(wanted - sent, (uint64_t)200), bytes);
    }
}

/* What becomes of a line the kernel works out a moment after the command that caused it; a test
 * that counts notices or expects a state has to wait until all is said. */
static void wait_state(const char *device, const char *state)
{
    run("timeout 10 sh -c 'until ip link show dev %s | grep -q \"state %s\"; do :; done'", device,
        state);
}

static void make_pair(const char *one, const char *two)
{
    run("ip link add %s type veth peer name %s", one, two);
    run("ip link set %s up && ip link set %s up", one, two);
    wait_state(one, "UP");
    wait_state(two, "UP");
}

static uint64_t absolute(const struct fixture *f, const char *metric, const char *device)
{
    char *key = mem_printf("node_network_%s{device=\"%s\"}", metric, device);
    uint64_t value = f->stand.tick->absolute[stand_slot(&f->stand, key)];
    free(key);
    return value;
}

static void assert_step(const struct fixture *f, const char *metric, const char *device,
                        enum sample_state state, uint64_t increment)
{
    char *key = mem_printf("node_network_%s{device=\"%s\"}", metric, device);
    uint32_t slot = stand_slot(&f->stand, key);
    if (f->stand.tick->state[slot] != state || f->stand.tick->value[slot].increment != increment)
        fail_msg("%s: state %d, increment %lu", key, f->stand.tick->state[slot],
                 f->stand.tick->value[slot].increment);
    free(key);
}

static size_t row_of(const struct fixture *f, const char *device)
{
    const struct table *t = f->stand.tick->tables[TABLE_INTERFACES];
    for (size_t i = 0; i < t->rows_count; i++) {
        if (strcmp(table_cell(t, i, IF_DEVICE)->text, device) == 0)
            return i;
    }
    fail_msg("no row for %s", device);
    return 0;
}

static const struct cell *cell(const struct fixture *f, const char *device,
                               enum interfaces_column column)
{
    return table_cell(f->stand.tick->tables[TABLE_INTERFACES], row_of(f, device), column);
}

static bool has_event(const struct fixture *f, enum event_kind kind, const char *name,
                      const char *value)
{
    for (size_t i = 0; i < f->stand.tick->events_count; i++) {
        const struct event *e = f->stand.tick->events[i];
        const char *text = e->kind == kind ? event_get_text(e, name) : NULL;
        if (text && strcmp(text, value) == 0)
            return true;
    }
    return false;
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* Numbers of the line below the one that begins with `title` in `ip -s -s link`. */
static void ip_numbers(const char *device, const char *title, uint64_t *ret, size_t count)
{
    char command[128], line[512];
    snprintf(command, sizeof(command), "ip -s -s link show dev %s", device);
    FILE *out = popen(command, "re");
    assert_non_null(out);
    size_t found = 0;
    while (!found && fgets(line, sizeof(line), out)) {
        if (!strstr(line, title) || !fgets(line, sizeof(line), out))
            continue;
        char *at = line;
        while (found < count) {
            char *end;
            ret[found] = strtoull(at, &end, 10);
            if (end == at)
                break;
            at = end;
            found++;
        }
    }
    while (fgets(line, sizeof(line), out))
        ;
    assert_int_equal(pclose(out), 0);
    assert_int_equal(found, count);
}

static void compare_with_ip(const struct fixture *f, const char *device)
{
    uint64_t rx[6] = {0}, rx_errors[5] = {0}, tx[6] = {0}, tx_errors[4] = {0};
    ip_numbers(device, "RX:  bytes", rx, 6);        /* bytes packets errors dropped missed mcast */
    ip_numbers(device, "RX errors:", rx_errors, 5); /* length crc frame fifo overrun */
    ip_numbers(device, "TX:  bytes", tx, 6); /* bytes packets errors dropped carrier collsns */
    ip_numbers(device, "TX errors:", tx_errors, 4); /* aborted fifo window heartbt */
    assert_int_equal(absolute(f, "receive_bytes_total", device), rx[0]);
    assert_int_equal(absolute(f, "receive_packets_total", device), rx[1]);
    assert_int_equal(absolute(f, "receive_errs_total", device), rx[2]);
    assert_int_equal(absolute(f, "receive_drop_total", device), rx[3] + rx[4]);
    assert_int_equal(absolute(f, "receive_multicast_total", device), rx[5]);
    assert_int_equal(absolute(f, "receive_frame_total", device),
                     rx_errors[0] + rx_errors[1] + rx_errors[2] + rx_errors[4]);
    assert_int_equal(absolute(f, "receive_fifo_total", device), rx_errors[3]);
    assert_int_equal(absolute(f, "transmit_bytes_total", device), tx[0]);
    assert_int_equal(absolute(f, "transmit_packets_total", device), tx[1]);
    assert_int_equal(absolute(f, "transmit_errs_total", device), tx[2]);
    assert_int_equal(absolute(f, "transmit_drop_total", device), tx[3]);
    assert_int_equal(absolute(f, "transmit_colls_total", device), tx[5]);
    assert_int_equal(cell(f, device, IF_RX_BYTES)->uint, rx[0]);
    assert_int_equal(cell(f, device, IF_TX_PACKETS)->uint, tx[1]);
    assert_int_equal(cell(f, device, IF_DROPS)->uint, rx[3] + rx[4] + tx[3]);
}

static void numbers_with(const char *engine)
{
    struct fixture f;
    make_pair("va", "vb");
    send_frames("va", 7, 200);
    fixture_start(&f, engine);
    tick(&f);
    send_frames("va", 1000, 1000);
    send_frames("vb", 10, 60);
    run("ip link set vb down");
    offer_frames("va", 5, 100); /* nobody there: dropped on the way out */
    tick(&f);
    assert_step(&f, "transmit_packets_total", "va", SAMPLE_OK, 1000);
    assert_step(&f, "transmit_bytes_total", "va", SAMPLE_OK, 1000 * 1000);
    assert_step(&f, "receive_packets_total", "vb", SAMPLE_OK, 1000);
    assert_step(&f, "receive_bytes_total", "vb", SAMPLE_OK, 1000 * 1000);
    assert_step(&f, "receive_bytes_total", "va", SAMPLE_OK, 10 * 60);
    assert_true(cell(&f, "va", IF_TX_RATE)->real == 1000 * 1000); /* ticks are a second apart */
    assert_true(cell(&f, "vb", IF_RX_RATE)->real == 1000 * 1000);
    compare_with_ip(&f, "va");
    compare_with_ip(&f, "vb");
    compare_with_ip(&f, "lo");
    fixture_end(&f);
    run("ip link delete va");
}

static void test_numbers_netlink(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    numbers_with("netlink");
}

static void test_numbers_procfs(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    numbers_with("procfs");
}

static void test_properties(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    make_pair("va", "vb");
    run("ip link set va mtu 1400 && ip address add 10.1.0.1/24 dev va");
    fixture_start(&f, "netlink");
    run("ip address add 10.1.0.2/24 dev va && ip address add 192.0.2.1 dev va");
    tick(&f);
    assert_gauge(&f.stand, "node_network_mtu_bytes{device=\"va\"}", 1400);
    assert_gauge(&f.stand, "node_network_up{device=\"va\"}", 1);
    assert_gauge(&f.stand, "node_network_carrier{device=\"va\"}", 1);
    assert_gauge(&f.stand, "node_network_iface_id{device=\"va\"}", if_nametoindex("va"));
    assert_string_equal(cell(&f, "va", IF_KIND)->text, "veth");
    assert_string_equal(cell(&f, "va", IF_STATE)->text, "up");
    assert_int_equal(cell(&f, "va", IF_MTU)->uint, 1400);
    assert_string_equal(cell(&f, "va", IF_ADDRESSES)->text,
                        "10.1.0.1/24\n10.1.0.2/24\n192.0.2.1/32");
    assert_string_equal(cell(&f, "vb", IF_ADDRESSES)->text, "");
    assert_string_equal(cell(&f, "lo", IF_KIND)->text, "loopback");
    assert_true(has_event(&f, EVENT_ADDRESS, "address", "10.1.0.2/24"));
    assert_false(has_event(&f, EVENT_ADDRESS, "address", "10.1.0.1/24")); /* was there */
    run("ip address delete 10.1.0.2/24 dev va && ip link set vb down");
    wait_state("va", "LOWERLAYERDOWN");
    tick(&f);
    assert_gauge(&f.stand, "node_network_up{device=\"va\"}", 0);
    assert_gauge(&f.stand, "node_network_carrier{device=\"va\"}", 0);
    assert_false(stand_has(&f.stand, "node_network_carrier{device=\"vb\"}")); /* switched off */
    assert_string_equal(cell(&f, "va", IF_STATE)->text, "lowerlayerdown");
    assert_string_equal(cell(&f, "va", IF_ADDRESSES)->text, "10.1.0.1/24\n192.0.2.1/32");
    assert_true(has_event(&f, EVENT_LINK, "state", "lowerlayerdown"));
    fixture_end(&f);
    run("ip link delete va");
}

/* ---- identity ------------------------------------------------------------------------------ */

static void swap_names(void)
{
    run("ip link set va down && ip link set vb down && ip link set va name tmp && "
        "ip link set vb name va && ip link set tmp name vb && ip link set va up && "
        "ip link set vb up");
}

static void swap_with(const char *engine)
{
    struct fixture f;
    make_pair("va", "vb");
    send_frames("va", 5000, 1400);
    fixture_start(&f, engine);
    tick(&f);
    tick(&f);
    swap_names();
    tick(&f);
    /* What is now vb sent all those bytes; neither name shows them as an increment. */
    assert_int_equal(absolute(&f, "transmit_bytes_total", "vb"), 5000 * 1400);
    assert_step(&f, "transmit_bytes_total", "vb", SAMPLE_GAP, 0);
    assert_step(&f, "transmit_bytes_total", "va", SAMPLE_GAP, 0);
    send_frames("va", 3, 100);
    tick(&f);
    assert_step(&f, "transmit_bytes_total", "va", SAMPLE_OK, 300);
    assert_step(&f, "receive_bytes_total", "vb", SAMPLE_OK, 300);
    fixture_end(&f);
    run("ip link delete va");
}

static void test_swap_netlink(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    swap_with("netlink");
}

static void test_swap_procfs(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    swap_with("procfs");
}

/* Gone and back under the same name and the same index, with larger numbers than before. */
static void test_recreated_within_a_tick(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    run("ip link add va index 777 type veth peer name vb && ip link set va up && "
        "ip link set vb up");
    send_frames("va", 10, 100);
    fixture_start(&f, "netlink");
    tick(&f);
    tick(&f);
    run("ip link delete va");
    run("ip link add va index 777 type veth peer name vb && ip link set va up && "
        "ip link set vb up");
    send_frames("va", 9000, 1400);
    tick(&f);
    assert_int_equal(absolute(&f, "transmit_bytes_total", "va"), 9000 * 1400);
    assert_step(&f, "transmit_bytes_total", "va", SAMPLE_GAP, 0);
    assert_int_equal(cell(&f, "va", IF_TX_RATE)->type, CELL_NULL);
    assert_true(has_event(&f, EVENT_LINK, "change", "removed"));
    assert_true(has_event(&f, EVENT_LINK, "change", "added"));
    fixture_end(&f);
    run("ip link delete va");
}

static void test_rename_and_delete(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    make_pair("va", "vb");
    fixture_start(&f, "netlink");
    tick(&f);
    run("ip link set va down && ip link set va name lan7 && ip link set lan7 up");
    tick(&f);
    assert_true(has_event(&f, EVENT_LINK, "before", "va"));
    assert_true(stand_has(&f.stand, "node_network_mtu_bytes{device=\"lan7\"}"));
    assert_false(stand_has(&f.stand, "node_network_mtu_bytes{device=\"va\"}"));
    run("ip link delete lan7");
    tick(&f);
    assert_true(has_event(&f, EVENT_LINK, "change", "removed"));
    assert_false(stand_has(&f.stand, "node_network_mtu_bytes{device=\"lan7\"}"));
    assert_int_equal(f.stand.tick->tables[TABLE_INTERFACES]->rows_count, 1);
    fixture_end(&f);
}

/* Between two ticks, with the notice still unread when the counters are asked for. */
static void test_appears(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    fixture_start(&f, "netlink");
    tick(&f);
    tick(&f);
    make_pair("va", "vb");
    send_frames("va", 5, 100);
    tick(&f);
    assert_int_equal(absolute(&f, "transmit_bytes_total", "va"), 500);
    assert_string_equal(cell(&f, "va", IF_KIND)->text, "veth");
    assert_string_equal(cell(&f, "va", IF_STATE)->text, "up");
    send_frames("va", 2, 100);
    tick(&f);
    assert_step(&f, "transmit_bytes_total", "va", SAMPLE_OK, 200);
    run("ip link set va mtu 1300");
    tick(&f);
    assert_gauge(&f.stand, "node_network_mtu_bytes{device=\"va\"}", 1300);
    fixture_end(&f);
}

static void test_flap(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    make_pair("va", "vb");
    fixture_start(&f, "netlink");
    tick(&f);
    uint64_t before = absolute(&f, "carrier_changes_total", "va");
    for (int i = 0; i < 3; i++) {
        run("ip link set vb down && ip link set vb up");
        wait_state("vb", "UP");
        wait_state("va", "UP");
    }
    tick(&f);
    assert_step(&f, "carrier_changes_total", "va", SAMPLE_OK,
                absolute(&f, "carrier_changes_total", "va") - before);
    assert_true(absolute(&f, "carrier_changes_total", "va") >= before + 6);
    assert_int_equal(absolute(&f, "carrier_changes_total", "va"),
                     absolute(&f, "carrier_up_changes_total", "va") +
                         absolute(&f, "carrier_down_changes_total", "va"));
    size_t downs = 0, ups = 0;
    for (size_t i = 0; i < f.stand.tick->events_count; i++) {
        const struct event *e = f.stand.tick->events[i];
        if (e->kind != EVENT_LINK || strcmp(event_get_text(e, "device"), "vb") != 0)
            continue;
        downs += strcmp(event_get_text(e, "state"), "down") == 0;
        ups += strcmp(event_get_text(e, "state"), "up") == 0;
    }
    assert_int_equal(downs, 3); /* each of them, although they fell between two ticks */
    assert_int_equal(ups, 3);
    fixture_end(&f);
    run("ip link delete va");
}

/* ---- losses -------------------------------------------------------------------------------- */

static void nothing(void *user, uint32_t index)
{
    (void)user;
    (void)index;
}

/* More notices than the socket has room for: said, and the picture is right again. */
static void test_overrun(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct stand s = stand_new(10);
    struct engine_settings settings = {0};
    make_pair("va", "vb");
    run("ip address add 10.2.0.1/24 dev va");
    struct monitor *m = monitor_new(&settings, nothing, NULL);
    assert_int_equal(monitor_open(m), 0);
    int tiny = 1;
    setsockopt(rtsocket_fd(monitor_socket(m)), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
    run("for i in $(seq 30); do ip address add 10.3.0.$i/24 dev va; done; "
        "ip address delete 10.2.0.1/24 dev va; ip link set vb mtu 1300; "
        "ip link add vc type veth peer name vd");
    assert_int_equal(monitor_drain(m), 0);
    assert_int_equal(monitor_overruns(m), 1);
    monitor_flush(m, stand_begin(&s), true);
    stand_end(&s);
    size_t losses = 0, added = 0, removed = 0;
    for (size_t i = 0; i < s.tick->events_count; i++) {
        const struct event *e = s.tick->events[i];
        losses += e->kind == EVENT_LOSS && strcmp(event_get_text(e, "reason"), "kernel") == 0;
        if (e->kind == EVENT_ADDRESS) {
            added += strcmp(event_get_text(e, "change"), "added") == 0;
            removed += strcmp(event_get_text(e, "change"), "removed") == 0;
        }
    }
    assert_int_equal(losses, 1);
    assert_true(added >= 30); /* each exactly once, by notice or by comparing */
    assert_int_equal(removed, 1);
    const char *list = monitor_addresses(m, if_nametoindex("va"));
    assert_null(strstr(list, "10.2.0.1/24"));
    for (int i = 1; i <= 30; i++) {
        char one[32];
        snprintf(one, sizeof(one), "10.3.0.%d/24", i);
        assert_non_null(strstr(list, one));
    }
    monitor_free(m);
    stand_free(&s);
    run("ip link delete va && ip link delete vc");
}

/* Hands the survey over as one whose queueing disciplines failed three times. */
static void take_failed_survey(void *user, struct engine *e, struct message *result)
{
    struct fixture *f = user;
    struct survey_result *r = CONTAINER_OF(result, struct survey_result, msg);
    if (e && strcmp(e->class->name, "netlink") == 0) {
        r->errors = 7;
        r->sockets.overruns = 3;
        r->sockets.incomplete = 2;
        r->lost = CAPABILITY_BIT(CAPABILITY_QUEUES);
        r->lost_err = -EIO;
    }
    collector_take_survey(f->collector, e, result);
}

/* What a survey has counted stays counted when its loss was told. */
static void test_errors_never_fall(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    fixture_start(&f, "netlink");
    tick(&f);
    collector_survey(f.collector, take_failed_survey, &f);
    tick(&f);
    for (int i = 0; i < 3; i++)
        tick(&f);
    assert_counter(&f.stand, "netsonde_collect_errors_total{engine=\"netlink\"}", SAMPLE_OK, 7, 0);
    assert_counter(&f.stand, "netsonde_netlink_overruns_total", SAMPLE_OK, 3, 0);
    assert_counter(&f.stand, "netsonde_sockets_incomplete_total", SAMPLE_OK, 2, 0);
    fixture_end(&f);
}

static void stop_waiting(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Runs the loop until the notice socket has been emptied; a second at most. */
static void run_loop(uv_loop_t *loop, int fd)
{
    uv_timer_t limit;
    uv_timer_init(loop, &limit);
    uv_timer_start(&limit, stop_waiting, 1000, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool empty;
    while (!(empty = poll(&p, 1, 0) == 0) && uv_is_active((uv_handle_t *)&limit))
        uv_run(loop, UV_RUN_ONCE);
    assert_true(empty);
    uv_close((uv_handle_t *)&limit, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

static void count_call(void *user)
{
    *(int *)user += 1;
}

/* Finds the descriptor that the loop watches: the only netlink socket with groups. */
static int notice_fd(void)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_storage a = {0};
        socklen_t len = sizeof(a);
        if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 && a.ss_family == AF_NETLINK &&
            ((uint32_t *)&a)[2] != 0)
            return fd;
    }
    fail_msg("no notice socket");
    return -1;
}

static void test_loop(void **state)
{
    (void)state;
    NEED_NAMESPACE();
    struct fixture f;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    fixture_start(&f, "netlink");
    assert_int_equal(collector_attach(f.collector, &loop), 0);
    int fd = notice_fd();
    make_pair("va", "vb");
    run_loop(&loop, fd);

    /* An overrun wakes the loop with an error; it has to go on watching afterwards. */
    int tiny = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
    run("for i in $(seq 30); do ip address add 10.3.0.$i/24 dev va; done");
    run_loop(&loop, fd);
    tick(&f);
    assert_true(has_event(&f, EVENT_LINK, "change", "added"));
    assert_true(has_event(&f, EVENT_LOSS, "reason", "kernel"));
    assert_counter(&f.stand, "netsonde_netlink_overruns_total", SAMPLE_GAP, 1, 0);
    int room = 1 << 16;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    run("ip link set va mtu 1234");
    run_loop(&loop, fd);
    tick(&f);
    assert_true(has_event(&f, EVENT_LINK, "change", "mtu"));

    int done = 0;
    collector_detach(f.collector, count_call, &done);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
    fixture_end(&f);
    run("ip link delete va");
}

/* What a failed test left behind must not fail the next one. */
static int clean_up(void **state)
{
    (void)state;
    if (!skip_reason)
        (void)!system("for d in va vc lan7; do ip link delete $d 2>/dev/null; done");
    return 0;
}

static int only_counts(void **state)
{
    (void)state;
    counts_only = true;
    return 0;
}

static int clean_up_counts(void **state)
{
    counts_only = false;
    return clean_up(state);
}

#define COUNTS(test)                                                                               \
    {                                                                                              \
#test "_counts_only", test, only_counts, clean_up_counts, NULL                             \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_numbers_netlink, clean_up),
        cmocka_unit_test_teardown(test_numbers_procfs, clean_up),
        cmocka_unit_test_teardown(test_properties, clean_up),
        cmocka_unit_test_teardown(test_swap_netlink, clean_up),
        cmocka_unit_test_teardown(test_swap_procfs, clean_up),
        cmocka_unit_test_teardown(test_recreated_within_a_tick, clean_up),
        cmocka_unit_test_teardown(test_rename_and_delete, clean_up),
        cmocka_unit_test_teardown(test_flap, clean_up),
        COUNTS(test_numbers_netlink),
        COUNTS(test_properties),
        COUNTS(test_swap_netlink),
        COUNTS(test_recreated_within_a_tick),
        COUNTS(test_rename_and_delete),
        COUNTS(test_appears),
        cmocka_unit_test_teardown(test_overrun, clean_up),
        cmocka_unit_test_teardown(test_errors_never_fall, clean_up),
        cmocka_unit_test_teardown(test_loop, clean_up),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
