/*
 * What the engine makes of a kernel that is interrupted, out of room, older or wrong. The calls
 * that libmnl sends and receives with are this program's own here: they answer as a script says. So
 * is the census: it only counts what it is told.
 */
#include "stand.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "collect/netlink/diag.h"

/* ---- the census ---------------------------------------------------------------------------- */

static struct {
    size_t sockets, complete, closed, round_trips, losses, left_out;
    struct socket_seen last_closed;
} told;

void census_socket(struct census *c, const struct socket_seen *given)
{
    (void)c;
    assert_string_equal(given->method, "sock_diag");
    told.sockets++;
}

void census_sockets_complete(struct census *c, const char *method)
{
    (void)c;
    assert_string_equal(method, "sock_diag");
    told.complete++;
}

void census_socket_closed(struct census *c, const struct socket_seen *given, int64_t t_ms)
{
    (void)c;
    assert_int_equal(t_ms, STAND_T0_MS);
    told.closed++;
    told.last_closed = *given;
}

void census_round_trip(struct census *c, int64_t rtt_ns)
{
    (void)c;
    assert_int_equal(rtt_ns, 250000);
    told.round_trips++;
}

void census_event(struct census *c, struct event *e)
{
    (void)c;
    assert_int_equal(e->kind, EVENT_LOSS);
    assert_string_equal(event_get_text(e, "reason"), "kernel");
    told.losses++;
    event_unref(e);
}

void census_lost(struct census *c, uint64_t count, const char *what)
{
    (void)c;
    assert_string_equal(what, "sockets");
    told.left_out += count;
}

/* ---- the kernel ---------------------------------------------------------------------------- */

enum { BOTH, TCP4, TCP6, UDP4, UDP6, OTHER, KINDS };

static struct {
    /* What a dump of each kind comes to: 0, or the error at its end; for so many attempts. */
    int error[KINDS], attempts[KINDS];
    bool interrupted; /* errors are the flag of a dump that changed, not errors */
    bool overflow;    /* errors are of the receiving, in the middle */
    bool broken;      /* sockets with attributes that make no sense */
    int parts[KINDS]; /* of its dump, a socket in each; 0: two */
    size_t asked[KINDS];
    size_t mptcp_asked;
    int dump_fd;
    uint32_t seq;
    int kind; /* that is being dumped; -1: none */
    int part;
    size_t notices, notices_lost;
} kernel;

static int kind_of(const struct nlmsghdr *request)
{
    const struct inet_diag_req_v2 *query = NLMSG_DATA(request);
    if (request->nlmsg_type == TCPDIAG_GETSOCK)
        return BOTH;
    if (query->sdiag_protocol == IPPROTO_TCP)
        return query->sdiag_family == AF_INET ? TCP4 : TCP6;
    if (query->sdiag_protocol == IPPROTO_UDP)
        return query->sdiag_family == AF_INET ? UDP4 : UDP6;
    kernel.mptcp_asked += request->nlmsg_len > NLMSG_LENGTH(sizeof(*query));
    return OTHER;
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
               socklen_t addr_len)
{
    (void)flags, (void)addr, (void)addr_len;
    const struct nlmsghdr *request = buf;
    kernel.dump_fd = fd;
    kernel.kind = kind_of(request);
    kernel.asked[kernel.kind]++;
    kernel.seq = request->nlmsg_seq;
    kernel.part = 0;
    return (ssize_t)n;
}

struct datagram {
    struct nlmsghdr head;
    struct inet_diag_msg body;
    struct nlattr protocol_head;
    uint32_t protocol;
    struct nlattr info_head;
    uint32_t info[62]; /* of struct tcp_info */
};

static size_t put_socket(void *to, unsigned protocol, uint32_t seq)
{
    struct datagram d = {
        .head = {.nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_seq = seq, .nlmsg_len = sizeof(d)},
        .body = {.idiag_family = AF_INET, .idiag_state = 1, .id.idiag_cookie = {1}},
        .protocol_head = {.nla_len = 5, .nla_type = INET_DIAG_PROTOCOL},
        .protocol = protocol,
        .info_head = {.nla_len = sizeof(d.info) + 4, .nla_type = INET_DIAG_INFO},
        .info = {[17] = 250, [30] = 1000, [32] = 2000}, /* round trip; bytes sent, received */
    };
    if (kernel.broken)
        d.info_head.nla_len = 3;
    memcpy(to, &d, sizeof(d));
    return sizeof(d);
}

