/*
 * Sockets as a kernel told of them (record_sockets.py), field by field against what `ss` showed at
 * the same time; the same messages cut off and damaged.
 */
#include "stand.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "collect/netlink/diag.h"
#include "wire/inet_diag.h"
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
    ssize_t len = read(fd, r.data, (1 << 20) - 1);
    assert_true(len > 0);
    r.len = (size_t)len;
    r.data[len] = '\0';
    close(fd);
    free(path);
    return r;
}

static const struct {
    const char *name;
    unsigned protocol;
    size_t sockets;
} dumps[] = {
    {"tcp4.bin", IPPROTO_TCP, 11},    {"tcp6.bin", IPPROTO_TCP, 7},
    {"udp4.bin", IPPROTO_UDP, 2},     {"udp6.bin", IPPROTO_UDP, 2},
    {"mptcp4.bin", IPPROTO_MPTCP, 3}, {"mptcp6.bin", IPPROTO_MPTCP, 3},
};

/* The line of ss about a socket: its cookie is there once. */
static char *line_of(const struct recording *shown, uint64_t cookie)
{
    char *key = mem_printf(" sk:%" PRIx64, cookie);
    const char *at = shown->data;
    while ((at = strstr(at, key)) && at[strlen(key)] != ' ' && at[strlen(key)] != '\n')
        at++;
    free(key);
    assert_non_null(at);
    const char *begin = at;
    while (begin > shown->data && begin[-1] != '\n')
        begin--;
    return strndup(begin, strcspn(begin, "\n"));
}

/* The number behind " key:"; fallback when ss leaves it out. */
static double number_of(const char *line, const char *key, double fallback)
{
    char *full = mem_printf(" %s:", key);
    const char *at = strstr(line, full);
    double value = at ? strtod(at + strlen(full), NULL) : fallback;
    free(full);
    return value;
}

static void check_tcp(const char *line, const struct inet_diag_socket *s)
{
    assert_true(s->has & INET_DIAG_HAS_TCP && s->has & INET_DIAG_HAS_BYTES &&
                s->has & INET_DIAG_HAS_DELIVERY && s->has & INET_DIAG_HAS_SENT);
    assert_true((double)s->tcp.bytes_acked == number_of(line, "bytes_acked", 0));
    assert_true((double)s->tcp.bytes_received == number_of(line, "bytes_received", 0));
    assert_true((double)s->tcp.bytes_sent == number_of(line, "bytes_sent", 0));
    assert_true(s->tcp.bytes_retrans == 0);
    assert_true(s->tcp.cwnd == number_of(line, "cwnd", -1));
    assert_true(s->tcp.unacked == number_of(line, "unacked", 0));
    if (s->state == SOCKET_LISTEN)
        return;
    assert_true(s->tcp.rto_us / 1000 == number_of(line, "rto", -1));
    assert_true(s->tcp.mss_bytes == number_of(line, "mss", -1));
    assert_true(s->tcp.pmtu_bytes == number_of(line, "pmtu", -1));
    assert_true(s->tcp.segs_out == number_of(line, "segs_out", 0));
    assert_true(s->tcp.segs_in == number_of(line, "segs_in", 0));
    assert_true(s->tcp.min_rtt_us == (uint32_t)(number_of(line, "minrtt", -1) * 1000 + 0.5));
    assert_true(s->tcp.rtt_us == (uint32_t)(number_of(line, "rtt", -1) * 1000 + 0.5));
    const char *slash = strchr(strstr(line, " rtt:"), '/');
    assert_true(s->tcp.rttvar_us == (uint32_t)(strtod(slash + 1, NULL) * 1000 + 0.5));
    const char *rate = strstr(line, " pacing_rate ");
    assert_true((double)s->tcp.pacing_rate * 8 == strtod(rate + strlen(" pacing_rate "), NULL));
    rate = strstr(line, " delivery_rate ");
    assert_true((double)s->tcp.delivery_rate * 8 ==
                (rate ? strtod(rate + strlen(" delivery_rate "), NULL) : 0));
    assert_string_equal(s->congestion, "bbr");
}

