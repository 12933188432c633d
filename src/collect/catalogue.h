/*
 * catalogue.h: every metric that collecting makes, with its unit and its sentence. Names and label
 * names are node_exporter's where it has the number, CONTRACT section 7. docs/METRICS.md is held to
 * this list by a test.
 *
 * The numbers of /proc/net/{snmp,netstat,snmp6} and sockstat are named by the kernel while it
 * runs: field_describe makes their metric from the name. All immutable, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/metric.h"

/* Counters of an interface, in the order in which /proc/net/dev has the first sixteen. */
enum link_counter {
    LINK_RX_BYTES,
    LINK_RX_PACKETS,
    LINK_RX_ERRS,
    LINK_RX_DROP,
    LINK_RX_FIFO,
    LINK_RX_FRAME,
    LINK_RX_COMPRESSED,
    LINK_RX_MULTICAST,
    LINK_TX_BYTES,
    LINK_TX_PACKETS,
    LINK_TX_ERRS,
    LINK_TX_DROP,
    LINK_TX_FIFO,
    LINK_TX_COLLS,
    LINK_TX_CARRIER,
    LINK_TX_COMPRESSED,
    LINK_PROC_COUNTERS, /* those above are all that /proc/net/dev has */
    LINK_RX_NOHANDLER = LINK_PROC_COUNTERS,
    LINK_CARRIER_CHANGES,
    LINK_CARRIER_UP,
    LINK_CARRIER_DOWN,
    LINK_COUNTERS
};

enum link_gauge {
    LINK_UP,
    LINK_CARRIER,
    LINK_MTU,
    LINK_SPEED,
    LINK_QUEUE_LENGTH,
    LINK_INDEX,
    LINK_TYPE,
    LINK_FLAGS,
    LINK_DORMANT,
    LINK_LOWER,
    LINK_MODE,
    LINK_GROUP,
    LINK_ADDRESS_ASSIGNED,
    LINK_NAME_ASSIGNED,
    LINK_DEVICE_ID,
    LINK_PHYSICAL, /* set by interfaces.c from the kind */
    LINK_GAUGES
};

enum softnet_metric {
    SOFTNET_PROCESSED,
    SOFTNET_DROPPED,
    SOFTNET_TIMES_SQUEEZED,
    SOFTNET_CPU_COLLISION,
    SOFTNET_RECEIVED_RPS,
    SOFTNET_FLOW_LIMIT,
    SOFTNET_BACKLOG,
    SOFTNET_METRICS
};

enum conntrack_stat {
    CONNTRACK_FOUND,
    CONNTRACK_INVALID,
    CONNTRACK_IGNORE,
    CONNTRACK_INSERT,
    CONNTRACK_INSERT_FAILED,
    CONNTRACK_DROP,
    CONNTRACK_EARLY_DROP,
    CONNTRACK_SEARCH_RESTART,
    CONNTRACK_STATS
};

enum qdisc_metric {
    QDISC_BYTES,
    QDISC_PACKETS,
    QDISC_DROPS,
    QDISC_REQUEUES,
    QDISC_OVERLIMITS,
    QDISC_QUEUE_LENGTH,
    QDISC_BACKLOG,
    QDISC_METRICS
};

#define CATALOGUE_NIC_METRICS 30 /* by enum nic_stat of wire/ethtool.h */

extern const struct metric catalogue_link_counters[LINK_COUNTERS]; /* {device} */
extern const struct metric catalogue_link_gauges[LINK_GAUGES];     /* {device} */
extern const struct metric catalogue_link_info; /* {device} and its texts, see link_info.h */
extern const struct metric catalogue_softnet[SOFTNET_METRICS];   /* {cpu} */
extern const struct metric catalogue_qdisc[QDISC_METRICS];       /* {device,kind} */
extern const struct metric catalogue_nic[CATALOGUE_NIC_METRICS]; /* {device} */
extern const struct metric catalogue_conntrack_stats[CONNTRACK_STATS];
extern const char *const catalogue_conntrack_columns[CONNTRACK_STATS]; /* the kernel's words */
extern const struct metric catalogue_conntrack_entries, catalogue_conntrack_limit;

