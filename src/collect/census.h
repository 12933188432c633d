/*
 * census.h: who is talking, to whom: sockets and processes, put together from what several engines
 * see. No engine sees all: sock_diag has the sockets of this network namespace with their bytes and
 * round trips, but no owners; /proc has owners of what lives long enough; eBPF has owners and bytes
 * of everything, but only since it was attached. Each tells what it saw, and the census joins them:
 * sockets by their cookie, processes by pid and start.
 *
 * Survey thread: a round is census_begin, then census_socket, census_owner, ... by the engines in
 * use (engine_class.survey), then census_end, which makes a frozen result. Core thread: the result
 * becomes tables and series of the ticks from then on (census_series_*).
 *
 * What identifies what:
 *   a socket     network namespace and cookie (SO_COOKIE, inet_diag's idiag_cookie); without a
 *                cookie (procfs) namespace, protocol, addresses and inode
 *   a process    pid as /proc shows it and its start in clock ticks after boot: pids are reused
 *
 * Everything is bounded (census_settings); what does not fit is counted (census_lost).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/engine.h"
#include "model/message.h"
#include "model/table.h"

struct census;
struct finder;

struct census_settings {
    const char *proc_root; /* borrowed, outlives the census; "/proc", another tree in tests */
    size_t sockets_max;    /* kept at once; more are counted as lost */
    size_t processes_max;
    size_t process_series_max; /* collect.process_series_limit: more become process="other" */
    int64_t ended_keep_ms;     /* how long a process that ended keeps its own row: 60 s */
    const char *users_file;    /* names of users; borrowed. NULL: "/etc/passwd" */
    struct finder *finder;     /* looks for owners of sockets; borrowed. NULL: the census does */
    bool nameless;             /* collect.resolve: off: no names of peers are kept */
};

struct census *census_new(const struct census_settings *settings);
void census_free(struct census *c); /* NULL allowed */

/* now_ms: wall; mono_ns: the same instant on the monotonic clock. */
void census_begin(struct census *c, int64_t now_ms, int64_t mono_ns);

/* ---- what engines tell, between begin and end ------------------------------------------------ */

struct endpoint {
    uint8_t family;      /* AF_INET, AF_INET6; 0: none */
    uint16_t port;       /* host order; 0: none, or any */
    uint8_t address[16]; /* network order; IPv4 in the first four bytes. All zero: any */
};

/* Kernel's numbers (include/net/tcp_states.h), which sock_diag and /proc/net/tcp show. */
enum socket_state {
    SOCKET_ESTABLISHED = 1, /* also a UDP socket with a peer */
    SOCKET_SYN_SENT,
    SOCKET_SYN_RECV,
    SOCKET_FIN_WAIT1,
    SOCKET_FIN_WAIT2,
    SOCKET_TIME_WAIT,
    SOCKET_CLOSE, /* also a UDP socket without a peer */
    SOCKET_CLOSE_WAIT,
    SOCKET_LAST_ACK,
    SOCKET_LISTEN,
    SOCKET_CLOSING,
    SOCKET_NEW_SYN_RECV,
    SOCKET_STATES
};

const char *socket_state_name(uint8_t state); /* "established" ...; "unknown" */

enum socket_direction { DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT };

/* Of TCP, from struct tcp_info (include/uapi/linux/tcp.h). */
struct socket_quality {
    uint32_t rtt_us; /* smoothed, RFC 6298; 0: not measured yet */
    uint32_t rttvar_us;
    uint32_t retransmits;              /* segments sent again since it was opened */
    uint32_t lost;                     /* now thought lost */
    uint32_t cwnd;                     /* segments */
    uint64_t pacing_bps, delivery_bps; /* bytes a second; 0: unknown */
};

struct socket_seen {
    uint64_t cookie;   /* 0: not known */
    uint64_t netns;    /* inode of its network namespace; 0: this one */
    uint16_t protocol; /* IPPROTO_TCP, _UDP, _UDPLITE, _RAW, _ICMP, _MPTCP */
    uint8_t state;     /* enum socket_state */
    uint8_t
        direction; /* enum socket_direction, where the engine knows; else the census finds out */
    struct endpoint local, remote;
    uint32_t inode; /* 0: none (a time-wait socket, one not accepted yet) */
    uint32_t uid;
    bool has_bytes; /* payload since it was opened: bytes_received, bytes_acked */
    uint64_t rx_bytes, tx_bytes;
    bool has_quality;
    struct socket_quality quality;
    uint32_t connect_us; /* from SYN to established; 0: not known, or it came from the other end */
    int64_t opened_ms;   /* wall; 0: not known, the census takes when it was first seen */
    const char *method;  /* "sock_diag", "procfs", "ebpf": literal */
};