/* Two sockets, or as many as the script says, then the end. */
static ssize_t next_of_dump(void *to)
{
    bool fails = kernel.error[kernel.kind] && kernel.attempts[kernel.kind] > 0;
    int parts = kernel.parts[kernel.kind] ? kernel.parts[kernel.kind] : 2;
    if (kernel.part < parts && !(fails && kernel.error[kernel.kind] == -ENOENT)) {
        kernel.part++;
        if (fails && kernel.overflow && kernel.part == 2) {
            kernel.attempts[kernel.kind]--;
            errno = ENOBUFS;
            return -1;
        }
        size_t len = put_socket(to, IPPROTO_TCP, kernel.seq);
        if (fails && kernel.interrupted)
            ((struct nlmsghdr *)to)->nlmsg_flags |= NLM_F_DUMP_INTR;
        return (ssize_t)len;
    }
    struct {
        struct nlmsghdr head;
        int error;
    } end = {.head = {.nlmsg_type = NLMSG_DONE, .nlmsg_seq = kernel.seq, .nlmsg_len = sizeof(end)}};
    if (fails) {
        kernel.attempts[kernel.kind]--;
        if (!kernel.interrupted)
            end.error = kernel.error[kernel.kind];
    }
    kernel.kind = -1;
    memcpy(to, &end, sizeof(end));
    return sizeof(end);
}

static ssize_t next_notice(void *to)
{
    if (kernel.notices_lost) {
        kernel.notices_lost--;
        errno = ENOBUFS;
        return -1;
    }
    if (!kernel.notices) {
        errno = EAGAIN;
        return -1;
    }
    kernel.notices--;
    return (ssize_t)put_socket(to, IPPROTO_TCP, 0);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    (void)flags;
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    memcpy(message->msg_name, &from, sizeof(from));
    message->msg_namelen = sizeof(from);
    message->msg_flags = 0;
    assert_true(message->msg_iov[0].iov_len >= sizeof(struct datagram));
    return fd == kernel.dump_fd && kernel.kind >= 0 ? next_of_dump(message->msg_iov[0].iov_base)
                                                    : next_notice(message->msg_iov[0].iov_base);
}

/* ---- rounds -------------------------------------------------------------------------------- */

static const struct diag_wanted all = {.dumps = true, .round_trips = true, .closes = true};

static struct diag *start(void)
{
    memset(&kernel, 0, sizeof(kernel));
    memset(&told, 0, sizeof(told));
    kernel.dump_fd = -1;
    kernel.kind = -1;
    struct diag *d = diag_new();
    if (diag_open_dumps(d) < 0 || diag_open_closes(d, NULL) < 0) {
        diag_free(d);
        print_message("# skipped: needs NETLINK_SOCK_DIAG\n");
        skip();
    }
    return d;
}

/* What the census is, nobody looks at. */
static int survey(struct diag *d, int64_t second)
{
    static char census;
    memset(&told, 0, sizeof(told));
    memset(kernel.asked, 0, sizeof(kernel.asked));
    return diag_survey(d, (struct census *)&census, all, STAND_T0_MS, second * NS_PER_S);
}

static struct diag_counts counts(const struct diag *d)
{
    struct diag_counts c;
    diag_counts(d, &c);
    return c;
}

static void test_whole(void **state)
{
    (void)state;
    struct diag *d = start();
    assert_int_equal(survey(d, 1), 0);
    assert_int_equal(told.complete, 1);
    assert_int_equal(told.sockets, counts(d).sockets);
    assert_int_equal(kernel.asked[BOTH], 1);
    assert_int_equal(kernel.asked[TCP4] + kernel.asked[TCP6], 0);
    assert_int_equal(kernel.asked[UDP4], 1);
    assert_int_equal(told.round_trips, 0); /* since when? */
    assert_int_equal(survey(d, 2), 0);
    assert_int_equal(told.complete, 1);
    assert_int_equal(told.round_trips, 2); /* of TCP, each once */
    diag_free(d);
}

/* Once more, and only when that does not help nothing is concluded. */
static void test_interrupted(void **state)
{
    (void)state;
    for (int overflow = 0; overflow < 2; overflow++) {
        struct diag *d = start();
        kernel.interrupted = !overflow;
        kernel.overflow = overflow;
        survey(d, 1);
        kernel.error[BOTH] = -EINTR;
        kernel.attempts[BOTH] = 1;
        assert_int_equal(survey(d, 2), 0);
        assert_int_equal(kernel.asked[BOTH], 2);
        assert_int_equal(told.complete, 1);
        assert_int_equal(told.round_trips <= 2, 1);
        assert_int_equal(counts(d).incomplete, 0);
        kernel.attempts[BOTH] = 100;
        assert_int_equal(survey(d, 3), 0);
        assert_int_equal(kernel.asked[BOTH], 2);
        assert_int_equal(kernel.asked[TCP4], 0); /* no better one by one */
        assert_int_equal(kernel.asked[UDP4], 1); /* the others are read */
        assert_int_equal(told.complete, 0);
        assert_int_equal(counts(d).incomplete, 1);
        kernel.attempts[BOTH] = 0;
        survey(d, 4);
        assert_int_equal(told.complete, 1);
        diag_free(d);
    }
}

