/*
 * traffic.h: payload of every internet socket by process, where the kernel tells of each send and
 * receive (sock_send_length and sock_recv_length, Linux 6.3). They come in the context of the
 * process, after the call, with what it returned: exact for TCP, UDP and all other protocols, for
 * sendfile and io_uring, and for connections that live for milliseconds.
 *
 * What only looks (MSG_PEEK) or fetches our own bytes back (MSG_ERRQUEUE) is no traffic.
 */
#pragma once

#include "socket.h"

static __always_inline bool is_loopback4(__be32 address)
{
    return (address & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* ::1, or 127.0.0.0/8 in an IPv6 socket. */
static __always_inline bool is_loopback6(const __be32 *a)
{
    __be32 a3 = a[3];
    if (a[0] || a[1])
        return false;
    __be32 a2 = a[2];
    return (!a2 && a3 == bpf_htonl(1)) || (a2 == bpf_htonl(0xffff) && is_loopback4(a3));
}

/* Both ends on this host: addresses that stay here, a route over the loopback device, or, where
 * there is no peer (UDP), what the latest packet did. */
static __always_inline bool socket_is_local(struct sock *sk, __u16 family,
                                            const struct socket_state *s)
{
    if (family == AF_INET) {
        __be32 remote = sk->__sk_common.skc_daddr, local = sk->__sk_common.skc_rcv_saddr;
        if (is_loopback4(remote) || is_loopback4(local) || (remote && remote == local))
            return true;
    } else {
        const __be32 *r = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32;
        const __be32 *l = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32;
        if (is_loopback6(r) || is_loopback6(l) ||
            (r[3] && r[3] == l[3] && r[2] == l[2] && r[1] == l[1] && r[0] == l[0]))
            return true;
    }
    if (s && s->local)
        return true;
    struct dst_entry *route = sk->sk_dst_cache;
    if (!route)
        return false;
    struct net_device *device = route->dev;
    return device && (device->flags & IFF_LOOPBACK);
}

/* Whether this may be the first that a process does with the socket: what is kept about it need not
 * be looked at otherwise, which is a third of the cost. A TCP socket that has moved more than these
 * bytes, after SYN, had its first already. */
static __always_inline bool socket_is_fresh(struct sock *sk, int bytes, bool sent)
{
    if (sk->sk_protocol != IPPROTO_TCP)
        return true;
    struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
    if (!tp)
        return true;
    __u64 moved = sent ? tp->bytes_acked + (__u32)(tp->write_seq - tp->snd_una)
                       : tp->bytes_received - (__u32)(tp->rcv_nxt - tp->copied_seq);
    return moved <= (__u64)bytes + 1; /* SYN or FIN counts as a byte */
}

static __always_inline void traffic_add(struct sock *sk, int bytes, bool sent)
{
    if (bytes <= 0 || !sk)
        return;
    __u16 family = sk->__sk_common.skc_family;
    if (family != AF_INET && family != AF_INET6)
        return;
    struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
    if (task->flags & PF_KTHREAD)
        return;
    struct bpf_process_key key = {
        .start_boot_ns = task->group_leader->start_boottime,
        .pid = constants.pid_namespace ? leader_pid(task->group_leader) : task->tgid,
    };
    struct socket_state *s = NULL;
    if (socket_is_fresh(sk, bytes, sent))
        s = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    process_add(&key, bytes, sent, socket_is_local(sk, family, s));
    if (constants.follow_sockets && s && !s->owned)
        socket_own(sk, s, true);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(traffic_send, struct sock *sk, int bytes, int flags)
{
    traffic_add(sk, bytes, true);
    return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(traffic_receive, struct sock *sk, int bytes, int flags)
{
    if (!(flags & (MSG_PEEK | MSG_ERRQUEUE)))
        traffic_add(sk, bytes, false);
    return 0;
}
