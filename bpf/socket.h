/*
 * socket.h: what is kept about a socket (maps.h, struct socket_state), and whose it is.
 */
#pragma once

#include "process.h"

/* SO_COOKIE. 0: the kernel has not given one yet, and is too old to be asked. */
static __always_inline __u64 socket_cookie(struct sock *sk)
{
    __u64 cookie = sk->__sk_common.skc_cookie.counter;
    if (!cookie && constants.cookie_helper)
        cookie = bpf_get_socket_cookie(sk);
    return cookie;
}

static __always_inline __u32 socket_netns(struct sock *sk)
{
    return sk->__sk_common.skc_net.net->ns.inum;
}

/* Whoever runs now uses the socket: it is his from here on, and the reader is told when he cannot
 * know it yet. */
static __always_inline void socket_own(struct sock *sk, struct socket_state *s, bool tell)
{
    struct bpf_process_key before = s->owner.process;
    if (!current_owner(&s->owner))
        return;
    process_enter(&s->owner.process);
    s->owned = 1;
    s->netns = socket_netns(sk);
    /* The listener's process accepts itself: it was told with the connection. */
    if (!tell || (before.pid == s->owner.process.pid &&
                  before.start_boot_ns == s->owner.process.start_boot_ns))
        return;
    struct bpf_record_owner *r = record_begin(BPF_RECORD_OWNER, sizeof(*r));
    if (!r)
        return;
    r->owner = s->owner;
    r->cookie = socket_cookie(sk);
    r->netns = s->netns;
    r->reserved = 0;
    record_end(r);
}
