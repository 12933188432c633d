/*
 * What a file that is saved from the page is called, and how the server is asked for the samples
 * behind a chart.
 */
import type { ChartSpec } from "./trace";

/* Only what every file system takes; never empty, never hidden. */
function plain(text: string): string {
    const kept = text.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+|[.-]+$/g, "");
    return kept.slice(0, 80) || "unnamed";
}

/* 20261129T173000Z */
export function stamp(ms: number): string {
    return new Date(ms).toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
}

/* netsonde-web1-throughput-20261129T173000Z.png */
export function fileName(host: string, what: string, atMs: number, extension: string): string {
    return `netsonde-${plain(host)}-${plain(what)}-${stamp(atMs)}.${extension}`;
}

/* A pattern that matches this text and nothing else. */
export function exactGlob(text: string): string {
    return text.replace(/[*?[\]\\]/g, "\\$&");
}

export interface Asked {
    metrics: string[];
    match: string[];
    all: string[]; // labels of which more is given than the chart draws
}

/*
 * The selection of a chart as one question. The server joins conditions with "and", so a label for
 * which a chart draws several values, but not all, cannot be said; then all of them are given.
 */
export function askedOf(spec: ChartSpec): Asked {
    if (spec.behind) return { metrics: [...spec.behind], match: [], all: [] };
    const metrics = new Set<string>();
    const values = new Map<string, Set<string>>();
    for (const t of spec.traces) {
        for (const m of [...t.metrics, ...(t.per ?? [])]) metrics.add(m);
        for (const [label, list] of Object.entries(t.labels ?? {})) {
            const known = values.get(label) ?? new Set();
            for (const v of list) known.add(v);
            values.set(label, known);
        }
    }
    const match: string[] = [];
    const all: string[] = [];
    for (const [label, list] of values) {
        const everywhere = spec.traces.every((t) => t.labels && label in t.labels && !t.per);
        const [only] = list;
        if (everywhere && list.size === 1) match.push(`${label}=${exactGlob(only!)}`);
        else all.push(label);
    }
    return { metrics: [...metrics], match, all };
}

export type ExportFormat = "csv" | "json" | "ndjson" | "openmetrics";

/* Every stored sample of the time in sight. */
export function samplesQuery(
    { metrics, match }: Asked,
    format: ExportFormat,
    fromMs: number,
    toMs: number,
): string {
    const p = new URLSearchParams({ format });
    for (const m of metrics) p.append("metric", m);
    for (const m of match) p.append("match", m);
    p.append("from", String(Math.floor(fromMs)));
    p.append("to", String(Math.ceil(toMs)));
    return `api/v1/export?${p}`;
}

/* A table that the server knows, in the order and with the rows that are shown. */
export interface ServerTable {
    table: string;
    sort?: string;
    filter?: string;
    atMs?: number | undefined; // undefined: now
}

export function tableQuery(t: ServerTable, format: Exclude<ExportFormat, "openmetrics">): string {
    const p = new URLSearchParams({ format, table: t.table });
    if (t.sort) p.append("sort", t.sort);
    if (t.filter?.trim()) p.append("filter", t.filter);
    if (t.atMs !== undefined) p.append("at", String(t.atMs));
    return `api/v1/export?${p}`;
}
