/*
 * The rule over the last day, before it is saved: how often would it have fired, and when? The chart
 * is drawn from the server's answer, which holds the values as the rule sees them.
 */
import { computed, signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { Environment, useEnvironment, type ChartEnvironment } from "../charts/environment";
import {
    againstText,
    alertFlags,
    lastedText,
    momentText,
    splitSeries,
    type AlertFacts,
} from "../domain/alerts";
import { Grid } from "../domain/grid";
import { ruleBody } from "../domain/rule";
import type { BackTest } from "../store/alerts";
import { SeverityMark } from "../widgets/marks";
import { Moment } from "./moment";
import { usePage } from "./context";
import { limitsOf, ruleChart, shownUnit } from "./rule-chart";
import type { Draft } from "./rule-fields";

const POINTS = 600;
const LISTED_MOST = 20;
const CLOSER_LOOKS = 2; // where most of the day was not measured
const STEPS_MOST = 20_000;

interface BackTestProps {
    draft: Draft;
    tell(error: string, field: string): void;
}

export function BackTestView({ draft, tell }: BackTestProps) {
    const { session } = usePage();
    const result = useSignal<BackTest | undefined>(undefined);
    const testedAs = useSignal("");
    const busy = useSignal(false);
    const since = useSignal<number | undefined>(undefined);
    const run = async () => {
        if (busy.value) return;
        busy.value = true;
        const body = ruleBody(draft.form.value);
        if (!body["name"]) body["name"] = "new";
        const asked = JSON.stringify(ruleBody(draft.form.value));
        let answer = await session.alerts.testRule(body, POINTS);
        since.value = undefined;
        for (let look = 0; answer.ok && look < CLOSER_LOOKS; look++) {
            const known = knownSince(answer.value);
            if (known === undefined) break;
            const closer = await session.alerts.testRule(body, POINTS, known);
            if (!closer.ok) break;
            answer = closer;
            since.value = firstOf(closer.value);
        }
        busy.value = false;
        if (!answer.ok) {
            tell(answer.error, answer.field ?? "");
            return;
        }
        draft.errors.value = {};
        testedAs.value = asked;
        result.value = answer.value;
    };
    const old = result.value && testedAs.value !== JSON.stringify(ruleBody(draft.form.value));
    return (
        <section class="group" aria-labelledby="backtest-title">
            <h2 id="backtest-title" class="editor-title">
                What it would have said
            </h2>
            <p class="editor-actions">
                <button
                    type="button"
                    class="button"
                    aria-disabled={busy.value ? "true" : undefined}
                    onClick={() => void run()}
                >
                    Try it on the last 24 hours
                </button>
                <span role="status" class="line-note">
                    {busy.value ? "Reading history…" : old ? "The rule was changed since." : ""}
                </span>
            </p>
            {result.value ? (
                <Result
                    key={testedAs.value}
                    test={result.value}
                    since={since.value}
                    draft={draft}
                />
            ) : (
                <p class="table-empty">
                    Nothing is saved or sent by this: the rule is run over what was measured.
                </p>
            )}
        </section>
    );
}

/* When the first of it was measured. */
function firstOf({ series }: BackTest): number | undefined {
    let first = Infinity;
    for (const s of series) {
        const i = s.value.findIndex((v) => !Number.isNaN(v));
        if (i >= 0) first = Math.min(first, s.times[i]!);
    }
    return first === Infinity ? undefined : first;
}

/* The same, if it is in the later half: then half of the picture would be empty. */
function knownSince(test: BackTest): number | undefined {
    const { fromMs, toMs, stepMs } = test;
    const first = firstOf(test);
    if (first === undefined || first < (fromMs + toMs) / 2) return undefined;
    return Math.min(first, toMs - 2 * stepMs);
}

interface ResultProps {
    test: BackTest;
    since: number | undefined; // most of the day was not measured, but from here on
    draft: Draft;
}

function Result({ test, since, draft }: ResultProps) {
    const fired = test.alerts.map((a) => a.series);
    const first = test.series.find((s) => fired.includes(s.series)) ?? test.series[0];
    const chosen = useSignal(first?.series ?? "");
    const now = Date.now();
    const listed = test.alerts.slice(0, LISTED_MOST);
    const { preferences } = usePage();
    return (
        <>
            <p class="backtest-sentence" data-fired={test.fired}>
                <strong>{firedWords(test.fired)}</strong>{" "}
                {since !== undefined && `Nothing was measured before ${momentText(since, now)}. `}
                {test.truncated && "There is more history or more series than was read."}
                {test.series.length === 0 && "No series of it was measured."}
            </p>
            {test.series.length > 1 && (
                <label class="editor-series">
                    Series{" "}
                    <select
                        value={chosen.value}
                        onChange={(e) => (chosen.value = e.currentTarget.value)}
                    >
                        {test.series.map((s) => (
                            <option key={s.series} value={s.series}>
                                {s.series}
                            </option>
                        ))}
                    </select>
                </label>
            )}
            <TestChart
                key={chosen.value}
                test={test}
                title={since === undefined ? "The last 24 hours" : "What was measured"}
                series={chosen.value}
                draft={draft}
            />
            {listed.length > 0 && (
                <ol class="lines backtest-list">
                    {listed.map((a, i) => (
                        <li key={i}>
                            <SeverityMark severity={a.severity} />
                            <span>
                                <Moment ms={a.startedMs ?? a.changedMs} now={now} />{" "}
                                <span class="quiet">
                                    {a.severity}
                                    {lastedText(a) && `, for ${lastedText(a)}`}
                                </span>
                            </span>
                            <button
                                type="button"
                                class="link"
                                onClick={() => (chosen.value = a.series)}
                            >
                                {a.series}
                            </button>
                            <span class="line-note">
                                {againstText(asRatio(a, draft), preferences.bytesAs.value)}
                            </span>
                        </li>
                    ))}
                </ol>
            )}
            {test.fired > listed.length && (
                <p class="line-note">{test.fired - listed.length} more are not listed.</p>
            )}
        </>
    );
}

/* A share has no unit of its own. */
function asRatio<T extends AlertFacts>(a: T, draft: Draft): T {
    return draft.form.peek().per && a.unit === "" ? { ...a, unit: "ratio" } : a;
}

function firedWords(n: number): string {
    if (n === 0) return "It would not have fired in the last 24 hours.";
    return `It would have fired ${n === 1 ? "once" : `${n} times`} in the last 24 hours.`;
}

interface TestChartProps {
    test: BackTest;
    title: string;
    series: string;
    draft: Draft;
}

function TestChart({ test, title, series, draft }: TestChartProps) {
    const { session } = usePage();
    const outer = useEnvironment();
    const limits = useMemo(() => {
        const tested = limitsOf(draft.form.peek());
        return computed(() => tested);
    }, [draft, test]);
    const { environment, spec } = useMemo(() => {
        const per = draft.form.peek().per;
        const alerts = test.alerts.filter((a) => a.series === series);
        const unit = unitOf(test, series, per, session.alerts.metrics.state.peek().value ?? []);
        return {
            environment: environmentOf(test, series, alertFlags(alerts), outer),
            spec: ruleChart("backtest", title, { text: series, unit }, ""),
        };
    }, [test, series, draft, outer]);
    return (
        <Environment.Provider value={environment}>
            <div class="charts">
                <Chart
                    spec={spec}
                    size="large"
                    limits={limits}
                    empty="Nothing was measured in this time."
                />
            </div>
        </Environment.Provider>
    );
}

interface Measured {
    name: string;
    unit: string;
    kind: string;
}

/* As its alerts or the answer say, else as series of this name are measured now. */
function unitOf(
    test: BackTest,
    series: string,
    per: string,
    measured: readonly Measured[],
): string {
    const said = test.alerts.find((a) => a.series === series)?.unit;
    if (said) return said;
    if (per) return "ratio";
    const { name } = splitSeries(series);
    const like = measured.find((s) => s.name === name);
    return like ? shownUnit(like) : (test.series.find((s) => s.series === series)?.unit ?? "");
}

function environmentOf(
    test: BackTest,
    series: string,
    flags: ReturnType<typeof alertFlags>,
    outer: ChartEnvironment,
): ChartEnvironment {
    const { fromMs, toMs, stepMs } = test;
    const steps = (toMs - fromMs) / stepMs;
    const span = Math.min(Math.max(steps, 1), STEPS_MOST) * stepMs + stepMs;
    const grids = [0, 1, 2].map(() => new Grid(stepMs, span, fromMs));
    const [value, mean, sigma] = grids as [Grid, Grid, Grid];
    const scored = test.series.find((s) => s.series === series);
    if (scored) {
        value.fill(1, scored.times, scored.value, stepMs);
        mean.fill(1, scored.times, scored.mean, stepMs);
        sigma.fill(1, scored.times, scored.sigma, stepMs);
    }
    const { name, labels } = splitSeries(series);
    return {
        ...outer,
        source: {
            grid: value,
            series: new Map([[1, { id: 1, name, labels, method: "" }]]),
            seriesVersion: 1,
            bounds: { fromMs, toMs },
            loading: false,
            unread: false,
        },
        painted: signal(0),
        state: signal("paused" as const),
        flags: signal(flags),
        bands: { mean, sigma, sigmas: outer.bands.sigmas },
    };
}