static void test_unknown(void **state)
{
    (void)state;
    struct diag *d = start();
    for (int i = UDP4; i <= UDP6; i++) {
        kernel.error[i] = -ENOENT;
        kernel.attempts[i] = 1000;
    }
    assert_int_equal(survey(d, 1), 0);
    assert_int_equal(told.complete, 1); /* there are none: that is all */
    size_t asked = 0;
    for (int i = 2; i < 130; i++) {
        survey(d, i);
        assert_int_equal(told.complete, 1);
        asked += kernel.asked[UDP4];
    }
    assert_int_equal(asked, 2);
    diag_free(d);
}

static void test_module_gone(void **state)
{
    (void)state;
    struct diag *d = start();
    survey(d, 1);
    for (int i = BOTH; i <= TCP6; i++) {
        kernel.error[i] = -ENOENT;
        kernel.attempts[i] = 1000;
    }
    for (int i = 2; i < 5; i++) {
        assert_int_equal(survey(d, i), -ENOENT);
        assert_int_equal(told.complete, 0); /* they are not closed */
    }
    diag_free(d);
}

/* A kernel that no longer has the oldest request is asked for each family. */
static void test_each_family(void **state)
{
    (void)state;
    struct diag *d = start();
    kernel.error[BOTH] = -EINVAL;
    kernel.attempts[BOTH] = 1000;
    survey(d, 1);
    assert_int_equal(kernel.asked[TCP4], 1);
    assert_int_equal(kernel.asked[TCP6], 1);
    assert_int_equal(told.complete, 1);
    survey(d, 2);
    assert_int_equal(kernel.asked[BOTH], 0);
    assert_int_equal(kernel.asked[TCP4], 1);
    assert_int_equal(told.complete, 1);
    diag_free(d);
}

/* TCP cannot be read: the caller hears of it. */
static void test_all_fail(void **state)
{
    (void)state;
    struct diag *d = start();
    for (int i = 0; i < KINDS; i++) {
        kernel.error[i] = -EACCES;
        kernel.attempts[i] = 1000;
    }
    assert_int_equal(survey(d, 1), -EACCES);
    assert_int_equal(told.complete, 0);
    /* UDP alone is a list that is not whole. */
    kernel.attempts[BOTH] = 0;
    assert_int_equal(survey(d, 2), 0);
    assert_int_equal(told.complete, 0);
    diag_free(d);
}

/* More parts than are handed out: the first are told, the rest is counted, TCP is not lost. */
static void test_too_many(void **state)
{
    (void)state;
    struct diag *d = start();
    assert_int_equal(survey(d, 1), 0);
    size_t others = told.sockets - 2;
    kernel.parts[BOTH] = 5000;
    assert_int_equal(survey(d, 2), 0);
    assert_int_equal(kernel.asked[BOTH], 1);
    assert_int_equal(told.sockets, 4096 + others);
    assert_int_equal(told.left_out, 5000 - 4096);
    assert_int_equal(told.complete, 0);
    assert_int_equal(counts(d).incomplete, 1);
    kernel.parts[BOTH] = 0; /* the dump was read to its end: the next one is whole */
    assert_int_equal(survey(d, 3), 0);
    assert_int_equal(told.complete, 1);
    assert_int_equal(told.left_out, 0);
    diag_free(d);
}

static void test_broken(void **state)
{
    (void)state;
    struct diag *d = start();
    kernel.broken = true;
    survey(d, 1);
    assert_int_equal(told.sockets, 0);
    assert_int_equal(told.complete, 0);
    assert_int_equal(counts(d).bad > 0, 1);
    diag_free(d);
}

static void test_closes(void **state)
{
    (void)state;
    struct diag *d = start();
    kernel.notices = 3;
    survey(d, 1);
    assert_int_equal(told.closed, 3);
    assert_int_equal(told.losses, 0);
    assert_int_equal(told.last_closed.state, SOCKET_CLOSE);
    assert_int_equal(told.last_closed.tx_bytes, 1000);
    assert_int_equal(told.last_closed.rx_bytes, 2000);
    assert_int_equal(told.last_closed.quality.rtt_us, 250);

    /* A loss stands in front of those that are there; they are read. */
    kernel.notices = 2;
    kernel.notices_lost = 1;
    survey(d, 2);
    assert_int_equal(told.closed, 2);
    assert_int_equal(told.losses, 1);
    assert_int_equal(counts(d).overruns, 1);

    /* Nobody wants them: read and thrown away. */
    kernel.notices = 5;
    kernel.notices_lost = 1;
    memset(&told, 0, sizeof(told));
    diag_survey(d, NULL, (struct diag_wanted){0}, STAND_T0_MS, 3 * NS_PER_S);
    assert_int_equal(kernel.notices, 0);
    assert_int_equal(told.closed + told.losses + told.sockets + told.complete, 0);
    assert_int_equal(counts(d).overruns, 2);
    diag_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),       cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_unknown),     cmocka_unit_test(test_module_gone),
        cmocka_unit_test(test_each_family), cmocka_unit_test(test_all_fail),
        cmocka_unit_test(test_too_many),    cmocka_unit_test(test_broken),
        cmocka_unit_test(test_closes),
    };
    return cmocka_run_group_tests_name("collect/netlink/diag", tests, NULL, NULL);
}
