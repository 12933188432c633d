/* What netsonde costs and how its server fares, as charts of its own series. */
import { metricsOf, type ChartSpec, type Tone, type TraceSpec } from "../domain/trace";
import type { Selection } from "../store/selection";

export const CPU_CHART: ChartSpec = {
    key: "self-cpu",
    title: "Processor",
    measure: "ratio",
    what: "% of one CPU",
    least: 1,
    traces: [
        {
            name: "netsonde",
            metrics: ["netsonde_self_cpu_seconds_total"],
            tone: "category-1",
            area: true,
        },
    ],
};

export const MEMORY_CHART: ChartSpec = {
    key: "self-memory",
    title: "Memory",
    measure: "bytes",
    what: "B resident",
    least: 1e6,
    traces: [
        {
            name: "main process",
            metrics: ["netsonde_self_resident_bytes"],
            tone: "category-1",
            area: true,
        },
    ],
};

const STAGES: readonly [name: string, tone: Tone, dash?: readonly number[]][] = [
    ["collect", "category-1"],
    ["seal", "category-1", [4, 3]],
    ["detect", "category-2"],
    ["encode", "category-3"],
    ["fan-out", "category-3", [4, 3]],
    ["store", "category-4"],
];

export const STAGES_CHART: ChartSpec = {
    key: "stages",
    title: "Stages of a tick",
    measure: "milliseconds",
    what: "ms, mean",
    least: 0.1,
    traces: STAGES.map(
        ([name, tone, dash]): TraceSpec => ({
            name,
            metrics: ["netsonde_stage_seconds_sum"],
            labels: { stage: [name] },
            per: ["netsonde_stage_seconds_count"],
            tone,
            ...(dash ? { dash } : {}),
        }),
    ),
};

export const SERVER_CHARTS: readonly ChartSpec[] = [
    {
        key: "viewers",
        title: "Connections",
        measure: "count",
        what: "open now",
        least: 4,
        traces: [
            { name: "viewers", metrics: ["netsonde_server_viewers"], tone: "category-1" },
            { name: "all", metrics: ["netsonde_server_clients"], tone: "category-4", dash: [4, 3] },
        ],
    },
    {
        key: "messages",
        title: "Messages",
        measure: "/s",
        least: 10,
        traces: [
            { name: "delivered", metrics: ["netsonde_server_messages_total"], tone: "category-1" },
            {
                name: "encoded",
                metrics: ["netsonde_server_encoded_total"],
                tone: "category-3",
                dash: [4, 3],
            },
        ],
    },
    {
        key: "sent",
        title: "Sent to viewers",
        measure: "bytes/s",
        least: 1000,
        traces: [
            {
                name: "all",
                metrics: ["netsonde_server_sent_bytes_total"],
                tone: "transmit",
                area: true,
            },
        ],
    },
];

export const LOSS_CHARTS: readonly ChartSpec[] = [
    {
        key: "slow",
        title: "Slow viewers",
        measure: "/s",
        what: "messages/s",
        least: 1,
        traces: [
            { name: "replaced", metrics: ["netsonde_server_conflated_total"], tone: "category-4" },
            { name: "dropped", metrics: ["netsonde_server_dropped_total"], tone: "alarm" },
        ],
    },
    {
        key: "queued",
        title: "Waiting for clients",
        measure: "bytes",
        what: "B",
        least: 1e4,
        traces: [
            { name: "queued", metrics: ["netsonde_server_queued_bytes"], tone: "category-2" },
        ],
    },
    {
        key: "disk",
        title: "History on disk",
        measure: "bytes",
        what: "B",
        least: 1e6,
        traces: [{ name: "size", metrics: ["netsonde_store_bytes"], tone: "category-1", area: true }],
    },
];

const LOST = ["netsonde_store_ticks_lost_total", "netsonde_store_ticks_dropped_total"];

export const PERFORMANCE_SELECTION: Selection = {
    key: "performance",
    groups: [
        metricsOf([CPU_CHART, MEMORY_CHART]),
        [
            ...metricsOf([STAGES_CHART, ...SERVER_CHARTS, ...LOSS_CHARTS]),
            "netsonde_stage_seconds_count",
            ...LOST,
        ],
    ],
    match: [],
};
