/*
 * What a chart shows that is no line over time. Values are in base units (bytes, seconds, counts per
 * second), NaN is "not measured"; how they are written follows from the measure. A `key` is what the
 * page is told when the reader opens that part.
 */
import type { Tone } from "./trace";
import type { Measure } from "./units";

/* What has a state is coloured by it, and by nothing else. Good is neutral; at rest is what is off or
 * down, and need not be up. */
export type StateTone = "good" | "rest" | "warning" | "critical" | "unknown";
export type DataTone = Tone | StateTone;

interface DataSpecBase {
    key: string; // unique in its page
    title: string;
    subtitle: string; // how it was measured, and what was lost
    unit?: string; // beside the title; else it follows from the measure
}

/* Ranked parts of something: lying bars, the first on top. */
export interface BarSpec extends DataSpecBase {
    kind: "bar";
    measure: Measure;
    bars: readonly {
        name: string;
        parts: readonly { name: string; tone: DataTone; value: number }[]; // one after the other
        note?: string;
        key?: string;
    }[];
}

/* One number within its limits. */
export interface GaugeSpec extends DataSpecBase {
    kind: "gauge";
    measure: Measure;
    value: number;
    most: number; // the end of the scale
    limits?: readonly { value: number; tone: "warning" | "critical" }[];
}

/* How a distribution moves: columns of time, rows of a histogram's buckets. */
export interface HeatmapSpec extends DataSpecBase {
    kind: "heatmap";
    measure: Measure; // of the edges
    counted: string; // what is counted in a cell: "connections"
    fromMs: number;
    stepMs: number;
    steps: number;
    edges: readonly number[]; // upper ends, rising; the last may be Infinity
    counts: Float64Array; // [step * edges.length + bucket]
}

/* One distribution. */
export interface HistogramSpec extends DataSpecBase {
    kind: "histogram";
    measure: Measure;
    counted: string;
    edges: readonly number[]; // one more than counts; the last may be Infinity
    series: readonly { name: string; tone: DataTone; counts: readonly number[] }[];
    marks?: readonly { name: string; value: number }[]; // p50, p99
}

export interface ScatterAxis {
    title: string;
    measure: Measure;
    log?: boolean; // zero then stands at the left or lower end
}

/* Each point is one thing. */
export interface ScatterSpec extends DataSpecBase {
    kind: "scatter";
    x: ScatterAxis;
    y: ScatterAxis;
    groups: readonly {
        name: string;
        tone: DataTone;
        points: readonly { x: number; y: number; title: string; key?: string }[];
    }[];
}

/* From where to where how much. Columns go from left to right; links never lead back. */
export interface SankeySpec extends DataSpecBase {
    kind: "sankey";
    measure: Measure;
    nodes: readonly { id: string; name: string; column: number; tone: DataTone; key?: string }[];
    links: readonly { from: string; to: string; value: number; tone?: DataTone; note?: string }[];
}

/* Which state each of them was in, and when. */
export interface TimelineSpec extends DataSpecBase {
    kind: "timeline";
    fromMs: number;
    toMs: number;
    rows: readonly {
        name: string;
        spans: readonly {
            fromMs: number;
            toMs: number;
            state: string;
            tone: StateTone;
            note?: string;
        }[];
        key?: string;
    }[];
}

/* The hours of a week, each the mean of all such hours. */
export interface CalendarSpec extends DataSpecBase {
    kind: "calendar";
    measure: Measure;
    values: Float64Array; // [day * 24 + hour], Monday first, in the reader's hours
    samples: Float64Array; // how many hours each is the mean of
}

export type DataSpec =
    | BarSpec
    | GaugeSpec
    | HeatmapSpec
    | HistogramSpec
    | ScatterSpec
    | SankeySpec
    | TimelineSpec
    | CalendarSpec;
