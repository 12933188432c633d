/*
 * catalogue.c: the fixed metrics as tables. The rest of collect refers to a metric by its place in
 * a table, so a name is written exactly once in the program.
 */
#include "collect/catalogue.h"

#include "base/defs.h"
#include "wire/ethtool.h"

_Static_assert(CATALOGUE_NIC_METRICS == NIC_STATS, "one metric for each");

#define COUNTER(name, unit, help)                                                                  \
    {                                                                                              \
        name, unit, help, METRIC_COUNTER, 1                                                        \
    }
#define GAUGE(name, unit, help)                                                                    \
    {                                                                                              \
        name, unit, help, METRIC_GAUGE, 1                                                          \
    }

const struct metric catalogue_link_counters[LINK_COUNTERS] = {
    [LINK_RX_BYTES] =
        COUNTER("node_network_receive_bytes_total", "bytes", "Bytes received by the interface."),
    [LINK_RX_PACKETS] = COUNTER("node_network_receive_packets_total", "packets",
                                "Packets received by the interface."),
    [LINK_RX_ERRS] = COUNTER("node_network_receive_errs_total", "packets",
                             "Broken packets received, for whatever reason."),
    [LINK_RX_DROP] = COUNTER("node_network_receive_drop_total", "packets",
                             "Received packets dropped by the host or missed for lack of room."),
    [LINK_RX_FIFO] = COUNTER("node_network_receive_fifo_total", "packets",
                             "Receive errors because a FIFO of the device overflowed."),
    [LINK_RX_FRAME] = COUNTER("node_network_receive_frame_total", "packets",
                              "Receive errors of framing: wrong length, overrun, CRC, alignment."),
    [LINK_RX_COMPRESSED] = COUNTER("node_network_receive_compressed_total", "packets",
                                   "Compressed packets received (PPP, SLIP)."),
    [LINK_RX_MULTICAST] =
        COUNTER("node_network_receive_multicast_total", "packets", "Multicast packets received."),
    [LINK_TX_BYTES] =
        COUNTER("node_network_transmit_bytes_total", "bytes", "Bytes sent by the interface."),
    [LINK_TX_PACKETS] =
        COUNTER("node_network_transmit_packets_total", "packets", "Packets sent by the interface."),
    [LINK_TX_ERRS] = COUNTER("node_network_transmit_errs_total", "packets",
                             "Packets that could not be sent, for whatever reason."),
    [LINK_TX_DROP] =
        COUNTER("node_network_transmit_drop_total", "packets", "Packets dropped on their way out."),
    [LINK_TX_FIFO] = COUNTER("node_network_transmit_fifo_total", "packets",
                             "Send errors because a FIFO of the device ran empty."),
    [LINK_TX_COLLS] =
        COUNTER("node_network_transmit_colls_total", "packets", "Collisions seen while sending."),
    [LINK_TX_CARRIER] =
        COUNTER("node_network_transmit_carrier_total", "packets",
                "Send errors of the line: no carrier, aborted, late or no heartbeat."),
    [LINK_TX_COMPRESSED] = COUNTER("node_network_transmit_compressed_total", "packets",
                                   "Compressed packets sent (PPP, SLIP)."),
    [LINK_RX_NOHANDLER] = COUNTER("node_network_receive_nohandler_total", "packets",
                                  "Packets received by an interface that takes none (inactive "
                                  "member of a bond or team)."),
    [LINK_CARRIER_CHANGES] =
        COUNTER("node_network_carrier_changes_total", "changes", "Times the carrier came or went."),
    [LINK_CARRIER_UP] =
        COUNTER("node_network_carrier_up_changes_total", "changes", "Times the carrier came."),
    [LINK_CARRIER_DOWN] =
        COUNTER("node_network_carrier_down_changes_total", "changes", "Times the carrier went."),
};

