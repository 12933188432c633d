/*
 * dns.h: DNS over UDP: questions as they leave, with the process, and answers as they arrive. The
 * message is taken apart in main (src/collect/ebpf/dns.c), which trusts none of it and puts the two
 * together: by ends and number, so an answer needs no process here.
 *
 * Every packet that is sent passes net_dev_queue; all but those of UDP sockets leave at once, and
 * so do packets that come in (netif_receive_skb) while no question is young enough to be answered.
 * That costs a third of what programs of a cgroup would, and no cgroup2 is needed.
 *
 * On the way it is noted on UDP sockets whether their packets stay on this host: a socket without
 * a peer does not say (traffic.h).
 */
#pragma once

#include "socket.h"

#define DNS_PORT 53
#define ANSWER_JIFFIES 10000 /* 10 s at the fastest clock that kernels have, more at others */

struct udp_head {
    __be16 source, dest, len, check;
};

__u64 asked_jiffies; /* when a question was sent last */

/* Where a packet's headers begin, and what they say. */
struct packet {
    unsigned char *ip, *payload;
    struct udp_head udp;
    __u16 payload_bytes;
    __u8 family;
};

/* Extension headers of IPv6 are not followed. False: no UDP, or a fragment. */
static __always_inline bool packet_read(unsigned char *ip, struct packet *ret)
{
    unsigned char start[20];
    __u32 length = 40;
    if (bpf_probe_read_kernel(start, sizeof(start), ip) < 0)
        return false;
    if (start[0] >> 4 == 4) {
        if (start[9] != IPPROTO_UDP || ((start[6] & 0x1f) | start[7]))
            return false;
        length = (start[0] & 0xf) * 4;
        ret->family = AF_INET;
    } else if (start[0] >> 4 == 6) {
        if (start[6] != IPPROTO_UDP)
            return false;
        ret->family = AF_INET6;
    } else {
        return false;
    }
    if (bpf_probe_read_kernel(&ret->udp, sizeof(ret->udp), ip + length) < 0)
        return false;
    ret->ip = ip;
    ret->payload = ip + length + sizeof(ret->udp);
    ret->payload_bytes = bpf_ntohs(ret->udp.len);
    if (ret->payload_bytes < sizeof(ret->udp))
        return false;
    ret->payload_bytes -= sizeof(ret->udp);
    return true;
}

/* `room`: bytes of the packet that lie in one piece from the payload on. */
static __always_inline void dns_tell(const struct packet *p, struct sock *sk,
                                     const struct socket_state *s, __u32 room, bool in)
{
    struct bpf_record_dns *r = record_begin(BPF_RECORD_DNS, sizeof(*r));
    if (!r)
        return;
    __builtin_memset(&r->owner, 0, sizeof(*r) - sizeof(r->head));
    if (sk) {
        r->cookie = sk->__sk_common.skc_cookie.counter;
        r->netns = socket_netns(sk);
    }
    if (s && s->owned)
        r->owner = s->owner;
    else if (!in)
        current_owner(&r->owner); /* sends right now */
    r->family = p->family;
    r->answer = in;
    r->local_port = bpf_ntohs(in ? p->udp.dest : p->udp.source);
    r->remote_port = bpf_ntohs(in ? p->udp.source : p->udp.dest);
    if (p->family == AF_INET) {
        bpf_probe_read_kernel(r->local, 4, p->ip + (in ? 16 : 12));
        bpf_probe_read_kernel(r->remote, 4, p->ip + (in ? 12 : 16));
    } else {
        bpf_probe_read_kernel(r->local, 16, p->ip + (in ? 24 : 8));
        bpf_probe_read_kernel(r->remote, 16, p->ip + (in ? 8 : 24));
    }
    r->message_bytes = p->payload_bytes;
    __u32 len = p->payload_bytes < room ? p->payload_bytes : room;
    if (len > BPF_DNS_BYTES)
        len = BPF_DNS_BYTES;
    if (len > 0 && bpf_probe_read_kernel(r->message, len, p->payload) == 0)
        r->kept_bytes = len;
    record_end(r);
}

/* Bytes between the payload and the end of the part of the packet that lies in one piece. */
static __always_inline __u32 payload_room(struct sk_buff *skb, const struct packet *p)
{
    unsigned char *end = skb->data + (skb->len - skb->data_len);
    return end > p->payload ? end - p->payload : 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(packet_sent, struct sk_buff *skb)
{
    struct sock *sk = skb->sk;
    if (!sk || sk->sk_protocol != IPPROTO_UDP)
        return 0;
    __u16 family = sk->__sk_common.skc_family;
    if (family != AF_INET && family != AF_INET6)
        return 0;
    struct socket_state *s = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    struct net_device *device = skb->dev;
    bool local = device && (device->flags & IFF_LOOPBACK);
    if (s && s->local != local)
        s->local = local;
    __be16 peer = sk->__sk_common.skc_dport;
    struct packet p;
    if (peer && peer != bpf_htons(DNS_PORT))
        return 0;
    if (!packet_read(skb->head + skb->network_header, &p) || p.udp.dest != bpf_htons(DNS_PORT))
        return 0;
    asked_jiffies = bpf_jiffies64();
    dns_tell(&p, sk, s, payload_room(skb, &p), false);
    return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(packet_received, struct sk_buff *skb)
{
    if (!asked_jiffies || bpf_jiffies64() - asked_jiffies > ANSWER_JIFFIES)
        return 0;
    struct packet p;
    /* Taps see it before the network header is set: the data begin with it. */
    if (packet_read(skb->data, &p) && p.udp.source == bpf_htons(DNS_PORT))
        dns_tell(&p, NULL, NULL, payload_room(skb, &p), true);
    return 0;
}
