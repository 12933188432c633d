/*
 * What `netsonde bench --publish` has measured: a run while it lasts, its results against the number
 * of clients with the runs before it behind, run by run over time, and in figures against the run
 * before. `?bench=SUBJECT&run=ID` chooses.
 */
import { useComputed, useSignal } from "@preact/signals";
import { XyChart } from "../charts/xy-chart";
import {
    axisLabel,
    labelsText,
    resultKey,
    resultText,
    resultVerdict,
    runBefore,
    withRun,
} from "../domain/benchmarks";
import { barShare } from "../domain/baselines";
import { durationText, NO_VALUE, quantity, text } from "../domain/units";
import type { BenchResult, BenchRun, PerformanceStore } from "../store/performance";
import { ChangeBar } from "../widgets/change-bar";
import { VerdictMark, WarningMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { Segmented } from "../widgets/segmented";
import { Skeleton } from "../widgets/skeleton";
import { TableHeads } from "../widgets/table-heads";
import { momentCell } from "./alert-files";
import { figureSpecs, historySpecs, runName } from "./benchmark-charts";
import { usePage } from "./context";
import { Moment } from "./moment";
import { SaveTable, type MadeTable } from "./save-table";

const RUNS_MOST = 200;
const LISTED_MOST = 20;
const ROWS_MOST = 24; // of results, until all are wanted

export function Benchmarks({ store }: { store: PerformanceStore }) {
    const { location } = usePage();
    const now = useNow(10_000);
    const { value, error, loading } = store.runs.state.value;
    const all = useComputed(() => {
        let list = [...(store.runs.state.value.value ?? [])].sort((a, b) => b.t - a.t);
        for (const run of store.told.value) list = withRun(list, run, RUNS_MOST);
        return list;
    });
    const subjects = [...new Set(all.value.map((r) => r.subject))].sort();
    const { query } = location.place.value;
    const asked = query.get("bench");
    const subject = asked && subjects.includes(asked) ? asked : all.value[0]?.subject;
    const runs = all.value.filter((r) => r.subject === subject);
    const shown = runs.find((r) => r.id === query.get("run")) ?? runs[0];
    return (
        <section class="group benchmarks" aria-labelledby="benchmarks-title">
            <div class="table-head">
                <h2 id="benchmarks-title">
                    Benchmarks <span class="count">{all.value.length || ""}</span>
                </h2>
                {subjects.length > 1 && (
                    <Segmented
                        label="Subject"
                        choices={subjects.map((s) => ({ value: s, short: s, name: s }))}
                        value={subject}
                        onChoose={(s) => {
                            location.setQuery("run", "");
                            location.setQuery("bench", s);
                        }}
                    />
                )}
            </div>
            {error && <p class="table-empty">Benchmarks could not be read: {error}.</p>}
            {loading && !value && all.value.length === 0 && <Skeleton rows={3} what="benchmarks" />}
            {value && all.value.length === 0 && (
                <p class="table-empty" data-empty="benchmarks">
                    No benchmark was kept here yet. <code>netsonde bench fanout --publish</code> runs one
                    and shows it here while it runs.
                </p>
            )}
            {all.value
                .filter((r) => r.state === "running")
                .map((r) => (
                    <Running key={r.id} run={r} now={now} />
                ))}
            {shown && <Figures runs={runs} shown={shown} now={now} />}
            {shown && <Results run={shown} before={runBefore(runs, shown)} now={now} />}
            {runs.length > 0 && <RunList runs={runs} shown={shown} now={now} />}
        </section>
    );
}

function Running({ run, now }: { run: BenchRun; now: number }) {
    const percent = Math.round(run.progress * 100);
    return (
        <div class="bench-running" data-run={run.id} data-state="running">
            <p>
                <strong>{run.subject}</strong> is running: {percent} %
                <span class="quiet">
                    {" "}
                    since {durationText(now - run.t)}, {run.results.length} results so far
                </span>
            </p>
            <progress max={100} value={percent} aria-label={`Progress of ${run.subject}`} />
        </div>
    );
}

interface FiguresProps {
    runs: readonly BenchRun[];
    shown: BenchRun;
    now: number;
}

/* The shown run on top, those before it behind. */
function Figures({ runs, shown, now }: FiguresProps) {
    const { location } = usePage();
    const axis = axisLabel(runs);
    const behind = runs.filter((r) => r.t <= shown.t);
    const against = axis === undefined ? [] : figureSpecs(behind, axis, now);
    const overTime = historySpecs(runs, axis, now);
    if (against.length + overTime.length === 0) return null;
    const open = (id: string) => location.setQuery("run", id);
    return (
        <div class="charts">
            {against.map((spec) => (
                <XyChart
                    key={spec.key}
                    spec={spec}
                    size={sizeFor(against.length)}
                    state={shown.state === "running" ? "live" : undefined}
                    empty="No results yet."
                />
            ))}
            {overTime.map((spec) => (
                <XyChart
                    key={spec.key}
                    spec={spec}
                    size={sizeFor(overTime.length)}
                    empty="No results yet."
                    onOpen={open}
                />
            ))}
        </div>
    );
}

/* Whole rows, where that can be. */
function sizeFor(count: number): "large" | "half" | "third" {
    if (count === 1) return "large";
    return count < 5 && count !== 3 ? "half" : "third";
}

interface ResultsProps {
    run: BenchRun;
    before: BenchRun | undefined;
    now: number;
}

function Results({ run, before, now }: ResultsProps) {
    const known = new Map(before?.results.map((r) => [resultKey(r), r]));
    const all = useSignal(false);
    const rows = run.results.map((r) => ({ r, was: known.get(resultKey(r)) }));
    const notable = rows.filter(({ r, was }) =>
        ["regressed", "improved"].includes(resultVerdict(r, was)),
    );
    const some = notable.length > 0 ? notable : rows;
    const shown = all.value || rows.length <= ROWS_MOST ? rows : some.slice(0, ROWS_MOST);
    const title = `${run.subject}, ${runName(run, now)}`;
    if (rows.length === 0) return null;
    return (
        <>
            <div class="table-head bench-head">
                <h3>
                    Results <span class="quiet">{title}</span>
                </h3>
                <SaveTable table={resultsFile(run, rows)} />
            </div>
            <table class="lines bench-results" role="table" aria-label={`Results of ${title}`}>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">
                            Result
                        </th>
                        <th role="columnheader" scope="col">
                            Of
                        </th>
                        <th role="columnheader" scope="col" class="number-cell">
                            {before ? `Before, ${runName(before, now)}` : "Before"}
                        </th>
                        <th role="columnheader" scope="col" class="number-cell">
                            Now
                        </th>
                        <th role="columnheader" scope="col" class="number-cell">
                            Change
                        </th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {shown.map(({ r, was }) => (
                        <ResultRow key={resultKey(r)} r={r} was={was} />
                    ))}
                </tbody>
            </table>
            {rows.length > ROWS_MOST && (
                <button
                    type="button"
                    class="button"
                    aria-expanded={all.value}
                    onClick={() => (all.value = !all.value)}
                >
                    {all.value
                        ? "Show what matters"
                        : `Show all ${rows.length} results` +
                          (notable.length > 0 ? "; these differ from the run before" : "")}
                </button>
            )}
        </>
    );
}

function ResultRow({ r, was }: { r: BenchResult; was: BenchResult | undefined }) {
    const verdict = resultVerdict(r, was);
    const pct = was && was.value !== 0 ? (r.value / was.value - 1) * 100 : NaN;
    const change = {
        ...{ name: r.name, labels: r.labels, unit: r.unit, kind: "", direction: "neither" as const },
        ...{ verdict, changePct: pct, before: { mean: was?.value ?? NaN }, after: { mean: r.value } },
    };
    const sign = pct > 0 ? "+" : pct < 0 ? "\u2212" : "";
    return (
        <tr role="row" data-result={r.name} data-verdict={verdict}>
            <th role="rowheader" scope="row">
                {verdict === "not_enough_data" ? null : <VerdictMark verdict={verdict} />} {r.name}
            </th>
            <td role="cell" data-title="Of">
                {labelsText(r.labels)}
            </td>
            <td role="cell" class="number-cell" data-title="Before">
                {was ? resultText(was.value, was.unit) : NO_VALUE}
            </td>
            <td role="cell" class="number-cell" data-title="Now">
                {resultText(r.value, r.unit)}
            </td>
            <td role="cell" class="number-cell col-change" data-title="Change">
                <ChangeBar share={barShare(change)} tone={verdict} />
                <span class="change-text">
                    {Number.isNaN(pct) ? NO_VALUE : `${sign}${Math.abs(pct).toFixed(1)}\u2009%`}
                </span>
            </td>
        </tr>
    );
}

const STATES = { running: "running", done: "done", failed: "failed" };

interface RunListProps {
    runs: readonly BenchRun[];
    shown: BenchRun | undefined;
    now: number;
}

function RunList({ runs, shown, now }: RunListProps) {
    const { location } = usePage();
    return (
        <>
            <div class="table-head bench-head">
                <h3>Runs</h3>
                <SaveTable table={runsFile(runs)} />
            </div>
            <table class="lines bench-runs" role="table" aria-label="Runs">
                <TableHeads heads={["When", "Version", "State", "Machine", "Settings", "Results"]} />
                <tbody role="rowgroup">
                    {runs.slice(0, LISTED_MOST).map((r) => (
                        <tr
                            key={r.id}
                            role="row"
                            data-run={r.id}
                            class={r === shown ? "chosen" : undefined}
                        >
                            <th role="rowheader" scope="row">
                                <a
                                    href={location.href("performance", {
                                        bench: r.subject,
                                        run: r.id,
                                    })}
                                    aria-current={r === shown ? "true" : undefined}
                                >
                                    <Moment ms={r.t} now={now} />
                                </a>
                            </th>
                            <td role="cell" data-title="Version">
                                {r.version || NO_VALUE}
                            </td>
                            <td role="cell" data-title="State">
                                {r.state === "failed" && <WarningMark />} {STATES[r.state]}
                                {r.state === "running" && ` ${Math.round(r.progress * 100)} %`}
                            </td>
                            <td role="cell" data-title="Machine">
                                {machineText(r.machine)}
                            </td>
                            <td role="cell" data-title="Settings">
                                {labelsText(r.settings) || NO_VALUE}
                            </td>
                            <td role="cell" data-title="Results">
                                {r.results.length}
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
            {runs.length > LISTED_MOST && (
                <p class="table-empty">{runs.length - LISTED_MOST} older runs are in the charts only.</p>
            )}
        </>
    );
}

/* AMD EPYC 7B13, 2 cores, 8.59 GB, 6.1.0, Debian 12, kvm */
export function machineText(m: Readonly<Record<string, string>>): string {
    const { cpu, cores, memory_bytes: memory, ...others } = m;
    const said = (v: string | undefined) => v !== undefined && v !== "" && v !== "unknown" && v;
    return (
        [
            said(cpu),
            said(cores) && `${cores} ${cores === "1" ? "core" : "cores"}`,
            said(memory) && text(quantity(Number(memory), "bytes", "bytes")),
            ...Object.values(others).map(said),
        ]
            .filter(Boolean)
            .join(", ") || NO_VALUE
    );
}

function resultsFile(
    run: BenchRun,
    rows: readonly { r: BenchResult; was: BenchResult | undefined }[],
): MadeTable {
    return {
        what: `Results of ${run.id}`,
        key: run.id,
        columns: ["name", "labels", "unit", "kind", "better", "value", "before", "verdict"],
        rows: () =>
            rows.map(({ r, was }) => [
                ...[r.name, labelsText(r.labels), r.unit, r.kind, r.better, r.value],
                ...[was?.value ?? null, resultVerdict(r, was)],
            ]),
    };
}

function runsFile(runs: readonly BenchRun[]): MadeTable {
    return {
        what: "Runs",
        key: "benchmark-runs",
        columns: ["id", "subject", "time", "version", "state", "machine", "settings", "results"],
        rows: () =>
            runs.map((r) => [
                ...[r.id, r.subject, momentCell(r.t), r.version, r.state],
                ...[machineText(r.machine), labelsText(r.settings), r.results.length],
            ]),
    };
}
