/*
 * kernel.h: the parts of the kernel's structures that the programs look at. Only the fields that
 * are used are declared: their real places are found when the programs are loaded, by their names
 * in the BTF of the kernel that is running (CO-RE), so neither its headers nor a compiler are
 * needed there. Names and types are the kernel's (include/net/sock.h, linux/tcp.h, linux/sched.h,
 * linux/skbuff.h).
 */
#pragma once

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define NULL ((void *)0)

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define IFF_LOOPBACK 0x8
#define SOCK_DONE 1 /* a bit's number: the other end has sent its FIN */
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define LOOPBACK_IFINDEX 1 /* in every network namespace */
#define PF_KTHREAD 0x00200000
#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT2 5
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define TCP_CLOSING 11

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    int counter;
} atomic_t;

typedef struct {
    __s64 counter;
} atomic64_t;

struct in6_addr {
    union {
        __u8 u6_addr8[16];
        __be32 u6_addr32[4];
    } in6_u;
};

struct ns_common {
    unsigned int inum;
};

struct net {
    struct ns_common ns;
};

typedef struct {
    struct net *net;
} possible_net_t;

struct sock_common {
    union {
        struct {
            __be32 skc_daddr;
            __be32 skc_rcv_saddr;
        };
    };
    union {
        struct {
            __be16 skc_dport;
            __u16 skc_num;
        };
    };
    unsigned short skc_family;
    volatile unsigned char skc_state;
    unsigned long skc_flags;
    possible_net_t skc_net;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
    atomic64_t skc_cookie;
};

struct net_device {
    unsigned int flags;
    int ifindex;
};

struct dst_entry {
    struct net_device *dev;
};

struct sock {
    struct sock_common __sk_common;
    struct dst_entry *sk_dst_cache;
    __u16 sk_protocol;
};

struct inet_sock {
    __be16 inet_sport;
};

struct tcp_sock {
    __u64 bytes_received;
    __u64 bytes_acked;
    __u64 bytes_sent;
    __u64 bytes_retrans;
    __u32 srtt_us;
    __u32 copied_seq;
    __u32 rcv_nxt;
    __u32 write_seq;
    __u32 snd_una;
    __u32 total_retrans;
};

struct pid_namespace {
    struct ns_common ns;
};

struct upid {
    int nr;
    struct pid_namespace *ns;
};

struct pid {
    unsigned int level;
    struct upid numbers[]; /* one for each namespace from the initial one to its own */
};

struct signal_struct {
    atomic_t live;
};

struct task_struct {
    unsigned int flags;
    int tgid;
    struct task_struct *group_leader;
    __u64 start_boottime;
    struct pid *thread_pid;
    struct signal_struct *signal;
    char comm[16];
};

struct sk_buff {
    struct sock *sk;
    struct net_device *dev;
    unsigned int len, data_len;
    __be16 protocol;
    __u16 transport_header;
    __u16 network_header;
    unsigned char *head;
    unsigned char *data;
};

#pragma clang attribute pop
