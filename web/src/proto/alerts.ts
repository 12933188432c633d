/*
 * Alerts as the stream and the HTTP interface tell them. Rule names, labels and summaries are written
 * by whoever may write rules or name an interface, so they are only ever texts here; what lacks an id,
 * a name or a state that is known is left out, and every list has an end.
 */
import { asArray, asNumber, asObject, asSample, asText, asTexts, type Json } from "../base/json";
import { fail, ok, type Result } from "../base/result";

const ACTIVE_MOST = 500;
const GROUP_MOST = 50;
const LIST_MOST = 1000;

const STATES = ["pending", "firing", "acknowledged", "silenced", "resolved"] as const;
const REASONS = ["threshold", "anomaly", "absence"] as const;

export type AlertState = (typeof STATES)[number];
export type AlertReason = (typeof REASONS)[number];
export type Severity = "warning" | "critical";

export interface Alert {
    id: number;
    seq: number;
    rule: string;
    state: AlertState;
    severity: Severity;
    reason: AlertReason;
    value: number; // NaN: none; likewise threshold and z
    threshold: number;
    z: number;
    unit: string; // of value and threshold; a counter's is per second
    series: string; // canonical text: name{device="eth0"}
    seriesId: number; // 0: none
    summary: string;
    changedMs: number;
    pendingMs: number | undefined;
    startedMs: number | undefined;
    resolvedMs: number | undefined;
    by: string;
    silence: number | undefined;
    inhibitedBy: number | undefined;
}

export function parseAlert(v: unknown): Alert | undefined {
    const o = asObject(v);
    const id = asNumber(o?.["id"]);
    const state = STATES.find((s) => s === o?.["state"]);
    if (!o || id === undefined || state === undefined) return undefined;
    return {
        id,
        seq: asNumber(o["seq"]) ?? 0,
        rule: asText(o["rule"]),
        state,
        severity: o["severity"] === "critical" ? "critical" : "warning",
        reason: REASONS.find((r) => r === o["reason"]) ?? "threshold",
        value: asSample(o["value"]),
        threshold: asSample(o["threshold"]),
        z: asSample(o["z"]),
        unit: asText(o["unit"]),
        series: asText(o["series"]),
        seriesId: asNumber(o["series_id"]) ?? 0,
        summary: asText(o["summary"]),
        changedMs: asNumber(o["changed"]) ?? 0,
        pendingMs: asNumber(o["pending"]),
        startedMs: asNumber(o["started"]),
        resolvedMs: asNumber(o["resolved"]),
        by: asText(o["by"]),
        silence: asNumber(o["silence"]),
        inhibitedBy: asNumber(o["inhibited_by"]),
    };
}

function parseAlerts(v: unknown, most: number): Alert[] {
    return asArray(v)
        .slice(0, most)
        .map(parseAlert)
        .filter((a) => a !== undefined);
}

/* ---- the stream ------------------------------------------------------------------------- */

/* One message as the limits let it through: an alert, or a digest of many. */
export interface AlertMessage {
    type: "alert";
    seq: number;
    t: number;
    alert: Alert; // of a digest the worst; its summary is the digest's title
    suppressed: number; // changes held back since the message before
    test: boolean; // somebody pressed the button
    group: Alert[]; // of a digest: those that it lists
    more: number; // of a digest: those that it does not
}

/* All that is active now. */
export interface AlertSet {
    type: "alert_state";
    seq: number;
    t: number;
    total: number;
    alerts: Alert[]; // the worst first
}

/* What is usual, and how unusual the newest samples are: the i-th of each belongs to ids[i]. */
export interface Anomalies {
    type: "anomalies";
    seq: number;
    t: number;
    ids: Int32Array;
    score: Float64Array;
    mean: Float64Array;
    sigma: Float64Array;
}

