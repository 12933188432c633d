/*
 * maps.h: the maps of all programs. Every one has an upper bound; what does not fit is counted in
 * "counters". The storage of sockets is the exception: it lives and dies with its socket, and the
 * kernel charges it to that socket's memory.
 */
#pragma once

#include "abi.h"
#include "kernel.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, BPF_PROCESSES_MAX);
    __type(key, struct bpf_process_key);
    __type(value, struct bpf_process);
} processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, BPF_COUNTERS);
    __type(key, __u32);
    __type(value, __u64);
} counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, BPF_RING_BYTES);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, BPF_REASONS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} drops SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, BPF_DROP_PORTS_MAX);
    __type(key, struct bpf_drop_key);
    __type(value, __u64);
} drop_ports SEC(".maps");

struct reason_name {
    char text[BPF_REASON_NAME_MAX];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, BPF_REASONS_MAX);
    __type(key, __u32);
    __type(value, struct reason_name);
} reasons SEC(".maps");

/* Who has a socket, and since when. A connection that is accepted begins with a copy of what its
 * listener has (BPF_F_CLONE): until its own process speaks, the listener's owner is the best guess.
 */
struct socket_state {
    struct bpf_owner owner;
    __u64 opened_ns;
    __u32 connect_us;
    __u8 direction;
    __u8 owned;             /* the owner has used it, and is not just whoever listens */
    __u8 established;       /* it was, or is */
    __u8 local;             /* its latest packet stayed on this host */
    __u32 netns;            /* once it is owned */
    __u32 resent_told;      /* RESENT_CLOCK when retransmissions were told last */
    __u64 rx_told, tx_told; /* bytes of TCP that its owner was given (portable.h) */
};

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
    __type(key, int);
    __type(value, struct socket_state);
} sockets SEC(".maps");

const volatile struct bpf_constants constants = {.cookie_helper = 1, .follow_sockets = 1};

static __always_inline void count(enum bpf_counter which, __u64 by)
{
    __u32 place = which;
    __u64 *value = bpf_map_lookup_elem(&counters, &place);
    if (value)
        __sync_fetch_and_add(value, by);
}

/* Room for a record in the ring, its head filled in, or NULL: then one more is lost. */
static __always_inline void *record_begin(__u16 kind, __u32 size)
{
    struct bpf_record_head *head = bpf_ringbuf_reserve(&ring, size, 0);
    if (!head) {
        count(BPF_COUNTER_RECORDS_LOST, 1);
        return NULL;
    }
    head->version = BPF_ABI_VERSION;
    head->kind = kind;
    head->size = size;
    head->time_ns = bpf_ktime_get_ns();
    return head;
}

/* Nobody waits for the ring: it is read once a round. */
static __always_inline void record_end(void *record)
{
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}
