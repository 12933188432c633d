/*
 * What the page /explore asks, as plain data, and as the query of its address: `a.metric=GLOB`,
 * `a.match=label=GLOB` (both repeatable), `a.agg=`, `a.by=`, `a.top=`, then the same with b to f,
 * `type=` and `layout=`. `metric=` and `match=` alone are those of the first question, as in the HTTP
 * interface, so that others can link here simply. Anything may stand in an address: what is no
 * question is left out, what is too much is cut.
 */
export const AGGS = ["avg", "min", "max", "last", "sum", "p50", "p90", "p99"] as const;
export type Agg = (typeof AGGS)[number];

export const TYPES = [
    "line",
    "area",
    "stacked",
    "bar",
    "histogram",
    "heatmap",
    "calendar",
    "gauge",
    "sparkline",
] as const;
export type ChartType = (typeof TYPES)[number];

export interface Query {
    metric: readonly string[]; // name globs, at least one
    match: readonly string[]; // label=glob
    agg: Agg;
    by: string; // a label: one trace for each of its values; "": all series together
    top: number; // of these the largest; the rest is one trace
}

export interface Exploration {
    queries: readonly Query[];
    type: ChartType;
    layout: "one" | "each"; // what has one unit in one chart, or a chart for each question
}

export const QUERIES_MOST = 6;
export const TOP_DEFAULT = 7;
export const TOP_MOST = 20;
const METRICS_MOST = 8;
const MATCHES_MOST = 16;
const GLOB_MOST = 256; // characters

const NOTHING: Exploration = { queries: [], type: "line", layout: "one" };

/* A, B, …, as the page calls them. */
export function letterOf(index: number): string {
    return String.fromCharCode(65 + index);
}

export function queryOf(metric: string, given: Partial<Query> = {}): Query {
    return { metric: [metric], match: [], agg: "avg", by: "", top: TOP_DEFAULT, ...given };
}

/* Text on one line, without what turns the direction of others around. */
function isGlob(text: string): boolean {
    return text !== "" && text.length <= GLOB_MOST && !/[\u0000-\u001f\u007f]/.test(text);
}

export function isLabel(text: string): boolean {
    return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(text);
}

export function isMatch(text: string): boolean {
    const at = text.indexOf("=");
    return at > 0 && isLabel(text.slice(0, at)) && text.length <= GLOB_MOST && isGlob(text);
}

export function matchParts(match: string): { label: string; glob: string } {
    const at = match.indexOf("=");
    return { label: match.slice(0, at), glob: match.slice(at + 1) };
}

function oneOf<T extends string>(list: readonly T[], text: string | null, fallback: T): T {
    return list.find((v) => v === text) ?? fallback;
}

function parseQuery(q: URLSearchParams, prefix: string, simple: boolean): Query | undefined {
    const all = (key: string) => [
        ...q.getAll(prefix + key),
        ...(simple ? q.getAll(key) : []),
    ];
    const metric = [...new Set(all("metric"))].filter(isGlob).slice(0, METRICS_MOST);
    if (metric.length === 0) return undefined;
    const match = [...new Set(all("match"))].filter(isMatch).slice(0, MATCHES_MOST);
    const by = q.get(`${prefix}by`) ?? "";
    const top = Number(q.get(`${prefix}top`) ?? TOP_DEFAULT);
    return {
        metric,
        match,
        agg: oneOf(AGGS, q.get(`${prefix}agg`), "avg"),
        by: isLabel(by) ? by : "",
        top: Number.isInteger(top) && top >= 1 ? Math.min(top, TOP_MOST) : TOP_DEFAULT,
    };
}

export function parseExploration(q: URLSearchParams): Exploration {
    const queries: Query[] = [];
    for (let i = 0; i < QUERIES_MOST; i++) {
        const query = parseQuery(q, `${letterOf(i).toLowerCase()}.`, i === 0);
        if (query) queries.push(query);
    }
    return {
        queries,
        type: oneOf(TYPES, q.get("type"), NOTHING.type),
        layout: oneOf(["one", "each"] as const, q.get("layout"), NOTHING.layout),
    };
}

/* Its members of the query, without those that say the usual. */
export function explorationParams(e: Exploration): [key: string, value: string][] {
    const list: [string, string][] = [];
    for (const [i, query] of e.queries.slice(0, QUERIES_MOST).entries()) {
        const put = (key: string, value: string) =>
            list.push([`${letterOf(i).toLowerCase()}.${key}`, value]);
        for (const m of query.metric) put("metric", m);
        for (const m of query.match) put("match", m);
        if (query.agg !== "avg") put("agg", query.agg);
        if (query.by) put("by", query.by);
        if (query.top !== TOP_DEFAULT) put("top", String(query.top));
    }
    if (e.type !== NOTHING.type) list.push(["type", e.type]);
    if (e.layout !== NOTHING.layout) list.push(["layout", e.layout]);
    return list;
}

/* The query with this exploration in the place of the one that it had; the rest stays. */
export function withExploration(q: URLSearchParams, e: Exploration): URLSearchParams {
    const own = /^([a-f]\.(metric|match|agg|by|top)|metric|match|type|layout)$/;
    const out = new URLSearchParams([...q].filter(([key]) => !own.test(key)));
    for (const [key, value] of explorationParams(e)) out.append(key, value);
    return out;
}

export function sameExploration(a: Exploration, b: Exploration): boolean {
    return JSON.stringify(explorationParams(a)) === JSON.stringify(explorationParams(b));
}

/* ---- saved ------------------------------------------------------------------------------- */

/* A saved dashboard; members of later versions are kept. */
export type DashboardDocument = Readonly<Record<string, unknown>>;

export const DASHBOARD_NAME = /^(?!\.)[A-Za-z0-9._-]{1,64}$/;
const DOCUMENT_VERSION = 1;

export function documentOf(e: Exploration, before: DashboardDocument = {}): DashboardDocument {
    const exploration = new URLSearchParams(explorationParams(e)).toString();
    return { ...before, version: DOCUMENT_VERSION, exploration };
}

/* undefined: it is of a version that this page does not know, or none. */
export function fromDocument(document: unknown): Exploration | undefined {
    if (typeof document !== "object" || document === null) return undefined;
    const { version, exploration } = document as Record<string, unknown>;
    if (version !== DOCUMENT_VERSION || typeof exploration !== "string") return undefined;
    return parseExploration(new URLSearchParams(exploration));
}
