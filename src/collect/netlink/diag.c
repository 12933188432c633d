/*
 * diag.c: see diag.h.
 *
 *   dumps    one for each protocol and family; a protocol that the kernel does not know is asked
 *            for again now and then only, because the question makes the kernel look for a module
 *   closes   notices that wait in a socket of their own and are read before and after the dumps:
 *            what is missing in a dump has then mostly been told of with its exact last numbers
 *
 * A dump is not one moment: sockets open and close while it is read. One that the kernel calls
 * interrupted, or that fails for want of room, is asked for once more; when that does not help, the
 * census hears what there is but not that it is all, so nothing counts as closed for being absent.
 *
 * Of more sockets than anybody reads the first are told, the rest is counted as lost, and again the
 * list is not all.
 *
 * A multipath connection is there twice: as itself (MPTCP), and as the TCP connections below it,
 * with the same inode. Bytes are told for the latter alone, or they would count twice. Most hosts
 * have none, and the kernel's table of them takes long to look through: they are asked for when a
 * TCP connection says that it is part of one, and now and then.
 *
 * The bytes of TCP are those of `ss`: bytes_acked and bytes_received, in which SYN and FIN count as
 * one byte each. UDP has none here.
 */
#include "collect/netlink/diag.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/netlink/socket.h"

/* Twice that in the kernel's books: notices of some 25,000 TCP connections between two surveys. */
#define CLOSES_BYTES (16U * 1024 * 1024)
#define CLOSES_MAX 200000 /* read in one survey */
#define ASK_AGAIN_ROUNDS 64
#define CLOSE_GROUPS                                                                               \
    (1U << (SKNLGRP_INET_TCP_DESTROY - 1) | 1U << (SKNLGRP_INET_UDP_DESTROY - 1) |                 \
     1U << (SKNLGRP_INET6_TCP_DESTROY - 1) | 1U << (SKNLGRP_INET6_UDP_DESTROY - 1))

static const struct {
    uint8_t family;
    uint16_t protocol;
} kinds[] = {
    {AF_UNSPEC, IPPROTO_TCP}, /* both families, or else the next two one by one */
    {AF_INET, IPPROTO_TCP},    {AF_INET6, IPPROTO_TCP},    {AF_INET, IPPROTO_UDP},
    {AF_INET6, IPPROTO_UDP},   {AF_INET, IPPROTO_UDPLITE}, {AF_INET6, IPPROTO_UDPLITE},
    {AF_INET, IPPROTO_RAW},    {AF_INET6, IPPROTO_RAW},    {AF_INET, IPPROTO_MPTCP},
    {AF_INET6, IPPROTO_MPTCP},
};
#define KIND_TCP 0
#define KIND_TCP_LAST 2
#define MPTCP_ROUNDS                                                                               \
    16 /* between looks for multipath sockets where no TCP socket is part of one                   \
        */

struct diag {
    struct rtsocket *dumps, *closes; /* NULL: not open */
    uint32_t rounds;
    uint32_t
        unknown_since[ARRAY_LEN(kinds)]; /* round in which the kernel knew it not; 0: it does */
    int64_t last_ns;                     /* of the survey before; 0: none yet */
    struct diag_counts counts;

    /* During one survey. */
    struct census *census;
    uint16_t protocol;                /* of the dump that is read */
    bool multipath, multipath_before; /* some were seen, in the round before */
    uint32_t fresh_ms; /* round trips are news when an ACK came so recently; 0: none are */
    bool want_closes;
    bool whole; /* every dump of the round */
    int64_t now_ms;
};

struct diag *diag_new(void)
{
    return mem_alloc(sizeof(struct diag));
}

void diag_free(struct diag *s)
{
    if (!s)
        return;
    rtsocket_close(s->dumps);
    rtsocket_close(s->closes);
    free(s);
}

int diag_open_dumps(struct diag *s)
{
    return s->dumps ? 0 : rtsocket_open_protocol(&s->dumps, NETLINK_SOCK_DIAG, 0);
}

int diag_open_closes(struct diag *s, struct keeper *keeper)
{
    if (s->closes)
        return 0;
    return rtsocket_open_roomy(&s->closes, keeper, NETLINK_SOCK_DIAG, CLOSE_GROUPS, CLOSES_BYTES);
}

/* ---- what it means ------------------------------------------------------------------------- */