const struct metric catalogue_link_gauges[LINK_GAUGES] = {
    [LINK_UP] = GAUGE("node_network_up", "", "1 when the operational state is up, else 0."),
    [LINK_CARRIER] = GAUGE("node_network_carrier", "",
                           "1 when the interface has a carrier, else 0; absent while it is "
                           "switched off."),
    [LINK_MTU] = GAUGE("node_network_mtu_bytes", "bytes", "Largest packet the interface sends."),
    [LINK_SPEED] = GAUGE("node_network_speed_bytes", "bytes",
                         "Nominal speed in bytes per second; absent when the device has none."),
    [LINK_QUEUE_LENGTH] = GAUGE("node_network_transmit_queue_length", "packets",
                                "Packets that the send queue holds at most."),
    [LINK_INDEX] = GAUGE("node_network_iface_id", "", "The interface's number in the kernel."),
    [LINK_TYPE] = GAUGE("node_network_protocol_type", "",
                        "Kind of link layer as a number: 1 Ethernet, 772 loopback, 65534 none."),
    [LINK_FLAGS] = GAUGE("node_network_flags", "", "The interface's flags (IFF_*) as a number."),
    [LINK_DORMANT] = GAUGE("node_network_dormant", "",
                           "1 while the interface waits for something outside, 802.1X say, else 0; "
                           "absent while it is switched off."),
    [LINK_LOWER] = GAUGE("node_network_iface_link", "",
                         "Number of the interface that this one is stacked on or, of a veth, of "
                         "the other end; its own where there is none."),
    [LINK_MODE] = GAUGE("node_network_iface_link_mode", "",
                        "Who decides when the state becomes up: 0 the kernel, 1 user space."),
    [LINK_GROUP] = GAUGE("node_network_net_dev_group", "", "The group that the interface is in."),
    [LINK_ADDRESS_ASSIGNED] =
        GAUGE("node_network_address_assign_type", "",
              "Where the address is from: 0 hardware, 1 random, 2 another device, 3 set."),
    [LINK_NAME_ASSIGNED] =
        GAUGE("node_network_name_assign_type", "",
              "Where the name is from: 1 counted by the kernel, 2 predictable, 3 user space, 4 "
              "renamed; absent when the kernel does not know."),
    [LINK_DEVICE_ID] =
        GAUGE("node_network_device_id", "", "Tells ports of one card apart that share an address."),
    [LINK_PHYSICAL] = GAUGE("netsonde_network_physical", "",
                            "1 for an interface with a device behind it; absent for all others."),
};

const struct metric catalogue_link_info =
    GAUGE("node_network_info", "", "1; the interface's texts are in the labels.");

const struct metric catalogue_softnet[SOFTNET_METRICS] = {
    [SOFTNET_PROCESSED] = COUNTER("node_softnet_processed_total", "packets",
                                  "Packets that this CPU took through the network stack."),
    [SOFTNET_DROPPED] = COUNTER("node_softnet_dropped_total", "packets",
                                "Packets dropped because this CPU's backlog was full."),
    [SOFTNET_TIMES_SQUEEZED] = COUNTER("node_softnet_times_squeezed_total", "times",
                                       "Times this CPU had to stop receiving with work left."),
    [SOFTNET_CPU_COLLISION] = COUNTER("node_softnet_cpu_collision_total", "times",
                                      "Times this CPU found the device's send lock taken."),
    [SOFTNET_RECEIVED_RPS] = COUNTER("node_softnet_received_rps_total", "times",
                                     "Times another CPU woke this one to receive for it (RPS)."),
    [SOFTNET_FLOW_LIMIT] = COUNTER("node_softnet_flow_limit_count_total", "packets",
                                   "Packets of large flows dropped to protect the small ones."),
    [SOFTNET_BACKLOG] =
        GAUGE("node_softnet_backlog_len", "packets", "Packets waiting in this CPU's backlog."),
};