/* Of the packet engine. */
enum packet_counter {
    PACKET_RECEIVED,
    PACKET_RECEIVED_BYTES,
    PACKET_FLOWS_BEGUN,
    PACKET_FLOWS_EVICTED,
    PACKET_AGAIN,
    PACKET_DISORDER,
    PACKET_COUNTERS
};
enum packet_drop { PACKET_DROP_KERNEL, PACKET_DROP_INTERFACE, PACKET_DROPS };
#define PACKET_UNDECODED 4
#define PACKET_INCOMPLETE 5
extern const struct metric catalogue_packet[PACKET_COUNTERS];
extern const struct metric catalogue_packet_flows;
extern const struct metric catalogue_capture_drops;     /* {reason} */
extern const struct metric catalogue_packet_undecoded;  /* {reason} */
extern const struct metric catalogue_packet_incomplete; /* {reason} */
extern const char *const catalogue_packet_drop_reasons[PACKET_DROPS];
extern const char *const catalogue_packet_undecoded_reasons[PACKET_UNDECODED];
extern const char *const catalogue_packet_incomplete_reasons[PACKET_INCOMPLETE];
extern const struct metric catalogue_flow_bytes;  /* {application} */
extern const struct metric catalogue_dns_queries; /* {rcode} */
extern const struct metric catalogue_dns_bucket;  /* {le} */
extern const struct metric catalogue_dns_sum, catalogue_dns_count;

extern const struct metric catalogue_uname, catalogue_boot_time, catalogue_time;
extern const struct metric catalogue_netlink_overruns, catalogue_sockets_incomplete;
extern const struct metric catalogue_packet_drops;   /* {reason} */
extern const struct metric catalogue_service_drops;  /* {port,protocol,reason} */
extern const struct metric catalogue_bpf_lost;       /* {what} */
extern const struct metric catalogue_collect_errors; /* {engine} */
extern const struct metric catalogue_collect_bucket; /* {le} */
extern const struct metric catalogue_collect_sum, catalogue_collect_count;
extern const struct metric catalogue_process_rx, catalogue_process_tx; /* {process,unit} */
extern const struct metric catalogue_process_retransmits;              /* the same */
extern const struct metric catalogue_unattributed;                     /* {direction} */
extern const struct metric catalogue_tcp_connections;                  /* {state} */
/* Histograms: bucket {le}, sum, count. */
extern const struct metric catalogue_tcp_rtt[3], catalogue_tcp_connect[3];
extern const struct metric catalogue_tcp_retransmits;
extern const struct metric catalogue_census_lost, catalogue_census_unreadable;
extern const struct metric catalogue_peer_names, catalogue_peer_names_evicted;

struct catalogue_entry {
    const struct metric *metric;
    const char *labels; /* separated by commas; "" when it has none */
};

/* The fixed metrics one after the other; false past the last. */
bool catalogue_at(size_t index, struct catalogue_entry *ret);

#define FIELD_NAME_MAX 128 /* bytes of a metric name made from kernel words, its NUL included */

/* A metric named by the kernel; `name` holds the text that metric.name points to. */
struct field_metric {
    struct metric metric;
    char name[FIELD_NAME_MAX];
    char help[FIELD_NAME_MAX + 64];
};

enum field_family { FIELD_NETSTAT, FIELD_SOCKSTAT };

/* "TcpExt", "ListenDrops" -> node_netstat_TcpExt_ListenDrops. False: not letters, digits and
 * underscores, or too long. The texts need not be terminated. *ret must stay where it is. */
bool field_describe(enum field_family family, const char *group, size_t group_len,
                    const char *field, size_t field_len, struct field_metric *ret);

/* Fields with a sentence of their own, one after the other, for the documentation. */
bool field_known_at(size_t index, struct field_metric *ret);