static struct endpoint endpoint_of(uint8_t family, uint16_t port, const uint8_t address[16])
{
    struct endpoint e = {.family = family, .port = port};
    memcpy(e.address, address, sizeof(e.address));
    return e;
}

static void seen_quality(const struct inet_diag_tcp *tcp, struct socket_seen *ret)
{
    ret->has_quality = true;
    ret->quality = (struct socket_quality){
        .rtt_us = tcp->rtt_us,
        .rttvar_us = tcp->rttvar_us,
        .retransmits = tcp->total_retrans,
        .lost = tcp->lost,
        .cwnd = tcp->cwnd,
        .pacing_bps = tcp->pacing_rate == UINT64_MAX ? 0 : tcp->pacing_rate,
        .delivery_bps = tcp->delivery_rate,
    };
}

void diag_seen(const struct inet_diag_socket *from, uint16_t protocol, struct socket_seen *ret)
{
    *ret = (struct socket_seen){
        .cookie = from->cookie,
        .protocol = protocol,
        .state = from->state,
        .local = endpoint_of(from->family, from->local_port, from->local),
        .remote = endpoint_of(from->family, from->remote_port, from->remote),
        .inode = from->inode,
        .uid = from->inode ? from->uid : UINT32_MAX,
        .method = "sock_diag",
    };
    /* A listener's numbers are about its queue, in the fields for other things. */
    if (protocol != IPPROTO_TCP || from->state == SOCKET_LISTEN)
        return;
    if (from->has & INET_DIAG_HAS_BYTES) {
        ret->has_bytes = true;
        ret->rx_bytes = from->tcp.bytes_received;
        ret->tx_bytes = from->tcp.bytes_acked;
    }
    if (from->has & INET_DIAG_HAS_TCP)
        seen_quality(&from->tcp, ret);
}

/* ---- dumps --------------------------------------------------------------------------------- */

static int diag_add(void *user, const struct nlmsghdr *msg)
{
    struct diag *s = user;
    struct inet_diag_socket socket;
    struct socket_seen seen;
    int err = inet_diag_parse(msg, s->protocol, &socket);
    if (err)
        return err;
    diag_seen(&socket, s->protocol, &seen);
    census_socket(s->census, &seen);
    s->counts.sockets++;
    s->multipath |= s->protocol == IPPROTO_MPTCP || strcmp(socket.ulp, "mptcp") == 0;
    if (seen.has_quality && seen.quality.rtt_us && socket.tcp.last_ack_received_ms < s->fresh_ms)
        census_round_trip(s->census, (int64_t)seen.quality.rtt_us * 1000);
    return 0;
}

/* 0 when it is whole, or there is nothing to dump; else -errno. */
static int diag_dump(struct diag *s, size_t kind)
{
    if (s->unknown_since[kind] && s->rounds - s->unknown_since[kind] < ASK_AGAIN_ROUNDS)
        return 0;
    _Alignas(struct nlmsghdr) char request[INET_DIAG_REQUEST_MAX];
    int err = -EINTR;
    s->protocol = kinds[kind].protocol;
    for (int attempt = 0; attempt < 2 && (err == -EINTR || err == -ENOBUFS); attempt++) {
        inet_diag_request_dump(request, kinds[kind].family, kinds[kind].protocol, UINT32_MAX,
                               INET_DIAG_ASK_INFO, 0);
        err = rtsocket_ask(s->dumps, (struct nlmsghdr *)request, diag_add, s, &s->counts.bad);
        s->fresh_ms = 0; /* the round trips have been told of */
    }
    if (err == -E2BIG)
        census_lost(s->census, rtsocket_left_out(s->dumps), "sockets");
    /* -EINVAL: a kernel that has given up the oldest request. */
    bool unknown = err == -ENOENT || (kind == KIND_TCP && err == -EINVAL);
    s->unknown_since[kind] = unknown ? MAX(s->rounds, 1U) : 0;
    return unknown ? 0 : err;
}