#define PID_ELSEWHERE UINT32_C(0x80000000)

static inline bool pid_is_elsewhere(uint32_t pid)
{
    return pid & PID_ELSEWHERE;
}

struct process_seen {
    uint32_t pid;         /* thread group; as /proc shows it. 0: the kernel. With PID_ELSEWHERE: of
                             a namespace that /proc here does not show; told apart by the rest of
                             the number, and shown without one */
    uint64_t start_ticks; /* /proc/PID/stat, field 22; 0: not known */
    uint32_t uid;         /* UINT32_MAX: not known */
    uint64_t cgroup_id;   /* inode of its directory in cgroup2; 0: not known */
    char command[16];     /* "": not known; the census asks /proc */
};

/* Since the call before, or since the engine began. Payload of sockets, every protocol. How much of
 * each direction was local is estimated when a call has both; in calls of one direction it is
 * exact. */
struct traffic {
    uint64_t rx_bytes, tx_bytes;
    uint64_t local_bytes; /* the part of both that stayed on loopback */
};

/* A socket that exists, as often as it is seen. Where two engines tell of the same one, what the
 * later one knows is added. */
void census_socket(struct census *c, const struct socket_seen *given);

/* A dump of this engine's sockets (method) is complete: those that it showed in an earlier round
 * and not in this one are closed; so are those of TCP and this network namespace that engines
 * without dumps alone have told of, because a dump has all. Without the call nothing is concluded
 * from absence. */
void census_sockets_complete(struct census *c, const char *method);

/* Its end, with its last numbers: exact, also for those that no dump ever showed. */
void census_socket_closed(struct census *c, const struct socket_seen *given, int64_t t_ms);

/* In rounds in which an engine tells of ends as they happen, but a round late at most: what a dump
 * no longer shows waits for its end to be told, so that it is told once and with its last numbers.
 * Before census_sockets_complete; off when the next round begins. */
void census_await_ends(struct census *c);

/* Whose a socket is. Sockets without a teller are looked up by inode in /proc. */
void census_owner(struct census *c, uint64_t netns, uint64_t cookie,
                  const struct process_seen *owner);

/* Bytes of a process, exact. */
void census_traffic(struct census *c, const struct process_seen *process,
                    const struct traffic *increment, const char *method);
/* All bytes of processes until now have been told, whether there were any or not. Without the call
 * what sockets have moved meanwhile waits: it is in what this engine tells later, or counts for
 * their owners when sockets count. */
void census_traffic_complete(struct census *c, const char *method);
void census_process_ended(struct census *c, const struct process_seen *process, int64_t t_ms);

/* Bytes of sockets count for their owners (method "sock_diag"): for rounds in which nobody calls
 * census_traffic. Before the first census_socket of a round; off when the next one begins. */
void census_count_sockets(struct census *c, bool on);

/* Whether the census makes the events of connections opened and closed, from what dumps show for
 * the first time and no longer and from census_socket_closed. Off for rounds in which an engine
 * hands exact ones to census_event; before the first census_socket. On when the next one begins. */
void census_make_events(struct census *c, bool on);

/* One round trip that was measured, for netsonde_tcp_rtt_seconds. */
void census_round_trip(struct census *c, int64_t rtt_ns);
/* From SYN to established, for netsonde_tcp_connect_seconds. */
void census_connect_time(struct census *c, int64_t connect_ns);

/* Absolute counters of physical interfaces together at this moment, for (unattributed). */
void census_wire(struct census *c, uint64_t rx_bytes, uint64_t tx_bytes);

/* An event of kind connection_opened or _closed, loss, dns: takes it. Bounded for each round; those
 * beyond are counted and told as one loss. */
void census_event(struct census *c, struct event *e);

void census_lost(struct census *c, uint64_t count, const char *what); /* literal */

/* A name for an address, from a DNS answer that was seen and that says how long it holds; never
 * looked up. Any bytes. */
void census_peer_name(struct census *c, const struct endpoint *address, const char *name,
                      uint32_t ttl_s);

/* ---- the result ------------------------------------------------------------------------------ */

/* Frozen; one reference to the caller, for census_series_take on the core thread. */
struct message *census_end(struct census *c);

/* ---- core thread ----------------------------------------------------------------------------- */

struct census_series;

struct census_series *census_series_new(void);
void census_series_free(struct census_series *s);                         /* NULL allowed */
void census_series_take(struct census_series *s, struct message *result); /* takes */

/* Instead of census_series_sample in ticks in which nobody tells the census: what it said last is
 * not of now any more, when somebody does again. */
void census_series_pause(struct census_series *s);

/* Puts tables and events that came since the last tick, and all series, into the draft. */
void census_series_sample(struct census_series *s, const struct engine_sink *sink);
