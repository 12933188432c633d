/* What the page of TCP's health draws from the window of time. */
import { DROP_METRICS } from "../domain/drops";
import { metricsOf, type ChartSpec, type Tone } from "../domain/trace";
import type { Selection } from "../store/selection";
import { TCP_CHARTS } from "./protocol-charts";

const DASH = [4, 3];

export const HEALTH_CHARTS: readonly ChartSpec[] = [
    {
        key: "tcp-again",
        title: "Sent again",
        measure: "ratio",
        what: "% of segments",
        least: 0.01,
        traces: [
            {
                name: "retransmitted",
                metrics: ["node_netstat_Tcp_RetransSegs"],
                per: ["node_netstat_Tcp_OutSegs"],
                tone: "transmit",
                area: true,
            },
        ],
    },
    {
        key: "tcp-timeouts",
        title: "Why it was sent again",
        measure: "/s",
        least: 1,
        traces: [
            {
                name: "fast",
                metrics: ["node_netstat_TcpExt_TCPFastRetrans"],
                tone: "category-1",
            },
            {
                name: "timeouts",
                metrics: ["node_netstat_TcpExt_TCPTimeouts"],
                tone: "alarm",
                dash: DASH,
            },
            {
                name: "lost twice",
                metrics: ["node_netstat_TcpExt_TCPLostRetransmit"],
                tone: "category-2",
                dash: [1, 3],
            },
        ],
    },
    {
        key: "tcp-resets",
        title: "Ended badly",
        measure: "/s",
        least: 1,
        traces: [
            { name: "resets sent", metrics: ["node_netstat_Tcp_OutRsts"], tone: "transmit" },
            {
                name: "cut off",
                metrics: ["node_netstat_Tcp_EstabResets"],
                tone: "category-2",
                dash: DASH,
            },
            {
                name: "not opened",
                metrics: ["node_netstat_Tcp_AttemptFails"],
                tone: "alarm",
                dash: [1, 3],
            },
        ],
    },
    {
        key: "tcp-listen",
        title: "Listen queues",
        measure: "/s",
        least: 1,
        traces: [
            {
                name: "overflowed",
                metrics: ["node_netstat_TcpExt_ListenOverflows"],
                tone: "alarm",
            },
            {
                name: "not taken",
                metrics: ["node_netstat_TcpExt_ListenDrops"],
                tone: "category-2",
                dash: DASH,
            },
        ],
    },
];

const STATES: readonly [state: string, name: string, tone: Tone, dash?: readonly number[]][] = [
    ["established", "established", "category-1"],
    ["time_wait", "TIME-WAIT", "category-3", DASH],
    ["close_wait", "CLOSE-WAIT", "category-2"],
    ["syn_sent", "SYN-SENT", "category-4", [1, 3]],
    ["fin_wait2", "FIN-WAIT-2", "category-4", DASH],
];

export const STATES_CHART: ChartSpec = {
    key: "tcp-states",
    title: "Connections by state",
    measure: "count",
    what: "connections",
    least: 4,
    traces: STATES.map(([state, name, tone, dash]) => ({
        name,
        metrics: ["netsonde_tcp_connections"],
        labels: { state: [state] },
        tone,
        ...(dash ? { dash } : {}),
    })),
};

export const RTT = "netsonde_tcp_rtt_seconds";
export const CONNECT = "netsonde_tcp_connect_seconds";

const QUANTILE_TONES: readonly [name: string, q: number, tone: Tone][] = [
    ["p50", 0.5, "category-1"],
    ["p90", 0.9, "category-3"],
    ["p99", 0.99, "category-2"],
];

export const QUANTILES: readonly { name: string; q: number }[] = QUANTILE_TONES.map(
    ([name, q]) => ({ name, q }),
);

export const RTT_CHART: ChartSpec = {
    key: "tcp-rtt",
    title: "Round trip",
    measure: "milliseconds",
    least: 0.1,
    traces: QUANTILE_TONES.map(([name, , tone]) => ({ name, metrics: [name], tone })),
    behind: [`${RTT}_*`],
};

export const FLOW_CHARTS: readonly ChartSpec[] = [TCP_CHARTS[0]!, TCP_CHARTS[2]!];

const COUNTED = ["node_netstat_Tcp_OutSegs", "node_netstat_Tcp_RetransSegs"];

export const TCP_SELECTION: Selection = {
    key: "tcp",
    groups: [
        metricsOf([...HEALTH_CHARTS, STATES_CHART]),
        [...new Set([...metricsOf(FLOW_CHARTS), ...COUNTED, ...DROP_METRICS])],
    ],
    match: [],
};
