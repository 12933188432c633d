/*
 * A rule while somebody writes it: the texts of a form, what goes to the server, and what can be said
 * of it before it is saved. The server has the last word about every text; what is read here is read
 * only to be drawn.
 */
import { splitSeries } from "./alerts";

export interface RuleForm {
    name: string;
    enabled: boolean;
    metric: string;
    match: readonly (readonly [label: string, glob: string])[];
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
    severity: "warning" | "critical";
    mutes: string;
    channels: readonly string[];
    summary: string;
}

export const NEW_RULE: RuleForm = {
    name: "",
    enabled: true,
    metric: "",
    match: [],
    where: "",
    per: "",
    per_least: "",
    when: "above",
    warning: "",
    critical: "",
    clear: "",
    for: "",
    keep: "",
    repeat: "",
    absent: "",
    edge: false,
    anomaly: false,
    sigma: "",
    window: "",
    severity: "warning",
    mutes: "",
    channels: [],
    summary: "",
};

/* Limits are told as plain numbers; they are shown as people write them where that is exact. */
export function formOf(r: RuleForm): RuleForm {
    const form: Record<string, unknown> = {};
    for (const key of Object.keys(NEW_RULE)) form[key] = (r as unknown as Json)[key];
    const unit = r.per ? "ratio" : /_bytes_total$/.test(r.metric) ? "bytes/s" : "";
    for (const key of ["warning", "critical", "clear"] as const) {
        const value = Number(r[key]);
        const text = thresholdText(value, unit);
        if (r[key] !== "" && thresholdOf(text) === value) form[key] = text;
    }
    return form as unknown as RuleForm;
}

type Json = Record<string, unknown>;

const TEXT_KEYS = [
    "where",
    "per",
    "per_least",
    "warning",
    "critical",
    "clear",
    "for",
    "keep",
    "repeat",
    "absent",
    "sigma",
    "window",
    "mutes",
    "summary",
] as const;

/* The keys as the server takes them; those left empty are left out. */
export function ruleBody(f: RuleForm): Record<string, unknown> {
    const body: Record<string, unknown> = {
        name: f.name.trim(),
        enabled: f.enabled,
        metric: f.metric.trim(),
    };
    const match = new Map<string, string[]>();
    for (const [label, glob] of f.match)
        if (label.trim())
            match.set(label.trim(), [...(match.get(label.trim()) ?? []), glob.trim() || "*"]);
    if (match.size)
        body["match"] = Object.fromEntries(
            [...match].map(([label, globs]) => [label, globs.length === 1 ? globs[0] : globs]),
        );
    for (const key of TEXT_KEYS) {
        const text = f[key].trim();
        if (text !== "") body[key] = isPlainNumber(text) ? Number(text) : text;
    }
    if (f.when === "below") body["when"] = f.when;
    if (f.edge) body["edge"] = true;
    if (f.anomaly) body["anomaly"] = true;
    if (f.severity !== "warning") body["severity"] = f.severity;
    if (f.channels.length) body["channels"] = f.channels;
    return body;
}

function isPlainNumber(text: string): boolean {
    return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

/* Bytes a second. */
const RATES: Record<string, number> = {
    bit: 1 / 8,
    kbit: 1e3 / 8,
    mbit: 1e6 / 8,
    gbit: 1e9 / 8,
    tbit: 1e12 / 8,
    b: 1,
    kb: 1e3,
    mb: 1e6,
    gb: 1e9,
    tb: 1e12,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
    tib: 2 ** 40,
};

/* A limit in base units: 5, 0.02, 2%, 10Mbit, 125kB (bytes a second). NaN: not understood. */
export function thresholdOf(text: string): number {
    const m = /^(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([A-Za-z%]*)$/.exec(text.trim());
    if (!m) return NaN;
    const n = Number(m[1]);
    const unit = m[2]!.toLowerCase();
    if (unit === "") return n;
    return unit === "%" ? n / 100 : n * (RATES[unit] ?? NaN);
}

/* A value of a chart back into a text that a person would have written. */
export function thresholdText(value: number, unit: string): string {
    const brief = (v: number) => String(Number(v.toPrecision(3)));
    if (unit === "ratio") return brief(value * 100) + "%";
    if (unit !== "bytes/s") return brief(value);
    const bits = value * 8;
    for (const [name, size] of [
        ["Gbit", 1e9],
        ["Mbit", 1e6],
        ["kbit", 1e3],
    ] as const)
        if (Math.abs(bits) >= size) return brief(bits / size) + name;
    return brief(bits) + "bit";
}

/* A name that says what it is about, for a rule that has none yet. */
export function nameFrom(metric: string): string {
    const plain = metric.replace(/^(?:node|netsonde)_/, "").replace(/_total$/, "");
    return plain.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 64);
}

/* What it does, in one sentence; "" while it does nothing. */
export function ruleWords(f: RuleForm): string {
    const match = f.match.filter(([label]) => label).map(([label, glob]) => `${label}=${glob}`);
    const of = match.length ? ` of ${match.join(" and ")}` : "";
    const what = (f.metric || "the metric") + of + (f.per ? ` per ${f.per}` : "");
    const limits = [
        f.warning && `warns ${f.when} ${f.warning}`,
        f.critical && `is critical ${f.when} ${f.critical}`,
        f.anomaly && `${f.severity === "critical" ? "is critical" : "warns"} when it is unusual`,
        f.absent &&
            `${f.severity === "critical" ? "is critical" : "warns"} after ${f.absent} without a sample`,
    ].filter(Boolean);
    if (limits.length === 0) return "";
    const held = f.for && f.for !== "0s" ? `, once that holds for ${f.for}` : "";
    return `Watches ${what}: ${limits.join(", ")}${held}.`;
}

/* The match that selects this one series. */
export function matchOf(series: string): string[] {
    return Object.entries(splitSeries(series).labels).map(
        ([label, value]) => `${label}=${value.replace(/[*?[\]\\]/g, "?")}`,
    );
}