export function parseAlertMessage(o: Json): Result<AlertMessage> {
    const alert = parseAlert(o);
    const t = asNumber(o["t"]);
    if (!alert || t === undefined) return fail("an alert without id, state or t");
    return ok({
        type: "alert",
        seq: alert.seq,
        t,
        alert,
        suppressed: asNumber(o["suppressed"]) ?? 0,
        test: o["test"] === true,
        group: parseAlerts(o["group"], GROUP_MOST),
        more: asNumber(o["more"]) ?? 0,
    });
}

export function parseAlertSet(o: Json): Result<AlertSet> {
    const t = asNumber(o["t"]);
    if (t === undefined || !Array.isArray(o["alerts"]))
        return fail("alert_state without t or alerts");
    const alerts = parseAlerts(o["alerts"], ACTIVE_MOST);
    const total = Math.max(alerts.length, asNumber(o["total"]) ?? 0);
    return ok({ type: "alert_state", seq: asNumber(o["seq"]) ?? 0, t, total, alerts });
}

export function parseAnomalies(o: Json): Result<Anomalies> {
    const seq = asNumber(o["seq"]);
    const t = asNumber(o["t"]);
    if (seq === undefined || t === undefined) return fail("anomalies without seq or t");
    const rows = asArray(o["values"]);
    const ids = new Int32Array(rows.length);
    const [score, mean, sigma] = [0, 1, 2].map(() => new Float64Array(rows.length));
    let n = 0;
    for (const row of rows) {
        if (!Array.isArray(row) || !Number.isInteger(row[0])) continue;
        ids[n] = row[0] as number;
        score![n] = asSample(row[1]);
        mean![n] = asSample(row[2]);
        sigma![n++] = asSample(row[3]);
    }
    const cut = (a: Float64Array | undefined) => a!.subarray(0, n);
    return ok({
        type: "anomalies",
        seq,
        t,
        ids: ids.subarray(0, n),
        score: cut(score),
        mean: cut(mean),
        sigma: cut(sigma),
    });
}

/* ---- lists of the HTTP interface -------------------------------------------------------- */

export interface AlertPage {
    t: number;
    total: number;
    alerts: Alert[];
}

export interface AlertQuery {
    state: string;
    from?: string; // any time of CONTRACT section 1
    to?: string;
    severity?: string;
    limit: number;
    offset?: number;
}

export function alertsAddress(q: AlertQuery): string {
    const p = new URLSearchParams({ state: q.state });
    if (q.severity) p.set("severity", q.severity);
    if (q.from !== undefined) p.set("from", q.from);
    if (q.to !== undefined) p.set("to", q.to);
    p.set("limit", String(q.limit));
    if (q.offset) p.set("offset", String(q.offset));
    return "api/v1/alerts?" + p.toString();
}

export function parseAlertPage(v: unknown): Result<AlertPage> {
    const o = asObject(v);
    if (!o || !Array.isArray(o["alerts"])) return fail("the answer has no alerts");
    const alerts = parseAlerts(o["alerts"], LIST_MOST);
    const total = Math.max(alerts.length, asNumber(o["total"]) ?? 0);
    return ok({ t: asNumber(o["t"]) ?? 0, total, alerts });
}

export interface Silence {
    id: number;
    rule: string;
    series: string;
    comment: string;
    by: string;
    fromMs: number;
    toMs: number;
    active: boolean;
}

export function parseSilences(v: unknown): Result<Silence[]> {
    return listOf(v, "silences", (o) => {
        const id = asNumber(o["id"]);
        if (id === undefined) return undefined;
        return {
            id,
            rule: asText(o["rule"], "*"),
            series: asText(o["series"], "*"),
            comment: asText(o["comment"]),
            by: asText(o["by"]),
            fromMs: asNumber(o["from"]) ?? 0,
            toMs: asNumber(o["to"]) ?? 0,
            active: o["active"] === true,
        };
    });
}

export interface Channel {
    name: string;
    type: string;
    target: string;
    fallback: string;
    isDefault: boolean;
    sent: number;
    failed: number;
    retried: number;
    fellBack: number;
    dropped: number;
    heldBack: number;
    queued: number;
    lastMs: number | undefined;
    lastError: string;
}

