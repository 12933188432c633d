/*
 * fields.c: metrics that the kernel names: "Tcp" and "RetransSegs" become
 * node_netstat_Tcp_RetransSegs.
 *
 * A kernel has several hundred of them and every release brings more, so nothing here lists them
 * all. A table has a sentence and a unit for those that people look at; the others are counters
 * with a general sentence. Which of them are gauges is known from the kernel's documentation (RFC
 * 1213 for the classic groups): a handful, all in the table.
 */
#include "collect/catalogue.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"

struct field {
    const char *name; /* GROUP_FIELD */
    enum metric_kind kind;
    const char *unit, *help;
};

#define COUNTER METRIC_COUNTER
#define GAUGE METRIC_GAUGE

static const struct field netstat_fields[] = {
    {"Icmp6_InErrors", COUNTER, "messages", "ICMPv6 messages received and found broken."},
    {"Icmp6_InMsgs", COUNTER, "messages", "ICMPv6 messages received."},
    {"Icmp6_OutMsgs", COUNTER, "messages", "ICMPv6 messages sent."},
    {"Icmp_InDestUnreachs", COUNTER, "messages", "ICMP \"destination unreachable\" received."},
    {"Icmp_InEchoReps", COUNTER, "messages", "ICMP echo replies received."},
    {"Icmp_InEchos", COUNTER, "messages", "ICMP echo requests received."},
    {"Icmp_InErrors", COUNTER, "messages", "ICMP messages received and found broken."},
    {"Icmp_InMsgs", COUNTER, "messages", "ICMP messages received."},
    {"Icmp_InTimeExcds", COUNTER, "messages", "ICMP \"time exceeded\" received."},
    {"Icmp_OutDestUnreachs", COUNTER, "messages", "ICMP \"destination unreachable\" sent."},
    {"Icmp_OutEchoReps", COUNTER, "messages", "ICMP echo replies sent."},
    {"Icmp_OutEchos", COUNTER, "messages", "ICMP echo requests sent."},
    {"Icmp_OutMsgs", COUNTER, "messages", "ICMP messages sent."},
    {"Ip6_FragFails", COUNTER, "packets", "IPv6 packets that could not be fragmented."},
    {"Ip6_InDelivers", COUNTER, "packets", "IPv6 packets handed to a protocol above."},
    {"Ip6_InDiscards", COUNTER, "packets", "Good IPv6 packets dropped on reception."},
    {"Ip6_InHdrErrors", COUNTER, "packets", "IPv6 packets dropped for a broken header."},
    {"Ip6_InNoRoutes", COUNTER, "packets", "IPv6 packets received without a route onward."},
    {"Ip6_InOctets", COUNTER, "bytes", "Bytes of IPv6 packets received."},
    {"Ip6_InReceives", COUNTER, "packets", "IPv6 packets received."},
    {"Ip6_OutDiscards", COUNTER, "packets", "IPv6 packets dropped on their way out."},
    {"Ip6_OutForwDatagrams", COUNTER, "packets", "IPv6 packets forwarded."},
    {"Ip6_OutNoRoutes", COUNTER, "packets", "IPv6 packets to send without a route."},
    {"Ip6_OutOctets", COUNTER, "bytes", "Bytes of IPv6 packets sent."},
    {"Ip6_OutRequests", COUNTER, "packets", "IPv6 packets that this host wanted to send."},
    {"Ip6_ReasmFails", COUNTER, "packets", "IPv6 fragments that never became whole packets."},
    {"IpExt_InBcastPkts", COUNTER, "packets", "IPv4 broadcast packets received."},
    {"IpExt_InCEPkts", COUNTER, "packets", "IPv4 packets received that were marked congested."},
    {"IpExt_InCsumErrors", COUNTER, "packets", "IPv4 packets received with a wrong checksum."},
    {"IpExt_InMcastPkts", COUNTER, "packets", "IPv4 multicast packets received."},
    {"IpExt_InNoRoutes", COUNTER, "packets", "IPv4 packets received without a route onward."},
    {"IpExt_InOctets", COUNTER, "bytes", "Bytes of IPv4 packets received."},
    {"IpExt_InTruncatedPkts", COUNTER, "packets", "IPv4 packets shorter than they claimed."},
    {"IpExt_OutBcastPkts", COUNTER, "packets", "IPv4 broadcast packets sent."},
    {"IpExt_OutMcastPkts", COUNTER, "packets", "IPv4 multicast packets sent."},
    {"IpExt_OutOctets", COUNTER, "bytes", "Bytes of IPv4 packets sent."},
    {"Ip_DefaultTTL", GAUGE, "hops", "Hops that a packet sent here may take."},
    {"Ip_ForwDatagrams", COUNTER, "packets", "IPv4 packets forwarded."},
    {"Ip_Forwarding", GAUGE, "", "1 when the host forwards IPv4 packets, 2 when not."},
    {"Ip_FragFails", COUNTER, "packets", "IPv4 packets that could not be fragmented."},
    {"Ip_InAddrErrors", COUNTER, "packets", "IPv4 packets received for an impossible address."},
    {"Ip_InDelivers", COUNTER, "packets", "IPv4 packets handed to a protocol above."},
    {"Ip_InDiscards", COUNTER, "packets", "Good IPv4 packets dropped on reception."},
    {"Ip_InHdrErrors", COUNTER, "packets", "IPv4 packets dropped for a broken header."},
    {"Ip_InReceives", COUNTER, "packets", "IPv4 packets received."},
    {"Ip_InUnknownProtos", COUNTER, "packets", "IPv4 packets of a protocol nobody takes."},
    {"Ip_OutDiscards", COUNTER, "packets", "IPv4 packets dropped on their way out."},
    {"Ip_OutNoRoutes", COUNTER, "packets", "IPv4 packets to send without a route."},
    {"Ip_OutRequests", COUNTER, "packets", "IPv4 packets that this host wanted to send."},
    {"Ip_ReasmFails", COUNTER, "packets", "IPv4 fragments that never became whole packets."},
    {"MPTcpExt_MPCurrEstab", GAUGE, "connections", "Multipath TCP connections established now."},
    {"TcpExt_ArpFilter", COUNTER, "packets", "ARP requests not answered because of arp_filter."},
    {"TcpExt_DelayedACKs", COUNTER, "segments", "Acknowledgements that were sent later."},
    {"TcpExt_EmbryonicRsts", COUNTER, "connections", "Half-open connections that were reset."},
    {"TcpExt_IPReversePathFilter", COUNTER, "packets", "Packets dropped by rp_filter."},
    {"TcpExt_ListenDrops", COUNTER, "connections", "Connections refused or lost by a listener."},
    {"TcpExt_ListenOverflows", COUNTER, "connections", "Times a listener's queue was full."},
    {"TcpExt_PruneCalled", COUNTER, "times", "Times a receive buffer had to be cleared up."},
    {"TcpExt_SyncookiesFailed", COUNTER, "segments", "SYN cookies that came back wrong."},
    {"TcpExt_SyncookiesRecv", COUNTER, "segments", "SYN cookies that came back right."},
    {"TcpExt_SyncookiesSent", COUNTER, "segments", "SYN cookies sent for want of room."},
    {"TcpExt_TCPAbortOnMemory", COUNTER, "connections", "Connections aborted for want of memory."},
    {"TcpExt_TCPAbortOnTimeout", COUNTER, "connections", "Connections aborted after timing out."},
    {"TcpExt_TCPBacklogDrop", COUNTER, "segments", "Segments dropped at a full socket backlog."},
    {"TcpExt_TCPDSACKRecv", COUNTER, "times", "Times a peer told of data it received twice."},
    {"TcpExt_TCPDelivered", COUNTER, "segments", "Segments that a peer acknowledged."},
    {"TcpExt_TCPFastRetrans", COUNTER, "segments", "Segments sent again before a time-out."},
    {"TcpExt_TCPKeepAlive", COUNTER, "segments", "Keep-alive probes sent."},
    {"TcpExt_TCPLossProbes", COUNTER, "segments", "Tail loss probes sent."},
    {"TcpExt_TCPLostRetransmit", COUNTER, "segments", "Segments sent again and lost again."},
    {"TcpExt_TCPMemoryPressures", COUNTER, "times", "Times TCP began to save memory."},
    {"TcpExt_TCPOFOQueue", COUNTER, "segments", "Segments received out of order and kept."},
    {"TcpExt_TCPOrigDataSent", COUNTER, "segments", "Data segments sent for the first time."},
    {"TcpExt_TCPRcvQDrop", COUNTER, "segments", "Segments dropped at a full receive queue."},
    {"TcpExt_TCPReqQFullDrop", COUNTER, "connections", "SYNs dropped at a full request queue."},
    {"TcpExt_TCPRetransFail", COUNTER, "segments", "Segments that could not be sent again."},
    {"TcpExt_TCPSlowStartRetrans", COUNTER, "segments", "Segments sent again in slow start."},
    {"TcpExt_TCPSpuriousRTOs", COUNTER, "times", "Time-outs that turned out to be needless."},
    {"TcpExt_TCPSynRetrans", COUNTER, "segments", "SYNs and SYN-ACKs sent again."},
    {"TcpExt_TCPTimeouts", COUNTER, "times", "Times a retransmission timer ran out."},
    {"TcpExt_TCPZeroWindowDrop", COUNTER, "segments", "Segments dropped with no window left."},
    {"TcpExt_TW", COUNTER, "connections", "Connections that went through TIME_WAIT."},
    {"Tcp_ActiveOpens", COUNTER, "connections", "TCP connections begun by this host."},
    {"Tcp_AttemptFails", COUNTER, "connections", "TCP connections that never came about."},
    {"Tcp_CurrEstab", GAUGE, "connections", "TCP connections established or closing now."},
    {"Tcp_EstabResets", COUNTER, "connections", "Established TCP connections that were reset."},
    {"Tcp_InCsumErrors", COUNTER, "segments", "TCP segments received with a wrong checksum."},
    {"Tcp_InErrs", COUNTER, "segments", "TCP segments received and found broken."},
    {"Tcp_InSegs", COUNTER, "segments", "TCP segments received."},
    {"Tcp_MaxConn", GAUGE, "connections", "TCP connections at most; -1: no fixed limit."},
    {"Tcp_OutRsts", COUNTER, "segments", "TCP resets sent."},
    {"Tcp_OutSegs", COUNTER, "segments", "TCP segments sent, retransmissions not counted."},
    {"Tcp_PassiveOpens", COUNTER, "connections", "TCP connections accepted by this host."},
    {"Tcp_RetransSegs", COUNTER, "segments", "TCP segments sent again."},
    {"Tcp_RtoAlgorithm", GAUGE, "", "How the retransmission time is found; 1: other."},
    {"Tcp_RtoMax", GAUGE, "", "Longest retransmission time in milliseconds."},
    {"Tcp_RtoMin", GAUGE, "", "Shortest retransmission time in milliseconds."},
    {"Udp6_InDatagrams", COUNTER, "datagrams", "UDP datagrams delivered over IPv6."},
    {"Udp6_InErrors", COUNTER, "datagrams", "UDP datagrams over IPv6 not delivered."},
    {"Udp6_NoPorts", COUNTER, "datagrams", "UDP datagrams over IPv6 for a port nobody has."},
    {"Udp6_OutDatagrams", COUNTER, "datagrams", "UDP datagrams sent over IPv6."},
    {"Udp6_RcvbufErrors", COUNTER, "datagrams", "UDP datagrams over IPv6 lost at a full buffer."},
    {"Udp6_SndbufErrors", COUNTER, "datagrams", "UDP datagrams over IPv6 with no room to send."},
    {"Udp_InDatagrams", COUNTER, "datagrams", "UDP datagrams delivered."},
    {"Udp_InErrors", COUNTER, "datagrams", "UDP datagrams received and not delivered."},
    {"Udp_NoPorts", COUNTER, "datagrams", "UDP datagrams for a port nobody has."},
    {"Udp_OutDatagrams", COUNTER, "datagrams", "UDP datagrams sent."},
    {"Udp_RcvbufErrors", COUNTER, "datagrams", "UDP datagrams dropped at a full receive buffer."},
    {"Udp_SndbufErrors", COUNTER, "datagrams", "UDP datagrams with no room to send."},
};

