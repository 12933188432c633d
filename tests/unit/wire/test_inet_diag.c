/*
 * test_inet_diag.c: every field of a socket's message, kernels that know less and more than this
 * one, and messages that lie about their lengths. Messages of a real kernel are replayed in
 * tests/component/netlink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/mptcp.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "wire/inet_diag.h"

struct message {
    _Alignas(struct nlmsghdr) char bytes[4096];
};

static struct nlmsghdr *head_of(struct message *m)
{
    return (struct nlmsghdr *)m->bytes;
}

static struct inet_diag_msg *body_of(struct message *m)
{
    return NLMSG_DATA(head_of(m));
}

static void begin(struct message *m, uint8_t family)
{
    memset(m, 0, sizeof(*m));
    head_of(m)->nlmsg_len = NLMSG_LENGTH(sizeof(struct inet_diag_msg));
    head_of(m)->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    body_of(m)->idiag_family = family;
    body_of(m)->idiag_state = 1;
}

/* Returns where the attribute begins. */
static size_t put(struct message *m, uint16_t type, const void *data, size_t len)
{
    size_t at = NLMSG_ALIGN(head_of(m)->nlmsg_len);
    struct nlattr attribute = {.nla_len = (uint16_t)(sizeof(attribute) + len), .nla_type = type};
    assert_true(at + sizeof(attribute) + len <= sizeof(m->bytes));
    memcpy(m->bytes + at, &attribute, sizeof(attribute));
    if (len)
        memcpy(m->bytes + at + sizeof(attribute), data, len);
    head_of(m)->nlmsg_len = (uint32_t)(at + sizeof(attribute) + len);
    return at;
}

/* In an allocation of exactly the message's size, so that a read behind its end is seen. */
static int parse(const struct message *m, unsigned protocol, struct inet_diag_socket *ret)
{
    size_t len = ((const struct nlmsghdr *)m->bytes)->nlmsg_len;
    struct nlmsghdr *copy = malloc(MAX(len, sizeof(*copy)));
    memcpy(copy, m->bytes, MAX(len, sizeof(*copy)));
    int err = inet_diag_parse(copy, protocol, ret);
    free(copy);
    return err;
}

static void test_fixed_part(void **state)
{
    (void)state;
    struct message m;
    begin(&m, AF_INET6);
    struct inet_diag_msg *body = body_of(&m);
    body->idiag_state = 8;
    body->idiag_timer = 2;
    body->idiag_retrans = 3;
    body->id.idiag_sport = htons(443);
    body->id.idiag_dport = htons(51234);
    inet_pton(AF_INET6, "2001:db8::1", body->id.idiag_src);
    inet_pton(AF_INET6, "2001:db8::2", body->id.idiag_dst);
    body->id.idiag_if = 7;
    body->id.idiag_cookie[0] = 0x89abcdef;
    body->id.idiag_cookie[1] = 0x01234567;
    body->idiag_expires = 59000;
    body->idiag_rqueue = 11;
    body->idiag_wqueue = 12;
    body->idiag_uid = 1000;
    body->idiag_inode = 123456;
    struct inet_diag_socket s;
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), 0);
    assert_int_equal(s.family, AF_INET6);
    assert_int_equal(s.state, 8);
    assert_int_equal(s.timer, 2);
    assert_int_equal(s.timer_tries, 3);
    assert_int_equal(s.local_port, 443);
    assert_int_equal(s.remote_port, 51234);
    assert_memory_equal(s.local, body->id.idiag_src, 16);
    assert_memory_equal(s.remote, body->id.idiag_dst, 16);
    assert_int_equal(s.interface, 7);
    assert_true(s.cookie == UINT64_C(0x0123456789abcdef));
    assert_int_equal(s.expires_ms, 59000);
    assert_int_equal(s.receive_queue, 11);
    assert_int_equal(s.send_queue, 12);
    assert_int_equal(s.uid, 1000);
    assert_int_equal(s.inode, 123456);
    assert_int_equal(s.has, 0);

    /* Of an IPv4 address only four bytes count; the kernel leaves the others as they were once. */
    body->idiag_family = AF_INET;
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), 0);
    assert_memory_equal(s.local, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);

    body->idiag_family = AF_UNIX;
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), -EAFNOSUPPORT);
    body->idiag_family = AF_INET;
    head_of(&m)->nlmsg_type = NLMSG_DONE;
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), -EBADMSG);
}