const struct metric catalogue_qdisc[QDISC_METRICS] = {
    [QDISC_BYTES] = COUNTER("node_qdisc_bytes_total", "bytes",
                            "Bytes that left the interface's queueing discipline."),
    [QDISC_PACKETS] = COUNTER("node_qdisc_packets_total", "packets",
                              "Packets that left the interface's queueing discipline."),
    [QDISC_DROPS] = COUNTER("node_qdisc_drops_total", "packets",
                            "Packets that the queueing discipline dropped."),
    [QDISC_REQUEUES] = COUNTER("node_qdisc_requeues_total", "packets",
                               "Packets put back because the device could not take them."),
    [QDISC_OVERLIMITS] = COUNTER("node_qdisc_overlimits_total", "times",
                                 "Times the queueing discipline's limit held packets back."),
    [QDISC_QUEUE_LENGTH] = GAUGE("node_qdisc_current_queue_length", "packets",
                                 "Packets waiting in the queueing discipline."),
    [QDISC_BACKLOG] =
        GAUGE("node_qdisc_backlog", "bytes", "Bytes waiting in the queueing discipline."),
};

/* By IEEE 802.3 clause 30, the last four by RFC 2819. */
const struct metric catalogue_nic[CATALOGUE_NIC_METRICS] = {
    [NIC_SYMBOL_ERRORS] = COUNTER("netsonde_nic_symbol_errors_total", "errors",
                                  "Times a receiver met a symbol that is none."),
    [NIC_TX_FRAMES] =
        COUNTER("netsonde_nic_transmit_frames_total", "frames", "Frames sent without an error."),
    [NIC_SINGLE_COLLISIONS] = COUNTER("netsonde_nic_single_collisions_total", "frames",
                                      "Frames sent after one collision."),
    [NIC_MULTIPLE_COLLISIONS] = COUNTER("netsonde_nic_multiple_collisions_total", "frames",
                                        "Frames sent after several collisions."),
    [NIC_RX_FRAMES] =
        COUNTER("netsonde_nic_receive_frames_total", "frames", "Frames received without an error."),
    [NIC_CHECK_ERRORS] = COUNTER("netsonde_nic_receive_check_errors_total", "frames",
                                 "Frames received whose check sequence was wrong."),
    [NIC_ALIGNMENT_ERRORS] = COUNTER("netsonde_nic_receive_alignment_errors_total", "frames",
                                     "Frames received that ended within a byte and were wrong."),
    [NIC_TX_BYTES] = COUNTER("netsonde_nic_transmit_bytes_total", "bytes",
                             "Bytes in the frames sent without an error."),
    [NIC_DEFERRED] = COUNTER("netsonde_nic_transmit_deferred_total", "frames",
                             "Frames that had to wait because the line was busy."),
    [NIC_LATE_COLLISIONS] = COUNTER("netsonde_nic_late_collisions_total", "frames",
                                    "Collisions later than a line of allowed length makes them."),
    [NIC_EXCESS_COLLISIONS] = COUNTER("netsonde_nic_excess_collisions_total", "frames",
                                      "Frames given up after too many collisions."),
    [NIC_TX_INTERNAL_ERRORS] = COUNTER("netsonde_nic_transmit_internal_errors_total", "frames",
                                       "Frames not sent because of an error inside the card."),
    [NIC_CARRIER_ERRORS] = COUNTER("netsonde_nic_carrier_errors_total", "frames",
                                   "Frames during which the carrier was missing."),
    [NIC_RX_BYTES] = COUNTER("netsonde_nic_receive_bytes_total", "bytes",
                             "Bytes in the frames received without an error."),
    [NIC_RX_INTERNAL_ERRORS] = COUNTER("netsonde_nic_receive_internal_errors_total", "frames",
                                       "Frames lost because of an error inside the card."),
    [NIC_TX_MULTICAST] =
        COUNTER("netsonde_nic_transmit_multicast_frames_total", "frames", "Multicast frames sent."),
    [NIC_TX_BROADCAST] =
        COUNTER("netsonde_nic_transmit_broadcast_frames_total", "frames", "Broadcast frames sent."),
    [NIC_EXCESS_DEFERRAL] = COUNTER("netsonde_nic_transmit_excess_deferral_total", "frames",
                                    "Frames that had to wait too long for the line."),
    [NIC_RX_MULTICAST] = COUNTER("netsonde_nic_receive_multicast_frames_total", "frames",
                                 "Multicast frames received."),
    [NIC_RX_BROADCAST] = COUNTER("netsonde_nic_receive_broadcast_frames_total", "frames",
                                 "Broadcast frames received."),
    [NIC_IN_RANGE_LENGTH_ERRORS] = COUNTER("netsonde_nic_receive_length_mismatches_total", "frames",
                                           "Frames received whose length field did not match."),
    [NIC_OUT_OF_RANGE_LENGTHS] =
        COUNTER("netsonde_nic_receive_length_out_of_range_total", "frames",
                "Frames received with a length field beyond what is allowed."),
    [NIC_TOO_LONG_ERRORS] = COUNTER("netsonde_nic_receive_too_long_total", "frames",
                                    "Frames received that were longer than is allowed."),
    [NIC_TX_CONTROL] = COUNTER("netsonde_nic_transmit_control_frames_total", "frames",
                               "Control frames sent, such as those that ask for a pause."),
    [NIC_RX_CONTROL] =
        COUNTER("netsonde_nic_receive_control_frames_total", "frames", "Control frames received."),
    [NIC_RX_CONTROL_UNSUPPORTED] =
        COUNTER("netsonde_nic_receive_control_unsupported_total", "frames",
                "Control frames received that the card does not understand."),
    [NIC_UNDERSIZE] = COUNTER("netsonde_nic_undersize_frames_total", "frames",
                              "Good frames that were too short."),
    [NIC_OVERSIZE] =
        COUNTER("netsonde_nic_oversize_frames_total", "frames", "Good frames that were too long."),
    [NIC_FRAGMENTS] =
        COUNTER("netsonde_nic_fragments_total", "frames", "Frames that were too short and broken."),
    [NIC_JABBERS] =
        COUNTER("netsonde_nic_jabbers_total", "frames", "Frames that were too long and broken."),
};