static const struct field sockstat_fields[] = {
    {"FRAG6_inuse", GAUGE, "packets", "IPv6 packets being put together from fragments."},
    {"FRAG6_memory", GAUGE, "bytes", "Memory of IPv6 fragments."},
    {"FRAG_inuse", GAUGE, "packets", "IPv4 packets being put together from fragments."},
    {"FRAG_memory", GAUGE, "bytes", "Memory of IPv4 fragments."},
    {"RAW6_inuse", GAUGE, "sockets", "Raw IPv6 sockets in use."},
    {"RAW_inuse", GAUGE, "sockets", "Raw IPv4 sockets in use."},
    {"TCP6_inuse", GAUGE, "sockets", "TCP sockets over IPv6 in use."},
    {"TCP_alloc", GAUGE, "sockets", "TCP sockets that have memory, in whatever state."},
    {"TCP_inuse", GAUGE, "sockets", "TCP sockets over IPv4 in use."},
    {"TCP_mem", GAUGE, "pages", "Pages of memory in TCP's buffers."},
    {"TCP_mem_bytes", GAUGE, "bytes", "Memory in TCP's buffers."},
    {"TCP_orphan", GAUGE, "sockets", "TCP sockets that no process holds any more."},
    {"TCP_tw", GAUGE, "sockets", "TCP connections in TIME_WAIT."},
    {"UDP6_inuse", GAUGE, "sockets", "UDP sockets over IPv6 in use."},
    {"UDPLITE6_inuse", GAUGE, "sockets", "UDP-Lite sockets over IPv6 in use."},
    {"UDPLITE_inuse", GAUGE, "sockets", "UDP-Lite sockets over IPv4 in use."},
    {"UDP_inuse", GAUGE, "sockets", "UDP sockets over IPv4 in use."},
    {"UDP_mem", GAUGE, "pages", "Pages of memory in UDP's buffers."},
    {"UDP_mem_bytes", GAUGE, "bytes", "Memory in UDP's buffers."},
    {"sockets_used", GAUGE, "sockets", "Sockets of all kinds in use."},
};