export function parseChannels(v: unknown): Result<Channel[]> {
    return listOf(v, "channels", (o) => {
        const name = asText(o["name"]);
        if (name === "") return undefined;
        const count = (key: string) => asNumber(o[key]) ?? 0;
        return {
            name,
            type: asText(o["type"]),
            target: asText(o["target"]),
            fallback: asText(o["fallback"]),
            isDefault: o["default"] === true,
            sent: count("sent"),
            failed: count("failed"),
            retried: count("retried"),
            fellBack: count("fell_back"),
            dropped: count("dropped"),
            heldBack: count("held_back"),
            queued: count("queued"),
            lastMs: asNumber(o["last"]) || undefined,
            lastError: asText(o["last_error"]),
        };
    });
}

function listOf<T>(v: unknown, key: string, parse: (o: Json) => T | undefined): Result<T[]> {
    const list = asObject(v)?.[key];
    if (!Array.isArray(list)) return fail(`the answer has no ${key}`);
    return ok(
        list.slice(0, LIST_MOST).flatMap((entry) => {
            const o = asObject(entry);
            const item = o && parse(o);
            return item ? [item] : [];
        }),
    );
}

/* ---- rules ------------------------------------------------------------------------------ */

export type RuleSource = "default" | "file" | "api";

/* Keys as the texts that a form shows and the server reads; "": not given. */
export interface Rule {
    name: string;
    enabled: boolean;
    metric: string;
    match: [label: string, glob: string][];
    where: string;
    per: string;
    per_least: string;
    when: "above" | "below";
    warning: string;
    critical: string;
    clear: string;
    for: string;
    keep: string;
    repeat: string;
    absent: string;
    edge: boolean;
    anomaly: boolean;
    sigma: string;
    window: string;
    severity: Severity;
    mutes: string;
    channels: string[];
    summary: string;
    source: RuleSource;
    matched: number; // series that it is about now
    active: number; // alerts of it now
    note: string; // why it cannot work here
}

export function parseRules(v: unknown): Result<Rule[]> {
    return listOf(v, "rules", parseRule);
}

export function parseRule(o: Json): Rule | undefined {
    const name = asText(o["name"]);
    if (name === "") return undefined;
    const status = asObject(o["status"]);
    const source = o["source"];
    return {
        name,
        enabled: !isOff(o["enabled"], true),
        metric: asText(o["metric"]),
        match: parseMatch(o["match"]),
        where: asText(o["where"]),
        per: asText(o["per"]),
        per_least: asWord(o["per_least"]),
        when: o["when"] === "below" ? "below" : "above",
        warning: asWord(o["warning"]),
        critical: asWord(o["critical"]),
        clear: asWord(o["clear"]),
        for: asWord(o["for"]),
        keep: asWord(o["keep"]),
        repeat: asWord(o["repeat"]),
        absent: asWord(o["absent"]),
        edge: !isOff(o["edge"], false),
        anomaly: !isOff(o["anomaly"], false),
        sigma: asWord(o["sigma"]),
        window: asWord(o["window"]),
        severity: o["severity"] === "critical" ? "critical" : "warning",
        mutes: asText(o["mutes"]),
        channels: asArray(o["channels"]).filter((c) => typeof c === "string"),
        summary: asText(o["summary"]),
        source: source === "file" || source === "api" ? source : "default",
        matched: asNumber(status?.["matched"]) ?? 0,
        active: asNumber(status?.["active"]) ?? 0,
        note: asText(status?.["note"]),
    };
}

/* A label has a pattern, or several that must all hold. */
function parseMatch(v: unknown): [string, string][] {
    return Object.entries(asObject(v) ?? {}).flatMap(([label, globs]) =>
        (Array.isArray(globs) ? globs : [globs])
            .filter((glob) => typeof glob === "string")
            .map((glob): [string, string] => [label, glob]),
    );
}

