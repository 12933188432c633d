/*
 * direction.c: see direction.h. Patterns from the top, the first that matches decides. Kept to what
 * nobody doubts: more errors are worse on any host; more packets, sockets or resets of the other
 * side are not. Of histograms the quantiles are judged; their sums and counts grow with the
 * traffic, whatever they measure.
 */
#include "detect/direction.h"

#include <stddef.h>

#include "base/defs.h"
#include "base/text.h"

static const struct {
    const char *glob;
    enum direction direction;
} directions[] = {
    {"*_seconds_sum", DIRECTION_NEITHER},
    {"*_seconds_count", DIRECTION_NEITHER},
    {"*_seconds_bucket", DIRECTION_NEITHER},

    /* durations: quantiles of these histograms */
    {"netsonde_tcp_rtt_seconds", DIRECTION_LOWER},
    {"netsonde_tcp_connect_seconds", DIRECTION_LOWER},
    {"netsonde_dns_lookup_seconds", DIRECTION_LOWER},
    {"netsonde_collect_seconds", DIRECTION_LOWER},
    {"netsonde_stage_seconds", DIRECTION_LOWER},
    {"netsonde_server_delivery_seconds", DIRECTION_LOWER},

    /* interfaces and queues */
    {"node_network_*_errs_total", DIRECTION_LOWER},
    {"node_network_*_drop_total", DIRECTION_LOWER},
    {"node_network_*_fifo_total", DIRECTION_LOWER},
    {"node_network_*_frame_total", DIRECTION_LOWER},
    {"node_network_*_colls_total", DIRECTION_LOWER},
    {"node_network_*_carrier_total", DIRECTION_LOWER},
    {"node_network_carrier_*changes_total", DIRECTION_LOWER},
    {"node_network_up", DIRECTION_HIGHER},
    {"node_network_carrier", DIRECTION_HIGHER},
    {"node_network_speed_bytes", DIRECTION_HIGHER},
    {"node_softnet_dropped_total", DIRECTION_LOWER},
    {"node_softnet_times_squeezed_total", DIRECTION_LOWER},
    {"node_softnet_flow_limit_count_total", DIRECTION_LOWER},
    {"node_softnet_backlog_len", DIRECTION_LOWER},
    {"node_qdisc_drops_total", DIRECTION_LOWER},
    {"node_qdisc_backlog", DIRECTION_LOWER},
    {"node_qdisc_current_queue_length", DIRECTION_LOWER},
    {"netsonde_nic_*_errors_total", DIRECTION_LOWER},
    {"netsonde_nic_*_collisions_total", DIRECTION_LOWER},
    {"netsonde_nic_*_deferral_total", DIRECTION_LOWER},
    {"netsonde_nic_fragments_total", DIRECTION_LOWER},
    {"netsonde_nic_jabbers_total", DIRECTION_LOWER},
    {"netsonde_nic_receive_length_mismatches_total", DIRECTION_LOWER},
    {"node_nf_conntrack_stat_*drop", DIRECTION_LOWER},
    {"node_nf_conntrack_stat_insert_failed", DIRECTION_LOWER},

    /* protocols */
    {"node_netstat_Tcp_RetransSegs", DIRECTION_LOWER},
    {"node_netstat_TcpExt_*Retrans*", DIRECTION_LOWER},
    {"node_netstat_TcpExt_TCPLostRetransmit", DIRECTION_LOWER},
    {"node_netstat_TcpExt_TCPTimeouts", DIRECTION_LOWER},
    {"node_netstat_TcpExt_TCPSpuriousRTOs", DIRECTION_LOWER},
    {"node_netstat_TcpExt_TCPOFOQueue", DIRECTION_LOWER},
    {"node_netstat_TcpExt_TCPAbortOn*", DIRECTION_LOWER},
    {"node_netstat_TcpExt_TCPMemoryPressures*", DIRECTION_LOWER},
    {"node_netstat_TcpExt_PruneCalled", DIRECTION_LOWER},
    {"node_netstat_TcpExt_Listen*", DIRECTION_LOWER},
    {"node_netstat_TcpExt_*Drop", DIRECTION_LOWER},
    {"node_netstat_TcpExt_SyncookiesFailed", DIRECTION_LOWER},
    {"node_netstat_*Errors", DIRECTION_LOWER},
    {"node_netstat_*Errs", DIRECTION_LOWER},
    {"node_netstat_*Discards", DIRECTION_LOWER},
    {"node_netstat_*NoRoutes", DIRECTION_LOWER},
    {"node_netstat_*Fails", DIRECTION_LOWER},
    {"netsonde_*retransmits_total", DIRECTION_LOWER},
    {"netsonde_packet_out_of_order_total", DIRECTION_LOWER},
    {"netsonde_packet_drops_total", DIRECTION_LOWER},
    {"netsonde_service_packet_drops_total", DIRECTION_LOWER},
    {"netsonde_packet_capture_drops_total", DIRECTION_LOWER},

    /* netsonde itself */
    {"netsonde_self_cpu_seconds_total", DIRECTION_LOWER},
    {"netsonde_self_resident_bytes", DIRECTION_LOWER},
    {"netsonde_tick_seconds_total", DIRECTION_LOWER},
    {"netsonde_survey_seconds_total", DIRECTION_LOWER},
    {"netsonde_store_*_seconds_total", DIRECTION_LOWER},
    {"netsonde_server_queued_bytes", DIRECTION_LOWER},
    {"netsonde_server_conflated_total", DIRECTION_LOWER},
    {"netsonde_server_closed_slow_total", DIRECTION_LOWER},
    {"netsonde_*_missed_total", DIRECTION_LOWER},
    {"netsonde_*_lost_total", DIRECTION_LOWER},
    {"netsonde_*_dropped_total", DIRECTION_LOWER},
    {"netsonde_*_failed_total", DIRECTION_LOWER},
    {"netsonde_*_errors_total", DIRECTION_LOWER},
    {"netsonde_*_overruns_total", DIRECTION_LOWER},
    {"netsonde_*_restarts_total", DIRECTION_LOWER},
};

enum direction direction_of(const char *metric)
{
    for (size_t i = 0; i < ARRAY_LEN(directions); i++) {
        if (text_glob(directions[i].glob, metric))
            return directions[i].direction;
    }
    return DIRECTION_NEITHER;
}

const char *direction_name(enum direction d)
{
    static const char *const names[] = {
        [DIRECTION_NEITHER] = "neither",
        [DIRECTION_LOWER] = "lower_is_better",
        [DIRECTION_HIGHER] = "higher_is_better",
    };
    return names[d];
}