static const struct {
    const char *prefix;
    const char *source;
    enum metric_kind kind;
    const struct field *fields;
    size_t count;
} families[] = {
    [FIELD_NETSTAT] = {"node_netstat_", "netstat and snmp files", METRIC_COUNTER, netstat_fields,
                       ARRAY_LEN(netstat_fields)},
    [FIELD_SOCKSTAT] = {"node_sockstat_", "sockstat files", METRIC_GAUGE, sockstat_fields,
                        ARRAY_LEN(sockstat_fields)},
};

static bool is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isascii(text[i]) || (!isalnum((unsigned char)text[i]) && text[i] != '_'))
            return false;
    }
    return len > 0;
}

static void field_fill(enum field_family family, const struct field *known,
                       struct field_metric *ret)
{
    const char *own = ret->name + strlen(families[family].prefix);
    if (known)
        snprintf(ret->help, sizeof(ret->help), "%s", known->help);
    else
        snprintf(ret->help, sizeof(ret->help), "%s of the kernel's %s.", own,
                 families[family].source);
    ret->metric = (struct metric){.name = ret->name,
                                  .unit = known ? known->unit : "",
                                  .help = ret->help,
                                  .kind = known ? known->kind : families[family].kind,
                                  .scale = 1};
}

bool field_describe(enum field_family family, const char *group, size_t group_len,
                    const char *field, size_t field_len, struct field_metric *ret)
{
    const char *prefix = families[family].prefix;
    if (group_len + field_len + strlen(prefix) + 2 > sizeof(ret->name) ||
        !is_word(group, group_len) || !is_word(field, field_len))
        return false;
    snprintf(ret->name, sizeof(ret->name), "%s%.*s_%.*s", prefix, (int)group_len, group,
             (int)field_len, field);
    const char *own = ret->name + strlen(prefix);
    const struct field *known = NULL;
    for (size_t i = 0; i < families[family].count && !known; i++) {
        if (strcmp(families[family].fields[i].name, own) == 0)
            known = &families[family].fields[i];
    }
    field_fill(family, known, ret);
    return true;
}

bool field_known_at(size_t index, struct field_metric *ret)
{
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        if (index < families[f].count) {
            const struct field *known = &families[f].fields[index];
            snprintf(ret->name, sizeof(ret->name), "%s%s", families[f].prefix, known->name);
            field_fill((enum field_family)f, known, ret);
            return true;
        }
        index -= families[f].count;
    }
    return false;
}