/* Each field has a value of its own; as far as this machine's header goes, whose offsets are those
 * of every kernel. */
static struct tcp_info some_info(void)
{
    return (struct tcp_info){
        .tcpi_ca_state = 3,
        .tcpi_retransmits = 4,
        .tcpi_backoff = 5,
        .tcpi_rto = 204000,
        .tcpi_snd_mss = 1448,
        .tcpi_unacked = 9,
        .tcpi_lost = 2,
        .tcpi_retrans = 1,
        .tcpi_last_ack_recv = 77,
        .tcpi_pmtu = 1500,
        .tcpi_rtt = 12345,
        .tcpi_rttvar = 678,
        .tcpi_snd_ssthresh = 21,
        .tcpi_snd_cwnd = 42,
        .tcpi_total_retrans = 17,
        .tcpi_pacing_rate = 1ULL << 40,
        .tcpi_bytes_acked = 5000000001ULL,
        .tcpi_bytes_received = 6000000001ULL,
        .tcpi_segs_out = 100,
        .tcpi_segs_in = 200,
        .tcpi_min_rtt = 11000,
        .tcpi_delivery_rate = 1ULL << 33,
        .tcpi_bytes_sent = 7000000001ULL,
        .tcpi_bytes_retrans = 24616,
    };
}

static void test_tcp_info(void **state)
{
    (void)state;
    struct message m;
    struct inet_diag_socket s;
    char info[sizeof(struct tcp_info) + 64]; /* a kernel of the future */
    memset(info, 0xee, sizeof(info));
    struct tcp_info known = some_info();
    memcpy(info, &known, sizeof(known));
    begin(&m, AF_INET);
    put(&m, INET_DIAG_INFO, info, sizeof(info));
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), 0);
    assert_int_equal(s.has, INET_DIAG_HAS_TCP | INET_DIAG_HAS_BYTES | INET_DIAG_HAS_DELIVERY |
                                INET_DIAG_HAS_SENT);
    assert_int_equal(s.tcp.congestion_state, 3);
    assert_int_equal(s.tcp.retransmits, 4);
    assert_int_equal(s.tcp.backoff, 5);
    assert_int_equal(s.tcp.rto_us, 204000);
    assert_int_equal(s.tcp.mss_bytes, 1448);
    assert_int_equal(s.tcp.unacked, 9);
    assert_int_equal(s.tcp.lost, 2);
    assert_int_equal(s.tcp.retrans, 1);
    assert_int_equal(s.tcp.last_ack_received_ms, 77);
    assert_int_equal(s.tcp.pmtu_bytes, 1500);
    assert_int_equal(s.tcp.rtt_us, 12345);
    assert_int_equal(s.tcp.rttvar_us, 678);
    assert_int_equal(s.tcp.ssthresh, 21);
    assert_int_equal(s.tcp.cwnd, 42);
    assert_int_equal(s.tcp.total_retrans, 17);
    assert_true(s.tcp.pacing_rate == 1ULL << 40);
    assert_true(s.tcp.bytes_acked == 5000000001ULL);
    assert_true(s.tcp.bytes_received == 6000000001ULL);
    assert_int_equal(s.tcp.segs_out, 100);
    assert_int_equal(s.tcp.segs_in, 200);
    assert_int_equal(s.tcp.min_rtt_us, 11000);
    assert_true(s.tcp.delivery_rate == 1ULL << 33);
    assert_true(s.tcp.bytes_sent == 7000000001ULL);
    assert_int_equal(s.tcp.bytes_retrans, 24616);
}