/* A number or a text, as a text. */
function asWord(v: unknown): string {
    return typeof v === "number" && Number.isFinite(v) ? String(v) : asText(v);
}

function isOff(v: unknown, otherwise: boolean): boolean {
    if (v === undefined || v === null) return !otherwise;
    return v === false || v === "off";
}

/* ---- back-test and what is usual -------------------------------------------------------- */

/* One step a row; NaN where nothing is known. */
export interface Scored {
    id: number;
    name: string;
    labels: Record<string, string>;
    unit: string;
    series: string;
    times: Float64Array;
    value: Float64Array; // all NaN where the server was not asked for values
    score: Float64Array;
    mean: Float64Array;
    sigma: Float64Array;
}

export interface BackTest {
    fromMs: number;
    toMs: number;
    stepMs: number;
    tier: string;
    fired: number;
    alerts: Alert[];
    truncated: boolean;
    series: Scored[];
}

export function parseBackTest(v: unknown): Result<BackTest> {
    const o = asObject(v);
    const frame = parseFrame(o);
    if (!o || !frame) return fail("the answer lacks from, to or step_ms");
    const alerts = parseAlerts(o["alerts"], LIST_MOST);
    return ok({
        ...frame,
        tier: asText(o["tier"]),
        fired: Math.max(asNumber(o["fired"]) ?? 0, 0),
        alerts,
        truncated: o["truncated"] === true,
        series: parseScored(o["series"], true),
    });
}

export interface AnomalyHistory {
    fromMs: number;
    toMs: number;
    stepMs: number;
    sigmas: number; // the band is mean ± so many sigma
    series: Scored[];
}

const SIGMAS = 2.5; // of a server that does not say

export function parseAnomalyHistory(v: unknown): Result<AnomalyHistory> {
    const o = asObject(v);
    const frame = parseFrame(o);
    if (!o || !frame) return fail("the answer lacks from, to or step_ms");
    const sigmas = asNumber(o["sigma"]);
    return ok({
        ...frame,
        sigmas: sigmas !== undefined && sigmas > 0 ? sigmas : SIGMAS,
        series: parseScored(o["series"], false),
    });
}

export function anomaliesAddress(
    metrics: readonly string[],
    match: readonly string[],
    from: string,
    to: string,
    points: number,
): string {
    const p = new URLSearchParams();
    for (const m of metrics) p.append("metric", m);
    for (const m of match) p.append("match", m);
    p.append("from", from);
    p.append("to", to);
    p.append("points", String(points));
    return "api/v1/anomalies?" + p.toString();
}

function parseFrame(o: Json | undefined) {
    const fromMs = asNumber(o?.["from"]);
    const toMs = asNumber(o?.["to"]);
    const stepMs = asNumber(o?.["step_ms"]);
    if (fromMs === undefined || toMs === undefined || stepMs === undefined || stepMs < 1)
        return undefined;
    return { fromMs, toMs, stepMs };
}

/* Points are [t, value, score, mean, sigma], or without the value. */
function parseScored(v: unknown, withValue: boolean): Scored[] {
    return asArray(v).flatMap((entry) => {
        const o = asObject(entry);
        const id = asNumber(o?.["id"]);
        if (!o || id === undefined || !Number.isInteger(id)) return [];
        const points = asArray(o["points"]).filter(
            (p): p is readonly unknown[] => Array.isArray(p) && Number.isFinite(p[0]),
        );
        const column = (i: number) => Float64Array.from(points, (p) => asSample(p[i]));
        const at = withValue ? 2 : 1;
        return [
            {
                id,
                name: asText(o["name"]),
                labels: asTexts(o["labels"]),
                unit: asText(o["unit"]),
                series: asText(o["series"]),
                times: column(0),
                value: withValue ? column(1) : new Float64Array(points.length).fill(NaN),
                score: column(at),
                mean: column(at + 1),
                sigma: column(at + 2),
            },
        ];
    });
}
