/*
 * inet_diag.h: what the kernel says about sockets (NETLINK_SOCK_DIAG), as plain structs, and the
 * requests that ask for it. No I/O: bytes in, structs out, any thread. Everything is copied; the
 * message may be gone afterwards. Whatever a message claims about its own lengths is checked
 * against the bytes that are there.
 *
 * Sources: include/uapi/linux/{sock_diag,inet_diag,tcp,mptcp}.h and net/ipv4/inet_diag.c of Linux.
 * The structs that grow from kernel to kernel (tcp_info, mptcp_info) are declared here as far as
 * they are read, so that neither older headers nor older kernels matter.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a message had beyond its fixed part: bits of inet_diag_socket.has. */
enum inet_diag_part {
    INET_DIAG_HAS_TCP = 1 << 0,   /* tcp: all that the oldest kernels tell, up to total_retrans */
    INET_DIAG_HAS_BYTES = 1 << 1, /* tcp.bytes_acked, bytes_received (since 4.1) */
    INET_DIAG_HAS_DELIVERY = 1 << 2,    /* tcp.delivery_rate (since 4.9) */
    INET_DIAG_HAS_SENT = 1 << 3,        /* tcp.bytes_sent, bytes_retrans (since 4.19) */
    INET_DIAG_HAS_MPTCP = 1 << 4,       /* mptcp: all but the bytes */
    INET_DIAG_HAS_MPTCP_BYTES = 1 << 5, /* mptcp.bytes_* (since 6.5) */
    INET_DIAG_HAS_MEMORY = 1 << 6,
    INET_DIAG_HAS_SOCKET_MEMORY = 1 << 7,
    INET_DIAG_HAS_PROTOCOL = 1 << 8,
    INET_DIAG_HAS_MARK = 1 << 9, /* told to CAP_NET_ADMIN only */
    INET_DIAG_HAS_CLASS = 1 << 10,
    INET_DIAG_HAS_CGROUP = 1 << 11,
    INET_DIAG_HAS_SHUTDOWN = 1 << 12,
    INET_DIAG_HAS_ULP = 1 << 13,
};

/* Of struct tcp_info, whose other fields nobody asks for here. What a kernel does not know is 0. */
struct inet_diag_tcp {
    uint8_t congestion_state; /* TCP_CA_* */
    uint8_t retransmits;      /* time-outs in a row, now */
    uint8_t backoff;
    uint32_t rto_us;
    uint32_t mss_bytes;              /* of what is sent */
    uint32_t unacked, lost, retrans; /* segments, now */
    uint32_t last_ack_received_ms;   /* ago */
    uint32_t pmtu_bytes;
    uint32_t rtt_us, rttvar_us; /* 0: not measured yet (and then not told to be so by the kernel) */
    uint32_t cwnd, ssthresh;    /* segments; ssthresh INT32_MAX: none yet */
    uint32_t total_retrans;     /* segments sent again since it was opened */
    uint64_t pacing_rate;       /* bytes a second; UINT64_MAX: no limit */
    uint64_t bytes_acked;       /* SYN and FIN count as one each */
    uint64_t bytes_received;    /* FIN counts as one */
    uint32_t segs_out, segs_in;
    uint32_t min_rtt_us;    /* UINT32_MAX: not measured yet */
    uint64_t delivery_rate; /* bytes a second */
    uint64_t bytes_sent, bytes_retrans;
};

/* Of struct mptcp_info. */
struct inet_diag_mptcp {
    uint8_t subflows; /* beside the first one */
    uint32_t flags;   /* 1: fell back to TCP */
    uint32_t token;
    uint64_t bytes_sent, bytes_received, bytes_acked;
};

/* SK_MEMINFO_* in bytes, but for the last one. */
struct inet_diag_socket_memory {
    uint32_t rmem, rcvbuf, wmem, sndbuf, forward, queued, options, backlog;
    uint32_t drops; /* packets; 0 before 4.7 */
};

struct inet_diag_socket {
    uint8_t family;      /* AF_INET or AF_INET6 */
    uint8_t state;       /* as enum socket_state of collect/census.h; 0 only of other protocols */
    uint8_t timer;       /* 0 none, 1 retransmission, 2 keep-alive, 3 time-wait, 4 zero window */
    uint8_t timer_tries; /* how often it ran out */
    uint16_t local_port, remote_port;   /* host order */
    uint8_t local[16], remote[16];      /* network order; IPv4 in the first four bytes */
    uint32_t interface;                 /* it is bound to; 0: none */
    uint64_t cookie;                    /* as SO_COOKIE */
    uint32_t expires_ms;                /* of the timer */
    uint32_t receive_queue, send_queue; /* bytes; of a listener: connections waiting, and room */
    uint32_t uid, inode;                /* 0: none, or a notice, which does not tell */
    uint32_t has;                       /* enum inet_diag_part */
    uint8_t protocol;                   /* of raw sockets and notices */
    uint8_t shutdown;                   /* bits: 1 receiving, 2 sending */
    uint32_t mark, class_id;
    uint64_t cgroup_id;
    char congestion[16]; /* algorithm; "": not told */
    char ulp[16];        /* what lies over TCP: "tls", "mptcp"; "": nothing, or not told */
    uint32_t memory[4];  /* bytes: receive, unsent, allocated ahead, queued */
    struct inet_diag_socket_memory socket_memory;
    /* By protocol; zero when has says that they are not there. */
    struct inet_diag_tcp tcp;
    struct inet_diag_mptcp mptcp;
};

/*
 * `protocol`: IPPROTO_* that was asked for, which says what the attribute INFO is; 0: as the
 * message says (notices). 0; -EAFNOSUPPORT for a family that is neither IPv4 nor IPv6; -EBADMSG
 * when the message is too short or has broken attributes.
 */
int inet_diag_parse(const struct nlmsghdr *msg, unsigned protocol, struct inet_diag_socket *ret);

enum inet_diag_ask { /* bits */
                     INET_DIAG_ASK_INFO = 1 << 0,
                     INET_DIAG_ASK_MEMORY = 1 << 1,
                     INET_DIAG_ASK_SOCKET_MEMORY = 1 << 2,
                     INET_DIAG_ASK_CONGESTION = 1 << 3,
                     INET_DIAG_ASK_CLASS = 1 << 4, /* class and cgroup */
};

#define INET_DIAG_REQUEST_MAX 128 /* bytes */

/* Writes a request for all sockets of one family and protocol (IPPROTO_TCP, _UDP, _UDPLITE, _RAW,
 * _MPTCP) in the states given (bits 1 << enum socket_state; a raw socket's is 7); returns its
 * length. Of TCP the family may be AF_UNSPEC, for both in one go: the kernel then looks through its
 * table once. buf is 4-byte aligned. */
size_t inet_diag_request_dump(void *buf, uint8_t family, unsigned protocol, uint32_t states,
                              unsigned ask, uint32_t seq);