/* What a kernel tells, by the length of its tcp_info. */
static void test_older_kernels(void **state)
{
    (void)state;
    const struct tcp_info known = some_info();
    for (size_t len = 0; len <= sizeof(known); len++) {
        struct message m;
        struct inet_diag_socket s;
        begin(&m, AF_INET);
        put(&m, INET_DIAG_INFO, &known, len);
        if (len < offsetof(struct tcp_info, tcpi_pacing_rate)) {
            assert_int_equal(parse(&m, IPPROTO_TCP, &s), -EBADMSG);
            continue;
        }
        bool bytes = len >= offsetof(struct tcp_info, tcpi_segs_out);
        bool delivery = len >= offsetof(struct tcp_info, tcpi_busy_time);
        bool sent = len >= offsetof(struct tcp_info, tcpi_dsack_dups);
        assert_int_equal(parse(&m, IPPROTO_TCP, &s), 0);
        assert_int_equal(s.has, INET_DIAG_HAS_TCP | (bytes ? INET_DIAG_HAS_BYTES : 0) |
                                    (delivery ? INET_DIAG_HAS_DELIVERY : 0) |
                                    (sent ? INET_DIAG_HAS_SENT : 0));
        assert_int_equal(s.tcp.total_retrans, 17);
        if (bytes)
            assert_true(s.tcp.bytes_received == 6000000001ULL);
        else
            assert_true(s.tcp.bytes_received == 0);
        assert_true(s.tcp.bytes_retrans == (sent ? 24616 : 0));
    }
    /* Another protocol's INFO is none of ours, of whatever length. */
    struct message m;
    struct inet_diag_socket s;
    begin(&m, AF_INET);
    put(&m, INET_DIAG_INFO, &known, 12);
    assert_int_equal(parse(&m, IPPROTO_UDP, &s), 0);
    assert_int_equal(s.has, 0);
}

static void test_mptcp_info(void **state)
{
    (void)state;
    /* Since 6.5 the counters lie behind what older headers know. */
    char info[80] = {0};
    struct mptcp_info known = {.mptcpi_subflows = 2, .mptcpi_flags = 1, .mptcpi_token = 0xabcdef};
    memcpy(info, &known, offsetof(struct mptcp_info, mptcpi_csum_enabled) + 1);
    uint64_t counters[] = {555, 1000, 2000, 900}; /* sent again, sent, received, acked */
    memcpy(info + 48, counters, sizeof(counters));
    for (size_t len = 0; len <= sizeof(info); len++) {
        struct message m;
        struct inet_diag_socket s;
        begin(&m, AF_INET6);
        put(&m, INET_DIAG_INFO, info, len);
        if (len < 16) {
            assert_int_equal(parse(&m, IPPROTO_MPTCP, &s), -EBADMSG);
            continue;
        }
        assert_int_equal(parse(&m, IPPROTO_MPTCP, &s), 0);
        assert_int_equal(s.mptcp.subflows, 2);
        assert_int_equal(s.mptcp.flags, 1);
        assert_int_equal(s.mptcp.token, 0xabcdef);
        bool bytes = len >= sizeof(info);
        assert_int_equal(s.has, INET_DIAG_HAS_MPTCP | (bytes ? INET_DIAG_HAS_MPTCP_BYTES : 0));
        if (bytes) {
            assert_int_equal(s.mptcp.bytes_sent, 1000);
            assert_int_equal(s.mptcp.bytes_received, 2000);
            assert_int_equal(s.mptcp.bytes_acked, 900);
        }
    }
}

static void put_nest(struct message *m, const char *ulp, size_t len)
{
    char nest[64] = {0};
    struct nlattr inner = {.nla_len = (uint16_t)(sizeof(inner) + len), .nla_type = 1};
    memcpy(nest, &inner, sizeof(inner));
    memcpy(nest + sizeof(inner), ulp, len);
    put(m, INET_DIAG_ULP_INFO | NLA_F_NESTED, nest, sizeof(inner) + len);
}