const struct metric catalogue_conntrack_stats[CONNTRACK_STATS] = {
    [CONNTRACK_FOUND] = COUNTER("node_nf_conntrack_stat_found", "times",
                                "Look-ups that found a tracked connection."),
    [CONNTRACK_INVALID] =
        COUNTER("node_nf_conntrack_stat_invalid", "packets", "Packets that could not be tracked."),
    [CONNTRACK_IGNORE] =
        COUNTER("node_nf_conntrack_stat_ignore", "packets", "Packets that were tracked already."),
    [CONNTRACK_INSERT] = COUNTER("node_nf_conntrack_stat_insert", "connections",
                                 "Connections entered into the table."),
    [CONNTRACK_INSERT_FAILED] = COUNTER("node_nf_conntrack_stat_insert_failed", "connections",
                                        "Connections that could not be entered into the table."),
    [CONNTRACK_DROP] = COUNTER("node_nf_conntrack_stat_drop", "packets",
                               "Packets dropped because tracking them failed."),
    [CONNTRACK_EARLY_DROP] = COUNTER("node_nf_conntrack_stat_early_drop", "connections",
                                     "Connections forgotten early to make room for new ones."),
    [CONNTRACK_SEARCH_RESTART] = COUNTER("node_nf_conntrack_stat_search_restart", "times",
                                         "Look-ups begun again because the table was resized."),
};

const char *const catalogue_conntrack_columns[CONNTRACK_STATS] = {
    [CONNTRACK_FOUND] = "found",
    [CONNTRACK_INVALID] = "invalid",
    [CONNTRACK_IGNORE] = "ignore",
    [CONNTRACK_INSERT] = "insert",
    [CONNTRACK_INSERT_FAILED] = "insert_failed",
    [CONNTRACK_DROP] = "drop",
    [CONNTRACK_EARLY_DROP] = "early_drop",
    [CONNTRACK_SEARCH_RESTART] = "search_restart",
};