static void check_fixed_part(const char *line, const struct inet_diag_socket *s)
{
    static const char *const states[] = {
        [SOCKET_ESTABLISHED] = " ESTAB ",
        [SOCKET_TIME_WAIT] = " TIME-WAIT ",
        [SOCKET_CLOSE] = " UNCONN ",
        [SOCKET_LISTEN] = " LISTEN ",
    };
    assert_true(s->state < ARRAY_LEN(states) && states[s->state]);
    assert_non_null(strstr(line, states[s->state]));
    assert_true(s->inode == number_of(line, "ino", -1));
    assert_int_equal(s->uid, 0);
    char address[INET6_ADDRSTRLEN];
    inet_ntop(s->family, s->local, address, sizeof(address));
    bool any = strcmp(address, "::") == 0 && s->state == SOCKET_LISTEN && !strstr(line, "[::]:");
    char *local = s->family == AF_INET ? mem_printf(" %s:%u ", address, s->local_port)
                                       : mem_printf(" [%s]:%u ", address, s->local_port);
    assert_true(any || strstr(line, local));
    free(local);
    inet_ntop(s->family, s->remote, address, sizeof(address));
    char *remote = s->family == AF_INET ? mem_printf(" %s:%u ", address, s->remote_port)
                                        : mem_printf(" [%s]:%u ", address, s->remote_port);
    assert_true(s->remote_port == 0 || strstr(line, remote));
    free(remote);
    unsigned receive, send;
    assert_int_equal(sscanf(strstr(line, states[s->state]), "%*s %u %u", &receive, &send), 2);
    assert_int_equal(s->receive_queue, receive);
    assert_int_equal(s->send_queue, send);
    if (s->state == SOCKET_TIME_WAIT) {
        assert_int_equal(s->timer, 3);
        assert_true(s->expires_ms > 50000 && s->expires_ms <= 60000);
    }
}

static void test_against_ss(void **state)
{
    (void)state;
    struct recording shown = recording_read("sockets.txt");
    for (size_t i = 0; i < ARRAY_LEN(dumps); i++) {
        struct recording r = recording_read(dumps[i].name);
        const struct nlmsghdr *msg = NULL;
        bool bad = false;
        size_t count = 0;
        while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
            struct inet_diag_socket s;
            if (msg->nlmsg_type == NLMSG_DONE)
                continue;
            assert_int_equal(inet_diag_parse(msg, dumps[i].protocol, &s), 0);
            count++;
            char *line CLEANUP(mem_freep) = line_of(&shown, s.cookie);
            check_fixed_part(line, &s);
            if (s.state == SOCKET_TIME_WAIT) {
                assert_int_equal(s.has & ~(uint32_t)INET_DIAG_HAS_MARK, 0);
                continue;
            }
            assert_true(s.has & INET_DIAG_HAS_MEMORY && s.has & INET_DIAG_HAS_SOCKET_MEMORY);
            assert_true(s.has & INET_DIAG_HAS_CGROUP && s.cgroup_id > 0);
            assert_true(s.has & INET_DIAG_HAS_SHUTDOWN && s.shutdown == 0);
            if (dumps[i].protocol == IPPROTO_TCP)
                check_tcp(line, &s);
            if (s.state == SOCKET_CLOSE)
                assert_true(s.memory[0] == 832 && s.socket_memory.rmem == 832 &&
                            s.socket_memory.drops == 0); /* a datagram of 8 bytes and its frame */
            if (dumps[i].protocol == IPPROTO_MPTCP && s.state == SOCKET_ESTABLISHED) {
                const char *token = strstr(line, " token:");
                assert_true(s.mptcp.token == strtoul(token + strlen(" token:"), NULL, 16));
                assert_true(s.has & INET_DIAG_HAS_MPTCP_BYTES);
                if (s.local_port == 4003)
                    assert_int_equal(s.mptcp.bytes_received, 1234);
                if (s.remote_port == 4003)
                    assert_int_equal(s.mptcp.bytes_sent, 1234);
            }
            assert_int_equal(!!strstr(line, "tcp-ulp-mptcp"), strcmp(s.ulp, "mptcp") == 0);
        }
        assert_false(bad);
        assert_int_equal(count, dumps[i].sockets);
        free(r.data);
    }
    free(shown.data);
}