static void test_attributes(void **state)
{
    (void)state;
    struct message m;
    struct inet_diag_socket s;
    const uint32_t memory[4] = {1, 2, 3, 4},
                   socket_memory[9] = {11, 12, 13, 14, 15, 16, 17, 18, 19};
    const uint32_t mark = 0x7777, class_id = 5;
    const uint64_t cgroup = UINT64_C(0x100000002);
    const uint8_t shutdown = 3, protocol = IPPROTO_ICMP;
    begin(&m, AF_INET);
    put(&m, INET_DIAG_MEMINFO, memory, sizeof(memory));
    put(&m, INET_DIAG_SKMEMINFO, socket_memory, sizeof(socket_memory));
    put(&m, INET_DIAG_MARK, &mark, sizeof(mark));
    put(&m, INET_DIAG_CLASS_ID, &class_id, sizeof(class_id));
    put(&m, INET_DIAG_CGROUP_ID, &cgroup, sizeof(cgroup));
    put(&m, INET_DIAG_SHUTDOWN, &shutdown, sizeof(shutdown));
    put(&m, INET_DIAG_PROTOCOL, &protocol, sizeof(protocol));
    put(&m, INET_DIAG_CONG, "cubic", 6);
    put_nest(&m, "tls", 4);
    put(&m, 4000, "of the future", 13);
    assert_int_equal(parse(&m, IPPROTO_RAW, &s), 0);
    assert_int_equal(s.has, INET_DIAG_HAS_MEMORY | INET_DIAG_HAS_SOCKET_MEMORY |
                                INET_DIAG_HAS_MARK | INET_DIAG_HAS_CLASS | INET_DIAG_HAS_CGROUP |
                                INET_DIAG_HAS_SHUTDOWN | INET_DIAG_HAS_PROTOCOL |
                                INET_DIAG_HAS_ULP);
    assert_memory_equal(s.memory, memory, sizeof(memory));
    assert_memory_equal(&s.socket_memory, socket_memory, sizeof(socket_memory));
    assert_int_equal(s.mark, mark);
    assert_int_equal(s.class_id, class_id);
    assert_true(s.cgroup_id == cgroup);
    assert_int_equal(s.shutdown, 3);
    assert_int_equal(s.protocol, IPPROTO_ICMP);
    assert_string_equal(s.congestion, "cubic");
    assert_string_equal(s.ulp, "tls");

    /* Before 4.7 nobody counted drops. */
    begin(&m, AF_INET);
    put(&m, INET_DIAG_SKMEMINFO, socket_memory, 8 * sizeof(uint32_t));
    assert_int_equal(parse(&m, IPPROTO_UDP, &s), 0);
    assert_int_equal(s.socket_memory.backlog, 18);
    assert_int_equal(s.socket_memory.drops, 0);

    /* A notice says what it is about itself. */
    struct tcp_info info = some_info();
    uint8_t tcp = IPPROTO_TCP;
    begin(&m, AF_INET);
    put(&m, INET_DIAG_INFO, &info, sizeof(info));
    assert_int_equal(parse(&m, 0, &s), 0);
    assert_int_equal(s.has, 0);
    put(&m, INET_DIAG_PROTOCOL, &tcp, sizeof(tcp));
    assert_int_equal(parse(&m, 0, &s), 0);
    assert_true(s.has & INET_DIAG_HAS_TCP);
}

static void test_too_short(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        size_t len;
    } least[] = {
        {INET_DIAG_MEMINFO, 16}, {INET_DIAG_SKMEMINFO, 32}, {INET_DIAG_MARK, 4},
        {INET_DIAG_CLASS_ID, 4}, {INET_DIAG_CGROUP_ID, 8},  {INET_DIAG_SHUTDOWN, 1},
        {INET_DIAG_PROTOCOL, 1},
    };
    const char zeros[64] = {0};
    struct message m;
    struct inet_diag_socket s;
    for (size_t i = 0; i < ARRAY_LEN(least); i++) {
        begin(&m, AF_INET);
        put(&m, least[i].type, zeros, least[i].len - 1);
        assert_int_equal(parse(&m, IPPROTO_UDP, &s), -EBADMSG);
        begin(&m, AF_INET);
        put(&m, least[i].type, zeros, least[i].len);
        assert_int_equal(parse(&m, IPPROTO_UDP, &s), 0);
    }
    /* Names that no kernel has. */
    begin(&m, AF_INET);
    put(&m, INET_DIAG_CONG, "0123456789abcdef", 16);
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), -EBADMSG);
    begin(&m, AF_INET);
    put_nest(&m, "0123456789abcdef", 16);
    assert_int_equal(parse(&m, IPPROTO_TCP, &s), -EBADMSG);
}