const struct metric catalogue_conntrack_entries =
    GAUGE("node_nf_conntrack_entries", "connections", "Connections tracked now.");
const struct metric catalogue_conntrack_limit =
    GAUGE("node_nf_conntrack_entries_limit", "connections", "Connections tracked at most.");

const struct metric catalogue_packet[PACKET_COUNTERS] = {
    [PACKET_RECEIVED] = COUNTER("netsonde_packet_received_total", "packets",
                                "Packets that the packet engine looked at."),
    [PACKET_RECEIVED_BYTES] = COUNTER("netsonde_packet_received_bytes_total", "bytes",
                                      "Bytes of these packets on the wire, whole frames."),
    [PACKET_FLOWS_BEGUN] =
        COUNTER("netsonde_packet_flows_total", "flows", "Flows that were seen for the first time."),
    [PACKET_FLOWS_EVICTED] = COUNTER("netsonde_packet_flows_evicted_total", "flows",
                                     "Flows that had to make room for others before they ended."),
    [PACKET_AGAIN] = COUNTER("netsonde_packet_retransmits_total", "segments",
                             "TCP segments that were sent again, of all connections seen."),
    [PACKET_DISORDER] = COUNTER("netsonde_packet_out_of_order_total", "segments",
                                "TCP segments that came after later ones."),
};
const struct metric catalogue_packet_flows =
    GAUGE("netsonde_packet_flows", "flows", "Flows that are remembered now.");
const struct metric catalogue_capture_drops =
    COUNTER("netsonde_packet_capture_drops_total", "packets",
            "Packets that were not captured: the kernel had no room (kernel), or the interface "
            "had none (interface).");
const struct metric catalogue_packet_undecoded =
    COUNTER("netsonde_packet_undecoded_total", "packets",
            "Packets that were not understood to the end: cut by packet.snaplen (cut), headers "
            "that contradict themselves (broken), too many headers (deep), not IP (foreign).");
const struct metric catalogue_packet_incomplete =
    COUNTER("netsonde_packet_incomplete_total", "",
            "What is missing in tables: fragments without their first one (fragment), DNS "
            "messages that are none (dns_message), DNS connections with a hole (dns_stream), DNS "
            "questions that had to make room (dns_question), flows that were not looked into "
            "(application).");
const char *const catalogue_packet_drop_reasons[PACKET_DROPS] = {
    [PACKET_DROP_KERNEL] = "kernel",
    [PACKET_DROP_INTERFACE] = "interface",
};
const char *const catalogue_packet_undecoded_reasons[PACKET_UNDECODED] = {"cut", "broken", "deep",
                                                                          "foreign"};
const char *const catalogue_packet_incomplete_reasons[PACKET_INCOMPLETE] = {
    "fragment", "dns_message", "dns_stream", "dns_question", "application"};

const struct metric catalogue_flow_bytes =
    COUNTER("netsonde_flow_bytes_total", "bytes",
            "Bytes of whole frames by the application that nDPI found in them; a flow's bytes "
            "count once it is decided what it is.");
const struct metric catalogue_dns_queries =
    COUNTER("netsonde_dns_queries_total", "lookups",
            "DNS lookups by how they ended; none: no answer was seen within 10 s.");
const struct metric catalogue_dns_bucket =
    COUNTER("netsonde_dns_lookup_seconds_bucket", "lookups",
            "DNS lookups that were answered within so many seconds.");
const struct metric catalogue_dns_sum = {"netsonde_dns_lookup_seconds_sum", "seconds",
                                         "Time between DNS questions and their answers.",
                                         METRIC_COUNTER, 1e-9};
const struct metric catalogue_dns_count =
    COUNTER("netsonde_dns_lookup_seconds_count", "lookups",
            "DNS lookups whose question and answer were seen.");

const struct metric catalogue_uname =
    GAUGE("node_uname_info", "", "Always 1; the labels name the host and its kernel.");