static void test_closes(void **state)
{
    (void)state;
    struct recording r = recording_read("closes.bin");
    const struct nlmsghdr *msg = NULL;
    bool bad = false, client = false, server = false;
    size_t udp = 0, tcp = 0;
    while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
        struct inet_diag_socket s;
        struct socket_seen seen;
        assert_int_equal(inet_diag_parse(msg, 0, &s), 0);
        assert_true(s.has & INET_DIAG_HAS_PROTOCOL && s.cookie > 0);
        udp += s.protocol == IPPROTO_UDP;
        tcp += s.protocol == IPPROTO_TCP;
        diag_seen(&s, s.protocol, &seen);
        assert_int_equal(seen.has_bytes, s.protocol == IPPROTO_TCP);
        assert_true(seen.uid == UINT32_MAX); /* a notice does not tell */
        if (s.remote_port == 4008) {         /* SYN and FIN are one byte each */
            client = true;
            assert_int_equal(seen.tx_bytes, 10 + 2);
            assert_int_equal(seen.rx_bytes, 0 + 1);
        } else if (s.local_port == 4008 && s.remote_port) {
            server = true;
            assert_int_equal(seen.rx_bytes, 10 + 1);
            assert_int_equal(seen.tx_bytes, 0 + 1);
        }
    }
    assert_true(!bad && client && server);
    assert_int_equal(udp, 2);
    assert_true(tcp > 10);
    free(r.data);
}

/* As the census gets them. */
static void test_seen(void **state)
{
    (void)state;
    struct recording r = recording_read("tcp4.bin");
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    size_t found = 0;
    while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
        struct inet_diag_socket s;
        struct socket_seen seen;
        if (msg->nlmsg_type == NLMSG_DONE)
            continue;
        assert_int_equal(inet_diag_parse(msg, IPPROTO_TCP, &s), 0);
        diag_seen(&s, IPPROTO_TCP, &seen);
        assert_true(seen.cookie == s.cookie && seen.netns == 0);
        assert_string_equal(seen.method, "sock_diag");
        assert_int_equal(seen.local.family, AF_INET);
        assert_memory_equal(seen.local.address, s.local, 16);
        assert_memory_equal(seen.remote.address, s.remote, 16);
        bool moves = s.state != SOCKET_LISTEN && s.state != SOCKET_TIME_WAIT;
        assert_int_equal(seen.has_quality, moves);
        assert_int_equal(seen.has_bytes, moves);
        assert_int_equal(seen.uid, s.inode ? 0 : UINT32_MAX);
        if (seen.remote.port == 4001 && seen.rx_bytes == 733) {
            found++;
            assert_int_equal(seen.tx_bytes, 5001);
            assert_int_equal(seen.protocol, IPPROTO_TCP);
            assert_int_equal(seen.state, SOCKET_ESTABLISHED);
            assert_int_equal(seen.quality.rtt_us, s.tcp.rtt_us);
            assert_int_equal(seen.quality.cwnd, s.tcp.cwnd);
            assert_true(seen.quality.pacing_bps == s.tcp.pacing_rate);
        }
        /* What a multipath connection moves counts in the TCP connections below it. */
        diag_seen(&s, IPPROTO_MPTCP, &seen);
        assert_false(seen.has_bytes);
    }
    assert_int_equal(found, 1);
    free(r.data);
}

/* Every message cut at every length, and with every byte of its head and lengths changed. */
static void test_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dumps); i++) {
        struct recording r = recording_read(dumps[i].name);
        const struct nlmsghdr *msg = NULL;
        bool bad = false;
        while (rtnetlink_next(r.data, r.len, &msg, &bad)) {
            for (uint32_t len = sizeof(*msg); len <= msg->nlmsg_len; len++) {
                struct nlmsghdr *copy = malloc(len);
                struct inet_diag_socket s;
                memcpy(copy, msg, len);
                copy->nlmsg_len = len;
                int err = inet_diag_parse(copy, dumps[i].protocol, &s);
                assert_true(err == 0 || err == -EBADMSG);
                ((unsigned char *)copy)[len - 1] ^= 0x81; /* also the lengths of attributes */
                err = inet_diag_parse(copy, dumps[i].protocol, &s);
                assert_true(err == 0 || err == -EBADMSG || err == -EAFNOSUPPORT);
                free(copy);
            }
        }
        free(r.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_ss),
        cmocka_unit_test(test_closes),
        cmocka_unit_test(test_seen),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("collect/netlink/recorded_sockets", tests, NULL, NULL);
}
