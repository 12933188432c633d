/*
 * traffic.h: payload of every internet socket by process, where the kernel tells of each send and
 * receive (sock_send_length and sock_recv_length, Linux 6.3). They come in the context of the
 * process, after the call, with what it returned: exact for TCP, UDP and all other protocols, for
 * sendfile and io_uring, and for connections that live for milliseconds.
 *
 * What only looks (MSG_PEEK) or fetches our own bytes back (MSG_ERRQUEUE) is no traffic.
 */
#pragma once

#include "process.h"

/* Both ends on this host: addresses that stay here, or a route over the loopback device. */
static __always_inline bool socket_is_local(struct sock *sk, __u16 family)
{
    if (family == AF_INET) {
        __be32 remote = sk->__sk_common.skc_daddr, local = sk->__sk_common.skc_rcv_saddr;
        if ((remote & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000) ||
            (local & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000))
            return true;
        if (remote && remote == local)
            return true;
    } else {
        const __be32 *r = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32;
        const __be32 *l = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32;
        __be32 r3 = r[3], l3 = l[3];
        __be32 r2 = r[2], l2 = l[2];
        if (r[0] == l[0] && r[1] == l[1] && r2 == l2 && r3 == l3 && r3)
            return true;
        if (!r[0] && !r[1]) {
            if (!r2 && r3 == bpf_htonl(1))
                return true;
            if (r2 == bpf_htonl(0xffff) &&
                (r3 & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000))
                return true;
        }
        if (!l[0] && !l[1]) {
            if (!l2 && l3 == bpf_htonl(1))
                return true;
            if (l2 == bpf_htonl(0xffff) &&
                (l3 & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000))
                return true;
        }
    }
    struct dst_entry *route = sk->sk_dst_cache;
    if (!route)
        return false;
    struct net_device *device = route->dev;
    return device && (device->flags & IFF_LOOPBACK);
}
