/*
 * drops.h: packets that the kernel threw away, counted by its reason and by where they were going
 * (kfree_skb, whose reasons came with Linux 5.17).
 */
#pragma once

#include "maps.h"

/* Protocol and port of a packet whose network header is where the kernel says. Reads only what a
 * probe may: a header that is not there gives nothing. */
static __always_inline void packet_classify(struct sk_buff *skb, struct bpf_drop_key *key)
{
    unsigned char *head = BPF_CORE_READ(skb, head), start[40];
    __u16 offset = BPF_CORE_READ(skb, network_header);
    __u16 protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol));
    __be16 ports[2];
    if (protocol != ETH_P_IP && protocol != ETH_P_IPV6)
        return;
    if (bpf_probe_read_kernel(start, sizeof(start), head + offset) < 0)
        return;
    __u32 length = 40;
    if (protocol == ETH_P_IP) {
        if (start[0] >> 4 != 4)
            return;
        key->protocol = start[9];
        length = (start[0] & 0xf) * 4;
        if ((start[6] & 0x1f) | start[7]) /* a fragment without ports */
            return;
    } else {
        if (start[0] >> 4 != 6)
            return;
        key->protocol = start[6];
    }
    if ((key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP) ||
        bpf_probe_read_kernel(ports, sizeof(ports), head + offset + length) < 0)
        return;
    __u16 one = bpf_ntohs(ports[0]), other = bpf_ntohs(ports[1]);
    key->port = one < other ? one : other;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_counted, struct sk_buff *skb, void *location, int reason)
{
    struct bpf_drop_key key = {.reason = reason};
    __u64 one = 1;
    packet_classify(skb, &key);
    __u64 *value = bpf_map_lookup_elem(&drops, &key);
    if (!value && bpf_map_update_elem(&drops, &key, &one, BPF_NOEXIST) == 0)
        return 0;
    if (!value) {
        /* Full, or somebody was faster; ports are what there are many of. */
        key.port = 0;
        value = bpf_map_lookup_elem(&drops, &key);
        if (!value && bpf_map_update_elem(&drops, &key, &one, BPF_NOEXIST) == 0)
            return 0;
    }
    if (value)
        __sync_fetch_and_add(value, 1);
    else
        count(BPF_COUNTER_DROPS_LOST, 1);
    return 0;
}
