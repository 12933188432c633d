/* Answers of the HTTP interface: history, information, errors. */
import { asArray, asNumber, asObject, asSample, asText, type Json } from "../base/json";
import { fail, ok, type Result } from "../base/result";
import { parseSeries, type SeriesInfo } from "./series";
import { parseEvent, type StreamEvent } from "./stream";

/* times[i] is the start of a step, values[i] what was seen in it (NaN: nothing). */
export interface HistorySeries {
    info: SeriesInfo;
    times: Float64Array;
    values: Float64Array;
}

export interface History {
    fromMs: number;
    toMs: number;
    stepMs: number;
    series: HistorySeries[];
    truncated: boolean; // there were more series than an answer has
}

export function parseHistory(v: unknown): Result<History> {
    const o = asObject(v);
    const stepMs = asNumber(o?.["step_ms"]);
    const fromMs = asNumber(o?.["from"]);
    const toMs = asNumber(o?.["to"]);
    if (!o || stepMs === undefined || stepMs < 1 || fromMs === undefined || toMs === undefined)
        return fail("the answer lacks from, to or step_ms");
    const series: HistorySeries[] = [];
    for (const entry of asArray(o["series"])) {
        const info = parseSeries(entry);
        if (!info) continue;
        const points = asArray(asObject(entry)?.["points"]);
        const times = new Float64Array(points.length);
        const values = new Float64Array(points.length);
        let n = 0;
        for (const p of points) {
            if (!Array.isArray(p) || !Number.isFinite(p[0])) continue;
            times[n] = p[0] as number;
            values[n++] = asSample(p[1]);
        }
        series.push({ info, times: times.subarray(0, n), values: values.subarray(0, n) });
    }
    return ok({ fromMs, toMs, stepMs, series, truncated: o["truncated"] === true });
}

export interface HistoryQuery {
    metrics: readonly string[];
    match: readonly string[];
    from: string; // any time of CONTRACT section 1: epoch ms, RFC 3339, now-15m
    to: string;
    points: number;
}

export const INFO_ADDRESS = "api/v1/info";

const INTERFACES_FIRST = 500; // as many as the stream tells

export function interfacesAddress(): string {
    return `api/v1/interfaces?limit=${INTERFACES_FIRST}`;
}

export function historyAddress(q: HistoryQuery): string {
    const p = new URLSearchParams();
    for (const m of q.metrics) p.append("metric", m);
    for (const m of q.match) p.append("match", m);
    p.append("from", q.from);
    p.append("to", q.to);
    p.append("points", String(q.points));
    return "api/v1/query?" + p.toString();
}

/* Past events of the kinds that are drawn, in the form in which the stream sends new ones. */
export function parseEvents(v: unknown): StreamEvent[] {
    return asArray(asObject(v)?.["events"]).flatMap((e) => {
        const event = parseEvent(asObject(e) ?? {});
        return event.ok ? [event.value] : [];
    });
}

export function eventsAddress(kinds: readonly string[], from: string, to: string): string {
    const p = new URLSearchParams(kinds.map((kind) => ["kind", kind]));
    p.append("from", from);
    p.append("to", to);
    p.append("limit", "200");
    return "api/v1/events?" + p.toString();
}

export interface EngineInfo {
    name: string;
    state: string;
    reason: string;
    remedy: string;
}

export interface Info {
    version: string;
    host: string;
    nowMs: number | undefined; // the server's clock when it answered
    startedMs: number | undefined;
    intervalMs: number;
    admin: boolean; // who asks may change things
    session: boolean; // of a login: there is something to log out of
    engines: EngineInfo[];
    capabilities: CapabilityInfo[];
    sandbox: Json; // what is in force, by name
}

export interface CapabilityInfo {
    name: string;
    engine: string; // "": nobody provides it here
    state: string;
    reason: string;
    remedy: string; // the command that adds it
}

export function parseInfo(v: unknown): Result<Info> {
    const o = asObject(v);
    if (!o) return fail("the answer is not an object");
    return ok({
        version: asText(o["version"]),
        host: asText(o["host"]),
        nowMs: asNumber(o["t"]),
        startedMs: asNumber(o["started"]),
        intervalMs: asNumber(o["interval_ms"]) ?? 1000,
        admin: o["role"] === "admin",
        session: o["session"] === true,
        sandbox: asObject(o["sandbox"]) ?? {},
        capabilities: asArray(o["capabilities"]).flatMap((c) => {
            const o = asObject(c);
            const name = asText(o?.["name"]);
            if (!o || name === "") return [];
            return [
                {
                    name,
                    engine: asText(o["engine"]),
                    state: asText(o["state"]),
                    reason: asText(o["reason"]),
                    remedy: asText(o["remedy"]),
                },
            ];
        }),
        engines: asArray(o["engines"]).flatMap((e) => {
            const engine = asObject(e);
            const name = asText(engine?.["name"]);
            if (!engine || name === "") return [];
            return [
                {
                    name,
                    state: asText(engine["state"]),
                    reason: asText(engine["reason"]),
                    remedy: asText(engine["remedy"]),
                },
            ];
        }),
    });
}

/* The series that are there now, for choosing one. */
export function parseSeriesList(v: unknown): SeriesInfo[] {
    return asArray(v)
        .map(parseSeries)
        .filter((s) => s !== undefined);
}

export interface DescribedSeries extends SeriesInfo {
    help: string;
}

/* The same with what each is about. */
export function parseCatalogue(v: unknown): DescribedSeries[] {
    return asArray(v).flatMap((entry) => {
        const s = parseSeries(entry);
        return s ? [{ ...s, help: asText(asObject(entry)?.["help"]) }] : [];
    });
}

/* The server's own words for a failed request, or undefined when it said nothing. */
export function parseErrorText(v: unknown): string | undefined {
    const message = asText(asObject(asObject(v)?.["error"])?.["message"]);
    return message === "" ? undefined : message;
}

/* Which member of the request it is about, "" when it does not say. */
export function parseErrorField(v: unknown): string {
    return asText(asObject(asObject(v)?.["error"])?.["field"]);
}