const struct metric catalogue_boot_time =
    GAUGE("node_boot_time_seconds", "seconds", "When the host started, in Unix time.");
const struct metric catalogue_time =
    GAUGE("node_time_seconds", "seconds", "The host's clock, in Unix time.");

const struct metric catalogue_netlink_overruns =
    COUNTER("netsonde_netlink_overruns_total", "times",
            "Times the kernel had more messages of links, addresses, routes or closed sockets than "
            "room for them.");
const struct metric catalogue_packet_drops =
    COUNTER("netsonde_packet_drops_total", "packets",
            "Packets that the kernel threw away, by its own reason (skb_drop_reason).");
const struct metric catalogue_service_drops =
    COUNTER("netsonde_service_packet_drops_total", "packets",
            "The same of packets to and from services, the most affected 64: by the smaller port, "
            "if it is below 32768.");
const struct metric catalogue_bpf_lost = COUNTER(
    "netsonde_ebpf_lost_total", "items",
    "What had no room in the maps of the ebpf engine: records of connections and DNS, sends "
    "and receives of new processes, drops that are missing by service.");
const struct metric catalogue_sockets_incomplete =
    COUNTER("netsonde_sockets_incomplete_total", "dumps",
            "Lists of sockets that changed too much while they were read; of these nothing counts "
            "as closed for not being there.");
const struct metric catalogue_collect_errors =
    COUNTER("netsonde_collect_errors_total", "errors",
            "Sources that could not be read and lines that could not be understood.");
const struct metric catalogue_collect_bucket =
    COUNTER("netsonde_collect_seconds_bucket", "ticks", "Ticks collected within so many seconds.");
const struct metric catalogue_collect_sum = {"netsonde_collect_seconds_sum", "seconds",
                                             "Time spent collecting.", METRIC_COUNTER, 1e-9};
const struct metric catalogue_collect_count =
    COUNTER("netsonde_collect_seconds_count", "ticks", "Ticks collected.");

const struct metric catalogue_process_rx =
    COUNTER("netsonde_process_receive_bytes_total", "bytes",
            "Payload that sockets of processes of this name received, on every interface.");
const struct metric catalogue_process_tx =
    COUNTER("netsonde_process_transmit_bytes_total", "bytes",
            "Payload that sockets of processes of this name sent, on every interface.");
const struct metric catalogue_process_retransmits =
    COUNTER("netsonde_process_retransmits_total", "segments",
            "Segments that TCP connections of processes of this name sent again.");
const struct metric catalogue_unattributed =
    COUNTER("netsonde_unattributed_bytes_total", "bytes",
            "Bytes of the physical interfaces that are no process's payload: headers, "
            "retransmissions, what is forwarded, the kernel's own.");
const struct metric catalogue_tcp_connections =
    GAUGE("netsonde_tcp_connections", "connections", "TCP sockets in this state.");
const struct metric catalogue_tcp_rtt[3] = {
    COUNTER("netsonde_tcp_rtt_seconds_bucket", "measurements",
            "Round trips of TCP connections that took at most so many seconds."),
    {"netsonde_tcp_rtt_seconds_sum", "seconds", "Round trips of TCP connections together.",
     METRIC_COUNTER, 1e-9},
    COUNTER("netsonde_tcp_rtt_seconds_count", "measurements",
            "Round trips measured: one for each connection whose bytes moved, each time the "
            "connections are read."),
};
const struct metric catalogue_tcp_connect[3] = {
    COUNTER("netsonde_tcp_connect_seconds_bucket", "connections",
            "Connections that were established within so many seconds."),
    {"netsonde_tcp_connect_seconds_sum", "seconds", "Time that connecting took, together.",
     METRIC_COUNTER, 1e-9},
    COUNTER("netsonde_tcp_connect_seconds_count", "connections", "Connections established."),
};
const struct metric catalogue_tcp_retransmits =
    COUNTER("netsonde_tcp_retransmits_total", "segments",
            "Segments sent again by the TCP connections that were seen.");
