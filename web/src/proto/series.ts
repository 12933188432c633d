/* A series as the stream and the history name it. */
import { asNumber, asObject, asText, asTexts } from "../base/json";

export interface SeriesInfo {
    id: number;
    name: string;
    labels: Record<string, string>;
    unit: string;
    kind: "counter" | "gauge";
    method: string; // which engine measured it; "" when not said
}

export function parseSeries(v: unknown): SeriesInfo | undefined {
    const o = asObject(v);
    const id = asNumber(o?.["id"]);
    const name = asText(o?.["name"]);
    if (!o || id === undefined || !Number.isInteger(id) || id < 0 || name === "") return undefined;
    return {
        id,
        name,
        labels: asTexts(o["labels"]),
        unit: asText(o["unit"]),
        kind: o["kind"] === "gauge" ? "gauge" : "counter",
        method: asText(o["method"]),
    };
}