/* Cut anywhere: between two attributes it is a message that tells less, else it is bad. */
static void test_cut_off(void **state)
{
    (void)state;
    struct message m;
    struct inet_diag_socket s;
    const struct tcp_info info = some_info();
    uint8_t shutdown = 1;
    begin(&m, AF_INET);
    size_t first = head_of(&m)->nlmsg_len;
    size_t second = NLMSG_ALIGN(put(&m, INET_DIAG_SHUTDOWN, &shutdown, 1) + 5);
    put(&m, INET_DIAG_INFO, &info, sizeof(info));
    size_t whole = head_of(&m)->nlmsg_len;
    for (size_t len = 0; len <= whole; len++) {
        head_of(&m)->nlmsg_len = (uint32_t)len;
        int err = parse(&m, IPPROTO_TCP, &s);
        /* The padding behind the first attribute may be missing. */
        bool good = len == first || (len >= second - 3 && len <= second) || len == whole;
        assert_int_equal(err, good ? 0 : -EBADMSG);
    }
    /* Attributes that claim less than their head, or more than there is. */
    static const uint16_t lies[] = {0, 1, 3, 6, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        begin(&m, AF_INET);
        size_t at = put(&m, INET_DIAG_SHUTDOWN, &shutdown, 1);
        memcpy(m.bytes + at, &lies[i], sizeof(lies[i]));
        assert_int_equal(parse(&m, IPPROTO_TCP, &s), -EBADMSG);
    }
}

static void test_requests(void **state)
{
    (void)state;
    _Alignas(struct nlmsghdr) char buf[INET_DIAG_REQUEST_MAX];
    const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;
    const struct inet_diag_req_v2 *query = NLMSG_DATA(msg);
    size_t len = inet_diag_request_dump(buf, AF_INET6, IPPROTO_UDP, 0x82,
                                        INET_DIAG_ASK_INFO | INET_DIAG_ASK_SOCKET_MEMORY, 7);
    assert_int_equal(len, NLMSG_LENGTH(sizeof(*query)));
    assert_int_equal(msg->nlmsg_len, len);
    assert_int_equal(msg->nlmsg_type, SOCK_DIAG_BY_FAMILY);
    assert_int_equal(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_int_equal(msg->nlmsg_seq, 7);
    assert_int_equal(query->sdiag_family, AF_INET6);
    assert_int_equal(query->sdiag_protocol, IPPROTO_UDP);
    assert_int_equal(query->idiag_states, 0x82);
    assert_int_equal(query->idiag_ext, 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_SKMEMINFO - 1));
    static const struct inet_diag_sockid none;
    assert_memory_equal(&query->id, &none, sizeof(none));

    len = inet_diag_request_dump(buf, AF_INET, IPPROTO_MPTCP, UINT32_MAX, 0, 8);
    const struct nlattr *protocol = (const struct nlattr *)(buf + NLMSG_LENGTH(sizeof(*query)));
    assert_int_equal(len, NLMSG_LENGTH(sizeof(*query)) + 8);
    assert_int_equal(protocol->nla_type, INET_DIAG_REQ_PROTOCOL);
    assert_int_equal(protocol->nla_len, 8);
    assert_memory_equal(protocol + 1, &(uint32_t){IPPROTO_MPTCP}, 4);
    assert_int_equal(query->idiag_ext, 0);

    /* Both families at once, by the older request. */
    const struct inet_diag_req *both = NLMSG_DATA(msg);
    len = inet_diag_request_dump(buf, AF_UNSPEC, IPPROTO_TCP, 0xfff, INET_DIAG_ASK_INFO, 9);
    assert_int_equal(len, NLMSG_LENGTH(sizeof(*both)));
    assert_int_equal(msg->nlmsg_type, TCPDIAG_GETSOCK);
    assert_int_equal(msg->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_int_equal(both->idiag_states, 0xfff);
    assert_int_equal(both->idiag_ext, 1 << (INET_DIAG_INFO - 1));
    assert_memory_equal(&both->id, &none, sizeof(none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_part),    cmocka_unit_test(test_tcp_info),
        cmocka_unit_test(test_older_kernels), cmocka_unit_test(test_mptcp_info),
        cmocka_unit_test(test_attributes),    cmocka_unit_test(test_too_short),
        cmocka_unit_test(test_cut_off),       cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests_name("wire/inet_diag", tests, NULL, NULL);
}
