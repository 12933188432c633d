/*
 * abi.h: what the programs in the kernel and the engine in main say to each other: the maps' keys
 * and values and the records of the ring. Included by both sides, so only fixed-width fields, no
 * hole, no pointer, and every size is asserted. Whoever changes a layout raises the version: the
 * reader throws away records of another one.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC unless the name says boot. Addresses are in network
 * order, IPv4 in the first four bytes; ports in host order.
 */
#ifndef NETSONDE_BPF_ABI_H
#define NETSONDE_BPF_ABI_H

#ifndef __bpf__
#include <stdint.h>
#define ABI_U8 uint8_t
#define ABI_U16 uint16_t
#define ABI_U32 uint32_t
#define ABI_U64 uint64_t
#else
#include <linux/types.h>
#define ABI_U8 __u8
#define ABI_U16 __u16
#define ABI_U32 __u32
#define ABI_U64 __u64
#endif

#define BPF_ABI_VERSION 1

/* Sizes at the defaults; together under 16 MiB with what the kernel adds to an entry. */
#define BPF_PROCESSES_MAX 16384
#define BPF_RING_BYTES (2 * 1024 * 1024) /* all of it is resident in main */
#define BPF_DROP_PORTS_MAX 1024
#define BPF_REASONS_MAX 256 /* of drops; those of subsystems have numbers beyond */
#define BPF_REASON_NAME_MAX 48
#define BPF_COMMAND_MAX 16
#define BPF_DNS_BYTES 320 /* of a DNS message: its head, a name of 255 bytes and what follows */

/* ---- map "processes": bytes by process ------------------------------------------------------ */

struct bpf_process_key {
    ABI_U64 start_boot_ns; /* of the thread group's leader, as in /proc/PID/stat */
    ABI_U32 pid;           /* of the thread group, as the monitor's PID namespace numbers it;
                              BPF_PID_ELSEWHERE and the host's number where it has none there */
    ABI_U32 reserved;      /* zero */
};

#define BPF_PID_ELSEWHERE 0x80000000u

/* One cache line, and one addition for each send or receive. Bytes grow and never shrink. */
struct bpf_process {
    ABI_U64 rx_bytes, tx_bytes;             /* that crossed a device other than loopback */
    ABI_U64 rx_local_bytes, tx_local_bytes; /* that stayed on this host */
    ABI_U64 cgroup_id;
    ABI_U32 uid;
    ABI_U32 ended; /* BPF_ENDED_AT of its end; 0: it lives. Nothing is added afterwards, and the
                      reader deletes it */
    char command[BPF_COMMAND_MAX];
};

/* About milliseconds, of 32 bits, never 0: good for telling how long ago something was. */
#define BPF_ENDED_AT(time_ns) ((ABI_U32)((time_ns) >> 20) | 1)

/* ---- maps "drops" and "drop_ports": packets that were thrown away
 * -------------------------------- */

/* "drops": an array of counts by reason (enum skb_drop_reason of the running kernel); the last
 * place is for reasons with larger numbers: those of subsystems. */
#define BPF_REASON_OTHER (BPF_REASONS_MAX - 1)

/* "drop_ports": the same counts by service, as far as there is room. */
struct bpf_drop_key {
    ABI_U16 reason;
    ABI_U16 port;       /* the smaller one, below BPF_SERVICES_END */
    ABI_U8 protocol;    /* IPPROTO_TCP, IPPROTO_UDP */
    ABI_U8 reserved[3]; /* zero */
};

#define BPF_SERVICES_END 32768 /* where Linux begins to give out ports of its own choice */

/* ---- map "counters" (an array): what was lost in the kernel ---------------------------------- */

enum bpf_counter {
    BPF_COUNTER_RECORDS_LOST,   /* the ring was full */
    BPF_COUNTER_PROCESSES_LOST, /* times that "processes" was full */
    BPF_COUNTER_BYTES_LOST,     /* bytes that had no place in it */
    BPF_COUNTER_DROPS_LOST,     /* drops that had no place in "drop_ports" */
    BPF_COUNTERS = 8
};

/* ---- the ring -------------------------------------------------------------------------------- */

enum bpf_record_kind {
    BPF_RECORD_OPENED = 1, /* struct bpf_record_socket: a TCP connection is established */
    BPF_RECORD_CLOSED,     /* the same: one that was, or that could not be made, has ended */
    BPF_RECORD_OWNER,      /* struct bpf_record_owner: whose socket it is */
    BPF_RECORD_DNS,        /* struct bpf_record_dns */
    BPF_RECORD_RESENT,     /* as OPENED: it has sent segments again; of each about once a second */
};

