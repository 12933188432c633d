/* The charts of the overview below the interfaces: TCP, UDP, sockets and the kernel's backlog. */
import { metricsOf, type ChartSpec } from "../domain/trace";

const DASH = [4, 3];
const DOTS = [1, 3];

export const TCP_CHARTS: readonly ChartSpec[] = [
    {
        key: "tcp-segments",
        title: "Segments",
        measure: "/s",
        least: 10,
        traces: [
            { name: "in", metrics: ["node_netstat_Tcp_InSegs"], tone: "receive", area: true },
            {
                name: "out",
                metrics: ["node_netstat_Tcp_OutSegs"],
                tone: "transmit",
                area: true,
                below: true,
            },
        ],
    },
    {
        key: "tcp-retransmits",
        title: "Retransmits",
        measure: "/s",
        least: 1,
        traces: [
            { name: "sent again", metrics: ["node_netstat_Tcp_RetransSegs"], tone: "transmit" },
        ],
    },
    {
        key: "tcp-opens",
        title: "Opened",
        measure: "/s",
        least: 1,
        traces: [
            { name: "by peers", metrics: ["node_netstat_Tcp_PassiveOpens"], tone: "receive" },
            {
                name: "by this host",
                metrics: ["node_netstat_Tcp_ActiveOpens"],
                tone: "transmit",
                below: true,
            },
        ],
    },
    {
        key: "tcp-established",
        title: "Connections",
        measure: "count",
        what: "established",
        least: 4,
        traces: [{ name: "now", metrics: ["node_netstat_Tcp_CurrEstab"], tone: "category-1" }],
    },
];

const both = (name: string) => [`node_netstat_Udp_${name}`, `node_netstat_Udp6_${name}`];

export const UDP_CHARTS: readonly ChartSpec[] = [
    {
        key: "udp-datagrams",
        title: "Datagrams",
        measure: "/s",
        least: 10,
        traces: [
            { name: "in", metrics: both("InDatagrams"), tone: "receive", area: true },
            {
                name: "out",
                metrics: both("OutDatagrams"),
                tone: "transmit",
                area: true,
                below: true,
            },
        ],
    },
    {
        key: "udp-errors",
        title: "Datagrams lost",
        measure: "/s",
        least: 1,
        traces: [
            { name: "errors in", metrics: both("InErrors"), tone: "receive" },
            { name: "no listener", metrics: both("NoPorts"), tone: "receive", dash: DASH },
            { name: "errors out", metrics: both("SndbufErrors"), tone: "transmit", below: true },
        ],
    },
];

export const SOCKET_CHART: ChartSpec = {
    key: "sockets",
    title: "Sockets",
    measure: "count",
    what: "in use",
    least: 10,
    traces: [
        {
            name: "TCP",
            metrics: ["node_sockstat_TCP_inuse", "node_sockstat_TCP6_inuse"],
            tone: "category-1",
        },
        {
            name: "UDP",
            metrics: ["node_sockstat_UDP_inuse", "node_sockstat_UDP6_inuse"],
            tone: "category-2",
            dash: [8, 3],
        },
        { name: "TIME-WAIT", metrics: ["node_sockstat_TCP_tw"], tone: "category-3", dash: DASH },
        { name: "orphaned", metrics: ["node_sockstat_TCP_orphan"], tone: "category-4", dash: DOTS },
    ],
};

export const SOFTNET_CHARTS: readonly ChartSpec[] = [
    {
        key: "softnet-processed",
        title: "Packets processed",
        measure: "packets/s",
        least: 10,
        traces: [
            {
                name: "all CPUs",
                metrics: ["node_softnet_processed_total"],
                tone: "receive",
                area: true,
            },
        ],
    },
    {
        key: "softnet-trouble",
        title: "Backlog overruns",
        measure: "/s",
        least: 1,
        traces: [
            { name: "dropped", metrics: ["node_softnet_dropped_total"], tone: "alarm" },
            {
                name: "ran out of time",
                metrics: ["node_softnet_times_squeezed_total"],
                tone: "category-1",
                dash: DASH,
            },
        ],
    },
];

export const PROTOCOL_METRICS: readonly string[] = metricsOf([
    ...TCP_CHARTS,
    ...UDP_CHARTS,
    SOCKET_CHART,
    ...SOFTNET_CHARTS,
]);
