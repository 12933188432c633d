/*
 * What runs of a benchmark say when they stand beside each other: results against a number (of
 * clients, say), the same result from run to run, and whether the newest is worse than the one before.
 */
import { valueText } from "./units";

export interface ResultFacts {
    name: string;
    labels: Readonly<Record<string, string>>;
    value: number;
    unit: string;
    kind: string;
    better: "lower" | "higher";
    judged: boolean;
}

export interface RunFacts {
    id: string;
    subject: string;
    t: number;
    state: "running" | "done" | "failed";
    settings: Readonly<Record<string, string>>;
    results: readonly ResultFacts[];
}

/*
 * By how much a result may be worse before it counts, as a part: as `netsonde bench --compare`. Of
 * other kinds, sizes and counts, none is called worse.
 */
const THRESHOLDS: Readonly<Record<string, number>> = {
    duration: 0.2,
    memory: 0.3,
    cpu: 0.25,
    throughput: 0.2,
};

export function labelsText(labels: Readonly<Record<string, string>>): string {
    return Object.entries(labels)
        .map(([k, v]) => `${k} ${v}`)
        .join(", ");
}

export function resultKey(r: Pick<ResultFacts, "name" | "labels">): string {
    return JSON.stringify([r.name, Object.entries(r.labels).sort()]);
}

function number(text: string | undefined): number {
    return text !== undefined && /^\d+(\.\d+)?(e\d+)?$/.test(text) ? Number(text) : NaN;
}

/*
 * The label whose number the results stand against: `clients` where there is one, else the one with
 * the most different numbers; undefined when every result stands alone.
 */
export function axisLabel(runs: readonly RunFacts[]): string | undefined {
    const seen = new Map<string, Set<number>>();
    for (const r of runs.flatMap((run) => run.results))
        for (const [label, text] of Object.entries(r.labels)) {
            const v = number(text);
            if (!(v > 0)) continue;
            seen.set(label, (seen.get(label) ?? new Set()).add(v));
        }
    const many = [...seen].filter(([, values]) => values.size > 1);
    if (many.some(([label]) => label === "clients")) return "clients";
    return many.sort((a, b) => b[1].size - a[1].size)[0]?.[0];
}

export interface Curve<R> {
    run: R;
    points: { x: number; result: ResultFacts }[]; // by rising x
}

export interface Figure<R> {
    name: string; // of the result, with what else its labels say
    unit: string;
    curves: Curve<R>[]; // newest run first
}

/* What a label beside that of the axis says belongs to the name. */
function nameWith(r: ResultFacts, axis: string | undefined): string {
    const others = Object.fromEntries(Object.entries(r.labels).filter(([k]) => k !== axis));
    const text = labelsText(others);
    return text ? `${r.name}, ${text}` : r.name;
}

/*
 * One figure a result name, one curve a run. Left out are names with a single point in every run,
 * those that are not judged and those that are zero everywhere: they are in the table.
 */
export function figuresOf<R extends RunFacts>(
    newestFirst: readonly R[],
    axis: string,
): Figure<R>[] {
    const figures = new Map<string, Figure<R>>();
    for (const run of newestFirst)
        for (const result of run.results) {
            const x = number(result.labels[axis]);
            if (!(x > 0) || !result.judged) continue;
            const name = nameWith(result, axis);
            const f = figures.get(name) ?? { name, unit: result.unit, curves: [] };
            figures.set(name, f);
            if (f.curves.at(-1)?.run !== run) f.curves.push({ run, points: [] });
            f.curves.at(-1)!.points.push({ x, result });
        }
    for (const f of figures.values())
        for (const c of f.curves) c.points.sort((a, b) => a.x - b.x);
    return [...figures.values()].filter(
        (f) =>
            f.curves.some((c) => c.points.length > 1) &&
            f.curves.some((c) => c.points.some((p) => p.result.value !== 0)),
    );
}

export interface History<R> {
    name: string;
    unit: string;
    at: number; // place on the axis that the values are of; NaN: none
    points: { run: R; result: ResultFacts }[]; // oldest first
}

/* The same result in every run that is over: of those along an axis the one farthest out. */
export function historiesOf<R extends RunFacts>(
    newestFirst: readonly R[],
    axis: string | undefined,
): History<R>[] {
    const histories = new Map<string, History<R>[]>();
    for (const run of [...newestFirst].reverse()) {
        if (run.state !== "done") continue;
        for (const result of run.results) {
            if (!result.judged) continue;
            const name = nameWith(result, axis);
            const at = axis === undefined ? NaN : number(result.labels[axis]);
            const list = histories.get(name) ?? [];
            histories.set(name, list);
            let h = list.find((o) => Object.is(o.at, at));
            if (!h) list.push((h = { name, unit: result.unit, at, points: [] }));
            h.points.push({ run, result });
        }
    }
    /* Farthest out among those that most runs have. */
    const told = [...histories.values()].filter((list) =>
        list.some((h) => h.points.some((p) => p.result.value !== 0)),
    );
    return told.map((list) => {
        const most = Math.max(...list.map((h) => h.points.length));
        const full = list.filter((h) => h.points.length === most);
        return full.sort((a, b) => (b.at || 0) - (a.at || 0))[0]!;
    });
}

export type ResultVerdict = "regressed" | "improved" | "unchanged" | "not_enough_data";

/* Against the run before, by the thresholds of the command line. */
export function resultVerdict(now: ResultFacts, before: ResultFacts | undefined): ResultVerdict {
    if (!before || !(before.value > 0)) return "not_enough_data";
    const part = now.value / before.value - 1;
    const worse = now.better === "lower" ? part : -part;
    const threshold = THRESHOLDS[now.kind];
    if (threshold === undefined || !now.judged) return "unchanged";
    if (worse > threshold) return "regressed";
    return worse < -threshold ? "improved" : "unchanged";
}

/* The newest run before this one that it can be held against: over, and measured the same way. */
export function runBefore<R extends RunFacts>(newestFirst: readonly R[], run: R): R | undefined {
    const way = (r: R) => JSON.stringify([r.subject, Object.entries(r.settings).sort()]);
    return newestFirst.find(
        (o) => o.state === "done" && o.t < run.t && o.id !== run.id && way(o) === way(run),
    );
}

/* One more state of a run in a list, newest first. */
export function withRun<R extends RunFacts>(list: readonly R[], run: R, most: number): R[] {
    return [run, ...list.filter((o) => o.id !== run.id)].sort((a, b) => b.t - a.t).slice(0, most);
}

export function resultText(value: number, unit: string): string {
    return valueText(value, unit, "bytes");
}