struct bpf_record_head {
    ABI_U16 version; /* BPF_ABI_VERSION */
    ABI_U16 kind;    /* enum bpf_record_kind */
    ABI_U32 size;    /* of the record, this head included */
    ABI_U64 time_ns;
};

struct bpf_owner {
    struct bpf_process_key process; /* pid 0: not known */
    ABI_U64 cgroup_id;
    ABI_U32 uid;
    ABI_U32 reserved; /* zero */
    char command[BPF_COMMAND_MAX];
};

enum bpf_direction { BPF_DIRECTION_UNKNOWN, BPF_DIRECTION_IN, BPF_DIRECTION_OUT };

struct bpf_record_owner {
    struct bpf_record_head head;
    struct bpf_owner owner;
    ABI_U64 cookie;
    ABI_U32 netns;
    ABI_U32 reserved; /* zero */
};

struct bpf_record_socket {
    struct bpf_record_head head;
    struct bpf_owner owner;
    ABI_U64 cookie;
    ABI_U64 opened_ns;          /* SYN sent, or connection accepted; 0: before we looked */
    ABI_U64 rx_bytes, tx_bytes; /* payload */
    ABI_U32 netns;
    ABI_U32 connect_us; /* from SYN to established; 0: not known */
    ABI_U32 srtt_us;    /* smoothed round trip; 0: none */
    ABI_U32 retransmits;
    ABI_U16 local_port, remote_port;
    ABI_U8 family;      /* AF_INET, AF_INET6 */
    ABI_U8 direction;   /* enum bpf_direction */
    ABI_U8 established; /* it ever was */
    ABI_U8 state;       /* the kernel's number, include/net/tcp_states.h */
    ABI_U8 local[16], remote[16];
};

struct bpf_record_dns {
    struct bpf_record_head head;
    struct bpf_owner owner;
    ABI_U64 cookie;
    ABI_U32 netns;
    ABI_U16 local_port, remote_port;
    ABI_U8 family;
    ABI_U8 answer;         /* 1: it came in */
    ABI_U16 message_bytes; /* on the wire */
    ABI_U16 kept_bytes;    /* of `message` that are set, at most BPF_DNS_BYTES */
    ABI_U16 reserved;      /* zero */
    ABI_U8 local[16], remote[16];
    ABI_U8 message[BPF_DNS_BYTES];
};

_Static_assert(sizeof(struct bpf_process_key) == 16, "layout");
_Static_assert(sizeof(struct bpf_process) == 64, "layout");
_Static_assert(sizeof(struct bpf_drop_key) == 8, "layout");
_Static_assert(sizeof(struct bpf_record_head) == 16, "layout");
_Static_assert(sizeof(struct bpf_owner) == 48, "layout");
_Static_assert(sizeof(struct bpf_record_owner) == 80, "layout");
_Static_assert(sizeof(struct bpf_record_socket) == 152, "layout");
_Static_assert(sizeof(struct bpf_record_dns) == 440, "layout");

/* ---- constants: set by the loader before the kernel checks the programs -----------------------
 */

struct bpf_constants {
    ABI_U8 cookie_helper;  /* tracing programs may ask for a socket's cookie: 5.12 */
    ABI_U8 follow_sockets; /* tell whose sockets are: BPF_PART_CONNECTIONS */
    ABI_U8 portable;       /* bytes from packets: BPF_PART_TRAFFIC_PORTABLE */
    ABI_U8 reserved;       /* zero */
    ABI_U32 pid_namespace; /* inode of the monitor's; 0: the initial one, which sees all */
};

_Static_assert(sizeof(struct bpf_constants) == 8, "layout");

/* ---- what is attached ------------------------------------------------------------------------ */

/* Asked for by the engine, answered by the keeper with what it could attach. */
enum bpf_part {
    BPF_PART_TRAFFIC,          /* bytes of processes, from sock_send_length and sock_recv_length */
    BPF_PART_TRAFFIC_PORTABLE, /* the same for older kernels, from packets and tcp_sock */
    BPF_PART_CONNECTIONS,      /* opened, closed, owners */
    BPF_PART_RETRANSMITS,      /* connections that send segments again, as they do */
    BPF_PART_DROPS,
    BPF_PART_DNS,
    BPF_PARTS
};

#define BPF_PART_BIT(part) (1U << (part))

/* Descriptors that the keeper hands over, in this order, before those of the attachments. */
enum bpf_map_place {
    BPF_MAP_PROCESSES,
    BPF_MAP_COUNTERS,
    BPF_MAP_RING,
    BPF_MAP_DROPS,
    BPF_MAP_DROP_PORTS,
    BPF_MAP_REASONS, /* array: number of a drop reason -> its name in this kernel */
    BPF_MAPS
};

#endif
