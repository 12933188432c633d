/*
 * portable.h: bytes by process for kernels that do not tell of each send and receive (before 6.3).
 *
 * Packets of every socket pass by the programs at the root of cgroup2. Of a UDP packet its payload
 * counts. Of a TCP packet only its socket is of interest: the kernel keeps how many bytes it was
 * acknowledged and how many it received, whatever was sent twice; what has come since the last look
 * goes to the owner's account, and the rest when the connection ends (connections.h). Whose a
 * socket is, is known from its making (cgroup/sock_create), from connect() and listen(), and for
 * connections that were accepted from their listener: workers that accept on a parent's listener
 * count for the parent.
 *
 * Differs from traffic.h: TCP counts what was acknowledged, not what was handed to the kernel, and
 * UDP datagrams count that the receiver had no room for.
 */
#pragma once

#include "socket.h"

/* To the account of the socket's owner, from any context. Its entry was made when it got the socket
 * (process_enter): one that is gone is that of a process that has ended, and was read. What comes
 * so late, as the other end takes what was still waiting for it, is told in an entry that has ended
 * as it is made: nobody else would ever take it away. */
static __always_inline void owner_add(struct socket_state *s, __u64 bytes, bool sent, bool local)
{
    struct bpf_process_key key = s->owner.process;
    if (!bytes || !key.pid)
        return;
    if (!bpf_map_lookup_elem(&processes, &key)) {
        struct bpf_process fresh = {
            .cgroup_id = s->owner.cgroup_id,
            .uid = s->owner.uid,
            .ended = BPF_ENDED_AT(bpf_ktime_get_ns()),
        };
        __builtin_memcpy(fresh.command, s->owner.command, sizeof(fresh.command));
        bpf_map_update_elem(&processes, &key, &fresh, BPF_NOEXIST);
    }
    process_add_to(bpf_map_lookup_elem(&processes, &key), bytes, sent, local);
}

/* What TCP's own sums have grown by. */
static __always_inline void tcp_account(struct socket_state *s, __u64 received, __u64 acked,
                                        bool local)
{
    __u64 rx = received - s->rx_told, tx = acked - s->tx_told;
    if (received > s->rx_told) {
        s->rx_told = received;
        owner_add(s, rx, false, local);
    }
    if (acked > s->tx_told) {
        s->tx_told = acked;
        owner_add(s, tx, true, local);
    }
}

static __always_inline void packet_account(struct __sk_buff *skb, bool sent)
{
    struct bpf_sock *sk = skb->sk;
    if (!sk)
        return;
    sk = bpf_sk_fullsock(sk);
    if (!sk || (sk->protocol != IPPROTO_TCP && sk->protocol != IPPROTO_UDP))
        return;
    struct socket_state *s = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (!s)
        return;
    bool local = skb->ifindex == LOOPBACK_IFINDEX;
    if (sk->protocol == IPPROTO_UDP) {
        __u32 head = (skb->protocol == bpf_htons(ETH_P_IP) ? 20 : 40) + 8;
        owner_add(s, skb->len > head ? skb->len - head : 0, sent, local);
        return;
    }
    s->local = local;
    /* What goes out does so under the socket's lock, as the change of its state; what comes in
     * passes here without, at the same time on another processor, and both would tell the same
     * bytes. Nothing is missed: it passes before TCP has looked at it. */
    if (!sent)
        return;
    /* Later SYN and FIN are among what was acknowledged and received. */
    struct bpf_tcp_sock *tp = sk->state == TCP_ESTABLISHED ? bpf_tcp_sock(sk) : NULL;
    if (!tp)
        return;
    __u64 acked = tp->bytes_acked, syn = s->direction == BPF_DIRECTION_OUT;
    tcp_account(s, tp->bytes_received, acked > syn ? acked - syn : 0, local);
}

SEC("cgroup_skb/egress")
int portable_out(struct __sk_buff *skb)
{
    packet_account(skb, true);
    return 1;
}

SEC("cgroup_skb/ingress")
int portable_in(struct __sk_buff *skb)
{
    packet_account(skb, false);
    return 1;
}

SEC("cgroup/sock_create")
int portable_socket(struct bpf_sock *sk)
{
    struct socket_state *s = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (s && current_key(&s->owner.process)) {
        s->owner.uid = (__u32)bpf_get_current_uid_gid();
        s->owner.cgroup_id = bpf_get_current_cgroup_id();
        current_command(s->owner.command);
        process_enter(&s->owner.process);
    }
    return 1;
}
