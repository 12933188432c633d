/* The charts of one or more interfaces: on the overview for their sum, on an interface's own page. */
import { metricsOf, type ChartSpec, type TraceSpec } from "../domain/trace";

const DASH = [4, 3];
export const RECEIVED = "node_network_receive_bytes_total";
export const SENT = "node_network_transmit_bytes_total";

export function throughputChart(devices: readonly string[]): ChartSpec {
    return {
        key: "throughput",
        title: "Throughput",
        measure: "bytes/s",
        least: 1000,
        traces: pair(RECEIVED, SENT, devices),
    };
}

export function packetsChart(devices: readonly string[]): ChartSpec {
    return {
        key: "packets",
        title: "Packets",
        measure: "packets/s",
        least: 10,
        traces: pair(
            "node_network_receive_packets_total",
            "node_network_transmit_packets_total",
            devices,
        ),
    };
}

export function lossChart(devices: readonly string[]): ChartSpec {
    const labels = { device: devices };
    return {
        key: "losses",
        title: "Errors and drops",
        measure: "/s",
        what: "packets/s",
        least: 1,
        traces: [
            {
                name: "errors in",
                metrics: ["node_network_receive_errs_total"],
                labels,
                tone: "receive",
            },
            {
                name: "drops in",
                metrics: ["node_network_receive_drop_total"],
                labels,
                tone: "receive",
                dash: DASH,
            },
            {
                name: "errors out",
                metrics: ["node_network_transmit_errs_total"],
                labels,
                tone: "transmit",
                below: true,
            },
            {
                name: "drops out",
                metrics: ["node_network_transmit_drop_total"],
                labels,
                tone: "transmit",
                below: true,
                dash: DASH,
            },
        ],
    };
}

export const LOSS_METRICS: readonly string[] = metricsOf([lossChart([])]);

/* The names that these charts draw: what is in sight first is asked for first. */
export const TRAFFIC_METRICS: readonly string[] = metricsOf([throughputChart([])]);
export const NETWORK_GROUPS: readonly (readonly string[])[] = [
    TRAFFIC_METRICS,
    metricsOf([packetsChart([]), lossChart([])]),
];

/* Of these, what is usual is drawn behind what is. */
export const BANDED_METRICS: readonly string[] = metricsOf([throughputChart([]), packetsChart([])]);

function pair(receive: string, transmit: string, devices: readonly string[]): TraceSpec[] {
    const labels = { device: devices };
    return [
        { name: "receive", metrics: [receive], labels, tone: "receive", area: true },
        {
            name: "transmit",
            metrics: [transmit],
            labels,
            tone: "transmit",
            area: true,
            below: true,
        },
    ];
}
