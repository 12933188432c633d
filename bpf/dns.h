/*
 * dns.h: DNS over UDP: questions as they leave and answers as they come in, with the process.
 * Attached to the root of cgroup2, where every packet of a socket passes by; all but those to or
 * from port 53 leave after a look at the first headers. The message is taken apart in main
 * (src/collect/ebpf/), which trusts none of it.
 *
 * On the way it is noted on UDP sockets whether packets stay on this host: a socket without a peer
 * does not say (traffic.h).
 */
#pragma once

#include "process.h"

#define DNS_PORT 53

struct udp_head {
    __be16 source, dest, len, check;
};

/* Finds the UDP header behind the network header. Extension headers of IPv6 are not followed. */
static __always_inline bool udp_find(struct __sk_buff *skb, __u32 *ret_offset, struct udp_head *ret,
                                     __u8 *ret_family)
{
    __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (data + 20 > end)
        return false;
    if (data[0] >> 4 == 4) {
        if (data[9] != IPPROTO_UDP || ((data[6] & 0x1f) | data[7]))
            return false;
        *ret_offset = (data[0] & 0xf) * 4;
        *ret_family = AF_INET;
    } else {
        if (data[0] >> 4 != 6 || data[6] != IPPROTO_UDP)
            return false;
        *ret_offset = 40;
        *ret_family = AF_INET6;
    }
    return bpf_skb_load_bytes(skb, *ret_offset, ret, sizeof(*ret)) == 0;
}

static __always_inline void dns_tell(struct __sk_buff *skb, const struct socket_state *s,
                                     __u32 offset, const struct udp_head *udp, __u8 family, bool in)
{
    struct bpf_record_dns *r = record_begin(BPF_RECORD_DNS, sizeof(*r));
    if (!r)
        return;
    __builtin_memset((void *)r + sizeof(r->head), 0, sizeof(*r) - sizeof(r->head));
    if (s && s->owned) {
        r->owner = s->owner;
        r->netns = s->netns;
    } else if (!in && current_key(&r->owner.process)) { /* sends right now */
        current_command(r->owner.command);
    }
    r->cookie = bpf_get_socket_cookie(skb);
    r->family = family;
    r->answer = in;
    r->local_port = bpf_ntohs(in ? udp->dest : udp->source);
    r->remote_port = bpf_ntohs(in ? udp->source : udp->dest);
    if (family == AF_INET) {
        bpf_skb_load_bytes(skb, in ? 16 : 12, r->local, 4);
        bpf_skb_load_bytes(skb, in ? 12 : 16, r->remote, 4);
    } else {
        bpf_skb_load_bytes(skb, in ? 24 : 8, r->local, 16);
        bpf_skb_load_bytes(skb, in ? 8 : 24, r->remote, 16);
    }
    __u32 begin = offset + sizeof(*udp), total = skb->len;
    __u32 len = total > begin ? total - begin : 0;
    r->message_bytes = len;
    if (len > BPF_DNS_BYTES)
        len = BPF_DNS_BYTES;
    if (len > 0 && bpf_skb_load_bytes(skb, begin, r->message, len) == 0)
        r->kept_bytes = len;
    record_end(r);
}

static __always_inline void packet_look(struct __sk_buff *skb, bool in)
{
    struct udp_head udp;
    __u32 offset;
    __u8 family;
    if (!udp_find(skb, &offset, &udp, &family))
        return;
    struct bpf_sock *sk = skb->sk;
    if (!sk)
        return;
    sk = bpf_sk_fullsock(sk);
    if (!sk)
        return;
    struct socket_state *s =
        bpf_sk_storage_get(&sockets, sk, NULL, in ? 0 : BPF_SK_STORAGE_GET_F_CREATE);
    bool local = skb->ifindex == LOOPBACK_IFINDEX;
    if (s && s->local != local)
        s->local = local;
    if ((in ? udp.source : udp.dest) == bpf_htons(DNS_PORT))
        dns_tell(skb, s, offset, &udp, family, in);
}

SEC("cgroup_skb/egress")
int packet_out(struct __sk_buff *skb)
{
    packet_look(skb, false);
    return 1;
}

SEC("cgroup_skb/ingress")
int packet_in(struct __sk_buff *skb)
{
    packet_look(skb, true);
    return 1;
}
