/*
 * resent.h: TCP connections that send segments again (tcp_retransmit_skb, Linux 4.16), while they
 * live and whatever network namespace they are in. The kernel counts for each socket; what is told
 * is its count so far, of each connection at most once in about a second, so that a bad line does
 * not fill the ring. The last count comes with the connection's end.
 */
#pragma once

#include "connections.h"

#define RESENT_CLOCK() ((__u32)(bpf_ktime_get_ns() >> 30))

/* Comes in whatever context a timer or an acknowledgement runs in: the owner is who is kept. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(segment_resent, struct sock *sk)
{
    __u8 state = sk->__sk_common.skc_state;
    __u32 now = RESENT_CLOCK();
    struct socket_state *s = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (!s) {
        /* From before we looked: an attempt would look like one that began at the boot. */
        if (state == TCP_SYN_SENT || state == TCP_SYN_RECV)
            return 0;
        s = socket_make(sk);
        if (!s)
            return 0;
        s->established = 1;
    }
    if (s->resent_told == now)
        return 0;
    s->resent_told = now;
    connection_tell(sk, s, BPF_RECORD_RESENT, state);
    return 0;
}