const struct metric catalogue_census_lost =
    COUNTER("netsonde_census_lost_total", "items",
            "Sockets, processes, owners and interfaces that were not taken in, for lack of "
            "room.");
const struct metric catalogue_census_unreadable =
    GAUGE("netsonde_census_unreadable_processes", "processes",
          "Processes whose sockets could not be looked up, for lack of rights.");
const struct metric catalogue_peer_names =
    GAUGE("netsonde_peer_names", "addresses",
          "Addresses whose name is known from a DNS answer that was seen and still holds.");
const struct metric catalogue_peer_names_evicted =
    COUNTER("netsonde_peer_names_evicted_total", "addresses",
            "Names of addresses that still held and had to make room for others, or found none.");

bool catalogue_at(size_t index, struct catalogue_entry *ret)
{
    static const struct {
        const struct metric *first;
        size_t count;
        const char *labels;
    } parts[] = {
        {catalogue_link_counters, LINK_COUNTERS, "device"},
        {catalogue_link_gauges, LINK_GAUGES, "device"},
        {&catalogue_link_info, 1, "address,broadcast,device,duplex,ifalias,operstate"},
        {catalogue_softnet, SOFTNET_METRICS, "cpu"},
        {catalogue_qdisc, QDISC_METRICS, "device,kind"},
        {catalogue_nic, CATALOGUE_NIC_METRICS, "device"},
        {&catalogue_conntrack_entries, 1, ""},
        {&catalogue_conntrack_limit, 1, ""},
        {catalogue_conntrack_stats, CONNTRACK_STATS, ""},
        {catalogue_packet, PACKET_COUNTERS, ""},
        {&catalogue_packet_flows, 1, ""},
        {&catalogue_capture_drops, 1, "reason"},
        {&catalogue_packet_undecoded, 1, "reason"},
        {&catalogue_packet_incomplete, 1, "reason"},
        {&catalogue_flow_bytes, 1, "application"},
        {&catalogue_dns_queries, 1, "rcode"},
        {&catalogue_dns_bucket, 1, "le"},
        {&catalogue_dns_sum, 1, ""},
        {&catalogue_dns_count, 1, ""},
        {&catalogue_uname, 1, "domainname,machine,nodename,release,sysname,version"},
        {&catalogue_boot_time, 1, ""},
        {&catalogue_time, 1, ""},
        {&catalogue_netlink_overruns, 1, ""},
        {&catalogue_packet_drops, 1, "reason"},
        {&catalogue_service_drops, 1, "port,protocol,reason"},
        {&catalogue_bpf_lost, 1, "what"},
        {&catalogue_sockets_incomplete, 1, ""},
        {&catalogue_collect_errors, 1, "engine"},
        {&catalogue_collect_bucket, 1, "le"},
        {&catalogue_collect_sum, 1, ""},
        {&catalogue_collect_count, 1, ""},
        {&catalogue_process_rx, 1, "process,unit"},
        {&catalogue_process_tx, 1, "process,unit"},
        {&catalogue_process_retransmits, 1, "process,unit"},
        {&catalogue_unattributed, 1, "direction"},
        {&catalogue_tcp_connections, 1, "state"},
        {catalogue_tcp_rtt, 1, "le"},
        {catalogue_tcp_rtt + 1, 2, ""},
        {catalogue_tcp_connect, 1, "le"},
        {catalogue_tcp_connect + 1, 2, ""},
        {&catalogue_tcp_retransmits, 1, ""},
        {&catalogue_census_lost, 1, ""},
        {&catalogue_census_unreadable, 1, ""},
        {&catalogue_peer_names, 1, ""},
        {&catalogue_peer_names_evicted, 1, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (index < parts[i].count) {
            *ret = (struct catalogue_entry){parts[i].first + index, parts[i].labels};
            return true;
        }
        index -= parts[i].count;
    }
    return false;
}
