/*
 * connections.h: TCP connections as they come and go, from the changes of their state
 * (inet_sock_set_state, Linux 4.16): with owner, duration, bytes and the time it took to connect,
 * also those that no look at a table would ever find.
 *
 * connect() and listen() change the state in the context of their process, so the owner is known.
 * A connection that is accepted becomes established in whatever context its last packet came in;
 * it has a copy of what is kept about its listener, and so its owner, until its own process sends
 * or receives for the first time (socket_own).
 */
#pragma once

#include "portable.h"

/* Payload that the other end has acknowledged. SYN and FIN are acknowledged like a byte each; a FIN
 * only after all payload, so no more than was sent can be meant. */
static __always_inline __u64 payload_acked(struct sock *sk, const struct socket_state *s)
{
    struct tcp_sock *tp = (struct tcp_sock *)sk;
    __u64 acked = BPF_CORE_READ(tp, bytes_acked);
    __u64 sent = BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);
    if (acked && s && s->direction == BPF_DIRECTION_OUT && s->established)
        acked--;
    return acked < sent ? acked : sent;
}

/* Payload that came in; the other end's FIN is counted by the kernel as a byte. */
static __always_inline __u64 payload_received(struct sock *sk)
{
    __u64 received = BPF_CORE_READ((struct tcp_sock *)sk, bytes_received);
    bool finished = sk->__sk_common.skc_flags & (1UL << SOCK_DONE);
    return received && finished ? received - 1 : received;
}

/* `state`: the one that it is in, or goes into: the socket itself has the one before until then. */
static __always_inline void connection_tell(struct sock *sk, const struct socket_state *s,
                                            __u16 kind, __u8 state)
{
    struct bpf_record_socket *r = record_begin(kind, sizeof(*r));
    if (!r)
        return;
    __builtin_memset(&r->owner, 0, sizeof(*r) - sizeof(r->head));
    if (s) {
        r->owner = s->owner;
        r->opened_ns = s->opened_ns;
        r->connect_us = s->connect_us;
        r->direction = s->direction;
        r->established = s->established;
    } else {
        r->established = 1; /* from before we looked */
    }
    r->cookie = socket_cookie(sk);
    r->netns = socket_netns(sk);
    struct tcp_sock *tp = (struct tcp_sock *)sk;
    r->rx_bytes = payload_received(sk);
    r->tx_bytes = payload_acked(sk, s);
    r->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
    r->retransmits = BPF_CORE_READ(tp, total_retrans);
    r->family = sk->__sk_common.skc_family;
    r->state = state;
    /* skc_num is gone by the time of the end. */
    r->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
    r->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
    if (r->family == AF_INET) {
        *(__be32 *)r->local = sk->__sk_common.skc_rcv_saddr;
        *(__be32 *)r->remote = sk->__sk_common.skc_daddr;
    } else {
        BPF_CORE_READ_INTO(&r->local, sk, __sk_common.skc_v6_rcv_saddr);
        BPF_CORE_READ_INTO(&r->remote, sk, __sk_common.skc_v6_daddr);
    }
    record_end(r);
}

static __always_inline struct socket_state *socket_make(struct sock *sk)
{
    return bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void connection_established(struct sock *sk)
{
    struct socket_state *s = socket_make(sk);
    if (!s)
        return;
    __u64 now = bpf_ktime_get_ns();
    if (s->direction == BPF_DIRECTION_OUT) {
        s->connect_us = (now - s->opened_ns) / 1000;
    } else {
        s->direction = BPF_DIRECTION_IN;
        s->opened_ns = now;
    }
    s->established = 1;
    connection_tell(sk, s, BPF_RECORD_OPENED, TCP_ESTABLISHED);
}

static __always_inline void connection_closed(struct sock *sk, int old)
{
    struct socket_state *s = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (old == TCP_LISTEN || old == TCP_CLOSE)
        return;
    /* One that never was: of interest to who wanted it, not to who was knocked at. Below a listener
     * from before we looked nothing is kept, but its last state says it. */
    if (s ? !s->established && s->direction != BPF_DIRECTION_OUT : old == TCP_SYN_RECV)
        return;
    connection_tell(sk, s, BPF_RECORD_CLOSED, TCP_CLOSE);
    if (!s)
        return;
    if (constants.portable)
        tcp_account(s, payload_received(sk), payload_acked(sk, s), s->local);
    s->established = s->direction = 0; /* a socket can connect again */
    s->rx_told = s->tx_told = 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(connection_state, struct sock *sk, int old, int new)
{
    if (sk->sk_protocol != IPPROTO_TCP)
        return 0;
    struct socket_state *s;
    switch (new) {
    case TCP_SYN_SENT:
        s = socket_make(sk);
        if (!s)
            return 0;
        s->direction = BPF_DIRECTION_OUT;
        s->established = 0;
        s->connect_us = 0;
        s->opened_ns = bpf_ktime_get_ns();
        socket_own(sk, s, false); /* the connection's own record will tell */
        break;
    case TCP_LISTEN:
        s = socket_make(sk);
        if (!s)
            return 0;
        if (current_owner(&s->owner))
            process_enter(&s->owner.process);
        s->owned = s->direction = s->established = 0;
        break;
    case TCP_ESTABLISHED:
        connection_established(sk);
        break;
    case TCP_CLOSE:
        connection_closed(sk, old);
        break;
    default:
        break;
    }
    return 0;
}