/* 0, or -errno when TCP cannot be read; one that changes too much can. */
static int diag_dump_all(struct diag *s)
{
    bool whole = true;
    int tcp_err = 0;
    uint32_t fresh_ms = s->fresh_ms;
    uint64_t bad = s->counts.bad;
    s->multipath_before = s->multipath;
    s->multipath = false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].protocol == IPPROTO_MPTCP && !s->multipath && !s->multipath_before &&
            s->rounds % MPTCP_ROUNDS != 1)
            continue;
        s->fresh_ms = fresh_ms;
        int err = diag_dump(s, i);
        if (i <= KIND_TCP_LAST && err && err != -EINTR && err != -ENOBUFS && err != -E2BIG)
            tcp_err = err;
        if (i == KIND_TCP && !s->unknown_since[i])
            i = KIND_TCP_LAST;
        s->counts.incomplete += err != 0;
        whole &= !err;
    }
    /* A host without TCP is none: its module went away. */
    if (s->unknown_since[KIND_TCP] && s->unknown_since[KIND_TCP_LAST])
        tcp_err = -ENOENT;
    s->whole = whole && !tcp_err && s->counts.bad == bad;
    return tcp_err;
}

/* ---- closes -------------------------------------------------------------------------------- */

static int diag_closed(void *user, const struct nlmsghdr *msg)
{
    struct diag *s = user;
    struct inet_diag_socket socket;
    struct socket_seen seen;
    if (msg->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return 0;
    int err = inet_diag_parse(msg, 0, &socket);
    if (err || !(socket.has & INET_DIAG_HAS_PROTOCOL))
        return err ? err : -EBADMSG;
    if (!s->want_closes)
        return 0;
    diag_seen(&socket, socket.protocol, &seen);
    seen.state = SOCKET_CLOSE;
    census_socket_closed(s->census, &seen, s->now_ms);
    return 0;
}

static void diag_drain(struct diag *s)
{
    bool lost = false;
    for (size_t left = s->closes ? CLOSES_MAX : 0; left;) {
        int err = rtsocket_notices(s->closes, 1, diag_closed, s, &s->counts.bad);
        left--;
        if (err == -EAGAIN)
            break;
        if (err == -ENOBUFS) { /* told once, in front of what is still queued: read on */
            s->counts.overruns++;
            lost = true;
        } else if (err) {
            s->counts.bad++;
            break;
        }
    }
    if (!lost || !s->want_closes)
        return;
    struct event *e = event_new(EVENT_LOSS, s->now_ms);
    event_text(e, "what", "connections that closed");
    event_text(e, "reason", "kernel");
    census_event(s->census, e);
}

/* ---- a round ------------------------------------------------------------------------------- */

int diag_survey(struct diag *s, struct census *census, struct diag_wanted wanted, int64_t now_ms,
                int64_t mono_ns)
{
    int64_t since_ms = s->last_ns ? (mono_ns - s->last_ns) / NS_PER_MS : 0;
    s->last_ns = mono_ns;
    s->rounds++;
    s->counts.sockets = 0;
    s->census = census;
    s->now_ms = now_ms;
    s->want_closes = wanted.closes;
    s->fresh_ms = wanted.round_trips ? (uint32_t)MIN(MAX(since_ms, 0), INT32_MAX) : 0;
    s->whole = false;
    int err = 0;
    diag_drain(s);
    if (s->dumps && wanted.dumps) {
        err = diag_dump_all(s);
        diag_drain(s);
        if (s->whole)
            census_sockets_complete(census, "sock_diag");
    }
    s->census = NULL;
    return err;
}

void diag_counts(const struct diag *s, struct diag_counts *ret)
{
    *ret = s->counts;
}

/* ---- probing ------------------------------------------------------------------------------- */

static int probe_ignore(void *user, const struct nlmsghdr *msg)
{
    (void)user;
    (void)msg;
    return 0;
}

int diag_probe_dumps(void)
{
    struct rtsocket *socket = NULL;
    uint64_t bad = 0;
    int err = rtsocket_open_protocol(&socket, NETLINK_SOCK_DIAG, 0);
    if (err)
        return err;
    /* In a state that hardly any socket is in: the answer is short, its cost that of any dump. */
    _Alignas(struct nlmsghdr) char request[INET_DIAG_REQUEST_MAX];
    inet_diag_request_dump(request, AF_INET, IPPROTO_TCP, 1U << SOCKET_CLOSING, 0, 0);
    err = rtsocket_ask(socket, (struct nlmsghdr *)request, probe_ignore, NULL, &bad);
    rtsocket_close(socket);
    return err == -EINTR ? 0 : err;
}

int diag_probe_closes(void)
{
    struct rtsocket *socket = NULL;
    int err = rtsocket_open_protocol(&socket, NETLINK_SOCK_DIAG, CLOSE_GROUPS);
    rtsocket_close(socket);
    return err;
}
