/*
 * drops.h: packets that the kernel threw away, counted by its reason and by where they were going
 * (kfree_skb, whose reasons came with Linux 5.17).
 */
#pragma once

#include "maps.h"

/* Protocol and service of a packet whose network header is where the kernel says. Reads only what a
 * probe may: a header that is not there gives nothing. False: not TCP or UDP, or no service. */
static __always_inline bool packet_classify(struct sk_buff *skb, struct bpf_drop_key *key)
{
    unsigned char *head = BPF_CORE_READ(skb, head), start[20];
    __u16 offset = BPF_CORE_READ(skb, network_header);
    __u16 protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol));
    __be16 ports[2];
    __u32 length = 40;
    if (protocol != ETH_P_IP && protocol != ETH_P_IPV6)
        return false;
    if (bpf_probe_read_kernel(start, sizeof(start), head + offset) < 0)
        return false;
    if (protocol == ETH_P_IP) {
        key->protocol = start[9];
        length = (start[0] & 0xf) * 4;
        if (start[0] >> 4 != 4 || ((start[6] & 0x1f) | start[7])) /* a fragment without ports */
            return false;
    } else {
        key->protocol = start[6];
        if (start[0] >> 4 != 6)
            return false;
    }
    if ((key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP) ||
        bpf_probe_read_kernel(ports, sizeof(ports), head + offset + length) < 0)
        return false;
    __u16 one = bpf_ntohs(ports[0]), other = bpf_ntohs(ports[1]);
    key->port = one < other ? one : other;
    return key->port && key->port < BPF_SERVICES_END;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_counted, struct sk_buff *skb, void *location, int reason)
{
    __u32 place = (__u32)reason < BPF_REASON_OTHER ? (__u32)reason : BPF_REASON_OTHER;
    struct bpf_drop_key key = {.reason = place};
    __u64 one = 1, *value = bpf_map_lookup_elem(&drops, &place);
    if (value)
        __sync_fetch_and_add(value, 1);
    if (!packet_classify(skb, &key))
        return 0;
    value = bpf_map_lookup_elem(&drop_ports, &key);
    if (!value && bpf_map_update_elem(&drop_ports, &key, &one, BPF_NOEXIST) == 0)
        return 0;
    if (!value)
        value = bpf_map_lookup_elem(&drop_ports, &key); /* somebody was faster, or it is full */
    if (value)
        __sync_fetch_and_add(value, 1);
    else
        count(BPF_COUNTER_DROPS_LOST, 1);
    return 0;
}
