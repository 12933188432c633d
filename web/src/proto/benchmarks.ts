/* Runs of `netsonde bench`: /api/v1/benchmarks and the channel `benchmark`. */
import { asArray, asNumber, asObject, asText, asTexts } from "../base/json";
import { fail, ok, type Result } from "../base/result";

export interface BenchResult {
    name: string;
    labels: Record<string, string>;
    value: number;
    unit: string;
    kind: string;
    better: "lower" | "higher";
    judged: boolean; // false: told, but never called worse, such as a largest time
}

export interface BenchRun {
    id: string;
    subject: string;
    t: number;
    version: string;
    machine: Record<string, string>; // as it is told: cpu, cores, memory_bytes, kernel …
    settings: Record<string, string>;
    state: "running" | "done" | "failed";
    progress: number; // 0 to 1
    results: BenchResult[];
}

const RESULTS_MOST = 5_000;

/* Numbers and words as words; what is neither is left out. */
function words(v: unknown): Record<string, string> {
    const out = Object.create(null) as Record<string, string>;
    for (const [key, value] of Object.entries(asObject(v) ?? {}))
        if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
            out[key] = String(value);
        else if (Array.isArray(value)) out[key] = value.map(String).join(" ");
    return out;
}

function parseResult(v: unknown): BenchResult | undefined {
    const o = asObject(v);
    const name = asText(o?.["name"]);
    const value = asNumber(o?.["value"]);
    if (!o || name === "" || value === undefined) return undefined;
    return {
        name,
        labels: asTexts(o["labels"]),
        value,
        unit: asText(o["unit"]),
        kind: asText(o["kind"]),
        better: o["better"] === "higher" ? "higher" : "lower",
        judged: o["judged"] !== false,
    };
}

export function parseRun(v: unknown): Result<BenchRun> {
    const o = asObject(v);
    const id = asText(o?.["id"]);
    const t = asNumber(o?.["t"]);
    if (!o || id === "" || t === undefined) return fail("a benchmark without id or t");
    const state = o["state"];
    return ok({
        id,
        subject: asText(o["subject"]),
        t,
        version: asText(o["version"]),
        machine: words(o["machine"]),
        settings: words(o["settings"]),
        state: state === "running" || state === "failed" ? state : "done",
        progress: Math.min(1, Math.max(0, asNumber(o["progress"]) ?? 0)),
        results: asArray(o["results"])
            .slice(0, RESULTS_MOST)
            .map(parseResult)
            .filter((r) => r !== undefined),
    });
}

export function parseRuns(v: unknown): Result<BenchRun[]> {
    const o = asObject(v);
    if (!o || !Array.isArray(o["benchmarks"])) return fail("the answer lacks benchmarks");
    return ok(
        asArray(o["benchmarks"]).flatMap((b) => {
            const run = parseRun(b);
            return run.ok ? [run.value] : [];
        }),
    );
}
